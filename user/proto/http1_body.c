/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of HTTP/1, step by step: bodies and where they end. */
#include "proto/http1_state.h"

enum http1_result http1_body_of(struct http1_call *c, u64 length, enum http1_step step)
{
	c->side->end = http1_pos(c) + length;
	http1_goto(c, step);
	return HTTP1_OK;
}

/* Passes over bytes up to side->end; OK when all of them were there. */
static enum http1_result pass(struct http1_call *c)
{
	u64 pos = http1_pos(c), left = c->side->end > pos ? c->side->end - pos : 0;

	if (left <= bytes_len(*c->in)) {
		if (left)
			bytes_skip(c->in, left);
		c->side->skipping = false;
		return HTTP1_OK;
	}
	left -= bytes_len(*c->in);
	c->in->p = c->in->end;
	if (c->side->skipping)
		return HTTP1_MORE;
	c->side->skipping = true;
	c->sink->ops->skip(c->sink, c->d, left);
	return HTTP1_SKIP;
}

enum http1_result http1_step_body(struct http1_call *c)
{
	enum http1_result r = pass(c);

	if (r == HTTP1_OK)
		http1_message_end(c);
	return r;
}

enum http1_result http1_step_chunk_line(struct http1_call *c)
{
	u64 size;
	enum http1_result r = http1_chunk_line(c->in, &size);

	if (r == HTTP1_BAD) {
		http1_goto(c, STEP_BLIND_CHUNKS);
		return HTTP1_OK;
	}
	if (r != HTTP1_OK)
		return r;
	if (size)
		return http1_body_of(c, size, STEP_CHUNK_DATA);
	http1_goto(c, STEP_TRAILERS);
	return HTTP1_OK;
}

enum http1_result http1_step_chunk_data(struct http1_call *c)
{
	enum http1_result r = pass(c);

	if (r == HTTP1_OK)
		http1_goto(c, STEP_CHUNK_END);
	return r;
}

enum http1_result http1_step_chunk_end(struct http1_call *c)
{
	struct bytes line, rest = bytes_head(*c->in, 2);

	if (bytes_until(&rest, '\n', &line) == 0 && (bytes_empty(line) || *line.p == '\r')) {
		c->in->p = rest.p;
		http1_goto(c, STEP_CHUNK_LINE);
		return HTTP1_OK;
	}
	if (bytes_empty(*c->in) || (bytes_len(*c->in) == 1 && *c->in->p == '\r'))
		return HTTP1_MORE;
	http1_goto(c, STEP_BLIND_CHUNKS);
	return HTTP1_OK;
}

enum http1_result http1_step_trailers(struct http1_call *c)
{
	struct http1_field f;
	enum http1_result r = http1_field(c->in, &f);

	if (r == HTTP1_END)
		http1_message_end(c);
	else if (r == HTTP1_BAD)
		http1_goto(c, STEP_TRAILER_REST);
	return r == HTTP1_MORE ? r : HTTP1_OK;
}

/* Takes note that the message in progress lasts at least to here. */
void http1_still_going(struct http1_call *c)
{
	struct exchange *x = http1_is_sender(c) ? c->h->sending : c->h->answered;

	if (!x)
		return;
	http1_moment(c, http1_pos(c) - 1, http1_is_sender(c) ? &x->req_last : &x->resp_last);
}

enum http1_result http1_step_unbounded(struct http1_call *c)
{
	if (bytes_empty(*c->in))
		return HTTP1_MORE;
	c->in->p = c->in->end;
	http1_still_going(c);
	return HTTP1_MORE;
}

enum http1_result http1_step_blind_chunks(struct http1_call *c)
{
	/* "\r\n0\r\n\r\n" */
	const u64 end = 0x0d0a300d0a0d0a, mask = 0xffffffffffffff;

	if (bytes_empty(*c->in))
		return HTTP1_MORE;
	while (!bytes_empty(*c->in)) {
		c->side->last_bytes = c->side->last_bytes << 8 | *c->in->p++;
		if ((c->side->last_bytes & mask) != end)
			continue;
		http1_message_end(c);
		return HTTP1_OK;
	}
	http1_still_going(c);
	return HTTP1_MORE;
}
