/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process is: its attributes, and what fork, exec and exit do to them. */
#include "target/identities.h"

#include "fake_proc.h"
#include "target/env_attrs.h"
#include "target/uuid.h"
#include "test.h"
#include "util/clock.h"

TEST(a_uuid_of_version_5_is_that_of_the_RFC)
{
	/* RFC 9562, appendix A.4: www.example.com in the DNS namespace. */
	static const u8 dns[16] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
				   0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
	char out[UUID_TEXT], longest[UUID_NAME_MAX + 9], other[UUID_TEXT];

	uuid_v5(dns, bytes_str("www.example.com"), out);
	CHECK_STR(out, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
	memset(longest, 'x', sizeof(longest));
	uuid_v5(dns, bytes_of(longest, UUID_NAME_MAX), out);
	uuid_v5(dns, bytes_of(longest, sizeof(longest)), other);
	CHECK_STR(out, other);
}

static char pairs[256];

static void add_pair(void *ctx, const char *key, const char *value)
{
	size_t n = strlen(pairs);

	snprintf(pairs + n, sizeof(pairs) - n, "<%s><%s>", key, value);
}

TEST(resource_attributes_are_decoded_or_discarded_as_a_whole)
{
	static const char *const cases[][2] = {
		{"a=b,c=d", "<a><b><c><d>"},
		{" a = b , c=%41%2C%3d", "<a><b><c><A,=>"},
		{"a=", "<a><>"},
		{"a=b,", "<a><b>"},
		{"", ""},
		{"a=b,c", NULL},
		{"a=b,,c=d", NULL},
		{"=b", NULL},
		{"a=b=c", NULL},
		{"a=%4", NULL},
		{"a=%zz", NULL},
		{"a=%00", NULL},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct bytes text = guard_copy(bytes_str(cases[i][0]));
		int err;

		pairs[0] = 0;
		err = env_attrs_parse(text, add_pair, NULL);
		CHECK_INT(err, cases[i][1] ? 0 : -EINVAL);
		CHECK_STR(pairs, cases[i][1] ? cases[i][1] : "");
		guard_free(text);
	}
}

/* A tree with a host and one process, pid 7, a gunicorn worker. */
static struct fake_proc tree(void)
{
	static const char environ[] = "PATH=/bin\0LANG=C";
	static const char args[] = "python3\0/usr/bin/gunicorn\0shop.wsgi";
	struct fake_proc p = fake_proc_new();
	char path[600];

	fake_proc_file(&p, "machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n");
	fake_proc_file(&p, "stat", "cpu 1 2 3\nbtime 1700000000\nprocesses 4\n");
	fake_proc_file(&p, "sys/kernel/random/boot_id", "0e0b4f3c-1111-2222-3333-444455556666\n");
	fake_proc_file(&p, "7/stat",
		       "7 (gunicorn) S 1 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 250 8 9\n");
	fake_proc_file(&p, "7/comm", "gunicorn\n");
	fake_proc_file(&p, "7/cgroup",
		       "0::/system.slice/docker-0123456789abcdef0123456789abcdef"
		       "0123456789abcdef0123456789abcdef.scope\n");
	fake_proc_file(&p, "7/status", "Uid:\t0\t33\t0\t0\n");
	fake_proc_bytes(&p, "7/cmdline", args, sizeof(args));
	fake_proc_bytes(&p, "7/environ", environ, sizeof(environ));
	fake_proc_file(&p, "fs/etc/passwd", "root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n");
	fake_proc_link(&p, "7/exe", "/usr/bin/python3.11");
	fake_proc_link(&p, "7/cwd", "/srv");
	snprintf(path, sizeof(path), "%s/fs", p.dir);
	fake_proc_link(&p, "7/root", path);
	return p;
}

static const char *text_of(const struct resource *r, const char *key)
{
	const char *text = r ? resource_text(r, key) : NULL;

	return text ? text : "(none)";
}

static long long number_of(const struct resource *r, const char *key)
{
	for (unsigned i = 0; r && i < r->count; i++)
		if (!strcmp(r->attrs[i].key, key))
			return r->attrs[i].number;
	return -1;
}

TEST(the_resource_describes_the_process_its_host_and_who_records)
{
	static const char *const want[][2] = {
		{"service.name", "shop"},
		{"process.executable.name", "python3.11"},
		{"process.executable.path", "/usr/bin/python3.11"},
		{"process.command", "python3"},
		{"process.owner", "www-data"},
		{"process.creation.time", "2023-11-14T22:13:22.500Z"},
		{"process.runtime.name", "cpython"},
		{"process.runtime.version", "3.11"},
		{"host.id", "3d1219c7c4c5404aaa1f6d2a48adfda4"},
		{"os.type", "linux"},
		{"container.id",
		 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
		{"telemetry.sdk.name", "otelbpf"},
		{"telemetry.sdk.language", "python"},
		{"telemetry.distro.name", "otelbpf"},
		{"process.command_args", "(none)"},
	};
	struct fake_proc p = tree();
	struct resource *r = identity_of(&p.root, 7, NULL);

	for (size_t i = 0; i < array_size(want); i++)
		CHECK_STR(text_of(r, want[i][0]), want[i][1]);
	CHECK_INT(number_of(r, "process.pid"), 7);
	CHECK_INT(strlen(text_of(r, "service.instance.id")), 36);
	CHECK_INT(text_of(r, "service.instance.id")[14], '5');
	resource_put(r);
	fake_proc_done(&p);
}

TEST(the_processs_own_environment_names_the_service)
{
	static const char both[] = "OTEL_SERVICE_NAME=mine\0OTEL_RESOURCE_ATTRIBUTES="
				   "service.name=other,team=a%20b,telemetry.sdk.name=x";
	static const char bad[] = "OTEL_RESOURCE_ATTRIBUTES=service.name=other,team";
	struct identity_notes notes = {0};
	struct fake_proc p = tree();
	struct resource *r;

	fake_proc_bytes(&p, "7/environ", both, sizeof(both));
	r = identity_build(&p.root, 7, NULL, &notes);
	CHECK_STR(text_of(r, "service.name"), "mine");
	CHECK_STR(text_of(r, "team"), "a b");
	CHECK_STR(text_of(r, "telemetry.sdk.name"), "otelbpf");
	CHECK(notes.named);
	resource_put(r);

	fake_proc_bytes(&p, "7/environ", both + 23, sizeof(both) - 23);
	r = identity_of(&p.root, 7, NULL);
	CHECK_STR(text_of(r, "service.name"), "other");
	resource_put(r);

	fake_proc_bytes(&p, "7/environ", bad, sizeof(bad));
	r = identity_build(&p.root, 7, NULL, &notes);
	CHECK_STR(text_of(r, "service.name"), "shop");
	CHECK_STR(text_of(r, "team"), "(none)");
	CHECK(notes.bad_attributes);
	resource_put(r);
	fake_proc_done(&p);
}

/* A process record with room for arguments, which '|' separates. */
union proc_record {
	struct record_proc r;
	u8 all[sizeof(struct record_proc) + 128];
};

static union proc_record record(u8 event, u32 pid, u32 ppid, const char *args)
{
	union proc_record p = {.r = {.event = event, .pid = pid, .ppid = ppid}};
	size_t n = args ? strlen(args) + 1 : 0;

	p.r.h.kind = REC_PROC;
	p.r.h.size = (u32)(sizeof(p.r) + n);
	p.r.h.time = clock_mono();
	p.r.args_len = (u16)n;
	for (size_t i = 0; i < n; i++)
		p.all[sizeof(p.r) + i] = args[i] == '|' ? 0 : (u8)args[i];
	if (n)
		snprintf((char *)p.r.comm, sizeof(p.r.comm), "%.*s", (int)strcspn(args, "|"), args);
	return p;
}

static void feed(struct identities *ids, u8 event, u32 pid, u32 ppid, const char *args)
{
	union proc_record p = record(event, pid, ppid, args);

	identities_record(ids, &p.r);
}

TEST(a_forked_worker_has_its_parents_name_and_an_instance_of_its_own)
{
	struct fake_proc p = tree();
	struct identities *ids = identities_new(&p.root);
	struct resource *parent, *child, *again;

	feed(ids, PROC_FOUND, 7, 1, NULL);
	feed(ids, PROC_FORK, 8, 7, NULL);
	parent = identities_get(ids, 7);
	child = identities_get(ids, 8);
	again = identities_get(ids, 8);
	CHECK_STR(text_of(child, "service.name"), "shop");
	CHECK_INT(number_of(child, "process.pid"), 8);
	CHECK(strcmp(text_of(child, "service.instance.id"),
		     text_of(parent, "service.instance.id")));
	CHECK(child == again);
	resource_put(parent);
	resource_put(child);
	resource_put(again);
	identities_free(ids);
	fake_proc_done(&p);
}

TEST(an_exec_gives_a_new_name_even_to_a_process_that_is_gone)
{
	struct fake_proc p = tree();
	struct identities *ids = identities_new(&p.root);
	struct resource *r;

	feed(ids, PROC_FOUND, 7, 1, NULL);
	feed(ids, PROC_FORK, 8, 7, NULL);
	feed(ids, PROC_EXEC, 8, 7, "curl|-s|http://localhost/");
	feed(ids, PROC_EXIT, 8, 7, NULL);
	r = identities_get(ids, 8);
	CHECK_STR(text_of(r, "service.name"), "curl");
	CHECK_STR(text_of(r, "process.executable.name"), "curl");
	CHECK_INT(strlen(text_of(r, "service.instance.id")), 36);
	CHECK_INT(strlen(text_of(r, "process.creation.time")), 24);
	resource_put(r);
	identities_free(ids);
	fake_proc_done(&p);
}

TEST(an_exited_process_is_known_for_some_seconds_and_then_forgotten)
{
	struct fake_proc p = tree();
	struct identities *ids = identities_new(&p.root);
	u64 now = clock_mono();
	struct resource *r;
	unsigned alive;

	feed(ids, PROC_FOUND, 7, 1, NULL);
	feed(ids, PROC_EXIT, 7, 1, NULL);
	fake_proc_remove(&p, "7");
	identities_tick(ids, now + NS_PER_SEC);
	CHECK_INT(identities_known(ids, &alive), 1);
	CHECK_INT(alive, 0);
	r = identities_get(ids, 7);
	CHECK_STR(text_of(r, "service.name"), "shop");
	resource_put(r);
	identities_tick(ids, now + (u64)(IDENTITY_KEEP_S + 2) * NS_PER_SEC);
	CHECK_INT(identities_known(ids, &alive), 0);
	identities_free(ids);
	fake_proc_done(&p);
}

TEST(a_pid_that_is_used_again_is_another_process)
{
	struct fake_proc p = tree();
	struct identities *ids = identities_new(&p.root);
	struct resource *r;
	unsigned alive;

	feed(ids, PROC_FOUND, 7, 1, NULL);
	feed(ids, PROC_FORK, 8, 7, NULL);
	feed(ids, PROC_EXEC, 8, 7, "curl|x");
	feed(ids, PROC_EXIT, 8, 7, NULL);
	feed(ids, PROC_FORK, 8, 7, NULL);
	r = identities_get(ids, 8);
	CHECK_STR(text_of(r, "service.name"), "shop");
	CHECK_INT(identities_known(ids, &alive), 2);
	CHECK_INT(alive, 2);
	resource_put(r);
	identities_free(ids);
	fake_proc_done(&p);
}

TEST(our_own_service_name_is_for_the_service_that_was_asked_for)
{
	static const char named[] = "OTEL_SERVICE_NAME=mine";
	struct fake_proc p = tree();
	struct identities *ids = identities_new(&p.root);
	struct resource *r;

	identities_fallback_name(ids, "given");
	feed(ids, PROC_FOUND, 7, 1, NULL);
	r = identities_get(ids, 7);
	CHECK_STR(text_of(r, "service.name"), "given");
	resource_put(r);
	feed(ids, PROC_FORK, 8, 7, NULL);
	feed(ids, PROC_EXEC, 8, 7, "curl|x");
	r = identities_get(ids, 8);
	CHECK_STR(text_of(r, "service.name"), "curl");
	resource_put(r);
	feed(ids, PROC_EXEC, 7, 1, "nginx|-g|x");
	r = identities_get(ids, 7);
	CHECK_STR(text_of(r, "service.name"), "given");
	resource_put(r);
	fake_proc_bytes(&p, "7/environ", named, sizeof(named));
	feed(ids, PROC_EXEC, 7, 1, NULL);
	r = identities_get(ids, 7);
	CHECK_STR(text_of(r, "service.name"), "mine");
	resource_put(r);
	identities_free(ids);
	fake_proc_done(&p);
}

TEST(the_number_of_known_processes_is_bounded_and_what_is_forgotten_is_counted)
{
	struct fake_proc p = tree();
	struct identities *ids = identities_new(&p.root);
	struct resource *r;
	unsigned alive;

	feed(ids, PROC_FOUND, 7, 1, NULL);
	for (u32 pid = 100; pid < 100 + IDENTITIES_MAX; pid++)
		feed(ids, PROC_FORK, pid, 7, NULL);
	CHECK_INT(identities_known(ids, &alive), IDENTITIES_MAX);
	CHECK_INT(identities_counts(ids)->evicted, 1);
	r = identities_get(ids, 100 + IDENTITIES_MAX - 1);
	CHECK_STR(text_of(r, "service.name"), "shop");
	resource_put(r);
	identities_free(ids);
	fake_proc_done(&p);
}

TEST(attributes_over_the_limit_of_a_resource_are_counted)
{
	struct fake_proc p = tree();
	struct identities *ids = identities_new(&p.root);
	struct buf env = {0};

	buf_str(&env, "OTEL_RESOURCE_ATTRIBUTES=");
	for (int i = 0; i < RESOURCE_ATTRS_MAX; i++)
		buf_printf(&env, "%skey%d=value", i ? "," : "", i);
	buf_u8(&env, 0);
	feed(ids, PROC_FOUND, 7, 1, NULL);
	CHECK_INT(identities_counts(ids)->attributes_dropped, 0);
	fake_proc_bytes(&p, "8/environ", env.data, env.len);
	feed(ids, PROC_FOUND, 8, 1, NULL);
	CHECK_INT(identities_counts(ids)->attributes_dropped, 1);
	buf_done(&env);
	identities_free(ids);
	fake_proc_done(&p);
}

TEST(a_record_that_is_cut_short_is_not_read_beyond_its_end)
{
	struct fake_proc p = tree();
	struct identities *ids = identities_new(&p.root);
	union proc_record rec = record(PROC_EXEC, 9, 1, "abcdefghijkl");
	struct bytes copy;
	struct resource *r;

	rec.r.h.size = sizeof(rec.r) + 8;
	copy = guard_copy(bytes_of(&rec, rec.r.h.size));
	identities_record(ids, (const struct record_proc *)(const void *)copy.p);
	r = identities_get(ids, 9);
	CHECK_STR(text_of(r, "process.executable.name"), "abcdefghijkl"); /* comm has it whole */
	resource_put(r);
	guard_free(copy);
	rec.r.h.size = sizeof(rec.r.h);
	identities_record(ids, &rec.r);
	identities_free(ids);
	identities_free(NULL);
	fake_proc_done(&p);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
