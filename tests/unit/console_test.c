/* SPDX-License-Identifier: Apache-2.0 */
/* The console's lines: widths, marks, what is shortened, and what never reaches a terminal. */
#include "export/console_line.h"
#include "export/export.h"
#include "span/utf8.h"
#include "test.h"
#include "util/clock.h"
#include "util/stats.h"

/* 2023-11-14 22:13:20.123 UTC; main sets TZ. */
#define START 1700000000123456789ULL

static struct span *server_span(struct resource *r)
{
	struct span *s = span_new();

	s->kind = SPAN_SERVER;
	s->start = START;
	s->end = START + 1234567;
	s->resource = resource_get(r);
	span_name(s, bytes_str("GET /orders/{id}"));
	span_text(s, ATTR_HTTP_METHOD, bytes_str("GET"));
	span_text(s, ATTR_HTTP_ROUTE, bytes_str("/orders/{id}"));
	span_text(s, ATTR_URL_PATH, bytes_str("/orders/8731"));
	span_int(s, ATTR_HTTP_STATUS, 200);
	span_text(s, ATTR_CLIENT_ADDRESS, bytes_str("10.0.0.7"));
	return s;
}

static struct span *client_span(struct resource *r, const char *url)
{
	struct span *s = span_new();

	s->kind = SPAN_CLIENT;
	s->start = START;
	s->end = START + 950000;
	s->resource = resource_get(r);
	span_name(s, bytes_str("GET"));
	span_text(s, ATTR_HTTP_METHOD, bytes_str("GET"));
	span_text(s, ATTR_URL_FULL, bytes_str(url));
	span_text(s, ATTR_SERVER_ADDRESS, bytes_str("stock.internal"));
	span_int(s, ATTR_SERVER_PORT, 8000);
	return s;
}

static struct resource *shop(void)
{
	struct resource *r = resource_new(1);

	CHECK_INT(resource_set(r, "service.name", "shop"), 0);
	return r;
}

/* The line of s, which is freed. Valid until the next call. */
static struct bytes line_of(unsigned columns, bool color, struct span *s)
{
	static struct buf b;
	struct console_layout l = console_layout(columns, color);

	buf_clear(&b);
	console_line(&l, s, &b);
	span_free(s);
	return buf_bytes(&b);
}

static unsigned columns_used(struct bytes line)
{
	unsigned n = 0;

	for (int c; (c = utf8_next(&line)) >= 0 && c != '\n';)
		n += utf8_width(c) > 0 ? (unsigned)utf8_width(c) : 0;
	return n;
}

TEST(a_request_received_in_80_columns)
{
	struct resource *r = shop();

	CHECK_TEXT(line_of(80, false, server_span(r)),
		   "22:13:20.123 1.23 ms  200 shop         ← GET /orders/{id}        10.0.0.7\n");
	resource_put(r);
}

TEST(a_request_sent_shows_its_path_and_whom_it_asked)
{
	struct resource *r = shop();
	struct span *s = client_span(r, "http://stock.internal:8000/stock/8731?a=/b");

	span_int(s, ATTR_HTTP_STATUS, 503);
	span_error(s, "503");
	CHECK_TEXT(line_of(0, false, s), "22:13:20.123  950 µs !503 shop         → "
					 "GET /stock/8731                  stock.internal:8000\n");
	CHECK_TEXT(line_of(0, false, client_span(r, "http://stock.internal:8000")),
		   "22:13:20.123  950 µs    - shop         → "
		   "GET /                            stock.internal:8000\n");
	resource_put(r);
}

TEST(a_failure_without_a_status_says_what_happened)
{
	struct resource *r = shop();
	struct span *s = server_span(r);

	s->attr_count = 3;
	span_text(s, ATTR_CLIENT_ADDRESS, bytes_str("10.0.0.7"));
	span_error(s, "connection_reset");
	CHECK_TEXT(line_of(100, false, s), "22:13:20.123 1.23 ms !ERR shop              ← "
					   "GET /orders/{id} connection_reset 10.0.0.7\n");
	resource_put(r);
}

TEST(no_line_is_wider_than_the_terminal)
{
	static const char long_path[] =
		"/a/very/long/path/that/does/not/fit/into/any/terminal/of/less/than/two/hundred/"
		"columns/so/it/is/cut/here/or/there/and/goes/on/and/on/until/it/ends/at/last";
	static const char *const paths[] = {
		"/", "/orders/8731", long_path,
		"/日本語/日本語/日本語/日本語/日本語/日本語/日本語/日本語/日本語"};
	struct resource *r = shop();

	CHECK_INT(resource_set(r, "service.name", "a-service-with-a-name-of-some-length"), 0);
	for (unsigned columns = 40; columns <= 240; columns++) {
		for (unsigned i = 0; i < 2 * array_size(paths); i++) {
			struct span *s = client_span(r, "http://x/");
			unsigned used;

			span_text(s, ATTR_HTTP_ROUTE, bytes_str(paths[i / 2]));
			if (i & 1)
				span_error(s, "a_rather_long_type_of_error");
			used = columns_used(line_of(columns, false, s));
			if (used > columns)
				printf("  %u columns, case %u\n", columns, i);
			CHECK(used <= columns);
		}
	}
	resource_put(r);
}

TEST(what_is_shortened_ends_with_an_ellipsis)
{
	struct resource *r = shop();
	struct span *s = server_span(r);

	span_text(s, ATTR_HTTP_ROUTE, bytes_str("/customers/{id}/orders/{id}/items/{id}"));
	CHECK_TEXT(line_of(80, false, s), "22:13:20.123 1.23 ms  200 shop         ← GET "
					  "/customers/{id}/orders/{i… 10.0.0.7\n");
	resource_put(r);
}

TEST(a_pipe_gets_everything_and_no_colour)
{
	struct resource *r = shop();
	struct span *s = server_span(r);
	static const char route[] = "/customers/{id}/orders/{id}/items/{id}/and/so/on/for/long";
	struct bytes line;

	span_text(s, ATTR_HTTP_ROUTE, bytes_str(route));
	line = line_of(0, false, s);
	CHECK(memmem(line.p, bytes_len(line), route, strlen(route)));
	CHECK(!memchr(line.p, '\033', bytes_len(line)));
	resource_put(r);
}

TEST(colours_do_not_change_the_text)
{
	struct resource *r = shop();
	struct buf plain = {0};
	struct bytes colored, want;
	struct span *s = server_span(r);

	span_error(s, "500");
	colored = line_of(80, true, s);
	CHECK(memmem(colored.p, bytes_len(colored), "\033[1;31m!200\033[0m", 15));
	for (u8 c; !bytes_u8(&colored, &c);) {
		struct bytes skipped;

		if (c != '\033')
			buf_u8(&plain, c);
		else if (bytes_until(&colored, 'm', &skipped))
			CHECK(false);
	}
	s = server_span(r);
	span_error(s, "500");
	want = line_of(80, false, s);
	CHECK(bytes_eq(buf_bytes(&plain), want));
	buf_done(&plain);
	resource_put(r);
}

TEST(escapes_of_traced_bytes_never_reach_the_terminal)
{
	struct resource *r = shop();
	struct span *s = server_span(r);
	struct bytes line;

	CHECK_INT(resource_set(r, "service.name", "\033[2Jx\n"), 0);
	span_text(s, ATTR_HTTP_METHOD, bytes_str("G\rT"));
	span_text(s, ATTR_HTTP_ROUTE,
		  bytes_str("/\033]0;title\007\xc2\x9b"
			    "31m\xe2\x80\xae"));
	span_text(s, ATTR_CLIENT_ADDRESS, bytes_str("a\tb\x7f"));
	span_error(s, "x\033[31m");
	line = line_of(0, false, s);
	for (struct bytes at = line; !bytes_empty(at);) {
		int c = utf8_next(&at);

		CHECK(c > 0 && (utf8_width(c) >= 0 || (c == '\n' && bytes_empty(at))));
	}
	resource_put(r);
}

TEST(durations_keep_three_digits_in_seven_columns)
{
	static const struct {
		u64 ns;
		const char *text;
	} cases[] = {
		{0, "0 ns"},
		{999, "999 ns"},
		{1000, "1.00 µs"},
		{950000, "950 µs"},
		{1234567, "1.23 ms"},
		{12345678, "12.3 ms"},
		{123456789, "123 ms"},
		{999999999, "999 ms"},
		{1000000000, "1.00 s"},
		{12345678901, "12.3 s"},
		{59999999999, "59.9 s"},
		{60000000000, "1m 00s"},
		{3599000000000, "59m 59s"},
		{3600000000000, "1h 00m"},
		{86399000000000, "23h 59m"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct buf b = {0};

		console_duration(cases[i].ns, &b);
		CHECK_TEXT(buf_bytes(&b), cases[i].text);
		CHECK(columns_used(buf_bytes(&b)) <= 7);
		buf_done(&b);
	}
}

TEST(texts_are_fitted_by_columns_not_bytes)
{
	static const struct {
		const char *in;
		unsigned least, most;
		const char *out;
	} cases[] = {
		{"abc", 5, 0, "abc  "},	   {"abcdef", 3, 3, "ab…"},
		{"abc", 3, 3, "abc"},	   {"日本語", 6, 6, "日本語"},
		{"日本語", 5, 5, "日本…"}, {"日本語", 4, 4, "日… "},
		{"", 2, 2, "  "},	   {"e\xcc\x81x", 3, 3, "e\xcc\x81x "},
		{"\xff\xff", 1, 1, "…"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct buf b = {0};

		console_fit(&b, bytes_str(cases[i].in), cases[i].least, cases[i].most);
		CHECK_TEXT(buf_bytes(&b), cases[i].out);
		buf_done(&b);
	}
}

TEST(an_ipv6_peer_has_brackets_only_with_a_port)
{
	struct resource *r = shop();
	struct span *s = client_span(r, "http://[::1]:8000/");
	struct bytes line;

	span_text(s, ATTR_SERVER_ADDRESS, bytes_str("::1"));
	line = line_of(0, false, s);
	CHECK(bytes_ends(line, " [::1]:8000\n"));
	s = server_span(r);
	span_text(s, ATTR_CLIENT_ADDRESS, bytes_str("::1"));
	line = line_of(0, false, s);
	CHECK(bytes_ends(line, " ::1\n"));
	resource_put(r);
}

TEST(a_span_that_says_nothing_is_still_a_line)
{
	struct span *s = span_new();

	s->start = START;
	s->end = START - 1;
	s->kind = SPAN_INTERNAL;
	span_name(s, bytes_str("tick"));
	CHECK_TEXT(line_of(0, false, s), "22:13:20.123    0 ns    - -            · tick\n");
}

TEST(the_header_appears_once_and_only_on_a_terminal)
{
	struct resource *r = shop();

	for (unsigned columns = 0; columns <= 80; columns += 80) {
		struct export_config c = {.columns = columns};
		char *text = NULL;
		size_t len = 0;
		struct exporter *x;
		unsigned lines = 0;

		c.out = open_memstream(&text, &len);
		x = exporter_console(&c);
		for (int i = 0; i < 2; i++) {
			struct span *s = server_span(r);

			x->ops->span(x->self, s);
			CHECK_INT(x->ops->flush(x->self, clock_mono()), 0);
			span_free(s);
		}
		x->ops->free(x->self);
		fclose(c.out);
		for (size_t i = 0; i < len; i++)
			lines += text[i] == '\n';
		CHECK_INT(lines, columns ? 3 : 2);
		CHECK_INT(!strncmp(text, "TIME ", 5), columns != 0);
		free(text);
	}
	resource_put(r);
}

TEST(lines_that_cannot_be_written_are_counted)
{
	struct export_config c = {.out = fopen("/dev/full", "w")};
	struct exporter *x = exporter_console(&c);
	u64 before = stat_get(STAT_EXPORT_WRITE);
	struct resource *r = shop();
	struct span *s = server_span(r);

	x->ops->span(x->self, s);
	x->ops->flush(x->self, clock_mono());
	CHECK_INT(stat_get(STAT_EXPORT_WRITE) - before, 1);
	x->ops->free(x->self);
	span_free(s);
	fclose(c.out);
	resource_put(r);
}

int main(int argc, char **argv)
{
	setenv("TZ", "UTC", 1);
	return test_main(argc, argv);
}
