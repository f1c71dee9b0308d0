/*
 * clock - CLOCK_MONOTONIC from the counter, and CLOCK_REALTIME by an offset.
 *
 * Theory:  ns = (ticks - boot_ticks) * mult / 2^32, in 128 bits, so it is
 *          exact to 2^-32 and never wraps.  The parameters live on a page of
 *          their own that user space also maps: the vDSO computes the same.
 *          They change only in realtime_off_ns, under the seq word.  The way
 *          back, for timers, multiplies by the inverse and corrects upwards:
 *          a timer never fires early.
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

static u64 realtime_offset(void)
{
	const struct clock_params *p = clock_params;
	u32 seq;
	s64 off;

	do {
		while ((seq = load_acquire(&p->seq)) & 1)
			cpu_relax();
		off = READ_ONCE(p->realtime_off_ns);
		smp_rmb();
	} while (READ_ONCE(p->seq) != seq);
	return (u64)off;
}

u64 clock_realtime_ns(void)
{
	u64 off = realtime_offset();

	return clock_ns() + off;
}

static void set_offset_locked(s64 off) __must_hold(&set_lock)
{
	struct clock_params *p = clock_params;

	WRITE_ONCE(p->seq, p->seq + 1);
	smp_wmb();
	WRITE_ONCE(p->realtime_off_ns, off);
	smp_wmb();
	WRITE_ONCE(p->seq, p->seq + 1);
}

void clock_shift_realtime(s64 ns)
{
	irq_lock(&set_lock);
	set_offset_locked(clock_params->realtime_off_ns + ns);
	irq_unlock(&set_lock);
	timer_clock_was_set();
}

void clock_set_realtime(u64 ns)
{
	irq_lock(&set_lock);
	set_offset_locked((s64)(ns - clock_ns()));
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
