/* SPDX-License-Identifier: Apache-2.0 */
/* What answers mean and how long to wait. */
#include "export/otlp_answer.h"
#include "test.h"

TEST(verdicts_follow_the_specification)
{
	for (long status = 100; status < 600; status++) {
		struct http_answer a = {.status = status};
		enum verdict want = ANSWER_REFUSED;

		if (status / 100 == 2)
			want = ANSWER_ACCEPTED;
		if (status == 429 || (status >= 502 && status <= 504))
			want = ANSWER_RETRY;
		CHECK_INT(otlp_verdict(&a), want);
	}
}

TEST(waits_grow_to_thirty_seconds_and_are_spread)
{
	u64 low, high;

	for (unsigned failed = 1; failed < 100; failed++) {
		low = UINT64_MAX;
		high = 0;
		for (u64 random = 0; random < 40000; random += 7) {
			u64 ms = otlp_retry_ms(failed, 0, random);

			low = ms < low ? ms : low;
			high = ms > high ? ms : high;
		}
		CHECK(low >= RETRY_FIRST_MS / 2 && high <= RETRY_MOST_MS && high > low);
		CHECK(failed > 1 || high <= 3 * RETRY_FIRST_MS / 2);
	}
	CHECK(low >= RETRY_MOST_MS / 2);
	CHECK_INT(otlp_retry_ms(9, 7, 0), 7000);
	CHECK(otlp_retry_ms(9, 7, 12345) >= 7000 && otlp_retry_ms(9, 7, 12345) <= 7700);
	CHECK_INT(otlp_retry_ms(9, INT64_MAX, 0), RETRY_AFTER_MOST_MS);
}

TEST(what_a_server_says_is_shown_without_its_escapes)
{
	static const char status[] = "\x08\x03\x12\x05"
				     "a\033[m\n";
	struct http_answer a = {
		.status = 400, .protobuf = true, .body = bytes_of(status, sizeof(status) - 1)};
	struct buf b = {0};

	otlp_reason(&a, &b);
	CHECK_TEXT(buf_bytes(&b), "HTTP status 400: a�[m�");
	buf_clear(&b);
	a.protobuf = false;
	otlp_reason(&a, &b);
	CHECK_TEXT(buf_bytes(&b), "HTTP status 400");
	buf_done(&b);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
