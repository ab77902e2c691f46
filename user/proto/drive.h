/* SPDX-License-Identifier: Apache-2.0 */
/* Drives a connection's protocol: segments in, exchanges out; gaps, skips, resync, giving up. */
#ifndef PROTO_DRIVE_H
#define PROTO_DRIVE_H

#include "conn/conn.h"
#include "proto/proto.h"

struct driver {
	/* The head of a request is understood (borrows x). */
	void (*on_request)(void *ctx, struct exchange *x);
	/* A complete exchange: the span holds what the protocol wrote. Takes x. */
	void (*on_exchange)(void *ctx, struct exchange *x);
	void *ctx;
	struct conn_ctl *ctl; /* CTL_SLOTS slots shared with the kernel; NULL: none */
	u64 now; /* time of the record at hand */
	unsigned open; /* exchanges in progress */
};

enum {
	/* Exchanges in progress at once, over all connections. */
	DRIVE_OPEN_MAX = 65536,
	/* Failures after which a connection that was good is given up. */
	DRIVE_FAILURES_MAX = 8,
};

/* Bytes moved. proto is the kernel's verdict; PROTO_UNKNOWN keeps them until there is one. */
void drive_segment(struct driver *d, struct conn *c, enum direction dir, enum proto_id proto,
		   const struct segment *seg);
/* A direction ended; err is an errno with END_BY_ERROR, else 0. */
void drive_end(struct driver *d, struct conn *c, enum direction dir, enum end_reason why, int err);
/* n more bytes were moved than were seen. */
void drive_missed(struct driver *d, struct conn *c, enum direction dir, u64 n);
/* Frees the protocol's state of a connection that goes away. */
void drive_done(struct driver *d, struct conn *c);

void exchange_free(struct exchange *x);

#endif
