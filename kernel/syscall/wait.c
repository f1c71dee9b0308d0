/* System calls that collect children. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <lib/string.h>
#include <task/process.h>
#include <task/rusage.h>
#include <uapi/task.h>

#define P_ALL 0
#define P_PID 1
#define P_PGID 2
#define P_PIDFD 3

#define WAIT4_OPTIONS (WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | \
		       __WCLONE | __WALL)
#define WAITID_OPTIONS (WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | \
			__WNOTHREAD | __WCLONE | __WALL)

/* wait4's number: who is meant, with a referenced pid. */
static int select_by_number(struct wait_request *rq, int pid)
{
	rq->pid = NULL;
	rq->type = PIDTYPES;
	if (pid == -1)
		return 0;
	if (pid == INT_MIN)
		return -ESRCH;
	if (pid > 0) {
		rq->type = PIDTYPE_PID;
		rq->pid = pid_find_get(pid);
	} else if (pid < 0) {
		rq->type = PIDTYPE_PGID;
		rq->pid = pid_find_get(-pid);
	} else {
		rq->type = PIDTYPE_PGID;
		rcu_read_lock();
		rq->pid = pid_get(task_pgrp(current));
		rcu_read_unlock();
	}
	return rq->pid ? 0 : -ECHILD;
}

static int put_usage(const struct wait_request *rq, struct rusage __user *ru)
{
	struct rusage r;

	if (!ru || !rq->found)
		return 0;
	rusage_fill(&r, &rq->usage);
	return copy_to_user(ru, &r, sizeof(r));
}

long sys_wait4(int pid, int __user *status, int options,
	       struct rusage __user *ru)
{
	struct wait_request rq = { .options = options | WEXITED };
	long ret;

	if (options & ~WAIT4_OPTIONS)
		return -EINVAL;
	ret = select_by_number(&rq, pid);
	if (ret)
		return ret;
	ret = do_wait(&rq);
	if (rq.pid)
		pid_put(rq.pid);
	if (ret > 0 && status && put_user(rq.status, status))
		return -EFAULT;
	if (ret > 0 && put_usage(&rq, ru))
		return -EFAULT;
	return ret;
}

static int select_by_fd(struct wait_request *rq, int fdno)
{
	struct fd fd = fd_find(fdno);
	struct pid *p;

	if (!fd.file)
		return -EBADF;
	p = pidfd_pid(fd.file);
	if (p) {
		rq->type = PIDTYPE_PID;
		rq->pid = pid_get(p);
		if (fd.file->flags & O_NONBLOCK)
			rq->options |= WNOHANG;
	}
	fd_release(fd);
	return p ? 0 : -EBADF;
}

static int select_by_id(struct wait_request *rq, int which, int id)
{
	switch (which) {
	case P_ALL:
		rq->type = PIDTYPES;
		return 0;
	case P_PID:
		return id <= 0 ? -EINVAL : select_by_number(rq, id);
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		return select_by_number(rq, id ? -id : 0);
	case P_PIDFD:
		return id < 0 ? -EINVAL : select_by_fd(rq, id);
	}
	return -EINVAL;
}

static int put_info(const struct wait_request *rq,
		    struct siginfo_user __user *u)
{
	struct siginfo i;

	if (!u)
		return 0;
	memset(&i, 0, sizeof(i));
	if (rq->found) {
		i.signo = SIGCHLD;
		i.code = rq->code;
		i.chld.pid = rq->tid;
		i.chld.uid = (u32)rq->uid;
		i.chld.status = rq->code == CLD_EXITED ? rq->status >> 8 :
				rq->code == CLD_STOPPED ||
				rq->code == CLD_TRAPPED ? rq->status >> 8 :
				rq->code == CLD_CONTINUED ? SIGCONT :
				rq->status & 0x7f;
	}
	/* As Linux: only the part that means something. */
	return copy_to_user(u, &i, offsetof(struct siginfo, chld.utime));
}

static long wait_by_id(struct wait_request *rq, int which, int id)
{
	int options = rq->options;
	long ret;

	if ((options & ~WAITID_OPTIONS) ||
	    !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	ret = select_by_id(rq, which, id);
	if (ret)
		return ret;
	ret = do_wait(rq);
	if (rq->pid)
		pid_put(rq->pid);
	/* The descriptor asked for it. */
	return !ret && rq->options != options ? -EAGAIN : ret;
}

/* As Linux: an error clears *info too. */
long sys_waitid(int which, int id, struct siginfo_user __user *info,
		int options, struct rusage __user *ru)
{
	struct wait_request rq = { .options = options };
	long ret = wait_by_id(&rq, which, id);

	if (put_usage(&rq, ru) || put_info(&rq, info))
		return -EFAULT;
	return min(ret, 0l);
}
