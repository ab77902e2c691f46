/* SPDX-License-Identifier: Apache-2.0 */
/* The connections by id, in a hash table that grows, and by last use, in a list. */
#include "conn/conn.h"

#include <stdlib.h>

struct conn_table {
	struct conn **buckets;
	u64 mask;
	unsigned count, max;
	struct conn *newest, *oldest;
	void (*on_evict)(void *ctx, struct conn *c);
	void *ctx;
};

enum {
	BUCKETS_MIN = 256
};

struct conn_table *conn_table_new(unsigned max, void (*on_evict)(void *ctx, struct conn *c),
				  void *ctx)
{
	struct conn_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->buckets = calloc(BUCKETS_MIN, sizeof(struct conn *));
	t->mask = BUCKETS_MIN - 1;
	t->max = max;
	t->on_evict = on_evict;
	t->ctx = ctx;
	if (!t->buckets) {
		free(t);
		return NULL;
	}
	return t;
}

static void conn_free(struct conn *c)
{
	stream_done(&c->streams[DIR_RECV]);
	stream_done(&c->streams[DIR_SEND]);
	free(c->path);
	free(c);
}

void conn_table_free(struct conn_table *t)
{
	struct conn *c, *newer;

	if (!t)
		return;
	for (c = t->oldest; c; c = newer) {
		newer = c->newer;
		conn_free(c);
	}
	free(t->buckets);
	free(t);
}

/* Ids are consecutive: their low bits spread evenly. */
static struct conn **bucket_of(struct conn_table *t, u64 id)
{
	return &t->buckets[id & t->mask];
}

static void list_take(struct conn_table *t, struct conn *c)
{
	if (c->newer)
		c->newer->older = c->older;
	else
		t->newest = c->older;
	if (c->older)
		c->older->newer = c->newer;
	else
		t->oldest = c->newer;
}

static void list_put(struct conn_table *t, struct conn *c)
{
	c->newer = NULL;
	c->older = t->newest;
	if (t->newest)
		t->newest->newer = c;
	else
		t->oldest = c;
	t->newest = c;
}

struct conn *conn_table_find(struct conn_table *t, u64 id)
{
	struct conn *c;

	for (c = *bucket_of(t, id); c; c = c->chain)
		if (c->id == id)
			break;
	if (c && c != t->newest) {
		list_take(t, c);
		list_put(t, c);
	}
	return c;
}

static void grow(struct conn_table *t)
{
	u64 mask = t->mask * 2 + 1;
	struct conn **old = t->buckets, **buckets = calloc(mask + 1, sizeof(struct conn *));
	u64 old_mask = t->mask;

	if (!buckets)
		return; /* Longer chains are still right. */
	t->buckets = buckets;
	t->mask = mask;
	for (u64 i = 0; i <= old_mask; i++) {
		struct conn *c = old[i], *next;

		for (; c; c = next) {
			next = c->chain;
			c->chain = *bucket_of(t, c->id);
			*bucket_of(t, c->id) = c;
		}
	}
	free(old);
}

struct conn *conn_table_add(struct conn_table *t, u64 id)
{
	struct conn *c = t->oldest;

	if (t->count >= t->max) {
		t->on_evict(t->ctx, c);
		conn_table_remove(t, c);
	}
	if (t->count > t->mask)
		grow(t);
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->id = id;
	c->chain = *bucket_of(t, id);
	*bucket_of(t, id) = c;
	list_put(t, c);
	t->count++;
	return c;
}

void conn_table_remove(struct conn_table *t, struct conn *c)
{
	struct conn **at = bucket_of(t, c->id);

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	list_take(t, c);
	t->count--;
	conn_free(c);
}

unsigned conn_table_count(const struct conn_table *t)
{
	return t->count;
}

struct conn *conn_table_oldest(const struct conn_table *t)
{
	return t->oldest;
}
