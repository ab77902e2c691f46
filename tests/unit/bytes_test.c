/* SPDX-License-Identifier: Apache-2.0 */
/* util/bytes.h: the cursor never leaves its bounds, and a getter that fails has not moved it. */
#include "test.h"

TEST(getters_that_fail_leave_the_cursor_where_it_was)
{
	struct bytes b = bytes_str("ab"), out = {0}, was = b;
	u8 c = 7;

	CHECK_INT(bytes_take(&b, 3, &out), -ENODATA);
	CHECK_INT(bytes_take(&b, SIZE_MAX, &out), -ENODATA);
	CHECK_INT(bytes_until(&b, 'x', &out), -ENODATA);
	CHECK(b.p == was.p && b.end == was.end && !out.p);
	bytes_skip(&b, SIZE_MAX);
	CHECK(bytes_empty(b));
	CHECK_INT(bytes_u8(&b, &c), -ENODATA);
	CHECK_INT(c, 7);
	CHECK_INT(bytes_peek(b), -ENODATA);
}

TEST(getters_read_to_the_last_byte_and_not_beyond)
{
	struct bytes all = guard_copy(bytes_str("one,two")), b = all, out = {0};
	u8 c = 0;

	CHECK_INT(bytes_until(&b, ',', &out), 0);
	CHECK_TEXT(out, "one");
	CHECK_INT(bytes_until(&b, ',', &out), -ENODATA);
	CHECK_INT(bytes_take(&b, 2, &out), 0);
	CHECK_TEXT(out, "tw");
	CHECK_INT(bytes_u8(&b, &c), 0);
	CHECK_INT(c, 'o');
	CHECK(bytes_empty(b));
	CHECK(bytes_ends(all, "two") && !bytes_ends(all, "one,two,"));
	CHECK(bytes_starts(all, "one") && !bytes_starts(all, "one,two,"));
	guard_free(all);
}

TEST(comparison_ignores_case_only_where_it_says_so_and_only_of_ascii)
{
	CHECK(bytes_is(bytes_str("Host"), "Host"));
	CHECK(!bytes_is(bytes_str("host"), "Host"));
	CHECK(bytes_is_nocase(bytes_str("hOST"), "Host"));
	CHECK(!bytes_is_nocase(bytes_str("Hos"), "Host"));
	CHECK(!bytes_is_nocase(bytes_str("{"), "["));
	CHECK(!bytes_is_nocase(bytes_str("@"), "`"));
	CHECK(bytes_eq(bytes_of(NULL, 0), bytes_str("")));
}

TEST(trim_takes_spaces_and_tabs_from_both_ends)
{
	CHECK_TEXT(bytes_trim(bytes_str(" \t a b\t ")), "a b");
	CHECK_TEXT(bytes_trim(bytes_str(" \t ")), "");
	CHECK_TEXT(bytes_trim(bytes_str("\r\n")), "\r\n");
}

TEST(numbers_are_whole_fields_that_fit)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0"};
	u64 n = 42;

	for (size_t i = 0; i < array_size(bad); i++) {
		CHECK_INT(bytes_decimal(bytes_str(bad[i]), &n), -EINVAL);
		CHECK_INT(bytes_hex(bytes_str(bad[i]), &n), -EINVAL);
	}
	CHECK_INT(bytes_decimal(bytes_str("18446744073709551616"), &n), -ERANGE);
	CHECK_INT(bytes_hex(bytes_str("10000000000000000"), &n), -ERANGE);
	CHECK_INT(n, 42);
	CHECK_INT(bytes_decimal(bytes_str("18446744073709551615"), &n), 0);
	CHECK(n == UINT64_MAX);
	CHECK_INT(bytes_hex(bytes_str("fFfFfFfFfFfFfFfF"), &n), 0);
	CHECK(n == UINT64_MAX);
	CHECK_INT(bytes_decimal(bytes_str("0007"), &n), 0);
	CHECK_INT(n, 7);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
