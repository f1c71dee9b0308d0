/* System calls of POSIX message queues. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <ipc/mqueue.h>
#include <kernel/task.h>
#include <signal/signal.h>
#include <task/posix_timer.h>

#define COOKIE_SIZE 32

struct sigevent_head {
	u64 value;
	s32 signo, notify;
};

long sys_mq_open(const char __user *uname, int flags, u32 mode,
		 const struct mq_attr __user *uattr)
{
	struct mq_attr attr;
	struct filename fn;
	long ret;

	if (uattr && copy_from_user(&attr, uattr, sizeof(attr)))
		return -EFAULT;
	ret = filename_get(uname, 0, &fn);
	if (ret)
		return ret;
	ret = mq_open(fn.name, flags, mode, uattr ? &attr : NULL);
	filename_put(&fn);
	return ret;
}

long sys_mq_unlink(const char __user *uname)
{
	struct filename fn;
	long ret = filename_get(uname, 0, &fn);

	if (ret)
		return ret;
	ret = mq_unlink(fn.name);
	filename_put(&fn);
	return ret;
}

/* A point in time of the wall clock. */
static int get_deadline(const struct timespec64 __user *uts, u64 *deadline)
{
	struct timespec64 ts;

	*deadline = 0;
	if (!uts)
		return 0;
	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*deadline = clock_to_monotonic(CLOCK_REALTIME, timespec_to_ns(&ts));
	*deadline += !*deadline;
	return 0;
}

long sys_mq_timedsend(int fd, const char __user *buf, size_t n, unsigned prio,
		      const struct timespec64 __user *uts)
{
	u64 deadline;
	int err = get_deadline(uts, &deadline);

	return err ? err : mq_send(fd, buf, n, prio, deadline);
}

long sys_mq_timedreceive(int fd, char __user *buf, size_t n,
			 unsigned __user *prio,
			 const struct timespec64 __user *uts)
{
	u64 deadline;
	int err = get_deadline(uts, &deadline);

	return err ? err : mq_receive(fd, buf, n, prio, deadline);
}

/* SIGEV_THREAD wants a cookie sent through a netlink socket, and no socket is
 * one. */
static int check_thread_event(const struct sigevent_head *ev)
{
	u8 cookie[COOKIE_SIZE];
	struct fd fd;
	int err = -ENOTSOCK;

	if (copy_from_user(cookie, (void __user *)ev->value, sizeof(cookie)))
		return -EFAULT;
	fd = fd_find(ev->signo);
	if (!fd.file)
		return -EBADF;
	if (S_ISSOCK(fd.file->inode->mode))
		err = -EINVAL;
	fd_release(fd);
	return err;
}

static int check_event(const struct sigevent_head *ev)
{
	switch (ev->notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_SIGNAL:
		return ev->signo < 0 || ev->signo > NSIG ? -EINVAL : 0;
	case SIGEV_THREAD:
		return check_thread_event(ev);
	}
	return -EINVAL;
}

long sys_mq_notify(int fd, const void __user *uevent)
{
	struct sigevent_head ev;
	struct mq_event e;
	int err;

	if (!uevent)
		return mq_notify(fd, NULL);
	if (copy_from_user(&ev, uevent, sizeof(ev)))
		return -EFAULT;
	err = check_event(&ev);
	if (err)
		return err;
	e = (struct mq_event){ ev.notify, ev.signo, ev.value };
	return mq_notify(fd, &e);
}

long sys_mq_getsetattr(int fd, const struct mq_attr __user *unew,
		       struct mq_attr __user *uold)
{
	struct mq_attr new, old;
	int err;

	if (unew && copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	err = mq_getsetattr(fd, unew ? &new : NULL, &old);
	if (err)
		return err;
	return uold && copy_to_user(uold, &old, sizeof(old)) ? -EFAULT : 0;
}
