/*
 * lockdebug - checks the lock order in debug builds.
 *
 * Theory:  each task carries the list of locks it holds, those of interrupt
 *          handlers on its stack included.  A lock that can block must rank
 *          above every lock on the list (enum lock_rank), so the wait-for
 *          graph has no cycle.  A trylock cannot block, hence goes on the
 *          list unchecked, and so does the second lock of a pair, which is
 *          ordered by address.  Wait queues are the exception: a poll wake-up
 *          walks from one queue into the next, and epoll itself refuses
 *          cycles, so equal ranks are allowed among them.
 * Locks:   none: a task's list is touched by that task only, with interrupts
 *          off or in a way that a nested handler leaves as it found it.
 */
#include "lockdebug_impl.h"

#include <kernel/assert.h>
#include <kernel/print.h>
#include <time/clock.h>

#if CONFIG_DEBUG

static bool is_wait_rank(int rank)
{
	return rank == RANK_WAITQ || rank == RANK_WAITQ_POLL;
}

static bool is_ordered(const struct held_lock *h, int rank, bool is_nested)
{
	if (h->rank == RANK_NONE || rank == RANK_NONE || h->rank < rank)
		return true;
	if (is_wait_rank(h->rank) && is_wait_rank(rank))
		return true;
	return is_nested && h->rank == rank;
}

static void __cold report(const void *lock, int rank, const char *name,
			  unsigned long site, const struct held_lock *h,
			  const char *what)
{
	char here[96], there[96];

	symbol_format(site, here, sizeof(here));
	symbol_format(h->site, there, sizeof(there));
	panic("%s: %s (%p, rank %d) at %s while holding %s (%p, rank %d) "
	      "taken at %s\n", what, name ? name : "lock", lock, rank, here,
	      h->name ? h->name : "lock", h->lock, h->rank, there);
}

static void check_order(const void *lock, int rank, const char *name,
			unsigned long site, bool is_nested)
{
	struct task *t = current;

	if (panicking)
		return;
	for (u32 i = 0; i < t->held_count; i++) {
		struct held_lock *h = &t->held[i];

		if (h->lock == lock)
			report(lock, rank, name, site, h, "recursive lock");
		if (!is_ordered(h, rank, is_nested))
			report(lock, rank, name, site, h, "lock order");
	}
}

static void push(struct task *t, const struct held_lock *h)
{
	if (panicking)
		return;
	if (t->held_count >= ARRAY_SIZE(t->held))
		panic("too many locks held\n");
	t->held[t->held_count] = *h;
	t->held[t->held_count].since = clock_ns();
	barrier();
	t->held_count++;
}

static bool pop(struct task *t, const void *lock, struct held_lock *out)
{
	for (u32 i = t->held_count; i-- > 0;) {
		if (t->held[i].lock != lock)
			continue;
		*out = t->held[i];
		for (; i + 1 < t->held_count; i++)
			t->held[i] = t->held[i + 1];
		t->held_count--;
		return true;
	}
	return false;
}

static void spin_taken(struct spinlock *l, unsigned long site)
{
	push(current, &(struct held_lock){ .lock = l, .name = l->name,
					   .site = site, .rank = l->rank });
	l->owner = current;
	l->site = site;
}

void lock_debug_acquire(struct spinlock *l)
{
	unsigned long site = (unsigned long)__builtin_return_address(0);

	irqs_off();
	check_order(l, l->rank, l->name, site, false);
	spin_taken(l, site);
	irqs_on();
}

void lock_debug_acquire_try(struct spinlock *l)
{
	irqs_off();
	spin_taken(l, (unsigned long)__builtin_return_address(0));
	irqs_on();
}

void lock_debug_release(struct spinlock *l)
{
	struct held_lock h;

	irqs_off();
	if (!panicking && (l->owner != current || !pop(current, l, &h)))
		panic("lock %s dropped by a task that does not hold it\n",
		      l->name ? l->name : "?");
	l->owner = NULL;
	irqs_on();
}

void lock_debug_assert_held(const struct spinlock *l)
{
	if (!panicking && (!l->locked || l->owner != current))
		panic("lock %s is not held\n", l->name ? l->name : "?");
}

/* How long a spinlock may be waited for. */
#define DEADLOCK_NS (20 * NSEC_PER_SEC)

void lock_debug_stuck(const struct spinlock *l, u64 *since)
{
	u64 now = clock_ns();
	char site[96];

	if (!*since)
		*since = now;
	if (now - *since < DEADLOCK_NS || panicking)
		return;
	symbol_format(l->site, site, sizeof(site));
	panic("spinlock %s stuck: taken at %s, wanted by tid %d\n",
	      l->name ? l->name : "?", site, current->tid);
}

void lock_debug_will_sleep(const void *lock, int rank, const char *name,
			   unsigned long site, bool is_nested)
{
	if (in_atomic() && !panicking)
		panic("sleeping lock %s taken in atomic context\n",
		      name ? name : "?");
	check_order(lock, rank, name, site, is_nested);
}

void might_fault_check(unsigned long site)
{
	const struct task *t = current;

	if (!t->pagefault_disabled && !in_atomic() && t->mm)
		check_order(NULL, RANK_MM, "page fault", site, false);
}

void lock_debug_taken(const void *lock, int rank, const char *name,
		      unsigned long site)
{
	irqs_off();
	push(current, &(struct held_lock){ .lock = lock, .name = name,
					   .site = site, .rank = rank,
					   .sleeps = true });
	irqs_on();
}

void lock_debug_dropped(const void *lock)
{
	struct held_lock h;

	irqs_off();
	if (!pop(current, lock, &h) && !panicking)
		panic("sleeping lock %p dropped by a task that does not "
		      "hold it\n", lock);
	irqs_on();
}

bool lock_debug_holds(const void *lock)
{
	for (u32 i = 0; i < current->held_count; i++)
		if (current->held[i].lock == lock)
			return true;
	return false;
}

void lock_debug_handover(struct spinlock *l, struct task *prev,
			 struct task *next)
{
	struct held_lock h;

	if (!pop(prev, l, &h))
		return;
	push(next, &h);
	l->owner = next;
}

void lock_debug_print(const struct task *t)
{
	char site[96];

	for (u32 i = 0; i < t->held_count; i++) {
		symbol_format(t->held[i].site, site, sizeof(site));
		print(LOG_INFO, "  holds %s (%p) taken at %s\n",
		      t->held[i].name ? t->held[i].name : "lock",
		      t->held[i].lock, site);
	}
}

#endif
