/*
 * slew - corrects the wall clock without a jump: adjtime(3).
 *
 * Theory:  while something is left, a timer moves CLOCK_REALTIME by at most
 *          5 us in 10 ms, which is Linux's 500 us in a second, so it never
 *          runs backwards.  CLOCK_MONOTONIC stays as it is.
 * Locks:   slew_lock.
 * Context: any.
 */
#include <kernel/init.h>
#include <kernel/spinlock.h>
#include <time/clock.h>
#include <time/timer.h>

#define SLEW_PERIOD_NS (10 * NSEC_PER_MSEC)
#define SLEW_STEP_NS 5000

static struct irqlock slew_lock = IRQLOCK_INIT(RANK_IRQ, "slew");
static s64 left __guarded_by(&slew_lock);
static struct timer slew_timer;

static void slew_step(struct timer *t)
{
	s64 step;

	irq_lock(&slew_lock);
	step = clamp(left, (s64)-SLEW_STEP_NS, (s64)SLEW_STEP_NS);
	left -= step;
	if (left)
		timer_start(t, clock_ns() + SLEW_PERIOD_NS);
	irq_unlock(&slew_lock);
	clock_shift_realtime(step);
}

s64 clock_slew_left(void)
{
	s64 ns;

	irq_lock(&slew_lock);
	ns = left;
	irq_unlock(&slew_lock);
	return ns;
}

s64 clock_slew(s64 ns)
{
	s64 old;

	irq_lock(&slew_lock);
	old = left;
	left = ns;
	if (ns && !old)
		timer_start(&slew_timer, clock_ns() + SLEW_PERIOD_NS);
	irq_unlock(&slew_lock);
	return old;
}

static void slew_init(void)
{
	timer_init(&slew_timer, slew_step);
}
INIT(INIT_CORE, slew_init);
