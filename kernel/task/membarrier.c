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
#define CMD_PRIVATE_RSEQ (1 << 7)
#define CMD_REGISTER_PRIVATE_RSEQ (1 << 8)
#define CMD_GET_REGISTRATIONS (1 << 9)
#define CMD_ALL 0x3ff
#define FLAG_CPU 1u

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

/* On a hart that runs the address space: whatever section is on ends. */
static void end_section(void *mm)
{
	smp_mb();
	if (current->mm == mm && current->rseq.ptr)
		flag_set(&current->work, WORK_RSEQ);
}

/* hart -1: all. */
static long private_rseq(int hart)
{
	struct mm *mm = current->mm;
	struct cpumask mask = mm->active;

	if (!(mm->membarrier_state & CMD_REGISTER_PRIVATE_RSEQ))
		return -EPERM;
	if (hart >= MAX_HARTS)
		return 0;
	if (hart >= 0)
		mask.bits &= 1ull << hart;
	smp_mb();
	hart_call(mask, end_section, mm);
	smp_mb();
	return 0;
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

/* Those of special kinds count as the plain one too, but do not permit it. */
static long registrations(void)
{
	u32 state = READ_ONCE(current->mm->membarrier_state);

	if (state & (CMD_REGISTER_PRIVATE_SYNC_CORE | CMD_REGISTER_PRIVATE_RSEQ))
		state |= CMD_REGISTER_PRIVATE_EXPEDITED;
	return state;
}

long do_membarrier(int cmd, unsigned flags, int hart)
{
	if (flags && (cmd != CMD_PRIVATE_RSEQ || flags != FLAG_CPU))
		return -EINVAL;
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
	case CMD_REGISTER_PRIVATE_RSEQ:
		__atomic_fetch_or(&current->mm->membarrier_state, (u32)cmd,
				  __ATOMIC_SEQ_CST);
		return 0;
	case CMD_PRIVATE_EXPEDITED:
		return private(cmd, CMD_REGISTER_PRIVATE_EXPEDITED);
	case CMD_PRIVATE_SYNC_CORE:
		return private(cmd, CMD_REGISTER_PRIVATE_SYNC_CORE);
	case CMD_PRIVATE_RSEQ:
		return private_rseq(flags ? hart : -1);
	case CMD_GET_REGISTRATIONS:
		return registrations();
	}
	return -EINVAL;
}
