#pragma once
/* Page tables inside arch/. */
#include <arch/mmu.h>

/* The image's physical address. const after head.S */
extern paddr_t image_pa;
extern unsigned long direct_map_offset;

extern struct mem_range boot_no_map[MAX_MEM_RANGES];
extern unsigned boot_no_map_count;

/* True if the entry of a kernel address permits the access (FAULT_*). */
bool kernel_access_ok(unsigned long va, unsigned flags);
unsigned long satp_of(paddr_t root);
/* satp of the kernel's table, for starting harts. */
unsigned long kernel_satp(void);
/* On a hart that came up with the kernel's table. */
void mmu_hart_init(void);

/* head.S */
extern struct pte early_root[PTRS_PER_TABLE];
extern struct pte early_image_table[PTRS_PER_TABLE];
extern char boot_stack_guard[], boot_stack[], boot_stack_top[];
