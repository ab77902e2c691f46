/* SPDX-License-Identifier: Apache-2.0 */
/* Each way in which the kernel side loses something is provoked, and counted. */
#include "child.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/uio.h>

enum {
	LARGE = 2 << 20,
	PAGE = 4096
};

static u8 out[CAPTURE_HEAD_MAX], in[LARGE];

/* Passes n bytes from a to b, whose records nobody looks at. */
static void pass_unread(struct pair *p, size_t n)
{
	CHECK_INT(send(p->a.fd, out, n, 0), n);
	CHECK_INT(recv(p->b.fd, in, n, MSG_WAITALL), n);
	CHECK(!memcmp(in, out, n));
	end_moved(&p->a, DIR_SEND, (s64)n);
	end_moved(&p->b, DIR_RECV, (s64)n);
	p->a.seq[DIR_SEND] += (u32)n;
	p->b.seq[DIR_RECV] += (u32)n;
}

/* Until records are lost. The number of calls. */
static u64 fill_ring(struct pair *p)
{
	u64 before = rig_stat(KSTAT_RING_FULL), calls = 0;

	fill_pattern(out, sizeof(out), 2);
	while (rig_stat(KSTAT_RING_FULL) == before && calls < 4 * RING_BYTES / CAPTURE_HEAD_MAX) {
		pass_unread(p, sizeof(out));
		calls += 2;
	}
	return calls;
}

/* Until not even the smallest record finds room: one without content. */
static void cram_ring(struct pair *p)
{
	u64 before;

	fill_ring(p);
	before = rig_stat(KSTAT_RING_FULL);
	while (rig_stat(KSTAT_RING_FULL) == before)
		pass_unread(p, 10);
	CHECK_INT(send(p->a.fd, in, 1000, 0), 1000);
	before = rig_stat(KSTAT_RING_FULL);
	while (rig_stat(KSTAT_RING_FULL) == before && recv(p->b.fd, NULL, 1, MSG_TRUNC) == 1)
		;
	CHECK(rig_stat(KSTAT_RING_FULL) > before);
}

TEST(records_that_find_the_ring_full_are_counted_and_what_follows_is_at_its_place)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	u64 lost, written, calls;
	size_t from;
	struct io io;

	rig_drain();
	from = rig.n;
	lost = rig_stat(KSTAT_RING_FULL);
	written = rig_stat(KSTAT_RECORDS);
	calls = fill_ring(&p);
	lost = rig_stat(KSTAT_RING_FULL) - lost;
	written = rig_stat(KSTAT_RECORDS) - written;
	CHECK(lost > 0);
	CHECK_INT(lost + written, calls);
	rig_drain();
	CHECK_INT(rig.n - from, written);
	p.a.next[REC_DATA] = p.b.next[REC_DATA] = rig.n;
	io = IO(&p.a, DIR_SEND, out, send(p.a.fd, out, 100, 0));
	MOVED(io);
	io = IO(&p.b, DIR_RECV, in, recv(p.b.fd, in, 100, 0));
	MOVED(io);
	pair_close(&p);
	rig_forget();
}

TEST(a_connection_that_began_while_the_ring_was_full_is_told_later)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4), q = pair_open(PAIR_TCP4);
	const struct record_conn *c;
	struct io io;

	cram_ring(&p);
	fill_request(out, 100);
	/* The path that reserves, and that of vectors. */
	for (int i = 0; i < 2; i++) {
		struct iovec v = {out, 100};
		u64 before = rig_stat(KSTAT_RING_FULL);

		CHECK_INT(i ? writev(q.a.fd, &v, 1) : send(q.a.fd, out, 100, 0), 100);
		end_moved(&q.a, DIR_SEND, 100);
		CHECK_INT(rig_stat(KSTAT_RING_FULL) - before, 2); /* CONN and DATA */
	}
	rig_drain();
	NO_RECORD(&q.a);
	io = IO(&q.a, DIR_SEND, out, send(q.a.fd, out, 100, 0));
	MOVED(io);
	c = end_conn_record(&q.a);
	CHECK(c && c->role == ROLE_CLIENT);
	pair_close(&p);
	pair_close(&q);
	rig_forget();
}

/* A call that blocks in the middle of its buffers, and how it went. */
struct blocked {
	struct end *e;
	struct iovec v[2];
	int buffers;
	struct io io;
};

static void *send_blocked(void *ctx)
{
	struct blocked *b = ctx;

	if (b->buffers == 1)
		b->io = IO(b->e, DIR_SEND, b->v[0].iov_base,
			   send(b->e->fd, b->v[0].iov_base, b->v[0].iov_len, 0));
	else
		b->io = IO(b->e, DIR_SEND, b->v[0].iov_base, writev(b->e->fd, b->v, b->buffers));
	return NULL;
}

/* While the call waits for its peer, one page that it has copied already is given back. */
static void with_page_gone(struct pair *p, struct blocked *b, size_t gone, u8 *memory)
{
	size_t n = b->v[0].iov_len + (b->buffers > 1 ? b->v[1].iov_len : 0);
	pthread_t t = thread_start(send_blocked, b);

	rig_sleep(50);
	rig_need(!madvise(memory + gone, PAGE, MADV_DONTNEED), "a_page_is_given_back");
	CHECK_INT(recv(p->b.fd, in, n, MSG_WAITALL), n);
	pthread_join(t, NULL);
	CHECK_INT(b->io.ret, n);
}

static u8 *pages_new(void)
{
	u8 *p = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* Else one page cannot be given back by itself. */
	rig_need(p != MAP_FAILED && !madvise(p, LARGE, MADV_NOHUGEPAGE), "memory");
	fill_pattern(p, LARGE, 5);
	return p;
}

static void small_buffers(struct pair *p)
{
	int size = 16384;

	setsockopt(p->a.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(p->b.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static void fault_case(int buffers)
{
	struct pair p = pair_greeted(HERE, PAIR_UNIX_PATH);
	u64 faults = rig_stat(KSTAT_USER_FAULT);
	u8 *memory = pages_new();
	struct blocked b = {
		.e = &p.a,
		.v = {{memory, LARGE / 2}, {memory + LARGE / 2, LARGE / 2}},
		.buffers = buffers,
	};

	small_buffers(&p);
	with_page_gone(&p, &b, 0, memory);
	MOVED_BARE(b.io);
	CHECK_INT(rig_stat(KSTAT_USER_FAULT) - faults, 1);
	pair_close(&p);
	munmap(memory, LARGE);
}

TEST(a_buffer_that_cannot_be_read_any_more_is_a_record_without_content_and_counted)
{
	fault_case(1);
}

TEST(a_first_of_several_buffers_that_cannot_be_read_is_a_record_without_content_and_counted)
{
	fault_case(2);
}

/* Its bytes are missing although there was room for them. */
TEST(a_later_buffer_that_cannot_be_read_is_counted)
{
	struct pair p = pair_greeted(HERE, PAIR_UNIX_PATH);
	u64 faults = rig_stat(KSTAT_USER_FAULT);
	u8 *memory = pages_new();
	struct blocked b = {
		.e = &p.a,
		.v = {{memory, PAGE}, {memory + PAGE, LARGE - PAGE}},
		.buffers = 2,
	};

	small_buffers(&p);
	with_page_gone(&p, &b, PAGE, memory);
	MOVED_PART(b.io, PAGE, CAPTURE_TAIL_MAX);
	CHECK_INT(rig_stat(KSTAT_USER_FAULT) - faults, 1);
	pair_close(&p);
	munmap(memory, LARGE);
}

/* The descriptor of a map of the probe of this process, by its name; -1: none. */
static int map_named(const char *name)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	int found = -1;

	while (found < 0 && dir && (e = readdir(dir))) {
		int fd = (int)strtol(e->d_name, NULL, 10);
		struct bpf_map_info info = {0};
		__u32 len = sizeof(info);
		char path[64];
		ssize_t n;
		char link[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, link, sizeof(link) - 1);
		if (n > 0 && strstr(link, "bpf-map") && !bpf_obj_get_info_by_fd(fd, &info, &len) &&
		    !strcmp(info.name, name))
			found = fd;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* As if a program were interrupted on every CPU in the middle of a record. */
static void set_scratch_busy(bool busy)
{
	int fd = map_named("scratch");
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);
	u64 *value;

	rig_need(fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len), "the_map_scratch_is_found");
	value = calloc(1, info.value_size);
	rig_need(value, "memory");
	value[0] = busy;
	for (__u32 cpu = 0; cpu < info.max_entries; cpu++)
		rig_need(!bpf_map_update_elem(fd, &cpu, value, 0), "the_map_scratch_is_written");
	free(value);
}

TEST(a_vector_that_finds_its_memory_in_use_is_counted_and_what_follows_is_at_its_place)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	u64 before = rig_stat(KSTAT_SCRATCH_BUSY);
	struct iovec v[2] = {{out, 100}, {out + 100, 100}};
	struct io io;

	fill_pattern(out, 200, 1);
	set_scratch_busy(true);
	CHECK_INT(writev(p.a.fd, v, 2), 200);
	set_scratch_busy(false);
	end_moved(&p.a, DIR_SEND, 200);
	p.a.seq[DIR_SEND] += 200;
	CHECK_INT(rig_stat(KSTAT_SCRATCH_BUSY) - before, 1);
	io = IO(&p.a, DIR_SEND, out, writev(p.a.fd, v, 2));
	MOVED(io);
	pair_close(&p);
}

/* A network namespace whose sockets may have no further memory. */
static int lose_memory(void)
{
	int fd, ok;

	if (unshare(CLONE_NEWNET))
		return -1;
	fd = open("/proc/sys/net/core/optmem_max", O_WRONLY);
	ok = fd >= 0 && write(fd, "0", 1) == 1;
	close(fd);
	return ok ? 0 : -1;
}

static int can_lose_memory(void *ctx)
{
	return lose_memory() != 0;
}

static int talk_without_memory(void *ctx)
{
	int fds[2];

	fill_request(out, 100);
	if (lose_memory() || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ||
	    send(fds[0], out, 100, 0) != 100 || recv(fds[1], in, 100, 0) != 100 ||
	    memcmp(in, out, 100))
		return 1;
	return 0;
}

TEST(calls_for_whose_state_there_is_no_memory_are_counted)
{
	u64 before = rig_stat(KSTAT_STORAGE_FULL);

	CHECK_INT(child_run(talk_without_memory, NULL), 0);
	CHECK_INT(rig_stat(KSTAT_STORAGE_FULL) - before, 2);
}

/* So many that two of them surely meet. */
enum {
	SENDS = 5000
};

struct contest {
	struct pair *p;
	size_t each;
};

static void *send_many(void *ctx)
{
	struct contest *c = ctx;

	for (int i = 0; i < SENDS; i++)
		if (send(c->p->a.fd, out, c->each, 0) != (ssize_t)c->each)
			return NULL;
	return c;
}

static u64 sent_records(struct end *e)
{
	const struct record_data *d;
	u64 bytes = 0;

	while ((d = end_data(e)))
		bytes += d->len;
	return bytes;
}

TEST(no_byte_is_said_to_be_missed_when_two_threads_send_on_one_connection)
{
	struct pair p = pair_greeted(HERE, PAIR_TCP4);
	u64 missed = rig_stat(KSTAT_BYTES_MISSED), all = SENDS * (100 + 37);
	struct contest first = {&p, 100}, second = {&p, 37};
	struct sink sink = {p.b.fd, all};
	const struct record_data *d;
	pthread_t t[3];
	struct io io;

	t[0] = thread_start(sink_run, &sink);
	t[1] = thread_start(send_many, &first);
	t[2] = thread_start(send_many, &second);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK_INT(sent_records(&p.a), all);
	CHECK_INT(rig_stat(KSTAT_BYTES_MISSED) - missed, 0);
	io = IO(&p.a, DIR_SEND, out, send(p.a.fd, out, 10, 0));
	p.a.seq_known[DIR_SEND] = false;
	p.a.pos[DIR_SEND] += all;
	d = MOVED(io);
	CHECK(d);
	pair_close(&p);
	rig_forget();
}

static int talk_untraced(void *ctx)
{
	int fds[2];

	fill_request(out, 100);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return 1;
	return send(fds[0], out, 100, 0) != 100 || recv(fds[1], in, 100, 0) != 100;
}

/* The last test: its processes stay in the map. */
TEST(a_child_that_finds_no_room_is_not_traced_and_counted)
{
	u64 before = rig_stat(KSTAT_PROCS_FULL);
	u32 pid = 1 << 24; /* above PID_MAX_LIMIT (include/linux/threads.h): nobody has it */
	pid_t child;
	int n = 0;

	while (!probe_add_pid(rig.probe, pid + (u32)n) && n <= PROCS_MAX)
		n++;
	CHECK(n < PROCS_MAX);
	rig_forget();
	child = child_start(talk_untraced, NULL);
	CHECK_INT(child_wait(child), 0);
	CHECK_INT(rig_stat(KSTAT_PROCS_FULL) - before, 1);
	rig_drain();
	CHECK_INT(rig.n, 0);
	CHECK(!probe_is_traced(rig.probe, (u32)child));
}

int main(int argc, char **argv)
{
	int failed;

	/* The limit is one of each network namespace since 6.8. */
	if (child_run(can_lose_memory, NULL))
		rig_leave_out("no_memory", "this kernel has no optmem_max in a network namespace");
	rig_start();
	failed = test_main(argc, argv);
	rig_stop();
	return failed;
}
