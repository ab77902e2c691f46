/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one HTTP/1 connection, shared by the files that drive it:
 *
 *   http1.c           the ops: bytes in, bytes lost, ends
 *   http1_message.c   one direction: start line → fields → body → start line …
 *   http1_body.c      … and what comes between them
 *   http1_lost.c      the same where bytes are missing
 *   http1_exchange.c  both directions: which response answers which request
 */
#ifndef PROTO_HTTP1_STATE_H
#define PROTO_HTTP1_STATE_H

#include "proto/http1_proxy.h"
#include "proto/http1_span.h"

enum http1_step {
	STEP_START, /* before a start line */
	STEP_LINE_REST, /* in a start line that was too long */
	STEP_FIELDS,
	STEP_FIELD_REST, /* in a field that was too long */
	STEP_EXPECT, /* the request waits for 100 Continue: a body, or another request, may come */
	STEP_BODY, /* up to end */
	STEP_CHUNK_LINE,
	STEP_CHUNK_DATA, /* up to end */
	STEP_CHUNK_END, /* the line end behind a chunk's data */
	STEP_TRAILERS,
	STEP_TRAILER_REST,
	STEP_CLOSE, /* a response that lasts as long as its connection */
	STEP_BLIND_CHUNKS, /* chunks whose framing was lost: ends as chunks end */
	STEP_BLIND, /* end not known: lasts until the other side goes on, or the connection ends */
	STEP_RAW, /* not HTTP any more */
	STEP_MAX,
};

struct http1_side {
	u8 step; /* enum http1_step */
	bool skipping; /* the sink passes over the bytes up to end */
	bool orphan; /* the response being read has no request that we saw */
	u16 status; /* of the response being read */
	u64 end; /* position */
	u64 last_bytes; /* BLIND_CHUNKS: the last eight, the latest lowest */
	struct http1_framing framing;
};

/*
 * Exchanges wait for their responses in the order of their requests:
 *
 *   first → … → last, then `unopened` requests for which there was no room
 *
 * sending is the one whose request is being read, answered the one whose response is; both are in
 * the queue, or NULL.
 */
struct http1 {
	struct http1_side side[2];
	struct exchange *first, *last;
	struct exchange *sending, *answered;
	struct http1_request request; /* of sending */
	unsigned open, unopened;
	bool known; /* which direction has the requests: */
	u8 requests; /* enum direction */
	bool expects; /* the request being read waits for 100 Continue */
	bool paired; /* a response was seen to answer its request */
	bool gapped; /* a gap may have hidden a request */
	bool pipelined; /* a response came when a further request had been sent */
	bool doubt; /* what answers what is not known any more: nothing is opened */
	bool waits; /* the same until a response is complete */
	bool proxied; /* a PROXY header was there, and no request yet */
	struct sock_addr source; /* client that the header named; family 0: none */
};

/* One call of feed, lost or eof. */
struct http1_call {
	struct http1 *h;
	struct http1_side *side;
	struct sink *sink;
	enum direction d;
	struct bytes *in;
	const u8 *base; /* the byte at position at */
	u64 at;
};

static inline u64 http1_pos(const struct http1_call *c)
{
	return c->at + (u64)(c->in->p - c->base);
}

static inline bool http1_is_sender(const struct http1_call *c)
{
	return c->h->known && c->d == c->h->requests;
}

/* Its sender did not wait for the answer to its wish to leave HTTP. */
static inline bool http1_may_have_left(const struct http1 *h)
{
	return h->last && h->last->flags & (HTTP1_CONNECT | HTTP1_UPGRADE);
}

/* http1_message.c: takes one step; HTTP1_OK: go on, HTTP1_SKIP: the sink is to pass over a body. */
enum http1_result http1_step(struct http1_call *c);
/* The message being read ended with the byte before the cursor. */
void http1_message_end(struct http1_call *c);
/*
 * n bytes behind the cursor cannot be had, their last ones (tail) perhaps excepted; what the cursor
 * holds was left with HTTP1_MORE. False: what follows can only be found by looking for it.
 */
bool http1_lost(struct http1_call *c, u64 n, struct bytes tail);
/* http1_message.c, http1_body.c */
void http1_begin(struct http1_call *c, bool request, const struct http1_start *line, u64 first);
void http1_goto(struct http1_call *c, enum http1_step step);
void http1_still_going(struct http1_call *c);
void http1_take_field(struct http1_call *c, struct http1_field *f);

/* http1_body.c: steps of a body */
enum http1_result http1_body_of(struct http1_call *c, u64 length, enum http1_step step);
enum http1_result http1_step_body(struct http1_call *c);
enum http1_result http1_step_chunk_line(struct http1_call *c);
enum http1_result http1_step_chunk_data(struct http1_call *c);
enum http1_result http1_step_chunk_end(struct http1_call *c);
enum http1_result http1_step_trailers(struct http1_call *c);
enum http1_result http1_step_unbounded(struct http1_call *c);
enum http1_result http1_step_blind_chunks(struct http1_call *c);

/* http1_exchange.c */
struct exchange *http1_open(struct http1_call *c, struct bytes method, u64 first);
/* The exchange that a final response answers; NULL when there is none to be had. */
struct exchange *http1_answer(struct http1_call *c, bool *orphan);
/* The header block of its request is complete, or no more of it will be seen. */
void http1_request_known(struct http1_call *c, struct exchange *x);
/* Its response is complete. */
void http1_close(struct http1_call *c, struct exchange *x);
/* Its connection ended before its response did. */
void http1_fail(struct http1_call *c, struct exchange *x, const char *type);
void http1_drop(struct http1_call *c, struct exchange *x, enum user_stat reason);
void http1_drop_all(struct http1_call *c, enum user_stat reason);
void http1_moment(struct http1_call *c, u64 pos, struct moment *out);
/* The connection leaves HTTP behind the cursor. */
void http1_leave(struct http1_call *c);

#endif
