# `make unit`: the tests under tests/unit, on the host, under the address and
# undefined-behaviour sanitizers.
#
# Each tests/unit/**/NAME_test.c is one cmocka program, linked with all of
# lib/.  What else it needs stands in a comment of its own:
#	UNIT_SOURCES: mm/buddy.c tests/unit/mm/stubs.c
#	UNIT_CFLAGS: -DSOMETHING
# `make unit T=lib/rbtree` runs one.

HOSTCC ?= gcc
UNIT := $(BUILD)/unit
UNIT_WARN := -Wall -Wextra -Werror -Wshadow -Wundef -Wno-unused-parameter \
	-Wno-sign-compare -Wno-missing-field-initializers
UNIT_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined
UNIT_CFLAGS := -std=gnu11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fno-strict-aliasing \
	-Iinclude -I$(BUILD)/include $(UNIT_SANITIZE)
UNIT_TP_CFLAGS := -std=gnu11 -g -O1 -w -fsanitize=address

UNIT_LIB_OBJS := $(patsubst %.c,$(UNIT)/%.o,$(wildcard lib/*.c))
UNIT_TP_OBJS := $(TP_FDT_NAMES:%=$(UNIT)/third_party/fdt/%.o) \
	$(TP_ZLIB_NAMES:%=$(UNIT)/third_party/zlib/%.o) \
	$(TP_ZSTD_NAMES:%=$(UNIT)/third_party/zstd/%.o)
UNIT_LIB := $(UNIT)/lib.a

UNIT_TESTS := $(sort $(shell find tests/unit -name '*_test.c' 2>/dev/null))
UNIT_BINS := $(UNIT_TESTS:tests/unit/%.c=$(UNIT)/tests/%)
UNIT_RUN := $(if $(T),$(filter $(UNIT)/tests/$(T)_test,$(UNIT_BINS)),$(UNIT_BINS))

# Our memcpy and kin get a prefix, so that libc's can stand beside them.
$(UNIT)/lib/mem.o $(UNIT)/lib/string.o: UNIT_EXTRA := -DLIB_STRING_UNDER_TEST
$(UNIT)/lib/fdt.o $(UNIT)/lib/fdt_reg.o $(UNIT)/lib/fdt_irq.o: \
	UNIT_EXTRA := $(TP_FDT_FLAGS)
$(UNIT)/lib/fdt.o $(UNIT)/lib/fdt_reg.o $(UNIT)/lib/fdt_irq.o: \
	$(TP_DIR)/dtc.fetched
$(UNIT)/lib/decompress_gzip.o: UNIT_EXTRA := $(TP_ZLIB_FLAGS)
$(UNIT)/lib/decompress_gzip.o: $(TP_DIR)/zlib.fetched
$(UNIT)/lib/decompress_zstd.o: UNIT_EXTRA := $(TP_ZSTD_FLAGS)
$(UNIT)/lib/decompress_zstd.o: $(TP_DIR)/zstd.fetched

$(UNIT)/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	@$(HOSTCC) $(UNIT_CFLAGS) $(UNIT_WARN) $(UNIT_EXTRA) -MMD -MP -c -o $@ $<
$(UNIT)/third_party/fdt/%.o: $(TP_DIR)/dtc.fetched
	@mkdir -p $(@D)
	@$(HOSTCC) $(UNIT_TP_CFLAGS) $(TP_FDT_FLAGS) -c -o $@ \
		$(TP_DIR)/dtc/libfdt/$*.c
$(UNIT)/third_party/zlib/%.o: $(TP_DIR)/zlib.fetched
	@mkdir -p $(@D)
	@$(HOSTCC) $(UNIT_TP_CFLAGS) $(TP_ZLIB_FLAGS) -include string.h -c \
		-o $@ $(TP_DIR)/zlib/$*.c
$(UNIT)/third_party/zstd/%.o: $(TP_DIR)/zstd.fetched
	@mkdir -p $(@D)
	@$(HOSTCC) $(UNIT_TP_CFLAGS) $(TP_ZSTD_FLAGS) -c -o $@ \
		$(TP_DIR)/zstd/lib/$*.c
$(UNIT_LIB): $(UNIT_LIB_OBJS) $(UNIT_TP_OBJS)
	@rm -f $@
	@$(AR) rcs $@ $^

unit_note = $(shell sed -n 's,^[ */]*$(1): *\([^*]*\).*,\1,p' $(2))
$(UNIT)/tests/%: tests/unit/%.c $(UNIT_LIB)
	@mkdir -p $(@D)
	@echo "  HOSTCC $<"
	@$(HOSTCC) $(call unit_note,UNIT_CFLAGS,$<) $(UNIT_CFLAGS) $(UNIT_WARN) \
		-MMD -MP -MF $@.d -o $@ $< $(call unit_note,UNIT_SOURCES,$<) \
		$(UNIT_LIB) -lcmocka

# The device trees of all boards that Debian's kernel knows.
UNIT_BOARDS := build/boards/.fetched
$(UNIT_BOARDS): rootfs/packages.lock scripts/boards.py
	@scripts/boards.py build/boards
	@touch $@
$(UNIT)/tests/arch/riscv/boards_test: | $(UNIT_BOARDS)

.PHONY: unit unit-build
unit-build: $(UNIT_RUN)
unit: unit-build
	@pass=0; bad=; for t in $(UNIT_RUN); do \
		echo "# $${t#$(UNIT)/tests/}"; \
		if CMOCKA_MESSAGE_OUTPUT=TAP timeout 300 $$t; \
		then pass=$$((pass + 1)); \
		else bad="$$bad $${t#$(UNIT)/tests/}"; fi; \
	done 2>&1; \
	echo "# unit: $$pass of $(words $(UNIT_RUN)) programs passed"; \
	[ -z "$$bad" ] || { echo "# FAILED:$$bad"; exit 1; }

-include $(UNIT_LIB_OBJS:.o=.d) $(UNIT_BINS:=.d)
