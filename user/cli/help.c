/* SPDX-License-Identifier: Apache-2.0 */
/* The text of --help, made from the table of options. */
#include "cli/option_table.h"

enum {
	COLUMNS = 78,
	INDENT = 26
};

static const char top[] =
	"otelbpf watches running programs from the kernel and turns their HTTP requests\n"
	"into OpenTelemetry spans: no SDK, no restart, no code change.\n"
	"\n"
	"Usage:\n"
	"  sudo otelbpf [OPTIONS] --pid PID[,PID...]    trace running processes\n"
	"  sudo otelbpf [OPTIONS] -- COMMAND ARGS...    start a command and trace it\n"
	"  otelbpf check                                what this kernel offers\n"
	"  otelbpf replay [OPTIONS] FILE                spans from a recording; no root\n"
	"\n"
	"Examples:\n"
	"  sudo otelbpf --pid 4711\n"
	"  sudo otelbpf --pid $(pgrep -d, nginx) --ignore /health --duration 60\n"
	"  sudo otelbpf -- gunicorn shop.wsgi\n"
	"  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 sudo -E otelbpf --pid 4711\n"
	"  sudo otelbpf --pid 4711 --record shop.rec; otelbpf replay shop.rec\n";

static const char bottom[] =
	"\n"
	"Environment:\n"
	"  OTEL_EXPORTER_OTLP_ENDPOINT         the backend; makes otlp the default\n"
	"  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT  the same as a full URL, used as it is\n"
	"  OTEL_EXPORTER_OTLP_HEADERS          name=value,... for the backend (keys)\n"
	"  OTEL_EXPORTER_OTLP_TIMEOUT          milliseconds for one export (10000)\n"
	"  OTEL_BSP_SCHEDULE_DELAY             milliseconds between exports (1000)\n"
	"  OTEL_BSP_MAX_EXPORT_BATCH_SIZE      spans in one export (512)\n"
	"  OTEL_TRACES_EXPORTER                as --output, which comes first\n"
	"  OTEL_SERVICE_NAME                   for a traced service that has none itself\n"
	"  OTEL_LOG_LEVEL                      error, warn, info, debug\n"
	"  OTEL_SDK_DISABLED=true              no spans unless --output asks for them\n"
	"  NO_COLOR                            no colours\n"
	"\n"
	"Exit status: 0; 1 when tracing was not possible; 2 for a wrong option. With\n"
	"-- COMMAND the command's own, or 128 and the number of the signal that ended it.\n";

/* Writes words from *at, breaking lines before COLUMNS; every further line is indented. */
static void wrap(FILE *out, const char *text, int at)
{
	while (*text) {
		int n = (int)strcspn(text, " ");

		if (at + 1 + n > COLUMNS) {
			fprintf(out, "\n%*s", INDENT, "");
			at = INDENT;
		} else if (at > INDENT) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", n, text);
		at += n;
		text += n + (text[n] == ' ');
	}
	fputc('\n', out);
}

static void help_row(FILE *out, const struct option_row *row)
{
	char text[512];
	int n;

	if (row->letter)
		n = fprintf(out, "  -%c, --%s", row->letter, row->name);
	else
		n = fprintf(out, "      --%s", row->name);
	if (row->argument)
		n += fprintf(out, " %s", row->argument);
	if (n >= INDENT - 1) {
		fputc('\n', out);
		n = 0;
	}
	fprintf(out, "%*s", INDENT - n, "");
	snprintf(text, sizeof(text), "%s%s%s%s", row->help, row->standard ? " (default: " : "",
		 row->standard ? row->standard : "", row->standard ? ")" : "");
	wrap(out, text, INDENT);
}

void options_help(FILE *out)
{
	fputs(top, out);
	for (int g = 0; g < GROUP_MAX; g++) {
		fprintf(out, "\n%s:\n", option_groups[g]);
		for (size_t i = 0; i < option_count; i++)
			if (option_table[i].group == (enum option_group)g)
				help_row(out, &option_table[i]);
	}
	fputs(bottom, out);
}
