/*
 * smp - starts the other harts.
 *
 * Theory:  one after the other, each with an idle task made for it; the boot
 *          hart waits until the new one says it is online.  One that does not
 *          answer is reported and left out: it may come later, since it marks
 *          itself online.
 */
#include <arch/smp.h>
#include <irq/irq.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <sched/sched.h>

#define ONLINE_TIMEOUT_NS (2 * NSEC_PER_SEC)

void smp_hart_entry(void)
{
	arch_hart_init();
	irq_hart_online();
	sched_hart_start();
}

static bool wait_online(const struct hart *h)
{
	u64 deadline = clock_ns() + ONLINE_TIMEOUT_NS;

	while (!(READ_ONCE(online_harts.bits) >> h->id & 1)) {
		if (clock_ns() > deadline)
			return false;
		cpu_relax();
	}
	return true;
}

static void start_one(struct hart *h)
{
	int err;

	if (!sched_idle_task(h->id)) {
		pr_err("hart %u: no memory for its idle task\n", h->id);
		return;
	}
	err = arch_hart_start(h);
	if (err)
		pr_err("hart %u (id %llu): the firmware refused: %d\n", h->id,
		       h->firmware_id, err);
	else if (!wait_online(h))
		pr_err("hart %u (id %llu) does not come online\n", h->id,
		       h->firmware_id);
}

void smp_start_all(void)
{
	u32 online = 0;

	for (u32 i = 1; i < nr_harts; i++)
		start_one(&harts[i]);
	for_each_hart(h)
		online++;
	pr_info("smp: %u of %u harts online\n", online, nr_harts);
}
