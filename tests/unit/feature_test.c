/* SPDX-License-Identifier: Apache-2.0 */
/* Judging kernels made up here, and what `otelbpf check` says of them. */
#include "probe/feature.h"

#include "cli/check.h"
#include "test.h"

#define CAP(n) (1ULL << (n))
enum {
	SYS_PTRACE = 19,
	SYS_ADMIN = 21,
	PERFMON = 38,
	BPF = 39
}; /* linux/capability.h */

/* A kernel on which everything works. */
static struct features good(void)
{
	struct features f = {.release = "6.12.0", .machine = "x86_64"};

	f.caps = CAP(PERFMON) | CAP(BPF) | CAP(SYS_PTRACE);
	for (size_t i = 0; i < HOOK_MAX; i++)
		f.hooks[i] = true;
	f.unprivileged_bpf_disabled = 2;
	f.sk_storage_iter = f.kprobes = true;
	f.tracefs = "/sys/kernel/tracing";
	f.memlock = UINT64_MAX;
	return f;
}

static char text[16384];

static int report(const struct features *f, check_load_fn try_load)
{
	FILE *out;
	int status;

	memset(text, 0, sizeof(text));
	out = fmemopen(text, sizeof(text) - 1, "w");
	status = check_report(out, f, try_load);
	fclose(out);
	return status;
}

/* The last line of the report names this; and `why` says the same. */
static void check_missing(const struct features *f, const char *name, const char *remedy)
{
	char why[512] = "";
	char *last;

	CHECK(features_missing(f, why, sizeof(why)) < 0);
	CHECK(!strchr(why, '\n'));
	if (!strstr(why, name))
		CHECK_STR(why, name);
	if (!strstr(why, remedy))
		CHECK_STR(why, remedy);
	CHECK_INT(report(f, NULL), 1);
	last = strstr(text, "\nTracing does not work here: ");
	CHECK(last && strstr(last, why));
}

TEST(a_complete_kernel_can_trace)
{
	struct features f = good();
	char why[64] = "untouched";

	CHECK_INT(features_missing(&f, why, sizeof(why)), 0);
	CHECK_INT(report(&f, NULL), 0);
	CHECK(strstr(text, "\nTracing works here, with sock-tp.\n"));
	CHECK(!strstr(text, "  no "));
}

TEST(what_is_missing_is_named_with_its_remedy)
{
	struct features f = good();

	f.btf_err = -ENOENT;
	check_missing(&f, "/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF");
	f = good();
	f.bpf_err = -ENOSYS;
	check_missing(&f, "bpf(2)", "CONFIG_BPF_SYSCALL");
	f = good();
	f.hooks[HOOK_SOCK_RECV_LENGTH] = false;
	check_missing(&f, "sock_recv_length", "6.3");
	f = good();
	f.caps = 0;
	f.bpf_err = f.sk_storage_err = -EPERM;
	check_missing(&f, "CAP_BPF and CAP_PERFMON", "sudo");
	f = good();
	f.caps = CAP(BPF);
	check_missing(&f, "needs CAP_PERFMON", "sudo");
	f = good();
	f.caps = CAP(PERFMON);
	check_missing(&f, "needs CAP_BPF:", "sudo");
	f = good();
	f.lockdown = LOCKDOWN_CONFIDENTIALITY;
	check_missing(&f, "confidentiality", "lockdown=integrity");
	f = good();
	f.bpf_err = -EPERM;
	check_missing(&f, "locked-memory", "seccomp");
	f = good();
	f.ringbuf_err = -EINVAL;
	check_missing(&f, "ring buffers", "6.3");
	f = good();
	f.sk_storage_err = -EINVAL;
	check_missing(&f, "socket storage", "6.3");
	f = good();
	f.task_storage_err = -EINVAL;
	check_missing(&f, "task storage", "6.3");
}

TEST(CAP_SYS_ADMIN_stands_for_the_newer_capabilities)
{
	struct features f = good();

	f.caps = CAP(SYS_ADMIN);
	CHECK(features_privileged(&f));
	CHECK(!features_ptrace(&f));
	CHECK_INT(report(&f, NULL), 0);
	CHECK(strstr(text, "CAP_SYS_PTRACE; lost:"));
}

TEST(a_better_hook_that_is_missing_fails_nothing_and_says_what_is_lost)
{
	for (size_t i = 0; i < HOOK_MAX; i++) {
		struct features f = good();
		char lost[160];

		f.hooks[i] = false;
		CHECK_INT(report(&f, NULL), hook_info[i].need == HOOK_REQUIRED);
		snprintf(lost, sizeof(lost), "  no   %-22s %s%s", hook_info[i].name,
			 hook_info[i].need == HOOK_UNUSED ? "" : "lost: ",
			 hook_info[i].need == HOOK_UNUSED ? hook_info[i].tells : hook_info[i].lost);
		if (!strstr(text, lost))
			CHECK_STR(text, lost);
	}
}

TEST(families_are_offered_by_what_they_need)
{
	struct features f = good();

	f.kprobes = false;
	f.fentry_err = -EPERM;
	CHECK(family_offered(&f, PROBE_SOCK_TP));
	CHECK(!family_offered(&f, PROBE_SOCK_FN));
	CHECK(family_offered(&f, PROBE_SYSCALL));
	CHECK_INT(report(&f, NULL), 0);
	CHECK(strstr(text, "this kernel offers it; not in this version of otelbpf"));
	f.fentry_err = 0;
	CHECK(family_offered(&f, PROBE_SOCK_FN));
	/* A kernel such as 5.10: kprobes and sys_exit, no socket tracepoints. */
	f = good();
	f.hooks[HOOK_SOCK_SEND_LENGTH] = f.hooks[HOOK_SOCK_RECV_LENGTH] = false;
	f.sk_storage_err = -EINVAL;
	CHECK(!family_offered(&f, PROBE_SOCK_TP));
	CHECK(family_offered(&f, PROBE_SOCK_FN));
	CHECK(family_offered(&f, PROBE_SYSCALL));
	f.btf_err = -ENOENT;
	CHECK(!family_offered(&f, PROBE_SYSCALL));
}

static int refuse(char *why, size_t n)
{
	snprintf(why, n, "the kernel refused our programs");
	return -EACCES;
}

static int accept_all(char *why, size_t n)
{
	return 0;
}

TEST(the_verdict_depends_on_loading_the_real_programs)
{
	struct features f = good();

	CHECK_INT(report(&f, accept_all), 0);
	CHECK_INT(report(&f, refuse), 1);
	CHECK(strstr(text, "Tracing does not work here: the kernel refused our programs\n"));
}

TEST(the_report_fits_80_columns_and_has_no_trailing_spaces)
{
	struct features kernels[3] = {
		good(), good(), {.btf_err = -ENOENT, .release = "5.4", .machine = "x"}};

	for (size_t i = 0; i < HOOK_MAX; i++)
		kernels[1].hooks[i] = false;
	for (size_t i = 0; i < array_size(kernels); i++) {
		char *save = text;

		report(&kernels[i], NULL);
		for (char *l = strsep(&save, "\n"); l; l = strsep(&save, "\n"))
			if ((strlen(l) > 80 && strncmp(l, "Tracing does", 12)) ||
			    bytes_ends(bytes_str(l), " "))
				CHECK_STR(l, "(at most 80 columns, no space at the end)");
	}
}

TEST(capabilities_and_lockdown_are_read_from_their_files)
{
	static const char status[] = "CapPrm:\t00000000000000ff\nCapEff:\t000000c000080000\n";
	u64 caps = 0;

	CHECK_INT(caps_parse(bytes_str(status), &caps), 0);
	CHECK(caps == (CAP(PERFMON) | CAP(BPF) | CAP(SYS_PTRACE)));
	CHECK_INT(caps_parse(bytes_str("CapPrm:\t00\n"), &caps), -ENODATA);
	CHECK_INT(lockdown_parse(bytes_str("[none] integrity confidentiality\n")), LOCKDOWN_NONE);
	CHECK_INT(lockdown_parse(bytes_str("none [integrity] confidentiality\n")),
		  LOCKDOWN_INTEGRITY);
	CHECK_INT(lockdown_parse(bytes_str("none integrity [confidentiality]\n")),
		  LOCKDOWN_CONFIDENTIALITY);
}

TEST(this_kernel_is_judged_without_leaving_anything_open)
{
	struct features f;
	int before = dup(0), after;

	close(before);
	features_detect(&f);
	features_detect_more(&f);
	after = dup(0);
	close(after);
	CHECK_INT(after, before);
	CHECK(f.release[0] != 0);
	CHECK_INT(f.btf_err == 0, access("/sys/kernel/btf/vmlinux", R_OK) == 0);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
