/* SPDX-License-Identifier: Apache-2.0 */
/* From the fields of an HTTP/1 exchange to its span, by the HTTP conventions (1.44.0). */
#ifndef PROTO_HTTP1_SPAN_H
#define PROTO_HTTP1_SPAN_H

#include "proto/http1_parse.h"
#include "proto/proto.h"

/* Flags of an exchange. */
enum {
	HTTP1_HEAD = 1 << 0,
	HTTP1_CONNECT = 1 << 1,
	HTTP1_UPGRADE = 1 << 2, /* may leave HTTP: other bytes may follow */
	HTTP1_FINAL = 1 << 3, /* its final response has begun */
	HTTP1_FAILED = 1 << 4, /* ended before its response was complete */
	HTTP1_PATH_CUT = 1 << 5, /* of its path only the beginning is known: no route */
};

/* Bytes kept in the span's arena until the header block is complete. */
struct http1_kept {
	u32 at, len;
};

/* What the header block of the request being read has said so far. Zeroed at its request line. */
struct http1_request {
	struct http1_kept authority; /* of the best source so far */
	struct http1_kept target; /* CLIENT: path and query, redacted */
	struct http1_kept scheme; /* CLIENT: of an absolute target */
	struct http1_kept state; /* tracestate fields, combined */
	u8 authority_rank, client_rank, scheme_rank;
	u8 state_fields;
	bool state_bad;
	bool has_context, context_bad;
	bool user_agent;
	bool done;
};

void http1_span_request_line(struct http1_request *q, struct exchange *x,
			     const struct http1_start *line);
/* SERVER: the client that a PROXY header named, unless a field will name another. */
void http1_span_source(struct exchange *x, const struct sock_addr *source);
void http1_span_request_field(struct http1_request *q, struct exchange *x,
			      const struct http1_field *f);
/* The header block is complete, or no more of it will be seen. */
void http1_span_request_done(struct http1_request *q, struct exchange *x);
void http1_span_status(struct exchange *x, unsigned status);
void http1_span_response_field(struct exchange *x, const struct http1_field *f);
/* Before the exchange is closed: name, route, status. */
void http1_span_finish(struct exchange *x);

/* The error.type of an errno that ended a connection: a short name from a fixed set. */
const char *http1_error_name(int err);

#endif
