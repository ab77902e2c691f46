/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person would call a process: gunicorn shop.wsgi is "shop", java -jar x-1.2.jar is "x".
 * Reads nothing itself: everything comes with the input.
 */
#ifndef TARGET_NAMING_H
#define TARGET_NAMING_H

#include "target/args.h"
#include "util/buf.h"

enum {
	NAMING_MAX = 128
};

struct naming_input {
	struct bytes comm, exe, cwd; /* borrowed; empty: not known */
	struct args args;
	/* Appends a file of the process's file system; NULL: cannot be read. */
	int (*read_file)(void *ctx, const char *path, struct buf *out);
	void *ctx;
};

struct naming {
	char service[NAMING_MAX]; /* empty: nothing to go by */
	char executable[NAMING_MAX];
	const char *language; /* of the semantic conventions; NULL: not known */
	const char *runtime; /* process.runtime.name; NULL: not known */
	char runtime_version[16];
};

void naming_of(const struct naming_input *in, struct naming *out);

/* For the languages' files: each says the name of its kind of program in out->service, or leaves
 * it empty. */
void naming_python(const struct naming_input *in, struct naming *out);
void naming_uwsgi(const struct naming_input *in, struct naming *out);
void naming_node(const struct naming_input *in, struct naming *out);
void naming_java(const struct naming_input *in, struct naming *out);
void naming_dotnet(const struct naming_input *in, struct naming *out);
void naming_ruby(const struct naming_input *in, struct naming *out);
void naming_php(const struct naming_input *in, struct naming *out);
void naming_script(const struct naming_input *in, struct naming *out);

/* Sets the service's name from bytes of the process: cut, unprintable bytes left out. */
void naming_set(struct naming *out, struct bytes name);
/* The name of the folder that a path (relative to cwd) is in; deployment folders such as
 * releases/20240131 are passed over. */
void naming_folder(const struct naming_input *in, struct bytes path, struct naming *out);
/* The last [words in brackets] of a title; empty when there are none. */
struct bytes naming_bracket(struct bytes title);

#endif
