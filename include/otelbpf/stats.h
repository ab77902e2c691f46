/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters of the kernel side: one row gives the enum, the stable name and the meaning. */
#ifndef OTELBPF_STATS_H
#define OTELBPF_STATS_H

/* X(enumerator, name, is it a loss, what it says) */
#define KERNEL_STATS(X)                                                                            \
	X(RECORDS, "kernel.records", 0, "records written to the ring buffer")                      \
	X(RING_FULL, "kernel.ring_full", 1, "records lost because the ring buffer was full")       \
	X(STORAGE_FULL, "kernel.storage_full", 1, "socket calls lost: no memory for their state")  \
	X(USER_FAULT, "kernel.user_fault", 1, "calls whose bytes could not be read")               \
	X(NO_CONTENT, "kernel.no_content", 0,                                                      \
	  "calls with a position and no bytes (sendfile, splice, io_uring)")                       \
	X(BLIND, "kernel.blind", 1,                                                                \
	  "calls that could not be recognised: their bytes cannot be had (io_uring)")              \
	X(SCRATCH_BUSY, "kernel.scratch_busy", 1,                                                  \
	  "calls whose bytes were lost: interrupted by another program on the same CPU")           \
	X(IOV_TRUNCATED, "kernel.iov_truncated", 0, "calls with more buffers than are looked at")  \
	X(PROCS_FULL, "kernel.procs_full", 1, "child processes not traced: too many processes")    \
	X(UNRECOGNISED, "kernel.unrecognised", 0, "connections given up: no known protocol")       \
	X(REPOSITIONED, "kernel.repositioned", 0,                                                  \
	  "positions corrected by the socket's own sequence numbers")                              \
	X(BYTES_SEEN, "kernel.bytes_seen", 0, "bytes of recognised connections that were seen")    \
	X(BYTES_MISSED, "kernel.bytes_missed", 1,                                                  \
	  "bytes of recognised connections that passed by no hook")

enum kernel_stat {
#define X(id, name, loss, text) KSTAT_##id,
	KERNEL_STATS(X)
#undef X
	KSTAT_MAX
};

#endif
