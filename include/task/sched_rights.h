#pragma once
/* Who may schedule whom, and nice values of groups of tasks. */
#include <sched/sched.h>

struct task;

bool sched_same_owner(struct task *t);
/* -EPERM, by the rules of sched(7): rlimits and CAP_SYS_NICE. */
int __must_check sched_may_set(struct task *t, const struct sched_params *p);
/* sched_setscheduler and sched_setparam: nice stays what it is. */
int sched_apply_legacy(int pid, struct sched_params *p);
/* setpriority, getpriority: `which` is PRIO_*. get: 20 - nice, or -ESRCH. */
int nice_set(int which, int who, int nice);
long nice_get(int which, int who);
