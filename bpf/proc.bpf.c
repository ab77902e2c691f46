/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes we follow: children of traced ones join, and every change is told. */
#include "vmlinux.h"

#include "emit.bpf.h"

#include <bpf/bpf_tracing.h>

static __always_inline void fill_proc(struct record_proc *r, u8 event, u32 pid, u32 ppid)
{
	fill_header(&r->h, REC_PROC, sizeof(*r));
	r->pid = pid;
	r->ppid = ppid;
	r->event = event;
	r->pad = 0;
	r->args_len = 0;
	r->pad2 = 0;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
}

/* Sent at once: what it names may soon be gone from /proc. */
static __always_inline void emit_proc(u8 event, u32 pid, u32 ppid)
{
	struct record_proc *r = reserve(sizeof(*r));

	if (!r)
		return;
	fill_proc(r, event, pid, ppid);
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(proc_fork, struct task_struct *parent, struct task_struct *child)
{
	struct proc_state state = {};
	u32 pid, ppid;

	if (parent->tgid == child->tgid)
		return 0;
	ppid = task_tgid(parent);
	if (!selected(ppid))
		return 0;
	pid = task_tgid(child);
	if (!pid)
		return 0;
	if (bpf_map_update_elem(&procs, &pid, &state, BPF_ANY)) {
		count(KSTAT_PROCS_FULL);
		return 0;
	}
	emit_proc(PROC_FORK, pid, ppid);
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(proc_exec, struct task_struct *task)
{
	u32 pid = current_ids().pid;
	struct record_proc *r;
	u64 from, n;

	if (!selected(pid))
		return 0;
	r = reserve(sizeof(*r) + EXEC_ARGS_MAX);
	if (!r)
		return 0;
	fill_proc(r, PROC_EXEC, pid, 0);
	from = BPF_CORE_READ(task, mm, arg_start);
	n = BPF_CORE_READ(task, mm, arg_end) - from;
	if (n > EXEC_ARGS_MAX)
		n = EXEC_ARGS_MAX;
	if (!bpf_probe_read_user(r->args, n, (void *)from))
		r->args_len = n;
	r->h.size = sizeof(*r) + r->args_len;
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* The last thread of a process ends; its sockets close after this. */
SEC("?tp_btf/sched_process_exit")
int BPF_PROG(proc_exit, struct task_struct *task)
{
	u32 pid;

	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	pid = current_ids().pid;
	if (!selected(pid))
		return 0;
	bpf_map_delete_elem(&procs, &pid);
	emit_proc(PROC_EXIT, pid, 0);
	return 0;
}
