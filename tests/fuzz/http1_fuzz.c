/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 through its ops, with a sink that checks what it is asked: bytes fed, lost, skipped and
 * ended in any order. Every exchange that was opened must be closed or dropped, once.
 */
#include "input.h"

#include "proto/http1.h"
#include "proto/http_config.h"
#include "proto/http_route.h"

struct fake {
	struct sink sink;
	u64 next[2]; /* position of the first byte not consumed, by direction */
	u64 end[2]; /* behind the last byte known */
	u64 skip[2];
	int open;
};

static struct fake *fake_of(struct sink *s)
{
	return container_of(s, struct fake, sink);
}

static struct exchange *fake_open(struct sink *s, enum direction d, u64 first)
{
	struct exchange *x = calloc(1, sizeof(*x));

	must(first >= fake_of(s)->next[d] && first < fake_of(s)->end[d]);
	x->role = d == DIR_RECV ? ROLE_SERVER : ROLE_CLIENT;
	x->span = span_new();
	x->span->kind = d == DIR_RECV ? SPAN_SERVER : SPAN_CLIENT;
	fake_of(s)->open++;
	return x;
}

static void end_exchange(struct sink *s, struct exchange *x)
{
	must(fake_of(s)->open-- > 0);
	span_free(x->span);
	free(x);
}

static void fake_request(struct sink *s, struct exchange *x)
{
	must(span_find(x->span, ATTR_HTTP_METHOD));
	must(!x->state_len || x->state_at + x->state_len <= x->span->arena.len);
}

static void fake_close(struct sink *s, struct exchange *x)
{
	must(!bytes_empty(span_get_name(x->span)));
	must((x->span->status == STATUS_ERROR) == (span_find(x->span, ATTR_ERROR_TYPE) != NULL));
	end_exchange(s, x);
}

static void fake_drop(struct sink *s, struct exchange *x, enum user_stat reason)
{
	end_exchange(s, x);
}

static void fake_skip(struct sink *s, enum direction d, u64 n)
{
	must(!fake_of(s)->skip[d] && n);
	fake_of(s)->skip[d] = n;
}

static const struct moment *fake_moment(struct sink *s, enum direction d, u64 pos)
{
	static struct moment m;

	must(pos + 1 >= fake_of(s)->next[d] && pos < fake_of(s)->end[d]);
	m.time = pos + 1;
	return &m;
}

static void fake_want(struct sink *s, enum direction d, u16 head)
{
	must(head);
}

static const struct sink_ops fake_ops = {
	.open = fake_open,
	.request = fake_request,
	.close = fake_close,
	.drop = fake_drop,
	.skip = fake_skip,
	.moment = fake_moment,
	.want = fake_want,
};

/* Feeds b, then loses what the protocol does not want to wait with. */
static bool feed(struct fake *f, void *state, enum direction d, struct bytes b, u32 lost)
{
	enum parse_result r = PARSE_OK;
	struct bytes tail = bytes_of("0\r\n\r\n", lost % 6);

	f->end[d] = f->next[d] + bytes_len(b);
	while (r == PARSE_OK && !f->skip[d]) {
		struct bytes was = b;

		r = http1_ops.feed(state, d, &b, f->next[d], &f->sink);
		must(b.end == was.end && b.p >= was.p);
		must(r == PARSE_OK ? b.p > was.p : r == PARSE_EOS || b.p == was.p);
		f->next[d] += (u64)(b.p - was.p);
		if (bytes_empty(b))
			break;
	}
	if (f->skip[d]) {
		f->next[d] += f->skip[d] < 1 << 20 ? f->skip[d] : 1 << 20;
		f->end[d] = f->next[d];
		f->skip[d] = 0;
		b.p = b.end;
		http1_ops.feed(state, d, &b, f->next[d], &f->sink);
	}
	if (r == PARSE_EOS)
		return false;
	f->end[d] = f->next[d] + bytes_len(b) + lost;
	if (r == PARSE_BAD ||
	    !http1_ops.lost(state, d, b, f->next[d] + bytes_len(b), lost, tail, &f->sink))
		http1_ops.eof(state, d, END_BY_GAP, &f->sink);
	f->next[d] = f->end[d];
	f->skip[d] = 0;
	return true;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct http_config config;
	static struct route_table *routes;
	struct bytes in = bytes_of(data, size);
	struct fake f = {.sink = {.ops = &fake_ops}};
	void *state = calloc(1, http1_ops.conn_size);

	if (!routes) {
		routes = route_table_new();
		http_routes_use(routes);
		must(!http_config_header(&config, "x-a") &&
		     !http_config_route(&config, "/a/{b}/**"));
		must(!http_config_ignore(&config, "/health"));
		http_config_use(&config);
	}
	while (!bytes_empty(in)) {
		u8 op = input_u8(&in);
		struct bytes b = input_take(&in, input_u16(&in));
		enum direction d = op & 1;

		f.sink.err = op >> 4;
		if ((op >> 1 & 7) == 7)
			http1_ops.eof(state, d, (enum end_reason)(op >> 4 & 3), &f.sink);
		else if (!feed(&f, state, d, b, 1 + (op >> 1 & 7) * 50))
			break;
		must(http1_ops.resync(state, d, b) < (ssize_t)bytes_len(b) || bytes_empty(b));
	}
	http1_ops.done(state, &f.sink);
	must(!f.open);
	free(state);
	return 0;
}
