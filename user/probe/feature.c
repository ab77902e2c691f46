/* SPDX-License-Identifier: Apache-2.0 */
/* What this kernel offers, found out by trying and by its own type information. */
#include "probe/feature.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "target/proc.h"

const struct hook_info hook_info[HOOK_MAX] = {
#define X(id, name, need, tells, lost) [HOOK_##id] = {name, tells, lost, need},
	HOOKS(X)
#undef X
};

const char *const hook_names[HOOK_MAX] = {
#define X(id, name, need, tells, lost) [HOOK_##id] = name,
	HOOKS(X)
#undef X
};

/* Ids of vmlinux types that the trials need; 0: not there. */
struct kernel_types {
	u32 hooks[HOOK_MAX]; /* typedef btf_trace_<hook> */
	u32 fentry_target;
	bool sk_storage_iter;
};

/* An empty function that the kernel has for this very purpose (net/bpf/test_run.c). */
static const char fentry_target[] = "bpf_fentry_test1";

static void note_type(struct kernel_types *k, u32 id, u32 kind, const char *name)
{
	static const char prefix[] = "btf_trace_";

	if (kind == BTF_KIND_FUNC) {
		if (!strcmp(name, fentry_target))
			k->fentry_target = id;
		else if (!strcmp(name, "bpf_iter_bpf_sk_storage_map"))
			k->sk_storage_iter = true;
		return;
	}
	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return;
	for (size_t i = 0; i < HOOK_MAX; i++)
		if (!strcmp(name + strlen(prefix), hook_names[i]))
			k->hooks[i] = id;
}

/* One pass for all names: a search for each would cost ten times as much. */
static int read_types(struct kernel_types *k)
{
	struct btf *btf = btf__load_vmlinux_btf();
	u32 n;

	*k = (struct kernel_types){0};
	if (!btf)
		return -errno;
	n = btf__type_cnt(btf);
	for (u32 id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		u32 kind = btf_kind(t);

		if (kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_FUNC)
			note_type(k, id, kind, btf__name_by_offset(btf, t->name_off));
	}
	btf__free(btf);
	return 0;
}

static int closed(int fd)
{
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Loads a tracing program; its descriptor or -errno. */
static int load_tracing(const struct bpf_insn *insns, size_t n, u32 type_id,
			enum bpf_attach_type how)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = how,
		    .attach_btf_id = type_id);

	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "otelbpf_try", "Dual BSD/GPL", insns, n, &opts);
}

/* A storage map of int: its key and value types must be described (bpf_local_storage.c). */
static int storage_map(enum bpf_map_type type)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	struct btf *btf = btf__new_empty();
	int id, err, fd;

	if (!btf)
		return -errno;
	id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	err = id < 0 ? id : btf__load_into_kernel(btf);
	if (err) {
		btf__free(btf);
		return err;
	}
	opts.btf_fd = (u32)btf__fd(btf);
	opts.btf_key_type_id = opts.btf_value_type_id = (u32)id;
	fd = bpf_map_create(type, "otelbpf_try", 4, 4, 0, &opts);
	btf__free(btf);
	return fd;
}

/* bpf_sk_storage_get(map, first argument of the tracepoint, NULL, 0) */
static int try_sk_storage(const struct kernel_types *k)
{
	u32 at = k->hooks[HOOK_SOCK_SEND_LENGTH] ?: k->hooks[HOOK_INET_SOCK_SET_STATE];
	int map = storage_map(BPF_MAP_TYPE_SK_STORAGE), err;

	if (map < 0)
		return map;
	const struct bpf_insn insns[] = {
		{BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_2, BPF_REG_1, 0, 0},
		{BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map},
		{0, 0, 0, 0, 0},
		{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0},
		{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, 0, 0},
		{BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_sk_storage_get},
		{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0},
		{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
	};
	err = at ? closed(load_tracing(insns, array_size(insns), at, BPF_TRACE_RAW_TP)) : -ENOENT;
	close(map);
	return err;
}

/* Some kernels load fentry programs and cannot attach them, so both are tried. */
static int try_fentry(const struct kernel_types *k)
{
	const struct bpf_insn insns[] = {
		{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0},
		{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
	};
	int prog, err;

	if (!k->fentry_target)
		return -ENOENT;
	prog = load_tracing(insns, array_size(insns), k->fentry_target, BPF_TRACE_FENTRY);
	if (prog < 0)
		return prog;
	err = closed(bpf_raw_tracepoint_open(NULL, prog));
	close(prog);
	return err;
}

int caps_parse(struct bytes status, u64 *out)
{
	struct bytes line;

	while (!bytes_until(&status, '\n', &line)) {
		if (!bytes_starts(line, "CapEff:\t"))
			continue;
		bytes_skip(&line, strlen("CapEff:\t"));
		return bytes_hex(line, out);
	}
	return -ENODATA;
}

/* "none [integrity] confidentiality": the one in brackets is on (security/lockdown). */
enum lockdown lockdown_parse(struct bytes text)
{
	if (memmem(text.p, bytes_len(text), "[confidentiality]", 17))
		return LOCKDOWN_CONFIDENTIALITY;
	if (memmem(text.p, bytes_len(text), "[integrity]", 11))
		return LOCKDOWN_INTEGRITY;
	return LOCKDOWN_NONE;
}

static void read_settings(struct features *f)
{
	struct proc_root security = {.path = "/sys/kernel/security"};
	struct buf text = {0};
	struct bytes line, rest;
	struct utsname uts;
	u64 value;

	if (!uname(&uts)) {
		snprintf(f->release, sizeof(f->release), "%s", uts.release);
		snprintf(f->machine, sizeof(f->machine), "%s", uts.machine);
	}
	if (!proc_read_global(NULL, "self/status", PROC_SMALL_MAX, &text) &&
	    caps_parse(buf_bytes(&text), &f->caps))
		f->caps = 0;
	buf_clear(&text);
	f->unprivileged_bpf_disabled = -1;
	if (!proc_read_global(NULL, "sys/kernel/unprivileged_bpf_disabled", 16, &text)) {
		rest = buf_bytes(&text);
		if (!bytes_until(&rest, '\n', &line) && !bytes_decimal(line, &value))
			f->unprivileged_bpf_disabled = (int)value;
	}
	buf_clear(&text);
	if (!proc_read_global(&security, "lockdown", 64, &text))
		f->lockdown = lockdown_parse(buf_bytes(&text));
	buf_done(&text);
}

void features_detect(struct features *f)
{
	struct kernel_types k;
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	/* A trial that fails is an answer, not something to print. */
	libbpf_print_fn_t print = libbpf_set_print(NULL);

	*f = (struct features){0};
	read_settings(f);
	f->bpf_err = closed(bpf_map_create(BPF_MAP_TYPE_ARRAY, "otelbpf_try", 4, 4, 1, &opts));
	f->btf_err = read_types(&k);
	for (size_t i = 0; i < HOOK_MAX; i++)
		f->hooks[i] = k.hooks[i] != 0;
	f->sk_storage_iter = k.sk_storage_iter;
	f->ringbuf_err = closed(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "otelbpf_try", 0, 0,
					       (u32)sysconf(_SC_PAGESIZE), &opts));
	f->task_storage_err = closed(storage_map(BPF_MAP_TYPE_TASK_STORAGE));
	f->sk_storage_err = try_sk_storage(&k);
	libbpf_set_print(print);
}

static const char *find_tracefs(void)
{
	static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	enum {
		TRACEFS = 0x74726163
	}; /* TRACEFS_MAGIC, include/uapi/linux/magic.h */
	struct statfs s;

	for (size_t i = 0; i < array_size(places); i++)
		if (!statfs(places[i], &s) && s.f_type == TRACEFS)
			return places[i];
	return NULL;
}

void features_detect_more(struct features *f)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct kernel_types k;
	struct rlimit lock;

	if (!read_types(&k))
		f->fentry_err = try_fentry(&k);
	else
		f->fentry_err = f->btf_err;
	libbpf_set_print(print);
	f->tracefs = find_tracefs();
	f->kprobes = !access("/sys/bus/event_source/devices/kprobe/type", F_OK) ||
		     !access("/sys/kernel/tracing/kprobe_events", F_OK);
	f->memlock = getrlimit(RLIMIT_MEMLOCK, &lock) || lock.rlim_cur == RLIM_INFINITY
			     ? UINT64_MAX
			     : lock.rlim_cur;
}
