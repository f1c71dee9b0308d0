/* System calls of interval and POSIX timers. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <fs/timerfd.h>
#include <signal/signal.h>
#include <task/posix_timer.h>
#include <task/rusage.h>
#include <task/time_ns.h>
#include <uapi/task.h>

static bool timeval_valid(const struct timeval64 *tv)
{
	return tv->sec >= 0 && (u64)tv->usec < 1000000;
}

static u64 timeval_to_ns(const struct timeval64 *tv)
{
	struct timespec64 ts = { tv->sec, tv->usec * 1000 };

	return timespec_to_ns(&ts);
}

/* Rounded up: what has not fired yet never reads as 0. */
static struct timeval64 left_to_timeval(u64 ns)
{
	return ns_to_timeval(ns + NSEC_PER_USEC - 1);
}

static int put_itimer(int which, struct itimerval64 __user *u)
{
	struct itimerval64 v;
	u64 left, interval;

	itimer_get(which, &left, &interval);
	v.value = left_to_timeval(left);
	v.interval = ns_to_timeval(interval);
	return copy_to_user(u, &v, sizeof(v));
}

long sys_getitimer(int which, struct itimerval64 __user *u)
{
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	return put_itimer(which, u);
}

long sys_setitimer(int which, const struct itimerval64 __user *u,
		   struct itimerval64 __user *uold)
{
	struct itimerval64 v = { 0 };
	int err = 0;

	if (u && copy_from_user(&v, u, sizeof(v)))
		return -EFAULT;
	if (which < ITIMER_REAL || which > ITIMER_PROF ||
	    !timeval_valid(&v.value) || !timeval_valid(&v.interval))
		return -EINVAL;
	if (uold)
		err = put_itimer(which, uold);
	if (!err)
		itimer_set(which, timeval_to_ns(&v.value),
			   timeval_to_ns(&v.interval));
	return err;
}

long sys_timer_create(int clock, const struct sigevent __user *uev,
		      int __user *uid)
{
	struct sigevent_k ev = { .signo = SIGALRM, .tid = -1 };
	struct sigevent u;
	int id, err;

	if (uev) {
		if (copy_from_user(&u, uev, sizeof(u)))
			return -EFAULT;
		ev = (struct sigevent_k){
			.value = u.value, .signo = u.signo,
			.notify = u.notify,
			.tid = u.notify & SIGEV_THREAD_ID ? u.tid : 0,
		};
	}
	err = posix_timer_create(clock, &ev, &id);
	if (!err && put_user(id, uid)) {
		ignore_error(posix_timer_delete(id)); /* it is ours */
		err = -EFAULT;
	}
	return err;
}

static int put_timer(struct itimerspec64 __user *u, u64 value, u64 interval)
{
	struct itimerspec64 v = {
		.value = ns_to_timespec(value),
		.interval = ns_to_timespec(interval),
	};

	return copy_to_user(u, &v, sizeof(v));
}

long sys_timer_settime(int id, int flags, const struct itimerspec64 __user *u,
		       struct itimerspec64 __user *uold)
{
	struct itimerspec64 v;
	u64 value, interval;
	int err;

	if (!u)
		return -EINVAL;
	if (copy_from_user(&v, u, sizeof(v)))
		return -EFAULT;
	if (!timespec_valid(&v.value) || !timespec_valid(&v.interval))
		return -EINVAL;
	value = timespec_to_ns(&v.value);
	if (flags & TIMER_ABSTIME)
		value = time_ns_to_host(posix_timer_clock(id), value);
	err = posix_timer_set(id, flags, value,
			      timespec_to_ns(&v.interval), &value, &interval);
	if (!err && uold)
		err = put_timer(uold, value, interval);
	return err;
}

long sys_timer_gettime(int id, struct itimerspec64 __user *u)
{
	u64 value, interval;
	int err = posix_timer_get(id, &value, &interval);

	return err ? err : put_timer(u, value, interval);
}

long sys_timer_getoverrun(int id)
{
	return posix_timer_overrun(id);
}

long sys_timer_delete(int id)
{
	return posix_timer_delete(id);
}
