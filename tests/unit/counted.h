/* SPDX-License-Identifier: Apache-2.0 */
/* What a test itself made a counter count. */
#ifndef COUNTED_H
#define COUNTED_H

#include <string.h>

#include "util/stats.h"

static u64 counted_before[STAT_MAX];

/* From here on. */
static inline void count_from_here(void)
{
	memcpy(counted_before, user_stat_values, sizeof(counted_before));
}

static inline u64 counted(enum user_stat s)
{
	return stat_get(s) - counted_before[s];
}

#endif
