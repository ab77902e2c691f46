/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer to an OTLP/HTTP request means, and when to ask again. */
#include "export/otlp_answer.h"

#include "otlp.pb-c.h"
#include "span/utf8.h"

/* What is shown of a server's own words. */
enum {
	WORDS_MAX = 200
};

static bool retryable_status(long status)
{
	/* OTLP/HTTP, "Failures": these four and no other. */
	return status == 429 || status == 502 || status == 503 || status == 504;
}

enum verdict otlp_verdict(const struct http_answer *a)
{
	if (a->too_big)
		return ANSWER_REFUSED;
	if (a->transport == CURLE_URL_MALFORMAT || a->transport == CURLE_UNSUPPORTED_PROTOCOL)
		return ANSWER_REFUSED;
	if (a->transport)
		return ANSWER_RETRY;
	if (a->status >= 200 && a->status < 300)
		return ANSWER_ACCEPTED;
	return retryable_status(a->status) ? ANSWER_RETRY : ANSWER_REFUSED;
}

static void add_words(struct buf *message, const char *text)
{
	utf8_add_printable(message, bytes_head(bytes_str(text), WORDS_MAX));
}

s64 otlp_partial(const struct http_answer *a, struct buf *message)
{
	Otlp__ExportTraceServiceResponse *m;
	s64 rejected = 0;

	if (!a->protobuf || bytes_empty(a->body))
		return 0;
	m = otlp__export_trace_service_response__unpack(NULL, bytes_len(a->body), a->body.p);
	if (!m)
		return 0;
	if (m->partial_success) {
		rejected = m->partial_success->rejected_spans;
		add_words(message, m->partial_success->error_message);
	}
	otlp__export_trace_service_response__free_unpacked(m, NULL);
	return rejected > 0 ? rejected : 0;
}

/* Proxies answer in HTML; only google.rpc.Status is worth showing. */
static void add_rpc_message(const struct http_answer *a, struct buf *message)
{
	Otlp__RpcStatus *m = NULL;

	if (a->protobuf && !bytes_empty(a->body))
		m = otlp__rpc_status__unpack(NULL, bytes_len(a->body), a->body.p);
	if (!m)
		return;
	if (m->message[0]) {
		buf_str(message, ": ");
		add_words(message, m->message);
	}
	otlp__rpc_status__free_unpacked(m, NULL);
}

void otlp_reason(const struct http_answer *a, struct buf *message)
{
	if (a->too_big) {
		buf_str(message, "its answer is longer than 4 MiB");
	} else if (a->transport) {
		add_words(message, a->error);
	} else {
		buf_printf(message, "HTTP status %ld", a->status);
		add_rpc_message(a, message);
	}
}

u64 otlp_retry_ms(unsigned failed, s64 retry_after, u64 random)
{
	u64 ms = RETRY_FIRST_MS;

	if (retry_after > 0) {
		ms = RETRY_AFTER_MOST_MS;
		if (retry_after < RETRY_AFTER_MOST_MS / 1000)
			ms = (u64)retry_after * 1000;
		/* Never sooner than asked. */
		return ms + random % (ms / 10 + 1);
	}
	for (; failed > 1 && ms < RETRY_MOST_MS; failed--)
		ms += ms / 2;
	if (ms > RETRY_MOST_MS)
		ms = RETRY_MOST_MS;
	/* Half to one and a half of it, and still not more than the most. */
	ms = ms / 2 + random % (ms + 1);
	return ms < RETRY_MOST_MS ? ms : RETRY_MOST_MS;
}
