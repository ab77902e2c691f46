/* SPDX-License-Identifier: Apache-2.0 */
/* A span as the text of a golden case's expectation. */
#ifndef GOLDEN_SHOW_H
#define GOLDEN_SHOW_H

#include "span/span.h"

/* The times of cases count from here. */
enum {
	MS = 1000000,
	BASE_MS = 1000
};

/* all: also the attributes that nearly every span has. */
void show_span(struct buf *b, const struct span *s, bool all);

#endif
