/* RCU under stress: no reader sees an object after its grace period. */
#include "help.h"

#include <kernel/print.h>
#include <kernel/rcu.h>

#define SLOTS 64
#define ALIVE 0x600d600du

struct thing {
	u32 magic;
	struct rcu_head rcu;
	u32 is_free;		/* atomic */
};

static struct thing things[SLOTS];
static struct thing *published;
static bool stop;
static u64 reads;

static void reader(struct crew *c, int i)
{
	u64 n = 0;

	while (!READ_ONCE(stop)) {
		rcu_read_lock();
		for (int k = 0; k < 50; k++) {
			struct thing *t = rcu_dereference(published);
			u32 v = READ_ONCE(t->magic);

			for (int d = 0; d < (int)(n % 20); d++)
				cpu_relax();
			ST_CHECK(v == ALIVE && READ_ONCE(t->magic) == ALIVE);
		}
		rcu_read_unlock();
		n++;
		if (n % 128 == 0)
			sleep_ns(20 * NSEC_PER_USEC);
	}
	fetch_add(&reads, n);
}

static void recycle(struct rcu_head *h)
{
	struct thing *t = container_of(h, struct thing, rcu);

	WRITE_ONCE(t->magic, 0xdeaddeadu);
	store_release(&t->is_free, 1u);
}

static struct thing *get_free(void)
{
	for (;;) {
		for (int i = 0; i < SLOTS; i++)
			if (xchg(&things[i].is_free, 0u))
				return &things[i];
		sleep_ns(100 * NSEC_PER_USEC);
	}
}

SELFTEST(rcu_stress)
{
	struct crew c;
	u64 until = clock_ns() + 300 * NSEC_PER_MSEC, updates = 0;
	u64 end = until + 20 * NSEC_PER_SEC;	/* on a busy host */

	for (int i = 0; i < SLOTS; i++)
		things[i].is_free = 1;
	stop = false;
	reads = 0;
	published = get_free();
	published->magic = ALIVE;
	crew_start(&c, 4, -1, reader);
	while (clock_ns() < until ||
	       (updates <= 50 && clock_ns() < end)) {
		struct thing *t = get_free(), *old = published;

		WRITE_ONCE(t->magic, ALIVE);
		rcu_assign(published, t);
		if (updates++ % 16) {
			call_rcu(&old->rcu, recycle);
		} else {
			synchronize_rcu();
			recycle(&old->rcu);
		}
	}
	WRITE_ONCE(stop, true);
	crew_join(&c);
	rcu_barrier();
	ST_CHECK(updates > 50);
	ST_CHECK(reads > 100);
	pr_info("rcu: %llu updates, %llu sections\n", updates, reads);
	for (int i = 0; i < SLOTS; i++)
		ST_CHECK(things[i].is_free || &things[i] == published);
}

SELFTEST(rcu_synchronize_time)
{
	u64 t0 = clock_ns();

	for (int i = 0; i < 20; i++)
		synchronize_rcu();
	pr_info("synchronize_rcu: %llu ns\n", (clock_ns() - t0) / 20);
}
