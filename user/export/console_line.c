/* SPDX-License-Identifier: Apache-2.0 */
/* One span as one line for a person. */
#include "export/console_line.h"

#include "span/utf8.h"
#include "util/clock.h"

enum {
	TIME_COLUMNS = 12,
	TOOK_COLUMNS = 7,
	CODE_COLUMNS = 4,
	/* Blanks between the fields, and the arrow, without and with the peer. */
	GAPS = 6,
	PEER_GAP = 1,
	COLUMNS_LEAST = 40,
	COLUMNS_FOR_PEER = 60,
	SLOW_NS = NS_PER_SEC,
};

/* Select Graphic Rendition, ECMA-48 §8.3.117. */
#define SGR_DIM "2"
#define SGR_RED "31"
#define SGR_RED_BOLD "1;31"
#define SGR_GREEN "32"
#define SGR_YELLOW "33"
#define SGR_CYAN "36"

static unsigned between(unsigned n, unsigned low, unsigned high)
{
	return n < low ? low : n > high ? high : n;
}

struct console_layout console_layout(unsigned columns, bool color)
{
	struct console_layout l = {.color = color, .columns = columns};
	unsigned rest;

	if (!columns) {
		l.service = 12;
		l.request = 32;
		l.peer = 1;
		return l;
	}
	if (columns < COLUMNS_LEAST)
		l.columns = COLUMNS_LEAST;
	rest = l.columns - TIME_COLUMNS - TOOK_COLUMNS - CODE_COLUMNS - GAPS;
	l.service = between(rest / 4, 6, 20);
	if (l.columns >= COLUMNS_FOR_PEER) {
		rest -= PEER_GAP;
		l.peer = between(rest * 3 / 10, 9, 40);
	}
	l.request = rest - l.service - l.peer;
	return l;
}

static unsigned width_of(int c)
{
	int w = c < 0 ? -1 : utf8_width(c);

	return w < 0 ? 1 : (unsigned)w;
}

static unsigned columns_of(struct bytes text)
{
	unsigned n = 0;

	while (!bytes_empty(text))
		n += width_of(utf8_next(&text));
	return n;
}

void console_fit(struct buf *out, struct bytes text, unsigned least, unsigned most)
{
	unsigned total = columns_of(text), used = 0;
	bool cut = most && total > most;
	struct bytes rest = text;

	while (!bytes_empty(rest)) {
		struct bytes one = rest;
		unsigned w = width_of(utf8_next(&rest));

		one.end = rest.p;
		/* The last column is the ellipsis's. */
		if (cut && used + w > most - 1)
			break;
		utf8_add_printable(out, one);
		used += w;
	}
	if (cut) {
		buf_str(out, "…");
		used++;
	}
	for (; used < least; used++)
		buf_u8(out, ' ');
}

static void color_on(const struct console_layout *l, struct buf *out, const char *sgr)
{
	if (l->color && sgr)
		buf_printf(out, "\033[%sm", sgr);
}

static void color_off(const struct console_layout *l, struct buf *out, const char *sgr)
{
	if (l->color && sgr)
		buf_str(out, "\033[0m");
}

void console_duration(u64 ns, struct buf *out)
{
	static const struct {
		u64 unit;
		const char *name;
	} units[] = {{NS_PER_SEC, "s"}, {NS_PER_MS, "ms"}, {NS_PER_US, "µs"}};
	u64 s = ns / NS_PER_SEC;

	if (s >= 3600) {
		buf_printf(out, "%lluh %02llum", (unsigned long long)(s / 3600),
			   (unsigned long long)(s / 60 % 60));
		return;
	}
	if (s >= 60) {
		buf_printf(out, "%llum %02llus", (unsigned long long)(s / 60),
			   (unsigned long long)(s % 60));
		return;
	}
	for (size_t i = 0; i < array_size(units); i++) {
		unsigned whole = (unsigned)(ns / units[i].unit);
		/* Cut, not rounded: 999.99 ms must not become 1000 ms. */
		unsigned hundredths = (unsigned)(ns % units[i].unit / (units[i].unit / 100));

		if (!whole)
			continue;
		if (whole < 10)
			buf_printf(out, "%u.%02u %s", whole, hundredths, units[i].name);
		else if (whole < 100)
			buf_printf(out, "%u.%u %s", whole, hundredths / 10, units[i].name);
		else
			buf_printf(out, "%u %s", whole, units[i].name);
		return;
	}
	buf_printf(out, "%u ns", (unsigned)ns);
}

static void put_time(const struct console_layout *l, const struct span *s, struct buf *out)
{
	time_t sec = (time_t)(s->start / NS_PER_SEC);
	struct tm t;

	if (!localtime_r(&sec, &t))
		t = (struct tm){0};
	color_on(l, out, SGR_DIM);
	buf_printf(out, "%02d:%02d:%02d.%03u", t.tm_hour, t.tm_min, t.tm_sec,
		   (unsigned)(s->start / NS_PER_MS % 1000));
	color_off(l, out, SGR_DIM);
	buf_u8(out, ' ');
}

static void put_took(const struct console_layout *l, const struct span *s, struct buf *out)
{
	u64 ns = s->end > s->start ? s->end - s->start : 0;
	const char *sgr = ns >= SLOW_NS ? SGR_YELLOW : NULL;
	struct buf text = {0};

	console_duration(ns, &text);
	for (unsigned n = columns_of(buf_bytes(&text)); n < TOOK_COLUMNS; n++)
		buf_u8(out, ' ');
	color_on(l, out, sgr);
	buf_add(out, text.data, text.len);
	color_off(l, out, sgr);
	buf_u8(out, ' ');
	buf_done(&text);
}

static const char *code_color(const struct span *s, s64 code)
{
	if (s->status == STATUS_ERROR || code >= 500)
		return SGR_RED_BOLD;
	return code >= 400 ? SGR_YELLOW : code >= 300 ? SGR_CYAN : code >= 200 ? SGR_GREEN : NULL;
}

/* A failure has a mark that is still there without colours. */
static void put_code(const struct console_layout *l, const struct span *s, struct buf *out)
{
	s64 code = span_get_int(s, ATTR_HTTP_STATUS, 0);
	bool failed = s->status == STATUS_ERROR;
	const char *sgr = code_color(s, code);

	color_on(l, out, sgr);
	buf_u8(out, failed ? '!' : ' ');
	if (code > 0 && code < 1000)
		buf_printf(out, "%03d", (int)code);
	else
		buf_str(out, failed ? "ERR" : "  -");
	color_off(l, out, sgr);
	buf_u8(out, ' ');
}

/* The same colour for the same service: FNV-1a over its name. */
static const char *service_color(const char *name)
{
	static const char *const colors[] = {"36", "35", "34", "96", "95", "94"};
	u32 hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (u8)*name) * 16777619u;
	return colors[hash % array_size(colors)];
}

static void put_service(const struct console_layout *l, const struct span *s, struct buf *out)
{
	const char *name = s->resource ? resource_text(s->resource, "service.name") : NULL;
	const char *sgr;

	if (!name)
		name = "-";
	sgr = service_color(name);
	color_on(l, out, sgr);
	console_fit(out, bytes_str(name), l->service, l->columns ? l->service : 0);
	color_off(l, out, sgr);
	color_on(l, out, SGR_DIM);
	buf_str(out, s->kind == SPAN_SERVER ? " ← " : s->kind == SPAN_CLIENT ? " → " : " · ");
	color_off(l, out, SGR_DIM);
}

/* Of "scheme://host/path?query", the path. */
static struct bytes path_of(struct bytes url)
{
	struct bytes at = url, skipped;

	while (!bytes_until(&at, '/', &skipped)) {
		if (bytes_peek(at) == '/') {
			bytes_skip(&at, 1);
			continue;
		}
		at.p--;
		url = at;
		if (!bytes_until(&at, '?', &skipped))
			url = skipped;
		return url;
	}
	return bytes_of("/", 1);
}

/* What was asked for: the route where one is known, else the path, else the span's name. */
static void request_text(const struct span *s, struct buf *out)
{
	struct bytes method = span_get_text(s, ATTR_HTTP_METHOD);
	struct bytes original = span_get_text(s, ATTR_HTTP_METHOD_ORIGINAL);
	struct bytes target = span_get_text(s, ATTR_HTTP_ROUTE);

	if (bytes_empty(method)) {
		target = span_get_name(s);
		buf_add(out, target.p, bytes_len(target));
		return;
	}
	if (bytes_is(method, "_OTHER") && !bytes_empty(original))
		method = original;
	if (bytes_empty(target))
		target = span_get_text(s, ATTR_URL_PATH);
	if (bytes_empty(target) && span_find(s, ATTR_URL_FULL))
		target = path_of(span_get_text(s, ATTR_URL_FULL));
	buf_add(out, method.p, bytes_len(method));
	buf_u8(out, ' ');
	buf_add(out, target.p, bytes_len(target));
}

/* What went wrong, when the code does not say it. */
static void failure_text(const struct span *s, struct buf *out)
{
	struct bytes type = span_get_text(s, ATTR_ERROR_TYPE);
	u64 code;

	if (s->status != STATUS_ERROR || bytes_empty(type) || !bytes_decimal(type, &code))
		return;
	buf_u8(out, ' ');
	buf_add(out, type.p, bytes_len(type));
}

/* Who asked, without a port that changes with every connection; or who was asked, with it. */
static void peer_text(const struct span *s, struct buf *out)
{
	bool client = s->kind == SPAN_CLIENT;
	struct bytes host = span_get_text(s, client ? ATTR_SERVER_ADDRESS : ATTR_CLIENT_ADDRESS);
	/* The port that was really connected to: a Host header is often somebody else's. */
	s64 port = span_get_int(s, ATTR_PEER_PORT, span_get_int(s, ATTR_SERVER_PORT, 0));
	bool ipv6;

	if (bytes_empty(host))
		host = span_get_text(s, ATTR_PEER_ADDRESS);
	if (!client || !port) {
		buf_add(out, host.p, bytes_len(host));
		return;
	}
	ipv6 = !bytes_empty(host) && *host.p != '[' && memchr(host.p, ':', bytes_len(host));
	buf_str(out, ipv6 ? "[" : "");
	buf_add(out, host.p, bytes_len(host));
	buf_printf(out, "%s:%lld", ipv6 ? "]" : "", (long long)port);
}

/* The three texts at the end of a line, and what each may take of it. */
struct tail {
	struct buf request, failure, peer;
	unsigned failure_most, request_most; /* 0: all */
	unsigned least; /* columns of request and failure together */
	unsigned peer_most;
};

/* The request may use what the peer leaves of its columns: paths are longer than addresses. */
static void tail_layout(const struct console_layout *l, struct tail *t)
{
	unsigned peer = columns_of(buf_bytes(&t->peer));
	unsigned failure = columns_of(buf_bytes(&t->failure));
	unsigned request = columns_of(buf_bytes(&t->request));
	unsigned most = l->request, left;

	t->least = l->peer && peer ? l->request : 0;
	if (!l->columns)
		return;
	if (l->peer && !peer)
		most += l->peer + PEER_GAP;
	else if (peer < l->peer)
		most += l->peer - peer;
	t->peer_most = l->peer;
	/* Too long together: each may have half, and what the other leaves of its half. */
	left = most > request + most / 2 ? most - request : most / 2;
	t->failure_most = failure < left ? failure : left;
	t->request_most = most - t->failure_most;
}

static void put_tail(const struct console_layout *l, const struct span *s, struct buf *out)
{
	const char *sgr = s->status == STATUS_ERROR ? SGR_RED : NULL;
	struct tail t = {0};
	unsigned used;
	size_t before;

	request_text(s, &t.request);
	failure_text(s, &t.failure);
	peer_text(s, &t.peer);
	tail_layout(l, &t);
	color_on(l, out, sgr);
	before = out->len;
	console_fit(out, buf_bytes(&t.request), 0, t.request_most);
	if (t.failure.len)
		console_fit(out, buf_bytes(&t.failure), 0, t.failure_most);
	used = columns_of(bytes_of(out->data + before, out->len - before));
	color_off(l, out, sgr);
	for (; used < t.least; used++)
		buf_u8(out, ' ');
	if (t.peer.len && l->peer) {
		color_on(l, out, SGR_DIM);
		buf_u8(out, ' ');
		console_fit(out, buf_bytes(&t.peer), 0, t.peer_most);
		color_off(l, out, SGR_DIM);
	}
	buf_done(&t.request);
	buf_done(&t.failure);
	buf_done(&t.peer);
}

void console_line(const struct console_layout *l, const struct span *s, struct buf *out)
{
	put_time(l, s, out);
	put_took(l, s, out);
	put_code(l, s, out);
	put_service(l, s, out);
	put_tail(l, s, out);
	buf_u8(out, '\n');
}

void console_header(const struct console_layout *l, struct buf *out)
{
	color_on(l, out, SGR_DIM);
	buf_printf(out, "%-*s %*s %*s %-*s   ", TIME_COLUMNS, "TIME", TOOK_COLUMNS, "TOOK",
		   CODE_COLUMNS, "CODE", (int)l->service, "SERVICE");
	if (l->peer)
		buf_printf(out, "%-*s PEER", (int)l->request, "REQUEST");
	else
		buf_str(out, "REQUEST");
	color_off(l, out, SGR_DIM);
	buf_u8(out, '\n');
}
