/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded queue between the pipeline and the export thread. */
#include "export/queue.h"
#include "test.h"

TEST(a_full_queue_takes_nothing_and_a_reader_is_woken_once)
{
	struct queue q;
	struct span *s = span_new();
	size_t size = span_size(s);
	bool wake;

	CHECK_INT(queue_init(&q, 8 * size), 0);
	CHECK_INT(queue_take(&q), 0);
	CHECK_INT(queue_push(&q, s, &wake), 0);
	CHECK(wake); /* the reader was asleep */
	CHECK_INT(queue_push(&q, span_new(), &wake), 0);
	CHECK(!wake);
	CHECK_INT(queue_push(&q, span_new(), &wake), 0);
	CHECK(!wake); /* it was woken already */
	CHECK_INT(queue_take(&q), 3);
	for (int i = 0; i < 3; i++)
		span_free(q.taken[i]);
	/* Taken spans count until they are freed. */
	for (int i = 0; i < 5; i++) {
		CHECK_INT(queue_push(&q, span_new(), &wake), 0);
		CHECK_INT(wake, i == 0);
	}
	s = span_new();
	CHECK_INT(queue_push(&q, s, &wake), -ENOSPC);
	queue_done(&q);
	CHECK_INT(queue_push(&q, s, &wake), 0);
	queue_done_all(&q);
}

TEST(much_that_waits_wakes_a_busy_reader_once)
{
	struct queue q;
	unsigned wakes = 0;
	bool wake;

	CHECK_INT(queue_init(&q, 40 * sizeof(struct span)), 0);
	for (int i = 0; i < 20; i++) {
		CHECK_INT(queue_push(&q, span_new(), &wake), 0);
		wakes += wake;
	}
	CHECK_INT(wakes, 1);
	queue_done_all(&q);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
