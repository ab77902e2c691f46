/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer to an OTLP/HTTP request means, and when to ask again: pure functions. */
#ifndef EXPORT_OTLP_ANSWER_H
#define EXPORT_OTLP_ANSWER_H

#include "export/http_post.h"

enum verdict {
	ANSWER_ACCEPTED, /* all of it, or part of it: never send it again */
	ANSWER_RETRY,
	ANSWER_REFUSED, /* for good */
};

enum verdict otlp_verdict(const struct http_answer *a);

/*
 * Of an accepted request: the spans that were refused nevertheless, and what the server says of it
 * (printable; nothing when it says nothing). An answer that cannot be read means: all accepted.
 */
s64 otlp_partial(const struct http_answer *a, struct buf *message);

/* Why a request was not accepted, as one printable line. */
void otlp_reason(const struct http_answer *a, struct buf *message);

enum {
	/* The retry defaults of the OpenTelemetry Collector's exporters: interval grows by half. */
	RETRY_FIRST_MS = 1000,
	RETRY_MOST_MS = 30000,
	RETRY_GIVE_UP_MS = 300000,
	/* A server may ask for patience, not for silence until the year 9999. */
	RETRY_AFTER_MOST_MS = 3600000,
};

/*
 * How long to wait before asking again, in ms: after the failed-th failure in a row (from 1), or as
 * long as the server asked. random: any number; the wait is spread so that agents do not march in
 * step.
 */
u64 otlp_retry_ms(unsigned failed, s64 retry_after, u64 random);

#endif
