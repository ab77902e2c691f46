/* SPDX-License-Identifier: Apache-2.0 */
/* The host: its name, its id, what it is made of. */
#ifndef TARGET_HOST_H
#define TARGET_HOST_H

#include "target/proc.h"

struct host {
	char name[65]; /* struct utsname */
	char id[40]; /* machine-id; empty: none */
	char boot[40]; /* boot id; empty: not known */
	const char *arch; /* host.arch of the semantic conventions */
	u64 boot_time; /* seconds since 1970; 0: not known */
};

void host_read(const struct proc_root *root, struct host *out);

/* Is this an ELF file made by the Go linker? beginning: its first page. */
bool elf_is_go(struct bytes beginning);

#endif
