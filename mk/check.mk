# Static checks: `make check`.
CLANG ?= clang
CHECK_FLAGS := --target=riscv64-linux-gnu -std=gnu11 -ffreestanding -O1 -march=rv64imac -mabi=lp64 \
	-mcmodel=medany -Iinclude -I$(BUILD)/include -fsyntax-only -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Wno-unused-command-line-argument -Wno-address-of-packed-member \
	-Wno-gnu-variable-sized-type-not-at-end

# Not those that include the headers of other people's libraries.
CHECK_SRCS = $(filter-out lib/fdt%.c lib/decompress%.c,$(SRCS))
# By name: this file is read before the Makefile sets GENERATED.
CHECK_NEEDS := $(BUILD)/include/syscall_prototypes.h

check: check-layers check-headers check-spaces check-locks check-syntax check-models
	@echo "check: all passed"

check-layers:
	@scripts/check-layers

# Every public header compiles alone.
check-headers: $(CHECK_NEEDS)
	@fail=0; for h in $$(find include -name '*.h' | sort); do \
		$(CC) $(CFLAGS) -Wno-unused-function -x c -fsyntax-only -include $$h /dev/null || { \
		echo "$$h: does not compile alone"; fail=1; }; done; exit $$fail
	@echo "check-headers: done"

# __user and __iomem as address spaces: mixing them with kernel pointers is an error.
check-spaces: $(CHECK_NEEDS)
	@fail=0; for f in $(CHECK_SRCS); do \
		$(CLANG) $(CHECK_FLAGS) -D__CHECK_AS__ $$f || fail=1; done; exit $$fail
	@echo "check-spaces: done"

# clang's thread-safety analysis of what functions say they need.
check-locks: $(CHECK_NEEDS)
	@fail=0; for f in $(CHECK_SRCS); do \
		$(CLANG) $(CHECK_FLAGS) -D__CHECK_LOCKS__ -Wthread-safety $$f || fail=1; done; exit $$fail
	@echo "check-locks: done"

check-syntax:
	@for f in $$(git ls-files 'scripts/*' '.ci/*' | xargs grep -lE '^#!/bin/(sh|bash)|^#!/usr/bin/env bash'); do \
		bash -n $$f || exit 1; done
	@for f in $$(git ls-files '*.py') $$(git ls-files scripts rootfs tests | xargs grep -lE '^#!/usr/bin/env python3' 2>/dev/null); do \
		python3 -m py_compile $$f || exit 1; done
	@echo "check-syntax: done"

# The protocols that are hard to get right, by spin: docs/models.md.
check-models:
	@scripts/setup models
	@scripts/check-models

# Whitespace as .clang-format has it; changes nothing.
check-format:
	@clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h' | grep -v third_party)

stats:
	@scripts/stats

.PHONY: check check-layers check-headers check-spaces check-locks check-syntax check-models check-format stats
