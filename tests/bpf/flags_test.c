/* SPDX-License-Identifier: Apache-2.0 */
/* Flags, blocking and not: which calls make a record, and what of a large one it holds. */
#include "child.h"

#include <signal.h>
#include <sys/time.h>

enum {
	LARGE = 1 << 20
};

static u8 large[LARGE];
static u8 in[LARGE];

/* Reads all that waits at the end, each call checked against sent[had...]. */
static size_t drain_checked(struct here h, struct end *e, const u8 *sent, size_t had)
{
	for (;;) {
		struct io io = IO(e, DIR_RECV, in, recv(e->fd, in, 50000, MSG_DONTWAIT));

		if (io.ret <= 0) {
			want_int(h, "nothing is left", io.err, EAGAIN);
			return had;
		}
		if (!check_moved(h, &io, want_usual(&io)))
			return had;
		want_true(h, "what came is what was sent", !memcmp(in, sent + had, (size_t)io.ret));
		had += (size_t)io.ret;
	}
}

static void partial_case(enum pair_kind kind)
{
	struct pair p = pair_greeted(HERE, kind);
	size_t sent = 0, had = 0;
	int size = 8192, full = 0;

	snprintf(rig_case, sizeof(rig_case), "%s", pair_names[kind]);
	setsockopt(p.a.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	while (sent < 600000) {
		struct io io = IO(&p.a, DIR_SEND, large + sent,
				  send(p.a.fd, large + sent, 70000, MSG_DONTWAIT));

		if (io.ret < 0) {
			want_int(HERE, "the socket is full", io.err, EAGAIN);
			NO_RECORD(&p.a);
			full++;
			had = drain_checked(HERE, &p.b, large, had);
			continue;
		}
		if (!MOVED(io))
			break;
		sent += (size_t)io.ret;
	}
	had = drain_checked(HERE, &p.b, large, had);
	want_int(HERE, "all came", (s64)had, (s64)sent);
	want_true(HERE, "the socket was full at times", full > 0);
	want_true(HERE, "EAGAIN ends nothing", !end_end(&p.a) && !end_end(&p.b));
	pair_close(&p);
	rig_case[0] = '\0';
	rig_forget();
}

TEST(partial_sends_are_records_of_what_moved_and_eagain_is_none)
{
	fill_pattern(large, sizeof(large), 4);
	partial_case(PAIR_TCP4);
	partial_case(PAIR_TCP6);
	partial_case(PAIR_UNIX_PATH);
	partial_case(PAIR_SOCKETPAIR);
}

/* A blocking call of 1 MiB against a peer that reads on another thread. */
static void large_case(enum pair_kind kind)
{
	struct pair p = pair_greeted(HERE, kind);
	struct sink to_b = {p.b.fd, LARGE}, to_a = {p.a.fd, LARGE};
	struct io io;
	pthread_t t;

	snprintf(rig_case, sizeof(rig_case), "%s", pair_names[kind]);
	t = thread_start(sink_run, &to_b);
	fill_pattern(large, LARGE, 6);
	io = IO(&p.a, DIR_SEND, large, send(p.a.fd, large, LARGE, 0));
	pthread_join(t, NULL);
	want_int(HERE, "all was sent", io.ret, LARGE);
	MOVED_PART(io, CAPTURE_HEAD_MAX, CAPTURE_TAIL_MAX);
	t = thread_start(sink_run, &to_a);
	fill_response(large, LARGE);
	/* b's receives on the other thread are not followed here. */
	end_moved(&p.b, DIR_RECV, LARGE);
	p.b.next[REC_DATA] = rig.n;
	io = IO(&p.b, DIR_SEND, large, send(p.b.fd, large, LARGE, 0));
	pthread_join(t, NULL);
	want_int(HERE, "all was sent", io.ret, LARGE);
	MOVED_PART(io, 4096, CAPTURE_TAIL_MAX);
	pair_close(&p);
	rig_case[0] = '\0';
	rig_forget();
}

TEST(of_a_large_request_the_first_16384_and_of_a_response_the_first_4096_bytes_are_captured)
{
	large_case(PAIR_TCP4);
	large_case(PAIR_UNIX_PATH);
}

TEST(of_a_large_receive_head_and_tail_are_captured)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct io io;

	fill_pattern(large, 100000, 8);
	CHECK_INT(send(p.a.fd, large, 100000, 0), 100000);
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 100000, MSG_WAITALL));
	CHECK_INT(io.ret, 100000);
	MOVED_PART(io, CAPTURE_HEAD_MAX, CAPTURE_TAIL_MAX);
	CHECK(!memcmp(in, large, 100000));
	pair_close(&p);
}

static void on_alarm(int sig)
{
}

TEST(an_interrupted_receive_makes_no_record_and_ends_nothing)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4), q = pair_greeted(HERE, PAIR_UNIX_PATH);
	struct sigaction sa = {.sa_handler = on_alarm}, was;
	struct itimerval soon = {.it_value.tv_usec = 30000};
	struct end *ends[] = {&p.b, &q.b};

	sigaction(SIGALRM, &sa, &was);
	for (size_t i = 0; i < array_size(ends); i++) {
		setitimer(ITIMER_REAL, &soon, NULL);
		CHECK_INT(recv(ends[i]->fd, in, 10, 0), -1);
		CHECK_INT(errno, EINTR);
		NO_RECORD(ends[i]);
		CHECK(!end_end(ends[i]));
	}
	sigaction(SIGALRM, &was, NULL);
	pair_close(&p);
	pair_close(&q);
}

TEST(a_receive_that_times_out_makes_no_record_and_ends_nothing)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct timeval t = {.tv_usec = 20000};

	setsockopt(p.b.fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	CHECK_INT(recv(p.b.fd, in, 10, 0), -1);
	CHECK_INT(errno, EAGAIN);
	NO_RECORD(&p.b);
	CHECK(!end_end(&p.b));
	pair_close(&p);
}

static void peek_case(enum pair_kind kind)
{
	struct pair p = pair_open(kind);
	struct iovec v = {in, 64};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct io io;

	snprintf(rig_case, sizeof(rig_case), "%s", pair_names[kind]);
	fill_request(large, 64);
	CHECK_INT(send(p.a.fd, large, 64, 0), 64);
	/* Before the connection is known, and after. */
	for (int round = 0; round < 2; round++) {
		want_int(HERE, "peeked", recv(p.b.fd, in, 64, MSG_PEEK), 64);
		want_int(HERE, "peeked", recvmsg(p.b.fd, &m, MSG_PEEK), 64);
		NO_RECORD(&p.b);
		io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 30, 0));
		MOVED(io);
		want_int(HERE, "peeked", recv(p.b.fd, in, 64, MSG_PEEK), 34);
		NO_RECORD(&p.b);
		io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 64, 0));
		MOVED(io);
		CHECK_INT(send(p.a.fd, large, 64, 0), 64);
	}
	pair_close(&p);
	rig_case[0] = '\0';
}

TEST(msg_peek_makes_no_record)
{
	peek_case(PAIR_TCP4);
	peek_case(PAIR_UNIX_PATH);
	peek_case(PAIR_SOCKETPAIR);
}

TEST(msg_trunc_makes_a_record_without_content)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	u64 bare = rig_stat(KSTAT_NO_CONTENT);
	struct io io;

	fill_pattern(large, 500, 3);
	CHECK_INT(send(p.a.fd, large, 500, 0), 500);
	io = IO(&p.b, DIR_RECV, NULL, recv(p.b.fd, NULL, 200, MSG_TRUNC));
	CHECK_INT(io.ret, 200);
	MOVED_BARE(io);
	CHECK_INT(rig_stat(KSTAT_NO_CONTENT) - bare, 1);
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 500, 0));
	CHECK_INT(io.ret, 300);
	CHECK(!memcmp(in, large + 200, 300));
	MOVED(io);
	pair_close(&p);
}

/* The urgent byte is no part of what the receiver reads, but its number is passed. */
TEST(an_urgent_byte_does_not_move_the_position_of_what_is_read)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	u64 repositioned = rig_stat(KSTAT_REPOSITIONED), missed = rig_stat(KSTAT_BYTES_MISSED);
	const struct record_data *d;
	struct io io;
	u8 urgent;

	fill_pattern(large, 300, 5);
	io = IO(&p.a, DIR_SEND, large, send(p.a.fd, large, 101, MSG_OOB));
	MOVED(io);
	io = IO(&p.a, DIR_SEND, large + 101, send(p.a.fd, large + 101, 100, 0));
	MOVED(io);
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 300, 0));
	CHECK_INT(io.ret, 100);
	MOVED(io);
	CHECK_INT(recv(p.b.fd, &urgent, 1, MSG_OOB), 1);
	CHECK_INT(urgent, large[100]);
	NO_RECORD(&p.b);
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 300, 0));
	CHECK_INT(io.ret, 100);
	p.b.seq_known[DIR_RECV] = false; /* which of two numbers is not laid down */
	d = MOVED(io);
	CHECK(d && !memcmp(d->bytes, large + 101, 100));
	CHECK_INT(rig_stat(KSTAT_REPOSITIONED) - repositioned, 0);
	CHECK_INT(rig_stat(KSTAT_BYTES_MISSED) - missed, 0);
	pair_close(&p);
}

static void no_bytes_case(enum pair_kind kind)
{
	struct pair p = pair_greeted(HERE, kind);
	struct io io;

	snprintf(rig_case, sizeof(rig_case), "%s", pair_names[kind]);
	fill_pattern(large, 100, 5);
	io = IO(&p.a, DIR_SEND, large, send(p.a.fd, large, 100, 0));
	MOVED(io);
	want_int(HERE, "received", recv(p.b.fd, in, 0, 0), 0);
	want_int(HERE, "read", read(p.b.fd, in, 0), 0);
	NO_RECORD(&p.b);
	want_true(HERE, "a receive of no bytes is no end", !end_end(&p.b));
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 100, 0));
	MOVED(io);
	want_int(HERE, "sent", send(p.a.fd, large, 0, 0), 0);
	NO_RECORD(&p.a);
	want_true(HERE, "a send of no bytes is no end", !end_end(&p.a));
	pair_close(&p);
	rig_case[0] = '\0';
}

TEST(calls_that_ask_for_no_bytes_make_no_record_and_end_nothing)
{
	no_bytes_case(PAIR_TCP4);
	no_bytes_case(PAIR_UNIX_PATH);
}

TEST(a_call_with_a_bad_address_makes_no_record_and_ends_nothing)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct io io;

	CHECK_INT(send(p.a.fd, (void *)8, 100, 0), -1);
	CHECK_INT(errno, EFAULT);
	NO_RECORD(&p.a);
	CHECK(!end_end(&p.a));
	fill_pattern(large, 100, 5);
	io = IO(&p.a, DIR_SEND, large, send(p.a.fd, large, 100, 0));
	MOVED(io);
	CHECK_INT(recv(p.b.fd, (void *)8, 100, 0), -1);
	CHECK(!end_end(&p.b));
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 100, 0));
	MOVED(io);
	pair_close(&p);
}

TEST(a_zero_copy_send_is_a_record_and_its_notice_is_none)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct msghdr m = {.msg_control = in, .msg_controllen = 200};
	int one = 1;
	struct io io;

	setsockopt(p.a.fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one));
	fill_pattern(large, 40000, 5);
	io = IO(&p.a, DIR_SEND, large, send(p.a.fd, large, 40000, MSG_ZEROCOPY));
	CHECK_INT(io.ret, 40000);
	MOVED(io);
	CHECK_INT(recv(p.b.fd, in, 40000, MSG_WAITALL), 40000);
	CHECK_INT(recvmsg(p.a.fd, &m, MSG_ERRQUEUE), 0);
	NO_RECORD(&p.a);
	CHECK(!end_end(&p.a));
	pair_close(&p);
}

int main(int argc, char **argv)
{
	int failed;

	signal(SIGPIPE, SIG_IGN);
	rig_start();
	failed = test_main(argc, argv);
	rig_stop();
	return failed;
}
