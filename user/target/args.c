/* SPDX-License-Identifier: Apache-2.0 */
/* A command line as views into its bytes, and paths and words in it. */
#include "target/args.h"

void args_split(struct args *a, struct bytes block)
{
	a->count = 0;
	while (!bytes_empty(block) && a->count < ARGS_MAX) {
		struct bytes arg;

		if (bytes_until(&block, 0, &arg)) {
			arg = block;
			block.p = block.end;
		}
		a->v[a->count++] = arg;
	}
	while (a->count && bytes_empty(a->v[a->count - 1]))
		a->count--;
}

struct bytes args_at(const struct args *a, unsigned i)
{
	return i < a->count ? a->v[i] : bytes_of("", 0);
}

struct bytes args_option(const struct args *a, unsigned from, const char *name)
{
	size_t n = strlen(name);

	for (unsigned i = from; i < a->count; i++) {
		struct bytes arg = a->v[i];

		if (!bytes_starts(arg, name))
			continue;
		if (bytes_len(arg) == n)
			return args_at(a, i + 1);
		if (name[1] == '-' && arg.p[n] != '=')
			continue;
		bytes_skip(&arg, n + (name[1] == '-'));
		return arg;
	}
	return bytes_of("", 0);
}

bool bytes_in(struct bytes b, const char *const *list)
{
	for (; *list; list++)
		if (bytes_is(b, *list))
			return true;
	return false;
}

struct bytes path_base(struct bytes path)
{
	const u8 *slash = bytes_empty(path) ? NULL : memrchr(path.p, '/', bytes_len(path));

	if (slash)
		path.p = slash + 1;
	return path;
}

struct bytes path_dir(struct bytes path)
{
	const u8 *slash = bytes_empty(path) ? NULL : memrchr(path.p, '/', bytes_len(path));

	path.end = slash ? slash : path.p;
	return path;
}

struct bytes path_strip(struct bytes name, const char *const *extensions)
{
	for (; *extensions; extensions++) {
		size_t n = strlen(*extensions);

		if (bytes_len(name) > n && bytes_ends(name, *extensions))
			return bytes_head(name, bytes_len(name) - n);
	}
	return name;
}

/* Appends the components of path to out, whose length so far is *len. */
static int add_components(struct bytes path, char *out, size_t size, size_t *len)
{
	while (!bytes_empty(path)) {
		struct bytes part;

		if (bytes_until(&path, '/', &part)) {
			part = path;
			path.p = path.end;
		}
		if (bytes_empty(part) || bytes_is(part, "."))
			continue;
		if (bytes_is(part, "..")) {
			while (*len && out[--*len] != '/')
				;
			continue;
		}
		if (bytes_len(part) > size - *len || size - *len - bytes_len(part) < 2)
			return -EINVAL;
		out[(*len)++] = '/';
		memcpy(out + *len, part.p, bytes_len(part));
		*len += bytes_len(part);
	}
	return 0;
}

int path_join(struct bytes cwd, struct bytes path, char *out, size_t size)
{
	size_t len = 0;
	int err = 0;

	if (bytes_peek(path) != '/') {
		if (bytes_peek(cwd) != '/')
			return -EINVAL;
		err = add_components(cwd, out, size, &len);
	}
	if (!err)
		err = add_components(path, out, size, &len);
	out[len] = 0;
	return err;
}

struct bytes first_word(struct bytes b)
{
	struct bytes word;

	return bytes_until(&b, ' ', &word) ? b : word;
}
