# A small real application and its spans, live. As root; nothing but packages of `make deps` is needed.
demo: otelbpf
	@deploy/demo/run ./otelbpf
