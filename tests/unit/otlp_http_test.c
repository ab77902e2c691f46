/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP/HTTP against a server in this process: what is sent, retried, given up, and counted. */
#include "export/export.h"
#include "export/http_post.h"
#include "otlp.pb-c.h"
#include "otlp_server.h"
#include "test.h"
#include "util/log.h"
#include "util/stats.h"

static char url[64];

static struct export_config config(const struct server *v)
{
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1/traces", v->port);
	return (struct export_config){
		.otlp = true,
		.endpoint = url,
		.schedule_delay_ms = 20,
		.export_timeout_ms = 5000,
		.queue_bytes = 1 << 20,
		.batch_spans = 512,
	};
}

static void push(struct export *e, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct span *s = span_new();

		s->kind = SPAN_SERVER;
		s->trace_id[0] = s->span_id[0] = 1;
		s->start = s->end = i + 1;
		span_name(s, bytes_str("GET /x"));
		export_push(e, s);
	}
}

static u64 before[STAT_MAX];

static void stats_mark(void)
{
	for (int i = 0; i < STAT_MAX; i++)
		before[i] = stat_get((enum user_stat)i);
}

static u64 stat_since(enum user_stat s)
{
	return stat_get(s) - before[s];
}

/* Pushes n spans at a server that answers so, and ends. */
static void run(struct server *v, const char *const *answers, unsigned n)
{
	struct export_config c;
	struct export *e;

	server_start(v, answers);
	c = config(v);
	stats_mark();
	e = export_new(&c);
	push(e, n);
	export_free(e, 8000);
}

#define ANSWERS(...) ((const char *const[]){__VA_ARGS__, NULL})

static unsigned spans_in(const struct request *r)
{
	Otlp__ExportTraceServiceRequest *m =
		otlp__export_trace_service_request__unpack(NULL, r->body.len, r->body.data);
	unsigned n = 0;

	for (size_t i = 0; m && i < m->n_resource_spans; i++)
		n += (unsigned)m->resource_spans[i]->scope_spans[0]->n_spans;
	otlp__export_trace_service_request__free_unpacked(m, NULL);
	return n;
}

static bool head_has(const struct request *r, const char *text)
{
	return memmem(r->head.data, r->head.len, text, strlen(text)) != NULL;
}

TEST(a_request_is_a_post_with_the_right_headers_past_any_proxy)
{
	char *headers[] = {(char *)"x-key: a=b", (char *)"x-empty;"};
	struct server v;
	struct export_config c;
	struct export *e;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	server_start(&v, NULL);
	c = config(&v);
	c.headers = headers;
	c.header_count = 2;
	stats_mark();
	e = export_new(&c);
	push(e, 3);
	CHECK(wait_for_requests(&v, 1));
	export_free(e, 5000);
	unsetenv("http_proxy");
	CHECK_INT(v.count, 1);
	CHECK(bytes_starts(buf_bytes(&v.requests[0].head), "POST /v1/traces HTTP/1.1\r\n"));
	CHECK(head_has(&v.requests[0], "\r\nContent-Type: application/x-protobuf\r\n"));
	CHECK(head_has(&v.requests[0], "\r\nUser-Agent: otelbpf/" OTELBPF_VERSION
				       " OTel-OTLP-Exporter-C/" OTELBPF_VERSION "\r\n"));
	CHECK(head_has(&v.requests[0], "\r\nx-key: a=b\r\n"));
	CHECK(head_has(&v.requests[0], "\r\nx-empty:\r\n"));
	CHECK(!head_has(&v.requests[0], "Expect"));
	CHECK_INT(spans_in(&v.requests[0]), 3);
	CHECK_INT(stat_since(STAT_EXPORTED), 3);
	server_stop(&v);
}

TEST(batches_are_bounded_and_share_one_connection)
{
	struct server v;
	struct export_config c;
	struct export *e;

	server_start(&v, NULL);
	c = config(&v);
	c.batch_spans = 2;
	stats_mark();
	e = export_new(&c);
	push(e, 5);
	export_free(e, 5000);
	CHECK_INT(v.count, 3);
	CHECK_INT(spans_in(&v.requests[0]), 2);
	CHECK_INT(spans_in(&v.requests[2]), 1);
	CHECK_INT(v.connections, 1);
	CHECK_INT(stat_since(STAT_EXPORTED), 5);
	server_stop(&v);
}

TEST(the_four_statuses_and_a_lost_connection_are_retried)
{
	struct server v;

	run(&v, ANSWERS(CLOSE, STATUS("503 Unavailable")), 2);
	CHECK_INT(v.count, 3);
	CHECK_INT(stat_since(STAT_EXPORT_RETRIES), 2);
	CHECK_INT(stat_since(STAT_EXPORTED), 2);
	CHECK_INT(stat_since(STAT_EXPORT_FAILED), 0);
	CHECK(bytes_eq(buf_bytes(&v.requests[0].body), buf_bytes(&v.requests[2].body)));
	server_stop(&v);
}

TEST(retry_after_is_honoured_even_when_ending)
{
	static const char slow[] =
		"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
	struct server v;

	run(&v, ANSWERS(slow), 2);
	CHECK_INT(v.count, 2);
	CHECK(v.requests[1].at - v.requests[0].at >= NS_PER_SEC);
	CHECK_INT(stat_since(STAT_EXPORTED), 2);
	server_stop(&v);
}

TEST(other_statuses_and_redirects_are_final)
{
	static const char *const final[] = {
		STATUS("400 Bad"), STATUS("408 Timeout"), STATUS("413 Large"), STATUS("500 Error"),
		"HTTP/1.1 307 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"};

	for (size_t i = 0; i < array_size(final); i++) {
		struct server v;

		run(&v, ANSWERS(final[i]), 2);
		CHECK_INT(v.count, 1);
		CHECK_INT(stat_since(STAT_EXPORT_FAILED), 2);
		CHECK_INT(stat_since(STAT_EXPORTED), 0);
		CHECK_INT(stat_since(STAT_EXPORT_RETRIES), 0);
		server_stop(&v);
	}
}

TEST(partial_success_is_counted_and_never_retried)
{
	/* partial_success {rejected_spans 2, error_message "no"} */
	static const char some[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
				   "Content-Length: 8\r\n\r\n\x0a\x06\x08\x02\x12\x02no";
	/* More than were sent cannot have been refused. */
	static const char many[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
				   "Content-Length: 4\r\n\r\n\x0a\x02\x08\x63";
	static const char html[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
				   "Content-Length: 4\r\n\r\n\x0a\x02\x08\x63";
	static const struct {
		const char *answer;
		unsigned sent, rejected;
	} cases[] = {{some, 3, 2}, {many, 0, 5}, {html, 5, 0}};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct server v;

		run(&v, ANSWERS(cases[i].answer), 5);
		CHECK_INT(v.count, 1);
		CHECK_INT(stat_since(STAT_EXPORTED), cases[i].sent);
		CHECK_INT(stat_since(STAT_EXPORT_REJECTED), cases[i].rejected);
		server_stop(&v);
	}
}

TEST(an_answer_without_end_is_cut_and_final)
{
	size_t size = 5 << 20;
	char *huge = malloc(size + 100);
	size_t head =
		(size_t)snprintf(huge, 100, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
	struct server v;

	memset(huge + head, 'x', size);
	huge[head + size] = 0;
	run(&v, ANSWERS(huge), 2);
	CHECK_INT(v.count, 1);
	CHECK_INT(stat_since(STAT_EXPORT_FAILED), 2);
	server_stop(&v);
	free(huge);
}

TEST(the_console_shows_spans_at_once_while_the_backend_hangs)
{
	struct server v;
	struct export_config c;
	struct export *e;
	struct pollfd p = {.events = POLLIN};
	char line[256];
	int fds[2];

	server_start(&v, ANSWERS(HANG));
	c = config(&v);
	CHECK_INT(pipe(fds), 0);
	c.console = true;
	c.out = fdopen(fds[1], "w");
	p.fd = fds[0];
	stats_mark();
	e = export_new(&c);
	for (int i = 0; i < 3; i++) {
		push(e, 1);
		CHECK_INT(poll(&p, 1, 2000), 1);
		CHECK(read(fds[0], line, sizeof(line)) > 0);
		CHECK(!i || wait_for_requests(&v, 1));
	}
	export_free(e, 0);
	CHECK_INT(stat_since(STAT_EXPORT_FAILED), 3);
	fclose(c.out);
	close(fds[0]);
	server_stop(&v);
}

TEST(a_timeout_is_a_transport_failure_and_retried)
{
	struct server v;
	struct export_config c;
	struct export *e;

	server_start(&v, ANSWERS(HANG));
	c = config(&v);
	c.export_timeout_ms = 100;
	stats_mark();
	e = export_new(&c);
	push(e, 1);
	export_free(e, 5000);
	CHECK_INT(v.count, 2);
	CHECK_INT(stat_since(STAT_EXPORTED), 1);
	server_stop(&v);
}

TEST(a_backend_that_stays_away_costs_no_more_than_the_bound_and_all_is_counted)
{
	struct server v;
	struct export_config c;
	struct export *e;
	u64 begin;

	server_start(&v, NULL);
	c = config(&v);
	server_stop(&v); /* nobody listens there any more */
	c.queue_bytes = 64 << 10;
	c.batch_spans = 10;
	stats_mark();
	e = export_new(&c);
	for (int i = 0; i < 200; i++) {
		push(e, 20);
		usleep(500);
	}
	begin = clock_mono();
	export_free(e, 300);
	CHECK(clock_mono() - begin < 10ULL * NS_PER_SEC);
	CHECK(stat_since(STAT_EXPORT_FULL) > 0);
	CHECK(stat_since(STAT_EXPORT_FAILED) > 0);
	CHECK_INT(stat_since(STAT_EXPORT_FULL) + stat_since(STAT_EXPORT_FAILED) +
			  stat_since(STAT_QUEUE_FULL),
		  4000);
}

TEST(ending_sends_what_waits_without_the_delay)
{
	struct server v;
	struct export_config c;
	struct export *e;
	u64 begin = clock_mono();

	server_start(&v, NULL);
	c = config(&v);
	c.schedule_delay_ms = 60000;
	stats_mark();
	e = export_new(&c);
	push(e, 4);
	export_free(e, 5000);
	CHECK_INT(stat_since(STAT_EXPORTED), 4);
	CHECK(clock_mono() - begin < 30ULL * NS_PER_SEC);
	server_stop(&v);
}

/* What the run writes to standard error. The caller frees. */
static char *log_of(const char *const *answers, unsigned n)
{
	char *text = calloc(1, 4096);
	int saved = dup(2), fds[2];
	struct export_config c;
	struct server v;
	struct export *e;

	server_start(&v, answers);
	c = config(&v);
	c.batch_spans = 1;
	if (!text || pipe(fds) || dup2(fds[1], 2) < 0)
		abort();
	log_level = LOG_INFO;
	e = export_new(&c);
	push(e, n);
	export_free(e, 5000);
	log_level = LOG_ERROR;
	dup2(saved, 2);
	close(saved);
	close(fds[1]);
	CHECK(read(fds[0], text, 4095) >= 0);
	close(fds[0]);
	server_stop(&v);
	return text;
}

TEST(a_failure_is_said_once_with_the_url)
{
	char *text = log_of(ANSWERS(STATUS("400 a"), STATUS("400 b"), STATUS("400 c")), 3);
	char want[200];

	snprintf(want, sizeof(want), "otelbpf: %s: 1 spans given up: HTTP status 400\n", url);
	CHECK_STR(text, want);
	free(text);
}

TEST(an_outage_and_its_end_are_said)
{
	char *text = log_of(ANSWERS(STATUS("503 a"), STATUS("503 b")), 2);
	char want[300];

	snprintf(want, sizeof(want),
		 "otelbpf: %s does not take spans, trying again: HTTP status 503\n"
		 "otelbpf: %s accepts spans again, after ",
		 url, url);
	CHECK_TEXT(bytes_head(bytes_str(text), strlen(want)), want);
	free(text);
}

TEST(spans_over_the_queue_bound_are_counted)
{
	struct export_config c = {.queue_bytes = 100};
	struct export *e = export_new(&c);

	stats_mark();
	push(e, 3);
	export_free(e, 0);
	CHECK_INT(stat_since(STAT_QUEUE_FULL), 3);
	export_free(NULL, 0);
}

TEST(passwords_are_not_shown)
{
	char *shown = http_shown_url("http://user:secret@h:4318/v1/traces?key=secret");

	CHECK_STR(shown, "http://h:4318/v1/traces");
	free(shown);
}

int main(int argc, char **argv)
{
	log_level = LOG_ERROR;
	return test_main(argc, argv);
}
