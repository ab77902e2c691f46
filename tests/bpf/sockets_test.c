/* SPDX-License-Identifier: Apache-2.0 */
/* Which socket a record speaks of: addresses, roles, and what was there before. */
#include "expect.h"

/* Connected before the probe was attached. */
static int old_fds[2];

static void check_address(struct here h, const struct sock_addr *got, int fd,
			  int (*name)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	socklen_t len = sizeof(ss);

	rig_need(!name(fd, (struct sockaddr *)&ss, &len), "a_socket_has_addresses");
	want_int(h, "family", got->family, ss.ss_family);
	want_int(h, "port", got->port, ntohs(in->sin_port)); /* at the same place in both */
	if (ss.ss_family == AF_INET)
		want_true(h, "address", !memcmp(got->addr, &in->sin_addr, 4));
	else
		want_true(h, "address", !memcmp(got->addr, &in6->sin6_addr, 16));
}

static const struct record_conn *check_conn(struct here h, struct end *e, enum role role)
{
	const struct record_conn *c = end_conn_record(e);
	struct stat st;

	want_true(h, "the connection was told", c);
	if (!c)
		return NULL;
	want_int(h, "role", c->role, role);
	want_int(h, "pid", c->pid, getpid());
	want_int(h, "tid", c->tid, syscall(SYS_gettid));
	rig_need(!stat("/proc/self/ns/net", &st), "a_network_namespace_has_a_number");
	want_int(h, "netns", c->netns, (u32)st.st_ino);
	want_true(h, "the connection is told once", !end_conn_record(e));
	return c;
}

static void inet_case(enum pair_kind kind)
{
	struct pair p = pair_open(kind);
	const struct record_conn *c;

	snprintf(rig_case, sizeof(rig_case), "%s", pair_names[kind]);
	pair_greet(HERE, &p);
	c = check_conn(HERE, &p.a, ROLE_CLIENT);
	if (c) {
		check_address(HERE, &c->local, p.a.fd, getsockname);
		check_address(HERE, &c->remote, p.a.fd, getpeername);
		want_int(HERE, "flags of the end that connected", c->h.flags, 0);
	}
	c = check_conn(HERE, &p.b, ROLE_UNKNOWN);
	if (c) {
		check_address(HERE, &c->local, p.b.fd, getsockname);
		check_address(HERE, &c->remote, p.b.fd, getpeername);
	}
	pair_close(&p);
	rig_case[0] = '\0';
}

TEST(a_tcp_connection_is_told_with_its_addresses_and_who_connected)
{
	inet_case(PAIR_TCP4);
	inet_case(PAIR_TCP6);
	inet_case(PAIR_MAPPED);
}

TEST(an_mptcp_connection_is_told_with_its_addresses_and_who_connected)
{
	inet_case(PAIR_MPTCP);
}

static void check_path(struct here h, struct end *e, const char *path, size_t len)
{
	const struct record_conn *c = check_conn(h, e, ROLE_UNKNOWN);

	if (!c)
		return;
	want_true(h, "RECF_PEER_UNIX", c->h.flags & RECF_PEER_UNIX);
	want_int(h, "family", c->local.family, AF_UNIX);
	/* The NUL byte that ends a path in the file system may be there or not. */
	want_true(h, "length of the path",
		  c->path_len == len || (c->path_len == len + 1 && len && path[0]));
	want_true(h, "path", !memcmp(c->path, path, len));
}

static void unix_case(enum pair_kind kind)
{
	struct pair p = pair_open(kind);
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	size_t n;

	snprintf(rig_case, sizeof(rig_case), "%s", pair_names[kind]);
	rig_need(!getsockname(p.b.fd, (struct sockaddr *)&un, &len), "a_socket_has_a_name");
	n = len - offsetof(struct sockaddr_un, sun_path);
	if (kind == PAIR_UNIX_PATH)
		n = strlen(un.sun_path);
	pair_greet(HERE, &p);
	check_path(HERE, &p.a, un.sun_path, n);
	check_path(HERE, &p.b, un.sun_path, n);
	pair_close(&p);
	rig_case[0] = '\0';
}

TEST(a_unix_connection_is_told_at_both_ends_with_the_path_that_listens)
{
	unix_case(PAIR_UNIX_PATH);
	unix_case(PAIR_UNIX_ABSTRACT);
	unix_case(PAIR_SOCKETPAIR);
}

TEST(a_connection_that_was_open_before_is_marked_old_and_its_requests_are_seen)
{
	struct pair p = {end_of(old_fds[0], DIR_SEND), end_of(old_fds[1], DIR_RECV)};
	const struct record_conn *c;

	pair_greet(HERE, &p);
	c = check_conn(HERE, &p.a, ROLE_UNKNOWN);
	CHECK(c && c->h.flags & RECF_OLD);
	if (c)
		check_address(HERE, &c->remote, p.a.fd, getpeername);
	c = check_conn(HERE, &p.b, ROLE_UNKNOWN);
	CHECK(c && c->h.flags & RECF_OLD);
	pair_close(&p);
}

/* Accepts a connection to l whose first request is there before anybody accepts it. */
static struct pair late_accept(int l, const struct sockaddr_storage *ss, socklen_t len)
{
	int fds[2];
	u8 request[64];

	fill_request(request, sizeof(request));
	rig_drain();
	fds[0] = pair_socket(PAIR_TCP4, ss);
	rig_need(!connect(fds[0], (const struct sockaddr *)ss, len), "a_socket_connects");
	CHECK_INT(send(fds[0], request, sizeof(request), 0), sizeof(request));
	rig_sleep(20);
	fds[1] = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	rig_need(fds[1] >= 0, "a_socket_is_accepted");
	return (struct pair){end_of(fds[0], DIR_SEND), end_of(fds[1], DIR_RECV)};
}

TEST(a_connection_to_a_known_port_is_seen_from_its_beginning_and_timed_before_its_accept)
{
	struct sockaddr_storage ss;
	const struct record_conn *c;
	const struct record_data *d;
	struct pair p;
	socklen_t len;
	int l = pair_listen(PAIR_TCP4, &ss, &len);
	u8 in[64];
	u64 before;
	struct io io;

	CHECK_INT(probe_add_port(rig.probe, ntohs(((struct sockaddr_in *)&ss)->sin_port)), 0);
	before = clock_mono();
	p = late_accept(l, &ss, len);
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, sizeof(in), 0));
	d = MOVED(io);
	if (d)
		want_between(HERE, "ready", d->ready, before, io.before - 15 * NS_PER_MS);
	c = check_conn(HERE, &p.b, ROLE_UNKNOWN);
	CHECK(c && !(c->h.flags & RECF_OLD));
	pair_close(&p);
	close(l);
}

TEST(the_port_of_a_server_is_learnt_from_its_first_request)
{
	struct sockaddr_storage ss;
	const struct record_data *d;
	socklen_t len;
	int l = pair_listen(PAIR_TCP4, &ss, &len);
	u8 in[64];

	for (int round = 0; round < 2; round++) {
		struct pair p = late_accept(l, &ss, len);
		struct io io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, sizeof(in), 0));

		d = MOVED(io);
		if (d && round == 1)
			CHECK(d->ready && d->ready < io.before);
		pair_close(&p);
	}
	close(l);
}

TEST(both_ends_of_a_connection_give_the_same_bytes_the_same_sequence_numbers)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	u8 buf[300] = "HTTP/1.1 200 OK\r\n\r\n";
	struct io io;

	CHECK_INT(p.a.seq[DIR_SEND], p.b.seq[DIR_RECV]);
	io = IO(&p.b, DIR_SEND, buf, send(p.b.fd, buf, sizeof(buf), 0));
	MOVED(io);
	io = IO(&p.a, DIR_RECV, buf, recv(p.a.fd, buf, sizeof(buf), MSG_WAITALL));
	MOVED(io);
	CHECK_INT(p.b.seq[DIR_SEND], p.a.seq[DIR_RECV]);
	pair_close(&p);
}

/* connect() to AF_UNSPEC gives a TCP socket back its beginning (connect(2)). */
TEST(a_socket_that_is_connected_a_second_time_is_another_connection)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4), q;
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	const struct record_conn *c = end_conn_record(&p.a);
	struct sockaddr_storage ss;
	socklen_t len;
	int l = pair_listen(PAIR_TCP4, &ss, &len);

	CHECK_INT(connect(p.a.fd, &nowhere, sizeof(nowhere)), 0);
	rig_need(!connect(p.a.fd, (struct sockaddr *)&ss, len), "a_socket_connects_again");
	q = (struct pair){end_of(p.a.fd, DIR_SEND), end_of(accept(l, NULL, NULL), DIR_RECV)};
	pair_greet(HERE, &q);
	CHECK(c && q.a.conn != c->conn);
	close(p.b.fd);
	close(l);
	pair_close(&q);
}

static void datagrams(int type)
{
	u8 out[64], in[64];
	int fds[2];
	size_t n;

	rig_drain();
	n = rig.n;
	rig_need(!socketpair(AF_UNIX, type, 0, fds), "a_socketpair");
	fill_request(out, sizeof(out));
	CHECK_INT(write(fds[0], out, sizeof(out)), sizeof(out));
	CHECK_INT(read(fds[1], in, sizeof(in)), sizeof(in));
	rig_drain();
	CHECK_INT(rig.n, n);
	close(fds[0]);
	close(fds[1]);
}

TEST(sockets_that_are_no_streams_make_no_records)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(in);
	u8 out[64];
	size_t n;

	datagrams(SOCK_DGRAM);
	datagrams(SOCK_SEQPACKET);
	rig_need(!bind(fd, (struct sockaddr *)&in, len), "a_datagram_socket_is_bound");
	getsockname(fd, (struct sockaddr *)&in, &len);
	n = rig.n;
	fill_request(out, sizeof(out));
	CHECK_INT(sendto(fd, out, sizeof(out), 0, (struct sockaddr *)&in, len), sizeof(out));
	CHECK_INT(recv(fd, out, sizeof(out), 0), sizeof(out));
	rig_drain();
	CHECK_INT(rig.n, n);
	close(fd);
}

int main(int argc, char **argv)
{
	int failed;

	if (!pair_mptcp_works())
		rig_leave_out("mptcp", "this kernel has no MPTCP");
	pair_fds(PAIR_TCP4, old_fds);
	rig_start();
	failed = test_main(argc, argv);
	rig_stop();
	return failed;
}
