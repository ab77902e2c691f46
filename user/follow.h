/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes are traced: those that were named, and the children that they had before. */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "probe/loader.h"
#include "source/source.h"

struct follow {
	struct probe *probe;
	/* Is given a record for each process that was found. */
	record_fn on_record;
	void *ctx;
};

/* One process, and the ports it listens on. False: it is traced already. */
bool follow_add(const struct follow *f, u32 pid, u32 ppid);

/*
 * These processes and all that descend from them. The fork hook must be at work already. -ESRCH:
 * there is no process with the pid in *missing.
 */
must_check int follow_pids(const struct follow *f, const u32 *pids, size_t count, u32 *missing);

#endif
