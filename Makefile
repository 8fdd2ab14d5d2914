# SPDX-License-Identifier: Apache-2.0
#
# The short names of everyday work. The build itself is meson's: see meson.build.
#
#   make            build into build/; build/cella then runs in place
#   make run        the distribution's python3 in a measured, signed enclave
#   make test       unit tests, the kernel's SGX selftests, system call and system tests
#   make soak       ten minutes of threads that wait for each other: no wake-up is lost
#   make bench      the speed and memory table, beside native
#   make check      static analysers, spelling, and each fuzzer for FUZZ_SECONDS
#   make format     clang-format over all C sources
#   make install    into PREFIX (honours DESTDIR)
#   make clean
#
# Settings: BUILD=dir, PREFIX=dir, JOBS=n, FUZZ_SECONDS=n; K=PATTERN picks tests for make test.

BUILD        ?= build
PREFIX       ?= /usr/local
JOBS         ?= $(shell nproc)
FUZZ_SECONDS ?= 60
MESON_FLAGS  ?=
K            ?=

.PHONY: all build deps run test soak bench check format install clean

all: build

deps:
	@tools/install-deps

$(BUILD)/build.ninja: | deps
	meson setup $(BUILD) --prefix=$(PREFIX) $(MESON_FLAGS)

build: $(BUILD)/build.ninja | deps
	@ninja -C $(BUILD) -j $(JOBS)

run: build
	@BUILD=$(BUILD) examples/python/run

test: build
	@test/run --build $(BUILD) $(if $(K),-k '$(K)')

soak: build
	@test/soak 600 $(BUILD)

bench: build
	@bench/run --build $(BUILD) --json $(BUILD)/bench.json

check: build
	@tools/install-deps check
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/check $(BUILD)

format:
	@tools/install-deps check
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

install: build
ifneq ($(origin PREFIX),file)
	@meson configure $(BUILD) --prefix=$(PREFIX) && ninja -C $(BUILD) >/dev/null
endif
	@meson install -C $(BUILD) --no-rebuild --quiet

clean:
	rm -rf $(BUILD)
