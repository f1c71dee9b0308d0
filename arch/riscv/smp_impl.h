#pragma once
/* What the parts of arch/ share about harts and their start. */
#include <lib/compiler.h>
#include <lib/types.h>

struct task;

#define TRAP_STACK_SIZE 8192	/* of a hart, for kernel stack overflows */

/* What a starting hart loads before it has page tables. */
struct hart_start {
	unsigned long satp;
	unsigned long entry;	/* virtual address to go on at */
	struct task *task;
	unsigned long stack;
	u64 ready;		/* firmware's id of the hart, plus one */
};
extern struct hart_start hart_starts[];

/* head.S: where firmware starts a secondary hart; where it goes on. */
void secondary_start(void);
void secondary_high(void);
/* entry.S: the trap vector. */
void trap_entry(void);
/* setup.c, from head.S. */
void __noreturn start_kernel(u64 hartid, paddr_t fdt_pa);
/* From secondary_high, as the idle task. */
void __noreturn secondary_main(void);

/* cpu.c */
extern bool cpu_has_sstc;
extern bool cpu_has_vector;
extern bool cpu_has_zicboz;
extern u32 cpu_asid_bits;
extern bool cpu_icache_coherent;
extern u32 cpu_vlenb;
extern bool cpu_misaligned_fast;

/* vector.c */
void vector_save_current(void);
void vector_load_current(void);
size_t vector_bytes(void);

/* task.c */
void task_adopt(struct task *t);
