/* SPDX-License-Identifier: Apache-2.0 */
/* The export thread: takes spans from the queue and gives each to every exporter. */
#include "export/export.h"

#include <signal.h>
#include <stdlib.h>

#include "export/queue.h"
#include "util/clock.h"
#include "util/stats.h"

enum {
	EXPORTERS_MAX = 3,
	/*
	 * While spans keep coming the thread looks at the queue this often and nobody wakes it: a
	 * wake-up costs the pipeline a system call, which must not happen for every span.
	 */
	BUSY_MS = 20,
	IDLE_MS = 60000,
};

struct export
{
	pthread_t thread;
	struct queue queue;
	CURLM *multi;
	struct exporter *exporters[EXPORTERS_MAX];
	unsigned count;
	u64 stop_at; /* when to give up waiting for a backend; written before stopping */
	bool stopping;
};

void export_config_done(struct export_config *c)
{
	free(c->endpoint);
	for (size_t i = 0; i < c->header_count; i++)
		free(c->headers[i]);
	free(c->headers);
	*c = (struct export_config){0};
}

/* The largest wait that is not later than at, in whole milliseconds. */
static int ms_until(u64 at, u64 now, int most)
{
	u64 ms = at > now ? (at - now + NS_PER_MS - 1) / NS_PER_MS : 0;

	return ms < (u64)most ? (int)ms : most;
}

/* Gives what is queued to the exporters; returns whether there was anything. */
static bool give_all(struct export *e)
{
	size_t n = queue_take(&e->queue);

	for (size_t i = 0; i < n; i++) {
		struct span *s = e->queue.taken[i];

		for (unsigned k = 0; k < e->count; k++)
			e->exporters[k]->ops->span(e->exporters[k]->self, s);
		span_free(s);
	}
	queue_done(&e->queue);
	return n > 0;
}

/* Lets every exporter do what is due; returns how long nothing else will be, at most most ms. */
static int flush_all(struct export *e, int most)
{
	u64 now = clock_mono();

	for (unsigned k = 0; k < e->count; k++) {
		u64 at = e->exporters[k]->ops->flush(e->exporters[k]->self, now);

		if (at)
			most = ms_until(at, now, most);
	}
	return most;
}

static bool drain_all(struct export *e)
{
	bool done = true;

	for (unsigned k = 0; k < e->count; k++)
		done &= e->exporters[k]->ops->drain(e->exporters[k]->self, clock_mono());
	return done;
}

static void *export_thread(void *arg)
{
	struct export *e = arg;
	bool stopping;

	do {
		/* Read first: what was pushed before stopping was set is then taken below. */
		stopping = __atomic_load_n(&e->stopping, __ATOMIC_ACQUIRE);
		if (give_all(e) || stopping)
			curl_multi_poll(e->multi, NULL, 0, flush_all(e, stopping ? 0 : BUSY_MS),
					NULL);
		else
			curl_multi_poll(e->multi, NULL, 0, flush_all(e, IDLE_MS), NULL);
	} while (!stopping);
	while (!drain_all(e) && clock_mono() < e->stop_at)
		curl_multi_poll(e->multi, NULL, 0, ms_until(e->stop_at, clock_mono(), BUSY_MS),
				NULL);
	return NULL;
}

/* Half-built accepted; the thread is not running. */
static void destroy(struct export *e)
{
	for (unsigned k = 0; k < e->count; k++)
		e->exporters[k]->ops->free(e->exporters[k]->self);
	if (e->multi)
		curl_multi_cleanup(e->multi);
	queue_done_all(&e->queue);
	free(e);
}

static int add(struct export *e, struct exporter *x)
{
	if (!x)
		return -ENOMEM;
	e->exporters[e->count++] = x;
	return 0;
}

static int add_exporters(struct export *e, const struct export_config *c)
{
	int err = 0;

	if (c->console)
		err = add(e, exporter_console(c));
	if (c->otlp_stdout && !err)
		err = add(e, exporter_otlp_stdout(c));
	if (c->otlp && !err)
		err = add(e, exporter_otlp_http(c, e->multi));
	return err;
}

/* Signals are the main thread's; a closed pipe is then an error of the write, not a signal. */
static int start_thread(struct export *e)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&e->thread, NULL, export_thread, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

struct export *export_new(const struct export_config *c)
{
	struct export *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return NULL;
	err = queue_init(&e->queue, c->queue_bytes);
	if (err) {
		free(e);
		errno = -err;
		return NULL;
	}
	if (!curl_global_init(CURL_GLOBAL_DEFAULT))
		e->multi = curl_multi_init();
	err = e->multi ? add_exporters(e, c) : -ENOMEM;
	if (!err)
		err = start_thread(e);
	if (err) {
		destroy(e);
		errno = -err;
		return NULL;
	}
	return e;
}

void export_push(struct export *e, struct span *s)
{
	bool wake;

	if (queue_push(&e->queue, s, &wake)) {
		stat_add(STAT_QUEUE_FULL, 1);
		span_free(s);
	}
	if (wake)
		curl_multi_wakeup(e->multi);
}

void export_free(struct export *e, u64 timeout_ms)
{
	if (!e)
		return;
	e->stop_at = clock_mono() + timeout_ms * NS_PER_MS;
	__atomic_store_n(&e->stopping, true, __ATOMIC_RELEASE);
	curl_multi_wakeup(e->multi);
	pthread_join(e->thread, NULL);
	destroy(e);
}
