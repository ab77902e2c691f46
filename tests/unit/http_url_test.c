/* SPDX-License-Identifier: Apache-2.0 */
/* Targets, hosts, forwarding headers, and what must not leave in a URL. */
#include "test.h"

#include "proto/http_url.h"

TEST(targets_of_every_form_come_apart)
{
	struct http_target t;

	http_target_parse(bytes_str("/a/b?c=d?e#f"), false, &t);
	CHECK_INT(t.form, TARGET_ORIGIN);
	CHECK_TEXT(t.path, "/a/b");
	CHECK_TEXT(t.query, "c=d?e");
	http_target_parse(bytes_str("http://u:p@h:80/p?q"), false, &t);
	CHECK_INT(t.form, TARGET_ABSOLUTE);
	CHECK_TEXT(t.scheme, "http");
	CHECK_TEXT(t.authority, "u:p@h:80");
	CHECK_TEXT(t.path, "/p");
	http_target_parse(bytes_str("https://h?q"), false, &t);
	CHECK_TEXT(t.authority, "h");
	CHECK_TEXT(t.path, "/");
	CHECK_TEXT(t.query, "q");
	http_target_parse(bytes_str("*"), false, &t);
	CHECK_INT(t.form, TARGET_ASTERISK);
	http_target_parse(bytes_str("h:443"), true, &t);
	CHECK_INT(t.form, TARGET_AUTHORITY);
	CHECK_TEXT(t.authority, "h:443");
	http_target_parse(bytes_str("/a?"), false, &t);
	CHECK(t.has_query && bytes_empty(t.query));
	http_target_parse(bytes_str("://x"), false, &t);
	CHECK_INT(t.form, TARGET_ORIGIN);
}

TEST(authorities_come_apart)
{
	static const struct {
		const char *text, *host, *host_port;
		unsigned port;
		bool user;
	} cases[] = {
		{"h", "h", "h", 0, false},
		{" h:8080 ", "h", "h:8080", 8080, false},
		{"[2001:db8::1]:443", "2001:db8::1", "[2001:db8::1]:443", 443, false},
		{"[2001:db8::1]", "2001:db8::1", "[2001:db8::1]", 0, false},
		{"u:p@h:1", "h", "h:1", 1, true},
		{"u:p@ss@h", "h", "h", 0, true},
		{"h:", "h", "h:", 0, false},
		{"h:65536", "h", "h:65536", 0, false},
		{"h:-1", "h", "h:-1", 0, false},
		{"[nonsense", "", "[nonsense", 0, false},
		{":80", "", ":80", 80, false},
		{"", "", "", 0, false},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct http_authority a;

		http_authority_parse(bytes_str(cases[i].text), &a);
		CHECK_TEXT(a.host, cases[i].host);
		CHECK_TEXT(a.host_port, cases[i].host_port);
		CHECK_INT(a.port, cases[i].port);
		CHECK_INT(a.has_user, cases[i].user);
	}
}

TEST(forwarded_gives_its_first_element)
{
	struct http_forwarded f;

	http_forwarded_parse(bytes_str("for=\"[2001:db8::17]:4711\"; Proto=https ;host=a:1, for=b"),
			     &f);
	CHECK_TEXT(f.client, "[2001:db8::17]:4711");
	CHECK_TEXT(f.proto, "https");
	CHECK_TEXT(f.host, "a:1");
	http_forwarded_parse(bytes_str("for=\"a,b;c\";host=x"), &f);
	CHECK_TEXT(f.client, "a,b;c");
	CHECK_TEXT(f.host, "x");
	http_forwarded_parse(bytes_str("for=\"open"), &f);
	CHECK_TEXT(f.client, "open");
	http_forwarded_parse(bytes_str(";;=;by"), &f);
	CHECK(bytes_empty(f.client) && bytes_empty(f.host) && bytes_empty(f.proto));
}

TEST(node_addresses_lose_port_and_brackets)
{
	CHECK_TEXT(http_node_address(bytes_str("192.0.2.1:80")), "192.0.2.1");
	CHECK_TEXT(http_node_address(bytes_str("\"[2001:db8::1]:4711\"")), "2001:db8::1");
	CHECK_TEXT(http_node_address(bytes_str("2001:db8::1")), "2001:db8::1");
	CHECK_TEXT(http_node_address(bytes_str("_hidden")), "_hidden");
	CHECK_TEXT(http_node_address(bytes_str("Unknown")), "");
	CHECK_TEXT(http_list_first(bytes_str(" a , b")), "a");
}

static void check_query(const char *in, const char *want)
{
	u8 room[256];

	CHECK_TEXT(http_query_redact(bytes_str(in), room, sizeof(room)), want);
}

TEST(sensitive_query_values_are_redacted_and_nothing_else)
{
	check_query("", "");
	check_query("a=b&c", "a=b&c");
	check_query("sig=x", "sig=REDACTED");
	check_query("a=1&sig=x=y&b=2", "a=1&sig=REDACTED&b=2");
	check_query("AWSAccessKeyId=a;Signature=b", "AWSAccessKeyId=REDACTED;Signature=REDACTED");
	check_query("X-Goog-Signature=a&X-Amz-Security-Token=b&X-Amz-Credential=c",
		    "X-Goog-Signature=REDACTED&X-Amz-Security-Token=REDACTED&"
		    "X-Amz-Credential=REDACTED");
	check_query("%73%69g=x&s%69g%=y", "%73%69g=REDACTED&s%69g%=y");
	check_query("SIG=x&sign=y&xsig=z", "SIG=x&sign=y&xsig=z");
	check_query("Password=x&api_key=y&ACCESS_TOKEN=z",
		    "Password=REDACTED&api_key=REDACTED&ACCESS_TOKEN=REDACTED");
	check_query("sig=&sig", "sig=&sig");
	check_query("&&sig=a&&", "&&sig=REDACTED&&");
}

TEST(redaction_that_does_not_fit_is_cut_never_clear)
{
	u8 room[12];

	CHECK_TEXT(http_query_redact(bytes_str("sig=secret&sig=secret"), room, sizeof(room)),
		   "sig=REDACTED");
}

TEST(session_ids_in_paths_are_redacted)
{
	u8 room[64];

	CHECK_TEXT(http_path_redact(bytes_str("/a;jsessionid=1.2/b"), room, sizeof(room)),
		   "/a;jsessionid=REDACTED/b");
	CHECK_TEXT(http_path_redact(bytes_str("/a;v=1;JSESSIONID=x"), room, sizeof(room)),
		   "/a;v=1;JSESSIONID=REDACTED");
	CHECK_TEXT(http_path_redact(bytes_str("/a;v=1/b"), room, sizeof(room)), "/a;v=1/b");
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
