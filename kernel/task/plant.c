/*
 * plant - bugs on purpose (CONFIG_PLANT), for tests/plant: plant=NAME on the
 * command line lets one grow.  docs/debugging.md tells how each is found.
 */
#include <kernel/config.h>

#if CONFIG_PLANT
#include "task_impl.h"

#include <kernel/init.h>
#include <kernel/mutex.h>
#include <kernel/print.h>
#include <kernel/work.h>
#include <lib/string.h>
#include <time/clock.h>

static struct mutex red = MUTEX_INIT(red, RANK_NONE, "plant.red");
static struct mutex blue = MUTEX_INIT(blue, RANK_NONE, "plant.blue");

static void take_both(struct mutex *a, struct mutex *b) __no_analysis
{
	mutex_lock(a);
	sleep_ns(50 * NSEC_PER_MSEC);
	mutex_lock(b);
	mutex_unlock(b);
	mutex_unlock(a);
}

static void plant_red_blue(void *arg)
{
	take_both(&red, &blue);
}

static void plant_blue_red(void *arg)
{
	take_both(&blue, &red);
}

static struct waitq basket_wait = WAITQ_INIT(basket_wait);
static int basket;

static void plant_eater(void *arg)
{
	wait_event(&basket_wait, READ_ONCE(basket));
}

/* Fills the basket and tells nobody. */
static void plant_forgetful(void *arg)
{
	sleep_ns(50 * NSEC_PER_MSEC);
	WRITE_ONCE(basket, 1);
}

static void plant_leak(void *arg)
{
	struct slab_cache *c = slab_cache_create("plant_leak", 2048, 64, 0,
						 NULL);

	while (c && slab_alloc(c, GFP_KERNEL))
		sleep_ns(NSEC_PER_MSEC);
}

/* One byte behind the end, and so into the neighbour. */
static void plant_wild(void *arg)
{
	u8 *p = kmalloc(100, GFP_KERNEL);
	volatile size_t n = 128;

	if (!p)
		return;
	memset(p, 0x55, n + 8);
	kfree(p);
}

static void plant_spin(void *arg)
{
	irqs_off();
	for (;;)
		barrier();
}

static const struct {
	const char *name;
	void (*fn[2])(void *arg);
} plants[] = {
	{ "deadlock", { plant_red_blue, plant_blue_red } },
	{ "lostwake", { plant_eater, plant_forgetful } },
	{ "leak", { plant_leak } },
	{ "wild", { plant_wild } },
	{ "spin", { plant_spin } },
};

static char chosen[16];

static void param_plant(const char *value)
{
	strscpy(chosen, value, sizeof(chosen));
}
PARAM("plant", param_plant);

static void plant(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(plants); i++) {
		if (!str_equal(plants[i].name, chosen))
			continue;
		for (unsigned k = 0; k < 2 && plants[i].fn[k]; k++)
			if (kthread_create(plants[i].fn[k], NULL, -1, NULL,
					   k ? "planter/1" : "planter/0"))
				pr_err("plant: no task\n");
	}
}
INIT(INIT_LATE, plant);
#endif
