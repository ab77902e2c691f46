/* SPDX-License-Identifier: Apache-2.0 */
/* Records from a file that recorder_write made. The file may be cut off or hostile. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/file.h"
#include "source/source.h"
#include "util/stats.h"

struct replay {
	FILE *file;
	u64 at; /* offset of the next record */
	union {
		struct record header;
		u8 bytes[(RECORD_MAX + RECORDING_ALIGN - 1) / RECORDING_ALIGN * RECORDING_ALIGN];
		u64 align;
	} record;
};

struct replay *replay_open(const char *path, char *why, size_t why_len)
{
	struct replay *r = calloc(1, sizeof(*r));
	char magic[RECORDING_MAGIC_LEN];

	if (r)
		r->file = fopen(path, "re");
	if (!r || !r->file) {
		snprintf(why, why_len, "cannot read %s: %s", path, strerror(errno));
		free(r);
		return NULL;
	}
	if (fread(magic, sizeof(magic), 1, r->file) != 1 ||
	    memcmp(magic, RECORDING_MAGIC, sizeof(magic)) != 0) {
		snprintf(why, why_len, "%s is not a recording made with otelbpf --record", path);
		replay_close(r);
		return NULL;
	}
	r->at = sizeof(magic);
	return r;
}

void replay_close(struct replay *r)
{
	if (!r)
		return;
	fclose(r->file);
	free(r);
}

/* 1: a record was read; 0: the end; else -errno. */
static int next_record(struct replay *r, char *why, size_t why_len)
{
	struct record *h = &r->record.header;
	size_t size, got = fread(h, 1, sizeof(*h), r->file);

	if (!got)
		return 0;
	if (got < sizeof(*h))
		goto cut;
	if (h->size < sizeof(*h) || h->size > RECORD_MAX) {
		snprintf(why, why_len, "the recording is damaged at offset %llu: size %u",
			 (unsigned long long)r->at, h->size);
		return -EINVAL;
	}
	size = (h->size + RECORDING_ALIGN - 1) / RECORDING_ALIGN * RECORDING_ALIGN;
	if (size > sizeof(*h) &&
	    fread(r->record.bytes + sizeof(*h), size - sizeof(*h), 1, r->file) != 1)
		goto cut;
	r->at += size;
	return 1;
cut:
	snprintf(why, why_len, "the recording ends in the middle of a record at offset %llu",
		 (unsigned long long)r->at);
	return -ENODATA;
}

int replay_run(struct replay *r, record_fn fn, void *ctx, char *why, size_t why_len)
{
	int err;

	while ((err = next_record(r, why, why_len)) > 0) {
		if (record_valid(&r->record.header, r->record.header.size))
			fn(ctx, &r->record.header);
		else
			stat_add(STAT_BAD_RECORD, 1);
	}
	return err;
}
