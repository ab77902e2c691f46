/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and small macros that every room uses. */
#ifndef UTIL_COMPILER_H
#define UTIL_COMPILER_H

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define array_size(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
