/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is this task ours, and what are its numbers in otelbpf's own pid namespace? */
#ifndef SELECT_BPF_H
#define SELECT_BPF_H

#include "maps.bpf.h"

#include <bpf/bpf_core_read.h>

/* Nesting of pid namespaces (MAX_PID_NS_LEVEL, include/linux/pid_namespace.h). */
enum {
	PIDNS_LEVELS = 32
};

/* The number of a struct pid in namespace pidns_inum; 0 when it is not visible there. */
static __always_inline u32 pid_in_ns(struct pid *pid)
{
	u32 level = BPF_CORE_READ(pid, level);

	for (u32 i = 0; i <= PIDNS_LEVELS && i <= level; i++) {
		struct upid at;
		void *from = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			     i * bpf_core_type_size(struct upid);

		if (bpf_core_read(&at.nr, sizeof(at.nr),
				  from + bpf_core_field_offset(struct upid, nr)) ||
		    bpf_core_read(&at.ns, sizeof(at.ns),
				  from + bpf_core_field_offset(struct upid, ns)))
			return 0;
		if (BPF_CORE_READ(at.ns, ns.inum) == pidns_inum)
			return at.nr;
	}
	return 0;
}

static __always_inline u32 task_tgid(struct task_struct *task)
{
	if (!pidns_inum)
		return BPF_CORE_READ(task, tgid);
	return pid_in_ns(BPF_CORE_READ(task, group_leader, thread_pid));
}

struct ids {
	u32 pid, tid;
};

static __always_inline struct ids current_ids(void)
{
	u64 both = bpf_get_current_pid_tgid();
	struct ids ids = {both >> 32, (u32)both};

	if (pidns_inum) {
		struct task_struct *task = (void *)bpf_get_current_task();

		ids.pid = task_tgid(task);
		ids.tid = pid_in_ns(BPF_CORE_READ(task, thread_pid));
	}
	return ids;
}

static __always_inline bool selected(u32 pid)
{
	return bpf_map_lookup_elem(&procs, &pid);
}

#endif
