/*
 * bootmem - where RAM is and which of it is free, from the device tree.
 *
 * Theory:  boot_ram is what the tree calls memory, cut by `mem=` and by what
 *          the direct map can hold.  boot_free_ram is the same without the
 *          firmware, the image, the tree, the initrd and all that is reserved.
 *          Ranges are sorted, page aligned and do not overlap.  Pages for
 *          tables are taken from the end of the highest free range that has
 *          them, so low memory stays whole for devices.
 * Life:    frozen when mm has taken boot_free_ram over.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <kernel/print.h>
#include <lib/fdt.h>
#include <lib/parse.h>
#include <lib/string.h>

#include "mmu_impl.h"
#include "setup_impl.h"

struct mem_range boot_ram[MAX_MEM_RANGES];
unsigned boot_ram_count;
struct mem_range boot_free_ram[MAX_MEM_RANGES];
unsigned boot_free_ram_count;
struct mem_range boot_no_map[MAX_MEM_RANGES];
unsigned boot_no_map_count;
struct mem_range boot_initrd;

static void insert_at(struct mem_range *r, unsigned *n, unsigned i,
		      struct mem_range v)
{
	if (*n == MAX_MEM_RANGES) {
		pr_warn("memory range %llx-%llx ignored: too many\n", v.start,
			v.end);
		return;
	}
	memmove(r + i + 1, r + i, (*n - i) * sizeof(*r));
	r[i] = v;
	++*n;
}

static void remove_at(struct mem_range *r, unsigned *n, unsigned i)
{
	memmove(r + i, r + i + 1, (*n - i - 1) * sizeof(*r));
	--*n;
}

/* Adds a range, joined with those it touches. */
static void range_add(struct mem_range *r, unsigned *n, struct mem_range v)
{
	unsigned i = 0;

	if (v.start >= v.end)
		return;
	while (i < *n) {
		if (r[i].end < v.start) {
			i++;
			continue;
		}
		if (r[i].start > v.end)
			break;
		v.start = min(v.start, r[i].start);
		v.end = max(v.end, r[i].end);
		remove_at(r, n, i);
	}
	insert_at(r, n, i, v);
}

/* Takes a range out; pages that it only touches go too. */
static void range_cut(struct mem_range *r, unsigned *n, paddr_t start,
		      paddr_t end)
{
	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = ALIGN_UP(end, PAGE_SIZE);
	if (start >= end)
		return;
	for (unsigned i = 0; i < *n;) {
		struct mem_range v = r[i];

		if (v.end <= start || v.start >= end) {
			i++;
			continue;
		}
		remove_at(r, n, i);
		if (v.start < start)
			insert_at(r, n, i++,
				  (struct mem_range){ v.start, start });
		if (v.end > end)
			insert_at(r, n, i++, (struct mem_range){ end, v.end });
	}
}

static void find_ram(const struct fdt *fdt)
{
	struct fdt_mem_iter it = FDT_MEM_ITER_INIT;
	struct fdt_region reg;

	while (!fdt_memory_next(fdt, &it, &reg)) {
		struct mem_range v = {
			ALIGN_UP(reg.base, (u64)PAGE_SIZE),
			ALIGN_DOWN(reg.base + reg.size, (u64)PAGE_SIZE),
		};

		if (v.start >= reg.base)	/* not the last page of all */
			range_add(boot_ram, &boot_ram_count, v);
	}
}

/* mem=SIZE: that much RAM from the lowest address up. */
static void limit_ram(const char *cmdline)
{
	char text[32];
	u64 left, size;

	if (cmdline_find(cmdline, "mem", text, sizeof(text)) <= 0 ||
	    str_to_size(text, NULL, &left) || !left)
		return;
	left = ALIGN_DOWN(left, (u64)PAGE_SIZE);
	for (unsigned i = 0; i < boot_ram_count; i++) {
		size = boot_ram[i].end - boot_ram[i].start;
		if (size > left)
			boot_ram[i].end = boot_ram[i].start + left;
		left -= min(size, left);
	}
	while (boot_ram_count && boot_ram[boot_ram_count - 1].start ==
				 boot_ram[boot_ram_count - 1].end)
		boot_ram_count--;
}

/* The direct map begins at the GiB of the lowest RAM. */
static void place_direct_map(void)
{
	paddr_t base = ALIGN_DOWN(boot_ram[0].start, (u64)PUD_SIZE);

	direct_map_offset = DIRECT_MAP_BASE - base;
	range_cut(boot_ram, &boot_ram_count, base + DIRECT_MAP_SIZE,
		  ~0ull << PAGE_SHIFT);
}

static void reserve(paddr_t start, u64 size)
{
	range_cut(boot_free_ram, &boot_free_ram_count, start, start + size);
}

static void reserve_no_map(paddr_t start, u64 size)
{
	struct mem_range v = { ALIGN_DOWN(start, (u64)PAGE_SIZE),
			       ALIGN_UP(start + size, (u64)PAGE_SIZE) };

	reserve(start, size);
	range_add(boot_no_map, &boot_no_map_count, v);
}

static void reserve_by_tree(const struct fdt *fdt)
{
	struct fdt_mem_iter it = FDT_MEM_ITER_INIT;
	struct fdt_region reg;
	bool no_map;

	for (unsigned i = 0; !fdt_memreserve(fdt, i, &reg); i++)
		reserve(reg.base, reg.size);
	while (!fdt_reserved_next(fdt, &it, &reg, &no_map)) {
		if (no_map)
			reserve_no_map(reg.base, reg.size);
		else
			reserve(reg.base, reg.size);
	}
}

static bool is_ram(paddr_t start, paddr_t end)
{
	for (unsigned i = 0; i < boot_ram_count; i++)
		if (start >= boot_ram[i].start && end <= boot_ram[i].end)
			return true;
	return false;
}

static void reserve_initrd(const struct fdt *fdt)
{
	struct fdt_region reg;

	if (fdt_initrd(fdt, &reg) || !reg.size)
		return;
	if (!is_ram(reg.base, reg.base + reg.size)) {
		pr_warn("initrd at %llx is outside of memory: not used\n",
			reg.base);
		return;
	}
	boot_initrd = (struct mem_range){ reg.base, reg.base + reg.size };
	reserve(reg.base, reg.size);
}

/*
 * Firmware lives in the 2 MiB below the usual load address, and not every
 * tree says so: those below the image are left alone if they are RAM.
 */
static void reserve_image(void)
{
	reserve(image_pa, (u64)(_end - _text));
	if (is_ram(image_pa - PMD_SIZE, image_pa))
		reserve_no_map(image_pa - PMD_SIZE, PMD_SIZE);
}

void bootmem_find(const struct fdt *fdt, const char *cmdline, paddr_t fdt_pa)
{
	find_ram(fdt);
	limit_ram(cmdline);
	if (!boot_ram_count)
		panic("the device tree names no memory\n");
	place_direct_map();
	memcpy(boot_free_ram, boot_ram, sizeof(boot_ram));
	boot_free_ram_count = boot_ram_count;
	reserve_by_tree(fdt);
	reserve_image();
	reserve(fdt_pa, fdt->size);
	reserve_initrd(fdt);
	if (!is_ram(image_pa, image_pa + (u64)(_end - _text)))
		panic("the kernel was loaded outside of memory\n");
}

/* What the direct map covers with full rights: RAM but for what must not be
 * mapped, and for the image's read-only part. */
void bootmem_mapped(struct mem_range *out, unsigned *n)
{
	memcpy(out, boot_ram, sizeof(boot_ram));
	*n = boot_ram_count;
	for (unsigned i = 0; i < boot_no_map_count; i++)
		range_cut(out, n, boot_no_map[i].start, boot_no_map[i].end);
	range_cut(out, n, image_pa, image_to_pa(_erodata));
}

/* n adjacent pages, not zeroed; 0: none. */
paddr_t bootmem_take(size_t n)
{
	u64 size = (u64)n << PAGE_SHIFT;

	for (unsigned i = boot_free_ram_count; i-- > 0;) {
		struct mem_range *v = &boot_free_ram[i];

		if (v->end - v->start < size)
			continue;
		v->end -= size;
		size = v->end;
		if (v->start == v->end)
			remove_at(boot_free_ram, &boot_free_ram_count, i);
		return size;
	}
	return 0;
}

paddr_t boot_pages_alloc(size_t n)
{
	paddr_t pa = bootmem_take(n);

	if (pa)
		memset(pa_to_va(pa), 0, n << PAGE_SHIFT);
	return pa;
}
