/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where records come from. A record is borrowed by the callback: it is gone when that returns.
 * Size and kind are checked before anybody sees it.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "otelbpf/record.h"
#include "util/compiler.h"

typedef void (*record_fn)(void *ctx, const struct record *r);

/* The ring buffer of the kernel side. map_fd is borrowed. NULL: errno says why. */
struct ring;
struct ring *ring_new(int map_fd, record_fn fn, void *ctx);
void ring_free(struct ring *r);
/* Becomes readable when the kernel wakes the reader. */
int ring_fd(const struct ring *r);
/* Gives every waiting record to fn. The number of records, or -errno. */
must_check int ring_drain(struct ring *r);

/* A recording. NULL, and why says what is wrong. */
struct replay;
struct replay *replay_open(const char *path, char *why, size_t why_len);
void replay_close(struct replay *r);
/* Gives all records to fn, in order. 0, or -errno and why. */
must_check int replay_run(struct replay *r, record_fn fn, void *ctx, char *why, size_t why_len);

/* The recording tee: a file of mode 0600, since it holds traffic in clear. */
struct recorder;
struct recorder *recorder_open(const char *path, char *why, size_t why_len);
/* Failures are counted and end the recording: what was written stays readable. */
void recorder_write(struct recorder *r, const struct record *rec);
void recorder_close(struct recorder *r);

/* Is it a record that may be believed: kind known, size as its kind demands? */
bool record_valid(const struct record *r, size_t available);

#endif
