/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a connection: which bytes are still to be parsed, and when each was moved.
 *
 *        next                 end
 *   ─────┼────── hold ────────┼──────────►  position
 *   consumed   captured, not    not moved yet
 *   or passed  yet parsed
 *
 * hold is empty between messages, so an idle connection costs no buffer.
 */
#ifndef CONN_STREAM_H
#define CONN_STREAM_H

#include "conn/moment.h"
#include "util/buf.h"

enum {
	/* Unparsed bytes that a direction may hold: a header block and some. */
	STREAM_HOLD_MAX = 256 << 10,
	/* Records of one unparsed message whose times are kept apart. */
	STREAM_MARKS_MAX = 8,
};

/* What one data record moved. */
struct segment {
	u64 pos;
	u64 len;
	u64 at; /* offset of head */
	struct bytes head, tail; /* borrowed */
	u32 turn;
	struct moment moment;
};

struct mark {
	u64 from; /* first position it holds for; until the next mark's */
	struct moment moment;
};

struct stream {
	u64 next; /* first byte that is neither consumed nor passed over */
	u64 end; /* behind the last byte moved */
	u64 skip_to; /* content before this is not wanted */
	struct buf hold; /* bytes [next, next + hold.len) */
	struct mark last; /* of the newest record */
	struct mark before; /* of the byte before next, when older than last */
	struct mark *older; /* between the two; NULL: none */
	u32 older_count;
	u32 turn; /* of the newest record */
	bool started; /* a record was seen */
	bool lost; /* waiting for a message to resynchronise at */
	bool skipping; /* a skip was asked for whose end feed was not told yet */
	bool over; /* no more bytes will be parsed: protocol changed, direction ended */
};

void stream_init(struct stream *s);
void stream_done(struct stream *s);

/* Takes note of a record: end, turn and times. Its position must not be before end. */
void stream_note(struct stream *s, const struct segment *seg);
/* Everything before pos is done with: drops it from hold, and times that nobody can ask for. */
void stream_advance(struct stream *s, u64 pos);
/* How the byte at pos was moved. Never NULL; exact for positions from next - 1 on. */
const struct moment *stream_moment(const struct stream *s, u64 pos);
/* Drops what is held and not parsed. */
void stream_drop_hold(struct stream *s, u64 next);

/* For tests: aborts when the invariants in the drawing above do not hold. */
void stream_check(const struct stream *s);

#endif
