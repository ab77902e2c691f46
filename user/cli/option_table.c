/* SPDX-License-Identifier: Apache-2.0 */
/* Every option: its name, its argument, its default, how it is read and what --help says of it. */
#include "cli/option_table.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "util/clock.h"

static int bad(struct option_state *s, const char *fmt, ...) printf_like(2, 3);

static int bad(struct option_state *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(s->problem, sizeof(s->problem), fmt, args);
	va_end(args);
	return -EINVAL;
}

static int add_pid(struct option_state *s, u32 pid)
{
	struct options *o = s->o;
	u32 *pids;

	for (size_t i = 0; i < o->pid_count; i++)
		if (o->pids[i] == pid)
			return 0;
	if (o->pid_count == OPTIONS_PIDS_MAX)
		return bad(s, "--pid takes at most %d processes", OPTIONS_PIDS_MAX);
	pids = reallocarray(o->pids, o->pid_count + 1, sizeof(*pids));
	if (!pids)
		return -ENOMEM;
	o->pids = pids;
	pids[o->pid_count++] = pid;
	return 0;
}

static int parse_pid(struct option_state *s, const char *value)
{
	struct bytes list = bytes_str(value), item;
	bool last = false;

	while (!last) {
		u64 pid = 0;
		int err;

		last = bytes_until(&list, ',', &item);
		if (last)
			item = list;
		/* PID_MAX_LIMIT of include/linux/threads.h */
		if (bytes_decimal(bytes_trim(item), &pid) || !pid || pid > UINT32_MAX)
			return bad(s, "--pid wants process ids such as 4711 or 4711,4712, not '%s'",
				   value);
		err = add_pid(s, (u32)pid);
		if (err)
			return err;
	}
	return 0;
}

static int parse_as_root(struct option_state *s, const char *value)
{
	s->o->as_root = true;
	return 0;
}

static int parse_duration(struct option_state *s, const char *value)
{
	enum {
		LONGEST = 366 * 24 * 3600
	};
	char *end = NULL;
	double seconds = 0;

	/* strtod also takes "inf", "nan", "0x10" and leading spaces. */
	if (*value == '.' || (*value >= '0' && *value <= '9'))
		seconds = strtod(value, &end);
	if (!end || *end || strpbrk(value, "xXpP") || !isfinite(seconds) || seconds <= 0 ||
	    seconds > LONGEST)
		return bad(s, "--duration wants seconds, such as 30 or 0.5, not '%s'", value);
	s->o->duration_ns = (u64)(seconds * NS_PER_SEC);
	if (!s->o->duration_ns)
		s->o->duration_ns = 1;
	return 0;
}

static int parse_output(struct option_state *s, const char *value)
{
	s->output_given = true;
	return option_outputs(s, value, false);
}

static int parse_record(struct option_state *s, const char *value)
{
	s->o->record = value;
	return *value ? 0 : bad(s, "--record wants the name of a file");
}

static int parse_stats(struct option_state *s, const char *value)
{
	s->o->stats = value;
	return *value ? 0 : bad(s, "--stats wants the name of a file");
}

static int parse_route(struct option_state *s, const char *value)
{
	int err;

	if (s->o->http.route_count == OPTIONS_LIST_MAX)
		return bad(s, "--route can be given at most %d times", OPTIONS_LIST_MAX);
	err = http_config_route(&s->o->http, value);
	if (err == -EINVAL)
		bad(s, "--route wants a path template such as /orders/{id} or /static/**, not '%s'",
		    value);
	return err;
}

static int parse_route_guess(struct option_state *s, const char *value)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return bad(s, "--route-guess wants on or off, not '%s'", value);
	s->o->http.guess_off = !strcmp(value, "off");
	return 0;
}

static int parse_header(struct option_state *s, const char *value)
{
	int err;

	if (s->o->http.header_count == OPTIONS_LIST_MAX)
		return bad(s, "--header can be given at most %d times", OPTIONS_LIST_MAX);
	err = http_config_header(&s->o->http, value);
	if (err == -EINVAL)
		bad(s, "--header wants the name of one header such as X-Request-Id, not '%s'",
		    value);
	return err;
}

static int parse_ignore(struct option_state *s, const char *value)
{
	int err;

	if (s->o->http.ignore_count == OPTIONS_LIST_MAX)
		return bad(s, "--ignore can be given at most %d times", OPTIONS_LIST_MAX);
	err = http_config_ignore(&s->o->http, value);
	if (err == -EINVAL)
		bad(s, "--ignore wants a path pattern such as /health or /static/**, not '%s'",
		    value);
	return err;
}

static int parse_color(struct option_state *s, const char *value)
{
	static const char *const names[] = {"auto", "always", "never"};

	s->color_given = true;
	for (size_t i = 0; i < array_size(names); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		s->o->color = (enum color_when)i;
		return 0;
	}
	return bad(s, "--color wants auto, always or never, not '%s'", value);
}

static int parse_quiet(struct option_state *s, const char *value)
{
	s->o->quiet = s->level_given = true;
	s->o->log_level = LOG_ERROR;
	return 0;
}

static int parse_verbose(struct option_state *s, const char *value)
{
	s->o->quiet = false;
	s->level_given = true;
	s->o->log_level = LOG_DEBUG;
	return 0;
}

static int parse_help(struct option_state *s, const char *value)
{
	s->help = true;
	return 0;
}

static int parse_version(struct option_state *s, const char *value)
{
	s->version = true;
	return 0;
}

const char *const option_groups[GROUP_MAX] = {
	[GROUP_WHAT] = "What to trace",
	[GROUP_OUTPUT] = "Where spans go",
	[GROUP_HTTP] = "HTTP",
	[GROUP_TALK] = "Messages",
};

/* clang-format off */
const struct option_row option_table[] = {
	{"pid", 'p', "PID[,PID...]", NULL, NULL, parse_pid, GROUP_WHAT, FOR_TRACE,
	 "these processes, with all their threads and their present and future children; "
	 "can be repeated"},
	{"as-root", 0, NULL, NULL, NULL, parse_as_root, GROUP_WHAT, FOR_TRACE,
	 "start COMMAND as root; through sudo it otherwise runs as the user who called sudo"},
	{"duration", 0, "SECONDS", NULL, "until Ctrl-C or the last process ends", parse_duration,
	 GROUP_WHAT, FOR_TRACE, "stop after this time, such as 30 or 0.5"},
	{"output", 'o', "LIST", "OTEL_TRACES_EXPORTER",
	 "console, or otlp when an endpoint is configured", parse_output, GROUP_OUTPUT, FOR_SPANS,
	 "one or more of: console (a line per span), otlp (to a backend), otlp/stdout (OTLP "
	 "JSON, a line per batch), none"},
	{"record", 0, "FILE", NULL, NULL, parse_record, GROUP_OUTPUT, FOR_TRACE,
	 "also write what the kernel reported to FILE, for otelbpf replay; it holds traffic in "
	 "clear text"},
	{"stats", 0, "FILE", NULL, NULL, parse_stats, GROUP_OUTPUT, FOR_SPANS,
	 "at the end write all counters and sizes to FILE as JSON"},
	{"route", 0, "PATTERN", NULL, NULL, parse_route, GROUP_HTTP, FOR_SPANS,
	 "a route of the application: /orders/{id}, * for one segment, ** for the rest; the most "
	 "specific one wins; can be repeated"},
	{"route-guess", 0, "on|off", NULL, "on", parse_route_guess, GROUP_HTTP, FOR_SPANS,
	 "where no --route matches, make a route from the path: /orders/17 is /orders/{id}"},
	{"header", 0, "NAME", NULL, NULL, parse_header, GROUP_HTTP, FOR_SPANS,
	 "add this header of requests and responses to the spans; can be repeated"},
	{"ignore", 0, "PATTERN", NULL, NULL, parse_ignore, GROUP_HTTP, FOR_SPANS,
	 "no spans for requests of this path, such as /health; can be repeated"},
	{"color", 0, "WHEN", "NO_COLOR", "auto", parse_color, GROUP_TALK, FOR_ALL,
	 "colours on the console: auto (on a terminal), always, never"},
	{"quiet", 'q', NULL, NULL, NULL, parse_quiet, GROUP_TALK, FOR_ALL,
	 "errors only: no messages, no summary"},
	{"verbose", 'v', NULL, "OTEL_LOG_LEVEL", NULL, parse_verbose, GROUP_TALK, FOR_ALL,
	 "say more about what otelbpf does"},
	{"version", 'V', NULL, NULL, NULL, parse_version, GROUP_TALK, FOR_ALL,
	 "print the version"},
	{"help", 'h', NULL, NULL, NULL, parse_help, GROUP_TALK, FOR_ALL,
	 "print this"},
};
/* clang-format on */

const size_t option_count = array_size(option_table);
