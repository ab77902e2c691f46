/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer. */
#include "util/buf.h"

#include <stdio.h>
#include <stdlib.h>

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

void *buf_room(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	u8 *data;

	if (b->failed || n > SIZE_MAX / 4 - b->len) {
		b->failed = true;
		return NULL;
	}
	if (n <= b->cap - b->len && b->data)
		return b->data + b->len;
	while (cap - b->len < n)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return NULL;
	}
	b->data = data;
	b->cap = cap;
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
	void *to = buf_room(b, n);

	if (!to)
		return;
	if (n)
		memcpy(to, data, n);
	b->len += n;
}

void buf_str(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_u8(struct buf *b, u8 c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	if (n < 0)
		b->failed = true;
	else if (buf_room(b, (size_t)n + 1)) {
		vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}
