/* SPDX-License-Identifier: Apache-2.0 */
/* A connection: one socket of a traced process, and the table of all of them. */
#ifndef CONN_CONN_H
#define CONN_CONN_H

#include "conn/stream.h"
#include "otelbpf/record.h"

struct conn {
	u64 id;
	struct conn *chain; /* table: same bucket */
	struct conn *newer, *older; /* table: by last use */
	struct stream streams[2]; /* enum direction */
	void *state; /* of its protocol; owned by the protocol's driver */
	struct sock_addr local, remote;
	char *path; /* Unix socket: the listening path, printable; owned; NULL: none */
	u64 last_used; /* time of its newest record */
	u32 pid; /* who used it first */
	u8 proto; /* enum proto_id */
	u8 role; /* enum role: as the kernel saw it */
	u8 failures; /* times that its bytes were not what they should be */
	bool good; /* a whole message was understood */
	bool whole; /* its records began with its first byte */
	bool is_unix;
	bool old; /* was open before we could see its beginning */
	bool known; /* its REC_CONN was seen */
};

struct conn_table;

/* At most max connections; the least recently used makes room. on_evict is called before it is
 * freed. NULL when out of memory. */
struct conn_table *conn_table_new(unsigned max, void (*on_evict)(void *ctx, struct conn *c),
				  void *ctx);
/* Frees all connections without on_evict. Accepts NULL. */
void conn_table_free(struct conn_table *t);

/* NULL when there is none. Marks it as used. */
struct conn *conn_table_find(struct conn_table *t, u64 id);
/* A new one; id must not be there. NULL when out of memory. */
struct conn *conn_table_add(struct conn_table *t, u64 id);
/* Takes it out and frees it. */
void conn_table_remove(struct conn_table *t, struct conn *c);
unsigned conn_table_count(const struct conn_table *t);
/* The least recently used one, or NULL; conn->newer goes on from there. */
struct conn *conn_table_oldest(const struct conn_table *t);

#endif
