/* SPDX-License-Identifier: Apache-2.0 */
/* One span as one line for a person: pure formatting, no output. */
#ifndef EXPORT_CONSOLE_LINE_H
#define EXPORT_CONSOLE_LINE_H

#include "span/span.h"

/*
 *	TIME            TOOK CODE SERVICE        REQUEST                 PEER
 *	12:04:31.482 1.23 ms  200 shop         ← GET /orders/{id}        10.0.0.7
 *	12:04:31.483  950 µs !503 shop         → GET /stock/8731         10.0.0.9:8000
 *
 * Time is when it began. ! failed. ← received (SERVER), → sent (CLIENT). Widths are in columns.
 */
struct console_layout {
	bool color;
	unsigned columns; /* of the terminal; 0: not one, nothing is shortened */
	unsigned service, request, peer;
};

/* columns 0: not a terminal. */
struct console_layout console_layout(unsigned columns, bool color);

/* Appends the line, with its newline. */
void console_line(const struct console_layout *l, const struct span *s, struct buf *out);
/* Appends the header line. */
void console_header(const struct console_layout *l, struct buf *out);

/* A duration in at most seven columns, three digits of it: "950 ns", "1.23 ms", "12m 04s". */
void console_duration(u64 ns, struct buf *out);

/*
 * Appends text in at least least columns, filled with blanks, and at most most, shortened with …;
 * most 0: never shortened. What must not reach a terminal is replaced.
 */
void console_fit(struct buf *out, struct bytes text, unsigned least, unsigned most);

#endif
