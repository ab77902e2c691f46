/* SPDX-License-Identifier: Apache-2.0 */
/* Judging what a kernel offers: can it trace, by which family, and if not, what is missing. */
#include <linux/capability.h>
#include <stdio.h>

#include "probe/feature.h"

const struct family_info family_info[PROBE_FAMILIES] = {
	[PROBE_SOCK_TP] = {"sock-tp", "sock_send_length and sock_recv_length (Linux 6.3)",
			   "content of what io_uring or splice receives", true},
	[PROBE_SOCK_FN] = {"sock-fn", "fentry or kprobes, on the socket functions",
			   "content of what splice receives", false},
	[PROBE_SYSCALL] = {"syscall", "sys_exit (Linux 5.10)", "io_uring; slows all system calls",
			   false},
};

static bool has_cap(const struct features *f, int cap)
{
	return f->caps >> cap & 1;
}

bool features_privileged(const struct features *f)
{
	return has_cap(f, CAP_SYS_ADMIN) || (has_cap(f, CAP_BPF) && has_cap(f, CAP_PERFMON));
}

bool features_ptrace(const struct features *f)
{
	return has_cap(f, CAP_SYS_PTRACE);
}

static const char *hook_missing(const struct features *f)
{
	for (size_t i = 0; i < HOOK_MAX; i++)
		if (hook_info[i].need == HOOK_REQUIRED && !f->hooks[i])
			return hook_info[i].name;
	return NULL;
}

bool family_offered(const struct features *f, enum probe_family family)
{
	if (f->btf_err)
		return false;
	switch (family) {
	case PROBE_SOCK_TP:
		/* Without privileges the trials say nothing of the kernel. */
		return !hook_missing(f) && (!features_privileged(f) || !f->sk_storage_err);
	case PROBE_SOCK_FN:
		return !f->fentry_err || f->kprobes;
	case PROBE_SYSCALL:
		return f->hooks[HOOK_SYS_EXIT];
	default:
		return false;
	}
}

/* Capabilities by their names, as `setcap` and container manifests want them. */
static int missing_caps(const struct features *f, char *why, size_t n)
{
	bool bpf = has_cap(f, CAP_BPF), perfmon = has_cap(f, CAP_PERFMON);

	snprintf(why, n, "needs CAP_%s%s%s: run it as root (sudo otelbpf ...)", bpf ? "" : "BPF",
		 bpf || perfmon ? "" : " and CAP_", perfmon ? "" : "PERFMON");
	return -EPERM;
}

static int missing_map(const char *what, int err, char *why, size_t n)
{
	if (err == -EPERM) {
		snprintf(why, n,
			 "the kernel refuses us %s although we have the capabilities: raise the "
			 "locked-memory limit (ulimit -l unlimited) or allow bpf(2) in this "
			 "container's seccomp profile",
			 what);
		return -EPERM;
	}
	snprintf(why, n,
		 "this kernel has no %s (%s): sock-tp needs Linux 6.3 or later, and no other probe "
		 "family is in this version of otelbpf",
		 what, strerror(-err));
	return -EOPNOTSUPP;
}

int features_missing(const struct features *f, char *why, size_t why_len)
{
	const char *hook = hook_missing(f);

	if (f->bpf_err == -ENOSYS) {
		snprintf(why, why_len,
			 "this kernel has no bpf(2): it was built without "
			 "CONFIG_BPF_SYSCALL; use one built with it");
		return -ENOSYS;
	}
	if (f->btf_err) {
		snprintf(why, why_len,
			 "no type information of the kernel at /sys/kernel/btf/vmlinux: mount "
			 "/sys, or use a kernel built with CONFIG_DEBUG_INFO_BTF");
		return -ENOENT;
	}
	if (hook) {
		snprintf(why, why_len,
			 "this kernel has no tracepoint %s: sock-tp needs Linux 6.3 or later, and "
			 "no other probe family is in this version of otelbpf",
			 hook);
		return -EOPNOTSUPP;
	}
	if (!features_privileged(f))
		return missing_caps(f, why, why_len);
	if (f->lockdown == LOCKDOWN_CONFIDENTIALITY) {
		snprintf(why, why_len,
			 "kernel lockdown is in confidentiality mode, which forbids tracing: boot "
			 "with lockdown=integrity (see /sys/kernel/security/lockdown)");
		return -EPERM;
	}
	if (f->bpf_err)
		return missing_map("BPF maps", f->bpf_err, why, why_len);
	if (f->ringbuf_err)
		return missing_map("BPF ring buffers", f->ringbuf_err, why, why_len);
	if (f->sk_storage_err)
		return missing_map("socket storage in tracing programs", f->sk_storage_err, why,
				   why_len);
	if (f->task_storage_err)
		return missing_map("task storage", f->task_storage_err, why, why_len);
	return 0;
}
