# The packages that building and testing need, and `make deps`, which installs them on Debian and Ubuntu.

# This file is included first and is not meant to hold the default goal.
.DEFAULT_GOAL := all

# One package a word. a/b: the first that the release has. N stands for the version of clang.
BUILD_PACKAGES := gcc make pkg-config clang llvm libbpf-dev libelf-dev zlib1g-dev libprotobuf-c-dev \
	protobuf-c-compiler libcurl4-openssl-dev libjansson-dev bpftool/linux-tools-generic
# lint; fuzz (libFuzzer and sanitizers for clang); real servers and clients; virtual machines.
TEST_PACKAGES := clang-format shellcheck universal-ctags \
	libclang-rt-N-dev/libclang-common-N-dev \
	nginx-light/nginx gunicorn redis-server curl wrk python3 python3-protobuf iproute2 procps liburing-dev openssl \
	qemu-system-x86 busybox-static cpio

.PHONY: deps
# When other goals follow, the packages are installed before they are even read: what pkg-config says
# changes by it. GNU make does so for an included file that has a rule, and then starts afresh.
ifneq ($(filter deps,$(MAKECMDGOALS)),)
ifeq ($(MAKE_RESTARTS)$(findstring n,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),)
include build/deps.mk
build/deps.mk: FORCE
	@tests/deps $(BUILD_PACKAGES) $(TEST_PACKAGES)
	@mkdir -p build && echo '# Packages were installed.' >$@
.PHONY: FORCE
FORCE:
endif
endif
deps:
	@:
