/* SPDX-License-Identifier: Apache-2.0 */
/* Records in, spans out: connections and their ends, who the peer is, what time it was. */
#include "pipe.h"

#include "test.h"

TEST(a_connection_over_the_limit_evicts_the_one_used_longest_ago)
{
	struct pipeline_config config = {.conns_max = 3};
	struct pipe t;

	pipe_begin(&t, &config);
	for (u64 id = 1; id <= 3; id++)
		serve(&t, id);
	CHECK_INT(counted(STAT_CONN_EVICTED), 0);
	/* A request is open when its connection has to go. */
	t.conn = 1;
	say(&t, DIR_RECV, A_GET);
	serve(&t, 4);
	serve(&t, 5);
	serve(&t, 6);
	CHECK_INT(counted(STAT_CONN_EVICTED), 3);
	CHECK_INT(counted(STAT_NO_RESPONSE), 1);
	CHECK_INT(t.count, 6);
	pipe_end(&t);
}

TEST(an_evicted_connection_comes_back_with_its_next_request)
{
	struct pipeline_config config = {.conns_max = 1};
	struct record_conn conn = conn_record(1, 1000);
	struct pipe t;
	u64 pos[2];

	pipe_begin(&t, &config);
	pipeline_record(t.p, &conn.h);
	serve(&t, 1);
	memcpy(pos, t.pos, sizeof(pos));
	serve(&t, 2);
	CHECK_INT(counted(STAT_CONN_EVICTED), 1);
	t.conn = 1;
	memcpy(t.pos, pos, sizeof(pos));
	say(&t, DIR_RECV, A_GET);
	say(&t, DIR_SEND, AN_OK);
	CHECK_INT(counted(STAT_CONN_EVICTED), 2);
	CHECK_INT(counted(STAT_CONN_ORPHAN), 0);
	CHECK_INT(t.count, 3);
	CHECK_TEXT(span_text_of(&t, 0, ATTR_PEER_ADDRESS), "192.0.2.1");
	/* Who the peer was is forgotten; that is said by saying nothing. */
	CHECK_TEXT(span_text_of(&t, 2, ATTR_PEER_ADDRESS), "");
	pipe_end(&t);
}

TEST(what_is_told_of_a_closed_connection_too_late_opens_none)
{
	struct record_end closed = end_record(1, 1, END_CLOSED);
	struct pipe t;

	pipe_begin(&t, NULL);
	serve(&t, 1);
	CHECK_INT(pipeline_record(t.p, &closed.h), 0);
	CHECK_INT(counted(STAT_CONN_ORPHAN), 0);
	CHECK_INT(say(&t, DIR_RECV, A_GET), -ENOENT);
	CHECK_INT(counted(STAT_CONN_ORPHAN), 1);
	CHECK_INT(pipeline_record(t.p, &closed.h), 0);
	CHECK_INT(counted(STAT_CONN_ORPHAN), 2);
	CHECK_INT(counted(STAT_BAD_RECORD), 0);
	pipeline_flush(t.p);
	CHECK_INT(t.count, 1);
	pipe_end(&t);
}

TEST(closed_connections_are_remembered_for_some_time_only)
{
	struct pipe t;

	pipe_begin(&t, NULL);
	for (u64 id = 1; id <= 257; id++) {
		struct record_end closed = end_record(id, 1, END_CLOSED);

		serve(&t, id);
		pipeline_record(t.p, &closed.h);
	}
	/* 256 of them: all but the first. */
	t.conn = 2;
	CHECK_INT(say(&t, DIR_RECV, A_GET), -ENOENT);
	t.conn = 257;
	CHECK_INT(say(&t, DIR_RECV, A_GET), -ENOENT);
	t.conn = 1;
	CHECK_INT(say(&t, DIR_RECV, A_GET), 0);
	CHECK_INT(counted(STAT_CONN_ORPHAN), 2);
	CHECK_INT(t.count, 257);
	pipe_end(&t);
}

TEST(the_end_of_an_unknown_connection_is_counted)
{
	struct pipe t;

	pipe_begin(&t, NULL);
	for (int end = END_RECV_EOF; end <= END_GONE; end++) {
		struct record_end r = end_record(99, 1, (enum end_kind)end);

		CHECK_INT(pipeline_record(t.p, &r.h), 0);
	}
	CHECK_INT(counted(STAT_CONN_ORPHAN), 5);
	pipe_end(&t);
}

/* Serves one request on a connection that conn describes, or sends it. */
static void exchange_over(struct pipe *t, const struct record_conn *conn, enum role role)
{
	pipe_begin(t, NULL);
	CHECK_INT(pipeline_record(t->p, &conn->h), 0);
	say(t, role == ROLE_SERVER ? DIR_RECV : DIR_SEND, A_GET);
	say(t, role == ROLE_SERVER ? DIR_SEND : DIR_RECV, AN_OK);
	CHECK_INT(t->count, 1);
}

static void check_peer(struct sock_addr remote, const char *address, s64 port)
{
	struct record_conn conn = conn_record(1, 1);
	struct pipe t;

	conn.remote = remote;
	exchange_over(&t, &conn, ROLE_SERVER);
	CHECK_TEXT(span_text_of(&t, 0, ATTR_PEER_ADDRESS), address);
	CHECK_TEXT(span_text_of(&t, 0, ATTR_CLIENT_ADDRESS), address);
	CHECK_INT(span_get_int(t.spans[0], ATTR_PEER_PORT, -1), port);
	pipe_end(&t);
	exchange_over(&t, &conn, ROLE_CLIENT);
	CHECK_TEXT(span_text_of(&t, 0, ATTR_PEER_ADDRESS), address);
	CHECK_TEXT(span_text_of(&t, 0, ATTR_SERVER_ADDRESS), "h");
	CHECK_INT(span_get_int(t.spans[0], ATTR_PEER_PORT, -1), port);
	pipe_end(&t);
}

TEST(the_peer_is_the_other_end_of_the_socket)
{
	struct sock_addr v6 = {FAMILY_INET6, 443, {0x20, 1, 0xd, 0xb8, [15] = 1}};
	struct sock_addr mapped = {FAMILY_INET6, 5000, {[10] = 0xff, 0xff, 192, 0, 2, 9}};

	check_peer((struct sock_addr){FAMILY_INET, 65535, {127, 0, 0, 1}}, "127.0.0.1", 65535);
	check_peer(v6, "2001:db8::1", 443);
	check_peer(mapped, "192.0.2.9", 5000);
}

TEST(a_socket_without_a_peer_has_no_peer_address)
{
	check_peer((struct sock_addr){0}, "", -1);
	check_peer((struct sock_addr){.family = FAMILY_INET}, "", -1);
	check_peer((struct sock_addr){.family = FAMILY_INET6}, "", -1);
	check_peer((struct sock_addr){99, 80, {1, 2, 3, 4}}, "", -1);
}

static void check_path(struct bytes path, const char *shown)
{
	struct record_conn conn = unix_record(1, 1, path);
	struct pipe t;

	exchange_over(&t, &conn, ROLE_CLIENT);
	CHECK_TEXT(span_text_of(&t, 0, ATTR_NETWORK_TRANSPORT), "unix");
	CHECK_TEXT(span_text_of(&t, 0, ATTR_PEER_ADDRESS), shown);
	pipe_end(&t);
	/* Of the server's peer nothing is known: clients have no path. */
	exchange_over(&t, &conn, ROLE_SERVER);
	CHECK_TEXT(span_text_of(&t, 0, ATTR_NETWORK_TRANSPORT), "unix");
	CHECK_TEXT(span_text_of(&t, 0, ATTR_PEER_ADDRESS), "");
	CHECK_TEXT(span_text_of(&t, 0, ATTR_CLIENT_ADDRESS), "");
	pipe_end(&t);
}

TEST(a_unix_socket_is_known_by_its_path)
{
	char longest[UNIX_PATH_MAX + 1];

	check_path(bytes_str("/run/app.sock"), "/run/app.sock");
	check_path(bytes_of("\0name", 5), "@name");
	check_path(bytes_of("\0", 1), "@");
	check_path(bytes_str(""), "");
	check_path(bytes_of("a\0b", 3), "a");
	check_path(bytes_of("/\xff", 2), "/\xef\xbf\xbd");
	memset(longest, 'p', UNIX_PATH_MAX);
	longest[UNIX_PATH_MAX] = 0;
	check_path(bytes_of(longest, UNIX_PATH_MAX), longest);
}

TEST(a_wall_clock_that_is_set_moves_the_spans_that_follow)
{
	struct pipeline_config config = {.wall_offset = 5000000};
	struct record_clock clock = {.h = {REC_CLOCK, 0, sizeof(clock), 10000}, .wall = 2000000};
	struct pipe t;

	pipe_begin(&t, &config);
	serve(&t, 1);
	CHECK_INT(t.spans[0]->start, 5002000);
	CHECK_INT(t.spans[0]->end, 5003000);
	CHECK_INT(pipeline_record(t.p, &clock.h), 0);
	serve(&t, 2);
	CHECK_INT(t.spans[1]->start, 2000000 - 10000 + 4000);
	CHECK_INT(t.spans[1]->end, 2000000 - 10000 + 5000);
	/* Before 1970 by the clock of monotonic time: only the sum counts. */
	clock.h.time = 20000;
	clock.wall = 15000;
	CHECK_INT(pipeline_record(t.p, &clock.h), 0);
	serve(&t, 3);
	CHECK_INT(t.spans[2]->start, 1000);
	clock.h.size--;
	CHECK_INT(pipeline_record(t.p, &clock.h), -EINVAL);
	pipe_end(&t);
}

TEST(sockets_that_are_gone_are_closed_by_the_sweep)
{
	struct record_conn tcp = conn_record(1, 1000),
			   alive = unix_record(2, 1000, bytes_str("/a")),
			   dead = unix_record(3, 1000, bytes_str("/b")),
			   recent = unix_record(4, 2000000000, bytes_str("/c"));
	u64 exist[] = {9, 2, 4, 1};
	struct pipe t;

	pipe_begin(&t, NULL);
	pipeline_record(t.p, &tcp.h);
	CHECK(!pipeline_wants_sweep(t.p));
	pipeline_record(t.p, &alive.h);
	pipeline_record(t.p, &dead.h);
	pipeline_record(t.p, &dead.h);
	CHECK(pipeline_wants_sweep(t.p));
	/* A body that lasts until the end of its connection. */
	t.conn = 3;
	say(&t, DIR_RECV, A_GET);
	say(&t, DIR_SEND, "HTTP/1.1 200 OK\r\n\r\npart");
	pipeline_record(t.p, &recent.h);
	CHECK_INT(t.count, 0);
	pipeline_sweep(t.p, exist, array_size(exist), 2000001000);
	CHECK_INT(t.count, 1);
	CHECK_INT(t.count ? t.spans[0]->status : -1, STATUS_UNSET);
	CHECK_INT(say(&t, DIR_RECV, A_GET), -ENOENT);
	/* All but TCP are gone, but for the one that was busy just now. */
	pipeline_sweep(t.p, NULL, 0, 2000001000);
	CHECK(pipeline_wants_sweep(t.p));
	pipeline_sweep(t.p, NULL, 0, 4000000000);
	CHECK(!pipeline_wants_sweep(t.p));
	t.conn = 1;
	t.pos[0] = t.pos[1] = 0;
	CHECK_INT(say(&t, DIR_RECV, A_GET), 0);
	pipe_end(&t);
}

TEST(an_evicted_unix_socket_wants_no_sweep)
{
	struct pipeline_config config = {.conns_max = 1};
	struct record_conn one = unix_record(1, 1000, bytes_str("/a"));
	struct pipe t;

	pipe_begin(&t, &config);
	pipeline_record(t.p, &one.h);
	CHECK(pipeline_wants_sweep(t.p));
	serve(&t, 2);
	CHECK(!pipeline_wants_sweep(t.p));
	pipe_end(&t);
}

static struct resource *resource_of(void *ctx, u32 pid)
{
	return pid == 7 ? resource_new(pid) : NULL;
}

TEST(a_span_has_the_resource_of_who_read_its_request)
{
	struct pipeline_config config = {.resource_of = resource_of};
	struct pipe t;

	pipe_begin(&t, &config);
	serve(&t, 1);
	CHECK(t.spans[0]->resource && t.spans[0]->resource->pid == 7);
	pipe_end(&t);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
