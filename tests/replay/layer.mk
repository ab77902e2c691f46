# The whole agent over recordings. UPDATE=1 rewrites what is expected.

RECORDINGS := $(sort $(wildcard tests/replay/*.rec))

.PHONY: test-replay
test-replay: $(B)/otelbpf
	@$(if $(UPDATE),tests/replay/replay_test.py --write,$(RUN) replay tests/replay/replay_test.py) \
		$(B)/otelbpf $(RECORDINGS)
