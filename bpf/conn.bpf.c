/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The life of a socket: connecting, data arriving, closing; and the sweep that finds dead ones. */
#include "vmlinux.h"

#include "conn.bpf.h"

#include <bpf/bpf_tracing.h>

/* A traced process connects, or begins to listen. */
static __always_inline void on_opening(struct sock *sk, int state)
{
	struct conn_state *st;

	if (state == STATE_LISTEN) {
		learn_port(sk);
		return;
	}
	st = conn_get(sk);
	if (!st)
		return;
	if (st->announced) {
		/* connect(AF_UNSPEC) made the socket new: what it was is over. */
		emit_end(st, END_CLOSED, 0, NULL);
		__builtin_memset(st, 0, sizeof(*st));
		conn_init(st);
	}
	st->role = ROLE_CLIENT;
	st->fresh = 1;
}

/* This side is about to send no more, or nothing at all any more. */
static __always_inline void on_closing(struct sock *sk, struct conn_state *st, int state)
{
	u64 lost[2] = {missed(st, sk, DIR_RECV), missed(st, sk, DIR_SEND)};

	if (sk->sk_shutdown == SHUTDOWN_BOTH || !sk->sk_socket)
		emit_end(st, END_CLOSED, st->err, lost);
	else if (state != STATE_CLOSE)
		emit_end(st, END_SEND_EOF, 0, NULL);
}

SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(conn_state_change, struct sock *sk, int from, int to)
{
	struct conn_state *st;

	if (to == STATE_SYN_SENT || to == STATE_LISTEN) {
		if (is_stream(sk) && selected(current_ids().pid))
			on_opening(sk, to);
		return 0;
	}
	if (to != STATE_FIN_WAIT1 && to != STATE_LAST_ACK && to != STATE_CLOSE)
		return 0;
	st = bpf_sk_storage_get(&conns, sk, 0, 0);
	if (!st)
		return 0;
	if (to == STATE_CLOSE && sk->sk_err)
		st->err = sk->sk_err;
	on_closing(sk, st, to);
	return 0;
}

SEC("?tp_btf/tcp_destroy_sock")
int BPF_PROG(conn_destroy, struct sock *sk)
{
	struct conn_state *st = bpf_sk_storage_get(&conns, sk, 0, 0);

	if (st)
		emit_end(st, END_CLOSED, st->err, NULL);
	return 0;
}

/*
 * Data reached a socket (40e0b0908142, in 6.3). A server's new connection is timed before anybody
 * read from it or even accepted it: its state is made here when its port is that of a traced server.
 */
SEC("?tp_btf/sk_data_ready")
int BPF_PROG(conn_data_ready, struct sock *sk)
{
	struct conn_state *st = bpf_sk_storage_get(&conns, sk, 0, 0);
	u16 port;

	if (!st) {
		if (sk->__sk_common.skc_state != STATE_ESTABLISHED)
			return 0;
		port = sk->__sk_common.skc_num;
		if (!bpf_map_lookup_elem(&ports, &port))
			return 0;
		st = bpf_sk_storage_get(&conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		if (!st)
			return 0;
		st->fresh = !sk->sk_socket; /* Not accepted yet: these are its first bytes. */
	}
	if (!st->ready && st->verdict != PROTO_NONE)
		st->ready = bpf_ktime_get_ns();
	return 0;
}

/* Writes the id of every connection whose socket still exists: u64 after u64. */
SEC("?iter/bpf_sk_storage_map")
int conn_sweep(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct conn_state *st = ctx->value;
	struct sock *sk = ctx->sk;
	u64 id;

	/* A closed Unix socket lives on, without its file, as long as its peer refers to it. */
	if (!sk || !st || !sk->sk_socket)
		return 0;
	id = st->id;
	if (id)
		bpf_seq_write(ctx->meta->seq, &id, sizeof(id));
	return 0;
}
