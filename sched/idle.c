/*
 * idle - what a hart does when it has nothing to do.
 *
 * Theory:  waking a hart that sleeps in wfi costs 12 us and more in an
 *          emulator, a hart that polls answers at once.  So the idle loop
 *          first polls, for as long as that paid lately (at most 50 us), and
 *          then sleeps.  While `polling` is set wakers send no IPI: they set
 *          WORK_RESCHED in the idle task, or a bit in ipi_pending, and the
 *          loop looks at both.  To sleep, the loop stores polling = 0, then
 *          (full fence) looks at both once more; a waker stores its bit, then
 *          looks at polling.  One of them sees the other.
 *
 *          A timer that is due within 60 us is polled for too, since the
 *          hardware's would come 11 us late and 12 us more from wfi; and for
 *          real-time sleepers the hardware timer is set 60 us early, so that
 *          the loop polls for the rest.
 *
 *          Hardware interrupts are off (irqs_masked) but for a window in each
 *          turn: while they are off and no code runs that reads shared data,
 *          the hart counts as quiescent for RCU.
 * Context: the idle task, preempt_count 1, so that interrupts do not switch
 *          under the loop's feet.
 */
#include "sched_impl.h"

#include <arch/smp.h>
#include <kernel/print.h>
#include <kernel/rcu.h>

#define POLLS_PER_TURN 32	/* about a microsecond */

struct task boot_task = {
	.state = TASK_RUNNING,
	.on_hart = 1,
	.flags = TF_KERNEL | TF_IDLE,
	.pi_lock = IRQLOCK_INIT(RANK_TASK_PI, "task.pi_lock"),
	.alloc_lock = IRQLOCK_INIT(RANK_SPIN_LEAF, "task.alloc_lock"),
	.prio = MAX_PRIO - 1,
	.static_prio = DEFAULT_PRIO,
	.normal_prio = DEFAULT_PRIO,
	.lent_prio = MAX_PRIO,
	.policy = SCHED_NORMAL,
	.se = { .slice_ns = SLICE_NS, .weight = NICE0_WEIGHT },
	.allowed = { ~0ull },
	.pi_mutexes = LIST_INIT(boot_task.pi_mutexes),
	.refs = REF_INIT(1),
	.comm = "swapper/0",
	.all_node = LIST_INIT(boot_task.all_node),
	.children = LIST_INIT(boot_task.children),
	.sibling = LIST_INIT(boot_task.sibling),
	.ptraced = LIST_INIT(boot_task.ptraced),
	.ptrace_node = LIST_INIT(boot_task.ptrace_node),
	.thread_node = LIST_INIT(boot_task.thread_node),
	.pending = { .queue = LIST_INIT(boot_task.pending.queue) },
};

/* Written by a remote hart without a lock, or left behind by a failed one. */
static bool has_work(const struct hart *h)
{
	return READ_ONCE(current->work) & WORK_RESCHED;
}

static bool is_called(const struct hart *h)
{
	return has_work(h) || READ_ONCE(h->ipi_pending);
}

static void take_interrupts(struct hart *h)
{
	if (READ_ONCE(h->ipi_pending))
		ipi_handle();
	arch_irqs_enable();
	arch_irqs_disable();
}

static void poll_turn(struct hart *h)
{
	rcu_idle_enter(h);
	for (int i = 0; i < POLLS_PER_TURN && !is_called(h); i++)
		cpu_relax();
	rcu_idle_exit(h);
	take_interrupts(h);
}

/* A task waits on another hart: can it come here? */
static bool try_pull(struct runq *rq)
{
	bool pulled;

	if (!(READ_ONCE(overloaded_harts.bits) & ~(1ull << rq->hart->id)))
		return false;
	irq_lock(&rq->lock);
	runq_update(rq, clock_ns());
	pulled = runq_pull(rq);
	if (pulled)
		runq_resched(rq);
	irq_unlock(&rq->lock);
	return pulled;
}

static void run_timers(u64 now)
{
	if (timer_next_ns() > now)
		return;
	irq_enter();
	timer_run();
	irq_exit();
}

/* True: there is something to run.  False: it is time to sleep. */
static bool poll(struct runq *rq, u64 now)
{
	u64 limit = now + rq->poll_ns;

	while (!has_work(rq->hart)) {
		u64 next = timer_next_ns();

		if (now >= limit && (next < now || next - now > TIMER_NEAR_NS))
			return false;
		poll_turn(rq->hart);
		now = clock_ns();
		run_timers(now);
		if (try_pull(rq))
			return true;
	}
	return true;
}

static void sleep(struct runq *rq)
{
	struct hart *h = rq->hart;

	timer_idle_prepare(TIMER_NEAR_NS);
	rq->tick_ns = 0;
	rcu_idle_enter(h);	/* may wake a worker: before the last look */
	xchg(&h->polling, 0);
	if (!is_called(h))
		arch_wait_for_interrupt();
	rcu_idle_exit(h);
	take_interrupts(h);
}

/* Polling that paid is extended, polling in vain gets shorter; a short sleep
 * shows that a longer poll would have paid. */
static void learn(struct runq *rq, bool found, u64 slept)
{
	if (found)
		rq->trial_after = TRIAL_MIN;
	if (found || slept < POLL_MAX_NS)
		rq->poll_ns = min(rq->poll_ns * 2 + NSEC_PER_USEC,
				  (u64)POLL_MAX_NS);
	else
		rq->poll_ns /= 2;
}

static void idle_once(struct runq *rq)
{
	struct hart *h = rq->hart;
	u64 now = clock_ns();
	bool found;

	log_wake_deferred();
	rcu_idle_prepare(h);
	xchg(&h->polling, 1);
	found = poll(rq, now);
	if (!found) {
		now = clock_ns();
		sleep(rq);
		learn(rq, false, clock_ns() - now);
	} else {
		learn(rq, true, 0);
	}
	xchg(&h->polling, 0);
	if (READ_ONCE(h->ipi_pending))
		ipi_handle();
	if (has_work(h))
		schedule_once(false);
}

void __noreturn sched_idle_loop(void)
{
	struct runq *rq = this_hart()->rq;

	preempt_disable();
	arch_irqs_disable();
	current->irqs_masked = 1;
	cpumask_set(&idle_harts, rq->hart->id);
	for (;;)
		idle_once(rq);
}

void __noreturn sched_hart_start(void)
{
	struct hart *h = this_hart();

	assert(current == h->idle);
	h->online = true;
	cpumask_set(&online_harts, h->id);
	sched_idle_loop();
}
