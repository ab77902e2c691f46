/* SPDX-License-Identifier: Apache-2.0 */
/* From segments to a protocol's calls: skips, gaps, resync, giving up. */
#include "drive_rig.h"

TEST(the_times_of_a_request_in_many_records_are_those_of_its_ends)
{
	struct rig r;

	begin(&r);
	for (const char *p = A_GET; *p; p++)
		put(&r, DIR_RECV, (char[]){*p, 0});
	for (const char *p = AN_OK; *p; p++)
		put(&r, DIR_SEND, (char[]){*p, 0});
	CHECK_INT(r.spans, 1);
	CHECK_INT(r.req_first, 1);
	CHECK_INT(r.req_last, strlen(A_GET));
	CHECK_INT(r.resp_first, strlen(A_GET) + 1);
	CHECK_INT(r.resp_last, strlen(A_GET AN_OK));
	CHECK_INT(r.c.streams[0].hold.len + r.c.streams[1].hold.len, 0);
	end(&r);
}

/* A body of 100 bytes of which records say less and less; then another request. */
static void check_body(u64 at, u64 len, const char *head, const char *tail)
{
	u64 body = strlen(POST_100);
	struct rig r;

	begin(&r);
	put(&r, DIR_RECV, POST_100);
	CHECK(r.c.streams[DIR_RECV].skipping);
	CHECK_INT(r.c.streams[DIR_RECV].skip_to, body + 100);
	seg(&r, DIR_RECV, body + at, len, head, tail);
	put(&r, DIR_SEND, AN_OK);
	if (r.c.streams[DIR_RECV].end < body + 100)
		seg(&r, DIR_RECV, body + 100, strlen(A_GET), A_GET, "");
	else if (r.c.streams[DIR_RECV].end == body + 100)
		put(&r, DIR_RECV, A_GET);
	put(&r, DIR_SEND, AN_OK);
	CHECK_INT(r.spans, 2);
	CHECK_INT(counted(STAT_STREAM_GAP), 0);
	end(&r);
}

TEST(a_skipped_body_needs_no_bytes_wherever_its_records_end)
{
	check_body(0, 100, "", ""); /* its end is the end of a record */
	check_body(0, 40, "xxxx", ""); /* further records never come */
	check_body(60, 40, "", ""); /* earlier ones never came */
	check_body(99, 1, "x", "");
	check_body(0, 100, "xx", "xxxxxx"); /* inside a tail */
	check_body(90, 10 + strlen(A_GET), "xxxxxxxxxx" A_GET, ""); /* inside a head */
	check_body(0, 100 + strlen(A_GET), "x", "xxxx" A_GET); /* inside a tail, with more */
	check_body(0, 100 + strlen(A_GET), "x", A_GET); /* where a tail begins */
}

TEST(records_that_the_kernel_left_out_are_no_gap)
{
	struct rig r;

	begin(&r);
	put(&r, DIR_RECV, POST_100);
	/* The body was never told; the response comes, and the next request behind it. */
	put(&r, DIR_SEND, AN_OK);
	seg(&r, DIR_RECV, strlen(POST_100) + 100, strlen(A_GET), A_GET, "");
	put(&r, DIR_SEND, AN_OK);
	CHECK_INT(r.spans, 2);
	CHECK_INT(counted(STAT_STREAM_GAP), 0);
	CHECK_INT(counted(STAT_STREAM_RESYNC), 0);
	end(&r);
}

TEST(a_gap_is_counted_and_the_next_message_found)
{
	struct rig r;

	begin(&r);
	put(&r, DIR_RECV, A_GET);
	put(&r, DIR_SEND, AN_OK);
	seg(&r, DIR_RECV, strlen(A_GET) + 50, 20, "tail of nothing here", "");
	CHECK(r.c.streams[DIR_RECV].lost);
	CHECK_INT(counted(STAT_STREAM_GAP), 1);
	CHECK_INT(counted(STAT_STREAM_RESYNC), 0);
	put(&r, DIR_RECV, "more of it\r\n" A_GET);
	CHECK(!r.c.streams[DIR_RECV].lost);
	CHECK_INT(counted(STAT_STREAM_RESYNC), 1);
	put(&r, DIR_SEND, AN_OK);
	CHECK_INT(r.spans, 2);
	end(&r);
}

TEST(a_gap_in_a_response_cuts_its_exchange)
{
	struct rig r;

	begin(&r);
	put(&r, DIR_RECV, A_GET);
	put(&r, DIR_SEND, "HTT");
	seg(&r, DIR_SEND, 5000, 4, "zzzz", "");
	CHECK_INT(counted(STAT_STREAM_GAP), 1);
	CHECK_INT(counted(STAT_EXCHANGE_CUT), 1);
	CHECK_INT(r.spans, 0);
	end(&r);
}

TEST(bytes_the_socket_counted_and_no_record_told_are_missing)
{
	struct rig r;

	begin(&r);
	drive_missed(&r.d, &r.c, DIR_RECV, 10); /* before anything is known: no crash */
	put(&r, DIR_RECV, A_GET "GET /half");
	drive_missed(&r.d, &r.c, DIR_RECV, 10);
	stream_check(&r.c.streams[DIR_RECV]);
	CHECK_INT(r.c.streams[DIR_RECV].end, strlen(A_GET "GET /half") + 10);
	CHECK_INT(r.c.streams[DIR_RECV].hold.len, 0);
	end(&r);
}

TEST(records_told_in_the_wrong_order_do_not_go_back)
{
	struct rig r;

	begin(&r);
	put(&r, DIR_RECV, A_GET);
	seg(&r, DIR_RECV, 3, 10, "0123456789", "");
	CHECK_INT(counted(STAT_STREAM_GAP), 1);
	CHECK_INT(r.c.streams[DIR_RECV].end, strlen(A_GET));
	put(&r, DIR_SEND, AN_OK);
	CHECK_INT(r.spans, 1);
	end(&r);
}

TEST(more_unparsed_bytes_than_a_stream_holds_are_cut)
{
	static char body[STREAM_HOLD_MAX / 20 + 1];
	struct rig r;

	memset(body, 'a', sizeof(body) - 1);
	begin(&r);
	put(&r, DIR_SEND, A_GET);
	put(&r, DIR_RECV, AN_OK);
	/* A response that is told before its request waits for it. */
	put(&r, DIR_RECV, "HTTP/1.1 200 OK\r\n\r\n");
	for (int i = 0; i < 19; i++)
		put(&r, DIR_RECV, body);
	CHECK(r.c.streams[DIR_RECV].hold.len > STREAM_HOLD_MAX / 2);
	CHECK_INT(counted(STAT_STREAM_FULL), 0);
	put(&r, DIR_RECV, body);
	put(&r, DIR_RECV, body);
	CHECK_INT(counted(STAT_STREAM_FULL), 1);
	CHECK_INT(r.c.streams[DIR_RECV].hold.len, 0);
	/* What follows is found again. */
	put(&r, DIR_SEND, A_GET);
	put(&r, DIR_RECV, AN_OK);
	put(&r, DIR_SEND, A_GET);
	put(&r, DIR_RECV, AN_OK);
	CHECK(r.spans >= 2);
	CHECK_INT(counted(STAT_STREAM_FULL), 1);
	end(&r);
}

TEST(what_never_was_HTTP_is_given_up_at_once)
{
	struct rig r;

	begin(&r);
	r.d.ctl = calloc(CTL_SLOTS, sizeof(*r.d.ctl));
	put(&r, DIR_RECV, "\x01\x02\x03\x04\r\n");
	CHECK_INT(counted(STAT_PROTO_GAVE_UP), 1);
	CHECK(r.c.streams[0].over && r.c.streams[1].over);
	CHECK_INT(r.d.ctl[5].conn, 5);
	CHECK_INT(r.d.ctl[5].verdict, PROTO_NONE);
	put(&r, DIR_RECV, A_GET);
	put(&r, DIR_SEND, AN_OK);
	CHECK_INT(r.spans, 0);
	CHECK_INT(counted(STAT_PROTO_GAVE_UP), 1);
	end(&r);
}

TEST(a_good_connection_gets_several_chances)
{
	struct rig r;

	begin(&r);
	put(&r, DIR_RECV, A_GET);
	put(&r, DIR_SEND, AN_OK);
	for (int i = 1; i <= DRIVE_FAILURES_MAX; i++) {
		CHECK_INT(counted(STAT_PROTO_GAVE_UP), 0);
		put(&r, DIR_RECV, "\x01\x02\r\n" A_GET);
		if (i < DRIVE_FAILURES_MAX)
			CHECK_INT(counted(STAT_STREAM_RESYNC), i);
	}
	CHECK_INT(counted(STAT_PROTO_GAVE_UP), 1);
	end(&r);
}

TEST(an_undecided_beginning_is_kept_for_the_verdict)
{
	struct segment s = {.len = 3, .head = bytes_str("GET"), .moment = {.time = 77, .pid = 7}};
	struct rig r;

	begin(&r);
	drive_segment(&r.d, &r.c, DIR_RECV, PROTO_UNKNOWN, &s);
	CHECK(!r.c.state);
	CHECK_INT(counted(STAT_CONNECTIONS), 0);
	seg(&r, DIR_RECV, 3, strlen(A_GET) - 3, &A_GET[3], "");
	put(&r, DIR_SEND, AN_OK);
	CHECK_INT(counted(STAT_CONNECTIONS), 1);
	CHECK_INT(r.spans, 1);
	CHECK_INT(r.req_first, 77);
	end(&r);
}

TEST(an_undecided_beginning_that_came_to_nothing_is_dropped)
{
	struct segment s = {.len = 3, .head = bytes_str("PUT"), .moment.time = 77};
	struct rig r;

	begin(&r);
	drive_segment(&r.d, &r.c, DIR_RECV, PROTO_UNKNOWN, &s);
	drive_segment(&r.d, &r.c, DIR_SEND, PROTO_UNKNOWN, &s);
	seg(&r, DIR_RECV, 500, strlen(A_GET), A_GET, "");
	seg(&r, DIR_SEND, 900, strlen(AN_OK), AN_OK, "");
	CHECK_INT(r.spans, 1);
	CHECK_INT(r.req_first, 1);
	CHECK_INT(counted(STAT_STREAM_GAP), 0);
	end(&r);
}

TEST(undecided_bytes_are_bounded_and_positions_stay_right)
{
	struct segment s = {.len = 20, .head = bytes_str("AAAAAAAAAAAAAAAAAAAA")};
	struct stream *recv;
	struct rig r;

	begin(&r);
	recv = &r.c.streams[DIR_RECV];
	for (int i = 0; i < 50; i++, s.pos += 20) {
		drive_segment(&r.d, &r.c, DIR_RECV, PROTO_UNKNOWN, &s);
		stream_check(recv);
		CHECK(recv->hold.len <= INFER_BYTES);
	}
	seg(&r, DIR_RECV, 1000, strlen(A_GET), A_GET, "");
	put(&r, DIR_SEND, AN_OK);
	CHECK_INT(recv->next + recv->hold.len, recv->end);
	end(&r);
}

TEST(a_length_near_the_end_of_numbers_skips_and_never_wraps)
{
	struct rig r;

	begin(&r);
	put(&r, DIR_RECV, "POST /p HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n");
	for (int i = 0; i < 5; i++)
		seg(&r, DIR_RECV, r.c.streams[DIR_RECV].end, UINT32_MAX, "", "");
	CHECK_INT(counted(STAT_STREAM_GAP), 0);
	CHECK_INT(r.spans, 0);
	end(&r);
}

TEST(a_connection_that_leaves_HTTP_is_followed_no_longer)
{
	struct rig r;

	begin(&r);
	r.d.ctl = calloc(CTL_SLOTS, sizeof(*r.d.ctl));
	put(&r, DIR_RECV,
	    "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
	    "Upgrade: websocket\r\n\r\n");
	put(&r, DIR_SEND,
	    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
	    "Upgrade: websocket\r\n\r\n\x81\x05hello");
	CHECK_INT(counted(STAT_UPGRADED), 1);
	CHECK_INT(r.spans, 1);
	CHECK_INT(r.d.ctl[5].verdict, PROTO_NONE);
	put(&r, DIR_RECV, A_GET);
	CHECK_INT(r.spans, 1);
	end(&r);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
