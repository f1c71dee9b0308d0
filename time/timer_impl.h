#pragma once
/* The timer queue of a hart; the idle loop looks into it. */
#include <kernel/hart.h>
#include <kernel/spinlock.h>
#include <time/clock.h>
#include <time/timer.h>

struct timer_base {
	struct irqlock lock;
	struct rb_root_cached queue[2] __guarded_by(&lock); /* by clock */
	struct timer *running __guarded_by(&lock);
	u64 next_ns;		/* of the queues. lock; racy reads */
	u64 sched_ns;		/* the scheduler's deadline. this hart */
	u64 hw_ns;		/* what the hardware is set to. this hart */
	struct hart *hart;	/* const */
} __aligned(64);
