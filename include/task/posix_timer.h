#pragma once
/* POSIX timers (timer_create(2)) as the signal code and system calls see
 * them. */
#include <lib/types.h>
#include <lib/compiler.h>

struct siginfo;
struct sigqueue;
struct task;

/* A timer's signal was taken: tells the overrun, arms the next. siglock. */
void posix_timer_taken_locked(struct sigqueue *q, struct siginfo *info);

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOTTIME_ALARM 9
#define CLOCK_TAI 11
#define TIMER_ABSTIME 1

#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD 2
#define SIGEV_THREAD_ID 4

/* Now on any clock, CPU clocks of others included (negative ids). -EINVAL. */
int __must_check clock_read(int clock, u64 *ns);
/* The clock exists, and its step. */
int __must_check clock_resolution(int clock, u64 *ns);
bool clock_is_cpu(int clock);
/* A deadline of `clock` on CLOCK_MONOTONIC; ~0 saturates. */
u64 clock_to_monotonic(int clock, u64 ns);

struct sigevent_k {
	u64 value;
	int signo, notify, tid;
};
struct pid_ns;
struct seq;
struct task;
/* The text of /proc/PID/timers; numbers as seen in ns. */
void posix_timers_show(struct seq *s, struct task *t, const struct pid_ns *ns);
int __must_check posix_timer_create(int clock, const struct sigevent_k *ev,
				    int *id);
int __must_check posix_timer_set(int id, int flags, u64 value, u64 interval,
				 u64 *old_value, u64 *old_interval);
int __must_check posix_timer_get(int id, u64 *value, u64 *interval);
int posix_timer_overrun(int id);
/* Which clock it is of; of no timer: CLOCK_REALTIME. */
int posix_timer_clock(int id);
int posix_timer_delete(int id);
/* Sleeps on a CPU clock until `deadline` of it. 0, -EINTR. */
int __must_check cpu_clock_sleep(int clock, u64 deadline_ns);
