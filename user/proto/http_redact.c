/* SPDX-License-Identifier: Apache-2.0 */
/* What must not leave in a URL: signatures, tokens, session ids. */
#include "proto/http_url.h"

/*
 * Of the conventions (url.query, url.full): exact and case-sensitive there. The second list is our
 * own care for what else is a credential by its name; any case.
 */
static const char *const exact_keys[] = {
	"X-Amz-Signature",  "X-Amz-Credential", "X-Amz-Security-Token",
	"AWSAccessKeyId",   "Signature",	"sig",
	"X-Goog-Signature",
};
static const char *const secret_keys[] = {
	"password",	 "passwd",	  "pwd",	   "secret",	  "client_secret",
	"token",	 "access_token",  "refresh_token", "id_token",	  "auth_token",
	"authorization", "api_key",	  "apikey",	   "api-key",	  "access_key",
	"jwt",		 "session_token", "credential",	   "credentials", "private_key",
};

enum {
	KEY_MAX = 32
};

static int hex_digit(u8 c)
{
	c = ascii_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes a key: "%73ig" is "sig" to the application, so it must be to us. */
static struct bytes decode_key(struct bytes key, u8 *out)
{
	size_t n = 0;

	while (!bytes_empty(key) && n < KEY_MAX) {
		u8 c = *key.p++;

		if (c == '%' && bytes_len(key) >= 2 && hex_digit(key.p[0]) >= 0 &&
		    hex_digit(key.p[1]) >= 0) {
			c = (u8)(hex_digit(key.p[0]) << 4 | hex_digit(key.p[1]));
			key.p += 2;
		}
		out[n++] = c;
	}
	return bytes_of(out, bytes_empty(key) ? n : 0);
}

static bool is_sensitive(struct bytes key)
{
	u8 room[KEY_MAX];

	if (!bytes_empty(key) && memchr(key.p, '%', bytes_len(key)))
		key = decode_key(key, room);
	if (bytes_len(key) < 3 || bytes_len(key) > KEY_MAX)
		return false;
	for (size_t i = 0; i < array_size(exact_keys); i++)
		if (bytes_is(key, exact_keys[i]))
			return true;
	for (size_t i = 0; i < array_size(secret_keys); i++)
		if (ascii_lower(*key.p) == (u8)*secret_keys[i] &&
		    bytes_is_nocase(key, secret_keys[i]))
			return true;
	return false;
}

struct writer {
	u8 *p, *end;
};

static void put(struct writer *w, struct bytes b)
{
	b = bytes_head(b, (size_t)(w->end - w->p));
	if (!bytes_empty(b))
		memcpy(w->p, b.p, bytes_len(b));
	w->p += bytes_len(b);
}

/* One "key=value" up to the next separator, which is left at the cursor. */
static bool next_pair(struct bytes *in, struct bytes *key, struct bytes *value)
{
	struct bytes pair = {in->p, in->p};

	while (!bytes_empty(*in) && *in->p != '&' && *in->p != ';')
		in->p++;
	pair.end = in->p;
	if (bytes_until(&pair, '=', key)) {
		*key = pair;
		*value = (struct bytes){pair.end, pair.end};
	} else {
		*value = pair;
	}
	return !bytes_empty(*value) && is_sensitive(*key);
}

struct bytes http_query_redact(struct bytes query, u8 *out, size_t room)
{
	struct bytes rest = query, key, value, done = {query.p, query.p};
	struct writer w = {out, out + room};

	while (!bytes_empty(rest)) {
		if (next_pair(&rest, &key, &value)) {
			put(&w, (struct bytes){done.p, value.p});
			put(&w, bytes_str("REDACTED"));
			done.p = value.end;
		}
		bytes_skip(&rest, 1);
	}
	if (done.p == query.p)
		return query;
	put(&w, (struct bytes){done.p, query.end});
	return bytes_of(out, (size_t)(w.p - out));
}

/* Path parameters that are session ids (Servlet 7.1.3; PHP's trans-sid uses the query). */
static bool session_value(struct bytes param, struct bytes *value)
{
	struct bytes key;

	if (bytes_until(&param, '=', &key) || bytes_empty(param))
		return false;
	*value = param;
	return bytes_is_nocase(key, "jsessionid") || is_sensitive(key);
}

struct bytes http_path_redact(struct bytes path, u8 *out, size_t room)
{
	struct bytes rest = path, value;
	struct writer w = {out, out + room};
	const u8 *done = path.p;

	if (bytes_empty(path) || !memchr(path.p, ';', bytes_len(path)))
		return path;
	while (!bytes_empty(rest)) {
		struct bytes param;

		if (*rest.p++ != ';')
			continue;
		param = (struct bytes){rest.p, rest.p};
		while (param.end < path.end && *param.end != ';' && *param.end != '/')
			param.end++;
		rest.p = param.end;
		if (!session_value(param, &value))
			continue;
		put(&w, (struct bytes){done, value.p});
		put(&w, bytes_str("REDACTED"));
		done = value.end;
	}
	if (done == path.p)
		return path;
	put(&w, (struct bytes){done, path.end});
	return bytes_of(out, (size_t)(w.p - out));
}
