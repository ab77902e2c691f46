/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that otelbpf starts: held back, released, their end passed on. */
#include "target/launch.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "test.h"

/* Runs a command to its end; its exit code, or what launch_release said. */
static int run(char *const *argv)
{
	struct launch l;
	int status = 0, err = launch_start(&l, argv, NULL);

	if (!err)
		err = launch_release(&l);
	if (!err) {
		waitpid(l.pid, &status, 0);
		err = launch_exit_code(status);
	} else {
		waitpid(l.pid, NULL, 0);
	}
	launch_done(&l);
	return err;
}

TEST(a_command_passes_on_its_exit_code_or_signal)
{
	char *ok[] = {"sh", "-c", "exit 3", NULL}, *killed[] = {"sh", "-c", "kill -TERM $$", NULL};

	CHECK_INT(run(ok), 3);
	CHECK_INT(run(killed), 128 + SIGTERM);
}

TEST(a_command_that_cannot_run_is_reported_with_its_errno)
{
	char *none[] = {"/nonexistent/program", NULL}, *dir[] = {"/etc", NULL};

	CHECK_INT(run(none), -ENOENT);
	CHECK_INT(run(dir), -EACCES);
	CHECK_INT(launch_exec_exit_code(-ENOENT), 127);
	CHECK_INT(launch_exec_exit_code(-EACCES), 126);
}

TEST(nothing_runs_before_the_release)
{
	char file[] = "/tmp/otelbpf-launch-XXXXXX";
	char *argv[] = {"rm", file, NULL};
	int fd = mkstemp(file), status = -1;
	struct launch l;

	close(fd);
	CHECK_INT(launch_start(&l, argv, NULL), 0);
	usleep(50000);
	CHECK_INT(access(file, F_OK), 0);
	CHECK_INT(launch_release(&l), 0);
	waitpid(l.pid, &status, 0);
	CHECK_INT(launch_exit_code(status), 0);
	CHECK_INT(access(file, F_OK), -1);
	launch_done(&l);
}

TEST(a_child_that_is_never_released_ends_without_running)
{
	char file[] = "/tmp/otelbpf-launch-XXXXXX";
	char *argv[] = {"rm", file, NULL};
	int fd = mkstemp(file);
	struct launch l;
	pid_t pid;

	close(fd);
	CHECK_INT(launch_start(&l, argv, NULL), 0);
	pid = l.pid;
	launch_done(&l);
	CHECK_INT(kill(pid, 0), -1);
	CHECK_INT(access(file, F_OK), 0);
	unlink(file);
}

/* Signals 32 and 33 are the C library's own, and some programs (make) start others without them. */
TEST(the_command_has_default_signals_although_we_have_not)
{
	char *argv[] = {"sh", "-c",
			"grep -q '^SigBlk:.0*$' /proc/self/status && "
			"grep -Eq '^SigIgn:.0*(180000000)?$' /proc/self/status",
			NULL};
	sigset_t set, before;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	CHECK_INT(run(argv), 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
}

TEST(a_signal_of_the_terminal_is_not_passed_on_a_second_time)
{
	char *argv[] = {"sleep", "10", NULL};
	struct launch l;
	int status;

	CHECK_INT(launch_start(&l, argv, NULL), 0);
	CHECK_INT(launch_release(&l), 0);
	launch_forward(&l, SIGINT, SI_KERNEL);
	usleep(20000);
	CHECK_INT(waitpid(l.pid, &status, WNOHANG), 0);
	launch_forward(&l, SIGINT, SI_USER);
	waitpid(l.pid, &status, 0);
	CHECK_INT(launch_exit_code(status), 128 + SIGINT);
	launch_done(&l);
}

static const char *sudo_uid, *sudo_gid;

static const char *sudo_env(const char *name)
{
	if (!strcmp(name, "SUDO_UID"))
		return sudo_uid;
	return strcmp(name, "SUDO_GID") ? NULL : sudo_gid;
}

TEST(through_sudo_the_command_runs_as_its_caller)
{
	char *argv[] = {"sh", "-c", "[ $(id -u) = 65534 ] && [ $(id -G) = 65534 ]", NULL};
	struct launch_user u;
	struct launch l;
	int status = -1;

	if (geteuid() != 0)
		return; /* only root can become somebody else */
	sudo_uid = "65534";
	sudo_gid = "65534";
	CHECK_INT(launch_user_from_sudo(sudo_env, &u), 0);
	CHECK(u.change);
	CHECK_INT(launch_start(&l, argv, &u), 0);
	CHECK_INT(launch_release(&l), 0);
	waitpid(l.pid, &status, 0);
	CHECK_INT(launch_exit_code(status), 0);
	launch_done(&l);
	launch_user_done(&u);
}

TEST(nonsense_in_SUDO_UID_is_refused_and_none_changes_nothing)
{
	struct launch_user u;

	if (geteuid() != 0)
		return;
	sudo_uid = "0x10";
	sudo_gid = "1";
	CHECK_INT(launch_user_from_sudo(sudo_env, &u), -EINVAL);
	sudo_uid = "4294967295"; /* (uid_t)-1: setresuid would leave root as it is */
	CHECK_INT(launch_user_from_sudo(sudo_env, &u), -EINVAL);
	sudo_uid = NULL;
	CHECK_INT(launch_user_from_sudo(sudo_env, &u), 0);
	CHECK(!u.change);
	launch_user_done(&u);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
