/*
 * waitq - wait queues, and sleeping with a time limit.
 *
 * Theory:  see <kernel/waitq.h> and docs/waitq.md.  A waker walks the queue
 *          under its lock.  The default wake function takes the entry off the
 *          queue only if it woke the task, so an entry whose task was not in
 *          a state to be woken stays.  It is taken off after the wake-up; the
 *          sleeper looks without the lock if it is off (is_detached), so the
 *          store that makes it look so comes last.
 * Locks:   queue.lock, then the task's pi_lock.
 * Context: wakers: any.
 */
#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/waitq.h>
#include <sched/sched.h>
#include <time/timer.h>

/* Shorter sleeps with nobody else to run are spent polling the clock. */
#define SPIN_NS (8 * NSEC_PER_USEC)

void waitq_init(struct waitq *q)
{
	irq_lock_init(&q->lock, RANK_WAITQ, "waitq");
	list_init(&q->waiters);
}

void wait_entry_init_func(struct wait_entry *e,
			  int (*wake)(struct wait_entry *, u32, u64))
{
	*e = (struct wait_entry){ .task = current, .wake = wake };
	list_init(&e->node);
}

void wait_entry_init(struct wait_entry *e)
{
	wait_entry_init_func(e, wake_autoremove);
}

/* The last store is the one that is_detached() waits for. */
static void detach(struct wait_entry *e)
{
	struct list *n = &e->node;

	list_del(n);
	WRITE_ONCE(n->prev, n);
	store_release(&n->next, n);
}

static bool is_detached(struct wait_entry *e)
{
	struct list *n = &e->node;

	return load_acquire(&n->next) == n && READ_ONCE(n->prev) == n;
}

void waitq_add(struct waitq *q, struct wait_entry *e)
{
	irq_lock(&q->lock);
	e->exclusive = false;
	list_add(&e->node, &q->waiters);
	irq_unlock(&q->lock);
}

/* Exclusive ones stand behind all others, in order of arrival. */
void waitq_add_exclusive(struct waitq *q, struct wait_entry *e)
{
	irq_lock(&q->lock);
	e->exclusive = true;
	list_add_tail(&e->node, &q->waiters);
	irq_unlock(&q->lock);
}

void waitq_remove(struct waitq *q, struct wait_entry *e)
{
	irq_lock(&q->lock);
	list_del_init(&e->node);
	irq_unlock(&q->lock);
}

void wait_prepare_locked(struct waitq *q, struct wait_entry *e, u32 state)
{
	assert_irq_held(&q->lock);
	if (list_empty(&e->node)) {
		e->exclusive = false;
		list_add(&e->node, &q->waiters);
	}
	current->wait_queue = q;
	set_task_state(state);
}

void wait_finish_locked(struct waitq *q, struct wait_entry *e)
{
	assert_irq_held(&q->lock);
	WRITE_ONCE(current->state, TASK_RUNNING);
	current->wait_queue = NULL;
	list_del_init(&e->node);
}

void wait_prepare(struct waitq *q, struct wait_entry *e, u32 state)
{
	irq_lock(&q->lock);
	wait_prepare_locked(q, e, state);
	irq_unlock(&q->lock);
}

void wait_prepare_exclusive(struct waitq *q, struct wait_entry *e, u32 state)
{
	irq_lock(&q->lock);
	if (list_empty(&e->node)) {
		e->exclusive = true;
		list_add_tail(&e->node, &q->waiters);
	}
	current->wait_queue = q;
	set_task_state(state);
	irq_unlock(&q->lock);
}

void wait_finish(struct waitq *q, struct wait_entry *e)
{
	WRITE_ONCE(current->state, TASK_RUNNING);
	current->wait_queue = NULL;
	if (is_detached(e))
		return;
	irq_lock(&q->lock);
	list_del_init(&e->node);
	irq_unlock(&q->lock);
}

static inline int wake_entry(struct wait_entry *e, u32 state)
{
	if (!task_wake_state(e->task, state))
		return 0;
	detach(e);
	return 1;
}

int wake_autoremove(struct wait_entry *e, u32 state, u64 key)
{
	return wake_entry(e, state);
}

static inline int call_wake(struct wait_entry *e, u32 state, u64 key)
{
	if (likely(e->wake == wake_autoremove))
		return wake_entry(e, state);
	return e->wake(e, state, key);
}

void __hot waitq_wake_locked(struct waitq *q, u32 state, int nr, u64 key)
{
	struct wait_entry *e, *n;

	assert_irq_held(&q->lock);
	list_for_each_entry_safe(e, n, &q->waiters, node) {
		bool is_exclusive = e->exclusive;
		int r;

		if (key && e->key && !(e->key & key))
			continue;
		r = call_wake(e, state, key);
		if (r < 0 || (r > 0 && is_exclusive && nr && !--nr))
			break;
	}
}

void waitq_wake(struct waitq *q, u32 state, int nr, u64 key)
{
	irq_lock(&q->lock);
	waitq_wake_locked(q, state, nr, key);
	irq_unlock(&q->lock);
}

void waitq_wake_sync(struct waitq *q, u32 state, int nr, u64 key)
{
	irq_lock(&q->lock);
	current->wake_sync = true;
	waitq_wake_locked(q, state, nr, key);
	current->wake_sync = false;
	irq_unlock(&q->lock);
}

/* --- sleeping ----------------------------------------------------------------- */

struct sleeper {
	struct timer timer;
	struct task *task;
};

static void sleeper_wake(struct timer *t)
{
	struct sleeper *s = container_of(t, struct sleeper, timer);

	task_wake_state(s->task, ~0u & ~(TASK_NEW | TASK_DEAD));
}

static bool is_disturbed(const struct task *t)
{
	return READ_ONCE(t->state) == TASK_RUNNING ||
	       (READ_ONCE(t->work) & WORK_LOOK);
}

/* True if it is over; false if the deadline is too far or others wait. */
static bool spin_until(u64 deadline)
{
	struct task *t = current;
	u64 now;

	irqs_unmask();
	while ((now = clock_ns()) < deadline) {
		if (deadline - now > SPIN_NS || is_disturbed(t) ||
		    !sched_is_alone())
			return false;
		cpu_relax();
	}
	return true;
}

bool schedule_until(u64 deadline)
{
	struct task *t = current;
	struct sleeper s = { .task = t };

	if (!deadline || deadline == DEADLINE_NEVER) {
		schedule();
		return true;
	}
	if (spin_until(deadline)) {
		WRITE_ONCE(t->state, TASK_RUNNING);
		return false;
	}
	timer_init(&s.timer, sleeper_wake);
	s.timer.is_urgent = t->prio < MAX_RT_PRIO;
	timer_start(&s.timer, deadline);
	schedule();
	timer_cancel_sync(&s.timer);
	return clock_ns() < deadline;
}

void sleep_ns(u64 ns)
{
	u64 deadline = clock_ns() + ns;

	do {
		set_task_state(TASK_UNINTERRUPTIBLE);
	} while (schedule_until(deadline));
}

int sleep_until_intr(u64 deadline)
{
	for (;;) {
		set_task_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current)) {
			WRITE_ONCE(current->state, TASK_RUNNING);
			return -EINTR;
		}
		if (!schedule_until(deadline))
			return 0;
	}
}
