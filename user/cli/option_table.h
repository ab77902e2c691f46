/* SPDX-License-Identifier: Apache-2.0 */
/* What an option is, between the table, the parser and the help. */
#ifndef CLI_OPTION_TABLE_H
#define CLI_OPTION_TABLE_H

#include "cli/options.h"

/* While options are read. */
struct option_state {
	struct options *o;
	const struct options_env *env;
	bool output_given; /* --output was */
	bool pids_given, color_given, level_given;
	bool help, version;
	/* What the user is told when a parser says -EINVAL. */
	char problem[256];
};

enum option_group {
	GROUP_WHAT,
	GROUP_OUTPUT,
	GROUP_HTTP,
	GROUP_TALK,
	GROUP_MAX
};

/* Commands that take the option. */
enum {
	FOR_TRACE = 1 << COMMAND_TRACE,
	FOR_CHECK = 1 << COMMAND_CHECK,
	FOR_REPLAY = 1 << COMMAND_REPLAY
};
#define FOR_SPANS (FOR_TRACE | FOR_REPLAY)
#define FOR_ALL (FOR_TRACE | FOR_CHECK | FOR_REPLAY)

struct option_row {
	const char *name; /* without the dashes */
	char letter; /* -x; 0: none */
	const char *argument; /* NULL: takes none */
	const char *variable; /* of the environment; NULL: none */
	const char *standard; /* its default, as a text; NULL: nothing */
	/* Of the argument (NULL when there is none): 0, or -errno and s->problem. */
	int (*parse)(struct option_state *s, const char *value);
	enum option_group group;
	unsigned commands;
	const char *help;
};

extern const struct option_row option_table[];
extern const size_t option_count;
extern const char *const option_groups[GROUP_MAX];

/* A list of outputs, by --output or OTEL_TRACES_EXPORTER: unknown names are an error in the one
 * and are ignored with a warning in the other. */
int option_outputs(struct option_state *s, const char *list, bool from_env);

void option_warn(const struct option_state *s, const char *fmt, ...) printf_like(2, 3);

/* Fills in what the command line left to the environment. -EINVAL: s->problem. */
must_check int option_environment(struct option_state *s);

#endif
