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

struct recorder {
	FILE *file;
};

struct recorder *recorder_open(const char *path, char *why, size_t why_len)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int fd = r ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

	/* A file that was there keeps its mode: others must not read traffic from it. */
	if (fd >= 0 && fchmod(fd, 0600)) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		r->file = fdopen(fd, "w");
	if (!r || !r->file) {
		snprintf(why, why_len, "cannot write %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		free(r);
		return NULL;
	}
	if (fwrite(RECORDING_MAGIC, RECORDING_MAGIC_LEN, 1, r->file) != 1)
		stat_add(STAT_RECORD_FAILED, 1);
	return r;
}

void recorder_write(struct recorder *r, const struct record *rec)
{
	static const u8 zero[RECORDING_ALIGN];
	size_t pad = RECORDING_ALIGN - rec->size % RECORDING_ALIGN;

	if (ferror(r->file)) {
		stat_add(STAT_RECORD_FAILED, 1);
		return;
	}
	if (pad == RECORDING_ALIGN)
		pad = 0;
	if (fwrite(rec, rec->size, 1, r->file) != 1 || (pad && fwrite(zero, pad, 1, r->file) != 1))
		stat_add(STAT_RECORD_FAILED, 1);
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
	if (fclose(r->file))
		stat_add(STAT_RECORD_FAILED, 1);
	free(r);
}
