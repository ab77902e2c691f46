/* SPDX-License-Identifier: Apache-2.0 */
/* The trace context of a message: whose parent it is, and when it only passes through. */
#include "cause/carried.h"

#include "cause/cause.h"
#include "pipe.h"
#include "proto/drive.h"
#include "test.h"

static struct exchange *exchange(enum role role, u32 pid, u8 span_id)
{
	struct exchange *x = calloc(1, sizeof(*x));

	x->span = span_new();
	x->role = role;
	x->req_first.pid = pid;
	x->carried.valid = span_id != 0;
	x->carried.flags = TRACE_FLAG_SAMPLED;
	memset(x->carried.trace_id, 0xab, sizeof(x->carried.trace_id));
	x->carried.span_id[3] = span_id;
	return x;
}

static bool is_zero(const u8 *id, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (id[i])
			return false;
	return true;
}

/* What the cause makes of it; the exchange is freed. */
static bool has_parent(struct cause *c, struct exchange *x)
{
	bool parent, right;

	cause_request(c, x);
	cause_span(c, x);
	parent = x->span->has_parent;
	CHECK(!is_zero(x->span->span_id, 8));
	CHECK(!is_zero(x->span->trace_id, 16));
	CHECK_INT(x->span->parent_remote, parent);
	right = !memcmp(x->span->trace_id, x->carried.trace_id, 16) &&
		!memcmp(x->span->parent_id, x->carried.span_id, 8);
	CHECK_INT(right, parent);
	CHECK_TEXT(span_get_text(x->span, ATTR_PARENT_SOURCE), parent ? "carried" : "");
	exchange_free(x);
	return parent;
}

TEST(a_request_that_was_read_has_the_parent_it_names)
{
	struct cause *c = cause_new();

	count_from_here();
	CHECK(has_parent(c, exchange(ROLE_SERVER, 7, 1)));
	CHECK_INT(counted(STAT_CARRIED), 1);
	CHECK_INT(counted(STAT_ROOTS), 0);
	CHECK(!has_parent(c, exchange(ROLE_SERVER, 7, 0)));
	CHECK_INT(counted(STAT_CARRIED), 1);
	CHECK_INT(counted(STAT_ROOTS), 1);
	cause_free(c);
	cause_free(NULL);
}

TEST(a_context_that_a_process_wrote_is_its_parent_one_that_it_passed_on_is_not)
{
	struct cause *c = cause_new();

	count_from_here();
	CHECK(has_parent(c, exchange(ROLE_CLIENT, 7, 1)));
	CHECK_INT(counted(STAT_PASSED_ON), 0);
	CHECK(has_parent(c, exchange(ROLE_SERVER, 7, 1)));
	CHECK(!has_parent(c, exchange(ROLE_CLIENT, 7, 1)));
	CHECK_INT(counted(STAT_PASSED_ON), 1);
	CHECK_INT(counted(STAT_ROOTS), 1);
	/* Of the same trace, written by the process; then by another process. */
	CHECK(has_parent(c, exchange(ROLE_CLIENT, 7, 2)));
	CHECK(has_parent(c, exchange(ROLE_CLIENT, 8, 1)));
	CHECK_INT(counted(STAT_PASSED_ON), 1);
	cause_free(c);
}

TEST(a_context_is_remembered_before_its_request_is_answered)
{
	struct cause *c = cause_new();
	struct exchange *open = exchange(ROLE_SERVER, 7, 1);

	cause_request(c, open);
	CHECK(!has_parent(c, exchange(ROLE_CLIENT, 7, 1)));
	exchange_free(open);
	cause_free(c);
}

TEST(what_is_remembered_is_bounded_and_forgetting_costs_only_the_oldest)
{
	struct carried *c = calloc(1, sizeof(*c));
	struct exchange *x = exchange(ROLE_SERVER, 7, 1);
	unsigned known = 0;

	for (u32 i = 1; i <= 100 * CARRIED_SEEN; i++) {
		memcpy(x->carried.span_id, &i, sizeof(i));
		carried_note(c, x);
	}
	count_from_here();
	x->role = ROLE_CLIENT;
	/* The newest is there for certain, and most of the newest thousand. */
	CHECK(!carried_parent(c, x));
	for (u32 i = 100 * CARRIED_SEEN - 999; i <= 100 * CARRIED_SEEN; i++) {
		memcpy(x->carried.span_id, &i, sizeof(i));
		known += !carried_parent(c, x);
	}
	CHECK(known > 700);
	CHECK_INT(counted(STAT_PASSED_ON), known + 1);
	exchange_free(x);
	free(c);
}

#define PARENT "traceparent: 00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01\r\n"

TEST(a_proxy_that_copies_the_header_makes_no_wrong_child)
{
	struct pipe t;

	pipe_begin(&t, NULL);
	say(&t, DIR_RECV, "GET /a HTTP/1.1\r\nHost: h\r\n" PARENT "\r\n");
	t.conn = 2;
	t.pos[0] = t.pos[1] = 0;
	say(&t, DIR_SEND, "GET /a HTTP/1.1\r\nHost: h\r\n" PARENT "\r\n");
	say(&t, DIR_RECV, AN_OK);
	CHECK_INT(t.count, 1);
	CHECK_INT(t.spans[0]->kind, SPAN_CLIENT);
	CHECK(!t.spans[0]->has_parent);
	CHECK_INT(counted(STAT_PASSED_ON), 1);
	CHECK_INT(counted(STAT_CARRIED), 0);
	pipe_end(&t);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
