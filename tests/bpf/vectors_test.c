/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in many buffers, and many messages in one call. */
#include "expect.h"

#include <fcntl.h>
#include <sys/uio.h>

enum {
	BIG = 20000, /* more than any record captures */
	MESSAGES = 4,
	MESSAGE = 100,
};

static u8 out[BIG], in[BIG];

/* n buffers of len bytes each, one behind the other. */
static void cut(struct iovec *v, size_t n, u8 *p, size_t len)
{
	for (size_t i = 0; i < n; i++)
		v[i] = (struct iovec){p + i * len, len};
}

/* The records of one call that moved several messages are checked one by one. */
static struct io part(const struct io *io, const u8 *bytes, s64 n)
{
	struct io one = *io;

	one.bytes = bytes;
	one.ret = n;
	return one;
}

static void vector_of(struct mmsghdr *m, struct iovec *v, size_t n, u8 *p, size_t len)
{
	cut(v, n, p, len);
	memset(m, 0, n * sizeof(*m));
	for (size_t i = 0; i < n; i++) {
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
}

TEST(writev_of_more_buffers_than_are_looked_at_keeps_its_length_and_first_bytes)
{
	struct pair p = pair_open(PAIR_TCP4);
	u64 truncated = rig_stat(KSTAT_IOV_TRUNCATED);
	struct iovec v[CAPTURE_IOV_MAX + 4];
	size_t each = 30, n = array_size(v) * each;
	struct io io;

	fill_request(out, n);
	cut(v, array_size(v), out, each);
	io = IO(&p.a, DIR_SEND, out, writev(p.a.fd, v, array_size(v)));
	CHECK_INT(io.ret, n);
	MOVED_PART(io, CAPTURE_IOV_MAX * (s64)each, 0);
	CHECK_INT(rig_stat(KSTAT_IOV_TRUNCATED) - truncated, 1);
	cut(v, array_size(v), in, each);
	io = IO(&p.b, DIR_RECV, in, readv(p.b.fd, v, array_size(v)));
	CHECK_INT(io.ret, n);
	MOVED_PART(io, CAPTURE_IOV_MAX * (s64)each, 0);
	CHECK_INT(rig_stat(KSTAT_IOV_TRUNCATED) - truncated, 2);
	CHECK(!memcmp(in, out, n));
	pair_close(&p);
}

TEST(as_many_buffers_as_are_looked_at_are_captured_whole)
{
	struct pair p = pair_open(PAIR_TCP4);
	u64 truncated = rig_stat(KSTAT_IOV_TRUNCATED);
	struct iovec v[CAPTURE_IOV_MAX];
	struct io io;

	fill_request(out, CAPTURE_IOV_MAX * 30);
	cut(v, CAPTURE_IOV_MAX, out, 30);
	io = IO(&p.a, DIR_SEND, out, writev(p.a.fd, v, CAPTURE_IOV_MAX));
	MOVED(io);
	CHECK_INT(rig_stat(KSTAT_IOV_TRUNCATED) - truncated, 0);
	pair_close(&p);
}

/* A first request behind that many buffers without bytes. */
static void behind_empty(struct here h, size_t empty)
{
	struct pair p = pair_open(PAIR_TCP4);
	struct iovec v[CAPTURE_IOV_MAX] = {{0}};
	struct io io;

	fill_request(out, 200);
	v[empty] = (struct iovec){out, 150};
	v[empty + 2] = (struct iovec){out + 150, 50};
	io = IO(&p.a, DIR_SEND, out, writev(p.a.fd, v, (int)empty + 3));
	check_moved(h, &io, want_usual(&io));
	pair_close(&p);
}

TEST(a_request_behind_three_empty_buffers_is_recognised)
{
	behind_empty(HERE, 3);
}

TEST(a_request_behind_eight_empty_buffers_is_recognised)
{
	behind_empty(HERE, 8);
}

TEST(a_request_whose_first_buffer_is_short_loses_none_of_its_calls)
{
	struct pair p = pair_open(PAIR_TCP4);
	struct iovec v[2];
	struct io io;

	fill_request(out, 400);
	v[0] = (struct iovec){out, 2};
	v[1] = (struct iovec){out + 2, 198};
	io = IO(&p.a, DIR_SEND, out, writev(p.a.fd, v, 2));
	check_moved(HERE, &io, (struct want){.head = 200, .proto = PROTO_HTTP1});
	io = IO(&p.a, DIR_SEND, out + 200, send(p.a.fd, out + 200, 200, 0));
	CHECK(end_conn(&p.a));
	check_moved(HERE, &io, (struct want){.head = 200, .proto = PROTO_HTTP1});
	pair_close(&p);
}

TEST(a_tail_may_lie_in_several_buffers)
{
	struct pair p = pair_open(PAIR_TCP4);
	struct iovec v[3] = {
		{out, BIG - 40},
		{out + BIG - 40, 20},
		{out + BIG - 20, 20},
	};
	struct io io;

	fill_request(out, BIG);
	io = IO(&p.a, DIR_SEND, out, writev(p.a.fd, v, 3));
	CHECK_INT(io.ret, BIG);
	MOVED(io);
	pair_close(&p);
}

TEST(a_call_that_filled_only_some_of_its_buffers_is_captured_as_far_as_they_were_filled)
{
	struct pair p = pair_open(PAIR_TCP4);
	struct iovec v[8];
	struct io io;

	fill_request(out, 130);
	io = IO(&p.a, DIR_SEND, out, write(p.a.fd, out, 130));
	MOVED(io);
	cut(v, 8, in, 50);
	io = IO(&p.b, DIR_RECV, in, readv(p.b.fd, v, 8));
	CHECK_INT(io.ret, 130);
	MOVED(io);
	pair_close(&p);
}

TEST(each_message_of_a_sendmmsg_is_a_record)
{
	struct pair p = pair_open(PAIR_TCP4);
	struct mmsghdr m[MESSAGES];
	struct iovec v[MESSAGES];

	fill_request(out, MESSAGES * MESSAGE);
	/* Two times with the same vector: the second begins with its first element. */
	for (int round = 0; round < 2; round++) {
		struct io io;

		vector_of(m, v, MESSAGES, out, MESSAGE);
		io = IO(&p.a, DIR_SEND, out, sendmmsg(p.a.fd, m, MESSAGES, 0));
		CHECK_INT(io.ret, MESSAGES);
		for (size_t i = 0; i < MESSAGES; i++) {
			struct io one = part(&io, out + i * MESSAGE, MESSAGE);

			CHECK_INT(m[i].msg_len, MESSAGE);
			MOVED(one);
		}
	}
	NO_RECORD(&p.a);
	pair_close(&p);
}

/* Like the program that keeps its vector, with the lengths that the kernel wrote into it. */
TEST(a_sendmmsg_vector_may_be_used_again_as_it_is)
{
	struct pair p = pair_open(PAIR_TCP4);
	struct mmsghdr m[MESSAGES];
	struct iovec v[MESSAGES];

	fill_request(out, MESSAGES * MESSAGE);
	vector_of(m, v, MESSAGES, out, MESSAGE);
	for (int round = 0; round < 3; round++) {
		struct io io = IO(&p.a, DIR_SEND, out, sendmmsg(p.a.fd, m, MESSAGES, 0));

		for (size_t i = 0; i < MESSAGES; i++) {
			struct io one = part(&io, out + i * MESSAGE, MESSAGE);

			MOVED(one);
		}
	}
	pair_close(&p);
}

/* An event loop's receive: one message of several comes, then the same call again. */
TEST(a_recvmmsg_that_got_less_than_it_asked_for_may_be_repeated)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct mmsghdr m[MESSAGES];
	struct iovec v[MESSAGES];

	memset(in, 'x', sizeof(in));
	vector_of(m, v, MESSAGES, in, MESSAGE);
	for (u32 round = 0; round < 3; round++) {
		struct io io;

		fill_pattern(out, 60, round);
		CHECK_INT(send(p.a.fd, out, 60, 0), 60);
		io = IO(&p.b, DIR_RECV, in, recvmmsg(p.b.fd, m, MESSAGES, MSG_DONTWAIT, NULL));
		CHECK_INT(io.ret, 1);
		CHECK_INT(m[0].msg_len, 60);
		CHECK(!memcmp(in, out, 60));
		io = part(&io, in, 60);
		MOVED(io);
	}
	pair_close(&p);
}

TEST(a_sendmmsg_whose_second_message_cannot_be_read_sends_the_first_and_ends_nothing)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct mmsghdr m[3];
	struct iovec v[3];
	struct io io;

	fill_pattern(out, 3 * MESSAGE, 3);
	vector_of(m, v, 3, out, MESSAGE);
	v[1].iov_base = (void *)8;
	io = IO(&p.a, DIR_SEND, out, sendmmsg(p.a.fd, m, 3, 0));
	CHECK_INT(io.ret, 1);
	io = part(&io, out, MESSAGE);
	MOVED(io);
	CHECK(!end_end(&p.a));
	/* Once more from the beginning, with what the first call left in the vector. */
	v[1].iov_base = out + MESSAGE;
	io = IO(&p.a, DIR_SEND, out, sendmmsg(p.a.fd, m, 3, 0));
	CHECK_INT(io.ret, 3);
	for (size_t i = 0; i < 3; i++) {
		struct io one = part(&io, out + i * MESSAGE, MESSAGE);

		MOVED(one);
	}
	pair_close(&p);
}

TEST(each_message_of_a_recvmmsg_is_a_record)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct mmsghdr m[MESSAGES];
	struct iovec v[MESSAGES];

	fill_pattern(out, MESSAGES * MESSAGE, 4);
	/* Once all are filled, once the last one in part. */
	for (int round = 0; round < 2; round++) {
		size_t n = MESSAGES * MESSAGE - (round ? 30 : 0);
		struct io io;

		CHECK_INT(send(p.a.fd, out, n, 0), n);
		vector_of(m, v, MESSAGES, in, MESSAGE);
		io = IO(&p.b, DIR_RECV, in, recvmmsg(p.b.fd, m, MESSAGES, 0, NULL));
		CHECK_INT(io.ret, MESSAGES);
		CHECK(!memcmp(in, out, n));
		for (size_t i = 0; i < MESSAGES; i++) {
			struct io one = part(&io, in + i * MESSAGE, m[i].msg_len);

			MOVED(one);
		}
	}
	pair_close(&p);
}

/* Until the socket is full: the message that went in part ends the call. */
TEST(a_partial_sendmmsg_is_as_many_records_as_messages_that_moved)
{
	static u8 much[MESSAGES * 65536];
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct mmsghdr m[MESSAGES];
	struct iovec v[MESSAGES];
	int size = 4096;

	setsockopt(p.a.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(p.b.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	fill_pattern(much, sizeof(much), 5);
	for (int round = 0; round < 3; round++) {
		struct io io;

		vector_of(m, v, MESSAGES, much, 65536);
		io = IO(&p.a, DIR_SEND, much, sendmmsg(p.a.fd, m, MESSAGES, MSG_DONTWAIT));
		CHECK(io.ret < MESSAGES);
		for (s64 i = 0; i < io.ret; i++) {
			struct io one = part(&io, much + i * 65536, m[i].msg_len);

			MOVED(one);
		}
		NO_RECORD(&p.a);
		while (recv(p.b.fd, in, sizeof(in), MSG_DONTWAIT) > 0)
			;
	}
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
