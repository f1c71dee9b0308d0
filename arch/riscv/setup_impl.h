#pragma once
/* Start-up inside arch/, in the order of the calls. */
#include <arch/mmu.h>
#include <lib/compiler.h>
#include <lib/fdt.h>
#include <lib/types.h>

/* A window for what has no mapping before the final tables: a page at a slot,
 * or as many from slot 0 as size bytes at pa touch. */
#define WINDOW_TABLE 511		/* slots */
#define WINDOW_COPY 510
#define WINDOW_BYTES (WINDOW_COPY * PAGE_SIZE)
void *window_page(unsigned slot, paddr_t pa);
void *window_bytes(paddr_t pa, size_t size);

/* Fills boot_ram and boot_free_ram in. */
void bootmem_find(const struct fdt *fdt, const char *cmdline, paddr_t fdt_pa);
paddr_t bootmem_take(size_t n);
/* out has MAX_MEM_RANGES. */
void bootmem_mapped(struct mem_range *out, unsigned *n);

/* harts[] from the tree; the boot hart first. */
void cpus_find(const struct fdt *fdt, const char *cmdline);
/* What this machine can do, by trying; before the final tables. */
void cpus_probe(void);
/* The same on each hart, for itself. */
void cpu_hart_init(void);

/* The final tables. */
void kernel_tables_build(void);
void kernel_tables_load(void);
