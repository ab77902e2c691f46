/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otelbpf -- COMMAND: a child that waits before its exec until tracing is ready.
 *
 *   launch_start ──► child: default signals, the user's own ids … waits
 *   (attach the probes to launch.pid)
 *   launch_release ──► child: exec; its failure is told back
 */
#ifndef TARGET_LAUNCH_H
#define TARGET_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/compiler.h"

struct launch {
	pid_t pid; /* 0: none */
	int go; /* write end: a byte lets the child go */
	int result; /* read end: what became of the exec */
};

/* Who runs the command: through sudo, the user who called sudo. */
struct launch_user {
	bool change;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* owned */
	int group_count;
	char *name, *home, *shell; /* owned */
};

/*
 * The user in SUDO_UID and SUDO_GID, when this process is root and they are set. -EINVAL when they
 * are not numbers.
 */
must_check int launch_user_from_sudo(const char *(*getenv_fn)(const char *),
				     struct launch_user *out);
void launch_user_done(struct launch_user *u);

/*
 * Starts the child, which waits. Call it before there are threads and before limits are raised:
 * the command inherits them. user may be NULL: as this process. argv ends with NULL.
 */
must_check int launch_start(struct launch *l, char *const *argv, const struct launch_user *user);

/* Lets the child execute the command and returns when it did: 0, or what failed: its -errno. */
must_check int launch_release(struct launch *l);

/*
 * A signal that this process got is passed on, but not what the terminal has sent to the command
 * itself: si_code (of siginfo_t or signalfd) says who sent it.
 */
void launch_forward(const struct launch *l, int sig, int si_code);

/* What a shell would exit with: after a failed exec, and after a wait status. */
int launch_exec_exit_code(int err);
int launch_exit_code(int wait_status);

/* A child that was never released ends without executing anything. The command itself goes on. */
void launch_done(struct launch *l);

#endif
