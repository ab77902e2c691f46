/* SPDX-License-Identifier: Apache-2.0 */
/* Checking records, and the tee that writes them to a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/file.h"
#include "source/source.h"
#include "util/buf.h"
#include "util/stats.h"

static size_t least_size(u16 kind)
{
	switch (kind) {
	case REC_DATA:
		return sizeof(struct record_data);
	case REC_CONN:
		return sizeof(struct record_conn);
	case REC_END:
		return sizeof(struct record_end);
	case REC_PROC:
		return sizeof(struct record_proc);
	case REC_CLOCK:
		return sizeof(struct record_clock);
	case REC_RESOURCE:
		return sizeof(struct record_resource);
	case REC_STATS:
		return sizeof(struct record_stats);
	}
	return 0;
}

/* Bytes that the variable part says it has. */
static size_t extra_size(const struct record *r)
{
	switch (r->kind) {
	case REC_DATA: {
		const struct record_data *d = (const struct record_data *)r;

		return (size_t)d->head + d->tail;
	}
	case REC_PROC:
		return ((const struct record_proc *)r)->args_len;
	case REC_RESOURCE:
		return ((const struct record_resource *)r)->json_len;
	case REC_STATS:
		return (size_t)((const struct record_stats *)r)->count * sizeof(u64);
	}
	return 0;
}

bool record_valid(const struct record *r, size_t available)
{
	size_t least;

	if (available < sizeof(*r) || r->size > available || r->size > RECORD_MAX)
		return false;
	least = least_size(r->kind);
	return least && r->size >= least && extra_size(r) == r->size - least;
}

enum {
	/* Bytes that are written at once. */
	RECORDER_BUFFER = 16 << 10,
};

struct recorder {
	int fd;
	struct buf waiting; /* not written yet */
	u64 records; /* in it */
	bool failed;
};

/* Not /dev/null, whose mode is everybody's business. */
static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) || S_ISREG(st.st_mode);
}

struct recorder *recorder_open(const char *path, char *why, size_t why_len)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int fd = r ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

	/* A file that was there keeps its mode: others must not read traffic from it. */
	if (fd < 0 || (is_file(fd) && fchmod(fd, 0600))) {
		snprintf(why, why_len, "cannot write %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		free(r);
		return NULL;
	}
	r->fd = fd;
	buf_add(&r->waiting, RECORDING_MAGIC, RECORDING_MAGIC_LEN);
	return r;
}

static int write_all(int fd, struct bytes b)
{
	while (!bytes_empty(b)) {
		ssize_t n = write(fd, b.p, bytes_len(b));

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes_skip(&b, n > 0 ? (size_t)n : 0);
	}
	return 0;
}

static void recorder_flush(struct recorder *r)
{
	if (r->waiting.len && write_all(r->fd, buf_bytes(&r->waiting))) {
		/* What was there of them is the beginning: it has no end that can be read. */
		stat_add(STAT_RECORD_FAILED, r->records ? r->records : 1);
		r->failed = true;
	}
	buf_clear(&r->waiting);
	r->records = 0;
}

void recorder_write(struct recorder *r, const struct record *rec)
{
	static const u8 zero[RECORDING_ALIGN];
	size_t pad = (RECORDING_ALIGN - rec->size % RECORDING_ALIGN) % RECORDING_ALIGN;

	if (r->failed || !buf_room(&r->waiting, rec->size + pad)) {
		r->failed = true;
		stat_add(STAT_RECORD_FAILED, 1);
		return;
	}
	buf_add(&r->waiting, rec, rec->size);
	buf_add(&r->waiting, zero, pad);
	r->records++;
	if (r->waiting.len >= RECORDER_BUFFER)
		recorder_flush(r);
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
	recorder_flush(r);
	if (close(r->fd))
		stat_add(STAT_RECORD_FAILED, 1);
	buf_done(&r->waiting);
	free(r);
}
