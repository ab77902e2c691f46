/* SPDX-License-Identifier: Apache-2.0 */
/* otelbpf check: what this kernel offers, what would be used, and what is lost by it. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include <stdio.h>

#include "probe/feature.h"

/*
 * Loads otelbpf's own programs and unloads them again: 0, or -errno and one line why. NULL in its
 * place: not tried.
 */
typedef int (*check_load_fn)(char *why, size_t why_len);

/* Prints the report. 0 when tracing would work, else 1: the exit status. */
int check_report(FILE *out, const struct features *f, check_load_fn try_load);

#endif
