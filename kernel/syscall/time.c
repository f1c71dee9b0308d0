/* System calls about clocks, and sleeping on them. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <kernel/waitq.h>
#include <lib/string.h>
#include <signal/signal.h>
#include <task/posix_timer.h>
#include <task/rusage.h>
#include <task/time_ns.h>
#include <uapi/task.h>

#define TIMEX_ERROR 5		/* the clock is not synchronised */
#define STA_UNSYNC 0x40
#define STA_NANO 0x2000
#define STA_SETTABLE 0xff
#define ADJ_OFFSET 1u
#define ADJ_FREQUENCY 2u
#define ADJ_MAXERROR 4u
#define ADJ_ESTERROR 8u
#define ADJ_STATUS 0x10u
#define ADJ_TIMECONST 0x20u
#define ADJ_SETOFFSET 0x100u
#define ADJ_MICRO 0x1000u
#define ADJ_NANO 0x2000u
#define ADJ_TICK 0x4000u
#define ADJ_ADJTIME 0x8000u	/* adjtime(3): with one or both of */
#define ADJ_OFFSET_SINGLESHOT 1u
#define ADJ_OFFSET_READONLY 0x2000u
#define ADJ_KNOWN (0x3fu | ADJ_SETOFFSET | ADJ_MICRO | ADJ_NANO | ADJ_TICK)
#define ERROR_MAX 16000000l
#define TICK_USEC 10000
#define FREQ_MAX 32768000l	/* 500 ppm, by 2^-16 */

long sys_clock_gettime(int clock, struct timespec64 __user *uts)
{
	struct timespec64 ts;
	u64 ns;
	int err = clock_read(clock, &ns);

	if (err)
		return err;
	ts = ns_to_timespec(ns + (u64)time_ns_offset(clock));
	return copy_to_user(uts, &ts, sizeof(ts));
}

long sys_clock_getres(int clock, struct timespec64 __user *uts)
{
	struct timespec64 ts;
	u64 ns;
	int err = clock_resolution(clock, &ns);

	if (err)
		return err;
	ts = ns_to_timespec(ns);
	return uts ? copy_to_user(uts, &ts, sizeof(ts)) : 0;
}

/* Thirty years before the clock's end, to be useful for a while. */
#define SETTABLE_SEC_MAX (S64_MAX / (s64)NSEC_PER_SEC - 30 * 365 * 24 * 3600l)

/* The machine cannot have been booted before 1970. */
static int set_wall_clock(const struct timespec64 *ts)
{
	if (!timespec_valid(ts) || ts->sec >= SETTABLE_SEC_MAX)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (timespec_to_ns(ts) < clock_ns())
		return -EINVAL;
	clock_set_realtime(timespec_to_ns(ts));
	return 0;
}

long sys_clock_settime(int clock, const struct timespec64 __user *uts)
{
	struct timespec64 ts;

	u64 ns;

	/* Of a CPU clock that is named by a process, only its being is told. */
	if (clock < 0)
		return clock_resolution(clock, &ns) ? -EINVAL : -EPERM;
	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	return set_wall_clock(&ts);
}

/* As it was told, and told back.  The first who sets it, and not the time with
 * it, says that the time was read from a clock of local time: it is moved. */
static struct timezone_k time_zone;
static u32 zone_is_set;	/* atomic */

long sys_gettimeofday(struct timeval64 __user *utv,
		      struct timezone_k __user *utz)
{
	struct timeval64 tv = ns_to_timeval(clock_realtime_ns());

	if (utv && copy_to_user(utv, &tv, sizeof(tv)))
		return -EFAULT;
	return utz ? copy_to_user(utz, &time_zone, sizeof(time_zone)) : 0;
}

static int set_time_zone(const struct timezone_k *tz, bool is_alone)
{
	s64 west_ns = tz->minuteswest * 60 * (s64)NSEC_PER_SEC;

	if (tz->minuteswest < -15 * 60 || tz->minuteswest > 15 * 60)
		return -EINVAL;
	time_zone = *tz;
	if (!xchg(&zone_is_set, 1u) && is_alone && west_ns)
		clock_set_realtime(clock_realtime_ns() + (u64)west_ns);
	return 0;
}

long sys_settimeofday(const struct timeval64 __user *utv,
		      const struct timezone_k __user *utz)
{
	struct timezone_k tz;
	struct timeval64 tv;
	struct timespec64 ts;
	int err;

	if (utv && copy_from_user(&tv, utv, sizeof(tv)))
		return -EFAULT;
	if (utv && (tv.usec < 0 || tv.usec >= 1000000))
		return -EINVAL;
	if (utz && copy_from_user(&tz, utz, sizeof(tz)))
		return -EFAULT;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	err = utz ? set_time_zone(&tz, !utv) : 0;
	if (err || !utv)
		return err;
	ts = (struct timespec64){ tv.sec, tv.usec * 1000 };
	return set_wall_clock(&ts);
}

static int step_clock(const struct timex *t)
{
	s64 ns, unit = t->modes & ADJ_NANO ? 1 : 1000;

	if (t->time.usec < 0 || t->time.usec >= (s64)NSEC_PER_SEC / unit ||
	    mul_overflow(t->time.sec, (s64)NSEC_PER_SEC, &ns) ||
	    add_overflow(ns, t->time.usec * unit, &ns) ||
	    add_overflow(ns, (s64)clock_realtime_ns(), &ns) ||
	    ns < (s64)clock_ns())
		return -EINVAL;
	clock_set_realtime((u64)ns);
	return 0;
}

/* What is left of the last correction, and maybe a new one. */
static int slew_clock(struct timex *t)
{
	s64 old;

	if (!(t->modes & ADJ_OFFSET_SINGLESHOT))
		return -EINVAL;
	if (t->modes & ADJ_OFFSET_READONLY) {
		old = clock_slew_left();
	} else {
		if (!capable(CAP_SYS_TIME))
			return -EPERM;
		if (mul_overflow(t->offset, 1000, &old))
			return -EINVAL;
		old = clock_slew(old);
	}
	t->offset = old / 1000;
	return 0;
}

/* What a time daemon says of the clock, told back to who asks.  Frequency and
 * tick set its rate; without STA_PLL, which is refused, an offset is not
 * followed, as in Linux. */
static struct {
	s64 maxerror, esterror, constant, freq, tick;
	s32 status;
} timex_state = {				/* racy */
	ERROR_MAX, ERROR_MAX, 2, 0, TICK_USEC, STA_UNSYNC
};

static int check_adjust(const struct timex *t)
{
	if ((t->modes & ADJ_TICK) &&
	    (t->tick < TICK_USEC * 9 / 10 || t->tick > TICK_USEC * 11 / 10))
		return -EINVAL;
	if (((t->modes & ADJ_STATUS) &&
	     (t->status & STA_SETTABLE & ~STA_UNSYNC)) ||
	    (t->modes & ~ADJ_KNOWN))
		return -EOPNOTSUPP;
	return 0;
}

/* A tick of so many us each 10 ms, and 2^-16 ppm, as a part of the rate. */
static void set_rate(void)
{
	s64 ticks = (timex_state.tick - TICK_USEC) << CLOCK_DRIFT_SHIFT;
	s64 ppm = timex_state.freq << (CLOCK_DRIFT_SHIFT - 16);

	clock_set_drift(ticks / TICK_USEC + ppm / 1000000);
}

static void apply_rate(const struct timex *t)
{
	if (t->modes & ADJ_FREQUENCY)
		timex_state.freq = clamp(t->freq, -FREQ_MAX, FREQ_MAX);
	if (t->modes & ADJ_TICK)
		timex_state.tick = t->tick;
	if (t->modes & (ADJ_FREQUENCY | ADJ_TICK))
		set_rate();
}

static void apply_adjust(const struct timex *t)
{
	s64 more = 4;	/* a time constant's, if the clock tells us */

	if (t->modes & ADJ_STATUS)
		timex_state.status = (timex_state.status & STA_NANO) |
				     (t->status & STA_UNSYNC);
	if (t->modes & ADJ_NANO)
		timex_state.status |= STA_NANO;
	if (t->modes & ADJ_MICRO)
		timex_state.status &= ~STA_NANO;
	if (timex_state.status & STA_NANO)
		more = 0;
	if (t->modes & ADJ_MAXERROR)
		timex_state.maxerror = clamp(t->maxerror, 0l, ERROR_MAX);
	if (t->modes & ADJ_ESTERROR)
		timex_state.esterror = clamp(t->esterror, 0l, ERROR_MAX);
	if (t->modes & ADJ_TIMECONST)
		timex_state.constant =
			clamp(clamp(t->constant, 0l, 10l) + more, 0l, 10l);
	apply_rate(t);
}

static int change_clock(struct timex *t)
{
	int err;

	if (!t->modes)
		return 0;
	if (t->modes & ADJ_ADJTIME)
		return slew_clock(t);
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	err = check_adjust(t);
	if (!err && (t->modes & ADJ_SETOFFSET))
		err = step_clock(t);
	if (!err)
		apply_adjust(t);
	return err;
}

/* Microseconds are nanoseconds to who asked for them. */
static struct timeval64 time_told(void)
{
	struct timespec64 ts = ns_to_timespec(clock_realtime_ns());

	if (!(timex_state.status & STA_NANO))
		ts.nsec /= 1000;
	return (struct timeval64){ .sec = ts.sec, .usec = ts.nsec };
}

static int check_adjustable(int clock)
{
	if (clock == CLOCK_REALTIME)
		return 0;
	return clock_is_cpu(clock) || clock > CLOCK_TAI ? -EINVAL :
							  -EOPNOTSUPP;
}

static long adjust(int clock, struct timex __user *ut)
{
	struct timex t;
	s64 offset;
	int err;

	if (copy_from_user(&t, ut, sizeof(t)))
		return -EFAULT;
	err = check_adjustable(clock);
	if (!err)
		err = change_clock(&t);
	if (err)
		return err;
	offset = t.modes & ADJ_ADJTIME ? t.offset : 0;
	memset((char *)&t + sizeof(t.modes), 0, sizeof(t) - sizeof(t.modes));
	t.offset = offset;
	t.maxerror = timex_state.maxerror;
	t.esterror = timex_state.esterror;
	t.status = timex_state.status;
	t.constant = timex_state.constant;
	t.freq = timex_state.freq;
	t.precision = 1;
	t.tolerance = 32768000;
	t.tick = timex_state.tick;
	t.time = time_told();
	if (copy_to_user(ut, &t, sizeof(t)))
		return -EFAULT;
	return t.status & STA_UNSYNC ? TIMEX_ERROR : 0;
}

long sys_adjtimex(struct timex __user *ut)
{
	return adjust(CLOCK_REALTIME, ut);
}

long sys_clock_adjtime(int clock, struct timex __user *ut)
{
	return adjust(clock, ut);
}

long sys_times(struct tms __user *ut)
{
	const u64 tick = NSEC_PER_SEC / USER_HZ;
	struct process *p = current->process;
	struct tms t;
	u64 user, sys;

	if (ut) {
		process_times(p, &user, &sys);
		t = (struct tms){
			.utime = (s64)(user / tick),
			.stime = (s64)(sys / tick),
			.cutime = (s64)(p->children.utime / tick),
			.cstime = (s64)(p->children.stime / tick),
		};
		if (copy_to_user(ut, &t, sizeof(t)))
			return -EFAULT;
	}
	return (long)(clock_ns() / tick);
}

/* --- sleeping ------------------------------------------------------------------*/

static int put_remaining(u64 deadline, struct timespec64 __user *urem)
{
	u64 now = clock_ns();
	struct timespec64 ts = ns_to_timespec(deadline > now ? deadline - now :
					      0);

	return copy_to_user(urem, &ts, sizeof(ts));
}

static int restart_sleep(struct task *t, long *ret);

/* Until `deadline` on the monotonic clock; a signal leaves what is needed to
 * go on. */
static long sleep_relative(u64 deadline, struct timespec64 __user *urem)
{
	struct task *t = current;

	if (!sleep_until_intr(deadline))
		return 0;
	if (clock_ns() >= deadline)
		return 0;
	if (urem && put_remaining(deadline, urem))
		return -EFAULT;
	t->restart.fn = restart_sleep;
	t->restart.arg[0] = deadline;
	t->restart.arg[1] = (uintptr_t)urem;
	return -ERESTART_RESTARTBLOCK;
}

static int restart_sleep(struct task *t, long *ret)
{
	*ret = sleep_relative(t->restart.arg[0],
			      (struct timespec64 __user *)(uintptr_t)
				      t->restart.arg[1]);
	return 0;
}

/* The wall clock may be set meanwhile: looks again when it is due. */
static long sleep_absolute(int clock, u64 at)
{
	u64 now;
	int err;

	for (;;) {
		err = clock_read(clock, &now);
		if (err || now >= at)
			return err;
		err = clock_is_cpu(clock) ? cpu_clock_sleep(clock, at) :
		      sleep_until_intr(clock_to_monotonic(clock, at));
		if (err)
			return err == -EINTR ? -ERESTARTNOHAND : err;
	}
}

static long sleep_on(int clock, int flags, const struct timespec64 __user *uts,
		     struct timespec64 __user *urem)
{
	struct timespec64 ts;
	u64 ns, now;
	int err;

	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	ns = timespec_to_ns(&ts);
	if (flags & TIMER_ABSTIME)
		return sleep_absolute(clock, time_ns_to_host(clock, ns));
	if (clock_is_cpu(clock)) {
		err = clock_read(clock, &now);
		if (err)
			return err;
		err = cpu_clock_sleep(clock, now + ns);
		return err == -EINTR ? -ERESTARTNOHAND : err;
	}
	if (add_overflow(ns, clock_ns(), &ns))
		ns = DEADLINE_NEVER;
	return sleep_relative(ns, urem);
}

long sys_nanosleep(const struct timespec64 __user *uts,
		   struct timespec64 __user *urem)
{
	return sleep_on(CLOCK_MONOTONIC, 0, uts, urem);
}

long sys_clock_nanosleep(int clock, int flags,
			 const struct timespec64 __user *uts,
			 struct timespec64 __user *urem)
{
	switch (clock) {
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_THREAD_CPUTIME_ID:
		return -EOPNOTSUPP;
	}
	if (clock > CLOCK_TAI || clock == 10)
		return -EINVAL;
	return sleep_on(clock, flags, uts, urem);
}
