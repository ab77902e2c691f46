/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax of OTEL_RESOURCE_ATTRIBUTES. */
#ifndef TARGET_ENV_ATTRS_H
#define TARGET_ENV_ATTRS_H

#include "util/buf.h"

/* Longest value of the variable that is read. */
enum {
	ENV_ATTRS_MAX = 16 << 10
};

/*
 * Calls each for every key and value of key1=value1,key2=value2, percent-decoded, when all of it
 * is well-formed. -EINVAL otherwise: each was not called, since the whole variable is void.
 */
must_check int env_attrs_parse(struct bytes text,
			       void (*each)(void *ctx, const char *key, const char *value),
			       void *ctx);

#endif
