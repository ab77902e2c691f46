# make check: every layer, whether or not one before it failed, and the sum of all as the last line.

CHECK_LAYERS ?= lint test test-san test-bpf test-e2e test-vm fuzz-short

.PHONY: check test-san
check: export TALLY := $(CURDIR)/build/tally
check:
	@rm -f $(TALLY)
	@if $(MAKE) --no-print-directory all; then \
		for layer in $(CHECK_LAYERS); do \
			tests/run --layer $$layer $(MAKE) --no-print-directory $$layer; \
		done; \
	else \
		tests/run --layer build false; \
	fi; \
	tests/run --total

# The layers that need no root once more, with the address and undefined-behaviour sanitizers.
test-san:
	@$(MAKE) --no-print-directory SAN=1 test
