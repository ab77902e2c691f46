/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The registers of the system call that the current thread is in → where its bytes are. */
#ifndef SYSCALL_ARGS_BPF_H
#define SYSCALL_ARGS_BPF_H

#include "payload.bpf.h"

struct call {
	long nr; /* -1: not in a system call whose arguments can be read */
	u64 arg2, arg3, sp;
};

enum {
	FLAG_IO_WORKER = 0x10, /* PF_IO_WORKER, include/linux/sched.h */
	FLAG_KTHREAD = 0x200000, /* PF_KTHREAD */
	ERR_NOSYS = 38,
	MMSG_MAX = 1024, /* UIO_MAXIOV, include/uapi/linux/uio.h: more elements are not looked at */
};

#if defined(__TARGET_ARCH_x86)
/* arch/x86/entry/syscalls/syscall_64.tbl */
enum {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_READV = 19,
	NR_WRITEV = 20,
	NR_SENDTO = 44,
	NR_RECVFROM = 45,
	NR_SENDMSG = 46,
	NR_RECVMSG = 47,
	NR_RECVMMSG = 299,
	NR_SENDMMSG = 307,
	NR_PREADV2 = 327,
	NR_PWRITEV2 = 328,
	TASK_COMPAT = 0x2, /* TS_COMPAT, arch/x86/include/asm/thread_info.h */
};

struct thread_info___x86 {
	u32 status;
} __attribute__((preserve_access_index));

struct task_struct___x86 {
	struct thread_info___x86 thread_info;
} __attribute__((preserve_access_index));

/*
 * ax holds -ENOSYS from entry until the call has returned: otherwise this is work done on the way
 * out (io_uring), and the arguments are those of something else. A 32-bit call has other numbers.
 */
static __always_inline void read_call(struct call *c, const struct pt_regs *regs)
{
	struct task_struct___x86 *task = (void *)bpf_get_current_task();

	if (regs->ax != (unsigned long)-ERR_NOSYS)
		return;
	if (BPF_CORE_READ(task, thread_info.status) & TASK_COMPAT)
		return;
	c->nr = regs->orig_ax;
	c->arg2 = regs->si;
	c->arg3 = regs->dx;
	c->sp = regs->sp;
}
#elif defined(__TARGET_ARCH_arm64)
/* include/uapi/asm-generic/unistd.h */
enum {
	NR_READ = 63,
	NR_WRITE = 64,
	NR_READV = 65,
	NR_WRITEV = 66,
	NR_SENDTO = 206,
	NR_RECVFROM = 207,
	NR_SENDMSG = 211,
	NR_RECVMSG = 212,
	NR_RECVMMSG = 243,
	NR_SENDMMSG = 269,
	NR_PREADV2 = 286,
	NR_PWRITEV2 = 287,
};

static __always_inline void read_call(struct call *c, const struct pt_regs *regs)
{
	c->nr = regs->syscallno;
	c->arg2 = regs->regs[1];
	c->arg3 = regs->regs[2];
	c->sp = regs->sp;
}
#endif

/* Bytes that the element's buffers have, as far as they are looked at. */
__weak u64 iov_total(u64 iov, u32 n)
{
	u64 total = 0;

	for (u32 i = 0; i < CAPTURE_IOV_MAX && i < n; i++) {
		struct user_iovec v;

		if (bpf_probe_read_user(&v, sizeof(v), (void *)(iov + i * sizeof(v))))
			break;
		total += v.len;
	}
	return total;
}

/*
 * The element that a sendmmsg or recvmmsg is at. The tracepoint runs once for each; a new call is
 * told from the next element by the vector, by the count, and by the length that the kernel wrote
 * into the element before.
 */
static __always_inline struct payload vector_payload(const struct call *c, u32 ret)
{
	struct call_state *s = bpf_task_storage_get(&calls, bpf_get_current_task_btf(), NULL,
						    BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct payload p;
	u32 written = 0;

	if (!s)
		return payload_none();
	if (s->vector != c->arg2 || s->index >= c->arg3 || s->index >= MMSG_MAX)
		s->index = 0;
	if (s->index &&
	    (bpf_probe_read_user(&written, sizeof(written),
				 (void *)(c->arg2 + (s->index - 1) * MMSGHDR_SIZE + MSGHDR_SIZE)) ||
	     written != s->last))
		s->index = 0;
	s->vector = c->arg2;
	s->last = ret;
	p = payload_msg(c->arg2 + s->index * MMSGHDR_SIZE);
	/* A sendmmsg ends with an element that went out in part. */
	s->index = c->nr == NR_SENDMMSG && iov_total(p.ptr, p.iovs) > ret ? 0 : s->index + 1;
	return p;
}

/* A call of this thread failed: a vector that was under way is over. */
static __always_inline void vector_over(void)
{
	struct call_state *s = bpf_task_storage_get(&calls, bpf_get_current_task_btf(), NULL, 0);

	if (s)
		s->index = 0;
}

/* Where the ret bytes that were just copied are. */
static __always_inline struct payload current_payload(u32 ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call c = {.nr = -1};

	if (task->flags & (FLAG_IO_WORKER | FLAG_KTHREAD))
		return payload_none();
	read_call(&c, (struct pt_regs *)bpf_task_pt_regs(task));
	switch (c.nr) {
	case NR_READ:
	case NR_WRITE:
	case NR_SENDTO:
	case NR_RECVFROM:
		return payload_buffer(c.arg2);
	case NR_READV:
	case NR_WRITEV:
	case NR_PREADV2:
	case NR_PWRITEV2:
		return payload_iov(c.arg2, c.arg3);
	case NR_SENDMSG:
	case NR_RECVMSG:
		return payload_msg(c.arg2);
	case NR_SENDMMSG:
	case NR_RECVMMSG:
		return vector_payload(&c, ret);
	}
	return payload_none();
}

#endif
