/*
 * ptrace_scope - whom a process may attach to, beyond what ids and
 * capabilities allow (/proc/sys/kernel/yama/ptrace_scope).
 *
 * Theory:  with scope 1 only ancestors may attach, and whom the process named
 *          by PR_SET_PTRACER: it and its descendants.  2: only who has
 *          CAP_SYS_PTRACE.  3: nobody, until the machine is off.
 * Locks:   process.ptracer is exchanged by its own process and read under RCU,
 *          so that the old one's reference goes a grace period later.
 */
#include "task_impl.h"

#include <kernel/rcu.h>
#include <lib/errno.h>

int sysctl_ptrace_scope;		/* racy: 0 to 3 */

enum { SCOPE_OFF, SCOPE_RELATED, SCOPE_CAPABLE, SCOPE_NONE };

/* RCU held. */
static bool is_descendant(const struct process *of, struct task *t)
{
	struct task *parent;

	for (; t; t = parent) {
		if (t->process == of)
			return true;
		parent = rcu_dereference(t->real_parent);
		if (parent == t)
			break;
	}
	return false;
}

/* RCU held. */
static bool may_as_named(const struct process *p)
{
	struct pid *named = READ_ONCE(p->ptracer);
	struct task *t;

	if (READ_ONCE(p->any_ptracer))
		return true;
	t = named ? pid_task(named, PIDTYPE_TGID) : NULL;
	return t && is_descendant(t->process, current);
}

/* RCU held. */
static bool is_related(struct task *t)
{
	struct task *tracer = READ_ONCE(t->ptrace) ?
			      rcu_dereference(t->parent) : NULL;

	return is_descendant(current->process, t) ||
	       (tracer && tracer->process == current->process) ||
	       may_as_named(t->process);
}

int ptrace_scope_check(struct task *t)
{
	int scope = READ_ONCE(sysctl_ptrace_scope);
	bool ok = true;

	if (scope == SCOPE_RELATED) {
		rcu_read_lock();
		ok = is_related(t);
		rcu_read_unlock();
	} else if (scope != SCOPE_OFF) {
		ok = false;
	}
	return ok || (scope != SCOPE_NONE && capable(CAP_SYS_PTRACE)) ?
	       0 : -EPERM;
}

int ptrace_scope_traceme(const struct cred *parent)
{
	int scope = READ_ONCE(sysctl_ptrace_scope);

	if (scope < SCOPE_CAPABLE ||
	    (scope == SCOPE_CAPABLE && cred_has_cap(parent, CAP_SYS_PTRACE)))
		return 0;
	return -EPERM;
}

int ptrace_scope_set_tracer(unsigned long nr)
{
	struct process *p = current->process;
	struct pid *named = NULL;
	struct task *t;

	if (nr && (int)nr != -1) {
		rcu_read_lock();
		t = pid_task(pid_find((int)nr), PIDTYPE_PID);
		if (t)
			named = pid_get(t->process->pids[PIDTYPE_TGID]);
		rcu_read_unlock();
		if (!named)
			return -EINVAL;
	}
	WRITE_ONCE(p->any_ptracer, (int)nr == -1);
	named = __atomic_exchange_n(&p->ptracer, named, __ATOMIC_ACQ_REL);
	/* Its number may be free already, so that this is the last reference;
	 * but may_as_named() looks at it without one. */
	if (named) {
		irqs_unmask();
		synchronize_rcu();
		pid_put(named);
	}
	return 0;
}
