/* SPDX-License-Identifier: Apache-2.0 */
/* Which connections are followed: recognised by their first bytes, once and for all, or given up. */
#include "expect.h"

static u8 in[4096];

/* Sends and receives without looking at records. */
static void pass(struct end *from, struct end *to, const void *bytes, size_t n)
{
	CHECK_INT(send(from->fd, bytes, n, 0), n);
	CHECK_INT(recv(to->fd, in, n, MSG_WAITALL), n);
	CHECK(!memcmp(in, bytes, n));
	end_moved(from, DIR_SEND, (s64)n);
	end_moved(to, DIR_RECV, (s64)n);
}

#define PASS(from, to, text) pass(from, to, text, sizeof(text) - 1)

/* One record at each end, both with that verdict. */
static void pass_seen(struct here h, struct end *from, struct end *to, struct bytes bytes, u8 proto)
{
	s64 n = (s64)bytes_len(bytes);
	struct want w = {.head = n, .proto = proto};
	struct io io;

	io = IO(from, DIR_SEND, bytes.p, send(from->fd, bytes.p, (size_t)n, 0));
	check_moved(h, &io, w);
	io = IO(to, DIR_RECV, in, recv(to->fd, in, (size_t)n, MSG_WAITALL));
	check_moved(h, &io, w);
}

static bool told(const struct end *e, u16 kind)
{
	rig_drain();
	for (size_t i = e->first; i < rig.n; i++)
		if (rig.all[i]->kind == kind)
			return true;
	return false;
}

struct talk {
	const char *what;
	struct bytes ask, answer;
};

#define TALK(what, ask, answer)                                                                    \
	{                                                                                          \
		what, {(const u8 *)(ask), (const u8 *)(ask) + sizeof(ask) - 1},                    \
		{                                                                                  \
			(const u8 *)(answer), (const u8 *)(answer) + sizeof(answer) - 1            \
		}                                                                                  \
	}

static const struct talk others[] = {
	TALK("Redis", "*2\r\n$3\r\nGET\r\n$5\r\norder\r\n", "$4\r\n8731\r\n"),
	TALK("PostgreSQL", "Q\0\0\0\x0dSELECT 1\0", "T\0\0\0\x21\0\1?column?\0"),
	TALK("TLS", "\x16\3\1\2\0\1\0\1\xfc\3\3", "\x16\3\3\0\x7a\2\0\0\x76\3\3"),
	TALK("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\x12\4\0\0\0\0\0\0\3\0\0\0"),
	TALK("SMTP", "EHLO client.example\r\n", "250 mail.example\r\n"),
};

static void give_up(const struct talk *t, enum pair_kind kind)
{
	u64 before = rig_stat(KSTAT_UNRECOGNISED);
	struct pair p = pair_open(kind);
	size_t from = rig.n;
	int turns = 0;

	snprintf(rig_case, sizeof(rig_case), "%s over %s", t->what, pair_names[kind]);
	/* Each end gives up by itself; the one that was not seen to begin takes longer. */
	while (rig_stat(KSTAT_UNRECOGNISED) < before + 2 && turns < 2 * INFER_TURNS_OLD) {
		pass(&p.a, &p.b, t->ask.p, bytes_len(t->ask));
		pass(&p.b, &p.a, t->answer.p, bytes_len(t->answer));
		turns += 2;
	}
	want_between(HERE, "turns until both ends are given up", (u64)turns, INFER_TURNS,
		     INFER_TURNS_OLD);
	rig_drain();
	want_int(HERE, "records of an unknown protocol", (s64)(rig.n - from), 0);
	/* From now on nothing is looked at. */
	PASS(&p.a, &p.b, "GET / HTTP/1.1\r\n\r\n");
	PASS(&p.b, &p.a, "HTTP/1.1 200 OK\r\n\r\n");
	pair_close(&p);
	rig_drain();
	want_int(HERE, "records after giving up", (s64)(rig.n - from), 0);
	want_int(HERE, "connections given up", (s64)(rig_stat(KSTAT_UNRECOGNISED) - before), 2);
	rig_case[0] = '\0';
}

TEST(an_unknown_protocol_makes_no_records_and_is_given_up_after_a_few_turns)
{
	for (size_t i = 0; i < array_size(others); i++) {
		give_up(&others[i], PAIR_TCP4);
		give_up(&others[i], PAIR_UNIX_PATH);
	}
}

TEST(a_connection_seen_from_its_beginning_is_given_up_in_the_sixth_turn)
{
	struct pair p = pair_open(PAIR_TCP4);
	u64 before = rig_stat(KSTAT_UNRECOGNISED);

	for (int turn = 1; turn <= INFER_TURNS; turn += 2) {
		PASS(&p.a, &p.b, "\x01\x02\x03");
		CHECK_INT(rig_stat(KSTAT_UNRECOGNISED) - before, 0);
		PASS(&p.b, &p.a, "\x04\x05");
		CHECK_INT(rig_stat(KSTAT_UNRECOGNISED) - before, turn + 1 >= INFER_TURNS);
	}
	pair_close(&p);
}

TEST(many_calls_of_one_turn_are_one_try)
{
	struct pair p = pair_open(PAIR_TCP4);
	u64 before = rig_stat(KSTAT_UNRECOGNISED);

	for (int i = 0; i < 100; i++)
		PASS(&p.a, &p.b, "\x01\x02\x03");
	CHECK_INT(rig_stat(KSTAT_UNRECOGNISED) - before, 0);
	pass_seen(HERE, &p.b, &p.a, bytes_str("HTTP/1.1 200 OK\r\n\r\n"), PROTO_HTTP1);
	pair_close(&p);
}

TEST(a_request_after_something_else_is_recognised_at_its_position)
{
	struct pair p = pair_open(PAIR_TCP4);

	PASS(&p.a, &p.b, "\x05\x01\x00"); /* a SOCKS greeting (RFC 1928) */
	PASS(&p.b, &p.a, "\x05\x00");
	pass_seen(HERE, &p.a, &p.b, bytes_str("GET /late HTTP/1.1\r\n\r\n"), PROTO_HTTP1);
	pass_seen(HERE, &p.b, &p.a, bytes_str("HTTP/1.1 200 OK\r\n\r\n"), PROTO_HTTP1);
	pair_close(&p);
}

/* Byte for byte: those before the verdict come too, as what may be the beginning. */
static void one_by_one(const char *text, size_t enough)
{
	struct pair p = pair_open(PAIR_TCP4);
	struct bytes all = bytes_str(text);

	for (size_t i = 0; i < bytes_len(all); i++)
		pass_seen(HERE, &p.a, &p.b, bytes_of(all.p + i, 1),
			  i + 1 >= enough ? PROTO_HTTP1 : PROTO_UNKNOWN);
	CHECK_INT(p.a.pos[DIR_SEND], bytes_len(all));
	pair_close(&p);
}

TEST(a_message_whose_first_bytes_come_one_at_a_time_is_recognised)
{
	one_by_one("GET /orders HTTP/1.1\r\nHost: a\r\n\r\n", 5);
	one_by_one("PROPFIND http://a/ HTTP/1.1\r\n\r\n", 11);
	one_by_one("OPTIONS * HTTP/1.1\r\n\r\n", 9);
	one_by_one("HTTP/1.1 200 OK\r\n\r\n", 7);
}

TEST(first_bytes_that_turn_out_to_be_something_else_end_the_try)
{
	struct pair p = pair_open(PAIR_TCP4);

	pass_seen(HERE, &p.a, &p.b, bytes_str("GET"), PROTO_UNKNOWN);
	PASS(&p.a, &p.b, "\r\n");
	PASS(&p.a, &p.b, "GET / HTTP/1.1\r\n\r\n"); /* the same turn */
	NO_RECORD(&p.a);
	NO_RECORD(&p.b);
	pass_seen(HERE, &p.b, &p.a, bytes_str("HTTP/1.1 400 Bad Request\r\n\r\n"), PROTO_HTTP1);
	pair_close(&p);
}

TEST(the_verdict_is_kept_whatever_comes_later)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);

	for (int i = 0; i < 2 * INFER_TURNS_OLD; i++) {
		pass_seen(HERE, &p.b, &p.a, bytes_of("\x16\3\3\0\x7a", 5), PROTO_HTTP1);
		pass_seen(HERE, &p.a, &p.b, bytes_of("*1\r\n$4\r\n", 8), PROTO_HTTP1);
	}
	pair_close(&p);
}

/* Who asks is told by the first message: here the end that accepted. */
TEST(requests_may_move_towards_the_end_that_connected)
{
	struct pair p = pair_open(PAIR_TCP4);
	u8 large[9000];
	struct io io;

	p.a.request_dir = DIR_RECV;
	p.b.request_dir = DIR_SEND;
	fill_request(large, sizeof(large));
	io = IO(&p.b, DIR_SEND, large, send(p.b.fd, large, sizeof(large), 0));
	MOVED(io);
	io = IO(&p.a, DIR_RECV, large, recv(p.a.fd, large, sizeof(large), MSG_WAITALL));
	MOVED(io);
	fill_response(large, sizeof(large));
	io = IO(&p.a, DIR_SEND, large, send(p.a.fd, large, sizeof(large), 0));
	MOVED_PART(io, 4096, CAPTURE_TAIL_MAX);
	pair_close(&p);
}

TEST(a_connection_that_never_spoke_is_not_told)
{
	struct pair p = pair_open(PAIR_TCP4);

	pair_close(&p);
	CHECK(!told(&p.a, REC_CONN));
	CHECK(!told(&p.a, REC_END));
}

TEST(bytes_seen_are_those_of_recognised_connections)
{
	u64 before = rig_stat(KSTAT_BYTES_SEEN);
	struct pair p = pair_open(PAIR_TCP4);

	PASS(&p.a, &p.b, "\x01\x02\x03");
	PASS(&p.b, &p.a, "\x04\x05");
	CHECK_INT(rig_stat(KSTAT_BYTES_SEEN) - before, 0);
	PASS(&p.a, &p.b, "GET / HTTP/1.1\r\n\r\n");
	CHECK_INT(rig_stat(KSTAT_BYTES_SEEN) - before, 2 * 18);
	pair_close(&p);
}

int main(int argc, char **argv)
{
	int failed;

	rig_start();
	failed = test_main(argc, argv);
	rig_stop();
	return failed;
}
