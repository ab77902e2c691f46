/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in, spans out:
 *
 *   record → connection → stream → protocol → exchange → cause → on_span
 */
#include "pipeline.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "cause/cause.h"
#include "proto/drive.h"
#include "util/clock.h"

enum {
	CONNS_MAX_DEFAULT = 65536,
	/* Ids of closed connections that are remembered, for records that another CPU sent late. */
	CLOSED_MAX = 256,
	/* A Unix socket that was silent for so long may be dead. */
	SWEEP_AFTER_NS = NS_PER_SEC / 2,
};

struct pipeline {
	struct pipeline_config config;
	struct conn_table *conns;
	struct driver driver;
	struct cause *cause;
	u64 closed[CLOSED_MAX]; /* a ring; the newest at closed_at - 1 */
	unsigned closed_at;
	unsigned unix_count; /* connections over Unix sockets */
};

static void text_attr(struct span *s, enum span_attr_id id, const char *text)
{
	span_text(s, id, bytes_str(text));
}

/* NULL: there is no peer, or none that can be written. */
static const char *addr_text(const struct sock_addr *a, char *out, size_t len)
{
	static const u8 mapped[12] = {[10] = 0xff, 0xff};

	if ((a->family != FAMILY_INET && a->family != FAMILY_INET6) || !a->port)
		return NULL;
	/* An IPv4 peer of an IPv6 socket (RFC 4291 §2.5.5.2) is an IPv4 peer. */
	if (a->family == FAMILY_INET6 && !memcmp(a->addr, mapped, sizeof(mapped)))
		return inet_ntop(AF_INET, a->addr + sizeof(mapped), out, (socklen_t)len);
	return inet_ntop(a->family == FAMILY_INET6 ? AF_INET6 : AF_INET, a->addr, out,
			 (socklen_t)len);
}

/* What the socket tells: the peer, and the addresses that no header gave. */
static void fill_peer(struct exchange *x)
{
	const struct conn *c = x->conn;
	enum span_attr_id fallback =
		x->role == ROLE_SERVER ? ATTR_CLIENT_ADDRESS : ATTR_SERVER_ADDRESS;
	char text[INET6_ADDRSTRLEN];
	struct span *s = x->span;

	if (!c->known)
		return;
	if (c->is_unix) {
		span_text(s, ATTR_NETWORK_TRANSPORT, bytes_str("unix"));
		if (x->role == ROLE_CLIENT && c->path) {
			text_attr(s, ATTR_PEER_ADDRESS, c->path);
			if (!span_find(s, ATTR_SERVER_ADDRESS))
				text_attr(s, ATTR_SERVER_ADDRESS, c->path);
		}
		return;
	}
	if (!addr_text(&c->remote, text, sizeof(text)))
		return;
	text_attr(s, ATTR_PEER_ADDRESS, text);
	span_int(s, ATTR_PEER_PORT, c->remote.port);
	if (span_find(s, fallback))
		return;
	text_attr(s, fallback, text);
	if (fallback == ATTR_SERVER_ADDRESS && !span_find(s, ATTR_SERVER_PORT))
		span_int(s, ATTR_SERVER_PORT, c->remote.port);
}

/* A server span begins when the request reached its socket, however late it was read. */
static void fill_times(struct pipeline *p, struct exchange *x)
{
	const struct moment *first = &x->req_first, *last = &x->resp_last;
	u64 start = first->start ? first->start : first->time, end = last->time;
	struct span *s = x->span;

	if (x->role == ROLE_SERVER && first->ready && first->ready <= first->time) {
		start = first->ready;
		span_int(s, ATTR_READ_WAIT, (s64)(first->time - first->ready));
	}
	if (!end)
		end = p->driver.now;
	if (end < start)
		end = start;
	s->start = start + p->config.wall_offset;
	s->end = end + p->config.wall_offset;
	if (x->role == ROLE_SERVER && first->has_thread_time && last->has_thread_time &&
	    first->tid == last->tid && last->cpu >= first->cpu) {
		span_int(s, ATTR_CPU_TIME, (s64)(last->cpu - first->cpu));
		span_int(s, ATTR_CPU_WAIT, (s64)(last->delay - first->delay));
	}
}

static void on_request(void *ctx, struct exchange *x)
{
	struct pipeline *p = ctx;

	if (p->config.resource_of && !x->span->resource)
		x->span->resource = p->config.resource_of(p->config.ctx, x->req_first.pid);
	cause_request(p->cause, x);
}

static void on_exchange(void *ctx, struct exchange *x)
{
	struct pipeline *p = ctx;
	struct span *s = x->span;

	fill_peer(x);
	fill_times(p, x);
	cause_span(p->cause, x);
	x->span = NULL;
	exchange_free(x);
	stat_add(STAT_SPANS, 1);
	p->config.on_span(p->config.ctx, s);
}

static void on_evict(void *ctx, struct conn *c)
{
	struct pipeline *p = ctx;

	stat_add(STAT_CONN_EVICTED, 1);
	p->unix_count -= c->is_unix;
	drive_done(&p->driver, c);
}

struct pipeline *pipeline_new(const struct pipeline_config *config)
{
	struct pipeline *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->config = *config;
	if (!p->config.conns_max)
		p->config.conns_max = CONNS_MAX_DEFAULT;
	p->driver = (struct driver){
		.on_request = on_request, .on_exchange = on_exchange, .ctx = p, .ctl = config->ctl};
	p->conns = conn_table_new(p->config.conns_max, on_evict, p);
	p->cause = cause_new();
	if (!p->conns || !p->cause) {
		pipeline_free(p);
		return NULL;
	}
	return p;
}

static bool was_closed(const struct pipeline *p, u64 id)
{
	for (unsigned i = 0; i < CLOSED_MAX; i++)
		if (p->closed[i] == id)
			return true;
	return false;
}

/* The connection of a record: -ENOENT when it is over, -ENOMEM. One that was evicted comes back. */
static int conn_of(struct pipeline *p, u64 id, struct conn **out)
{
	*out = conn_table_find(p->conns, id);
	if (*out)
		return 0;
	if (was_closed(p, id)) {
		stat_add(STAT_CONN_ORPHAN, 1);
		return -ENOENT;
	}
	*out = conn_table_add(p->conns, id);
	return *out ? 0 : -ENOMEM;
}

static int on_data(struct pipeline *p, const struct record_data *r)
{
	size_t size = sizeof(*r) + r->head + r->tail;
	struct segment seg = {
		.pos = r->pos,
		.len = r->len,
		.at = r->at,
		.turn = r->turn,
		.moment = {.time = r->h.time,
			   .start = r->start,
			   .ready = r->ready,
			   .cpu = r->cpu,
			   .delay = r->delay,
			   .pid = r->pid,
			   .tid = r->tid,
			   .has_thread_time = r->h.flags & RECF_THREAD_TIME},
	};
	struct conn *c;
	int err;

	if (r->h.size != size || r->dir > DIR_SEND || !r->len || r->at > r->len ||
	    (u32)r->head + r->tail > r->len - r->at || r->pos > UINT64_MAX / 2)
		return -EINVAL;
	err = conn_of(p, r->conn, &c);
	if (err)
		return err;
	c->last_used = r->h.time;
	if (!c->pid)
		c->pid = r->pid;
	seg.head = bytes_of(r->bytes, r->head);
	seg.tail = bytes_of(r->bytes + r->head, r->tail);
	drive_segment(&p->driver, c, (enum direction)r->dir, (enum proto_id)r->proto, &seg);
	return 0;
}

static int on_conn(struct pipeline *p, const struct record_conn *r)
{
	struct conn *c;
	int err;

	if (r->h.size != sizeof(*r) || r->path_len > sizeof(r->path))
		return -EINVAL;
	err = conn_of(p, r->conn, &c);
	if (err)
		return err;
	c->known = true;
	c->old = r->h.flags & RECF_OLD;
	p->unix_count += !c->is_unix && (r->h.flags & RECF_PEER_UNIX);
	c->is_unix = r->h.flags & RECF_PEER_UNIX;
	c->local = r->local;
	c->remote = r->remote;
	c->role = r->role;
	c->pid = r->pid;
	c->last_used = r->h.time;
	if (r->path_len && !c->path) {
		/* An abstract address begins with a NUL byte; it is written with an @ (ss(8)). */
		c->path = strndup((const char *)r->path + !r->path[0], r->path_len - !r->path[0]);
		if (c->path && !r->path[0]) {
			struct buf abstract = {0};

			buf_u8(&abstract, '@');
			buf_add(&abstract, c->path, strlen(c->path) + 1);
			free(c->path);
			c->path = (char *)abstract.data;
		}
	}
	return 0;
}

static void end_both(struct pipeline *p, struct conn *c, enum end_reason why, int err)
{
	drive_end(&p->driver, c, DIR_RECV, why, err);
	drive_end(&p->driver, c, DIR_SEND, why, err);
}

static void close_conn(struct pipeline *p, struct conn *c, int err)
{
	end_both(p, c, err ? END_BY_ERROR : END_BY_CLOSE, err);
	drive_done(&p->driver, c);
	p->unix_count -= c->is_unix;
	p->closed[p->closed_at++ % CLOSED_MAX] = c->id;
	conn_table_remove(p->conns, c);
}

static int on_end(struct pipeline *p, const struct record_end *r)
{
	struct conn *c;

	if (r->h.size != sizeof(*r))
		return -EINVAL;
	c = conn_table_find(p->conns, r->conn);
	if (!c) {
		stat_add(STAT_CONN_ORPHAN, 1);
		return 0;
	}
	c->last_used = r->h.time;
	for (int d = 0; d < 2; d++)
		if (r->missed[d])
			drive_missed(&p->driver, c, (enum direction)d, r->missed[d]);
	switch (r->end) {
	case END_RECV_EOF:
		drive_end(&p->driver, c, DIR_RECV, END_BY_EOF, 0);
		return 0;
	case END_SEND_EOF:
		drive_end(&p->driver, c, DIR_SEND, END_BY_EOF, 0);
		return 0;
	case END_ERROR:
		end_both(p, c, END_BY_ERROR, r->err);
		return 0;
	case END_CLOSED:
	case END_GONE:
		close_conn(p, c, r->err);
		return 0;
	}
	return -EINVAL;
}

static int on_clock(struct pipeline *p, const struct record_clock *r)
{
	if (r->h.size != sizeof(*r))
		return -EINVAL;
	p->config.wall_offset = r->wall - r->h.time;
	return 0;
}

int pipeline_record(struct pipeline *p, const struct record *r)
{
	int err = -EINVAL;

	if (r->size < sizeof(*r)) {
		stat_add(STAT_BAD_RECORD, 1);
		return -EINVAL;
	}
	stat_add(STAT_RECORDS, 1);
	p->driver.now = r->time;
	if (r->kind == REC_DATA && r->size >= sizeof(struct record_data))
		err = on_data(p, (const struct record_data *)r);
	else if (r->kind == REC_CONN)
		err = on_conn(p, (const struct record_conn *)r);
	else if (r->kind == REC_END)
		err = on_end(p, (const struct record_end *)r);
	else if (r->kind == REC_CLOCK)
		err = on_clock(p, (const struct record_clock *)r);
	else if (r->kind == REC_PROC || r->kind == REC_RESOURCE || r->kind == REC_STATS)
		err = 0; /* Not of a connection. */
	if (err == -EINVAL)
		stat_add(STAT_BAD_RECORD, 1);
	return err;
}

bool pipeline_wants_sweep(const struct pipeline *p)
{
	return p->unix_count > 0;
}

static int compare_ids(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

void pipeline_sweep(struct pipeline *p, u64 *ids, size_t n, u64 now)
{
	struct conn *c = conn_table_oldest(p->conns), *newer;

	if (n)
		qsort(ids, n, sizeof(*ids), compare_ids);
	p->driver.now = now;
	for (; c && c->last_used + SWEEP_AFTER_NS < now; c = newer) {
		newer = c->newer;
		if (c->is_unix && !(n && bsearch(&c->id, ids, n, sizeof(*ids), compare_ids)))
			close_conn(p, c, 0);
	}
}

void pipeline_flush(struct pipeline *p)
{
	for (struct conn *c = conn_table_oldest(p->conns); c; c = c->newer)
		end_both(p, c, END_BY_SHUTDOWN, 0);
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	if (p->conns)
		for (struct conn *c = conn_table_oldest(p->conns); c; c = c->newer)
			drive_done(&p->driver, c);
	conn_table_free(p->conns);
	cause_free(p->cause);
	free(p);
}
