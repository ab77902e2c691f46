/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: decoding, repair, and what a terminal makes of it. */
#include "span/utf8.h"

/*
 * Unicode 15, table 3-7 (well-formed byte sequences): the length of a sequence and the range of its
 * second byte follow from the first; every later byte is 80..BF.
 */
static int lead(u8 c, u8 *low, u8 *high)
{
	*low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	if (c >= 0xf0 && c <= 0xf4)
		return 4;
	return 0;
}

int utf8_next(struct bytes *b)
{
	u8 low, high, c;
	int len, code;

	if (bytes_empty(*b))
		return -ENODATA;
	c = *b->p++;
	if (c < 0x80)
		return c;
	len = lead(c, &low, &high);
	if (!len)
		return -EILSEQ;
	code = c & (0x7f >> len);
	for (int i = 1; i < len; i++) {
		int next = bytes_peek(*b);

		if (next < low || next > high)
			return -EILSEQ;
		code = code << 6 | (next & 0x3f);
		b->p++;
		low = 0x80;
		high = 0xbf;
	}
	return code;
}

void utf8_add_char(struct buf *out, int c)
{
	u8 t[4];
	size_t n = 0;

	if (c < 0x80) {
		t[n++] = (u8)c;
	} else if (c < 0x800) {
		t[n++] = (u8)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		t[n++] = (u8)(0xe0 | c >> 12);
		t[n++] = (u8)(0x80 | (c >> 6 & 0x3f));
	} else {
		t[n++] = (u8)(0xf0 | c >> 18);
		t[n++] = (u8)(0x80 | (c >> 12 & 0x3f));
		t[n++] = (u8)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		t[n++] = (u8)(0x80 | (c & 0x3f));
	buf_add(out, t, n);
}

/* The longest beginning that is well-formed. */
static struct bytes good_part(struct bytes text)
{
	struct bytes at = text;

	while (!bytes_empty(at)) {
		u64 eight;
		struct bytes before = at;

		/* Nearly all of it is ASCII: eight bytes at a time. */
		if (bytes_len(at) >= sizeof(eight)) {
			memcpy(&eight, at.p, sizeof(eight));
			if (!(eight & 0x8080808080808080ULL)) {
				at.p += sizeof(eight);
				continue;
			}
		}
		if (utf8_next(&at) < 0)
			return (struct bytes){text.p, before.p};
	}
	return text;
}

void utf8_add(struct buf *out, struct bytes text)
{
	while (!bytes_empty(text)) {
		struct bytes good = good_part(text);

		buf_add(out, good.p, bytes_len(good));
		text.p = good.end;
		if (utf8_next(&text) == -EILSEQ)
			utf8_add_char(out, UTF8_REPLACEMENT);
	}
}

struct range {
	int first, last;
};

static bool in_ranges(int c, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= r[i].first && c <= r[i].last)
			return true;
	return false;
}

/* Unicode categories Cc, Cf, Zl, Zp: they move the cursor, reorder the line, or cannot be seen. */
static const struct range unsafe[] = {
	{0x00, 0x1f},	  {0x7f, 0x9f},	    {0xad, 0xad},	{0x061c, 0x061c},
	{0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},	{0x2060, 0x206f},
	{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
};

/* The blocks of combining marks that are common, and the variation selectors. */
static const struct range zero_wide[] = {
	{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x1ab0, 0x1aff},
	{0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

/* East Asian Width W and F (Unicode Annex #11), by block. */
static const struct range two_wide[] = {
	{0x1100, 0x115f},   {0x2e80, 0x303e},	{0x3041, 0xa4cf},   {0xac00, 0xd7a3},
	{0xf900, 0xfaff},   {0xfe30, 0xfe6f},	{0xff00, 0xff60},   {0xffe0, 0xffe6},
	{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
};

int utf8_width(int c)
{
	if (c >= 0x20 && c < 0x7f)
		return 1;
	if (in_ranges(c, unsafe, array_size(unsafe)))
		return -1;
	if (in_ranges(c, zero_wide, array_size(zero_wide)))
		return 0;
	return in_ranges(c, two_wide, array_size(two_wide)) ? 2 : 1;
}

void utf8_add_printable(struct buf *out, struct bytes text)
{
	while (!bytes_empty(text)) {
		int c = utf8_next(&text);

		utf8_add_char(out, c < 0 || utf8_width(c) < 0 ? UTF8_REPLACEMENT : c);
	}
}
