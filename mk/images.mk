# Disks, the initramfs, running and testing.
#
#   setup        the host's packages
#   disk         build/disk.ext4, what `make run` starts from
#   initramfs    build/initramfs.cpio.zst, which is linked into the kernel
#   run          a shell on Hartwood in QEMU; GDB=1 waits for `make gdb`
#   test         unit tests, then all suites of tests/ on Hartwood in QEMU
#   fuzz         many damaged disks, archives, programs: SEED, COUNT, FIRST
#   test-dist    what `make dist` wrote, built without a network, and booted
#   check-images the disks, looked at by e2fsck
#
# SMP and QEMU (7 is the host's, 10 is Debian 13's) hold for run and test, MEM
# and APPEND (the kernel's command line) for run; SUITE (tests/apps, or any
# words for pytest) chooses among the suites.

SMP ?= 2
MEM ?= 1G
QEMU ?= 7
RUN_QEMU := $(if $(filter 10,$(QEMU)),scripts/qemu10,$(if $(filter 7,$(QEMU)),qemu-system-riscv64,$(QEMU)))

# --- the initramfs inside the kernel -------------------------------------------
INIT_SRCS := $(wildcard rootfs/*.[ch] rootfs/comp/* rootfs/hps/*.c)
INITRAMFS := $(BUILD)/initramfs.cpio.zst
INITRAMFS_OBJ := $(BUILD)/gen/initramfs.o

$(INITRAMFS): $(INIT_SRCS) rootfs/etc/initramfs.profile rootfs/packages.lock \
		scripts/mkinitramfs scripts/images.py scripts/debs.py
	@echo "  CPIO $@"
	@scripts/mkinitramfs $@

# Section .initramfs, between initramfs_start and initramfs_end.
$(INITRAMFS_OBJ): $(INITRAMFS)
	@mkdir -p $(dir $@)
	@printf '.section .initramfs, "a"\n.balign 16\n.global initramfs_start, initramfs_end\ninitramfs_start:\n.incbin "%s"\ninitramfs_end:\n' \
		$< > $(@:.o=.S)
	@$(CC) $(CFLAGS) -c -o $@ $(@:.o=.S)

initramfs: $(INITRAMFS)

# --- running -------------------------------------------------------------------
setup:
	@scripts/setup

setup-run:
	@scripts/setup build run

setup-test:
	@scripts/setup build run test

disk: setup-run
	@scripts/mkdisk --keep build/disk.ext4

# The guest's terminal is this one, as far as it can know.
TERM_SIZE = $(shell stty size 2>/dev/null | sed 's/\([0-9]*\) \([0-9]*\)/LINES=\1 COLUMNS=\2/')
RUN_APPEND = $(strip TERM=$(or $(TERM),vt220) $(TERM_SIZE) $(APPEND))

run: disk
	@$(MAKE) --no-print-directory all
	@echo "Ctrl-A X ends QEMU; poweroff ends the machine."
	@exec $(RUN_QEMU) -machine virt -smp $(SMP) -m $(MEM) -nographic -no-reboot \
		-kernel $(BUILD)/Image -append '$(RUN_APPEND)' \
		-drive file=build/disk.ext4,if=none,format=raw,id=x0 \
		-device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0 \
		-device virtio-rng-device,bus=virtio-mmio-bus.1 \
		$(if $(GDB),-s -S) $(QEMU_ARGS)

gdb:
	@command -v gdb-multiarch >/dev/null || \
		{ echo "make gdb needs gdb-multiarch (Debian: gdb-multiarch)"; exit 1; }
	@exec gdb-multiarch -ex 'source scripts/gdb/hartwood.py' \
		-ex 'target remote :1234' $(BUILD)/hartwood

# --- testing -------------------------------------------------------------------
PYTEST = $$(scripts/find-python) -B -m pytest -c tests/pytest.ini

test: setup-test
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory suites

suites:
	@HARTWOOD_KERNEL=$(abspath $(BUILD)/Image) $(PYTEST) --smp $(SMP) --qemu $(QEMU) $(or $(SUITE),tests)

# Many more damaged disks, archives and programs than the sample of `make test`:
# make fuzz SEED=7 COUNT=1000 FIRST=0, and what pytest's -k knows in SUITE.
SEED ?= 1
COUNT ?= 600
FIRST ?= 0
fuzz: setup-test
	@$(MAKE) --no-print-directory all
	@FUZZ_SEED=$(SEED) FUZZ_COUNT=$(COUNT) FUZZ_FIRST=$(FIRST) \
		$(MAKE) --no-print-directory suites SUITE="$(or $(SUITE),tests/fuzz)"

# The suites against Debian's kernel: what a test must pass to prove anything.
suites-linux: setup-test
	@$(PYTEST) --kernel linux --smp $(SMP) --qemu $(QEMU) $(or $(SUITE),tests)

# The tree of `make dist`, built and booted in a network namespace of its own.
test-dist: setup-test
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory suites SUITE=tests/comp/test_dist.py

check-images:
	@for i in build/*.ext4; do \
		PATH=$$PATH:/usr/sbin:/sbin e2fsck -fn $$i || exit 1; \
	done

# The pins of all packages, anew, from what the mirror offers now.
lock:
	@scripts/debs.py lock

.PHONY: initramfs setup setup-run setup-test disk run gdb test suites fuzz \
	suites-linux test-dist check-images lock
