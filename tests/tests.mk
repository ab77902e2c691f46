# The layers of tests, cheapest first. Included by the Makefile.
# Each test prints "ok NAME", "FAIL NAME" or "skip NAME: why"; tests/run counts them.

UNIT := $(patsubst tests/unit/%_test.c,%,$(wildcard tests/unit/*_test.c))
UNIT_BINS := $(UNIT:%=$(B)/tests/unit/%_test)
RUN := B=$(B) tests/run

$(B)/tests/%: $(B)/tests/%.o $(LIB_OBJS)
	$(call msg,LD,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(B)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call msg,CC,$<)$(CC) $(ALL_CFLAGS) -Itests -MMD -MP -c -o $@ $<

test: $(UNIT_BINS) test-golden test-replay
	@status=0; for t in $(UNIT_BINS); do $(RUN) unit $$t || status=1; done; exit $$status

-include $(wildcard tests/*/layer.mk)
