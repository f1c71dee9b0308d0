#pragma once
/* What futex.c, futex_pi.c and futex_waitv.c share.  docs/futex.md. */
#include "task_impl.h"

#include <kernel/spinlock.h>
#include <mm/mm.h>
#include <task/futex.h>

#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu

struct pi_state;

struct bucket {
	struct spinlock lock;
	int waiters;			/* atomic: incremented before queueing */
	struct list queue;		/* struct futex_waiter. lock */
} __aligned(64);

struct futex_waiter {
	struct list node;		/* bucket lock */
	struct task *task;
	struct futex_key key;		/* bucket lock: requeue changes it */
	struct bucket *bucket;		/* where queued; NULL: woken. atomic */
	u32 bitset;
	int prio;			/* its place. bucket lock; in a state
					 * also the graph lock */
	/* futex_pi.c */
	const struct futex_key *requeue_to; /* waits to be requeued. const */
	u32 __user *word;		/* of the lock it wants. const */
	struct pi_state *pi;		/* bucket and graph lock */
	struct list pi_node;		/* pi->waiters. graph lock */
	u64 deadline;			/* of the deadline class. graph lock */
	bool orphaned;			/* the owner died: adopt. atomic */
};

static inline bool key_equal(const struct futex_key *a,
			     const struct futex_key *b)
{
	return a->a == b->a && a->b == b->b && a->off == b->off &&
	       a->is_shared == b->is_shared;
}

/* Other operations must not touch its kind of wait. */
static inline bool waiter_is_pi(const struct futex_waiter *w)
{
	return w->pi || w->requeue_to;
}

struct bucket *futex_bucket(const struct futex_key *k);
int __must_check futex_key_get(u32 __user *p, bool is_shared, bool write,
			       struct futex_key *k);
/* -EFAULT also if the page is only absent. */
int __must_check futex_word_read(u32 *out, u32 __user *p);
int __must_check futex_word_fault_in(u32 __user *p, bool write);
/* Bucket lock held. */
void futex_queue_waiter(struct futex_waiter *w, struct bucket *b);
void futex_dequeue(struct futex_waiter *w, struct bucket *b);
/* Off the queue as woken; the caller wakes the task and drops it, without
 * the bucket's lock. */
struct task *futex_take_off(struct futex_waiter *w, struct bucket *b);
/* The bucket where w is queued, locked; NULL: it was taken off. */
struct bucket *futex_lock_waiter(struct futex_waiter *w);
/* Queues if the word still has the value, state TASK_INTERRUPTIBLE; -EAGAIN
 * if it has not. */
int __must_check futex_wait_setup(struct futex_waiter *w, u32 __user *p,
				  u32 val, bool shared);

/* futex_pi.c; deadline 0: none. */
long futex_lock_pi(u32 __user *p, bool shared, u64 deadline, bool only_try);
long futex_unlock_pi(u32 __user *p, bool shared);
long futex_wait_requeue_pi(u32 __user *p, bool shared, u32 val, u64 deadline,
			   u32 bitset, u32 __user *p2);
long futex_cmp_requeue_pi(u32 __user *p, u32 __user *p2, bool shared, int n,
			  int n2, u32 cmp);
/* From futex_exit(): no more locks for t; those it has go to the waiters. */
void futex_pi_exit_begin(struct task *t);
void futex_pi_exit_end(struct task *t);
