/* SPDX-License-Identifier: Apache-2.0 */
/* From the fields of an HTTP/1 exchange to its span: what the request and the status say. */
#include "proto/http1_span.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "conn/conn.h"
#include "proto/http_config.h"
#include "proto/http_route.h"
#include "proto/http_url.h"

enum {
	/* A target of HTTP1_LINE_MAX bytes in which every value grew to REDACTED. */
	URL_ROOM = 3 * HTTP1_LINE_MAX,
	TRACESTATE_FIELDS_MAX = 4096,
	TRACESTATE_MEMBERS_MAX = 32, /* W3C Trace Context §3.3.1.1 */
	SCHEME_MAX = 16,
};

static struct http1_kept keep(struct exchange *x, struct bytes b)
{
	struct buf *arena = &x->span->arena;
	struct http1_kept k = {(u32)arena->len, (u32)bytes_len(b)};

	buf_add(arena, b.p, bytes_len(b));
	return arena->failed ? (struct http1_kept){0} : k;
}

static struct bytes kept(const struct exchange *x, struct http1_kept k)
{
	return bytes_of(x->span->arena.data + k.at, k.len);
}

/* A writer into a buffer on the stack: the span's arena may move while it is written to. */
struct text {
	u8 *p, *end;
};

static void put(struct text *t, struct bytes b)
{
	b = bytes_head(b, (size_t)(t->end - t->p));
	if (!bytes_empty(b))
		memcpy(t->p, b.p, bytes_len(b));
	t->p += bytes_len(b);
}

/* The methods of RFC 9110, RFC 5789 and the conventions; anything else is _OTHER. */
static bool is_known_method(struct bytes m)
{
	static const char *const known[] = {
		"GET",	   "POST",  "HEAD",  "PUT",   "DELETE",
		"OPTIONS", "PATCH", "TRACE", "QUERY", "CONNECT",
	};

	for (size_t i = 0; i < array_size(known); i++)
		if (bytes_is(m, known[i]))
			return true;
	return false;
}

static void set_method(struct exchange *x, struct bytes method)
{
	if (is_known_method(method)) {
		span_text(x->span, ATTR_HTTP_METHOD, method);
	} else {
		span_text(x->span, ATTR_HTTP_METHOD, bytes_str("_OTHER"));
		span_text(x->span, ATTR_HTTP_METHOD_ORIGINAL, method);
	}
	if (bytes_is(method, "HEAD"))
		x->flags |= HTTP1_HEAD;
	else if (bytes_is(method, "CONNECT"))
		x->flags |= HTTP1_CONNECT;
}

static void set_version(struct exchange *x, int minor)
{
	u8 text[3] = {'1', '.', (u8)('0' + minor)};

	if (minor >= 0)
		span_text(x->span, ATTR_PROTOCOL_VERSION, bytes_of(text, 3));
}

static bool is_ignored(struct bytes path)
{
	const struct http_config *c = http_config_in_use();

	for (size_t i = 0; i < c->ignore_count; i++)
		if (http_pattern_match(c->ignore[i], path))
			return true;
	return false;
}

/* CLIENT: the part of url.full behind the authority, kept until the authority is known. */
static void keep_target(struct http1_request *q, struct exchange *x, const struct http_target *t)
{
	u8 room[URL_ROOM], redacted[URL_ROOM];
	struct text out = {room, room + sizeof(room)};

	if (t->form == TARGET_ORIGIN || t->form == TARGET_ABSOLUTE)
		put(&out, http_path_redact(t->path, redacted, sizeof(redacted)));
	if (t->has_query) {
		put(&out, bytes_str("?"));
		put(&out, http_query_redact(t->query, redacted, sizeof(redacted)));
	}
	q->target = keep(x, bytes_of(room, (size_t)(out.p - room)));
	q->scheme = keep(x, bytes_head(t->scheme, SCHEME_MAX));
	for (u32 i = 0; i < q->scheme.len; i++)
		x->span->arena.data[q->scheme.at + i] =
			ascii_lower(x->span->arena.data[q->scheme.at + i]);
}

static void set_path(struct exchange *x, const struct http_target *t)
{
	u8 room[URL_ROOM];

	if (t->form != TARGET_AUTHORITY)
		span_text(x->span, ATTR_URL_PATH, http_path_redact(t->path, room, sizeof(room)));
	if (t->has_query && !bytes_empty(t->query))
		span_text(x->span, ATTR_URL_QUERY, http_query_redact(t->query, room, sizeof(room)));
}

void http1_span_request_line(struct http1_request *q, struct exchange *x,
			     const struct http1_start *line)
{
	struct http_target t;

	*q = (struct http1_request){0};
	set_method(x, line->method);
	http_target_parse(line->target, x->flags & HTTP1_CONNECT, &t);
	if (line->target_cut && !t.has_query)
		x->flags |= HTTP1_PATH_CUT;
	if (x->role == ROLE_CLIENT)
		keep_target(q, x, &t);
	else
		set_path(x, &t);
	set_version(x, line->minor);
	x->ignored = !(x->flags & HTTP1_PATH_CUT) && is_ignored(t.path);
	/* An absolute target beats the Host field (RFC 9112 §3.2.2). */
	if (!bytes_empty(t.authority)) {
		q->authority = keep(x, t.authority);
		q->authority_rank = 2;
	}
}

/* Takes a host from a source of this rank, when it has one and none better was seen. */
static void take_authority(struct http1_request *q, struct exchange *x, struct bytes value, u8 rank)
{
	if (rank <= q->authority_rank || bytes_empty(value))
		return;
	q->authority = keep(x, value);
	q->authority_rank = rank;
}

static void take_client(struct http1_request *q, struct exchange *x, struct bytes node, u8 rank)
{
	struct bytes address = http_node_address(node);

	if (rank <= q->client_rank || bytes_empty(address))
		return;
	span_text(x->span, ATTR_CLIENT_ADDRESS, address);
	q->client_rank = rank;
}

static void take_scheme(struct http1_request *q, struct exchange *x, struct bytes scheme, u8 rank)
{
	u8 lower[SCHEME_MAX];
	size_t n = bytes_len(scheme);

	if (rank <= q->scheme_rank || !n || n > sizeof(lower))
		return;
	for (size_t i = 0; i < n; i++) {
		lower[i] = ascii_lower(scheme.p[i]);
		if ((lower[i] < 'a' || lower[i] > 'z') && !(i && strchr("0123456789+-.", lower[i])))
			return;
	}
	span_text(x->span, ATTR_URL_SCHEME, bytes_of(lower, n));
	q->scheme_rank = rank;
}

static void take_forwarded(struct http1_request *q, struct exchange *x, struct bytes value)
{
	struct http_forwarded f;

	http_forwarded_parse(value, &f);
	take_authority(q, x, f.host, 4);
	take_client(q, x, f.client, 2);
	take_scheme(q, x, f.proto, 2);
}

/*
 * Fields of one name are one list (RFC 9110 §5.3). Each may add a member or more, and 32 members
 * are all that is allowed: more fields than that make the whole invalid.
 */
static void take_tracestate(struct http1_request *q, struct exchange *x, struct bytes value)
{
	u8 room[TRACESTATE_FIELDS_MAX];
	struct text out = {room, room + sizeof(room)};

	if (q->state_fields == TRACESTATE_MEMBERS_MAX ||
	    bytes_len(value) >= sizeof(room) - q->state.len) {
		q->state_bad = true;
		return;
	}
	if (q->state_fields++) {
		put(&out, kept(x, q->state));
		put(&out, bytes_str(","));
	}
	put(&out, value);
	q->state = keep(x, bytes_of(room, (size_t)(out.p - room)));
}

static void take_context(struct http1_request *q, struct exchange *x, struct bytes value)
{
	/* Two of them: nobody can say which is meant. */
	q->context_bad = q->has_context || context_parse_traceparent(value, &x->carried);
	q->has_context = true;
}

static void listed_header(struct span *s, const struct http1_field *f, bool request)
{
	const struct http_config *c = http_config_in_use();

	for (size_t i = 0; i < c->header_count; i++) {
		const struct http_header *h = &c->headers[i];

		if (bytes_is_nocase(f->name, h->name))
			span_list_add(s, request ? h->request_key : h->response_key, f->value);
	}
}

/* Fields that only a server believes: what a proxy in front of it says. */
static void forwarding_field(struct http1_request *q, struct exchange *x,
			     const struct http1_field *f)
{
	if (f->id == NAME_FORWARDED)
		take_forwarded(q, x, f->value);
	else if (f->id == NAME_X_FORWARDED_HOST)
		take_authority(q, x, http_list_first(f->value), 3);
	else if (f->id == NAME_X_FORWARDED_FOR)
		take_client(q, x, http_list_first(f->value), 1);
	else if (f->id == NAME_X_FORWARDED_PROTO)
		take_scheme(q, x, http_list_first(f->value), 1);
	else if (f->id == NAME_USER_AGENT && !q->user_agent) {
		span_text(x->span, ATTR_USER_AGENT, f->value);
		q->user_agent = true;
	}
}

void http1_span_request_field(struct http1_request *q, struct exchange *x,
			      const struct http1_field *f)
{
	if (f->id == NAME_HOST)
		take_authority(q, x, f->value, 1);
	else if (f->id == NAME_TRACEPARENT)
		take_context(q, x, f->value);
	else if (f->id == NAME_TRACESTATE)
		take_tracestate(q, x, f->value);
	else if (f->id && x->role == ROLE_SERVER)
		forwarding_field(q, x, f);
	listed_header(x->span, f, true);
}

/* scheme://[REDACTED:REDACTED@]host[:port]target */
static void set_full(struct exchange *x, const struct http1_request *q,
		     const struct http_authority *a)
{
	u8 room[URL_ROOM + HTTP1_LINE_MAX];
	struct text out = {room, room + sizeof(room)};
	struct bytes scheme = kept(x, q->scheme);

	put(&out, bytes_empty(scheme) ? bytes_str("http") : scheme);
	put(&out, bytes_str("://"));
	if (a->has_user)
		put(&out, bytes_str("REDACTED:REDACTED@"));
	put(&out, a->host_port);
	put(&out, kept(x, q->target));
	span_text(x->span, ATTR_URL_FULL, bytes_of(room, (size_t)(out.p - room)));
}

/* An address as text, in INET6_ADDRSTRLEN bytes; an IPv4 peer of an IPv6 socket is an IPv4 peer. */
static const char *address_text(const struct sock_addr *a, char *out)
{
	static const u8 mapped[12] = {[10] = 0xff, 0xff};
	bool v6 = a->family == FAMILY_INET6 && memcmp(a->addr, mapped, sizeof(mapped));
	const u8 *v4 = a->family == FAMILY_INET6 ? a->addr + sizeof(mapped) : a->addr;

	return inet_ntop(v6 ? AF_INET6 : AF_INET, v6 ? a->addr : v4, out, INET6_ADDRSTRLEN);
}

void http1_span_source(struct exchange *x, const struct sock_addr *source)
{
	char text[INET6_ADDRSTRLEN];

	if (x->role == ROLE_SERVER && source->family && address_text(source, text))
		span_text(x->span, ATTR_CLIENT_ADDRESS, bytes_str(text));
}

/* A client's request that names no host: the server is the peer of its socket. */
static void server_from_peer(struct exchange *x, const struct http1_request *q)
{
	const struct conn *c = x->conn;
	char address[INET6_ADDRSTRLEN], host_port[INET6_ADDRSTRLEN + 8];
	struct http_authority a = {0};

	if (!c || !c->known || c->is_unix || !address_text(&c->remote, address))
		return;
	snprintf(host_port, sizeof(host_port), strchr(address, ':') ? "[%s]:%u" : "%s:%u", address,
		 c->remote.port);
	a.host_port = bytes_str(host_port);
	set_full(x, q, &a);
	span_text(x->span, ATTR_SERVER_ADDRESS, bytes_str(address));
	span_int(x->span, ATTR_SERVER_PORT, c->remote.port);
}

static void set_server(struct exchange *x, const struct http1_request *q)
{
	u8 room[HTTP1_LINE_MAX];
	struct bytes authority = bytes_head(kept(x, q->authority), sizeof(room));
	struct http_authority a;

	if (!bytes_empty(authority))
		memcpy(room, authority.p, bytes_len(authority));
	http_authority_parse(bytes_of(room, bytes_len(authority)), &a);
	if (bytes_empty(a.host)) {
		if (x->role == ROLE_CLIENT)
			server_from_peer(x, q);
		return;
	}
	span_text(x->span, ATTR_SERVER_ADDRESS, a.host);
	if (x->role == ROLE_CLIENT) {
		bool https = bytes_is_nocase(kept(x, q->scheme), "https");

		set_full(x, q, &a);
		a.port = a.port ? a.port : https ? 443 : 80;
	}
	if (a.port)
		span_int(x->span, ATTR_SERVER_PORT, a.port);
}

static void set_context(struct exchange *x, const struct http1_request *q)
{
	struct bytes state = kept(x, q->state), good;

	if (q->context_bad) {
		x->carried.valid = false;
		stat_add(STAT_CARRIED_BAD, 1);
	}
	/* Without a valid traceparent nobody may look at tracestate (W3C §3.3). */
	if (!x->carried.valid || q->state_bad || !q->state.len ||
	    context_parse_tracestate(state, &good))
		return;
	x->state_at = q->state.at + (u32)(good.p - state.p);
	x->state_len = (u32)bytes_len(good);
}

void http1_span_request_done(struct http1_request *q, struct exchange *x)
{
	if (q->done)
		return;
	q->done = true;
	set_server(x, q);
	set_context(x, q);
	if (x->role == ROLE_SERVER && !q->scheme_rank)
		span_text(x->span, ATTR_URL_SCHEME, bytes_str("http"));
}

void http1_span_response_field(struct exchange *x, const struct http1_field *f)
{
	listed_header(x->span, f, false);
}
