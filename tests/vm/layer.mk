# Other kernels, in virtual machines: make test-vm KERNELS="6.12 5.10". Their list is the file `kernels`.
KERNELS ?= $(shell sed -n 's/^\([0-9][^ ]*\) .*/\1/p' tests/vm/kernels)

test-vm: otelbpf test-bpf-programs
	@$(RUN) vm tests/vm/test $(KERNELS)

# The programs of the layer bpf, which run inside too: that layer's own rules say which they are.
.PHONY: test-bpf-programs
test-bpf-programs:
