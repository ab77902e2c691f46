/* SPDX-License-Identifier: Apache-2.0 */
/* What the live and the replayed run have in common: the rooms, wired together. */
#ifndef APP_H
#define APP_H

#include "cli/options.h"
#include "cli/summary.h"
#include "pipeline.h"
#include "source/source.h"

enum {
	EXIT_TROUBLE = 1, /* anything but usage */
	EXIT_USAGE = 2,
	/* How long the end waits for a backend, milliseconds. */
	DRAIN_MS = 5000,
};

struct app {
	struct options options;
	struct export *export;
	struct pipeline *pipeline;
	struct route_table *routes;
	struct recorder *recorder; /* NULL: no --record */
	struct identities *identities; /* live only */
	/* Who a process is: a new reference, or NULL. Set before app_start. */
	struct resource *(*resource_of)(struct app *a, u32 pid);
	struct replay_resources *resources; /* replay only */
	u64 started; /* CLOCK_MONOTONIC */
	struct summary summary;
};

/* Starts export and pipeline: 0, or an exit status after saying why. ctl may be NULL. */
must_check int app_start(struct app *a, struct conn_ctl *ctl);
/* Ends what is in flight, sends what is left, prints the summary, writes --stats. Returns status,
 * or EXIT_TROUBLE when --stats could not be written. */
int app_finish(struct app *a, int status);
/* Accepts a half-built one. */
void app_done(struct app *a);

/* otelbpf --pid, otelbpf -- COMMAND: the exit status. */
int trace_run(struct app *a);
/* otelbpf replay FILE: the exit status. */
int replay_file(struct app *a);

#endif
