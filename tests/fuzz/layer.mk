# libFuzzer over the parsers and the pipeline, with the address and undefined-behaviour sanitizers.
# What a fuzzer finds goes to $(FUZZ_DIR); a crash becomes a golden case, what is interesting a file
# of tests/fuzz/corpus.

FUZZERS := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_DIR := build/fuzz
FUZZ_SRCS := $(foreach r,util span conn proto cause,$(wildcard user/$(r)/*.c)) user/pipeline.c
FUZZ_OBJS := $(FUZZ_SRCS:%.c=$(FUZZ_DIR)/%.o)
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS := -std=gnu11 -O1 -g $(WARN) -Werror -D_GNU_SOURCE -Iuser -Iinclude -Itests $(FUZZ_SAN)

.PHONY: fuzz fuzz-short
fuzz-short: FUZZ_TIME := 10
fuzz-short: fuzz-run
fuzz: fuzz-run

.PHONY: fuzz-run
fuzz-run: $(FUZZERS:%=$(FUZZ_DIR)/%_fuzz)
	@$(RUN) fuzz tests/fuzz/run $(FUZZ_DIR) $(FUZZ_TIME) $(FUZZERS)

$(FUZZ_DIR)/%_fuzz: $(FUZZ_DIR)/tests/fuzz/%_fuzz.o $(FUZZ_OBJS)
	$(call msg,LD,$@)$(CLANG) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ -ljansson -lpthread

$(FUZZ_DIR)/%.o: %.c
	@mkdir -p $(@D)
	$(call msg,FUZZCC,$<)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
