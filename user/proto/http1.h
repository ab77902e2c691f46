/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.0 and 1.1, both directions of one connection. */
#ifndef PROTO_HTTP1_H
#define PROTO_HTTP1_H

#include "proto/proto.h"

/* Requests of one connection that may wait for their responses. */
enum {
	HTTP1_PIPELINE_MAX = 1024
};

extern const struct proto_ops http1_ops;

#endif
