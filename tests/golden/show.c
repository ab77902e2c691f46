/* SPDX-License-Identifier: Apache-2.0 */
/* A span as the text of a golden case's expectation. */
#include "show.h"

#include <stdlib.h>

static const char *const kinds[] = {"?", "INTERNAL", "SERVER", "CLIENT"};

static void add_hex(struct buf *b, const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%02x", p[i]);
}

static void add_text(struct buf *b, struct bytes text)
{
	for (; text.p < text.end; text.p++) {
		if (*text.p >= 0x20 && *text.p != 0x7f && *text.p != '\\')
			buf_u8(b, *text.p);
		else
			buf_printf(b, "\\x%02x", *text.p);
	}
}

static int by_key(const void *a, const void *b)
{
	const struct span_attr *x = *(const struct span_attr *const *)a;
	const struct span_attr *y = *(const struct span_attr *const *)b;

	return strcmp(x->key, y->key);
}

/*
 * What nearly every span says is shown only when it says something else: the conversation is
 * HTTP/1.1 between 10.0.0.1:40000 and 10.0.0.2:8080 over plain TCP.
 */
static const struct {
	enum span_attr_id id;
	const char *server, *client;
	s64 number;
} usual[] = {
	{ATTR_CLIENT_ADDRESS, "10.0.0.1", NULL, 0}, {ATTR_PEER_ADDRESS, "10.0.0.1", "10.0.0.2", 0},
	{ATTR_PROTOCOL_VERSION, "1.1", "1.1", 0},   {ATTR_ROUTE_SOURCE, "guess", NULL, 0},
	{ATTR_URL_SCHEME, "http", NULL, 0},	    {ATTR_READ_WAIT, NULL, NULL, 200000},
};

static bool is_usual(const struct span *s, const struct span_attr *a)
{
	for (size_t i = 0; i < array_size(usual); i++) {
		const char *want = s->kind == SPAN_SERVER ? usual[i].server : usual[i].client;

		if (a->key != semconv_names[usual[i].id])
			continue;
		if (a->type == ATTR_INT)
			return a->number == usual[i].number;
		return want && bytes_is(span_get_text(s, usual[i].id), want);
	}
	return a->key == semconv_names[ATTR_PEER_PORT] &&
	       a->number == (s->kind == SPAN_SERVER ? 40000 : 8080);
}

/* … and shown as missing where it is. */
static void add_missing(struct buf *b, const struct span *s)
{
	for (size_t i = 0; i < array_size(usual); i++) {
		bool due = s->kind == SPAN_SERVER ? usual[i].server || usual[i].number
						  : usual[i].client != NULL;

		if (usual[i].id == ATTR_ROUTE_SOURCE)
			due = due && span_find(s, ATTR_HTTP_ROUTE);
		if (due && !span_find(s, usual[i].id))
			buf_printf(b, "  %s is missing\n", semconv_names[usual[i].id]);
	}
}

static void add_attr(struct buf *b, const struct span *s, const struct span_attr *a)
{
	struct bytes item;

	buf_printf(b, "  %s:", a->key);
	if (a->type == ATTR_INT) {
		buf_printf(b, " %lld", (long long)a->number);
	} else if (a->type == ATTR_TEXT && a->len > 200) {
		buf_u8(b, ' ');
		add_text(b, bytes_of(s->arena.data + a->at, 40));
		buf_printf(b, "… (%u bytes)", a->len);
	} else if (a->type == ATTR_TEXT) {
		buf_u8(b, ' ');
		add_text(b, bytes_of(s->arena.data + a->at, a->len));
	} else {
		for (u32 at = 0; !span_list_next(s, a, &at, &item);) {
			buf_str(b, " [");
			add_text(b, item);
			buf_u8(b, ']');
		}
	}
	buf_u8(b, '\n');
}

/* Parents are only shown where the message carried one: made-up ids differ from run to run. */
static void add_parent(struct buf *b, const struct span *s)
{
	if (!s->has_parent)
		return;
	buf_str(b, "  = parent ");
	add_hex(b, s->trace_id, 16);
	buf_u8(b, '-');
	add_hex(b, s->parent_id, 8);
	buf_printf(b, "-%02x%s\n", s->trace_flags, s->parent_remote ? "" : " local");
	if (!s->state_len)
		return;
	buf_str(b, "  = tracestate ");
	add_text(b, bytes_of(s->arena.data + s->state_at, s->state_len));
	buf_u8(b, '\n');
}

void show_span(struct buf *b, const struct span *s, bool all)
{
	const struct span_attr *sorted[SPAN_ATTRS_LIMIT];

	buf_printf(b, "%s ", kinds[s->kind <= SPAN_CLIENT ? s->kind : 0]);
	add_text(b, span_get_name(s));
	buf_printf(b, " | %.1f to %.1f ms%s\n", (double)s->start / MS - BASE_MS,
		   (double)s->end / MS - BASE_MS, s->status == STATUS_ERROR ? " | ERROR" : "");
	add_parent(b, s);
	for (u32 i = 0; i < s->attr_count; i++)
		sorted[i] = &s->attrs[i];
	qsort(sorted, s->attr_count, sizeof(*sorted), by_key);
	for (u32 i = 0; i < s->attr_count; i++)
		if (all || !is_usual(s, sorted[i]))
			add_attr(b, s, sorted[i]);
	add_missing(b, s);
}
