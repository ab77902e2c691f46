/* SPDX-License-Identifier: Apache-2.0 */
/* Records that no kernel would send: the pipeline stays in one piece and counts them. */
#include "pipe.h"

#include "test.h"

/* xorshift64 (Marsaglia 2003): the same numbers on every machine. */
static u64 random_state = 88172645463325252ull;

static u64 random_below(u64 n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

static bool one_in(u64 n)
{
	return !random_below(n);
}

TEST(a_malformed_record_is_refused_counted_and_changes_nothing)
{
	union data_record *u = data_record(1, DIR_RECV, 0, bytes_str(A_GET));
	const struct record_data good = u->r;
	struct record_conn conn = conn_record(1, 1);
	struct record_end closed = end_record(1, 1, END_CLOSED);
	struct record other = {.kind = REC_CONTROL, .size = sizeof(other)};
	struct pipe t;

	pipe_begin(&t, NULL);
#define REFUSED(field, value)                                                                      \
	do {                                                                                       \
		u->r = good;                                                                       \
		u->r.field = value;                                                                \
		CHECK_INT(pipeline_record(t.p, &u->r.h), -EINVAL);                                 \
	} while (0)
	REFUSED(h.size, 0);
	REFUSED(h.size, sizeof(struct record) - 1);
	REFUSED(h.size, sizeof(struct record_data) - 1);
	REFUSED(h.size, good.h.size + 1);
	REFUSED(h.kind, 0);
	REFUSED(h.kind, 99);
	REFUSED(len, 0);
	REFUSED(len, good.head - 1u);
	REFUSED(at, 1);
	REFUSED(at, UINT32_MAX);
	REFUSED(tail, 1);
	REFUSED(head, UINT16_MAX);
	REFUSED(dir, 2);
	REFUSED(pos, UINT64_MAX);
#undef REFUSED
	CHECK_INT(counted(STAT_BAD_RECORD), 14);
	conn.path_len = UNIX_PATH_MAX + 1;
	CHECK_INT(pipeline_record(t.p, &conn.h), -EINVAL);
	conn.path_len = 0;
	conn.h.size -= 8;
	CHECK_INT(pipeline_record(t.p, &conn.h), -EINVAL);
	CHECK_INT(pipeline_record(t.p, &other), -EINVAL);
	CHECK_INT(counted(STAT_BAD_RECORD), 17);
	/* No connection was made by any of them. */
	CHECK_INT(pipeline_record(t.p, &closed.h), 0);
	CHECK_INT(counted(STAT_CONN_ORPHAN), 1);
	serve(&t, 1);
	closed.end = 77;
	CHECK_INT(pipeline_record(t.p, &closed.h), -EINVAL);
	closed.h.size++;
	CHECK_INT(pipeline_record(t.p, &closed.h), -EINVAL);
	CHECK_INT(t.count, 1);
	free(u);
	pipe_end(&t);
}

/* Bytes that look like HTTP often enough to get everywhere. */
static size_t random_text(u8 *out, size_t max)
{
	static const char *const words[] = {
		"GET /a HTTP/1.1\r\n",
		"POST /b HTTP/1.1\r\n",
		"HEAD / HTTP/1.0\r\n",
		"HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n",
		"HTTP/1.1 101 X\r\n",
		"Content-Length: 10\r\n",
		"Content-Length: 9999999\r\n",
		"Transfer-Encoding: chunked\r\n",
		"Expect: 100-continue\r\n",
		"Connection: close\r\n",
		"Host: h\r\n",
		"\r\n",
		"\r\n\r\n",
		"5\r\nhello\r\n",
		"0\r\n\r\n",
		"ffffffff\r\n",
		"CONNECT h:1 HTTP/1.1\r\n",
		"\n",
		"xxxxxxxx",
	};
	size_t n = 0;

	while (n < max && !one_in(6)) {
		const char *w = words[random_below(array_size(words))];
		size_t len = strlen(w);

		if (one_in(8))
			len = random_below(len + 1);
		if (len > max - n)
			break;
		memcpy(out + n, w, len);
		n += len;
		if (one_in(20) && n)
			out[random_below(n)] = (u8)random_below(256);
	}
	return n;
}

struct walk {
	struct pipe t;
	u64 pos[8][2]; /* of eight connections */
};

static void random_data(struct walk *w, struct record_data *r, size_t room)
{
	size_t have = random_text(r->bytes, room - sizeof(*r) - CAPTURE_TAIL_MAX);
	size_t tail = one_in(4) ? random_below(CAPTURE_TAIL_MAX) : 0;
	u64 id = random_below(8), *pos;

	r->conn = id + 1;
	r->dir = (u8)random_below(2);
	pos = &w->pos[id][r->dir];
	if (one_in(15))
		*pos += random_below(300);
	if (one_in(30))
		*pos -= random_below(*pos + 1);
	if (one_in(500))
		*pos = random_below(UINT64_MAX / 2);
	r->pos = *pos;
	r->at = one_in(10) ? (u32)random_below(100) : 0;
	memset(r->bytes + have, 'z', tail);
	r->head = (u16)have;
	r->tail = (u16)tail;
	r->len = (u32)(r->at + have + tail + (tail ? random_below(1000) : 0));
	if (one_in(100))
		r->len = UINT32_MAX;
	*pos += r->len;
	r->turn = (u32)random_below(5);
	r->proto = one_in(10) ? (u8)random_below(256) : PROTO_HTTP1;
	if (r->proto && one_in(2))
		r->proto = PROTO_HTTP1;
	r->start = one_in(2) ? r->h.time - random_below(5000) : 0;
	r->ready = one_in(3) ? random_below(UINT64_MAX) : r->h.time - 1;
	r->cpu = random_below(UINT64_MAX);
	r->h.flags = (u16)random_below(32);
	r->h.size = (u32)(sizeof(*r) + have + tail);
}

static void random_record(struct walk *w, u64 *room, size_t size)
{
	struct record *r = (struct record *)room;
	u64 kind = random_below(20);

	w->t.time += random_below(100000);
	*r = (struct record){.kind = REC_DATA, .time = w->t.time};
	if (kind == 0) {
		struct record_conn c = conn_record(1 + random_below(8), w->t.time);

		c.h.flags = (u16)random_below(32);
		c.role = (u8)random_below(4);
		c.path_len = (u8)random_below(UNIX_PATH_MAX + 3);
		c.remote.family = (u16)random_below(12);
		memset(c.path, (int)random_below(3) * 60, sizeof(c.path));
		memcpy(room, &c, sizeof(c));
	} else if (kind == 1) {
		struct record_end e =
			end_record(1 + random_below(8), w->t.time, (enum end_kind)random_below(7));

		e.err = (s32)random_below(200) - 20;
		e.missed[random_below(2)] = one_in(3) ? random_below(UINT64_MAX) : 0;
		memcpy(room, &e, sizeof(e));
	} else if (kind == 2) {
		for (size_t i = 0; i < size / sizeof(*room); i++)
			room[i] = random_below(UINT64_MAX);
		r->kind = (u16)random_below(8);
		r->size = (u32)random_below(size);
	} else {
		random_data(w, (struct record_data *)room, size);
	}
}

TEST(twenty_thousand_strange_records_do_no_harm)
{
	static u64 room[256];

	for (int round = 0; round < 80; round++) {
		struct pipeline_config config = {.conns_max = 1 + (unsigned)random_below(8)};
		u64 ids[] = {1, 2, 3};
		struct walk w = {0};

		config.ctl = calloc(CTL_SLOTS, sizeof(*config.ctl));
		pipe_begin(&w.t, &config);
		for (int i = 0; i < 250; i++) {
			random_record(&w, room, sizeof(room));
			(void)!pipeline_record(w.t.p, (struct record *)room);
			if (one_in(50))
				pipeline_sweep(w.t.p, ids, 3, w.t.time + random_below(1u << 30));
		}
		pipeline_flush(w.t.p);
		for (unsigned i = 0; i < w.t.count && i < PIPE_SPANS; i++)
			CHECK(w.t.spans[i]->start <= w.t.spans[i]->end);
		CHECK_INT(counted(STAT_SPANS), w.t.count);
		pipe_end(&w.t);
		free(config.ctl);
	}
	CHECK(stat_get(STAT_SPANS) > 40);
	CHECK(stat_get(STAT_EXCHANGE_CUT) > 0);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
