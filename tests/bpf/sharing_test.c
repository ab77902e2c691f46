/* SPDX-License-Identifier: Apache-2.0 */
/* One socket, many descriptors, processes and threads: one connection, and who used it. */
#include "child.h"

#include <fcntl.h>

/* One call of each descriptor in turn: all are the same connection. */
TEST(duplicated_descriptors_are_one_connection)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	int first = p.a.fd,
	    fds[3] = {dup(first), fcntl(first, F_DUPFD_CLOEXEC, 100), dup2(first, 200)};
	u8 buf[50];

	fill_pattern(buf, sizeof(buf), 2);
	for (size_t i = 0; i < array_size(fds); i++) {
		struct io io = IO(&p.a, DIR_SEND, buf, write(fds[i], buf, sizeof(buf)));

		MOVED(io);
		close(fds[i]);
	}
	CHECK(!end_end(&p.a));
	pair_close(&p);
}

TEST(a_descriptor_number_used_again_is_another_connection)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4), q;
	int was = p.a.fd;

	pair_close(&p);
	q = pair_greeted(HERE, PAIR_TCP4);
	CHECK(q.a.fd == was || q.b.fd == was);
	CHECK(q.a.conn != p.a.conn && q.b.conn != p.a.conn);
	CHECK(q.a.conn != p.b.conn && q.b.conn != p.b.conn);
	pair_close(&q);
}

struct sender {
	struct shared *shared;
	struct end *e;
	int channel;
};

static int send_some(void *ctx)
{
	struct sender *s = ctx;
	struct shared *sh = s->shared;

	sh->io[0] = IO(s->e, DIR_SEND, sh->bytes, send(s->e->fd, sh->bytes, 100, 0));
	return sh->io[0].ret != 100;
}

TEST(a_socket_inherited_by_a_child_is_the_same_connection_used_by_another_pid)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct sender s = {shared_new(), &p.a, -1};
	u8 buf[10] = "more";
	struct io io;

	fill_pattern(s.shared->bytes, 100, 9);
	CHECK_INT(child_run(send_some, &s), 0);
	MOVED(s.shared->io[0]);
	CHECK(s.shared->io[0].pid != (u32)getpid());
	/* The child's exit did not close it. */
	io = IO(&p.a, DIR_SEND, buf, send(p.a.fd, buf, sizeof(buf), 0));
	MOVED(io);
	CHECK(!end_end(&p.a));
	pair_close(&p);
	shared_free(s.shared);
}

static void send_fd(int channel, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	rig_need(sendmsg(channel, &m, 0) == 1, "a_descriptor_is_passed");
}

static int receive_fd(int channel)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(channel, &m, 0) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static int send_on_what_comes(void *ctx)
{
	struct sender *s = ctx;
	struct shared *sh = s->shared;
	int fd = receive_fd(s->channel);

	sh->io[0] = IO(NULL, DIR_SEND, sh->bytes, send(fd, sh->bytes, 100, 0));
	return sh->io[0].ret != 100;
}

TEST(a_socket_passed_to_another_process_is_the_same_connection_used_by_another_pid)
{
	struct sender s = {.shared = shared_new()};
	int channel[2];
	struct pair p;
	pid_t pid;

	rig_need(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), "a_channel_is_made");
	s.channel = channel[1];
	fill_pattern(s.shared->bytes, 100, 11);
	/* The child was there before the connection. */
	pid = child_start(send_on_what_comes, &s);
	p = pair_greeted(HERE, PAIR_TCP4);
	send_fd(channel[0], p.a.fd);
	CHECK_INT(child_wait(pid), 0);
	s.shared->io[0].e = &p.a;
	MOVED(s.shared->io[0]);
	CHECK_INT(s.shared->io[0].pid, pid);
	pair_close(&p);
	close(channel[0]);
	close(channel[1]);
	shared_free(s.shared);
}

static void *send_in_thread(void *ctx)
{
	struct sender *s = ctx;

	return send_some(s) ? NULL : s;
}

TEST(a_record_names_the_thread)
{
	struct pair p = pair_greeted(HERE, PAIR_UNIX_PATH);
	struct sender s = {shared_new(), &p.a, -1};

	pthread_join(thread_start(send_in_thread, &s), NULL);
	MOVED(s.shared->io[0]);
	CHECK_INT(s.shared->io[0].pid, getpid());
	CHECK(s.shared->io[0].tid != (u32)getpid());
	pair_close(&p);
	shared_free(s.shared);
}

int main(int argc, char **argv)
{
	int failed;

	rig_start();
	failed = test_main(argc, argv);
	rig_stop();
	return failed;
}
