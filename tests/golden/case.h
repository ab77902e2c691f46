/* SPDX-License-Identifier: Apache-2.0 */
/* A golden case: a conversation and the spans that it must give, read from a text file. */
#ifndef GOLDEN_CASE_H
#define GOLDEN_CASE_H

#include "proto/http_config.h"
#include "util/buf.h"

enum event_kind {
	EVENT_BYTES, /* one write of the sender */
	EVENT_GAP, /* bytes that no record tells of */
	EVENT_EOF, /* the sender sends no more */
	EVENT_CLOSE, /* both ends close */
	EVENT_ERROR, /* both ends get err */
};

struct event {
	enum event_kind kind;
	bool from_client;
	bool no_content, undecided;
	u64 time; /* ms */
	size_t at, len; /* in the case's bytes */
	u64 gap;
	size_t head, tail; /* captured at most; 0, 0: all */
	int err;
};

enum {
	CASE_EVENTS_MAX = 64
};

struct golden_case {
	struct buf bytes;
	struct event events[CASE_EVENTS_MAX];
	size_t count;
	struct http_config config;
	bool whole_only; /* what is captured depends on how bytes are split */
	bool all; /* all attributes are shown, also the usual ones */
	bool old; /* the connection was open before */
	struct buf script; /* the file up to the expectations */
	struct buf expect[2]; /* of the client end, of the server end */
};

/* Reads a file. False: what is wrong was printed. */
bool case_read(struct golden_case *c, const char *path);
void case_done(struct golden_case *c);

#endif
