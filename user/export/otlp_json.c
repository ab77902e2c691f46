/* SPDX-License-Identifier: Apache-2.0 */
/* Spans as OTLP/JSON objects. */
#include "export/otlp_json.h"

#include <stdio.h>

#include "export/otlp_encode.h"

/*
 * jansson gives NULL for a failed value, takes it in json_object_set_new as a failure, and frees
 * what it could not store: so failures are or-ed, and looked at once.
 */
static int set(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value);
}

static json_t *text(struct bytes b)
{
	return json_stringn(bytes_empty(b) ? "" : (const char *)b.p, bytes_len(b));
}

/* Ids are hexadecimal, not base64. */
static json_t *hex(const u8 *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char out[32];

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	return json_stringn(out, 2 * n);
}

/* 64-bit integers are decimal strings. */
static json_t *decimal(u64 n)
{
	char out[24];
	int len = snprintf(out, sizeof(out), "%llu", (unsigned long long)n);

	return json_stringn(out, (size_t)len);
}

static json_t *signed_decimal(s64 n)
{
	char out[24];
	int len = snprintf(out, sizeof(out), "%lld", (long long)n);

	return json_stringn(out, (size_t)len);
}

/* {key: value}; takes value. */
static json_t *one(const char *key, json_t *value)
{
	json_t *o = json_object();

	if (!set(o, key, value))
		return o;
	json_decref(o);
	return NULL;
}

static json_t *key_value(const char *key, json_t *value)
{
	json_t *o = json_object();
	int bad = set(o, "key", json_string(key));

	bad |= set(o, "value", value);
	if (!bad)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *list(const struct span *s, const struct span_attr *a)
{
	json_t *values = json_array();
	struct bytes item;
	int bad = 0;

	for (u32 at = 0; !span_list_next(s, a, &at, &item);)
		bad |= json_array_append_new(values, one("stringValue", text(item)));
	if (bad) {
		json_decref(values);
		values = NULL;
	}
	return one("arrayValue", one("values", values));
}

static json_t *value_of(const struct span *s, const struct span_attr *a)
{
	switch (a->type) {
	case ATTR_TEXT:
		return one("stringValue", text(bytes_of(s->arena.data + a->at, a->len)));
	case ATTR_INT:
		return one("intValue", signed_decimal(a->number));
	default:
		return list(s, a);
	}
}

static json_t *attributes(const struct span *s)
{
	json_t *array = json_array();
	int bad = 0;

	for (u32 i = 0; i < s->attr_count; i++)
		bad |= json_array_append_new(array,
					     key_value(s->attrs[i].key, value_of(s, &s->attrs[i])));
	if (!bad)
		return array;
	json_decref(array);
	return NULL;
}

json_t *otlp_json_span(const struct span *s)
{
	struct bytes state = bytes_of(s->arena.data + s->state_at, s->state_len);
	json_t *o = json_object();
	int bad = set(o, "traceId", hex(s->trace_id, sizeof(s->trace_id)));

	bad |= set(o, "spanId", hex(s->span_id, sizeof(s->span_id)));
	if (!bytes_empty(state))
		bad |= set(o, "traceState", text(state));
	if (s->has_parent)
		bad |= set(o, "parentSpanId", hex(s->parent_id, sizeof(s->parent_id)));
	bad |= set(o, "flags", json_integer(otlp_span_flags(s)));
	bad |= set(o, "name", text(span_get_name(s)));
	bad |= set(o, "kind", json_integer(s->kind));
	bad |= set(o, "startTimeUnixNano", decimal(s->start));
	bad |= set(o, "endTimeUnixNano", decimal(s->end));
	bad |= set(o, "attributes", attributes(s));
	if (s->attrs_dropped)
		bad |= set(o, "droppedAttributesCount", json_integer(s->attrs_dropped));
	bad |= set(o, "status", s->status ? one("code", json_integer(s->status)) : json_object());
	if (!bad)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *resource_attributes(const struct resource *r)
{
	json_t *array = json_array();
	int bad = 0;

	for (unsigned i = 0; r && i < r->count; i++) {
		const struct resource_attr *a = &r->attrs[i];
		json_t *v = a->text ? one("stringValue", text(bytes_str(a->text)))
				    : one("intValue", signed_decimal(a->number));

		bad |= json_array_append_new(array, key_value(a->key, v));
	}
	if (!bad)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *scope_spans(void)
{
	json_t *scope = one("name", json_string(SEMCONV_SCOPE_NAME));
	json_t *o = json_object(), *array = json_array();
	int bad = set(scope, "version", json_string(OTELBPF_VERSION));

	bad |= set(o, "scope", scope);
	bad |= set(o, "spans", json_array());
	bad |= set(o, "schemaUrl", json_string(SEMCONV_SCHEMA_URL));
	if (bad) {
		json_decref(o);
		o = NULL;
	}
	if (!json_array_append_new(array, o))
		return array;
	json_decref(array);
	return NULL;
}

json_t *otlp_json_resource_spans(const struct resource *r)
{
	json_t *o = json_object();
	int bad = set(o, "resource", one("attributes", resource_attributes(r)));

	bad |= set(o, "scopeSpans", scope_spans());
	bad |= set(o, "schemaUrl", json_string(SEMCONV_SCHEMA_URL));
	if (!bad)
		return o;
	json_decref(o);
	return NULL;
}

json_t *otlp_json_spans_of(json_t *resource_spans)
{
	json_t *scope = json_array_get(json_object_get(resource_spans, "scopeSpans"), 0);

	return json_object_get(scope, "spans");
}
