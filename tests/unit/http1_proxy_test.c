/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of the PROXY protocol: every prefix may become one, what is wrong never does. */
#include "test.h"

#include <arpa/inet.h>

#include "proto/http1_proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define LINE(text) bytes_str(text)
#define BLOCK(text) bytes_of(SIGNATURE text, sizeof(SIGNATURE text) - 1)
#define IPV4 "\xc0\0\2\1\x0a\0\0\2\xdc\4\1\xbb"
#define IPV6                                                                                       \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x17\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\xdc\4\1"   \
	"\xbb"

static enum http1_result header_guarded(struct bytes in, struct http1_proxy *out)
{
	struct bytes copy = guard_copy(in);
	enum http1_result r = http1_proxy_header(copy, out);

	guard_free(copy);
	return r;
}

/* MORE until known_at bytes are there, OK from then on; client NULL: none. */
static void check_header(struct bytes in, size_t known_at, const char *client)
{
	char text[INET6_ADDRSTRLEN];
	struct http1_proxy got;

	for (size_t n = 0; n <= bytes_len(in); n++) {
		enum http1_result r = header_guarded(bytes_head(in, n), &got);

		if (r != (n < known_at ? HTTP1_MORE : HTTP1_OK))
			printf("  prefix of %zu bytes of %zu\n", n, bytes_len(in));
		CHECK_INT(r, n < known_at ? HTTP1_MORE : HTTP1_OK);
	}
	CHECK_INT(got.len, bytes_len(in));
	CHECK_INT(got.source.family != 0, client != NULL);
	if (got.source.family && client)
		CHECK_STR(inet_ntop(got.source.family == FAMILY_INET6 ? AF_INET6 : AF_INET,
				    got.source.addr, text, sizeof(text)),
			  client);
}

static void check_line(const char *text, const char *client)
{
	check_header(LINE(text), strlen(text), client);
}

TEST(every_prefix_of_a_line_may_become_a_header)
{
	check_line("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n", "192.0.2.1");
	check_line("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255");
	check_line("PROXY TCP6 2001:db8::17 ::1 56324 443\r\n", "2001:db8::17");
	check_line("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	check_line("PROXY UNKNOWN\r\n", NULL);
	check_line("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", NULL);
}

TEST(every_prefix_of_a_block_may_become_a_header)
{
	check_header(BLOCK("\x21\x11\0\x0c" IPV4), 20, "192.0.2.1");
	check_header(BLOCK("\x21\x12\0\x0f" IPV4 "\4\0\0"), 20, "192.0.2.1");
	check_header(BLOCK("\x21\x21\0\x24" IPV6), 32, "2001:db8::17");
	/* LOCAL, unspecified, too short for two addresses. */
	check_header(BLOCK("\x20\x11\0\x0c" IPV4), 16, NULL);
	check_header(BLOCK("\x20\0\0\0"), 16, NULL);
	check_header(BLOCK("\x21\0\0\3\4\0\0"), 16, NULL);
	check_header(BLOCK("\x21\x11\0\4\xc0\0\2\1"), 16, NULL);
	check_header(BLOCK("\x21\x21\0\x0c" IPV4), 16, NULL);
}

TEST(a_unix_client_has_no_address)
{
	struct http1_proxy got;

	CHECK_INT(header_guarded(BLOCK("\x21\x31\0\xd8/run/a"), &got), HTTP1_OK);
	CHECK_INT(got.len, 16 + 216);
	CHECK_INT(got.source.family, 0);
}

TEST(a_block_may_be_longer_than_what_is_there)
{
	struct http1_proxy got;

	CHECK_INT(header_guarded(BLOCK("\x21\x11\xff\xff" IPV4), &got), HTTP1_OK);
	CHECK_INT(got.len, 16 + 65535);
}

/* Once BAD, more bytes do not make it anything else. */
static void check_bad(struct bytes in)
{
	struct http1_proxy got;
	bool bad = false;

	for (size_t n = 0; n <= bytes_len(in); n++) {
		enum http1_result r = header_guarded(bytes_head(in, n), &got);

		CHECK(r == HTTP1_BAD || (r == HTTP1_MORE && !bad));
		bad = r == HTTP1_BAD;
	}
	if (!bad)
		printf("  «%.*s» is not refused\n", (int)bytes_len(in), (const char *)in.p);
	CHECK(bad);
}

TEST(lines_that_only_look_like_a_header_are_none)
{
	check_bad(LINE("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\n"));
	check_bad(LINE("PROXY TCP4 192.0.2.1 10.0.0.1 56324\r\n"));
	check_bad(LINE("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443 1\r\n"));
	check_bad(LINE("PROXY TCP4 192.0.2.1 10.0.0.1 56324 65536\r\n"));
	check_bad(LINE("PROXY TCP4 192.0.2.1 10.0.0.1 x 443\r\n"));
	check_bad(LINE("PROXY TCP4 192.0.2.1  10.0.0.1 56324 443\r\n"));
	check_bad(LINE("PROXY TCP4 192.0.2.256 10.0.0.1 56324 443\r\n"));
	check_bad(LINE("PROXY TCP4 192.0.2.1 shop.example 56324 443\r\n"));
	check_bad(LINE("PROXY TCP4 2001:db8::17 ::1 56324 443\r\n"));
	check_bad(LINE("PROXY TCP6 192.0.2.1 10.0.0.1 56324 443\r\n"));
	check_bad(LINE("PROXY TCP4 \r\n"));
	check_bad(LINE("PROXY UNKNOWNS\r\n"));
	check_bad(LINE("PROXY UDP4 192.0.2.1 10.0.0.1 56324 443\r\n"));
	check_bad(LINE("proxy TCP4 192.0.2.1 10.0.0.1 56324 443\r\n"));
	check_bad(LINE("PROXY /orders HTTP/1.1\r\n"));
	check_bad(LINE("GET / HTTP/1.1\r\n"));
	check_bad(bytes_of("PROXY TCP4 1.2.3.4\0 10.0.0.1 56324 443\r\n", 40));
}

TEST(a_line_has_at_most_107_bytes)
{
	static const char begin[] = "PROXY UNKNOWN ";
	char text[HTTP1_PROXY1_MAX + 2];

	memset(text, 'x', sizeof(text));
	memcpy(text, begin, strlen(begin));
	memcpy(text + HTTP1_PROXY1_MAX - 2, "\r\n", 3);
	check_line(text, NULL);
	memcpy(text + HTTP1_PROXY1_MAX - 2, "x\r\n", 3);
	check_bad(bytes_of(text, HTTP1_PROXY1_MAX + 1));
}

TEST(blocks_of_another_version_or_command_are_no_header)
{
	check_bad(BLOCK("\x11\x11\0\x0c" IPV4));
	check_bad(BLOCK("\x31\x11\0\x0c" IPV4));
	check_bad(BLOCK("\x22\x11\0\x0c" IPV4));
	check_bad(LINE("\r\nGET / HTTP/1.1\r\n"));
	check_bad(LINE("\r\n\r\nGET / HTTP/1.1\r\n"));
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
