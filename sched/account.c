/*
 * account - the tick of a busy hart, processor time, load averages.
 *
 * Theory:  how long a task ran is known exactly: the clock is read at each
 *          switch.  How that time splits into user and system is sampled, as
 *          a clock read at each system call would cost a third of a short
 *          one: each timer interrupt books what the task ran since its last
 *          sample on the mode it interrupts.  task_times() scales the samples
 *          so that their sum is the exact time, and never goes backwards.
 *
 *          The tick runs only while a hart has something to run: every 4 ms,
 *          sooner for the end of a slice or a deadline task's budget.
 *
 *          Growth flushes: under an emulator whose TLB grows only in flushes
 *          (docs/sched.md) a hart that ran one address space for some 20 ms
 *          without one gets a few.
 * Locks:   hart statistics: this hart writes, all read.  shown_* by pi_lock.
 */
#include "sched_impl.h"

#include <arch/mmu.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/rcu.h>

void (*sched_cpu_timer_hook)(struct task *t);
bool arch_wants_growth_flush;

#define GROWTH_NS (20 * NSEC_PER_MSEC)
#define GROWTH_LONG_NS NSEC_PER_SEC
#define GROWTH_FLUSHES 8	/* each may double or quadruple it */

/* --- user and system ---------------------------------------------------------- */

/* a * b / c, all below 2^63, the result <= a (b <= c). */
static u64 scale(u64 a, u64 b, u64 c)
{
	while ((a | b | c) >> 32) {
		if (a > b) {
			if (!(a >> 32))
				break;
			a >>= 1;
			c >>= 1;
		} else {
			b >>= 1;
			c >>= 1;
		}
	}
	return c ? a * b / c : 0;
}

static void add_busy(struct runq *rq, const struct task *t, u64 user, u64 sys)
{
	struct hart *h = rq->hart;

	if (task_nice(t) > 0)
		h->nice_ns += user;
	else
		h->user_ns += user;
	h->system_ns += sys;
}

/* Time that no sample will book: split as the task's own is. */
void account_idle_entry(struct runq *rq, struct task *prev)
{
	u64 n = rq->unsplit_ns, u = prev->utime_ns, s = prev->stime_ns;

	rq->unsplit_ns = 0;
	if (prev->flags & TF_KERNEL)
		u = 0;
	else
		u = u + s ? scale(n, u, u + s) : n;
	add_busy(rq, prev, u, n - u);
}

/*
 * Was the task in user mode?  An interrupt that a system call kept masked
 * arrives right after the call: at the instruction that follows an ecall, and
 * then the time was the system's.
 */
static bool sample_is_user(void)
{
	const struct regs *r = irq_regs();
	u32 insn = 0;
	int err;

	if (!irq_from_user())
		return false;
	pagefault_disable();
	err = copy_from_user(&insn, (const void __user *)(r->pc - 4), 4);
	pagefault_enable();
	return err || !arch_is_syscall_insn(insn);
}

static void book(struct runq *rq, struct task *t)
{
	bool is_user = sample_is_user();
	u64 ran = t->se.sum_exec - t->sampled_exec;

	t->sampled_exec = t->se.sum_exec;
	if (is_user)
		t->utime_ns += ran;
	else
		t->stime_ns += ran;
	ran = rq->unsplit_ns;
	rq->unsplit_ns = 0;
	add_busy(rq, t, is_user ? ran : 0, is_user ? 0 : ran);
}

void sched_account_tick(void)
{
	struct task *t = current;
	struct runq *rq = t->hart->rq;

	if (is_idle_task(t))
		return;
	irq_lock(&rq->lock);
	runq_update(rq, clock_ns());
	irq_unlock(&rq->lock);
	book(rq, t);
	/* preempt_count was 0: no reader was interrupted */
	rcu_tick(rq->hart, t->preempt_count == 1 && t->irq_nesting == 1);
}

void sched_sync_stats(void)
{
	for_each_hart(h) {
		irq_lock(&h->rq->lock);
		runq_update(h->rq, clock_ns());
		irq_unlock(&h->rq->lock);
	}
}

u64 task_run_ns(struct task *t)
{
	struct runq *rq;
	u64 ns;

	irqs_off();
	rq = task_runq_lock(t);
	assert_irq_held(&rq->lock);
	if (is_on_hart(rq, t))
		runq_update(rq, clock_ns());
	ns = t->se.sum_exec;
	irq_unlock(&rq->lock);
	irqs_on();
	return ns;
}

void task_times(struct task *t, u64 *user_ns, u64 *system_ns)
{
	u64 total = task_run_ns(t), u, s;

	irq_lock(&t->pi_lock);
	u = READ_ONCE(t->utime_ns);
	s = READ_ONCE(t->stime_ns);
	if (!s)
		s = (t->flags & TF_KERNEL) ? total : 0;
	else
		s = scale(total, s, u + s);
	s = max(s, t->shown_stime);
	s = min(s, total - min(total, t->shown_utime));
	t->shown_stime = s;
	t->shown_utime = max(total - s, t->shown_utime);
	*user_ns = t->shown_utime;
	*system_ns = s;
	irq_unlock(&t->pi_lock);
}

/* --- the tick ----------------------------------------------------------------- */

u64 sched_tick_in(const struct runq *rq, const struct task *c)
{
	u64 ns = TICK_NS;

	if (is_fair_task(c)) {
		if (rq->fair.nr > 1)
			ns = min(ns, fair_slice_left(rq, c));
	} else if (is_dl_task(c)) {
		if (c->se.dl_left > 0)
			ns = min(ns, (u64)c->se.dl_left);
	} else {
		ns = min(ns, rt_slice_left(rq, c));
	}
	return max(ns, 20 * NSEC_PER_USEC);
}

static void growth_flush(struct runq *rq, u64 now)
{
	struct hart *h = rq->hart;

	if (rq->growth_mm != h->loaded_mm ||
	    rq->growth_flushes != h->tlb_flushes) {
		rq->growth_mm = h->loaded_mm;
		rq->growth_flushes = h->tlb_flushes;
		rq->growth_next = now + GROWTH_NS;
		rq->growth_count = 0;
		return;
	}
	if (now < rq->growth_next || !h->loaded_mm)
		return;
	tlb_flush_local();
	rq->growth_flushes = h->tlb_flushes;
	rq->growth_next = now + (++rq->growth_count < GROWTH_FLUSHES ?
					 GROWTH_NS : GROWTH_LONG_NS);
}

static void tick_running(struct runq *rq, struct task *t, u64 now)
{
	irq_lock(&rq->lock);
	runq_update(rq, now);
	rq->nr_ticks++;
	rt_check_period(rq);
	if (is_fair_task(t)) {
		if (rq->slice_over && rq->fair.nr > 1)
			runq_resched(rq);
	} else if (!is_dl_task(t)) {
		rt_tick(rq, t);
	}
	runq_note_load(rq);
	rq->tick_ns = rq->clock + sched_tick_in(rq, t);
	irq_unlock(&rq->lock);
	timer_sched_request(rq->tick_ns);
}

void sched_timer(u64 now)
{
	struct task *t = current;
	struct runq *rq = t->hart->rq;

	if (is_idle_task(t))
		return;
	tick_running(rq, t, now);
	if (runq_nr(rq) > 1)
		balance_tick(rq, now);
	if (arch_wants_growth_flush && !is_kernel_task(t))
		growth_flush(rq, now);
	if (sched_cpu_timer_hook && !is_kernel_task(t))
		sched_cpu_timer_hook(t);
	log_wake_deferred();
}

/* A flush that takes a microsecond is software's. */
static void measure_flush(void)
{
	u64 best = ~0ull, t0;

	for (int i = 0; i < 8; i++) {
		t0 = arch_read_time();
		tlb_flush_local();
		best = min(best, arch_read_time() - t0);
	}
	arch_wants_growth_flush = clock_ticks_to_ns(best) >= NSEC_PER_USEC;
}
INIT(INIT_CORE, measure_flush);

/* --- sums and averages --------------------------------------------------------- */

u32 sched_nr_running(void)
{
	u32 n = 0;

	for_each_hart(h)
		n += runq_nr(h->rq);
	return n;
}

static u32 sched_nr_uninterruptible(void)
{
	s64 n = 0;

	for_each_hart(h)
		n += READ_ONCE(h->rq->nr_uninterruptible);
	return n > 0 ? (u32)n : 0;
}

u32 sched_nr_iowait(void)
{
	u32 n = 0;

	for_each_hart(h)
		n += READ_ONCE(h->rq->nr_iowait);
	return n;
}

u64 sched_nr_switches(void)
{
	u64 n = 0;

	for_each_hart(h)
		n += READ_ONCE(h->switches);
	return n;
}

/* Exponential means over 1, 5 and 15 minutes of samples every 5 s, as proc(5)
 * has it: fixed point with 11 bits, and e^(-5/60), e^(-5/300), e^(-5/900). */
#define LOAD_ONE (1ul << 11)
#define LOAD_PERIOD_NS (5 * NSEC_PER_SEC)
static unsigned long load_avg[3];	/* the load timer writes, racy reads */
static struct timer load_timer;

static unsigned long decay(unsigned long load, unsigned long e,
			   unsigned long active)
{
	unsigned long n = load * e + active * (LOAD_ONE - e);

	if (active >= load)
		n += LOAD_ONE - 1;
	return n / LOAD_ONE;
}

static void load_sample(struct timer *t)
{
	static const unsigned long e[3] = { 1884, 2014, 2037 };
	unsigned long active =
		(sched_nr_running() + sched_nr_uninterruptible()) * LOAD_ONE;

	for (int i = 0; i < 3; i++)
		WRITE_ONCE(load_avg[i], decay(load_avg[i], e[i], active));
	timer_start(t, t->deadline_ns + LOAD_PERIOD_NS);
}

void sched_loadavg(unsigned long avg[3])
{
	for (int i = 0; i < 3; i++)
		avg[i] = READ_ONCE(load_avg[i]);
}

static void load_start(void)
{
	timer_init(&load_timer, load_sample);
	timer_start(&load_timer, clock_ns() + LOAD_PERIOD_NS);
}
INIT(INIT_CORE, load_start);
