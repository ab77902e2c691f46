/* SPDX-License-Identifier: Apache-2.0 */
/* Resources: attributes of a process, counted references, and their JSON form. */
#include "span/resource.h"

#include <jansson.h>
#include <stdlib.h>

#include "span/utf8.h"

struct resource *resource_new(u32 pid)
{
	/* Numbers the resources of this run: a pointer may be used again, this is not. */
	static u64 last_serial;
	struct resource *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->refs = 1;
	r->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
	r->pid = pid;
	return r;
}

struct resource *resource_get(struct resource *r)
{
	__atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
	return r;
}

void resource_put(struct resource *r)
{
	if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (unsigned i = 0; i < r->count; i++) {
		free(r->attrs[i].key);
		free(r->attrs[i].text);
	}
	free(r);
}

/* A repaired copy, ended by a NUL byte; NULL when out of memory. */
static char *copy_text(const char *text)
{
	struct buf b = {0};

	utf8_add(&b, bytes_str(text));
	buf_u8(&b, 0);
	if (b.failed) {
		buf_done(&b);
		return NULL;
	}
	return (char *)b.data;
}

static struct resource_attr *find(struct resource *r, const char *key)
{
	for (unsigned i = 0; i < r->count; i++)
		if (!strcmp(r->attrs[i].key, key))
			return &r->attrs[i];
	return NULL;
}

/* The attribute of that key, made when it is not there. -ENOSPC, -ENOMEM. */
static int slot(struct resource *r, const char *key, struct resource_attr **out)
{
	char *own = copy_text(key);

	if (!own)
		return -ENOMEM;
	*out = find(r, own);
	if (*out) {
		free(own);
		return 0;
	}
	if (r->count == RESOURCE_ATTRS_MAX) {
		free(own);
		return -ENOSPC;
	}
	*out = &r->attrs[r->count++];
	**out = (struct resource_attr){.key = own};
	return 0;
}

int resource_set(struct resource *r, const char *key, const char *text)
{
	char *own = copy_text(text);
	struct resource_attr *a;
	int err;

	if (!own)
		return -ENOMEM;
	err = slot(r, key, &a);
	if (err) {
		free(own);
		return err;
	}
	free(a->text);
	a->text = own;
	a->number = 0;
	return 0;
}

int resource_set_number(struct resource *r, const char *key, s64 number)
{
	struct resource_attr *a;
	int err = slot(r, key, &a);

	if (err)
		return err;
	free(a->text);
	a->text = NULL;
	a->number = number;
	return 0;
}

const char *resource_text(const struct resource *r, const char *key)
{
	for (unsigned i = 0; i < r->count; i++)
		if (!strcmp(r->attrs[i].key, key))
			return r->attrs[i].text;
	return NULL;
}

char *resource_to_json(const struct resource *r)
{
	json_t *o = json_object();
	char *text = NULL;
	bool failed = !o;

	for (unsigned i = 0; i < r->count && !failed; i++) {
		const struct resource_attr *a = &r->attrs[i];
		json_t *v = a->text ? json_string(a->text) : json_integer(a->number);

		failed = json_object_set_new(o, a->key, v) != 0;
	}
	if (!failed)
		text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

static int set_json(struct resource *r, const char *key, const json_t *v)
{
	if (json_is_string(v))
		return resource_set(r, key, json_string_value(v));
	if (json_is_integer(v))
		return resource_set_number(r, key, json_integer_value(v));
	return -EINVAL;
}

struct resource *resource_from_json(u32 pid, const void *json, size_t len)
{
	json_t *o = len ? json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	struct resource *r = json_is_object(o) ? resource_new(pid) : NULL;
	const char *key;
	json_t *v;
	int err = 0;

	if (r) {
		json_object_foreach(o, key, v)
		{
			err = set_json(r, key, v);
			if (err)
				break;
		}
	}
	json_decref(o);
	if (err) {
		resource_put(r);
		return NULL;
	}
	return r;
}
