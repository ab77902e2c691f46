/* SPDX-License-Identifier: Apache-2.0 */
/* Between sink.c and drive.c: the driver's side of a sink. */
#ifndef PROTO_SINK_H
#define PROTO_SINK_H

#include "proto/drive.h"
#include "util/compiler.h"

struct drive_sink {
	struct sink sink;
	struct driver *driver;
	u64 skip[2]; /* asked for during this call, by direction */
};

static inline struct drive_sink *drive_sink_of(struct sink *s)
{
	return container_of(s, struct drive_sink, sink);
}

extern const struct sink_ops drive_sink_ops;

/* Tells the kernel what stream dir of c does not want. */
void drive_tell_skip(struct driver *d, struct conn *c, enum direction dir);
/* Tells the kernel that c is of no interest. */
void drive_tell_none(struct driver *d, struct conn *c);

#endif
