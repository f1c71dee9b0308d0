#pragma once
#include <fs/vfs.h>

#define CLOCK_REALTIME_ID 0
#define CLOCK_MONOTONIC_ID 1
#define CLOCK_BOOTTIME_ID 7
#define CLOCK_REALTIME_ALARM_ID 8
#define CLOCK_BOOTTIME_ALARM_ID 9
#define TFD_TIMER_ABSTIME 1u
#define TFD_TIMER_CANCEL_ON_SET 2u

struct itimerspec64 {
	struct timespec64 interval, value;
};

int __must_check timerfd_create(int clockid, unsigned flags, struct file **out);
bool is_timerfd(const struct file *f);
int timerfd_clock(const struct file *f);
void timerfd_get(struct file *f, struct itimerspec64 *out);
/* Values were checked. */
int __must_check timerfd_set(struct file *f, unsigned flags,
			     const struct itimerspec64 *value,
			     struct itimerspec64 *old);
