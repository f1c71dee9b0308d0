/* The system calls of epoll and eventfd. */
#include <arch/uaccess.h>
#include <fs/eventfd.h>
#include <fs/eventpoll.h>
#include <fs/fdtable.h>
#include <signal/signal.h>
#include <syscall_prototypes.h>

/* Installs a fresh file, or drops it. */
long sys_eventfd2(unsigned count, int flags)
{
	struct file *f;
	int err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | EFD_SEMAPHORE))
		return -EINVAL;
	err = eventfd_create(count, flags & EFD_SEMAPHORE,
			     (unsigned)flags & O_NONBLOCK, &f);
	return err ? err : fd_give(f, (unsigned)flags & O_CLOEXEC);
}

long sys_epoll_create1(int flags)
{
	struct file *f;
	int err;

	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	err = eventpoll_create(0, &f);
	return err ? err : fd_give(f, (unsigned)flags & O_CLOEXEC);
}

long sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event __user *uev)
{
	struct epoll_event ev = { 0, 0 };
	struct fd ep, target;
	long err = -EBADF;

	if (op != EPOLL_CTL_DEL && copy_from_user(&ev, uev, sizeof(ev)))
		return -EFAULT;
	ep = fd_find(epfd);
	if (!ep.file)
		return -EBADF;
	target = fd_find(fd);
	if (target.file) {
		err = eventpoll_ctl(ep.file, op, fd, target.file, &ev);
		fd_release(target);
	}
	fd_release(ep);
	return err;
}

static long epoll_wait_masked(int epfd, struct epoll_event __user *events,
			      int max, u64 deadline, const u64 __user *mask,
			      size_t size)
{
	struct fd ep;
	long ret = sigmask_set_temp(mask, size);

	if (ret)
		return ret;
	ret = -EBADF;
	ep = fd_find(epfd);
	if (ep.file) {
		ret = eventpoll_wait(ep.file, events, max, deadline);
		fd_release(ep);
	}
	sigmask_restore_temp(ret == -EINTR);
	return ret;
}

long sys_epoll_pwait(int epfd, struct epoll_event __user *events, int max,
		     int timeout_ms, const u64 __user *mask, size_t size)
{
	u64 deadline = 0;

	if (timeout_ms == 0)
		deadline = 1;
	else if (timeout_ms > 0)
		deadline = clock_ns() + (u64)timeout_ms * NSEC_PER_MSEC;
	return epoll_wait_masked(epfd, events, max, deadline, mask, size);
}

long sys_epoll_pwait2(int epfd, struct epoll_event __user *events, int max,
		      const struct timespec64 __user *ts,
		      const u64 __user *mask, size_t size)
{
	struct timespec64 t;
	u64 deadline = 0;

	if (ts) {
		if (copy_from_user(&t, ts, sizeof(t)))
			return -EFAULT;
		if (!timespec_valid(&t))
			return -EINVAL;
		deadline = timespec_to_ns(&t);
		if (!deadline)
			deadline = 1;
		else if (add_overflow(clock_ns(), deadline, &deadline))
			deadline = 0;
	}
	return epoll_wait_masked(epfd, events, max, deadline, mask, size);
}
