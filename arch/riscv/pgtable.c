/*
 * pgtable - the kernel's page tables, built once at start-up.
 *
 * Theory:  the early tables (head.S) map only the image and a window of 512
 *          single pages.  The final ones are written through that window:
 *          the direct map with the largest leaves that fit, the image with
 *          each section's own rights, and empty second-level tables for the
 *          regions that grow later, so that a root never changes after.
 *          The image's text and constants are read-only in the direct map
 *          too, and memory that the firmware keeps is in no table at all.
 */
#include <arch/mmu.h>
#include <kernel/print.h>
#include <lib/string.h>

#include "csr_impl.h"
#include "mmu_impl.h"
#include "setup_impl.h"

#define WINDOW_BASE (KERNEL_BASE + 511 * PMD_SIZE)

static struct pte window_table[PTRS_PER_TABLE]
	__aligned(4096) __section(".bss.page_aligned");
static paddr_t root_pa;

void *window_page(unsigned slot, paddr_t pa)
{
	struct pte e = pte_make(pa, PROT_R | PROT_W);

	early_image_table[511] = pte_make_table(image_to_pa(window_table));
	if (window_table[slot].v != e.v) {
		window_table[slot] = e;
		tlb_flush_local();
	}
	return (void *)(WINDOW_BASE + slot * PAGE_SIZE);
}

void *window_bytes(paddr_t pa, size_t size)
{
	paddr_t first = ALIGN_DOWN(pa, (u64)PAGE_SIZE);
	unsigned slot = 0;

	for (paddr_t p = first; p < pa + size; p += PAGE_SIZE)
		window_page(slot++, p);
	return (void *)(WINDOW_BASE + (pa - first));
}

static paddr_t table_new(void)
{
	paddr_t pa = bootmem_take(1);

	if (!pa)
		panic("no memory for the kernel's page tables\n");
	page_zero(window_page(WINDOW_TABLE, pa));
	return pa;
}

static struct pte *table_entry(paddr_t table, unsigned index)
{
	return (struct pte *)window_page(WINDOW_TABLE, table) + index;
}

/* The table below entry `index` of a table, made if need be. */
static paddr_t table_below(paddr_t table, unsigned index)
{
	struct pte e = *table_entry(table, index);
	paddr_t below;

	if (pte_present(e))
		return pte_pa(e);
	below = table_new();
	*table_entry(table, index) = pte_make_table(below);
	return below;
}

static void map_leaf(unsigned long va, paddr_t pa, unsigned level,
		     unsigned prot)
{
	paddr_t table = root_pa;

	for (unsigned l = PT_LEVELS - 1; l > level; l--)
		table = table_below(table, pt_index(va, l));
	*table_entry(table, pt_index(va, level)) =
		pte_make(pa, prot | PROT_GLOBAL);
}

static void map_range(unsigned long va, paddr_t pa, u64 size, unsigned prot)
{
	while (size) {
		unsigned level = 0;
		u64 step = PAGE_SIZE;

		if (IS_ALIGNED(va | pa, PUD_SIZE) && size >= PUD_SIZE)
			level = 2;
		else if (IS_ALIGNED(va | pa, PMD_SIZE) && size >= PMD_SIZE)
			level = 1;
		step <<= 9 * level;
		map_leaf(va, pa, level, prot);
		va += step;
		pa += step;
		size -= step;
	}
}

static void map_direct(paddr_t start, paddr_t end, unsigned prot)
{
	map_range(start + direct_map_offset, start, end - start, prot);
}

static void map_section(const char *start, const char *end, unsigned prot)
{
	u64 size = ALIGN_UP((u64)(end - start), (u64)PAGE_SIZE);

	map_range((unsigned long)start, image_to_pa(start), size, prot);
}

static void map_image(void)
{
	const unsigned rw = PROT_R | PROT_W;

	map_section(_text, _etext, PROT_R | PROT_X);
	map_section(_rodata, _erodata, PROT_R);
	map_section(_data, _edata, rw);
	map_section(_symbols, _esymbols, PROT_R);
	map_section(_bss, boot_stack_guard, rw);
	map_section(boot_stack, _ebss, rw);
}

static void reserve_tables(unsigned long start, unsigned long end)
{
	for (unsigned long va = start; va < end; va += PUD_SIZE)
		table_below(root_pa, pt_index(va, 2));
}

/* Room for 256 bytes for each frame, more than mm needs. */
static unsigned long vmemmap_end(void)
{
	u64 frames = boot_ram[boot_ram_count - 1].end >> PAGE_SHIFT;

	return min(VMEMMAP_BASE + ALIGN_UP(frames * 256, (u64)PUD_SIZE),
		   (u64)VMEMMAP_END);
}

void kernel_tables_build(void)
{
	static struct mem_range pieces[MAX_MEM_RANGES];
	unsigned n;

	root_pa = table_new();
	bootmem_mapped(pieces, &n);
	for (unsigned i = 0; i < n; i++)
		map_direct(pieces[i].start, pieces[i].end, PROT_R | PROT_W);
	map_direct(image_pa, image_to_pa(_erodata), PROT_R);
	map_image();
	reserve_tables(VMAP_BASE, VMAP_END);
	reserve_tables(VMEMMAP_BASE, vmemmap_end());
}

void kernel_tables_load(void)
{
	csr_write(satp, satp_of(root_pa));
	tlb_flush_local();
	kernel_root = pa_to_va(root_pa);
	mmu_hart_init();
}
