/* SPDX-License-Identifier: Apache-2.0 */
/* Reading /proc, in trees made up here. */
#include "target/proc.h"

#include <sys/stat.h>

#include "fake_proc.h"
#include "target/args.h"
#include "target/host.h"
#include "test.h"

TEST(stat_is_read_behind_the_last_parenthesis_of_comm)
{
	struct fake_proc p = fake_proc_new();
	struct proc_stat st = {0};

	fake_proc_file(&p, "7/stat",
		       "7 (a) S 9) R 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 8 9\n");
	CHECK_INT(proc_stat_of(&p.root, 7, &st), 0);
	CHECK_INT(st.ppid, 3);
	CHECK_INT(st.start, 123456);
	CHECK_INT(st.state, 'R');
	fake_proc_done(&p);
}

TEST(a_process_that_ended_is_ESRCH)
{
	struct fake_proc p = fake_proc_new();
	struct proc_stat st;
	struct buf b = {0};
	u32 uid;

	CHECK_INT(proc_read(&p.root, 7, "comm", 64, &b), -ESRCH);
	CHECK_INT(proc_link(&p.root, 7, "exe", &b), -ESRCH);
	CHECK_INT(proc_stat_of(&p.root, 7, &st), -ESRCH);
	CHECK_INT(proc_uid(&p.root, 7, &uid), -ESRCH);
	fake_proc_file(&p, "7/stat", "");
	CHECK_INT(proc_stat_of(&p.root, 7, &st), -ESRCH);
	buf_done(&b);
	fake_proc_done(&p);
}

TEST(a_read_stops_at_its_bound)
{
	struct fake_proc p = fake_proc_new();
	struct buf b = {0};

	fake_proc_file(&p, "7/cmdline", "0123456789");
	CHECK_INT(proc_read(&p.root, 7, "cmdline", 4, &b), 0);
	CHECK_TEXT(buf_bytes(&b), "0123");
	buf_done(&b);
	fake_proc_done(&p);
}

TEST(a_replaced_executable_keeps_its_name)
{
	struct fake_proc p = fake_proc_new();
	struct buf b = {0};

	fake_proc_link(&p, "7/exe", "/usr/sbin/nginx (deleted)");
	CHECK_INT(proc_link(&p.root, 7, "exe", &b), 0);
	CHECK_TEXT(buf_bytes(&b), "/usr/sbin/nginx");
	buf_done(&b);
	fake_proc_done(&p);
}

TEST(the_effective_user_is_the_second_uid)
{
	struct fake_proc p = fake_proc_new();
	u32 uid = 0;

	fake_proc_file(&p, "7/status", "Name:\tx\nUid:\t0\t33\t0\t0\nGid:\t1\t1\t1\t1\n");
	CHECK_INT(proc_uid(&p.root, 7, &uid), 0);
	CHECK_INT(uid, 33);
	fake_proc_done(&p);
}

TEST(a_file_is_looked_up_inside_the_processs_own_root)
{
	struct fake_proc p = fake_proc_new();
	struct buf b = {0};
	char rootdir[600];

	fake_proc_file(&p, "fs/etc/passwd", "inside\n");
	fake_proc_file(&p, "secret", "outside\n");
	snprintf(rootdir, sizeof(rootdir), "%s/fs", p.dir);
	fake_proc_link(&p, "7/root", rootdir);
	fake_proc_link(&p, "fs/absolute", "/etc/passwd");
	fake_proc_link(&p, "fs/escape", "../secret");
	CHECK_INT(proc_read_file(&p.root, 7, "/absolute", 64, &b), 0);
	CHECK_TEXT(buf_bytes(&b), "inside\n");
	CHECK_INT(proc_read_file(&p.root, 7, "/escape", 64, &b), -ENOENT);
	CHECK_INT(proc_read_file(&p.root, 7, "/../secret", 64, &b), -ENOENT);
	buf_done(&b);
	fake_proc_done(&p);
}

TEST(a_pipe_or_folder_in_the_place_of_a_file_is_not_opened)
{
	struct fake_proc p = fake_proc_new();
	struct buf b = {0};
	char path[700];

	fake_proc_file(&p, "fs/x", "");
	snprintf(path, sizeof(path), "%s/fs", p.dir);
	fake_proc_link(&p, "7/root", path);
	snprintf(path, sizeof(path), "%s/fs/pipe", p.dir);
	CHECK_INT(mkfifo(path, 0600), 0);
	CHECK_INT(proc_read_file(&p.root, 7, "/pipe", 64, &b), -EINVAL);
	CHECK_INT(proc_read_file(&p.root, 7, "/", 64, &b), -EINVAL);
	buf_done(&b);
	fake_proc_done(&p);
}

TEST(a_variable_is_found_by_its_whole_name)
{
	static const char block[] = "OTEL_SERVICE_NAMES=a\0XOTEL_SERVICE_NAME=b\0"
				    "OTEL_SERVICE_NAME=shop=1\0OTEL_CUT=no end";
	struct bytes b = bytes_of(block, sizeof(block) - 1), value = bytes_str("");

	CHECK_INT(environ_get(b, "OTEL_SERVICE_NAME", &value), 0);
	CHECK_TEXT(value, "shop=1");
	CHECK_INT(environ_get(b, "OTEL_CUT", &value), -ENODATA);
	CHECK_INT(environ_get(b, "OTEL_NONE", &value), -ENODATA);
	CHECK_INT(environ_get(bytes_of(NULL, 0), "OTEL_NONE", &value), -ENODATA);
}

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(the_container_id_is_found_in_every_runtimes_cgroup)
{
	static const char *const with[] = {
		"0::/system.slice/docker-" ID64 ".scope\n",
		"0::/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-" ID64 ".scope\n",
		"0::/machine.slice/libpod-" ID64 ".scope/container\n",
		"12:cpu:/\n11:memory:/docker/" ID64 "\n0::/\n",
		"0::/../../kubepods/burstable/pod0a1b/" ID64 "\n",
	};
	static const char *const without[] = {
		"0::/user.slice/user-1000.slice/session-3.scope\n",
		"0::/machine.slice/libpod-conmon-" ID64 ".scope\n",
		"0::/x-" ID64 "0.scope\n",
		"",
	};
	struct bytes id = bytes_str("");

	for (size_t i = 0; i < array_size(with); i++) {
		CHECK_INT(cgroup_container(bytes_str(with[i]), &id), 0);
		CHECK_TEXT(id, ID64);
	}
	for (size_t i = 0; i < array_size(without); i++)
		CHECK_INT(cgroup_container(bytes_str(without[i]), &id), -ENODATA);
}

TEST(a_title_padded_with_NULs_is_one_argument)
{
	static const char title[] = "nginx: worker process\0\0\0\0";
	static struct args a;

	args_split(&a, bytes_of(title, sizeof(title)));
	CHECK_INT(a.count, 1);
	CHECK_TEXT(args_at(&a, 0), "nginx: worker process");
	CHECK_TEXT(args_at(&a, 1), "");
	args_split(&a, bytes_of(NULL, 0));
	CHECK_INT(a.count, 0);
}

TEST(paths_are_joined_without_dots)
{
	char out[16];

	CHECK_INT(path_join(bytes_str("/srv/shop"), bytes_str("../a/./b"), out, sizeof(out)), 0);
	CHECK_STR(out, "/srv/a/b");
	CHECK_INT(path_join(bytes_str("/srv"), bytes_str("/x//y"), out, sizeof(out)), 0);
	CHECK_STR(out, "/x/y");
	CHECK_INT(path_join(bytes_str("/"), bytes_str("../../.."), out, sizeof(out)), 0);
	CHECK_STR(out, "");
	CHECK_INT(path_join(bytes_str(""), bytes_str("x"), out, sizeof(out)), -EINVAL);
	CHECK_INT(path_join(bytes_str("/"), bytes_str("12345678901234"), out, sizeof(out)), 0);
	CHECK_INT(path_join(bytes_str("/"), bytes_str("123456789012345"), out, sizeof(out)),
		  -EINVAL);
}

TEST(no_prefix_of_an_ELF_file_is_read_beyond_its_end)
{
	struct buf b = {0};
	struct proc_root root = {0};
	struct bytes whole, part;

	CHECK_INT(proc_read(&root, (u32)getpid(), "exe", 1024, &b), 0);
	whole = buf_bytes(&b);
	CHECK(!elf_is_go(whole));
	for (size_t n = 0; n < bytes_len(whole); n += 7) {
		part = guard_copy(bytes_head(whole, n));
		CHECK(!elf_is_go(part));
		guard_free(part);
	}
	buf_done(&b);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
