/* SPDX-License-Identifier: Apache-2.0 */
/* What a protocol may ask of its driver: exchanges, skips, times, less content. */
#include "proto/sink.h"

#include <stdlib.h>

static struct exchange *sink_open(struct sink *s, enum direction d, u64 first)
{
	struct drive_sink *ds = drive_sink_of(s);
	struct exchange *x = NULL;

	if (ds->driver->open < DRIVE_OPEN_MAX)
		x = calloc(1, sizeof(*x));
	if (x)
		x->span = span_new();
	if (!x || !x->span) {
		free(x);
		stat_add(STAT_EXCHANGE_LIMIT, 1);
		return NULL;
	}
	ds->driver->open++;
	x->conn = s->conn;
	x->role = d == DIR_RECV ? ROLE_SERVER : ROLE_CLIENT;
	x->span->kind = x->role == ROLE_SERVER ? SPAN_SERVER : SPAN_CLIENT;
	return x;
}

static void sink_request(struct sink *s, struct exchange *x)
{
	struct driver *d = drive_sink_of(s)->driver;

	d->on_request(d->ctx, x);
}

static void sink_close(struct sink *s, struct exchange *x)
{
	struct driver *d = drive_sink_of(s)->driver;

	d->open--;
	d->on_exchange(d->ctx, x);
}

void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	span_free(x->span);
	free(x);
}

static void sink_drop(struct sink *s, struct exchange *x, enum user_stat reason)
{
	drive_sink_of(s)->driver->open--;
	stat_add(reason, 1);
	exchange_free(x);
}

static void sink_skip(struct sink *s, enum direction d, u64 n)
{
	struct drive_sink *ds = drive_sink_of(s);

	ds->skip[d] = n > UINT64_MAX - ds->skip[d] ? UINT64_MAX : ds->skip[d] + n;
}

static const struct moment *sink_moment(struct sink *s, enum direction d, u64 pos)
{
	return stream_moment(&s->conn->streams[d], pos);
}

/* The control slot of a connection, taken from whoever had it. */
static struct conn_ctl *ctl_slot(struct driver *d, const struct conn *c)
{
	struct conn_ctl *slot;

	if (!d->ctl)
		return NULL;
	slot = &d->ctl[c->id & (CTL_SLOTS - 1)];
	if (slot->conn != c->id) {
		__atomic_store_n(&slot->conn, 0, __ATOMIC_SEQ_CST);
		slot->dir[0].skip_to = slot->dir[1].skip_to = 0;
		slot->dir[0].want = slot->dir[1].want = 0;
		slot->verdict = PROTO_UNKNOWN;
		__atomic_store_n(&slot->conn, c->id, __ATOMIC_SEQ_CST);
	}
	return slot;
}

static void sink_want(struct sink *s, enum direction d, u16 head)
{
	struct conn_ctl *slot = ctl_slot(drive_sink_of(s)->driver, s->conn);

	if (!slot)
		return;
	__atomic_store_n(&slot->dir[d].want, 0, __ATOMIC_SEQ_CST);
	slot->dir[d].turn = s->conn->streams[d].turn;
	__atomic_store_n(&slot->dir[d].want, head, __ATOMIC_SEQ_CST);
}

void drive_tell_skip(struct driver *d, struct conn *c, enum direction dir)
{
	struct stream *s = &c->streams[dir];
	struct conn_ctl *slot;

	/* What is only a few bytes ahead has moved before the kernel can read this. */
	if (s->skip_to <= s->end)
		return;
	slot = ctl_slot(d, c);
	if (slot)
		__atomic_store_n(&slot->dir[dir].skip_to, s->skip_to, __ATOMIC_SEQ_CST);
}

void drive_tell_none(struct driver *d, struct conn *c)
{
	struct conn_ctl *slot = ctl_slot(d, c);

	if (slot)
		__atomic_store_n(&slot->verdict, PROTO_NONE, __ATOMIC_SEQ_CST);
}

const struct sink_ops drive_sink_ops = {
	.open = sink_open,
	.request = sink_request,
	.close = sink_close,
	.drop = sink_drop,
	.skip = sink_skip,
	.moment = sink_moment,
	.want = sink_want,
};
