#pragma once
/*
 * Wait queues: the one way to sleep.  A waiter queues itself, sets its state,
 * looks at the condition, and only then sleeps; a waker changes the
 * condition, then calls wake_*.  The state store and the condition load are
 * ordered by a full fence on either side, so no wake-up is lost.
 *
 * Three strengths: _intr ends with -EINTR (restartable: -ERESTARTSYS is for
 * the caller to choose) on any signal, _killable on a fatal one, plain only
 * by the condition (for device I/O that is certain to end).
 */
#include <kernel/spinlock.h>
#include <lib/errno.h>
#include <lib/list.h>
#include <time/clock.h>

struct waitq {
	struct irqlock lock;
	struct list waiters __guarded_by(&lock);
};

struct wait_entry {
	struct list node;	/* queue lock; empty: not queued */
	struct task *task;
	/* Called under the queue's lock, any context. >0: woken (counts as one
	 * exclusive), 0: not; <0: stop. */
	int (*wake)(struct wait_entry *e, u32 state, u64 key);
	u64 key;		/* poll events of interest, or 0: all */
	bool exclusive;
	void *priv;
};

#if CONFIG_DEBUG
#define WAITQ_INIT(q)                                                          \
	{ .lock = IRQLOCK_INIT(RANK_WAITQ, #q),                                \
	  .waiters = LIST_INIT((q).waiters) }
#else
#define WAITQ_INIT(q) { .waiters = LIST_INIT((q).waiters) }
#endif

void waitq_init(struct waitq *q);
/* An entry that wakes `current`. */
void wait_entry_init(struct wait_entry *e);
/* An entry with a function of its own (poll, epoll). */
void wait_entry_init_func(struct wait_entry *e,
			  int (*wake)(struct wait_entry *, u32, u64));
void waitq_add(struct waitq *q, struct wait_entry *e);
void waitq_add_exclusive(struct waitq *q, struct wait_entry *e);
void waitq_remove(struct waitq *q, struct wait_entry *e);

/* Queues (if not yet) and sets current's state. */
void wait_prepare(struct waitq *q, struct wait_entry *e, u32 state);
void wait_prepare_exclusive(struct waitq *q, struct wait_entry *e, u32 state);
void wait_prepare_locked(struct waitq *q, struct wait_entry *e, u32 state)
	__must_hold(&q->lock);
/* State back to running, off the queue. */
void wait_finish(struct waitq *q, struct wait_entry *e);
void wait_finish_locked(struct waitq *q, struct wait_entry *e)
	__must_hold(&q->lock);

/* Default wake function: wakes e->task and takes the entry off the queue. */
int wake_autoremove(struct wait_entry *e, u32 state, u64 key);

/* Wakes all non-exclusive waiters and up to nr exclusive ones (0: all) whose
 * task is in one of `state`.  key: poll events that became true, 0: any. */
void waitq_wake(struct waitq *q, u32 state, int nr, u64 key);
void waitq_wake_locked(struct waitq *q, u32 state, int nr, u64 key)
	__must_hold(&q->lock);
/* As waitq_wake, but the waker is about to sleep: hands its hart over. */
void waitq_wake_sync(struct waitq *q, u32 state, int nr, u64 key);

/* Does anyone wait?  The caller's stores, which may have made a condition
 * true, come before the look: a sleeper queues itself, then looks at them. */
static inline bool waitq_active(struct waitq *q)
{
	smp_mb();
	return !list_empty(&q->waiters);
}

#define wake_one(q) waitq_wake(q, TASK_NORMAL, 1, 0)
#define wake_all(q) waitq_wake(q, TASK_NORMAL, 0, 0)
/* Wakes only if someone waits. */
#define wake_if_waiting(q, nr)                                                 \
	do {                                                                   \
		if (waitq_active(q))                                           \
			waitq_wake(q, TASK_NORMAL, nr, 0);                     \
	} while (0)

void schedule(void);
/* Sleeps until woken or clock_ns() >= deadline (0: no limit). The state was
 * set before. Returns false when the deadline passed. */
bool schedule_until(u64 deadline_ns);

/* 0, or -EINTR if a signal of the strength of `state` is pending. */
static inline int wait_signal_check(u32 state)
{
	if ((state & TASK_INTERRUPTIBLE) && signal_pending(current))
		return -EINTR;
	if ((state & TASK_WAKEKILL) && fatal_signal_pending(current))
		return -EINTR;
	return 0;
}

/* Waits until cond, a signal (-EINTR) or the deadline (-ETIMEDOUT; 0: none).
 * events: the poll events that can make cond true; 0: wakes of any kind. */
#define wait_event_key(q, cond, st, excl, deadline, events)                    \
	({                                                                     \
		struct wait_entry _we;                                         \
		int _err = 0;                                                  \
		might_sleep();                                                 \
		wait_entry_init(&_we);                                         \
		_we.key = (events);                                            \
		for (;;) {                                                     \
			if (excl)                                              \
				wait_prepare_exclusive(q, &_we, st);           \
			else                                                   \
				wait_prepare(q, &_we, st);                     \
			if (cond)                                              \
				break;                                         \
			_err = wait_signal_check(st);                          \
			if (_err)                                              \
				break;                                         \
			if (!(deadline))                                       \
				schedule();                                    \
			else if (!schedule_until(deadline))                    \
				_err = -ETIMEDOUT;                             \
			if (cond) {                                            \
				_err = 0;                                      \
				break;                                         \
			}                                                      \
			if (_err)                                              \
				break;                                         \
		}                                                              \
		wait_finish(q, &_we);                                          \
		_err;                                                          \
	})

#define wait_event_state(q, cond, st, excl, deadline)                          \
	wait_event_key(q, cond, st, excl, deadline, 0)

#define wait_event(q, cond)                                                    \
	((void)((cond) ? 0 :                                                   \
		wait_event_state(q, cond, TASK_UNINTERRUPTIBLE, false, 0)))
#define wait_event_intr(q, cond)                                               \
	((cond) ? 0 : wait_event_state(q, cond, TASK_INTERRUPTIBLE, false, 0))
#define wait_event_killable(q, cond)                                           \
	((cond) ? 0 : wait_event_state(q, cond, TASK_KILLABLE, false, 0))
#define wait_event_intr_exclusive(q, cond)                                     \
	((cond) ? 0 : wait_event_state(q, cond, TASK_INTERRUPTIBLE, true, 0))
/* deadline: absolute clock_ns(), 0 = for ever. -ETIMEDOUT when passed. */
#define wait_event_intr_until(q, cond, deadline)                               \
	((cond) ? 0 : wait_event_state(q, cond, TASK_INTERRUPTIBLE, false,     \
				       deadline))

/* The condition is guarded by an irqlock that the caller holds; it is dropped
 * while asleep and held again at the end. */
#define wait_locked_state(q, lk, cond, st)                                     \
	({                                                                     \
		struct wait_entry _we;                                         \
		int _err = 0;                                                  \
		wait_entry_init(&_we);                                         \
		while (!(cond)) {                                              \
			wait_prepare(q, &_we, st);                             \
			_err = wait_signal_check(st);                          \
			if (_err)                                              \
				break;                                         \
			irq_unlock(lk);                                        \
			schedule();                                            \
			irq_lock(lk);                                          \
		}                                                              \
		wait_finish(q, &_we);                                          \
		_err;                                                          \
	})
#define wait_locked_intr(q, lk, cond)                                          \
	wait_locked_state(q, lk, cond, TASK_INTERRUPTIBLE)
/* The same where the queue's own lock guards the condition. */
#define wait_own_locked_intr(q, cond)                                          \
	({                                                                     \
		struct wait_entry _we;                                         \
		int _err = 0;                                                  \
		wait_entry_init(&_we);                                         \
		while (!(cond)) {                                              \
			wait_prepare_locked(q, &_we, TASK_INTERRUPTIBLE);      \
			_err = wait_signal_check(TASK_INTERRUPTIBLE);          \
			if (_err)                                              \
				break;                                         \
			irq_unlock(&(q)->lock);                                \
			schedule();                                            \
			irq_lock(&(q)->lock);                                  \
		}                                                              \
		wait_finish_locked(q, &_we);                                   \
		_err;                                                          \
	})
#define wait_locked_killable(q, lk, cond)                                      \
	wait_locked_state(q, lk, cond, TASK_KILLABLE)

static inline void set_task_state(u32 state)
{
	(void)__atomic_exchange_n(&current->state, state, __ATOMIC_SEQ_CST);
}

/* For a state that does not end by a condition: a waker that saw the sleep
 * before it and is late (it has pi_lock) must not take this one for that. */
void task_set_special_state(u32 state);

/* Wakes t if it is in one of `states`; true if this call woke it. */
bool task_wake_state(struct task *t, u32 states);
static inline bool task_wake(struct task *t)
{
	return task_wake_state(t, TASK_NORMAL);
}

/* One-shot events. */
struct completion {
	u32 done;
	struct waitq q;
};
void completion_init(struct completion *c);
void complete(struct completion *c);
void complete_all(struct completion *c);
void wait_for_completion(struct completion *c);
int __must_check wait_for_completion_killable(struct completion *c);

/* Sleeps: uninterruptible; and -EINTR on a signal. */
void sleep_ns(u64 ns);
int __must_check sleep_until_intr(u64 deadline_ns);
