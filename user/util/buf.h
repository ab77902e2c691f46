/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer. The first failed append makes it failed for good (sticky), so a writer
 * checks once, at its end.
 */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include <stdarg.h>

#include "util/bytes.h"

struct buf {
	u8 *data; /* owned */
	size_t len, cap;
	bool failed; /* out of memory: contents are incomplete */
};

void buf_done(struct buf *b);
static inline void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}
/* Makes room for n more bytes and returns where they go, or NULL. Does not change len. */
void *buf_room(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *data, size_t n);
void buf_str(struct buf *b, const char *text);
void buf_u8(struct buf *b, u8 c);
void buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);

static inline struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->data, b->len);
}

#endif
