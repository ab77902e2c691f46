# The built program against real servers and clients. Each file is one subject and runs alone:
# OTELBPF=./otelbpf tests/e2e/nginx_test.py [WORD...]
E2E := $(sort $(wildcard tests/e2e/*_test.py))

test-e2e: $(B)/otelbpf
	@if ! why=$$(tests/e2e/harness.py); then \
		echo "skip e2e: $$why"; \
		mkdir -p $(B) && echo "e2e - 0 0 1" >>$${TALLY:-$(B)/tally}; \
		exit 0; \
	fi; \
	status=0; for t in $(E2E); do $(RUN) e2e $$t || status=1; done; exit $$status
