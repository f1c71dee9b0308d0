/*
 * vgettime - clocks without a system call.
 *
 * Theory:  the page before the image holds struct clock_params, which changes
 *          only when the wall clock is set or adjusted, under an odd seq.  The
 *          loads are ordered without fences: each address depends on the value
 *          loaded before (RVWMO's syntactic dependencies), at no cost.
 *          The coarse clocks are the fine ones, cut to the 4 ms that
 *          clock_getres() tells.
 */
#include <time/clock.h>

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7

#define NR_clock_gettime 113
#define NR_clock_getres 114
#define NR_gettimeofday 169

#define EXPORTED __attribute__((__visibility__("default")))

struct timeval64 {
	s64 sec, usec;
};

struct timezone;

extern const struct clock_params vdso_clock
	__attribute__((__visibility__("hidden")));

static long fallback(long nr, long a, long b)
{
	register long r0 __asm__("a0") = a;
	register long r1 __asm__("a1") = b;
	register long r7 __asm__("a7") = nr;

	__asm__ volatile("ecall" : "+r"(r0) : "r"(r1), "r"(r7) : "memory");
	return r0;
}

/* p, by an address that depends on v for the processor. */
static inline const struct clock_params *after(const struct clock_params *p,
					       unsigned long v)
{
	unsigned long zero;

	__asm__ volatile("xor %0, %1, %1" : "=r"(zero) : "r"(v));
	return (const struct clock_params *)((const char *)p + zero);
}

struct wall {
	s64 off, drift;
};

/* Nanoseconds since boot, and what makes CLOCK_REALTIME of them.  False: this
 * program's clocks are the kernel's secret. */
static inline bool read_clock(u64 *ns, struct wall *w)
{
	const struct clock_params *p = &vdso_clock, *q;
	u64 mult, boot, ticks;
	u32 seq;

	for (;;) {
		seq = READ_ONCE(p->seq);
		q = after(p, seq);
		mult = READ_ONCE(q->mult);
		boot = READ_ONCE(q->boot_ticks);
		w->off = READ_ONCE(q->realtime_off_ns);
		w->drift = READ_ONCE(q->drift);
		q = after(p, mult ^ boot ^ (u64)w->off ^ (u64)w->drift);
		if (likely(!(seq & 1) && READ_ONCE(q->seq) == seq))
			break;
		if (seq == CLOCK_SEQ_ASK)
			return false;
	}
	ticks = arch_read_time() - boot;
	*ns = (u64)((unsigned __int128)ticks * mult >> CLOCK_SHIFT);
	return true;
}

static inline u64 wall_at(const struct wall *w, u64 ns)
{
	return ns + (u64)(w->off + clock_drift_ns(ns, w->drift));
}

static inline void put_time(struct timespec64 *ts, u64 ns)
{
	ts->sec = (s64)(ns / NSEC_PER_SEC);
	ts->nsec = (s64)(ns % NSEC_PER_SEC);
}

EXPORTED int __vdso_clock_gettime(int clock, struct timespec64 *ts)
{
	struct wall w;
	u64 ns;

	switch (clock) {
	case CLOCK_REALTIME:
		if (!read_clock(&ns, &w))
			break;
		put_time(ts, wall_at(&w, ns));
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME:
		if (!read_clock(&ns, &w))
			break;
		put_time(ts, ns);
		return 0;
	case CLOCK_REALTIME_COARSE:
		if (!read_clock(&ns, &w))
			break;
		put_time(ts, wall_at(&w, ns - ns % CLOCK_COARSE_NS));
		return 0;
	case CLOCK_MONOTONIC_COARSE:
		if (!read_clock(&ns, &w))
			break;
		put_time(ts, ns - ns % CLOCK_COARSE_NS);
		return 0;
	}
	return (int)fallback(NR_clock_gettime, clock, (long)ts);
}

EXPORTED int __vdso_gettimeofday(struct timeval64 *tv, struct timezone *tz)
{
	struct wall w;
	u64 ns;

	if (tz)
		return (int)fallback(NR_gettimeofday, (long)tv, (long)tz);
	if (!tv)
		return 0;
	if (!read_clock(&ns, &w))
		return (int)fallback(NR_gettimeofday, (long)tv, (long)tz);
	ns = wall_at(&w, ns);
	tv->sec = (s64)(ns / NSEC_PER_SEC);
	tv->usec = (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC);
	return 0;
}

EXPORTED int __vdso_clock_getres(int clock, struct timespec64 *res)
{
	u64 ns = 1;

	switch (clock) {
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		ns = CLOCK_COARSE_NS;
		break;
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME:
		break;
	default:
		return (int)fallback(NR_clock_getres, clock, (long)res);
	}
	if (res)
		put_time(res, ns);
	return 0;
}
