/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_uring: its sends and receives have a position and a length. The registers of the thread are
 * those of another call, if of any: nothing of what they point to may pass as content.
 */
#include "child.h"

#include <liburing.h>

enum {
	N = 700
};

static u8 out[N], in[N], other[N];

struct mode {
	const char *name;
	unsigned setup; /* flags of the ring */
	unsigned sqe; /* flags of an operation */
};

static const struct mode modes[] = {
	{"inline", 0, 0},
	{"in a worker", 0, IOSQE_ASYNC},
	{"by a polling thread", IORING_SETUP_SQPOLL, 0},
};

static int wait_one(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int res;

	if (io_uring_submit_and_wait(ring, 1) < 0 || io_uring_wait_cqe(ring, &cqe))
		return -1;
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

static void ring_open(struct io_uring *ring, const struct mode *m)
{
	int err = io_uring_queue_init(8, ring, m->setup);

	if (err)
		rig_die("an_io_uring_is_made", strerror(-err));
}

/* Operations that move bytes, and what they move. */
enum op {
	SEND,
	RECV,
	WRITE,
	READ,
	WRITEV,
	READV,
	SENDMSG,
	RECVMSG
};

static struct io_uring_sqe *prepare(struct io_uring *ring, enum op op, int fd, struct msghdr *m)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct iovec *v = m->msg_iov;

	rig_need(sqe, "an_io_uring_has_room");
	switch (op) {
	case SEND:
		io_uring_prep_send(sqe, fd, out, N, 0);
		break;
	case RECV:
		io_uring_prep_recv(sqe, fd, in, N, 0);
		break;
	case WRITE:
		io_uring_prep_write(sqe, fd, out, N, 0);
		break;
	case READ:
		io_uring_prep_read(sqe, fd, in, N, 0);
		break;
	case WRITEV:
		io_uring_prep_writev(sqe, fd, v, 2, 0);
		break;
	case READV:
		io_uring_prep_readv(sqe, fd, v, 2, 0);
		break;
	case SENDMSG:
		io_uring_prep_sendmsg(sqe, fd, m, 0);
		break;
	case RECVMSG:
		io_uring_prep_recvmsg(sqe, fd, m, 0);
		break;
	}
	return sqe;
}

static int operate(struct io_uring *ring, const struct mode *mode, enum op op, int fd)
{
	u8 *bytes = op % 2 ? in : out;
	struct iovec v[2] = {{bytes, 300}, {bytes + 300, N - 300}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};

	io_uring_sqe_set_flags(prepare(ring, op, fd, &m), mode->sqe);
	return wait_one(ring);
}

static void op_case(const struct mode *mode, enum pair_kind kind, enum op send_op, enum op recv_op)
{
	struct pair p = pair_greeted(HERE, kind);
	u64 bare = rig_stat(KSTAT_NO_CONTENT);
	struct io_uring ring;

	snprintf(rig_case, sizeof(rig_case), "%s, %s", mode->name, pair_names[kind]);
	ring_open(&ring, mode);
	for (u32 round = 0; round < 3; round++) {
		fill_pattern(out, N, round);
		memset(in, 0, N);
		want_int(HERE, "sent", operate(&ring, mode, send_op, p.a.fd), N);
		want_int(HERE, "records", check_bare(HERE, &p.a, DIR_SEND, N), 1);
		want_int(HERE, "received", operate(&ring, mode, recv_op, p.b.fd), N);
		want_int(HERE, "records", check_bare(HERE, &p.b, DIR_RECV, N), 1);
		want_true(HERE, "what came is what was sent", !memcmp(in, out, N));
	}
	want_int(HERE, "calls without content", (s64)(rig_stat(KSTAT_NO_CONTENT) - bare), 6);
	io_uring_queue_exit(&ring);
	pair_close(&p);
	rig_case[0] = '\0';
}

TEST(a_connection_that_only_io_uring_uses_is_counted_as_blind)
{
	struct pair p = pair_open(PAIR_TCP4);
	u64 blind = rig_stat(KSTAT_BLIND);
	struct io_uring ring;

	ring_open(&ring, &modes[0]);
	fill_request(out, N);
	CHECK_INT(operate(&ring, &modes[0], SEND, p.a.fd), N);
	CHECK_INT(operate(&ring, &modes[0], RECV, p.b.fd), N);
	CHECK_INT(rig_stat(KSTAT_BLIND) - blind, 2);
	CHECK(!end_data(&p.a));
	io_uring_queue_exit(&ring);
	pair_close(&p);
}

static void in_every_mode(enum op send_op, enum op recv_op)
{
	for (size_t i = 0; i < array_size(modes); i++) {
		op_case(&modes[i], PAIR_TCP4, send_op, recv_op);
		op_case(&modes[i], PAIR_UNIX_PATH, send_op, recv_op);
	}
}

TEST(sends_and_receives_have_a_position_and_no_content)
{
	in_every_mode(SEND, RECV);
}

TEST(writes_and_reads_have_a_position_and_no_content)
{
	in_every_mode(WRITE, READ);
}

TEST(vectored_writes_and_reads_have_a_position_and_no_content)
{
	in_every_mode(WRITEV, READV);
}

TEST(sendmsg_and_recvmsg_have_a_position_and_no_content)
{
	in_every_mode(SENDMSG, RECVMSG);
}

/* A receive that waits, and comes to its end while the thread is in another call. */
struct waiting {
	struct io_uring ring;
	struct pair mine, blocked;
};

static void *answer(void *ctx)
{
	struct waiting *w = ctx;

	rig_sleep(30);
	send(w->mine.a.fd, out, N, 0);
	rig_sleep(30);
	memset(other, 'o', N);
	send(w->blocked.a.fd, other, N, 0);
	return NULL;
}

static void blocked_case(ssize_t (*call)(int fd, u8 *p))
{
	struct waiting w = {.mine = pair_greeted(HERE, PAIR_TCP4),
			    .blocked = pair_greeted(HERE, PAIR_TCP4)};
	struct msghdr m = {0};
	pthread_t t;
	struct io io;
	u8 buf[N];

	ring_open(&w.ring, &modes[0]);
	fill_pattern(out, N, 5);
	memset(in, 0, N);
	prepare(&w.ring, RECV, w.mine.b.fd, &m);
	CHECK_INT(io_uring_submit(&w.ring), 1);
	t = thread_start(answer, &w);
	io = IO(&w.blocked.b, DIR_RECV, buf, call(w.blocked.b.fd, buf));
	pthread_join(t, NULL);
	CHECK_INT(io.ret, N);
	MOVED(io);
	CHECK_INT(wait_one(&w.ring), N);
	CHECK(!memcmp(in, out, N));
	check_bare(HERE, &w.mine.b, DIR_RECV, N);
	io_uring_queue_exit(&w.ring);
	pair_close(&w.mine);
	pair_close(&w.blocked);
}

static ssize_t again_until_read(int fd, u8 *p)
{
	ssize_t n;

	/* The completion may interrupt the call. */
	do
		n = read(fd, p, N);
	while (n < 0 && errno == EINTR);
	return n;
}

static ssize_t again_until_received(int fd, u8 *p)
{
	struct iovec v = {p, N};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	ssize_t n;

	do
		n = recvmsg(fd, &m, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

TEST(a_receive_that_ends_while_the_thread_waits_in_another_call_has_not_that_calls_content)
{
	blocked_case(again_until_read);
	blocked_case(again_until_received);
}

TEST(the_end_of_a_connection_is_told_by_an_io_uring_receive)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	const struct record_end *r;
	struct io_uring ring;

	ring_open(&ring, &modes[0]);
	close(p.a.fd);
	p.a.fd = -1;
	CHECK_INT(operate(&ring, &modes[0], RECV, p.b.fd), 0);
	r = end_end(&p.b);
	CHECK(r && r->end == END_RECV_EOF);
	io_uring_queue_exit(&ring);
	pair_close(&p);
}

int main(int argc, char **argv)
{
	struct io_uring ring;
	int failed, err = io_uring_queue_init(8, &ring, 0);

	if (err) {
		printf("skip uring_test: this kernel lets nobody use io_uring: %s\n",
		       strerror(-err));
		return 0;
	}
	io_uring_queue_exit(&ring);
	rig_start();
	failed = test_main(argc, argv);
	rig_stop();
	return failed;
}
