/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this kernel offers, found out by trying and by its own type information, never by its
 * version: distributions carry features back and switch them off.
 */
#ifndef PROBE_FEATURE_H
#define PROBE_FEATURE_H

#include "otelbpf/types.h"
#include "util/bytes.h"

enum hook_need {
	HOOK_REQUIRED, /* sock-tp does not work without it */
	HOOK_BETTER, /* used where it is there; without it something is lost */
	HOOK_UNUSED, /* this version of otelbpf does not use it */
};

/* X(enumerator, tracepoint, need, what it tells, what is lost without it) */
#define HOOKS(X)                                                                                   \
	X(SOCK_SEND_LENGTH, "sock_send_length", HOOK_REQUIRED, "bytes sent on a socket",           \
	  "all: nothing that is sent is seen")                                                     \
	X(SOCK_RECV_LENGTH, "sock_recv_length", HOOK_REQUIRED, "bytes received on a socket",       \
	  "all: nothing that is received is seen")                                                 \
	X(INET_SOCK_SET_STATE, "inet_sock_set_state", HOOK_REQUIRED,                               \
	  "who connected; connections that end or fail", "roles and ends of connections")          \
	X(SCHED_PROCESS_FORK, "sched_process_fork", HOOK_REQUIRED, "children of traced processes", \
	  "worker processes started later")                                                        \
	X(SCHED_PROCESS_EXIT, "sched_process_exit", HOOK_REQUIRED, "traced processes that end",    \
	  "when to stop; a reused pid would be traced")                                            \
	X(SCHED_PROCESS_EXEC, "sched_process_exec", HOOK_BETTER, "programs that they execute",     \
	  "names of programs that are executed later")                                             \
	X(SK_DATA_READY, "sk_data_ready", HOOK_BETTER, "when a request reached the socket",        \
	  "server spans begin when the request is read")                                           \
	X(TCP_DESTROY_SOCK, "tcp_destroy_sock", HOOK_BETTER, "sockets that are gone",              \
	  "some connections are found dead later")                                                 \
	X(TCP_SENDMSG_LOCKED, "tcp_sendmsg_locked", HOOK_UNUSED, "when a blocking send began",     \
	  "nothing in this version")                                                               \
	X(TCP_RCV_SPACE_ADJUST, "tcp_rcv_space_adjust", HOOK_UNUSED, "splice out of a socket",     \
	  "nothing in this version")                                                               \
	X(IO_URING_COMPLETE, "io_uring_complete", HOOK_UNUSED, "io_uring receives",                \
	  "nothing in this version")                                                               \
	X(SYS_ENTER, "sys_enter", HOOK_UNUSED, "when any system call began (family syscall)",      \
	  "nothing in this version")                                                               \
	X(SYS_EXIT, "sys_exit", HOOK_UNUSED, "every system call (family syscall)",                 \
	  "nothing in this version")

enum hook {
#define X(id, name, need, tells, lost) HOOK_##id,
	HOOKS(X)
#undef X
	HOOK_MAX
};

struct hook_info {
	const char *name, *tells, *lost;
	enum hook_need need;
};

extern const struct hook_info hook_info[HOOK_MAX];
extern const char *const hook_names[HOOK_MAX];

enum lockdown {
	LOCKDOWN_NONE,
	LOCKDOWN_INTEGRITY,
	LOCKDOWN_CONFIDENTIALITY, /* forbids BPF programs to read kernel memory */
};

/* errno fields are 0 or negative. */
struct features {
	char release[65], machine[65]; /* uname */
	int bpf_err; /* of the plainest use of bpf(2) */
	int btf_err; /* of reading the kernel's type information */
	u64 caps; /* effective capabilities, bit by number */
	int unprivileged_bpf_disabled; /* the sysctl; -1: not known */
	enum lockdown lockdown;
	bool hooks[HOOK_MAX];
	int ringbuf_err;
	int sk_storage_err; /* socket storage in a tracing program */
	int task_storage_err;
	bool sk_storage_iter; /* the iterator over all socket storage */
	/* By features_detect_more only: */
	int fentry_err; /* loading and attaching an empty fentry program */
	bool kprobes;
	const char *tracefs; /* where it is mounted; NULL: not */
	u64 memlock; /* RLIMIT_MEMLOCK in bytes; UINT64_MAX: none */
};

/* What loading needs to know: quick. */
void features_detect(struct features *f);
/* And what `otelbpf check` tells besides. */
void features_detect_more(struct features *f);

/* Does the process have the capabilities to load tracing programs? */
bool features_privileged(const struct features *f);
/* May it look at processes of other users in /proc? */
bool features_ptrace(const struct features *f);

/*
 * 0 when sock-tp can work. Else -errno, and why holds one line: what is missing, by name, and what
 * to do.
 */
must_check int features_missing(const struct features *f, char *why, size_t why_len);

/* How the programs reach the sockets. */
enum probe_family {
	PROBE_SOCK_TP,
	PROBE_SOCK_FN,
	PROBE_SYSCALL,
	PROBE_FAMILIES
};

struct family_info {
	const char *name, *needs, *lost;
	bool built; /* in this version of otelbpf */
};

extern const struct family_info family_info[PROBE_FAMILIES];

/* Does this kernel offer what the family needs? Says nothing of privileges. */
bool family_offered(const struct features *f, enum probe_family family);

/* The parts that read text, for tests: /proc/self/status and the lockdown file. */
must_check int caps_parse(struct bytes status, u64 *out);
enum lockdown lockdown_parse(struct bytes text);

#endif
