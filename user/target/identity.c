/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process is: puts its resource together. */
#include "target/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "target/env_attrs.h"
#include "target/host.h"
#include "target/naming.h"
#include "target/uuid.h"
#include "util/clock.h"

/* The namespace of service.instance.id (semantic conventions, service.md). */
static const u8 instance_space[16] = {0x4d, 0x63, 0x00, 0x9a, 0x8d, 0x0f, 0x11, 0xee,
				      0xaa, 0xd7, 0x4c, 0x79, 0x6e, 0xd8, 0xe3, 0x20};

/* While one resource is built. */
struct build {
	const struct proc_root *root;
	u32 pid;
	const struct identity_hint *hint;
	struct resource *r;
	struct identity_notes notes;
	bool failed; /* out of memory */
	struct host host;
};

static void check_set(struct build *b, int err)
{
	b->failed |= err == -ENOMEM;
	b->notes.full |= err == -ENOSPC;
}

/* NULL and empty values are left out. */
static void set(struct build *b, const char *key, const char *text)
{
	if (text && *text)
		check_set(b, resource_set(b->r, key, text));
}

static void set_bytes(struct build *b, const char *key, struct bytes text)
{
	char copy[PROC_PATH_MAX];

	text = bytes_head(text, sizeof(copy) - 1);
	if (!bytes_empty(text))
		memcpy(copy, text.p, bytes_len(text));
	copy[bytes_len(text)] = 0;
	set(b, key, copy);
}

/*
 * What distinguishes this process from all others, ever: machine, boot, pid and start. The start
 * is in ticks, or, of a process that is gone, what the kernel's record says.
 */
static void set_instance(struct build *b, u64 start)
{
	const char *machine = b->host.id[0] ? b->host.id : b->host.name;
	char source[UUID_NAME_MAX], uuid[UUID_TEXT];

	snprintf(source, sizeof(source), "%s/%s/%u/%llu", machine, b->host.boot, b->pid,
		 (unsigned long long)start);
	uuid_v5(instance_space, bytes_str(source), uuid);
	set(b, "service.instance.id", uuid);
}

static void set_creation_time(struct build *b, u64 sec, unsigned msec)
{
	time_t t = (time_t)sec;
	struct tm tm;
	char day[32], text[48];

	if (!sec || !gmtime_r(&t, &tm) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	snprintf(text, sizeof(text), "%s.%03uZ", day, msec);
	set(b, "process.creation.time", text);
}

/* What is a process's own even right after a fork. */
static void set_process(struct build *b, bool keep_instance)
{
	u64 born = b->hint ? b->hint->born : 0, ticks = (u64)sysconf(_SC_CLK_TCK);
	struct proc_stat st;

	check_set(b, resource_set_number(b->r, "process.pid", b->pid));
	if (!proc_stat_of(b->root, b->pid, &st)) {
		set_creation_time(b, b->host.boot_time + st.start / ticks,
				  (unsigned)(st.start % ticks * 1000 / ticks));
		if (!keep_instance)
			set_instance(b, st.start);
		return;
	}
	if (born) {
		born += clock_wall_offset();
		set_creation_time(b, born / NS_PER_SEC, (unsigned)(born % NS_PER_SEC / NS_PER_MS));
	}
	if (!keep_instance)
		set_instance(b, b->hint ? b->hint->born : 0);
}

static void set_host(struct build *b)
{
	set(b, "host.name", b->host.name);
	set(b, "host.id", b->host.id);
	set(b, "host.arch", b->host.arch);
	set(b, "os.type", "linux");
}

static void set_container(struct build *b)
{
	struct buf text = {0};
	struct bytes id;

	if (!proc_read(b->root, b->pid, "cgroup", PROC_SMALL_MAX, &text) &&
	    !cgroup_container(buf_bytes(&text), &id))
		set_bytes(b, "container.id", id);
	buf_done(&text);
}

/* The user's name by the passwd file that the process itself sees. */
static void set_owner(struct build *b)
{
	struct buf text = {0};
	struct bytes rest, line, name, skip, uid;
	u64 number;
	u32 owner;

	if (proc_uid(b->root, b->pid, &owner) ||
	    proc_read_file(b->root, b->pid, "etc/passwd", PROC_FILE_MAX, &text)) {
		buf_done(&text);
		return;
	}
	rest = buf_bytes(&text);
	while (!bytes_until(&rest, '\n', &line)) {
		if (bytes_until(&line, ':', &name) || bytes_until(&line, ':', &skip) ||
		    bytes_until(&line, ':', &uid) || bytes_decimal(uid, &number))
			continue;
		if (number != owner)
			continue;
		set_bytes(b, "process.owner", name);
		break;
	}
	buf_done(&text);
}

static int read_file(void *ctx, const char *path, struct buf *out)
{
	const struct build *b = ctx;

	return proc_read_file(b->root, b->pid, path, PROC_FILE_MAX, out);
}

/* The texts that a name is made from. */
struct facts {
	struct buf comm, exe, cwd, cmdline;
	struct naming_input in;
};

static void facts_done(struct facts *f)
{
	buf_done(&f->comm);
	buf_done(&f->exe);
	buf_done(&f->cwd);
	buf_done(&f->cmdline);
}

/* A link or file that cannot be read is left empty. */
static void facts_read(struct build *b, struct facts *f)
{
	const struct identity_hint *h = b->hint;
	struct bytes args, line;

	if (proc_link(b->root, b->pid, "exe", &f->exe))
		buf_clear(&f->exe);
	if (proc_link(b->root, b->pid, "cwd", &f->cwd))
		buf_clear(&f->cwd);
	if (proc_read(b->root, b->pid, "comm", PROC_SMALL_MAX, &f->comm))
		buf_clear(&f->comm);
	if (proc_read(b->root, b->pid, "cmdline", PROC_CMDLINE_MAX, &f->cmdline))
		buf_clear(&f->cmdline);

	f->in.comm = buf_bytes(&f->comm);
	if (!bytes_until(&f->in.comm, '\n', &line))
		f->in.comm = line;
	f->in.exe = buf_bytes(&f->exe);
	f->in.cwd = buf_bytes(&f->cwd);
	args = buf_bytes(&f->cmdline);
	if (h && !bytes_empty(h->comm) && bytes_empty(f->in.comm))
		f->in.comm = h->comm;
	/* As executed is better than what a program may have made of its title since. */
	if (h && !bytes_empty(h->args) && (!h->args_cut || bytes_empty(args)))
		args = h->args;
	args_split(&f->in.args, args);
	f->in.read_file = read_file;
	f->in.ctx = b;
}

static bool is_go(struct build *b)
{
	struct buf text = {0};
	bool go = !proc_read(b->root, b->pid, "exe", 4096, &text) && elf_is_go(buf_bytes(&text));

	buf_done(&text);
	return go;
}

static void set_program(struct build *b)
{
	struct facts *f = calloc(1, sizeof(*f));
	struct naming n;

	if (!f) {
		b->failed = true;
		return;
	}
	facts_read(b, f);
	naming_of(&f->in, &n);
	if (!n.language && is_go(b))
		n.language = n.runtime = "go";
	snprintf(b->notes.guess, sizeof(b->notes.guess), "%s", n.service);

	set(b, "service.name", n.service[0] ? n.service : "unknown_service");
	set(b, "process.executable.name", n.executable);
	set_bytes(b, "process.executable.path", f->in.exe);
	/* argv[0]; a rewritten title may hold arguments, and those may hold secrets. */
	set_bytes(b, "process.command", first_word(args_at(&f->in.args, 0)));
	set(b, "process.runtime.name", n.runtime);
	set(b, "process.runtime.version", n.runtime_version);
	/* Of the process where it is known: backends group by it. Else of what records: C. */
	set(b, "telemetry.sdk.language", n.language ? n.language : "c");
	facts_done(f);
	free(f);
}

/* One attribute of the process's own environment. */
static void env_attr(void *ctx, const char *key, const char *value)
{
	struct build *b = ctx;

	/* These are facts about us and about the process; nobody can state them otherwise. */
	if (!strncmp(key, "telemetry.", 10) || !strcmp(key, "process.pid"))
		return;
	if (!strcmp(key, "service.name")) {
		if (!*value)
			return;
		b->notes.named = true;
	}
	if (!strcmp(key, "service.instance.id"))
		b->notes.instance_given = true;
	check_set(b, resource_set(b->r, key, value));
}

static void set_from_environ(struct build *b)
{
	struct buf text = {0};
	struct bytes value;

	if (proc_read(b->root, b->pid, "environ", PROC_ENVIRON_MAX, &text)) {
		buf_done(&text);
		return;
	}
	if (!environ_get(buf_bytes(&text), "OTEL_RESOURCE_ATTRIBUTES", &value) &&
	    env_attrs_parse(value, env_attr, b))
		b->notes.bad_attributes = true;
	if (!environ_get(buf_bytes(&text), "OTEL_SERVICE_NAME", &value) && !bytes_empty(value)) {
		set_bytes(b, "service.name", value);
		b->notes.named = true;
	}
	buf_done(&text);
}

static void set_recorder(struct build *b)
{
	/* "opentelemetry" is reserved for the official SDKs. */
	set(b, "telemetry.sdk.name", "otelbpf");
	set(b, "telemetry.sdk.version", OTELBPF_VERSION);
	set(b, "telemetry.distro.name", "otelbpf");
	set(b, "telemetry.distro.version", OTELBPF_VERSION);
}

struct resource *identity_build(const struct proc_root *root, u32 pid,
				const struct identity_hint *hint, struct identity_notes *notes)
{
	struct build b = {.root = root, .pid = pid, .hint = hint, .r = resource_new(pid)};

	if (!b.r)
		return NULL;
	host_read(root, &b.host);
	set_program(&b);
	set_process(&b, false);
	set_owner(&b);
	set_host(&b);
	set_container(&b);
	set_recorder(&b);
	set_from_environ(&b);
	if (b.failed) {
		resource_put(b.r);
		return NULL;
	}
	if (notes)
		*notes = b.notes;
	return b.r;
}

struct resource *identity_of(const struct proc_root *root, u32 pid,
			     const struct identity_hint *hint)
{
	return identity_build(root, pid, hint, NULL);
}

struct resource *identity_fork(const struct proc_root *root, const struct resource *parent, u32 pid,
			       const struct identity_hint *hint, bool keep_instance)
{
	struct build b = {.root = root, .pid = pid, .hint = hint, .r = resource_new(pid)};

	if (!b.r)
		return NULL;
	for (unsigned i = 0; i < parent->count; i++) {
		const struct resource_attr *a = &parent->attrs[i];

		check_set(&b, a->text ? resource_set(b.r, a->key, a->text)
				      : resource_set_number(b.r, a->key, a->number));
	}
	host_read(root, &b.host);
	set_process(&b, keep_instance);
	set_owner(&b); /* servers give up root in their workers */
	if (b.failed) {
		resource_put(b.r);
		return NULL;
	}
	return b.r;
}
