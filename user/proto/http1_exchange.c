/* SPDX-License-Identifier: Apache-2.0 */
/* Which response answers which request, and what becomes of the two. */
#include "proto/http1.h"
#include "proto/http1_state.h"

void http1_moment(struct http1_call *c, u64 pos, struct moment *out)
{
	const struct moment *m = c->sink->ops->moment(c->sink, c->d, pos);

	if (m)
		*out = *m;
}

/* A request without an exchange still has its place in the order of responses. */
static struct exchange *unopened(struct http1 *h, struct bytes method)
{
	h->unopened++;
	/* Their responses are framed by a method that nobody remembers. */
	if (bytes_is(method, "HEAD") || bytes_is(method, "CONNECT"))
		h->doubt = true;
	return NULL;
}

struct exchange *http1_open(struct http1_call *c, struct bytes method, u64 first)
{
	struct http1 *h = c->h;
	struct exchange *x;

	if (h->doubt || h->waits) {
		stat_add(STAT_EXCHANGE_CUT, 1);
		return NULL;
	}
	if (h->unopened || h->open == HTTP1_PIPELINE_MAX) {
		stat_add(STAT_EXCHANGE_LIMIT, 1);
		return unopened(h, method);
	}
	x = c->sink->ops->open(c->sink, c->d, first);
	if (!x)
		return unopened(h, method);
	x->next = NULL;
	if (h->last)
		h->last->next = x;
	else
		h->first = x;
	h->last = x;
	h->open++;
	h->sending = x;
	http1_moment(c, first, &x->req_first);
	return x;
}

struct exchange *http1_answer(struct http1_call *c, bool *orphan)
{
	struct http1 *h = c->h;

	*orphan = false;
	h->pipelined |= h->open + h->unopened > 1;
	if (h->first)
		return h->first;
	if (h->unopened) {
		h->unopened--;
		return NULL;
	}
	*orphan = true;
	if (!h->doubt && !h->waits)
		stat_add(STAT_NO_REQUEST, 1);
	return NULL;
}

void http1_request_known(struct http1_call *c, struct exchange *x)
{
	if (c->h->request.done)
		return;
	http1_span_request_done(&c->h->request, x);
	c->sink->ops->request(c->sink, x);
}

static void unlink_exchange(struct http1_call *c, struct exchange *x)
{
	struct http1 *h = c->h;
	struct exchange **at = &h->first, *before = NULL;
	bool blind; /* what could not be read of the requests is answered now */

	while (*at != x) {
		before = *at;
		at = &before->next;
	}
	*at = x->next;
	if (h->last == x)
		h->last = before;
	h->open--;
	blind = !h->first;
	if (h->answered == x)
		h->answered = NULL;
	/* The response came first: what is left of the request belongs to no span. */
	if (h->sending == x) {
		http1_request_known(c, x);
		h->sending = NULL;
		blind = true;
	}
	if (blind && h->side[h->requests].step == STEP_BLIND)
		h->side[h->requests].step = STEP_START;
}

void http1_drop(struct http1_call *c, struct exchange *x, enum user_stat reason)
{
	unlink_exchange(c, x);
	c->sink->ops->drop(c->sink, x, reason);
}

void http1_drop_all(struct http1_call *c, enum user_stat reason)
{
	while (c->h->first)
		http1_drop(c, c->h->first, reason);
	c->h->unopened = 0;
}

void http1_close(struct http1_call *c, struct exchange *x)
{
	unlink_exchange(c, x);
	http1_span_finish(x);
	if (x->ignored)
		c->sink->ops->drop(c->sink, x, STAT_IGNORED);
	else
		c->sink->ops->close(c->sink, x);
}

void http1_fail(struct http1_call *c, struct exchange *x, const char *type)
{
	x->flags |= HTTP1_FAILED;
	/* It ends when the connection did: now. */
	x->resp_last = (struct moment){0};
	span_error(x->span, type);
	http1_close(c, x);
}

void http1_leave(struct http1_call *c)
{
	http1_drop_all(c, STAT_NO_RESPONSE);
	c->h->side[0].step = STEP_RAW;
	c->h->side[1].step = STEP_RAW;
}
