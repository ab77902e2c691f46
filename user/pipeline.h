/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The middle of otelbpf: records in, spans out. One of the two files that know every room; runs in
 * one thread, needs no root, and is the same whether records come from the kernel or from a file.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "otelbpf/record.h"
#include "span/span.h"

struct pipeline_config {
	/* Called for every finished span. Takes s. */
	void (*on_span)(void *ctx, struct span *s);
	/* Who a process is: a new reference, or NULL. NULL function: every resource is empty. */
	struct resource *(*resource_of)(void *ctx, u32 pid);
	void *ctx;
	struct conn_ctl *ctl; /* CTL_SLOTS of them, shared with the kernel; NULL: none */
	unsigned conns_max; /* connections known at once; 0: the default */
	u64 wall_offset; /* what to add to a record's time to get nanoseconds since 1970 */
};

struct pipeline;

/* NULL when out of memory. c is copied. */
struct pipeline *pipeline_new(const struct pipeline_config *c);

/*
 * One record, borrowed for the call. -EINVAL when it is malformed (counted; the pipeline goes on).
 */
int pipeline_record(struct pipeline *p, const struct record *r);

/* No hook tells the end of a Unix socket: is there any? Then pipeline_sweep now and then. */
bool pipeline_wants_sweep(const struct pipeline *p);
/* ids (sorted in place) are all connections whose sockets exist; now is CLOCK_MONOTONIC. */
void pipeline_sweep(struct pipeline *p, u64 *ids, size_t n, u64 now);

/* Ends every connection as by the end of tracing: what is complete becomes spans. */
void pipeline_flush(struct pipeline *p);

/* Accepts NULL. */
void pipeline_free(struct pipeline *p);

#endif
