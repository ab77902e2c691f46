/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, the environment, and what is said about mistakes in them. */
#include "cli/options.h"

#include "cli/option_table.h"
#include "test.h"

/* NAME=value texts, ended by NULL. */
static const char *const *variables;

static const char *fake_getenv(const char *name)
{
	size_t n = strlen(name);

	for (const char *const *v = variables; v && *v; v++)
		if (!strncmp(*v, name, n) && (*v)[n] == '=')
			return *v + n + 1;
	return NULL;
}

static char out_text[16384], err_text[2048];

/* Parses a line whose arguments are separated by spaces; out_text and err_text are filled. */
static enum options_verdict parse(const char *line, struct options *o)
{
	static char words[1024], *argv[64], *save;
	struct options_env env = {.getenv = fake_getenv};
	enum options_verdict verdict;
	int argc = 0;

	memset(out_text, 0, sizeof(out_text));
	memset(err_text, 0, sizeof(err_text));
	snprintf(words, sizeof(words), "otelbpf %s", line);
	save = words;
	for (char *w = strsep(&save, " "); w; w = strsep(&save, " "))
		if (*w)
			argv[argc++] = w;
	argv[argc] = NULL;
	env.out = fmemopen(out_text, sizeof(out_text) - 1, "w");
	env.err = fmemopen(err_text, sizeof(err_text) - 1, "w");
	verdict = options_parse(argc, argv, &env, o);
	fclose(env.out);
	fclose(env.err);
	return verdict;
}

/* The line is wrong, and one line that holds this text says so. */
static void check_wrong(const char *line, const char *text)
{
	struct options o;
	char *end;

	CHECK_INT(parse(line, &o), OPTIONS_EXIT_USAGE);
	end = strchr(err_text, '\n');
	CHECK(!strncmp(err_text, "otelbpf: ", 9));
	CHECK(end && !end[1]);
	if (!strstr(err_text, text))
		CHECK_STR(err_text, text);
	options_done(&o);
}

TEST(pids_are_gathered_from_lists_and_repetitions_each_once)
{
	struct options o;

	CHECK_INT(parse("--pid 4711,12 -p 12 --pid=9 -p7", &o), OPTIONS_RUN);
	CHECK_INT(o.command, COMMAND_TRACE);
	CHECK_INT(o.pid_count, 4);
	CHECK_INT(o.pids[0], 4711);
	CHECK_INT(o.pids[1], 12);
	CHECK_INT(o.pids[2], 9);
	CHECK_INT(o.pids[3], 7);
	options_done(&o);
}

TEST(everything_behind_two_dashes_is_the_command)
{
	struct options o;

	CHECK_INT(parse("--duration 1.5 -- gunicorn --pid 3 -- x", &o), OPTIONS_RUN);
	CHECK_STR(o.argv[0], "gunicorn");
	CHECK_STR(o.argv[1], "--pid");
	CHECK_STR(o.argv[3], "--");
	CHECK(!o.argv[5]);
	CHECK_INT(o.pid_count, 0);
	CHECK_INT(o.duration_ns, 1500000000);
	CHECK(!o.as_root);
	options_done(&o);
}

TEST(check_and_replay_are_commands)
{
	struct options o;

	CHECK_INT(parse("check", &o), OPTIONS_RUN);
	CHECK_INT(o.command, COMMAND_CHECK);
	options_done(&o);
	CHECK_INT(parse("--output none replay --stats s.json f.rec", &o), OPTIONS_RUN);
	CHECK_INT(o.command, COMMAND_REPLAY);
	CHECK_STR(o.replay, "f.rec");
	CHECK_STR(o.stats, "s.json");
	CHECK(!o.export.console && !o.export.otlp && !o.export.otlp_stdout);
	options_done(&o);
}

TEST(http_options_reach_the_http_configuration)
{
	struct options o;

	CHECK_INT(parse("-p1 --route /a/{id} --route /b/** --header X-Id --ignore /health "
			"--route-guess off",
			&o),
		  OPTIONS_RUN);
	CHECK_INT(o.http.route_count, 2);
	CHECK_INT(o.http.ignore_count, 1);
	CHECK_INT(o.http.header_count, 1);
	CHECK_STR(o.http.headers[0].name, "x-id");
	CHECK(o.http.guess_off);
	options_done(&o);
}

TEST(a_mistake_is_one_line_that_says_what_to_do)
{
	static const char *const cases[][2] = {
		{"", "give --pid PID or -- COMMAND"},
		{"--pdi 4", "did you mean --pid?"},
		{"--dur 4", "did you mean --duration?"},
		{"--ruote /x -p1", "did you mean --route?"},
		{"--frobnicate", "otelbpf --help lists them all"},
		{"-z", "there is no option -z"},
		{"--pid", "--pid wants a value: --pid PID[,PID...]"},
		{"--pid 1,x", "4711 or 4711,4712, not '1,x'"},
		{"--pid 0", "not '0'"},
		{"--pid 1,", "not '1,'"},
		{"--pid -1", "not '-1'"},
		{"--pid 99999999999", "not '99999999999'"},
		{"--duration nan -p1", "not 'nan'"},
		{"--duration 0 -p1", "not '0'"},
		{"--duration 5s -p1", "not '5s'"},
		{"--duration 0x10 -p1", "not '0x10'"},
		{"--duration 1e99 -p1", "not '1e99'"},
		{"--output xml -p1", "console, otlp, otlp/stdout and none, not 'xml'"},
		{"--output console, -p1", "not ''"},
		{"--output none,otlp -p1", "none cannot be combined"},
		{"--output console,otlp/stdout -p1", "choose one"},
		{"--route-guess maybe -p1", "on or off"},
		{"--header a:b -p1", "not 'a:b'"},
		{"--color blue -p1", "auto, always or never"},
		{"--quiet=1 -p1", "--quiet takes no value"},
		{"gunicorn", "otelbpf -- gunicorn"},
		{"replay", "otelbpf replay FILE"},
		{"replay a b", "'b' is one argument too many"},
		{"check --pid 3", "--pid means nothing to check"},
		{"replay f --record g", "--record means nothing to replay"},
		{"--", "-- wants a command"},
		{"check -- ls", "start no command"},
		{"-p1 -- ls", "cannot be combined"},
		{"--as-root -p1", "otelbpf --as-root -- COMMAND"},
	};

	variables = NULL;
	for (size_t i = 0; i < array_size(cases); i++)
		check_wrong(cases[i][0], cases[i][1]);
}

TEST(more_of_a_list_than_is_kept_is_refused)
{
	struct options o = {0};
	struct option_state s = {.o = &o};
	const struct option_row *route = NULL;
	int err = 0, n = 0;

	for (size_t i = 0; i < option_count; i++)
		if (!strcmp(option_table[i].name, "route"))
			route = &option_table[i];
	while (!err && n <= OPTIONS_LIST_MAX + 1)
		err = route->parse(&s, "/x"), n++;
	CHECK_INT(n, OPTIONS_LIST_MAX + 1);
	CHECK_INT(err, -EINVAL);
	options_done(&o);
}

/* Which outputs a line and an environment choose, as letters. */
static void check_outputs(const char *line, const char *const *env, const char *want)
{
	struct options o;
	char got[8];

	variables = env;
	CHECK_INT(parse(line, &o), OPTIONS_RUN);
	snprintf(got, sizeof(got), "%s%s%s", o.export.console ? "c" : "", o.export.otlp ? "o" : "",
		 o.export.otlp_stdout ? "s" : "");
	CHECK_STR(got, want);
	options_done(&o);
	variables = NULL;
}

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ENDPOINT "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"

TEST(the_console_is_the_default_unless_an_endpoint_is_configured)
{
	check_outputs("-p1", NULL, "c");
	check_outputs("-p1", ENV(ENDPOINT), "o");
	check_outputs("-p1", ENV("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://h:4318/x"), "o");
	check_outputs("-p1", ENV("OTEL_EXPORTER_OTLP_ENDPOINT="), "c");
	check_outputs("-p1 --output console,otlp", ENV(ENDPOINT), "co");
	check_outputs("-p1 -o otlp/stdout", ENV(ENDPOINT), "s");
	check_outputs("-p1", ENV("OTEL_TRACES_EXPORTER=OTLP,console"), "co");
	check_outputs("-p1", ENV("OTEL_TRACES_EXPORTER=none", ENDPOINT), "");
	check_outputs("-p1 -o console", ENV("OTEL_TRACES_EXPORTER=none"), "c");
	check_outputs("-p1", ENV("OTEL_TRACES_EXPORTER=zipkin", ENDPOINT), "o");
	CHECK(strstr(err_text, "'zipkin' is not supported"));
	check_outputs("-p1", ENV("OTEL_SDK_DISABLED=TRUE"), "");
	check_outputs("-p1", ENV("OTEL_SDK_DISABLED=1"), "c");
	CHECK(strstr(err_text, "neither true nor false"));
}

TEST(otlp_without_an_endpoint_goes_to_the_standards_own_place)
{
	struct options o;

	CHECK_INT(parse("-p1 -o otlp", &o), OPTIONS_RUN);
	CHECK_STR(o.export.endpoint, "http://localhost:4318/v1/traces");
	CHECK_INT(o.export.schedule_delay_ms, 1000);
	CHECK_INT(o.export.batch_spans, 512);
	CHECK(o.export.queue_bytes > 0);
	options_done(&o);
}

TEST(a_bad_endpoint_is_an_error_only_for_who_uses_it)
{
	struct options o;

	variables = ENV("OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317");
	check_wrong("-p1", "4318");
	CHECK_INT(parse("-p1 -o console", &o), OPTIONS_RUN);
	CHECK_INT(o.export.schedule_delay_ms, 1000);
	options_done(&o);
	variables = NULL;
}

TEST(messages_and_colours_follow_options_before_the_environment)
{
	struct options o;

	variables = ENV("OTEL_LOG_LEVEL=Debug", "NO_COLOR=1", "OTEL_SERVICE_NAME=shop");
	CHECK_INT(parse("-p1", &o), OPTIONS_RUN);
	CHECK_INT(o.log_level, LOG_DEBUG);
	CHECK(!o.export.color);
	CHECK_STR(o.service_name, "shop");
	options_done(&o);
	CHECK_INT(parse("-p1 --quiet --color always", &o), OPTIONS_RUN);
	CHECK_INT(o.log_level, LOG_ERROR);
	CHECK(o.quiet);
	CHECK(o.export.color);
	CHECK_INT(o.export.columns, 0);
	options_done(&o);
	variables = ENV("OTEL_SERVICE_NAME=", "NO_COLOR=", "OTEL_LOG_LEVEL=loud");
	CHECK_INT(parse("-p1", &o), OPTIONS_RUN);
	CHECK(!o.service_name);
	CHECK_INT(o.log_level, LOG_INFO);
	CHECK(strstr(err_text, "'loud' is not a level"));
	options_done(&o);
	variables = NULL;
}

TEST(help_names_every_option_in_at_most_80_columns)
{
	struct options o;
	char *save = out_text;

	CHECK_INT(parse("--pid x --help", &o), OPTIONS_EXIT_USAGE);
	options_done(&o);
	CHECK_INT(parse("--help", &o), OPTIONS_EXIT_OK);
	CHECK(strlen(out_text) > 1000);
	for (size_t i = 0; i < option_count; i++) {
		char name[64];

		snprintf(name, sizeof(name), "--%s", option_table[i].name);
		if (!strstr(out_text, name))
			CHECK_STR("(not in --help)", name);
	}
	for (char *l = strsep(&save, "\n"); l; l = strsep(&save, "\n"))
		if (strlen(l) > 80)
			CHECK_STR(l, "(at most 80 columns)");
	options_done(&o);
}

TEST(version_is_one_line)
{
	struct options o;

	CHECK_INT(parse("--version", &o), OPTIONS_EXIT_OK);
	CHECK_STR(out_text, "otelbpf " OTELBPF_VERSION "\n");
	options_done(&o);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
