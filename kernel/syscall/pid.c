/* System calls about numbers: tasks, groups, sessions, pidfds. */
#include <syscall_prototypes.h>

#include <fs/fdtable.h>
#include <task/pidfd.h>
#include <task/process.h>
#include <task/session.h>

long sys_getpid(void)
{
	return task_vtgid(current);
}

long sys_gettid(void)
{
	return task_vpid(current);
}

long sys_getppid(void)
{
	return task_vppid(current);
}

/* A number of another task, or ours for 0. */
static long ask(int pid, int (*what)(struct task *t))
{
	struct task *t;
	long nr;

	if (!pid)
		return what(current);
	t = task_find_get(pid);
	if (!t)
		return -ESRCH;
	nr = what(t);
	task_put(t);
	return nr;
}

long sys_getpgid(int pid)
{
	return ask(pid, task_vpgid);
}

long sys_getsid(int pid)
{
	return ask(pid, task_vsid);
}

long sys_setpgid(int pid, int pgid)
{
	if (pgid < 0 || (!pgid && pid < 0))
		return -EINVAL;
	if (pid < 0)
		return -ESRCH;
	return session_setpgid(pid, pgid);
}

long sys_setsid(void)
{
	return session_setsid();
}

long sys_pidfd_open(int pid, unsigned flags)
{
	struct task *t;
	struct pid *p;
	int fd, err = -ESRCH;

	if ((flags & ~(PIDFD_NONBLOCK | PIDFD_THREAD)) || pid <= 0)
		return -EINVAL;
	p = pid_find_get(pid);
	if (!p)
		return -ESRCH;
	rcu_read_lock();
	t = pid_task(p, PIDTYPE_PID);
	if (t)
		err = (flags & PIDFD_THREAD) || task_is_leader(t) ? 0 :
								    -EINVAL;
	rcu_read_unlock();
	if (!err)
		err = pidfd_create(p, flags, &fd);
	pid_put(p);
	return err ? err : fd;
}

static int get_file_of(struct task *t, int fdno, struct file **out)
{
	struct files *files;

	irq_lock(&t->alloc_lock);
	files = t->files;
	if (files)
		ref_get(&files->refs);
	irq_unlock(&t->alloc_lock);
	*out = files ? files_get_file(files, fdno) : NULL;
	if (files)
		files_put(files);
	return *out ? 0 : -EBADF;
}

/* A reference to another process's open file: no exec comes between the
 * question and the taking. */
static int steal_file(struct pid *p, int fdno, struct file **out)
{
	struct task *t = pid_task_get(p);
	int err;

	if (!t)
		return -ESRCH;
	err = mutex_lock_killable(&t->process->exec_lock);
	if (!err) {
		err = ptrace_may_access(t, PTRACE_MODE_ATTACH |
					PTRACE_MODE_REALCREDS);
		if (!err)
			err = get_file_of(t, fdno, out);
		mutex_unlock(&t->process->exec_lock);
	}
	task_put(t);
	return err;
}

long sys_pidfd_getfd(int pidfd, int fdno, unsigned flags)
{
	struct file *f = NULL;
	struct pid *p;
	struct fd fd;
	int ret;

	if (flags)
		return -EINVAL;
	fd = fd_find(pidfd);
	if (!fd.file)
		return -EBADF;
	p = pidfd_pid(fd.file);
	ret = p ? steal_file(p, fdno, &f) : -EBADF;
	if (!ret)
		ret = fd_give(f, O_CLOEXEC);
	fd_release(fd);
	return ret;
}
