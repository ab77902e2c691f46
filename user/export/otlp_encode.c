/* SPDX-License-Identifier: Apache-2.0 */
/* One span, one resource: to protobuf, with messages built on the stack. */
#include "export/otlp_encode.h"

#include "otlp.pb-c.h"

enum {
	/* Span.flags, opentelemetry/proto/trace/v1/trace.proto, SpanFlags. */
	FLAG_KNOWS_REMOTE = 0x100,
	FLAG_IS_REMOTE = 0x200,
	/* More than the fixed fields of a span take: ids, times, kind, status, flags, and tags. */
	SPAN_FIXED_BYTES = 128,
	/* More than tags, lengths and a number add to a key and its value. */
	ATTR_EXTRA_BYTES = 48,
	LIST_ITEMS_MAX = SPAN_ATTRS_LIMIT * SPAN_LIST_LIMIT,
};

/* protobuf-c wants each message reached through a pointer: all of them stand here. */
struct attr_messages {
	Otlp__KeyValue kv[SPAN_ATTRS_LIMIT];
	Otlp__AnyValue value[SPAN_ATTRS_LIMIT];
	Otlp__ArrayValue array[SPAN_ATTRS_LIMIT];
	Otlp__KeyValue *kvs[SPAN_ATTRS_LIMIT];
	Otlp__AnyValue item[LIST_ITEMS_MAX];
	Otlp__AnyValue *items[LIST_ITEMS_MAX];
	size_t item_count;
	size_t size; /* an upper bound of the encoded attributes */
};

/* Encoding never writes through these, so const is only lost on paper. */
static ProtobufCBinaryData data_of(const void *p, size_t len)
{
	return (ProtobufCBinaryData){len, (u8 *)p};
}

static void value_text(Otlp__AnyValue *v, const void *p, size_t len)
{
	otlp__any_value__init(v);
	v->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
	v->string_value = data_of(p, len);
}

static void value_int(Otlp__AnyValue *v, s64 number)
{
	otlp__any_value__init(v);
	v->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
	v->int_value = number;
}

static void value_list(struct attr_messages *m, u32 i, const struct span *s)
{
	const struct span_attr *a = &s->attrs[i];
	Otlp__ArrayValue *list = &m->array[i];
	struct bytes item;

	otlp__array_value__init(list);
	list->values = &m->items[m->item_count];
	for (u32 at = 0; m->item_count < LIST_ITEMS_MAX && !span_list_next(s, a, &at, &item);) {
		size_t n = m->item_count++;

		value_text(&m->item[n], item.p, bytes_len(item));
		m->items[n] = &m->item[n];
		list->n_values++;
		m->size += bytes_len(item) + ATTR_EXTRA_BYTES;
	}
	otlp__any_value__init(&m->value[i]);
	m->value[i].value_case = OTLP__ANY_VALUE__VALUE_ARRAY_VALUE;
	m->value[i].array_value = list;
}

static void add_attr(struct attr_messages *m, u32 i, const struct span *s)
{
	const struct span_attr *a = &s->attrs[i];
	size_t key_len = strlen(a->key);

	m->size += key_len + ATTR_EXTRA_BYTES;
	switch (a->type) {
	case ATTR_TEXT:
		value_text(&m->value[i], s->arena.data + a->at, a->len);
		m->size += a->len;
		break;
	case ATTR_INT:
		value_int(&m->value[i], a->number);
		break;
	default:
		value_list(m, i, s);
		break;
	}
	otlp__key_value__init(&m->kv[i]);
	m->kv[i].key = data_of(a->key, key_len);
	m->kv[i].value = &m->value[i];
	m->kvs[i] = &m->kv[i];
}

u32 otlp_span_flags(const struct span *s)
{
	u32 remote = s->has_parent && s->parent_remote ? FLAG_IS_REMOTE : 0;

	return s->trace_flags | FLAG_KNOWS_REMOTE | remote;
}

static int pack(const ProtobufCMessage *m, size_t bound, struct buf *out)
{
	u8 *to = buf_room(out, bound);

	if (!to)
		return -ENOMEM;
	out->len += protobuf_c_message_pack(m, to);
	return 0;
}

int otlp_encode_span(const struct span *s, struct buf *out)
{
	Otlp__Status status = OTLP__STATUS__INIT;
	Otlp__Span m = OTLP__SPAN__INIT;
	struct attr_messages attrs;
	struct bytes name = span_get_name(s);

	attrs.item_count = attrs.size = 0;
	for (u32 i = 0; i < s->attr_count; i++)
		add_attr(&attrs, i, s);
	m.trace_id = data_of(s->trace_id, sizeof(s->trace_id));
	m.span_id = data_of(s->span_id, sizeof(s->span_id));
	/* A root has no parent id at all; eight zero bytes would be a wrong one. */
	if (s->has_parent)
		m.parent_span_id = data_of(s->parent_id, sizeof(s->parent_id));
	m.trace_state = data_of(s->arena.data + s->state_at, s->state_len);
	m.name = data_of(name.p, bytes_len(name));
	m.kind = s->kind;
	m.start_time_unix_nano = s->start;
	m.end_time_unix_nano = s->end;
	m.n_attributes = s->attr_count;
	m.attributes = attrs.kvs;
	m.dropped_attributes_count = s->attrs_dropped;
	m.flags = otlp_span_flags(s);
	if (s->status != STATUS_UNSET) {
		status.code = s->status;
		m.status = &status;
	}
	return pack(&m.base, SPAN_FIXED_BYTES + s->state_len + s->name_len + attrs.size, out);
}

int otlp_encode_resource(const struct resource *r, struct buf *out)
{
	Otlp__Resource m = OTLP__RESOURCE__INIT;
	Otlp__KeyValue kv[RESOURCE_ATTRS_MAX], *kvs[RESOURCE_ATTRS_MAX];
	Otlp__AnyValue value[RESOURCE_ATTRS_MAX];
	unsigned count = r ? r->count : 0;

	for (unsigned i = 0; i < count; i++) {
		const struct resource_attr *a = &r->attrs[i];

		if (a->text)
			value_text(&value[i], a->text, strlen(a->text));
		else
			value_int(&value[i], a->number);
		otlp__key_value__init(&kv[i]);
		kv[i].key = data_of(a->key, strlen(a->key));
		kv[i].value = &value[i];
		kvs[i] = &kv[i];
	}
	m.n_attributes = count;
	m.attributes = kvs;
	return pack(&m.base, protobuf_c_message_get_packed_size(&m.base), out);
}
