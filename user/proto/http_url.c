/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of request targets and of the headers that name hosts. */
#include "proto/http_url.h"

static void split_path(struct bytes b, struct http_target *t)
{
	const u8 *p = b.p;

	/* A fragment is never sent; what stands behind a # is not the path's. */
	while (p < b.end && *p != '?' && *p != '#')
		p++;
	t->path = (struct bytes){b.p, p};
	if (p == b.end || *p == '#')
		return;
	t->has_query = true;
	t->query.p = ++p;
	while (p < b.end && *p != '#')
		p++;
	t->query.end = p;
}

/* scheme "://" of RFC 3986 §3.1. */
static bool split_scheme(struct bytes *b, struct bytes *scheme)
{
	const u8 *p = b->p;
	u8 c = b->p < b->end ? ascii_lower(*p) : 0;

	if (c < 'a' || c > 'z')
		return false;
	while (p < b->end && (((c = ascii_lower(*p)) >= 'a' && c <= 'z') ||
			      (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))
		p++;
	if (!bytes_starts((struct bytes){p, b->end}, "://"))
		return false;
	*scheme = (struct bytes){b->p, p};
	b->p = p + 3;
	return true;
}

void http_target_parse(struct bytes target, bool connect, struct http_target *out)
{
	struct http_target t = {0};
	const u8 *p;

	if (connect) {
		t.form = TARGET_AUTHORITY;
		t.authority = target;
	} else if (bytes_is(target, "*")) {
		t.form = TARGET_ASTERISK;
		t.path = target;
	} else if (split_scheme(&target, &t.scheme)) {
		t.form = TARGET_ABSOLUTE;
		for (p = target.p; p < target.end && *p != '/' && *p != '?' && *p != '#';)
			p++;
		t.authority = (struct bytes){target.p, p};
		split_path((struct bytes){p, target.end}, &t);
		if (bytes_empty(t.path))
			t.path = bytes_str("/");
	} else {
		split_path(target, &t);
	}
	*out = t;
}

static unsigned port_number(struct bytes b)
{
	u64 n;

	return bytes_decimal(b, &n) || n > 65535 ? 0 : (unsigned)n;
}

void http_authority_parse(struct bytes authority, struct http_authority *out)
{
	struct http_authority a = {0};
	struct bytes b = bytes_trim(authority), rest = b;
	const u8 *p;

	/* The last @ ends the credentials: they may hold an unencoded one. */
	for (p = b.end; p > b.p; p--) {
		if (p[-1] != '@')
			continue;
		a.has_user = true;
		b.p = p;
		break;
	}
	a.host_port = b;
	if (!bytes_empty(b) && *b.p == '[') {
		rest = (struct bytes){b.p + 1, b.end};
		if (bytes_until(&rest, ']', &a.host))
			a.host = (struct bytes){0};
		else if (!bytes_empty(rest) && *rest.p == ':')
			a.port = port_number((struct bytes){rest.p + 1, rest.end});
	} else {
		rest = b;
		if (bytes_until(&rest, ':', &a.host))
			a.host = b;
		else
			a.port = port_number(rest);
	}
	*out = a;
}

/* Takes a token or a quoted string; the cursor is left behind it. */
static struct bytes forwarded_value(struct bytes *b)
{
	struct bytes v = {b->p, b->p};

	if (bytes_peek(*b) == '"') {
		b->p++;
		if (bytes_until(b, '"', &v)) {
			v = *b;
			b->p = b->end;
		}
		return v;
	}
	while (!bytes_empty(*b) && *b->p != ';' && *b->p != ',')
		b->p++;
	v.end = b->p;
	return bytes_trim(v);
}

void http_forwarded_parse(struct bytes value, struct http_forwarded *out)
{
	struct http_forwarded f = {0};

	while (!bytes_empty(value) && *value.p != ',') {
		struct bytes name = {value.p, value.p}, v;

		while (!bytes_empty(value) && !strchr("=;,", *value.p))
			value.p++;
		name = bytes_trim((struct bytes){name.p, value.p});
		if (bytes_peek(value) == '=') {
			value.p++;
			v = forwarded_value(&value);
			if (bytes_is_nocase(name, "for"))
				f.client = v;
			else if (bytes_is_nocase(name, "host"))
				f.host = v;
			else if (bytes_is_nocase(name, "proto"))
				f.proto = v;
		}
		while (!bytes_empty(value) && *value.p != ';' && *value.p != ',')
			value.p++;
		if (bytes_peek(value) == ';')
			value.p++;
	}
	*out = f;
}

struct bytes http_list_first(struct bytes list)
{
	struct bytes first;

	if (bytes_until(&list, ',', &first))
		first = list;
	return bytes_trim(first);
}

struct bytes http_node_address(struct bytes node)
{
	struct http_authority a;
	size_t colons = 0;

	node = bytes_trim(node);
	if (bytes_len(node) > 1 && *node.p == '"' && node.end[-1] == '"')
		node = (struct bytes){node.p + 1, node.end - 1};
	if (bytes_is_nocase(node, "unknown"))
		return (struct bytes){0};
	for (const u8 *p = node.p; p < node.end; p++)
		colons += *p == ':';
	/* An IPv6 address without brackets has no port. */
	if (colons > 1 && *node.p != '[')
		return node;
	http_authority_parse(node, &a);
	return a.host;
}
