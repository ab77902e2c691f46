/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and attaches the programs. The only file that knows the skeleton. */
#include "probe/loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "otelbpf.skel.h"
#include "probe/feature.h"
#include "util/log.h"

/* Inode number of the initial pid namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h). */
#define INITIAL_PIDNS 0xEFFFFFFCU

struct probe {
	struct otelbpf_bpf *skel;
	struct conn_ctl *ctl;
	size_t ctl_len;
	struct bpf_link *sweep;
};

/*
 * Every program and the hook that it needs; hook_info says whether there is tracing without it.
 * Programs are "?": not loaded unless named here.
 */
static const struct {
	const char *name;
	enum hook hook;
} programs[] = {
	{"sock_tp_send", HOOK_SOCK_SEND_LENGTH},	 {"sock_tp_recv", HOOK_SOCK_RECV_LENGTH},
	{"conn_state_change", HOOK_INET_SOCK_SET_STATE}, {"conn_destroy", HOOK_TCP_DESTROY_SOCK},
	{"conn_data_ready", HOOK_SK_DATA_READY},	 {"proc_fork", HOOK_SCHED_PROCESS_FORK},
	{"proc_exec", HOOK_SCHED_PROCESS_EXEC},		 {"proc_exit", HOOK_SCHED_PROCESS_EXIT},
};

/* libbpf's own words go to --verbose; the last one explains a failure. */
static char last_words[512];

static int libbpf_says(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char text[512];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	if (level == LIBBPF_WARN && text[0] && !strstr(text, "-- END PROG"))
		snprintf(last_words, sizeof(last_words), "%s", text);
	log_debug("%s", text);
	return 0;
}

static u32 own_pidns(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || (u32)st.st_ino == INITIAL_PIDNS)
		return 0;
	return (u32)st.st_ino;
}

static int choose_programs(struct probe *p, const struct features *f, char *why, size_t why_len)
{
	for (size_t i = 0; i < array_size(programs); i++) {
		struct bpf_program *prog =
			bpf_object__find_program_by_name(p->skel->obj, programs[i].name);

		if (!prog) {
			snprintf(why, why_len, "program %s is missing from this build",
				 programs[i].name);
			return -ENOENT;
		}
		/* features_missing has refused already what cannot be done without. */
		if (f->hooks[programs[i].hook])
			bpf_program__set_autoload(prog, true);
	}
	if (f->sk_storage_iter)
		bpf_program__set_autoload(p->skel->progs.conn_sweep, true);
	return 0;
}

static int load(struct probe *p, char *why, size_t why_len)
{
	int err, cpus = libbpf_num_possible_cpus();

	p->skel->rodata->pidns_inum = own_pidns();
	if (cpus > 0)
		bpf_map__set_max_entries(p->skel->maps.scratch, (u32)cpus);
	err = otelbpf_bpf__load(p->skel);
	if (err) {
		snprintf(why, why_len, "the kernel refused our programs: %s%s%s", strerror(-err),
			 last_words[0] ? ": " : "", last_words);
		return err;
	}
	p->ctl_len = CTL_SLOTS * sizeof(struct conn_ctl);
	p->ctl = mmap(NULL, p->ctl_len, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(p->skel->maps.ctl), 0);
	if (p->ctl == MAP_FAILED) {
		p->ctl = NULL;
		snprintf(why, why_len, "cannot map the control slots: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

struct probe *probe_load(char *why, size_t why_len)
{
	struct probe *p = calloc(1, sizeof(*p));
	struct features f;

	libbpf_set_print(libbpf_says);
	features_detect(&f);
	if (features_missing(&f, why, why_len))
		goto fail;
	if (p)
		p->skel = otelbpf_bpf__open();
	if (!p || !p->skel) {
		snprintf(why, why_len, "cannot open our programs: %s", strerror(errno));
		goto fail;
	}
	if (choose_programs(p, &f, why, why_len) || load(p, why, why_len))
		goto fail;
	/* The kernel's type information took 10 MB; what is free of them is not given back by itself. */
	malloc_trim(0);
	return p;
fail:
	probe_free(p);
	return NULL;
}

int probe_attach(struct probe *p, char *why, size_t why_len)
{
	union bpf_iter_link_info info = {.map.map_fd = (u32)bpf_map__fd(p->skel->maps.conns)};
	DECLARE_LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info,
			    .link_info_len = sizeof(info));
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, p->skel->obj)
	{
		struct bpf_link *link;

		if (!bpf_program__autoload(prog) || prog == p->skel->progs.conn_sweep)
			continue;
		link = bpf_program__attach(prog);
		if (!link) {
			int err = -errno;

			snprintf(why, why_len, "cannot attach %s: %s", bpf_program__name(prog),
				 strerror(-err));
			return err;
		}
		/* The skeleton destroys every link that stands in its links. */
		for (int i = 0; i < p->skel->skeleton->prog_cnt; i++)
			if (*p->skel->skeleton->progs[i].prog == prog)
				*p->skel->skeleton->progs[i].link = link;
	}
	if (bpf_program__autoload(p->skel->progs.conn_sweep))
		p->sweep = bpf_program__attach_iter(p->skel->progs.conn_sweep, &opts);
	return 0;
}

void probe_free(struct probe *p)
{
	if (!p)
		return;
	bpf_link__destroy(p->sweep);
	if (p->ctl)
		munmap(p->ctl, p->ctl_len);
	otelbpf_bpf__destroy(p->skel);
	free(p);
}

const char *probe_family_name(const struct probe *p)
{
	return "sock-tp";
}

int probe_add_pid(struct probe *p, u32 pid)
{
	u32 flags = 0;

	return bpf_map__update_elem(p->skel->maps.procs, &pid, sizeof(pid), &flags, sizeof(flags),
				    BPF_NOEXIST);
}

bool probe_is_traced(const struct probe *p, u32 pid)
{
	u32 flags;

	return !bpf_map__lookup_elem(p->skel->maps.procs, &pid, sizeof(pid), &flags, sizeof(flags),
				     0);
}

int probe_add_port(struct probe *p, u16 port)
{
	u8 one = 1;

	return bpf_map__update_elem(p->skel->maps.ports, &port, sizeof(port), &one, sizeof(one),
				    BPF_ANY);
}

int probe_ring_fd(const struct probe *p)
{
	return bpf_map__fd(p->skel->maps.ring);
}

struct conn_ctl *probe_ctl(struct probe *p)
{
	return p->ctl;
}

void probe_want_wake(struct probe *p)
{
	__atomic_store_n(&p->skel->bss->want_wake, 1, __ATOMIC_SEQ_CST);
}

void probe_stats(const struct probe *p, u64 values[KSTAT_MAX])
{
	int cpus = libbpf_num_possible_cpus();
	u64 *each = cpus > 0 ? calloc((size_t)cpus, sizeof(*each)) : NULL;

	for (u32 key = 0; key < KSTAT_MAX; key++) {
		values[key] = 0;
		if (!each || bpf_map__lookup_elem(p->skel->maps.kstats, &key, sizeof(key), each,
						  (size_t)cpus * sizeof(*each), 0))
			continue;
		for (int i = 0; i < cpus; i++)
			values[key] += each[i];
	}
	free(each);
}

void probe_sizes(const struct probe *p, struct probe_sizes *out)
{
	struct bpf_program *prog;
	struct bpf_map *map;

	*out = (struct probe_sizes){.ring_bytes = RING_BYTES};
	bpf_object__for_each_map(map, p->skel->obj)
	{
		char path[64], line[128];
		unsigned long long n;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_map__fd(map));
		f = fopen(path, "r");
		if (!f)
			continue;
		while (fgets(line, sizeof(line), f))
			if (sscanf(line, "memlock: %llu", &n) == 1)
				out->map_bytes += n;
		fclose(f);
	}
	bpf_object__for_each_program(prog, p->skel->obj)
	{
		struct bpf_prog_info info = {0};
		u32 len = sizeof(info);

		if (bpf_program__fd(prog) < 0 ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			continue;
		out->recursion_misses += info.recursion_misses;
		out->runs += info.run_cnt;
	}
}

int probe_sweep(struct probe *p, u64 **ids)
{
	size_t cap = 0, len = 0;
	u8 *data = NULL, *more;
	ssize_t n = 0;
	int fd;

	if (!p->sweep)
		return -EOPNOTSUPP;
	fd = bpf_iter_create(bpf_link__fd(p->sweep));
	if (fd < 0)
		return fd;
	do {
		len += (size_t)n;
		if (cap - len < 4096) {
			cap = cap ? cap * 2 : 8192;
			more = realloc(data, cap);
			if (!more) {
				n = -1;
				break;
			}
			data = more;
		}
		n = read(fd, data + len, cap - len);
	} while (n > 0);
	close(fd);
	if (n < 0) {
		free(data);
		return -EIO;
	}
	*ids = (u64 *)(void *)data;
	return (int)(len / sizeof(u64));
}
