/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header that a load balancer puts in front of a connection's first request to say who the
 * client is: the PROXY protocol, versions 1 and 2 (doc/proxy-protocol.txt of HAProxy).
 */
#ifndef PROTO_HTTP1_PROXY_H
#define PROTO_HTTP1_PROXY_H

#include "proto/http1_parse.h"

enum {
	/* Longest header of version 1, its line end included (§2.1). */
	HTTP1_PROXY1_MAX = 107,
};

struct http1_proxy {
	u32 len; /* of the header; version 2: may be more than was seen of it, 65551 at most */
	struct sock_addr source; /* family 0: it names no client */
};

/* OK as soon as length and source are known. */
enum http1_result http1_proxy_header(struct bytes in, struct http1_proxy *out);

#endif
