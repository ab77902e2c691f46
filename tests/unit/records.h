/* SPDX-License-Identifier: Apache-2.0 */
/* Records as the kernel sends them, for tests; one conversation after the other. */
#ifndef RECORDS_H
#define RECORDS_H

#include <stdlib.h>
#include <string.h>

#include "otelbpf/record.h"
#include "util/bytes.h"

/* One request, and a response to it. */
#define A_GET "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define AN_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

union data_record {
	struct record_data r;
	u8 room[RECORD_MAX];
};

/* All of b, at position pos. */
static inline union data_record *data_record(u64 conn, enum direction d, u64 pos, struct bytes b)
{
	union data_record *u = calloc(1, sizeof(*u));

	if (!u || bytes_len(b) > CAPTURE_HEAD_MAX)
		abort();
	u->r.h.kind = REC_DATA;
	u->r.h.size = (u32)(sizeof(u->r) + bytes_len(b));
	u->r.conn = conn;
	u->r.pos = pos;
	u->r.len = (u32)bytes_len(b);
	u->r.head = (u16)bytes_len(b);
	u->r.dir = d;
	u->r.proto = PROTO_HTTP1;
	u->r.pid = u->r.tid = 7;
	if (!bytes_empty(b))
		memcpy(u->r.bytes, b.p, bytes_len(b));
	return u;
}

static inline struct record_conn conn_record(u64 conn, u64 time)
{
	struct record_conn r = {.h = {REC_CONN, 0, sizeof(r), time}, .conn = conn};

	r.pid = r.tid = 7;
	r.remote = (struct sock_addr){FAMILY_INET, 40000, {192, 0, 2, 1}};
	r.local = (struct sock_addr){FAMILY_INET, 80, {192, 0, 2, 2}};
	return r;
}

static inline struct record_conn unix_record(u64 conn, u64 time, struct bytes path)
{
	struct record_conn r = {.h = {REC_CONN, RECF_PEER_UNIX, sizeof(r), time}, .conn = conn};

	r.pid = r.tid = 7;
	r.local.family = r.remote.family = FAMILY_UNIX;
	r.path_len = (u8)bytes_len(path);
	if (r.path_len)
		memcpy(r.path, path.p, r.path_len);
	return r;
}

static inline struct record_end end_record(u64 conn, u64 time, enum end_kind end)
{
	struct record_end r = {.h = {REC_END, 0, sizeof(r), time}, .conn = conn};

	r.end = end;
	return r;
}

#endif
