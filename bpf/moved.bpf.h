/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one body of all families: bytes moved through a socket of a traced process. Place them,
 * recognise the protocol by the first of a turn, leave out what is not wanted, emit the rest.
 */
#ifndef MOVED_BPF_H
#define MOVED_BPF_H

#include "conn.bpf.h"
#include "infer.h"

/* First bytes wanted of a call, by what it belongs to. Responses carry bodies behind their heads. */
enum {
	WANT_REQUEST = CAPTURE_HEAD_MAX,
	WANT_RESPONSE = 4096,
};

static __always_inline void begin_turn(struct conn_state *st, u8 dir)
{
	if (st->last_dir == dir)
		return;
	st->last_dir = dir;
	st->turn++;
	st->turn_over = 0;
	st->start_len = 0;
}

/* A global function, as emit_data: the most branches of all are in here. */
__weak int infer_start(struct turn_start *start, u32 n)
{
	return start ? infer_http1(start->bytes, n) : INFER_NO;
}

/* Looks at the first bytes of a turn. 1: these bytes are of interest. A global function, as emit_data. */
__weak int recognise(struct conn_state *st, struct moved *m)
{
	int answer;
	u32 have, got;

	if (!st || !m)
		return 0;
	if (m->payload.kind == PAYLOAD_NONE)
		count(KSTAT_BLIND);
	if (st->turn_over)
		return 0;
	have = st->start_len;
	if (have >= INFER_BYTES)
		return 0; /* can't happen: so many bytes are always an answer */
	got = payload_first(st->start.bytes + have, &m->payload,
			    m->len < INFER_BYTES - have ? m->len : INFER_BYTES - have);
	if (got) {
		st->start_len = have + got;
		answer = infer_start(&st->start, have + got);
		if (answer == INFER_MAYBE)
			return 1;
		if (answer != INFER_NO) {
			st->verdict = PROTO_HTTP1;
			st->request_dir = answer == INFER_REQUEST ? m->dir : !m->dir;
			return 1;
		}
	}
	st->turn_over = 1;
	if (st->turn >= (st->fresh ? INFER_TURNS : INFER_TURNS_OLD)) {
		st->verdict = PROTO_NONE;
		count(KSTAT_UNRECOGNISED);
	}
	return 0;
}

/*
 * Decides what of these bytes is wanted. False: nothing, not even that they moved: the middle of a
 * body whose length user space knows.
 */
static __always_inline bool choose(struct conn_state *st, struct moved *m)
{
	u32 slot = st->id & (CTL_SLOTS - 1);
	struct conn_ctl *c = bpf_map_lookup_elem(&ctl, &slot);
	u8 d = m->dir & 1;
	u64 pos = m->pos, skip;

	m->want =
		d == st->request_dir || st->verdict == PROTO_UNKNOWN ? WANT_REQUEST : WANT_RESPONSE;
	if (c && c->conn == st->id) {
		if (c->verdict == PROTO_NONE) {
			st->verdict = PROTO_NONE;
			return false;
		}
		if (c->dir[d].want && c->dir[d].turn == st->turn && c->dir[d].want < m->want)
			m->want = c->dir[d].want;
		skip = c->dir[d].skip_to;
		if (skip > pos) {
			skip -= pos;
			if (skip > m->len)
				return false;
			m->at = skip;
		}
	}
	if (m->want > m->len - m->at)
		m->want = m->len - m->at;
	return true;
}

static __always_inline int on_moved(struct sock *sk, struct moved *m, struct ids ids)
{
	struct conn_state *st = conn_get(sk);
	u8 d = m->dir & 1;

	if (!st || st->verdict == PROTO_NONE)
		return 0;
	conn_place(st, sk, m);
	begin_turn(st, d);
	if (st->verdict == PROTO_UNKNOWN && !recognise(st, m))
		goto moved;
	if (m->payload.kind == PAYLOAD_NONE) {
		count(KSTAT_NO_CONTENT);
		m->flags |= RECF_NO_CONTENT;
	}
	if (!st->announced)
		emit_conn(st, sk, ids);
	if (st->verdict != PROTO_UNKNOWN)
		count_n(KSTAT_BYTES_SEEN, m->len);
	if (choose(st, m))
		emit_data(st, m, (u64)ids.pid << 32 | ids.tid);
	if (d == DIR_RECV && d == st->request_dir)
		learn_port(sk);
moved:
	if (d == DIR_RECV)
		st->ready = sk->sk_receive_queue.qlen ? READY_UNKNOWN : 0;
	return 0;
}

/* include/uapi/asm-generic/errno.h: errors after which a connection is dead. */
enum {
	ERR_PIPE = 32,
	ERR_NETDOWN = 100,
	ERR_NETUNREACH = 101,
	ERR_NETRESET = 102,
	ERR_CONNABORTED = 103,
	ERR_CONNRESET = 104,
	ERR_TIMEDOUT = 110,
	ERR_CONNREFUSED = 111,
	ERR_HOSTDOWN = 112,
	ERR_HOSTUNREACH = 113,
};

/* EPIPE also says that this side itself had shut down sending, and may go on receiving. */
static __always_inline bool is_final(const struct sock *sk, s32 err)
{
	if (err == ERR_PIPE)
		return sk->sk_shutdown == SHUTDOWN_BOTH;
	return (err >= ERR_NETDOWN && err <= ERR_CONNRESET) ||
	       (err >= ERR_TIMEDOUT && err <= ERR_HOSTUNREACH);
}

/* A call on a known connection that moved nothing: the peer's end, or a final error. */
static __always_inline void on_nothing_moved(struct sock *sk, s32 ret, u8 dir)
{
	struct conn_state *st = bpf_sk_storage_get(&conns, sk, 0, 0);

	if (!st || st->verdict == PROTO_NONE)
		return;
	/* Zero is also the answer to a call that asked for nothing. */
	if (ret == 0 && dir == DIR_RECV && (sk->sk_shutdown & SHUTDOWN_RECV) &&
	    !sk->sk_receive_queue.qlen)
		emit_end(st, END_RECV_EOF, 0, NULL);
	else if (ret < 0 && is_final(sk, -ret))
		emit_end(st, END_ERROR, -ret, NULL);
}

#endif
