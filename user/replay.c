/* SPDX-License-Identifier: Apache-2.0 */
/* otelbpf replay FILE: the pipeline over a recording. */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "util/clock.h"

/* Who the processes of a recording are: by pid, the newest that the recording told. */
struct replay_resource {
	u32 pid;
	struct resource *resource;
	struct replay_resource *next;
};

enum {
	BUCKETS = 1024
};

struct replay_resources {
	struct replay_resource *buckets[BUCKETS];
};

static struct resource *resource_of(struct app *a, u32 pid)
{
	struct replay_resource *r = a->resources->buckets[pid % BUCKETS];

	for (; r; r = r->next)
		if (r->pid == pid)
			return resource_get(r->resource);
	return NULL;
}

static void take_resource(struct replay_resources *rr, const struct record_resource *rec)
{
	struct resource *res = resource_from_json(rec->pid, rec->json, rec->json_len);
	struct replay_resource *r = res ? calloc(1, sizeof(*r)) : NULL;

	if (!r) {
		resource_put(res);
		stat_add(STAT_BAD_RECORD, 1);
		return;
	}
	r->pid = rec->pid;
	r->resource = res;
	r->next = rr->buckets[rec->pid % BUCKETS];
	rr->buckets[rec->pid % BUCKETS] = r;
}

static void resources_free(struct replay_resources *rr)
{
	for (int i = 0; rr && i < BUCKETS; i++) {
		struct replay_resource *r = rr->buckets[i], *next;

		for (; r; r = next) {
			next = r->next;
			resource_put(r->resource);
			free(r);
		}
	}
	free(rr);
}

static void take_stats(struct app *a, const struct record_stats *rec)
{
	for (u32 i = 0; i < rec->count && i < KSTAT_MAX; i++)
		a->summary.kernel[i] = rec->values[i];
}

static void on_record(void *ctx, const struct record *r)
{
	struct app *a = ctx;

	if (r->kind == REC_RESOURCE)
		take_resource(a->resources, (const struct record_resource *)r);
	else if (r->kind == REC_STATS)
		take_stats(a, (const struct record_stats *)r);
	if (pipeline_record(a->pipeline, r))
		log_debug("record of kind %u at time %llu was not used", r->kind,
			  (unsigned long long)r->time);
}

int replay_file(struct app *a)
{
	char why[256];
	struct replay *file = replay_open(a->options.replay, why, sizeof(why));
	int status = EXIT_TROUBLE;

	if (!file) {
		log_error("%s", why);
		return EXIT_TROUBLE;
	}
	a->resource_of = resource_of;
	a->resources = calloc(1, sizeof(*a->resources));
	if (a->resources && !app_start(a, NULL)) {
		status = 0;
		if (replay_run(file, on_record, a, why, sizeof(why))) {
			log_error("%s", why);
			status = EXIT_TROUBLE;
		}
		status = app_finish(a, status);
	}
	replay_close(file);
	resources_free(a->resources);
	a->resources = NULL;
	return status;
}
