/* System calls that make tasks or part them. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <lib/string.h>
#include <task/ns.h>
#include <task/pid.h>
#include <task/process.h>
#include <uapi/task.h>

#define MAX_SET_TID 32

long sys_clone(unsigned long flags, unsigned long stack,
	       int __user *parent_tid, unsigned long tls,
	       int __user *child_tid)
{
	struct clone_args_k a = {
		.flags = (u32)flags & ~0xffu,
		.exit_signal = flags & 0xff,
		.pidfd = parent_tid,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.stack = stack,
		.tls = tls,
	};

	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	if (a.exit_signal > NSIG)
		return -EINVAL;
	return do_clone(&a);
}

/* Fields this kernel does not know must be 0. */
static int get_clone_args(struct clone_args *to,
			  const struct clone_args __user *from, size_t size)
{
	u8 rest;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	memset(to, 0, sizeof(*to));
	if (copy_from_user(to, from, min(size, sizeof(*to))))
		return -EFAULT;
	for (size_t i = sizeof(*to); i < size; i++) {
		if (get_user(rest, (const u8 __user *)from + i))
			return -EFAULT;
		if (rest)
			return -E2BIG;
	}
	return 0;
}

static int check_clone_args(const struct clone_args *u)
{
	if (u->set_tid_size > MAX_SET_TID || !u->set_tid != !u->set_tid_size)
		return -EINVAL;
	if (u->exit_signal > NSIG || (u->flags & (CLONE_DETACHED | 0x7f)) ||
	    ((u->flags & (CLONE_THREAD | CLONE_PARENT)) && u->exit_signal))
		return -EINVAL;
	if (!u->stack)
		return u->stack_size ? -EINVAL : 0;
	if (!u->stack_size ||
	    !access_ok((void __user *)(uintptr_t)u->stack, u->stack_size))
		return -EINVAL;
	return 0;
}

long sys_clone3(const struct clone_args __user *uargs, size_t size)
{
	int set_tid[MAX_SET_TID];
	struct clone_args u;
	int err;

	err = get_clone_args(&u, uargs, size);
	if (!err)
		err = check_clone_args(&u);
	if (err)
		return err;
	if (u.set_tid_size &&
	    copy_from_user(set_tid, (void __user *)(uintptr_t)u.set_tid,
			   u.set_tid_size * sizeof(int)))
		return -EFAULT;
	return do_clone(&(struct clone_args_k){
		.flags = u.flags, .exit_signal = (int)u.exit_signal,
		.pidfd = (int __user *)(uintptr_t)u.pidfd,
		.parent_tid = (int __user *)(uintptr_t)u.parent_tid,
		.child_tid = (int __user *)(uintptr_t)u.child_tid,
		.stack = u.stack ? u.stack + u.stack_size : 0,
		.tls = u.tls, .set_tid = set_tid,
		.set_tid_size = (unsigned)u.set_tid_size,
	});
}

long sys_unshare(unsigned long flags)
{
	return do_unshare(flags);
}

/* Those of a task that flags name. */
static int join_task(struct pid *p, u64 flags)
{
	/* The user namespace first: it gives the rights to the others. */
	static const u64 types[NS_JOIN_MAX] = {
		CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWUTS,
		CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWTIME,
	};
	struct ns_ref refs[NS_JOIN_MAX];
	struct task *t;
	unsigned n = 0;
	int err;

	t = pid_task_get(p);
	if (!t)
		return -ESRCH;
	err = ptrace_may_access(t, PTRACE_MODE_READ | PTRACE_MODE_REALCREDS);
	for (int i = 0; !err && i < NS_JOIN_MAX; i++)
		if (flags & types[i]) {
			err = ns_ref_of_task(t, types[i], false, &refs[n]);
			if (err)
				err = -ESRCH;
			else
				n++;
		}
	task_put(t);
	if (!err)
		err = ns_join(refs, n);
	while (n-- > 0)
		ns_ref_put(&refs[n]);
	return err;
}

static int join_pidfd(struct file *f, u64 flags)
{
	struct pid *p = pidfd_pid(f);

	if (!p || !flags || (flags & ~(CLONE_NEWUTS | CLONE_NEWIPC |
				       CLONE_NEWPID | CLONE_NEWNS |
				       CLONE_NEWUSER | CLONE_NEWTIME)))
		return -EINVAL;
	return join_task(p, flags);
}

long sys_setns(int fdno, int flags)
{
	const struct ns_ref *r;
	struct fd fd = fd_find(fdno);
	int err = -EINVAL;

	if (!fd.file)
		return -EBADF;
	r = ns_of_inode(fd.file->inode);
	if (!r)
		err = join_pidfd(fd.file, (u32)flags);
	else if (!flags || r->type == (u32)flags)
		err = ns_join(r, 1);
	fd_release(fd);
	return err;
}

long sys_set_tid_address(int __user *p)
{
	current->clear_child_tid = p;
	return task_vpid(current);
}
