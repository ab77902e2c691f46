/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks: the thread's own time, its time in the run queue, and when data reached a socket. */
#include "child.h"

#include <sched.h>

static u8 buf[1000];

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	rig_need(!sched_setaffinity(0, sizeof(set), &set), "a_thread_is_bound_to_a_cpu");
}

/* The first two CPUs that this process may use, and how many of them there are. */
static int cpus[2], cpu_count;

static void find_cpus(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE && cpu_count < 2; i++)
		if (CPU_ISSET(i, &set))
			cpus[cpu_count++] = i;
}

static void burn(u64 ns)
{
	u64 until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		;
}

/* Run-queue delay of this thread, from /proc/PID/schedstat: on CPU, waiting, times on CPU. */
static u64 own_delay(void)
{
	unsigned long long on, waiting = 0;
	FILE *f = fopen("/proc/thread-self/schedstat", "r");

	if (!f || fscanf(f, "%llu %llu", &on, &waiting) != 2)
		waiting = 0;
	if (f)
		fclose(f);
	return waiting;
}

static const struct record_data *send_one(struct pair *p, struct io *io)
{
	*io = IO(&p->a, DIR_SEND, buf, send(p->a.fd, buf, 10, 0));
	return MOVED(*io);
}

/* What is promised: "CPU time of the thread since it began". */
TEST(cpu_is_the_time_that_the_thread_spent_on_a_cpu)
{
	struct pair p = pair_greeted(HERE, PAIR_UNIX_PATH);
	const struct record_data *d;
	struct io io;

	for (int i = 0; i < 4; i++) {
		d = send_one(&p, &io);
		if (d)
			want_between(HERE, "cpu", d->cpu + NS_PER_MS, io.cpu_before,
				     io.cpu_after + 2 * NS_PER_MS);
		burn(5 * NS_PER_MS);
	}
	pair_close(&p);
}

/* From one record to the next, as spans use it. */
static void difference_case(int first, int second)
{
	struct pair p = pair_greeted(HERE, PAIR_UNIX_PATH);
	const struct record_data *d, *e;
	struct io x, y;

	pin(first);
	d = send_one(&p, &x);
	burn(30 * NS_PER_MS);
	rig_sleep(30);
	pin(second);
	e = send_one(&p, &y);
	if (d && e)
		want_between(HERE, "cpu from one record to the next", e->cpu - d->cpu,
			     y.cpu_before - x.cpu_after - NS_PER_MS,
			     y.cpu_after - x.cpu_before + NS_PER_MS);
	pair_close(&p);
}

TEST(cpu_grows_by_what_the_thread_spent_and_not_while_it_slept)
{
	difference_case(cpus[0], cpus[0]);
}

TEST(cpu_grows_rightly_when_the_thread_moves_to_another_cpu)
{
	difference_case(cpus[0], cpus[1]);
	difference_case(cpus[1], cpus[0]);
}

static volatile bool stop;

static void *spin(void *ctx)
{
	pin(*(int *)ctx);
	while (!stop)
		;
	return NULL;
}

TEST(delay_is_the_time_that_the_thread_waited_for_a_cpu)
{
	struct pair p = pair_greeted(HERE, PAIR_UNIX_PATH);
	const struct record_data *d, *e;
	u64 before[2], after[2];
	struct io io;
	pthread_t t;

	pin(cpus[0]);
	before[0] = own_delay();
	d = send_one(&p, &io);
	after[0] = own_delay();
	stop = false;
	t = thread_start(spin, &cpus[0]);
	burn(30 * NS_PER_MS);
	before[1] = own_delay();
	e = send_one(&p, &io);
	after[1] = own_delay();
	stop = true;
	pthread_join(t, NULL);
	if (d && e) {
		want_between(HERE, "delay", d->delay, before[0], after[0]);
		want_between(HERE, "delay", e->delay, before[1], after[1]);
		want_true(HERE, "it waited", e->delay > d->delay + NS_PER_MS);
	}
	pair_close(&p);
}

TEST(ready_is_when_the_bytes_came_and_time_is_when_they_were_read)
{
	enum pair_kind kinds[] = {PAIR_TCP4, PAIR_TCP6, PAIR_UNIX_PATH};

	for (size_t i = 0; i < array_size(kinds); i++) {
		struct pair p = pair_greeted(HERE, kinds[i]);
		const struct record_data *d;
		struct io x, y;

		x = IO(&p.a, DIR_SEND, buf, send(p.a.fd, buf, 100, 0));
		MOVED(x);
		rig_sleep(20);
		y = IO(&p.b, DIR_RECV, buf, recv(p.b.fd, buf, 100, 0));
		d = MOVED(y);
		if (d)
			want_between(HERE, pair_names[kinds[i]], d->ready, x.before, x.after);
		pair_close(&p);
	}
}

/* "When the oldest of these bytes reached the socket; 0: unknown." */
TEST(ready_is_never_later_than_when_the_oldest_byte_came)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	const struct record_data *d;
	struct io x, y;

	CHECK_INT(send(p.a.fd, buf, 100, 0), 100);
	x = IO(&p.b, DIR_RECV, buf, recv(p.b.fd, buf, 10, 0));
	MOVED(x);
	rig_sleep(10);
	CHECK_INT(send(p.a.fd, buf, 100, 0), 100);
	y = IO(&p.b, DIR_RECV, buf, recv(p.b.fd, buf, 500, 0));
	d = MOVED(y);
	if (d)
		want_between(HERE, "ready", d->ready, 0, x.after);
	pair_close(&p);
}

/* A thread that waits in its read: the data is ready while the call is under way. */
static void *read_later(void *ctx)
{
	struct shared *s = ctx;
	struct end *e = s->io[0].e;

	s->io[0] = IO(e, DIR_RECV, s->bytes, recv(e->fd, s->bytes, 100, 0));
	return NULL;
}

TEST(a_read_that_waited_has_the_time_of_its_return)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct shared *s = shared_new();
	const struct record_data *d;
	u64 sent;
	pthread_t t;

	s->io[0].e = &p.b;
	t = thread_start(read_later, s);
	rig_sleep(30);
	sent = clock_mono();
	CHECK_INT(send(p.a.fd, buf, 100, 0), 100);
	pthread_join(t, NULL);
	d = MOVED(s->io[0]);
	if (d) {
		want_between(HERE, "time", d->h.time, sent, s->io[0].after);
		want_between(HERE, "ready", d->ready, sent, d->h.time);
	}
	pair_close(&p);
	shared_free(s);
}

int main(int argc, char **argv)
{
	int failed;

	find_cpus();
	if (cpu_count < 2)
		rig_leave_out("moves_to_another_cpu", "there is one CPU");
	if (access("/proc/self/schedstat", R_OK))
		rig_leave_out("delay_is", "this kernel has no /proc/PID/schedstat");
	rig_start();
	failed = test_main(argc, argv);
	rig_stop();
	return failed;
}
