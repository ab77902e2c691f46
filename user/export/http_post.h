/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP POST at a time on libcurl's multi interface: it never blocks. */
#ifndef EXPORT_HTTP_POST_H
#define EXPORT_HTTP_POST_H

#include "export/export.h"

struct http_answer {
	CURLcode transport; /* CURLE_OK: an answer came */
	const char *error; /* what libcurl says of a failed transport */
	long status;
	s64 retry_after; /* seconds; 0: not told */
	struct bytes body;
	bool too_big; /* the answer was longer than is read: the transport failed by our own will */
	bool protobuf; /* its Content-Type says so */
};

struct http_post;

/* NULL when out of memory. c and multi are borrowed for its life. */
struct http_post *http_post_new(const struct export_config *c, CURLM *multi);
/* Begins a POST. body is borrowed until it is done. -EBUSY while one is under way, -ENOMEM. */
must_check int http_post_start(struct http_post *p, struct bytes body);
/* Moves it on; true once, when it has ended: *out is borrowed until the next start. */
bool http_post_done(struct http_post *p, struct http_answer *out);
/* Gives up what is under way. Accepts NULL. */
void http_post_free(struct http_post *p);

/* The endpoint as it may be shown: without a password. The caller frees; NULL: out of memory. */
char *http_shown_url(const char *url);

#endif
