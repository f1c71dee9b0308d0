#pragma once
/*
 * Sleeping locks.  Process context only; the holder may sleep.  mutex has
 * priority inheritance (a waiter of higher priority lends it to the owner)
 * and spins adaptively while the owner runs on another hart.
 */
#include <kernel/spinlock.h>
#include <lib/list.h>
#include <lib/rbtree.h>

struct task;

struct __capability("mutex") mutex {
	unsigned long owner;	/* a task, and flags in the low bits. atomic */
	struct irqlock wait_lock;
	struct list waiters __guarded_by(&wait_lock);
	struct list pi_node;	/* in owner->pi_mutexes. wait_lock, and the
				 * owner's pi_lock */
	int top_prio;		/* of the first waiter. the same */
#if CONFIG_DEBUG
	int rank;
	const char *name;
	unsigned long site;
#endif
};

#if CONFIG_DEBUG
#define MUTEX_INIT(m, rk, nm)                                                  \
	{ .wait_lock = IRQLOCK_INIT(RANK_WAITQ, nm),                           \
	  .waiters = LIST_INIT((m).waiters),                                   \
	  .pi_node = LIST_INIT((m).pi_node), .rank = (rk), .name = (nm) }
#else
#define MUTEX_INIT(m, rk, nm)                                                  \
	{ .wait_lock = IRQLOCK_INIT(RANK_WAITQ, nm),                           \
	  .waiters = LIST_INIT((m).waiters),                                   \
	  .pi_node = LIST_INIT((m).pi_node) }
#endif

void mutex_init(struct mutex *m, enum lock_rank rank, const char *name);
void mutex_lock(struct mutex *m) __acquires(m);
/* -EINTR if a fatal signal is pending before the lock is had. */
int __must_check mutex_lock_killable(struct mutex *m)
	__try_acquires(0, m);
/* -EINTR on any signal. */
int __must_check mutex_lock_intr(struct mutex *m) __try_acquires(0, m);
bool __must_check mutex_trylock(struct mutex *m) __try_acquires(1, m);
void mutex_unlock(struct mutex *m) __releases(m);
bool mutex_is_locked(const struct mutex *m);
/* For dumps: racy, the task may be gone. */
static inline struct task *mutex_owner(const struct mutex *m)
{
	return (struct task *)(READ_ONCE(m->owner) & ~3ul);
}
void assert_mutex_held(const struct mutex *m) __asserts_held(m);
/* As mutex_lock, for a nested one of the same rank whose order the caller
 * guarantees (parent directory before child). */
void mutex_lock_nested(struct mutex *m, enum lock_rank rank) __acquires(m);

/* For the scheduler: the best priority that waiters for t's mutexes lend it,
 * MAX_PRIO if none.  t->pi_lock held. */
int mutex_lent_prio(struct task *t);
/* t's priority changed: if it waits for a mutex, so does its place there, and
 * what the owner is lent.  No locks held. */
void mutex_prio_changed(struct task *t);

/* Readers share, writers exclude; writers are not starved.  Only writing is
 * followed by the analysis. */
struct __capability("mutex") rwsem {
	long count;		/* atomic: readers, or RWSEM_WRITER */
	struct task *owner;	/* writer, for the debugger */
	struct irqlock wait_lock;
	struct list waiters __guarded_by(&wait_lock);
#if CONFIG_DEBUG
	int rank;
	const char *name;
#endif
};

void rwsem_init(struct rwsem *s, enum lock_rank rank, const char *name);
void rwsem_read_lock(struct rwsem *s);
int __must_check rwsem_read_lock_killable(struct rwsem *s);
bool __must_check rwsem_read_trylock(struct rwsem *s);
void rwsem_read_unlock(struct rwsem *s);
void rwsem_write_lock(struct rwsem *s) __acquires(s);
int __must_check rwsem_write_lock_killable(struct rwsem *s)
	__try_acquires(0, s);
void rwsem_write_unlock(struct rwsem *s) __releases(s);
/* Writer becomes reader, without a gap. */
void rwsem_downgrade(struct rwsem *s) __releases(s);
