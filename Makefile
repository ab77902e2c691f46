# otelbpf. The targets a person needs:
#
#   make             builds ./otelbpf
#   make deps        installs what building and testing need (Debian, Ubuntu; as root)
#   make demo        a small real application and its spans, live (as root)
#   make check       every test and lint (as root: some trace real servers)
#   make test        unit, golden and replay tests: no root, no network, seconds
#   make test-bpf test-e2e test-vm   one layer each (as root)
#   make fuzz        FUZZ_TIME=60 seconds for each fuzzer
#   make lint format install clean
#
# SAN=1 builds with the address and undefined-behaviour sanitizers; V=1 shows commands.

include tests/deps.mk

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PROTOC_C ?= protoc-c
VERSION := $(shell sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' deploy/CHANGELOG.md 2>/dev/null | head -n 1)
ARCH := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')

B := build$(if $(SAN),/san)
PREFIX ?= /usr/local
FUZZ_TIME ?= 60
PKGS := libbpf libelf libprotobuf-c libcurl zlib jansson
LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lpthread
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter
comma := ,
SANFLAGS := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -O1)
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(CFLAGS) $(WARN) -Werror $(SANFLAGS) -D_GNU_SOURCE -Iuser -Iinclude -I$(B) \
	-DOTELBPF_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDFLAGS_ALL := $(LDFLAGS) $(SANFLAGS) -Wl,-z,relro,-z,now

BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Iinclude -Ibpf -Wall -Wextra \
	-Wno-unused-parameter -Wno-missing-declarations -Werror
BPF_SRCS := $(wildcard bpf/*.bpf.c)
BPF_OBJS := $(BPF_SRCS:bpf/%.c=$(B)/bpf/%.o)
SKEL := $(B)/otelbpf.skel.h

ROOMS := util span source target probe conn proto cause export cli
LIB_SRCS := $(foreach r,$(ROOMS),$(wildcard user/$(r)/*.c)) user/pipeline.c user/app.c user/tee.c user/trace.c user/follow.c user/replay.c
LIB_OBJS := $(LIB_SRCS:%.c=$(B)/%.o) $(B)/otlp.pb-c.o
MAIN_OBJ := $(B)/user/main.o

Q := $(if $(V),,@)
msg = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)';)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all demo check test lint format install clean fuzz test-bpf test-e2e test-vm

all: otelbpf

otelbpf: $(B)/otelbpf
	$(call msg,STRIP,$@)strip -o $@ $<

$(B)/otelbpf: $(MAIN_OBJ) $(LIB_OBJS)
	$(call msg,LD,$@)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call msg,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Only the loader knows the skeleton, only the encoder the generated messages.
$(B)/user/probe/loader.o: $(SKEL)
$(filter $(B)/user/export/%,$(LIB_OBJS)): | $(B)/otlp.pb-c.h

$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call msg,BPF,$<)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/otelbpf.bpf.o: $(BPF_OBJS)
	$(call msg,LINK,$@)$(BPFTOOL) gen object $@ $^

$(SKEL): $(B)/otelbpf.bpf.o
	$(call msg,SKEL,$@)$(BPFTOOL) gen skeleton $< name otelbpf_bpf >$@

$(B)/otlp.pb-c.c: user/export/otlp.proto
	@mkdir -p $(@D)
	$(call msg,PROTOC,$<)$(PROTOC_C) --proto_path=user/export --c_out=$(B) $<
$(B)/otlp.pb-c.h: $(B)/otlp.pb-c.c ;

$(B)/otlp.pb-c.o: $(B)/otlp.pb-c.c
	$(call msg,CC,$<)$(CC) -std=gnu11 $(CFLAGS) $(SANFLAGS) -I$(B) -c -o $@ $<

include tests/tests.mk

include tests/check.mk
include deploy/demo/demo.mk

install: otelbpf
	install -D -m 755 otelbpf $(DESTDIR)$(PREFIX)/sbin/otelbpf

format:
	clang-format -i $(shell git ls-files '*.c' '*.h' | grep -v vmlinux.h)

clean:
	rm -rf build otelbpf

-include $(shell find $(B) -name '*.d' 2>/dev/null)
