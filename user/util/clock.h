/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks. Records carry CLOCK_MONOTONIC; spans carry nanoseconds since 1970. */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <time.h>

#include "otelbpf/types.h"

enum {
	NS_PER_US = 1000,
	NS_PER_MS = 1000000,
	NS_PER_SEC = 1000000000
};

static inline u64 clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

static inline u64 clock_mono(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* What to add to CLOCK_MONOTONIC to get CLOCK_REALTIME: the best of a few tries. */
static inline u64 clock_wall_offset(void)
{
	u64 best = UINT64_MAX, offset = 0;

	for (int i = 0; i < 5; i++) {
		u64 a = clock_mono(), w = clock_ns(CLOCK_REALTIME), b = clock_mono();

		if (b - a < best) {
			best = b - a;
			offset = w - (a + (b - a) / 2);
		}
	}
	return offset;
}

#endif
