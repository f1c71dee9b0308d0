# Third-party sources inside the kernel: libfdt, zlib's inflate, zstd's
# decompressor.  scripts/fetch-src unpacks pinned upstream tarballs into
# build/third_party/; nothing of them is kept here.  lwIP: mk/lwip.mk, if any.
#
# Defines THIRD_PARTY_OBJS (for the kernel), and for wrappers in lib/ the
# include paths they need.  mk/unit.mk builds the same lists for the host.

TP_DIR := build/third_party
TP_SHIM := lib/third_party_shim

TP_FDT_NAMES := fdt fdt_ro fdt_check
TP_ZLIB_NAMES := inflate inftrees inffast adler32 crc32
TP_ZSTD_NAMES := common/entropy_common common/error_private \
	common/fse_decompress common/xxhash common/zstd_common common/debug \
	decompress/huf_decompress decompress/zstd_ddict \
	decompress/zstd_decompress decompress/zstd_decompress_block

TP_FDT_FLAGS := -isystem $(TP_DIR)/dtc/libfdt
TP_ZLIB_FLAGS := -isystem $(TP_DIR)/zlib -DZ_PREFIX -DZ_SOLO -DHAVE_MEMCPY
TP_ZSTD_FLAGS := -isystem $(TP_DIR)/zstd/lib -DZSTD_DISABLE_ASM \
	-DZSTD_STATIC_LINKING_ONLY -DZSTD_NO_INTRINSICS -DDYNAMIC_BMI2=0 \
	-DDEBUGLEVEL=0 -DZSTD_LEGACY_SUPPORT=0 -DZSTD_STRIP_ERROR_STRINGS \
	-DZSTD_NO_UNUSED_FUNCTIONS -DXXH_NO_XXH3 -DZSTD_TRACE=0 \
	-DHUF_FORCE_DECOMPRESS_X1 -DZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT

# zstd reads misaligned words all the time: one load is never worse than eight
# and their shifts, even where firmware has to step in for some of them.
TP_ZSTD_ARCH := $(if $(IS_CLANG),,-mno-strict-align -DMEM_FORCE_MEMORY_ACCESS=1)

TP_CFLAGS = $(KERNEL_CFLAGS) -w -isystem $(TP_SHIM)

TP_FDT_OBJS := $(TP_FDT_NAMES:%=$(BUILD)/third_party/fdt/%.o)
TP_ZLIB_OBJS := $(TP_ZLIB_NAMES:%=$(BUILD)/third_party/zlib/%.o)
TP_ZSTD_OBJS := $(TP_ZSTD_NAMES:%=$(BUILD)/third_party/zstd/%.o)
TP_SHIM_OBJS := $(BUILD)/third_party/shim/builtins.o
THIRD_PARTY_OBJS += $(TP_FDT_OBJS) $(TP_ZLIB_OBJS) $(TP_ZSTD_OBJS) \
	$(TP_SHIM_OBJS)

# Two makes at once must not unpack into one folder.
$(TP_DIR)/%.fetched: rootfs/sources.lock
	@mkdir -p $(TP_DIR)
	@flock $(TP_DIR)/.lock scripts/fetch-src $* $(TP_DIR)
	@touch $@
.PRECIOUS: $(TP_DIR)/%.fetched

# Their flags stand here and in the Makefile, whose command tells of changes.
$(TP_FDT_OBJS) $(TP_ZLIB_OBJS) $(TP_ZSTD_OBJS) $(TP_SHIM_OBJS): \
	mk/third_party.mk $(COMMAND)

$(BUILD)/third_party/fdt/%.o: $(TP_DIR)/dtc.fetched
	@mkdir -p $(@D)
	@$(CC) $(TP_CFLAGS) $(TP_FDT_FLAGS) -c -o $@ $(TP_DIR)/dtc/libfdt/$*.c
$(BUILD)/third_party/zlib/%.o: $(TP_DIR)/zlib.fetched
	@mkdir -p $(@D)
	@$(CC) $(TP_CFLAGS) $(TP_ZLIB_FLAGS) -include string.h -c -o $@ \
		$(TP_DIR)/zlib/$*.c
$(BUILD)/third_party/zstd/%.o: $(TP_DIR)/zstd.fetched
	@mkdir -p $(@D)
	@$(CC) $(TP_CFLAGS) $(TP_ZSTD_FLAGS) $(TP_ZSTD_ARCH) -c -o $@ $(TP_DIR)/zstd/lib/$*.c
$(BUILD)/third_party/shim/%.o: $(TP_SHIM)/%.c
	@mkdir -p $(@D)
	@$(CC) $(KERNEL_CFLAGS) -c -o $@ $<

# The wrappers see the foreign headers as system headers: no warnings.
TP_WRAPPER_FLAGS = -isystem $(TP_SHIM)
$(BUILD)/lib/fdt.o $(BUILD)/lib/fdt_irq.o $(BUILD)/lib/fdt_reg.o: \
	CFLAGS += $(TP_FDT_FLAGS) $(TP_WRAPPER_FLAGS)
$(BUILD)/lib/fdt.o $(BUILD)/lib/fdt_irq.o $(BUILD)/lib/fdt_reg.o: \
	$(TP_DIR)/dtc.fetched
$(BUILD)/lib/decompress_gzip.o: CFLAGS += $(TP_ZLIB_FLAGS) $(TP_WRAPPER_FLAGS)
$(BUILD)/lib/decompress_gzip.o: $(TP_DIR)/zlib.fetched
$(BUILD)/lib/decompress_zstd.o: CFLAGS += $(TP_ZSTD_FLAGS) $(TP_WRAPPER_FLAGS)
$(BUILD)/lib/decompress_zstd.o: $(TP_DIR)/zstd.fetched
