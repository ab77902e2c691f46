/* SPDX-License-Identifier: Apache-2.0 */
/* What the user may ask of HTTP, and in which order patterns are tried. */
#include "test.h"

#include "proto/http_config.h"
#include "util/compiler.h"

TEST(headers_get_lower_case_keys_once)
{
	struct http_config c = {0};

	CHECK_INT(http_config_header(&c, "X-Request-ID"), 0);
	CHECK_INT(http_config_header(&c, "x-request-id"), 0);
	CHECK_INT(c.header_count, 1);
	CHECK_STR(c.headers[0].name, "x-request-id");
	CHECK_STR(c.headers[0].request_key, "http.request.header.x-request-id");
	CHECK_STR(c.headers[0].response_key, "http.response.header.x-request-id");
	CHECK_INT(http_config_header(&c, ""), -EINVAL);
	CHECK_INT(http_config_header(&c, "a b"), -EINVAL);
	CHECK_INT(http_config_header(&c, "a:"), -EINVAL);
	CHECK_INT(c.header_count, 1);
	http_config_done(&c);
	http_config_done(&c);
	http_config_done(NULL);
}

TEST(routes_stand_in_the_order_in_which_they_are_tried)
{
	static const char *const given[] = {"/**", "/a/{x}", "/a/**", "/a/b", "/{y}/b"};
	static const char *const want[] = {"/a/b", "/a/{x}", "/a/**", "/{y}/b", "/**"};
	struct http_config c = {0};

	for (size_t i = 0; i < array_size(given); i++)
		CHECK_INT(http_config_route(&c, given[i]), 0);
	for (size_t i = 0; i < array_size(want); i++)
		CHECK_STR(c.routes[i], want[i]);
	CHECK_INT(http_config_route(&c, "a"), -EINVAL);
	CHECK_INT(http_config_ignore(&c, "/health*"), -EINVAL);
	CHECK_INT(http_config_ignore(&c, "/health/**"), 0);
	CHECK_INT(c.ignore_count, 1);
	http_config_done(&c);
}

TEST(without_a_configuration_the_empty_one_is_in_use)
{
	struct http_config c = {.guess_off = true};

	CHECK(http_config_in_use() && !http_config_in_use()->guess_off);
	http_config_use(&c);
	CHECK(http_config_in_use() == &c);
	http_config_use(NULL);
	CHECK(!http_config_in_use()->guess_off);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
