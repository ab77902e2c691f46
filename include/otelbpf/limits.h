/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every size that bounds what a traced process can make us spend in the kernel. */
#ifndef OTELBPF_LIMITS_H
#define OTELBPF_LIMITS_H

enum {
	/* First bytes of a message that a record may carry: whole header blocks of most servers'
	 * own limits (nginx large_client_header_buffers 8k, gunicorn limit_request_line 4094 and
	 * 8190 per field, Node 16 KiB). */
	CAPTURE_HEAD_MAX = 16384,
	/* Last bytes of a send or receive whose middle was left out. */
	CAPTURE_TAIL_MAX = 64,
	/* iovec elements of one call that are looked at; the rest has a position and no content. */
	CAPTURE_IOV_MAX = 16,
	/* First bytes of a turn that inference may look at. */
	INFER_BYTES = 24,
	/* Turns (changes of direction) after which an unrecognised connection is given up. A
	 * connection that was open before us may be in the middle of a body, so it gets more. */
	INFER_TURNS = 6,
	INFER_TURNS_OLD = 16,
	/* Arguments of a command line that an exec record carries. */
	EXEC_ARGS_MAX = 512,
	/* sun_path of struct sockaddr_un (include/uapi/linux/un.h). */
	UNIX_PATH_MAX = 108,

	/* Traced processes (their children included). */
	PROCS_MAX = 16384,
	/* Control slots; a power of two. A connection's slot is its id modulo this. */
	CTL_SLOTS = 8192,
	/* Ring buffer, bytes: a power of two and a multiple of the page size. */
	RING_BYTES = 8 << 20,
	/* Unread bytes in the ring that wake the reader at once; a timer serves the rest. */
	RING_WAKE_BYTES = 256 << 10,
	/* Listening ports whose unaccepted connections are timed. */
	PORTS_MAX = 1024,
};

#endif
