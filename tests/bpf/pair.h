/* SPDX-License-Identifier: Apache-2.0 */
/* Connected pairs of stream sockets of every kind: a connected, b accepted. */
#ifndef PAIR_H
#define PAIR_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "rig.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262 /* include/uapi/linux/in.h */
#endif

enum pair_kind {
	PAIR_TCP4,
	PAIR_TCP6,
	PAIR_MAPPED, /* IPv4 through IPv6 sockets: ::ffff:127.0.0.1 */
	PAIR_UNIX_PATH,
	PAIR_UNIX_ABSTRACT,
	PAIR_SOCKETPAIR,
	PAIR_MPTCP,
	PAIR_KINDS,
};

static const char *const pair_names[PAIR_KINDS] = {
	"TCP, IPv4",  "TCP, IPv6", "TCP, IPv4 mapped", "Unix, path", "Unix, abstract",
	"socketpair", "MPTCP",
};

/* One end of a connection, and what its next record must say. */
struct end {
	int fd;
	u64 ino; /* what REC_CONN names it by */
	u64 conn; /* 0: not told yet */
	u8 request_dir; /* direction in which requests move */
	bool counted; /* plain TCP: has sequence numbers */
	u64 pos[2];
	u32 seq[2];
	bool seq_known[2];
	u32 turn;
	u8 last_dir;
	size_t first; /* record from which on its own are looked for */
	size_t next[REC_PROC + 1]; /* the same for each kind */
};

struct pair {
	struct end a, b;
};

static inline struct end end_of(int fd, u8 request_dir)
{
	struct end e = {.fd = fd, .request_dir = request_dir, .last_dir = 255};
	int protocol = 0;
	socklen_t len = sizeof(protocol);
	struct stat st;

	rig_need(!fstat(fd, &st), "a_socket_has_an_inode");
	e.ino = st.st_ino;
	getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	e.counted = protocol == IPPROTO_TCP;
	e.first = rig.n;
	for (size_t i = 0; i <= REC_PROC; i++)
		e.next[i] = rig.n;
	return e;
}

static inline bool pair_is_unix(enum pair_kind kind)
{
	return kind == PAIR_UNIX_PATH || kind == PAIR_UNIX_ABSTRACT;
}

static inline socklen_t pair_unix_address(enum pair_kind kind, struct sockaddr_un *un)
{
	static int number;
	size_t from = kind == PAIR_UNIX_ABSTRACT;
	int n = snprintf(un->sun_path + from, sizeof(un->sun_path) - from,
			 "/tmp/otelbpf-test.%d.%d", (int)getpid(), ++number);

	un->sun_family = AF_UNIX;
	/* A path ends with its NUL byte, an abstract name with its last one. */
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + 1);
}

static inline socklen_t pair_address(enum pair_kind kind, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (pair_is_unix(kind))
		return pair_unix_address(kind, (struct sockaddr_un *)ss);
	if (kind == PAIR_TCP6 || kind == PAIR_MAPPED) {
		in6->sin6_family = AF_INET6;
		inet_pton(AF_INET6, kind == PAIR_TCP6 ? "::1" : "::ffff:127.0.0.1",
			  &in6->sin6_addr);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(*in);
}

static inline int pair_socket(enum pair_kind kind, const struct sockaddr_storage *ss)
{
	return socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC,
		      kind == PAIR_MPTCP ? IPPROTO_MPTCP : 0);
}

/* A listening socket; *ss becomes the address to connect to. */
static inline int pair_listen(enum pair_kind kind, struct sockaddr_storage *ss, socklen_t *len)
{
	int fd;

	*len = pair_address(kind, ss);
	fd = pair_socket(kind, ss);
	rig_need(fd >= 0 && !bind(fd, (struct sockaddr *)ss, *len) && !listen(fd, 8),
		 "a_socket_listens");
	if (!pair_is_unix(kind))
		getsockname(fd, (struct sockaddr *)ss, len);
	return fd;
}

/* Two connected sockets: fds[0] connected, fds[1] accepted. */
static inline void pair_fds(enum pair_kind kind, int fds[2])
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l;

	if (kind == PAIR_SOCKETPAIR) {
		rig_need(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "a_socketpair");
		return;
	}
	l = pair_listen(kind, &ss, &len);
	fds[0] = pair_socket(kind, &ss);
	rig_need(fds[0] >= 0 && !connect(fds[0], (struct sockaddr *)&ss, len), "a_socket_connects");
	fds[1] = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	rig_need(fds[1] >= 0, "a_socket_is_accepted");
	close(l);
	if (kind == PAIR_UNIX_PATH)
		unlink(((struct sockaddr_un *)&ss)->sun_path);
}

static inline struct pair pair_open(enum pair_kind kind)
{
	int fds[2];

	rig_drain();
	pair_fds(kind, fds);
	return (struct pair){end_of(fds[0], DIR_SEND), end_of(fds[1], DIR_RECV)};
}

static inline void pair_close(struct pair *p)
{
	if (p->a.fd >= 0)
		close(p->a.fd);
	if (p->b.fd >= 0)
		close(p->b.fd);
	p->a.fd = p->b.fd = -1;
}

static inline bool pair_mptcp_works(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

#endif
