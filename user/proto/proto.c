/* SPDX-License-Identifier: Apache-2.0 */
/* The protocols, one line each. */
#include "proto/proto.h"

#include "proto/http1.h"
#include "util/compiler.h"

static const struct proto_ops *const protocols[] = {
	&http1_ops,
};

const struct proto_ops *proto_find(enum proto_id id)
{
	for (size_t i = 0; i < array_size(protocols); i++)
		if (protocols[i]->id == id)
			return protocols[i];
	return NULL;
}
