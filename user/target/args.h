/* SPDX-License-Identifier: Apache-2.0 */
/* A command line as views into its bytes, and paths and words in it. */
#ifndef TARGET_ARGS_H
#define TARGET_ARGS_H

#include "util/bytes.h"

/* Arguments of one command line that are looked at. */
enum {
	ARGS_MAX = 512
};

struct args {
	unsigned count;
	struct bytes v[ARGS_MAX]; /* borrowed from the bytes that were split */
};

/* Each argument ends with a NUL byte (the last one perhaps not). Trailing empty ones, left by
 * programs that rewrite their title, are dropped. */
void args_split(struct args *a, struct bytes block);
/* An argument, empty beyond the end. */
struct bytes args_at(const struct args *a, unsigned i);

/*
 * The value of an option: "--name value", "--name=value", and for a single dash "-n value" and
 * "-nvalue". Looks at arguments from the given one; empty when it is not there.
 */
struct bytes args_option(const struct args *a, unsigned from, const char *name);

/* Is it one of the NULL-terminated list? */
bool bytes_in(struct bytes b, const char *const *list);
/* What follows the last slash. */
struct bytes path_base(struct bytes path);
/* What precedes the last slash; empty when there is none. */
struct bytes path_dir(struct bytes path);
/* Without a file name's extension if that is one of the list. */
struct bytes path_strip(struct bytes name, const char *const *extensions);
/* An absolute path without "." and "..": -EINVAL when neither is absolute or it does not fit. */
must_check int path_join(struct bytes cwd, struct bytes path, char *out, size_t size);
/* Up to the first space. */
struct bytes first_word(struct bytes b);

#endif
