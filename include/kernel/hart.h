#pragma once
/*
 * Per-hart data.  `h = hart_pin(); ... hart_unpin();` or any spinlock keeps
 * the task on its hart; this_hart() asserts one of the two.
 */
#include <kernel/preempt.h>
#include <kernel/lock_types.h>
#include <lib/list.h>

struct runq;
struct timer_base;
struct rcu_hart;
struct page_cache_hart;
struct work_pool;

struct hart {
	/* first line: scheduler and idle */
	u32 id;			/* 0..nr_harts-1. const */
	u32 polling;		/* idle polls `work` of its idle task. atomic */
	struct task *idle;	/* const */
	struct task *curr;	/* running task. runq lock; racy reads */
	struct runq *rq;	/* const */
	struct timer_base *timers; /* const */
	struct mm *loaded_mm;	/* whose table satp holds. this hart */
	u64 tlb_gen;		/* TLB generation of loaded_mm done here */
	u32 in_irq_work;
	bool online;

	u64 firmware_id;	/* the ISA's hart id. const */
	struct rcu_hart *rcu;
	struct work_pool *workers;
	void *page_cache;	/* mm: per-hart free lists. this hart */
	void *slab_cache;
	void *random;

	/* statistics: this hart writes, all read */
	u64 irq_count, ipi_count[8], timer_irqs, softirq[10];
	u64 switches;
	u64 tlb_flushes, tlb_remote;
	u64 user_ns, nice_ns, system_ns, idle_ns, iowait_ns, irq_ns;
	u64 syscalls, faults, faults_major;
	s64 vmstat[48];		/* enum vmstat in mm */

	struct list irq_waiting;
	unsigned long ipi_pending; /* IPI_*. atomic */
	void *trap_stack_top;	/* overflow stack */
	struct regs *irq_regs;	/* arch: interrupted registers. this hart */
	struct task *fp_owner;	/* arch: whose FP registers. this hart */
};

extern struct hart harts[MAX_HARTS];

/*
 * A variable of which every hart has one, zero at first:
 *
 *	static DEFINE_PER_HART(struct pcp, pcps);
 *	... per_hart(pcps, hart_id())
 *
 * All of a hart's lie side by side, so that a path which uses several of them
 * touches one page, and no two harts share a line.
 */
#define DEFINE_PER_HART(type, name) type name __section(".bss.per_hart")
#define per_hart(name, id)                                                     \
	(*(__typeof__(&(name)))((char *)&(name) +                              \
				(id) * (unsigned long)CONFIG_PER_HART_SIZE))
extern u32 nr_harts;		/* found usable. const after init */
extern struct cpumask online_harts;

static inline struct hart *hart_pin(void)
{
	preempt_disable();
	return current->hart;
}

static inline void hart_unpin(void)
{
	preempt_enable();
}

static inline struct hart *this_hart(void)
{
	return current->hart;
}

/* The id of the hart the caller runs on, stale at once unless pinned. */
static inline u32 hart_id(void)
{
	return current->hart->id;
}

#define for_each_hart(h)                                                       \
	for (struct hart *h = harts; h < harts + nr_harts; h++)                \
		if (h->online)

static inline bool cpumask_test(const struct cpumask *m, u32 i)
{
	return m->bits >> i & 1;
}

static inline void cpumask_set(struct cpumask *m, u32 i)
{
	__atomic_fetch_or(&m->bits, 1ull << i, __ATOMIC_SEQ_CST);
}

static inline void cpumask_clear(struct cpumask *m, u32 i)
{
	__atomic_fetch_and(&m->bits, ~(1ull << i), __ATOMIC_SEQ_CST);
}

/* Kinds of inter-hart interrupts. */
enum ipi {
	IPI_RESCHED,	/* look at task.work */
	IPI_CALL,	/* run queued functions */
	IPI_TLB,	/* flush as posted (arch) */
	IPI_STOP,	/* panic: print and halt */
	IPI_TIMER,
	IPI_BACKTRACE,
	NR_IPIS,
};

/* Starts every hart found, and waits until it is online.  After sched_init. */
void smp_start_all(void);

/* Posts the IPI; none is sent to a hart that polls.  Any context. */
void ipi_send(struct hart *h, enum ipi kind);
void ipi_send_mask(struct cpumask mask, enum ipi kind);
/* The same, raised when this task holds no irqlock any more: for wakers.  A
 * raise can block this hart in the emulator or the firmware, and the hart that
 * it wakes would spin on the lock.  Interrupts off. */
void ipi_defer(struct hart *h, enum ipi kind);
/* With interrupts off, while waiting for a lock: shows the stack if asked. */
void ipi_poll_backtrace(void);
/* From the trap: handles all that is pending for this hart. */
void ipi_handle(void);

/* Runs fn(arg) on each hart of the mask (not the caller's own unless it is in
 * it) with interrupts off, and waits. Not from interrupts or under irqlocks. */
void hart_call(struct cpumask mask, void (*fn)(void *arg), void *arg);
void hart_call_all(void (*fn)(void *arg), void *arg);
