# Hartwood.  `make help` lists the commands.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

include config.mk

CROSS ?= riscv64-linux-gnu-
ifeq ($(origin CC),default)
CC := $(CROSS)gcc
endif
BUILD ?= $(if $(filter 1,$(CONFIG_DEBUG)),build/debug,build)
HOST_PYTHON ?= python3

IS_CLANG := $(findstring clang,$(notdir $(CC)))
ifneq ($(IS_CLANG),)
MARCH := -march=rv64imac
TARGET_FLAGS := --target=riscv64-linux-gnu -mno-relax -Wno-unused-command-line-argument \
	-Wno-address-of-packed-member -Wno-gnu-variable-sized-type-not-at-end
LDFLAGS_TOOL :=
NO_TREE_LOOP := -fno-builtin
else
MARCH := -march=rv64imac_zicsr_zifencei
TARGET_FLAGS :=
NO_TREE_LOOP := -fno-tree-loop-distribute-patterns
endif
LD := $(CROSS)ld
NM := $(CROSS)nm
OBJCOPY := $(CROSS)objcopy

# A compiler that we have not seen may warn of more: only our own builds mind.
WARN := -Wall -Wextra $(if $(wildcard .git),-Werror) -Wmissing-prototypes -Wstrict-prototypes -Wshadow \
	-Wvla -Wundef -Wimplicit-fallthrough -Wframe-larger-than=1024 \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
KERNEL_CFLAGS := $(TARGET_FLAGS) -std=gnu11 -ffreestanding -O2 -g \
	$(MARCH) -mabi=lp64 -mcmodel=medany \
	-fno-common -ffunction-sections -fdata-sections \
	-fno-strict-aliasing -fno-omit-frame-pointer \
	-fno-stack-protector -fno-pic -fno-pie -fno-asynchronous-unwind-tables \
	-fno-delete-null-pointer-checks -fno-strict-overflow $(NO_TREE_LOOP) \
	-Iinclude -I$(BUILD)/include
# Not null (the MMU finds it), nor alignment and object sizes: a walk of a list
# ends with the head taken for an entry.  Other people's code does without.
ifeq ($(CONFIG_UBSAN),1)
UBSAN := -fsanitize=bounds,shift,integer-divide-by-zero,unreachable,bool,enum \
	$(if $(IS_CLANG),-fsanitize-trap=undefined,-fsanitize-undefined-trap-on-error)
endif
CFLAGS := $(KERNEL_CFLAGS) $(WARN) $(UBSAN)
LDFLAGS := -nostdlib -static --no-dynamic-linker -z max-page-size=4096 -z norelro \
	--gc-sections \
	--defsym=MAX_HARTS=$(CONFIG_MAX_HARTS) \
	--defsym=PER_HART_SIZE=$(CONFIG_PER_HART_SIZE)

DIRS := arch/riscv kernel sched time irq mm fs net drivers lib tests/kernel
SRCS := $(sort $(shell find $(DIRS) -name '*.c' -not -path 'lib/third_party*' \
	-not -name 'asm_offsets.c' -not -path 'arch/riscv/vdso/*' 2>/dev/null))
ASMS := $(sort $(shell find $(DIRS) -name '*.S' -not -path 'arch/riscv/vdso/*' 2>/dev/null))
OBJS := $(SRCS:%.c=$(BUILD)/%.o) $(ASMS:%.S=$(BUILD)/%.o)

# What a competition's platform takes: docs/competition.md.  Only the plain
# build leaves it in the top folder.
HAND_IN := $(if $(filter build,$(BUILD)),kernel-rv disk.img)

all: $(BUILD)/Image $(HAND_IN)

# How objects are made: another compiler or other flags make them anew.
COMMAND := $(BUILD)/compile_command
$(shell mkdir -p $(BUILD); printf '%s\n' '$(CC) $(CFLAGS)' > $(COMMAND).new; \
	cmp -s $(COMMAND).new $(COMMAND) || mv $(COMMAND).new $(COMMAND); rm -f $(COMMAND).new)

-include mk/*.mk

# --- generated headers -------------------------------------------------------
CONFIG_H := $(BUILD)/include/config_generated.h
HASH := \#
CONFIG_TEXT := $(foreach o,$(CONFIG_OPTIONS),$(HASH)define CONFIG_$(o) $(CONFIG_$(o))\n)
$(shell mkdir -p $(BUILD)/include; printf '$(CONFIG_TEXT)' > $(CONFIG_H).new; \
	cmp -s $(CONFIG_H).new $(CONFIG_H) || mv $(CONFIG_H).new $(CONFIG_H); rm -f $(CONFIG_H).new)

ASM_OFFSETS := $(BUILD)/include/asm_offsets.h
$(ASM_OFFSETS): arch/riscv/asm_offsets.c $(CONFIG_H)
	@mkdir -p $(dir $@)
	@$(CC) $(CFLAGS) -MMD -MP -MF $(BUILD)/asm_offsets.d -MT $@ -S -o $(BUILD)/asm_offsets.s $<
	@sed -n 's/.*->\([A-Za-z0-9_]*\) \(-\{0,1\}[0-9]*\).*/#define \1 \2/p' $(BUILD)/asm_offsets.s > $@

SYSCALL_GEN := $(BUILD)/include/syscall_prototypes.h
$(SYSCALL_GEN): kernel/syscall/syscalls.tbl scripts/gen-syscalls
	@mkdir -p $(dir $@) $(BUILD)/gen
	@scripts/gen-syscalls kernel/syscall/syscalls.tbl $(BUILD)
# A recipe, so that make looks at its time anew.
$(BUILD)/gen/syscall_table.c: $(SYSCALL_GEN)
	@test -f $@
$(BUILD)/gen/kconfig.c: fs/proc/kconfig scripts/gen-kconfig
	@mkdir -p $(dir $@)
	@scripts/gen-kconfig fs/proc/kconfig > $@.new && mv $@.new $@
GEN_OBJS := $(BUILD)/gen/syscall_table.o $(BUILD)/gen/kconfig.o

# --- objects -----------------------------------------------------------------
GENERATED := $(CONFIG_H) $(COMMAND) $(if $(wildcard kernel/syscall/syscalls.tbl),$(SYSCALL_GEN))
$(BUILD)/%.o: %.c $(GENERATED)
	@mkdir -p $(dir $@)
	@echo "  CC   $<"
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/%.o: %.S $(ASM_OFFSETS) $(GENERATED)
	@mkdir -p $(dir $@)
	@echo "  AS   $<"
	@$(CC) $(CFLAGS) -D__ASSEMBLY__ -MMD -MP -c -o $@ $<

# One folder's objects only.
obj: $(filter $(BUILD)/$(DIR)/%,$(OBJS))

# --- link, twice: the second time with the symbol table of the first ---------
LINK_SCRIPT := arch/riscv/kernel.ld
# The order of what is hot: scripts/hot-order.
LINK_DEPS := $(LINK_SCRIPT) $(wildcard arch/riscv/hot_*.ld)
ALL_OBJS = $(OBJS) $(GEN_OBJS) $(THIRD_PARTY_OBJS) $(VDSO_OBJ) $(INITRAMFS_OBJ)
$(BUILD)/symbols0.o: scripts/gen-symbols
	@mkdir -p $(BUILD)/gen
	@scripts/gen-symbols --empty > $(BUILD)/gen/symbols0.S
	@$(CC) $(CFLAGS) -c -o $@ $(BUILD)/gen/symbols0.S
$(BUILD)/hartwood.pre: $(ALL_OBJS) $(BUILD)/symbols0.o $(LINK_DEPS)
	@echo "  LD   $@"
	@$(LD) $(LDFLAGS) -T $(LINK_SCRIPT) -o $@ $(ALL_OBJS) $(BUILD)/symbols0.o
$(BUILD)/symbols.o: $(BUILD)/hartwood.pre scripts/gen-symbols
	@$(NM) -n $< | scripts/gen-symbols > $(BUILD)/gen/symbols.S
	@$(CC) $(CFLAGS) -c -o $@ $(BUILD)/gen/symbols.S
$(BUILD)/hartwood: $(ALL_OBJS) $(BUILD)/symbols.o $(LINK_DEPS)
	@echo "  LD   $@"
	@$(LD) $(LDFLAGS) -T $(LINK_SCRIPT) -o $@ $(ALL_OBJS) $(BUILD)/symbols.o
$(BUILD)/Image: $(BUILD)/hartwood
	@$(OBJCOPY) -O binary $< $@
	@echo "  $@: $$(stat -c %s $@) bytes"

kernel-rv: $(BUILD)/Image
	@cp $< $@
disk.img: scripts/mkfat
	@scripts/mkfat $@

# Everything that `make all` needs, also without a network, in one tar.
dist: $(BUILD)/Image
	@scripts/mkdist $(BUILD)/hartwood-dist.tar.gz

debug:
	@$(MAKE) CONFIG_DEBUG=1 all

clean:
	rm -rf build kernel-rv disk.img

help:
	@echo "make          build/hartwood (ELF) and build/Image"
	@echo "make run      a shell on Hartwood in QEMU"
	@echo "make test     all tests"
	@echo "make bench    times and counts against Linux: RUNS=, QEMU=, ONLY="
	@echo "make gate     the counts alone, against tests/bench/limits.tsv"
	@echo "make stress   the storms and 200 boots in a row"
	@echo "make check    static checks"
	@echo "make debug    the kernel with every run-time check, in build/debug"
	@echo "make test CONFIG_DEBUG=1  all tests on that kernel"
	@echo "make fuzz     damaged disks, archives and programs; SEED=, COUNT=, FIRST="
	@echo "make gdb      attach gdb to a guest started with 'make run GDB=1'"
	@echo "make CC=clang build with clang"
	@echo "make dist     a tar of sources that builds without a network; make test-dist"
	@echo "make clean    remove build/"

-include $(OBJS:.o=.d) $(BUILD)/asm_offsets.d
.PHONY: all obj dist debug clean help
