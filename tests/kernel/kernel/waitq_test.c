/* Wait queues: no wake-up is lost, one is woken, time limits hold. */
#include "help.h"
#include "stolen.h"

#include <kernel/print.h>

#define ROUNDS 20000

static struct waitq q[2] = { WAITQ_INIT(q[0]), WAITQ_INIT(q[1]) };
static u32 turn;
static u32 tokens;
static struct irqlock lock = IRQLOCK_INIT(RANK_IRQ, "test");

static void ping_pong(struct crew *c, int i)
{
	for (int n = 0; n < ROUNDS; n++) {
		wait_event(&q[i], READ_ONCE(turn) == (u32)i);
		WRITE_ONCE(turn, (u32)!i);
		if (n & 1)
			waitq_wake_sync(&q[!i], TASK_NORMAL, 1, 0);
		else
			wake_if_waiting(&q[!i], 1);
	}
}

SELFTEST(waitq_loses_no_wakeup)
{
	struct crew c;
	u64 t0 = clock_ns();

	turn = 0;
	crew_start(&c, 2, -1, ping_pong);
	crew_join(&c);
	pr_info("ping-pong anywhere: %llu ns a round\n",
		(clock_ns() - t0) / ROUNDS);
}

SELFTEST(waitq_loses_no_wakeup_on_one_hart)
{
	struct crew c;
	u64 t0 = clock_ns();

	turn = 0;
	crew_start(&c, 2, 0, ping_pong);
	crew_join(&c);
	pr_info("ping-pong on one hart: %llu ns a round\n",
		(clock_ns() - t0) / ROUNDS);
}

static void take(struct crew *c, int i)
{
	for (int n = 0; n < 1000; n++) {
		irq_lock(&lock);
		if (!wait_locked_killable(&q[0], &lock, tokens > 0))
			tokens--;
		irq_unlock(&lock);
	}
}

SELFTEST(waitq_exclusive_takers)
{
	struct crew c;

	tokens = 0;
	crew_start(&c, 4, -1, take);
	for (int n = 0; n < 4000; n++) {
		irq_lock(&lock);
		tokens++;
		irq_unlock(&lock);
		wake_one(&q[0]);
		if (n % 64 == 0)
			sleep_ns(50 * NSEC_PER_USEC);
	}
	wake_all(&q[0]);
	crew_join(&c);
	ST_CHECK(tokens == 0);
	ST_CHECK(!waitq_active(&q[0]));
}

SELFTEST(waitq_time_limit)
{
	u64 t0, ns;
	int err;

	stolen_watch();
	t0 = clock_ns();
	err = wait_event_intr_until(&q[1], false, t0 + 3 * NSEC_PER_MSEC);
	ns = clock_ns() - t0;
	stolen_end();
	ST_CHECK(err == -ETIMEDOUT);
	ST_CHECK(ns >= 3 * NSEC_PER_MSEC);
	ST_CHECK(ns < 20 * NSEC_PER_MSEC + stolen_ns());
}

SELFTEST(waitq_short_sleeps)
{
	u64 t0 = clock_ns(), most = 0, worst = 0;

	for (int i = 0; i < 200; i++) {
		u64 t1 = clock_ns(), d;

		sleep_ns(1000);
		d = clock_ns() - t1;
		ST_CHECK(d >= 1000);
		worst = max(worst, d);
	}
	most = (clock_ns() - t0) / 200;
	pr_info("sleep of 1 us: %llu ns, at worst %llu\n", most, worst);
}

static struct completion comp;

static void wait_comp(struct crew *c, int i)
{
	wait_for_completion(&comp);
}

SELFTEST(completion_wakes_each)
{
	struct crew c;

	completion_init(&comp);
	crew_start(&c, 3, -1, wait_comp);
	for (int i = 0; i < 3; i++)
		complete(&comp);
	crew_join(&c);
	ST_CHECK(comp.done == 0);
	crew_start(&c, 3, -1, wait_comp);
	complete_all(&comp);
	crew_join(&c);
}
