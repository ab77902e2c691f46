/* SPDX-License-Identifier: Apache-2.0 */
/* What a recording needs besides the kernel's records: the clock, and who the processes are. */
#ifndef TEE_H
#define TEE_H

#include "app.h"

/* One record of the kernel, and before it whatever it needs to be understood. */
void tee_record(struct app *a, const struct record *r);
/* A record of user space, given to the recording and to the pipeline. */
void tee_clock(struct app *a, u64 now);
/* The kernel's counters, at the end. */
void tee_stats(struct app *a);

#endif
