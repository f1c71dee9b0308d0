/*
 * membarrier - memory barriers in other threads, on demand.
 *
 * Theory:  a thread that does not run passes a full barrier before it runs
 *          again (the switch has one); so it is enough to interrupt the harts
 *          that run the address space now.  The global form waits for every
 *          hart to switch or leave the kernel once: a grace period.
 */
#include "task_impl.h"

#include <arch/mmu.h>
#include <kernel/hart.h>
#include <lib/errno.h>
#include <mm/mm.h>
#include <task/membarrier.h>

#define CMD_QUERY 0
#define CMD_GLOBAL (1 << 0)
#define CMD_GLOBAL_EXPEDITED (1 << 1)
#define CMD_REGISTER_GLOBAL_EXPEDITED (1 << 2)
#define CMD_PRIVATE_EXPEDITED (1 << 3)
#define CMD_REGISTER_PRIVATE_EXPEDITED (1 << 4)
#define CMD_PRIVATE_SYNC_CORE (1 << 5)
#define CMD_REGISTER_PRIVATE_SYNC_CORE (1 << 6)
#define CMD_ALL 0x7f

static void barrier_here(void *arg)
{
	smp_mb();
}

static void expedited(struct cpumask mask)
{
	smp_mb();
	hart_call(mask, barrier_here, NULL);
	smp_mb();
}

static long private(int cmd, u32 need)
{
	struct mm *mm = current->mm;

	if (!(mm->membarrier_state & need))
		return -EPERM;
	expedited(mm->active);
	if (cmd == CMD_PRIVATE_SYNC_CORE)
		icache_flush_all();
	return 0;
}

long do_membarrier(int cmd)
{
	irqs_unmask();
	switch (cmd) {
	case CMD_QUERY:
		return CMD_ALL;
	case CMD_GLOBAL:
		synchronize_rcu();
		return 0;
	case CMD_GLOBAL_EXPEDITED:
		expedited(online_harts);
		return 0;
	case CMD_REGISTER_GLOBAL_EXPEDITED:
	case CMD_REGISTER_PRIVATE_EXPEDITED:
	case CMD_REGISTER_PRIVATE_SYNC_CORE:
		__atomic_fetch_or(&current->mm->membarrier_state, (u32)cmd,
				  __ATOMIC_SEQ_CST);
		return 0;
	case CMD_PRIVATE_EXPEDITED:
		return private(cmd, CMD_REGISTER_PRIVATE_EXPEDITED);
	case CMD_PRIVATE_SYNC_CORE:
		return private(cmd, CMD_REGISTER_PRIVATE_SYNC_CORE);
	}
	return -EINVAL;
}
