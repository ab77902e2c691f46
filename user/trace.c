/* SPDX-License-Identifier: Apache-2.0 */
/* Live tracing: attach, follow processes, drain the ring until told to stop or nothing is left. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app.h"
#include "follow.h"
#include "probe/loader.h"
#include "target/identities.h"
#include "target/launch.h"
#include "tee.h"
#include "util/clock.h"

enum {
	BUSY_MS = 40, /* between two looks at the ring while records come */
	IDLE_AFTER_MS = 1000, /* without a record: sleep until the kernel wakes us */
	IDLE_MS = 1000,
	SWEEP_MS = 500,
	CLOCK_MS = 10000,
	SETTLE_MS = 100, /* after the last process: its sockets close after its exit is told */
};

struct trace {
	struct app *app;
	struct probe *probe;
	struct ring *ring;
	struct launch launch;
	int signals;
	bool stop, launched, reaped;
	int status; /* exit status so far */
	u64 last_record, last_sweep, last_clock;
};

static void on_record(void *ctx, const struct record *r)
{
	struct trace *t = ctx;

	t->last_record = r->time;
	if (r->kind == REC_PROC)
		identities_record(t->app->identities, (const struct record_proc *)r);
	tee_record(t->app, r);
	if (pipeline_record(t->app->pipeline, r))
		log_debug("record of kind %u was not used", r->kind);
}

static int add_processes(struct trace *t)
{
	const struct options *o = &t->app->options;
	struct follow f = {t->probe, on_record, t};
	u32 missing;

	if (follow_pids(&f, o->pids, o->pid_count, &missing)) {
		log_error("there is no process with pid %u", missing);
		return EXIT_TROUBLE;
	}
	if (t->launch.pid)
		follow_add(&f, (u32)t->launch.pid, (u32)getpid());
	return 0;
}

static int start_command(struct trace *t)
{
	const struct options *o = &t->app->options;
	struct launch_user user = {0};
	int err = 0;

	if (!o->argv)
		return 0;
	if (!o->as_root)
		err = launch_user_from_sudo((const char *(*)(const char *))getenv, &user);
	if (err)
		log_error("SUDO_UID and SUDO_GID are not a user; use --as-root to ignore them");
	else
		err = launch_start(&t->launch, o->argv, user.change ? &user : NULL);
	launch_user_done(&user);
	return err ? EXIT_TROUBLE : 0;
}

static struct resource *resource_of(struct app *a, u32 pid)
{
	return identities_get(a->identities, pid);
}

static int start_probe(struct trace *t)
{
	struct app *a = t->app;
	char why[640];

	t->probe = probe_load(why, sizeof(why));
	if (!t->probe || probe_attach(t->probe, why, sizeof(why))) {
		log_error("%s", why);
		return EXIT_TROUBLE;
	}
	t->ring = ring_new(probe_ring_fd(t->probe), on_record, t);
	a->identities = identities_new(&(struct proc_root){0});
	if (!t->ring || !a->identities) {
		log_error("cannot read the ring buffer: %s", strerror(errno));
		return EXIT_TROUBLE;
	}
	identities_fallback_name(a->identities, a->options.service_name);
	if (a->options.record) {
		a->recorder = recorder_open(a->options.record, why, sizeof(why));
		if (!a->recorder) {
			log_error("%s", why);
			return EXIT_TROUBLE;
		}
		log_warn("%s will hold traffic in clear, readable by its owner only",
			 a->options.record);
	}
	a->resource_of = resource_of;
	return app_start(a, probe_ctl(t->probe));
}

static void say_what(const struct trace *t)
{
	const struct options *o = &t->app->options;
	unsigned alive = 0;
	struct buf b = {0};

	identities_known(t->app->identities, &alive);
	for (size_t i = 0; i < o->pid_count; i++)
		buf_printf(&b, "%s%u", i ? ", " : "pid ", o->pids[i]);
	if (o->argv)
		buf_printf(&b, "%s%s (pid %d)", b.len ? " and " : "", o->argv[0], t->launch.pid);
	if (!b.failed && log_level >= LOG_INFO)
		log_info("tracing %.*s: %u process%s and what they start; %s", (int)b.len,
			 (const char *)b.data, alive, alive == 1 ? "" : "es",
			 o->argv ? "until it ends" : "Ctrl-C ends it");
	buf_done(&b);
}

static int release_command(struct trace *t)
{
	int err;

	if (!t->launch.pid)
		return 0;
	t->launched = true;
	err = launch_release(&t->launch);
	if (!err)
		return 0;
	log_error("cannot execute %s: %s", t->app->options.argv[0], strerror(-err));
	t->status = launch_exec_exit_code(err);
	return t->status;
}

static void reap(struct trace *t)
{
	int status;

	if (!t->launched || t->reaped || waitpid(t->launch.pid, &status, WNOHANG) <= 0)
		return;
	t->reaped = true;
	t->status = launch_exit_code(status);
}

static void on_signal(struct trace *t)
{
	static bool asked;
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD) {
		reap(t);
		return;
	}
	/* The command gets its chance to end in its own way; a second signal does not wait. */
	if (t->launched && !t->reaped && !asked)
		launch_forward(&t->launch, (int)info.ssi_signo, info.ssi_code);
	else
		t->stop = true;
	asked = true;
}

static void drain(struct trace *t)
{
	int n = ring_drain(t->ring);

	if (n < 0)
		log_debug("reading the ring: %s", strerror(-n));
}

static void sweep(struct trace *t, u64 now)
{
	u64 *ids = NULL;
	int n;

	t->last_sweep = now;
	n = probe_sweep(t->probe, &ids);
	if (n >= 0) {
		drain(t);
		pipeline_sweep(t->app->pipeline, ids, (size_t)n, now);
	}
	free(ids);
}

static void chores(struct trace *t, u64 now)
{
	identities_tick(t->app->identities, now);
	if (now - t->last_clock >= (u64)CLOCK_MS * NS_PER_MS) {
		tee_clock(t->app, now);
		t->last_clock = now;
	}
	if (pipeline_wants_sweep(t->app->pipeline) &&
	    now - t->last_sweep >= (u64)SWEEP_MS * NS_PER_MS)
		sweep(t, now);
}

/* Milliseconds to sleep. An idle agent sleeps until a record comes. */
static int nap(struct trace *t, u64 now, u64 deadline)
{
	u64 ms = BUSY_MS;

	if (now - t->last_record > (u64)IDLE_AFTER_MS * NS_PER_MS) {
		probe_want_wake(t->probe);
		drain(t); /* What came before the kernel could see the wish. */
		if (t->last_record < now)
			ms = pipeline_wants_sweep(t->app->pipeline) ? SWEEP_MS : IDLE_MS;
	}
	if (deadline && now + ms * NS_PER_MS > deadline)
		ms = deadline > now ? (deadline - now) / NS_PER_MS + 1 : 0;
	return (int)ms;
}

static bool all_gone(const struct trace *t)
{
	unsigned alive = 0;

	identities_known(t->app->identities, &alive);
	return !alive && (!t->launched || t->reaped);
}

static void loop(struct trace *t)
{
	u64 now = clock_mono(), deadline = t->app->options.duration_ns;
	struct pollfd fds[2] = {
		{.fd = ring_fd(t->ring), .events = POLLIN},
		{.fd = t->signals, .events = POLLIN},
	};

	if (deadline)
		deadline += now;
	while (!t->stop && !all_gone(t) && !(deadline && now >= deadline)) {
		poll(fds, 2, nap(t, now, deadline));
		if (fds[1].revents)
			on_signal(t);
		now = clock_mono();
		drain(t);
		chores(t, now);
	}
	if (all_gone(t)) {
		poll(NULL, 0, SETTLE_MS);
		drain(t);
	}
}

/* Takes the last records and counters from the kernel, then lets it go. */
static void detach(struct trace *t)
{
	struct app *a = t->app;
	struct probe_sizes sizes;

	if (pipeline_wants_sweep(a->pipeline))
		sweep(t, clock_mono());
	probe_stats(t->probe, a->summary.kernel);
	probe_sizes(t->probe, &sizes);
	a->summary.recursion_misses = sizes.recursion_misses;
	a->summary.ring_bytes = sizes.ring_bytes;
	a->summary.map_bytes = sizes.map_bytes;
	a->summary.rss_bytes = summary_resident(NULL);
	drain(t);
	tee_stats(a);
}

static int block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int trace_run(struct app *a)
{
	struct trace t = {.app = a, .signals = -1};
	bool started = false;

	t.status = start_command(&t);
	t.signals = block_signals();
	if (!t.status)
		t.status = start_probe(&t);
	started = a->pipeline != NULL;
	if (!t.status) {
		tee_clock(a, clock_mono());
		t.last_clock = t.last_record = clock_mono();
		t.status = add_processes(&t);
	}
	if (!t.status) {
		say_what(&t);
		if (!release_command(&t))
			loop(&t);
		detach(&t);
		t.status = app_finish(a, t.status);
	} else if (started) {
		a->options.quiet = true;
	}
	/* The command goes on after --duration; its status is what we are to pass on. */
	while (t.launched && !t.reaped && !t.stop && a->options.duration_ns) {
		struct pollfd fd = {.fd = t.signals, .events = POLLIN};

		if (poll(&fd, 1, IDLE_MS) > 0)
			on_signal(&t);
		reap(&t);
	}
	ring_free(t.ring);
	launch_done(&t.launch);
	probe_free(t.probe);
	if (t.signals >= 0)
		close(t.signals);
	return t.status;
}
