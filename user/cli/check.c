/* SPDX-License-Identifier: Apache-2.0 */
/* otelbpf check: what this kernel offers, what would be used, and what is lost by it. */
#include "cli/check.h"

enum {
	NAME_WIDTH = 22,
	FAMILY_WIDTH = 8,
};

/* One aligned line: "  yes  name                 text". */
static void line(FILE *out, const char *mark, const char *name, const char *text)
{
	fprintf(out, "  %-4s %-*s%s%s\n", mark, *text ? NAME_WIDTH : 0, name, *text ? " " : "",
		text);
}

static const char *yes(bool it)
{
	return it ? "yes" : "no";
}

/* What cannot be tried without privileges. */
static const char *tried(const struct features *f, int err)
{
	if (!err)
		return "yes";
	return features_privileged(f) ? "no" : "?";
}

static void kernel_part(FILE *out, const struct features *f)
{
	char text[64];

	fprintf(out, "Kernel: Linux %s, %s\n", f->release, f->machine);
	line(out, yes(!f->btf_err), "BTF type information",
	     f->btf_err ? "CONFIG_DEBUG_INFO_BTF; /sys must be mounted"
			: "/sys/kernel/btf/vmlinux");
	line(out, tried(f, f->bpf_err), "bpf(2)",
	     f->bpf_err == -ENOSYS ? "CONFIG_BPF_SYSCALL" : "");
	line(out, tried(f, f->ringbuf_err), "ring buffer", "");
	line(out, tried(f, f->sk_storage_err), "socket storage",
	     f->sk_storage_err && features_privileged(f) ? "in tracing programs: Linux 5.11" : "");
	line(out, tried(f, f->task_storage_err), "task storage", "");
	line(out, yes(f->sk_storage_iter), "iterator over sockets",
	     f->sk_storage_iter ? "" : "lost: ends of Unix sockets are noticed late");
	line(out, tried(f, f->fentry_err), "fentry", "not used in this version");
	line(out, yes(f->kprobes), "kprobes", "not used in this version");
	line(out, yes(f->tracefs != NULL), "tracefs",
	     f->tracefs ? f->tracefs : "not mounted; not needed");
	if (f->memlock == UINT64_MAX)
		snprintf(text, sizeof(text), "unlimited");
	else
		snprintf(text, sizeof(text), "%llu KiB; matters before Linux 5.11 only",
			 (unsigned long long)f->memlock >> 10);
	line(out, "", "locked memory", text);
}

static void privilege_part(FILE *out, const struct features *f)
{
	static const char *const modes[] = {"none", "integrity", "confidentiality"};

	fputs("\nPrivileges\n", out);
	line(out, yes(features_privileged(f)), "load programs", "CAP_BPF and CAP_PERFMON, or root");
	line(out, yes(features_ptrace(f)), "other users' processes",
	     features_ptrace(f) ? "CAP_SYS_PTRACE"
				: "CAP_SYS_PTRACE; lost: names of their services");
	line(out, yes(f->lockdown != LOCKDOWN_CONFIDENTIALITY), "kernel lockdown",
	     modes[f->lockdown]);
	line(out, "", "unprivileged bpf(2)", /* kernel.unprivileged_bpf_disabled */
	     f->unprivileged_bpf_disabled < 0 ? "not known"
	     : f->unprivileged_bpf_disabled   ? "off; not needed"
					      : "on; not needed");
}

/* The hooks that this version uses, or those that it does not. */
static void hook_part(FILE *out, const struct features *f, bool used)
{
	fprintf(out, "\nTracepoints %s\n", used ? "in use" : "not used in this version");
	for (size_t i = 0; i < HOOK_MAX; i++) {
		const struct hook_info *h = &hook_info[i];
		char text[128];

		if ((h->need != HOOK_UNUSED) != used)
			continue;
		snprintf(text, sizeof(text), "%s%s", f->hooks[i] || !used ? "" : "lost: ",
			 f->hooks[i] || !used ? h->tells : h->lost);
		line(out, yes(f->hooks[i]), h->name, text);
	}
}

static void family_part(FILE *out, const struct features *f)
{
	fputs("\nProbe families\n", out);
	for (int i = 0; i < PROBE_FAMILIES; i++) {
		const struct family_info *info = &family_info[i];
		bool offered = family_offered(f, (enum probe_family)i);
		const char *state = "this kernel does not offer it";

		if (offered)
			state = info->built
					? "this kernel offers it; used"
					: "this kernel offers it; not in this version of otelbpf";
		fprintf(out, "  %-4s %-*s %s\n", yes(offered), FAMILY_WIDTH, info->name, state);
		fprintf(out, "       %*s needs: %s\n", FAMILY_WIDTH, "", info->needs);
		fprintf(out, "       %*s lost: %s\n", FAMILY_WIDTH, "", info->lost);
	}
}

int check_report(FILE *out, const struct features *f, check_load_fn try_load)
{
	char why[512] = "";
	int err;

	kernel_part(out, f);
	privilege_part(out, f);
	hook_part(out, f, true);
	hook_part(out, f, false);
	family_part(out, f);
	err = features_missing(f, why, sizeof(why));
	if (!err && try_load)
		err = try_load(why, sizeof(why));
	if (err)
		fprintf(out, "\nTracing does not work here: %s\n", why);
	else
		fprintf(out, "\nTracing works here, with %s.\n", family_info[PROBE_SOCK_TP].name);
	return err ? 1 : 0;
}
