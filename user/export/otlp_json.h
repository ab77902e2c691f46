/* SPDX-License-Identifier: Apache-2.0 */
/* Spans as OTLP/JSON: proto3's JSON mapping with OTLP's own rules for ids, enums and integers. */
#ifndef EXPORT_OTLP_JSON_H
#define EXPORT_OTLP_JSON_H

#include <jansson.h>

#include "span/span.h"

/* A Span object; NULL when out of memory. */
json_t *otlp_json_span(const struct span *s);
/* A ResourceSpans object with one scope and no spans yet. r may be NULL. NULL: out of memory. */
json_t *otlp_json_resource_spans(const struct resource *r);
/* The array of spans in such an object; borrowed. */
json_t *otlp_json_spans_of(json_t *resource_spans);

#endif
