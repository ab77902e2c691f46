/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP/HTTP against a server in this process: what is sent, retried, given up, and counted. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "export/export.h"
#include "export/otlp_answer.h"
#include "export/queue.h"
#include "otlp.pb-c.h"
#include "test.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/stats.h"

/*
 * The server answers its n-th request with answers[n], and further ones with ACCEPT. HANG: never;
 * CLOSE: ends the connection instead.
 */
#define ACCEPT                                                                                     \
	"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n\r\n"
#define HANG "hang"
#define CLOSE "close"

enum {
	REQUESTS_MAX = 32
};

struct request {
	struct buf head, body;
	u64 at;
};

struct server {
	int fd, port, stop[2];
	pthread_t thread;
	const char *const *answers; /* ended by NULL */
	struct request requests[REQUESTS_MAX];
	unsigned count, connections;
};

static bool readable(const struct server *v, int fd)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = v->stop[0], .events = POLLIN}};

	poll(p, 2, -1);
	return p[0].revents && !p[1].revents;
}

static bool read_more(const struct server *v, int fd, struct buf *in)
{
	void *to = buf_room(in, 65536);
	ssize_t n = readable(v, fd) ? read(fd, to, 65536) : 0;

	if (n > 0)
		in->len += (size_t)n;
	return n > 0;
}

static size_t content_length(const struct buf *head)
{
	const char *at = memmem(head->data, head->len, "Content-Length: ", 16);

	return at ? strtoul(at + 16, NULL, 10) : 0;
}

static bool read_request(const struct server *v, int fd, struct request *r)
{
	const u8 *end;
	size_t head;

	if (!buf_room(&r->head, 1))
		return false;
	while (!(end = memmem(r->head.data, r->head.len, "\r\n\r\n", 4)))
		if (!read_more(v, fd, &r->head))
			return false;
	head = (size_t)(end - r->head.data) + 4;
	buf_add(&r->body, r->head.data + head, r->head.len - head);
	r->head.len = head;
	while (r->body.len < content_length(&r->head))
		if (!read_more(v, fd, &r->body))
			return false;
	r->at = clock_mono();
	return true;
}

/* Answers the requests of one connection. */
static void serve(struct server *v, int fd)
{
	while (v->count < REQUESTS_MAX) {
		struct request *r = &v->requests[v->count];
		const char *answer = ACCEPT;

		buf_clear(&r->head);
		buf_clear(&r->body);
		if (!read_request(v, fd, r))
			return;
		for (unsigned i = 0; v->answers && v->answers[i]; i++)
			if (i == v->count)
				answer = v->answers[i];
		__atomic_add_fetch(&v->count, 1, __ATOMIC_RELEASE);
		if (!strcmp(answer, CLOSE))
			return;
		if (!strcmp(answer, HANG))
			readable(v, fd);
		else if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			return;
	}
}

static void *server_thread(void *arg)
{
	struct server *v = arg;

	while (readable(v, v->fd)) {
		int fd = accept(v->fd, NULL, NULL);

		v->connections++;
		serve(v, fd);
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *v, const char *const *answers)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	*v = (struct server){.answers = answers};
	v->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (v->fd < 0 || bind(v->fd, (void *)&a, sizeof(a)) || listen(v->fd, 8) ||
	    getsockname(v->fd, (void *)&a, &len) || pipe(v->stop) ||
	    pthread_create(&v->thread, NULL, server_thread, v))
		abort();
	v->port = ntohs(a.sin_port);
}

static void server_stop(struct server *v)
{
	CHECK_INT(write(v->stop[1], "", 1), 1);
	pthread_join(v->thread, NULL);
	close(v->fd);
	close(v->stop[0]);
	close(v->stop[1]);
	for (unsigned i = 0; i < REQUESTS_MAX; i++) {
		buf_done(&v->requests[i].head);
		buf_done(&v->requests[i].body);
	}
}

static bool wait_for_requests(struct server *v, unsigned n)
{
	for (int i = 0; i < 500; i++) {
		if (__atomic_load_n(&v->count, __ATOMIC_ACQUIRE) >= n)
			return true;
		usleep(10000);
	}
	return false;
}

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

TEST(a_full_queue_takes_nothing_and_wakes_early)
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

TEST(verdicts_follow_the_specification)
{
	for (long status = 100; status < 600; status++) {
		struct http_answer a = {.status = status};
		enum verdict want = ANSWER_REFUSED;

		if (status / 100 == 2)
			want = ANSWER_ACCEPTED;
		if (status == 429 || (status >= 502 && status <= 504))
			want = ANSWER_RETRY;
		CHECK_INT(otlp_verdict(&a), want);
	}
}

TEST(waits_grow_to_thirty_seconds_and_are_spread)
{
	u64 low, high;

	for (unsigned failed = 1; failed < 100; failed++) {
		low = UINT64_MAX;
		high = 0;
		for (u64 random = 0; random < 40000; random += 7) {
			u64 ms = otlp_retry_ms(failed, 0, random);

			low = ms < low ? ms : low;
			high = ms > high ? ms : high;
		}
		CHECK(low >= RETRY_FIRST_MS / 2 && high <= RETRY_MOST_MS && high > low);
		CHECK(failed > 1 || high <= 3 * RETRY_FIRST_MS / 2);
	}
	CHECK(low >= RETRY_MOST_MS / 2);
	CHECK_INT(otlp_retry_ms(9, 7, 0), 7000);
	CHECK(otlp_retry_ms(9, 7, 12345) >= 7000 && otlp_retry_ms(9, 7, 12345) <= 7700);
	CHECK_INT(otlp_retry_ms(9, INT64_MAX, 0), RETRY_AFTER_MOST_MS);
}

TEST(what_a_server_says_is_shown_without_its_escapes)
{
	static const char status[] = "\x08\x03\x12\x05"
				     "a\033[m\n";
	struct http_answer a = {
		.status = 400, .protobuf = true, .body = bytes_of(status, sizeof(status) - 1)};
	struct buf b = {0};

	otlp_reason(&a, &b);
	CHECK_TEXT(buf_bytes(&b), "HTTP status 400: a�[m�");
	buf_clear(&b);
	a.protobuf = false;
	otlp_reason(&a, &b);
	CHECK_TEXT(buf_bytes(&b), "HTTP status 400");
	buf_done(&b);
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
