/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 as bytes: start lines and fields. */
#include "proto/http1_parse.h"

/* tchar of RFC 9110 §5.6.2, one bit for each byte value. */
static const u64 token_bits[4] = {
	0x03ff6cfa00000000, /* ! # $ % & ' * + - . 0-9 */
	0x57ffffffc7fffffe, /* A-Z ^ _ ` a-z | ~ */
};

static bool is_token(u8 c)
{
	return token_bits[c >> 6] >> (c & 63) & 1;
}

static bool all_token(struct bytes b)
{
	for (; b.p < b.end; b.p++)
		if (!is_token(*b.p))
			return false;
	return true;
}

static struct bytes without_cr(struct bytes line)
{
	if (!bytes_empty(line) && line.end[-1] == '\r')
		line.end--;
	return line;
}

/* The first n letters of text, or as many as there are, are what in begins with. */
static enum http1_result begins(struct bytes in, const char *text)
{
	size_t n = strlen(text), have = bytes_len(in) < n ? bytes_len(in) : n;

	if (have && memcmp(in.p, text, have))
		return HTTP1_BAD;
	return have == n ? HTTP1_OK : HTTP1_MORE;
}

enum http1_result http1_is_response(struct bytes in)
{
	return begins(in, "HTTP/");
}

enum http1_result http1_is_request(struct bytes in)
{
	struct http1_start line;

	for (size_t i = 0; i < 3 && i < bytes_len(in); i++)
		if (in.p[i] < 'A' || in.p[i] > 'Z')
			return HTTP1_BAD;
	return http1_request_line(&in, &line);
}

/* Length of the method: MORE when its end is not there yet. */
static enum http1_result method_length(struct bytes in, size_t *len)
{
	struct bytes b = bytes_head(in, HTTP1_METHOD_MAX + 1);

	while (!bytes_empty(b) && is_token(*b.p))
		b.p++;
	*len = (size_t)(b.p - in.p);
	if (bytes_empty(b))
		return *len > HTTP1_METHOD_MAX ? HTTP1_BAD : HTTP1_MORE;
	return *len && *b.p == ' ' ? HTTP1_OK : HTTP1_BAD;
}

/* "HTTP/1." and one digit. */
static int version_minor(struct bytes b)
{
	if (bytes_len(b) != 8 || !bytes_starts(b, "HTTP/1.") || b.p[7] < '0' || b.p[7] > '9')
		return -EINVAL;
	return b.p[7] - '0';
}

static enum http1_result request_line_whole(struct bytes line, struct http1_start *out)
{
	const u8 *sp = line.end;

	line = bytes_trim(without_cr(line));
	for (sp = line.end; sp > line.p && sp[-1] != ' ';)
		sp--;
	out->minor = version_minor((struct bytes){sp, line.end});
	out->target = bytes_trim((struct bytes){line.p, sp});
	return out->minor < 0 || bytes_empty(out->target) ? HTTP1_BAD : HTTP1_OK;
}

enum http1_result http1_request_line(struct bytes *in, struct http1_start *out)
{
	struct bytes seen = bytes_head(*in, HTTP1_LINE_MAX), rest, line;
	struct http1_start s = {.minor = -1};
	enum http1_result r;
	size_t len;

	r = method_length(seen, &len);
	if (r != HTTP1_OK)
		return r;
	s.method = bytes_head(seen, len);
	rest = seen;
	bytes_skip(&rest, len + 1);
	if (!bytes_empty(rest) && *rest.p < 0x20)
		return HTTP1_BAD;
	if (!bytes_until(&rest, '\n', &line)) {
		r = request_line_whole(line, &s);
		if (r != HTTP1_OK)
			return r;
	} else if (bytes_len(seen) < HTTP1_LINE_MAX) {
		return HTTP1_MORE;
	} else {
		s.cut = s.target_cut = true;
		s.target = bytes_trim(rest);
		rest.p = seen.end;
	}
	in->p = rest.p;
	*out = s;
	return HTTP1_OK;
}

enum http1_result http1_status_line(struct bytes *in, struct http1_start *out)
{
	struct bytes seen = bytes_head(*in, HTTP1_LINE_MAX), rest = seen, line;
	struct http1_start s = {.minor = -1};
	enum http1_result r = begins(seen, "HTTP/1.");
	u64 status;

	if (r != HTTP1_OK)
		return r;
	if (bytes_until(&rest, '\n', &line)) {
		if (bytes_len(seen) < HTTP1_LINE_MAX)
			return HTTP1_MORE;
		s.cut = true;
		line = seen;
		rest.p = seen.end;
	}
	line = without_cr(line);
	if (bytes_len(line) < 12 || line.p[8] != ' ')
		return HTTP1_BAD;
	if (bytes_len(line) > 12 && line.p[12] != ' ')
		return HTTP1_BAD;
	s.minor = version_minor(bytes_head(line, 8));
	if (s.minor < 0 || bytes_decimal(bytes_of(line.p + 9, 3), &status))
		return HTTP1_BAD;
	s.status = (unsigned)status;
	in->p = rest.p;
	*out = s;
	return HTTP1_OK;
}

enum http1_result http1_request_begin(struct bytes in, struct http1_start *out)
{
	struct http1_start s = {.minor = -1, .cut = true};
	struct bytes rest = bytes_head(in, HTTP1_LINE_MAX), target;
	enum http1_result r;
	size_t len;

	r = method_length(rest, &len);
	if (r != HTTP1_OK)
		return r;
	s.method = bytes_head(rest, len);
	bytes_skip(&rest, len + 1);
	/* A blank ends the target, whatever of the version follows it. */
	if (bytes_until(&rest, ' ', &target)) {
		target = rest;
		s.target_cut = true;
	}
	s.target = target;
	if (bytes_empty(target))
		return HTTP1_MORE;
	*out = s;
	return HTTP1_OK;
}

enum http1_result http1_status_begin(struct bytes in, struct http1_start *out)
{
	u8 line[13];

	if (begins(in, "HTTP/1.") != HTTP1_OK || bytes_len(in) < 12)
		return begins(in, "HTTP/1.") == HTTP1_BAD ? HTTP1_BAD : HTTP1_MORE;
	memcpy(line, in.p, 12);
	line[12] = '\n';
	in = bytes_of(line, sizeof(line));
	return http1_status_line(&in, out);
}

enum http1_result http1_line_rest(struct bytes *in)
{
	struct bytes line;

	if (!bytes_until(in, '\n', &line))
		return HTTP1_OK;
	in->p = in->end;
	return HTTP1_MORE;
}

/* The length of a name tells nearly all of those that matter apart. */
static enum http1_name name_id(struct bytes name)
{
	static const struct {
		const char *text;
		enum http1_name id;
	} by_length[][2] = {
		[4] = {{"host", NAME_HOST}},
		[6] = {{"expect", NAME_EXPECT}},
		[7] = {{"upgrade", NAME_UPGRADE}},
		[9] = {{"forwarded", NAME_FORWARDED}},
		[10] = {{"user-agent", NAME_USER_AGENT}, {"tracestate", NAME_TRACESTATE}},
		[11] = {{"traceparent", NAME_TRACEPARENT}},
		[14] = {{"content-length", NAME_CONTENT_LENGTH}},
		[15] = {{"x-forwarded-for", NAME_X_FORWARDED_FOR}},
		[16] = {{"x-forwarded-host", NAME_X_FORWARDED_HOST}},
		[17] = {{"transfer-encoding", NAME_TRANSFER_ENCODING},
			{"x-forwarded-proto", NAME_X_FORWARDED_PROTO}},
	};
	size_t n = bytes_len(name);

	if (n >= array_size(by_length))
		return NAME_OTHER;
	for (int i = 0; i < 2; i++) {
		const char *text = by_length[n][i].text;

		if (text && ascii_lower(*name.p) == (u8)*text && bytes_is_nocase(name, text))
			return by_length[n][i].id;
	}
	return NAME_OTHER;
}

/* The line at the cursor with those folded into it. Its end is only known from the byte after. */
static enum http1_result whole_line(struct bytes *in, struct bytes *out, bool *folded)
{
	struct bytes seen = bytes_head(*in, HTTP1_LINE_MAX + 1), rest = seen, line;

	*folded = false;
	for (;;) {
		if (bytes_until(&rest, '\n', &line))
			break;
		*out = (struct bytes){seen.p, line.end};
		if (bytes_empty(without_cr(*out))) {
			in->p = rest.p;
			return HTTP1_END;
		}
		if (bytes_empty(rest))
			break;
		if (*rest.p != ' ' && *rest.p != '\t') {
			in->p = rest.p;
			return HTTP1_OK;
		}
		*folded = true;
	}
	return bytes_len(seen) > HTTP1_LINE_MAX ? HTTP1_BAD : HTTP1_MORE;
}

enum http1_result http1_field(struct bytes *in, struct http1_field *out)
{
	struct http1_field f = {0};
	struct bytes line;
	enum http1_result r = whole_line(in, &line, &f.folded);

	if (r != HTTP1_OK)
		return r;
	line = without_cr(line);
	if (bytes_until(&line, ':', &f.name) || bytes_empty(f.name) || !all_token(f.name))
		return HTTP1_SKIP;
	f.value = bytes_trim(line);
	f.id = name_id(f.name);
	*out = f;
	return HTTP1_OK;
}

struct bytes http1_unfold(struct bytes value, u8 *out)
{
	u8 *to = out;

	while (!bytes_empty(value)) {
		u8 c = *value.p++;

		if (c != '\r' && c != '\n') {
			*to++ = c;
			continue;
		}
		while (!bytes_empty(value) && (*value.p == '\r' || *value.p == '\n' ||
					       *value.p == ' ' || *value.p == '\t'))
			value.p++;
		*to++ = ' ';
	}
	return bytes_trim(bytes_of(out, (size_t)(to - out)));
}
