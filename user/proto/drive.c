/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of a connection → calls of its protocol. */
#include "proto/drive.h"

#include <stdlib.h>

#include "proto/sink.h"

/* One call's worth of context, so that the functions below take few parameters. */
struct drive {
	struct drive_sink ds;
	struct conn *c;
	const struct proto_ops *ops;
	struct stream *s;
	enum direction dir;
};

static struct drive drive_begin(struct driver *d, struct conn *c, enum direction dir, int err)
{
	return (struct drive){
		.ds = {.sink = {.conn = c, .err = err, .ops = &drive_sink_ops}, .driver = d},
		.c = c,
		.ops = proto_find(c->proto),
		.s = &c->streams[dir],
		.dir = dir,
	};
}

/* What waited in the other direction may go on now: a response for its request. */
static void wake_other(struct driver *d, struct conn *c, enum direction dir);

/* The connection is not what it began as, or left the protocol: no more of it is wanted. */
static void leave(struct drive *v, enum user_stat reason)
{
	stat_add(reason, 1);
	v->c->streams[DIR_RECV].over = v->c->streams[DIR_SEND].over = true;
	stream_drop_hold(&v->c->streams[DIR_RECV], v->c->streams[DIR_RECV].end);
	stream_drop_hold(&v->c->streams[DIR_SEND], v->c->streams[DIR_SEND].end);
	drive_tell_none(v->ds.driver, v->c);
}

/* Puts what the protocol asked to skip behind the consumed part. */
static void take_skip(struct drive *v)
{
	for (int d = 0; d < 2; d++) {
		struct stream *s = &v->c->streams[d];
		u64 n = v->ds.skip[d];

		v->ds.skip[d] = 0;
		if (!n)
			continue;
		s->skip_to = n > UINT64_MAX - s->next ? UINT64_MAX : s->next + n;
		s->skipping = true;
		drive_tell_skip(v->ds.driver, v->c, (enum direction)d);
	}
}

/* Bytes that were needed are missing: what is in progress is cut. */
static void cut(struct drive *v)
{
	v->ops->eof(v->c->state, v->dir, END_BY_GAP, &v->ds.sink);
	wake_other(v->ds.driver, v->c, v->dir);
}

/* The bytes are not this protocol's: look for the next message, or give the connection up. */
static bool after_bad(struct drive *v, struct bytes view)
{
	ssize_t off;

	cut(v);
	if (!v->c->good || ++v->c->failures >= DRIVE_FAILURES_MAX) {
		leave(v, STAT_PROTO_GAVE_UP);
		return false;
	}
	stat_add(STAT_STREAM_GAP, 1);
	bytes_skip(&view, 1);
	off = v->ops->resync(v->c->state, v->dir, view);
	if (off < 0) {
		stream_drop_hold(v->s, v->s->end);
		v->s->lost = true;
		return false;
	}
	stat_add(STAT_STREAM_RESYNC, 1);
	stream_advance(v->s, v->s->next + 1 + (u64)off);
	return true;
}

/*
 * Passes over bytes that were asked to be skipped and are in view. True: the end of the skip was
 * reached, and feed is to be told, perhaps with nothing behind it.
 */
static bool pass_skipped(struct drive *v, struct bytes *view)
{
	u64 n = v->s->skip_to - v->s->next;

	if (n > bytes_len(*view)) {
		stream_advance(v->s, v->s->next + bytes_len(*view));
		*view = bytes_of(view->end, 0);
		return false;
	}
	bytes_skip(view, n);
	stream_advance(v->s, v->s->skip_to);
	v->s->skipping = false;
	return true;
}

/*
 * Feeds view, which begins at next. What is left of it afterwards is an incomplete message.
 */
static struct bytes feed_view(struct drive *v, struct bytes view)
{
	bool again = true;

	while (again && !v->s->over && !v->s->lost) {
		struct bytes in = view;
		enum parse_result r =
			v->ops->feed(v->c->state, v->dir, &in, v->s->next, &v->ds.sink);
		u64 before = v->s->next;

		if (r == PARSE_MORE)
			break;
		if (r == PARSE_BAD) {
			again = after_bad(v, view);
			view.p = again ? view.p + (v->s->next - before) : view.end;
			continue;
		}
		v->c->good = true;
		stream_advance(v->s, before + (u64)(in.p - view.p));
		again = in.p > view.p && !bytes_empty(in);
		view = in;
		if (r == PARSE_EOS) {
			leave(v, STAT_UPGRADED);
			break;
		}
		take_skip(v);
		if (v->s->skipping)
			again = pass_skipped(v, &view);
	}
	return view;
}

/* Feeds what is held once more. */
static void feed_hold(struct drive *v)
{
	struct stream *s = v->s;
	struct buf whole = s->hold;
	struct bytes left;

	/* feed_view moves next on; what it consumed must not be dropped from hold again. */
	s->hold = (struct buf){0};
	left = feed_view(v, buf_bytes(&whole));
	if (!s->over && !s->lost)
		buf_add(&s->hold, left.p, bytes_len(left));
	buf_done(&whole);
}

static void wake_other(struct driver *d, struct conn *c, enum direction dir)
{
	struct drive v = drive_begin(d, c, !dir, 0);

	if (v.s->hold.len && !v.s->over && !v.s->lost && !v.s->skipping)
		feed_hold(&v);
}

/* Captured bytes that stand at the end of what is held. */
static void on_bytes(struct drive *v, struct bytes b)
{
	struct stream *s = v->s;

	if (s->over || bytes_empty(b))
		return;
	if (s->lost) {
		ssize_t off = v->ops->resync(v->c->state, v->dir, b);

		if (off < 0) {
			stream_advance(s, s->next + bytes_len(b));
			return;
		}
		stat_add(STAT_STREAM_RESYNC, 1);
		s->lost = false;
		stream_advance(s, s->next + (u64)off);
		bytes_skip(&b, (size_t)off);
	}
	if (s->skipping && !pass_skipped(v, &b))
		return;
	if (!s->hold.len) {
		b = feed_view(v, b);
		if (!s->over && !s->lost)
			buf_add(&s->hold, b.p, bytes_len(b));
	} else {
		buf_add(&s->hold, b.p, bytes_len(b));
		if (!s->hold.failed)
			feed_hold(v);
	}
	if (s->hold.failed || s->hold.len > STREAM_HOLD_MAX) {
		stat_add(STAT_STREAM_FULL, 1);
		cut(v);
		stream_drop_hold(s, s->next + s->hold.len);
		s->lost = true;
	}
}

/* n bytes behind what is held moved without being captured; tail are the last of them. */
static void on_missing(struct drive *v, u64 n, struct bytes tail)
{
	struct stream *s = v->s;
	u64 from = s->next + s->hold.len, end = from + n;

	if (!n)
		return;
	if (s->over || s->lost) {
		stream_drop_hold(s, end);
		return;
	}
	if (s->skipping && s->skip_to > end) {
		stream_advance(s, end);
		return;
	}
	if (s->skipping) {
		stream_advance(s, s->skip_to);
		s->skipping = false;
		feed_view(v, bytes_of(NULL, 0));
		from = s->next;
		if (from >= end || s->over)
			return;
		if (s->skipping) { /* Feed asked for more of the same. */
			on_missing(v, end - from, tail);
			return;
		}
	}
	if (bytes_len(tail) > end - from)
		tail.p = tail.end - (end - from);
	if (v->ops->lost(v->c->state, v->dir, buf_bytes(&s->hold), from, end - from, tail,
			 &v->ds.sink)) {
		buf_done(&s->hold);
		stream_advance(s, end);
		take_skip(v);
		return;
	}
	stat_add(STAT_STREAM_GAP, 1);
	cut(v);
	stream_drop_hold(s, end);
	s->lost = true;
}

/* Bytes of a connection without a verdict: kept until there is one. */
static void keep_undecided(struct stream *s, const struct segment *seg)
{
	if (s->started && seg->pos != s->end)
		stream_done(s);
	stream_note(s, seg);
	/* What has a hole, or is more than inference looks at, is of no use to any verdict. */
	if (bytes_len(seg->head) < seg->len || s->hold.len + seg->len > INFER_BYTES)
		stream_drop_hold(s, s->end);
	else
		buf_add(&s->hold, seg->head.p, bytes_len(seg->head));
}

/* The first record with a verdict: the protocol's state is made. */
static bool decide(struct drive *v, enum proto_id proto, const struct segment *seg)
{
	struct stream *other = &v->c->streams[!v->dir];

	v->c->proto = proto;
	v->ops = proto_find(proto);
	if (v->ops)
		v->c->state = calloc(1, v->ops->conn_size);
	if (!v->c->state) {
		v->c->streams[0].over = v->c->streams[1].over = true;
		return false;
	}
	stat_add(STAT_CONNECTIONS, 1);
	/* What was kept may be of an earlier turn that came to nothing. */
	if (v->s->started && seg->pos != v->s->end)
		stream_done(v->s);
	v->c->whole = v->c->known && !v->c->old && !other->started &&
		      !(v->s->started ? v->s->next : seg->pos);
	if (other->started)
		stream_done(other);
	return true;
}

void drive_segment(struct driver *d, struct conn *c, enum direction dir, enum proto_id proto,
		   const struct segment *seg)
{
	struct drive v = drive_begin(d, c, dir, 0);
	u64 hole;

	if (v.s->over)
		return;
	if (!c->state && proto == PROTO_UNKNOWN) {
		keep_undecided(v.s, seg);
		return;
	}
	if (!c->state && !decide(&v, proto, seg))
		return;
	if (v.s->started && seg->pos < v.s->end) {
		/* Two threads moved bytes at once and told it in the other order. */
		stat_add(STAT_STREAM_GAP, 1);
		return;
	}
	/* The other direction was seen from its first byte, so what came before is a gap here. */
	if (!v.s->started && c->whole && seg->pos)
		on_missing(&v, seg->pos, bytes_of(NULL, 0));
	if (v.s->started && seg->pos > v.s->end)
		on_missing(&v, seg->pos - v.s->end, bytes_of(NULL, 0));
	stream_note(v.s, seg);
	on_missing(&v, seg->at, bytes_of(NULL, 0));
	on_bytes(&v, seg->head);
	/* A tail is the end of a message, or where the next one begins behind a known body. */
	hole = seg->len - seg->at - bytes_len(seg->head) - bytes_len(seg->tail);
	if (v.s->skipping && v.s->skip_to >= v.s->end - bytes_len(seg->tail)) {
		on_missing(&v, hole, bytes_of(NULL, 0));
		on_bytes(&v, seg->tail);
	} else {
		on_missing(&v, hole + bytes_len(seg->tail), seg->tail);
	}
	wake_other(d, c, dir);
}

void drive_missed(struct driver *d, struct conn *c, enum direction dir, u64 n)
{
	struct drive v = drive_begin(d, c, dir, 0);
	struct segment seg = {.pos = v.s->end, .len = n, .turn = v.s->turn};

	if (!v.ops || !c->state || v.s->over || !v.s->started)
		return;
	seg.moment = v.s->last.moment;
	stream_note(v.s, &seg);
	on_missing(&v, n, bytes_of(NULL, 0));
}

void drive_end(struct driver *d, struct conn *c, enum direction dir, enum end_reason why, int err)
{
	struct drive v = drive_begin(d, c, dir, err);

	if (!v.ops || !c->state || (v.s->over && why != END_BY_SHUTDOWN))
		return;
	/* What waits for the other direction waits no longer. */
	v.ds.sink.ending = true;
	if (v.s->hold.len && !v.s->over && !v.s->lost && !v.s->skipping)
		feed_hold(&v);
	v.ops->eof(c->state, dir, why, &v.ds.sink);
}

void drive_done(struct driver *d, struct conn *c)
{
	struct drive v = drive_begin(d, c, DIR_RECV, 0);

	if (v.ops && c->state)
		v.ops->done(c->state, &v.ds.sink);
	free(c->state);
	c->state = NULL;
}
