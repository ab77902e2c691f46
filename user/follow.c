/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing processes: from a list of pids to all that descend from them, without a gap. */
#include "follow.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "target/listen.h"
#include "util/clock.h"
#include "util/log.h"

bool follow_add(const struct follow *f, u32 pid, u32 ppid)
{
	struct record_proc r = {
		.h = {.kind = REC_PROC, .size = sizeof(r), .time = clock_mono()},
		.pid = pid,
		.ppid = ppid,
		.event = PROC_FOUND,
	};
	u16 ports[LISTEN_PORTS_MAX];
	int count;

	if (probe_add_pid(f->probe, pid))
		return false;
	f->on_record(f->ctx, &r.h);
	count = listen_ports(NULL, pid, ports);
	for (int i = 0; i < count; i++)
		if (probe_add_port(f->probe, ports[i]))
			log_debug("port %u: requests are timed when they are read", ports[i]);
	return true;
}

/* A process that is there and has a parent that is traced. */
static bool is_child(const struct follow *f, u32 pid, u32 *ppid)
{
	struct proc_stat st;

	/* Who traces a shell from within it is not to trace itself. */
	if (!pid || pid == (u32)getpid() || proc_stat_of(NULL, pid, &st) || st.state == 'Z')
		return false;
	*ppid = st.ppid;
	return probe_is_traced(f->probe, st.ppid);
}

/*
 * New children join in the kernel, whose fork hook is at work before this, so a pass that finds
 * nobody has found everybody.
 */
static void add_children(const struct follow *f)
{
	bool found = true;

	while (found) {
		DIR *dir = opendir("/proc");
		struct dirent *e;

		found = false;
		while (dir && (e = readdir(dir))) {
			u32 pid = (u32)strtoul(e->d_name, NULL, 10), ppid;

			if (is_child(f, pid, &ppid))
				found |= follow_add(f, pid, ppid);
		}
		if (dir)
			closedir(dir);
	}
}

int follow_pids(const struct follow *f, const u32 *pids, size_t count, u32 *missing)
{
	for (size_t i = 0; i < count; i++) {
		struct proc_stat st;

		if (proc_stat_of(NULL, pids[i], &st) || st.state == 'Z') {
			*missing = pids[i];
			return -ESRCH;
		}
		follow_add(f, pids[i], st.ppid);
	}
	add_children(f);
	return 0;
}
