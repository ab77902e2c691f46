/* SPDX-License-Identifier: Apache-2.0 */
/* The header of the PROXY protocol as bytes. Sections are those of its specification. */
#include "proto/http1_proxy.h"

#include <arpa/inet.h>

/* In both directions as far as both go. */
static enum http1_result begins(struct bytes in, struct bytes text)
{
	size_t n = bytes_len(text);

	if (!bytes_eq(bytes_head(in, n), bytes_head(text, bytes_len(in))))
		return HTTP1_BAD;
	return bytes_len(in) < n ? HTTP1_MORE : HTTP1_OK;
}

static bool take_address(struct bytes text, u16 family, struct sock_addr *out)
{
	char room[INET6_ADDRSTRLEN] = "";

	if (bytes_empty(text) || bytes_len(text) >= sizeof(room) ||
	    memchr(text.p, '\0', bytes_len(text)))
		return false;
	memcpy(room, text.p, bytes_len(text));
	*out = (struct sock_addr){.family = family};
	return inet_pton(family == FAMILY_INET6 ? AF_INET6 : AF_INET, room, out->addr) == 1;
}

static bool take_port(struct bytes text, struct sock_addr *out)
{
	u64 n;

	if (bytes_decimal(text, &n) || n > UINT16_MAX)
		return false;
	out->port = (u16)n;
	return true;
}

/* "192.0.2.1 10.0.0.1 56324 443": source and destination, their ports in the same order. */
static bool take_endpoints(struct bytes line, u16 family, struct sock_addr *source)
{
	struct sock_addr destination;
	struct bytes from, to, port;

	return !bytes_until(&line, ' ', &from) && !bytes_until(&line, ' ', &to) &&
	       !bytes_until(&line, ' ', &port) && take_address(from, family, source) &&
	       take_address(to, family, &destination) && take_port(port, source) &&
	       take_port(line, &destination);
}

/* A line of text; that of an unknown protocol may say anything behind the word (§2.1). */
static enum http1_result version1(struct bytes in, struct http1_proxy *out)
{
	static const struct {
		const char *text;
		u16 family;
	} kinds[] = {
		{"PROXY TCP4 ", FAMILY_INET},
		{"PROXY TCP6 ", FAMILY_INET6},
		{"PROXY UNKNOWN", 0},
	};
	struct bytes seen = bytes_head(in, HTTP1_PROXY1_MAX), rest = seen, line;
	enum http1_result r = HTTP1_BAD;
	size_t kind = 0;

	for (; kind < array_size(kinds); kind++) {
		r = begins(seen, bytes_str(kinds[kind].text));
		if (r != HTTP1_BAD)
			break;
	}
	if (r != HTTP1_OK)
		return r;
	if (bytes_until(&rest, '\n', &line))
		return bytes_len(seen) < HTTP1_PROXY1_MAX ? HTTP1_MORE : HTTP1_BAD;
	if (line.end[-1] != '\r')
		return HTTP1_BAD;
	out->len = (u32)(rest.p - in.p);
	line.end--;
	bytes_skip(&line, strlen(kinds[kind].text));
	if (kinds[kind].family)
		return take_endpoints(line, kinds[kind].family, &out->source) ? HTTP1_OK
									      : HTTP1_BAD;
	return bytes_empty(line) || *line.p == ' ' ? HTTP1_OK : HTTP1_BAD;
}

/*
 * Twelve bytes of signature; version and command; family and transport; length of what follows: two
 * addresses, two ports, and extensions of any kind (§2.2). LOCAL is the balancer's own connection,
 * and of addresses that are neither IPv4 nor IPv6 only the length counts.
 */
static enum http1_result version2(struct bytes in, struct http1_proxy *out)
{
	enum {
		FIXED = 16,
		PROXY = 0x21, /* version 2, command PROXY */
		LOCAL = 0x20,
		PORTS = 4,
	};
	enum http1_result r = begins(in, bytes_of("\r\n\r\n\0\r\nQUIT\n", 12));
	const u8 *p = in.p;
	size_t follows, address = 0;

	if (r != HTTP1_OK)
		return r;
	if (bytes_len(in) > 12 && p[12] != PROXY && p[12] != LOCAL)
		return HTTP1_BAD;
	if (bytes_len(in) < FIXED)
		return HTTP1_MORE;
	follows = (size_t)p[14] << 8 | p[15];
	if (p[12] == PROXY)
		address = p[13] >> 4 == 1 ? 4 : p[13] >> 4 == 2 ? 16 : 0;
	if (follows < 2 * address + PORTS)
		address = 0;
	if (bytes_len(in) - FIXED < address)
		return HTTP1_MORE;
	out->len = (u32)(FIXED + follows);
	if (!address)
		return HTTP1_OK;
	out->source.family = address == 4 ? FAMILY_INET : FAMILY_INET6;
	memcpy(out->source.addr, p + FIXED, address);
	return HTTP1_OK;
}

enum http1_result http1_proxy_header(struct bytes in, struct http1_proxy *out)
{
	*out = (struct http1_proxy){0};
	if (bytes_empty(in))
		return HTTP1_MORE;
	return *in.p == '\r' ? version2(in, out) : version1(in, out);
}
