/* SPDX-License-Identifier: Apache-2.0 */
/* The table of connections: look-up, growth, last use, eviction. */
#include "conn/conn.h"

#include "test.h"

struct evicted {
	struct conn_table *table;
	unsigned count;
	u64 last;
};

static void on_evict(void *ctx, struct conn *c)
{
	struct evicted *e = ctx;

	/* Still whole: its protocol has to be ended. */
	CHECK(conn_table_find(e->table, c->id) == c);
	e->count++;
	e->last = c->id;
}

TEST(a_connection_is_found_by_its_id_until_it_is_removed)
{
	struct evicted e = {0};
	struct conn_table *t = e.table = conn_table_new(10, on_evict, &e);
	struct conn *c = conn_table_add(t, 7);

	CHECK(conn_table_find(t, 7) == c);
	CHECK_INT(c->id, 7);
	/* The same bucket, another id. */
	CHECK(!conn_table_find(t, 7 + 256));
	conn_table_remove(t, c);
	CHECK(!conn_table_find(t, 7));
	CHECK_INT(conn_table_count(t), 0);
	CHECK(!conn_table_oldest(t));
	conn_table_free(t);
	conn_table_free(NULL);
	CHECK_INT(e.count, 0);
}

TEST(the_table_grows_and_loses_nobody)
{
	struct evicted e = {0};
	struct conn_table *t = e.table = conn_table_new(5000, on_evict, &e);

	for (u64 id = 0; id < 5000; id++)
		conn_table_add(t, id * 0x100000001);
	CHECK_INT(conn_table_count(t), 5000);
	for (u64 id = 0; id < 5000; id++)
		CHECK(conn_table_find(t, id * 0x100000001));
	for (u64 id = 0; id < 5000; id += 2)
		conn_table_remove(t, conn_table_find(t, id * 0x100000001));
	for (u64 id = 0; id < 5000; id++)
		CHECK_INT(!!conn_table_find(t, id * 0x100000001), id % 2);
	CHECK_INT(e.count, 0);
	conn_table_free(t);
}

TEST(ids_of_one_bucket_are_told_apart)
{
	struct evicted e = {0};
	struct conn_table *t = e.table = conn_table_new(100, on_evict, &e);

	for (u64 i = 1; i <= 20; i++)
		conn_table_add(t, i << 40);
	/* The first, the last and one amid the chain. */
	conn_table_remove(t, conn_table_find(t, 1ull << 40));
	conn_table_remove(t, conn_table_find(t, 20ull << 40));
	conn_table_remove(t, conn_table_find(t, 10ull << 40));
	for (u64 i = 1; i <= 20; i++)
		CHECK_INT(!!conn_table_find(t, i << 40), i != 1 && i != 10 && i != 20);
	conn_table_free(t);
}

static void check_order(struct conn_table *t, const u64 *ids, size_t n)
{
	struct conn *c = conn_table_oldest(t);
	const struct conn *before = NULL;

	for (size_t i = 0; i < n && c; i++) {
		CHECK_INT(c->id, ids[i]);
		CHECK(c->older == before);
		before = c;
		c = c->newer;
	}
	CHECK(!c);
	CHECK_INT(conn_table_count(t), n);
}

TEST(the_list_is_in_the_order_of_last_use)
{
	struct evicted e = {0};
	struct conn_table *t = e.table = conn_table_new(10, on_evict, &e);

	for (u64 id = 1; id <= 4; id++)
		conn_table_add(t, id);
	check_order(t, (const u64[]){1, 2, 3, 4}, 4);
	conn_table_find(t, 2);
	conn_table_find(t, 1);
	conn_table_find(t, 1);
	conn_table_find(t, 99);
	check_order(t, (const u64[]){3, 4, 2, 1}, 4);
	conn_table_remove(t, conn_table_oldest(t));
	conn_table_remove(t, conn_table_find(t, 1));
	check_order(t, (const u64[]){4, 2}, 2);
	conn_table_free(t);
}

TEST(a_full_table_forgets_the_one_used_longest_ago)
{
	struct evicted e = {0};
	struct conn_table *t = e.table = conn_table_new(3, on_evict, &e);

	for (u64 id = 1; id <= 3; id++)
		conn_table_add(t, id);
	conn_table_find(t, 1);
	CHECK_INT(e.count, 0);
	conn_table_add(t, 4);
	CHECK_INT(e.count, 1);
	CHECK_INT(e.last, 2);
	CHECK(!conn_table_find(t, 2));
	CHECK_INT(conn_table_count(t), 3);
	conn_table_free(t);
}

TEST(a_table_of_one_connection_is_a_table)
{
	struct evicted e = {0};
	struct conn_table *t = e.table = conn_table_new(1, on_evict, &e);

	for (u64 id = 1; id <= 5; id++) {
		conn_table_add(t, id);
		check_order(t, &id, 1);
	}
	CHECK_INT(e.count, 4);
	conn_table_free(t);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
