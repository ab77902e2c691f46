/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SERVER span's parent is the context that its request brought. A CLIENT span's parent is the
 * context that its request carries when this process wrote it (an SDK did); a header that the same
 * process had received and only passed on counts for nothing here.
 */
#include "cause/carried.h"

static struct carried_seen *slot_of(struct carried *c, const u8 span_id[8])
{
	u64 hash;

	memcpy(&hash, span_id, sizeof(hash));
	hash *= 0x9E3779B97F4A7C15ull; /* 2^64 / golden ratio: spreads what a process may choose */
	return &c->seen[hash >> 52];
}

_Static_assert(CARRIED_SEEN == 1 << 12, "slot_of takes the upper 12 bits");

void carried_note(struct carried *c, const struct exchange *x)
{
	struct carried_seen *seen;

	if (x->role != ROLE_SERVER || !x->carried.valid)
		return;
	seen = slot_of(c, x->carried.span_id);
	memcpy(seen->span_id, x->carried.span_id, sizeof(seen->span_id));
	seen->pid = x->req_first.pid;
}

static bool passed_on(struct carried *c, const struct exchange *x)
{
	const struct carried_seen *seen = slot_of(c, x->carried.span_id);

	return seen->pid == x->req_first.pid &&
	       !memcmp(seen->span_id, x->carried.span_id, sizeof(seen->span_id));
}

bool carried_parent(struct carried *c, struct exchange *x)
{
	struct span *s = x->span;

	if (!x->carried.valid)
		return false;
	if (x->role == ROLE_CLIENT && passed_on(c, x)) {
		stat_add(STAT_PASSED_ON, 1);
		return false;
	}
	memcpy(s->trace_id, x->carried.trace_id, sizeof(s->trace_id));
	memcpy(s->parent_id, x->carried.span_id, sizeof(s->parent_id));
	s->has_parent = true;
	s->parent_remote = true;
	s->state_at = x->state_at;
	s->state_len = x->state_len;
	s->trace_flags = x->carried.flags;
	span_text(s, ATTR_PARENT_SOURCE, bytes_str("carried"));
	stat_add(STAT_CARRIED, 1);
	return true;
}
