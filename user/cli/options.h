/* SPDX-License-Identifier: Apache-2.0 */
/* The command line and the environment: one table row per option; --help is made from it. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdio.h>

#include "export/export.h"
#include "proto/http_config.h"
#include "util/log.h"

enum {
	OPTIONS_PIDS_MAX = 1024, /* pids that may be named */
	OPTIONS_LIST_MAX = 256, /* --route, --header, --ignore: of each */
};

enum command {
	COMMAND_TRACE, /* --pid and -- COMMAND */
	COMMAND_CHECK,
	COMMAND_REPLAY,
};

enum color_when {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

struct options {
	enum command command;
	u32 *pids; /* owned; each once */
	size_t pid_count;
	char **argv; /* the command to start, ended by NULL; NULL: none; borrowed */
	bool as_root;
	const char *replay; /* file; borrowed, as all texts here are */
	const char *record;
	const char *stats;
	const char *service_name; /* otelbpf's own OTEL_SERVICE_NAME; NULL: none */
	u64 duration_ns; /* 0: until told to stop */
	enum color_when color;
	enum log_level log_level;
	bool quiet; /* no summary, no "tracing …"; errors only */
	struct export_config export;
	struct http_config http;
};

enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_EXIT_OK, /* --help or --version was answered */
	OPTIONS_EXIT_USAGE, /* one line on err said what is wrong: exit status 2 */
};

/* Where options come from and where what they say goes. */
struct options_env {
	const char *(*getenv)(const char *name);
	FILE *out; /* --help, --version */
	FILE *err; /* errors and warnings */
};

/* o need not be initialised; it is to be given to options_done whatever the verdict. */
must_check enum options_verdict options_parse(int argc, char **argv, const struct options_env *env,
					      struct options *o);
void options_done(struct options *o);

/* The text of --help, of at most 80 columns. */
void options_help(FILE *out);

#endif
