/*
 * core - run queues, wake-ups, and the switch from task to task.
 *
 * Theory:  a task is in one of four conditions.  Blocked: se.on_rq is 0.
 *          Queued: se.on_rq is 1, in the queue of its class.  Running: the
 *          same, and hart.curr.  Leaving: it gave the hart up, but on_hart is
 *          still 1, since its registers and stack are in use until the switch
 *          is complete.  Nobody may run a task that is leaving.
 *
 *          No wake-up is lost.  A sleeper stores its state, then (full fence)
 *          looks at its condition, then calls schedule(), which under the run
 *          queue's lock takes it off the queue if the state is still set.  A
 *          waker changes the condition, then (full fence) looks at the state:
 *          one of them sees the other.  A waker that finds the state set but
 *          on_rq still 1 takes the run queue's lock: either the sleeper has
 *          not come so far, and its state goes back to running, or it is
 *          off.  A waker that finds on_rq 0 waits for on_hart to drop, then
 *          queues the task.  The three words are loaded in this order, and
 *          stored in the reverse one.  pi_lock keeps wakers apart.
 *
 *          on_rq stays 1 while a queued task moves between harts or classes,
 *          with all locks of the queues held, so that a waker in between
 *          does not queue it a second time.
 *
 *          The run queue's lock is taken by the task that leaves and dropped
 *          by the one that comes (finish_switch), so nobody sees a half-made
 *          switch.
 *
 *          A sync wake-up says that the waker is about to block.  The woken
 *          task then is `handoff`: it neither preempts nor sends an IPI, and
 *          follows when the waker blocks.  Who often says sync but runs on
 *          (sync_misses) is no longer believed in the choice of the hart.
 * Locks:   task.pi_lock, then runq.lock; see sched_impl.h.
 * Life:    a dead task's reference of the scheduler is dropped by the task
 *          that comes after it, since it cannot free its own stack.
 */
#include "fair_impl.h"

#include <kernel/print.h>
#include <kernel/rcu.h>
#include <kernel/trace.h>

DEFINE_PER_HART(struct runq, runqs);
void (*sched_switch_mm_hook)(struct task *prev, struct task *next);

void runq_init(struct runq *rq, struct hart *h)
{
	irq_lock_init(&rq->lock, RANK_RUNQ, "runq");
	rq->hart = h;
	rq->poll_ns = POLL_MAX_NS;
	rq->trial_after = TRIAL_MIN;
	fair_init(&rq->fair);
	rt_init(&rq->rt);
	dl_init(rq);
	h->rq = rq;
}

/* --- queues ------------------------------------------------------------------ */

static inline void enqueue(struct runq *rq, struct task *t, bool at_head,
			   bool is_new)
{
	t->queued_at = rq->clock;
	if (likely(is_fair_task(t)))
		fair_enqueue(rq, t, is_new);
	else if (is_dl_task(t))
		dl_enqueue(rq, t);
	else
		rt_enqueue(rq, t, at_head);
}

void class_enqueue(struct runq *rq, struct task *t, bool at_head)
{
	enqueue(rq, t, at_head, false);
}

void class_dequeue(struct runq *rq, struct task *t)
{
	if (rq->handoff == t)
		rq->handoff = NULL;
	if (likely(is_fair_task(t)))
		fair_dequeue(rq, t);
	else if (is_dl_task(t))
		dl_dequeue(rq, t);
	else
		rt_dequeue(rq, t);
}

void runq_activate(struct runq *rq, struct task *t, bool is_new)
{
	if (t->contributes_to_load) {
		t->contributes_to_load = false;
		rq->nr_uninterruptible--;
	}
	enqueue(rq, t, false, is_new);
	WRITE_ONCE(t->se.on_rq, true);
}

static void runq_deactivate(struct runq *rq, struct task *t)
{
	class_dequeue(rq, t);
	WRITE_ONCE(t->se.on_rq, false);
}

static void account_idle(struct runq *rq, u64 delta)
{
	if (READ_ONCE(rq->nr_iowait))
		rq->hart->iowait_ns += delta;
	else
		rq->hart->idle_ns += delta;
}

void runq_update(struct runq *rq, u64 now)
{
	struct task *c = rq->hart->curr;
	s64 delta = (s64)(now - c->se.exec_start);

	if (delta <= 0)
		return;		/* another hart's clock read came later */
	rq->clock = now;
	c->se.exec_start = now;
	if (unlikely(is_idle_task(c))) {
		account_idle(rq, (u64)delta);
		return;
	}
	WRITE_ONCE(c->se.sum_exec, c->se.sum_exec + (u64)delta);
	rq->unsplit_ns += (u64)delta;
	if (!c->se.on_rq)
		return;
	if (likely(is_fair_task(c)))
		fair_update(rq, c, (u64)delta);
	else if (is_dl_task(c))
		dl_update(rq, c, (u64)delta);
	else
		rt_update(rq, c, (u64)delta);
}

struct runq *task_runq_lock(struct task *t) __no_analysis
{
	for (;;) {
		struct hart *h = READ_ONCE(t->hart);

		irq_lock(&h->rq->lock);
		if (likely(READ_ONCE(t->hart) == h))
			return h->rq;
		irq_unlock(&h->rq->lock);
	}
}

/* --- preemption -------------------------------------------------------------- */

/*
 * The bit is stored, then `polling` is read; the idle loop stores polling = 0,
 * then reads the bit: one of them sees the other, so no IPI is missing.
 */
void runq_resched(struct runq *rq)
{
	struct hart *h = rq->hart;

	if (READ_ONCE(h->curr->work) & WORK_RESCHED)
		return;
	if (flag_test_set(&h->curr->work, WORK_RESCHED))
		return;
	if (h != this_hart() && !READ_ONCE(h->polling))
		ipi_defer(h, IPI_RESCHED);
}

static bool is_better(struct runq *rq, struct task *t, bool is_sync)
{
	struct task *c = rq->hart->curr;

	if (is_idle_task(c))
		return true;
	if (t->se.dl_throttled)
		return false;
	if (is_dl_task(t) && is_dl_task(c))
		return dl_before(t, c);
	if (likely(is_fair_task(t) && is_fair_task(c))) {
		if (is_sync && c->policy != SCHED_IDLE)
			return false;
		return fair_preempts(rq, t);
	}
	/* then real time waits as long as a fair task is there, and only so */
	if (rq->rt.is_throttled && !is_dl_task(t) && !is_dl_task(c))
		return is_fair_task(t) ||
		       (!rq->fair.nr && t->prio < c->prio);
	return t->prio < c->prio;
}

void runq_check_preempt(struct runq *rq, struct task *t, bool is_sync)
{
	if (is_better(rq, t, is_sync))
		runq_resched(rq);
	if (!is_sync || !is_fair_task(t))
		runq_note_load(rq);
}

/* --- wake-ups ---------------------------------------------------------------- */

/* It has not left its queue: it goes on as if it had not slept. */
static bool wake_queued(struct task *t)
{
	struct runq *rq = task_runq_lock(t);
	bool is_queued = t->se.on_rq;

	assert_irq_held(&rq->lock);
	if (is_queued) {
		WRITE_ONCE(t->state, TASK_RUNNING);
		if (!is_on_hart(rq, t))
			runq_check_preempt(rq, t, false);
	}
	irq_unlock(&rq->lock);
	return is_queued;
}

static void note_handoff(struct runq *rq, struct task *t)
{
	rq->handoff = t;
	rq->handoff_by = current;
	rq->handoff_ticks = rq->nr_ticks;
}

/* pi_lock held, the task is off its hart and on no queue. */
static void __hot wake_on(struct hart *h, struct task *t, bool is_sync,
			  bool is_new)
	__no_analysis
{
	struct runq *rq = h->rq;
	u64 now = 0;

	/* nothing is decided now, so the time of the last switch will do */
	is_sync = is_sync && h == this_hart() && !in_irq();
	if (!is_sync)
		now = clock_ns();
	raw_spin_lock(&rq->lock.raw);
	if (!is_sync)
		runq_update(rq, now);
	WRITE_ONCE(t->hart, h);
	runq_activate(rq, t, is_new);
	WRITE_ONCE(t->state, TASK_RUNNING);
	if (unlikely(is_new))
		trace_sched_wakeup_new(t);
	else
		trace_sched_wakeup(t);
	if (is_sync)
		note_handoff(rq, t);
	runq_check_preempt(rq, t, is_sync);
	raw_spin_unlock(&rq->lock.raw);
}

/* Up to now its hart idled for that. */
static void end_iowait(struct task *t) __no_analysis
{
	struct runq *rq = t->hart->rq;

	t->is_in_nr_iowait = false;
	raw_spin_lock(&rq->lock.raw);
	runq_update(rq, clock_ns());
	rq->nr_iowait--;
	raw_spin_unlock(&rq->lock.raw);
}

static bool __hot wake_locked(struct task *t, u32 states, bool is_sync)
	__must_hold(&t->pi_lock)
{
	if (!(LOAD_ACQUIRE(t->state) & states))
		return false;
	if (LOAD_ACQUIRE(t->se.on_rq) && wake_queued(t))
		return true;
	while (LOAD_ACQUIRE(t->on_hart))
		cpu_relax();
	if (unlikely(t->is_in_nr_iowait))
		end_iowait(t);
	wake_on(select_hart(t, this_hart(), is_sync), t, is_sync, false);
	return true;
}

bool __hot task_wake_state(struct task *t, u32 states)
{
	bool woken;

	smp_mb();
	if (!(READ_ONCE(t->state) & states))
		return false;
	if (t == current) {
		WRITE_ONCE(t->state, TASK_RUNNING);
		return true;
	}
	irq_lock(&t->pi_lock);
	woken = wake_locked(t, states, current->wake_sync);
	irq_unlock(&t->pi_lock);
	return woken;
}

void sched_wake_new(struct task *t)
{
	irq_lock(&t->pi_lock);
	wake_on(select_hart(t, this_hart(), true), t, true, true);
	irq_unlock(&t->pi_lock);
}

void sched_wake_new_handoff(struct task *t)
{
	struct hart *h;

	irq_lock(&t->pi_lock);
	h = this_hart();
	if (!is_allowed(t, h))
		h = select_hart(t, h, true);
	wake_on(h, t, true, true);
	irq_unlock(&t->pi_lock);
}

/* --- the switch -------------------------------------------------------------- */

static bool is_signalled(const struct task *t, u32 state)
{
	unsigned long bits = 0;

	if (state & TASK_INTERRUPTIBLE)
		bits = WORK_SIGNAL | WORK_KILL;
	else if (state & TASK_WAKEKILL)
		bits = WORK_KILL;
	return READ_ONCE(t->work) & bits;
}

/*
 * Did the handoff follow at once, as the waker had promised?  Certainly if it
 * ran for a short time altogether; not if a tick came in between.
 */
static inline void judge_handoff(struct runq *rq, struct task *prev)
{
	if (rq->handoff_by != prev)
		return;
	rq->handoff_by = NULL;
	if (rq->clock - rq->switched_ns < HANDOFF_TRUST_NS)
		prev->sync_misses = 0;
	else if (rq->nr_ticks != rq->handoff_ticks && prev->sync_misses < 4)
		prev->sync_misses++;
}

static inline void block(struct runq *rq, struct task *prev, u32 state)
{
	if (unlikely(is_signalled(prev, state))) {
		WRITE_ONCE(prev->state, TASK_RUNNING);
		return;
	}
	assert(!is_idle_task(prev));
	if ((state & (TASK_UNINTERRUPTIBLE | TASK_IDLE_BIT)) ==
	    TASK_UNINTERRUPTIBLE) {
		prev->contributes_to_load = true;
		rq->nr_uninterruptible++;
	}
	if (unlikely(prev->in_iowait)) {
		prev->is_in_nr_iowait = true;
		rq->nr_iowait++;
	}
	judge_handoff(rq, prev);
	runq_deactivate(rq, prev);
}

/* prev goes on being runnable, but not running. */
static inline void put_prev(struct runq *rq, struct task *prev)
{
	if (is_idle_task(prev) || !prev->se.on_rq)
		return;
	if (unlikely(!is_allowed(prev, rq->hart))) {
		runq_deactivate(rq, prev);
		rq->evicted = prev;
		return;
	}
	prev->queued_at = rq->clock;
	if (is_fair_task(prev))
		fair_put(rq, prev);
}

static inline bool rt_waits_elsewhere(const struct runq *rq)
{
	return READ_ONCE(rt_overloaded_harts.bits) & ~(1ull << rq->hart->id);
}

static struct task *pick_next(struct runq *rq)
{
	if (unlikely(rt_waits_elsewhere(rq)) && !rq->dl.nr)
		runq_pull_rt(rq, rq->rt.nr ? rt_pick(rq)->prio : MAX_RT_PRIO);
	if (unlikely(rq->dl.nr))
		return dl_pick(rq);
	if (unlikely(rt_can_run(rq)))
		return rt_pick(rq);
	if (rq->fair.nr || runq_pull(rq))
		return fair_pick(rq);
	return rq->hart->idle;
}

/* The only runnable task goes on: nothing to put back and pick again. */
static inline bool is_alone(const struct runq *rq, const struct task *prev)
{
	return prev->se.on_rq && rq->fair.nr == 1 &&
	       rq->fair.curr == &prev->se && !rq->rt.nr && !rq->dl.nr &&
	       is_allowed(prev, rq->hart) && !rt_waits_elsewhere(rq);
}

/* Without the lock: setting the hardware can take long (docs/sched.md). */
static inline void program_tick(struct runq *rq)
{
	if (likely(!rq->tick_changed))
		return;
	rq->tick_changed = false;
	timer_sched_request(rq->tick_ns);
}

/* In the context of the task that comes. Interrupts off. */
static __always_inline void finish_switch(struct task *prev) __no_analysis
{
	struct runq *rq = current->hart->rq;
	struct task *evicted = rq->evicted;
	u32 state = READ_ONCE(prev->state);

	store_release(&prev->on_hart, 0);
	rq->evicted = NULL;
	raw_spin_unlock(&rq->lock.raw);
	program_tick(rq);
	if (unlikely(evicted))
		place_evicted(evicted);
	if (unlikely(state & TASK_DEAD))
		task_put(prev);
}

/*
 * What rseq(2) must know, in a load or two: who leaves in the midst of its own
 * code, and who comes back elsewhere.  System calls have no part in critical
 * sections, so a task that blocks in one and stays is not bothered.
 */
static __always_inline void rseq_note_switch(struct task *prev,
					     struct task *next, u32 hart)
{
	if (prev->rseq.ptr &&
	    !regs_in_syscall(regs_at_top(prev->kstack_top)))
		flag_set(&prev->work, WORK_RSEQ);
	if (unlikely(next->rseq_hart != hart)) {
		next->rseq_hart = hart;
		if (next->rseq.ptr)
			flag_set(&next->work, WORK_RSEQ);
	}
}

static __always_inline void switch_to(struct runq *rq, struct task *prev,
				      struct task *next)
{
	struct hart *h = rq->hart;

	next->se.exec_start = rq->switched_ns = rq->clock;
	next->run_delay_ns += rq->clock - next->queued_at;
	next->pcount++;
	if (unlikely(prev->ipi_due)) {
		next->ipi_due |= prev->ipi_due;
		prev->ipi_due = 0;
	}
	rseq_note_switch(prev, next, h->id);
	WRITE_ONCE(next->on_hart, 1);
	WRITE_ONCE(h->curr, next);
	h->switches++;
	if (next->mm != prev->mm && sched_switch_mm_hook)
		sched_switch_mm_hook(prev, next);
	if (CONFIG_DEBUG)
		lock_debug_handover(&rq->lock.raw, prev, next);
	finish_switch(arch_switch(prev, next));
}

static inline void note_switch(struct runq *rq, struct task *prev,
			       struct task *next, bool was_preempted)
{
	trace_sched_switch(prev, next, was_preempted);
	if (was_preempted)
		prev->nivcsw++;
	else
		prev->nvcsw++;
	if (unlikely(!is_fair_task(prev)) && prev->se.on_rq)
		rt_push_hint(rq, prev);
	if (is_idle_task(next)) {
		account_idle_entry(rq, prev);
		cpumask_set(&idle_harts, rq->hart->id);
	} else if (is_idle_task(prev)) {
		cpumask_clear(&idle_harts, rq->hart->id);
	}
}

/* A pending tick comes within TICK_NS, soon enough for fair slices. */
static inline void request_tick(struct runq *rq, struct task *next)
{
	if (likely(is_fair_task(next) && rq->clock < rq->tick_ns))
		return;
	if (is_idle_task(next))
		return;
	rq->tick_ns = rq->clock + sched_tick_in(rq, next);
	rq->tick_changed = true;
}

void __hot schedule_once(bool is_preempt) __no_analysis
{
	struct task *prev = current, *next;
	struct runq *rq;
	u32 state;

	irqs_off();
	rq = prev->hart->rq;
	rcu_note_switch(rq->hart);
	raw_spin_lock(&rq->lock.raw);
	runq_update(rq, clock_ns());
	if (READ_ONCE(prev->work) & WORK_RESCHED)
		flag_clear(&prev->work, WORK_RESCHED);
	state = READ_ONCE(prev->state);
	if (!is_preempt && state)
		block(rq, prev, state);
	if (is_alone(rq, prev)) {
		next = prev;
	} else {
		put_prev(rq, prev);
		next = pick_next(rq);
	}
	runq_note_load(rq);
	request_tick(rq, next);
	if (next != prev) {
		note_switch(rq, prev, next, is_preempt || prev->se.on_rq);
		switch_to(rq, prev, next);
	} else {
		raw_spin_unlock(&rq->lock.raw);
		program_tick(rq);
	}
	irqs_on();
}

void __hot schedule(void)
{
	struct task *t = current;

	if (CONFIG_DEBUG && t->state != TASK_RUNNING)
		might_sleep_check(__FILE__, __LINE__);
	do {
		t->preempt_count++;
		schedule_once(false);
		t->preempt_count--;
	} while (unlikely(READ_ONCE(t->work) & WORK_RESCHED));
}

void preempt_schedule(void)
{
	struct task *t = current;
	bool is_masked;

	if (t->preempt_count)
		return;
	is_masked = !t->irqs_masked && !arch_irqs_enabled();
	/* A return from an interrupt: stay masked throughout. */
	if (is_masked)
		t->irqs_masked = 1;
	do {
		t->preempt_count++;
		schedule_once(true);
		t->preempt_count--;
	} while (READ_ONCE(t->work) & WORK_RESCHED);
	if (is_masked)
		t->irqs_masked = 0;
}

void cond_resched(void)
{
	might_sleep();
	irqs_unmask();
	if (unlikely(READ_ONCE(current->work) & WORK_RESCHED))
		preempt_schedule();
}

void sched_first_run(struct task *prev)
{
	finish_switch(prev);
	irqs_on();
	preempt_enable();
}

void task_set_special_state(u32 state)
{
	struct task *t = current;

	irq_lock(&t->pi_lock);
	set_task_state(state);
	irq_unlock(&t->pi_lock);
}

/* Interrupts stay off from here to the switch: who is switched from dead is
 * given up.  The lock: see task_set_special_state(). */
void __noreturn sched_exit(void) __no_analysis
{
	irqs_off();
	raw_spin_lock(&current->pi_lock.raw);
	WRITE_ONCE(current->state, TASK_DEAD);
	raw_spin_unlock(&current->pi_lock.raw);
	/* Only now: with a depth of 0 the checks of locks end the masking. */
	current->preempt_count = 1;
	current->irq_depth = 0;
	schedule_once(false);
	BUG();
}

bool sched_is_alone(void)
{
	return runq_nr(current->hart->rq) <= 1;
}

void sched_yield(void)
{
	struct task *t = current;
	struct runq *rq;

	if (runq_nr(t->hart->rq) <= 1 && t->policy != SCHED_DEADLINE)
		return;
	irqs_off();
	rq = task_runq_lock(t);
	assert_irq_held(&rq->lock);
	runq_update(rq, clock_ns());
	if (is_fair_task(t))
		fair_yield(rq, t);
	else if (is_dl_task(t))
		dl_yield(rq, t);
	else
		rt_yield(rq, t);
	irq_unlock(&rq->lock);
	irqs_on();
	schedule();
}

void might_sleep_check(const char *file, int line)
{
	const struct task *t = current;

	if (!t->preempt_count && !t->irq_depth && !t->irq_nesting)
		return;
	if (!panicking)
		panic("sleep in atomic context at %s:%d (preempt_count %u)\n",
		      file, line, t->preempt_count);
}

void task_wait_inactive(struct task *t)
{
	u32 turns = 0;

	/* It may have been preempted on its way to sleep: not there yet, and
	 * maybe waiting for this very hart. */
	while (LOAD_ACQUIRE(t->se.on_rq) || LOAD_ACQUIRE(t->on_hart)) {
		cpu_relax();
		if ((++turns & 0xff) == 0)
			sleep_ns(100 * NSEC_PER_USEC);
	}
}

char task_state_char(const struct task *t)
{
	u32 s = READ_ONCE(t->state);

	if (t->exit_state == EXIT_DEAD || (s & TASK_DEAD))
		return t->exit_state == EXIT_ZOMBIE ? 'Z' : 'X';
	if (t->exit_state == EXIT_ZOMBIE)
		return 'Z';
	if (s & TASK_TRACED_BIT)
		return 't';
	if (s & TASK_STOPPED_BIT)
		return 'T';
	if (s & TASK_IDLE_BIT)
		return 'I';
	if (s & TASK_UNINTERRUPTIBLE)
		return 'D';
	if (s & TASK_INTERRUPTIBLE)
		return 'S';
	return 'R';
}
