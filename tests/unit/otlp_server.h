/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted HTTP server in a thread of the test program. Included by one test. */
#ifndef OTLP_SERVER_H
#define OTLP_SERVER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "test.h"
#include "util/buf.h"
#include "util/clock.h"

/*
 * The server answers its n-th request with answers[n], and further ones with ACCEPT. HANG: never;
 * CLOSE: ends the connection instead.
 */
#define ACCEPT                                                                                     \
	"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n\r\n"
#define HANG "hang"
#define CLOSE "close"

enum {
	REQUESTS_MAX = 32
};

struct request {
	struct buf head, body;
	u64 at;
};

struct server {
	int fd, port, stop[2];
	pthread_t thread;
	const char *const *answers; /* ended by NULL */
	struct request requests[REQUESTS_MAX];
	unsigned count, connections;
};

static bool readable(const struct server *v, int fd)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = v->stop[0], .events = POLLIN}};

	poll(p, 2, -1);
	return p[0].revents && !p[1].revents;
}

static bool read_more(const struct server *v, int fd, struct buf *in)
{
	void *to = buf_room(in, 65536);
	ssize_t n = readable(v, fd) ? read(fd, to, 65536) : 0;

	if (n > 0)
		in->len += (size_t)n;
	return n > 0;
}

static size_t content_length(const struct buf *head)
{
	const char *at = memmem(head->data, head->len, "Content-Length: ", 16);

	return at ? strtoul(at + 16, NULL, 10) : 0;
}

static bool read_request(const struct server *v, int fd, struct request *r)
{
	const u8 *end;
	size_t head;

	if (!buf_room(&r->head, 1))
		return false;
	while (!(end = memmem(r->head.data, r->head.len, "\r\n\r\n", 4)))
		if (!read_more(v, fd, &r->head))
			return false;
	head = (size_t)(end - r->head.data) + 4;
	buf_add(&r->body, r->head.data + head, r->head.len - head);
	r->head.len = head;
	while (r->body.len < content_length(&r->head))
		if (!read_more(v, fd, &r->body))
			return false;
	r->at = clock_mono();
	return true;
}

/* Answers the requests of one connection. */
static void serve(struct server *v, int fd)
{
	while (v->count < REQUESTS_MAX) {
		struct request *r = &v->requests[v->count];
		const char *answer = ACCEPT;

		buf_clear(&r->head);
		buf_clear(&r->body);
		if (!read_request(v, fd, r))
			return;
		for (unsigned i = 0; v->answers && v->answers[i]; i++)
			if (i == v->count)
				answer = v->answers[i];
		__atomic_add_fetch(&v->count, 1, __ATOMIC_RELEASE);
		if (!strcmp(answer, CLOSE))
			return;
		if (!strcmp(answer, HANG))
			readable(v, fd);
		else if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			return;
	}
}

static void *server_thread(void *arg)
{
	struct server *v = arg;

	while (readable(v, v->fd)) {
		int fd = accept(v->fd, NULL, NULL);

		v->connections++;
		serve(v, fd);
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *v, const char *const *answers)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	*v = (struct server){.answers = answers};
	v->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (v->fd < 0 || bind(v->fd, (void *)&a, sizeof(a)) || listen(v->fd, 8) ||
	    getsockname(v->fd, (void *)&a, &len) || pipe(v->stop) ||
	    pthread_create(&v->thread, NULL, server_thread, v))
		abort();
	v->port = ntohs(a.sin_port);
}

static void server_stop(struct server *v)
{
	CHECK_INT(write(v->stop[1], "", 1), 1);
	pthread_join(v->thread, NULL);
	close(v->fd);
	close(v->stop[0]);
	close(v->stop[1]);
	for (unsigned i = 0; i < REQUESTS_MAX; i++) {
		buf_done(&v->requests[i].head);
		buf_done(&v->requests[i].body);
	}
}

/* Whether n requests came within five seconds. */
static bool wait_for_requests(struct server *v, unsigned n)
{
	for (int i = 0; i < 500; i++) {
		if (__atomic_load_n(&v->count, __ATOMIC_ACQUIRE) >= n)
			return true;
		usleep(10000);
	}
	return false;
}

#endif
