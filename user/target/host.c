/* SPDX-License-Identifier: Apache-2.0 */
/* The host: its name, its id, what it is made of. */
#include "target/host.h"

#include <elf.h>
#include <stdio.h>
#include <sys/utsname.h>

/* uname's machine to the enumeration of host.arch. */
static const char *arch_of(const char *machine)
{
	static const struct {
		const char *machine, *arch;
	} known[] = {
		{"x86_64", "amd64"},  {"aarch64", "arm64"}, {"i386", "x86"},	{"i686", "x86"},
		{"ppc64le", "ppc64"}, {"ppc64", "ppc64"},   {"s390x", "s390x"},
	};

	for (size_t i = 0; i < array_size(known); i++)
		if (!strcmp(machine, known[i].machine))
			return known[i].arch;
	return !strncmp(machine, "arm", 3) ? "arm32" : NULL;
}

/* The first line of a short file. */
static void copy_line(struct bytes text, char *out, size_t size)
{
	struct bytes line;

	if (bytes_until(&text, '\n', &line))
		line = text;
	line = bytes_head(bytes_trim(line), size - 1);
	if (!bytes_empty(line))
		memcpy(out, line.p, bytes_len(line));
	out[bytes_len(line)] = 0;
}

/* "btime 1700000000" in /proc/stat */
static u64 boot_time(struct bytes stat)
{
	struct bytes line;
	u64 t;

	while (!bytes_until(&stat, '\n', &line)) {
		if (!bytes_starts(line, "btime "))
			continue;
		bytes_skip(&line, 6);
		return bytes_decimal(line, &t) ? 0 : t;
	}
	return 0;
}

void host_read(const struct proc_root *root, struct host *out)
{
	struct utsname uts;
	struct buf text = {0};

	*out = (struct host){0};
	if (!uname(&uts)) {
		snprintf(out->name, sizeof(out->name), "%s", uts.nodename);
		out->arch = arch_of(uts.machine);
	}
	if (!proc_read_etc(root, "machine-id", 64, &text))
		copy_line(buf_bytes(&text), out->id, sizeof(out->id));
	buf_clear(&text);
	if (!proc_read_global(root, "sys/kernel/random/boot_id", 64, &text))
		copy_line(buf_bytes(&text), out->boot, sizeof(out->boot));
	buf_clear(&text);
	if (!proc_read_global(root, "stat", 1 << 20, &text))
		out->boot_time = boot_time(buf_bytes(&text));
	buf_done(&text);
}

/* Does a segment of notes hold Go's build id: owner "Go", type 4 (cmd/internal/buildid)? */
static bool has_go_note(struct bytes notes)
{
	Elf64_Nhdr n;
	struct bytes head, name, desc;

	while (!bytes_take(&notes, sizeof(n), &head)) {
		memcpy(&n, head.p, sizeof(n));
		if (bytes_take(&notes, ((size_t)n.n_namesz + 3) & ~3UL, &name))
			return false;
		if (n.n_type == 4 && n.n_namesz == 4 && !memcmp(name.p, "Go\0", 4))
			return true;
		if (bytes_take(&notes, ((size_t)n.n_descsz + 3) & ~3UL, &desc))
			return false;
	}
	return false;
}

bool elf_is_go(struct bytes beginning)
{
	struct bytes rest = beginning, view;
	Elf64_Ehdr e;

	if (bytes_take(&rest, sizeof(e), &view))
		return false;
	memcpy(&e, view.p, sizeof(e));
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) || e.e_ident[EI_CLASS] != ELFCLASS64 ||
	    e.e_phentsize != sizeof(Elf64_Phdr) || e.e_phoff > bytes_len(beginning))
		return false;
	rest = beginning;
	bytes_skip(&rest, e.e_phoff);
	for (unsigned i = 0; i < e.e_phnum; i++) {
		struct bytes notes = beginning;
		Elf64_Phdr p;

		if (bytes_take(&rest, sizeof(p), &view))
			return false;
		memcpy(&p, view.p, sizeof(p));
		if (p.p_type != PT_NOTE || p.p_offset > bytes_len(beginning))
			continue;
		bytes_skip(&notes, p.p_offset);
		if (has_go_note(bytes_head(notes, p.p_filesz)))
			return true;
	}
	return false;
}
