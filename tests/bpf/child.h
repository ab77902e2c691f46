/* SPDX-License-Identifier: Apache-2.0 */
/* Children and threads that do their part of a test, and what they tell their parent. */
#ifndef CHILD_H
#define CHILD_H

#include <pthread.h>
#include <sys/wait.h>

#include "expect.h"

/* Memory that children share: what a child saw of its own call, and how far it is. */
struct shared {
	struct io io[8];
	int steps; /* done by the child */
	u8 bytes[4096];
};

static inline struct shared *shared_new(void)
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	rig_need(s != MAP_FAILED, "shared_memory");
	return s;
}

static inline void shared_free(struct shared *s)
{
	munmap(s, sizeof(*s));
}

/* Calls fn(ctx) in a child, which then exits with what fn says. */
static inline pid_t child_start(int (*fn)(void *ctx), void *ctx)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	rig_need(pid >= 0, "a_child_is_forked");
	if (!pid)
		_exit(fn(ctx));
	return pid;
}

/* Its exit status; 128 and its signal when it was killed. */
static inline int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		rig_need(errno == EINTR, "a_child_is_waited_for");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int child_run(int (*fn)(void *ctx), void *ctx)
{
	return child_wait(child_start(fn, ctx));
}

static inline pthread_t thread_start(void *(*fn)(void *ctx), void *ctx)
{
	pthread_t t;

	rig_need(!pthread_create(&t, NULL, fn, ctx), "a_thread_is_made");
	return t;
}

/* Reads n bytes and throws them away: a peer for those who block. */
struct sink {
	int fd;
	size_t n;
};

static inline void *sink_run(void *ctx)
{
	struct sink *s = ctx;
	static __thread u8 room[65536];
	size_t left = s->n;

	while (left) {
		ssize_t n = recv(s->fd, room, left < sizeof(room) ? left : sizeof(room), 0);

		if (n <= 0)
			return NULL;
		left -= (size_t)n;
	}
	return s;
}

#endif
