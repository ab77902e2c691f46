/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the command line by the table. */
#include "cli/options.h"

#include <stdlib.h>

#include "cli/option_table.h"

/* Bound of the spans that wait to be sent, and again of those that wait for a backend: what a
 * busy service makes in some seconds, within the 20 MiB that otelbpf allows itself. */
enum {
	QUEUE_BYTES = 8 << 20
};

/* Two options are alike when this many letters changed, were added or left out. */
enum {
	ALIKE = 2,
	NAME_MAX_LEN = 31
};

/* The number of single-letter edits between two short names (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_LEN + 1];
	size_t n = strlen(b);

	if (n > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (; *a; a++) {
		unsigned corner = row[0]++;

		for (size_t j = 1; j <= n; j++) {
			unsigned best = corner + (*a != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			corner = row[j];
			row[j] = best;
		}
	}
	return row[n];
}

/* The option that was probably meant, or NULL. */
static const char *nearest(const char *name)
{
	const char *found = NULL;
	unsigned best = ALIKE + 1;

	for (size_t i = 0; i < option_count; i++) {
		const char *other = option_table[i].name;
		unsigned d = distance(name, other);

		/* --dur for --duration */
		if (strlen(name) > 2 && !strncmp(name, other, strlen(name)))
			d = 0;
		if (d < best && d < strlen(name)) {
			best = d;
			found = other;
		}
	}
	return found;
}

static const struct option_row *find_long(const char *name, size_t len)
{
	for (size_t i = 0; i < option_count; i++)
		if (strlen(option_table[i].name) == len && !memcmp(option_table[i].name, name, len))
			return &option_table[i];
	return NULL;
}

static const struct option_row *find_letter(char c)
{
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].letter == c)
			return &option_table[i];
	return NULL;
}

static int unknown(struct option_state *s, const char *arg, const char *name)
{
	char text[NAME_MAX_LEN + 1];
	const char *meant;

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(name, "="), name);
	meant = nearest(text);
	if (meant)
		snprintf(s->problem, sizeof(s->problem),
			 "there is no option %.64s; did you mean --%s?", arg, meant);
	else
		snprintf(s->problem, sizeof(s->problem),
			 "there is no option %.64s; otelbpf --help lists them all", arg);
	return -EINVAL;
}

/* argv being read: at is the next one. */
struct cursor {
	int argc, at;
	char **argv;
};

struct found {
	const struct option_row *row;
	const char *value; /* that stands in the same argument; NULL: none */
};

static int find_option(struct option_state *s, const char *arg, struct found *f)
{
	*f = (struct found){0};
	if (arg[1] == '-') {
		size_t len = strcspn(arg + 2, "=");

		f->row = find_long(arg + 2, len);
		f->value = arg[2 + len] ? arg + 2 + len + 1 : NULL;
	} else {
		f->row = find_letter(arg[1]);
		f->value = arg[1] && arg[2] ? arg + 2 : NULL;
	}
	return f->row ? 0 : unknown(s, arg, arg + 1 + (arg[1] == '-'));
}

/* One option with its value. used: those that the command may not take are named later. */
static int parse_option(struct option_state *s, struct cursor *c, const struct option_row **used)
{
	const char *arg = c->argv[c->at++];
	struct found f;
	int err = find_option(s, arg, &f);

	if (err)
		return err;
	*used = f.row;
	if (!f.row->argument && f.value) {
		snprintf(s->problem, sizeof(s->problem), "--%s takes no value", f.row->name);
		return -EINVAL;
	}
	if (f.row->argument && !f.value) {
		if (c->at >= c->argc) {
			snprintf(s->problem, sizeof(s->problem), "--%s wants a value: --%s %s",
				 f.row->name, f.row->name, f.row->argument);
			return -EINVAL;
		}
		f.value = c->argv[c->at++];
	}
	return f.row->parse(s, f.value);
}

/* A word that is no option: a subcommand, or the file of replay. */
static int parse_word(struct option_state *s, const char *word)
{
	struct options *o = s->o;

	if (o->command == COMMAND_REPLAY && !o->replay) {
		o->replay = word;
		return 0;
	}
	if (o->command == COMMAND_TRACE && !strcmp(word, "check")) {
		o->command = COMMAND_CHECK;
		return 0;
	}
	if (o->command == COMMAND_TRACE && !strcmp(word, "replay")) {
		o->command = COMMAND_REPLAY;
		return 0;
	}
	if (o->command == COMMAND_TRACE)
		snprintf(s->problem, sizeof(s->problem),
			 "'%.64s' is no command of otelbpf; to start and trace a program: "
			 "otelbpf -- %.64s",
			 word, word);
	else
		snprintf(s->problem, sizeof(s->problem), "'%.64s' is one argument too many", word);
	return -EINVAL;
}

static int check_commands(struct option_state *s, unsigned long long used)
{
	static const char *const names[] = {"tracing", "check", "replay"};

	for (size_t i = 0; i < option_count; i++) {
		if (!(used >> i & 1) || option_table[i].commands & 1U << s->o->command)
			continue;
		snprintf(s->problem, sizeof(s->problem), "--%s means nothing to %s; leave it out",
			 option_table[i].name, names[s->o->command]);
		return -EINVAL;
	}
	return 0;
}

static int check_whole(struct option_state *s)
{
	const struct options *o = s->o;
	const char *problem = NULL;

	if (o->command == COMMAND_REPLAY && !o->replay)
		problem = "replay wants the file that --record wrote: otelbpf replay FILE";
	else if (o->command != COMMAND_TRACE && o->argv)
		problem = "check and replay start no command; leave out what follows --";
	else if (o->command == COMMAND_TRACE && !o->argv && !o->pid_count)
		problem = "nothing to trace: give --pid PID or -- COMMAND (otelbpf --help shows "
			  "examples)";
	else if (o->argv && o->pid_count)
		problem = "--pid and -- COMMAND cannot be combined; run otelbpf twice";
	else if (o->as_root && !o->argv)
		problem = "--as-root is for a command that otelbpf starts: otelbpf --as-root -- "
			  "COMMAND";
	if (!problem)
		return 0;
	snprintf(s->problem, sizeof(s->problem), "%s", problem);
	return -EINVAL;
}

/* Everything on the command line. */
static int parse_all(struct option_state *s, struct cursor *c)
{
	unsigned long long used = 0; /* rows of the table, by bit */
	int err = 0;

	while (!err && c->at < c->argc && !s->help && !s->version) {
		const char *arg = c->argv[c->at];
		const struct option_row *row = NULL;

		if (!strcmp(arg, "--")) {
			if (c->at + 1 == c->argc) {
				snprintf(s->problem, sizeof(s->problem),
					 "-- wants a command: otelbpf -- COMMAND ARGS");
				return -EINVAL;
			}
			s->o->argv = c->argv + c->at + 1;
			break;
		}
		if (arg[0] == '-' && arg[1])
			err = parse_option(s, c, &row);
		else
			err = parse_word(s, c->argv[c->at++]);
		if (row)
			used |= 1ULL << (row - option_table);
	}
	if (err || s->help || s->version)
		return err;
	err = check_commands(s, used);
	return err ? err : check_whole(s);
}

/* For what the environment does not say, or says wrongly while nobody needs it. */
static const struct options options_default = {
	.log_level = LOG_INFO,
	.export = {.schedule_delay_ms = 1000,
		   .export_timeout_ms = 10000,
		   .batch_spans = 512,
		   .queue_bytes = QUEUE_BYTES},
};

enum options_verdict options_parse(int argc, char **argv, const struct options_env *env,
				   struct options *o)
{
	struct option_state s = {.o = o, .env = env};
	struct cursor c = {.argc = argc, .at = 1, .argv = argv};
	int err;

	*o = options_default;
	err = parse_all(&s, &c);
	if (!err && s.help) {
		options_help(env->out);
		return OPTIONS_EXIT_OK;
	}
	if (!err && s.version) {
		fprintf(env->out, "otelbpf %s\n", OTELBPF_VERSION);
		return OPTIONS_EXIT_OK;
	}
	if (!err)
		err = option_environment(&s);
	if (!err)
		return OPTIONS_RUN;
	fprintf(env->err, "otelbpf: %s\n", s.problem[0] ? s.problem : strerror(-err));
	return OPTIONS_EXIT_USAGE;
}

void options_done(struct options *o)
{
	free(o->pids);
	export_config_done(&o->export);
	http_config_done(&o->http);
	*o = (struct options){0};
}
