/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writing records: size classes, losses, wake-ups. */
#ifndef EMIT_BPF_H
#define EMIT_BPF_H

#include "payload.bpf.h"
#include "select.bpf.h"

/* The facts of one call that moved bytes, whatever hook told them. */
struct moved {
	struct payload payload;
	u64 pos; /* of the first byte */
	u64 start; /* before the call; 0: unknown */
	u32 len;
	u32 seq;
	u32 at; /* first byte wanted */
	u32 want; /* bytes wanted from there */
	u16 flags; /* RECF_* */
	u8 dir;
	u8 pad[5];
};

/*
 * Records are gathered in the ring: the reader comes by a timer, or is woken when much is waiting
 * or when it said that it sleeps without one.
 */
static __always_inline u64 wake_flags(void)
{
	if (want_wake) {
		want_wake = 0;
		return BPF_RB_FORCE_WAKEUP;
	}
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= ring_wake_bytes)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

static __always_inline void *reserve(u64 size)
{
	void *r = bpf_ringbuf_reserve(&ring, size, 0);

	count(r ? KSTAT_RECORDS : KSTAT_RING_FULL);
	return r;
}

static __always_inline void fill_header(struct record *h, u16 kind, u32 size)
{
	h->kind = kind;
	h->flags = 0;
	h->size = size;
	h->time = bpf_ktime_get_ns();
}

enum {
	LEAD_WINDOW_SHIFT = 30
}; /* windows of 2^30 ns */

/*
 * Nanoseconds since the scheduler last looked at its clock on this CPU. Its clock cannot be read
 * from here; CLOCK_MONOTONIC is ahead of it by an amount that hardly changes. The least difference
 * seen between the two is that amount: the scheduler looks whenever a thread wakes.
 */
static __always_inline u64 since_clock_update(u64 now, u64 clock)
{
	u32 key = 0;
	struct clock_lead *lead = bpf_map_lookup_elem(&leads, &key);
	u64 window = now >> LEAD_WINDOW_SHIFT, ahead = now - clock, least;

	if (!lead)
		return 0; /* can't happen */
	if (lead->window != window) {
		lead->least_before = lead->window + 1 == window ? lead->least : ahead;
		lead->least = ahead;
		lead->window = window;
	}
	if ((s64)(ahead - lead->least) < 0)
		lead->least = ahead;
	least = (s64)(lead->least_before - lead->least) < 0 ? lead->least_before : lead->least;
	return ahead - least;
}

/*
 * CPU time and run-queue delay of the current thread, up to now: what the scheduler has accounted,
 * and the time on this CPU since.
 */
static __always_inline void fill_thread_time(struct record_data *r)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct rq *rq;

	r->cpu = 0;
	r->delay = 0;
	/* CONFIG_SCHED_INFO, and CONFIG_FAIR_GROUP_SCHED: the way to the CPU's run queue. */
	if (!bpf_core_field_exists(task->sched_info.run_delay) ||
	    !bpf_core_field_exists(task->se.cfs_rq))
		return;
	rq = task->se.cfs_rq->rq;
	r->cpu = task->se.sum_exec_runtime + (rq->clock_task - task->se.exec_start) +
		 since_clock_update(r->h.time, rq->clock);
	r->delay = task->sched_info.run_delay;
	r->h.flags |= RECF_THREAD_TIME;
}

static __always_inline void fill_data(struct record_data *r, const struct conn_state *st,
				      const struct moved *m, struct ids ids)
{
	fill_header(&r->h, REC_DATA, sizeof(*r));
	r->h.flags = m->flags;
	r->conn = st->id;
	r->pos = m->pos;
	r->start = m->start;
	r->ready = m->dir == DIR_RECV && st->ready != READY_UNKNOWN ? st->ready : 0;
	r->pid = ids.pid;
	r->tid = ids.tid;
	r->seq = m->seq;
	r->len = m->len;
	r->at = m->at;
	r->turn = st->turn;
	r->head = 0;
	r->tail = 0;
	r->dir = m->dir;
	r->proto = st->verdict;
	r->pad = 0;
	fill_thread_time(r);
}

/* The head and tail of one contiguous buffer into a record with room for head and tail. */
static __always_inline void fill_buffer(struct record_data *r, const u32 room,
					const struct moved *m)
{
	u64 head = m->want, left = m->len - m->at, tail = 0;

	if (head > left)
		head = left;
	if (head > room) /* can't happen: the class was chosen by want */
		head = room;
	if (bpf_probe_read_user(r->bytes, head, (void *)(m->payload.ptr + m->at))) {
		count(KSTAT_USER_FAULT);
		r->h.flags |= RECF_NO_CONTENT;
		return;
	}
	tail = left - head;
	if (tail > CAPTURE_TAIL_MAX)
		tail = CAPTURE_TAIL_MAX;
	if (tail &&
	    bpf_probe_read_user(r->bytes + head, tail, (void *)(m->payload.ptr + m->len - tail))) {
		count(KSTAT_USER_FAULT);
		tail = 0;
	}
	r->head = head;
	r->tail = tail;
}

/* The same from an iovec array. */
static __always_inline void fill_iov(struct record_data *r, const struct moved *m)
{
	u64 left = m->len - m->at, tail;
	u64 head = payload_gather(r->bytes, &m->payload, m->at, m->want);

	if (!head) {
		count(KSTAT_USER_FAULT);
		r->h.flags |= RECF_NO_CONTENT;
		return;
	}
	if (m->payload.iovs > CAPTURE_IOV_MAX)
		count(KSTAT_IOV_TRUNCATED);
	else if (head < m->want)
		count(KSTAT_USER_FAULT);
	r->head = head;
	tail = left - head;
	if (!tail || head > PAYLOAD_ROOM)
		return;
	if (tail > CAPTURE_TAIL_MAX)
		tail = CAPTURE_TAIL_MAX;
	if (payload_gather(r->bytes + head, &m->payload, m->len - tail, tail) == tail)
		r->tail = tail;
}

/*
 * Bytes that come from many buffers are put together in per-CPU memory first. A program that
 * interrupts another one there (none does where tracepoints run without preemption) loses them.
 */
static __always_inline void emit_iov(const struct conn_state *st, const struct moved *m,
				     struct ids ids)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct scratch *s = bpf_map_lookup_elem(&scratch, &cpu);
	struct record_data *r;
	u64 size;

	if (!s)
		return; /* can't happen */
	r = (struct record_data *)s->record;
	if (s->busy) {
		count(KSTAT_SCRATCH_BUSY);
		return;
	}
	s->busy = 1;
	fill_data(r, st, m, ids);
	fill_iov(r, m);
	size = r->head + r->tail;
	if (size > PAYLOAD_ROOM)
		size = 0; /* can't happen */
	size += sizeof(*r);
	r->h.size = size;
	count(bpf_ringbuf_output(&ring, r, size, wake_flags()) ? KSTAT_RING_FULL : KSTAT_RECORDS);
	s->busy = 0;
}

/*
 * A reservation needs a constant size, so records come in a few classes of captured bytes. What a
 * class leaves unused stays in the ring, unread: h.size says what counts.
 */
static __always_inline void emit_class(const u32 room, const struct conn_state *st,
				       const struct moved *m, struct ids ids)
{
	struct record_data *r = reserve(sizeof(*r) + room + CAPTURE_TAIL_MAX);

	if (!r)
		return;
	fill_data(r, st, m, ids);
	fill_buffer(r, room, m);
	r->h.size = sizeof(*r) + r->head + r->tail;
	bpf_ringbuf_submit(r, wake_flags());
}

static __always_inline void emit_bare(const struct conn_state *st, const struct moved *m,
				      struct ids ids)
{
	struct record_data *r = reserve(sizeof(*r));

	if (!r)
		return;
	fill_data(r, st, m, ids);
	bpf_ringbuf_submit(r, wake_flags());
}

/*
 * Writes one data record. A global function: the verifier looks at it once, on its own, and not
 * again on each path that leads here (with everything inlined it walked 106,000 instructions, and
 * loading took 0.34 s; seen on 6.18).
 */
__weak int emit_data(struct conn_state *st, struct moved *m, u64 pid_tid)
{
	struct ids ids = {pid_tid >> 32, (u32)pid_tid};
	u32 n;

	if (!st || !m)
		return 0; /* can't happen */
	n = m->want;
	if (m->payload.kind == PAYLOAD_NONE || !n)
		emit_bare(st, m, ids);
	else if (m->payload.kind == PAYLOAD_IOV)
		emit_iov(st, m, ids);
	else if (n <= 256)
		emit_class(256, st, m, ids);
	else if (n <= 1024)
		emit_class(1024, st, m, ids);
	else if (n <= 4096)
		emit_class(4096, st, m, ids);
	else
		emit_class(CAPTURE_HEAD_MAX, st, m, ids);
	return 0;
}

#endif
