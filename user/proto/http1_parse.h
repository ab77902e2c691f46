/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 as bytes: start lines, fields, framing, chunks (RFC 9112). Pure functions over a cursor.
 *
 * Each gives PARSE_MORE as long as the input could still become valid, and PARSE_BAD as soon as it
 * cannot; in both cases the cursor stays where it was.
 */
#ifndef PROTO_HTTP1_PARSE_H
#define PROTO_HTTP1_PARSE_H

#include "util/bytes.h"

enum {
	/* Longest start line or field that is looked at whole. Servers' own limits: nginx 8k,
	 * Apache httpd 8190, gunicorn 8190 for a field. Of a longer start line the beginning counts;
	 * a longer field is passed over. */
	HTTP1_LINE_MAX = 8192,
	/* Longest method; the registered ones have at most 16 letters (UPDATEREDIRECTREF has 17). */
	HTTP1_METHOD_MAX = 32,
	/* Longest chunk-size line, extensions included: framing without data must stay cheap. */
	HTTP1_CHUNK_LINE_MAX = 4096,
};

/* What a parser found; the same meaning as enum parse_result, which parsers may not include. */
enum http1_result {
	HTTP1_OK, /* consumed; out valid */
	HTTP1_MORE, /* incomplete; nothing consumed */
	HTTP1_SKIP, /* consumed; of no use */
	HTTP1_END, /* consumed: the blank line that ends a block of fields */
	HTTP1_BAD, /* not HTTP/1; nothing consumed */
};

struct http1_start {
	struct bytes method, target; /* of a request */
	unsigned status; /* of a response */
	int minor; /* of HTTP/1.minor; -1: not seen */
	bool cut; /* too long: its rest, up to the line feed, is still to come */
	bool target_cut; /* the target, too, goes on in what was not seen */
};

/* Are these the first bytes of a response (OK) or of something else (BAD)? */
enum http1_result http1_is_response(struct bytes in);
/* Could this be the first line of a request? Stricter than http1_request_line: for resync. */
enum http1_result http1_is_request(struct bytes in);
enum http1_result http1_request_line(struct bytes *in, struct http1_start *out);
enum http1_result http1_status_line(struct bytes *in, struct http1_start *out);
/* The beginning of a start line, no more of which can be had: what it says so far. */
enum http1_result http1_request_begin(struct bytes in, struct http1_start *out);
enum http1_result http1_status_begin(struct bytes in, struct http1_start *out);
/* Passes over the rest of a line: OK when its line feed was there. Consumes in both cases. */
enum http1_result http1_line_rest(struct bytes *in);

enum http1_name {
	NAME_OTHER,
	NAME_CONTENT_LENGTH,
	NAME_EXPECT,
	NAME_FORWARDED,
	NAME_HOST,
	NAME_TRACEPARENT,
	NAME_TRACESTATE,
	NAME_TRANSFER_ENCODING,
	NAME_UPGRADE,
	NAME_USER_AGENT,
	NAME_X_FORWARDED_FOR,
	NAME_X_FORWARDED_HOST,
	NAME_X_FORWARDED_PROTO,
};

struct http1_field {
	struct bytes name, value; /* value: trimmed */
	enum http1_name id;
	bool folded; /* the value has line ends in it (obs-fold) */
};

/*
 * One line of a header or trailer block with the lines folded into it. SKIP: not a field, passed
 * over. BAD: longer than HTTP1_LINE_MAX: use http1_line_rest.
 */
enum http1_result http1_field(struct bytes *in, struct http1_field *out);
/* Writes a folded value with a space in place of each fold to out, of at least its length. */
struct bytes http1_unfold(struct bytes value, u8 *out);

/* What the fields of a message say about its body. Zeroed at the start. */
struct http1_framing {
	u64 length;
	bool has_length, bad_length;
	bool has_coding, chunked; /* Transfer-Encoding; its last coding is chunked */
};

enum http1_body {
	BODY_NONE,
	BODY_LENGTH,
	BODY_CHUNKED,
	BODY_CLOSE, /* until the connection is closed */
	BODY_TUNNEL, /* no HTTP any more */
	BODY_BAD, /* contradictory: nobody can say where it ends */
};

void http1_framing_field(struct http1_framing *f, const struct http1_field *field);
/* By the order of RFC 9112 §6.3. */
enum http1_body http1_request_body(const struct http1_framing *f);
enum http1_body http1_response_body(const struct http1_framing *f, unsigned status, bool head,
				    bool connect);

/* A chunk-size line. The size is at most INT64_MAX. */
enum http1_result http1_chunk_line(struct bytes *in, u64 *size);
/*
 * Does a chunked body end with these last bytes? whole: they are all bytes of one write, so that a
 * last chunk may begin with the first of them.
 */
bool http1_chunked_ends(struct bytes tail, bool whole);

#endif
