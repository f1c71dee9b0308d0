/*
 * dump - what all tasks do, for sysrq, for panics, for gdb.
 *
 * Locks:   none but RCU: what is printed of a task may be out of date, and a
 *          stack that is in use is not walked.
 * Context: any, though thousands of tasks take seconds.
 */
#include "lockdebug_impl.h"

#include <kernel/dump.h>
#include <kernel/hart.h>
#include <kernel/mutex.h>
#include <kernel/print.h>
#include <kernel/rcu.h>
#include <sched/sched.h>

static void dump_blocker(const struct task *t)
{
	struct mutex *m = READ_ONCE(t->blocked_on);

	struct task *owner = m ? mutex_owner(m) : NULL;

	if (m)
		print(LOG_INFO, "  waits for mutex %p, owner %d (%.16s)\n",
		      (void *)m, owner ? owner->tid : 0,
		      owner ? owner->comm : "");
	if (READ_ONCE(t->wait_queue))
		print(LOG_INFO, "  waits on %p\n", (void *)t->wait_queue);
}

void task_dump(struct task *t)
{
	const char *why = READ_ONCE(t->wait_reason);

	print(LOG_INFO, "task %d (%.16s) %c tgid %d hart %u prio %d work %lx "
	      "cpu %llu us%s%s\n", t->tid, t->comm, task_state_char(t),
	      t->tgid, t->hart->id, t->prio, t->work,
	      t->se.sum_exec / NSEC_PER_USEC, why ? " wait " : "",
	      why ? why : "");
	dump_blocker(t);
	if (CONFIG_DEBUG)
		lock_debug_print(t);
	if (t == current || !READ_ONCE(t->on_hart))
		backtrace_print_task(t);
	else
		print(LOG_INFO, "  running\n");
}

/* Idle workers are not what anybody looks for. */
static bool is_blocked(u32 state)
{
	return (state & (TASK_UNINTERRUPTIBLE | TASK_IDLE_BIT)) ==
	       TASK_UNINTERRUPTIBLE;
}

static void dump_where(bool only_blocked)
{
	struct task *t;

	rcu_read_lock();
	list_for_each_entry_rcu(t, &all_tasks, all_node)
		if (!only_blocked || is_blocked(READ_ONCE(t->state)))
			task_dump(t);
	rcu_read_unlock();
}

void tasks_dump(void)
{
	dump_where(false);
	for_each_hart(h)
		print(LOG_INFO, "hart %u: runs task %d (%.16s)%s\n", h->id,
		      h->curr->tid, h->curr->comm,
		      h->polling ? ", polls" : "");
}

void tasks_dump_blocked(void)
{
	dump_where(true);
}

static bool holds_some(const struct task *t)
{
#if CONFIG_DEBUG
	return READ_ONCE(t->held_count) != 0;
#else
	return !list_empty(&t->pi_mutexes);
#endif
}

void locks_dump(void)
{
	struct task *t;

	rcu_read_lock();
	list_for_each_entry_rcu(t, &all_tasks, all_node) {
		if (!READ_ONCE(t->blocked_on) && !holds_some(t))
			continue;
		print(LOG_INFO, "task %d (%.16s)\n", t->tid, t->comm);
		dump_blocker(t);
		if (CONFIG_DEBUG)
			lock_debug_print(t);
	}
	rcu_read_unlock();
}
