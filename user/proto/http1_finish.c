/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an HTTP/1 span: its route and name, and how it went. */
#include <errno.h>
#include <stdio.h>

#include "proto/http1_span.h"
#include "proto/http_config.h"
#include "proto/http_route.h"

void http1_span_status(struct exchange *x, unsigned status)
{
	x->status = (u16)status;
	x->flags |= HTTP1_FINAL;
	span_int(x->span, ATTR_HTTP_STATUS, status);
}

/* Guessed routes are counted for a service, so that its worker processes share one budget. */
static u64 service_of(const struct exchange *x)
{
	const char *name =
		x->span->resource ? resource_text(x->span->resource, "service.name") : NULL;
	u64 h = 0xcbf29ce484222325;

	if (!name)
		return x->req_first.pid;
	for (; *name; name++)
		h = (h ^ (u8)*name) * 0x100000001b3;
	return h;
}

static struct bytes guess_route(const struct exchange *x, struct bytes path, u8 *room)
{
	struct route_table *table = http_routes_in_use();
	struct bytes route;

	if (!table || http_config_in_use()->guess_off)
		return (struct bytes){0};
	route = http_route_guess(path, room);
	if (bytes_empty(route) || route_table_admit(table, service_of(x), route))
		return route;
	stat_add(STAT_ROUTE_OVERFLOW, 1);
	return (struct bytes){0};
}

static struct bytes set_route(struct exchange *x, u8 *room)
{
	const struct http_config *c = http_config_in_use();
	struct bytes path = span_get_text(x->span, ATTR_URL_PATH), route = {0};
	const char *source = "guess";

	if (bytes_peek(path) != '/' || x->flags & HTTP1_PATH_CUT)
		return route;
	for (size_t i = 0; i < c->route_count && bytes_empty(route); i++) {
		if (!http_pattern_match(c->routes[i], path))
			continue;
		route = bytes_str(c->routes[i]);
		source = "pattern";
	}
	if (bytes_empty(route))
		route = guess_route(x, path, room);
	if (bytes_empty(route))
		return route;
	span_text(x->span, ATTR_HTTP_ROUTE, route);
	span_text(x->span, ATTR_ROUTE_SOURCE, bytes_str(source));
	return route;
}

/* {method} {route}; HTTP stands for a method that is not known. */
static void set_name(struct exchange *x, struct bytes route)
{
	u8 room[HTTP1_METHOD_MAX + 1 + HTTP_ROUTE_MAX];
	struct bytes method = span_get_text(x->span, ATTR_HTTP_METHOD);
	size_t n;

	if (bytes_is(method, "_OTHER"))
		method = bytes_str("HTTP");
	method = bytes_head(method, HTTP1_METHOD_MAX);
	route = bytes_head(route, HTTP_ROUTE_MAX);
	n = bytes_len(method);
	if (n)
		memcpy(room, method.p, n);
	if (!bytes_empty(route)) {
		room[n++] = ' ';
		memcpy(room + n, route.p, bytes_len(route));
		n += bytes_len(route);
	}
	span_name(x->span, bytes_of(room, n));
}

/* 4xx is an error of the client only; a code that nobody can interpret is one of both. */
static void set_status(struct exchange *x)
{
	bool error =
		x->status >= 500 || x->status < 100 || (x->role == ROLE_CLIENT && x->status >= 400);
	char text[8];

	if (!error || !(x->flags & HTTP1_FINAL) || x->flags & HTTP1_FAILED)
		return;
	snprintf(text, sizeof(text), "%03u", x->status);
	span_error(x->span, text);
}

void http1_span_finish(struct exchange *x)
{
	u8 room[HTTP_ROUTE_MAX];
	struct bytes route = {0};

	if (x->ignored)
		return;
	if (x->role == ROLE_SERVER)
		route = set_route(x, room);
	set_name(x, route);
	set_status(x);
}

const char *http1_error_name(int err)
{
	switch (err) {
	case 0:
		return "connection_closed";
	case ECONNRESET:
		return "connection_reset";
	case ETIMEDOUT:
		return "timeout";
	case EPIPE:
		return "broken_pipe";
	case ECONNABORTED:
		return "connection_aborted";
	case ECONNREFUSED:
		return "connection_refused";
	case EHOSTUNREACH:
		return "host_unreachable";
	case ENETUNREACH:
	case ENETDOWN:
		return "network_unreachable";
	}
	return "_OTHER";
}
