/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Family sock-tp: the tracepoints sock_send_length and sock_recv_length (6e6eda44b939, in 6.3).
 * They run in the calling thread after the bytes were copied and tell socket, result and flags; the
 * registers with which the thread entered the kernel tell the system call and its buffer.
 */
#include "vmlinux.h"

#include "moved.bpf.h"
#include "syscall_args.bpf.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum {
	ERR_INTR = 4,
	ERR_AGAIN = 11,
	ERR_RESTARTSYS = 512, /* include/linux/errno.h: -512 … -516 never reach user space */
	ERR_RESTART_LAST = 516,
	FLAG_OOB = 0x1, /* include/linux/socket.h */
	FLAG_PEEK = 0x2,
	FLAG_TRUNC = 0x20,
	FLAG_ERRQUEUE = 0x2000,
};

/* Errors after which the same call may simply be made again. */
static __always_inline bool is_retry(s32 ret)
{
	return ret == -ERR_AGAIN || ret == -ERR_INTR ||
	       (ret <= -ERR_RESTARTSYS && ret >= -ERR_RESTART_LAST);
}

static __always_inline int on_call(struct sock *sk, s32 ret, u32 flags, u8 dir)
{
	struct moved m = {.len = ret, .dir = dir};
	struct ids ids;

	if (!is_stream(sk))
		return 0;
	ids = current_ids();
	if (!selected(ids.pid))
		return 0;
	if (ret <= 0)
		vector_over();
	if (is_retry(ret) || (flags & (FLAG_OOB | FLAG_PEEK | FLAG_ERRQUEUE)))
		return 0;
	if (ret <= 0) {
		on_nothing_moved(sk, ret, dir);
		return 0;
	}
	/* TCP throws the bytes away; a Unix socket delivers them all the same. */
	if ((flags & FLAG_TRUNC) && sk->__sk_common.skc_family != FAMILY_UNIX)
		m.payload = payload_none();
	else
		m.payload = current_payload(ret);
	return on_moved(sk, &m, ids);
}

SEC("?tp_btf/sock_send_length")
int BPF_PROG(sock_tp_send, struct sock *sk, int ret, int flags)
{
	return on_call(sk, ret, 0, DIR_SEND);
}

SEC("?tp_btf/sock_recv_length")
int BPF_PROG(sock_tp_recv, struct sock *sk, int ret, int flags)
{
	return on_call(sk, ret, flags, DIR_RECV);
}
