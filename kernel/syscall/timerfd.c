/* The system calls of timerfd and signalfd. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <fs/signalfd.h>
#include <fs/timerfd.h>
#include <signal/signal.h>
#include <syscall_prototypes.h>
#include <task/cred.h>
#include <task/time_ns.h>

long sys_timerfd_create(int clockid, int flags)
{
	struct file *f;
	int err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	switch (clockid) {
	case CLOCK_REALTIME_ALARM_ID:
	case CLOCK_BOOTTIME_ALARM_ID:
		if (!capable(CAP_WAKE_ALARM))
			return -EPERM;
		break;
	case CLOCK_REALTIME_ID:
	case CLOCK_MONOTONIC_ID:
	case CLOCK_BOOTTIME_ID:
		break;
	default:
		return -EINVAL;
	}
	err = timerfd_create(clockid, (unsigned)flags & O_NONBLOCK, &f);
	return err ? err : fd_give(f, (unsigned)flags & O_CLOEXEC);
}

long sys_timerfd_settime(int ufd, int flags,
			 const struct itimerspec64 __user *new,
			 struct itimerspec64 __user *old)
{
	struct itimerspec64 n, o;
	struct fd fd;
	long err = -EINVAL;

	if (copy_from_user(&n, new, sizeof(n)))
		return -EFAULT;
	if ((unsigned)flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
	    !timespec_valid(&n.value) || !timespec_valid(&n.interval))
		return -EINVAL;
	fd = fd_find(ufd);
	if (!fd.file)
		return -EBADF;
	if (is_timerfd(fd.file) && ((unsigned)flags & TFD_TIMER_ABSTIME))
		n.value = ns_to_timespec(time_ns_to_host(
			timerfd_clock(fd.file), timespec_to_ns(&n.value)));
	if (is_timerfd(fd.file))
		err = timerfd_set(fd.file, (unsigned)flags, &n, &o);
	fd_release(fd);
	if (!err && old && copy_to_user(old, &o, sizeof(o)))
		err = -EFAULT;
	return err;
}

long sys_timerfd_gettime(int ufd, struct itimerspec64 __user *cur)
{
	struct itimerspec64 now;
	struct fd fd = fd_find(ufd);
	bool ok;

	if (!fd.file)
		return -EBADF;
	ok = is_timerfd(fd.file);
	if (ok)
		timerfd_get(fd.file, &now);
	fd_release(fd);
	if (!ok)
		return -EINVAL;
	return copy_to_user(cur, &now, sizeof(now));
}

long sys_signalfd4(int ufd, const u64 __user *mask, size_t size, int flags)
{
	struct file *f;
	struct fd fd;
	u64 set;
	int err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK) || size != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	set &= ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP));
	if (ufd == -1) {
		err = signalfd_create(set, (unsigned)flags & O_NONBLOCK, &f);
		return err ? err : fd_give(f, (unsigned)flags & O_CLOEXEC);
	}
	fd = fd_find(ufd);
	if (!fd.file)
		return -EBADF;
	err = signalfd_set_mask(fd.file, set);
	fd_release(fd);
	return err ? err : ufd;
}
