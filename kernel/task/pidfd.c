/*
 * pidfd - a descriptor for a process, or with PIDFD_THREAD for one thread.
 *
 * Theory:  the file owns a reference to the struct pid, so the number cannot
 *          come to mean another task.  It is readable once the task is dead.
 */
#include "task_impl.h"

#include <fs/fdtable.h>
#include <fs/vfs.h>
#include <lib/printf.h>
#include <task/pidfd.h>

struct pid *(*pid_of_dir_hook)(struct file *f);	/* const after init */

/* Not a leader before its last thread: an exec may yet give its number to one
 * of them. */
static bool is_dead(struct pid *p)
{
	struct task *t;
	bool yes = true;

	rcu_read_lock();
	t = pid_task(p, PIDTYPE_PID);
	if (t)
		yes = READ_ONCE(t->exit_state) &&
		      (!task_is_leader(t) || thread_group_empty(t->process));
	rcu_read_unlock();
	return yes;
}

static u32 pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct pid *p = f->priv;

	poll_wait(f, &p->poll, pt);
	if (!is_dead(p))
		return 0;
	return pid_task(p, PIDTYPE_PID) ? EPOLLIN | EPOLLRDNORM :
					  EPOLLIN | EPOLLRDNORM | EPOLLHUP;
}

static void pidfd_release(struct file *f)
{
	pid_put(f->priv);
}

static size_t pidfd_fdinfo(struct file *f, char *buf, size_t n)
{
	struct pid *p = f->priv;
	int nr = pid_task(p, PIDTYPE_PID) ? pid_vnr(p) : -1;

	return (size_t)kscnprintf(buf, n, "Pid:\t%d\nNSpid:\t%d\n", nr, nr);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_fdinfo,
	.llseek = no_llseek,
};

struct pid *pidfd_pid(struct file *f)
{
	return f->ops == &pidfd_ops ? f->priv : NULL;
}

int pidfd_prepare(struct pid *p, unsigned flags, struct file **file, int *fd)
{
	int err;

	err = fd_alloc(0, O_CLOEXEC, fd);
	if (err)
		return err;
	err = file_anon("[pidfd]", &pidfd_ops, pid_get(p), O_RDWR | flags,
			file);
	if (err) {
		pid_put(p);
		fd_free(*fd);
		return err;
	}
	(*file)->flags |= flags & PIDFD_THREAD;
	return 0;
}

void pidfd_cancel(struct file *file, int fd)
{
	file_put(file);
	fd_free(fd);
}

int pidfd_create(struct pid *p, unsigned flags, int *fd)
{
	struct file *f;
	int err;

	err = pidfd_prepare(p, flags, &f, fd);
	if (!err)
		fd_install(*fd, f);
	return err;
}

void pidfd_notify(struct task *t)
{
	struct pid *p = t->thread_pid;

	if (waitq_active(&p->poll))
		waitq_wake(&p->poll, TASK_NORMAL, 0,
			   EPOLLIN | EPOLLRDNORM | EPOLLHUP);
}
