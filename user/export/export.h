/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out: a bounded queue, the export thread, and the exporters that it feeds.
 *
 *   pipeline thread ── export_push ──► queue ──► export thread ──► console, OTLP/JSON, OTLP/HTTP
 */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include <curl/curl.h>
#include <stdio.h>

#include "span/span.h"

struct export_config {
	bool console, otlp, otlp_stdout;
	bool color; /* console: colours */
	unsigned columns; /* console: width of the terminal; 0: not a terminal */
	FILE *out; /* where console and otlp/stdout write; borrowed; default stdout */
	char *endpoint; /* OTLP/HTTP: the full URL to post traces to; owned */
	char **headers; /* OTLP/HTTP: "name: value"; owned */
	size_t header_count;
	u64 schedule_delay_ms; /* OTEL_BSP_SCHEDULE_DELAY; default 1000 */
	u64 export_timeout_ms; /* OTEL_EXPORTER_OTLP_TIMEOUT; default 10000; 0: none */
	u64 queue_bytes; /* bound of the queue, and again of what waits for a backend */
	unsigned batch_spans; /* OTEL_BSP_MAX_EXPORT_BATCH_SIZE; default 512 */
};

void export_config_done(struct export_config *c);

/*
 * One way out. All calls come from the export thread. A span is borrowed for the call.
 */
struct exporter_ops {
	const char *name;
	/* Takes note of one span. */
	void (*span)(void *self, const struct span *s);
	/* All spans of this wake-up were given: write what is buffered, send what is due. now is
	 * CLOCK_MONOTONIC; returns when it wants to be called again (0: whenever spans come). */
	u64 (*flush)(void *self, u64 now);
	/* No more spans come: send everything; true when there is nothing left to wait for. */
	bool (*drain)(void *self, u64 now);
	void (*free)(void *self);
};

struct exporter {
	const struct exporter_ops *ops;
	void *self;
};

struct export;

/* Starts the export thread. c is borrowed until export_free. NULL: errno says why. */
struct export *export_new(const struct export_config *c);
/* Takes s. Never blocks; when the queue is full the span is lost and counted. */
void export_push(struct export *e, struct span *s);
/* Sends what is left, waiting at most timeout_ms for a backend, ends the thread, frees all.
 * Accepts NULL. */
void export_free(struct export *e, u64 timeout_ms);

/* The exporters. NULL: out of memory. multi is the export thread's, for its own polling. */
struct exporter *exporter_console(const struct export_config *c);
struct exporter *exporter_otlp_stdout(const struct export_config *c);
struct exporter *exporter_otlp_http(const struct export_config *c, CURLM *multi);

#endif
