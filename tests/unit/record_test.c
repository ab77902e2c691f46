/* SPDX-License-Identifier: Apache-2.0 */
/* Which records are believed, and what a recording keeps of them. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "counted.h"
#include "records.h"
#include "source/source.h"
#include "test.h"

static char folder[64], path[80], why[256];

static void folder_new(void)
{
	snprintf(folder, sizeof(folder), "/tmp/otelbpf-record-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	snprintf(path, sizeof(path), "%s/rec", folder);
}

static void folder_done(void)
{
	unlink(path);
	rmdir(folder);
}

/* Through a guard page: nothing behind what is available may be looked at. */
static bool valid(const void *record, size_t available)
{
	struct bytes copy = guard_copy(bytes_of(record, available));
	/* Records are aligned; those of a length that is not would end before the guard page. */
	bool ok = record_valid((const struct record *)(const void *)copy.p, available);

	guard_free(copy);
	return ok;
}

TEST(a_record_is_as_long_as_its_kind_and_its_lengths_say)
{
	union data_record *u = data_record(1, DIR_RECV, 0, bytes_str("12345678"));
	size_t size = u->r.h.size;

	CHECK(record_valid(&u->r.h, size));
	CHECK(record_valid(&u->r.h, size + 100)); /* A reservation is larger. */
	CHECK(!record_valid(&u->r.h, size - 1));
	u->r.head++;
	CHECK(!record_valid(&u->r.h, size));
	u->r.head -= 2;
	CHECK(!record_valid(&u->r.h, size));
	u->r.tail = 1;
	CHECK(record_valid(&u->r.h, size));
	u->r.head = u->r.tail = UINT16_MAX;
	u->r.h.size = UINT32_MAX;
	CHECK(!record_valid(&u->r.h, SIZE_MAX));
	free(u);
}

TEST(nothing_is_read_beyond_a_record_that_is_cut_short)
{
	static const u16 kinds[] = {REC_DATA,	  REC_CONN,  REC_END,	  REC_PROC, REC_CLOCK,
				    REC_RESOURCE, REC_STATS, REC_CONTROL, 0,	    UINT16_MAX};
	static const size_t least[] = {sizeof(struct record_data),
				       sizeof(struct record_conn),
				       sizeof(struct record_end),
				       sizeof(struct record_proc),
				       sizeof(struct record_clock),
				       sizeof(struct record_resource),
				       sizeof(struct record_stats),
				       0,
				       0,
				       0};
	static _Alignas(8) u8 room[512];

	for (size_t k = 0; k < array_size(kinds); k++)
		for (size_t n = 0; n < 256; n += 8) {
			struct record *r = (struct record *)room;

			*r = (struct record){.kind = kinds[k], .size = (u32)n};
			CHECK_INT(valid(room, n), least[k] && n == least[k]);
			r->size = 0;
			CHECK(!valid(room, n));
		}
}

TEST(counts_that_overflow_are_not_believed)
{
	union {
		struct record_stats r;
		u8 room[256];
	} u = {0};

	u.r.h.kind = REC_STATS;
	u.r.h.size = sizeof(u.r) + 16;
	u.r.count = 2;
	CHECK(record_valid(&u.r.h, sizeof(u)));
	u.r.count = 3;
	CHECK(!record_valid(&u.r.h, sizeof(u)));
	u.r.count = 0x80000002; /* times eight: 16, in 32 bits */
	CHECK(!record_valid(&u.r.h, sizeof(u)));
	u.r.count = UINT32_MAX;
	CHECK(!record_valid(&u.r.h, sizeof(u)));
}

struct seen {
	unsigned count;
	u64 sum;
};

static void on_record(void *ctx, const struct record *r)
{
	struct seen *s = ctx;

	s->count++;
	s->sum += r->time * r->size;
}

static struct seen replayed(int expected)
{
	struct seen s = {0};
	struct replay *file = replay_open(path, why, sizeof(why));

	CHECK(file);
	if (file)
		CHECK_INT(replay_run(file, on_record, &s, why, sizeof(why)), expected);
	replay_close(file);
	return s;
}

TEST(a_recording_gives_back_what_was_written)
{
	char text[] = "123456789abcdefg";
	struct recorder *r;
	struct stat st;
	struct seen s;
	u64 sum = 0;

	folder_new();
	count_from_here();
	r = recorder_open(path, why, sizeof(why));
	/* Every remainder of a length. */
	for (size_t n = 1; n <= 16; n++) {
		union data_record *u = data_record(1, DIR_RECV, 0, bytes_of(text, n));

		u->r.h.time = n;
		sum += n * u->r.h.size;
		recorder_write(r, &u->r.h);
		free(u);
	}
	recorder_close(r);
	recorder_close(NULL);
	s = replayed(0);
	CHECK_INT(s.count, 16);
	CHECK_INT(s.sum, sum);
	CHECK(!stat(path, &st) && (st.st_mode & 07777) == 0600);
	CHECK_INT(counted(STAT_RECORD_FAILED), 0);
	CHECK_INT(counted(STAT_BAD_RECORD), 0);
	folder_done();
}

TEST(a_file_that_others_could_read_is_closed_to_them)
{
	struct stat st;
	int fd;

	folder_new();
	fd = open(path, O_CREAT | O_WRONLY, 0644);
	CHECK(fd >= 0 && write(fd, "old", 3) == 3 && !fchmod(fd, 0644));
	close(fd);
	recorder_close(recorder_open(path, why, sizeof(why)));
	CHECK(!stat(path, &st) && (st.st_mode & 07777) == 0600);
	CHECK_INT(replayed(0).count, 0);
	folder_done();
}

TEST(a_device_keeps_its_mode)
{
	struct stat before, after;

	CHECK(!stat("/dev/null", &before));
	recorder_close(recorder_open("/dev/null", why, sizeof(why)));
	CHECK(!stat("/dev/null", &after));
	CHECK_INT(after.st_mode, before.st_mode);
	if (after.st_mode != before.st_mode && chmod("/dev/null", before.st_mode & 07777))
		abort();
}

TEST(a_recording_is_not_written_through_a_link)
{
	folder_new();
	CHECK(!symlink("/dev/null", path));
	CHECK(!recorder_open(path, why, sizeof(why)));
	CHECK(strstr(why, path) != NULL);
	folder_done();
	CHECK(!recorder_open("/nowhere/at/all", why, sizeof(why)));
	CHECK(strstr(why, "No such file") != NULL);
}

TEST(every_record_that_a_full_disk_does_not_take_is_counted)
{
	struct recorder *r = recorder_open("/dev/full", why, sizeof(why));
	struct record_end rec = end_record(1, 1, END_CLOSED);
	u64 at_half;

	count_from_here();
	CHECK(r);
	for (int i = 0; i < 1000; i++)
		recorder_write(r, &rec.h);
	at_half = counted(STAT_RECORD_FAILED);
	for (int i = 0; i < 1000; i++)
		recorder_write(r, &rec.h);
	CHECK_INT(counted(STAT_RECORD_FAILED) - at_half, 1000);
	recorder_close(r);
	CHECK_INT(counted(STAT_RECORD_FAILED), 2000);
}

TEST(what_only_the_close_finds_lost_is_counted)
{
	struct recorder *r = recorder_open("/dev/full", why, sizeof(why));
	struct record_end rec = end_record(1, 1, END_CLOSED);

	count_from_here();
	recorder_write(r, &rec.h);
	recorder_write(r, &rec.h);
	recorder_close(r);
	CHECK_INT(counted(STAT_RECORD_FAILED), 2);
}

static void write_file(const void *data, size_t n)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(data, 1, n, f) != n || fclose(f))
		abort();
}

TEST(a_recording_may_be_cut_anywhere)
{
	struct record_end rec = end_record(1, 1, END_CLOSED);
	u8 text[8 + 3 * sizeof(rec)] = "otelbpf1";

	folder_new();
	for (int i = 0; i < 3; i++)
		memcpy(text + 8 + i * sizeof(rec), &rec, sizeof(rec));
	for (size_t n = 0; n < 8; n++) {
		write_file(text, n);
		CHECK(!replay_open(path, why, sizeof(why)));
		CHECK(strstr(why, "is not a recording") != NULL);
	}
	for (size_t n = 8; n <= sizeof(text); n++) {
		bool whole = (n - 8) % sizeof(rec) == 0;

		write_file(text, n);
		CHECK_INT(replayed(whole ? 0 : -ENODATA).count, (n - 8) / sizeof(rec));
	}
	folder_done();
}

TEST(a_damaged_recording_is_named_with_its_place)
{
	struct record_end rec[2] = {end_record(1, 1, END_CLOSED), end_record(1, 1, END_CLOSED)};
	u8 text[8 + sizeof(rec)] = "otelbpf1";

	folder_new();
	count_from_here();
	rec[0].h.kind = 9; /* of a later version: passed over */
	memcpy(text + 8, rec, sizeof(rec));
	write_file(text, sizeof(text));
	CHECK_INT(replayed(0).count, 1);
	CHECK_INT(counted(STAT_BAD_RECORD), 1);
	for (u32 size = 0; size < 16; size++) {
		rec[1].h.size = size == 15 ? UINT32_MAX : size;
		memcpy(text + 8, rec, sizeof(rec));
		write_file(text, sizeof(text));
		replayed(-EINVAL);
		CHECK(strstr(why, "offset 64") != NULL);
	}
	folder_done();
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
