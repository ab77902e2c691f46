/* SPDX-License-Identifier: Apache-2.0 */
/* Reading numbers and fields from bounded bytes. */
#include "util/bytes.h"

struct bytes bytes_trim(struct bytes b)
{
	while (!bytes_empty(b) && (*b.p == ' ' || *b.p == '\t'))
		b.p++;
	while (!bytes_empty(b) && (b.end[-1] == ' ' || b.end[-1] == '\t'))
		b.end--;
	return b;
}

static int digit_of(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int number(struct bytes b, u64 base, u64 *out)
{
	u64 n = 0;

	if (bytes_empty(b))
		return -EINVAL;
	for (; b.p < b.end; b.p++) {
		int d = digit_of(*b.p);

		if (d < 0 || (u64)d >= base)
			return -EINVAL;
		if (n > (UINT64_MAX - (u64)d) / base)
			return -ERANGE;
		n = n * base + (u64)d;
	}
	*out = n;
	return 0;
}

int bytes_decimal(struct bytes b, u64 *out)
{
	return number(b, 10, out);
}

int bytes_hex(struct bytes b, u64 *out)
{
	return number(b, 16, out);
}
