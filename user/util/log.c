/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on standard error: one write per line, so that threads do not mix. */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>

enum log_level log_level = LOG_INFO;

void log_line(enum log_level level, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	if (level > log_level)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "otelbpf: %s\n", text);
}
