/* SPDX-License-Identifier: Apache-2.0 */
/* W3C trace context, level 2: reading traceparent and tracestate, making new ids. */
#ifndef SPAN_CONTEXT_H
#define SPAN_CONTEXT_H

#include "util/bytes.h"

enum {
	TRACE_FLAG_SAMPLED = 1 << 0,
	TRACE_FLAG_RANDOM = 1 << 1,
	/* A member each of at most 256 + 1 + 256 bytes would be 16 kB; what must be propagated is
	 * 512 (W3C Trace Context §3.3.1.5). Longer ones lose whole members, as the standard says. */
	TRACESTATE_MAX = 512,
};

struct trace_context {
	u8 trace_id[16];
	u8 span_id[8];
	u8 flags; /* TRACE_FLAG_* */
	bool valid;
};

/*
 * Reads the value of a traceparent header (surrounding white space allowed).
 * Returns 0, or -EINVAL when the standard calls it invalid; *out is then untouched.
 */
must_check int context_parse_traceparent(struct bytes value, struct trace_context *out);

/*
 * Checks the combined value of all tracestate headers. Returns 0 and the value to keep in *out (a
 * part of value: trimmed; whole members only, TRACESTATE_MAX bytes at most), or -EINVAL when the
 * whole of it must be discarded.
 */
must_check int context_parse_tracestate(struct bytes value, struct bytes *out);

/* New ids, random and never all zero. */
void context_new_trace_id(u8 out[16]);
void context_new_span_id(u8 out[8]);

#endif
