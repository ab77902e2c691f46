/* SPDX-License-Identifier: Apache-2.0 */
/* Who every traced process is: pid → resource, kept up to date by the kernel's process records. */
#include "target/identities.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/clock.h"

enum {
	BUCKETS = 1024
}; /* a power of two */

struct entry {
	struct entry *next; /* in its bucket */
	u32 pid;
	u64 used; /* counts look-ups: the smallest goes first */
	u64 born; /* of a fork: time of its record; 0: not known */
	u64 exited; /* time of the exit record; 0: alive as far as is known */
	struct resource *own; /* NULL: not made yet */
	struct resource *parent; /* of a fork: whose identity it has; NULL: none */
	bool instance_given; /* the environment states service.instance.id */
};

struct identities {
	struct proc_root root;
	struct entry *buckets[BUCKETS];
	unsigned count;
	u64 used;
	const char *fallback;
	u32 first_pid;
	char first[sizeof(((struct identity_notes *)0)->guess)]; /* what the first one is called */
	struct identities_counts counts;
};

struct identities *identities_new(const struct proc_root *root)
{
	struct identities *ids = calloc(1, sizeof(*ids));

	if (ids && root)
		ids->root = *root;
	return ids;
}

static struct entry **bucket(struct identities *ids, u32 pid)
{
	return &ids->buckets[pid & (BUCKETS - 1)];
}

static struct entry *find(struct identities *ids, u32 pid)
{
	struct entry *e = *bucket(ids, pid);

	while (e && e->pid != pid)
		e = e->next;
	if (e)
		e->used = ++ids->used;
	return e;
}

/* Forgets what an entry stands for, not its pid. */
static void entry_clear(struct entry *e)
{
	resource_put(e->own);
	resource_put(e->parent);
	e->own = e->parent = NULL;
	e->born = e->exited = 0;
	e->instance_given = false;
}

/* Takes the entry that *link points to out of its bucket. */
static void entry_drop(struct identities *ids, struct entry **link)
{
	struct entry *e = *link;

	*link = e->next;
	entry_clear(e);
	free(e);
	ids->count--;
}

void identities_free(struct identities *ids)
{
	if (!ids)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (ids->buckets[i])
			entry_drop(ids, &ids->buckets[i]);
	free(ids);
}

void identities_tick(struct identities *ids, u64 now)
{
	const u64 keep = (u64)IDENTITY_KEEP_S * NS_PER_SEC;

	for (size_t i = 0; i < BUCKETS; i++) {
		struct entry **link = &ids->buckets[i];

		while (*link) {
			u64 exited = (*link)->exited;

			if (exited && now > exited && now - exited > keep)
				entry_drop(ids, link);
			else
				link = &(*link)->next;
		}
	}
}

/* Those who exited go first, then the least recently used. */
static bool goes_before(const struct entry *a, const struct entry *b)
{
	if (!a->exited != !b->exited)
		return a->exited;
	return a->used < b->used;
}

static void evict(struct identities *ids)
{
	struct entry **victim = NULL;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry **l = &ids->buckets[i]; *l; l = &(*l)->next)
			if (!victim || goes_before(*l, *victim))
				victim = l;
	if (!victim)
		return; /* can't happen: called when full */
	entry_drop(ids, victim);
	ids->counts.evicted++;
}

/* The entry of a pid, made when it is not there. */
static struct entry *find_or_make(struct identities *ids, u32 pid)
{
	struct entry *e = find(ids, pid), **head = bucket(ids, pid);

	if (e)
		return e;
	if (ids->count >= IDENTITIES_MAX)
		evict(ids);
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->pid = pid;
	e->used = ++ids->used;
	e->next = *head;
	*head = e;
	ids->count++;
	return e;
}

void identities_fallback_name(struct identities *ids, const char *name)
{
	ids->fallback = name;
}

/* The name in our own environment is for the one service that was asked for. */
static void apply_fallback(struct identities *ids, struct resource *r,
			   const struct identity_notes *notes)
{
	/* The first one may execute something else: a command that we start does. */
	if (!ids->first_pid)
		ids->first_pid = r->pid;
	if (r->pid == ids->first_pid)
		snprintf(ids->first, sizeof(ids->first), "%s", notes->guess);
	if (ids->fallback && *ids->fallback && !notes->named && !strcmp(ids->first, notes->guess) &&
	    resource_set(r, "service.name", ids->fallback))
		ids->counts.attributes_dropped++;
}

static void build(struct identities *ids, struct entry *e, const struct identity_hint *hint)
{
	struct identity_notes notes = {0};

	e->own = identity_build(&ids->root, e->pid, hint, &notes);
	if (!e->own)
		return;
	e->instance_given = notes.instance_given;
	ids->counts.bad_attributes += notes.bad_attributes;
	ids->counts.attributes_dropped += notes.full;
	apply_fallback(ids, e->own, &notes);
}

static void build_fork(struct identities *ids, struct entry *e)
{
	struct identity_hint hint = {.born = e->born};

	e->own = identity_fork(&ids->root, e->parent, e->pid, &hint, e->instance_given);
	if (!e->own)
		return;
	resource_put(e->parent);
	e->parent = NULL;
}

static struct resource *resource_of(struct identities *ids, struct entry *e)
{
	if (!e->own && e->parent) {
		build_fork(ids, e);
	} else if (!e->own) {
		struct proc_stat st;

		build(ids, e, NULL);
		/* No record will tell the end of what has ended already. */
		if (proc_stat_of(&ids->root, e->pid, &st) == -ESRCH && !e->exited)
			e->exited = clock_mono();
	}
	return e->own;
}

struct resource *identities_get(void *ctx, u32 pid)
{
	struct identities *ids = ctx;
	struct entry *e = find_or_make(ids, pid);
	struct resource *r = e ? resource_of(ids, e) : NULL;

	return r ? resource_get(r) : NULL;
}

static void on_fork(struct identities *ids, const struct record_proc *r)
{
	struct entry *parent = find(ids, r->ppid), *e;
	struct resource *theirs = parent ? resource_of(ids, parent) : NULL;
	bool given = parent && parent->instance_given;

	/* Held: making room for the child may forget the parent. */
	if (theirs)
		resource_get(theirs);
	e = find_or_make(ids, r->pid);
	if (!e) {
		resource_put(theirs);
		return;
	}
	entry_clear(e);
	e->parent = theirs;
	e->born = r->h.time;
	e->instance_given = given;
}

static void on_program(struct identities *ids, const struct record_proc *r)
{
	struct entry *e = find_or_make(ids, r->pid);
	struct identity_hint hint = {0};
	size_t args = r->args_len, room = r->h.size - sizeof(*r);

	if (!e)
		return;
	hint.comm = bytes_of(r->comm, strnlen((const char *)r->comm, sizeof(r->comm)));
	hint.args = bytes_of(r->args, args < room ? args : room);
	hint.args_cut = args >= EXEC_ARGS_MAX;
	/* An exec keeps the birth of the process; one that is gone has only this left of it. */
	hint.born = e->born ? e->born : r->event == PROC_EXEC ? r->h.time : 0;
	entry_clear(e);
	e->born = hint.born;
	build(ids, e, &hint);
}

void identities_record(struct identities *ids, const struct record_proc *r)
{
	struct entry *e;

	if (r->h.size < sizeof(*r))
		return;
	switch (r->event) {
	case PROC_FOUND:
	case PROC_EXEC:
		on_program(ids, r);
		break;
	case PROC_FORK:
		on_fork(ids, r);
		break;
	case PROC_EXIT:
		e = find(ids, r->pid);
		if (e)
			e->exited = r->h.time ? r->h.time : 1;
		break;
	default:
		break; /* a later version's: tells us nothing */
	}
}

const struct identities_counts *identities_counts(const struct identities *ids)
{
	return &ids->counts;
}

unsigned identities_known(const struct identities *ids, unsigned *alive)
{
	*alive = 0;
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct entry *e = ids->buckets[i]; e; e = e->next)
			*alive += !e->exited;
	return ids->count;
}
