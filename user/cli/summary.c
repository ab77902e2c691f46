/* SPDX-License-Identifier: Apache-2.0 */
/* What was done, at the end: a few lines for a person, all of it as JSON. */
#include "cli/summary.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	SMAPS_MAX = 4 << 20
};

/* A counter of whichever side. */
struct counter {
	const char *name, *text;
	bool loss;
	u64 value;
};

enum {
	IDENTITY_COUNTERS = 3,
	COUNTERS = KSTAT_MAX + 1 + STAT_MAX + IDENTITY_COUNTERS
};

/* Every counter there is, in the order of the flow. */
static void collect(const struct summary *s, struct counter out[COUNTERS])
{
	static const struct counter kernel[KSTAT_MAX] = {
#define X(id, name, loss, text) [KSTAT_##id] = {name, text, loss, 0},
		KERNEL_STATS(X)
#undef X
	};
	const struct counter identity[IDENTITY_COUNTERS] = {
		{"identity.evicted", "process identities forgotten: too many at once", false,
		 s->identity.evicted},
		{"identity.attributes_dropped", "processes with more attributes than are kept",
		 true, s->identity.attributes_dropped},
		{"identity.bad_attributes", "processes whose OTEL_RESOURCE_ATTRIBUTES is malformed",
		 true, s->identity.bad_attributes},
	};
	size_t n = 0;

	for (size_t i = 0; i < KSTAT_MAX; i++) {
		out[n] = kernel[i];
		out[n++].value = s->kernel[i];
	}
	out[n++] =
		(struct counter){"kernel.recursion_misses", "program runs that the kernel skipped",
				 true, s->recursion_misses};
	for (size_t i = 0; i < STAT_MAX; i++)
		out[n++] = (struct counter){user_stat_info[i].name, user_stat_info[i].text,
					    user_stat_info[i].loss, stat_get((enum user_stat)i)};
	for (size_t i = 0; i < IDENTITY_COUNTERS; i++)
		out[n++] = identity[i];
}

double summary_coverage(const struct summary *s)
{
	double seen = (double)s->kernel[KSTAT_BYTES_SEEN];
	double missed = (double)s->kernel[KSTAT_BYTES_MISSED];

	return seen + missed > 0 ? 100 * seen / (seen + missed) : -1;
}

/* "1 span", "2 spans" */
static void count_of(FILE *out, u64 n, const char *what)
{
	fprintf(out, "%llu %s%s", (unsigned long long)n, what, n == 1 ? "" : "s");
}

void summary_print(FILE *out, const struct summary *s)
{
	struct counter all[COUNTERS];
	double coverage = summary_coverage(s);

	fputs("otelbpf: ", out);
	count_of(out, stat_get(STAT_SPANS), "span");
	fputs(" from ", out);
	count_of(out, stat_get(STAT_CONNECTIONS), "connection");
	fprintf(out, " in %.1f s", s->seconds);
	/* Rounded down: 100 % is said only when it is. */
	if (coverage >= 0)
		fprintf(out, ", %.*f %% of their bytes seen", coverage == 100 ? 0 : 2,
			(double)(u64)(coverage * 100) / 100);
	fputc('\n', out);

	collect(s, all);
	for (size_t i = 0; i < COUNTERS; i++)
		if (all[i].loss && all[i].value)
			fprintf(out, "otelbpf: lost: %s = %llu (%s)\n", all[i].name,
				(unsigned long long)all[i].value, all[i].text);
}

static json_t *counters_json(const struct summary *s)
{
	struct counter all[COUNTERS];
	json_t *object = json_object();

	collect(s, all);
	for (size_t i = 0; i < COUNTERS; i++)
		if (json_object_set_new(object, all[i].name,
					json_integer((json_int_t)all[i].value))) {
			json_decref(object);
			return NULL;
		}
	return object;
}

int stats_write(FILE *out, const struct summary *s)
{
	double coverage = summary_coverage(s);
	json_t *root, *counters = counters_json(s);
	int err;

	if (!counters)
		return -ENOMEM;
	/* "o" takes counters, also when packing fails. */
	root = json_pack("{s:i, s:s, s:f, s:o, s:o, s:{s:I, s:I, s:I}}", "schema", 1, "version",
			 OTELBPF_VERSION, "duration_seconds", s->seconds, "coverage_percent",
			 coverage < 0 ? json_null() : json_real(coverage), "counters", counters,
			 "sizes", "ring_bytes", (json_int_t)s->ring_bytes, "map_bytes",
			 (json_int_t)s->map_bytes, "rss_bytes", (json_int_t)s->rss_bytes);
	if (!root)
		return -ENOMEM;
	err = json_dumpf(root, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) ? -EIO : 0;
	json_decref(root);
	if (!err && (fputc('\n', out) == EOF || fflush(out)))
		err = -errno;
	return err;
}

/* "Rss:                8192 kB" in bytes; 0: another line. */
static u64 smaps_rss(struct bytes line)
{
	u64 kib;

	if (!bytes_starts(line, "Rss:") || !bytes_ends(line, " kB"))
		return 0;
	bytes_skip(&line, strlen("Rss:"));
	line.end -= strlen(" kB");
	return bytes_decimal(bytes_trim(line), &kib) ? 0 : kib << 10;
}

/* "7f12…-7f13… rw-s …": what a mapping's part of smaps begins with; other lines have a name. */
static bool smaps_is_mapping(struct bytes line)
{
	struct bytes word;

	return !bytes_until(&line, ' ', &word) && !bytes_ends(word, ":");
}

u64 summary_resident(const struct proc_root *root)
{
	struct buf text = {0};
	struct bytes rest, line;
	bool bpf = false;
	u64 rss = 0;

	if (!proc_read(root, (u32)getpid(), "smaps", SMAPS_MAX, &text)) {
		rest = buf_bytes(&text);
		while (!bytes_until(&rest, '\n', &line)) {
			if (smaps_is_mapping(line))
				bpf = bytes_ends(line, "anon_inode:bpf-map");
			else if (!bpf)
				rss += smaps_rss(line);
		}
	}
	buf_done(&text);
	return rss;
}
