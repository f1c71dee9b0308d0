/* The scheduler: shares, priorities, affinity, accounting. */
#include "../kernel/help.h"

#include <kernel/print.h>

static bool stop;
static u64 work_done[MAX_CREW];

static void burn(struct crew *c, int i)
{
	while (!READ_ONCE(stop)) {
		work_done[i]++;
		for (int k = 0; k < 50; k++)
			cpu_relax();
	}
}

static void burn_crew(struct crew *c, int n, int hart, u64 ns,
		      void (*setup)(struct crew *c))
{
	stop = false;
	crew_start(c, n, hart, burn);
	if (setup)
		setup(c);
	sleep_ns(ns);
	WRITE_ONCE(stop, true);
	crew_join(c);
}

SELFTEST(sched_fair_shares_equally)
{
	struct crew c;
	u64 least = ~0ull, most = 0;

	stop = false;
	crew_start(&c, 4, 0, burn);
	sleep_ns(300 * NSEC_PER_MSEC);
	for (int i = 0; i < 4; i++) {
		u64 ns = task_run_ns(c.member[i].task);

		least = min(least, ns);
		most = max(most, ns);
	}
	WRITE_ONCE(stop, true);
	crew_join(&c);
	ST_CHECK(least * 10 >= most * 7);
	ST_CHECK(most < 150 * NSEC_PER_MSEC);
}

SELFTEST(sched_nice_weighs)
{
	struct crew c;
	u64 a, b;

	stop = false;
	crew_start(&c, 2, 0, burn);
	sched_set_nice(c.member[1].task, 5);
	sleep_ns(300 * NSEC_PER_MSEC);
	a = task_run_ns(c.member[0].task);
	b = task_run_ns(c.member[1].task);
	WRITE_ONCE(stop, true);
	crew_join(&c);
	/* 1024 : 335 is 3.06 */
	ST_CHECK(a > 2 * b && a < 5 * b);
	pr_info("nice 0 against 5: %llu to %llu us\n", a / 1000, b / 1000);
}

static u64 rt_latency;
static bool rt_ready;

static void rt_sleeper(struct crew *c, int i)
{
	struct sched_params p = { .policy = SCHED_FIFO, .priority = 80 };

	ST_CHECK(!sched_set(current, &p));
	for (int n = 0; n < 100; n++) {
		u64 t = clock_ns() + NSEC_PER_MSEC;

		while (clock_ns() < t) {
			set_task_state(TASK_UNINTERRUPTIBLE);
			(void)schedule_until(t);
		}
		rt_latency = max(rt_latency, clock_ns() - t);
	}
	rt_ready = true;
}

SELFTEST(sched_rt_preempts_fair)
{
	struct crew hogs, rt;

	rt_latency = 0;
	rt_ready = stop = false;
	crew_start(&hogs, 3, 0, burn);
	crew_start(&rt, 1, 0, rt_sleeper);
	crew_join(&rt);
	WRITE_ONCE(stop, true);
	crew_join(&hogs);
	ST_CHECK(rt_ready);
	pr_info("rt wake-up beside hogs: at worst %llu ns late\n", rt_latency);
	ST_CHECK(rt_latency < 100 * NSEC_PER_MSEC);
}

static void follow_mask(struct crew *c, int i)
{
	u32 n = 0;

	for_each_hart(h) {
		struct cpumask one = { 1ull << h->id };

		ST_CHECK(!sched_set_affinity(current, one));
		ST_CHECK(hart_id() == h->id);
		cond_resched();
		ST_CHECK(hart_id() == h->id);
		n++;
	}
	ST_CHECK(sched_set_affinity(current, (struct cpumask){ 0 }) == -EINVAL);
}

SELFTEST(sched_affinity_moves_the_running_task)
{
	struct crew c;

	for (int i = 0; i < 20; i++) {
		crew_start(&c, 3, -1, follow_mask);
		crew_join(&c);
	}
}

SELFTEST(sched_affinity_moves_another_task)
{
	struct crew c;
	struct hart *last = harts;

	for_each_hart(h)
		last = h;
	stop = false;
	crew_start(&c, 2, -1, burn);
	for (int i = 0; i < 50; i++) {
		for_each_hart(h) {
			struct cpumask one = { 1ull << h->id };
			struct task *t = c.member[i & 1].task;

			ST_CHECK(!sched_set_affinity(t, one));
			ST_CHECK(READ_ONCE(t->hart) == h);
		}
	}
	WRITE_ONCE(stop, true);
	crew_join(&c);
	ST_CHECK(last->online);
}

SELFTEST(sched_all_harts_work)
{
	struct crew c;
	u64 sum = 0, t0 = clock_ns(), n = 0;

	for_each_hart(h)
		n += n < 6;
	stop = false;
	crew_start(&c, 6, -1, burn);
	sleep_ns(200 * NSEC_PER_MSEC);
	for (int i = 0; i < 6; i++)
		sum += task_run_ns(c.member[i].task);
	t0 = clock_ns() - t0;
	WRITE_ONCE(stop, true);
	crew_join(&c);
	pr_info("6 hogs on %llu harts: %llu %% of the time\n", n,
		sum * 100 / (t0 * n));
	ST_CHECK(sum * 10 >= t0 * n * 8);
}

static void set_batch(struct crew *c)
{
	struct sched_params p = { .policy = SCHED_IDLE };

	ST_CHECK(!sched_set(c->member[1].task, &p));
	sched_get(c->member[1].task, &p);
	ST_CHECK(p.policy == SCHED_IDLE && p.nice == 0);
}

SELFTEST(sched_idle_policy_gets_the_rest)
{
	struct crew c;

	work_done[0] = work_done[1] = 0;
	burn_crew(&c, 2, 0, 100 * NSEC_PER_MSEC, set_batch);
	ST_CHECK(work_done[0] > 10 * work_done[1]);
}

static void yielder(struct crew *c, int i)
{
	while (!READ_ONCE(stop)) {
		work_done[i]++;
		sched_yield();
	}
}

SELFTEST(sched_yield_alternates)
{
	struct crew c;

	work_done[0] = work_done[1] = 0;
	stop = false;
	crew_start(&c, 2, 0, yielder);
	sleep_ns(20 * NSEC_PER_MSEC);
	WRITE_ONCE(stop, true);
	crew_join(&c);
	ST_CHECK(work_done[0] > 10 && work_done[1] > 10);
}

static u64 dl_runs, dl_missed;

static void dl_task(struct crew *c, int i)
{
	struct sched_params p = { .policy = SCHED_DEADLINE,
				  .runtime = 2 * NSEC_PER_MSEC,
				  .deadline = 10 * NSEC_PER_MSEC,
				  .period = 10 * NSEC_PER_MSEC };
	u64 t;

	ST_CHECK(!sched_set(current, &p));
	for (int n = 0; n < 10; n++) {
		t = clock_ns();
		while (clock_ns() - t < NSEC_PER_MSEC / 2)
			cpu_relax();
		dl_runs++;
		sched_yield();
		dl_missed += clock_ns() - t > 40 * NSEC_PER_MSEC;
	}
	p.runtime = 9900 * NSEC_PER_USEC;
	p.deadline = p.period = 10 * NSEC_PER_MSEC;
	for_each_hart(h)
		t = h->id;
	if (t == 0)
		ST_CHECK(sched_set(current, &p) == -EBUSY);
	p = (struct sched_params){ .policy = SCHED_NORMAL };
	ST_CHECK(!sched_set(current, &p));
}

SELFTEST(sched_deadline_gets_its_share)
{
	struct crew c, hogs;

	dl_runs = dl_missed = 0;
	stop = false;
	crew_start(&hogs, 4, -1, burn);
	crew_start(&c, 1, -1, dl_task);
	crew_join(&c);
	WRITE_ONCE(stop, true);
	crew_join(&hogs);
	ST_CHECK(dl_runs == 10);
	ST_CHECK(dl_missed <= 1);
}

SELFTEST(sched_counts_time)
{
	u64 u, s, u2, s2, t0 = task_run_ns(current);
	u64 until = clock_ns() + 30 * NSEC_PER_MSEC;

	task_times(current, &u, &s);
	while (clock_ns() < until)
		cpu_relax();
	task_times(current, &u2, &s2);
	ST_CHECK(task_run_ns(current) - t0 >= 10 * NSEC_PER_MSEC);
	ST_CHECK(u2 >= u && s2 >= s && u2 + s2 > u + s);
}
