/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: bytes of traced processes become text here, and nowhere else. */
#ifndef SPAN_UTF8_H
#define SPAN_UTF8_H

#include "util/buf.h"

enum {
	UTF8_REPLACEMENT = 0xfffd
};

/*
 * Takes one character and returns its code point. On ill-formed input it takes the maximal subpart
 * (Unicode 15 §3.9, "U+FFFD substitution") and returns -EILSEQ; -ENODATA at the end.
 */
int utf8_next(struct bytes *b);

/* Appends text; what is ill-formed becomes U+FFFD. */
void utf8_add(struct buf *out, struct bytes text);

/* Appends one code point. */
void utf8_add_char(struct buf *out, int c);

/*
 * Columns that a character takes on a terminal: 0, 1 or 2. -1: must not reach a terminal (control
 * characters, and the invisible ones that reorder or hide text).
 */
int utf8_width(int c);

/* Appends text so that it is safe on a terminal: what must not get there becomes U+FFFD. */
void utf8_add_printable(struct buf *out, struct bytes text);

#endif
