#pragma once
/*
 * Locks that do not sleep.  struct spinlock turns preemption off; struct
 * irqlock turns preemption and interrupts off (depth counted in the task, no
 * saved flags).  Hold them shortly: no sleep, no user memory, no callback.
 * Test-and-test-and-set over an exchange: the cheapest for a few harts (see
 * docs/locks.md).
 */
#include <kernel/atomic.h>
#include <kernel/lock_types.h>
#include <kernel/preempt.h>

#if CONFIG_DEBUG
#define SPINLOCK_INIT(rk, nm) { .locked = 0, .rank = (rk), .name = (nm) }
#else
#define SPINLOCK_INIT(rk, nm) { .locked = 0 }
#endif
#define IRQLOCK_INIT(rk, nm) { .raw = SPINLOCK_INIT(rk, nm) }

void spin_init(struct spinlock *l, enum lock_rank rank, const char *name);
void irq_lock_init(struct irqlock *l, enum lock_rank rank, const char *name);

/* Spins until the lock is free; the slow half of spin_lock. */
void spin_contended(struct spinlock *l);
/* Debug builds: rank check and owner; the caller's address is the site. */
void lock_debug_acquire(struct spinlock *l);
/* The same after a trylock: any order is allowed. */
void lock_debug_acquire_try(struct spinlock *l);
void lock_debug_release(struct spinlock *l);
void lock_debug_assert_held(const struct spinlock *l);
/* Taken by prev, dropped by next: the run queue's lock, at a switch. */
void lock_debug_handover(struct spinlock *l, struct task *prev,
			 struct task *next);

static inline void raw_spin_lock(struct spinlock *l)
{
	if (unlikely(__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)))
		spin_contended(l);
	if (CONFIG_DEBUG)
		lock_debug_acquire(l);
}

static inline void raw_spin_unlock(struct spinlock *l)
{
	if (CONFIG_DEBUG)
		lock_debug_release(l);
	store_release(&l->locked, 0);
}

static inline void spin_lock(struct spinlock *l) __acquires(l)
	__no_analysis
{
	preempt_disable();
	raw_spin_lock(l);
}

static inline void spin_unlock(struct spinlock *l) __releases(l)
	__no_analysis
{
	raw_spin_unlock(l);
	preempt_enable();
}

static inline bool __must_check spin_trylock(struct spinlock *l)
	__try_acquires(1, l) __no_analysis
{
	preempt_disable();
	if (!__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)) {
		if (CONFIG_DEBUG)
			lock_debug_acquire_try(l);
		return true;
	}
	preempt_enable();
	return false;
}

static inline bool spin_is_locked(const struct spinlock *l)
{
	return READ_ONCE(l->locked);
}

static inline void irq_lock(struct irqlock *l) __acquires(l) __no_analysis
{
	irqs_off();
	raw_spin_lock(&l->raw);
}

static inline void irq_unlock(struct irqlock *l) __releases(l) __no_analysis
{
	raw_spin_unlock(&l->raw);
	irqs_on();
}

static inline bool __must_check irq_trylock(struct irqlock *l)
	__try_acquires(1, l) __no_analysis
{
	irqs_off();
	if (!__atomic_exchange_n(&l->raw.locked, 1, __ATOMIC_ACQUIRE)) {
		if (CONFIG_DEBUG)
			lock_debug_acquire_try(&l->raw);
		return true;
	}
	irqs_on();
	return false;
}

/* Two locks of one rank, in address order; a == b takes one. */
void spin_lock_pair(struct spinlock *a, struct spinlock *b);
void spin_unlock_pair(struct spinlock *a, struct spinlock *b);
void irq_lock_pair(struct irqlock *a, struct irqlock *b);
void irq_unlock_pair(struct irqlock *a, struct irqlock *b);

/* Debug builds: dies unless this task holds it. */
static inline void assert_spin_held(const struct spinlock *l)
	__asserts_held(l)
{
	if (CONFIG_DEBUG)
		lock_debug_assert_held(l);
}

static inline void assert_irq_held(const struct irqlock *l) __asserts_held(l)
{
	assert_spin_held(&l->raw);
}

/*
 * A reader-writer spinlock with interrupts off, for the task list: many
 * readers (also from interrupts), rare writers.
 */
struct rwlock {
	int v;			/* readers, or -1 for a writer. atomic */
};
#define RWLOCK_INIT { .v = 0 }
void read_lock(struct rwlock *l);
void read_unlock(struct rwlock *l);
void write_lock(struct rwlock *l);
void write_unlock(struct rwlock *l);

/* A version counter for data that is read far more often than written.
 * Writers hold a lock of their own. */
struct seqcount {
	u32 seq;
};

static inline u32 seq_read_begin(const struct seqcount *s)
{
	u32 v;

	while ((v = load_acquire(&s->seq)) & 1)
		barrier();
	return v;
}

static inline bool seq_read_retry(const struct seqcount *s, u32 start)
{
	smp_rmb();
	return READ_ONCE(s->seq) != start;
}

static inline void seq_write_begin(struct seqcount *s)
{
	WRITE_ONCE(s->seq, s->seq + 1);
	smp_wmb();
}

static inline void seq_write_end(struct seqcount *s)
{
	smp_wmb();
	WRITE_ONCE(s->seq, s->seq + 1);
}
