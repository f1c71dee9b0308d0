/*
 * locks - the slow halves of spinlocks, pairs of locks, reader-writer locks.
 *
 * Theory:  test-and-test-and-set: who finds the lock taken polls with plain
 *          loads and tries the exchange only when it looks free.  For the few
 *          harts of our machines that is the cheapest kind (docs/locks.md).
 *          A hart that waits for a plain spinlock ends a fast call's masked
 *          interrupts first, and answers TLB requests while it spins: the
 *          holder may be waiting for this very hart.
 * Context: any.
 */
#include "lockdebug_impl.h"

#include <arch/smp.h>
#include <kernel/hart.h>
#include <kernel/spinlock.h>

void spin_init(struct spinlock *l, enum lock_rank rank, const char *name)
{
	*l = (struct spinlock)SPINLOCK_INIT(rank, name);
}

void irq_lock_init(struct irqlock *l, enum lock_rank rank, const char *name)
{
	spin_init(&l->raw, rank, name);
}

void spin_contended(struct spinlock *l)
{
	u64 since = 0;
	u32 turns = 0;

	if (!current->irq_depth)
		irqs_unmask();
	do {
		while (READ_ONCE(l->locked)) {
			cpu_relax();
			if ((++turns & 0x1f) == 0) {
				arch_ipi_tlb();
				ipi_poll_backtrace();
			}
			if (CONFIG_DEBUG && (turns & 0xfff) == 0)
				lock_debug_stuck(l, &since);
		}
	} while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE));
}

/* The second of a pair, of equal rank: ordered by address instead. */
static void lock_second(struct spinlock *l) __no_analysis
{
	if (unlikely(__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)))
		spin_contended(l);
	if (CONFIG_DEBUG)
		lock_debug_acquire_try(l);
}

void spin_lock_pair(struct spinlock *a, struct spinlock *b) __no_analysis
{
	if (a > b)
		swap(a, b);
	spin_lock(a);
	if (a == b)
		return;
	preempt_disable();
	lock_second(b);
}

void spin_unlock_pair(struct spinlock *a, struct spinlock *b) __no_analysis
{
	spin_unlock(a);
	if (a != b)
		spin_unlock(b);
}

void irq_lock_pair(struct irqlock *a, struct irqlock *b) __no_analysis
{
	if (a > b)
		swap(a, b);
	irq_lock(a);
	if (a == b)
		return;
	irqs_off();
	lock_second(&b->raw);
}

void irq_unlock_pair(struct irqlock *a, struct irqlock *b) __no_analysis
{
	irq_unlock(a);
	if (a != b)
		irq_unlock(b);
}

void read_lock(struct rwlock *l)
{
	int v;

	irqs_off();
	for (;;) {
		v = READ_ONCE(l->v);
		if (v >= 0 &&
		    __atomic_compare_exchange_n(&l->v, &v, v + 1, true,
						__ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
		cpu_relax();
	}
}

void read_unlock(struct rwlock *l)
{
	__atomic_fetch_sub(&l->v, 1, __ATOMIC_RELEASE);
	irqs_on();
}

void write_lock(struct rwlock *l)
{
	int v;

	irqs_off();
	for (;;) {
		v = 0;
		if (!READ_ONCE(l->v) &&
		    __atomic_compare_exchange_n(&l->v, &v, -1, true,
						__ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
		cpu_relax();
	}
}

void write_unlock(struct rwlock *l)
{
	__atomic_store_n(&l->v, 0, __ATOMIC_RELEASE);
	irqs_on();
}
