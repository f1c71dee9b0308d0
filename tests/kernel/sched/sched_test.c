/* The scheduler: shares, priorities, affinity, accounting. */
#include "../kernel/help.h"
#include "../kernel/stolen.h"

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

/*
 * Lets a crew burn on hart 0 until its members were charged enough to judge
 * shares by: what the host stole was charged to whoever was running, so the
 * longest piece must be small beside the whole.  got[]: of each member since
 * setup().
 */
static void burn_crew(struct crew *c, int n, u64 got[],
		      void (*setup)(struct crew *c))
{
	u64 first[MAX_CREW], sum = 0, t0, end;

	stop = false;
	stolen_watch();
	crew_start(c, n, 0, burn);
	if (setup)
		setup(c);
	t0 = clock_ns();
	end = t0 + 30 * NSEC_PER_SEC;
	for (int i = 0; i < n; i++)
		first[i] = task_run_ns(c->member[i].task);
	while (sum < 200 * NSEC_PER_MSEC + 20 * stolen_worst_ns() &&
	       clock_ns() < end) {
		sleep_ns(50 * NSEC_PER_MSEC);
		sum = 0;
		for (int i = 0; i < n; i++) {
			got[i] = task_run_ns(c->member[i].task) - first[i];
			sum += got[i];
		}
	}
	/* One hart has no more to give than the time that went by. */
	ST_CHECK(sum <= clock_ns() - t0);
	WRITE_ONCE(stop, true);
	crew_join(c);
	stolen_end();
}

SELFTEST(sched_fair_shares_equally)
{
	struct crew c;
	u64 ns[4], least = ~0ull, most = 0;

	burn_crew(&c, 4, ns, NULL);
	for (int i = 0; i < 4; i++) {
		least = min(least, ns[i]);
		most = max(most, ns[i]);
	}
	ST_CHECK(least * 10 >= most * 7);
}

static void set_nice(struct crew *c)
{
	sched_set_nice(c->member[1].task, 5);
}

SELFTEST(sched_nice_weighs)
{
	struct crew c;
	u64 ns[2];

	burn_crew(&c, 2, ns, set_nice);
	/* 1024 : 335 is 3.06 */
	ST_CHECK(ns[0] > 2 * ns[1] && ns[0] < 5 * ns[1]);
	pr_info("nice 0 against 5: %llu to %llu us\n", ns[0] / 1000,
		ns[1] / 1000);
}

/* By how much more than the host stole meanwhile. */
static u64 late_by(u64 since, u64 stolen_before)
{
	u64 ns = clock_ns() - since, stolen = stolen_ns() - stolen_before;

	return ns - min(ns, stolen);
}

#define RT_ROUNDS 100

static u64 rt_latency;
static u32 rt_late;

static void rt_sleeper(struct crew *c, int i)
{
	struct sched_params p = { .policy = SCHED_FIFO, .priority = 80 };

	ST_CHECK(!sched_set(current, &p));
	for (int n = 0; n < RT_ROUNDS; n++) {
		u64 t = clock_ns() + NSEC_PER_MSEC, stolen = stolen_ns(), late;

		while (clock_ns() < t) {
			set_task_state(TASK_UNINTERRUPTIBLE);
			(void)schedule_until(t);
		}
		late = late_by(t, stolen);
		rt_latency = max(rt_latency, late);
		rt_late += late > NSEC_PER_MSEC;
	}
}

SELFTEST(sched_rt_preempts_fair)
{
	struct crew hogs, rt;

	rt_latency = 0;
	rt_late = 0;
	stop = false;
	stolen_watch();
	crew_start(&hogs, 3, 0, burn);
	crew_start(&rt, 1, 0, rt_sleeper);
	crew_join(&rt);
	WRITE_ONCE(stop, true);
	crew_join(&hogs);
	stolen_end();
	pr_info("rt wake-up beside hogs: at worst %llu ns late\n", rt_latency);
	/* Behind the hogs it would be late by a slice or two each time. */
	ST_CHECK(rt_late <= RT_ROUNDS / 10);
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
	u64 sum = 0, t0, n = 0;

	for_each_hart(h)
		n += n < 6;
	stop = false;
	stolen_watch();
	t0 = clock_ns();
	crew_start(&c, 6, -1, burn);
	sleep_ns(200 * NSEC_PER_MSEC);
	for (int i = 0; i < 6; i++)
		sum += task_run_ns(c.member[i].task);
	t0 = clock_ns() - t0;
	WRITE_ONCE(stop, true);
	crew_join(&c);
	stolen_end();
	pr_info("6 hogs on %llu harts: %llu %% of the time\n", n,
		sum * 100 / (t0 * n));
	ST_CHECK((sum + stolen_ns()) * 10 >= t0 * n * 8);
}

static void set_idle(struct crew *c)
{
	struct sched_params p = { .policy = SCHED_IDLE };

	ST_CHECK(!sched_set(c->member[1].task, &p));
	sched_get(c->member[1].task, &p);
	ST_CHECK(p.policy == SCHED_IDLE && p.nice == 0);
}

SELFTEST(sched_idle_policy_gets_the_rest)
{
	struct crew c;
	u64 ns[2];

	burn_crew(&c, 2, ns, set_idle);
	ST_CHECK(ns[0] > 10 * ns[1]);
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
	for (int i = 0; i < 500; i++) {
		sleep_ns(20 * NSEC_PER_MSEC);
		if (work_done[0] > 10 && work_done[1] > 10)
			break;
	}
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
	u64 t, stolen;

	ST_CHECK(!sched_set(current, &p));
	for (int n = 0; n < 10; n++) {
		stolen = stolen_ns();
		t = clock_ns();
		while (clock_ns() - t < NSEC_PER_MSEC / 2)
			cpu_relax();
		dl_runs++;
		sched_yield();
		dl_missed += late_by(t, stolen) > 20 * NSEC_PER_MSEC;
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
	stolen_watch();
	crew_start(&hogs, 4, -1, burn);
	crew_start(&c, 1, -1, dl_task);
	crew_join(&c);
	WRITE_ONCE(stop, true);
	crew_join(&hogs);
	stolen_end();
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
