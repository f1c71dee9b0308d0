#pragma once
/* Who may schedule whom, and nice values of groups of tasks. */
#include <sched/sched.h>

struct task;

bool sched_same_owner(struct task *t);
/* sched_setattr: -EPERM by the rules of sched(7), which are rlimits and
 * CAP_SYS_NICE.  *p gets what SCHED_FLAG_KEEP_* say is to stay. */
int __must_check sched_apply(struct task *t, struct sched_params *p);
/* sched_setscheduler and sched_setparam: nice stays what it is. */
int sched_apply_legacy(int pid, struct sched_params *p);

/* Which tasks: PRIO_PROCESS and kin; IOPRIO_WHO_* are one more. */
enum task_who { WHO_PROCESS, WHO_PGRP, WHO_USER };
/* Calls v->one for each of them, with tasklist_lock held for reading; it sets
 * v->err, which is -ESRCH before the first.  Returns v->err. */
struct task_visit {
	void (*one)(struct task_visit *v, struct task *t);
	int err;
};
int task_visit(struct task_visit *v, enum task_who which, int who);
/* setpriority, getpriority.  get: 20 - nice, or -ESRCH. */
int nice_set(enum task_who which, int who, int nice);
long nice_get(enum task_who which, int who);
