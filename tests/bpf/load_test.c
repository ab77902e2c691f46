/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every program of the object passes this kernel's verifier and attaches, each by itself, also
 * those that the chosen family would leave out. Prints what each costs.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otelbpf/types.h"

#include "otelbpf.skel.h"
#include "util/compiler.h"

enum {
	LOG_BYTES = 16 << 20,
	LOG_LINES = 25, /* the verifier says last what it did not like */
};

static char *verifier_log;

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

static void show_end_of_log(void)
{
	const char *p = verifier_log + strlen(verifier_log);

	for (int lines = 0; p > verifier_log && lines <= LOG_LINES; p--)
		lines += p[-1] == '\n';
	while (*p) {
		int n = (int)strcspn(p, "\n");

		printf("    %.*s\n", n, p);
		p += n + (p[n] == '\n');
	}
}

/* The kernel has what the program attaches to; else its absence is no fault of the program. */
static bool has_hook(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog);

	section += section[0] == '?';
	if (!strncmp(section, "tp_btf/", 7))
		return libbpf_find_vmlinux_btf_id(section + 7, BPF_TRACE_RAW_TP) > 0;
	return true;
}

static struct bpf_link *attach(struct otelbpf_bpf *skel, struct bpf_program *prog)
{
	union bpf_iter_link_info info = {.map.map_fd = (__u32)bpf_map__fd(skel->maps.conns)};
	DECLARE_LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info,
			    .link_info_len = sizeof(info));

	if (bpf_program__expected_attach_type(prog) == BPF_TRACE_ITER)
		return bpf_program__attach_iter(prog, &opts);
	return bpf_program__attach(prog);
}

static void say_cost(const char *name, const struct bpf_program *prog)
{
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);

	if (!bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		printf("  %-20s %6u instructions verified, %6u bytes of machine code\n", name,
		       info.verified_insns, info.jited_prog_len);
}

/* What went wrong, or NULL. */
static const char *load_alone(struct otelbpf_bpf *skel, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(skel->obj, name);
	struct bpf_link *link;

	bpf_program__set_autoload(prog, true);
	bpf_program__set_log_buf(prog, verifier_log, LOG_BYTES);
	verifier_log[0] = '\0';
	if (otelbpf_bpf__load(skel))
		return "the kernel refuses it";
	say_cost(name, prog);
	link = attach(skel, prog);
	if (!link)
		return "it does not attach";
	bpf_link__destroy(link);
	return NULL;
}

static bool test_program(const char *name)
{
	struct otelbpf_bpf *skel = otelbpf_bpf__open();
	const char *wrong = skel ? load_alone(skel, name) : "the object does not open";

	if (wrong) {
		printf("FAIL %s_loads_and_attaches\n  %s: %s\n", name, wrong, strerror(errno));
		show_end_of_log();
	} else {
		printf("ok %s_loads_and_attaches\n", name);
	}
	otelbpf_bpf__destroy(skel);
	return !wrong;
}

int main(void)
{
	struct otelbpf_bpf *names = otelbpf_bpf__open();
	struct bpf_program *prog;
	bool failed = false;

	libbpf_set_print(quiet);
	verifier_log = malloc(LOG_BYTES);
	if (!names || !verifier_log) {
		printf("FAIL the_object_opens\n  %s\n", strerror(errno));
		return 1;
	}
	bpf_object__for_each_program(prog, names->obj)
	{
		const char *name = bpf_program__name(prog);

		if (has_hook(prog))
			failed |= !test_program(name);
		else
			printf("skip %s_loads_and_attaches: this kernel has no %s\n", name,
			       bpf_program__section_name(prog));
	}
	otelbpf_bpf__destroy(names);
	free(verifier_log);
	return failed;
}
