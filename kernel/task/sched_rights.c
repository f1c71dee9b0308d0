/*
 * sched_rights - the policy in front of the scheduler's mechanism.
 */
#include "task_impl.h"

#include <lib/errno.h>
#include <task/sched_rights.h>

enum { WHO_PROCESS, WHO_PGRP, WHO_USER };

bool sched_same_owner(struct task *t)
{
	const struct cred *c;
	bool yes;

	rcu_read_lock();
	c = rcu_dereference(t->real_cred);
	yes = current->cred->euid == c->euid || current->cred->euid == c->uid;
	rcu_read_unlock();
	return yes;
}

/* RLIMIT_NICE allows it: 40 for -20 down to 1 for 19. */
static bool nice_is_allowed(struct task *t, int nice)
{
	return (u64)(20 - nice) <= task_rlimit(t, RLIMIT_NICE);
}

static bool rt_is_allowed(struct task *t, const struct sched_params *p)
{
	u64 limit = task_rlimit(t, RLIMIT_RTPRIO);

	if (p->policy != t->policy && !limit)
		return false;
	return p->priority <= t->rt_priority || p->priority <= limit;
}

static bool needs_privilege(struct task *t, const struct sched_params *p)
{
	switch (p->policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		if (!rt_is_allowed(t, p))
			return true;
		break;
	case SCHED_DEADLINE:
		return true;
	default:
		if (p->nice < task_nice(t) && !nice_is_allowed(t, p->nice))
			return true;
	}
	if (t->policy == SCHED_IDLE && p->policy != SCHED_IDLE &&
	    !nice_is_allowed(t, task_nice(t)))
		return true;
	if (t->reset_on_fork && !(p->flags & SCHED_FLAG_RESET_ON_FORK))
		return true;
	return !sched_same_owner(t);
}

int sched_may_set(struct task *t, const struct sched_params *p)
{
	return needs_privilege(t, p) && !capable(CAP_SYS_NICE) ? -EPERM : 0;
}

int sched_apply_legacy(int pid, struct sched_params *p)
{
	struct task *t = pid ? task_find_get(pid) : task_get(current);
	int err;

	if (!t)
		return -ESRCH;
	if (p->flags & SCHED_FLAG_KEEP_POLICY) {
		p->policy = t->policy;
		p->flags = t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	}
	p->nice = task_nice(t);
	err = sched_may_set(t, p);
	if (!err)
		err = sched_set(t, p);
	task_put(t);
	return err;
}

/* --- nice values of many -----------------------------------------------------*/

struct visit {
	bool is_set;
	int nice;		/* to be set */
	long best;		/* 20 - nice of the most favoured */
	int err;
};

static void set_one(struct visit *v, struct task *t)
{
	if (!sched_same_owner(t) && !task_capable(t, CAP_SYS_NICE)) {
		v->err = -EPERM;
		return;
	}
	if (v->nice < task_nice(t) && !nice_is_allowed(t, v->nice) &&
	    !capable(CAP_SYS_NICE)) {
		v->err = -EACCES;
		return;
	}
	if (v->err == -ESRCH)
		v->err = 0;
	sched_set_nice(t, v->nice);
}

static void visit_one(struct visit *v, struct task *t)
{
	if (v->is_set) {
		set_one(v, t);
	} else {
		v->best = max(v->best, 20l - task_nice(t));
		v->err = 0;
	}
}

static void visit_pgrp(struct visit *v, int who)
{
	struct pid *pgrp = who ? pid_find(who) : task_pgrp(current);
	struct process *p;
	struct task *t;

	if (!pgrp)
		return;
	for_each_pid_process(p, pgrp, PIDTYPE_PGID)
		for_each_thread(t, p)
			visit_one(v, t);
}

static void visit_user(struct visit *v, int who)
{
	u32 uid = who ? make_kuid(current_user_ns(), (u32)who) :
			current->cred->uid;
	struct task *t;

	if (uid == INVALID_ID)
		return;
	list_for_each_entry_rcu(t, &all_tasks, all_node)
		if (rcu_dereference(t->real_cred)->uid == uid)
			visit_one(v, t);
}

static void visit(struct visit *v, int which, int who)
{
	struct task *t;

	v->err = -ESRCH;
	read_lock(&tasklist_lock);
	switch (which) {
	case WHO_PROCESS:
		t = who ? pid_task(pid_find(who), PIDTYPE_PID) : current;
		if (t)
			visit_one(v, t);
		break;
	case WHO_PGRP:
		visit_pgrp(v, who);
		break;
	case WHO_USER:
		visit_user(v, who);
		break;
	}
	read_unlock(&tasklist_lock);
}

int nice_set(int which, int who, int nice)
{
	struct visit v = { .is_set = true, .nice = nice };

	visit(&v, which, who);
	return v.err;
}

long nice_get(int which, int who)
{
	struct visit v = { .best = -1 };

	visit(&v, which, who);
	return v.err ? v.err : v.best;
}
