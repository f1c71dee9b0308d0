/*
 * stolen - time that harts did not get from the host.
 *
 * Theory:  a hart's thread that the host does not run cannot know it; the clock
 *          goes on.  A timer that should run every millisecond sees it: by so
 *          much as it is late something kept the hart's interrupts away, and
 *          that is the host, since nothing in the kernel may do it for half
 *          a millisecond.  Timers run before whoever was waiting for the hart
 *          does, so the lateness is known to all who suffered from it.
 *          Rejected: a task that looks for gaps between two readings of the
 *          clock; the task that is switched in after the gap does not see it.
 * Locks:   none: atomics.
 */
#include "stolen.h"

#include "help.h"
#include <time/timer.h>

#define PROBE_NS NSEC_PER_MSEC
#define LATE_NS (NSEC_PER_MSEC / 2)

static struct timer probes[MAX_HARTS];	/* each: its hart */
static bool is_watching;	/* atomic */
static u64 total, worst;	/* atomic */

static void probe(struct timer *t)
{
	u64 late = clock_ns() - t->deadline_ns;

	if (late > LATE_NS) {
		fetch_add(&total, late);
		if (late > READ_ONCE(worst))
			WRITE_ONCE(worst, late);
	}
	if (READ_ONCE(is_watching))
		timer_start(t, clock_ns() + PROBE_NS);
}

static void start_probe(void *unused)
{
	struct timer *t = &probes[hart_id()];

	timer_init(t, probe);
	timer_start(t, clock_ns() + PROBE_NS);
}

void stolen_watch(void)
{
	total = worst = 0;
	WRITE_ONCE(is_watching, true);
	hart_call_all(start_probe, NULL);
}

void stolen_end(void)
{
	WRITE_ONCE(is_watching, false);
	for_each_hart(h)
		timer_cancel_sync(&probes[h->id]);
}

u64 stolen_ns(void)
{
	return READ_ONCE(total);
}

u64 stolen_worst_ns(void)
{
	return READ_ONCE(worst);
}
