/* SPDX-License-Identifier: Apache-2.0 */
/* W3C trace context: the cases of its own test harness, and ours. */
#include "span/context.h"
#include "test.h"
#include "util/buf.h"

#define IDS "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
#define GOOD "00-" IDS "-01"

static int parse(const char *text, struct trace_context *out)
{
	struct bytes in = guard_copy(bytes_str(text));
	int err = context_parse_traceparent(in, out);

	guard_free(in);
	return err;
}

TEST(a_traceparent_is_read)
{
	static const u8 trace[16] = {0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd,
				     0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c};
	static const u8 span[8] = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};
	struct trace_context c = {0};

	CHECK_INT(parse(" \t" GOOD "\t ", &c), 0);
	CHECK(c.valid);
	CHECK(!memcmp(c.trace_id, trace, 16));
	CHECK(!memcmp(c.span_id, span, 8));
	CHECK_INT(c.flags, 1);
}

TEST(only_known_flags_are_kept)
{
	struct trace_context c = {0};

	CHECK_INT(parse("00-" IDS "-03", &c), 0);
	CHECK_INT(c.flags, TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM);
	CHECK_INT(parse("00-" IDS "-ff", &c), 0);
	CHECK_INT(c.flags, 3);
	CHECK_INT(parse("00-" IDS "-00", &c), 0);
	CHECK_INT(c.flags, 0);
	CHECK_INT(parse("cc-" IDS "-08", &c), 0);
	CHECK_INT(c.flags, 0);
}

TEST(later_versions_may_go_on_after_a_dash)
{
	struct trace_context c = {0};

	CHECK_INT(parse("cc-" IDS "-01", &c), 0);
	CHECK_INT(parse("cc-" IDS "-01-", &c), 0);
	CHECK_INT(parse("cc-" IDS "-01-what-the-future-will-be-like", &c), 0);
	CHECK_INT(parse("cc-" IDS "-01.what-the-future-will-be-like", &c), -EINVAL);
	CHECK_INT(parse("cc-" IDS "-01x", &c), -EINVAL);
}

TEST(an_invalid_traceparent_changes_nothing)
{
	static const char *const bad[] = {
		"",
		"00",
		"ff-" IDS "-01",
		"00-" IDS "-01-",
		"00-" IDS "-01-more",
		"00-" IDS "-01.",
		"00-" IDS "-1",
		"00-" IDS "-0g",
		"00-" IDS "-0X",
		"0g-" IDS "-01",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-B7AD6B7169203331-01",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"00-0af7651916cd43dd8448eb211c80319.-b7ad6b7169203331-01",
		"00_" IDS "_01",
		"00-" IDS "_01",
		"0-" IDS "-01 ",
		GOOD "," GOOD,
	};

	for (size_t i = 0; i < array_size(bad); i++) {
		struct trace_context c = {.flags = 0x55};
		int err = parse(bad[i], &c);

		if (err != -EINVAL)
			printf("  accepted: %s\n", bad[i]);
		CHECK_INT(err, -EINVAL);
		CHECK_INT(c.flags, 0x55);
		CHECK(!c.valid);
	}
}

TEST(every_beginning_of_a_traceparent_is_invalid)
{
	struct trace_context c;

	for (size_t n = 0; n < strlen(GOOD); n++) {
		struct bytes in = guard_copy(bytes_of(GOOD, n));

		CHECK_INT(context_parse_traceparent(in, &c), -EINVAL);
		guard_free(in);
	}
}

/* The part that is kept, or "(discarded)". Valid until the next call. */
static struct bytes kept(const char *text)
{
	static struct buf b;
	struct bytes in = guard_copy(bytes_str(text)), out;

	buf_clear(&b);
	if (context_parse_tracestate(in, &out))
		buf_str(&b, "(discarded)");
	else
		buf_add(&b, out.p, bytes_len(out));
	guard_free(in);
	return buf_bytes(&b);
}

TEST(a_good_tracestate_is_kept_as_it_is)
{
	static const char *const good[] = {
		"foo=1",  "foo=1,bar=2",   "foo=1 \t , \t bar=2, \t baz=3",
		"foo=1,", ",foo=1,,bar=2", "foo@=1",
		"0foo=1", "a_-*/@b=x !~",  "tenant@vendor@x= leading",
	};

	for (size_t i = 0; i < array_size(good); i++)
		CHECK_TEXT(kept(good[i]), good[i]);
	CHECK_TEXT(kept(" foo=1\t"), "foo=1");
	CHECK_TEXT(kept(""), "");
	CHECK_TEXT(kept("  "), "");
}

TEST(one_bad_member_discards_the_tracestate)
{
	static const char *const bad[] = {
		"foo",		"=1",	    "foo=",    "foo=,bar=3", "foo=bar=baz",
		"FOO=1",	"foo =1",   "foo.a=1", "@foo=1",     "_foo=1",
		"foo=\xc3\xbc", "foo=a\tb", "a=1,b",   "foo=1;x",    "fo\x01=1",
	};

	for (size_t i = 0; i < array_size(bad); i++) {
		bool fine = !strcmp(bad[i], "foo=1;x"); /* a semicolon is allowed in a value */

		CHECK_TEXT(kept(bad[i]), fine ? bad[i] : "(discarded)");
	}
}

/* n members of value_len characters each; the text lives in b. */
static const char *members(struct buf *b, unsigned n, unsigned value_len)
{
	buf_clear(b);
	for (unsigned i = 0; i < n; i++)
		buf_printf(
			b, "%sk%02u=%.*s", i ? "," : "", i, (int)value_len,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	buf_u8(b, 0);
	return (const char *)b->data;
}

TEST(thirty_two_members_are_kept_and_thirty_three_discarded)
{
	struct buf b = {0};
	const char *text = members(&b, 32, 1);

	CHECK_TEXT(kept(text), text);
	CHECK_TEXT(kept(members(&b, 33, 1)), "(discarded)");
	buf_done(&b);
}

TEST(keys_and_values_may_have_256_characters)
{
	char text[600];

	memset(text, 'a', sizeof(text));
	text[256] = '=';
	text[257] = '1';
	text[258] = 0;
	CHECK_TEXT(kept(text), text);
	memset(text, 'a', sizeof(text));
	text[257] = '=';
	text[259] = 0;
	CHECK_TEXT(kept(text), "(discarded)");
	memset(text, 'a', sizeof(text));
	text[1] = '=';
	text[2 + 256] = 0;
	CHECK_TEXT(kept(text), text);
	text[2 + 256] = 'a';
	text[2 + 257] = 0;
	CHECK_TEXT(kept(text), "(discarded)");
}

TEST(a_long_tracestate_loses_whole_members_from_the_end)
{
	struct buf b = {0}, want = {0};

	/* 20 * 25 - 1 = 499 bytes; one member more would be 524. */
	CHECK_TEXT(kept(members(&b, 30, 20)), members(&want, 20, 20));
	buf_done(&b);
	buf_done(&want);
}

TEST(a_long_tracestate_loses_long_members_at_its_beginning_first)
{
	struct buf b = {0}, want = {0};
	const char *all;

	buf_str(&want, "big=");
	for (int i = 0; i < 200; i++)
		buf_u8(&want, 'y');
	buf_u8(&want, ',');
	all = members(&b, 18, 20);
	buf_str(&want, all);
	buf_u8(&want, 0);
	CHECK_TEXT(kept((const char *)want.data), all);
	buf_done(&b);
	buf_done(&want);
}

TEST(new_ids_are_random_and_not_zero)
{
	u8 zero[16] = {0}, a[16], b[16], s[8], all[16] = {0};

	for (int i = 0; i < 1000; i++) {
		context_new_trace_id(a);
		context_new_trace_id(b);
		context_new_span_id(s);
		CHECK(memcmp(a, zero, 16) && memcmp(b, zero, 16) && memcmp(s, zero, 8));
		CHECK(memcmp(a, b, 16));
		for (int k = 0; k < 16; k++)
			all[k] |= a[k];
	}
	/* Every bit is set sooner or later, the random flag's low seven bytes among them. */
	for (int k = 0; k < 16; k++)
		CHECK_INT(all[k], 0xff);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
