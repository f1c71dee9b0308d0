#pragma once
/* The host in place of a hart, for code that only reads what it is given. */
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
