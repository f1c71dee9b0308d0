#pragma once
/* The host in place of a hart: one task, no interrupts. */
#include <lib/compiler.h>
#include <lib/types.h>

struct task;
extern struct task *shim_current;
#define current shim_current

static inline void arch_irqs_disable(void)
{
}
static inline void arch_irqs_enable(void)
{
}
static inline void cpu_relax(void)
{
}
static inline u64 arch_read_time(void)
{
	return 0;
}
#define dma_wmb() barrier()
#define dma_rmb() barrier()
#define io_mb() barrier()
