/* SPDX-License-Identifier: Apache-2.0 */
/* When and by whom bytes were moved: what one data record says besides the bytes. */
#ifndef CONN_MOMENT_H
#define CONN_MOMENT_H

#include <stdbool.h>

#include "otelbpf/types.h"

struct moment {
	u64 time; /* return of the call */
	u64 start; /* before the call; 0: unknown */
	u64 ready; /* received: arrival at the socket; 0: unknown */
	u64 cpu, delay; /* thread times; valid when has_thread_time */
	u32 pid, tid;
	bool has_thread_time;
};

#endif
