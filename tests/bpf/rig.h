/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rig: the probe at work on this very process, and every record that it told so far. Both ends
 * of a connection are in this process unless a test says otherwise; the socket's inode number tells
 * which record is whose.
 */
#ifndef RIG_H
#define RIG_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/loader.h"
#include "source/source.h"
#include "test.h"
#include "util/clock.h"
#include "util/compiler.h"

struct rig {
	struct probe *probe;
	struct ring *ring;
	struct record **all; /* copies, oldest first */
	size_t n, cap;
};

static struct rig rig;

/* What the checks say in front of a field: the case of a test that has many. */
static char rig_case[64];

struct here {
	const char *file;
	int line;
};

#define HERE ((struct here){__FILE__, __LINE__})

static inline void want_int(struct here h, const char *what, long long got, long long want)
{
	char text[160];

	snprintf(text, sizeof(text), "%s%s%s", rig_case, rig_case[0] ? ": " : "", what);
	test_int(got, want, h.file, h.line, text);
}

static inline void want_true(struct here h, const char *what, bool is)
{
	char text[160];

	snprintf(text, sizeof(text), "%s%s%s", rig_case, rig_case[0] ? ": " : "", what);
	test_check(is, h.file, h.line, text);
}

/* Whether got lies in [from, to]. */
static inline void want_between(struct here h, const char *what, u64 got, u64 from, u64 to)
{
	if (got >= from && got <= to)
		return;
	test_failures++;
	printf("  %s:%d: %s%s%s\n    expected %llu to %llu\n    got      %llu\n", h.file, h.line,
	       rig_case, rig_case[0] ? ": " : "", what, (unsigned long long)from,
	       (unsigned long long)to, (unsigned long long)got);
}

static inline void rig_die(const char *what, const char *why)
{
	printf("FAIL %s\n  %s\n", what, why);
	fflush(stdout);
	_exit(1);
}

/* For what a test needs and this machine must be able to do. */
static inline void rig_need(bool ok, const char *what)
{
	if (!ok)
		rig_die(what, strerror(errno));
}

static inline void rig_keep(void *ctx, const struct record *r)
{
	struct rig *g = ctx;

	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 256;
		g->all = realloc(g->all, g->cap * sizeof(struct record *));
		rig_need(g->all, "memory_for_records");
	}
	g->all[g->n] = malloc(r->size);
	rig_need(g->all[g->n], "memory_for_a_record");
	memcpy(g->all[g->n++], r, r->size);
}

/* Every record that waits in the ring joins rig.all. */
static inline void rig_drain(void)
{
	int n = ring_drain(rig.ring);

	if (n < 0)
		rig_die("the_ring_is_read", strerror(-n));
}

static inline void rig_load(void)
{
	char why[640];

	rig.probe = probe_load(why, sizeof(why));
	if (!rig.probe || probe_attach(rig.probe, why, sizeof(why)))
		rig_die("the_probe_is_loaded_and_attached", why);
	rig.ring = ring_new(probe_ring_fd(rig.probe), rig_keep, &rig);
	rig_need(rig.ring, "the_ring_is_opened");
}

static inline void rig_trace(pid_t pid)
{
	int err = probe_add_pid(rig.probe, (u32)pid);

	if (err)
		rig_die("a_process_is_added", strerror(-err));
}

/* From here on this process is traced, and the children that it makes. */
static inline void rig_start(void)
{
	rig_load();
	rig_trace(getpid());
}

static inline void rig_forget(void)
{
	rig_drain();
	for (size_t i = 0; i < rig.n; i++)
		free(rig.all[i]);
	rig.n = 0;
}

static inline void rig_stop(void)
{
	rig_forget();
	free(rig.all);
	ring_free(rig.ring);
	probe_free(rig.probe);
	rig = (struct rig){0};
}

static inline u64 rig_stat(enum kernel_stat stat)
{
	u64 values[KSTAT_MAX];

	probe_stats(rig.probe, values);
	return values[stat];
}

/* Lets 1/1000 seconds pass. */
static inline void rig_sleep(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * NS_PER_MS};

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* Tests whose names contain word cannot be run here: says so and takes them out. */
static inline void rig_leave_out(const char *word, const char *why)
{
	struct test **at = &test_first;

	while (*at) {
		if (!strstr((*at)->name, word)) {
			at = &(*at)->next;
			continue;
		}
		printf("skip %s: %s\n", (*at)->name, why);
		*at = (*at)->next;
	}
}

#endif
