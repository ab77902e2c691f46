# The rules of the house that a program can check. Each is a script of several checks; their names as
# arguments choose some of them: tests/lint/style clang_format
lint: otelbpf
	@status=0; for t in style shape docs; do $(RUN) lint tests/lint/$$t || status=1; done; exit $$status
