/* SPDX-License-Identifier: Apache-2.0 */
/* What was done, at the end: a few lines for a person, all of it as JSON. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include <stdio.h>

#include "otelbpf/stats.h"
#include "target/identities.h"
#include "util/stats.h"

struct summary {
	u64 kernel[KSTAT_MAX];
	u64 recursion_misses; /* program runs that the kernel skipped */
	struct identities_counts identity;
	double seconds; /* traced */
	/* Sizes, bytes; 0: not known. */
	u64 ring_bytes; /* of the ring buffer */
	u64 map_bytes; /* locked by all BPF maps, the ring once */
	u64 rss_bytes; /* resident, without the mappings of BPF maps */
};

/*
 * Share of the bytes of recognised connections that were seen, in percent; negative when there
 * were none.
 */
double summary_coverage(const struct summary *s);

/* The lines for a person, each beginning "otelbpf: ". */
void summary_print(FILE *out, const struct summary *s);

/* All counters and sizes as one JSON object. 0 or -errno. */
must_check int stats_write(FILE *out, const struct summary *s);

/*
 * Resident memory of this process now, bytes, without the mappings of BPF maps: those are in
 * map_bytes already, and the ring buffer's data is mapped twice. 0: not known.
 */
u64 summary_resident(const struct proc_root *root);

#endif
