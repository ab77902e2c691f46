/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1: the ops through which a connection's bytes, losses and ends come in. */
#include "proto/http1.h"

#include "proto/http1_state.h"

static struct http1_call call_of(struct http1 *h, enum direction d, struct bytes *in,
				 struct sink *out)
{
	return (struct http1_call){
		.h = h, .side = &h->side[d], .sink = out, .d = d, .in = in, .base = in->p};
}

static enum parse_result feed(void *state, enum direction d, struct bytes *in, u64 at,
			      struct sink *out)
{
	struct http1_call c = call_of(state, d, in, out);
	enum http1_result r;

	c.at = at;
	do
		r = http1_step(&c);
	while (r == HTTP1_OK);
	if (r == HTTP1_END)
		return PARSE_EOS;
	if (in->p != c.base)
		return PARSE_OK;
	return r == HTTP1_BAD ? PARSE_BAD : PARSE_MORE;
}

static bool lost(void *state, enum direction d, struct bytes have, u64 at, u64 n, struct bytes tail,
		 struct sink *out)
{
	struct http1_call c = call_of(state, d, &have, out);

	c.at = at - bytes_len(have);
	return http1_lost(&c, n, tail);
}

/* A response whose end is not its own knowledge: it is complete when its connection ends. */
static void end_open_response(struct http1_call *c)
{
	u8 step = c->side->step;

	if (step != STEP_CLOSE && step != STEP_BLIND && step != STEP_BLIND_CHUNKS)
		return;
	c->side->step = STEP_START;
	if (c->h->answered)
		http1_close(c, c->h->answered);
}

static void fail_all(struct http1_call *c, const char *type)
{
	while (c->h->first)
		http1_fail(c, c->h->first, type);
	c->h->unopened = 0;
}

/*
 * Which responses were in the gap nobody can say. A client that waits for each response is in step
 * again with the next exchange; when two are open, one of them may be the next already. For one
 * that does not wait nothing can be assigned any more, and a gap in its requests is as bad.
 */
static void cut(struct http1_call *c)
{
	struct http1 *h = c->h;

	h->doubt |= h->pipelined;
	c->side->step = STEP_START;
	c->side->skipping = false;
	if (http1_is_sender(c)) {
		/* A response that waits for its request may wait for one that was in the gap. */
		h->paired = false;
		h->gapped = true;
		h->sending = NULL;
		return;
	}
	h->waits = h->open > 1;
	http1_drop_all(c, STAT_EXCHANGE_CUT);
}

static void eof(void *state, enum direction d, enum end_reason why, struct sink *out)
{
	struct bytes nothing = {0};
	struct http1_call c = call_of(state, d, &nothing, out);

	if (why == END_BY_GAP) {
		cut(&c);
		return;
	}
	/* Whoever sent the requests may send no more and still get its answers. */
	if (http1_is_sender(&c) && why != END_BY_ERROR)
		return;
	if (why == END_BY_ERROR) {
		fail_all(&c, http1_error_name(out->err));
		return;
	}
	end_open_response(&c);
	if (why == END_BY_SHUTDOWN)
		http1_drop_all(&c, STAT_NO_RESPONSE);
	else
		fail_all(&c, http1_error_name(0));
}

static ssize_t resync_request(struct bytes in)
{
	struct bytes at = in, line;

	do {
		enum http1_result r = http1_is_request(at);
		struct bytes seen = bytes_head(at, HTTP1_METHOD_MAX + 1);

		if (r == HTTP1_OK || (r == HTTP1_MORE && !bytes_until(&seen, ' ', &line)))
			return at.p - in.p;
	} while (!bytes_until(&at, '\n', &line) && !bytes_empty(at));
	return -1;
}

/* A response need not begin a line: the body before it may end without one. */
static ssize_t resync_response(struct bytes in)
{
	for (struct bytes at = in; bytes_len(at) >= 12; at.p++) {
		const u8 *p = memmem(at.p, bytes_len(at), "HTTP/1.", 7);
		struct http1_start line;

		if (!p)
			break;
		at.p = p;
		if (http1_status_begin(at, &line) == HTTP1_OK)
			return p - in.p;
	}
	return -1;
}

static ssize_t resync(const void *state, enum direction d, struct bytes in)
{
	const struct http1 *h = state;
	ssize_t request = -1, response = -1;

	if (!h->known || h->requests == d)
		request = resync_request(in);
	if (!h->known || h->requests != d)
		response = resync_response(in);
	if (request < 0 || response < 0)
		return request < 0 ? response : request;
	return request < response ? request : response;
}

static void done(void *state, struct sink *out)
{
	struct bytes nothing = {0};
	struct http1_call c = call_of(state, DIR_RECV, &nothing, out);

	http1_drop_all(&c, STAT_NO_RESPONSE);
}

const struct proto_ops http1_ops = {
	.name = "http1",
	.id = PROTO_HTTP1,
	.conn_size = sizeof(struct http1),
	.feed = feed,
	.lost = lost,
	.eof = eof,
	.resync = resync,
	.done = done,
};
