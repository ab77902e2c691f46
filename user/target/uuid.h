/* SPDX-License-Identifier: Apache-2.0 */
/* Name-based UUIDs, version 5 (RFC 9562 §5.5). */
#ifndef TARGET_UUID_H
#define TARGET_UUID_H

#include "util/bytes.h"

enum {
	UUID_TEXT = 37
}; /* with the NUL */

/* A name is at most UUID_NAME_MAX bytes; the rest is cut. */
enum {
	UUID_NAME_MAX = 256
};

void uuid_v5(const u8 space[16], struct bytes name, char out[UUID_TEXT]);

#endif
