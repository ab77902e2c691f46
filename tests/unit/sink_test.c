/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel is told of a connection, in its control slot. */
#include "drive_rig.h"

static void check_slot(const struct conn_ctl *c, u64 conn, u64 recv_to, u64 send_to, u64 verdict)
{
	CHECK_INT(c->conn, conn);
	CHECK_INT(c->dir[DIR_RECV].skip_to, recv_to);
	CHECK_INT(c->dir[DIR_SEND].skip_to, send_to);
	CHECK_INT(c->verdict, verdict);
}

TEST(the_kernel_is_told_which_bytes_are_not_wanted)
{
	struct rig r;

	begin(&r);
	r.d.ctl = calloc(CTL_SLOTS, sizeof(*r.d.ctl));
	r.c.id = 5 + CTL_SLOTS;
	put(&r, DIR_RECV, POST_100 "some");
	check_slot(&r.d.ctl[5], 5 + CTL_SLOTS, strlen(POST_100) + 100, 0, 0);
	put(&r, DIR_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n");
	CHECK(r.d.ctl[5].dir[DIR_SEND].skip_to > 5000000000);
	CHECK_INT(r.d.ctl[4].conn + r.d.ctl[6].conn, 0);
	end(&r);
}

TEST(a_body_that_is_there_already_is_nothing_to_tell)
{
	struct rig r;

	begin(&r);
	r.d.ctl = calloc(CTL_SLOTS, sizeof(*r.d.ctl));
	put(&r, DIR_RECV, A_GET);
	put(&r, DIR_SEND, AN_OK);
	check_slot(&r.d.ctl[5], 0, 0, 0, 0);
	end(&r);
}

TEST(less_content_is_wanted_for_this_turn_only)
{
	const struct conn_ctl *slot;
	struct rig r;

	begin(&r);
	r.d.ctl = calloc(CTL_SLOTS, sizeof(*r.d.ctl));
	slot = &r.d.ctl[5];
	put(&r, DIR_RECV, A_GET);
	put(&r, DIR_SEND, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	CHECK_INT(slot->conn, 5);
	CHECK_INT(slot->dir[DIR_SEND].turn, 3);
	CHECK(slot->dir[DIR_SEND].want > 0 && slot->dir[DIR_SEND].want < 4096);
	CHECK_INT(slot->dir[DIR_RECV].want, 0);
	end(&r);
}

TEST(a_slot_that_another_connection_had_is_cleared_for_this_one)
{
	struct conn_ctl old = {.conn = 5 + CTL_SLOTS, .verdict = PROTO_NONE};
	struct rig r;

	begin(&r);
	r.d.ctl = calloc(CTL_SLOTS, sizeof(*r.d.ctl));
	old.dir[0].skip_to = old.dir[1].skip_to = UINT64_MAX;
	old.dir[0].want = old.dir[1].want = 1;
	r.d.ctl[5] = old;
	put(&r, DIR_RECV, POST_100);
	check_slot(&r.d.ctl[5], 5, strlen(POST_100) + 100, 0, 0);
	CHECK_INT(r.d.ctl[5].dir[0].want + r.d.ctl[5].dir[1].want, 0);
	end(&r);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
