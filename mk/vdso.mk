# The vDSO: a shared object for user programs, embedded in the image.  And two
# files of arch/ that need the assembler to know FP instructions; the kernel's
# C code never uses FP registers.
VDSO_DIR := $(BUILD)/vdso
VDSO_SRC := arch/riscv/vdso
VDSO_CFLAGS := $(TARGET_FLAGS) -std=gnu11 -ffreestanding -O2 -g0 -fPIC \
	-march=rv64gc -mabi=lp64d -mcmodel=medany -fvisibility=hidden -fno-jump-tables \
	-fno-stack-protector -fno-strict-aliasing -fasynchronous-unwind-tables \
	-Iinclude -I$(BUILD)/include $(WARN) -Wno-missing-prototypes
VDSO_OBJS := $(VDSO_DIR)/vgettime.o $(VDSO_DIR)/vhwprobe.o $(VDSO_DIR)/vcalls.o
VDSO_OBJ := $(VDSO_DIR)/embed.o

$(VDSO_DIR)/%.o: $(VDSO_SRC)/%.c $(CONFIG_H)
	@mkdir -p $(dir $@)
	@$(CC) $(VDSO_CFLAGS) -MMD -MP -c -o $@ $<
$(VDSO_DIR)/vcalls.o: $(VDSO_SRC)/vcalls.S
	@mkdir -p $(dir $@)
	@$(CC) $(VDSO_CFLAGS) -c -o $@ $<
$(VDSO_DIR)/vdso.so: $(VDSO_OBJS) $(VDSO_SRC)/vdso.ld
	@echo "  LD   $@"
	@$(LD) -shared -nostdlib -soname linux-vdso.so.1 --hash-style=both \
		--build-id=sha1 --eh-frame-hdr --no-undefined -Bsymbolic \
		-z max-page-size=4096 -T $(VDSO_SRC)/vdso.ld -o $@.full $(VDSO_OBJS)
	@$(OBJCOPY) -S $@.full $@
$(VDSO_DIR)/vdso_symbols.h: $(VDSO_DIR)/vdso.so
	@$(NM) $<.full | sed -n 's/^0*\([0-9a-f]*\) [tT] __vdso_rt_sigreturn$$/#define VDSO_RT_SIGRETURN 0x\1/p' > $@
$(VDSO_OBJ): $(VDSO_SRC)/embed.S $(VDSO_DIR)/vdso_symbols.h
	@$(CC) $(CFLAGS) -I$(VDSO_DIR) -Wa,-I,$(VDSO_DIR) -c -o $@ $<

$(BUILD)/arch/riscv/switch.o: CFLAGS := $(subst rv64imac,rv64gc,$(CFLAGS))

-include $(VDSO_OBJS:.o=.d)
