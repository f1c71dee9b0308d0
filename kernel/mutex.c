/*
 * mutex - the sleeping lock with priority inheritance.
 *
 * Theory:  the owner word holds the owning task, and in its low bits HAS
 *          WAITERS and HANDOFF.  Without waiters, taking and dropping is one
 *          compare-and-swap.  Once the word has a flag both go through
 *          wait_lock.
 *
 *          Who finds the lock taken spins while its owner runs, since then it
 *          is soon free; else queues, best priority first, and sleeps.  The
 *          lock is not given to the first waiter but freed, and that waiter
 *          woken: whoever runs may take it first, which keeps harts busy.  A
 *          waiter that came too late twice asks for HANDOFF: the next unlock
 *          makes it the owner.
 *
 *          Inheritance: a mutex whose first waiter is better than its owner's
 *          normal priority is on the owner's pi_mutexes list, with the
 *          waiter's priority in top_prio; the owner's effective priority is
 *          the best of all those (sched_update_prio).  If the owner itself
 *          waits for a mutex the change goes on to that one's owner, and so
 *          on, holding one mutex's wait_lock at a time: a snapshot may be
 *          stale, but each change starts a walk of its own.
 * Locks:   wait_lock (RANK_WAITQ), then a task's pi_lock.  Against that order
 *          mutex_prio_changed() only tries wait_lock.
 *          task.blocked_on changes with both its mutex's wait_lock and its
 *          own pi_lock held.
 */
#include "lockdebug_impl.h"

#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/mutex.h>
#include <kernel/waitq.h>
#include <sched/sched.h>

#define HAS_WAITERS 1ul
#define HANDOFF 2ul
#define FLAGS (HAS_WAITERS | HANDOFF)
#define SPIN_TURNS 400		/* some 10 us */
#define MAX_CHAIN 32		/* of owners that wait for owners */

struct mutex_waiter {
	struct list node;
	struct task *task;
	int prio;		/* its place. wait_lock */
	u32 misses;		/* woken, but too late */
};

void mutex_init(struct mutex *m, enum lock_rank rank, const char *name)
{
	*m = (struct mutex)MUTEX_INIT(*m, rank, name);
}

static struct task *task_of(unsigned long word)
{
	return (struct task *)(word & ~FLAGS);
}

static inline bool take_free(struct mutex *m)
{
	unsigned long none = 0;

	return __atomic_compare_exchange_n(&m->owner, &none,
					   (unsigned long)current, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* --- lending priority ----------------------------------------------------------- */

int mutex_lent_prio(struct task *t)
{
	const struct mutex *m;
	int best = MAX_PRIO;

	list_for_each_entry(m, &t->pi_mutexes, pi_node)
		best = min(best, m->top_prio);
	return best;
}

static struct mutex_waiter *first_waiter(struct mutex *m)
{
	return list_first_entry_or_null(&m->waiters, struct mutex_waiter,
					node);
}

static void insert_waiter(struct mutex *m, struct mutex_waiter *w)
{
	struct mutex_waiter *p;

	w->prio = READ_ONCE(w->task->prio);
	list_for_each_entry_reverse(p, &m->waiters, node)
		if (p->prio <= w->prio)
			break;
	list_add(&w->node, &p->node);	/* p may be the head */
}

/*
 * Brings the owner's entry for m up to date.  If the owner's priority changed
 * a reference to it is returned: the change may go on along the chain.
 */
static struct task *update_owner(struct mutex *m) __must_hold(&m->wait_lock)
{
	struct task *o = task_of(READ_ONCE(m->owner));
	struct mutex_waiter *w = first_waiter(m);
	bool changed = false;

	if (!o)
		return NULL;
	if (list_empty(&m->pi_node) && (!w || w->prio >= o->normal_prio))
		return NULL;
	irq_lock(&o->pi_lock);
	list_del_init(&m->pi_node);
	if (w && w->prio < o->normal_prio) {
		m->top_prio = w->prio;
		list_add(&m->pi_node, &o->pi_mutexes);
	}
	changed = sched_update_prio(o);
	irq_unlock(&o->pi_lock);
	return changed && o != current ? task_get(o) : NULL;
}

/* The mutex that t waits for, its wait_lock held; NULL if none. */
static struct mutex *lock_blocker(struct task *t) __no_analysis
{
	struct mutex *m;

	for (;;) {
		irq_lock(&t->pi_lock);
		m = t->blocked_on;
		if (!m || irq_trylock(&m->wait_lock))
			break;
		irq_unlock(&t->pi_lock);
		cpu_relax();
	}
	irq_unlock(&t->pi_lock);
	return m;
}

static void requeue(struct mutex *m, struct task *t)
	__must_hold(&m->wait_lock)
{
	struct mutex_waiter *w;

	list_for_each_entry(w, &m->waiters, node) {
		if (w->task != t)
			continue;
		list_del(&w->node);
		insert_waiter(m, w);
		return;
	}
}

void mutex_prio_changed(struct task *t) __no_analysis
{
	struct task *next;
	struct mutex *m;

	task_get(t);
	for (int i = 0; t && i < MAX_CHAIN; i++) {
		m = lock_blocker(t);
		next = NULL;
		if (m) {
			requeue(m, t);
			next = update_owner(m);
			irq_unlock(&m->wait_lock);
		}
		task_put(t);
		t = next;
	}
	if (t)
		task_put(t);
}

/* --- taking --------------------------------------------------------------------- */

static bool spin_on_owner(struct mutex *m)
{
	for (int i = 0; i < SPIN_TURNS; i++) {
		unsigned long word = READ_ONCE(m->owner);

		if (!word) {
			if (take_free(m))
				return true;
			continue;
		}
		/* a stale owner reads as garbage at worst: no task's memory
		 * is ever unmapped */
		if ((word & FLAGS) || !READ_ONCE(task_of(word)->on_hart) ||
		    (READ_ONCE(current->work) & WORK_LOOK))
			return false;
		cpu_relax();
	}
	return false;
}

/* Owner and flags, for a lock that is mine now.  w: my entry, or NULL. */
static void become_owner(struct mutex *m, struct mutex_waiter *w)
	__must_hold(&m->wait_lock)
{
	unsigned long flags;

	if (w)
		list_del_init(&w->node);
	flags = list_empty(&m->waiters) ? 0 : HAS_WAITERS;
	__atomic_store_n(&m->owner, (unsigned long)current | flags,
			 __ATOMIC_RELAXED);
	if (flags)
		(void)update_owner(m);
}

static bool take_locked(struct mutex *m, struct mutex_waiter *w)
	__must_hold(&m->wait_lock)
{
	unsigned long word = READ_ONCE(m->owner);
	struct task *o = task_of(word);

	if (o && !(w && o == current))	/* unless it was handed to us */
		return false;
	if (!o && (word & HANDOFF) && first_waiter(m) != w)
		return false;
	if (!word && !take_free(m))
		return false;
	become_owner(m, w);
	return true;
}

static void set_blocked_on(struct mutex *m)
{
	struct task *t = current;

	irq_lock(&t->pi_lock);
	t->blocked_on = m;
	irq_unlock(&t->pi_lock);
}

/* A waiter that gives up: the rest must not miss its wake-up. */
static void leave(struct mutex *m, struct mutex_waiter *w)
	__must_hold(&m->wait_lock)
{
	struct mutex_waiter *first;

	list_del_init(&w->node);
	(void)update_owner(m);
	first = first_waiter(m);
	if (!first)
		__atomic_fetch_and(&m->owner, ~FLAGS, __ATOMIC_RELAXED);
	else if (!task_of(READ_ONCE(m->owner)))
		task_wake_state(first->task, TASK_NORMAL);
}

/* Sleeps once; HANDOFF is asked for by who missed too often. */
static void wait_turn(struct mutex *m, struct mutex_waiter *w, u32 state)
	__no_analysis
{
	unsigned long flags = HAS_WAITERS;
	struct task *changed;

	if (w->misses >= 2 && first_waiter(m) == w)
		flags |= HANDOFF;
	/* with a flag set the owner cannot leave without wait_lock */
	__atomic_fetch_or(&m->owner, flags, __ATOMIC_RELAXED);
	changed = update_owner(m);
	set_task_state(state);
	/* freed in between, by a fast unlock: then nobody will wake us */
	if (!task_of(READ_ONCE(m->owner)))
		WRITE_ONCE(current->state, TASK_RUNNING);
	irq_unlock(&m->wait_lock);
	if (changed) {
		mutex_prio_changed(changed);
		task_put(changed);
	}
	schedule();
	w->misses++;
	irq_lock(&m->wait_lock);
}

static int wait_for(struct mutex *m, u32 state) __no_analysis
{
	struct mutex_waiter w = { .task = current };
	int err = 0;

	insert_waiter(m, &w);
	set_blocked_on(m);
	while (!take_locked(m, &w)) {
		err = wait_signal_check(state);
		if (err)
			break;
		wait_turn(m, &w, state);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	set_blocked_on(NULL);
	if (err)
		leave(m, &w);
	return err;
}

static int __cold lock_slow(struct mutex *m, u32 state) __no_analysis
{
	int err = 0;

	irqs_unmask();
	if (spin_on_owner(m))
		return 0;
	irq_lock(&m->wait_lock);
	if (!take_locked(m, NULL))
		err = wait_for(m, state);
	irq_unlock(&m->wait_lock);
	return err;
}

#if CONFIG_DEBUG
#define DEBUG_RANK(m) ((m)->rank)
#define DEBUG_NAME(m) ((m)->name)
#else
#define DEBUG_RANK(m) RANK_NONE
#define DEBUG_NAME(m) NULL
#endif

static __always_inline int lock_state(struct mutex *m, u32 state, int rank,
				      bool is_nested)
{
	unsigned long site = (unsigned long)__builtin_return_address(0);
	int err = 0;

	if (CONFIG_DEBUG)
		lock_debug_will_sleep(m, rank, DEBUG_NAME(m), site, is_nested);
	if (unlikely(!take_free(m)))
		err = lock_slow(m, state);
	if (CONFIG_DEBUG && !err)
		lock_debug_taken(m, rank, DEBUG_NAME(m), site);
	return err;
}

void mutex_lock(struct mutex *m) __no_analysis
{
	/* without signals in the state it cannot fail */
	ignore_error(lock_state(m, TASK_UNINTERRUPTIBLE, DEBUG_RANK(m), false));
}

void mutex_lock_nested(struct mutex *m, enum lock_rank rank) __no_analysis
{
	ignore_error(lock_state(m, TASK_UNINTERRUPTIBLE, rank, true));
}

int mutex_lock_killable(struct mutex *m)
{
	return lock_state(m, TASK_KILLABLE, DEBUG_RANK(m), false);
}

int mutex_lock_intr(struct mutex *m)
{
	return lock_state(m, TASK_INTERRUPTIBLE, DEBUG_RANK(m), false);
}

bool mutex_trylock(struct mutex *m) __no_analysis
{
	bool taken = take_free(m);

	if (CONFIG_DEBUG && taken)
		lock_debug_taken(m, DEBUG_RANK(m), DEBUG_NAME(m),
				 (unsigned long)__builtin_return_address(0));
	return taken;
}

/* --- dropping ------------------------------------------------------------------- */

static void unlend(struct mutex *m) __must_hold(&m->wait_lock)
{
	struct task *t = current;

	if (list_empty(&m->pi_node))
		return;
	irq_lock(&t->pi_lock);
	list_del_init(&m->pi_node);
	(void)sched_update_prio(t);
	irq_unlock(&t->pi_lock);
}

static void __cold unlock_slow(struct mutex *m) __no_analysis
{
	struct mutex_waiter *w;
	unsigned long word = 0;

	irq_lock(&m->wait_lock);
	w = first_waiter(m);
	if (w)
		word = HAS_WAITERS;
	if (w && (READ_ONCE(m->owner) & HANDOFF))
		word |= (unsigned long)w->task;
	__atomic_store_n(&m->owner, word, __ATOMIC_RELEASE);
	if (w)
		task_wake_state(w->task, TASK_NORMAL);
	unlend(m);
	irq_unlock(&m->wait_lock);
}

void mutex_unlock(struct mutex *m) __no_analysis
{
	unsigned long me = (unsigned long)current;

	if (CONFIG_DEBUG)
		lock_debug_dropped(m);
	if (unlikely(!__atomic_compare_exchange_n(&m->owner, &me, 0ul, false,
						  __ATOMIC_RELEASE,
						  __ATOMIC_RELAXED)))
		unlock_slow(m);
}

bool mutex_is_locked(const struct mutex *m)
{
	return task_of(READ_ONCE(m->owner));
}

void assert_mutex_held(const struct mutex *m)
{
	if (CONFIG_DEBUG)
		BUG_ON(task_of(READ_ONCE(m->owner)) != current);
}
