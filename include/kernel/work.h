#pragma once
/*
 * Deferred work: functions run by a kernel task of the hart that queued them,
 * one after the other, allowed to sleep.  A work that is queued again before
 * it began runs once.
 */
#include <lib/list.h>
#include <lib/types.h>
#include <time/timer.h>

struct work {
	struct list node;
	void (*fn)(struct work *w);
	unsigned long pending;	/* atomic */
};

void work_init(struct work *w, void (*fn)(struct work *w));
/* Any context. False if it was queued already. */
bool work_queue(struct work *w);
/* The same, run by another hart's task. */
struct hart;
bool work_queue_on(struct hart *h, struct work *w);
/* Waits until it neither runs nor is queued. */
void work_flush(struct work *w);

struct delayed_work {
	struct work work;
	struct timer timer;
};
void delayed_work_init(struct delayed_work *w, void (*fn)(struct work *w));
/* Runs it after delay_ns; a queued one is moved only to an earlier time. */
void delayed_work_queue(struct delayed_work *w, u64 delay_ns);
bool delayed_work_cancel(struct delayed_work *w);

/* Creates a kernel task running fn(arg); it ends when fn returns.  Pinned to
 * a hart if hart >= 0.  Returns a referenced task through *out (may be NULL).
 * Implemented in kernel/task (floor 5), declared here for all. */
int __must_check kthread_create(void (*fn)(void *arg), void *arg, int hart,
				struct task **out, const char *name);
