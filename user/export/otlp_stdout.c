/* SPDX-License-Identifier: Apache-2.0 */
/* The otlp/stdout exporter: JSON lines, one TracesData object each. */
#include <stdlib.h>

#include "export/export.h"
#include "export/otlp_json.h"
#include "util/clock.h"
#include "util/stats.h"

enum {
	/* A line at least this often while spans come: resources are then not repeated for each. */
	LINE_MS = 500,
	/* Objects in memory are many times their text. */
	LINE_SPANS = 512,
};

struct otlp_stdout {
	struct exporter base;
	FILE *out;
	json_t *resource_spans; /* array; NULL: nothing waits */
	u64 serials[LINE_SPANS]; /* of the resources in it */
	unsigned spans;
	u64 since;
};

static void write_line(struct otlp_stdout *x)
{
	json_t *line = json_pack("{s:O}", "resourceSpans", x->resource_spans);
	int bad = !line || json_dumpf(line, x->out, JSON_COMPACT);

	bad |= fputc('\n', x->out) == EOF;
	bad |= fflush(x->out) == EOF;
	if (bad)
		stat_add(STAT_EXPORT_WRITE, x->spans);
	clearerr(x->out);
	json_decref(line);
	json_decref(x->resource_spans);
	x->resource_spans = NULL;
	x->spans = 0;
}

/* The array of spans of that resource, borrowed; NULL when out of memory. */
static json_t *spans_of(struct otlp_stdout *x, const struct resource *r)
{
	u64 serial = r ? r->serial : 0;
	size_t n = json_array_size(x->resource_spans);
	json_t *o;

	for (size_t i = n; i-- > 0;)
		if (x->serials[i] == serial)
			return otlp_json_spans_of(json_array_get(x->resource_spans, i));
	/* Only spans that failed for want of memory can leave more resources than spans. */
	if (n == LINE_SPANS)
		return NULL;
	o = otlp_json_resource_spans(r);
	if (json_array_append_new(x->resource_spans, o))
		return NULL;
	x->serials[n] = serial;
	return otlp_json_spans_of(o);
}

static void stdout_span(void *self, const struct span *s)
{
	struct otlp_stdout *x = self;

	if (!x->resource_spans) {
		x->resource_spans = json_array();
		x->since = clock_mono();
	}
	if (json_array_append_new(spans_of(x, s->resource), otlp_json_span(s))) {
		stat_add(STAT_EXPORT_WRITE, 1);
		return;
	}
	if (++x->spans == LINE_SPANS)
		write_line(x);
}

static u64 stdout_flush(void *self, u64 now)
{
	struct otlp_stdout *x = self;
	u64 due = x->since + (u64)LINE_MS * NS_PER_MS;

	if (!x->resource_spans)
		return 0;
	if (now < due)
		return due;
	write_line(x);
	return 0;
}

static bool stdout_drain(void *self, u64 now)
{
	struct otlp_stdout *x = self;

	if (x->resource_spans)
		write_line(x);
	return true;
}

static void stdout_free(void *self)
{
	struct otlp_stdout *x = self;

	json_decref(x->resource_spans);
	free(x);
}

static const struct exporter_ops stdout_ops = {
	.name = "otlp/stdout",
	.span = stdout_span,
	.flush = stdout_flush,
	.drain = stdout_drain,
	.free = stdout_free,
};

struct exporter *exporter_otlp_stdout(const struct export_config *c)
{
	struct otlp_stdout *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->base = (struct exporter){&stdout_ops, x};
	x->out = c->out ? c->out : stdout;
	return &x->base;
}
