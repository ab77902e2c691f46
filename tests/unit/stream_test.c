/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes by position and the times of their records. */
#include "conn/stream.h"

#include "test.h"

/* A record of len bytes that stands behind all others; its time is its position plus 1000. */
static void note(struct stream *s, u64 pos, u64 len)
{
	struct segment seg = {.pos = pos, .len = len, .turn = (u32)pos, .moment.time = pos + 1000};

	stream_note(s, &seg);
	stream_check(s);
}

static void hold(struct stream *s, const char *text)
{
	buf_str(&s->hold, text);
	stream_check(s);
}

static void advance(struct stream *s, u64 pos)
{
	stream_advance(s, pos);
	stream_check(s);
}

static u64 time_at(const struct stream *s, u64 pos)
{
	return stream_moment(s, pos)->time;
}

TEST(the_first_record_says_where_the_stream_begins)
{
	struct stream s;

	stream_init(&s);
	stream_check(&s);
	CHECK(!s.started);
	note(&s, 700, 30);
	CHECK(s.started);
	CHECK_INT(s.next, 700);
	CHECK_INT(s.end, 730);
	CHECK_INT(s.turn, 700);
	CHECK_INT(time_at(&s, 700), 1700);
	/* The byte before is nobody's: the nearest time that is known. */
	CHECK_INT(time_at(&s, 699), 1700);
	stream_done(&s);
	CHECK(!s.started);
	stream_done(&s);
}

TEST(each_byte_of_an_unparsed_message_has_the_time_of_its_record)
{
	struct stream s;

	stream_init(&s);
	for (u64 i = 0; i < STREAM_MARKS_MAX; i++) {
		note(&s, i * 10, 10);
		hold(&s, "0123456789");
	}
	for (u64 pos = 0; pos < s.end; pos++)
		CHECK_INT(time_at(&s, pos), pos / 10 * 10 + 1000);
	stream_done(&s);
}

TEST(times_stay_exact_from_one_byte_before_what_is_left)
{
	struct stream s;

	/* Every place at which a parser may stop, with a further record afterwards. */
	for (u64 stop = 1; stop <= 50; stop++) {
		stream_init(&s);
		for (u64 i = 0; i < 5; i++) {
			note(&s, i * 10, 10);
			hold(&s, "0123456789");
		}
		advance(&s, stop);
		for (u64 pos = stop - 1; pos < 50; pos++)
			CHECK_INT(time_at(&s, pos), pos / 10 * 10 + 1000);
		note(&s, 50, 10);
		for (u64 pos = stop - 1; pos < 60; pos++)
			CHECK_INT(time_at(&s, pos), pos / 10 * 10 + 1000);
		CHECK_INT(s.next, stop);
		CHECK_INT(s.hold.len, 50 - stop);
		stream_done(&s);
	}
}

TEST(of_too_many_records_the_first_and_the_newest_keep_their_times)
{
	const u64 many = STREAM_MARKS_MAX + 20;
	struct stream s;

	stream_init(&s);
	for (u64 i = 0; i < many; i++) {
		note(&s, i, 1);
		hold(&s, "x");
	}
	for (u64 pos = 0; pos < STREAM_MARKS_MAX; pos++)
		CHECK_INT(time_at(&s, pos), pos + 1000);
	/* Those between have the time of one before them, never a later one. */
	for (u64 pos = 1; pos < many; pos++) {
		CHECK(time_at(&s, pos) <= pos + 1000);
		CHECK(time_at(&s, pos) >= time_at(&s, pos - 1));
	}
	CHECK_INT(time_at(&s, many - 1), many - 1 + 1000);
	/* Room is made by parsing. */
	advance(&s, many - 1);
	for (u64 i = many; i < many + 4; i++) {
		note(&s, i, 1);
		hold(&s, "x");
	}
	for (u64 pos = many - 1; pos < many + 4; pos++)
		CHECK_INT(time_at(&s, pos), pos + 1000);
	stream_done(&s);
}

TEST(an_idle_stream_holds_no_memory)
{
	struct stream s;

	stream_init(&s);
	for (u64 i = 0; i < 4; i++) {
		note(&s, i * 4, 4);
		hold(&s, "abcd");
	}
	CHECK(s.older && s.hold.data);
	advance(&s, 16);
	CHECK(!s.older && !s.hold.data);
	CHECK_INT(time_at(&s, 15), 1012);
	stream_done(&s);
}

TEST(to_advance_drops_what_stands_before_and_never_goes_back)
{
	struct stream s;

	stream_init(&s);
	note(&s, 100, 6);
	hold(&s, "abcdef");
	advance(&s, 104);
	CHECK_TEXT(buf_bytes(&s.hold), "ef");
	advance(&s, 101);
	CHECK_INT(s.next, 104);
	CHECK_TEXT(buf_bytes(&s.hold), "ef");
	/* Behind all that moved: a skip. */
	advance(&s, 1000);
	CHECK_INT(s.next, 1000);
	CHECK_INT(s.hold.len, 0);
	note(&s, 1000, 3);
	CHECK_INT(time_at(&s, 1001), 2000);
	stream_done(&s);
}

TEST(positions_near_the_end_of_their_range_are_positions)
{
	struct stream s;

	stream_init(&s);
	note(&s, UINT64_MAX / 2 - 5, 5);
	hold(&s, "abcde");
	note(&s, UINT64_MAX / 2, UINT32_MAX);
	advance(&s, UINT64_MAX / 2 - 1);
	CHECK_TEXT(buf_bytes(&s.hold), "e");
	CHECK_INT(time_at(&s, UINT64_MAX / 2 - 1), UINT64_MAX / 2 - 5 + 1000);
	stream_done(&s);
}

TEST(what_is_dropped_takes_its_times_along)
{
	struct stream s;

	stream_init(&s);
	for (u64 i = 0; i < 3; i++) {
		note(&s, i * 4, 4);
		hold(&s, "abcd");
	}
	stream_drop_hold(&s, 12);
	stream_check(&s);
	CHECK_INT(s.next, 12);
	CHECK_INT(s.hold.len, 0);
	note(&s, 12, 4);
	hold(&s, "efgh");
	note(&s, 16, 4);
	CHECK_INT(time_at(&s, 11), 1008);
	CHECK_INT(time_at(&s, 15), 1012);
	CHECK_INT(time_at(&s, 16), 1016);
	stream_done(&s);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
