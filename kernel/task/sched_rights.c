/*
 * sched_rights - the policy in front of the scheduler's mechanism.
 */
#include "task_impl.h"

#include <lib/errno.h>
#include <task/sched_rights.h>

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

/* What is to stay as it is, so that it is checked as all else is. */
static void fill_kept(struct task *t, struct sched_params *p)
{
	struct sched_params now;

	sched_get(t, &now);
	if (p->flags & SCHED_FLAG_KEEP_POLICY) {
		p->policy = now.policy;
		p->flags &= ~(u64)SCHED_FLAG_RESET_ON_FORK;
		p->flags |= now.flags;
	}
	if (!(p->flags & SCHED_FLAG_KEEP_PARAMS))
		return;
	if (now.policy == SCHED_DEADLINE) {
		p->runtime = now.runtime;
		p->deadline = now.deadline;
		p->period = now.period;
	} else if (now.policy == SCHED_FIFO || now.policy == SCHED_RR) {
		p->priority = now.priority;
	} else {
		p->nice = now.nice;
	}
}

int sched_apply(struct task *t, struct sched_params *p)
{
	int err;

	fill_kept(t, p);
	err = sched_check(p);
	if (!err && needs_privilege(t, p) && !capable(CAP_SYS_NICE))
		err = -EPERM;
	return err ? err : sched_set(t, p);
}

int sched_apply_legacy(int pid, struct sched_params *p)
{
	struct task *t = pid ? task_find_get(pid) : task_get(current);
	int err;

	if (!t)
		return -ESRCH;
	p->nice = task_nice(t);
	err = sched_apply(t, p);
	task_put(t);
	return err;
}

/* --- the tasks that setpriority and ioprio_set mean ---------------------------*/

static void visit_pgrp(struct task_visit *v, int who)
{
	struct pid *pgrp = who ? pid_find(who) : task_pgrp(current);
	struct process *p;
	struct task *t;

	if (!pgrp)
		return;
	for_each_pid_process(p, pgrp, PIDTYPE_PGID)
		for_each_thread(t, p)
			v->one(v, t);
}

static void visit_user(struct task_visit *v, int who)
{
	u32 uid = who ? make_kuid(current_user_ns(), (u32)who) :
			current->cred->uid;
	struct task *t;

	if (uid == INVALID_ID)
		return;
	list_for_each_entry_rcu(t, &all_tasks, all_node)
		if (rcu_dereference(t->real_cred)->uid == uid)
			v->one(v, t);
}

int task_visit(struct task_visit *v, enum task_who which, int who)
{
	struct task *t;

	v->err = -ESRCH;
	read_lock(&tasklist_lock);
	switch (which) {
	case WHO_PROCESS:
		t = who ? pid_task(pid_find(who), PIDTYPE_PID) : current;
		if (t)
			v->one(v, t);
		break;
	case WHO_PGRP:
		visit_pgrp(v, who);
		break;
	case WHO_USER:
		visit_user(v, who);
		break;
	}
	read_unlock(&tasklist_lock);
	return v->err;
}

/* --- nice values of many -----------------------------------------------------*/

struct nice_visit {
	struct task_visit visit;
	int nice;		/* to be set */
	long best;		/* 20 - nice of the most favoured */
};

static void set_one(struct task_visit *visit, struct task *t)
{
	struct nice_visit *v = container_of(visit, struct nice_visit, visit);

	if (!sched_same_owner(t) && !task_capable(t, CAP_SYS_NICE)) {
		visit->err = -EPERM;
		return;
	}
	if (v->nice < task_nice(t) && !nice_is_allowed(t, v->nice) &&
	    !capable(CAP_SYS_NICE)) {
		visit->err = -EACCES;
		return;
	}
	if (visit->err == -ESRCH)
		visit->err = 0;
	sched_set_nice(t, v->nice);
}

static void get_one(struct task_visit *visit, struct task *t)
{
	struct nice_visit *v = container_of(visit, struct nice_visit, visit);

	v->best = max(v->best, 20l - task_nice(t));
	visit->err = 0;
}

int nice_set(enum task_who which, int who, int nice)
{
	struct nice_visit v = { .visit.one = set_one, .nice = nice };

	return task_visit(&v.visit, which, who);
}

long nice_get(enum task_who which, int who)
{
	struct nice_visit v = { .visit.one = get_one, .best = -1 };
	int err = task_visit(&v.visit, which, who);

	return err ? err : v.best;
}
