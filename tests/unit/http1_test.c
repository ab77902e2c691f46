/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 through the pipeline: what text cases (tests/golden/http1) cannot say well. */
#include "test.h"

#include <errno.h>

#include "pipeline.h"
#include "proto/http1_span.h"
#include "proto/http_config.h"
#include "proto/http_route.h"
#include "util/stats.h"

struct feeder {
	struct pipeline *p;
	u64 pos[2], time;
	unsigned spans, with_route;
};

static void on_span(void *ctx, struct span *s)
{
	struct feeder *f = ctx;

	f->spans++;
	f->with_route += span_find(s, ATTR_HTTP_ROUTE) != NULL;
	span_free(s);
}

static void begin(struct feeder *f)
{
	struct pipeline_config config = {.on_span = on_span, .ctx = f};
	struct record_conn conn = {.h = {REC_CONN, 0, sizeof(conn), 1}, .conn = 1};

	*f = (struct feeder){.p = pipeline_new(&config), .time = 1};
	pipeline_record(f->p, &conn.h);
}

static void send_text(struct feeder *f, enum direction d, const char *text)
{
	static _Alignas(8) u8 room[4096];
	struct record_data *r = (struct record_data *)room;
	size_t len = strlen(text);

	*r = (struct record_data){
		.h = {REC_DATA, 0, (u32)(sizeof(*r) + len), ++f->time},
		.conn = 1,
		.pos = f->pos[d],
		.len = (u32)len,
		.head = (u16)len,
		.dir = d,
		.proto = PROTO_HTTP1,
		.pid = 7,
	};
	memcpy(r->bytes, text, len);
	f->pos[d] += len;
	pipeline_record(f->p, &r->h);
}

static void end(struct feeder *f)
{
	pipeline_flush(f->p);
	pipeline_free(f->p);
}

TEST(routes_over_the_share_of_a_service_are_counted_and_left_out)
{
	struct route_table *routes = route_table_new();
	u64 before = stat_get(STAT_ROUTE_OVERFLOW);
	struct feeder f;
	char text[64];

	http_routes_use(routes);
	begin(&f);
	for (int i = 0; i < ROUTES_PER_SERVICE + 3; i++) {
		/* Only letters: a word, not an identifier. */
		snprintf(text, sizeof(text), "GET /%c%c%c HTTP/1.1\r\n\r\n", 'a' + i / 676,
			 'a' + i / 26 % 26, 'a' + i % 26);
		send_text(&f, DIR_RECV, text);
		send_text(&f, DIR_SEND, "HTTP/1.1 204 No Content\r\n\r\n");
	}
	end(&f);
	http_routes_use(NULL);
	route_table_free(routes);
	CHECK_INT(f.spans, ROUTES_PER_SERVICE + 3);
	CHECK_INT(f.with_route, ROUTES_PER_SERVICE);
	CHECK_INT(stat_get(STAT_ROUTE_OVERFLOW) - before, 3);
}

TEST(without_a_route_table_nothing_is_guessed)
{
	struct feeder f;

	begin(&f);
	send_text(&f, DIR_RECV, "GET /a HTTP/1.1\r\n\r\n");
	send_text(&f, DIR_SEND, "HTTP/1.1 204 No Content\r\n\r\n");
	end(&f);
	CHECK_INT(f.spans, 1);
	CHECK_INT(f.with_route, 0);
}

TEST(a_connection_may_end_at_any_byte_and_leaves_nothing_behind)
{
	static const char request[] = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi";
	static const char response[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				       "2\r\nhi\r\n0\r\nA: b\r\n\r\n";
	struct record_end closed = {.h = {REC_END, 0, sizeof(closed), 1000}, .conn = 1};

	closed.end = END_CLOSED;
	for (size_t n = 1; n < sizeof(request) + sizeof(response) - 1; n++) {
		size_t of_request = n < sizeof(request) ? n : sizeof(request) - 1;
		struct feeder f;
		char text[256];

		begin(&f);
		snprintf(text, of_request + 1, "%s", request);
		send_text(&f, DIR_RECV, text);
		if (n >= sizeof(request)) {
			snprintf(text, n - sizeof(request) + 2, "%s", response);
			send_text(&f, DIR_SEND, text);
		}
		pipeline_record(f.p, &closed.h);
		/* A request is one as soon as its first line is there. */
		CHECK_INT(f.spans, n >= 18);
		end(&f);
	}
}

TEST(every_errno_has_a_name_from_a_small_set)
{
	CHECK_STR(http1_error_name(0), "connection_closed");
	CHECK_STR(http1_error_name(ECONNRESET), "connection_reset");
	CHECK_STR(http1_error_name(ETIMEDOUT), "timeout");
	CHECK_STR(http1_error_name(EPIPE), "broken_pipe");
	CHECK_STR(http1_error_name(EHOSTUNREACH), "host_unreachable");
	CHECK_STR(http1_error_name(12345), "_OTHER");
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
