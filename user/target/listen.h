/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP ports that a process listens on, for servers that were there before us. */
#ifndef TARGET_LISTEN_H
#define TARGET_LISTEN_H

#include "target/proc.h"

enum {
	LISTEN_PORTS_MAX = 64, /* of one process */
	LISTEN_FDS_MAX = 65536, /* descriptors that are looked at */
};

/* Their number (each once), or -errno. */
must_check int listen_ports(const struct proc_root *root, u32 pid, u16 ports[LISTEN_PORTS_MAX]);

/* For tests: the port of a line of /proc/net/tcp when it is a listener's whose inode this is. */
must_check int listen_parse(struct bytes line, u64 *inode, u16 *port);

#endif
