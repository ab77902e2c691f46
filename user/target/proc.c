/* SPDX-License-Identifier: Apache-2.0 */
/* Small bounded reads of /proc/<pid>, and of files as a process sees them. */
#include "target/proc.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Room for "<root>/<pid>/<name>": roots of tests are paths too. */
struct proc_path {
	char text[PROC_PATH_MAX];
};

static int path_make(struct proc_path *p, const char *dir, u32 pid, const char *name)
{
	int n;

	if (pid)
		n = snprintf(p->text, sizeof(p->text), "%s/%u/%s", dir, pid, name);
	else
		n = snprintf(p->text, sizeof(p->text), "%s/%s", dir, name);
	return n < 0 || (size_t)n >= sizeof(p->text) ? -ENAMETOOLONG : 0;
}

static const char *proc_dir(const struct proc_root *root)
{
	return root && root->path ? root->path : "/proc";
}

/* Takes fd. */
static int read_some(int fd, size_t max, struct buf *out)
{
	size_t got = 0;
	int err = 0;

	while (got < max) {
		size_t want = max - got < 4096 ? max - got : 4096;
		void *room = buf_room(out, want);
		ssize_t n = room ? read(fd, room, want) : -1;

		if (n < 0 && room && errno == EINTR)
			continue;
		if (n < 0)
			err = room ? -errno : -ENOMEM;
		if (n <= 0)
			break;
		out->len += (size_t)n;
		got += (size_t)n;
	}
	close(fd);
	return err;
}

static int read_path(const struct proc_path *p, size_t max, struct buf *out)
{
	int fd = open(p->text, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? -errno : read_some(fd, max, out);
}

/* A process that ended looks like a missing file. */
static int gone(int err)
{
	return err == -ENOENT ? -ESRCH : err;
}

int proc_read(const struct proc_root *root, u32 pid, const char *name, size_t max, struct buf *out)
{
	struct proc_path p;
	int err = path_make(&p, proc_dir(root), pid, name);

	return err ? err : gone(read_path(&p, max, out));
}

int proc_read_global(const struct proc_root *root, const char *name, size_t max, struct buf *out)
{
	struct proc_path p;
	int err = path_make(&p, proc_dir(root), 0, name);

	return err ? err : read_path(&p, max, out);
}

int proc_read_etc(const struct proc_root *root, const char *name, size_t max, struct buf *out)
{
	struct proc_path p;
	int err = path_make(&p, root && root->etc ? root->etc : "/etc", 0, name);

	return err ? err : read_path(&p, max, out);
}

int proc_link(const struct proc_root *root, u32 pid, const char *name, struct buf *out)
{
	static const char deleted[] = " (deleted)"; /* d_path() of fs/d_path.c */
	struct proc_path p;
	int err = path_make(&p, proc_dir(root), pid, name);
	char *room = err ? NULL : buf_room(out, PROC_PATH_MAX);
	struct bytes text;
	ssize_t n;

	if (err)
		return err;
	if (!room)
		return -ENOMEM;
	n = readlink(p.text, room, PROC_PATH_MAX);
	if (n < 0)
		return gone(-errno);
	text = bytes_of(room, (size_t)n);
	if (bytes_ends(text, deleted))
		n -= (ssize_t)sizeof(deleted) - 1;
	out->len += (size_t)n;
	return 0;
}

/* The number in the nth of the fields that spaces separate, counted from 0. */
static int field(struct bytes b, unsigned nth, u64 *out)
{
	struct bytes word;

	while (!bytes_until(&b, ' ', &word))
		if (!nth--)
			return bytes_decimal(word, out);
	return -ENODATA;
}

int proc_stat_of(const struct proc_root *root, u32 pid, struct proc_stat *out)
{
	struct buf text = {0};
	int err = proc_read(root, pid, "stat", PROC_SMALL_MAX, &text);
	struct bytes rest = buf_bytes(&text);
	struct proc_stat s = {0};
	u64 ppid = 0;

	/* "pid (comm) state ppid …": comm may hold spaces and parentheses, so what follows begins
	 * behind the last ')'. Fields are numbered in proc(5): state 3, ppid 4, starttime 22. */
	if (!err) {
		const u8 *paren = bytes_empty(rest) ? NULL : memrchr(rest.p, ')', bytes_len(rest));

		rest.p = paren ? paren + 1 : rest.end;
		bytes_skip(&rest, 1);
		s.state = (char)(bytes_empty(rest) ? 0 : bytes_peek(rest));
		err = field(rest, 1, &ppid);
		if (!err)
			err = field(rest, 19, &s.start);
		if (err)
			err = -ESRCH; /* an empty file: it just ended */
	}
	buf_done(&text);
	if (err)
		return err;
	s.ppid = (u32)ppid;
	*out = s;
	return 0;
}

int proc_uid(const struct proc_root *root, u32 pid, u32 *out)
{
	struct buf text = {0};
	int err = proc_read(root, pid, "status", PROC_SMALL_MAX, &text);
	struct bytes rest = buf_bytes(&text), line, word;
	u64 uid = 0;

	if (!err)
		err = -ESRCH;
	/* "Uid:\treal\teffective\tsaved\tfs" */
	while (err == -ESRCH && !bytes_until(&rest, '\n', &line)) {
		if (!bytes_starts(line, "Uid:\t"))
			continue;
		bytes_skip(&line, 5);
		if (bytes_until(&line, '\t', &word) || bytes_until(&line, '\t', &word))
			break;
		err = bytes_decimal(word, &uid);
	}
	buf_done(&text);
	if (!err)
		*out = (u32)uid;
	return err;
}

/* Opens a regular file below dirfd and nothing else: no device, pipe or way out of that root. */
static int open_in_root(int dirfd, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd, at = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	char self[64];
	struct stat st;

	if (at < 0)
		return -errno;
	if (fstat(at, &st) || !S_ISREG(st.st_mode)) {
		close(at);
		return -EINVAL;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", at);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		fd = -errno;
	close(at);
	return fd;
}

int proc_read_file(const struct proc_root *root, u32 pid, const char *path, size_t max,
		   struct buf *out)
{
	struct proc_path p;
	int err = path_make(&p, proc_dir(root), pid, "root");
	int dirfd, fd;

	if (err)
		return err;
	dirfd = open(p.text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return gone(-errno);
	fd = open_in_root(dirfd, path);
	close(dirfd);
	return fd < 0 ? fd : read_some(fd, max, out);
}

int environ_get(struct bytes block, const char *name, struct bytes *out)
{
	size_t n = strlen(name);
	struct bytes entry;

	while (!bytes_until(&block, 0, &entry)) {
		if (!bytes_starts(entry, name) || bytes_len(entry) == n || entry.p[n] != '=')
			continue;
		bytes_skip(&entry, n + 1);
		*out = entry;
		return 0;
	}
	return -ENODATA;
}

static bool is_hex(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The last run of exactly 64 hexadecimal digits. */
static int hex64(struct bytes b, struct bytes *out)
{
	int err = -ENODATA;
	size_t run = 0;

	for (const u8 *p = b.p; p != b.end; p++) {
		run = is_hex(*p) ? run + 1 : 0;
		if (run == 64 && (p + 1 == b.end || !is_hex(p[1]))) {
			*out = (struct bytes){p - 63, p + 1};
			err = 0;
		}
	}
	return err;
}

int cgroup_container(struct bytes cgroup, struct bytes *out)
{
	struct bytes line;

	/* docker-<id>.scope, libpod-<id>.scope, cri-containerd-<id>.scope, …/pod<uid>/<id>: all
	 * have the id as a word. A conmon cgroup holds the container's monitor, not its processes. */
	while (!bytes_until(&cgroup, '\n', &line)) {
		if (memmem(line.p, bytes_len(line), "conmon", 6))
			continue;
		if (!hex64(line, out))
			return 0;
	}
	return -ENODATA;
}
