/* SPDX-License-Identifier: Apache-2.0 */
/* otelbpf: argv → options → one of three commands → exit status. */
#include <stdlib.h>

#include "app.h"
#include "cli/check.h"
#include "probe/loader.h"

static int try_load(char *why, size_t why_len)
{
	struct probe *p = probe_load(why, why_len);
	int err = p ? probe_attach(p, why, why_len) : -1;

	probe_free(p);
	return err;
}

static int check(void)
{
	struct features f;

	features_detect(&f);
	features_detect_more(&f);
	return check_report(stdout, &f, try_load);
}

int main(int argc, char **argv)
{
	struct options_env env = {
		.getenv = (const char *(*)(const char *))getenv, .out = stdout, .err = stderr};
	struct app app = {0};
	int status = 0;

	switch (options_parse(argc, argv, &env, &app.options)) {
	case OPTIONS_EXIT_OK:
		break;
	case OPTIONS_EXIT_USAGE:
		status = EXIT_USAGE;
		break;
	case OPTIONS_RUN:
		log_level = app.options.log_level;
		if (app.options.command == COMMAND_CHECK)
			status = check();
		else if (app.options.command == COMMAND_REPLAY)
			status = replay_file(&app);
		else
			status = trace_run(&app);
		break;
	}
	app_done(&app);
	return status;
}
