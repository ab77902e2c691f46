/* SPDX-License-Identifier: Apache-2.0 */
/* Who made a span: the attributes of one traced process. Shared by its spans, never changed. */
#ifndef SPAN_RESOURCE_H
#define SPAN_RESOURCE_H

#include <stddef.h>

#include "otelbpf/types.h"
#include "util/compiler.h"

enum {
	RESOURCE_ATTRS_MAX = 64
};

struct resource_attr {
	char *key; /* owned */
	char *text; /* owned, UTF-8; NULL: number holds the value */
	s64 number;
};

struct resource {
	unsigned refs; /* through resource_get and resource_put only: threads share it */
	u64 serial; /* unique among all resources of this run */
	u32 pid;
	unsigned count;
	struct resource_attr attrs[RESOURCE_ATTRS_MAX];
};

/* A resource with one reference and no attributes; NULL when out of memory. */
struct resource *resource_new(u32 pid);
struct resource *resource_get(struct resource *r);
/* Gives one reference back. Accepts NULL. */
void resource_put(struct resource *r);

/* Adds an attribute or replaces its value. Bad UTF-8 is replaced. Over the limit or out of memory:
 * -ENOSPC, -ENOMEM, and nothing changed. Only before the resource is shared. */
int resource_set(struct resource *r, const char *key, const char *text);
int resource_set_number(struct resource *r, const char *key, s64 number);
/* The text of an attribute, or NULL. */
const char *resource_text(const struct resource *r, const char *key);

/* As one JSON object, for recordings; the caller frees. NULL when out of memory. */
char *resource_to_json(const struct resource *r);
/* The opposite. NULL when the text is not such an object. */
struct resource *resource_from_json(u32 pid, const void *json, size_t len);

#endif
