/* SPDX-License-Identifier: Apache-2.0 */
/* When the reader of the ring is woken: when it asked for it, when much waits, and for processes. */
#include "child.h"

#include <poll.h>

enum {
	SOON_MS = 100, /* what a trickle of requests may take to be on the screen */
	QUIET_MS = 50,
};

static u8 out[CAPTURE_HEAD_MAX], in[CAPTURE_HEAD_MAX];

static bool woken(int ms)
{
	struct pollfd fd = {.fd = ring_fd(rig.ring), .events = POLLIN};

	return poll(&fd, 1, ms) > 0;
}

/* The ring is empty, and no wake-up of before is left. */
static void settle(void)
{
	rig_drain();
	woken(0);
	rig_drain();
	CHECK(!woken(0));
}

static void pass(struct pair *p, size_t n)
{
	CHECK_INT(send(p->a.fd, out, n, 0), n);
	CHECK_INT(recv(p->b.fd, in, n, MSG_WAITALL), n);
}

static void *pass_later(void *ctx)
{
	rig_sleep(30);
	pass(ctx, 100);
	return NULL;
}

TEST(a_few_records_do_not_wake_the_reader)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	size_t n;

	settle();
	n = rig.n;
	for (int i = 0; i < 10; i++)
		pass(&p, 100);
	CHECK(!woken(QUIET_MS));
	rig_drain();
	CHECK_INT(rig.n - n, 20);
	pair_close(&p);
}

TEST(a_reader_that_asked_for_it_is_woken_by_the_next_record)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);

	for (int round = 0; round < 5; round++) {
		u64 began;
		pthread_t t;
		size_t n;

		settle();
		n = rig.n;
		probe_want_wake(rig.probe);
		rig_drain();
		CHECK_INT(rig.n, n);
		began = clock_mono();
		t = thread_start(pass_later, &p);
		CHECK(woken(5000));
		want_between(HERE, "milliseconds until it was woken",
			     (clock_mono() - began) / NS_PER_MS, 29, 30 + SOON_MS);
		pthread_join(t, NULL);
		rig_drain();
		CHECK_INT(rig.n - n, 2);
	}
	pair_close(&p);
}

TEST(one_wish_is_one_wake_up)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);

	settle();
	probe_want_wake(rig.probe);
	pass(&p, 100);
	CHECK(woken(1000));
	settle();
	pass(&p, 100);
	CHECK(!woken(QUIET_MS));
	pair_close(&p);
}

TEST(much_that_waits_wakes_the_reader)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	/* Both ends make a record of it, and the ring puts a header in front of each. */
	size_t one = sizeof(struct record_data) + CAPTURE_HEAD_MAX + CAPTURE_TAIL_MAX + 8;
	size_t below = RING_WAKE_BYTES / (2 * one) - 1;

	settle();
	for (size_t i = 0; i < below; i++)
		pass(&p, CAPTURE_HEAD_MAX);
	CHECK(!woken(QUIET_MS));
	for (int i = 0; i < 3; i++)
		pass(&p, CAPTURE_HEAD_MAX);
	CHECK(woken(1000));
	rig_drain();
	settle();
	pair_close(&p);
}

static int nothing(void *ctx)
{
	return 0;
}

TEST(what_happens_to_processes_wakes_the_reader)
{
	pid_t pid;

	settle();
	pid = child_start(nothing, NULL);
	CHECK(woken(1000));
	CHECK_INT(child_wait(pid), 0);
	settle();
}

int main(int argc, char **argv)
{
	int failed;

	rig_start();
	failed = test_main(argc, argv);
	rig_stop();
	return failed;
}
