/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process is: its resource attributes, from /proc and from what the kernel's records say. */
#ifndef TARGET_IDENTITY_H
#define TARGET_IDENTITY_H

#include "span/resource.h"
#include "target/proc.h"

/* What is known without /proc: for processes that are gone already. All may be empty. */
struct identity_hint {
	struct bytes comm;
	struct bytes args; /* argv as executed, each ended by a NUL byte; may be cut */
	bool args_cut;
	u64 born; /* CLOCK_MONOTONIC when it began; 0: not known */
};

/* What else came out while the resource was built. */
struct identity_notes {
	char guess[128]; /* what the service would be called if nobody said so */
	bool named; /* the process's own environment says its service.name */
	bool instance_given; /* ... and its service.instance.id */
	bool bad_attributes; /* its OTEL_RESOURCE_ATTRIBUTES is malformed and was discarded */
	bool full; /* more attributes than a resource holds */
};

/*
 * A new resource with one reference; NULL when out of memory. What cannot be read is left out.
 * hint and notes may be NULL.
 */
struct resource *identity_build(const struct proc_root *root, u32 pid,
				const struct identity_hint *hint, struct identity_notes *notes);
struct resource *identity_of(const struct proc_root *root, u32 pid,
			     const struct identity_hint *hint);

/*
 * The resource of a process that forked and did not execute anything: its parent's, but for what
 * is its own (pid, time of creation, instance).
 */
struct resource *identity_fork(const struct proc_root *root, const struct resource *parent, u32 pid,
			       const struct identity_hint *hint, bool keep_instance);

#endif
