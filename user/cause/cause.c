/* SPDX-License-Identifier: Apache-2.0 */
/* The order of evidence, strongest first. */
#include "cause/cause.h"

#include <stdlib.h>

#include "cause/carried.h"

struct cause {
	struct carried carried;
};

struct cause *cause_new(void)
{
	return calloc(1, sizeof(struct cause));
}

void cause_free(struct cause *c)
{
	free(c);
}

static void root(struct span *s)
{
	context_new_trace_id(s->trace_id);
	s->trace_flags = TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM;
	stat_add(STAT_ROOTS, 1);
}

void cause_request(struct cause *c, const struct exchange *x)
{
	carried_note(&c->carried, x);
}

void cause_span(struct cause *c, struct exchange *x)
{
	context_new_span_id(x->span->span_id);
	if (!carried_parent(&c->carried, x))
		root(x->span);
}
