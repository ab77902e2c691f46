/* SPDX-License-Identifier: Apache-2.0 */
/* Name-based UUIDs, version 5, and the SHA-1 (RFC 3174) that they are made with. */
#include "target/uuid.h"

#include <stdio.h>

struct sha1 {
	u32 h[5];
};

static u32 rotl(u32 x, int n)
{
	return x << n | x >> (32 - n);
}

/* RFC 3174 §6.1 */
static void sha1_block(struct sha1 *s, const u8 *p)
{
	u32 w[80], a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3], e = s->h[4];

	for (int i = 0; i < 16; i++)
		w[i] = (u32)p[4 * i] << 24 | (u32)p[4 * i + 1] << 16 | (u32)p[4 * i + 2] << 8 |
		       p[4 * i + 3];
	for (int i = 16; i < 80; i++)
		w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		u32 f, k, next;

		if (i < 20)
			f = (b & c) | (~b & d), k = 0x5a827999;
		else if (i < 40)
			f = b ^ c ^ d, k = 0x6ed9eba1;
		else if (i < 60)
			f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
		else
			f = b ^ c ^ d, k = 0xca62c1d6;
		next = rotl(a, 5) + f + e + k + w[i];
		e = d;
		d = c;
		c = rotl(b, 30);
		b = a;
		a = next;
	}
	s->h[0] += a;
	s->h[1] += b;
	s->h[2] += c;
	s->h[3] += d;
	s->h[4] += e;
}

/* The digest of a short message: all of it is padded in place. */
static void sha1_short(const u8 *data, size_t len, u8 out[20])
{
	struct sha1 s = {{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
	u8 m[(16 + UUID_NAME_MAX + 9 + 63) / 64 * 64] = {0};
	size_t total = (len + 9 + 63) / 64 * 64;

	memcpy(m, data, len);
	m[len] = 0x80;
	for (int i = 0; i < 8; i++)
		m[total - 1 - (size_t)i] = (u8)((u64)len * 8 >> 8 * i);
	for (size_t at = 0; at < total; at += 64)
		sha1_block(&s, m + at);
	for (int i = 0; i < 20; i++)
		out[i] = (u8)(s.h[i / 4] >> (24 - 8 * (i % 4)));
}

void uuid_v5(const u8 space[16], struct bytes name, char out[UUID_TEXT])
{
	u8 m[16 + UUID_NAME_MAX], d[20];
	int n = 0;

	name = bytes_head(name, UUID_NAME_MAX);
	memcpy(m, space, 16);
	if (!bytes_empty(name))
		memcpy(m + 16, name.p, bytes_len(name));
	sha1_short(m, 16 + bytes_len(name), d);
	d[6] = (d[6] & 0x0f) | 0x50; /* version 5 */
	d[8] = (d[8] & 0x3f) | 0x80; /* the variant of RFC 9562 */
	for (int i = 0; i < 16; i++)
		n += snprintf(out + n, (size_t)(UUID_TEXT - n), "%s%02x",
			      i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", d[i]);
}
