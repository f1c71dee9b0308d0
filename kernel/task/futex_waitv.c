/*
 * futex_waitv - waiting on several words at once.
 *
 * Theory:  one waiter for each word, all of the same task.  Words are looked
 *          at one after the other, each as by a plain wait; when all are
 *          queued the task sleeps until one of them was taken off.  A wake-up
 *          that comes before a later word disagrees is not lost: its index is
 *          the result.
 * Locks:   those of the buckets, one at a time.
 * Life:    the waiters are gone from all buckets before the call returns.
 */
#include "futex_impl.h"

#include <kernel/hart.h>
#include <kernel/waitq.h>
#include <lib/errno.h>

/* The last one that was woken, or -1. */
static int unqueue_all(struct futex_waiter *w, unsigned n) __no_analysis
{
	struct bucket *b;
	int woken = -1;

	for (unsigned i = 0; i < n; i++) {
		b = futex_lock_waiter(&w[i]);
		if (!b) {
			woken = (int)i;
			continue;
		}
		futex_dequeue(&w[i], b);
		spin_unlock(&b->lock);
	}
	return woken;
}

static bool is_any_woken(const struct futex_waiter *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!load_acquire(&w[i].bucket))
			return true;
	return false;
}

static int wait_any(const struct futex_waiter *w, unsigned n, u64 deadline)
{
	bool in_time = true;
	int err;

	for (;;) {
		set_task_state(TASK_INTERRUPTIBLE);
		err = 0;
		if (is_any_woken(w, n))
			break;
		err = -ETIMEDOUT;
		if (!in_time)
			break;
		err = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		in_time = schedule_until(deadline) &&
			  (!deadline || clock_ns() < deadline);
	}
	set_task_state(TASK_RUNNING);
	return err;
}

static long wait_all_queued(struct futex_waiter *w,
			    const struct futex_waitv *v, unsigned n,
			    u64 deadline)
{
	unsigned queued = 0;
	int err = 0, woken;

	while (!err && queued < n) {
		const struct futex_waitv *e = &v[queued];

		w[queued].bitset = FUTEX_BITSET_ALL;
		err = futex_wait_setup(&w[queued],
				       (u32 __user *)(uintptr_t)e->uaddr,
				       (u32)e->val,
				       !(e->flags & FUTEX_PRIVATE_FLAG));
		if (!err)
			queued++;
	}
	set_task_state(TASK_RUNNING);
	if (!err)
		err = wait_any(w, n, deadline);
	woken = unqueue_all(w, queued);
	return woken >= 0 ? woken : err;
}

long do_futex_waitv(const struct futex_waitv *v, unsigned n, u64 deadline)
{
	struct futex_waiter *w;
	long ret;

	irqs_unmask();
	w = kmalloc_array(n, sizeof(*w), GFP_KERNEL | GFP_ZERO);
	if (!w)
		return -ENOMEM;
	ret = wait_all_queued(w, v, n, deadline);
	kfree(w);
	return ret;
}
