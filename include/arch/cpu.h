#pragma once
/*
 * The few instructions that portable code needs inline.  `current` is the
 * running task, kept in a register while in the kernel.
 */
#include <lib/compiler.h>
#include <lib/types.h>

struct task;

register struct task *arch_current __asm__("tp");
#define current arch_current

static __always_inline void arch_irqs_disable(void)
{
	__asm__ volatile("csrci sstatus, 2" ::: "memory");
}

static __always_inline void arch_irqs_enable(void)
{
	__asm__ volatile("csrsi sstatus, 2" ::: "memory");
}

/* One turn of a polling loop. */
static __always_inline void cpu_relax(void)
{
	__asm__ volatile(".4byte 0x100000F" ::: "memory"); /* pause */
}

/* The free-running counter behind all clocks. */
static __always_inline u64 arch_read_time(void)
{
	u64 t;

	__asm__ volatile("rdtime %0" : "=r"(t));
	return t;
}

/* Sleeps until an interrupt is pending, enabled in sstatus or not. */
static __always_inline void arch_wait_for_interrupt(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

/* True if interrupts are enabled in hardware. Slow: for assertions. */
static __always_inline bool arch_irqs_enabled(void)
{
	unsigned long s;

	__asm__ volatile("csrr %0, sstatus" : "=r"(s));
	return s & 2;
}

/* Code made of short blocks, within a page; and what running it at va, where it
 * has not run before, costs a block beyond running it again. */
paddr_t arch_block_row(void);
u64 arch_block_price_ns(unsigned long va);

/* Orders memory and device accesses. */
#define dma_wmb() __asm__ volatile("fence ow, ow" ::: "memory")
#define dma_rmb() __asm__ volatile("fence ir, ir" ::: "memory")
#define io_mb() __asm__ volatile("fence iorw, iorw" ::: "memory")
