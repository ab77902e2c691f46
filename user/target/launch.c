/* SPDX-License-Identifier: Apache-2.0 */
/* otelbpf -- COMMAND: a child that waits before its exec until tracing is ready. */
#include "target/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/bytes.h"

/* Exit codes of POSIX shells (XCU 2.8.2). */
enum {
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL = 128
};

/* What the child says when it could not execute the command. */
struct failure {
	int err;
};

/* Two pipe ends; in[0] and in[1] as pipe(2) gives them. -1: not open. */
struct barrier {
	int go[2], result[2];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int number(const char *text, u32 *out)
{
	u64 n;

	if (!text || bytes_decimal(bytes_str(text), &n) || n >= UINT32_MAX)
		return -EINVAL;
	*out = (u32)n;
	return 0;
}

void launch_user_done(struct launch_user *u)
{
	free(u->groups);
	free(u->name);
	free(u->home);
	free(u->shell);
	*u = (struct launch_user){0};
}

static int user_groups(struct launch_user *u)
{
	int n = 64;

	for (;;) {
		int had = n;
		gid_t *groups = reallocarray(u->groups, (size_t)n, sizeof(*groups));

		if (!groups)
			return -ENOMEM;
		u->groups = groups;
		if (getgrouplist(u->name, u->gid, groups, &n) >= 0)
			break;
		if (n <= had)
			return -EINVAL;
	}
	u->group_count = n;
	return 0;
}

int launch_user_from_sudo(const char *(*getenv_fn)(const char *), struct launch_user *out)
{
	const char *uid = getenv_fn("SUDO_UID"), *gid = getenv_fn("SUDO_GID");
	struct launch_user u = {.change = true};
	struct passwd *pw;
	int err;

	*out = (struct launch_user){0};
	if (geteuid() != 0 || !uid || !*uid || !gid || !*gid)
		return 0;
	if (number(uid, &u.uid) || number(gid, &u.gid))
		return -EINVAL;
	pw = getpwuid(u.uid);
	if (pw) {
		u.name = strdup(pw->pw_name);
		u.home = strdup(pw->pw_dir);
		u.shell = strdup(pw->pw_shell);
		err = u.name && u.home && u.shell ? user_groups(&u) : -ENOMEM;
		if (err) {
			launch_user_done(&u);
			return err;
		}
	}
	*out = u;
	return 0;
}

/* Default dispositions and nothing blocked: a program expects to start so. */
static void reset_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL); /* SIGKILL and a few others refuse: they are so */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_env(const struct launch_user *u)
{
	static const char *const sudo[] = {"SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_COMMAND",
					   "MAIL"};

	for (size_t i = 0; i < array_size(sudo); i++)
		unsetenv(sudo[i]);
	if (!u->name)
		return;
	setenv("HOME", u->home, 1);
	setenv("SHELL", u->shell, 1);
	setenv("USER", u->name, 1);
	setenv("LOGNAME", u->name, 1);
}

static int become(const struct launch_user *u)
{
	if (!u || !u->change)
		return 0;
	if (setgroups((size_t)u->group_count, u->groups) || setresgid(u->gid, u->gid, u->gid) ||
	    setresuid(u->uid, u->uid, u->uid))
		return -errno;
	become_env(u);
	return 0;
}

static void child(struct barrier *b, char *const *argv, const struct launch_user *user)
{
	struct failure f = {0};
	ssize_t n;
	char go;

	close_fd(&b->go[1]);
	close_fd(&b->result[0]);
	reset_signals();
	f.err = -become(user);
	do
		n = read(b->go[0], &go, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(EXIT_NOT_EXECUTABLE); /* the parent ended or thought better of it */
	if (!f.err) {
		execvp(argv[0], argv);
		f.err = errno;
	}
	/* Nobody left to tell when this fails too. */
	n = write(b->result[1], &f, sizeof(f));
	_exit(launch_exec_exit_code(f.err));
}

static void barrier_done(struct barrier *b)
{
	close_fd(&b->go[0]);
	close_fd(&b->go[1]);
	close_fd(&b->result[0]);
	close_fd(&b->result[1]);
}

int launch_start(struct launch *l, char *const *argv, const struct launch_user *user)
{
	struct barrier b = {{-1, -1}, {-1, -1}};
	int err = 0;
	pid_t pid;

	*l = (struct launch){.go = -1, .result = -1};
	if (pipe2(b.go, O_CLOEXEC) || pipe2(b.result, O_CLOEXEC)) {
		err = -errno;
		barrier_done(&b);
		return err;
	}
	fflush(NULL); /* else the child might write our buffers a second time */
	pid = fork();
	if (pid == 0)
		child(&b, argv, user);
	if (pid < 0)
		err = -errno;
	close_fd(&b.go[0]);
	close_fd(&b.result[1]);
	if (err) {
		barrier_done(&b);
		return err;
	}
	*l = (struct launch){.pid = pid, .go = b.go[1], .result = b.result[0]};
	return 0;
}

/* Writes without dying of a child that is gone. */
static int let_go(int fd)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	int err = 0;

	sigaction(SIGPIPE, &ignore, &before);
	if (write(fd, "g", 1) != 1)
		err = -errno;
	sigaction(SIGPIPE, &before, NULL);
	return err;
}

int launch_release(struct launch *l)
{
	struct failure f = {0};
	int err = let_go(l->go);
	ssize_t n = 0;

	close_fd(&l->go);
	if (!err) {
		/* The pipe's other end closes on exec: then there is nothing to read. */
		do
			n = read(l->result, &f, sizeof(f));
		while (n < 0 && errno == EINTR);
		err = n < 0 ? -errno : n == sizeof(f) ? -f.err : 0;
	} else if (err == -EPIPE) {
		err = -ESRCH; /* the child was killed while it waited */
	}
	close_fd(&l->result);
	return err;
}

void launch_forward(const struct launch *l, int sig, int si_code)
{
	/* The terminal sends SIGINT, SIGQUIT and SIGHUP to its whole foreground process group, to
	 * the command as well; they come from the kernel, kill(1)'s do not. */
	if (l->pid > 0 && si_code != SI_KERNEL)
		kill(l->pid, sig);
}

int launch_exec_exit_code(int err)
{
	return abs(err) == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

int launch_exit_code(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return EXIT_SIGNAL + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

void launch_done(struct launch *l)
{
	bool waiting = l->pid > 0 && l->go >= 0;

	if (l->pid <= 0) /* never started: its descriptors are none */
		return;
	close_fd(&l->go);
	close_fd(&l->result);
	if (waiting)
		while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
			;
	*l = (struct launch){.go = -1, .result = -1};
}
