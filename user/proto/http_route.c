/* SPDX-License-Identifier: Apache-2.0 */
/* Route patterns that the user gave, and the table that bounds guessed routes. */
#include "proto/http_route.h"

#include <stdlib.h>

enum segment_kind {
	SEGMENT_LITERAL,
	SEGMENT_ANY,
	SEGMENT_REST,
	SEGMENT_BAD,
};

/* Takes "/segment"; false at the end. */
static bool next_segment(struct bytes *path, struct bytes *out)
{
	if (bytes_empty(*path))
		return false;
	path->p++;
	out->p = path->p;
	while (!bytes_empty(*path) && *path->p != '/')
		path->p++;
	out->end = path->p;
	return true;
}

static enum segment_kind segment_kind(struct bytes s)
{
	if (bytes_is(s, "**"))
		return SEGMENT_REST;
	if (bytes_is(s, "*"))
		return SEGMENT_ANY;
	if (bytes_len(s) > 2 && *s.p == '{' && s.end[-1] == '}')
		return SEGMENT_ANY;
	for (; s.p < s.end; s.p++)
		if (strchr("*{}?# ", *s.p) || *s.p < 0x20)
			return SEGMENT_BAD;
	return SEGMENT_LITERAL;
}

int http_pattern_check(const char *pattern)
{
	struct bytes rest = bytes_str(pattern), segment;

	if (bytes_peek(rest) != '/')
		return -EINVAL;
	while (next_segment(&rest, &segment)) {
		enum segment_kind kind = segment_kind(segment);

		if (kind == SEGMENT_BAD || (kind == SEGMENT_REST && !bytes_empty(rest)))
			return -EINVAL;
	}
	return 0;
}

bool http_pattern_match(const char *pattern, struct bytes path)
{
	struct bytes rest = bytes_str(pattern), want, got;

	if (bytes_peek(path) != '/')
		return false;
	while (next_segment(&rest, &want)) {
		enum segment_kind kind = segment_kind(want);

		if (kind == SEGMENT_REST)
			return true;
		if (!next_segment(&path, &got))
			return false;
		if (kind == SEGMENT_ANY ? bytes_empty(got) : !bytes_eq(want, got))
			return false;
	}
	return bytes_empty(path);
}

int http_pattern_compare(const char *a, const char *b)
{
	struct bytes ra = bytes_str(a), rb = bytes_str(b), sa, sb;

	for (;;) {
		bool more_a = next_segment(&ra, &sa), more_b = next_segment(&rb, &sb);
		int ka, kb;

		/* "/a" before "/a" with "**" behind it; else lengths cannot both match. */
		if (!more_a || !more_b)
			return (int)more_a - (int)more_b;
		ka = (int)segment_kind(sa);
		kb = (int)segment_kind(sb);
		if (ka != kb)
			return ka - kb;
	}
}

/* Open addressing over hashes of (service, route): a collision admits a route too many, once in
 * 2^49 pairs, and does no other harm. */
struct route_table {
	u64 routes[ROUTES_ALL * 2];
	size_t count;
	struct {
		u64 service;
		unsigned count;
	} services[ROUTE_SERVICES * 2];
	size_t service_count;
};

struct route_table *route_table_new(void)
{
	return calloc(1, sizeof(struct route_table));
}

void route_table_free(struct route_table *t)
{
	free(t);
}

/* FNV-1a with a final mix; 0 means an empty slot. */
static u64 hash(u64 seed, struct bytes b)
{
	u64 h = 0xcbf29ce484222325 ^ (seed * 0x9e3779b97f4a7c15);

	for (; b.p < b.end; b.p++)
		h = (h ^ *b.p) * 0x100000001b3;
	h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93;
	h ^= h >> 32;
	return h ? h : 1;
}

static unsigned *service_count(struct route_table *t, u64 service)
{
	u64 id = hash(service, (struct bytes){0});
	size_t i = id % array_size(t->services);

	while (t->services[i].service && t->services[i].service != id)
		i = (i + 1) % array_size(t->services);
	if (!t->services[i].service) {
		if (t->service_count == ROUTE_SERVICES)
			return NULL;
		t->service_count++;
		t->services[i].service = id;
	}
	return &t->services[i].count;
}

bool route_table_admit(struct route_table *t, u64 service, struct bytes route)
{
	u64 id = hash(service, route);
	size_t i = id % array_size(t->routes);
	unsigned *count;

	while (t->routes[i] && t->routes[i] != id)
		i = (i + 1) % array_size(t->routes);
	if (t->routes[i])
		return true;
	count = service_count(t, service);
	if (!count || *count == ROUTES_PER_SERVICE || t->count == ROUTES_ALL)
		return false;
	t->routes[i] = id;
	t->count++;
	(*count)++;
	return true;
}

static struct route_table *in_use;

void http_routes_use(struct route_table *t)
{
	in_use = t;
}

struct route_table *http_routes_in_use(void)
{
	return in_use;
}
