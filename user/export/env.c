/* SPDX-License-Identifier: Apache-2.0 */
/* The OTLP exporter's environment variables. */
#include "export/env.h"

#include <stdlib.h>

enum {
	DEFAULT_DELAY_MS = 1000, /* not the SDKs' 5000: a person is watching */
	DEFAULT_TIMEOUT_MS = 10000,
	DEFAULT_BATCH = 512,
	/* "decimal, 0…2^31-1 at least"; not more, so that sums of times cannot overflow. */
	NUMBER_MAX = INT32_MAX,
	HEADERS_MAX = 64,
};

#define GRPC_PORT "4317"

/* Where errors and warnings go; the first text stays, more are appended. */
struct report {
	char *text;
	size_t len;
};

static void printf_like(2, 3) say(struct report r, const char *fmt, ...)
{
	size_t used = strlen(r.text);
	va_list args;

	if (used && used + 2 < r.len) {
		memcpy(r.text + used, "; ", 3);
		used += 2;
	}
	va_start(args, fmt);
	vsnprintf(r.text + used, r.len - used, fmt, args);
	va_end(args);
}

/* An empty value is the same as none. */
static const char *get(export_getenv env, const char *name)
{
	const char *v = env(name);

	return v && *v ? v : NULL;
}

/* The traces form of an option wins over the generic one. *name: which it was. */
static const char *get_option(export_getenv env, const char *const names[2], const char **name)
{
	for (int i = 0; i < 2; i++) {
		const char *v = get(env, names[i]);

		*name = names[i];
		if (v)
			return v;
	}
	return NULL;
}

#define OPTION(x)                                                                                  \
	(const char *const[2])                                                                     \
	{                                                                                          \
		"OTEL_EXPORTER_OTLP_TRACES_" x, "OTEL_EXPORTER_OTLP_" x                            \
	}

static bool has_scheme(const char *url)
{
	return !strncasecmp(url, "http://", 7) || !strncasecmp(url, "https://", 8);
}

/*
 * The parts of a URL that matter for appending a path: what comes before the path, the path, and
 * the query with its question mark. A fragment is never sent.
 */
struct url_parts {
	struct bytes origin, path, query;
};

static struct bytes cut_at(struct bytes *rest, const char *stops)
{
	struct bytes head = *rest;

	while (!bytes_empty(*rest) && !strchr(stops, *rest->p))
		rest->p++;
	head.end = rest->p;
	return head;
}

static struct url_parts url_split(const char *url)
{
	struct bytes rest = bytes_str(url);
	struct url_parts u;

	rest.p = (const u8 *)strstr(url, "://") + 3;
	cut_at(&rest, "/?#");
	u.origin = (struct bytes){(const u8 *)url, rest.p};
	u.path = cut_at(&rest, "?#");
	u.query = cut_at(&rest, "#");
	return u;
}

static char *url_join(const struct url_parts *u, const char *more)
{
	struct buf b = {0};

	buf_add(&b, u->origin.p, bytes_len(u->origin));
	buf_add(&b, u->path.p, bytes_len(u->path));
	if (bytes_empty(u->path) || (*more && u->path.end[-1] != '/'))
		buf_u8(&b, '/');
	buf_str(&b, more);
	buf_add(&b, u->query.p, bytes_len(u->query));
	buf_u8(&b, 0);
	if (b.failed) {
		buf_done(&b);
		return NULL;
	}
	return (char *)b.data;
}

/* libcurl's own parser judges the URL that libcurl will get. -EINVAL with a report. */
static int url_check(const char *url, const char *name, struct report r)
{
	CURLU *u = curl_url();
	char *port = NULL, *host = NULL;
	CURLUcode bad = u ? curl_url_set(u, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;
	int err = -EINVAL;

	if (!bad)
		bad = curl_url_get(u, CURLUPART_HOST, &host, 0);
	if (!bad)
		bad = curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (bad)
		say(r, "%s is not a URL: %s", name, curl_url_strerror(bad));
	else if (!strcmp(port, GRPC_PORT))
		say(r,
		    "%s: port 4317 of %s is OTLP/gRPC, which otelbpf does not speak yet: use port "
		    "4318 (OTLP/HTTP)",
		    name, host);
	else
		err = 0;
	curl_free(port);
	curl_free(host);
	curl_url_cleanup(u);
	return err;
}

char *export_endpoint(const char *traces, const char *generic, char *err, size_t err_len)
{
	struct report r = {err, err_len};
	bool as_is = traces && *traces;
	const char *name =
		as_is ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" : "OTEL_EXPORTER_OTLP_ENDPOINT";
	const char *value = as_is ? traces : generic;
	struct url_parts u;
	char *url;

	err[0] = 0;
	if (!value || !*value)
		return NULL;
	if (!has_scheme(value)) {
		say(r, "%s must begin with http:// or https://, as in http://localhost:4318", name);
		return NULL;
	}
	if (url_check(value, name, r))
		return NULL;
	u = url_split(value);
	url = url_join(&u, as_is ? "" : "v1/traces");
	if (!url)
		say(r, "%s: out of memory", name);
	return url;
}

int export_check_protocol(export_getenv env, char *err, size_t err_len)
{
	const char *name, *v = get_option(env, OPTION("PROTOCOL"), &name);

	err[0] = 0;
	if (!v || !strcasecmp(v, "http/protobuf"))
		return 0;
	snprintf(err, err_len, "%s=%.40s: otelbpf speaks http/protobuf only", name, v);
	return -EINVAL;
}

static int hex_value(struct bytes two, u8 *out)
{
	u64 n;

	if (bytes_len(two) != 2 || bytes_hex(two, &n))
		return -EINVAL;
	*out = (u8)n;
	return 0;
}

/* Lenient: a percent sign that begins no escape stands for itself. */
static void add_decoded(struct buf *out, struct bytes value)
{
	u8 c, decoded;

	while (!bytes_u8(&value, &c)) {
		if (c == '%' && !hex_value(bytes_head(value, 2), &decoded)) {
			bytes_skip(&value, 2);
			c = decoded;
		}
		buf_u8(out, c);
	}
}

/* RFC 9110 §5.6.2 */
static bool is_token(struct bytes key)
{
	for (const u8 *p = key.p; p < key.end; p++) {
		u8 c = ascii_lower(*p);
		bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!alnum && (!c || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return !bytes_empty(key);
}

/* A line break in a value would begin another header: RFC 9110 §5.5. */
static bool is_field_value(struct bytes value)
{
	for (const u8 *p = value.p; p < value.end; p++)
		if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
			return false;
	return true;
}

static bool is_ours(struct bytes key)
{
	static const char *const ours[] = {"content-type", "content-length", "content-encoding",
					   "transfer-encoding", "expect"};

	for (size_t i = 0; i < array_size(ours); i++)
		if (bytes_is_nocase(key, ours[i]))
			return true;
	return false;
}

/*
 * The line as libcurl wants it: an empty value is written "name;", since "name:" would mean to
 * leave the header out. NULL with *why.
 */
static char *header_line(struct bytes key, struct bytes value, const char **why)
{
	struct buf text = {0}, line = {0};

	add_decoded(&text, value);
	*why = NULL;
	if (!is_token(key))
		*why = "its name is not a header name";
	else if (is_ours(key))
		*why = "otelbpf sets this header itself";
	else if (!is_field_value(buf_bytes(&text)))
		*why = "its value holds a control character";
	buf_add(&line, key.p, bytes_len(key));
	buf_str(&line, text.len ? ": " : ";");
	buf_add(&line, text.data, text.len);
	buf_u8(&line, 0);
	if (!*why && (text.failed || line.failed))
		*why = "out of memory";
	buf_done(&text);
	if (*why)
		buf_done(&line);
	return (char *)line.data;
}

/* One "k=v". Values may be secrets: they are never repeated. */
static int add_header(struct export_config *c, struct bytes member, const char **why)
{
	struct bytes key;
	char *line;

	*why = c->header_count == HEADERS_MAX ? "there are too many" : "it has no '='";
	if (c->header_count == HEADERS_MAX || bytes_until(&member, '=', &key))
		return -EINVAL;
	line = header_line(bytes_trim(key), bytes_trim(member), why);
	if (!line)
		return -EINVAL;
	c->headers[c->header_count++] = line;
	return 0;
}

static int read_headers(struct export_config *c, export_getenv env, struct report r)
{
	const char *name, *v = get_option(env, OPTION("HEADERS"), &name), *why;
	struct bytes rest = bytes_str(v ? v : ""), member;
	unsigned which = 0;

	if (!v)
		return 0;
	c->headers = calloc(HEADERS_MAX, sizeof(char *));
	if (!c->headers) {
		say(r, "%s: out of memory", name);
		return -ENOMEM;
	}
	while (!bytes_empty(rest)) {
		if (bytes_until(&rest, ',', &member)) {
			member = rest;
			rest.p = rest.end;
		}
		member = bytes_trim(member);
		which++;
		if (!bytes_empty(member) && add_header(c, member, &why)) {
			say(r, "%s: number %u of the list is not usable: %s", name, which, why);
			return -EINVAL;
		}
	}
	return 0;
}

/* A bad number counts as not set, with a warning. */
static u64 read_number(const char *name, const char *v, u64 least, struct report r)
{
	u64 n;

	if (!v)
		return UINT64_MAX;
	if (!bytes_decimal(bytes_trim(bytes_str(v)), &n) && n >= least && n <= NUMBER_MAX)
		return n;
	say(r, "%s=%.40s is not a number from %llu to %d: ignored", name, v,
	    (unsigned long long)least, NUMBER_MAX);
	return UINT64_MAX;
}

static void read_numbers(struct export_config *c, export_getenv env, struct report r)
{
	static const char delay[] = "OTEL_BSP_SCHEDULE_DELAY";
	static const char batch[] = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
	const char *name, *v = get_option(env, OPTION("TIMEOUT"), &name);
	u64 n = read_number(name, v, 0, r);

	c->export_timeout_ms = n == UINT64_MAX ? DEFAULT_TIMEOUT_MS : n;
	n = read_number(delay, get(env, delay), 0, r);
	c->schedule_delay_ms = n == UINT64_MAX ? DEFAULT_DELAY_MS : n;
	n = read_number(batch, get(env, batch), 1, r);
	c->batch_spans = n == UINT64_MAX ? DEFAULT_BATCH : (unsigned)n;
}

/* What is set, would matter, and has no effect must be said. */
static void warn_unsupported(export_getenv env, struct report r)
{
	static const char *const files[][2] = {
		{"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"},
		{"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"},
		{"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
		 "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"},
	};
	const char *name, *v = get_option(env, OPTION("COMPRESSION"), &name);

	if (v && strcasecmp(v, "none"))
		say(r, "%s=%.40s is not supported yet: sending without compression", name, v);
	for (size_t i = 0; i < array_size(files); i++)
		if (get_option(env, files[i], &name))
			say(r, "%s is not supported yet: ignored", name);
}

static int from_env(struct export_config *c, export_getenv env, struct report r)
{
	c->endpoint = export_endpoint(env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
				      env("OTEL_EXPORTER_OTLP_ENDPOINT"), r.text, r.len);
	if (!c->endpoint && r.text[0])
		return -EINVAL;
	if (c->endpoint && export_check_protocol(env, r.text, r.len))
		return -EINVAL;
	return read_headers(c, env, r);
}

int export_config_from_env(struct export_config *c, export_getenv env, char *err, size_t err_len)
{
	struct report r = {err, err_len};
	int ret;

	err[0] = 0;
	ret = from_env(c, env, r);
	if (ret) {
		free(c->endpoint);
		for (size_t i = 0; i < c->header_count; i++)
			free(c->headers[i]);
		free(c->headers);
		c->endpoint = NULL;
		c->headers = NULL;
		c->header_count = 0;
		return ret;
	}
	read_numbers(c, env, r);
	warn_unsupported(env, r);
	return 0;
}
