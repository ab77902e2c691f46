/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP POST at a time on libcurl's multi interface. */
#include "export/http_post.h"

#include <stdlib.h>

/* OTLP asks clients to bound what they read of an answer, and recommends this much. */
enum {
	ANSWER_MAX = 4 << 20
};

struct http_post {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	struct buf answer;
	bool busy, too_big;
	char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *data, size_t one, size_t n, void *ctx)
{
	struct http_post *p = ctx;

	if (n > ANSWER_MAX - p->answer.len) {
		p->too_big = true;
		return 0;
	}
	buf_add(&p->answer, data, n);
	return p->answer.failed ? 0 : n;
}

static bool host_is_local(const char *host)
{
	return !strcasecmp(host, "localhost") || !strncmp(host, "127.", 4) ||
	       !strcmp(host, "[::1]");
}

/*
 * libcurl obeys http_proxy even for localhost. Telemetry for this machine must not leave it
 * because of a variable that was set for something else.
 */
static bool is_local(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	bool local = false;

	if (u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
	    !curl_url_get(u, CURLUPART_HOST, &host, 0))
		local = host_is_local(host);
	curl_free(host);
	curl_url_cleanup(u);
	return local;
}

char *http_shown_url(const char *url)
{
	CURLU *u = curl_url();
	char *shown = NULL, *own = NULL;

	if (u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
	    !curl_url_set(u, CURLUPART_USER, NULL, 0) &&
	    !curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) &&
	    !curl_url_set(u, CURLUPART_QUERY, NULL, 0) &&
	    !curl_url_get(u, CURLUPART_URL, &shown, 0))
		own = strdup(shown);
	curl_free(shown);
	curl_url_cleanup(u);
	return own ? own : strdup("the OTLP endpoint");
}

static int add_header(struct http_post *p, const char *line)
{
	struct curl_slist *more = curl_slist_append(p->headers, line);

	if (!more)
		return -ENOMEM;
	p->headers = more;
	return 0;
}

static int set_headers(struct http_post *p, const struct export_config *c)
{
	/* The empty one keeps libcurl from waiting a second for "100 Continue". */
	int err = add_header(p, "Content-Type: application/x-protobuf");

	if (!err)
		err = add_header(p, "Expect:");
	for (size_t i = 0; i < c->header_count && !err; i++)
		err = add_header(p, c->headers[i]);
	return err;
}

static CURLcode set_options(struct http_post *p, const struct export_config *c)
{
	CURL *h = p->easy;
	CURLcode r = curl_easy_setopt(h, CURLOPT_URL, c->endpoint);

	if (!r)
		r = curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	if (!r)
		r = curl_easy_setopt(h, CURLOPT_HTTPHEADER, p->headers);
	if (!r)
		r = curl_easy_setopt(h, CURLOPT_USERAGENT,
				     "otelbpf/" OTELBPF_VERSION
				     " OTel-OTLP-Exporter-C/" OTELBPF_VERSION);
	if (!r && is_local(c->endpoint))
		r = curl_easy_setopt(h, CURLOPT_PROXY, "");
	if (r)
		return r;
	curl_easy_setopt(h, CURLOPT_POST, 1L);
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)c->export_timeout_ms);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, p->error);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, p);
	return CURLE_OK;
}

struct http_post *http_post_new(const struct export_config *c, CURLM *multi)
{
	struct http_post *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->multi = multi;
	p->easy = curl_easy_init();
	if (!p->easy || set_headers(p, c) || set_options(p, c)) {
		http_post_free(p);
		return NULL;
	}
	return p;
}

int http_post_start(struct http_post *p, struct bytes body)
{
	if (p->busy)
		return -EBUSY;
	buf_clear(&p->answer);
	p->too_big = false;
	p->error[0] = 0;
	curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, body.p);
	curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes_len(body));
	if (curl_multi_add_handle(p->multi, p->easy))
		return -ENOMEM;
	p->busy = true;
	return 0;
}

static void read_answer(struct http_post *p, CURLcode result, struct http_answer *out)
{
	char *type = NULL;
	curl_off_t after = 0;

	*out = (struct http_answer){.transport = result, .too_big = p->too_big};
	out->error = p->error[0] ? p->error : curl_easy_strerror(result);
	curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &out->status);
	/* libcurl reads both forms, seconds and HTTP-date; a date in the past comes out negative. */
	curl_easy_getinfo(p->easy, CURLINFO_RETRY_AFTER, &after);
	out->retry_after = after > 0 ? after : 0;
	curl_easy_getinfo(p->easy, CURLINFO_CONTENT_TYPE, &type);
	out->protobuf = type && bytes_starts(bytes_str(type), "application/x-protobuf");
	out->body = buf_bytes(&p->answer);
}

bool http_post_done(struct http_post *p, struct http_answer *out)
{
	CURLMsg *m;
	int running, left;

	if (!p->busy)
		return false;
	curl_multi_perform(p->multi, &running);
	m = curl_multi_info_read(p->multi, &left);
	if (!m || m->msg != CURLMSG_DONE)
		return false;
	read_answer(p, m->data.result, out);
	curl_multi_remove_handle(p->multi, p->easy);
	p->busy = false;
	return true;
}

void http_post_free(struct http_post *p)
{
	if (!p)
		return;
	if (p->busy)
		curl_multi_remove_handle(p->multi, p->easy);
	curl_easy_cleanup(p->easy);
	curl_slist_free_all(p->headers);
	buf_done(&p->answer);
	free(p);
}
