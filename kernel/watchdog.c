/*
 * watchdog - names the hart that stopped, the task that never wakes, the lock
 * that is never dropped.
 *
 * Theory:  harts 0 and 1 look at all harts every few seconds by a timer, so
 *          that one of the two sees the other stop; nobody else needs a tick
 *          for it.  A hart that runs a task takes a timer interrupt every few
 *          milliseconds; one that idles is asked for nothing, but must answer
 *          what others sent it.  Who shows no interrupt since the last look
 *          is sent one; still none for watchdog_thresh seconds is a hard
 *          lockup.  A hart that takes interrupts is asked to reschedule; if it
 *          does not for twice as long, that is a soft lockup: an endless loop
 *          with preemption off.  That it was just asked by somebody else each
 *          time we looked says nothing (a host with too many harts to run
 *          makes it likely), so whoever has switched tasks since is well.
 *          A hart with interrupts off cannot be made to show its stack, but
 *          one that waits for a spinlock looks whether it is asked to.  Of
 *          another its stack is searched for frames.
 *          A task in uninterruptible sleep was last accounted when it fell
 *          asleep, so nothing is counted for it.
 * Locks:   each watcher writes its own notes.
 * Context: timer interrupts.
 */
#include "lockdebug_impl.h"

#include <arch/task.h>
#include <kernel/dump.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/rcu.h>
#include <kernel/watchdog.h>
#include <lib/string.h>
#include <sched/sched.h>
#include <time/timer.h>

#define LOOK_NS (2 * NSEC_PER_SEC)
#define WATCHERS 2u
#define SPIN_HELD_NS (5 * NSEC_PER_SEC)

/* Planted bugs are to be found within a minute. */
int sysctl_watchdog = 1;
int sysctl_watchdog_thresh = 10;
int sysctl_hung_task_timeout = CONFIG_PLANT ? 15 : 120;
int sysctl_hung_task_warnings = 10;

/* What a watcher saw of a hart. */
struct note {
	u64 irqs, switches;
	u64 irq_ns;		/* when it last took an interrupt */
	u64 sched_ns;		/* when it last did as asked */
	bool was_told;		/* of a lockup, once */
};

struct watcher {
	struct timer timer;
	u64 last_ns;
	u64 hung_ns;		/* last search for hung tasks */
	struct note notes[MAX_HARTS];
};

static struct watcher watchers[WATCHERS];

/* --- harts ------------------------------------------------------------------*/

static bool print_pc(void *arg, unsigned long pc)
{
	char text[96];

	symbol_format(pc - 1, text, sizeof(text));
	print(LOG_ERR, "  [<%016lx>] ? %s\n", pc, text);
	return true;
}

static void show_stopped(struct hart *h)
{
	u64 until = clock_ns() + 100 * NSEC_PER_MSEC;

	if (h == this_hart()) {
		backtrace_print();
		return;
	}
	ipi_send(h, IPI_BACKTRACE);
	while ((READ_ONCE(h->ipi_pending) >> IPI_BACKTRACE & 1) &&
	       clock_ns() < until)
		cpu_relax();
	if (!(READ_ONCE(h->ipi_pending) >> IPI_BACKTRACE & 1))
		return;
	pr_err("hart %u does not answer; frames found on its stack:\n", h->id);
	arch_stack_search(h->curr, print_pc, NULL);
	if (CONFIG_DEBUG)
		lock_debug_print(h->curr);
}

static void report(struct hart *h, struct note *n, bool is_hard, u64 ns)
{
	struct task *t = READ_ONCE(h->curr);

	if (n->was_told)
		return;
	n->was_told = true;
	if (is_hard)
		print(LOG_EMERG, "watchdog: Watchdog detected hard LOCKUP on cpu %u [%.16s:%d], no interrupt for %llus\n",
		      h->id, t->comm, t->tid, ns / NSEC_PER_SEC);
	else
		print(LOG_EMERG, "watchdog: BUG: soft lockup - CPU#%u stuck for %llus! [%.16s:%d]\n",
		      h->id, ns / NSEC_PER_SEC, t->comm, t->tid);
	show_stopped(h);
}

/* Asks it to take an interrupt, and to look for a better task. */
static void poke(struct hart *h)
{
	struct task *t;

	rcu_read_lock();
	t = READ_ONCE(h->curr);
	flag_set(&t->work, WORK_RESCHED);
	rcu_read_unlock();
	if (h != this_hart())
		ipi_send(h, IPI_RESCHED);
}

static bool is_asleep(const struct hart *h)
{
	return READ_ONCE(h->curr) == h->idle && !READ_ONCE(h->ipi_pending) &&
	       !(READ_ONCE(h->idle->work) & WORK_RESCHED);
}

static void look_at(struct hart *h, struct note *n, u64 now)
{
	u64 thresh = (u64)READ_ONCE(sysctl_watchdog_thresh) * NSEC_PER_SEC;
	u64 irqs = READ_ONCE(h->irq_count);
	u64 switches = READ_ONCE(h->switches);
	bool resched = READ_ONCE(h->curr->work) & WORK_RESCHED;

	if (irqs != n->irqs || is_asleep(h))
		n->irq_ns = now;
	if (!resched || switches != n->switches || is_asleep(h))
		n->sched_ns = now;
	n->irqs = irqs;
	n->switches = switches;
	if (n->irq_ns == now && n->sched_ns == now)
		n->was_told = false;
	if (is_asleep(h))
		return;
	if (now - n->irq_ns > thresh)
		report(h, n, true, now - n->irq_ns);
	else if (now - n->sched_ns > 2 * thresh)
		report(h, n, false, now - n->sched_ns);
	else
		poke(h);
}

/* --- tasks ------------------------------------------------------------------*/

static bool may_report(void)
{
	int left = READ_ONCE(sysctl_hung_task_warnings);

	if (left > 0)
		WRITE_ONCE(sysctl_hung_task_warnings, left - 1);
	return left != 0;
}

static void check_asleep(struct task *t, u64 now, u64 limit)
{
	u32 state = READ_ONCE(t->state);
	u64 since = READ_ONCE(t->se.exec_start);

	if (!(state & TASK_UNINTERRUPTIBLE) ||
	    (state & (TASK_WAKEKILL | TASK_IDLE_BIT)) ||
	    READ_ONCE(t->on_hart) || now < since || now - since < limit ||
	    !may_report())
		return;
	pr_err("INFO: task %.16s:%d blocked for more than %llu seconds.\n",
	       t->comm, t->tid, (now - since) / NSEC_PER_SEC);
	task_dump(t);
}

static void check_locks(struct task *t, u64 now)
{
#if CONFIG_DEBUG
	for (u32 i = 0; i < READ_ONCE(t->held_count); i++) {
		const struct held_lock *l = &t->held[i];
		u64 since = READ_ONCE(l->since);	/* may be after now */
		char site[96];

		if (l->sleeps || now < since || now - since < SPIN_HELD_NS ||
		    !may_report())
			continue;
		symbol_format(l->site, site, sizeof(site));
		pr_err("INFO: task %.16s:%d holds %s, taken at %s, for more than %llu seconds.\n",
		       t->comm, t->tid, l->name ? l->name : "lock", site,
		       (now - since) / NSEC_PER_SEC);
		task_dump(t);
	}
#endif
}

static void look_for_hung(struct watcher *w, u64 now)
{
	u64 limit = (u64)READ_ONCE(sysctl_hung_task_timeout) * NSEC_PER_SEC;
	struct task *t;

	if (!limit || now - w->hung_ns < limit / 2)
		return;
	w->hung_ns = now;
	rcu_read_lock();
	list_for_each_entry_rcu(t, &all_tasks, all_node) {
		check_asleep(t, now, limit);
		check_locks(t, now);
	}
	rcu_read_unlock();
}

/* --- the timers -------------------------------------------------------------*/

static void look(struct timer *timer)
{
	struct watcher *w = container_of(timer, struct watcher, timer);
	u64 now = clock_ns();

	/* The machine stood still (a debugger, a busy host): start anew. */
	if (now - w->last_ns > 3 * LOOK_NS)
		for (u32 i = 0; i < nr_harts; i++)
			w->notes[i].irq_ns = w->notes[i].sched_ns = now;
	w->last_ns = now;
	if (READ_ONCE(sysctl_watchdog) && !panicking) {
		for_each_hart(h)
			look_at(h, &w->notes[h->id], now);
		if (w == &watchers[0] || !harts[0].online)
			look_for_hung(w, now);
	}
	timer_start(timer, now + LOOK_NS);
}

static void start(void *arg)
{
	struct watcher *w = &watchers[hart_id()];
	u64 now = clock_ns();

	timer_init(&w->timer, look);
	w->last_ns = w->hung_ns = now;
	for (u32 i = 0; i < nr_harts; i++)
		w->notes[i].irq_ns = w->notes[i].sched_ns = now;
	timer_start(&w->timer, now + LOOK_NS);
}

static void watchdog_init(void)
{
	hart_call((struct cpumask){ (1u << WATCHERS) - 1 }, start, NULL);
}
INIT(INIT_LATE, watchdog_init);

static void set(int *to, const char *value)
{
	int v;

	if (!str_to_int(value, 10, &v) && v >= 0)
		*to = v;
}

static void param_thresh(const char *value)
{
	set(&sysctl_watchdog_thresh, value);
}
PARAM("watchdog_thresh", param_thresh);

static void param_nowatchdog(const char *value)
{
	sysctl_watchdog = 0;
}
PARAM("nowatchdog", param_nowatchdog);
