# Conversations in text and the spans that they must give. UPDATE=1 rewrites what is expected.

GOLDEN := $(B)/tests/golden/golden_test

.PHONY: test-golden
test-golden: $(GOLDEN)
	@$(if $(UPDATE),$< --write,$(RUN) golden $<) $(sort $(wildcard tests/golden/*/*.txt))

$(GOLDEN): $(B)/tests/golden/case.o $(B)/tests/golden/show.o
