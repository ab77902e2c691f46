/* SPDX-License-Identifier: Apache-2.0 */
/* The names of Python programs: the application, not the server that runs it. */
#include "target/naming.h"

static const char *const py_extensions[] = {".py", ".pyc", ".pyz", NULL};

/* Modules whose name says what they do in an application, not which one it is. */
static const char *const generic_modules[] = {"wsgi",	     "asgi",	 "app",	   "main",
					      "application", "api",	 "server", "celery_app",
					      "celery",	     "__main__", NULL};

static const char *const servers[] = {"gunicorn", "uvicorn", "hypercorn",
				      "daphne",	  "granian", NULL};

/*
 * Options of these servers that take no value, so that a word after one is the application.
 * gunicorn/config.py and uvicorn/main.py.
 */
static const char *const flags[] = {"--reload",
				    "--spew",
				    "--check-config",
				    "--print-config",
				    "--preload",
				    "--no-sendfile",
				    "--reuse-port",
				    "-D",
				    "--daemon",
				    "-R",
				    "--enable-stdio-inheritance",
				    "--capture-output",
				    "--log-syslog",
				    "--proxy-protocol",
				    "--initgroups",
				    "--disable-redirect-access-to-syslog",
				    "--do-handshake-on-connect",
				    "--suppress-ragged-eofs",
				    "--permit-obsolete-folding",
				    "--strip-header-spaces",
				    "--permit-unconventional-http-method",
				    "--permit-unconventional-http-version",
				    "--casefold-http-method",
				    "--proxy-headers",
				    "--no-proxy-headers",
				    "--access-log",
				    "--no-access-log",
				    "--use-colors",
				    "--no-use-colors",
				    "--server-header",
				    "--no-server-header",
				    "--date-header",
				    "--no-date-header",
				    "--factory",
				    "--debug",
				    NULL};

/* shop.wsgi:application is shop, company.shop.wsgi is company.shop, app:app is app. */
static void set_module(struct naming *out, struct bytes module)
{
	struct bytes head;

	if (!bytes_until(&module, ':', &head))
		module = head;
	module = path_strip(path_base(module), py_extensions);
	for (;;) {
		const u8 *dot =
			bytes_empty(module) ? NULL : memrchr(module.p, '.', bytes_len(module));

		if (!dot || dot == module.p ||
		    !bytes_in((struct bytes){dot + 1, module.end}, generic_modules))
			break;
		module.end = dot;
	}
	naming_set(out, module);
}

/* The first argument that is neither an option nor an option's value; empty when there is none. */
static struct bytes positional(const struct args *a, unsigned i)
{
	for (; i < a->count; i++) {
		struct bytes arg = a->v[i];
		bool glued = bytes_starts(arg, "--") ? !!memchr(arg.p, '=', bytes_len(arg))
						     : bytes_len(arg) > 2;

		if (bytes_peek(arg) != '-')
			return arg;
		if (!glued && !bytes_in(arg, flags))
			i++;
	}
	return bytes_of("", 0);
}

static void name_server(const struct naming_input *in, unsigned from, struct naming *out)
{
	struct bytes given = args_option(&in->args, from, "--name");

	if (bytes_empty(given))
		given = args_option(&in->args, from, "-n");
	if (!bytes_empty(given))
		naming_set(out, given);
	else
		set_module(out, positional(&in->args, from));
	/* A module that is called wsgi and nothing else: its project is the folder. */
	if (!strcmp(out->service, "wsgi") || !strcmp(out->service, "asgi"))
		naming_folder(in, bytes_str("./_"), out);
}

/* celery -A shop worker, flask --app shop run */
static void name_by_app_option(const struct naming_input *in, unsigned from, struct naming *out)
{
	struct bytes app = args_option(&in->args, from, "--app");

	if (bytes_empty(app))
		app = args_option(&in->args, from, "-A");
	set_module(out, app);
}

/* What setproctitle made of the command line: one string, the application somewhere in it. */
static bool name_title(struct bytes title, struct naming *out)
{
	const u8 *app;

	if (bytes_starts(title, "gunicorn: ")) {
		set_module(out, naming_bracket(title));
		return true;
	}
	if (!bytes_starts(title, "[celeryd: "))
		return false;
	/* [celeryd: celery@host:MainProcess] -active- (worker -A shop -l info) */
	app = memmem(title.p, bytes_len(title), " -A ", 4);
	if (app)
		set_module(out, first_word((struct bytes){app + 4, title.end}));
	else
		naming_set(out, bytes_str("celery"));
	return true;
}

enum python_run {
	RUN_SCRIPT,
	RUN_MODULE,
	RUN_NOTHING
};

/*
 * Passes over the interpreter's own options (short ones may be joined: -um shop). *at is left
 * behind the script or module.
 */
static enum python_run skip_options(const struct args *a, unsigned *at, struct bytes *what)
{
	while (*at < a->count) {
		struct bytes arg = a->v[(*at)++];

		*what = arg;
		if (bytes_peek(arg) != '-')
			return RUN_SCRIPT;
		if (bytes_is(arg, "--check-hash-based-pycs"))
			++*at;
		if (bytes_starts(arg, "--"))
			continue;
		for (arg.p++; !bytes_empty(arg); arg.p++) {
			struct bytes rest = {arg.p + 1, arg.end};

			if (*arg.p == 'c')
				return RUN_NOTHING;
			if (*arg.p != 'm' && *arg.p != 'W' && *arg.p != 'X')
				continue;
			if (bytes_empty(rest))
				rest = args_at(a, (*at)++);
			*what = rest;
			if (*arg.p == 'm')
				return RUN_MODULE;
			break;
		}
	}
	return RUN_NOTHING;
}

void naming_python(const struct naming_input *in, struct naming *out)
{
	struct bytes what = bytes_of("", 0), base;
	enum python_run run;
	unsigned at = 1;

	if (name_title(args_at(&in->args, 0), out))
		return;
	run = skip_options(&in->args, &at, &what);
	if (run == RUN_NOTHING)
		return;
	base = run == RUN_MODULE ? what : path_strip(path_base(what), py_extensions);
	if (bytes_ends(base, ".__main__"))
		base = bytes_head(base, bytes_len(base) - strlen(".__main__"));
	if (bytes_in(base, servers))
		name_server(in, at, out);
	else if (bytes_is(base, "celery") || bytes_is(base, "flask"))
		name_by_app_option(in, at, out);
	else if (bytes_is(base, "manage") || bytes_is(base, "__main__"))
		naming_folder(in, what, out);
	if (!out->service[0])
		naming_set(out, base);
}

void naming_uwsgi(const struct naming_input *in, struct naming *out)
{
	static const char *const modules[] = {"--module", "--wsgi", "-w", "--mount", NULL};
	static const char *const ini[] = {".ini", ".yml", ".yaml", ".xml", ".json", NULL};
	const struct args *a = &in->args;
	struct bytes file = args_option(a, 1, "--wsgi-file");

	for (const char *const *m = modules; *m && !out->service[0]; m++)
		set_module(out, args_option(a, 1, *m));
	if (out->service[0])
		return;
	if (bytes_empty(file))
		file = args_option(a, 1, "--file");
	if (!bytes_empty(file)) {
		struct bytes base = path_strip(path_base(file), py_extensions);

		naming_set(out, base);
		if (bytes_in(base, generic_modules))
			naming_folder(in, file, out);
		return;
	}
	for (unsigned i = 1; i < a->count && !out->service[0]; i++) {
		struct bytes base = path_base(a->v[i]), name = path_strip(base, ini);

		if (bytes_len(name) == bytes_len(base))
			continue;
		naming_set(out, name);
		if (bytes_is(name, "uwsgi") || bytes_is(name, "wsgi"))
			naming_folder(in, a->v[i], out);
	}
}
