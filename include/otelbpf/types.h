/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Basic types and enums shared by the kernel side and user space. */
#ifndef OTELBPF_TYPES_H
#define OTELBPF_TYPES_H

#ifdef __bpf__
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
#else
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
#endif

/* Seen from the traced socket: what it received, what it sent. Index of every two-element array. */
enum direction {
	DIR_RECV = 0,
	DIR_SEND = 1,
};

enum role {
	ROLE_UNKNOWN = 0,
	ROLE_CLIENT = 1,
	ROLE_SERVER = 2,
};

/* The verdict on a connection. Numbers are stored in recordings: append only. */
enum proto_id {
	PROTO_UNKNOWN = 0, /* not decided yet */
	PROTO_HTTP1 = 1,
	PROTO_MAX,
	PROTO_NONE = 255, /* decided: none that we know; nothing is sent for it any more */
};

/* Values of sock_addr.family: Linux's AF_UNIX, AF_INET, AF_INET6 (include/linux/socket.h). */
enum {
	FAMILY_UNIX = 1,
	FAMILY_INET = 2,
	FAMILY_INET6 = 10,
};

/* One end of a TCP connection. IPv4 uses the first four bytes of addr. */
struct sock_addr {
	u16 family;
	u16 port; /* host order */
	u8 addr[16]; /* network order */
};

#endif
