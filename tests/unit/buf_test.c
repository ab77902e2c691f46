/* SPDX-License-Identifier: Apache-2.0 */
/* util/buf.h: grows, drops from the front, and fails for good once. */
#include "test.h"

#include "util/buf.h"

TEST(what_is_added_comes_out_in_order)
{
	struct buf b = {0};

	buf_str(&b, "GET ");
	buf_u8(&b, '/');
	buf_add(&b, "x", 1);
	buf_add(&b, NULL, 0);
	buf_printf(&b, "%d", 42);
	CHECK_TEXT(buf_bytes(&b), "GET /x42");
	CHECK(!b.failed);
	buf_done(&b);
	CHECK(!b.data && !b.len && !b.cap);
}

TEST(it_grows_over_many_sizes_without_losing_a_byte)
{
	for (size_t step = 1; step < 200; step += 13) {
		struct buf b = {0};
		u8 piece[200];

		for (size_t i = 0; i < 50; i++) {
			memset(piece, (int)i, step);
			buf_add(&b, piece, step);
		}
		CHECK_INT(b.len, 50 * step);
		for (size_t i = 0; i < b.len; i++)
			if (b.data[i] != i / step)
				CHECK_INT(b.data[i], i / step);
		buf_done(&b);
	}
}

TEST(consume_drops_from_the_front)
{
	struct buf b = {0};

	buf_str(&b, "abcdef");
	buf_consume(&b, 2);
	CHECK_TEXT(buf_bytes(&b), "cdef");
	buf_consume(&b, SIZE_MAX);
	CHECK_INT(b.len, 0);
	buf_done(&b);
}

TEST(room_that_cannot_be_had_fails_for_good_until_cleared)
{
	struct buf b = {0};

	buf_str(&b, "a");
	CHECK(!buf_room(&b, SIZE_MAX - 1));
	CHECK(b.failed);
	buf_str(&b, "b");
	CHECK_TEXT(buf_bytes(&b), "a");
	buf_clear(&b);
	buf_str(&b, "c");
	CHECK_TEXT(buf_bytes(&b), "c");
	buf_done(&b);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
