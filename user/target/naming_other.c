/* SPDX-License-Identifier: Apache-2.0 */
/* The names of Java, .NET, Ruby, PHP, Perl and shell programs. */
#include "target/naming.h"

/* x-1.2.3-SNAPSHOT is x: a version begins with a dash and a digit. */
static struct bytes without_version(struct bytes name)
{
	for (const u8 *p = name.p; p != name.end; p++)
		if (*p == '-' && p != name.p && p + 1 != name.end && p[1] >= '0' && p[1] <= '9')
			return (struct bytes){name.p, p};
	return name;
}

/* com.acme.shop.Shop is Shop, but what is called Main by everybody keeps its package. */
static void set_class(struct naming *out, struct bytes class)
{
	static const char *const generic[] = {"Main",	     "Bootstrap",   "Launcher",
					      "JarLauncher", "WarLauncher", NULL};
	const u8 *cut = bytes_empty(class) ? NULL : memrchr(class.p, '/', bytes_len(class));
	struct bytes simple = class;

	if (cut) /* -m module/class */
		simple.p = class.p = cut + 1;
	cut = bytes_empty(class) ? NULL : memrchr(class.p, '.', bytes_len(class));
	if (cut)
		simple.p = cut + 1;
	naming_set(out, bytes_in(simple, generic) ? class : simple);
}

void naming_java(const struct naming_input *in, struct naming *out)
{
	static const char *const valued[] = {"-cp",
					     "-classpath",
					     "--class-path",
					     "-p",
					     "--module-path",
					     "--add-modules",
					     "--upgrade-module-path",
					     "--limit-modules",
					     "--add-exports",
					     "--add-opens",
					     "--add-reads",
					     "--patch-module",
					     "--enable-native-access",
					     "--source",
					     NULL};
	static const char *const archives[] = {".jar", ".war", NULL};
	const struct args *a = &in->args;

	for (unsigned i = 1; i < a->count; i++) {
		struct bytes arg = a->v[i];

		if (bytes_is(arg, "-jar")) {
			struct bytes jar = path_strip(path_base(args_at(a, i + 1)), archives);

			naming_set(out, without_version(jar));
			return;
		}
		if (bytes_is(arg, "-m") || bytes_is(arg, "--module")) {
			set_class(out, args_at(a, i + 1));
			return;
		}
		if (bytes_in(arg, valued))
			i++;
		else if (bytes_peek(arg) != '-' && bytes_peek(arg) != '@') {
			set_class(out, arg);
			return;
		}
	}
}

void naming_dotnet(const struct naming_input *in, struct naming *out)
{
	static const char *const dll[] = {".dll", ".exe", NULL};

	for (unsigned i = 1; i < in->args.count; i++) {
		struct bytes base = path_base(in->args.v[i]), name = path_strip(base, dll);

		if (bytes_peek(base) == '-' || bytes_len(name) == bytes_len(base))
			continue;
		naming_set(out, name);
		return;
	}
}

/* The script that an interpreter runs; its number in the arguments, or 0. */
static unsigned script_at(const struct args *a, const char *const *valued, const char *inline_code)
{
	for (unsigned i = 1; i < a->count; i++) {
		struct bytes arg = a->v[i];

		if (bytes_peek(arg) != '-')
			return bytes_empty(arg) ? 0 : i;
		if (bytes_len(arg) > 1 && arg.p[1] != '-' &&
		    memchr(arg.p, *inline_code, bytes_len(arg)))
			return 0;
		if (bytes_in(arg, valued))
			i++;
	}
	return 0;
}

static struct bytes script_name(struct bytes path)
{
	static const char *const known[] = {".rb", ".ru", ".php", ".pl", ".psgi", ".sh", NULL};

	return path_strip(path_base(path), known);
}

void naming_script(const struct naming_input *in, struct naming *out)
{
	static const char *const valued[] = {"-I", "-M", "-o", "-O", "--rcfile", NULL};
	bool perl = out->language != NULL;
	unsigned at = script_at(&in->args, valued, perl ? "e" : "c");

	if (at)
		naming_set(out, script_name(in->args.v[at]));
}

/* The name of the folder in which a server was started that does not say what it serves. */
static void name_cwd(const struct naming_input *in, struct naming *out)
{
	naming_folder(in, bytes_str("./_"), out);
}

void naming_ruby(const struct naming_input *in, struct naming *out)
{
	static const char *const valued[] = {"-I", "-r", "-C", "-E", NULL};
	static const char *const servers[] = {
		"puma",	 "unicorn", "unicorn_rails", "rackup", "thin", "falcon",
		"rails", "sidekiq", "passenger",     "bundle", NULL};
	struct bytes title = args_at(&in->args, 0), base;
	unsigned at;

	/* puma 5.6.5 (tcp://0.0.0.0:3000) [shop]; puma: cluster worker 0: 99 [shop] */
	if (bytes_starts(title, "puma") && !bytes_empty(naming_bracket(title))) {
		naming_set(out, naming_bracket(title));
		return;
	}
	/* sidekiq 6.5.5 shop [0 of 5 busy]; unicorn worker[0] -c … */
	if (bytes_starts(title, "sidekiq ") || bytes_starts(title, "unicorn")) {
		name_cwd(in, out);
		return;
	}
	at = script_at(&in->args, valued, "e");
	if (!at)
		return;
	base = script_name(in->args.v[at]);
	if (bytes_in(base, servers))
		name_cwd(in, out);
	if (!out->service[0])
		naming_set(out, base);
}

void naming_php(const struct naming_input *in, struct naming *out)
{
	static const char *const valued[] = {"-c", "-d", "-S", "-t", "-z", "-f", NULL};
	struct bytes title = args_at(&in->args, 0), pool;
	unsigned at;

	if (bytes_starts(path_base(title), "php-fpm") ||
	    bytes_starts(path_base(in->exe), "php-fpm")) {
		pool = bytes_of("", 0);
		if (bytes_starts(title, "php-fpm: pool "))
			pool = (struct bytes){title.p + strlen("php-fpm: pool "), title.end};
		/* www is the pool that every installation begins with. */
		naming_set(out, bytes_empty(pool) || bytes_is(pool, "www") ? bytes_str("php-fpm")
									   : pool);
		return;
	}
	at = script_at(&in->args, valued, "r");
	if (at && bytes_is(path_base(in->args.v[at]), "artisan"))
		naming_folder(in, in->args.v[at], out);
	else if (at)
		naming_set(out, script_name(in->args.v[at]));
	else if (!bytes_empty(args_option(&in->args, 1, "-S")))
		name_cwd(in, out);
}
