/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Socket → connection: its state, its place in the byte stream, its beginning and its end. */
#ifndef CONN_BPF_H
#define CONN_BPF_H

#include "emit.bpf.h"

#include <bpf/bpf_endian.h>

enum {
	SOCK_TYPE_STREAM = 1, /* include/linux/net.h */
	PROTO_NUMBER_TCP = 6, /* IPPROTO_TCP */
	PROTO_NUMBER_MPTCP = 262, /* IPPROTO_MPTCP */
	SHUTDOWN_RECV = 1, /* RCV_SHUTDOWN, include/net/sock.h */
	SHUTDOWN_BOTH = 3, /* SHUTDOWN_MASK */
	SEQ_JUMP_MAX = 1 << 30, /* a larger step of a sequence number is one backwards */
};

/* include/net/tcp_states.h */
enum tcp_state {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_FIN_WAIT1 = 4,
	STATE_CLOSE = 7,
	STATE_LAST_ACK = 9,
	STATE_LISTEN = 10,
};

/* TCP, MPTCP or a Unix stream socket. */
static __always_inline bool is_stream(const struct sock *sk)
{
	u16 family = sk->__sk_common.skc_family;

	if (sk->sk_type != SOCK_TYPE_STREAM)
		return false;
	if (family == FAMILY_UNIX)
		return true;
	return (family == FAMILY_INET || family == FAMILY_INET6) &&
	       (sk->sk_protocol == PROTO_NUMBER_TCP || sk->sk_protocol == PROTO_NUMBER_MPTCP);
}

static __always_inline void conn_init(struct conn_state *st)
{
	st->id = __sync_fetch_and_add(&last_conn_id, 1) + 1;
	st->last_dir = 255; /* neither: the first call begins a turn */
	st->request_dir = 255;
}

/* The connection of a socket, made when there is none; NULL: no memory (counted). */
static __always_inline struct conn_state *conn_get(struct sock *sk)
{
	struct conn_state *st = bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!st) {
		count(KSTAT_STORAGE_FULL);
		return NULL;
	}
	if (!st->id)
		conn_init(st);
	return st;
}

/*
 * The sequence number of a plain TCP socket after the call, in the direction of the call. MPTCP,
 * kernel TLS (an upper layer protocol) and other sockets have none that counts their bytes.
 */
static __always_inline bool seq_after(struct sock *sk, u8 dir, u32 *seq)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!tp || tp->inet_conn.icsk_ulp_ops)
		return false;
	*seq = dir == DIR_SEND ? tp->write_seq : tp->copied_seq;
	return true;
}

/* Moves the end of what was seen to end, unless it is there already; returns where it was. */
static __always_inline u64 raise_end(u64 *at, u64 end)
{
	u64 was = *at;

	/* Another thread may move it at the same time: a few tries are plenty. */
	for (int i = 0; i < 8 && was < end; i++) {
		u64 found = __sync_val_compare_and_swap(at, was, end);

		if (found == was)
			break;
		was = found;
	}
	return was;
}

/*
 * Where the len bytes just moved stand. Positions and TCP's sequence numbers differ by a constant:
 * the number after the call says where they are, also when bytes before them passed by no hook, or
 * when two threads moved bytes at once and tell of them in the other order. What the end of the
 * stream has grown by beyond the bytes told is what was missed. Sockets without such numbers count.
 */
static __always_inline void conn_place(struct conn_state *st, struct sock *sk, struct moved *m)
{
	u8 d = m->dir & 1;
	u32 after, low;
	u64 was;

	if (!seq_after(sk, d, &after)) {
		m->pos = __sync_fetch_and_add(&st->pos[d], m->len);
		return;
	}
	m->flags |= RECF_SEQ;
	m->seq = after - m->len;
	if (!st->seq_known[d]) {
		st->seq_base[d] = m->seq - (u32)st->pos[d];
		st->seq_known[d] = 1;
	}
	/* One byte more than was read: the mark of urgent data was passed. */
	low = m->seq - st->seq_base[d];
	if (d == DIR_RECV && low == (u32)st->pos[d] + 1) {
		st->seq_base[d]++;
		m->seq--;
		low--;
	}
	was = st->pos[d];
	m->pos = was + (s32)(low - (u32)was);
	was = raise_end(&st->pos[d], m->pos + m->len);
	if (m->pos == was)
		return;
	count(KSTAT_REPOSITIONED);
	if (st->verdict != PROTO_UNKNOWN)
		count_n(KSTAT_BYTES_MISSED,
			(m->pos + m->len > was ? m->pos + m->len - was : 0) - m->len);
}

static __always_inline void fill_addr(struct sock_addr *a, const struct sock *sk, bool local)
{
	u16 family = sk->__sk_common.skc_family;

	__builtin_memset(a, 0, sizeof(*a));
	a->family = family;
	a->port = local ? BPF_CORE_READ(sk, __sk_common.skc_num)
			: bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (family == FAMILY_INET6) {
		if (local)
			BPF_CORE_READ_INTO(&a->addr, sk, __sk_common.skc_v6_rcv_saddr);
		else
			BPF_CORE_READ_INTO(&a->addr, sk, __sk_common.skc_v6_daddr);
	} else {
		u32 v4 = local ? BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr)
			       : BPF_CORE_READ(sk, __sk_common.skc_daddr);

		__builtin_memcpy(a->addr, &v4, sizeof(v4));
	}
}

/* The path that a Unix socket, or else its peer, is bound to. */
static __always_inline void fill_unix(struct record_conn *r, struct sock *sk)
{
	struct unix_sock *u = (struct unix_sock *)sk;
	struct unix_address *addr = BPF_CORE_READ(u, addr);
	u32 len;

	if (!addr) {
		struct unix_sock *peer = (struct unix_sock *)BPF_CORE_READ(u, peer);

		addr = peer ? BPF_CORE_READ(peer, addr) : NULL;
	}
	if (!addr)
		return;
	len = BPF_CORE_READ(addr, len) - sizeof(__u16);
	if (len > UNIX_PATH_MAX)
		return;
	if (!bpf_probe_read_kernel(
		    r->path, len, (void *)addr + bpf_core_field_offset(addr->name) + sizeof(__u16)))
		r->path_len = len;
}

static __always_inline void emit_conn(struct conn_state *st, struct sock *sk, struct ids ids)
{
	struct record_conn *r = reserve(sizeof(*r));

	if (!r)
		return;
	__builtin_memset(r, 0, sizeof(*r));
	fill_header(&r->h, REC_CONN, sizeof(*r));
	r->h.flags = st->fresh ? 0 : RECF_OLD;
	r->conn = st->id;
	r->ino = BPF_CORE_READ(sk, sk_socket, file, f_inode, i_ino);
	r->pid = ids.pid;
	r->tid = ids.tid;
	r->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	r->role = st->role;
	if (sk->__sk_common.skc_family == FAMILY_UNIX) {
		r->h.flags |= RECF_PEER_UNIX;
		r->local.family = FAMILY_UNIX;
		fill_unix(r, sk);
	} else {
		fill_addr(&r->local, sk, true);
		fill_addr(&r->remote, sk, false);
	}
	bpf_ringbuf_submit(r, wake_flags());
	st->announced = 1;
}

/* A server's port: from now on, what arrives before it is read is timed. */
static __always_inline void learn_port(const struct sock *sk)
{
	u16 port = sk->__sk_common.skc_num;
	u8 one = 1;

	if (sk->__sk_common.skc_family != FAMILY_UNIX && !bpf_map_lookup_elem(&ports, &port))
		bpf_map_update_elem(&ports, &port, &one, BPF_ANY);
}

/* Bytes that the socket counted and no hook showed; one more is a FIN. */
static __always_inline u64 missed(struct conn_state *st, struct sock *sk, u8 dir)
{
	u32 now, n;

	if (!st->seq_known[dir & 1] || !seq_after(sk, dir, &now))
		return 0;
	n = now - st->seq_base[dir & 1] - (u32)st->pos[dir & 1];
	return n > 1 && n < SEQ_JUMP_MAX ? n : 0;
}

static __always_inline void emit_end(struct conn_state *st, u8 end, s32 err,
				     const u64 missed_bytes[2])
{
	struct record_end *r;

	if (!st->announced || (st->ended & (1 << end | 1 << END_CLOSED)))
		return;
	r = reserve(sizeof(*r));
	if (!r)
		return;
	fill_header(&r->h, REC_END, sizeof(*r));
	r->conn = st->id;
	r->missed[0] = missed_bytes ? missed_bytes[0] : 0;
	r->missed[1] = missed_bytes ? missed_bytes[1] : 0;
	r->pid = current_ids().pid;
	r->end = end;
	r->pad[0] = r->pad[1] = r->pad[2] = 0;
	r->err = err;
	r->pad2 = 0;
	bpf_ringbuf_submit(r, wake_flags());
	st->ended |= 1 << end;
}

#endif
