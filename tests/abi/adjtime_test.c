/*
 * adjtime: corrections of the wall clock, slow or by its rate; what it may be
 * set to, and the coarse clocks beside it.
 *
 * abi-test: user
 */
#include "test.h"

#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>

#define SET 0x8001		/* ADJ_OFFSET_SINGLESHOT */
#define LEFT 0xa001		/* ADJ_OFFSET_SS_READ */

static long adjust(unsigned modes, long usec)
{
	struct timex t = { .modes = modes, .offset = usec };

	return adjtimex(&t) < 0 ? -1 : t.offset;
}

static void need_root(void)
{
	if (getuid())
		SKIP("wants to set the clock");
}

TEST(what_is_left_can_be_read_by_all)
{
	CHECK_EQ(adjust(LEFT, 0), 0);
	CHECK_ERR(adjust(0x8000, 0), EINVAL);
	if (getuid() == 0)
		CHECK(setuid(1000) == 0);
	CHECK_ERR(adjust(SET, 100), EPERM);
	CHECK_EQ(adjust(LEFT, 0), 0);
}

TEST(a_new_correction_takes_the_place_of_the_last)
{
	need_root();
	CHECK_EQ(adjust(SET, 9000), 0);
	CHECK(adjust(SET, -7000) > 8000);
	CHECK(adjust(LEFT, 0) <= -6900);
	CHECK(adjust(SET, 0) <= -6900);
	CHECK_EQ(adjust(LEFT, 0), 0);
}

TEST(it_is_worked_off_slowly)
{
	long left;

	need_root();
	CHECK_EQ(adjust(SET, 10000), 0);
	usleep(1300000);
	left = adjust(LEFT, 0);
	CHECK(left < 10000 && left > 8000);
	CHECK(adjust(SET, 0) > 8000);
}

/* Nanoseconds that a clock gained on the counter in `usec`. */
static long gain(clockid_t clock, unsigned usec)
{
	struct timespec a[2], b[2];

	CHECK(clock_gettime(clock, &a[0]) == 0 &&
	      clock_gettime(CLOCK_MONOTONIC_RAW, &a[1]) == 0);
	usleep(usec);
	CHECK(clock_gettime(clock, &b[0]) == 0 &&
	      clock_gettime(CLOCK_MONOTONIC_RAW, &b[1]) == 0);
	return (b[0].tv_sec - a[0].tv_sec - b[1].tv_sec + a[1].tv_sec) *
	       1000000000 + b[0].tv_nsec - a[0].tv_nsec - b[1].tv_nsec +
	       a[1].tv_nsec;
}

static long set_tick(long tick)
{
	struct timex t = { .modes = ADJ_TICK, .tick = tick };

	CHECK(adjtimex(&t) >= 0);
	return t.tick;
}

TEST(a_longer_tick_makes_it_run_faster)
{
	long faster, slower;

	need_root();
	CHECK_EQ(set_tick(11000), 11000);
	usleep(50000);
	faster = gain(CLOCK_REALTIME, 300000);
	CHECK_EQ(set_tick(9500), 9500);
	usleep(50000);
	slower = gain(CLOCK_REALTIME, 300000);
	CHECK_EQ(set_tick(10000), 10000);
	if (faster < 20000000 || slower > -10000000)
		FAIL("gained %ld, then %ld ns", faster, slower);
}

TEST(timers_of_a_clock_that_runs_faster_are_not_early)
{
	struct timespec at, now;

	need_root();
	set_tick(11000);
	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_nsec += 300000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	set_tick(10000);
	CHECK(now.tv_sec > at.tv_sec ||
	      (now.tv_sec == at.tv_sec && now.tv_nsec >= at.tv_nsec));
}

TEST(frequency_and_units_are_kept)
{
	struct timex t = { .modes = ADJ_FREQUENCY, .freq = 6553600 };

	need_root();
	CHECK(adjtimex(&t) >= 0);
	CHECK_EQ(t.freq, 6553600);
	t.freq = 1l << 30;
	CHECK(adjtimex(&t) >= 0);
	CHECK_EQ(t.freq, 32768000);
	t.freq = 0;
	t.modes |= ADJ_NANO;
	CHECK(adjtimex(&t) >= 0);
	CHECK(t.freq == 0 && (t.status & STA_NANO));
	t.modes = ADJ_MICRO;
	CHECK(adjtimex(&t) >= 0);
	CHECK(!(t.status & STA_NANO) && t.time.tv_usec < 1000000);
	t.modes = ADJ_TICK;
	t.tick = 11001;
	CHECK_ERR(adjtimex(&t), EINVAL);
}

TEST(times_that_cannot_be)
{
	struct timespec t = { 0, 0 };

	need_root();
	CHECK_ERR(clock_settime(CLOCK_REALTIME, &t), EINVAL);
	t.tv_sec = 8277292036;
	CHECK_ERR(clock_settime(CLOCK_REALTIME, &t), EINVAL);
}

static long long coarse(clockid_t clock, int by_call)
{
	struct timespec t;

	CHECK((by_call ? syscall(SYS_clock_gettime, clock, &t) :
			 clock_gettime(clock, &t)) == 0);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

TEST(coarse_clocks_agree_however_they_are_asked)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE
	};

	for (int k = 0; k < 2; k++) {
		long long last = 0, now;

		for (int i = 0; i < 3000; i++) {
			now = coarse(clocks[k], i & 1);
			CHECK(now >= last);
			last = now;
		}
	}
}
