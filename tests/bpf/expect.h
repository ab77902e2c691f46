/* SPDX-License-Identifier: Apache-2.0 */
/* One call on a socket, and the record that it must have made. */
#ifndef EXPECT_H
#define EXPECT_H

#include <sys/syscall.h>

#include "pair.h"

/* A call as the program itself saw it. */
struct io {
	struct end *e;
	const u8 *bytes; /* what moved, in order, when ret > 0 */
	s64 ret;
	u64 before, after; /* CLOCK_MONOTONIC around it */
	u64 cpu_before, cpu_after; /* CPU time of the thread around it */
	u32 pid, tid;
	int err; /* errno */
	u8 dir;
};

static inline struct io io_begin(struct end *e, u8 dir, const void *bytes)
{
	return (struct io){
		.e = e,
		.dir = dir,
		.bytes = bytes,
		.pid = (u32)getpid(),
		.tid = (u32)syscall(SYS_gettid),
		.before = clock_mono(),
		.cpu_before = clock_ns(CLOCK_THREAD_CPUTIME_ID),
	};
}

static inline void io_end(struct io *io, s64 ret)
{
	io->err = ret < 0 ? errno : 0;
	io->ret = ret;
	io->cpu_after = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	io->after = clock_mono();
}

/* Makes the call between two looks at the clocks. */
#define IO(end, dir, bytes, call)                                                                  \
	({                                                                                         \
		struct io io_ = io_begin(end, dir, bytes);                                         \
		io_end(&io_, (call));                                                              \
		io_;                                                                               \
	})

static inline u64 end_conn(struct end *e)
{
	rig_drain();
	for (size_t i = e->first; i < rig.n && !e->conn; i++) {
		const struct record_conn *c = (const void *)rig.all[i];

		if (c->h.kind == REC_CONN && c->ino == e->ino)
			e->conn = c->conn;
	}
	return e->conn;
}

/* The connection that a record speaks of; 0: none. */
static inline u64 conn_of(const struct record *r)
{
	switch (r->kind) {
	case REC_DATA:
		return ((const struct record_data *)r)->conn;
	case REC_CONN:
		return ((const struct record_conn *)r)->conn;
	case REC_END:
		return ((const struct record_end *)r)->conn;
	}
	return 0;
}

/* The next record of that kind for this end; NULL: there is none. */
static inline const void *end_next(struct end *e, u16 kind)
{
	u64 conn = end_conn(e);

	while (conn && e->next[kind] < rig.n) {
		const struct record *r = rig.all[e->next[kind]++];

		if (r->kind == kind && conn_of(r) == conn)
			return r;
	}
	return NULL;
}

static inline const struct record_data *end_data(struct end *e)
{
	return end_next(e, REC_DATA);
}

static inline const struct record_conn *end_conn_record(struct end *e)
{
	return end_next(e, REC_CONN);
}

static inline const struct record_end *end_end(struct end *e)
{
	return end_next(e, REC_END);
}

/* Bytes captured at the front of a call that moved n, by what moves in that direction. */
static inline s64 usual_head(const struct end *e, u8 dir, s64 n)
{
	s64 most = dir == e->request_dir ? CAPTURE_HEAD_MAX : 4096; /* WANT_RESPONSE */

	return n < most ? n : most;
}

static inline s64 usual_tail(s64 n, s64 head)
{
	return n - head < CAPTURE_TAIL_MAX ? n - head : CAPTURE_TAIL_MAX;
}

/* Keeps account of a call that moved bytes, whether or not it made a record. */
static inline void end_moved(struct end *e, u8 dir, s64 n)
{
	e->pos[dir] += (u64)n;
	if (e->last_dir != dir)
		e->turn++;
	e->last_dir = dir;
}

static inline void check_bytes(struct here h, const struct record_data *d, const u8 *bytes)
{
	want_true(h, "captured bytes are within the call", d->at + d->head + d->tail <= d->len);
	if (d->at + d->head + d->tail > d->len)
		return;
	want_true(h, "the captured head is what was moved",
		  !memcmp(d->bytes, bytes + d->at, d->head));
	want_true(h, "the captured tail is what was moved",
		  !memcmp(d->bytes + d->head, bytes + d->len - d->tail, d->tail));
}

static inline void check_seq(struct here h, struct end *e, const struct record_data *d)
{
	want_int(h, "RECF_SEQ", !!(d->h.flags & RECF_SEQ), e->counted);
	if (!e->counted)
		return;
	if (e->seq_known[d->dir])
		want_int(h, "seq", d->seq, e->seq[d->dir]);
	e->seq[d->dir] = d->seq + d->len;
	e->seq_known[d->dir] = true;
}

static inline void check_times(struct here h, const struct record_data *d, const struct io *io)
{
	want_between(h, "time of the record", d->h.time, io->before, io->after);
	if (d->start)
		want_between(h, "start", d->start, io->before, d->h.time);
	/* What cpu and delay say is asked by times_test. */
	want_true(h, "RECF_THREAD_TIME", d->h.flags & RECF_THREAD_TIME);
	want_int(h, "pid", d->pid, io->pid);
	want_int(h, "tid", d->tid, io->tid);
}

struct want {
	s64 head, tail;
	bool no_content;
	u8 proto;
};

/* The next data record of the end is that of this call, and says just this. */
static inline const struct record_data *check_moved(struct here h, const struct io *io,
						    struct want w)
{
	struct end *e = io->e;
	u64 pos = e->pos[io->dir];
	const struct record_data *d;

	want_true(h, "the call moved bytes", io->ret > 0);
	if (io->ret <= 0)
		return NULL;
	end_moved(e, io->dir, io->ret);
	d = end_data(e);
	want_true(h, "the call made a record", d);
	if (!d)
		return NULL;
	want_int(h, "direction", d->dir, io->dir);
	want_int(h, "position", (s64)d->pos, (s64)pos);
	want_int(h, "length", d->len, io->ret);
	want_int(h, "head", d->head, w.head);
	want_int(h, "tail", d->tail, w.tail);
	want_int(h, "RECF_NO_CONTENT", !!(d->h.flags & RECF_NO_CONTENT), w.no_content);
	want_int(h, "verdict", d->proto, w.proto);
	want_int(h, "turn", d->turn, e->turn);
	if (d->len == io->ret)
		check_bytes(h, d, io->bytes);
	check_seq(h, e, d);
	check_times(h, d, io);
	return d;
}

static inline struct want want_usual(const struct io *io)
{
	s64 head = usual_head(io->e, io->dir, io->ret);

	return (struct want){.head = head, .tail = usual_tail(io->ret, head), .proto = PROTO_HTTP1};
}

/* All that can be captured was. */
#define MOVED(io) check_moved(HERE, &(io), want_usual(&(io)))
/* A position and a length, but no bytes. */
#define MOVED_BARE(io)                                                                             \
	check_moved(HERE, &(io), (struct want){.no_content = true, .proto = PROTO_HTTP1})
/* So many bytes and no more. */
#define MOVED_PART(io, h, t)                                                                       \
	check_moved(HERE, &(io), (struct want){.head = (h), .tail = (t), .proto = PROTO_HTTP1})
/* No further data record of this end. */
#define NO_RECORD(e) want_true(HERE, "no record", !end_data(e))

/*
 * All records of the end in that direction since the last look: without content, one behind the
 * other, n bytes in all; their number.
 */
static inline int check_bare(struct here h, struct end *e, u8 dir, s64 n)
{
	const struct record_data *d;
	s64 had = 0;
	int records = 0;

	while (had < n && (d = end_data(e))) {
		want_int(h, "direction", d->dir, dir);
		want_int(h, "position", (s64)d->pos, (s64)e->pos[dir]);
		want_true(h, "RECF_NO_CONTENT", d->h.flags & RECF_NO_CONTENT);
		want_int(h, "captured", d->head + d->tail, 0);
		check_seq(h, e, d);
		end_moved(e, dir, d->len);
		had += d->len;
		records++;
	}
	want_int(h, "bytes in records", had, n);
	return records;
}

/* Bytes that are a different one at every place, so that a wrong offset shows. */
static inline void fill_pattern(u8 *p, size_t n, u32 seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (u8)((i * 2654435761u + seed) >> 13 ^ i);
}

/* A request of just n bytes, headers and body; n must have room for its first line. */
static inline void fill_request(u8 *p, size_t n)
{
	static const char head[] = "POST /orders/8731 HTTP/1.1\r\nHost: a\r\n\r\n";

	fill_pattern(p, n, 1);
	memcpy(p, head, sizeof(head) - 1 < n ? sizeof(head) - 1 : n);
}

static inline void fill_response(u8 *p, size_t n)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";

	fill_pattern(p, n, 7);
	memcpy(p, head, sizeof(head) - 1 < n ? sizeof(head) - 1 : n);
}

/* A short request from a to b, with its records checked: from now on the protocol is known. */
static inline void pair_greet(struct here h, struct pair *p)
{
	u8 out[64], in[64];
	struct io io;

	fill_request(out, sizeof(out));
	io = IO(&p->a, DIR_SEND, out, send(p->a.fd, out, sizeof(out), 0));
	check_moved(h, &io, want_usual(&io));
	io = IO(&p->b, DIR_RECV, in, recv(p->b.fd, in, sizeof(in), MSG_WAITALL));
	check_moved(h, &io, want_usual(&io));
}

static inline struct pair pair_greeted(struct here h, enum pair_kind kind)
{
	struct pair p = pair_open(kind);

	pair_greet(h, &p);
	return p;
}

#endif
