/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs golden cases: each conversation is seen from its server and from its client, fed whole, byte
 * by byte and split at every byte, and must give the expected spans each time.
 *
 *	golden_test FILE…           checks
 *	golden_test --write FILE…   writes what comes out into the files, to be reviewed as a diff
 */
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "pipeline.h"
#include "proto/http_route.h"
#include "show.h"
#include "util/stats.h"

enum {
	CLIENT = 0,
	SERVER = 1
};

struct run {
	const struct golden_case *c;
	int side;
	struct pipeline *p;
	u64 pos[2]; /* by enum direction */
	struct buf out; /* spans as text */
	struct buf last; /* the newest span, and how many alike came in a row */
	unsigned times;
	size_t split; /* SIZE_MAX: byte by byte; else: split the write that has this byte */
};

/* Spans that are alike and come in a row are shown once. */
static void flush_span(struct run *r)
{
	buf_add(&r->out, r->last.data, r->last.len);
	if (r->times > 1)
		buf_printf(&r->out, "  = %u times\n", r->times);
	r->times = 0;
}

static void take_span(struct run *r, struct buf *text)
{
	if (r->times && bytes_eq(buf_bytes(text), buf_bytes(&r->last))) {
		r->times++;
		buf_done(text);
		return;
	}
	if (r->times)
		flush_span(r);
	buf_done(&r->last);
	r->last = *text;
	r->times = 1;
}

static void on_span(void *ctx, struct span *s)
{
	struct run *r = ctx;
	struct buf text = {0};

	show_span(&text, s, r->c->all);
	take_span(r, &text);
	span_free(s);
}

static void send_conn(struct run *r)
{
	static const u8 client[] = {10, 0, 0, 1}, server[] = {10, 0, 0, 2};
	struct record_conn rec = {
		.h = {REC_CONN, r->c->old ? RECF_OLD : 0, sizeof(rec), (u64)BASE_MS * MS},
		.conn = 1,
		.pid = 100,
		.tid = 100,
		.role = r->side == CLIENT && !r->c->old ? ROLE_CLIENT : ROLE_UNKNOWN,
	};
	struct sock_addr *us = &rec.local, *them = &rec.remote;

	us->family = them->family = FAMILY_INET;
	us->port = r->side == CLIENT ? 40000 : 8080;
	them->port = r->side == CLIENT ? 8080 : 40000;
	memcpy(us->addr, r->side == CLIENT ? client : server, 4);
	memcpy(them->addr, r->side == CLIENT ? server : client, 4);
	pipeline_record(r->p, &rec.h);
}

static enum direction dir_of(const struct run *r, const struct event *e)
{
	return e->from_client == (r->side == CLIENT) ? DIR_SEND : DIR_RECV;
}

/* One record of len bytes, of which some are captured. */
static void send_data(struct run *r, const struct event *e, struct bytes b)
{
	static _Alignas(8) u8 room[RECORD_MAX];
	struct record_data *d = (struct record_data *)room;
	size_t len = bytes_len(b), head, tail;
	u64 time = (BASE_MS + e->time) * MS;

	head = e->head ? e->head : CAPTURE_HEAD_MAX;
	head = e->no_content ? 0 : head < len ? head : len;
	tail = e->head ? e->tail : CAPTURE_TAIL_MAX;
	tail = e->no_content ? 0 : tail < len - head ? tail : len - head;
	*d = (struct record_data){
		.h = {REC_DATA, e->no_content ? RECF_NO_CONTENT : 0, 0, time},
		.conn = 1,
		.start = time - MS / 10,
		.pid = 100,
		.tid = 100,
		.len = (u32)len,
		.head = (u16)head,
		.tail = (u16)tail,
		.dir = dir_of(r, e),
		.proto = e->undecided ? PROTO_UNKNOWN : PROTO_HTTP1,
	};
	d->ready = d->dir == DIR_RECV ? time - MS / 5 : 0;
	d->pos = r->pos[d->dir];
	d->h.size = (u32)(sizeof(*d) + head + tail);
	if (head)
		memcpy(d->bytes, b.p, head);
	if (tail)
		memcpy(d->bytes + head, b.end - tail, tail);
	r->pos[d->dir] += len;
	pipeline_record(r->p, &d->h);
}

static void send_bytes(struct run *r, const struct event *e)
{
	struct bytes b = bytes_of(r->c->bytes.data + e->at, e->len), part;
	bool here = r->split >= e->at && r->split - e->at < e->len;
	/* What is to be captured whole is written in pieces that can be. */
	size_t most = r->c->whole_only ? e->len : CAPTURE_HEAD_MAX;
	size_t size = r->split == SIZE_MAX ? 1 : here ? r->split - e->at : e->len;

	while (!bytes_empty(b)) {
		part = bytes_head(b, size < 1 ? 1 : size < most ? size : most);
		bytes_skip(&b, bytes_len(part));
		send_data(r, e, part);
		if (r->split != SIZE_MAX)
			size = e->len;
	}
}

static void send_end(struct run *r, const struct event *e)
{
	struct record_end rec = {
		.h = {REC_END, 0, sizeof(rec), (BASE_MS + e->time) * MS},
		.conn = 1,
		.pid = 100,
		.err = e->err,
	};

	if (e->kind == EVENT_EOF)
		rec.end = dir_of(r, e) == DIR_RECV ? END_RECV_EOF : END_SEND_EOF;
	else
		rec.end = e->kind == EVENT_ERROR ? END_ERROR : END_CLOSED;
	pipeline_record(r->p, &rec.h);
}

/* What was counted besides the spans themselves. */
static void add_counts(struct buf *b, const u64 before[STAT_MAX])
{
	for (int i = 0; i < STAT_MAX; i++) {
		u64 n = stat_get((enum user_stat)i) - before[i];

		if (!n || i == STAT_RECORDS || i == STAT_CONNECTIONS || i == STAT_SPANS ||
		    i == STAT_ROOTS || i == STAT_CARRIED)
			continue;
		buf_printf(b, "count %s: %llu\n", user_stat_info[i].name, (unsigned long long)n);
	}
}

static bool run_case(struct run *r)
{
	struct pipeline_config config = {.on_span = on_span, .ctx = r};
	struct route_table *routes = route_table_new();
	u64 before[STAT_MAX];

	for (int i = 0; i < STAT_MAX; i++)
		before[i] = stat_get((enum user_stat)i);
	http_config_use(&r->c->config);
	r->p = pipeline_new(&config);
	if (!r->p || !routes)
		return false;
	http_routes_use(routes);
	send_conn(r);
	for (size_t i = 0; i < r->c->count; i++) {
		const struct event *e = &r->c->events[i];

		if (e->kind == EVENT_BYTES)
			send_bytes(r, e);
		else if (e->kind == EVENT_GAP)
			r->pos[dir_of(r, e)] += e->gap;
		else
			send_end(r, e);
	}
	pipeline_flush(r->p);
	pipeline_free(r->p);
	http_config_use(NULL);
	http_routes_use(NULL);
	route_table_free(routes);
	if (r->times)
		flush_span(r);
	buf_done(&r->last);
	add_counts(&r->out, before);
	return true;
}

static bool same(const struct golden_case *c, int side, size_t split, struct bytes want)
{
	struct run r = {.c = c, .side = side, .split = split};
	bool ok = run_case(&r) && bytes_eq(buf_bytes(&r.out), want);
	char how[64] = "byte by byte";

	if (split != SIZE_MAX)
		snprintf(how, sizeof(how), split ? "split at byte %zu" : "whole", split);

	if (!ok)
		printf("  as %s, %s\n    expected\n%.*s    got\n%.*s",
		       side == CLIENT ? "client" : "server", how, (int)bytes_len(want),
		       (const char *)want.p, (int)r.out.len, (const char *)r.out.data);
	buf_done(&r.out);
	return ok;
}

/* A long conversation is split at fewer places: all cases together take a few seconds. */
static bool check_side(const struct golden_case *c, int side)
{
	struct bytes want = buf_bytes(&c->expect[side]);
	size_t step = 1 + c->bytes.len * c->bytes.len / 10000000;

	if (!same(c, side, 0, want))
		return false;
	if (c->whole_only)
		return true;
	for (size_t at = 1; at < c->bytes.len; at += step)
		if (!same(c, side, at, want))
			return false;
	return c->bytes.len > 300000 || same(c, side, SIZE_MAX, want);
}

static bool write_case(struct golden_case *c, const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return false;
	fwrite(c->script.data, 1, c->script.len, f);
	for (int side = SERVER; side >= CLIENT; side--) {
		struct run r = {.c = c, .side = side};

		if (!run_case(&r))
			return false;
		fprintf(f, "== %s\n", side == CLIENT ? "client" : "server");
		fwrite(r.out.data, 1, r.out.len, f);
		if (side == SERVER)
			fputc('\n', f);
		buf_done(&r.out);
	}
	return !fclose(f);
}

int main(int argc, char **argv)
{
	bool writing = argc > 1 && !strcmp(argv[1], "--write");
	int failed = 0;

	for (int i = 1 + writing; i < argc; i++) {
		struct golden_case c;
		bool ok = case_read(&c, argv[i]);

		if (ok && writing)
			ok = write_case(&c, argv[i]);
		else if (ok)
			ok = check_side(&c, SERVER) && check_side(&c, CLIENT);
		printf("%s golden %s\n", ok ? "ok" : "FAIL", argv[i]);
		fflush(stdout);
		failed |= !ok;
		case_done(&c);
	}
	return failed;
}
