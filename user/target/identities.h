/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who every traced process is: pid → resource, kept up to date by the kernel's process records.
 *
 *   FOUND, EXEC   read from /proc at once: a short-lived process is gone when its spans are made
 *   FORK          the parent's until it executes something; pid and instance are its own
 *   EXIT          kept a few seconds, since records may still be in flight
 *
 * Used by the pipeline thread only.
 */
#ifndef TARGET_IDENTITIES_H
#define TARGET_IDENTITIES_H

#include "otelbpf/record.h"
#include "target/identity.h"

enum {
	/* Processes known at once; about 4 KiB each. More evict the least recently used, which is
	 * read from /proc again when it is needed. */
	IDENTITIES_MAX = 4096,
	IDENTITY_KEEP_S = 5, /* after the exit */
};

struct identities_counts {
	u64 evicted; /* identities forgotten: too many at once */
	u64 attributes_dropped; /* processes with more attributes than a resource holds */
	u64 bad_attributes; /* processes whose OTEL_RESOURCE_ATTRIBUTES is malformed */
};

struct identities;

/* root is copied; its texts are borrowed. NULL when out of memory. */
struct identities *identities_new(const struct proc_root *root);
/* Accepts NULL. */
void identities_free(struct identities *ids);

/*
 * otelbpf's own OTEL_SERVICE_NAME, borrowed: the service.name of the first process and of all that
 * go by the same name, unless their own environment names them.
 */
void identities_fallback_name(struct identities *ids, const char *name);

/* A process record: borrowed for the call. */
void identities_record(struct identities *ids, const struct record_proc *r);

/* A new reference; NULL when out of memory. Fits pipeline_config.resource_of. */
struct resource *identities_get(void *ids, u32 pid);

/* Forgets who exited long enough before now (CLOCK_MONOTONIC). */
void identities_tick(struct identities *ids, u64 now);

const struct identities_counts *identities_counts(const struct identities *ids);
/* Processes known now, and those of them that have not exited. */
unsigned identities_known(const struct identities *ids, unsigned *alive);

#endif
