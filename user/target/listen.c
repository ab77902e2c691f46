/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: the descriptors of a process against /proc/<pid>/net/tcp and tcp6. */
#include "target/listen.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 256, /* the kernel pads the lines of tcp to 149 characters, tcp6 has 180 */
	STATE_LISTEN = 0x0A, /* TCP_LISTEN, include/net/tcp_states.h */
};

struct inodes {
	u64 *at;
	size_t count;
};

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* "socket:[12345]" */
static u64 socket_inode(struct bytes link)
{
	struct bytes text;
	u64 inode;

	if (!bytes_starts(link, "socket:["))
		return 0;
	bytes_skip(&link, 8);
	if (bytes_until(&link, ']', &text) || bytes_decimal(text, &inode))
		return 0;
	return inode;
}

static int socket_inodes(const struct proc_root *root, u32 pid, struct inodes *out)
{
	char path[PROC_PATH_MAX], target[64];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%u/fd", root && root->path ? root->path : "/proc", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (out->count < LISTEN_FDS_MAX && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target));
		u64 inode = n > 0 ? socket_inode(bytes_of(target, (size_t)n)) : 0;
		u64 *more;

		if (!inode)
			continue;
		more = realloc(out->at, (out->count + 1) * sizeof(*more));
		if (!more)
			break;
		out->at = more;
		out->at[out->count++] = inode;
	}
	closedir(dir);
	if (out->count)
		qsort(out->at, out->count, sizeof(*out->at), compare);
	return 0;
}

/* The next word of a line. */
static struct bytes word(struct bytes *line)
{
	struct bytes w;

	while (bytes_peek(*line) == ' ')
		line->p++;
	if (bytes_until(line, ' ', &w)) {
		w = *line;
		line->p = line->end;
	}
	return w;
}

/* "  0: 0100007F:46A0 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 12345 …" */
int listen_parse(struct bytes line, u64 *inode, u16 *port)
{
	struct bytes address, state, ignored;
	u64 number, st;

	word(&line);
	address = word(&line);
	word(&line);
	state = word(&line);
	if (bytes_until(&address, ':', &ignored) || bytes_hex(address, &number) ||
	    number > UINT16_MAX || bytes_hex(state, &st) || st != STATE_LISTEN)
		return -EINVAL;
	for (int i = 0; i < 5; i++)
		word(&line);
	if (bytes_decimal(word(&line), inode))
		return -EINVAL;
	*port = (u16)number;
	return 0;
}

/*
 * Listeners come first in these files (net/ipv4/tcp_ipv4.c, tcp_get_idx): reading ends with the first
 * other socket, of which a busy host has a hundred thousand.
 */
static int take_ports(FILE *file, const struct inodes *ours, u16 *ports, int count)
{
	char line[LINE_MAX_BYTES];
	u64 inode;
	u16 port;

	if (!fgets(line, sizeof(line), file)) /* the heading */
		return count;
	while (count < LISTEN_PORTS_MAX && fgets(line, sizeof(line), file) &&
	       !listen_parse(bytes_of(line, strcspn(line, "\n")), &inode, &port)) {
		int i = 0;

		if (!bsearch(&inode, ours->at, ours->count, sizeof(inode), compare))
			continue;
		while (i < count && ports[i] != port)
			i++;
		ports[i] = port;
		count += i == count;
	}
	return count;
}

static FILE *open_net(const struct proc_root *root, u32 pid, const char *name)
{
	char path[PROC_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u/net/%s", root && root->path ? root->path : "/proc", pid,
		 name);
	return fopen(path, "re");
}

int listen_ports(const struct proc_root *root, u32 pid, u16 ports[LISTEN_PORTS_MAX])
{
	static const char *const files[] = {"tcp", "tcp6"};
	struct inodes ours = {0};
	int count = socket_inodes(root, pid, &ours);

	for (size_t i = 0; ours.count && i < array_size(files); i++) {
		FILE *file = open_net(root, pid, files[i]);

		if (!file)
			continue;
		count = take_ports(file, &ours, ports, count);
		fclose(file);
	}
	free(ours.at);
	return count;
}
