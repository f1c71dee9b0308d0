/* Timers and clocks. */
#include "../kernel/help.h"

#include <kernel/print.h>
#include <time/timer.h>

static u32 fired[4], order;
static u64 late;

struct probe {
	struct timer timer;
	int i;
};

static void fire(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	fired[p->i] = ++order;
	late = max(late, clock_ns() - t->deadline_ns);
}

/* All on one hart: those of two have no common order. */
static void arm_probes(struct probe *p, u64 now, u64 step)
{
	order = 0;
	late = 0;
	preempt_disable();
	for (int i = 0; i < 4; i++) {
		fired[i] = 0;
		p[i].i = i;
		timer_init(&p[i].timer, fire);
		timer_start(&p[i].timer, now + (u64)(4 - i) * step);
	}
	preempt_enable();
}

/* Arms four timers backwards and cancels the third to come.  False: the host
 * was away meanwhile, so that the first was due before all was set. */
static bool armed_in_time(struct probe *p, u64 step)
{
	u64 now = clock_ns(), left;
	bool was_armed;

	arm_probes(p, now, step);
	was_armed = timer_cancel(&p[1].timer);
	left = timer_remaining_ns(&p[0].timer);
	if (clock_ns() < now + step) {
		ST_CHECK(was_armed && !timer_is_armed(&p[1].timer));
		ST_CHECK(left > 0);
		return true;
	}
	for (int i = 0; i < 4; i++)
		timer_cancel_sync(&p[i].timer);
	return false;
}

SELFTEST(timer_order)
{
	struct probe p[4];
	u64 step = 10 * NSEC_PER_MSEC;

	while (!armed_in_time(p, step) && step < NSEC_PER_SEC)
		step *= 2;
	ST_CHECK(step < NSEC_PER_SEC);
	for (int i = 0; i < 100 && !READ_ONCE(fired[0]); i++)
		sleep_ns(4 * step);
	ST_CHECK(fired[3] == 1 && fired[2] == 2 && fired[0] == 3);
	ST_CHECK(fired[1] == 0);
	for (int i = 0; i < 4; i++)
		ST_CHECK(!timer_cancel_sync(&p[i].timer));
	pr_info("timers: at worst %llu ns late\n", late);
}

static void again(struct timer *t)
{
	if (++order < 50)
		timer_start(t, clock_ns() + 20 * NSEC_PER_USEC);
}

SELFTEST(timer_rearms_itself)
{
	struct timer t;

	order = 0;
	timer_init(&t, again);
	timer_start(&t, 0);
	for (int i = 0; i < 500 && READ_ONCE(order) < 50; i++)
		sleep_ns(100 * NSEC_PER_USEC);
	ST_CHECK(order == 50);
	timer_cancel_sync(&t);
}

static void hammer(struct crew *c, int i)
{
	struct timer *t = c->priv;

	for (int n = 0; n < 3000; n++) {
		if (i)
			timer_start(t, clock_ns() + (u64)(n % 7) * 3000);
		else
			timer_cancel_sync(t);
	}
}

static void nothing(struct timer *t)
{
	order++;
}

SELFTEST(timer_cancel_races_with_start)
{
	struct timer t;
	struct crew c = { .priv = &t };

	order = 0;
	timer_init(&t, nothing);
	crew_start(&c, 2, -1, hammer);
	crew_join(&c);
	timer_cancel_sync(&t);
	ST_CHECK(!timer_is_armed(&t));
}

SELFTEST(clock_converts_both_ways)
{
	u64 last = clock_ns();

	for (int i = 0; i < 1000; i++) {
		u64 now = clock_ns();

		ST_CHECK(now >= last);
		last = now;
	}
	for (u64 ns = 1; ns < 1ull << 60; ns = ns * 3 + 1) {
		u64 ticks = clock_ns_to_ticks(ns) - clock_params->boot_ticks;

		ST_CHECK(clock_ticks_to_ns(ticks) >= ns);
		ST_CHECK(clock_ticks_to_ns(ticks - 1) < ns);
	}
}

SELFTEST(clock_realtime_follows)
{
	u64 before = clock_realtime_ns();

	clock_set_realtime(1700000000ull * NSEC_PER_SEC);
	ST_CHECK(clock_realtime_ns() / NSEC_PER_SEC - 1700000000ull < 5);
	clock_set_realtime(before);
}
