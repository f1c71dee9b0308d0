/*
 * cpu_tree - which harts there are, by the device tree.
 *
 * Theory:  a hart is used if it is okay, translates addresses and has what
 *          riscv64 programs are built for (IMAFDC), and so is the boot hart in
 *          any case, which is number 0.  What else the tree lists, monitor
 *          cores without a supervisor mode above all, is never touched.  The
 *          tree is not trusted: a hart that it lists twice is one.
 */
#include <arch/boot.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <lib/fdt.h>
#include <lib/parse.h>
#include <lib/string.h>

#include "cpu_impl.h"
#include "setup_impl.h"

struct cpu_info cpu_info[MAX_HARTS];
struct isa_set isa_common;	/* what all harts have */

/* One node of /cpus as a hart, or false. */
static bool read_cpu(const struct fdt *fdt, int node, u64 *id,
		     struct cpu_info *info)
{
	const char *type = fdt_prop_string(fdt, node, "device_type", 0);
	const char *mmu = fdt_prop_string(fdt, node, "mmu-type", 0);
	const char *compat = fdt_prop_string(fdt, node, "compatible", 0);
	struct fdt_region reg;

	if (!type || strcmp(type, "cpu") || !fdt_is_okay(fdt, node) ||
	    fdt_reg_raw(fdt, node, 0, &reg))
		return false;
	*id = reg.base;
	memset(info, 0, sizeof(*info));
	isa_read(fdt, node, &info->isa);
	if (compat && strcmp(compat, "riscv"))
		strscpy(info->uarch, compat, sizeof(info->uarch));
	info->cboz_block = fdt_prop_u32_or(fdt, node, "riscv,cboz-block-size",
					   0);
	return mmu && str_has_prefix(mmu, "riscv,sv") &&
	       isa_runs_linux(&info->isa);
}

static u32 hart_limit(const char *cmdline)
{
	char text[16];
	u32 n;

	if (cmdline_find(cmdline, "nosmp", text, sizeof(text)) >= 0)
		return 1;
	if (cmdline_find(cmdline, "maxcpus", text, sizeof(text)) <= 0 ||
	    str_to_u32(text, 0, &n))
		return MAX_HARTS;
	return clamp(n, 1u, (u32)MAX_HARTS);
}

static void add_hart(u32 i, u64 firmware_id, const struct cpu_info *info)
{
	harts[i].id = i;
	harts[i].firmware_id = firmware_id;
	cpu_info[i] = *info;
	isa_and(&isa_common, &info->isa);
}

static bool is_listed(u64 firmware_id, u32 n)
{
	for (u32 i = 1; i < n; i++)
		if (harts[i].firmware_id == firmware_id)
			return true;
	return false;
}

static void find_timebase(const struct fdt *fdt, int cpus)
{
	u32 hz = fdt_prop_u32_or(fdt, cpus, "timebase-frequency", 0);
	int node;

	fdt_for_each_child(fdt, node, cpus) {
		if (!hz)
			hz = fdt_prop_u32_or(fdt, node, "timebase-frequency",
					     0);
	}
	if (!hz)
		panic("the device tree has no timebase-frequency\n");
	boot_timebase = hz;
}

void cpus_find(const struct fdt *fdt, const char *cmdline)
{
	int node, cpus = fdt_find_path(fdt, "/cpus");
	u32 n = 1, limit = hart_limit(cmdline);
	struct cpu_info info;
	bool has_boot_hart = false;
	u64 id;

	find_timebase(fdt, cpus);
	isa_all(&isa_common);
	fdt_for_each_child(fdt, node, cpus) {
		bool usable;

		id = ~0ull;
		usable = read_cpu(fdt, node, &id, &info);
		if (id == boot_firmware_hart) {
			add_hart(0, id, &info);
			has_boot_hart = true;
		} else if (usable && n < limit && !is_listed(id, n)) {
			add_hart(n++, id, &info);
		}
	}
	if (!has_boot_hart)
		panic("the device tree does not list the boot hart, %llu\n",
		      boot_firmware_hart);
	nr_harts = n;
}
