/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a fuzzer's input as a list of steps; what libFuzzer calls. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdio.h>
#include <stdlib.h>

#include "util/bytes.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* The next byte; 0 when there is none. */
static inline u8 input_u8(struct bytes *in)
{
	u8 c = 0;

	return bytes_u8(in, &c) ? 0 : c;
}

/* The next two bytes as a number, the lower first. */
static inline u32 input_u16(struct bytes *in)
{
	u32 low = input_u8(in);

	return low | (u32)input_u8(in) << 8;
}

/* The next n bytes, or as many as there are. */
static inline struct bytes input_take(struct bytes *in, size_t n)
{
	struct bytes out = bytes_head(*in, n);

	bytes_skip(in, n);
	return out;
}

/* Stops the fuzzer with what it found. Not assert: fuzzers may be built with NDEBUG. */
#define must(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
