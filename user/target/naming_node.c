/* SPDX-License-Identifier: Apache-2.0 */
/* The names of Node programs: the package that the script belongs to. */
#include "target/naming.h"

#include <jansson.h>
#include <stdio.h>

#include "target/proc.h"

enum {
	PACKAGE_LEVELS_MAX = 32
}; /* folders looked into on the way up */

/* The "name" of dir/package.json. */
static bool package_name(const struct naming_input *in, struct bytes dir, struct naming *out)
{
	char path[PROC_PATH_MAX + 16];
	struct buf text = {0};
	json_t *root = NULL;
	const char *name = NULL;

	snprintf(path, sizeof(path), "%.*s/package.json", (int)bytes_len(dir), (const char *)dir.p);
	if (in->read_file && !in->read_file(in->ctx, path, &text))
		root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	name = json_string_value(json_object_get(root, "name"));
	if (name)
		naming_set(out, bytes_str(name));
	json_decref(root);
	buf_done(&text);
	return out->service[0];
}

static void package_upward(const struct naming_input *in, struct bytes dir, struct naming *out)
{
	for (int i = 0; i < PACKAGE_LEVELS_MAX; i++) {
		if (package_name(in, dir, out) || bytes_empty(dir))
			return;
		dir = path_dir(dir);
	}
}

/*
 * A tool run out of an application's node_modules serves that application; one installed globally
 * (/usr/lib/node_modules/pm2) is its own.
 */
static void name_package(const struct naming_input *in, struct bytes script, struct naming *out)
{
	static const char modules[] = "/node_modules/";
	const u8 *at = memmem(script.p, bytes_len(script), modules, strlen(modules));

	if (at)
		package_upward(in, (struct bytes){script.p, at}, out);
	if (!out->service[0])
		package_upward(in, path_dir(script), out);
}

static const char *const valued[] = {
	"-r", "--require",    "--import", "--loader",	"--experimental-loader",
	"-C", "--conditions", "--title",  "--env-file", NULL};
static const char *const inline_code[] = {"-e", "--eval", "-p", "--print", "-pe", "-i", NULL};

/* The script's number in the arguments, or 0. */
static unsigned script_at(const struct args *a)
{
	static const char *const verbs[] = {"run", "start", "serve", NULL}; /* deno run, bun run */

	for (unsigned i = 1; i < a->count; i++) {
		if (bytes_in(a->v[i], inline_code))
			return 0;
		if (bytes_in(a->v[i], valued))
			i++;
		else if (bytes_peek(a->v[i]) != '-' && !(i == 1 && bytes_in(a->v[i], verbs)))
			return bytes_empty(a->v[i]) ? 0 : i;
	}
	return 0;
}

void naming_node(const struct naming_input *in, struct naming *out)
{
	static const char *const extensions[] = {".js", ".mjs", ".cjs", ".ts", ".mts", NULL};
	unsigned at = script_at(&in->args);
	char path[PROC_PATH_MAX];
	struct bytes title = args_at(&in->args, 0), base;

	if (!at) {
		/* A title of its own, such as "next-server (v14.2.3)": one argument with a space. */
		if (!memchr(title.p, ' ', bytes_len(title)))
			return;
		package_upward(in, in->cwd, out);
		if (!out->service[0])
			naming_set(out, first_word(title));
		return;
	}
	if (!path_join(in->cwd, in->args.v[at], path, sizeof(path)))
		name_package(in, bytes_str(path), out);
	if (out->service[0])
		return;
	base = path_strip(path_base(in->args.v[at]), extensions);
	if (bytes_is(base, "index"))
		naming_folder(in, in->args.v[at], out);
	if (!out->service[0])
		naming_set(out, base);
}
