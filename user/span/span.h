/* SPDX-License-Identifier: Apache-2.0 */
/* A span: what is exported. Knows nothing of protobuf, connections or protocols. */
#ifndef SPAN_SPAN_H
#define SPAN_SPAN_H

#include "span/context.h"
#include "span/resource.h"
#include "span/semconv.h"
#include "util/buf.h"

/* Numbers of OTLP (opentelemetry/proto/trace/v1/trace.proto). */
enum span_kind {
	SPAN_INTERNAL = 1,
	SPAN_SERVER = 2,
	SPAN_CLIENT = 3,
};

enum span_status {
	STATUS_UNSET = 0,
	STATUS_ERROR = 2, /* OK (1) is never ours to set */
};

enum attr_type {
	ATTR_TEXT,
	ATTR_INT,
	ATTR_LIST, /* of texts */
};

enum {
	SPAN_ATTRS_LIMIT = 32,
	/* Items of one list: values of one captured header. */
	SPAN_LIST_LIMIT = 16,
};

struct span_attr {
	const char *key; /* not owned: outlives the span */
	u8 type; /* enum attr_type */
	u32 at, len; /* TEXT: where in the arena. LIST: each item is a u32 length and its bytes */
	s64 number; /* INT */
};

struct span {
	u8 trace_id[16], span_id[8], parent_id[8];
	bool has_parent;
	bool parent_remote; /* the parent came with the message */
	u8 trace_flags;
	u8 kind; /* enum span_kind */
	u8 status; /* enum span_status */
	u64 start, end; /* nanoseconds since 1970 */
	struct resource *resource; /* owned reference; NULL until known */
	u32 name_at, name_len; /* in the arena */
	u32 state_at, state_len; /* tracestate, in the arena */
	u32 attr_count, attrs_dropped;
	struct span_attr attrs[SPAN_ATTRS_LIMIT];
	struct buf arena;
};

/* An empty span; NULL when out of memory. */
struct span *span_new(void);
/* Accepts NULL. */
void span_free(struct span *s);

/* Texts are copied; bad UTF-8 is replaced by U+FFFD. A key that is already there is replaced. */
void span_name(struct span *s, struct bytes text);
void span_tracestate(struct span *s, struct bytes text);
void span_text(struct span *s, enum span_attr_id id, struct bytes text);
void span_int(struct span *s, enum span_attr_id id, s64 number);
/* One more item of a list (captured headers); key must outlive the span. */
void span_list_add(struct span *s, const char *key, struct bytes item);
/* Status ERROR with that error.type. */
void span_error(struct span *s, const char *type);

const struct span_attr *span_find(const struct span *s, enum span_attr_id id);
/* The text of an attribute; empty when absent. Borrowed until the next change of the span. */
struct bytes span_get_text(const struct span *s, enum span_attr_id id);
/* The number of an attribute, or otherwise. */
s64 span_get_int(const struct span *s, enum span_attr_id id, s64 otherwise);
static inline struct bytes span_get_name(const struct span *s)
{
	return bytes_of(s->arena.data + s->name_at, s->name_len);
}

/* The next item of a LIST attribute. Start with *at = 0; -ENODATA after the last. */
must_check int span_list_next(const struct span *s, const struct span_attr *a, u32 *at,
			      struct bytes *out);

/* Memory that the span holds, bytes: what the queue's bound counts. */
size_t span_size(const struct span *s);

#endif
