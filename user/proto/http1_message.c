/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of HTTP/1, step by step: start line, fields, body. */
#include "conn/conn.h"
#include "proto/http1_state.h"

/* Bytes wanted of each write of a chunked body: a chunk's size line, and small chunks whole. */
enum {
	CHUNK_HEAD = 256
};

void http1_goto(struct http1_call *c, enum http1_step step)
{
	c->side->step = step;
	c->side->skipping = false;
	c->side->last_bytes = 0;
}

static void request_end(struct http1_call *c)
{
	struct http1 *h = c->h;

	if (h->sending)
		http1_moment(c, http1_pos(c) - 1, &h->sending->req_last);
	h->sending = NULL;
}

static void response_end(struct http1_call *c)
{
	struct exchange *x = c->h->answered;

	if (c->side->status / 100 != 1)
		c->h->waits = false;
	if (!x)
		return;
	c->h->paired = true;
	http1_moment(c, http1_pos(c) - 1, &x->resp_last);
	http1_close(c, x);
}

void http1_message_end(struct http1_call *c)
{
	http1_goto(c, STEP_START);
	if (http1_is_sender(c))
		request_end(c);
	else
		response_end(c);
}

/* A request of a client that waits for each response ends one whose end could not be seen. */
static void end_blind_response(struct http1_call *c)
{
	struct http1_side *other = &c->h->side[!c->d];
	struct exchange *x = c->h->answered;

	if (other->step != STEP_BLIND && other->step != STEP_BLIND_CHUNKS)
		return;
	other->step = STEP_START;
	other->skipping = false;
	c->h->waits = false;
	if (x)
		http1_close(c, x);
}

static void learn_direction(struct http1 *h, enum direction requests)
{
	h->known = true;
	h->requests = (u8)requests;
}

static void start_message(struct http1_call *c, const struct http1_start *line)
{
	c->side->framing = (struct http1_framing){0};
	http1_goto(c, line->cut ? STEP_LINE_REST : STEP_FIELDS);
}

static void begin_request(struct http1_call *c, const struct http1_start *line, u64 first)
{
	struct http1 *h = c->h;
	struct exchange *x;

	learn_direction(h, c->d);
	end_blind_response(c);
	h->expects = h->proxied = false;
	h->sending = NULL;
	x = http1_open(c, line->method, first);
	if (x) {
		http1_span_request_line(&h->request, x, line);
		http1_span_source(x, &h->source);
	}
	start_message(c, line);
}

static void begin_response(struct http1_call *c, const struct http1_start *line, u64 first)
{
	struct http1 *h = c->h;

	learn_direction(h, !c->d);
	start_message(c, line);
	c->side->status = (u16)line->status;
	/* Any number of interim responses may come before the final one; 101 is final. */
	if (line->status / 100 == 1 && line->status != 101)
		return;
	h->answered = http1_answer(c, &c->side->orphan);
	if (!h->answered)
		return;
	http1_moment(c, first, &h->answered->resp_first);
	http1_span_status(h->answered, line->status);
}

void http1_begin(struct http1_call *c, bool request, const struct http1_start *line, u64 first)
{
	if (request)
		begin_request(c, line, first);
	else
		begin_response(c, line, first);
}

static enum http1_result start_request(struct http1_call *c)
{
	struct http1_start line;
	u64 first = http1_pos(c);
	enum http1_result r = http1_request_line(c->in, &line);

	if (r == HTTP1_OK) {
		begin_request(c, &line, first);
	} else if (r == HTTP1_BAD && http1_may_have_left(c->h)) {
		http1_goto(c, STEP_BLIND);
		return HTTP1_OK;
	} else if (r == HTTP1_BAD && c->h->proxied) {
		/* Load balancers put the header in front of any protocol: TLS most of all. */
		http1_leave(c);
		return HTTP1_END;
	}
	return r;
}

static bool nothing_open(const struct http1 *h)
{
	return !h->first && !h->unopened && !h->doubt && !h->waits;
}

/*
 * A client's response whose request is not there yet, although all before it were: another thread
 * read the response before the one that sent the request could tell. It waits for its request.
 */
static bool is_early(const struct http1_call *c, u64 first)
{
	const struct conn *conn = c->sink->conn;

	return c->d == DIR_RECV && nothing_open(c->h) && !c->sink->ending &&
	       (c->h->paired || (conn && conn->whole && !first && !c->h->gapped));
}

static enum http1_result start_response(struct http1_call *c)
{
	struct http1_start line;
	struct bytes in = *c->in;
	u64 first = http1_pos(c);
	enum http1_result r = http1_status_line(&in, &line);

	if (r == HTTP1_OK && is_early(c, first))
		return HTTP1_MORE;
	*c->in = in;
	if (r == HTTP1_OK)
		begin_response(c, &line, first);
	/* Bytes that no request asked for: some servers send a body in answer to HEAD. */
	if (r == HTTP1_BAD && c->h->paired && nothing_open(c->h)) {
		http1_goto(c, STEP_BLIND);
		return HTTP1_OK;
	}
	return r;
}

/* A PROXY header before the very first byte of a connection's requests is passed as a body is. */
static enum http1_result start_connection(struct http1_call *c)
{
	struct http1_proxy header;
	enum http1_result r = http1_proxy_header(*c->in, &header);

	if (r != HTTP1_OK)
		return r;
	learn_direction(c->h, c->d);
	c->h->proxied = true;
	c->h->source = header.source;
	return http1_body_of(c, header.len, STEP_BODY);
}

static enum http1_result step_start(struct http1_call *c)
{
	const u8 *begin = c->in->p;
	enum http1_result r = HTTP1_BAD;

	if (!http1_pos(c) && (!c->h->known || http1_is_sender(c)))
		r = start_connection(c);
	if (r != HTTP1_BAD)
		return r;
	while (!bytes_empty(*c->in) && (*c->in->p == '\r' || *c->in->p == '\n'))
		c->in->p++;
	if (c->h->known)
		return http1_is_sender(c) ? start_request(c) : start_response(c);
	r = http1_is_response(*c->in);
	if (r != HTTP1_MORE)
		r = r == HTTP1_OK ? start_response(c) : start_request(c);
	if (r == HTTP1_BAD)
		c->in->p = begin; /* Empty lines alone do not make it HTTP. */
	return r;
}

/*
 * Of the further writes of a body only their beginnings are of interest: the sizes of chunks. Not
 * when another message may be in the same turn.
 */
static void want_less(struct http1_call *c, u16 head)
{
	if (!c->h->pipelined)
		c->sink->ops->want(c->sink, c->d, head);
}

static enum http1_result request_body(struct http1_call *c)
{
	enum http1_body body = http1_request_body(&c->side->framing);

	if (c->h->sending)
		http1_request_known(c, c->h->sending);
	if (body == BODY_NONE) {
		http1_message_end(c);
		return HTTP1_OK;
	}
	if (body == BODY_BAD)
		http1_goto(c, STEP_BLIND);
	else if (c->h->expects)
		http1_goto(c, STEP_EXPECT);
	else if (body == BODY_CHUNKED) {
		http1_goto(c, STEP_CHUNK_LINE);
		want_less(c, CHUNK_HEAD);
	} else
		return http1_body_of(c, c->side->framing.length, STEP_BODY);
	return HTTP1_OK;
}

static enum http1_result leave(struct http1_call *c)
{
	response_end(c);
	http1_leave(c);
	return HTTP1_END;
}

static enum http1_result response_body(struct http1_call *c)
{
	struct exchange *x = c->h->answered;
	u8 flags = x ? x->flags : 0;
	enum http1_body body = http1_response_body(&c->side->framing, c->side->status,
						   flags & HTTP1_HEAD, flags & HTTP1_CONNECT);

	if (body == BODY_TUNNEL)
		return leave(c);
	if (body == BODY_NONE) {
		http1_message_end(c);
		return HTTP1_OK;
	}
	/* An answer to HEAD has the length of a body that does not come; who has not seen the
	 * request cannot tell. */
	if (body == BODY_BAD || (body == BODY_LENGTH && c->side->orphan))
		http1_goto(c, STEP_BLIND);
	else if (body == BODY_CHUNKED)
		http1_goto(c, STEP_CHUNK_LINE);
	else if (body == BODY_LENGTH)
		return http1_body_of(c, c->side->framing.length, STEP_BODY);
	else
		http1_goto(c, STEP_CLOSE);
	want_less(c, c->side->step == STEP_CHUNK_LINE ? CHUNK_HEAD : 1);
	if (x)
		http1_moment(c, http1_pos(c) - 1, &x->resp_last);
	return HTTP1_OK;
}

static void request_field(struct http1_call *c, const struct http1_field *f)
{
	struct http1 *h = c->h;

	if (f->id == NAME_EXPECT && bytes_is_nocase(f->value, "100-continue"))
		h->expects = true;
	if (!h->sending)
		return;
	if (f->id == NAME_UPGRADE)
		h->sending->flags |= HTTP1_UPGRADE;
	http1_span_request_field(&h->request, h->sending, f);
}

void http1_take_field(struct http1_call *c, struct http1_field *f)
{
	u8 unfolded[HTTP1_LINE_MAX];

	if (f->folded)
		f->value = http1_unfold(f->value, unfolded);
	http1_framing_field(&c->side->framing, f);
	if (http1_is_sender(c))
		request_field(c, f);
	else if (c->h->answered)
		http1_span_response_field(c->h->answered, f);
}

static enum http1_result step_fields(struct http1_call *c)
{
	struct http1_field f;
	enum http1_result r = http1_field(c->in, &f);

	if (r == HTTP1_END)
		return http1_is_sender(c) ? request_body(c) : response_body(c);
	if (r == HTTP1_BAD) {
		http1_goto(c, STEP_FIELD_REST);
		return HTTP1_OK;
	}
	if (r != HTTP1_OK)
		return r == HTTP1_SKIP ? HTTP1_OK : r;
	http1_take_field(c, &f);
	return HTTP1_OK;
}

static enum http1_result line_rest(struct http1_call *c, enum http1_step next)
{
	enum http1_result r = http1_line_rest(c->in);

	if (r == HTTP1_OK)
		http1_goto(c, next);
	return r;
}

/*
 * The final response may have come instead of 100 Continue: then no body need come, and what comes
 * is a new request if it looks like one.
 */
static enum http1_result step_expect(struct http1_call *c)
{
	bool answered = !c->h->sending || c->h->sending->flags & HTTP1_FINAL;
	enum http1_result r = HTTP1_BAD;

	if (bytes_empty(*c->in))
		return HTTP1_MORE;
	if (answered)
		r = http1_is_request(*c->in);
	if (r == HTTP1_MORE)
		return r;
	c->h->expects = false;
	if (r == HTTP1_OK) {
		c->h->sending = NULL;
		http1_goto(c, STEP_START);
		return HTTP1_OK;
	}
	if (c->side->framing.has_coding)
		http1_goto(c, STEP_CHUNK_LINE);
	else
		http1_body_of(c, c->side->framing.length, STEP_BODY);
	return HTTP1_OK;
}

enum http1_result http1_step(struct http1_call *c)
{
	switch ((enum http1_step)c->side->step) {
	case STEP_START:
		return bytes_empty(*c->in) ? HTTP1_MORE : step_start(c);
	case STEP_LINE_REST:
	case STEP_FIELD_REST:
		return line_rest(c, STEP_FIELDS);
	case STEP_FIELDS:
		return step_fields(c);
	case STEP_EXPECT:
		return step_expect(c);
	case STEP_BODY:
		return http1_step_body(c);
	case STEP_CHUNK_LINE:
		return http1_step_chunk_line(c);
	case STEP_CHUNK_DATA:
		return http1_step_chunk_data(c);
	case STEP_CHUNK_END:
		return http1_step_chunk_end(c);
	case STEP_TRAILERS:
		return http1_step_trailers(c);
	case STEP_TRAILER_REST:
		return line_rest(c, STEP_TRAILERS);
	case STEP_BLIND_CHUNKS:
		return http1_step_blind_chunks(c);
	case STEP_CLOSE:
	case STEP_BLIND:
		return http1_step_unbounded(c);
	case STEP_RAW:
		c->in->p = c->in->end;
		return HTTP1_END;
	case STEP_MAX:
		break;
	}
	return HTTP1_BAD;
}
