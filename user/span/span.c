/* SPDX-License-Identifier: Apache-2.0 */
/* A span: its attributes and the arena that holds their texts. */
#include "span/span.h"

#include <stdlib.h>

#include "span/utf8.h"
#include "util/stats.h"

/* What an HTTP span's texts usually need: one allocation then serves a span. */
enum {
	ARENA_FIRST = 512
};

struct span *span_new(void)
{
	struct span *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	/* attrs[] is only read below attr_count; clearing its kilobyte would cost every span. */
	memset(s, 0, offsetof(struct span, attrs));
	s->arena = (struct buf){0};
	if (!buf_room(&s->arena, ARENA_FIRST)) {
		free(s);
		return NULL;
	}
	return s;
}

void span_free(struct span *s)
{
	if (!s)
		return;
	resource_put(s->resource);
	buf_done(&s->arena);
	free(s);
}

/* A text of the span itself may be given back to it: it must survive the arena's move. */
static struct bytes keep_alias(struct span *s, struct bytes text)
{
	uintptr_t base = (uintptr_t)s->arena.data, p = (uintptr_t)text.p;
	size_t len = bytes_len(text);

	if (p < base || p - base >= s->arena.len)
		return text;
	if (!buf_room(&s->arena, 3 * len))
		return bytes_of(NULL, 0);
	return bytes_of(s->arena.data + (p - base), len);
}

/*
 * Puts text at the end of the arena. Positions are 32 bits; an arena that failed, or would outgrow
 * them, takes nothing any more and keeps what it has.
 */
static bool arena_add(struct span *s, struct bytes text, u32 *at, u32 *len)
{
	size_t before = s->arena.len;

	/* Repair makes a byte three at most. */
	if (bytes_len(text) > (UINT32_MAX - before) / 3)
		return false;
	text = keep_alias(s, text);
	utf8_add(&s->arena, text);
	if (s->arena.failed)
		return false;
	*at = (u32)before;
	*len = (u32)(s->arena.len - before);
	return true;
}

static void dropped(struct span *s)
{
	s->attrs_dropped++;
	stat_add(STAT_ATTRS_DROPPED, 1);
}

static struct span_attr *find_key(struct span *s, const char *key)
{
	for (u32 i = 0; i < s->attr_count; i++)
		if (s->attrs[i].key == key || !strcmp(s->attrs[i].key, key))
			return &s->attrs[i];
	return NULL;
}

/* Names of the conventions are compared by address: there is one copy of each. */
static struct span_attr *find_id(const struct span *s, enum span_attr_id id)
{
	const char *key = semconv_names[id];

	for (u32 i = 0; i < s->attr_count; i++)
		if (s->attrs[i].key == key)
			return (struct span_attr *)&s->attrs[i];
	return NULL;
}

static void put(struct span *s, struct span_attr *old, struct span_attr a)
{
	if (old)
		*old = a;
	else if (s->attr_count < SPAN_ATTRS_LIMIT)
		s->attrs[s->attr_count++] = a;
	else
		dropped(s);
}

void span_name(struct span *s, struct bytes text)
{
	u32 at, len;

	if (!arena_add(s, text, &at, &len))
		return;
	s->name_at = at;
	s->name_len = len;
}

void span_tracestate(struct span *s, struct bytes text)
{
	u32 at, len;

	if (!arena_add(s, text, &at, &len))
		return;
	s->state_at = at;
	s->state_len = len;
}

void span_text(struct span *s, enum span_attr_id id, struct bytes text)
{
	struct span_attr a = {.key = semconv_names[id], .type = ATTR_TEXT};
	struct span_attr *old = find_id(s, id);

	if (!old && s->attr_count == SPAN_ATTRS_LIMIT) {
		dropped(s);
		return;
	}
	if (arena_add(s, text, &a.at, &a.len))
		put(s, old, a);
	else
		dropped(s);
}

void span_int(struct span *s, enum span_attr_id id, s64 number)
{
	put(s, find_id(s, id),
	    (struct span_attr){.key = semconv_names[id], .type = ATTR_INT, .number = number});
}

static bool list_full(const struct span *s, const struct span_attr *a)
{
	struct bytes item;
	unsigned n = 0;

	for (u32 at = 0; !span_list_next(s, a, &at, &item);)
		n++;
	return n >= SPAN_LIST_LIMIT;
}

/*
 * A list is one piece of the arena. When something else was written behind it, it moves to the end
 * before it grows.
 */
static bool list_to_end(struct span *s, struct span_attr *a)
{
	u32 at = (u32)s->arena.len;
	u8 *to;

	if (a->at + a->len == at)
		return true;
	to = buf_room(&s->arena, a->len);
	if (!to)
		return false;
	memcpy(to, s->arena.data + a->at, a->len);
	s->arena.len += a->len;
	a->at = at;
	return true;
}

void span_list_add(struct span *s, const char *key, struct bytes item)
{
	struct span_attr a = {.key = key, .type = ATTR_LIST, .at = (u32)s->arena.len};
	struct span_attr *old = find_key(s, key);
	u32 zero = 0, at, len;

	if (old && old->type == ATTR_LIST)
		a = *old;
	if ((!old && s->attr_count == SPAN_ATTRS_LIMIT) || list_full(s, &a) ||
	    !list_to_end(s, &a)) {
		dropped(s);
		return;
	}
	buf_add(&s->arena, &zero, sizeof(zero));
	if (!arena_add(s, item, &at, &len)) {
		dropped(s);
		return;
	}
	memcpy(s->arena.data + at - sizeof(len), &len, sizeof(len));
	a.len = at + len - a.at;
	put(s, old, a);
}

int span_list_next(const struct span *s, const struct span_attr *a, u32 *at, struct bytes *out)
{
	u32 len;

	if (*at >= a->len)
		return -ENODATA;
	memcpy(&len, s->arena.data + a->at + *at, sizeof(len));
	*out = bytes_of(s->arena.data + a->at + *at + sizeof(len), len);
	*at += (u32)sizeof(len) + len;
	return 0;
}

void span_error(struct span *s, const char *type)
{
	s->status = STATUS_ERROR;
	span_text(s, ATTR_ERROR_TYPE, bytes_str(type));
}

const struct span_attr *span_find(const struct span *s, enum span_attr_id id)
{
	return find_id(s, id);
}

struct bytes span_get_text(const struct span *s, enum span_attr_id id)
{
	const struct span_attr *a = find_id(s, id);

	if (!a || a->type != ATTR_TEXT)
		return bytes_of(NULL, 0);
	return bytes_of(s->arena.data + a->at, a->len);
}

s64 span_get_int(const struct span *s, enum span_attr_id id, s64 otherwise)
{
	const struct span_attr *a = find_id(s, id);

	return a && a->type == ATTR_INT ? a->number : otherwise;
}

size_t span_size(const struct span *s)
{
	return sizeof(*s) + s->arena.cap;
}
