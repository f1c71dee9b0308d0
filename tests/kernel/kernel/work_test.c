/* Deferred and delayed work, calls on other harts. */
#include "help.h"

static u32 runs;
static u64 seen;

static void count(struct work *w)
{
	fetch_add(&runs, 1u);
}

SELFTEST(work_runs_once_for_each_queueing)
{
	struct work w;

	runs = 0;
	work_init(&w, count);
	for (int i = 0; i < 100; i++) {
		ST_CHECK(work_queue(&w));
		work_flush(&w);
	}
	ST_CHECK(runs == 100);
}

SELFTEST(work_delayed)
{
	struct delayed_work w;
	u64 t0 = clock_ns();

	runs = 0;
	delayed_work_init(&w, count);
	delayed_work_queue(&w, 1000 * NSEC_PER_SEC);
	delayed_work_queue(&w, 2 * NSEC_PER_MSEC);
	while (!READ_ONCE(runs) && clock_ns() - t0 < 20 * NSEC_PER_SEC)
		sleep_ns(100 * NSEC_PER_USEC);
	ST_CHECK(runs == 1);
	ST_CHECK(clock_ns() - t0 >= 2 * NSEC_PER_MSEC);
	delayed_work_queue(&w, 1000 * NSEC_PER_SEC);
	ST_CHECK(delayed_work_cancel(&w));
	ST_CHECK(!delayed_work_cancel(&w));
	work_flush(&w.work);
	ST_CHECK(runs == 1);
}

static void mark(void *arg)
{
	fetch_or(&seen, 1ull << hart_id());
}

SELFTEST(hart_call_reaches_all)
{
	for (int i = 0; i < 200; i++) {
		seen = 0;
		hart_call_all(mark, NULL);
		ST_CHECK(seen == online_harts.bits);
		if (i % 50 == 0)
			sleep_ns(NSEC_PER_MSEC);
	}
}
