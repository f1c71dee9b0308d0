/*
 * clock - CLOCK_MONOTONIC from the counter, and CLOCK_REALTIME by an offset.
 *
 * Theory:  ns = (ticks - boot_ticks) * mult / 2^32, in 128 bits, so it is
 *          exact to 2^-32 and never wraps.  The parameters live on a page of
 *          their own that user space also maps: the vDSO computes the same.
 *          They change only in realtime_off_ns and drift, under the seq word:
 *          the wall clock can be set and made to run faster or slower, the
 *          monotonic one not.  The way back, for timers, multiplies by the
 *          inverse and corrects upwards: a timer never fires early.
 * Locks:   set_lock orders writers of the offset; readers use seq.
 * Context: any.
 */
#include <arch/boot.h>
#include <kernel/assert.h>
#include <kernel/init.h>
#include <kernel/spinlock.h>
#include <time/clock.h>
#include <time/timer.h>

static union {
	struct clock_params params;
	char page[4096];
} clock_page __aligned(4096);

struct clock_params *clock_params = &clock_page.params;

void (*clock_was_set_hook)(void);

static struct irqlock set_lock = IRQLOCK_INIT(RANK_IRQ_DESC, "clock");
static u32 set_count;
/* ticks = ns * inverse / 2^32, rounded down; 0 until clock_init() */
static u64 inverse;

void clock_init(u64 freq)
{
	struct clock_params *p = clock_params;

	BUG_ON(!freq || freq >> 31);
	p->freq = freq;
	p->shift = CLOCK_SHIFT;
	p->boot_ticks = arch_read_time();
	/* NSEC_PER_SEC << 32 fits in 62 bits */
	p->mult = ((NSEC_PER_SEC << CLOCK_SHIFT) + freq / 2) / freq;
	inverse = (freq << CLOCK_SHIFT) / NSEC_PER_SEC;
}

static void clock_start(void)
{
	if (!clock_params->freq)
		clock_init(boot_timebase);
}
INIT(INIT_EARLY, clock_start);

u64 clock_ns_to_ticks(u64 ns)
{
	u64 ticks, high;

	high = (u64)((unsigned __int128)ns * inverse >> 64);
	if (high >> CLOCK_SHIFT)
		return ~0ull;
	ticks = high << (64 - CLOCK_SHIFT) | ns * inverse >> CLOCK_SHIFT;
	while (clock_ticks_to_ns(ticks) < ns) {
		u64 d = ns - clock_ticks_to_ns(ticks);

		ticks += max(d * inverse >> CLOCK_SHIFT, 1ull);
	}
	return ticks + clock_params->boot_ticks;
}

struct wall {
	s64 off, drift;
};

static struct wall wall_read(void)
{
	const struct clock_params *p = clock_params;
	struct wall w;
	u32 seq;

	do {
		while ((seq = load_acquire(&p->seq)) & 1)
			cpu_relax();
		w.off = READ_ONCE(p->realtime_off_ns);
		w.drift = READ_ONCE(p->drift);
		smp_rmb();
	} while (READ_ONCE(p->seq) != seq);
	return w;
}

static u64 wall_at(const struct wall *w, u64 ns)
{
	return ns + (u64)(w->off + clock_drift_ns(ns, w->drift));
}

u64 clock_realtime_at(u64 ns)
{
	struct wall w = wall_read();

	return wall_at(&w, ns);
}

u64 clock_realtime_ns(void)
{
	struct wall w = wall_read();

	return wall_at(&w, clock_ns());
}

/* Each step of the approach leaves a seventh of the error at most. */
u64 clock_realtime_to_monotonic(u64 at)
{
	struct wall w = wall_read();
	u64 start, ns, next;

	if (at > S64_MAX)
		return DEADLINE_NEVER;
	if ((s64)at <= w.off)
		return 0;
	start = ns = at - (u64)w.off;
	for (int i = 0; w.drift && i < 24; i++) {
		next = start - (u64)clock_drift_ns(ns, w.drift);
		if (next == ns)
			break;
		ns = next;
	}
	while (w.drift && wall_at(&w, ns) < at)
		ns++;
	return ns;
}

static void wall_set_locked(struct wall w) __must_hold(&set_lock)
{
	struct clock_params *p = clock_params;

	WRITE_ONCE(p->seq, p->seq + 1);
	smp_wmb();
	WRITE_ONCE(p->realtime_off_ns, w.off);
	WRITE_ONCE(p->drift, w.drift);
	smp_wmb();
	WRITE_ONCE(p->seq, p->seq + 1);
}

/* Makes the clock show `real` when CLOCK_MONOTONIC is ns. */
static void wall_begin_locked(u64 ns, u64 real, s64 drift)
	__must_hold(&set_lock)
{
	wall_set_locked((struct wall){
		.off = (s64)(real - ns) - clock_drift_ns(ns, drift),
		.drift = drift,
	});
}

void clock_shift_realtime(s64 ns)
{
	irq_lock(&set_lock);
	wall_set_locked((struct wall){
		.off = clock_params->realtime_off_ns + ns,
		.drift = clock_params->drift,
	});
	irq_unlock(&set_lock);
	timer_clock_was_set();
}

void clock_set_drift(s64 drift)
{
	u64 ns;

	irq_lock(&set_lock);
	ns = clock_ns();
	wall_begin_locked(ns, clock_realtime_at(ns), drift);
	irq_unlock(&set_lock);
	timer_clock_was_set();
}

void clock_set_realtime(u64 ns)
{
	irq_lock(&set_lock);
	wall_begin_locked(clock_ns(), ns, clock_params->drift);
	__atomic_fetch_add(&set_count, 1, __ATOMIC_RELAXED);
	irq_unlock(&set_lock);
	timer_clock_was_set();
	if (clock_was_set_hook)
		clock_was_set_hook();
}

u32 clock_set_count(void)
{
	return READ_ONCE(set_count);
}

u64 timespec_to_ns(const struct timespec64 *ts)
{
	u64 ns;

	if (mul_overflow((u64)ts->sec, (u64)NSEC_PER_SEC, &ns) ||
	    add_overflow(ns, (u64)ts->nsec, &ns) || ns > S64_MAX)
		return S64_MAX;
	return ns;
}
