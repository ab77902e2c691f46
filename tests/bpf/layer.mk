# The kernel side on this kernel: its programs load, and real socket calls give the right records.

BPF_TESTS := $(patsubst tests/bpf/%.c,$(B)/tests/bpf/%,$(wildcard tests/bpf/*_test.c))

.PHONY: test-bpf-programs
test-bpf-programs: $(BPF_TESTS)

$(B)/tests/bpf/load_test.o: $(SKEL)
$(B)/tests/bpf/uring_test: LIBS += -luring

test-bpf: test-bpf-programs
	@why=; \
	[ "$$(id -u)" = 0 ] || why='tracing needs root'; \
	[ -e /sys/kernel/btf/vmlinux ] || why='this kernel has no type information (BTF)'; \
	if [ -n "$$why" ]; then $(RUN) bpf printf 'skip bpf: %s\n' "$$why"; exit; fi; \
	status=0; for t in $(BPF_TESTS); do $(RUN) bpf $$t || status=1; done; exit $$status
