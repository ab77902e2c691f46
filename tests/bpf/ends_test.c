/* SPDX-License-Identifier: Apache-2.0 */
/* How directions and connections end, and what the sweep finds alive. */
#include "child.h"

#include <signal.h>

static u8 in[1000];

static const struct record_end *check_end(struct here h, struct end *e, enum end_kind kind, int err)
{
	const struct record_end *r = end_end(e);

	want_true(h, "the end was told", r);
	if (!r)
		return NULL;
	want_int(h, "kind of end", r->end, kind);
	want_int(h, "errno", r->err, err);
	want_int(h, "bytes missed that were received", (s64)r->missed[DIR_RECV], 0);
	want_int(h, "bytes missed that were sent", (s64)r->missed[DIR_SEND], 0);
	return r;
}

#define ENDS(e, kind, err) check_end(HERE, e, kind, err)
#define NO_END(e) want_true(HERE, "no end", !end_end(e))

static void shut(struct end *e)
{
	close(e->fd);
	e->fd = -1;
}

TEST(the_end_of_what_the_peer_sends_is_told_once_when_it_is_read)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);

	shut(&p.a);
	ENDS(&p.a, END_CLOSED, 0);
	NO_END(&p.b);
	CHECK_INT(recv(p.b.fd, in, 10, 0), 0);
	ENDS(&p.b, END_RECV_EOF, 0);
	CHECK_INT(read(p.b.fd, in, 10), 0);
	NO_END(&p.b);
	shut(&p.b);
	ENDS(&p.b, END_CLOSED, 0);
	NO_END(&p.a);
	NO_END(&p.b);
}

TEST(the_last_bytes_come_before_the_end)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	u8 out[100] = "HTTP/1.1 200 OK\r\n\r\n";
	struct io io;

	io = IO(&p.b, DIR_SEND, out, send(p.b.fd, out, sizeof(out), 0));
	MOVED(io);
	shut(&p.b);
	/* The FIN is there already: its sequence number is passed by with the last bytes. */
	io = IO(&p.a, DIR_RECV, in, recv(p.a.fd, in, sizeof(in), 0));
	MOVED(io);
	NO_END(&p.a);
	CHECK_INT(recv(p.a.fd, in, sizeof(in), 0), 0);
	ENDS(&p.a, END_RECV_EOF, 0);
	shut(&p.a);
	ENDS(&p.a, END_CLOSED, 0);
}

TEST(a_half_closed_connection_goes_on_in_the_other_direction)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	u8 out[100] = "HTTP/1.1 200 OK\r\n\r\n";
	struct io io;

	CHECK_INT(shutdown(p.a.fd, SHUT_WR), 0);
	ENDS(&p.a, END_SEND_EOF, 0);
	CHECK_INT(recv(p.b.fd, in, 10, 0), 0);
	ENDS(&p.b, END_RECV_EOF, 0);
	io = IO(&p.b, DIR_SEND, out, send(p.b.fd, out, sizeof(out), 0));
	MOVED(io);
	io = IO(&p.a, DIR_RECV, in, recv(p.a.fd, in, sizeof(out), 0));
	MOVED(io);
	NO_END(&p.a);
	shut(&p.a);
	ENDS(&p.a, END_CLOSED, 0);
	shut(&p.b);
	ENDS(&p.b, END_CLOSED, 0);
}

TEST(a_shutdown_of_both_directions_is_the_end)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);

	CHECK_INT(shutdown(p.a.fd, SHUT_RDWR), 0);
	ENDS(&p.a, END_CLOSED, 0);
	pair_close(&p);
	NO_END(&p.a);
}

static void reset(struct end *e)
{
	struct linger now = {1, 0};

	setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	shut(e);
}

TEST(a_reset_is_told_by_the_call_that_gets_it)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);

	reset(&p.a);
	CHECK(end_end(&p.a) != NULL);
	CHECK_INT(recv(p.b.fd, in, 10, 0), -1);
	CHECK_INT(errno, ECONNRESET);
	ENDS(&p.b, END_ERROR, ECONNRESET);
	shut(&p.b);
	CHECK(end_end(&p.b) != NULL);
	NO_END(&p.b);
}

TEST(a_reset_is_told_by_a_send_too)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);

	reset(&p.b);
	CHECK_INT(send(p.a.fd, in, 10, MSG_NOSIGNAL), -1);
	CHECK(errno == ECONNRESET || errno == EPIPE);
	ENDS(&p.a, END_ERROR, errno);
	pair_close(&p);
}

TEST(a_reset_that_no_call_got_is_told_when_the_socket_is_closed)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);

	reset(&p.a);
	rig_sleep(5);
	NO_END(&p.b);
	shut(&p.b);
	ENDS(&p.b, END_CLOSED, ECONNRESET);
	NO_END(&p.b);
}

TEST(a_close_with_bytes_unread_resets_the_peer)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);

	CHECK_INT(send(p.a.fd, in, 100, 0), 100);
	shut(&p.b);
	ENDS(&p.b, END_CLOSED, 0);
	CHECK_INT(recv(p.a.fd, in, 10, 0), -1);
	CHECK_INT(errno, ECONNRESET);
	ENDS(&p.a, END_ERROR, ECONNRESET);
	pair_close(&p);
}

struct holder {
	struct pair p;
	pid_t pid;
	int ready[2];
};

static int hold(void *ctx)
{
	struct holder *h = ctx;

	h->p = pair_open(PAIR_TCP4);
	pair_greet(HERE, &h->p);
	if (write(h->ready[1], &h->p, sizeof(h->p)) < 0)
		return 1;
	pause();
	return 0;
}

/* Kills a child that has an open connection; *p becomes what the child had. */
static pid_t kill_holder(struct pair *p)
{
	struct holder h;
	size_t first;
	pid_t pid;

	rig_drain();
	first = rig.n;
	rig_need(!pipe(h.ready), "a_pipe");
	pid = child_start(hold, &h);
	rig_need(read(h.ready[0], p, sizeof(*p)) == sizeof(*p), "a_child_connects");
	/* The child read the ring as far as it got; what it told is not here. */
	p->a.first = p->b.first = first;
	p->a.next[REC_END] = p->b.next[REC_END] = first;
	kill(pid, SIGKILL);
	CHECK_INT(child_wait(pid), 128 + SIGKILL);
	close(h.ready[0]);
	close(h.ready[1]);
	return pid;
}

TEST(the_connections_of_a_killed_process_end)
{
	struct pair p;
	pid_t pid = kill_holder(&p);
	const struct record_end *r;

	rig_sleep(20);
	for (int i = 0; i < 2; i++) {
		struct end *e = i ? &p.b : &p.a;
		bool closed = false;

		CHECK(e->conn);
		while ((r = end_end(e))) {
			CHECK_INT(r->pid, pid);
			closed |= r->end == END_CLOSED;
		}
		CHECK(closed);
	}
}

static int close_both(void *ctx)
{
	pair_close(ctx);
	return 0;
}

TEST(only_the_last_owner_ends_a_connection)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	int again = dup(p.a.fd);
	const struct record_end *r;

	CHECK_INT(child_run(close_both, &p), 0);
	shut(&p.a);
	NO_END(&p.a);
	NO_END(&p.b);
	close(again);
	r = ENDS(&p.a, END_CLOSED, 0);
	if (r)
		CHECK_INT(r->pid, getpid());
	pair_close(&p);
}

TEST(the_ends_of_a_unix_connection_are_told_by_its_calls)
{
	struct pair p = pair_greeted(HERE, PAIR_UNIX_PATH), q = pair_greeted(HERE, PAIR_SOCKETPAIR);

	shut(&p.a);
	CHECK_INT(recv(p.b.fd, in, 10, 0), 0);
	ENDS(&p.b, END_RECV_EOF, 0);
	CHECK_INT(send(p.b.fd, in, 10, MSG_NOSIGNAL), -1);
	ENDS(&p.b, END_ERROR, EPIPE);
	/* Closed with bytes unread: the peer is reset. */
	CHECK_INT(send(q.b.fd, in, 10, 0), 10);
	shut(&q.a);
	CHECK_INT(recv(q.b.fd, in, 10, 0), -1);
	CHECK_INT(errno, ECONNRESET);
	ENDS(&q.b, END_ERROR, ECONNRESET);
	pair_close(&p);
	pair_close(&q);
}

TEST(an_mptcp_connection_ends)
{
	struct pair p = pair_greeted(HERE, PAIR_MPTCP);

	CHECK_INT(shutdown(p.a.fd, SHUT_WR), 0);
	rig_sleep(20);
	CHECK_INT(recv(p.b.fd, in, 10, 0), 0);
	ENDS(&p.b, END_RECV_EOF, 0);
	pair_close(&p);
	rig_sleep(20);
	for (int i = 0; i < 2; i++) {
		const struct record_end *r, *last = NULL;

		while ((r = end_end(i ? &p.b : &p.a)))
			last = r;
		CHECK(last && last->end == END_CLOSED);
	}
}

static bool alive(u64 conn)
{
	u64 *ids = NULL;
	int n = probe_sweep(rig.probe, &ids);
	bool found = false;

	for (int i = 0; i < n; i++)
		found |= ids[i] == conn;
	CHECK(n >= 0);
	free(ids);
	return found;
}

static void sweep_case(enum pair_kind kind)
{
	struct pair p = pair_greeted(HERE, kind);

	snprintf(rig_case, sizeof(rig_case), "%s", pair_names[kind]);
	want_true(HERE, "a is alive", alive(p.a.conn));
	want_true(HERE, "b is alive", alive(p.b.conn));
	shut(&p.a);
	/* Socket memory is given back after a grace period of RCU. */
	for (int tries = 0; alive(p.a.conn) && tries < 100; tries++)
		rig_sleep(10);
	want_true(HERE, "a is gone", !alive(p.a.conn));
	want_true(HERE, "b is alive still", alive(p.b.conn));
	pair_close(&p);
	for (int tries = 0; alive(p.b.conn) && tries < 100; tries++)
		rig_sleep(10);
	want_true(HERE, "b is gone", !alive(p.b.conn));
	rig_case[0] = '\0';
}

TEST(the_sweep_finds_unix_connections_until_they_are_closed)
{
	sweep_case(PAIR_UNIX_PATH);
	sweep_case(PAIR_UNIX_ABSTRACT);
	sweep_case(PAIR_SOCKETPAIR);
}

TEST(the_sweep_finds_every_connection)
{
	enum {
		MANY = 300
	};
	static struct pair p[MANY];
	u64 *ids = NULL;
	int n, found = 0;

	for (int i = 0; i < MANY; i++)
		p[i] = pair_greeted(HERE, i % 2 ? PAIR_UNIX_ABSTRACT : PAIR_TCP4);
	n = probe_sweep(rig.probe, &ids);
	for (int i = 0; i < MANY; i++)
		for (int k = 0; k < n; k++)
			found += ids[k] == p[i].a.conn || ids[k] == p[i].b.conn;
	CHECK_INT(found, 2 * MANY);
	free(ids);
	for (int i = 0; i < MANY; i++)
		pair_close(&p[i]);
}

TEST(a_refused_connection_tells_nothing)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = pair_listen(PAIR_TCP4, &ss, &len), fd = pair_socket(PAIR_TCP4, &ss);
	size_t n;

	close(l);
	rig_drain();
	n = rig.n;
	CHECK_INT(connect(fd, (struct sockaddr *)&ss, len), -1);
	CHECK_INT(errno, ECONNREFUSED);
	close(fd);
	rig_drain();
	CHECK_INT(rig.n, n);
}

int main(int argc, char **argv)
{
	int failed;

	signal(SIGPIPE, SIG_IGN);
	if (!pair_mptcp_works())
		rig_leave_out("mptcp", "this kernel has no MPTCP");
	rig_start();
	failed = test_main(argc, argv);
	rig_stop();
	return failed;
}
