/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes by position, and the times of their records. */
#include "conn/stream.h"

#include <assert.h>
#include <stdlib.h>

void stream_init(struct stream *s)
{
	*s = (struct stream){0};
}

void stream_done(struct stream *s)
{
	buf_done(&s->hold);
	free(s->older);
	stream_init(s);
}

/* Keeps the newest mark's predecessor among the older ones while its bytes are not parsed. */
static void keep_last(struct stream *s)
{
	if (!s->started)
		return;
	if (s->last.from < s->next || s->next == s->end) {
		s->before = s->last;
		s->older_count = 0;
		return;
	}
	if (!s->older)
		s->older = malloc(STREAM_MARKS_MAX * sizeof(*s->older));
	/* When there are too many, the last one kept speaks for those that follow it. */
	if (s->older && s->older_count < STREAM_MARKS_MAX)
		s->older[s->older_count++] = s->last;
}

void stream_note(struct stream *s, const struct segment *seg)
{
	assert(!s->started || seg->pos >= s->end);
	if (s->started) {
		keep_last(s);
	} else {
		s->next = seg->pos;
		s->before.from = seg->pos;
		s->before.moment = seg->moment;
	}
	s->last.from = seg->pos;
	s->last.moment = seg->moment;
	s->end = seg->pos + seg->len;
	s->turn = seg->turn;
	s->started = true;
}

const struct moment *stream_moment(const struct stream *s, u64 pos)
{
	if (pos >= s->last.from)
		return &s->last.moment;
	for (u32 i = s->older_count; i > 0; i--)
		if (pos >= s->older[i - 1].from)
			return &s->older[i - 1].moment;
	return &s->before.moment;
}

void stream_advance(struct stream *s, u64 pos)
{
	u32 gone = 0;

	if (pos <= s->next)
		return;
	if (s->hold.len)
		buf_consume(&s->hold, pos - s->next);
	if (!s->hold.len)
		buf_done(&s->hold);
	s->next = pos;
	/* The mark of the byte before next becomes `before`; those behind it stay. */
	while (gone < s->older_count && s->older[gone].from < pos)
		gone++;
	if (gone)
		s->before = s->older[gone - 1];
	s->older_count -= gone;
	if (gone && s->older_count)
		memmove(s->older, s->older + gone, s->older_count * sizeof(*s->older));
	if (!s->older_count) {
		free(s->older);
		s->older = NULL;
	}
}

void stream_drop_hold(struct stream *s, u64 next)
{
	buf_done(&s->hold);
	s->next = next;
}

void stream_check(const struct stream *s)
{
	assert(!s->started || s->next + s->hold.len <= s->end || s->next >= s->end);
	assert(s->hold.len <= STREAM_HOLD_MAX);
	assert(s->older_count <= STREAM_MARKS_MAX);
	for (u32 i = 0; i < s->older_count; i++)
		assert(s->older[i].from < s->last.from);
}
