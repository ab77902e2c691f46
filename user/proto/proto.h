/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of a protocol: one ops table, registered on one line of proto.c.
 *
 * A protocol reads two directions of bytes and tells a sink which exchanges (request and response)
 * it found. It never allocates connections, never does I/O and never looks at a clock: times are
 * those of positions, and the sink knows them.
 */
#ifndef PROTO_PROTO_H
#define PROTO_PROTO_H

#include <sys/types.h>

#include "conn/moment.h"
#include "otelbpf/record.h"
#include "span/span.h"
#include "util/bytes.h"
#include "util/stats.h"

enum parse_result {
	PARSE_OK, /* a message, or a part of one, was consumed: input advanced; out valid */
	PARSE_MORE, /* incomplete; input untouched */
	PARSE_SKIP, /* well-formed but of no interest: input advanced; out invalid */
	PARSE_EOS, /* as OK, but the stream changes protocol here: stop */
	PARSE_BAD, /* not this protocol; input untouched; caller resyncs or gives up */
};

/* Why a direction ended, or how a close ended it. */
enum end_reason {
	END_BY_EOF, /* orderly: the sender sends no more */
	END_BY_CLOSE, /* the socket was closed here */
	END_BY_ERROR, /* reset, timed out: sink.err */
	END_BY_GAP, /* bytes are missing; parsing goes on at the next message found by resync */
	END_BY_SHUTDOWN, /* tracing ends */
};

struct conn;

/*
 * A request with its response. Opened by the protocol when the request begins to be understood,
 * closed when its response is complete. The protocol writes name, status and attributes straight
 * into the span; the sink fills in times, peer and resource.
 */
struct exchange {
	struct exchange *next; /* the protocol's own queue */
	struct conn *conn; /* borrowed; valid as long as the exchange is open */
	struct span *span; /* owned */
	enum role role; /* CLIENT: this side sent the request */
	struct moment req_first, req_last, resp_first, resp_last; /* time 0: not seen */
	struct trace_context carried; /* what the request brought; valid says whether */
	u32 state_at, state_len; /* its tracestate, in the span's arena; 0: none */
	u16 status; /* the protocol's own: response code, for pairing rules; 0: none */
	u8 flags; /* the protocol's own */
	bool ignored; /* followed to its end, but makes no span (--ignore) */
};

/*
 * What a protocol may ask of its caller during feed and eof. Positions are those of the direction
 * being fed (open, skip), or of the one named.
 */
struct sink {
	struct conn *conn;
	int err; /* errno of END_BY_ERROR; 0: none */
	bool ending; /* the direction ends: feed is not to wait for anything any more */
	const struct sink_ops *ops;
};

struct sink_ops {
	/* A request begins at position first of direction d: that direction says the role.
	 * NULL when there is no room (counted). The exchange stays owned by the protocol until
	 * close or drop takes it. */
	struct exchange *(*open)(struct sink *s, enum direction d, u64 first);
	/* The head of its request is understood: role, method, carried context (borrows x). The
	 * span gets its resource. */
	void (*request)(struct sink *s, struct exchange *x);
	/* Complete: becomes a span (takes x). */
	void (*close)(struct sink *s, struct exchange *x);
	/* Not to become a span: reason is one of the counters (takes x). */
	void (*drop)(struct sink *s, struct exchange *x, enum user_stat reason);
	/* Pass over the n bytes that follow what feed consumes, captured or not. */
	void (*skip)(struct sink *s, enum direction d, u64 n);
	/* How the byte at pos of direction d was moved. Good for positions of the bytes now being
	 * fed, and for the last byte before them. */
	const struct moment *(*moment)(struct sink *s, enum direction d, u64 pos);
	/* Of each further call in direction d, only this many first bytes are of interest. */
	void (*want)(struct sink *s, enum direction d, u16 head);
};

struct proto_ops {
	const char *name;
	enum proto_id id;
	size_t conn_size; /* bytes of per-connection state; zeroed at the start */
	/*
	 * Consumes what is complete of in, whose first byte is at position at of direction d.
	 * Called again with the rest and more when it returned MORE; called again at once when it
	 * returned OK or SKIP and bytes are left. Called once, perhaps with nothing in it, at the end
	 * of what it asked to skip.
	 */
	enum parse_result (*feed)(void *state, enum direction d, struct bytes *in, u64 at,
				  struct sink *out);
	/*
	 * The n bytes from position at on are not to be had, but perhaps for the last of them: tail
	 * (may be empty) ends at at + n. have are the bytes before at that feed left with MORE.
	 * True: the state of this direction is still known; parsing goes on at at + n. False: have
	 * is given up and resync is needed, after eof(END_BY_GAP).
	 */
	bool (*lost)(void *state, enum direction d, struct bytes have, u64 at, u64 n,
		     struct bytes tail, struct sink *out);
	/* Direction d ended. END_BY_GAP cuts what is in progress; the others end it. */
	void (*eof)(void *state, enum direction d, enum end_reason why, struct sink *out);
	/* Offset of the next plausible start of a message, or -1. */
	ssize_t (*resync)(const void *state, enum direction d, struct bytes in);
	/* Frees what the state holds; open exchanges are dropped with NO_RESPONSE. */
	void (*done)(void *state, struct sink *out);
};

/* The protocol of an id, or NULL. */
const struct proto_ops *proto_find(enum proto_id id);

#endif
