/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tiny test harness. A test program is
 *
 *	TEST(a_name_that_says_what_it_proves) { CHECK_INT(1 + 1, 2); }
 *	int main(int argc, char **argv) { return test_main(argc, argv); }
 *
 * It prints "ok NAME" or "FAIL NAME" a line for each test, what was expected and what was got below
 * a FAIL, and exits 1 when any failed. Arguments choose the tests whose names contain one of them.
 */
#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/bytes.h"

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

static struct test *test_first, **test_last = &test_first;
static int test_failures;

#define TEST(id)                                                                                   \
	static void test_##id(void);                                                               \
	static struct test test_entry_##id = {#id, test_##id, NULL};                               \
	__attribute__((constructor)) static void test_add_##id(void)                               \
	{                                                                                          \
		*test_last = &test_entry_##id;                                                     \
		test_last = &test_entry_##id.next;                                                 \
	}                                                                                          \
	static void test_##id(void)

#define CHECK(cond) test_check(!!(cond), __FILE__, __LINE__, #cond)
#define CHECK_INT(got, want) test_int((long long)(got), (long long)(want), __FILE__, __LINE__, #got)
#define CHECK_TEXT(got, want) test_text((got), bytes_str(want), __FILE__, __LINE__, #got)
#define CHECK_STR(got, want) test_text(bytes_str(got), bytes_str(want), __FILE__, __LINE__, #got)

static inline void test_check(int ok, const char *file, int line, const char *what)
{
	if (ok)
		return;
	test_failures++;
	printf("  %s:%d: not true: %s\n", file, line, what);
}

static inline void test_int(long long got, long long want, const char *file, int line,
			    const char *what)
{
	if (got == want)
		return;
	test_failures++;
	printf("  %s:%d: %s\n    expected %lld\n    got      %lld\n", file, line, what, want, got);
}

static inline void test_text(struct bytes got, struct bytes want, const char *file, int line,
			     const char *what)
{
	if (bytes_eq(got, want))
		return;
	test_failures++;
	printf("  %s:%d: %s\n    expected «%.*s»\n    got      «%.*s»\n", file, line, what,
	       (int)bytes_len(want), (const char *)want.p, (int)bytes_len(got),
	       (const char *)got.p);
}

/*
 * A copy of the bytes whose end touches an unreadable page: reading one byte too many crashes.
 * Give it back with guard_free.
 */
static inline struct bytes guard_copy(struct bytes b)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (bytes_len(b) + page) / page * page;
	u8 *map =
		mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u8 *p;

	if (map == MAP_FAILED || mprotect(map + room, page, PROT_NONE))
		abort();
	p = map + room - bytes_len(b);
	if (!bytes_empty(b))
		memcpy(p, b.p, bytes_len(b));
	return bytes_of(p, bytes_len(b)).p ? (struct bytes){p, map + room} : b;
}

static inline void guard_free(struct bytes b)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (bytes_len(b) + page) / page * page;

	munmap((void *)(b.end - room), room + page);
}

static inline int test_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return 1;
	return argc < 2;
}

static inline int test_main(int argc, char **argv)
{
	int failed = 0;

	for (struct test *t = test_first; t; t = t->next) {
		int before = test_failures;

		if (!test_wanted(t->name, argc, argv))
			continue;
		t->run();
		printf("%s %s\n", test_failures == before ? "ok" : "FAIL", t->name);
		failed |= test_failures != before;
		fflush(stdout);
	}
	return failed;
}

#endif
