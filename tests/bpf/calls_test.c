/* SPDX-License-Identifier: Apache-2.0 */
/* Every system call that sends or receives, over every kind of stream socket, in every size. */
#include "expect.h"

#include <sys/uio.h>

struct way {
	const char *name;
	ssize_t (*send)(int fd, const u8 *p, size_t n);
	ssize_t (*recv)(int fd, u8 *p, size_t n);
};

/* Three buffers out of one, of different sizes; how many are used. */
static int split(struct iovec v[3], const u8 *p, size_t n)
{
	size_t first = n / 3, second = n / 2;

	v[0] = (struct iovec){(void *)p, first};
	v[1] = (struct iovec){(void *)(p + first), second};
	v[2] = (struct iovec){(void *)(p + first + second), n - first - second};
	return 3;
}

static ssize_t by_write(int fd, const u8 *p, size_t n)
{
	return write(fd, p, n);
}

static ssize_t by_read(int fd, u8 *p, size_t n)
{
	return read(fd, p, n);
}

static ssize_t by_writev(int fd, const u8 *p, size_t n)
{
	struct iovec v[3];

	return writev(fd, v, split(v, p, n));
}

static ssize_t by_readv(int fd, u8 *p, size_t n)
{
	struct iovec v[3];

	return readv(fd, v, split(v, p, n));
}

static ssize_t by_pwritev2(int fd, const u8 *p, size_t n)
{
	struct iovec v[3];

	return pwritev2(fd, v, split(v, p, n), -1, 0);
}

static ssize_t by_preadv2(int fd, u8 *p, size_t n)
{
	struct iovec v[3];

	return preadv2(fd, v, split(v, p, n), -1, 0);
}

static ssize_t by_send(int fd, const u8 *p, size_t n)
{
	return send(fd, p, n, MSG_NOSIGNAL);
}

static ssize_t by_recv(int fd, u8 *p, size_t n)
{
	return recv(fd, p, n, 0);
}

static ssize_t by_sendto(int fd, const u8 *p, size_t n)
{
	return sendto(fd, p, n, MSG_DONTWAIT, NULL, 0);
}

static ssize_t by_recvfrom(int fd, u8 *p, size_t n)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);

	return recvfrom(fd, p, n, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
}

static ssize_t by_sendmsg(int fd, const u8 *p, size_t n)
{
	struct iovec v[3];
	struct msghdr m = {.msg_iov = v, .msg_iovlen = (size_t)split(v, p, n)};

	return sendmsg(fd, &m, 0);
}

static ssize_t by_recvmsg(int fd, u8 *p, size_t n)
{
	struct iovec v[3];
	char control[128];
	struct msghdr m = {.msg_iov = v,
			   .msg_iovlen = (size_t)split(v, p, n),
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};

	return recvmsg(fd, &m, 0);
}

static ssize_t by_sendmmsg(int fd, const u8 *p, size_t n)
{
	struct iovec v[3];
	struct mmsghdr m = {.msg_hdr = {.msg_iov = v, .msg_iovlen = (size_t)split(v, p, n)}};

	return sendmmsg(fd, &m, 1, 0) == 1 ? (ssize_t)m.msg_len : -1;
}

static ssize_t by_recvmmsg(int fd, u8 *p, size_t n)
{
	struct iovec v[3];
	struct mmsghdr m = {.msg_hdr = {.msg_iov = v, .msg_iovlen = (size_t)split(v, p, n)}};

	return recvmmsg(fd, &m, 1, 0, NULL) == 1 ? (ssize_t)m.msg_len : -1;
}

/* Each class of record, its edges, and more than any may hold. */
static const size_t sizes[] = {40, 256, 257, 1024, 1025, 4096, 4097, 4160, 16384, 16385, 30000};

enum {
	SIZE_MAX_USED = 30000
};

/* Receives until all n bytes came, each call checked. */
static void receive_all(const struct way *way, struct end *e, const u8 *sent, size_t n)
{
	static u8 in[SIZE_MAX_USED];
	size_t had = 0;

	while (had < n) {
		struct io io = IO(e, DIR_RECV, in, way->recv(e->fd, in, n - had));

		/* Not all is there yet. */
		if (io.ret < 0 && io.err == EAGAIN)
			continue;
		if (!MOVED(io))
			return;
		want_true(HERE, "what was received is what was sent",
			  !memcmp(in, sent + had, (size_t)io.ret));
		had += (size_t)io.ret;
	}
}

static void exchange(const struct way *way, struct pair *p, size_t n)
{
	static u8 out[SIZE_MAX_USED];
	struct io io;

	fill_request(out, n);
	io = IO(&p->a, DIR_SEND, out, way->send(p->a.fd, out, n));
	want_int(HERE, "all was sent", io.ret, (s64)n);
	MOVED(io);
	receive_all(way, &p->b, out, n);
	fill_response(out, n);
	io = IO(&p->b, DIR_SEND, out, way->send(p->b.fd, out, n));
	want_int(HERE, "all was sent", io.ret, (s64)n);
	MOVED(io);
	receive_all(way, &p->a, out, n);
}

static void over(const struct way *way, enum pair_kind kind)
{
	struct pair p = pair_open(kind);

	for (size_t i = 0; i < array_size(sizes); i++) {
		snprintf(rig_case, sizeof(rig_case), "%s, %zu bytes", pair_names[kind], sizes[i]);
		exchange(way, &p, sizes[i]);
	}
	NO_RECORD(&p.a);
	NO_RECORD(&p.b);
	pair_close(&p);
	rig_case[0] = '\0';
	rig_forget();
}

static void everywhere(const struct way *way)
{
	for (enum pair_kind kind = 0; kind < PAIR_MPTCP; kind++)
		over(way, kind);
}

static const struct way ways[] = {
	{"write, read", by_write, by_read},
	{"writev, readv", by_writev, by_readv},
	{"pwritev2, preadv2", by_pwritev2, by_preadv2},
	{"send, recv", by_send, by_recv},
	{"sendto, recvfrom", by_sendto, by_recvfrom},
	{"sendmsg, recvmsg", by_sendmsg, by_recvmsg},
	{"sendmmsg, recvmmsg", by_sendmmsg, by_recvmmsg},
};

TEST(write_and_read_make_records_of_what_moved)
{
	everywhere(&ways[0]);
}

TEST(writev_and_readv_make_records_of_what_moved)
{
	everywhere(&ways[1]);
}

TEST(pwritev2_and_preadv2_make_records_of_what_moved)
{
	everywhere(&ways[2]);
}

TEST(send_and_recv_make_records_of_what_moved)
{
	everywhere(&ways[3]);
}

TEST(sendto_and_recvfrom_make_records_of_what_moved)
{
	everywhere(&ways[4]);
}

TEST(sendmsg_and_recvmsg_make_records_of_what_moved)
{
	everywhere(&ways[5]);
}

TEST(sendmmsg_and_recvmmsg_make_records_of_what_moved)
{
	everywhere(&ways[6]);
}

TEST(mptcp_makes_the_same_records_by_every_call)
{
	for (size_t i = 0; i < array_size(ways); i++)
		over(&ways[i], PAIR_MPTCP);
}

TEST(each_end_uses_any_call_it_likes)
{
	struct way mixed = {"mixed", by_writev, by_recv};

	everywhere(&mixed);
	mixed = (struct way){"mixed", by_sendmmsg, by_read};
	everywhere(&mixed);
	mixed = (struct way){"mixed", by_send, by_recvmmsg};
	everywhere(&mixed);
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
