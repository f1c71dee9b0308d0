/*
 * session - process groups and sessions (setpgid, setsid).
 *
 * Locks:   tasklist_lock for writing.
 */
#include "task_impl.h"

#include <lib/errno.h>
#include <task/session.h>

/* The caller may move p: itself, or a child that has not exec'd. */
static int check_target(struct task *t)
{
	struct task *me = current->group_leader;

	if (!task_is_leader(t))
		return -EINVAL;
	if (t->real_parent->process == me->process) {
		if (task_session(t) != task_session(me))
			return -EPERM;
		return t->flags & TF_FORKNOEXEC ? 0 : -EACCES;
	}
	return t == me ? 0 : -ESRCH;
}

/* The group exists in the session, or is to be founded by its leader. */
static int find_group(struct task *t, int pgid, struct pid **out)
{
	struct process *p;

	if (pid_vnr(t->thread_pid) == pgid) {
		*out = t->thread_pid;
		return 0;
	}
	*out = pid_find(pgid);
	if (!*out)
		return -EPERM;
	p = pid_process_of((*out)->tasks[PIDTYPE_PGID].first, PIDTYPE_PGID);
	if (!p || p->pids[PIDTYPE_SID] != task_session(current))
		return -EPERM;
	return 0;
}

int session_setpgid(int pid, int pgid)
{
	struct pid *pgrp;
	struct task *t;
	int err = -ESRCH;

	if (!pid)
		pid = task_vtgid(current);
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	write_lock(&tasklist_lock);
	t = pid_task(pid_find(pid), PIDTYPE_PID);
	if (!t)
		goto out;
	err = check_target(t);
	if (!err && t->process->is_session_leader)
		err = -EPERM;
	if (!err)
		err = find_group(t, pgid, &pgrp);
	if (!err && t->process->pids[PIDTYPE_PGID] != pgrp)
		process_change_pid(t->process, PIDTYPE_PGID, pgrp);
out:
	write_unlock(&tasklist_lock);
	return err;
}

int session_setsid(void)
{
	struct process *p = current->process;
	struct pid *sid = p->leader->thread_pid;
	int nr = pid_vnr(sid);

	write_lock(&tasklist_lock);
	if (p->is_session_leader || !hlist_empty(&sid->tasks[PIDTYPE_PGID])) {
		write_unlock(&tasklist_lock);
		return -EPERM;
	}
	p->is_session_leader = true;
	process_change_pid(p, PIDTYPE_SID, sid);
	process_change_pid(p, PIDTYPE_PGID, sid);
	irq_lock(p->siglock);
	p->tty = NULL;
	irq_unlock(p->siglock);
	write_unlock(&tasklist_lock);
	return nr;
}
