/* SPDX-License-Identifier: Apache-2.0 */
/* A tree like /proc in a temporary folder. */
#ifndef FAKE_PROC_H
#define FAKE_PROC_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/proc.h"

struct fake_proc {
	char dir[512];
	struct proc_root root; /* valid until fake_proc_done: texts of its own memory */
};

static inline struct fake_proc fake_proc_new(void)
{
	const char *tmp = getenv("TMPDIR");
	struct fake_proc p;

	snprintf(p.dir, sizeof(p.dir), "%s/otelbpf-proc-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(p.dir))
		abort();
	p.root = (struct proc_root){strdup(p.dir), strdup(p.dir)};
	return p;
}

/* The path of name, with the folders that it needs. */
static inline void fake_proc_path(struct fake_proc *p, const char *name, char *out, size_t size)
{
	if (snprintf(out, size, "%s/%s", p->dir, name) >= (int)size)
		abort();
	for (char *s = out + strlen(p->dir) + 1; (s = strchr(s, '/')); s++) {
		*s = 0;
		mkdir(out, 0700);
		*s = '/';
	}
}

static inline void fake_proc_bytes(struct fake_proc *p, const char *name, const void *data,
				   size_t len)
{
	char path[1024];
	FILE *f;

	fake_proc_path(p, name, path, sizeof(path));
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f))
		abort();
}

static inline void fake_proc_file(struct fake_proc *p, const char *name, const char *text)
{
	fake_proc_bytes(p, name, text, strlen(text));
}

static inline void fake_proc_link(struct fake_proc *p, const char *name, const char *target)
{
	char path[1024];

	fake_proc_path(p, name, path, sizeof(path));
	unlink(path);
	if (symlink(target, path))
		abort();
}

static inline int fake_proc_unlink(const char *path, const struct stat *st, int kind,
				   struct FTW *at)
{
	return remove(path);
}

/* Removes a folder and all in it, such as "7" for a process that ended. */
static inline void fake_proc_remove(struct fake_proc *p, const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	nftw(path, fake_proc_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void fake_proc_done(struct fake_proc *p)
{
	fake_proc_remove(p, "");
	free((char *)p->root.path);
	free((char *)p->root.etc);
}

#endif
