/* SPDX-License-Identifier: Apache-2.0 */
/* Who is traced: the processes that were named and what they start; and what is told of them. */
#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

extern char **environ;

/* A process that was forked before anything was traced, and pipes to tell it what to do. */
static struct {
	pid_t pid;
	int ask[2], answer[2];
} stranger;

/* How many records there are of that event for that pid; *out becomes the first one. */
static int proc_records(u32 pid, enum proc_event event, const struct record_proc **out)
{
	int n = 0;

	rig_drain();
	for (size_t i = 0; i < rig.n; i++) {
		const struct record_proc *r = (const void *)rig.all[i];

		if (r->h.kind != REC_PROC || r->pid != pid || r->event != event)
			continue;
		if (!n++ && out)
			*out = r;
	}
	return n;
}

/* Data records of that pid. */
static int data_records(u32 pid)
{
	int n = 0;

	rig_drain();
	for (size_t i = 0; i < rig.n; i++) {
		const struct record_data *r = (const void *)rig.all[i];

		n += r->h.kind == REC_DATA && r->pid == pid;
	}
	return n;
}

/* One request through a connection of one's own. */
static int talk(void *ctx)
{
	u8 request[64];
	int fds[2];

	fill_request(request, sizeof(request));
	pair_fds(PAIR_TCP4, fds);
	if (send(fds[0], request, sizeof(request), 0) != sizeof(request) ||
	    recv(fds[1], request, sizeof(request), MSG_WAITALL) != sizeof(request))
		return 1;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static int talk_grandchild(void *ctx)
{
	pid_t *pid = ctx;

	*pid = child_start(talk, NULL);
	return child_wait(*pid);
}

/* Does what it is told: connects to that port, sends a request, and talks to itself. */
static void stranger_run(void)
{
	struct sockaddr_in in;
	u8 request[64];

	fill_request(request, sizeof(request));
	while (read(stranger.ask[0], &in, sizeof(in)) == sizeof(in)) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		u8 done = connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0 &&
			  send(fd, request, sizeof(request), 0) == sizeof(request) && !talk(NULL);

		close(fd);
		if (write(stranger.answer[1], &done, 1) != 1)
			break;
	}
	_exit(0);
}

static void stranger_start(void)
{
	rig_need(!pipe(stranger.ask) && !pipe(stranger.answer), "pipes");
	stranger.pid = fork();
	rig_need(stranger.pid >= 0, "a_child_is_forked");
	if (!stranger.pid) {
		close(stranger.ask[1]);
		stranger_run();
	}
	close(stranger.ask[0]);
}

TEST(a_process_that_is_not_traced_makes_no_records_and_its_peer_does)
{
	struct sockaddr_storage ss;
	struct end b;
	socklen_t len;
	int l = pair_listen(PAIR_TCP4, &ss, &len), fd;
	u8 done = 0, in[64];
	struct io io;

	rig_need(write(stranger.ask[1], &ss, sizeof(struct sockaddr_in)) > 0, "a_pipe_is_written");
	fd = accept(l, NULL, NULL);
	b = end_of(fd, DIR_RECV);
	io = IO(&b, DIR_RECV, in, recv(fd, in, sizeof(in), MSG_WAITALL));
	MOVED(io);
	rig_need(read(stranger.answer[0], &done, 1) == 1, "a_pipe_is_read");
	CHECK_INT(done, 1);
	CHECK_INT(data_records((u32)stranger.pid), 0);
	for (size_t i = 0; i < rig.n; i++)
		if (rig.all[i]->kind == REC_CONN)
			CHECK_INT(((const struct record_conn *)rig.all[i])->pid, getpid());
	close(fd);
	close(l);
}

TEST(a_child_is_told_and_traced_and_its_end_is_told_once)
{
	const struct record_proc *r = NULL;
	pid_t pid = child_start(talk, NULL);

	CHECK_INT(child_wait(pid), 0);
	CHECK_INT(proc_records((u32)pid, PROC_FORK, &r), 1);
	if (r) {
		CHECK_INT(r->ppid, getpid());
		CHECK_INT(r->args_len, 0);
		CHECK(!strncmp((const char *)r->comm, "procs_test", sizeof(r->comm)));
	}
	CHECK_INT(data_records((u32)pid), 2);
	CHECK_INT(proc_records((u32)pid, PROC_EXIT, &r), 1);
	CHECK(!probe_is_traced(rig.probe, (u32)pid));
}

TEST(a_grandchild_is_traced)
{
	struct shared *s = shared_new();
	pid_t *grandchild = (pid_t *)s->bytes;
	const struct record_proc *r = NULL;
	pid_t child = child_start(talk_grandchild, grandchild);

	CHECK_INT(child_wait(child), 0);
	CHECK_INT(proc_records((u32)*grandchild, PROC_FORK, &r), 1);
	if (r)
		CHECK_INT(r->ppid, child);
	CHECK_INT(data_records((u32)*grandchild), 2);
	CHECK_INT(proc_records((u32)*grandchild, PROC_EXIT, NULL), 1);
	shared_free(s);
}

static int wait_for_signal(void *ctx)
{
	pause();
	return 0;
}

TEST(the_end_of_a_killed_process_is_told)
{
	pid_t pid = child_start(wait_for_signal, NULL);

	CHECK(probe_is_traced(rig.probe, (u32)pid));
	kill(pid, SIGKILL);
	CHECK_INT(child_wait(pid), 128 + SIGKILL);
	CHECK_INT(proc_records((u32)pid, PROC_EXIT, NULL), 1);
}

static void *nothing(void *ctx)
{
	return NULL;
}

TEST(threads_are_no_processes)
{
	size_t from;

	rig_drain();
	from = rig.n;
	for (int i = 0; i < 10; i++)
		pthread_join(thread_start(nothing, NULL), NULL);
	rig_drain();
	for (size_t i = from; i < rig.n; i++)
		CHECK(rig.all[i]->kind != REC_PROC);
	CHECK(probe_is_traced(rig.probe, (u32)getpid()));
}

/* The last thread to end need not be the first that was there. */
static void *outlive(void *ctx)
{
	rig_sleep(30);
	return NULL;
}

static int leave_a_thread(void *ctx)
{
	thread_start(outlive, NULL);
	/* pthread_exit() would want a library that this program does not name. */
	return (int)syscall(SYS_exit, 0);
}

TEST(a_process_ends_with_its_last_thread)
{
	pid_t pid = child_start(leave_a_thread, NULL);
	const struct record_proc *r = NULL;
	u64 started = clock_mono();

	CHECK_INT(child_wait(pid), 0);
	CHECK_INT(proc_records((u32)pid, PROC_EXIT, &r), 1);
	if (r)
		CHECK(r->h.time > started + 20 * NS_PER_MS);
}

static int end_many_threads(void *ctx)
{
	for (int i = 0; i < 16; i++)
		thread_start(outlive, NULL);
	_exit(3);
}

TEST(a_process_whose_threads_end_together_ends_once)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = child_start(end_many_threads, NULL);

		CHECK_INT(child_wait(pid), 3);
		CHECK_INT(proc_records((u32)pid, PROC_EXIT, NULL), 1);
	}
}

/* Executes this program once more, with those arguments behind its name. */
static pid_t spawn_self(char *const argv[])
{
	pid_t pid = -1;

	rig_need(!posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), "a_program_runs");
	return pid;
}

TEST(a_program_that_is_executed_is_told_with_its_arguments)
{
	static char *argv[] = {"name it has", "--exit", "two words", "", NULL};
	static const char want[] = "name it has\0--exit\0two words\0";
	const struct record_proc *r = NULL;
	pid_t pid = spawn_self(argv);

	CHECK_INT(child_wait(pid), 0);
	CHECK_INT(proc_records((u32)pid, PROC_FORK, NULL), 1);
	CHECK_INT(proc_records((u32)pid, PROC_EXEC, &r), 1);
	if (r) {
		CHECK_INT(r->args_len, sizeof(want));
		CHECK(!memcmp(r->args, want, sizeof(want)));
	}
	/* The task is named after the file. */
	CHECK(r && !strncmp((const char *)r->comm, "exe", sizeof(r->comm)));
}

static void exec_long(size_t len)
{
	char word[2 * EXEC_ARGS_MAX + 1];
	char *argv[] = {"self", "--exit", word, NULL};
	const struct record_proc *r = NULL;
	size_t whole = sizeof("self") + sizeof("--exit") + len + 1;
	pid_t pid;

	memset(word, 'w', len);
	word[len] = '\0';
	pid = spawn_self(argv);
	CHECK_INT(child_wait(pid), 0);
	CHECK_INT(proc_records((u32)pid, PROC_EXEC, &r), 1);
	if (!r)
		return;
	CHECK_INT(r->args_len, whole < EXEC_ARGS_MAX ? whole : EXEC_ARGS_MAX);
	CHECK(!memcmp(r->args, "self\0--exit\0www", 15));
}

TEST(of_long_arguments_the_first_are_told)
{
	size_t fixed = sizeof("self") + sizeof("--exit") + 1;

	exec_long(EXEC_ARGS_MAX - fixed);
	exec_long(EXEC_ARGS_MAX - fixed + 1);
	exec_long(2 * EXEC_ARGS_MAX);
}

static void *exec_in_thread(void *ctx)
{
	static char *argv[] = {"threaded", "--exit", NULL};

	execv("/proc/self/exe", argv);
	return NULL;
}

static int exec_by_thread(void *ctx)
{
	pthread_join(thread_start(exec_in_thread, NULL), NULL);
	return 1;
}

TEST(a_program_executed_by_a_second_thread_is_told_of_its_process)
{
	pid_t pid = child_start(exec_by_thread, NULL);

	CHECK_INT(child_wait(pid), 0);
	CHECK_INT(proc_records((u32)pid, PROC_EXEC, NULL), 1);
	CHECK_INT(proc_records((u32)pid, PROC_EXIT, NULL), 1);
}

TEST(a_process_is_added_once)
{
	CHECK_INT(probe_add_pid(rig.probe, (u32)getpid()), -EEXIST);
	CHECK(!probe_is_traced(rig.probe, (u32)stranger.pid));
	CHECK_STR(probe_family_name(rig.probe), "sock-tp");
}

int main(int argc, char **argv)
{
	int failed;

	if (argc > 1 && !strcmp(argv[1], "--exit"))
		return 0;
	stranger_start();
	rig_start();
	failed = test_main(argc, argv);
	close(stranger.ask[1]);
	waitpid(stranger.pid, NULL, 0);
	rig_stop();
	return failed;
}
