/* SPDX-License-Identifier: Apache-2.0 */
/* Wiring: pipeline → export, and who a process is. */
#include "app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/http_route.h"
#include "target/identities.h"
#include "util/clock.h"

static void on_span(void *ctx, struct span *s)
{
	struct app *a = ctx;

	export_push(a->export, s);
}

static struct resource *resource_of(void *ctx, u32 pid)
{
	struct app *a = ctx;

	return a->resource_of(a, pid);
}

int app_start(struct app *a, struct conn_ctl *ctl)
{
	struct pipeline_config config = {
		.on_span = on_span,
		.resource_of = resource_of,
		.ctx = a,
		.ctl = ctl,
		.wall_offset = clock_wall_offset(),
	};

	a->started = clock_mono();
	http_config_use(&a->options.http);
	a->routes = route_table_new();
	http_routes_use(a->routes);
	a->export = export_new(&a->options.export);
	if (!a->export) {
		log_error("cannot start exporting: %s", strerror(errno));
		return EXIT_TROUBLE;
	}
	a->pipeline = pipeline_new(&config);
	if (!a->pipeline || !a->routes) {
		log_error("out of memory");
		return EXIT_TROUBLE;
	}
	return 0;
}

static int write_stats(const struct app *a)
{
	FILE *f = fopen(a->options.stats, "we");
	int err = f ? stats_write(f, &a->summary) : -errno;

	if (f && fclose(f) && !err)
		err = -errno;
	if (err)
		log_error("cannot write %s: %s", a->options.stats, strerror(-err));
	return err;
}

int app_finish(struct app *a, int status)
{
	a->summary.seconds = (double)(clock_mono() - a->started) / NS_PER_SEC;
	if (a->pipeline)
		pipeline_flush(a->pipeline);
	export_free(a->export, DRAIN_MS);
	a->export = NULL;
	if (a->identities)
		a->summary.identity = *identities_counts(a->identities);
	if (!a->options.quiet)
		summary_print(stderr, &a->summary);
	if (a->options.stats && write_stats(a))
		return status ? status : EXIT_TROUBLE;
	return status;
}

void app_done(struct app *a)
{
	pipeline_free(a->pipeline);
	export_free(a->export, 0);
	recorder_close(a->recorder);
	identities_free(a->identities);
	route_table_free(a->routes);
	options_done(&a->options);
}
