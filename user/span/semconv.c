/* SPDX-License-Identifier: Apache-2.0 */
/* The names of span attributes. */
#include "span/semconv.h"

const char *const semconv_names[ATTR_MAX] = {
#define X(id, name) [ATTR_##id] = name,
	SPAN_ATTRS(X)
#undef X
};
