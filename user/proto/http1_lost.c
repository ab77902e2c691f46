/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of HTTP/1 where bytes are missing: what is still known, and what ends anyway. */
#include "proto/http1_state.h"

/* Goes behind the n bytes that are missing. */
static void pass_lost(struct http1_call *c, u64 n)
{
	c->at = http1_pos(c) + bytes_len(*c->in) + n;
	c->in->p = c->in->end;
	c->base = c->in->p;
}

/* The last line that was captured is whole, but the byte that tells (no fold) is missing. */
static void last_field(struct http1_call *c)
{
	u8 room[HTTP1_LINE_MAX + 2];
	struct bytes have = *c->in;
	struct http1_field f;

	if (!bytes_ends(have, "\n") || bytes_len(have) > HTTP1_LINE_MAX)
		return;
	memcpy(room, have.p, bytes_len(have));
	memcpy(room + bytes_len(have), "\r\n", 2);
	have = bytes_of(room, bytes_len(have) + 2);
	if (http1_field(&have, &f) == HTTP1_OK)
		http1_take_field(c, &f);
}

static bool ends_fields(struct bytes tail)
{
	return bytes_ends(tail, "\n\r\n") || bytes_ends(tail, "\n\n");
}

/*
 * The rest of a header block is missing, and with it perhaps what says where the message ends. A
 * request whose bytes end as a header block ends has no body if none was announced so far and its
 * method has none as a rule (RFC 9110 §9.3).
 */
static void request_cut(struct http1_call *c, struct bytes tail)
{
	struct exchange *x = c->h->sending;
	const struct http1_framing *f = &c->side->framing;
	struct bytes method = {0};

	if (x) {
		http1_request_known(c, x);
		method = span_get_text(x->span, ATTR_HTTP_METHOD);
	}
	http1_goto(c, STEP_BLIND);
	if (ends_fields(tail) && !f->has_coding && !f->has_length &&
	    (bytes_is(method, "GET") || bytes_is(method, "HEAD") || bytes_is(method, "DELETE") ||
	     bytes_is(method, "OPTIONS")))
		http1_message_end(c);
	else
		http1_still_going(c);
}

static void response_cut(struct http1_call *c, struct bytes tail)
{
	static const struct http1_framing none;
	struct exchange *x = c->h->answered;
	u8 flags = x ? x->flags : 0;
	enum http1_body body = http1_response_body(&none, c->side->status, flags & HTTP1_HEAD,
						   flags & HTTP1_CONNECT);

	http1_goto(c, STEP_BLIND);
	if (body == BODY_TUNNEL) {
		http1_message_end(c);
		http1_leave(c);
	} else if (body == BODY_NONE && ends_fields(tail)) {
		http1_message_end(c);
	} else {
		http1_still_going(c);
	}
}

static bool fields_lost(struct http1_call *c, u64 n, struct bytes tail)
{
	if (c->side->step == STEP_FIELDS)
		last_field(c);
	pass_lost(c, n);
	if (http1_is_sender(c))
		request_cut(c, tail);
	else
		response_cut(c, tail);
	return true;
}

/* Of a start line enough may have been captured to know what it begins. */
static bool start_lost(struct http1_call *c, u64 n, struct bytes tail)
{
	struct http1_start line;
	u64 first = http1_pos(c);
	bool request = c->h->known ? http1_is_sender(c) : http1_is_response(*c->in) == HTTP1_BAD;
	enum http1_result r =
		request ? http1_request_begin(*c->in, &line) : http1_status_begin(*c->in, &line);

	if (r != HTTP1_OK && request && http1_may_have_left(c->h)) {
		http1_goto(c, STEP_BLIND);
		pass_lost(c, n);
		return true;
	}
	if (r != HTTP1_OK)
		return false;
	http1_begin(c, request, &line, first);
	return fields_lost(c, n, tail);
}

/* Chunk framing is lost: the body ends where bytes end as a chunked body ends. */
static bool chunks_lost(struct http1_call *c, u64 n, struct bytes tail)
{
	bool whole = n == bytes_len(tail) && bytes_empty(*c->in);

	pass_lost(c, n);
	http1_goto(c, STEP_BLIND_CHUNKS);
	c->side->last_bytes = 0;
	for (struct bytes b = tail; !bytes_empty(b); b.p++)
		c->side->last_bytes = c->side->last_bytes << 8 | *b.p;
	if (http1_chunked_ends(tail, whole))
		http1_message_end(c);
	else
		http1_still_going(c);
	return true;
}

/* A body of known length; the bytes may go beyond it. */
static bool body_lost(struct http1_call *c, u64 n, struct bytes tail)
{
	u64 end = c->side->end, after = http1_pos(c) + bytes_len(*c->in) + n;

	if (after > end && c->side->step == STEP_CHUNK_DATA)
		return chunks_lost(c, n, tail);
	pass_lost(c, n);
	if (after < end)
		return true;
	if (c->side->step == STEP_CHUNK_DATA)
		http1_goto(c, STEP_CHUNK_END);
	else
		http1_message_end(c);
	return after == end;
}

/* A request that waits for 100 Continue: what cannot be seen was its body. */
static bool expect_lost(struct http1_call *c, u64 n, struct bytes tail)
{
	c->h->expects = false;
	if (c->side->framing.has_coding)
		return chunks_lost(c, n, tail);
	c->side->end = http1_pos(c) + c->side->framing.length;
	http1_goto(c, STEP_BODY);
	return body_lost(c, n, tail);
}

bool http1_lost(struct http1_call *c, u64 n, struct bytes tail)
{
	switch ((enum http1_step)c->side->step) {
	case STEP_START:
		return start_lost(c, n, tail);
	case STEP_LINE_REST:
	case STEP_FIELDS:
	case STEP_FIELD_REST:
		return fields_lost(c, n, tail);
	case STEP_EXPECT:
		return expect_lost(c, n, tail);
	case STEP_BODY:
	case STEP_CHUNK_DATA:
		return body_lost(c, n, tail);
	case STEP_CHUNK_LINE:
	case STEP_CHUNK_END:
	case STEP_TRAILERS:
	case STEP_TRAILER_REST:
	case STEP_BLIND_CHUNKS:
		return chunks_lost(c, n, tail);
	case STEP_CLOSE:
	case STEP_BLIND:
		pass_lost(c, n);
		http1_still_going(c);
		return true;
	case STEP_RAW:
	case STEP_MAX:
		break;
	}
	return true;
}
