/* Time namespaces: offsets, and every clock and timer that they shift.
 * abi-test: user */
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <time.h>

#include "files.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define OFFSETS "/proc/self/timens_offsets"

static int64_t now(int clock)
{
	struct timespec ts;

	CHECK(clock_gettime(clock, &ts) == 0);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static int64_t now_by_call(int clock)
{
	struct timespec ts;

	CHECK(syscall(SYS_clock_gettime, clock, &ts) == 0);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void leave(void)
{
	int flags = CLONE_NEWTIME;

	if (geteuid())
		flags |= CLONE_NEWUSER;
	CHECK(unshare(flags) == 0);
}

static int is_about(int64_t a, int64_t b)
{
	return a > b - 3000000000ll && a < b + 3000000000ll;
}

TEST(offsets_file)
{
	char buf[256];

	read_file(OFFSETS, buf, sizeof(buf));
	CHECK_STR(buf, "monotonic           0         0\n"
		       "boottime            0         0\n");
	CHECK_EQ(write_file(OFFSETS, "monotonic 1 0"),
		 geteuid() ? EPERM : EACCES);
	leave();
	CHECK_EQ(write_file(OFFSETS, "x 1 1"), EINVAL);
	CHECK_EQ(write_file(OFFSETS, "monotonic 1"), EINVAL);
	CHECK_EQ(write_file(OFFSETS, "monotonic 1 1000000000"), EINVAL);
	CHECK_EQ(write_file(OFFSETS, "monotonic -1000000000 0"), ERANGE);
	CHECK_EQ(write_file(OFFSETS, "monotonic 9000000000 0"), ERANGE);
	CHECK_EQ(write_file(OFFSETS, "monotonic 9999999999999 0"), ERANGE);
	CHECK_EQ(write_file(OFFSETS, "monotonic 100 5\n7 -1 500000000\n"), 0);
	read_file(OFFSETS, buf, sizeof(buf));
	CHECK_STR(buf, "monotonic         100         5\n"
		       "boottime           -1 500000000\n");
}

TEST(children_live_in_it_and_we_do_not)
{
	int64_t mono = now(CLOCK_MONOTONIC), real = now(CLOCK_REALTIME);
	struct stat a, b;
	pid_t pid;

	leave();
	CHECK(stat("/proc/self/ns/time", &a) == 0);
	CHECK(stat("/proc/self/ns/time_for_children", &b) == 0);
	CHECK(a.st_ino != b.st_ino);
	CHECK_EQ(write_file(OFFSETS, "1 86400 0\n7 172800 0"), 0);
	CHECK(is_about(now(CLOCK_MONOTONIC), mono));
	pid = fork();
	if (!pid) {
		CHECK(stat("/proc/self/ns/time", &a) == 0);
		CHECK(a.st_ino == b.st_ino);
		mono += 86400000000000ll;
		CHECK(is_about(now(CLOCK_MONOTONIC), mono));
		CHECK(is_about(now_by_call(CLOCK_MONOTONIC), mono));
		CHECK(is_about(now(CLOCK_MONOTONIC_RAW), mono));
		CHECK(is_about(now(CLOCK_MONOTONIC_COARSE), mono));
		CHECK(is_about(now(CLOCK_BOOTTIME), mono + 86400000000000ll));
		CHECK(is_about(now(CLOCK_REALTIME), real));
		CHECK_EQ(write_file(OFFSETS, "1 1 0"), EACCES);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(is_about(now(CLOCK_MONOTONIC), now_by_call(CLOCK_MONOTONIC)));
	CHECK_EQ(write_file(OFFSETS, "1 1 0"), EACCES);
}

TEST(the_next_program_lives_in_it)
{
	pid_t pid = fork();

	if (!pid) {
		leave();
		CHECK_EQ(write_file(OFFSETS, "boottime 5000000 0"), 0);
		execlp("sh", "sh", "-c",
		       "read a b </proc/uptime; test ${a%.*} -ge 5000000",
		       NULL);
		_exit(1);
	}
	CHECK_CHILD(pid);
}

/* Runs fn in a time namespace whose clocks are a day ahead. */
static void a_day_ahead(void (*fn)(void))
{
	pid_t pid;

	leave();
	CHECK_EQ(write_file(OFFSETS, "1 86400 0\n7 86400 0"), 0);
	pid = fork();
	if (!pid) {
		fn();
		_exit(0);
	}
	CHECK_CHILD(pid);
}

static struct timespec in_20_ms(int clock)
{
	struct timespec ts;

	CHECK(clock_gettime(clock, &ts) == 0);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

static void sleeps(void)
{
	int64_t start = now(CLOCK_MONOTONIC), took;
	struct timespec ts = in_20_ms(CLOCK_MONOTONIC), past = { 5, 0 };

	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0);
	took = now(CLOCK_MONOTONIC) - start;
	CHECK(took >= 20000000 && took < 5000000000ll);
	ts = in_20_ms(CLOCK_BOOTTIME);
	CHECK(clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &ts, NULL) == 0);
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL) == 0);
	ts = (struct timespec){ 0, 10000000 };
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL) == 0);
}

TEST(sleeping)
{
	a_day_ahead(sleeps);
}

static void timers(void)
{
	struct itimerspec it = { .it_value = in_20_ms(CLOCK_MONOTONIC) }, got;
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1 };
	uint64_t ticks;
	sigset_t set;
	siginfo_t info;
	timer_t id;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	CHECK(fd >= 0);
	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL) == 0);
	CHECK(timerfd_gettime(fd, &got) == 0);
	CHECK(got.it_value.tv_sec == 0);
	CHECK(read(fd, &ticks, 8) == 8 && ticks == 1);
	it.it_value = (struct timespec){ 7, 0 };	/* long past */
	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL) == 0);
	CHECK(read(fd, &ticks, 8) == 8 && ticks == 1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(timer_create(CLOCK_BOOTTIME, &ev, &id) == 0);
	it.it_value = in_20_ms(CLOCK_BOOTTIME);
	CHECK(timer_settime(id, TIMER_ABSTIME, &it, NULL) == 0);
	CHECK(timer_gettime(id, &got) == 0 && got.it_value.tv_sec == 0);
	CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
}

TEST(timers_of_both_kinds)
{
	a_day_ahead(timers);
}

static void futexes(void)
{
	int64_t start = now(CLOCK_MONOTONIC);
	struct timespec ts = in_20_ms(CLOCK_MONOTONIC);
	uint32_t word = 0;

	CHECK_ERR(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &ts, NULL,
			  -1), ETIMEDOUT);
	CHECK(now(CLOCK_MONOTONIC) - start >= 20000000);
}

TEST(futex_deadlines)
{
	a_day_ahead(futexes);
}

static void texts(void)
{
	unsigned long long start = 0;
	struct sysinfo si;
	char buf[4096], *at;
	double up = 0;

	read_file("/proc/uptime", buf, sizeof(buf));
	up = strtod(buf, NULL);
	CHECK(up > 86400 && up < 86400 + 100000);
	CHECK(sysinfo(&si) == 0 && si.uptime >= 86400);
	read_file("/proc/self/stat", buf, sizeof(buf));
	at = strrchr(buf, ')');
	CHECK(at != NULL);
	for (int i = 3; i <= 22; i++)
		at = strchr(at + 1, ' ');
	start = strtoull(at, NULL, 10);
	CHECK(start / sysconf(_SC_CLK_TCK) >= 86400);
}

TEST(what_proc_tells)
{
	a_day_ahead(texts);
}

TEST(setns_shifts_a_running_program)
{
	int64_t mono = now(CLOCK_MONOTONIC);
	int old, fd;
	pid_t pid;

	if (geteuid())
		SKIP("needs root");
	old = open("/proc/self/ns/time", O_RDONLY);
	leave();
	CHECK_EQ(write_file(OFFSETS, "1 3600 0"), 0);
	fd = open("/proc/self/ns/time_for_children", O_RDONLY);
	CHECK(fd >= 0 && old >= 0);
	CHECK(setns(fd, CLONE_NEWTIME) == 0);
	CHECK(is_about(now(CLOCK_MONOTONIC), mono + 3600000000000ll));
	pid = fork();
	if (!pid)
		_exit(!is_about(now(CLOCK_MONOTONIC), mono + 3600000000000ll));
	CHECK_CHILD(pid);
	CHECK(setns(old, CLONE_NEWTIME) == 0);
	CHECK(is_about(now(CLOCK_MONOTONIC), mono));
	CHECK(is_about(now_by_call(CLOCK_MONOTONIC), mono));
}

struct clone3_args {
	unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal,
		stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

TEST(clone3_makes_one)
{
	struct clone3_args a = { .flags = CLONE_NEWTIME,
				 .exit_signal = SIGCHLD };
	struct stat mine, st;
	long pid;

	if (geteuid())
		SKIP("needs root");
	CHECK(stat("/proc/self/ns/time", &mine) == 0);
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (!pid) {
		CHECK(stat("/proc/self/ns/time", &st) == 0);
		_exit(st.st_ino == mine.st_ino);
	}
	CHECK_CHILD(pid);
}
