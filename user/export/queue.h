/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between the pipeline thread and the export thread: bounded in bytes, one lock. */
#ifndef EXPORT_QUEUE_H
#define EXPORT_QUEUE_H

#include <pthread.h>

#include "span/span.h"

/*
 *	push ──► items[] ── queue_take swaps ──► taken[] ── the reader frees each span ── queue_done
 *
 * bytes counts both: what was taken still occupies memory until queue_done.
 */
struct queue {
	pthread_mutex_t lock;
	struct span **items;
	size_t count, cap;
	u64 bytes, limit;
	bool idle; /* the reader sleeps until woken */
	bool hurried; /* the reader was woken because much waits; once per take */
	/* Of the reader alone: */
	struct span **taken;
	size_t taken_cap;
	u64 taken_bytes;
};

int queue_init(struct queue *q, u64 limit);
/* Frees the spans that are still in it. */
void queue_done_all(struct queue *q);

/*
 * Takes s unless it returns -ENOSPC (over the limit) or -ENOMEM. *wake: the reader must be woken,
 * because it sleeps without a deadline or because much waits.
 */
must_check int queue_push(struct queue *q, struct span *s, bool *wake);

/*
 * The reader: everything that waits, in q->taken[]; returns how many. When that is nothing, the
 * reader counts as asleep, and the next push wakes it.
 */
size_t queue_take(struct queue *q);
/* The spans that were taken are freed: their bytes no longer count. */
void queue_done(struct queue *q);

#endif
