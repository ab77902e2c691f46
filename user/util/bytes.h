/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded read cursor: the only way in which bytes of traced processes are looked at.
 * A getter that returns -ENODATA has not moved the cursor.
 */
#ifndef UTIL_BYTES_H
#define UTIL_BYTES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "otelbpf/types.h"
#include "util/compiler.h"

struct bytes {
	const u8 *p, *end;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
	const u8 *p = data;

	return (struct bytes){p, len ? p + len : p};
}

static inline struct bytes bytes_str(const char *text)
{
	return bytes_of(text, strlen(text));
}

static inline size_t bytes_len(struct bytes b)
{
	return (size_t)(b.end - b.p);
}

static inline bool bytes_empty(struct bytes b)
{
	return b.p == b.end;
}

/* The next byte without moving; -ENODATA at the end. */
static inline int bytes_peek(struct bytes b)
{
	return b.p == b.end ? -ENODATA : *b.p;
}

must_check static inline int bytes_u8(struct bytes *b, u8 *out)
{
	if (b->p == b->end)
		return -ENODATA;
	*out = *b->p++;
	return 0;
}

/* Takes the next n bytes as a view. */
must_check static inline int bytes_take(struct bytes *b, size_t n, struct bytes *out)
{
	if (n > bytes_len(*b))
		return -ENODATA;
	*out = (struct bytes){b->p, b->p + n};
	b->p += n;
	return 0;
}

/* Takes the bytes up to the first c; the cursor is left behind that c. */
must_check static inline int bytes_until(struct bytes *b, u8 c, struct bytes *out)
{
	const u8 *at = bytes_empty(*b) ? NULL : memchr(b->p, c, bytes_len(*b));

	if (!at)
		return -ENODATA;
	*out = (struct bytes){b->p, at};
	b->p = at + 1;
	return 0;
}

/* Moves on by at most n bytes. */
static inline void bytes_skip(struct bytes *b, size_t n)
{
	b->p += n < bytes_len(*b) ? n : bytes_len(*b);
}

/* The first n bytes, or all when there are fewer. */
static inline struct bytes bytes_head(struct bytes b, size_t n)
{
	return (struct bytes){b.p, n < bytes_len(b) ? b.p + n : b.end};
}

static inline bool bytes_eq(struct bytes a, struct bytes b)
{
	return bytes_len(a) == bytes_len(b) && (bytes_empty(a) || !memcmp(a.p, b.p, bytes_len(a)));
}

static inline bool bytes_is(struct bytes a, const char *text)
{
	return bytes_eq(a, bytes_str(text));
}

static inline bool bytes_starts(struct bytes a, const char *text)
{
	size_t n = strlen(text);

	return bytes_len(a) >= n && !memcmp(a.p, text, n);
}

static inline bool bytes_ends(struct bytes a, const char *text)
{
	size_t n = strlen(text);

	return bytes_len(a) >= n && !memcmp(a.end - n, text, n);
}

static inline u8 ascii_lower(u8 c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Equal but for the case of ASCII letters. */
static inline bool bytes_is_nocase(struct bytes a, const char *text)
{
	size_t n = strlen(text);

	if (bytes_len(a) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower((u8)text[i]))
			return false;
	return true;
}

/* Without spaces and tabs at both ends (OWS of RFC 9110 §5.6.3). */
struct bytes bytes_trim(struct bytes b);

/* A whole field of decimal digits; -EINVAL on anything else, -ERANGE when it does not fit. */
must_check int bytes_decimal(struct bytes b, u64 *out);

/* A whole field of hexadecimal digits; -EINVAL on anything else, -ERANGE when it does not fit. */
must_check int bytes_hex(struct bytes b, u64 *out);

#endif
