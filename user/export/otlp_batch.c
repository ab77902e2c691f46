/* SPDX-License-Identifier: Apache-2.0 */
/* Spans grouped by resource, and the envelope around them. */
#include <stdlib.h>

#include "export/otlp_encode.h"
#include "otlp.pb-c.h"

struct otlp_piece {
	u32 group, at, len;
};

struct otlp_group {
	u64 serial; /* of the resource; 0: none is known */
	u32 at, len; /* the encoded resource */
	u32 spans;
};

static struct otlp_group *group_at(const struct otlp_batch *b, u32 i)
{
	return (struct otlp_group *)(void *)b->groups.data + i;
}

static const struct otlp_piece *piece_at(const struct otlp_batch *b, u32 i)
{
	return (const struct otlp_piece *)(const void *)b->spans.data + i;
}

/* Appends to a table; a failed append leaves the table as it was, and usable. */
static int table_add(struct buf *table, const void *row, size_t size)
{
	buf_add(table, row, size);
	if (!table->failed)
		return 0;
	table->failed = false;
	return -ENOMEM;
}

static int group_of(struct otlp_batch *b, const struct resource *r, u32 *out)
{
	struct otlp_group g = {.serial = r ? r->serial : 0, .at = (u32)b->data.len};

	/* Spans of one process come in runs. */
	if (b->group_count && group_at(b, b->last_group)->serial == g.serial) {
		*out = b->last_group;
		return 0;
	}
	for (u32 i = 0; i < b->group_count; i++) {
		if (group_at(b, i)->serial == g.serial) {
			*out = i;
			return 0;
		}
	}
	if (otlp_encode_resource(r, &b->data))
		return -ENOMEM;
	g.len = (u32)(b->data.len - g.at);
	if (table_add(&b->groups, &g, sizeof(g)))
		return -ENOMEM;
	*out = b->group_count++;
	return 0;
}

int otlp_batch_add(struct otlp_batch *b, const struct span *s)
{
	struct otlp_piece piece;
	size_t before;

	b->data.failed = false;
	if (group_of(b, s->resource, &piece.group))
		return -ENOMEM;
	b->last_group = piece.group;
	before = b->data.len;
	if (otlp_encode_span(s, &b->data))
		return -ENOMEM;
	piece.at = (u32)before;
	piece.len = (u32)(b->data.len - before);
	if (table_add(&b->spans, &piece, sizeof(piece))) {
		b->data.len = before;
		return -ENOMEM;
	}
	group_at(b, piece.group)->spans++;
	b->count++;
	return 0;
}

/* Everything that the envelope of n groups and m spans points to, in one allocation. */
struct envelope {
	Otlp__ResourceSpans *rs, **rs_ptr;
	Otlp__ScopeSpans *ss, **ss_ptr;
	ProtobufCBinaryData *spans; /* sorted by group */
	void *memory;
};

static int envelope_alloc(struct envelope *e, u32 groups, u32 spans)
{
	size_t per_group =
		sizeof(*e->rs) + sizeof(*e->rs_ptr) + sizeof(*e->ss) + sizeof(*e->ss_ptr);
	u8 *p = malloc(groups * per_group + spans * sizeof(*e->spans));

	if (!p)
		return -ENOMEM;
	e->memory = p;
	e->rs = (void *)p;
	e->ss = (void *)(e->rs + groups);
	e->rs_ptr = (void *)(e->ss + groups);
	e->ss_ptr = (void *)(e->rs_ptr + groups);
	e->spans = (void *)(e->ss_ptr + groups);
	return 0;
}

/* Where each group's spans begin follows from how many the groups before it have. */
static void envelope_fill(struct envelope *e, const struct otlp_batch *b,
			  Otlp__InstrumentationScope *scope)
{
	ProtobufCBinaryData *next = e->spans;

	for (u32 i = 0; i < b->group_count; i++) {
		const struct otlp_group *g = group_at(b, i);

		otlp__scope_spans__init(&e->ss[i]);
		e->ss[i].scope = scope;
		e->ss[i].schema_url = SEMCONV_SCHEMA_URL;
		e->ss[i].spans = next;
		next += g->spans;
		e->ss_ptr[i] = &e->ss[i];
		otlp__resource_spans__init(&e->rs[i]);
		e->rs[i].resource = (ProtobufCBinaryData){g->len, b->data.data + g->at};
		e->rs[i].schema_url = SEMCONV_SCHEMA_URL;
		e->rs[i].scope_spans = &e->ss_ptr[i];
		e->rs[i].n_scope_spans = 1;
		e->rs_ptr[i] = &e->rs[i];
	}
	for (u32 i = 0; i < b->count; i++) {
		const struct otlp_piece *p = piece_at(b, i);
		Otlp__ScopeSpans *ss = &e->ss[p->group];

		ss->spans[ss->n_spans++] = (ProtobufCBinaryData){p->len, b->data.data + p->at};
	}
}

int otlp_batch_assemble(const struct otlp_batch *b, struct buf *out)
{
	Otlp__InstrumentationScope scope = OTLP__INSTRUMENTATION_SCOPE__INIT;
	Otlp__ExportTraceServiceRequest m = OTLP__EXPORT_TRACE_SERVICE_REQUEST__INIT;
	struct envelope e;
	u8 *to;

	if (envelope_alloc(&e, b->group_count, b->count))
		return -ENOMEM;
	scope.name = SEMCONV_SCOPE_NAME;
	scope.version = OTELBPF_VERSION;
	envelope_fill(&e, b, &scope);
	m.resource_spans = e.rs_ptr;
	m.n_resource_spans = b->group_count;
	to = buf_room(out, protobuf_c_message_get_packed_size(&m.base));
	if (to)
		out->len += protobuf_c_message_pack(&m.base, to);
	free(e.memory);
	return to ? 0 : -ENOMEM;
}

void otlp_batch_clear(struct otlp_batch *b)
{
	buf_clear(&b->data);
	buf_clear(&b->spans);
	buf_clear(&b->groups);
	b->count = b->group_count = b->last_group = 0;
}

void otlp_batch_done(struct otlp_batch *b)
{
	buf_done(&b->data);
	buf_done(&b->spans);
	buf_done(&b->groups);
	*b = (struct otlp_batch){0};
}

size_t otlp_batch_size(const struct otlp_batch *b)
{
	return b->data.len + b->spans.len + b->groups.len;
}
