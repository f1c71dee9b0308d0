/*
 * rwsem - the sleeping lock that readers share.
 *
 * Theory:  count is the number of readers, plus WRITER while a writer holds
 *          it, plus WAITERS while the queue is not empty.  With WAITERS set
 *          nobody takes the lock in passing, readers neither, so a writer
 *          waits only for the readers that are in already.  Whoever drops
 *          the last hold grants the lock to the head of the queue: one
 *          writer, or all readers up to the next writer.  A grant is made in
 *          the count before the waiter is woken, so it wakes as holder.
 * Locks:   wait_lock guards the queue, and the changes of WAITERS.
 */
#include "lockdebug_impl.h"

#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/mutex.h>
#include <kernel/waitq.h>

#define WRITER (1l << 61)
#define WAITERS (1l << 60)
#define READERS (WAITERS - 1)
#define SPIN_TURNS 400

struct rwsem_waiter {
	struct list node;
	struct task *task;
	bool is_writer;
	bool is_granted;	/* wait_lock */
};

#if CONFIG_DEBUG
#define DEBUG_RANK(s) ((s)->rank)
#define DEBUG_NAME(s) ((s)->name)
#else
#define DEBUG_RANK(s) RANK_NONE
#define DEBUG_NAME(s) NULL
#endif

void rwsem_init(struct rwsem *s, enum lock_rank rank, const char *name)
{
	*s = (struct rwsem){ .wait_lock = IRQLOCK_INIT(RANK_WAITQ, name) };
	list_init(&s->waiters);
#if CONFIG_DEBUG
	s->rank = rank;
	s->name = name;
#endif
}

static inline bool cas(struct rwsem *s, long *old, long val)
{
	return __atomic_compare_exchange_n(&s->count, old, val, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool take_read(struct rwsem *s)
{
	long c = READ_ONCE(s->count);

	while (!(c & (WRITER | WAITERS)))
		if (cas(s, &c, c + 1))
			return true;
	return false;
}

static inline bool take_write(struct rwsem *s)
{
	long c = 0;

	if (!cas(s, &c, WRITER))
		return false;
	WRITE_ONCE(s->owner, current);
	return true;
}

/* While a writer runs, or few readers hold it, it is soon free. */
static bool spin(struct rwsem *s, bool is_writer)
{
	for (int i = 0; i < SPIN_TURNS; i++) {
		long c = READ_ONCE(s->count);
		struct task *o = READ_ONCE(s->owner);

		if (is_writer ? take_write(s) : take_read(s))
			return true;
		if ((c & WAITERS) || (READ_ONCE(current->work) & WORK_LOOK))
			return false;
		if ((c & WRITER) && o && !READ_ONCE(o->on_hart))
			return false;
		cpu_relax();
	}
	return false;
}

/* --- the queue ----------------------------------------------------------------- */

static void grant(struct rwsem *s, struct rwsem_waiter *w)
{
	__atomic_fetch_add(&s->count, w->is_writer ? WRITER : 1,
			   __ATOMIC_RELAXED);
	if (w->is_writer)
		WRITE_ONCE(s->owner, w->task);
	list_del_init(&w->node);
	w->is_granted = true;
	task_wake_state(w->task, TASK_NORMAL);
}

/* Gives the lock to as many as can have it. */
static void grant_next(struct rwsem *s) __must_hold(&s->wait_lock)
{
	struct rwsem_waiter *w, *n;

	list_for_each_entry_safe(w, n, &s->waiters, node) {
		long c = READ_ONCE(s->count);

		if ((c & WRITER) || (w->is_writer && (c & READERS)))
			break;
		grant(s, w);
	}
	if (list_empty(&s->waiters))
		__atomic_fetch_and(&s->count, ~WAITERS, __ATOMIC_RELAXED);
}

static void __cold wake_next(struct rwsem *s)
{
	irq_lock(&s->wait_lock);
	grant_next(s);
	irq_unlock(&s->wait_lock);
}

static int __cold lock_slow(struct rwsem *s, bool is_writer, u32 state)
	__no_analysis
{
	struct rwsem_waiter w = { .task = current, .is_writer = is_writer };
	int err = 0;

	irqs_unmask();
	if (spin(s, is_writer))
		return 0;
	irq_lock(&s->wait_lock);
	list_add_tail(&w.node, &s->waiters);
	__atomic_fetch_or(&s->count, WAITERS, __ATOMIC_SEQ_CST);
	grant_next(s);			/* it may have become free */
	while (!w.is_granted) {
		err = wait_signal_check(state);
		if (err)
			break;
		set_task_state(state);
		irq_unlock(&s->wait_lock);
		schedule();
		irq_lock(&s->wait_lock);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	if (err) {
		list_del(&w.node);
		grant_next(s);		/* readers may have waited behind us */
	}
	irq_unlock(&s->wait_lock);
	return err;
}

static __always_inline int lock_state(struct rwsem *s, bool is_writer,
				      u32 state)
{
	unsigned long site = (unsigned long)__builtin_return_address(0);
	int err = 0;

	if (CONFIG_DEBUG)
		lock_debug_will_sleep(s, DEBUG_RANK(s), DEBUG_NAME(s), site,
				      false);
	if (unlikely(!(is_writer ? take_write(s) : take_read(s))))
		err = lock_slow(s, is_writer, state);
	if (CONFIG_DEBUG && !err)
		lock_debug_taken(s, DEBUG_RANK(s), DEBUG_NAME(s), site);
	return err;
}

/* --- entry points ---------------------------------------------------------------- */

void rwsem_read_lock(struct rwsem *s)
{
	/* without signals in the state it cannot fail */
	ignore_error(lock_state(s, false, TASK_UNINTERRUPTIBLE));
}

int rwsem_read_lock_killable(struct rwsem *s)
{
	return lock_state(s, false, TASK_KILLABLE);
}

bool rwsem_read_trylock(struct rwsem *s)
{
	bool taken = take_read(s);

	if (CONFIG_DEBUG && taken)
		lock_debug_taken(s, DEBUG_RANK(s), DEBUG_NAME(s),
				 (unsigned long)__builtin_return_address(0));
	return taken;
}

void rwsem_read_unlock(struct rwsem *s)
{
	long c;

	if (CONFIG_DEBUG)
		lock_debug_dropped(s);
	c = __atomic_sub_fetch(&s->count, 1, __ATOMIC_RELEASE);
	assert(!(c & WRITER));
	if (unlikely((c & (READERS | WAITERS)) == WAITERS))
		wake_next(s);
}

void rwsem_write_lock(struct rwsem *s) __no_analysis
{
	ignore_error(lock_state(s, true, TASK_UNINTERRUPTIBLE));
}

int rwsem_write_lock_killable(struct rwsem *s)
{
	return lock_state(s, true, TASK_KILLABLE);
}

void rwsem_write_unlock(struct rwsem *s) __no_analysis
{
	long c;

	if (CONFIG_DEBUG)
		lock_debug_dropped(s);
	WRITE_ONCE(s->owner, NULL);
	c = __atomic_fetch_and(&s->count, ~WRITER, __ATOMIC_RELEASE);
	assert(c & WRITER);
	if (unlikely(c & WAITERS))
		wake_next(s);
}

void rwsem_downgrade(struct rwsem *s) __no_analysis
{
	long c;

	WRITE_ONCE(s->owner, NULL);
	c = __atomic_fetch_add(&s->count, 1 - WRITER, __ATOMIC_RELEASE);
	if (unlikely(c & WAITERS))
		wake_next(s);
}
