/* SPDX-License-Identifier: Apache-2.0 */
/* The export thread: takes spans from the queue and gives each to every exporter. */
#include "export/export.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

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
	int wake; /* an eventfd: the first span after a pause, and the end */
	CURLM *multi; /* NULL unless there is a backend: its libraries take megabytes */
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

/* Sleeps until woken, until a backend answers, or for ms milliseconds. */
static void nap(struct export *e, int ms)
{
	struct curl_waitfd with_backend = {.fd = e->wake, .events = CURL_WAIT_POLLIN};
	struct pollfd alone = {.fd = e->wake, .events = POLLIN};
	eventfd_t ignored;

	if (e->multi)
		curl_multi_poll(e->multi, &with_backend, 1, ms, NULL);
	else
		poll(&alone, 1, ms);
	/* Nothing there: the time is over, or the backend has answered. */
	(void)!eventfd_read(e->wake, &ignored);
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
			nap(e, flush_all(e, stopping ? 0 : BUSY_MS));
		else
			nap(e, flush_all(e, IDLE_MS));
	} while (!stopping);
	while (!drain_all(e) && clock_mono() < e->stop_at)
		nap(e, ms_until(e->stop_at, clock_mono(), BUSY_MS));
	return NULL;
}

/* Half-built accepted; the thread is not running. */
static void destroy(struct export *e)
{
	for (unsigned k = 0; k < e->count; k++)
		e->exporters[k]->ops->free(e->exporters[k]->self);
	if (e->multi)
		curl_multi_cleanup(e->multi);
	if (e->wake >= 0)
		close(e->wake);
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

/* Without TLS its library, the largest of all, is not touched. */
static int start_curl(struct export *e, const char *endpoint)
{
	bool tls = endpoint && !strncasecmp(endpoint, "https:", 6);

	if (!curl_global_init(tls ? CURL_GLOBAL_SSL : CURL_GLOBAL_NOTHING))
		e->multi = curl_multi_init();
	return e->multi ? 0 : -ENOMEM;
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
	e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = e->wake < 0 ? -errno : 0;
	if (!err && c->otlp)
		err = start_curl(e, c->endpoint);
	if (!err)
		err = add_exporters(e, c);
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
		eventfd_write(e->wake, 1);
}

void export_free(struct export *e, u64 timeout_ms)
{
	if (!e)
		return;
	e->stop_at = clock_mono() + timeout_ms * NS_PER_MS;
	__atomic_store_n(&e->stopping, true, __ATOMIC_RELEASE);
	eventfd_write(e->wake, 1);
	pthread_join(e->thread, NULL);
	destroy(e);
}
