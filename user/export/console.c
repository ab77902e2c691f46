/* SPDX-License-Identifier: Apache-2.0 */
/* The console exporter: lines for a person, on the screen as soon as the spans are known. */
#include <stdlib.h>

#include "export/console_line.h"
#include "export/export.h"
#include "util/stats.h"

/* Written when there is this much, or when all spans of a wake-up are formatted. */
enum {
	CONSOLE_BYTES = 64 << 10
};

struct console {
	struct exporter base;
	struct console_layout layout;
	FILE *out;
	struct buf text;
	u64 spans; /* in text */
};

static void console_write(struct console *x)
{
	bool bad = x->text.failed;

	bad |= fwrite(x->text.data, 1, x->text.len, x->out) != x->text.len;
	bad |= fflush(x->out) == EOF;
	if (bad)
		stat_add(STAT_EXPORT_WRITE, x->spans);
	clearerr(x->out);
	buf_clear(&x->text);
	x->spans = 0;
}

static void console_span(void *self, const struct span *s)
{
	struct console *x = self;

	console_line(&x->layout, s, &x->text);
	x->spans++;
	if (x->text.len >= CONSOLE_BYTES)
		console_write(x);
}

static u64 console_flush(void *self, u64 now)
{
	struct console *x = self;

	if (x->spans)
		console_write(x);
	return 0;
}

static bool console_drain(void *self, u64 now)
{
	console_flush(self, now);
	return true;
}

static void console_free(void *self)
{
	struct console *x = self;

	buf_done(&x->text);
	free(x);
}

static const struct exporter_ops console_ops = {
	.name = "console",
	.span = console_span,
	.flush = console_flush,
	.drain = console_drain,
	.free = console_free,
};

struct exporter *exporter_console(const struct export_config *c)
{
	struct console *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->base = (struct exporter){&console_ops, x};
	x->layout = console_layout(c->columns, c->color);
	x->out = c->out ? c->out : stdout;
	/* Goes out with the first span: a file that is only grepped has no use for it. */
	if (c->columns)
		console_header(&x->layout, &x->text);
	return &x->base;
}
