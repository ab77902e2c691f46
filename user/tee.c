/* SPDX-License-Identifier: Apache-2.0 */
/* The recording tee: records of user space that make a recording complete in itself. */
#include "tee.h"

#include <stdlib.h>
#include <string.h>

#include "target/identities.h"
#include "util/clock.h"

/* The resource of a process, written when it is new or has changed. */
static void tee_resource(struct app *a, u32 pid)
{
	/* Which resource was written for a pid last; a collision writes it once more. */
	static u64 written[4096];
	struct resource *res = identities_get(a->identities, pid);
	char *json = NULL;
	size_t len;

	if (res && written[pid % array_size(written)] != res->serial)
		json = resource_to_json(res);
	len = json ? strlen(json) : 0;
	if (len && len <= RECORD_MAX - sizeof(struct record_resource)) {
		struct record_resource *rec = calloc(1, sizeof(*rec) + len);

		if (rec) {
			rec->h.kind = REC_RESOURCE;
			rec->h.size = (u32)(sizeof(*rec) + len);
			rec->h.time = clock_mono();
			rec->pid = pid;
			rec->json_len = (u32)len;
			memcpy(rec->json, json, len);
			recorder_write(a->recorder, &rec->h);
			written[pid % array_size(written)] = res->serial;
		}
		free(rec);
	}
	free(json);
	resource_put(res);
}

void tee_record(struct app *a, const struct record *r)
{
	if (!a->recorder)
		return;
	if (r->kind == REC_DATA)
		tee_resource(a, ((const struct record_data *)r)->pid);
	recorder_write(a->recorder, r);
}

void tee_clock(struct app *a, u64 now)
{
	struct record_clock rec = {
		.h = {.kind = REC_CLOCK, .size = sizeof(rec), .time = now},
		.wall = now + clock_wall_offset(),
	};

	if (a->recorder)
		recorder_write(a->recorder, &rec.h);
	if (pipeline_record(a->pipeline, &rec.h))
		abort(); /* can't happen: it is well-formed */
}

void tee_stats(struct app *a)
{
	union {
		struct record_stats rec;
		u8 bytes[sizeof(struct record_stats) + KSTAT_MAX * sizeof(u64)];
	} u = {0};

	if (!a->recorder)
		return;
	u.rec.h.kind = REC_STATS;
	u.rec.h.size = sizeof(u.bytes);
	u.rec.h.time = clock_mono();
	u.rec.count = KSTAT_MAX;
	memcpy(u.bytes + sizeof(u.rec), a->summary.kernel, KSTAT_MAX * sizeof(u64));
	recorder_write(a->recorder, &u.rec.h);
}
