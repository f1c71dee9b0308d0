/*
 * ioprio - I/O priorities of tasks.
 *
 * Theory:  task.ioprio is what was set, in Linux's form (class, level), or 0:
 *          then class and level follow from policy and nice value.  The class
 *          goes with each request, and a disk's queue is in the order of
 *          classes; the levels are kept, and told, but do not order anything,
 *          as with Linux's usual scheduler for a disk with one queue.
 * Locks:   a 16-bit field, written and read whole.
 * Life:    a child inherits it, by fork's copy.
 */
#include "task_impl.h"

#include <lib/errno.h>
#include <sched/sched.h>
#include <task/ioprio.h>
#include <task/sched_rights.h>

#define LEVEL_MASK 7u

struct ioprio_visit {
	struct task_visit visit;
	u16 prio;		/* to be set, or the best seen */
};

static int check(unsigned prio)
{
	switch (IOPRIO_CLASS(prio)) {
	case IO_CLASS_NONE:
		return prio & LEVEL_MASK ? -EINVAL : 0;
	case IO_CLASS_RT:
		return capable(CAP_SYS_ADMIN) || capable(CAP_SYS_NICE) ?
			       0 : -EPERM;
	case IO_CLASS_BE:
	case IO_CLASS_IDLE:
		return 0;
	}
	return -EINVAL;
}

static bool may_set(struct task *t)
{
	const struct cred *c = current->cred;
	u32 uid = rcu_dereference(t->real_cred)->uid;

	return uid == c->euid || uid == c->uid || capable(CAP_SYS_NICE);
}

/* The first refusal ends it. */
static void set_one(struct task_visit *visit, struct task *t)
{
	struct ioprio_visit *v =
		container_of(visit, struct ioprio_visit, visit);

	if (visit->err && visit->err != -ESRCH)
		return;
	visit->err = may_set(t) ? 0 : -EPERM;
	if (!visit->err)
		WRITE_ONCE(t->ioprio, v->prio);
}

/* For one task what was set, for many the best of them. */
static void get_one(struct task_visit *visit, struct task *t)
{
	struct ioprio_visit *v =
		container_of(visit, struct ioprio_visit, visit);
	u16 prio = READ_ONCE(t->ioprio);

	v->prio = visit->err ? prio : min(v->prio, prio);
	visit->err = 0;
}

int ioprio_set(int which, int who, unsigned prio)
{
	struct ioprio_visit v = { .visit.one = set_one, .prio = (u16)prio };
	int err = check(prio);

	if (err)
		return err;
	if (which < WHO_PROCESS || which > WHO_USER)
		return -EINVAL;
	return task_visit(&v.visit, (enum task_who)which, who);
}

long ioprio_get(int which, int who)
{
	struct ioprio_visit v = { .visit.one = get_one };
	int err;

	if (which < WHO_PROCESS || which > WHO_USER)
		return -EINVAL;
	err = task_visit(&v.visit, (enum task_who)which, who);
	return err ? err : v.prio;
}
