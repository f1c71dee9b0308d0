#pragma once
/*
 * One-shot high-resolution timers in per-hart queues.  The function runs in
 * interrupt context on the hart that armed the timer, with interrupts off,
 * and may arm it again.
 */
#include <kernel/lock_types.h>
#include <lib/rbtree.h>
#include <lib/types.h>

struct timer_base;

enum timer_clock { TIMER_MONOTONIC, TIMER_REALTIME };

struct timer {
	struct rb_node node;		/* base lock */
	u64 deadline_ns;		/* of its clock. base lock */
	void (*fn)(struct timer *t);
	struct timer_base *base;	/* NULL: never armed. atomic */
	bool is_armed;			/* base lock */
	u8 clock;			/* enum timer_clock; const while armed */
	bool is_urgent;			/* a real-time sleeper: arm early */
};

void timer_init(struct timer *t, void (*fn)(struct timer *t));
void timer_init_clock(struct timer *t, void (*fn)(struct timer *t),
		      enum timer_clock clock);
/* Not while it is armed. */
static inline void timer_set_clock(struct timer *t, enum timer_clock clock)
{
	t->clock = (u8)clock;
}
/* (Re)arms for an absolute time of its clock. Any context. */
void timer_start(struct timer *t, u64 deadline_ns);
/* True if it was armed and now will not run. It may be running. */
bool timer_cancel(struct timer *t);
/* The same, and waits until it does not run. Not from the timer itself, not
 * under a lock that fn takes. */
bool timer_cancel_sync(struct timer *t);
static inline bool timer_is_armed(const struct timer *t)
{
	return READ_ONCE(t->is_armed);
}
/* Time left until it fires, 0 if not armed. */
u64 timer_remaining_ns(struct timer *t);

/* From the trap: this hart's timer interrupt. Interrupts off. */
void timer_interrupt(void);
/* The scheduler's own deadline on this hart, which needs no tree: at or after
 * it timer_interrupt() calls sched_timer().  Interrupts off. */
void timer_sched_request(u64 deadline_ns);
/* Next deadline of this hart in clock_ns() terms, DEADLINE_NEVER if none. */
u64 timer_next_ns(void);
/* Called when CLOCK_REALTIME was set. */
void timer_clock_was_set(void);

/* For start-up, the idle loop and the inter-hart interrupt. */
struct hart;
void timer_init_hart(struct hart *h);
void timer_run(void);
void timer_idle_prepare(u64 early_ns);
void timer_ipi(void);
/* Prints what is armed on each hart, for sysrq.  Any context. */
void timers_dump(void);
