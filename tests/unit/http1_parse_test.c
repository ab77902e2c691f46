/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parsers of HTTP/1, each input also at every prefix and against a guard page. */
#include "test.h"

#include "proto/http1_parse.h"

static enum http1_result request_of(const char *text, struct http1_start *line)
{
	struct bytes in = bytes_str(text);

	return http1_request_line(&in, line);
}

/* Every prefix of a valid line is only incomplete, and none is read beyond its end. */
static void check_prefixes(const char *text, size_t need,
			   enum http1_result (*parse)(struct bytes *, struct http1_start *))
{
	for (size_t n = 0; n <= strlen(text); n++) {
		struct bytes copy = guard_copy(bytes_of(text, n)), in = copy;
		struct http1_start line;

		CHECK_INT(parse(&in, &line), n < need ? HTTP1_MORE : HTTP1_OK);
		CHECK_INT(in.p - copy.p, n < need ? 0 : need);
		guard_free(copy);
	}
}

TEST(request_line_gives_method_target_and_version)
{
	struct http1_start line;

	CHECK_INT(request_of("GET /a?b=c HTTP/1.1\r\n", &line), HTTP1_OK);
	CHECK_TEXT(line.method, "GET");
	CHECK_TEXT(line.target, "/a?b=c");
	CHECK_INT(line.minor, 1);
	CHECK_INT(request_of("OPTIONS  *  HTTP/1.0\n", &line), HTTP1_OK);
	CHECK_TEXT(line.target, "*");
	CHECK_INT(line.minor, 0);
	CHECK_INT(request_of("GET /a b c HTTP/1.1\r\n", &line), HTTP1_OK);
	CHECK_TEXT(line.target, "/a b c");
	check_prefixes("GET /a HTTP/1.1\r\nHost", 17, http1_request_line);
}

TEST(request_line_refuses_what_is_none)
{
	static const char *const bad[] = {
		" GET / HTTP/1.1\r\n",
		"GET / HTTP/2.0\r\n",
		"GET /\r\n",
		"GET  HTTP/1.1\r\n",
		"GE\x01T / HTTP/1.1",
		"GET / http/1.1\r\n",
		"GET / HTTP/1.11\r\n",
		"\x16\x03\x01",
		"(GET) / HTTP/1.1\r\n",
		"GET / HTTP/1.x\r\n",
		"GET\t/ HTTP/1.1\r\n",
		"AVERYLONGMETHODNAMETHATNOBODYWOULDUSE / HTTP/1.1\r\n",
	};
	struct http1_start line;

	for (size_t i = 0; i < array_size(bad); i++)
		CHECK_INT(request_of(bad[i], &line), HTTP1_BAD);
}

TEST(request_line_that_is_too_long_is_cut)
{
	char text[HTTP1_LINE_MAX + 100];
	struct http1_start line;
	struct bytes in;

	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /", 5);
	in = bytes_of(text, HTTP1_LINE_MAX - 1);
	CHECK_INT(http1_request_line(&in, &line), HTTP1_MORE);
	in = bytes_of(text, sizeof(text));
	CHECK_INT(http1_request_line(&in, &line), HTTP1_OK);
	CHECK(line.cut && line.target_cut && line.minor == -1);
	CHECK_INT(bytes_len(line.target), HTTP1_LINE_MAX - 4);
	CHECK_INT(bytes_len(in), 100);
	CHECK_INT(http1_line_rest(&in), HTTP1_MORE);
	CHECK(bytes_empty(in));
}

TEST(status_line_gives_code_and_version)
{
	struct bytes in = bytes_str("HTTP/1.0 404 Not Found\r\n");
	struct http1_start line;

	CHECK_INT(http1_status_line(&in, &line), HTTP1_OK);
	CHECK_INT(line.status, 404);
	CHECK_INT(line.minor, 0);
	in = bytes_str("HTTP/1.1 200\n");
	CHECK_INT(http1_status_line(&in, &line), HTTP1_OK);
	CHECK_INT(line.status, 200);
	check_prefixes("HTTP/1.1 200 OK\r\n\r\n", 17, http1_status_line);
}

TEST(status_line_refuses_what_is_none)
{
	static const char *const bad[] = {
		"HTTP/2 200\r\n",	"HTTP/1.1 20\r\n",  "HTTP/1.1 2000\r\n",
		"HTTP/1.1  200 OK\r\n", "HTTP/1.1 2x0\r\n", "ICY 200 OK\r\n",
		"http/1.1 200 OK\r\n",	"HTTP/1.1\r\n",
	};
	struct http1_start line;

	for (size_t i = 0; i < array_size(bad); i++) {
		struct bytes in = bytes_str(bad[i]);

		CHECK_INT(http1_status_line(&in, &line), HTTP1_BAD);
	}
}

TEST(beginnings_of_start_lines_say_what_they_can)
{
	struct http1_start line;

	CHECK_INT(http1_request_begin(bytes_str("GET /a/b HTT"), &line), HTTP1_OK);
	CHECK_TEXT(line.target, "/a/b");
	CHECK(line.cut && !line.target_cut);
	CHECK_INT(http1_request_begin(bytes_str("GET /a/b"), &line), HTTP1_OK);
	CHECK(line.target_cut);
	CHECK_INT(http1_request_begin(bytes_str("GET "), &line), HTTP1_MORE);
	CHECK_INT(http1_status_begin(bytes_str("HTTP/1.1 200"), &line), HTTP1_OK);
	CHECK_INT(line.status, 200);
	CHECK_INT(http1_status_begin(bytes_str("HTTP/1.1 20"), &line), HTTP1_MORE);
}

TEST(field_names_are_known_in_any_case)
{
	static const struct {
		const char *line;
		enum http1_name id;
	} cases[] = {
		{"host: x\r\n\r\n", NAME_HOST},
		{"HOST: x\r\n\r\n", NAME_HOST},
		{"Content-Length: 5\n\n", NAME_CONTENT_LENGTH},
		{"tRANSFER-eNCODING: chunked\r\n\r\n", NAME_TRANSFER_ENCODING},
		{"X-Forwarded-Proto: https\r\n\r\n", NAME_X_FORWARDED_PROTO},
		{"X-Forwarded-For: a\r\n\r\n", NAME_X_FORWARDED_FOR},
		{"X-Forwarded-Host: a\r\n\r\n", NAME_X_FORWARDED_HOST},
		{"Forwarded: for=a\r\n\r\n", NAME_FORWARDED},
		{"traceparent: a\r\n\r\n", NAME_TRACEPARENT},
		{"tracestate: a\r\n\r\n", NAME_TRACESTATE},
		{"User-Agent: a\r\n\r\n", NAME_USER_AGENT},
		{"Expect: a\r\n\r\n", NAME_EXPECT},
		{"Upgrade: a\r\n\r\n", NAME_UPGRADE},
		{"Hosts: a\r\n\r\n", NAME_OTHER},
		{"User_Agent: a\r\n\r\n", NAME_OTHER},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct bytes in = bytes_str(cases[i].line);
		struct http1_field f;

		CHECK_INT(http1_field(&in, &f), HTTP1_OK);
		CHECK_INT(f.id, cases[i].id);
		CHECK_INT(http1_field(&in, &f), HTTP1_END);
		CHECK(bytes_empty(in));
	}
}

TEST(field_ends_only_when_the_byte_after_it_shows_no_fold)
{
	struct bytes in = bytes_str("A: 1\r\n"), was = in;
	struct http1_field f;
	u8 room[64];

	CHECK_INT(http1_field(&in, &f), HTTP1_MORE);
	CHECK(in.p == was.p);
	in = bytes_str("A: 1\r\n\t 2 \r\n  3\r\nB: 4\r\n\r\n");
	CHECK_INT(http1_field(&in, &f), HTTP1_OK);
	CHECK(f.folded);
	CHECK_TEXT(http1_unfold(f.value, room), "1 2  3");
	CHECK_INT(http1_field(&in, &f), HTTP1_OK);
	CHECK_TEXT(f.value, "4");
}

TEST(lines_that_are_no_fields_are_passed_over)
{
	static const char *const lines[] = {"no colon\r\nX", ": x\r\nX", "a b: x\r\nX",
					    "a : x\r\nX", "\x01: x\r\nX"};
	struct http1_field f;

	for (size_t i = 0; i < array_size(lines); i++) {
		struct bytes in = bytes_str(lines[i]);

		CHECK_INT(http1_field(&in, &f), HTTP1_SKIP);
		CHECK_TEXT(in, "X");
	}
}

static struct http1_framing framing_of(const char *block)
{
	struct http1_framing f = {0};
	struct bytes in = bytes_str(block);
	struct http1_field field;

	while (http1_field(&in, &field) == HTTP1_OK)
		http1_framing_field(&f, &field);
	return f;
}

static enum http1_body request_body(const char *block)
{
	struct http1_framing f = framing_of(block);

	return http1_request_body(&f);
}

static enum http1_body response_body(const char *block, unsigned status)
{
	struct http1_framing f = framing_of(block);

	return http1_response_body(&f, status, false, false);
}

TEST(request_bodies_follow_the_order_of_rfc_9112)
{
	CHECK_INT(request_body("\r\n"), BODY_NONE);
	CHECK_INT(request_body("Content-Length: 0\r\n\r\n"), BODY_NONE);
	CHECK_INT(request_body("Content-Length: 1\r\n\r\n"), BODY_LENGTH);
	CHECK_INT(request_body("Content-Length: 1\r\nContent-Length: 1,1\r\n\r\n"), BODY_LENGTH);
	CHECK_INT(request_body("Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), BODY_BAD);
	CHECK_INT(request_body("Content-Length: -1\r\n\r\n"), BODY_BAD);
	CHECK_INT(request_body("Content-Length:\r\n\r\n"), BODY_BAD);
	CHECK_INT(request_body("Content-Length: 9223372036854775808\r\n\r\n"), BODY_BAD);
	CHECK_INT(request_body("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
		  BODY_CHUNKED);
	CHECK_INT(request_body("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
		  BODY_CHUNKED);
	CHECK_INT(request_body("Transfer-Encoding: chunked, gzip\r\n\r\n"), BODY_BAD);
	CHECK_INT(request_body("Transfer-Encoding: chunked;q=1\r\n\r\n"), BODY_CHUNKED);
}

TEST(response_bodies_follow_the_order_of_rfc_9112)
{
	struct http1_framing f = framing_of("Content-Length: 5\r\n\r\n");

	CHECK_INT(http1_response_body(&f, 200, true, false), BODY_NONE);
	CHECK_INT(http1_response_body(&f, 200, false, true), BODY_TUNNEL);
	CHECK_INT(http1_response_body(&f, 407, false, true), BODY_LENGTH);
	CHECK_INT(response_body("Content-Length: 5\r\n\r\n", 204), BODY_NONE);
	CHECK_INT(response_body("Content-Length: 5\r\n\r\n", 304), BODY_NONE);
	CHECK_INT(response_body("Content-Length: 5\r\n\r\n", 103), BODY_NONE);
	CHECK_INT(response_body("\r\n", 101), BODY_TUNNEL);
	CHECK_INT(response_body("\r\n", 200), BODY_CLOSE);
	CHECK_INT(response_body("Transfer-Encoding: gzip\r\n\r\n", 200), BODY_CLOSE);
	CHECK_INT(response_body("Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n", 200),
		  BODY_LENGTH);
}

TEST(chunk_sizes_may_be_large_but_not_absurd)
{
	static const struct {
		const char *text;
		enum http1_result r;
		u64 size;
	} cases[] = {
		{"0\r\n", HTTP1_OK, 0},
		{"1F;a=\"b;c\"\r\n", HTTP1_OK, 31},
		{"00000000000000000001\n", HTTP1_OK, 1},
		{"1ffffffff0 \r\n", HTTP1_OK, 0x1ffffffff0},
		{"7fffffffffffffff\r\n", HTTP1_OK, INT64_MAX},
		{"8000000000000000\r\n", HTTP1_BAD, 0},
		{"10000000000000000\r\n", HTTP1_BAD, 0},
		{"\r\n", HTTP1_BAD, 0},
		{"-1\r\n", HTTP1_BAD, 0},
		{"5x\r\n", HTTP1_BAD, 0},
		{"5", HTTP1_MORE, 0},
		{"", HTTP1_MORE, 0},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct bytes in = bytes_str(cases[i].text);
		u64 size = 0;

		CHECK_INT(http1_chunk_line(&in, &size), cases[i].r);
		CHECK_INT(size, cases[i].size);
	}
}

TEST(chunk_lines_are_bounded)
{
	char text[HTTP1_CHUNK_LINE_MAX];
	struct bytes in = bytes_of(text, sizeof(text));
	u64 size;

	memset(text, ' ', sizeof(text));
	memcpy(text, "5;", 2);
	CHECK_INT(http1_chunk_line(&in, &size), HTTP1_BAD);
	in = bytes_of(text, sizeof(text) - 1);
	CHECK_INT(http1_chunk_line(&in, &size), HTTP1_MORE);
}

TEST(a_tail_shows_the_end_of_a_chunked_body)
{
	CHECK(http1_chunked_ends(bytes_str("data\r\n0\r\n\r\n"), false));
	CHECK(http1_chunked_ends(bytes_str("data\r\n0;x=y\r\nA: b\r\nC: d\r\n\r\n"), false));
	CHECK(http1_chunked_ends(bytes_str("0\r\n\r\n"), true));
	CHECK(!http1_chunked_ends(bytes_str("0\r\n\r\n"), false));
	CHECK(!http1_chunked_ends(bytes_str("10\r\n\r\n"), true));
	CHECK(!http1_chunked_ends(bytes_str("data\r\n0\r\n"), false));
	CHECK(!http1_chunked_ends(bytes_str("data\r\n0\r\nno end"), false));
	CHECK(!http1_chunked_ends(bytes_str("data\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), false));
	CHECK(!http1_chunked_ends(bytes_str(""), true));
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
