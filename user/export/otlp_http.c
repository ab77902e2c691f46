/* SPDX-License-Identifier: Apache-2.0 */
/* The OTLP/HTTP exporter: what waits, what is under way, what is tried again, what is given up. */
#include <stdlib.h>

#include "export/http_post.h"
#include "export/otlp_answer.h"
#include "export/otlp_encode.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/stats.h"

enum {
	/* Receivers refuse more: grpc-go 4 MiB, the Collector over HTTP 20 MiB. */
	BATCH_BYTES = 3584 << 10,
	/* Looking up a group is a walk. */
	BATCH_GROUPS = 256,
	COMPLAIN_MS = 30000,
};

/* What can be wrong, each said once and then at most every COMPLAIN_MS. */
enum complaint {
	ABOUT_RETRY,
	ABOUT_REFUSED,
	ABOUT_GIVEN_UP,
	ABOUT_PARTIAL,
	ABOUT_FULL,
	COMPLAINTS,
};

/* One request, ready to be sent, as often as it takes. */
struct request {
	struct buf bytes;
	u32 spans;
	unsigned tries;
	u64 first_try;
	struct request *next;
};

struct otlp_http {
	struct exporter base;
	const struct export_config *c;
	struct http_post *post;
	char *url; /* as it is shown */
	struct otlp_batch batch; /* being filled */
	u64 batch_since;
	struct request *first, **last; /* closed batches; the first is sent or under way */
	u64 waiting; /* bytes of them */
	bool busy, draining;
	bool asked; /* the wait until retry_at is the server's wish */
	unsigned failed; /* failures in a row */
	u64 retry_at, away_since; /* 0: all is well */
	u64 said_at[COMPLAINTS];
};

static bool may_complain(struct otlp_http *x, enum complaint about)
{
	u64 now = clock_mono();

	if (x->said_at[about] && now - x->said_at[about] < (u64)COMPLAIN_MS * NS_PER_MS)
		return false;
	x->said_at[about] = now;
	return true;
}

static void request_free(struct request *r)
{
	if (!r)
		return;
	buf_done(&r->bytes);
	free(r);
}

/* Moves what was filled to the requests. Out of memory: the spans are lost, counted. */
static void close_batch(struct otlp_http *x)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r || otlp_batch_assemble(&x->batch, &r->bytes)) {
		stat_add(STAT_EXPORT_FULL, x->batch.count);
		request_free(r);
	} else {
		r->spans = x->batch.count;
		x->waiting += r->bytes.cap;
		*x->last = r;
		x->last = &r->next;
	}
	otlp_batch_clear(&x->batch);
}

static void drop_first(struct otlp_http *x)
{
	struct request *r = x->first;

	x->first = r->next;
	if (!x->first)
		x->last = &x->first;
	x->waiting -= r->bytes.cap;
	request_free(r);
}

static void http_span(void *self, const struct span *s)
{
	struct otlp_http *x = self;

	if (x->waiting + otlp_batch_size(&x->batch) >= x->c->queue_bytes) {
		stat_add(STAT_EXPORT_FULL, 1);
		if (may_complain(x, ABOUT_FULL))
			log_warn("%s is too slow or away: %llu MiB of spans wait, new ones are "
				 "lost",
				 x->url, (unsigned long long)x->c->queue_bytes >> 20);
		return;
	}
	if (otlp_batch_add(&x->batch, s)) {
		stat_add(STAT_EXPORT_FULL, 1);
		return;
	}
	if (x->batch.count == 1)
		x->batch_since = clock_mono();
	if (x->batch.count >= x->c->batch_spans || x->batch.data.len >= BATCH_BYTES ||
	    x->batch.group_count >= BATCH_GROUPS)
		close_batch(x);
}

static void on_accepted(struct otlp_http *x, const struct http_answer *a, u64 now)
{
	struct buf words = {0};
	u64 rejected = (u64)otlp_partial(a, &words);

	if (rejected > x->first->spans)
		rejected = x->first->spans;
	stat_add(STAT_EXPORTED, x->first->spans - rejected);
	stat_add(STAT_EXPORT_REJECTED, rejected);
	if ((rejected || words.len) && may_complain(x, ABOUT_PARTIAL))
		log_warn("%s accepted a request, refused %llu of its spans: %.*s", x->url,
			 (unsigned long long)rejected, (int)words.len, (char *)words.data);
	if (x->away_since)
		log_info("%s accepts spans again, after %llu s", x->url,
			 (unsigned long long)((now - x->away_since) / NS_PER_SEC));
	buf_done(&words);
	x->away_since = 0;
	x->failed = 0;
	drop_first(x);
}

static void give_up(struct otlp_http *x, const char *why, enum complaint about)
{
	stat_add(STAT_EXPORT_FAILED, x->first->spans);
	if (may_complain(x, about))
		log_warn("%s: %u spans given up: %s", x->url, x->first->spans, why);
	drop_first(x);
}

/* Borrowed from b. */
static const char *reason(const struct http_answer *a, struct buf *b)
{
	otlp_reason(a, b);
	buf_u8(b, 0);
	return b->failed ? "out of memory" : (const char *)b->data;
}

static void on_retry(struct otlp_http *x, const struct http_answer *a, u64 now)
{
	struct buf why = {0};
	u64 random, ms;

	context_new_span_id((u8 *)&random);
	ms = otlp_retry_ms(++x->failed, a->retry_after, random);
	x->retry_at = now + ms * NS_PER_MS;
	x->asked = a->retry_after > 0;
	if (!x->away_since)
		x->away_since = now;
	if (x->retry_at - x->first->first_try > (u64)RETRY_GIVE_UP_MS * NS_PER_MS)
		give_up(x, reason(a, &why), ABOUT_GIVEN_UP);
	else if (may_complain(x, ABOUT_RETRY))
		log_warn("%s does not take spans, trying again: %s", x->url, reason(a, &why));
	buf_done(&why);
}

static void on_refused(struct otlp_http *x, const struct http_answer *a)
{
	struct buf why = {0};

	x->failed = 0;
	give_up(x, reason(a, &why), ABOUT_REFUSED);
	buf_done(&why);
}

static void settle(struct otlp_http *x, const struct http_answer *a, u64 now)
{
	x->busy = x->asked = false;
	x->retry_at = 0;
	switch (otlp_verdict(a)) {
	case ANSWER_ACCEPTED:
		on_accepted(x, a, now);
		break;
	case ANSWER_RETRY:
		on_retry(x, a, now);
		break;
	case ANSWER_REFUSED:
		on_refused(x, a);
		break;
	}
}

static void send_first(struct otlp_http *x, u64 now)
{
	struct request *r = x->first;

	if (http_post_start(x->post, buf_bytes(&r->bytes))) {
		x->retry_at = now + (u64)RETRY_FIRST_MS * NS_PER_MS;
		return;
	}
	x->busy = true;
	if (!r->tries++)
		r->first_try = now;
	else
		stat_add(STAT_EXPORT_RETRIES, 1);
}

/* When a batch that is not full goes out. One that waits behind another may fill up meanwhile. */
static u64 batch_due(const struct otlp_http *x)
{
	if (!x->batch.count || x->first)
		return 0;
	return x->draining ? 1 : x->batch_since + x->c->schedule_delay_ms * NS_PER_MS;
}

static u64 http_flush(void *self, u64 now)
{
	struct otlp_http *x = self;
	struct http_answer answer;

	for (;;) {
		u64 due = batch_due(x);

		if (x->busy && !http_post_done(x->post, &answer))
			return 0; /* libcurl's own sockets and timers wake the thread */
		if (x->busy)
			settle(x, &answer, now);
		else if (due && due <= now)
			close_batch(x);
		else if (x->first && x->retry_at <= now)
			send_first(x, now);
		else
			return x->first ? x->retry_at : due;
	}
}

static bool http_drain(void *self, u64 now)
{
	struct otlp_http *x = self;

	/* Once, do not sit out a backoff: the end is near. What the server asked for is kept. */
	if (!x->draining && !x->asked)
		x->retry_at = 0;
	x->draining = true;
	http_flush(x, now);
	return !x->first && !x->batch.count;
}

static void http_free(void *self)
{
	struct otlp_http *x = self;
	u64 lost = x->batch.count;

	for (; x->first; drop_first(x))
		lost += x->first->spans;
	stat_add(STAT_EXPORT_FAILED, lost);
	if (lost)
		log_warn("%s: %llu spans could not be sent before the end", x->url,
			 (unsigned long long)lost);
	http_post_free(x->post);
	otlp_batch_done(&x->batch);
	free(x->url);
	free(x);
}

static const struct exporter_ops http_ops = {
	.name = "otlp",
	.span = http_span,
	.flush = http_flush,
	.drain = http_drain,
	.free = http_free,
};

struct exporter *exporter_otlp_http(const struct export_config *c, CURLM *multi)
{
	struct otlp_http *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->base = (struct exporter){&http_ops, x};
	x->c = c;
	x->last = &x->first;
	x->url = http_shown_url(c->endpoint);
	x->post = http_post_new(c, multi);
	if (!x->url || !x->post) {
		http_free(x);
		return NULL;
	}
	return &x->base;
}
