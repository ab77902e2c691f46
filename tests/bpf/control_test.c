/* SPDX-License-Identifier: Apache-2.0 */
/* What user space says in a control slot saves work, and nothing else. */
#include "child.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

static u8 out[40000], in[40000];

static struct conn_ctl *slot_of(struct end *e)
{
	u64 conn = end_conn(e);
	struct conn_ctl *c = &probe_ctl(rig.probe)[conn & (CTL_SLOTS - 1)];

	memset(c, 0, sizeof(*c));
	c->conn = conn;
	return c;
}

static struct io send_n(struct pair *p, const u8 *bytes, size_t n)
{
	return IO(&p->a, DIR_SEND, bytes, send(p->a.fd, bytes, n, 0));
}

/* Moves n bytes that nobody wants to hear of. */
static void send_unseen(struct here h, struct pair *p, const u8 *bytes, size_t n)
{
	struct io io = send_n(p, bytes, n);

	want_int(h, "sent", io.ret, (s64)n);
	end_moved(&p->a, DIR_SEND, io.ret);
	p->a.seq[DIR_SEND] += (u32)n;
	want_true(h, "no record", !end_data(&p->a));
}

/* A record of n bytes whose content begins at `at`. */
static void check_from(struct here h, struct io *io, u32 at)
{
	s64 left = io->ret - at, head = usual_head(io->e, io->dir, left);
	struct want w = {.head = head, .tail = usual_tail(left, head), .proto = PROTO_HTTP1};
	const struct record_data *d = check_moved(h, io, w);

	if (d)
		want_int(h, "at", d->at, at);
}

TEST(calls_in_the_middle_of_a_body_make_no_records_and_the_last_one_does)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct conn_ctl *c = slot_of(&p.a);
	u64 seen = rig_stat(KSTAT_BYTES_SEEN), body = p.a.pos[DIR_SEND];
	struct io io;

	fill_pattern(out, sizeof(out), 1);
	c->dir[DIR_SEND].skip_to = body + 3500;
	send_unseen(HERE, &p, out, 1000);
	send_unseen(HERE, &p, out, 1000);
	send_unseen(HERE, &p, out, 1499);
	/* The body's last byte, and what follows it in the same call. */
	io = send_n(&p, out, 1000);
	check_from(HERE, &io, 1);
	io = send_n(&p, out, 100);
	check_from(HERE, &io, 0);
	CHECK_INT(rig_stat(KSTAT_BYTES_SEEN) - seen, 4599);
	pair_close(&p);
}

TEST(a_call_that_ends_where_the_body_ends_makes_a_record_without_bytes)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct conn_ctl *c = slot_of(&p.a);
	const struct record_data *d;
	struct io io;

	fill_pattern(out, sizeof(out), 1);
	c->dir[DIR_SEND].skip_to = p.a.pos[DIR_SEND] + 1500;
	send_unseen(HERE, &p, out, 1000);
	io = send_n(&p, out, 500);
	d = check_moved(HERE, &io, (struct want){.proto = PROTO_HTTP1});
	if (d)
		CHECK_INT(d->at, 500);
	pair_close(&p);
}

TEST(what_is_skipped_in_a_vector_is_left_out_of_it)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct conn_ctl *c = slot_of(&p.a);
	struct iovec v[3] = {{out, 100}, {out + 100, 200}, {out + 300, 400}};
	struct io io;

	fill_pattern(out, sizeof(out), 1);
	c->dir[DIR_SEND].skip_to = p.a.pos[DIR_SEND] + 150;
	io = IO(&p.a, DIR_SEND, out, writev(p.a.fd, v, 3));
	check_from(HERE, &io, 150);
	pair_close(&p);
}

TEST(what_is_skipped_of_a_large_call_leaves_head_and_tail_of_the_rest)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct conn_ctl *c = slot_of(&p.a);
	struct io io;

	fill_pattern(out, sizeof(out), 1);
	c->dir[DIR_SEND].skip_to = p.a.pos[DIR_SEND] + 10000;
	io = send_n(&p, out, sizeof(out));
	CHECK_INT(io.ret, sizeof(out));
	check_from(HERE, &io, 10000);
	pair_close(&p);
}

TEST(each_direction_is_skipped_by_itself)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct conn_ctl *c = slot_of(&p.a);
	struct io io;

	c->dir[DIR_RECV].skip_to = 1 << 20;
	fill_pattern(out, sizeof(out), 1);
	io = send_n(&p, out, 100);
	check_from(HERE, &io, 0);
	CHECK_INT(send(p.b.fd, out, 100, 0), 100);
	CHECK_INT(recv(p.a.fd, in, 100, 0), 100);
	NO_RECORD(&p.a);
	pair_close(&p);
}

TEST(fewer_bytes_are_wanted_only_in_the_turn_that_was_named)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct conn_ctl *c = slot_of(&p.a);
	struct io io;

	fill_pattern(out, sizeof(out), 1);
	c->dir[DIR_SEND].turn = p.a.turn;
	c->dir[DIR_SEND].want = 100;
	io = send_n(&p, out, 3000);
	MOVED_PART(io, 100, CAPTURE_TAIL_MAX);
	io = send_n(&p, out, 50);
	MOVED_PART(io, 50, 0);
	io = send_n(&p, out, 120);
	MOVED_PART(io, 100, 20);
	/* Another turn, and back: the wish is over. */
	CHECK_INT(send(p.b.fd, out, 10, 0), 10);
	io = IO(&p.a, DIR_RECV, in, recv(p.a.fd, in, 10, 0));
	MOVED(io);
	io = send_n(&p, out, 3000);
	MOVED(io);
	pair_close(&p);
}

TEST(more_than_usual_cannot_be_wanted)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct conn_ctl *c = slot_of(&p.a);
	struct io io;

	fill_pattern(out, sizeof(out), 1);
	c->dir[DIR_SEND].turn = p.a.turn;
	c->dir[DIR_SEND].want = UINT32_MAX;
	io = send_n(&p, out, sizeof(out));
	MOVED(io);
	pair_close(&p);
}

TEST(a_connection_that_user_space_gives_up_makes_no_more_data_records)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct conn_ctl *c = slot_of(&p.a);
	struct io io;

	fill_request(out, 100);
	c->verdict = PROTO_NONE;
	CHECK_INT(send(p.a.fd, out, 100, 0), 100);
	NO_RECORD(&p.a);
	/* For good, also when the slot speaks of another connection by now. */
	memset(c, 0, sizeof(*c));
	CHECK_INT(send(p.a.fd, out, 100, 0), 100);
	NO_RECORD(&p.a);
	/* The other end is another connection. */
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 200, MSG_WAITALL));
	MOVED(io);
	pair_close(&p);
}

TEST(a_slot_that_speaks_of_another_connection_is_not_believed)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct conn_ctl *c = slot_of(&p.a);
	struct io io;

	/* As it is when two connections share a slot. */
	c->conn += CTL_SLOTS;
	c->verdict = PROTO_NONE;
	c->dir[DIR_SEND].skip_to = 1 << 30;
	c->dir[DIR_SEND].turn = p.a.turn;
	c->dir[DIR_SEND].want = 1;
	fill_pattern(out, sizeof(out), 1);
	io = send_n(&p, out, 1000);
	MOVED(io);
	pair_close(&p);
}

TEST(a_body_that_is_sent_from_a_file_is_skipped_too)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	struct conn_ctl *c = slot_of(&p.a);
	FILE *f = tmpfile();
	struct io io;

	fill_pattern(out, sizeof(out), 1);
	rig_need(f && fwrite(out, 20000, 1, f) == 1 && !fflush(f), "a_file");
	c->dir[DIR_SEND].skip_to = p.a.pos[DIR_SEND] + 20001;
	lseek(fileno(f), 0, SEEK_SET);
	io = IO(&p.a, DIR_SEND, out, sendfile(p.a.fd, fileno(f), NULL, 20000));
	CHECK_INT(io.ret, 20000);
	NO_RECORD(&p.a);
	end_moved(&p.a, DIR_SEND, io.ret);
	p.a.seq_known[DIR_SEND] = false;
	io = send_n(&p, out, 100);
	check_from(HERE, &io, 1);
	fclose(f);
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
