/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that move without a buffer of the process: sendfile and splice; and bytes past any hook. */
#include "child.h"

#include <fcntl.h>
#include <sys/sendfile.h>

enum {
	BODY = 300000
};

static u8 out[BODY], in[BODY];

/* A file whose content is out[0, n). */
static int file_of(size_t n)
{
	FILE *f = tmpfile();
	int fd;

	rig_need(f && fwrite(out, n, 1, f) == 1 && !fflush(f), "a_file");
	fd = dup(fileno(f));
	fclose(f);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Reads n bytes and checks them, the records of each call as well. */
static void receive_checked(struct here h, struct end *e, const u8 *want, size_t n)
{
	size_t had = 0;

	while (had < n) {
		struct io io = IO(e, DIR_RECV, in, recv(e->fd, in, n - had, 0));

		if (!check_moved(h, &io, want_usual(&io)))
			return;
		want_true(h, "what came is what was sent", !memcmp(in, want + had, (size_t)io.ret));
		had += (size_t)io.ret;
	}
}

static void sendfile_case(enum pair_kind kind)
{
	struct pair p = pair_greeted(HERE, kind);
	u64 bare = rig_stat(KSTAT_NO_CONTENT);
	size_t sent = 0;
	int fd;

	snprintf(rig_case, sizeof(rig_case), "%s", pair_names[kind]);
	fill_pattern(out, BODY, 3);
	fd = file_of(BODY);
	while (sent < BODY) {
		ssize_t n = sendfile(p.a.fd, fd, NULL, 100000);
		int records;

		want_true(HERE, "sendfile sends", n > 0);
		if (n <= 0)
			break;
		records = check_bare(HERE, &p.a, DIR_SEND, n);
		want_int(HERE, "calls without content", (s64)(rig_stat(KSTAT_NO_CONTENT) - bare),
			 records);
		bare += (u64)records;
		receive_checked(HERE, &p.b, out + sent, (size_t)n);
		sent += (size_t)n;
	}
	close(fd);
	pair_close(&p);
	rig_case[0] = '\0';
	rig_forget();
}

TEST(sendfile_makes_records_with_positions_and_without_content)
{
	sendfile_case(PAIR_TCP4);
	sendfile_case(PAIR_TCP6);
	sendfile_case(PAIR_UNIX_PATH);
}

TEST(an_mptcp_sendfile_makes_records_with_positions_and_without_content)
{
	sendfile_case(PAIR_MPTCP);
}

static void splice_in_case(enum pair_kind kind)
{
	struct pair p = pair_greeted(HERE, kind);
	int fds[2];
	struct io io;

	snprintf(rig_case, sizeof(rig_case), "%s", pair_names[kind]);
	rig_need(!pipe(fds), "a_pipe");
	fill_pattern(out, 5000, 4);
	rig_need(write(fds[1], out, 5000) == 5000, "a_pipe_is_written");
	want_int(HERE, "spliced", splice(fds[0], NULL, p.a.fd, NULL, 5000, 0), 5000);
	check_bare(HERE, &p.a, DIR_SEND, 5000);
	receive_checked(HERE, &p.b, out, 5000);
	/* And on with an ordinary call at the right place. */
	io = IO(&p.a, DIR_SEND, out, send(p.a.fd, out, 100, 0));
	MOVED(io);
	close(fds[0]);
	close(fds[1]);
	pair_close(&p);
	rig_case[0] = '\0';
}

TEST(splice_into_a_socket_makes_records_with_positions_and_without_content)
{
	splice_in_case(PAIR_TCP4);
	splice_in_case(PAIR_UNIX_PATH);
	splice_in_case(PAIR_SOCKETPAIR);
}

/* Moves n bytes out of the socket into a pipe and away; checks them. */
static void splice_away(struct here h, int fd, const u8 *want, size_t n)
{
	size_t had = 0;
	int fds[2];

	rig_need(!pipe(fds), "a_pipe");
	while (had < n) {
		ssize_t got = splice(fd, NULL, fds[1], NULL, n - had, 0);

		want_true(h, "splice moves", got > 0);
		if (got <= 0)
			break;
		rig_need(read(fds[0], in, (size_t)got) == got, "a_pipe_is_read");
		want_true(h, "what came is what was sent", !memcmp(in, want + had, (size_t)got));
		had += (size_t)got;
	}
	close(fds[0]);
	close(fds[1]);
}

/*
 * No hook of sock-tp tells of a splice out of a TCP socket: the next call finds by the sequence
 * numbers that bytes went by, and they are counted as missed.
 */
TEST(bytes_spliced_out_of_a_tcp_socket_are_missed_and_the_next_position_is_right)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	u64 repositioned = rig_stat(KSTAT_REPOSITIONED), missed = rig_stat(KSTAT_BYTES_MISSED);
	struct io io;

	fill_pattern(out, 5000, 4);
	CHECK_INT(send(p.a.fd, out, 5000, 0), 5000);
	splice_away(HERE, p.b.fd, out, 4000);
	NO_RECORD(&p.b);
	/* 4000 bytes are behind us that no record told. */
	p.b.pos[DIR_RECV] += 4000;
	p.b.seq[DIR_RECV] += 4000;
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 5000, 0));
	CHECK_INT(io.ret, 1000);
	CHECK(!memcmp(in, out + 4000, 1000));
	MOVED(io);
	CHECK_INT(rig_stat(KSTAT_REPOSITIONED) - repositioned, 1);
	CHECK_INT(rig_stat(KSTAT_BYTES_MISSED) - missed, 4000);
	pair_close(&p);
}

/* A proxy that only splices: its body is missed to the end. */
TEST(bytes_missed_until_the_end_are_told_with_the_end)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	const struct record_end *r;

	fill_pattern(out, 3000, 4);
	CHECK_INT(send(p.a.fd, out, 3000, 0), 3000);
	splice_away(HERE, p.b.fd, out, 3000);
	close(p.b.fd);
	p.b.fd = -1;
	r = end_end(&p.b);
	CHECK(r && r->end == END_CLOSED);
	if (r) {
		CHECK_INT(r->missed[DIR_RECV], 3000);
		CHECK_INT(r->missed[DIR_SEND], 0);
	}
	pair_close(&p);
}

TEST(nothing_is_missed_when_every_byte_was_seen)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	u64 repositioned = rig_stat(KSTAT_REPOSITIONED), missed = rig_stat(KSTAT_BYTES_MISSED);
	const struct record_end *r;
	struct io io;

	io = IO(&p.b, DIR_SEND, out, send(p.b.fd, out, 1000, 0));
	MOVED(io);
	io = IO(&p.a, DIR_RECV, in, recv(p.a.fd, in, 1000, MSG_WAITALL));
	MOVED(io);
	shutdown(p.a.fd, SHUT_WR);
	CHECK_INT(recv(p.b.fd, in, 10, 0), 0);
	pair_close(&p);
	for (int i = 0; i < 2; i++)
		while ((r = end_end(i ? &p.b : &p.a))) {
			CHECK_INT(r->missed[DIR_RECV], 0);
			CHECK_INT(r->missed[DIR_SEND], 0);
		}
	CHECK_INT(rig_stat(KSTAT_REPOSITIONED) - repositioned, 0);
	CHECK_INT(rig_stat(KSTAT_BYTES_MISSED) - missed, 0);
}

/* A response whose head is written and whose body comes from a file, as nginx does it. */
TEST(head_by_writev_and_body_by_sendfile_stand_one_behind_the_other)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	int fd;
	struct io io;

	fill_response(out, 200);
	io = IO(&p.b, DIR_SEND, out, send(p.b.fd, out, 200, MSG_MORE));
	MOVED(io);
	fill_pattern(out, 20000, 6);
	fd = file_of(20000);
	CHECK_INT(sendfile(p.b.fd, fd, NULL, 20000), 20000);
	check_bare(HERE, &p.b, DIR_SEND, 20000);
	CHECK_INT(p.b.pos[DIR_SEND], 20200);
	close(fd);
	pair_close(&p);
}

/* The first bytes of a connection from a file: there is nothing to recognise it by. */
TEST(a_message_that_begins_without_content_is_not_recognised)
{
	struct pair p = pair_open(PAIR_TCP4);
	int fd;
	struct io io;

	fill_request(out, 200);
	fd = file_of(200);
	CHECK_INT(sendfile(p.a.fd, fd, NULL, 200), 200);
	NO_RECORD(&p.a);
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 200, MSG_WAITALL));
	MOVED(io);
	close(fd);
	pair_close(&p);
}

int main(int argc, char **argv)
{
	int failed;

	if (!pair_mptcp_works())
		rig_leave_out("mptcp", "this kernel has no MPTCP");
	rig_start();
	failed = test_main(argc, argv);
	rig_stop();
	return failed;
}
