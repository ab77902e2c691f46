/* SPDX-License-Identifier: Apache-2.0 */
/* The summary and the statistics at the end. */
#include "cli/summary.h"

#include <jansson.h>

#include "fake_proc.h"
#include "test.h"

static char text[32768];

static void print(const struct summary *s)
{
	FILE *f;

	memset(text, 0, sizeof(text));
	f = fmemopen(text, sizeof(text) - 1, "w");
	summary_print(f, s);
	fclose(f);
}

static void clear(void)
{
	memset(user_stat_values, 0, sizeof(user_stat_values));
}

TEST(a_run_without_losses_is_one_line)
{
	struct summary s = {.seconds = 12.34};

	clear();
	stat_add(STAT_SPANS, 1204);
	stat_add(STAT_CONNECTIONS, 1);
	stat_add(STAT_ROOTS, 5); /* no loss: not named */
	s.kernel[KSTAT_BYTES_SEEN] = 1000;
	s.kernel[KSTAT_RECORDS] = 77;
	print(&s);
	CHECK_STR(text, "otelbpf: 1204 spans from 1 connection in 12.3 s, 100 % of their bytes "
			"seen\n");
}

TEST(every_loss_that_is_not_zero_is_named)
{
	struct summary s = {.seconds = 1, .recursion_misses = 4};

	clear();
	s.kernel[KSTAT_RING_FULL] = 12;
	s.identity.bad_attributes = 1;
	stat_add(STAT_QUEUE_FULL, 3);
	print(&s);
	CHECK_STR(text, "otelbpf: 0 spans from 0 connections in 1.0 s\n"
			"otelbpf: lost: kernel.ring_full = 12 (records lost because the ring "
			"buffer was full)\n"
			"otelbpf: lost: kernel.recursion_misses = 4 (program runs that the kernel "
			"skipped)\n"
			"otelbpf: lost: queue.full = 3 (spans lost: the export queue was full)\n"
			"otelbpf: lost: identity.bad_attributes = 1 (processes whose "
			"OTEL_RESOURCE_ATTRIBUTES is malformed)\n");
}

TEST(the_share_of_bytes_is_never_rounded_up_to_all)
{
	struct summary s = {0};

	clear();
	CHECK(summary_coverage(&s) < 0);
	s.kernel[KSTAT_BYTES_SEEN] = 99999999;
	s.kernel[KSTAT_BYTES_MISSED] = 1;
	print(&s);
	CHECK(strstr(text, ", 99.99 % of"));
}

TEST(statistics_hold_every_counter_by_its_name)
{
	struct summary s = {.seconds = 2.5, .ring_bytes = 8 << 20, .map_bytes = 9 << 20};
	json_t *root, *counters;
	FILE *f;

	clear();
	stat_add(STAT_SPANS, 7);
	s.kernel[KSTAT_RECORDS] = 9;
	memset(text, 0, sizeof(text));
	f = fmemopen(text, sizeof(text) - 1, "w");
	CHECK_INT(stats_write(f, &s), 0);
	fclose(f);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	counters = json_object_get(root, "counters");
	CHECK_INT(json_integer_value(json_object_get(root, "schema")), 1);
	CHECK(json_real_value(json_object_get(root, "duration_seconds")) == 2.5);
	CHECK(json_is_null(json_object_get(root, "coverage_percent")));
	for (size_t i = 0; i < STAT_MAX; i++)
		CHECK(json_is_integer(json_object_get(counters, user_stat_info[i].name)));
#define X(id, name, loss, meaning) CHECK(json_is_integer(json_object_get(counters, name)));
	KERNEL_STATS(X)
#undef X
	CHECK_INT(json_integer_value(json_object_get(counters, "span.made")), 7);
	CHECK_INT(json_integer_value(json_object_get(counters, "kernel.records")), 9);
	CHECK_INT(json_integer_value(json_object_get(json_object_get(root, "sizes"), "ring_bytes")),
		  8 << 20);
	json_decref(root);
}

TEST(statistics_that_cannot_be_written_are_an_error)
{
	struct summary s = {0};
	FILE *f = fopen("/dev/full", "w");

	CHECK(stats_write(f, &s) < 0);
	fclose(f);
}

TEST(resident_memory_is_counted_without_the_mappings_of_BPF_maps)
{
	static const char smaps[] =
		"1000-2000 rw-p 00000000 00:00 0                    [heap]\n"
		"Size:                100 kB\nRss:                  40 kB\nVmFlags: rd wr \n"
		"3000-9000 r--s 00001000 00:10 1038                 anon_inode:bpf-map\n"
		"Size:              16388 kB\nRss:               16388 kB\nVmFlags: rd sh \n"
		"a000-b000 r-xp 00000000 fe:00 32                   /usr/bin/otelbpf\n"
		"Rss:                   2 kB\nVmFlags: rd ex \n";
	struct fake_proc p = fake_proc_new();
	char name[32];

	snprintf(name, sizeof(name), "%d/smaps", (int)getpid());
	CHECK_INT(summary_resident(&p.root), 0);
	fake_proc_file(&p, name, smaps);
	CHECK_INT(summary_resident(&p.root), 42 << 10);
	CHECK(summary_resident(NULL) > 100 << 10);
	fake_proc_done(&p);
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
