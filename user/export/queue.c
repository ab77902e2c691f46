/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between the pipeline thread and the export thread. */
#include "export/queue.h"

#include <stdlib.h>

int queue_init(struct queue *q, u64 limit)
{
	*q = (struct queue){.limit = limit};
	return -pthread_mutex_init(&q->lock, NULL);
}

void queue_done_all(struct queue *q)
{
	for (size_t i = 0; i < q->count; i++)
		span_free(q->items[i]);
	free(q->items);
	free(q->taken);
	pthread_mutex_destroy(&q->lock);
}

static int make_room(struct queue *q)
{
	size_t cap = q->cap ? 2 * q->cap : 64;
	struct span **items;

	if (q->count < q->cap)
		return 0;
	items = realloc(q->items, cap * sizeof(struct span *));
	if (!items)
		return -ENOMEM;
	q->items = items;
	q->cap = cap;
	return 0;
}

int queue_push(struct queue *q, struct span *s, bool *wake)
{
	u64 size = span_size(s);
	int err;

	pthread_mutex_lock(&q->lock);
	err = size > q->limit || q->bytes > q->limit - size ? -ENOSPC : make_room(q);
	if (!err) {
		q->items[q->count++] = s;
		q->bytes += size;
	}
	/* A quarter full: do not wait for the reader's timer, or a burst would overflow. */
	*wake = q->idle || (q->bytes > q->limit / 4 && !q->hurried);
	q->hurried |= *wake;
	q->idle = false;
	pthread_mutex_unlock(&q->lock);
	return err;
}

size_t queue_take(struct queue *q)
{
	struct span **items;
	size_t cap, count;

	pthread_mutex_lock(&q->lock);
	items = q->items;
	cap = q->cap;
	count = q->count;
	q->items = q->taken;
	q->cap = q->taken_cap;
	q->count = 0;
	q->taken_bytes = q->bytes;
	q->idle = !count;
	q->hurried = false;
	pthread_mutex_unlock(&q->lock);
	q->taken = items;
	q->taken_cap = cap;
	return count;
}

void queue_done(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->bytes -= q->taken_bytes;
	pthread_mutex_unlock(&q->lock);
	q->taken_bytes = 0;
}
