/*
 * adjtime: corrections of the wall clock, slow or by its rate; what it may be
 * set to, which timers follow when it is, and the coarse clocks beside it.
 *
 * abi-test: user
 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
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

#define SEC 1000000000ll
#define DAY 86400

/* A timer of CLOCK_REALTIME of either make, told by a file. */
struct any_timer {
	int fd, is_file;
	timer_t id;
};

static struct any_timer make_timer(int is_file)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1 };
	struct any_timer t = { .is_file = is_file };
	sigset_t set;

	if (is_file) {
		t.fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	} else {
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
		CHECK(timer_create(CLOCK_REALTIME, &ev, &t.id) == 0);
		t.fd = signalfd(-1, &set, SFD_NONBLOCK);
	}
	CHECK(t.fd >= 0);
	return t;
}

static struct timespec to_timespec(long long ns)
{
	return (struct timespec){ ns / SEC, ns % SEC };
}

static long long to_ns(struct timespec t)
{
	return t.tv_sec * SEC + t.tv_nsec;
}

static long long wall(void)
{
	struct timespec t;

	CHECK(clock_gettime(CLOCK_REALTIME, &t) == 0);
	return to_ns(t);
}

static void step(long sec)
{
	struct timespec t = to_timespec(wall() + sec * SEC);

	CHECK(clock_settime(CLOCK_REALTIME, &t) == 0);
}

/* What was left of the last setting. */
static long long arm(struct any_timer *t, int flags, long long value,
		     long long interval)
{
	struct itimerspec it = { to_timespec(interval), to_timespec(value) };
	struct itimerspec old;

	CHECK((t->is_file ? timerfd_settime(t->fd, flags, &it, &old) :
			    timer_settime(t->id, flags, &it, &old)) == 0);
	return to_ns(old.it_value);
}

static long long left(struct any_timer *t)
{
	struct itimerspec it;

	CHECK((t->is_file ? timerfd_gettime(t->fd, &it) :
			    timer_gettime(t->id, &it)) == 0);
	return to_ns(it.it_value);
}

/* Expirations, if there are any within so many ms. */
static long long expired(struct any_timer *t, int ms)
{
	struct pollfd p = { t->fd, POLLIN };
	struct signalfd_siginfo si;
	unsigned long long n;

	if (poll(&p, 1, ms) != 1)
		return 0;
	if (t->is_file)
		return read(t->fd, &n, sizeof(n)) == sizeof(n) ?
			       (long long)n : -errno;
	CHECK(read(t->fd, &si, sizeof(si)) == sizeof(si));
	return si.ssi_overrun + 1ll;
}

TEST(relative_timers_do_not_follow_a_step)
{
	need_root();
	for (int is_file = 0; is_file < 2; is_file++) {
		struct any_timer t = make_timer(is_file);
		long long n, is_left, later;

		arm(&t, 0, SEC, 0);
		step(DAY);
		is_left = left(&t);
		n = expired(&t, 50);
		step(-DAY);
		CHECK_EQ(n, 0);
		CHECK(is_left > 0 && is_left <= SEC);
		CHECK_EQ(expired(&t, 5000), 1);

		arm(&t, 0, SEC / 20, SEC / 20);
		step(-DAY);
		n = expired(&t, 5000);
		is_left = left(&t);
		step(DAY);
		later = expired(&t, 5000);
		CHECK(n > 0 && n < 100 && later > 0 && later < 100);
		CHECK(is_left > 0 && is_left <= SEC / 20);
	}
}

TEST(absolute_timers_follow_a_step)
{
	need_root();
	for (int is_file = 0; is_file < 2; is_file++) {
		struct any_timer t = make_timer(is_file);
		long long n, is_left;

		arm(&t, TIMER_ABSTIME, wall() + DAY / 2 * SEC, 0);
		step(DAY);
		n = expired(&t, 5000);
		step(-DAY);
		CHECK_EQ(n, 1);

		arm(&t, TIMER_ABSTIME, wall() + SEC / 2, SEC * DAY);
		step(-DAY);
		is_left = left(&t);
		n = expired(&t, 700);
		step(DAY);
		CHECK_EQ(n, 0);
		CHECK(is_left > DAY / 2 * SEC);
		CHECK_EQ(expired(&t, 5000), 1);
		step(DAY);
		n = expired(&t, 5000);
		step(-DAY);
		CHECK_EQ(n, 1);
	}
}

TEST(each_setting_of_a_timer_chooses_anew)
{
	need_root();
	for (int is_file = 0; is_file < 2; is_file++) {
		struct any_timer t = make_timer(is_file);
		long long old, n;

		arm(&t, TIMER_ABSTIME, wall() + DAY / 2 * SEC, 0);
		old = arm(&t, 0, DAY / 4 * SEC, 0);
		CHECK(old > DAY / 4 * SEC && old <= DAY / 2 * SEC);
		step(DAY);
		n = expired(&t, 20);
		old = arm(&t, TIMER_ABSTIME, wall() + DAY / 2 * SEC, 0);
		step(-DAY);
		CHECK_EQ(n, 0);
		CHECK(old > DAY / 8 * SEC && old <= DAY / 4 * SEC);
		CHECK(left(&t) > DAY * SEC);
	}
}

TEST(a_step_cancels_only_absolute_timers)
{
	struct any_timer t = make_timer(1);
	long long n, relative;

	need_root();
	arm(&t, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
	    wall() + 2 * DAY * SEC, 0);
	step(DAY);
	n = expired(&t, 1000);
	arm(&t, TFD_TIMER_CANCEL_ON_SET, DAY / 2 * SEC, 0);
	step(-DAY);
	relative = expired(&t, 20);
	CHECK_EQ(n, -ECANCELED);
	CHECK_EQ(relative, 0);
}

TEST(a_step_cancels_no_timer_of_another_clock)
{
	const struct itimerspec it = { .it_value.tv_sec = 2000000000 };
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK);
	unsigned long long count;
	long n;
	int err;

	need_root();
	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
			      &it, NULL) == 0);
	step(DAY);
	n = read(fd, &count, sizeof(count));
	err = errno;
	step(-DAY);
	CHECK_EQ(n, -1);
	CHECK_EQ(err, EAGAIN);
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

static void rtc_text(const char *name, char *text, size_t n)
{
	char path[60];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/rtc/rtc0/%s", name);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	got = read(fd, text, n - 1);
	CHECK(got > 0 && text[got - 1] == '\n');
	text[got - 1] = 0;
	close(fd);
}

static long set_zone(int minutes_west, int dst)
{
	struct timezone tz = { minutes_west, dst };

	return syscall(SYS_settimeofday, NULL, &tz);
}

/* The first setting would move the clock by minutes that are not 0. */
TEST(the_time_zone_is_told_back)
{
	struct timezone tz;
	struct timeval tv;

	need_root();
	CHECK(set_zone(0, 1) == 0);
	CHECK(syscall(SYS_gettimeofday, &tv, &tz) == 0);
	CHECK_EQ(tz.tz_minuteswest, 0);
	CHECK_EQ(tz.tz_dsttime, 1);
	CHECK_ERR(set_zone(15 * 60 + 1, 0), EINVAL);
	CHECK(set_zone(-60, 0) == 0);
	CHECK(syscall(SYS_gettimeofday, &tv, &tz) == 0);
	CHECK_EQ(tz.tz_minuteswest, -60);
	CHECK(set_zone(0, 0) == 0);
	CHECK(setuid(1000) == 0);
	CHECK_ERR(set_zone(0, 0), EPERM);
	CHECK_ERR(syscall(SYS_settimeofday, NULL, NULL), EPERM);
}

TEST(the_hardware_clock_shows_its_time_in_sys)
{
	char text[60], want[60];
	struct tm tm;
	time_t t;

	do {
		rtc_text("since_epoch", text, sizeof(text));
		t = strtol(text, NULL, 10);
		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%H:%M:%S", &tm);
		rtc_text("time", text, sizeof(text));
	} while (strcmp(text, want));
	strftime(want, sizeof(want), "%Y-%m-%d", &tm);
	rtc_text("date", text, sizeof(text));
	CHECK_STR(text, want);
	rtc_text("hctosys", text, sizeof(text));
	CHECK_STR(text, "1");
}

TEST(the_hardware_clock_shows_its_time_in_proc)
{
	char text[1000], want[60], date[60];
	int fd = open("/proc/driver/rtc", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	CHECK(n > 0);
	text[n] = 0;
	CHECK(!strncmp(text, "rtc_time\t: ", 11));
	rtc_text("date", date, sizeof(date));
	snprintf(want, sizeof(want), "\nrtc_date\t: %s\n", date);
	CHECK(strstr(text, want));
	CHECK(strstr(text, "\n24hr\t\t: yes\n"));
}
