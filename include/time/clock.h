#pragma once
/*
 * Clocks.  clock_ns() is CLOCK_MONOTONIC (and BOOTTIME): nanoseconds since
 * boot, from the free-running counter by a 64x32 multiply; lock-free, any
 * context, about the cost of one counter read.
 */
#include <arch/cpu.h>
#include <lib/types.h>

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull
#define USER_HZ 100
#define DEADLINE_NEVER (~0ull)
#define CLOCK_COARSE_NS 4000000ull	/* steps of the coarse clocks */

struct timespec64 {
	s64 sec;
	s64 nsec;
};

#define CLOCK_SHIFT 32
/* The version in a page for programs that must ask the kernel. */
#define CLOCK_SEQ_ASK (~0u)

struct clock_params {
	u64 mult;		/* ns = ticks * mult >> shift, 128 bits wide */
	u32 shift;		/* CLOCK_SHIFT */
	u32 seq;		/* odd while being changed; CLOCK_SEQ_ASK */
	u64 boot_ticks;		/* where CLOCK_MONOTONIC is 0 */
	s64 realtime_off_ns;	/* CLOCK_REALTIME - CLOCK_MONOTONIC, at its 0 */
	s64 drift;		/* how much faster it runs: CLOCK_DRIFT_SHIFT */
	u64 freq;		/* ticks per second */
};
#define CLOCK_DRIFT_SHIFT 48

/* What the wall clock has gained since CLOCK_MONOTONIC was 0. */
static inline s64 clock_drift_ns(u64 ns, s64 drift)
{
	return drift ? (s64)((__int128)(s64)ns * drift >> CLOCK_DRIFT_SHIFT) :
		       0;
}
/* Also mapped read-only into user space, for the vDSO. */
extern struct clock_params *clock_params;

/* A number of ticks in ns, rounding down. */
static inline u64 clock_ticks_to_ns(u64 ticks)
{
	u64 mult = clock_params->mult;
	u64 high = (u64)((unsigned __int128)ticks * mult >> 64);

	return high << (64 - CLOCK_SHIFT) | ticks * mult >> CLOCK_SHIFT;
}

static inline u64 clock_ns(void)
{
	return clock_ticks_to_ns(arch_read_time() - clock_params->boot_ticks);
}

u64 clock_realtime_ns(void);
/* CLOCK_REALTIME when CLOCK_MONOTONIC is ns, and the first ns at which it is
 * `at`; 0 if that was before boot. */
u64 clock_realtime_at(u64 ns);
u64 clock_realtime_to_monotonic(u64 at);
/* Turns a deadline in ns into a value of the counter, rounding up. */
u64 clock_ns_to_ticks(u64 ns);
/* Sets CLOCK_REALTIME; wakes timers and timerfds that asked for that. */
void clock_set_realtime(u64 ns);
/* Moves it a little, which nobody is to notice.  Any context. */
void clock_shift_realtime(s64 ns);
/* Lets it run faster (or slower) than the counter by so much: at most a
 * seventh, by 2^-CLOCK_DRIFT_SHIFT.  Any context. */
void clock_set_drift(s64 drift);
/* Corrects CLOCK_REALTIME by so much, slowly (adjtime(3)), instead of what is
 * left of the last correction, which is returned.  clock_slew_left: only that. */
s64 clock_slew(s64 ns);
s64 clock_slew_left(void);
/* Called after CLOCK_REALTIME was set, any context: timerfd. */
extern void (*clock_was_set_hook)(void);
/* Counts clock_set_realtime() calls, for TFD_TIMER_CANCEL_ON_SET. */
u32 clock_set_count(void);
void clock_init(u64 freq);

static inline struct timespec64 ns_to_timespec(u64 ns)
{
	return (struct timespec64){ .sec = (s64)(ns / NSEC_PER_SEC),
				    .nsec = (s64)(ns % NSEC_PER_SEC) };
}

/* Saturates; the caller checked 0 <= nsec < 1e9 and sec >= 0. */
u64 timespec_to_ns(const struct timespec64 *ts);
static inline bool timespec_valid(const struct timespec64 *ts)
{
	return ts->sec >= 0 && (u64)ts->nsec < NSEC_PER_SEC;
}
