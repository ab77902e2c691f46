/* SPDX-License-Identifier: Apache-2.0 */
/* Which TCP ports a process listens on. */
#include "target/listen.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "fake_proc.h"
#include "test.h"

#define LISTENER(port, inode)                                                                      \
	"   0: 00000000:" port " 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000"    \
	"        0 " inode " 1 0000000000000000 100 0 0 10 0\n"

static int parse(const char *text, u64 *inode, u16 *port)
{
	struct bytes line = guard_copy(bytes_str(text));
	int err = listen_parse(line, inode, port);

	guard_free(line);
	return err;
}

TEST(a_listening_socket_is_a_line_in_state_0A)
{
	u64 inode = 0;
	u16 port = 0;

	CHECK_INT(parse(LISTENER("1F90", "12345"), &inode, &port), 0);
	CHECK_INT(inode, 12345);
	CHECK_INT(port, 8080);
	/* Connected; and the line over the columns. */
	CHECK_INT(parse("   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 "
			"00000000  1000        0 77 1",
			&inode, &port),
		  -EINVAL);
	CHECK_INT(parse("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
			"retrnsmt   uid  timeout inode",
			&inode, &port),
		  -EINVAL);
	CHECK_INT(inode, 12345);
	CHECK_INT(port, 8080);
}

TEST(an_IPv6_listener_is_one_too)
{
	u64 inode = 0;
	u16 port = 0;

	CHECK_INT(parse("   0: 00000000000000000000000000000000:01BB "
			"00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 "
			"00000000     0        0 18446744073709551615 1",
			&inode, &port),
		  0);
	CHECK_INT(port, 443);
	CHECK(inode == UINT64_MAX);
}

TEST(a_line_that_is_cut_or_odd_is_no_listener)
{
	static const char *const odd[] = {
		LISTENER("11F90", "1"),
		LISTENER("", "1"),
		LISTENER("zz", "1"),
		LISTENER("1F90", "x"),
		LISTENER("1F90", "99999999999999999999"),
		"0 1F90 0 0A 0 0 0 0 0 1 ",
		"",
		" ",
		"          ",
	};
	const char *whole = LISTENER("1F90", "12345");
	u64 inode;
	u16 port;

	for (size_t i = 0; i < array_size(odd); i++)
		CHECK_INT(parse(odd[i], &inode, &port), -EINVAL);
	for (size_t n = 0; n < (size_t)(strstr(whole, "12345") - whole); n++) {
		struct bytes line = guard_copy(bytes_of(whole, n));

		CHECK_INT(listen_parse(line, &inode, &port), -EINVAL);
		guard_free(line);
	}
}

TEST(only_the_sockets_of_the_process_count_and_each_port_once)
{
	struct fake_proc p = fake_proc_new();
	u16 ports[LISTEN_PORTS_MAX] = {0};

	fake_proc_link(&p, "7/fd/0", "/dev/null");
	fake_proc_link(&p, "7/fd/1", "pipe:[500]");
	fake_proc_link(&p, "7/fd/2", "socket:[503]");
	fake_proc_link(&p, "7/fd/3", "socket:[501]");
	fake_proc_link(&p, "7/fd/4", "socket:[502]");
	fake_proc_link(&p, "7/fd/5", "socket:[x]");
	fake_proc_link(&p, "7/fd/6", "socket:[504");
	fake_proc_file(&p, "7/net/tcp",
		       "  sl  local_address\n" LISTENER("0050", "501") LISTENER("0051", "500")
			       LISTENER("0052", "999") LISTENER("0053", "503"));
	fake_proc_file(&p, "7/net/tcp6", LISTENER("0050", "502") LISTENER("0054", "504"));
	CHECK_INT(listen_ports(&p.root, 7, ports), 2);
	CHECK_INT(ports[0], 0x50);
	CHECK_INT(ports[1], 0x53);
	/* A kernel without IPv6. */
	fake_proc_remove(&p, "7/net/tcp6");
	CHECK_INT(listen_ports(&p.root, 7, ports), 2);
	fake_proc_remove(&p, "7/fd");
	CHECK_INT(listen_ports(&p.root, 7, ports), -ENOENT);
	CHECK_INT(listen_ports(&p.root, 8, ports), -ENOENT);
	fake_proc_done(&p);
}

TEST(more_ports_than_fit_are_left_out)
{
	struct fake_proc p = fake_proc_new();
	u16 ports[LISTEN_PORTS_MAX + 1];
	struct buf text = {0};
	char name[32], target[32];

	ports[LISTEN_PORTS_MAX] = 4711;
	buf_str(&text, "  sl  local_address rem_address   st\n");
	for (int i = 0; i < LISTEN_PORTS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "7/fd/%d", i);
		snprintf(target, sizeof(target), "socket:[%d]", 100 + i);
		fake_proc_link(&p, name, target);
		buf_printf(&text, "0: 00000000:%04X 0:0 0A 0:0 0:0 0 0 0 %d 1\n", 1000 + i,
			   100 + i);
	}
	buf_u8(&text, 0);
	fake_proc_file(&p, "7/net/tcp", (const char *)text.data);
	CHECK_INT(listen_ports(&p.root, 7, ports), LISTEN_PORTS_MAX);
	CHECK_INT(ports[LISTEN_PORTS_MAX - 1], 1000 + LISTEN_PORTS_MAX - 1);
	CHECK_INT(ports[LISTEN_PORTS_MAX], 4711);
	buf_done(&text);
	fake_proc_done(&p);
}

TEST(this_kernel_writes_these_files_as_expected)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), n, found = 0;
	u16 ports[LISTEN_PORTS_MAX];

	CHECK(fd >= 0 && !bind(fd, (struct sockaddr *)&a, len) && !listen(fd, 1) &&
	      !getsockname(fd, (struct sockaddr *)&a, &len));
	n = listen_ports(NULL, (u32)getpid(), ports);
	for (int i = 0; i < n; i++)
		found += ports[i] == ntohs(a.sin_port);
	CHECK_INT(found, 1);
	close(fd);
	n = listen_ports(NULL, (u32)getpid(), ports);
	for (int i = 0; i < n; i++)
		CHECK(ports[i] != ntohs(a.sin_port));
}

int main(int argc, char **argv)
{
	return test_main(argc, argv);
}
