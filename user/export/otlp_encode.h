/* SPDX-License-Identifier: Apache-2.0 */
/* Spans and resources as OTLP protobuf; spans grouped by resource into one request. */
#ifndef EXPORT_OTLP_ENCODE_H
#define EXPORT_OTLP_ENCODE_H

#include "span/span.h"

/* Appends the bytes of one Span message. -ENOMEM: nothing was appended. */
must_check int otlp_encode_span(const struct span *s, struct buf *out);
/* Appends the bytes of one Resource message; NULL: an empty one. */
must_check int otlp_encode_resource(const struct resource *r, struct buf *out);

/* Span.flags: the trace flags, and what is known about where the parent is. */
u32 otlp_span_flags(const struct span *s);

/*
 * Spans that will be one request:
 *
 *	data  │span│resource│span│span│…	each piece encoded once, in order of arrival
 *	spans  {group, at, len}…		group 0 is the resource seen first
 */
struct otlp_batch {
	struct buf data;
	struct buf spans; /* of struct otlp_piece */
	struct buf groups; /* of struct otlp_group */
	u32 count; /* of spans */
	u32 group_count, last_group;
};

/* Adds a span. -ENOMEM: not added. */
must_check int otlp_batch_add(struct otlp_batch *b, const struct span *s);
/* The bytes of an ExportTraceServiceRequest (and of TracesData). -ENOMEM. */
must_check int otlp_batch_assemble(const struct otlp_batch *b, struct buf *out);
void otlp_batch_clear(struct otlp_batch *b);
void otlp_batch_done(struct otlp_batch *b);
/* Memory that it holds, bytes. */
size_t otlp_batch_size(const struct otlp_batch *b);

#endif
