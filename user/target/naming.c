/* SPDX-License-Identifier: Apache-2.0 */
/* What a person would call a process: which kind of program it is, and its executable's name. */
#include "target/naming.h"

#include "target/proc.h"

enum {
	COMM_LEN = 15
}; /* TASK_COMM_LEN without its NUL (include/linux/sched.h) */

/* One row for each kind of program whose executable says nothing: its name's beginning. */
struct program_kind {
	const char *prefix;
	const char *language, *runtime;
	void (*name)(const struct naming_input *in, struct naming *out);
};

static const struct program_kind kinds[] = {
	{"python", "python", "cpython", naming_python},
	{"pypy", "python", "pypy", naming_python},
	{"uwsgi", "python", NULL, naming_uwsgi},
	{"node", "nodejs", "nodejs", naming_node},
	{"deno", "nodejs", "deno", naming_node},
	{"bun", "nodejs", "bun", naming_node},
	{"java", "java", NULL, naming_java},
	{"dotnet", "dotnet", NULL, naming_dotnet},
	{"ruby", "ruby", "ruby", naming_ruby},
	{"php-fpm", "php", "php", naming_php},
	{"php", "php", "php", naming_php},
	{"perl", "perl", "perl", naming_script},
	{"beam.smp", "erlang", NULL, NULL},
	{"sh", NULL, NULL, naming_script},
	{"bash", NULL, NULL, naming_script},
	{"dash", NULL, NULL, naming_script},
};

static void put(char out[NAMING_MAX], struct bytes b)
{
	size_t n = 0;

	for (; !bytes_empty(b) && n < NAMING_MAX - 1; b.p++)
		if (*b.p >= ' ' && *b.p != 0x7f)
			out[n++] = (char)*b.p;
	out[n] = 0;
}

void naming_set(struct naming *out, struct bytes name)
{
	put(out->service, bytes_trim(name));
}

static bool is_deployment_folder(struct bytes name)
{
	static const char *const generic[] = {"releases", "current", "bin", "script", NULL};
	u64 number;

	return !bytes_decimal(name, &number) || bytes_in(name, generic);
}

void naming_folder(const struct naming_input *in, struct bytes path, struct naming *out)
{
	char abs[PROC_PATH_MAX];
	struct bytes dir;

	if (path_join(in->cwd, path, abs, sizeof(abs)))
		return;
	dir = path_dir(bytes_str(abs));
	while (!bytes_empty(dir) && is_deployment_folder(path_base(dir)))
		dir = path_dir(dir);
	naming_set(out, path_base(dir));
}

struct bytes naming_bracket(struct bytes title)
{
	const u8 *open, *end;

	open = bytes_empty(title) ? NULL : memrchr(title.p, '[', bytes_len(title));
	end = open ? memchr(open, ']', (size_t)(title.end - open)) : NULL;
	return end ? (struct bytes){open + 1, end} : bytes_of("", 0);
}

/* Is name what the kernel made comm from: cut to 15 bytes? */
static bool is_comm(struct bytes name, struct bytes comm)
{
	return !bytes_empty(name) && bytes_eq(bytes_head(name, COMM_LEN), comm);
}

/*
 * The name by which the program was called, where comm bears it out. A program may have rewritten
 * its title: "nginx: worker process", "/usr/bin/redis-server 127.0.0.1:6379".
 */
static struct bytes called(const struct naming_input *in)
{
	struct bytes arg0 = args_at(&in->args, 0);
	struct bytes word = first_word(arg0), whole = path_base(arg0);

	if (bytes_peek(whole) == '-') /* a login shell */
		whole.p++;
	if (is_comm(whole, in->comm))
		return whole;
	if (bytes_ends(word, ":"))
		word.end--;
	word = path_base(word);
	return is_comm(word, in->comm) ? word : bytes_of("", 0);
}

/*
 * /proc/<pid>/exe is what a link resolved to: redis-check-rdb for redis-server, busybox for httpd.
 * So the name it was called by is the better one, unless the file's own name only says it more
 * precisely (python3 is python3.11).
 */
static struct bytes executable(const struct naming_input *in)
{
	struct bytes file = path_base(in->exe), name = called(in);

	if (bytes_empty(file) && bytes_empty(name))
		return bytes_empty(in->comm) ? path_base(first_word(args_at(&in->args, 0)))
					     : in->comm;
	if (bytes_empty(file))
		return name;
	if (bytes_empty(name))
		return file;
	if (bytes_len(file) >= bytes_len(name) && !memcmp(file.p, name.p, bytes_len(name)))
		return file;
	return name;
}

/* "python" is the beginning of python3.11 but "sh" is not that of shop: only a version follows. */
static bool is_kind(struct bytes file, const char *prefix)
{
	struct bytes rest = file;

	if (!bytes_starts(file, prefix))
		return false;
	bytes_skip(&rest, strlen(prefix));
	if (bytes_starts(rest, "js")) /* nodejs */
		bytes_skip(&rest, 2);
	if (bytes_is(rest, "-core")) /* uwsgi-core */
		return true;
	for (; !bytes_empty(rest); rest.p++)
		if (*rest.p != '.' && (*rest.p < '0' || *rest.p > '9'))
			return false;
	return true;
}

static const struct program_kind *kind_of(struct bytes file)
{
	for (size_t i = 0; i < array_size(kinds); i++)
		if (is_kind(file, kinds[i].prefix))
			return &kinds[i];
	return NULL;
}

/* The version in python3.11 and ruby3.1; "3" alone says too little. */
static void runtime_version(struct bytes file, struct naming *out)
{
	while (!bytes_empty(file) && (*file.p < '0' || *file.p > '9'))
		file.p++;
	if (bytes_empty(file) || !memchr(file.p, '.', bytes_len(file)) ||
	    bytes_len(file) >= sizeof(out->runtime_version))
		return;
	memcpy(out->runtime_version, file.p, bytes_len(file));
	out->runtime_version[bytes_len(file)] = 0;
}

void naming_of(const struct naming_input *in, struct naming *out)
{
	struct bytes file =
		bytes_empty(in->exe) ? path_base(args_at(&in->args, 0)) : path_base(in->exe);
	const struct program_kind *kind = kind_of(file);

	*out = (struct naming){0};
	put(out->executable, executable(in));
	if (kind) {
		out->language = kind->language;
		out->runtime = kind->runtime;
		if (kind->runtime)
			runtime_version(file, out);
		if (kind->name)
			kind->name(in, out);
	}
	if (!out->service[0])
		put(out->service, bytes_str(out->executable));
}
