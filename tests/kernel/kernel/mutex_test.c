/* mutex and rwsem: exclusion, sharing, inheritance. */
#include "help.h"

#include <kernel/mutex.h>

#define ROUNDS 2000

static struct mutex m = MUTEX_INIT(m, RANK_SLEEP_A, "test");
static struct rwsem rw;
static u64 plain;		/* guarded by m, then rw */
static u64 other;

static void count_up(struct crew *c, int i)
{
	for (int n = 0; n < ROUNDS; n++) {
		mutex_lock(&m);
		plain++;
		if ((n & 127) == 0)
			cond_resched();
		mutex_unlock(&m);
	}
}

SELFTEST(mutex_excludes)
{
	struct crew c;

	plain = 0;
	crew_start(&c, 6, -1, count_up);
	crew_join(&c);
	ST_CHECK(plain == 6 * ROUNDS);
	ST_CHECK(!mutex_is_locked(&m));
}

static void share(struct crew *c, int i)
{
	for (int n = 0; n < ROUNDS; n++) {
		if ((n + i) % 4 == 0) {
			rwsem_write_lock(&rw);
			plain++;
			other++;
			if (n % 64 == 0) {
				rwsem_downgrade(&rw);
				rwsem_read_unlock(&rw);
			} else {
				rwsem_write_unlock(&rw);
			}
		} else {
			rwsem_read_lock(&rw);
			ST_CHECK(plain == other);
			rwsem_read_unlock(&rw);
		}
	}
}

SELFTEST(rwsem_shares_and_excludes)
{
	struct crew c;

	rwsem_init(&rw, RANK_SLEEP_A, "test");
	plain = other = 0;
	crew_start(&c, 6, -1, share);
	crew_join(&c);
	ST_CHECK(plain == 6 * ROUNDS / 4);
	ST_CHECK(rw.count == 0);
}

static volatile bool held, release, got;

static void hold(struct crew *c, int i)
{
	struct sched_params rt = { .policy = SCHED_FIFO, .priority = 50 };

	if (i == 0) {
		mutex_lock(&m);
		held = true;
		while (!release)
			sleep_ns(NSEC_PER_MSEC);
		mutex_unlock(&m);
		return;
	}
	while (!held)
		sleep_ns(NSEC_PER_MSEC);
	ST_CHECK(sched_set(current, &rt) == 0);
	mutex_lock(&m);
	got = true;
	mutex_unlock(&m);
}

SELFTEST(mutex_lends_priority)
{
	struct task *owner;
	struct crew c;

	held = release = got = false;
	crew_start(&c, 2, -1, hold);
	owner = c.member[0].task;
	for (int i = 0; i < 10000 && owner->prio >= MAX_RT_PRIO; i++)
		sleep_ns(NSEC_PER_MSEC);
	ST_CHECK(owner->prio == MAX_RT_PRIO - 1 - 50);
	ST_CHECK(!got);
	release = true;
	wait_for_completion(&c.done);
	wait_for_completion(&c.done);
	ST_CHECK(got);
	ST_CHECK(owner->prio == owner->normal_prio);
	task_put(c.member[0].task);
	task_put(c.member[1].task);
}
