/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small bounded reads of /proc/<pid>. A process may end between any two of them: -ESRCH then.
 */
#ifndef TARGET_PROC_H
#define TARGET_PROC_H

#include "util/buf.h"

enum {
	/* Java class paths are the longest command lines that matter. */
	PROC_CMDLINE_MAX = 128 << 10,
	PROC_ENVIRON_MAX = 256 << 10,
	PROC_SMALL_MAX = 4 << 10, /* comm, stat, status, cgroup */
	PROC_FILE_MAX = 64 << 10, /* a file of the process's own file system */
	PROC_PATH_MAX = 4096, /* PATH_MAX of include/uapi/linux/limits.h */
};

/* Where to look; tests give a tree of their own. */
struct proc_root {
	const char *path; /* NULL: /proc */
	const char *etc; /* NULL: /etc */
};

struct proc_stat {
	u32 ppid;
	u64 start; /* clock ticks since boot */
	char state;
};

/* Appends at most max bytes of <root>/<pid>/<name>. What is longer is cut. */
must_check int proc_read(const struct proc_root *root, u32 pid, const char *name, size_t max,
			 struct buf *out);
/* As proc_read of <root>/<name>: a file that belongs to no process. */
must_check int proc_read_global(const struct proc_root *root, const char *name, size_t max,
				struct buf *out);
/* As proc_read of <etc>/<name>. */
must_check int proc_read_etc(const struct proc_root *root, const char *name, size_t max,
			     struct buf *out);

/* The target of a link (exe, cwd), without the " (deleted)" of a file that was replaced. */
must_check int proc_link(const struct proc_root *root, u32 pid, const char *name, struct buf *out);

must_check int proc_stat_of(const struct proc_root *root, u32 pid, struct proc_stat *out);
/* The effective user. */
must_check int proc_uid(const struct proc_root *root, u32 pid, u32 *out);

/*
 * Appends at most max bytes of a regular file as the process itself sees the path: links are
 * followed inside its own root directory only.
 */
must_check int proc_read_file(const struct proc_root *root, u32 pid, const char *path, size_t max,
			      struct buf *out);

/* The value of a variable in an environ block, NAME=value entries each ended by a NUL byte. */
must_check int environ_get(struct bytes block, const char *name, struct bytes *out);

/* The id of the container that a cgroup file speaks of: 64 hexadecimal digits. */
must_check int cgroup_container(struct bytes cgroup, struct bytes *out);

#endif
