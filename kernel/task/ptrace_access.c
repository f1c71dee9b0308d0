/*
 * ptrace_access - may current look into (or meddle with) another process?
 * /proc, process_vm_readv, kcmp, prlimit and their like ask here.  The rules
 * are those of ptrace(2), "Ptrace access mode checking".
 */
#include "task_impl.h"

#include <lib/errno.h>
#include <mm/mm.h>

static bool same_ids(const struct cred *me, const struct cred *c,
		     unsigned mode)
{
	u32 uid = mode & PTRACE_MODE_FSCREDS ? me->fsuid : me->uid;
	u32 gid = mode & PTRACE_MODE_FSCREDS ? me->fsgid : me->gid;

	return uid == c->euid && uid == c->suid && uid == c->uid &&
	       gid == c->egid && gid == c->sgid && gid == c->gid;
}

static int check_ids(struct task *t, unsigned mode)
{
	const struct cred *me = current->cred;
	const struct user_ns *secret = NULL;
	const struct cred *c;
	capset_t mine;
	int err = 0;

	if (t->process == current->process)
		return 0;
	rcu_read_lock();
	c = rcu_dereference(t->real_cred);
	mine = mode & PTRACE_MODE_FSCREDS ? me->effective : me->permitted;
	if ((!same_ids(me, c, mode) || c->user_ns != me->user_ns ||
	     (c->permitted & ~mine)) &&
	    !ns_capable(c->user_ns, CAP_SYS_PTRACE))
		err = -EPERM;
	rcu_read_unlock();
	if (err)
		return err;
	/* The lock keeps mm: this is also asked under spinlocks. */
	irq_lock(&t->alloc_lock);
	if (t->mm && t->mm->dumpable != 1)
		secret = t->mm->user_ns ? t->mm->user_ns : &init_user_ns;
	if (secret && !ns_capable(secret, CAP_SYS_PTRACE))
		err = -EPERM;
	irq_unlock(&t->alloc_lock);
	return err;
}

int ptrace_may_access(struct task *t, unsigned mode)
{
	int err = check_ids(t, mode);

	if (err || !(mode & PTRACE_MODE_ATTACH) ||
	    t->process == current->process)
		return err;
	return ptrace_scope_check(t);
}

/* An exec would give the task other memory, and then other rights, while one is
 * looked at after the other. */
int ptrace_get_mm(struct task *t, unsigned mode, struct mm **out)
{
	struct mutex *lock = &t->process->exec_lock;
	int err = mutex_lock_killable(lock);

	*out = NULL;
	if (err)
		return err;
	if (!t->mm || t->mm != current->mm)
		err = ptrace_may_access(t, mode);
	if (!err)
		*out = task_get_mm(t);
	mutex_unlock(lock);
	return err;
}
