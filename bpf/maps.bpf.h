/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map and every knob. All are weak, so that several objects link into one skeleton.
 *
 *  map      key → value                 inserted by          deleted by             when full
 *  ring     records                     programs             the reader             counted, record lost
 *  conns    socket → struct conn_state  first socket call    the kernel, with it    counted, call lost
 *  procs    pid → struct proc_state     user space, fork     exit                   counted, not traced
 *  ports    port → 1                    listen(), user space  never                 not timed, harmless
 *  ctl      slot → struct conn_ctl      user space           overwritten            newer one wins
 *  kstats   enum kernel_stat → count    programs             never                  cannot
 *  scratch  cpu → struct scratch        the kernel           never                  cannot
 *  leads    → struct clock_lead, per CPU  the kernel      never                  cannot
 *  calls    thread → struct call_state  sendmmsg, recvmmsg   the kernel, with it    content missing
 */
#ifndef MAPS_BPF_H
#define MAPS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "otelbpf/record.h"
#include "otelbpf/stats.h"

/* Whether a process (a thread group) is traced. */
struct proc_state {
	u32 flags;
};

/* First bytes of a turn, and room for payload_first. */
struct turn_start {
	u8 bytes[3 * INFER_BYTES];
};

/* What is known of a socket. Programs on two CPUs may race in it; each field survives that. */
struct conn_state {
	u64 id; /* 0: only its data was seen to arrive so far */
	u64 pos[2]; /* behind the last byte told */
	u64 ready; /* when the oldest unread data arrived; 0: there is none; READY_UNKNOWN */
	u32 seq_base[2]; /* TCP sequence number at position 0; valid when seq_known */
	u32 turn; /* changes of direction */
	u32 netns;
	u8 seq_known[2];
	u8 verdict; /* enum proto_id */
	u8 role; /* enum role */
	u8 fresh; /* seen from its beginning */
	u8 announced; /* REC_CONN was sent */
	u8 ended; /* bit per enum end_kind: that REC_END was sent */
	u8 last_dir;
	u8 request_dir; /* the direction in which requests move, once recognised */
	u8 turn_over; /* inference said no for the rest of this turn */
	u8 err; /* errno of a reset that no call has told yet */
	u8 start_len;
	struct turn_start start;
};

/* Some of the unread data was there before, so when the oldest of it arrived is not known. */
enum {
	READY_UNKNOWN = 1
};

/* Which element of its vector a sendmmsg or recvmmsg is at. */
struct call_state {
	u64 vector;
	u32 index; /* of the next element */
	u32 last; /* bytes of the one before */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} ring SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct conn_state);
} conns SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROCS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct proc_state);
} procs SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PORTS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u16);
	__type(value, u8);
} ports SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CTL_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct conn_ctl);
} ctl SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KSTAT_MAX);
	__type(key, u32);
	__type(value, u64);
} kstats SEC(".maps") __weak;

/* Where a record is put together whose bytes come from many buffers. */
struct scratch {
	u64 busy; /* a program on this CPU was interrupted by another one in the middle of it */
	/* A struct record_data and its bytes, with room for an unchecked sum of three lengths. */
	u8 record[sizeof(struct record_data) + 3 * (CAPTURE_HEAD_MAX + CAPTURE_TAIL_MAX)];
};

/* By CPU number; user space sets max_entries. (A per-CPU map holds 32 KiB at most.) */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
} scratch SEC(".maps") __weak;

/*
 * How far CLOCK_MONOTONIC is ahead of this CPU's scheduler clock: the least difference seen in this
 * window of time and in the one before.
 */
struct clock_lead {
	u64 least, least_before;
	u64 window; /* number of this window */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct clock_lead);
} leads SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call_state);
} calls SEC(".maps") __weak;

/*
 * The pid namespace of otelbpf, by inode number; 0: the initial one. Every pid in maps and records
 * is one of that namespace.
 */
const volatile u32 pidns_inum __weak = 0;
/* Bytes in the ring at which the reader is woken. */
const volatile u32 ring_wake_bytes __weak = RING_WAKE_BYTES;

/* Set by a reader that sleeps without a timer: the next record wakes it. */
u32 want_wake __weak = 0;
/* Always zero, which the verifier cannot know: see infer.h. */
u32 unknown_zero __weak = 0;
#define infer_forget(x) (((x) + unknown_zero) & 7)
/* Source of connection ids. */
u64 last_conn_id __weak = 0;

static __always_inline void count_n(enum kernel_stat s, u64 n)
{
	u32 key = s;
	u64 *value = bpf_map_lookup_elem(&kstats, &key);

	if (value)
		*value += n;
}

static __always_inline void count(enum kernel_stat s)
{
	count_n(s, 1);
}

#endif
