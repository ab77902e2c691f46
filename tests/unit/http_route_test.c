/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns, guesses, and the bound on guesses. */
#include "test.h"

#include "proto/http_route.h"

static bool matches(const char *pattern, const char *path)
{
	return http_pattern_match(pattern, bytes_str(path));
}

TEST(patterns_match_segment_by_segment)
{
	CHECK(matches("/orders/{id}", "/orders/17"));
	CHECK(!matches("/orders/{id}", "/orders/"));
	CHECK(!matches("/orders/{id}", "/orders"));
	CHECK(!matches("/orders/{id}", "/orders/17/items"));
	CHECK(!matches("/orders/{id}", "/orders/17/"));
	CHECK(matches("/*/x", "/anything/x"));
	CHECK(matches("/static/**", "/static/a/b.js"));
	CHECK(matches("/static/**", "/static"));
	CHECK(!matches("/static/**", "/statics"));
	CHECK(matches("/**", "/"));
	CHECK(matches("/", "/"));
	CHECK(!matches("/", ""));
	CHECK(!matches("/a", "*"));
}

TEST(patterns_that_are_none_are_refused)
{
	static const char *const bad[] = {"",	"a",	 "*",	 "/a*", "/**/b",
					  "/{", "/a{b}", "/a?b", "/a b"};
	static const char *const good[] = {"/", "/a", "/{a}", "/*", "/**", "/a/**", "/a//b", "/a/"};

	for (size_t i = 0; i < array_size(bad); i++)
		CHECK_INT(http_pattern_check(bad[i]), -EINVAL);
	for (size_t i = 0; i < array_size(good); i++)
		CHECK_INT(http_pattern_check(good[i]), 0);
}

TEST(the_more_specific_pattern_comes_first)
{
	CHECK(http_pattern_compare("/a/b", "/a/{x}") < 0);
	CHECK(http_pattern_compare("/a/{x}", "/a/**") < 0);
	CHECK(http_pattern_compare("/a/**", "/{x}/b") < 0);
	CHECK(http_pattern_compare("/a", "/a/**") < 0);
	CHECK_INT(http_pattern_compare("/a/{x}", "/a/*"), 0);
}

static void check_guess(const char *path, const char *want)
{
	u8 room[HTTP_ROUTE_MAX];

	CHECK_TEXT(http_route_guess(bytes_str(path), room), want);
}

TEST(identifiers_become_placeholders)
{
	check_guess("/orders/8731", "/orders/{id}");
	check_guess("/u/3f2504e0-4f89-11d3-9a0c-0305e82c3301/x", "/u/{uuid}/x");
	check_guess("/u/3F2504E0-4F89-11D3-9A0C-0305E82C3301", "/u/{uuid}");
	check_guess("/c/d41d8cd98f00b204e9800998ecf8427e", "/c/{hash}");
	check_guess("/c/1f3a9bc0", "/c/{hash}");
	check_guess("/c/deadbeefdeadbeefdead", "/c/{hash}");
	check_guess("/d/2024-05-01", "/d/{date}");
	check_guess("/d/2024-05-01T12:00:00Z", "/d/{date}");
	check_guess("/m/bob@example.com", "/m/{id}");
	check_guess("/l/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/l/{id}");
	check_guess("/t/dGhpcyBpcyBh5IGJhc2U2NA==", "/t/{id}");
	check_guess("/o/order-8731", "/o/{id}");
	check_guess("/s/red%20shoes", "/s/{id}");
	check_guess("/k/a1b2c3", "/k/{id}");
	check_guess("/ip/10.0.0.1", "/ip/{id}");
	check_guess("/x/-12.5", "/x/{id}");
}

TEST(words_versions_and_file_names_stay)
{
	static const char *const same[] = {
		"/",
		"/api/v1/users",
		"/docs/3.11/library",
		"/index.html",
		"/static/app.min.js",
		"/users/me/settings",
		"/oauth2/callback",
		"/my-long-page-name",
		"/a/b/",
		"/robots.txt",
		"/utf-8",
		"/font.woff2",
		"/log4j2",
		"/getUserAccountByName",
	};

	for (size_t i = 0; i < array_size(same); i++)
		check_guess(same[i], same[i]);
	check_guess("/static/main.8f3a2b1c.js", "/static/main.{hash}.js");
	check_guess("/export/8731.csv", "/export/{id}.csv");
	check_guess("/a;v=1/b", "/a/b");
}

TEST(guesses_are_bounded_in_length_and_depth)
{
	char path[4096] = "";
	u8 room[HTTP_ROUTE_MAX];

	check_guess("/1/2/3/4/5/6/7/8/9/10/11/12",
		    "/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/**");
	for (size_t i = 0; i < 10; i++)
		memcpy(path + i * 41, "/abcdefghijklmnopqrstuvwxyzabcdefghijklmn", 42);
	CHECK(bytes_empty(http_route_guess(bytes_str(path), room)));
	check_guess("*", "");
	check_guess("", "");
}

TEST(a_service_has_its_share_of_routes_and_no_more)
{
	struct route_table *t = route_table_new();
	char route[32];

	for (int i = 0; i < ROUTES_PER_SERVICE; i++) {
		snprintf(route, sizeof(route), "/r%d", i);
		CHECK(route_table_admit(t, 1, bytes_str(route)));
	}
	CHECK(!route_table_admit(t, 1, bytes_str("/one-too-many")));
	CHECK(route_table_admit(t, 1, bytes_str("/r0")));
	CHECK(route_table_admit(t, 2, bytes_str("/one-too-many")));
	route_table_free(t);
	route_table_free(NULL);
}

TEST(services_and_all_routes_are_bounded_too)
{
	struct route_table *t = route_table_new();
	unsigned admitted = 0;

	for (u64 service = 0; service < ROUTE_SERVICES + 10; service++)
		admitted += route_table_admit(t, service, bytes_str("/"));
	CHECK_INT(admitted, ROUTE_SERVICES);
	for (u64 i = 0; i < 2 * ROUTES_ALL; i++)
		admitted += route_table_admit(t, i % ROUTE_SERVICES, bytes_of(&i, sizeof(i)));
	CHECK_INT(admitted, ROUTES_ALL);
	route_table_free(t);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
