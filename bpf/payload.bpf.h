/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the bytes of a call are in the memory of its process, and copying some of them. */
#ifndef PAYLOAD_BPF_H
#define PAYLOAD_BPF_H

#include "maps.bpf.h"

enum {
	PAYLOAD_ROOM = CAPTURE_HEAD_MAX + CAPTURE_TAIL_MAX,
};

enum payload_kind {
	PAYLOAD_NONE = 0, /* cannot be had */
	PAYLOAD_BUFFER = 1,
	PAYLOAD_IOV = 2,
};

struct payload {
	u64 ptr; /* user address of the buffer, or of the struct iovec[] */
	u32 iovs; /* elements */
	u32 kind; /* enum payload_kind */
};

/* struct iovec of a 64-bit process (include/uapi/linux/uio.h). */
struct user_iovec {
	u64 base;
	u64 len;
};

/* The part of struct user_msghdr from msg_iov on (include/linux/socket.h, 64-bit). */
struct user_msg_iov {
	u64 iov;
	u64 iovs;
};

enum {
	MSGHDR_IOV_OFFSET = 16, /* of msg_iov in struct user_msghdr */
	MSGHDR_SIZE = 56,
	MMSGHDR_SIZE = 64, /* struct mmsghdr: a user_msghdr, then msg_len */
};

static __always_inline struct payload payload_buffer(u64 ptr)
{
	return (struct payload){.ptr = ptr, .kind = PAYLOAD_BUFFER};
}

static __always_inline struct payload payload_iov(u64 ptr, u64 n)
{
	return (struct payload){
		.ptr = ptr,
		.iovs = n > CAPTURE_IOV_MAX ? CAPTURE_IOV_MAX + 1 : n,
		.kind = PAYLOAD_IOV,
	};
}

static __always_inline struct payload payload_none(void)
{
	return (struct payload){.kind = PAYLOAD_NONE};
}

/* The payload of a struct user_msghdr at msg. */
static __always_inline struct payload payload_msg(u64 msg)
{
	struct user_msg_iov m;

	if (bpf_probe_read_user(&m, sizeof(m), (void *)(msg + MSGHDR_IOV_OFFSET)))
		return payload_none();
	return payload_iov(m.iov, m.iovs);
}

struct gather {
	u8 *dst; /* see payload_gather */
	u64 iov; /* user address of the next element */
	u64 from; /* bytes still to be passed over */
	u64 want; /* bytes wanted in all; at most PAYLOAD_ROOM */
	u64 have;
};

/* One element, of which room bytes can be taken at most: 0 goes on, 1 ends the loop. */
static __always_inline long gather_step(u32 i, struct gather *g, const u32 room)
{
	struct user_iovec v;
	u64 n;

	if (g->have >= g->want ||
	    bpf_probe_read_user(&v, sizeof(v), (void *)(g->iov + i * sizeof(v))))
		return 1;
	if (g->from >= v.len) {
		g->from -= v.len;
		return 0;
	}
	n = v.len - g->from;
	if (n > g->want - g->have)
		n = g->want - g->have;
	/* Offset and length are each bounded, and the verifier cannot know that their sum is
	 * ("invalid access to map value", seen on 6.12): hence room for both. */
	if (n > room || g->have > room)
		return 1; /* can't happen */
	if (bpf_probe_read_user(g->dst + g->have, n, (void *)(v.base + g->from)))
		return 1;
	g->have += n;
	g->from = 0;
	return 0;
}

static long gather_one(u32 i, struct gather *g)
{
	return gather_step(i, g, PAYLOAD_ROOM);
}

static long gather_first(u32 i, struct gather *g)
{
	return gather_step(i, g, INFER_BYTES);
}

static __always_inline u32 iovs_looked_at(const struct payload *p)
{
	return p->iovs > CAPTURE_IOV_MAX ? CAPTURE_IOV_MAX : p->iovs;
}

/*
 * Copies bytes [from, from + want) of an iovec array of at most CAPTURE_IOV_MAX elements to dst,
 * which has room for that and 2 * PAYLOAD_ROOM bytes more; returns how many were had.
 */
static __always_inline u32 payload_gather(u8 *dst, const struct payload *p, u64 from, u64 want)
{
	struct gather g = {
		.dst = dst,
		.iov = p->ptr,
		.from = from,
		.want = want > PAYLOAD_ROOM ? PAYLOAD_ROOM : want,
	};

	bpf_loop(iovs_looked_at(p), gather_one, &g, 0);
	return g.have > PAYLOAD_ROOM ? 0 : g.have;
}

/*
 * Copies the first n bytes, INFER_BYTES at most, to dst, which has room for twice that; returns how
 * many were had.
 */
static __always_inline u32 payload_first(u8 *dst, const struct payload *p, u64 n)
{
	struct gather g = {.dst = dst, .iov = p->ptr};

	if (n > INFER_BYTES)
		n = INFER_BYTES;
	g.want = n;
	switch (p->kind) {
	case PAYLOAD_BUFFER:
		return bpf_probe_read_user(dst, n, (void *)p->ptr) ? 0 : n;
	case PAYLOAD_IOV:
		bpf_loop(iovs_looked_at(p), gather_first, &g, 0);
		return g.have > INFER_BYTES ? 0 : g.have;
	}
	return 0;
}

#endif
