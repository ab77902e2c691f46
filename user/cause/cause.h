/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is whose parent. One file per kind of evidence; today there is one: the context that a
 * message carries. Everything else is a root.
 */
#ifndef CAUSE_CAUSE_H
#define CAUSE_CAUSE_H

#include "proto/proto.h"

struct cause;

struct cause *cause_new(void);
void cause_free(struct cause *c);

/* The head of a request is known; its response may be far away. */
void cause_request(struct cause *c, const struct exchange *x);
/* Gives the span of a finished exchange its ids, its trace and its parent. */
void cause_span(struct cause *c, struct exchange *x);

#endif
