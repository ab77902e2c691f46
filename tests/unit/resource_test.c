/* SPDX-License-Identifier: Apache-2.0 */
/* Resources: attributes, references, JSON. */
#include "span/resource.h"
#include "test.h"
#include "util/buf.h"

TEST(attributes_keep_their_order_and_are_replaced_in_place)
{
	struct resource *r = resource_new(7);

	CHECK_INT(resource_set(r, "service.name", "a"), 0);
	CHECK_INT(resource_set_number(r, "process.pid", 7), 0);
	CHECK_INT(resource_set(r, "service.name", "b"), 0);
	CHECK_INT(resource_set(r, "process.pid", "text now"), 0);
	CHECK_INT(resource_set_number(r, "process.pid", 8), 0);
	CHECK_INT(r->count, 2);
	CHECK_STR(r->attrs[0].key, "service.name");
	CHECK_STR(resource_text(r, "service.name"), "b");
	CHECK(!resource_text(r, "process.pid"));
	CHECK_INT(r->attrs[1].number, 8);
	CHECK(!resource_text(r, "none"));
	resource_put(r);
	resource_put(NULL);
}

TEST(bad_utf8_is_repaired_in_keys_and_values)
{
	struct resource *r = resource_new(7);

	CHECK_INT(resource_set(r, "k\xff", "v\xfe"), 0);
	CHECK_STR(r->attrs[0].key, "k�");
	CHECK_STR(r->attrs[0].text, "v�");
	CHECK_INT(resource_set(r, "k\xfe", "w"), 0);
	CHECK_INT(r->count, 1);
	resource_put(r);
}

TEST(over_the_limit_nothing_changes)
{
	struct resource *r = resource_new(7);
	char key[16];

	for (int i = 0; i < RESOURCE_ATTRS_MAX; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		CHECK_INT(resource_set(r, key, "v"), 0);
	}
	CHECK_INT(resource_set(r, "one more", "v"), -ENOSPC);
	CHECK_INT(resource_set_number(r, "one more", 1), -ENOSPC);
	CHECK_INT(resource_set(r, "k3", "changed"), 0);
	CHECK_INT(r->count, RESOURCE_ATTRS_MAX);
	CHECK_STR(resource_text(r, "k3"), "changed");
	resource_put(r);
}

TEST(serials_differ_and_references_are_counted)
{
	struct resource *a = resource_new(7), *b = resource_new(7);

	CHECK(a->serial != b->serial);
	CHECK(resource_get(a) == a);
	CHECK_INT(a->refs, 2);
	resource_put(a);
	CHECK_INT(a->refs, 1);
	resource_put(a);
	resource_put(b);
}

TEST(json_round_trip_keeps_everything)
{
	static const char want[] = "{\"service.name\":\"ü \\\"x\\\"\",\"process.pid\":-5}";
	struct resource *r = resource_new(7), *again;
	char *json, *json2;

	CHECK_INT(resource_set(r, "service.name", "ü \"x\""), 0);
	CHECK_INT(resource_set_number(r, "process.pid", -5), 0);
	json = resource_to_json(r);
	CHECK_STR(json, want);
	again = resource_from_json(9, json, strlen(json));
	CHECK(again != NULL);
	CHECK_INT(again->pid, 9);
	json2 = resource_to_json(again);
	CHECK_STR(json2, want);
	free(json);
	free(json2);
	resource_put(r);
	resource_put(again);
}

TEST(what_is_not_such_an_object_is_refused)
{
	static const char *const bad[] = {"",
					  "x",
					  "[]",
					  "{\"a\":1.5}",
					  "{\"a\":{}}",
					  "{\"a\":null}",
					  "{\"a\":1,\"a\":2}",
					  "{\"a\":\"\\u0000\"}",
					  "{} trailing"};
	struct buf many = {0};

	for (size_t i = 0; i < array_size(bad); i++) {
		struct bytes in = guard_copy(bytes_str(bad[i]));

		CHECK(!resource_from_json(1, in.p, bytes_len(in)));
		guard_free(in);
	}
	for (int i = 0; i <= RESOURCE_ATTRS_MAX; i++)
		buf_printf(&many, "%s\"k%d\":1", i ? "," : "{", i);
	buf_str(&many, "}");
	CHECK(!resource_from_json(1, many.data, many.len));
	buf_done(&many);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
