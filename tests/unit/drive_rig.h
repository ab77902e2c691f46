/* SPDX-License-Identifier: Apache-2.0 */
/* A driver with one connection, and segments to give it. */
#ifndef DRIVE_RIG_H
#define DRIVE_RIG_H

#include "counted.h"
#include "proto/drive.h"
#include "records.h"
#include "test.h"

struct rig {
	struct driver d;
	struct conn c;
	unsigned spans;
	u64 req_first, req_last, resp_first, resp_last; /* times of the newest */
	u64 time;
};

static inline void on_request(void *ctx, struct exchange *x)
{
}

static inline void on_exchange(void *ctx, struct exchange *x)
{
	struct rig *r = ctx;

	r->spans++;
	r->req_first = x->req_first.time;
	r->req_last = x->req_last.time;
	r->resp_first = x->resp_first.time;
	r->resp_last = x->resp_last.time;
	exchange_free(x);
}

static inline void begin(struct rig *r)
{
	*r = (struct rig){.d = {.on_request = on_request, .on_exchange = on_exchange, .ctx = r},
			  .c.id = 5};
	count_from_here();
}

static inline void end(struct rig *r)
{
	drive_done(&r->d, &r->c);
	stream_done(&r->c.streams[0]);
	stream_done(&r->c.streams[1]);
	CHECK_INT(r->d.open, 0);
	free(r->d.ctl);
}

/* len bytes at pos, of which the first of text and the last of tail were captured. */
static inline void seg(struct rig *r, enum direction d, u64 pos, u64 len, const char *text,
		       const char *tail)
{
	struct segment s = {
		.pos = pos,
		.len = len,
		.head = bytes_str(text),
		.tail = bytes_str(tail),
		.turn = 3,
		.moment = {.time = ++r->time, .pid = 7},
	};

	drive_segment(&r->d, &r->c, d, PROTO_HTTP1, &s);
	stream_check(&r->c.streams[0]);
	stream_check(&r->c.streams[1]);
}

/* Whole bytes, right behind those before. */
static inline void put(struct rig *r, enum direction d, const char *text)
{
	seg(r, d, r->c.streams[d].end, strlen(text), text, "");
}

#define POST_100 "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n"

#endif
