/* SPDX-License-Identifier: Apache-2.0 */
/* In a pid namespace of its own: every number in a record is one of that namespace. */
#include "child.h"

#include <sys/mount.h>

static int talk(void *ctx)
{
	struct pair *p = ctx;
	u8 request[64];

	fill_request(request, sizeof(request));
	return send(p->a.fd, request, sizeof(request), 0) != sizeof(request);
}

TEST(records_name_processes_and_threads_as_this_namespace_does)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	const struct record_conn *c = end_conn_record(&p.a);

	CHECK_INT(getpid(), 1);
	CHECK(c && c->pid == 1 && c->tid == 1);
	pair_close(&p);
}

static void *talk_in_thread(void *ctx)
{
	struct shared *s = ctx;

	s->io[0] = IO(s->io[0].e, DIR_SEND, s->bytes, send(s->io[0].e->fd, s->bytes, 100, 0));
	return NULL;
}

TEST(a_thread_has_its_number_in_this_namespace)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct shared *s = shared_new();

	s->io[0].e = &p.a;
	pthread_join(thread_start(talk_in_thread, s), NULL);
	MOVED(s->io[0]);
	CHECK(s->io[0].tid > 1);
	pair_close(&p);
	shared_free(s);
}

TEST(children_have_their_numbers_in_this_namespace)
{
	struct pair p = pair_open(PAIR_TCP4);
	const struct record_data *d;
	int forks = 0, exits = 0;
	size_t from = rig.n;
	pid_t pid = child_start(talk, &p);

	CHECK_INT(child_wait(pid), 0);
	d = end_data(&p.a);
	CHECK(d && d->pid == (u32)pid && d->tid == (u32)pid);
	for (size_t i = from; i < rig.n; i++) {
		const struct record_proc *r = (const void *)rig.all[i];

		if (r->h.kind != REC_PROC)
			continue;
		CHECK_INT(r->pid, pid);
		forks += r->event == PROC_FORK && r->ppid == 1;
		exits += r->event == PROC_EXIT;
	}
	CHECK_INT(forks, 1);
	CHECK_INT(exits, 1);
	pair_close(&p);
}

struct arguments {
	int count;
	char **values;
};

static int run_inside(void *ctx)
{
	struct arguments *a = ctx;
	int failed;

	/* /proc shows a namespace's processes by their numbers in it when it was mounted there. */
	rig_need(!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
			 !mount("proc", "/proc", "proc", 0, NULL),
		 "proc_is_mounted");
	rig_start();
	failed = test_main(a->count, a->values);
	rig_stop();
	return failed;
}

int main(int argc, char **argv)
{
	struct arguments a = {argc, argv};

	if (unshare(CLONE_NEWPID)) {
		printf("skip pidns_test: no pid namespaces: %s\n", strerror(errno));
		return 0;
	}
	return child_run(run_inside, &a);
}
