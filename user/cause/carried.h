/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence "carried": the trace context in the message itself. */
#ifndef CAUSE_CARRIED_H
#define CAUSE_CARRIED_H

#include "proto/proto.h"

enum {
	/* Contexts that requests brought into traced processes and that are remembered, to tell a
	 * header that was passed on from one that was written. */
	CARRIED_SEEN = 4096,
};

struct carried_seen {
	u8 span_id[8];
	u32 pid;
};

/* Zeroed: empty. A bounded memory: the newest entry of a slot wins. */
struct carried {
	struct carried_seen seen[CARRIED_SEEN];
};

/* A request is known: what it brought is remembered. */
void carried_note(struct carried *c, const struct exchange *x);
/* True: the span's trace and parent are those that its message carried. */
bool carried_parent(struct carried *c, struct exchange *x);

#endif
