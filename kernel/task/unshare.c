/*
 * unshare - gives a task its own of what clone() let it share.
 */
#include "task_impl.h"

#include <fs/fdtable.h>
#include <fs/vfs.h>
#include <ipc/ipc.h>
#include <kernel/spinlock.h>
#include <lib/errno.h>
#include <mm/mm.h>

#define UNSHARE_KNOWN                                                          \
	(CLONE_THREAD | CLONE_FS | CLONE_NEWNS | CLONE_SIGHAND | CLONE_VM |    \
	 CLONE_FILES | CLONE_SYSVSEM | CLONE_NEWUTS | CLONE_NEWPID |           \
	 CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUSER | CLONE_NEWCGROUP |       \
	 CLONE_NEWTIME)

static int check(u64 flags)
{
	struct task *t = current;

	if (flags & ~UNSHARE_KNOWN)
		return -EINVAL;
	/* These cannot be parted; fine if nobody shares them. */
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) &&
	    !thread_group_empty(t->process))
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) &&
	    ref_count(&t->sighand->refs) > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && ref_count(&t->mm->users) > 1)
		return -EINVAL;
	return 0;
}

static int own_fs(struct task *t)
{
	struct fs_struct *old = t->fs, *fs;
	int err;

	if (ref_count(&old->refs) == 1)
		return 0;
	err = fs_struct_copy(old, &fs);
	if (err)
		return err;
	irq_lock(&t->alloc_lock);
	t->fs = fs;
	irq_unlock(&t->alloc_lock);
	fs_struct_put(old);
	return 0;
}

static int own_namespaces(struct task *t, u64 flags, struct user_ns *user)
{
	struct nsproxy *old = t->nsproxy, *n;
	int err = nsproxy_copy(flags, old, user, t->fs, &n);

	if (err)
		return err;
	irq_lock(&t->alloc_lock);
	t->nsproxy = n;
	irq_unlock(&t->alloc_lock);
	nsproxy_put(old);
	return 0;
}

/* With a user namespace of one's own if asked for: the others are its. */
static int own_rights_and_namespaces(struct task *t, u64 flags)
{
	struct cred *c;
	int err;

	if (!(flags & CLONE_NEWUSER))
		return own_namespaces(t, flags, current_user_ns());
	err = cred_prepare(&c);
	if (err)
		return err;
	err = user_ns_create(c);
	if (!err)
		err = own_namespaces(t, flags, c->user_ns);
	if (err)
		cred_put(c);
	else
		cred_commit(c);
	return err;
}

int do_unshare(u64 flags)
{
	struct task *t = current;
	int err;

	/* A user namespace is for the whole process; mounts of one's own need
	 * a root of one's own. */
	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	err = check(flags);
	if (!err && (flags & (CLONE_FS | CLONE_NEWNS)))
		err = own_fs(t);
	if (!err && (flags & CLONE_FILES))
		err = files_unshare();
	if (!err && (flags & CLONE_NEWIPC))
		shm_exit(t);
	if (!err)
		err = own_rights_and_namespaces(t, flags);
	if (!err && (flags & (CLONE_NEWIPC | CLONE_SYSVSEM)))
		sem_exit(t);
	return err;
}
