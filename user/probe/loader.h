/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side as user space sees it: load, attach, choose processes, read counters. */
#ifndef PROBE_LOADER_H
#define PROBE_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#include "otelbpf/record.h"
#include "otelbpf/stats.h"
#include "util/compiler.h"

struct probe;

struct probe_sizes {
	u64 ring_bytes; /* of the ring buffer */
	u64 map_bytes; /* of all maps, the ring once */
	u64 recursion_misses; /* program runs that the kernel skipped */
	u64 runs; /* program runs; 0 unless kernel.bpf_stats_enabled */
};

/*
 * Loads the programs of the best family that this kernel offers. On failure NULL, and why holds one
 * line that says what is missing.
 */
struct probe *probe_load(char *why, size_t why_len);
/* From now on every traced process is seen. 0, or -errno and why. */
must_check int probe_attach(struct probe *p, char *why, size_t why_len);
/* Detaches and unloads. Accepts NULL. */
void probe_free(struct probe *p);

/* Name of the family in use: "sock-tp". */
const char *probe_family_name(const struct probe *p);

/* pid is one of our own pid namespace. -EEXIST: it is traced already. */
must_check int probe_add_pid(struct probe *p, u32 pid);
/* Is it, or was it, added, or a child of one that is? */
bool probe_is_traced(const struct probe *p, u32 pid);
/* Its server sockets listen on this port: what arrives before accept() is timed. */
int probe_add_port(struct probe *p, u16 port);

/* File descriptor of the ring buffer map; owned by p. */
int probe_ring_fd(const struct probe *p);
/* The control slots, CTL_SLOTS of them; shared with the kernel, owned by p. */
struct conn_ctl *probe_ctl(struct probe *p);
/* Sleep without a timer: the next record wakes the reader. */
void probe_want_wake(struct probe *p);

void probe_stats(const struct probe *p, u64 values[KSTAT_MAX]);
void probe_sizes(const struct probe *p, struct probe_sizes *out);

/*
 * The ids of all connections whose sockets exist: *ids is allocated and given to the caller.
 * Returns their number or -errno (-EOPNOTSUPP: this kernel cannot tell).
 */
int probe_sweep(struct probe *p, u64 **ids);

#endif
