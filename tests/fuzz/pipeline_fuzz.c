/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records through the whole pipeline. The same conversation fed as it was written and byte by byte
 * must give as many spans; with losses, gaps and malformed records it must only stay in one piece.
 */
#include "input.h"

#include "pipeline.h"
#include "proto/http_route.h"
#include "util/stats.h"

struct count {
	unsigned spans, errors;
	u64 text; /* of names and error types, summed */
};

static void on_span(void *ctx, struct span *s)
{
	struct count *c = ctx;
	struct bytes name = span_get_name(s), path = span_get_text(s, ATTR_URL_PATH);

	c->spans++;
	c->errors += s->status == STATUS_ERROR;
	for (; !bytes_empty(name); name.p++)
		c->text = c->text * 31 + *name.p;
	for (; !bytes_empty(path); path.p++)
		c->text = c->text * 31 + *path.p;
	c->text = c->text * 31 + (u64)span_get_int(s, ATTR_HTTP_STATUS, 0);
	must(s->start <= s->end);
	span_free(s);
}

struct feeder {
	struct pipeline *p;
	u64 pos[2], time;
	bool bytewise, lossy;
	u32 turn;
};

static void send_data(struct feeder *f, enum direction d, struct bytes b, u8 op)
{
	static _Alignas(8) u8 room[RECORD_MAX];
	struct record_data *r = (struct record_data *)room;
	size_t len = bytes_len(b), head = len, tail = 0;

	if (f->lossy && op & 8) {
		head = len / 2;
		tail = len - head < CAPTURE_TAIL_MAX ? len - head : CAPTURE_TAIL_MAX;
		tail = op & 16 ? tail : 0;
	}
	*r = (struct record_data){
		.h = {REC_DATA, 0, (u32)(sizeof(*r) + head + tail), f->time},
		.conn = 1,
		.pos = f->pos[d],
		.len = (u32)len,
		.head = (u16)head,
		.tail = (u16)tail,
		.dir = d,
		.proto = PROTO_HTTP1,
		.turn = f->turn,
	};
	if (head)
		memcpy(r->bytes, b.p, head);
	if (tail)
		memcpy(r->bytes + head, b.end - tail, tail);
	f->pos[d] += len;
	pipeline_record(f->p, &r->h);
}

static void send_end(struct feeder *f, u8 op)
{
	struct record_end r = {
		.h = {REC_END, 0, sizeof(r), f->time},
		.conn = 1,
		.end = 1 + op % 5,
		.err = op & 64 ? 104 : 0,
	};

	if (f->lossy && op & 128)
		r.missed[op & 1] = 1000;
	pipeline_record(f->p, &r.h);
}

/* Any bytes as a record whose header alone is right. */
static void send_any(struct feeder *f, struct bytes b)
{
	static _Alignas(8) u8 room[sizeof(struct record_conn) + 256];
	struct record *r = (struct record *)room;

	b = bytes_head(b, sizeof(room) - sizeof(*r));
	*r = (struct record){input_u8(&b) & 7, input_u8(&b), (u32)(sizeof(*r) + bytes_len(b)),
			     f->time};
	if (!bytes_empty(b))
		memcpy(r + 1, b.p, bytes_len(b));
	pipeline_record(f->p, r);
}

static void step(struct feeder *f, u8 op, struct bytes b)
{
	enum direction d = op & 1;

	f->time += 1000;
	f->turn++;
	if ((op >> 1 & 3) == 3) {
		send_end(f, op >> 3);
	} else if ((op >> 1 & 3) == 2 && f->lossy) {
		if (op & 8)
			f->pos[d] += bytes_len(b);
		else
			send_any(f, b);
	} else if (f->bytewise) {
		for (; !bytes_empty(b); b.p++)
			send_data(f, d, bytes_head(b, 1), op);
	} else if (!bytes_empty(b)) {
		send_data(f, d, bytes_head(b, CAPTURE_HEAD_MAX), op);
	}
}

static struct count run(struct bytes in, bool bytewise, bool lossy)
{
	struct count c = {0};
	struct pipeline_config config = {.on_span = on_span, .ctx = &c};
	struct feeder f = {.p = pipeline_new(&config), .bytewise = bytewise, .lossy = lossy};
	struct record_conn conn = {.h = {REC_CONN, 0, sizeof(conn), 1}, .conn = 1};

	must(f.p);
	f.time = 1000;
	pipeline_record(f.p, &conn.h);
	while (!bytes_empty(in)) {
		u8 op = input_u8(&in);

		step(&f, op, input_take(&in, input_u16(&in)));
	}
	pipeline_flush(f.p);
	pipeline_free(f.p);
	return c;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	u64 bad = stat_get(STAT_STREAM_RESYNC) + stat_get(STAT_PROTO_GAVE_UP) +
		  stat_get(STAT_STREAM_GAP);
	static struct route_table *routes;
	struct count whole, bytes;

	if (!routes)
		routes = route_table_new();
	http_routes_use(routes);
	whole = run(in, false, false);
	bytes = run(in, true, false);
	/* Where to go on after nonsense depends on what is there when it is seen. */
	if (stat_get(STAT_STREAM_RESYNC) + stat_get(STAT_PROTO_GAVE_UP) +
		    stat_get(STAT_STREAM_GAP) ==
	    bad)
		must(whole.spans == bytes.spans && whole.errors == bytes.errors &&
		     whole.text == bytes.text);
	run(in, false, true);
	return 0;
}
