/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the person at the terminal, on standard error, each beginning "otelbpf: ". */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include "util/compiler.h"

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

/* Messages above this level are not written. Default: LOG_INFO. */
extern enum log_level log_level;

/* Writes one line; the newline is added. Safe from any thread. */
void log_line(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
