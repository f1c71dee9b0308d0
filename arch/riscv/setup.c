/*
 * setup - from the first C instruction on the boot hart to kernel_main().
 *
 * Theory:  head.S left the image mapped with all rights, interrupts off, and
 *          the boot task current on its stack.  Here the device tree is found
 *          and checked, memory and harts are listed, the final page tables
 *          are built and loaded, and the tree is copied to memory of ours.
 *          The portable kernel starts with interrupts enabled but none armed.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <kernel/main.h>
#include <kernel/print.h>
#include <lib/fdt.h>
#include <lib/string.h>
#include <sched/sched.h>

#include "csr_impl.h"
#include "mmu_impl.h"
#include "sbi_impl.h"
#include "setup_impl.h"
#include "smp_impl.h"

const void *boot_fdt;
size_t boot_fdt_size;
u64 boot_firmware_hart;
const char *boot_command_line = "";
u64 boot_timebase;

static void adopt_boot_task(u64 hartid)
{
	boot_firmware_hart = hartid;
	harts[0].firmware_id = hartid;
	boot_task.hart = &harts[0];
	boot_task.kstack = boot_stack;
	boot_task.kstack_top = boot_stack_top;
	task_adopt(&boot_task);
}

/* The tree as the firmware left it, seen through the window. */
static void open_tree(paddr_t pa, struct fdt *fdt)
{
	size_t size;

	if (!pa || pa & 7)
		panic("no device tree: a1 is %llx\n", pa);
	size = fdt_blob_bytes(window_bytes(pa, FDT_HEADER_BYTES));
	if (!size || size > WINDOW_BYTES - PAGE_SIZE)
		panic("no device tree at %llx\n", pa);
	if (fdt_open(fdt, window_bytes(pa, size), size))
		panic("the device tree at %llx is damaged\n", pa);
}

/* To pages of our own: where it lies may be no memory of ours. */
static void copy_tree(const struct fdt *fdt)
{
	size_t pages = DIV_ROUND_UP(fdt->size, PAGE_SIZE);
	paddr_t pa = bootmem_take(pages);

	if (!pa)
		panic("no memory for the device tree\n");
	for (size_t i = 0; i < pages; i++) {
		size_t done = i << PAGE_SHIFT;

		memcpy(window_page(WINDOW_COPY, pa + done),
		       (const char *)fdt->blob + done,
		       min(fdt->size - done, (size_t)PAGE_SIZE));
	}
	boot_fdt = pa_to_va(pa);
	boot_fdt_size = fdt->size;
}

static void use_tree_copy(void)
{
	struct fdt fdt;
	const char *line;

	if (fdt_open(&fdt, boot_fdt, boot_fdt_size))
		panic("the device tree's copy is damaged\n");
	line = fdt_chosen(&fdt, "bootargs");
	if (line)
		boot_command_line = line;
}

static void trap_stacks_alloc(void)
{
	for (u32 i = 0; i < nr_harts; i++) {
		paddr_t pa = boot_pages_alloc(TRAP_STACK_SIZE / PAGE_SIZE);

		if (!pa)
			panic("no memory for trap stacks\n");
		harts[i].trap_stack_top = (char *)pa_to_va(pa) +
					  TRAP_STACK_SIZE;
	}
}

void __noreturn start_kernel(u64 hartid, paddr_t fdt_pa)
{
	struct fdt fdt;
	const char *line;

	adopt_boot_task(hartid);
	sbi_init();
	arch_early_console_init();
	open_tree(fdt_pa, &fdt);
	line = fdt_chosen(&fdt, "bootargs");
	if (!line)
		line = "";
	cpus_find(&fdt, line);
	bootmem_find(&fdt, line, fdt_pa);
	exception_table_init();
	cpus_probe();
	copy_tree(&fdt);
	kernel_tables_build();
	kernel_tables_load();
	use_tree_copy();
	trap_stacks_alloc();
	arch_hart_init();
	arch_irqs_enable();
	kernel_main();
	__builtin_unreachable();
}
