/* SPDX-License-Identifier: Apache-2.0 */
/* Guessing the template of a path: which segments are identifiers, judged by their letters. */
#include "proto/http_route.h"

/* What a run of characters consists of. */
struct shape {
	size_t len, digits, hex, upper, lower, other;
	size_t turns; /* changes between letter and digit */
};

static struct shape shape_of(struct bytes b)
{
	struct shape s = {.len = bytes_len(b)};
	int before = 0;

	for (; b.p < b.end; b.p++) {
		u8 c = *b.p;
		int kind = 0;

		if (c >= '0' && c <= '9') {
			s.digits++;
			s.hex++;
			kind = 1;
		} else if (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') {
			s.upper += c < 'a';
			s.lower += c >= 'a';
			s.hex += ascii_lower(c) <= 'f';
			kind = 2;
		} else {
			s.other++;
		}
		s.turns += kind && before && kind != before;
		before = kind;
	}
	return s;
}

/* 8-4-4-4-12 hexadecimal digits (RFC 9562 §4). */
static bool is_uuid(struct bytes b)
{
	if (bytes_len(b) != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? b.p[i] != '-' : !shape_of(bytes_of(b.p + i, 1)).hex)
			return false;
	}
	return true;
}

/* YYYY-MM-DD, alone or as the beginning of a time stamp (ISO 8601). */
static bool is_date(struct bytes b)
{
	static const char form[] = "dddd-dd-dd";

	if (bytes_len(b) < 10)
		return false;
	for (size_t i = 0; i < 10; i++)
		if (form[i] == 'd' ? b.p[i] < '0' || b.p[i] > '9' : b.p[i] != '-')
			return false;
	return bytes_len(b) == 10 || b.p[10] == 'T' || b.p[10] == '_';
}

/* v1, v2.1, 1.2.3: static; but four numbers are an IPv4 address. */
static bool is_version(struct bytes b)
{
	size_t dots = 0;
	bool v = !bytes_empty(b) && ascii_lower(*b.p) == 'v';

	bytes_skip(&b, v);
	if (bytes_empty(b) || *b.p < '0' || *b.p > '9' || bytes_len(b) > 16)
		return false;
	for (; b.p < b.end; b.p++) {
		dots += *b.p == '.';
		if (*b.p != '.' && (*b.p < '0' || *b.p > '9'))
			return false;
	}
	return v || dots == 1 || dots == 2;
}

/* A run of letters and digits only. */
static const char *classify_word(struct bytes b)
{
	struct shape s = shape_of(b);

	if (!s.digits)
		return s.hex == s.len && s.len >= 16 ? "{hash}" : NULL;
	if (s.digits == s.len)
		return "{id}";
	if (s.hex == s.len && s.len >= 8)
		return "{hash}";
	if (s.digits >= 4 || (s.digits >= 3 && s.turns >= 3) || (s.digits >= 2 && s.len >= 10))
		return "{id}";
	return NULL;
}

/* Words joined by - _ or ~: an identifier when one of them plainly is one. */
static const char *classify_joined(struct bytes b)
{
	while (!bytes_empty(b)) {
		struct bytes word = {b.p, b.p};
		struct shape s;

		while (!bytes_empty(b) && !strchr("-_~=+:", *b.p))
			b.p++;
		word.end = b.p;
		bytes_skip(&b, 1);
		s = shape_of(word);
		if (s.digits >= 3 && classify_word(word))
			return "{id}";
	}
	return NULL;
}

static const char *classify(struct bytes b)
{
	struct shape s = shape_of(b);

	if (is_version(b))
		return NULL;
	if (is_uuid(b))
		return "{uuid}";
	if (is_date(b))
		return "{date}";
	/* Encoded or foreign letters are text that somebody typed; nothing static is this long. */
	if (s.len > 64 || (s.other && memchr(b.p, '%', s.len)))
		return "{id}";
	for (const u8 *p = b.p; p < b.end; p++)
		if (*p >= 0x80 || *p == '@' || *p < 0x21)
			return "{id}";
	if (s.other && s.digits + s.other == s.len && s.digits)
		return "{id}";
	return s.other ? classify_joined(b) : classify_word(b);
}

/* Out of room: len stays beyond HTTP_ROUTE_MAX. */
struct route_writer {
	u8 *out;
	size_t len;
};

static void put(struct route_writer *w, struct bytes b)
{
	if (bytes_len(b) > HTTP_ROUTE_MAX || w->len > HTTP_ROUTE_MAX - bytes_len(b)) {
		w->len = HTTP_ROUTE_MAX + 1;
		return;
	}
	if (!bytes_empty(b))
		memcpy(w->out + w->len, b.p, bytes_len(b));
	w->len += bytes_len(b);
}

static void put_classified(struct route_writer *w, struct bytes b)
{
	const char *name = classify(b);

	put(w, name ? bytes_str(name) : b);
}

/* Where the extension of a file name begins (its dot), or the end. */
static const u8 *extension(struct bytes b)
{
	const u8 *dot = b.end;
	struct shape s;

	for (const u8 *p = b.p + 1; p < b.end; p++)
		if (*p == '.')
			dot = p;
	if (dot >= b.end || b.end - dot > 6)
		return b.end;
	s = shape_of((struct bytes){dot + 1, b.end});
	return s.other || !(s.upper + s.lower) ? b.end : dot;
}

/* A file name: its words stay, an identifier among its dotted parts does not. */
static void put_segment(struct route_writer *w, struct bytes b)
{
	const u8 *dot = bytes_empty(b) ? b.end : extension(b);
	struct bytes stem = {b.p, dot}, part;

	if (dot == b.end || memchr(b.p, '@', bytes_len(b))) {
		put_classified(w, b);
		return;
	}
	while (!bytes_until(&stem, '.', &part)) {
		put_classified(w, part);
		put(w, bytes_str("."));
	}
	put_classified(w, stem);
	put(w, (struct bytes){dot, b.end});
}

struct bytes http_route_guess(struct bytes path, u8 *out)
{
	struct route_writer w = {.out = out};
	struct bytes segment;

	if (bytes_peek(path) != '/')
		return (struct bytes){0};
	for (int n = 0; !bytes_empty(path); n++) {
		path.p++;
		put(&w, bytes_str("/"));
		if (n == HTTP_ROUTE_SEGMENTS) {
			put(&w, bytes_str("**"));
			break;
		}
		segment = (struct bytes){path.p, path.p};
		while (!bytes_empty(path) && *path.p != '/')
			path.p++;
		segment.end = path.p;
		/* Path parameters are not part of the route. */
		for (const u8 *p = segment.p; p < segment.end; p++)
			if (*p == ';')
				segment.end = p;
		put_segment(&w, segment);
	}
	return bytes_of(out, w.len > HTTP_ROUTE_MAX ? 0 : w.len);
}
