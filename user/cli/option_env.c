/* SPDX-License-Identifier: Apache-2.0 */
/* What the environment says, by the rules of the OpenTelemetry specification for its variables. */
#include <stdarg.h>
#include <unistd.h>

#include "cli/option_table.h"
#include "export/env.h"

#include <sys/ioctl.h>

void option_warn(const struct option_state *s, const char *fmt, ...)
{
	va_list args;

	if (s->o->quiet)
		return;
	fputs("otelbpf: warning: ", s->env->err);
	va_start(args, fmt);
	vfprintf(s->env->err, fmt, args);
	va_end(args);
	fputc('\n', s->env->err);
}

/* Empty is the same as unset. */
static const char *variable(const struct option_state *s, const char *name)
{
	const char *value = s->env->getenv(name);

	return value && *value ? value : NULL;
}

/* One name of a list of outputs. */
static bool output(struct export_config *c, struct bytes name, bool *none)
{
	if (bytes_is_nocase(name, "console"))
		c->console = true;
	else if (bytes_is_nocase(name, "otlp"))
		c->otlp = true;
	else if (bytes_is_nocase(name, "otlp/stdout"))
		c->otlp_stdout = true;
	else if (bytes_is_nocase(name, "none"))
		*none = true;
	else
		return false;
	return true;
}

/* -EINVAL and the name that is none. */
static int unknown_output(struct option_state *s, struct bytes name)
{
	snprintf(s->problem, sizeof(s->problem),
		 "--output knows console, otlp, otlp/stdout and none, not '%.*s'",
		 (int)bytes_len(name), (const char *)name.p);
	return -EINVAL;
}

int option_outputs(struct option_state *s, const char *list, bool from_env)
{
	struct export_config *c = &s->o->export;
	struct bytes rest = bytes_str(list), item;
	bool none = false, last = false;

	c->console = c->otlp = c->otlp_stdout = false;
	while (!last) {
		last = bytes_until(&rest, ',', &item);
		if (last)
			item = rest;
		item = bytes_trim(item);
		if (output(c, item, &none))
			continue;
		if (!from_env)
			return unknown_output(s, item);
		option_warn(s, "OTEL_TRACES_EXPORTER: '%.*s' is not supported and is ignored",
			    (int)bytes_len(item), (const char *)item.p);
	}
	if (none && (c->console || c->otlp || c->otlp_stdout) && !from_env) {
		snprintf(s->problem, sizeof(s->problem),
			 "--output none cannot be combined with another output");
		return -EINVAL;
	}
	if (c->console && c->otlp_stdout && !from_env) {
		snprintf(s->problem, sizeof(s->problem),
			 "--output console and otlp/stdout would both write to standard output; "
			 "choose one");
		return -EINVAL;
	}
	if (c->console && c->otlp_stdout) {
		option_warn(s, "OTEL_TRACES_EXPORTER: console and otlp/stdout would both write to "
			       "standard output; otlp/stdout is ignored");
		c->otlp_stdout = false;
	}
	if (none)
		c->console = c->otlp = c->otlp_stdout = false;
	return none || c->console || c->otlp || c->otlp_stdout ? 0 : -ENODATA;
}

static bool endpoint_configured(const struct option_state *s)
{
	return variable(s, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") ||
	       variable(s, "OTEL_EXPORTER_OTLP_ENDPOINT");
}

/* OTEL_SDK_DISABLED: only "true" is true. */
static bool disabled(const struct option_state *s)
{
	const char *value = variable(s, "OTEL_SDK_DISABLED");

	if (!value)
		return false;
	if (bytes_is_nocase(bytes_str(value), "true"))
		return true;
	if (!bytes_is_nocase(bytes_str(value), "false"))
		option_warn(s, "OTEL_SDK_DISABLED: '%s' is neither true nor false; taken as false",
			    value);
	return false;
}

/* --output, else the environment's, else what is configured. */
static void choose_outputs(struct option_state *s)
{
	struct export_config *c = &s->o->export;
	const char *list = variable(s, "OTEL_TRACES_EXPORTER");

	if (s->output_given)
		return;
	if (disabled(s)) {
		option_warn(s, "OTEL_SDK_DISABLED is true: no spans go anywhere (--output does)");
		return;
	}
	if (list && !option_outputs(s, list, true))
		return;
	c->otlp = endpoint_configured(s);
	c->console = !c->otlp;
}

static void choose_log_level(struct option_state *s)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{"none", LOG_ERROR},  {"off", LOG_ERROR},     {"error", LOG_ERROR},
		{"warn", LOG_WARN},   {"info", LOG_INFO},     {"debug", LOG_DEBUG},
		{"trace", LOG_DEBUG}, {"verbose", LOG_DEBUG}, {"warning", LOG_WARN},
	};
	const char *value = variable(s, "OTEL_LOG_LEVEL");

	if (s->level_given || !value)
		return;
	for (size_t i = 0; i < array_size(levels); i++) {
		if (!bytes_is_nocase(bytes_str(value), levels[i].name))
			continue;
		s->o->log_level = levels[i].level;
		return;
	}
	option_warn(s, "OTEL_LOG_LEVEL: '%s' is not a level; taken as info", value);
}

/* Colours and width of the terminal, if the console writes to one. */
static void choose_terminal(struct option_state *s)
{
	struct export_config *c = &s->o->export;
	const char *term = variable(s, "TERM");
	int fd = c->out ? fileno(c->out) : -1;
	bool tty = fd >= 0 && isatty(fd);
	struct winsize size;

	if (!s->color_given && variable(s, "NO_COLOR")) /* no-color.org: any value but empty */
		s->o->color = COLOR_NEVER;
	c->color = s->o->color == COLOR_ALWAYS ||
		   (s->o->color == COLOR_AUTO && tty && !(term && !strcmp(term, "dumb")));
	c->columns = 0;
	if (tty)
		c->columns = !ioctl(fd, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

/* OTLP was asked for by name and the environment says not where: the standard's own place. */
static int default_endpoint(struct option_state *s)
{
	struct export_config *c = &s->o->export;
	int err;

	if (!c->otlp || c->endpoint)
		return 0;
	err = export_check_protocol(s->env->getenv, s->problem, sizeof(s->problem));
	if (err)
		return err;
	c->endpoint = strdup(EXPORT_DEFAULT_ENDPOINT);
	return c->endpoint ? 0 : -ENOMEM;
}

int option_environment(struct option_state *s)
{
	struct export_config *c = &s->o->export;
	char why[sizeof(s->problem)] = "";
	int err;

	choose_log_level(s);
	choose_outputs(s);
	s->o->service_name = variable(s, "OTEL_SERVICE_NAME");
	c->out = s->env->out;
	choose_terminal(s);
	err = export_config_from_env(c, s->env->getenv, why, sizeof(why));
	/* An endpoint that nobody uses need not be a good one. */
	if (err && c->otlp) {
		snprintf(s->problem, sizeof(s->problem), "%s", why);
		return err;
	}
	if (!err && why[0])
		option_warn(s, "%s", why);
	return default_endpoint(s);
}
