/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records: what the kernel side tells user space, and what a recording file holds.
 *
 * A record starts with struct record; kind and size say what follows. Kinds are append-only and
 * their layout never changes once released. All integers are in host byte order. All times are
 * nanoseconds of CLOCK_MONOTONIC. Text is bytes of a traced process: not terminated, any content.
 */
#ifndef OTELBPF_RECORD_H
#define OTELBPF_RECORD_H

#include "limits.h"
#include "types.h"

enum record_kind {
	REC_DATA = 1, /* bytes moved through a socket */
	REC_CONN = 2, /* a connection was recognised: who talks to whom */
	REC_END = 3, /* one direction, or the whole connection, came to an end */
	REC_PROC = 4, /* a traced process was found, forked, executed a program, or exited */
	/* Written by user space into recordings only: */
	REC_CLOCK = 64, /* what the wall clock said */
	REC_RESOURCE = 65, /* identity of a process, as resolved when recorded */
	REC_STATS = 66, /* kernel counters at the end of the recording */
	REC_CONTROL = 67, /* reserved: what user space told the kernel */
};

struct record {
	u16 kind; /* enum record_kind */
	u16 flags; /* RECF_* */
	u32 size; /* of the whole record, header included, in bytes */
	u64 time;
};

enum record_flags {
	RECF_OLD = 1 << 0, /* CONN: was open before we could see its beginning */
	RECF_NO_CONTENT = 1 << 1, /* DATA: the bytes could not be had (io_uring, splice, fault) */
	RECF_SEQ = 1 << 2, /* DATA: seq is valid (plain TCP) */
	RECF_PEER_UNIX = 1 << 3, /* CONN: a Unix socket: path instead of addresses */
	RECF_THREAD_TIME = 1 << 4, /* DATA: cpu and delay are valid */
};

/*
 * len bytes moved. Captured of them: head bytes from offset at on, and the last tail bytes; they
 * stand in bytes[] one after the other. at + head + tail <= len. A tail is present only when bytes
 * before it are missing.
 */
struct record_data {
	struct record h; /* h.time: when the call returned */
	u64 conn;
	u64 pos; /* position of the first byte in its direction; the first one ever seen is 0 */
	u64 start; /* before the call; 0: unknown */
	u64 ready; /* RECV: when the oldest of these bytes reached the socket; 0: unknown */
	u64 cpu; /* CPU time of the thread since it began */
	u64 delay; /* time the thread waited for a CPU since it began */
	u32 pid, tid; /* in the pid namespace of otelbpf */
	u32 seq; /* TCP sequence number of the first byte */
	u32 len; /* bytes really transferred */
	u32 at; /* where the captured head begins: 0, unless bytes before were not wanted */
	u32 turn; /* changes of direction so far: what conn_ctl.want names */
	u16 head, tail; /* bytes captured */
	u8 dir; /* enum direction */
	u8 proto; /* enum proto_id: the verdict so far; UNKNOWN: these bytes may be the beginning */
	u16 pad;
	u8 bytes[];
};

struct record_conn {
	struct record h;
	u64 conn;
	u64 ino; /* of the socket, as in /proc/net/tcp */
	u32 pid, tid; /* who used it first */
	u32 netns; /* inode number of its network namespace */
	u8 role; /* enum role: CLIENT when this socket was seen to connect, else UNKNOWN */
	u8 path_len; /* Unix: length of path */
	u8 pad[2];
	struct sock_addr local, remote; /* TCP */
	u8 path[UNIX_PATH_MAX]; /* Unix: the listening path; a leading NUL byte: abstract */
	u8 pad2[4];
};

enum end_kind {
	END_RECV_EOF = 1, /* the peer sends no more; all that it sent was read */
	END_SEND_EOF = 2, /* this side sends no more */
	END_CLOSED = 3, /* the socket was closed by its last owner */
	END_ERROR = 4, /* a call failed for good: err */
	END_GONE = 5, /* found dead by a sweep (no hook tells the end of a Unix socket) */
};

struct record_end {
	struct record h;
	u64 conn;
	u64 missed[2]; /* by direction: bytes that the socket counted and we did not see */
	u32 pid;
	u8 end; /* enum end_kind */
	u8 pad[3];
	s32 err; /* positive errno; 0: orderly */
	u32 pad2;
};

enum proc_event {
	PROC_FOUND = 1, /* was running when tracing began */
	PROC_FORK = 2,
	PROC_EXEC = 3,
	PROC_EXIT = 4,
};

struct record_proc {
	struct record h;
	u32 pid, ppid; /* in the pid namespace of otelbpf */
	u8 event; /* enum proc_event */
	u8 pad;
	u16 args_len; /* EXEC: bytes of args[]: argv, each argument ended by a NUL byte */
	u8 comm[16];
	u32 pad2;
	u8 args[];
};

struct record_clock {
	struct record h;
	u64 wall; /* CLOCK_REALTIME at h.time, nanoseconds since 1970 */
};

struct record_resource {
	struct record h;
	u32 pid;
	u32 json_len;
	u8 json[]; /* a JSON object: attribute name to string or integer */
};

struct record_stats {
	struct record h;
	u32 count; /* of values */
	u32 pad;
	u64 values[]; /* by enum kernel_stat */
};

_Static_assert(sizeof(struct record) == 16, "record header");
_Static_assert(sizeof(struct record_data) == 16 + 48 + 24 + 8, "data record");
_Static_assert(sizeof(struct record_conn) == 16 + 16 + 16 + 40 + 112, "conn record");
_Static_assert(sizeof(struct record_end) == 16 + 24 + 16, "end record");
_Static_assert(sizeof(struct record_proc) == 16 + 8 + 4 + 16 + 4, "proc record");

/* Largest record of any kind that a source may deliver. */
enum {
	RECORD_MAX = sizeof(struct record_data) + CAPTURE_HEAD_MAX + CAPTURE_TAIL_MAX
};

/*
 * What user space tells the kernel about one connection, in shared memory. Slot: id modulo
 * CTL_SLOTS. A slot is only believed when conn equals the connection's id; user space writes conn
 * last. Nothing depends on it being read in time: it saves work.
 */
struct conn_ctl {
	u64 conn;
	struct {
		u64 skip_to; /* content before this position is not wanted */
		u32 turn; /* want holds only while the connection is in this turn */
		u32 want; /* bytes wanted of each further call; 0: the default */
	} dir[2]; /* enum direction */
	u64 verdict; /* PROTO_NONE: give up; else no change */
};

_Static_assert(sizeof(struct conn_ctl) == 48, "control slot");

#endif
