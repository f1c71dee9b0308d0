/*
 * init - runs the start-up functions of a level, in link order.
 */
#include "init_impl.h"

#include <kernel/print.h>
#include <time/clock.h>

#define SLOW_NS (20 * NSEC_PER_MSEC)

void init_run(enum init_level level)
{
	const struct init_entry *e;
	u64 t0, ns;

	for (e = __init_table_start; e < __init_table_end; e++) {
		if (e->level != level)
			continue;
		t0 = clock_ns();
		e->fn();
		ns = clock_ns() - t0;
		if (ns > SLOW_NS)
			pr_debug("init: %s took %llu us\n", e->name,
				 ns / NSEC_PER_USEC);
	}
}
