/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of user space. One row gives the enum, the stable name (stage.reason) and the meaning.
 * Any thread may count; reading is exact once the other threads have ended.
 */
#ifndef UTIL_STATS_H
#define UTIL_STATS_H

#include <stdbool.h>

#include "otelbpf/types.h"

/* X(enumerator, name, is it a loss, what it says) */
#define USER_STATS(X)                                                                              \
	X(RECORDS, "source.records", 0, "records read")                                            \
	X(BAD_RECORD, "source.bad_record", 1, "records with a wrong size or an unknown kind")      \
	X(RECORD_FAILED, "source.record_failed", 1, "records that --record could not write")       \
	X(CONNECTIONS, "conn.recognised", 0, "connections with a known protocol")                  \
	X(CONN_EVICTED, "conn.evicted", 1, "connections forgotten: too many at once")              \
	X(CONN_ORPHAN, "conn.orphan", 1, "records of connections that are not known")              \
	X(STREAM_GAP, "stream.gap", 1, "places where bytes were missing that were needed")         \
	X(STREAM_FULL, "stream.full", 1, "messages cut: more unparsed bytes than a stream holds")  \
	X(STREAM_RESYNC, "stream.resync", 0, "streams that found the next message after a gap")    \
	X(PROTO_GAVE_UP, "proto.gave_up", 1, "connections given up: not what they began as")       \
	X(EXCHANGE_CUT, "proto.exchange_cut", 1, "exchanges cut by a gap: no span")                \
	X(EXCHANGE_LIMIT, "proto.exchange_limit", 1, "requests lost: too many open at once")       \
	X(NO_REQUEST, "proto.no_request", 0, "responses whose request was before our time")        \
	X(NO_RESPONSE, "proto.no_response", 0, "requests still open when tracing ended")           \
	X(IGNORED, "proto.ignored", 0, "requests left out by --ignore")                            \
	X(UPGRADED, "proto.upgraded", 0,                                                           \
	  "connections that left HTTP, or had only its PROXY header")                              \
	X(ROUTE_OVERFLOW, "proto.route_overflow", 0, "routes not guessed: too many per service")   \
	X(SPANS, "span.made", 0, "spans made")                                                     \
	X(ATTRS_DROPPED, "span.attributes_dropped", 1, "attributes over a span's limit")           \
	X(CARRIED, "cause.carried", 0, "parents taken from the message itself")                    \
	X(CARRIED_BAD, "cause.carried_bad", 0, "trace contexts that were not valid")               \
	X(PASSED_ON, "cause.passed_on", 0, "trace contexts of client requests only passed on")     \
	X(ROOTS, "cause.roots", 0, "spans without a parent")                                       \
	X(QUEUE_FULL, "queue.full", 1, "spans lost: the export queue was full")                    \
	X(EXPORTED, "export.sent", 0, "spans a backend accepted")                                  \
	X(EXPORT_REJECTED, "export.rejected", 1, "spans a backend refused (partial success)")      \
	X(EXPORT_FAILED, "export.failed", 1, "spans given up: final error or too many retries")    \
	X(EXPORT_FULL, "export.full", 1, "spans lost: the backend stays away, its buffer is full") \
	X(EXPORT_RETRIES, "export.retries", 0, "requests repeated")                                \
	X(EXPORT_WRITE, "export.write_failed", 1, "spans that could not be written to the output")

enum user_stat {
#define X(id, name, loss, text) STAT_##id,
	USER_STATS(X)
#undef X
	STAT_MAX
};

struct stat_info {
	const char *name, *text;
	bool loss;
};

extern const struct stat_info user_stat_info[STAT_MAX];
extern u64 user_stat_values[STAT_MAX];

static inline void stat_add(enum user_stat s, u64 n)
{
	__atomic_fetch_add(&user_stat_values[s], n, __ATOMIC_RELAXED);
}

static inline u64 stat_get(enum user_stat s)
{
	return __atomic_load_n(&user_stat_values[s], __ATOMIC_RELAXED);
}

#endif
