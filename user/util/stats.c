/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of user space and their names. */
#include "util/stats.h"

const struct stat_info user_stat_info[STAT_MAX] = {
#define X(id, name, loss, text) [STAT_##id] = {name, text, loss},
	USER_STATS(X)
#undef X
};

u64 user_stat_values[STAT_MAX];
