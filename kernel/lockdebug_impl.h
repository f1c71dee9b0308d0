#pragma once
/* What the locks and the scheduler tell the lock checker.  These functions
 * exist in debug builds only: call them under `if (CONFIG_DEBUG)`. */
#include <kernel/spinlock.h>

/* A sleeping lock: checked before the wait, so that a deadlock is reported
 * and not entered.  site: the caller of the lock function. */
void lock_debug_will_sleep(const void *lock, int rank, const char *name,
			   unsigned long site, bool is_nested);
void lock_debug_taken(const void *lock, int rank, const char *name,
		      unsigned long site);
void lock_debug_dropped(const void *lock);
/* True if the running task holds it. */
bool lock_debug_holds(const void *lock);
/* Called now and then while waiting for l; *since starts as 0. Panics after a
 * long time. */
void lock_debug_stuck(const struct spinlock *l, u64 *since);
/* The locks that t holds, on the console. */
void lock_debug_print(const struct task *t);
