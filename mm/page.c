/*
 * page - flag bits of a page, and sleeping on them.
 *
 * Theory: a page has no wait queue of its own; sleepers hash to one of a few
 *         by its address.  A sleeper queues itself, sets PG_WAITERS, looks at
 *         the bit again, then sleeps.  Who clears the bit clears PG_WAITERS
 *         with it and wakes the whole bucket if it was set; those that still
 *         have to wait set it again.
 * Context: page_clear_wake() and page_unlock(): any.
 */
#include <kernel/waitq.h>
#include <lib/hash.h>
#include <mm/page.h>
#include "mm_impl.h"

#define WAIT_BITS 7

static struct waitq buckets[1 << WAIT_BITS];

void page_flag_set(struct page *p, unsigned long f)
{
	__atomic_fetch_or(&p->flags, f, __ATOMIC_RELEASE);
}

void page_flag_clear(struct page *p, unsigned long f)
{
	__atomic_fetch_and(&p->flags, ~f, __ATOMIC_RELEASE);
}

static struct waitq *bucket_of(const struct page *p)
{
	return &buckets[hash64((uintptr_t)p >> 6, WAIT_BITS)];
}

/* Announces the waiter; true if the bit is clear. */
static bool clear_after_announce(struct page *p, unsigned long bit)
{
	return !(__atomic_or_fetch(&p->flags, PG_WAITERS, __ATOMIC_SEQ_CST) &
		 bit);
}

static bool lock_after_announce(struct page *p)
{
	__atomic_fetch_or(&p->flags, PG_WAITERS, __ATOMIC_SEQ_CST);
	return page_trylock(p);
}

bool page_trylock(struct page *p)
{
	return !(__atomic_fetch_or(&p->flags, PG_LOCKED, __ATOMIC_ACQUIRE) &
		 PG_LOCKED);
}

/* Pages are locked, and marked, for the time of their I/O. */
static int page_lock_slow(struct page *p, u32 state)
{
	int err;

	current->in_iowait = true;
	err = wait_event_state(bucket_of(p), lock_after_announce(p), state,
			       false, 0);
	current->in_iowait = false;
	return err;
}

void page_lock(struct page *p)
{
	if (likely(page_trylock(p)))
		return;
	ignore_error(page_lock_slow(p, TASK_UNINTERRUPTIBLE));
}

int page_lock_killable(struct page *p)
{
	if (likely(page_trylock(p)))
		return 0;
	return page_lock_slow(p, TASK_KILLABLE);
}

void page_wait_clear(struct page *p, unsigned long bit)
{
	if (!page_test(p, bit))
		return;
	current->in_iowait = true;
	ignore_error(wait_event_state(bucket_of(p),
				      clear_after_announce(p, bit),
				      TASK_UNINTERRUPTIBLE, false, 0));
	current->in_iowait = false;
}

void page_clear_wake(struct page *p, unsigned long bit)
{
	struct waitq *q = bucket_of(p);
	unsigned long old;

	old = __atomic_fetch_and(&p->flags, ~(bit | PG_WAITERS),
				 __ATOMIC_SEQ_CST);
	assert(old & bit);
	/* p may be gone from here on. */
	if (unlikely(old & PG_WAITERS))
		waitq_wake(q, TASK_NORMAL, 0, 0);
}

void page_unlock(struct page *p)
{
	page_clear_wake(p, PG_LOCKED);
}

void page_wait_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(buckets); i++)
		waitq_init(&buckets[i]);
}
