/* SPDX-License-Identifier: Apache-2.0 */
/* bpf/infer.h, compiled for the host: which first bytes are HTTP/1, which are not, which may be. */
#include "../../bpf/infer.h"

#include "test.h"
#include "util/compiler.h"

/* The registry of methods at IANA, its reserved "*" and PRI left out, and what servers add to it. */
static const char *const methods[] = {
	"ACL",
	"BASELINE-CONTROL",
	"BIND",
	"CHECKIN",
	"CHECKOUT",
	"CONNECT",
	"COPY",
	"DELETE",
	"GET",
	"HEAD",
	"LABEL",
	"LINK",
	"LOCK",
	"MERGE",
	"MKACTIVITY",
	"MKCALENDAR",
	"MKCOL",
	"MKREDIRECTREF",
	"MKWORKSPACE",
	"MOVE",
	"OPTIONS",
	"ORDERPATCH",
	"PATCH",
	"POST",
	"PROPFIND",
	"PROPPATCH",
	"PUT",
	"QUERY",
	"REBIND",
	"REPORT",
	"SEARCH",
	"TRACE",
	"UNBIND",
	"UNCHECKOUT",
	"UNLINK",
	"UNLOCK",
	"UPDATE",
	"UPDATEREDIRECTREF",
	"VERSION-CONTROL",
	"PURGE",
	"BAN",
	"M-SEARCH",
	"NOTIFY",
	"SUBSCRIBE",
	"UNSUBSCRIBE",
	"SOURCE",
	"get",
};

static enum infer infer_text(const char *text)
{
	return infer_http1((const u8 *)text, (u32)strlen(text));
}

/* The answer to the first n bytes, which touch an unreadable page. */
static enum infer infer_guarded(struct bytes all, size_t n)
{
	struct bytes copy = guard_copy(bytes_of(all.p, n));
	enum infer got = infer_http1(copy.p, (u32)n);

	guard_free(copy);
	return got;
}

/* Every prefix may be it, until one is; from then on all are. */
static void check_all(struct bytes all, enum infer want)
{
	bool known = false;

	for (size_t n = 0; n <= bytes_len(all); n++) {
		enum infer got = infer_guarded(all, n);

		if (got == want)
			known = true;
		else if (got != INFER_MAYBE || known || n >= INFER_BYTES)
			printf("  prefix of %zu bytes of «%.*s»\n", n, (int)bytes_len(all),
			       (const char *)all.p);
		if (got != want)
			CHECK_INT(got, INFER_MAYBE);
		if (got != want && n >= INFER_BYTES)
			CHECK_INT(got, want);
		if (got != want)
			CHECK(!known);
	}
	CHECK(known);
}

static void check_prefixes(const char *text, enum infer want)
{
	check_all(bytes_str(text), want);
}

static void check_request(const char *method, const char *target)
{
	char text[256];

	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: shop.example\r\n\r\n", method,
		 target);
	check_prefixes(text, INFER_REQUEST);
}

TEST(every_prefix_of_a_request_may_become_one)
{
	for (size_t i = 0; i < array_size(methods); i++) {
		check_request(methods[i], "/");
		check_request(methods[i], "/orders/8731?x=1");
	}
}

TEST(targets_in_their_four_forms_are_requests)
{
	check_request("GET", "/");
	check_request("GET", "http://shop.example/orders");
	check_request("GET", "https://shop.example/orders");
	check_request("GET", "HTTP://shop.example/orders");
	check_request("OPTIONS", "*");
	check_request("CONNECT", "db.example:443");
	check_request("CONNECT", "[::1]:443");
}

TEST(every_prefix_of_a_response_may_become_one)
{
	check_prefixes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", INFER_RESPONSE);
	check_prefixes("HTTP/1.0 404 Not Found\r\n\r\n", INFER_RESPONSE);
	check_prefixes("HTTP/1.1 100 Continue\r\n\r\n", INFER_RESPONSE);
	check_prefixes("HTTP/1.1 299\r\n\r\n", INFER_RESPONSE);
}

/* RFC 9112 §2.2: a server should ignore at least one. */
TEST(empty_lines_before_a_request_are_passed_over)
{
	check_prefixes("\r\nGET / HTTP/1.1\r\n", INFER_REQUEST);
	check_prefixes("\n\nGET / HTTP/1.1\r\n", INFER_REQUEST);
	check_prefixes("\r\n\r\nPOST /orders HTTP/1.1\r\n", INFER_REQUEST);
}

/* doc/proxy-protocol.txt of HAProxy. */
TEST(headers_of_the_proxy_protocol_begin_requests)
{
	static const char version2[] =
		"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\x0a\0\0\2\xdc\4\1\xbb";

	check_prefixes("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n", INFER_REQUEST);
	check_prefixes("PROXY TCP6 2001:db8::17 ::1 56324 443\r\n", INFER_REQUEST);
	check_prefixes("PROXY UNKNOWN\r\n", INFER_REQUEST);
	check_all(bytes_of(version2, sizeof(version2) - 1), INFER_REQUEST);
	/* A method of that name, and targets that begin as its words do. */
	check_request("PROXY", "/TCP4");
	check_request("CONNECT", "Test.example:443");
	check_request("CONNECT", "US.example:443");
}

/* Once it was NO, more bytes do not make it anything else; and in the end it is NO. */
static void check_no(const char *what, struct bytes all)
{
	bool no = false;

	for (size_t n = 0; n <= bytes_len(all); n++) {
		enum infer got = infer_guarded(all, n);

		if ((no && got != INFER_NO) || (got != INFER_NO && got != INFER_MAYBE))
			printf("  prefix of %zu bytes of %s: %d\n", n, what, got);
		CHECK(got == INFER_NO || (got == INFER_MAYBE && !no));
		no |= got == INFER_NO;
	}
	if (!no)
		printf("  %s is not ruled out\n", what);
	CHECK(no);
}

#define NOT_HTTP(what, text) check_no(what, bytes_of(text, sizeof(text) - 1))

TEST(other_protocols_are_not_http1)
{
	NOT_HTTP("Redis", "*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n");
	NOT_HTTP("Redis, inline", "PING\r\n");
	NOT_HTTP("Redis, inline with a key", "GET order:8731\r\n");
	NOT_HTTP("Redis, answer", "$5\r\nhello\r\n");
	NOT_HTTP("PostgreSQL, start", "\0\0\0\x29\0\3\0\0user\0postgres\0database\0shop\0\0");
	NOT_HTTP("PostgreSQL, query", "Q\0\0\0\x0dSELECT 1\0");
	NOT_HTTP("PostgreSQL, parse", "P\0\0\0\x20\0SELECT * FROM orders\0\0\0B\0\0\0");
	NOT_HTTP("MySQL, greeting", "J\0\0\0\n8.0.36\0\x08\0\0\0abcdefgh\0\xff\xff");
	NOT_HTTP("SMTP, greeting", "220 mail.example ESMTP\r\n");
	NOT_HTTP("SMTP", "EHLO client.example\r\n");
	NOT_HTTP("SMTP, mail", "MAIL FROM:<a@shop.example>\r\n");
	NOT_HTTP("TLS, hello",
		 "\x16\3\1\2\0\1\0\1\xfc\3\3\x5a\x5a\x5a\x5a\x5a\x5a\x5a\x5a\x5a\x5a");
	NOT_HTTP("HTTP/2, preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	NOT_HTTP("HTTP/2, by name", "HTTP/2 200\r\n");
	NOT_HTTP("SSH", "SSH-2.0-OpenSSH_9.2\r\n");
	NOT_HTTP("AMQP", "AMQP\0\0\x09\1");
	NOT_HTTP("Memcached", "get order:8731\r\n");
	NOT_HTTP("Kafka", "\0\0\0\x2f\0\x12\0\3\0\0\0\1\0\x0bshop-client");
	NOT_HTTP("STOMP", "CONNECT\naccept-version:1.2\n\n\0");
	NOT_HTTP("IMAP", "a001 LOGIN me secret\r\n");
	NOT_HTTP("a word without end", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	NOT_HTTP("a space first", " GET / HTTP/1.1\r\n");
	NOT_HTTP("a telnet client's empty lines", "\r\n\r\n\r\n\r\n");
	NOT_HTTP("PROXY of another transport", "PROXY TCP5 192.0.2.1 10.0.0.1 1 2\r\n");
	NOT_HTTP("PROXY of a datagram", "PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n");
	NOT_HTTP("another word of five letters", "PRINT TCP4 192.0.2.1\r\n");
	NOT_HTTP("no target", "GET  / HTTP/1.1\r\n");
}

TEST(random_bytes_are_not_http1)
{
	u64 state = 1;
	u8 bytes[INFER_BYTES];

	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			bytes[i] = (u8)(state >> 56);
		}
		CHECK_INT(infer_http1(bytes, sizeof(bytes)), INFER_NO);
	}
}

/* recognise() in bpf/moved.bpf.h counts on it. */
TEST(infer_bytes_are_always_an_answer)
{
	static const char next[] = "/*hHcCxtTU \r";
	u8 text[INFER_BYTES];

	for (size_t space = 0; space < sizeof(text); space++)
		for (size_t i = 0; i < sizeof(next) - 1; i++) {
			memset(text, 'h', sizeof(text));
			text[space] = ' ';
			if (space + 1 < sizeof(text))
				text[space + 1] = (u8)next[i];
			if (infer_http1(text, sizeof(text)) == INFER_MAYBE)
				printf("  «%.*s»\n", (int)sizeof(text), text);
			CHECK(infer_http1(text, sizeof(text)) != INFER_MAYBE);
		}
}

TEST(bytes_behind_the_first_are_not_looked_at)
{
	static const char text[] = "GET /orders/8731 HTTP/1.1\r\n";
	struct bytes all = bytes_of(text, INFER_BYTES);
	struct bytes copy = guard_copy(all);

	/* The kernel gives what it has room for: INFER_BYTES. A longer count must not be believed. */
	CHECK_INT(infer_http1(copy.p, 1000), INFER_REQUEST);
	guard_free(copy);
	CHECK_INT(infer_text(""), INFER_MAYBE);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
