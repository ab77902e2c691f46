/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pure parsers of HTTP/1 over any bytes. What was decided for a prefix must stay decided: a
 * parser may answer MORE to a prefix, but never change its mind.
 */
#include "input.h"

#include "proto/http1_proxy.h"

typedef enum http1_result (*parser)(struct bytes *in);

static enum http1_result request(struct bytes *in)
{
	struct http1_start line;
	struct bytes was = *in;
	enum http1_result r = http1_request_line(in, &line);

	if (r == HTTP1_OK)
		must(line.method.p == was.p && line.target.end <= in->p &&
		     !bytes_empty(line.method));
	return r;
}

static enum http1_result status(struct bytes *in)
{
	struct http1_start line;
	enum http1_result r = http1_status_line(in, &line);

	must(r != HTTP1_OK || line.status <= 999);
	return r;
}

static enum http1_result field(struct bytes *in)
{
	struct http1_field f;
	u8 room[HTTP1_LINE_MAX];
	enum http1_result r = http1_field(in, &f);

	if (r == HTTP1_OK) {
		must(bytes_len(f.value) <= HTTP1_LINE_MAX);
		must(bytes_len(http1_unfold(f.value, room)) <= bytes_len(f.value));
	}
	return r;
}

static enum http1_result chunk(struct bytes *in)
{
	u64 size;
	enum http1_result r = http1_chunk_line(in, &size);

	must(r != HTTP1_OK || size <= INT64_MAX);
	return r;
}

/* The header's length may go beyond the input, so that one byte stands for it. */
static enum http1_result proxy(struct bytes *in)
{
	struct http1_proxy header;
	enum http1_result r = http1_proxy_header(*in, &header);

	if (r != HTTP1_OK)
		return r;
	must(header.len >= 15 && header.len <= 16 + UINT16_MAX);
	in->p++;
	return r;
}

static const parser parsers[] = {request, status, field, chunk, proxy};

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct bytes all = bytes_of(data, size);
	parser parse = parsers[input_u8(&all) % array_size(parsers)];
	struct bytes whole = all;
	enum http1_result want = parse(&whole);
	struct http1_start line;

	must(want == HTTP1_MORE || want == HTTP1_BAD ? whole.p == all.p : whole.p > all.p);
	for (size_t n = 0; n < bytes_len(all); n += 1 + n / 64) {
		struct bytes part = bytes_head(all, n), was = part;
		enum http1_result r = parse(&part);

		must(r == HTTP1_MORE ? part.p == was.p : r == want && part.p == whole.p);
	}
	(void)http1_request_begin(all, &line);
	(void)http1_status_begin(all, &line);
	(void)http1_is_request(all);
	(void)http1_chunked_ends(all, true);
	return 0;
}
