/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to a route: the user's templates, else a guess of bounded cardinality. */
#ifndef PROTO_HTTP_ROUTE_H
#define PROTO_HTTP_ROUTE_H

#include "util/bytes.h"

enum {
	/* A guessed route is at most this long, in bytes and in segments; "**" stands for the rest. */
	HTTP_ROUTE_MAX = 256,
	HTTP_ROUTE_SEGMENTS = 10,
	/* Guessed routes of one service, of all services, and services that may have any. */
	ROUTES_PER_SERVICE = 500,
	ROUTES_ALL = 16384,
	ROUTE_SERVICES = 1024,
};

/*
 * Patterns: a literal segment, {name} or * for any one segment, ** (last) for the rest, which may
 * be empty. -EINVAL when the text is none.
 */
int http_pattern_check(const char *pattern);
bool http_pattern_match(const char *pattern, struct bytes path);
/* Below 0 when a is more specific than b, above when b is. */
int http_pattern_compare(const char *a, const char *b);

/* The template of a path, written to out of HTTP_ROUTE_MAX bytes; empty when there is none. */
struct bytes http_route_guess(struct bytes path, u8 *out);

/* The routes that were guessed, service by service. */
struct route_table;

/* NULL when out of memory. */
struct route_table *route_table_new(void);
/* Accepts NULL. */
void route_table_free(struct route_table *t);
/* May this service have this route? False when it already has its share of others. */
bool route_table_admit(struct route_table *t, u64 service, struct bytes route);

/* The one in use by HTTP; borrowed. NULL (the default): nothing is guessed. */
void http_routes_use(struct route_table *t);
struct route_table *http_routes_in_use(void);

#endif
