/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * First bytes → protocol guess. Pure C without helpers: compiled for the kernel and, for its unit
 * tests, for the host. A guess may be wrong in favour of a protocol (its parser then gives the
 * connection up), never against it.
 */
#ifndef INFER_H
#define INFER_H

#include "otelbpf/limits.h"
#include "otelbpf/types.h"

enum infer {
	INFER_NO = 0,
	INFER_MAYBE = 1, /* too few bytes to say */
	INFER_REQUEST = 2,
	INFER_RESPONSE = 3,
};

/* Whether p[0..n) equals the beginning of text (of m bytes), as far as both go. */
static inline __attribute__((always_inline)) int infer_starts(const u8 *p, u32 n, const char *text,
							      u32 m)
{
	for (u32 i = 0; i < m && i < INFER_BYTES; i++) {
		if (i >= n)
			return 1;
		if (p[i] != (u8)text[i])
			return 0;
	}
	return 1;
}

/* A character of a method: the letters, '-' and '_' of those registered with IANA and of WebDAV. */
static inline __attribute__((always_inline)) int infer_method_char(u8 c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/* The beginning of a request when p[0..n) is text (of m bytes) as far as it goes. */
static inline __attribute__((always_inline)) enum infer infer_header(const u8 *p, u32 n,
								     const char *text, u32 m)
{
	if (!infer_starts(p, n, text, m))
		return INFER_NO;
	return n >= m ? INFER_REQUEST : INFER_MAYBE;
}

/*
 * "PROXY " and T or U: the header of the PROXY protocol, version 1, which a load balancer puts in
 * front of a connection's first request (doc/proxy-protocol.txt of HAProxy, §2.1).
 */
static inline __attribute__((always_inline)) enum infer infer_proxy1(const u8 *p, u32 n)
{
	if (p[6] == 'U')
		return infer_header(p, n, "PROXY UNKNOWN", 13);
	if (n > 9 && p[9] == '6')
		return infer_header(p, n, "PROXY TCP6 ", 11);
	return infer_header(p, n, "PROXY TCP4 ", 11);
}

/* A start line, or a header of the PROXY protocol, version 1. */
static inline __attribute__((always_inline)) enum infer infer_line(const u8 *p, u32 n)
{
	u32 space = 0;

	if (infer_starts(p, n, "HTTP/1.", 7))
		return n >= 7 ? INFER_RESPONSE : INFER_MAYBE;
	for (u32 i = 0; i < INFER_BYTES; i++) {
		if (i >= n)
			return INFER_MAYBE;
		if (p[i] == ' ') {
			space = i;
			break;
		}
		if (!infer_method_char(p[i]))
			return INFER_NO;
	}
	if (space == 0 || space >= INFER_BYTES - 1)
		return INFER_NO;
	if (space + 1 >= n)
		return INFER_MAYBE;
	switch (p[space + 1]) {
	case '/':
		return INFER_REQUEST;
	case '*':
		return space == 7 && p[0] == 'O' ? INFER_REQUEST : INFER_NO;
	case 'T':
	case 'U':
		if (space == 5)
			return infer_proxy1(p, n);
		break;
	case 'h':
	case 'H':
		if (space + 2 >= INFER_BYTES)
			return INFER_NO;
		if (space + 2 >= n)
			return INFER_MAYBE;
		if ((p[space + 2] | 0x20) == 't')
			return INFER_REQUEST;
		break;
	}
	return space == 7 && p[0] == 'C' && p[1] == 'O' ? INFER_REQUEST : INFER_NO;
}

/*
 * The verifier follows each value of a number on a path of its own. Where all that counts is that it
 * is small (at most 7), the kernel side makes it forget: 20,000 instructions are walked and not 50,000.
 */
#ifndef infer_forget
#define infer_forget(x) (x)
#endif

/* Empty lines in front of a request that are passed over, in bytes (RFC 9112 §2.2: at least one). */
enum {
	INFER_EMPTY_MAX = 4
};

/*
 * HTTP/1 by its first n bytes (INFER_BYTES at most are looked at, and are always an answer):
 * "HTTP/1." begins a response; a method, a space and a target in one of its four forms (RFC 9112
 * §3.2) begins a request, and so does a header of the PROXY protocol: what is behind it is for the
 * parser to see.
 */
static inline __attribute__((always_inline)) enum infer infer_http1(const u8 *p, u32 n)
{
	enum infer answer;
	u32 empty = 0;

	if (n > INFER_BYTES)
		n = INFER_BYTES;
	/* PROXY version 2 (§2.2) begins with two empty lines and a NUL byte. */
	if (n > INFER_EMPTY_MAX && p[INFER_EMPTY_MAX] == '\0')
		return infer_header(p, n, "\r\n\r\n\0\r\nQUIT\n", 12);
	for (u32 i = 0; i < INFER_EMPTY_MAX; i++)
		empty += empty == i && i < n && (p[i] == '\r' || p[i] == '\n');
	if (empty >= n)
		return INFER_MAYBE;
	empty = infer_forget(empty);
	answer = infer_line(p + empty, n - empty);
	return answer == INFER_MAYBE && n == INFER_BYTES ? INFER_NO : answer;
}

#endif
