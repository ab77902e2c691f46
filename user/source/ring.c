/* SPDX-License-Identifier: Apache-2.0 */
/* Records from the kernel's ring buffer, through libbpf. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "source/source.h"
#include "util/stats.h"

struct ring {
	struct ring_buffer *rb;
	record_fn fn;
	void *ctx;
};

static int on_sample(void *ctx, void *data, size_t size)
{
	struct ring *r = ctx;

	/* A reservation is larger than the record in it. */
	if (record_valid(data, size))
		r->fn(r->ctx, data);
	else
		stat_add(STAT_BAD_RECORD, 1);
	return 0;
}

struct ring *ring_new(int map_fd, record_fn fn, void *ctx)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->fn = fn;
	r->ctx = ctx;
	r->rb = ring_buffer__new(map_fd, on_sample, r, NULL);
	if (!r->rb) {
		int err = errno;

		free(r);
		errno = err;
		return NULL;
	}
	return r;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	ring_buffer__free(r->rb);
	free(r);
}

int ring_fd(const struct ring *r)
{
	return ring_buffer__epoll_fd(r->rb);
}

int ring_drain(struct ring *r)
{
	return ring_buffer__consume(r->rb);
}
