/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline whose spans a test looks at, and conversations to give it. */
#ifndef PIPE_H
#define PIPE_H

#include "counted.h"
#include "pipeline.h"
#include "records.h"

enum {
	PIPE_SPANS = 64
};

struct pipe {
	struct pipeline *p;
	struct span *spans[PIPE_SPANS]; /* the first ones */
	unsigned count;
	u64 pos[2], conn, time; /* of the next record of say() */
	enum proto_id proto;
};

static inline void pipe_on_span(void *ctx, struct span *s)
{
	struct pipe *t = ctx;

	if (t->count < PIPE_SPANS)
		t->spans[t->count] = s;
	else
		span_free(s);
	t->count++;
}

/* config may be NULL: the default one. */
static inline void pipe_begin(struct pipe *t, const struct pipeline_config *config)
{
	struct pipeline_config c = config ? *config : (struct pipeline_config){0};

	*t = (struct pipe){.conn = 1, .time = 1000, .proto = PROTO_HTTP1};
	c.on_span = pipe_on_span;
	c.ctx = t;
	t->p = pipeline_new(&c);
	if (!t->p)
		abort();
	count_from_here();
}

static inline void pipe_end(struct pipe *t)
{
	pipeline_free(t->p);
	for (unsigned i = 0; i < t->count && i < PIPE_SPANS; i++)
		span_free(t->spans[i]);
}

/* The next bytes of a direction; each record is 1000 ns after the one before. */
static inline int say_bytes(struct pipe *t, enum direction d, struct bytes b)
{
	union data_record *u = data_record(t->conn, d, t->pos[d], b);
	int err;

	u->r.h.time = t->time += 1000;
	u->r.proto = t->proto;
	t->pos[d] += bytes_len(b);
	err = pipeline_record(t->p, &u->r.h);
	free(u);
	return err;
}

static inline int say(struct pipe *t, enum direction d, const char *text)
{
	return say_bytes(t, d, bytes_str(text));
}

/* A request that this side serves, from its own beginning on another connection. */
static inline void serve(struct pipe *t, u64 conn)
{
	t->conn = conn;
	t->pos[DIR_RECV] = t->pos[DIR_SEND] = 0;
	say(t, DIR_RECV, A_GET);
	say(t, DIR_SEND, AN_OK);
}

static inline struct bytes span_text_of(const struct pipe *t, unsigned i, enum span_attr_id id)
{
	return i < t->count && i < PIPE_SPANS ? span_get_text(t->spans[i], id) : bytes_str("");
}

#endif
