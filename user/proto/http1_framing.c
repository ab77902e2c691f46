/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 as bytes: where a message ends. */
#include "proto/http1_parse.h"

/* The next element of a comma list, trimmed; false after the last. */
static bool next_element(struct bytes *list, struct bytes *out)
{
	if (bytes_empty(*list))
		return false;
	if (bytes_until(list, ',', out)) {
		*out = *list;
		list->p = list->end;
	}
	*out = bytes_trim(*out);
	return true;
}

/* Repeated equal values count as one (RFC 9110 §8.6); anything else contradicts. */
static void content_length(struct http1_framing *f, struct bytes list)
{
	struct bytes item;
	u64 n;

	if (bytes_empty(list))
		f->bad_length = true;
	while (next_element(&list, &item)) {
		if (bytes_decimal(item, &n) || n > INT64_MAX || (f->has_length && n != f->length)) {
			f->bad_length = true;
			return;
		}
		f->has_length = true;
		f->length = n;
	}
}

static void transfer_encoding(struct http1_framing *f, struct bytes list)
{
	struct bytes item, coding;

	while (next_element(&list, &item)) {
		if (bytes_until(&item, ';', &coding))
			coding = item;
		coding = bytes_trim(coding);
		/* RFC 2616 had "identity", which says nothing; old servers still send it. */
		if (bytes_empty(coding) || bytes_is_nocase(coding, "identity"))
			continue;
		f->has_coding = true;
		f->chunked = bytes_is_nocase(coding, "chunked");
	}
}

void http1_framing_field(struct http1_framing *f, const struct http1_field *field)
{
	if (field->id == NAME_CONTENT_LENGTH)
		content_length(f, field->value);
	else if (field->id == NAME_TRANSFER_ENCODING)
		transfer_encoding(f, field->value);
}

enum http1_body http1_request_body(const struct http1_framing *f)
{
	if (f->has_coding)
		return f->chunked ? BODY_CHUNKED : BODY_BAD;
	if (f->bad_length)
		return BODY_BAD;
	return f->has_length && f->length ? BODY_LENGTH : BODY_NONE;
}

enum http1_body http1_response_body(const struct http1_framing *f, unsigned status, bool head,
				    bool connect)
{
	if (status == 101)
		return BODY_TUNNEL;
	if (head || status / 100 == 1 || status == 204 || status == 304)
		return BODY_NONE;
	if (connect && status / 100 == 2)
		return BODY_TUNNEL;
	if (f->has_coding)
		return f->chunked ? BODY_CHUNKED : BODY_CLOSE;
	if (f->bad_length)
		return BODY_BAD;
	if (f->has_length)
		return f->length ? BODY_LENGTH : BODY_NONE;
	return BODY_CLOSE;
}

static bool is_hex(u8 c)
{
	c = ascii_lower(c);
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

enum http1_result http1_chunk_line(struct bytes *in, u64 *size)
{
	struct bytes seen = bytes_head(*in, HTTP1_CHUNK_LINE_MAX), line = seen, rest = seen;
	struct bytes digits = {seen.p, seen.p};
	u64 n = 0;

	while (digits.end < seen.end && is_hex(*digits.end))
		digits.end++;
	line.p = digits.end;
	if (!bytes_empty(line)) {
		if (!strchr("; \t\r\n", *line.p) || !*line.p || bytes_hex(digits, &n))
			return HTTP1_BAD;
		if (n > INT64_MAX)
			return HTTP1_BAD;
	}
	if (bytes_until(&rest, '\n', &line))
		return bytes_len(seen) < HTTP1_CHUNK_LINE_MAX ? HTTP1_MORE : HTTP1_BAD;
	in->p = rest.p;
	*size = n;
	return HTTP1_OK;
}

/* Is this a trailer block: fields (or none) and a blank line, and nothing after it? */
static bool is_trailer_block(struct bytes b)
{
	struct http1_field field;
	enum http1_result r;

	do
		r = http1_field(&b, &field);
	while (r == HTTP1_OK);
	return r == HTTP1_END && bytes_empty(b);
}

/* Bytes from at on: the line of a last chunk and its trailers, to the very end? */
static bool is_last_chunk(struct bytes at)
{
	u64 size;

	return http1_chunk_line(&at, &size) == HTTP1_OK && !size && is_trailer_block(at);
}

bool http1_chunked_ends(struct bytes tail, bool whole)
{
	struct bytes line;

	if (!bytes_ends(tail, "\n\r\n") && !bytes_ends(tail, "\n\n"))
		return false;
	if (whole && is_last_chunk(tail))
		return true;
	while (!bytes_until(&tail, '\n', &line))
		if (!bytes_empty(tail) && *tail.p == '0' && is_last_chunk(tail))
			return true;
	return false;
}
