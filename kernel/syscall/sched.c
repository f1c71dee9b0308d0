/* System calls about scheduling. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <lib/string.h>
#include <sched/sched.h>
#include <task/ioprio.h>
#include <task/process.h>
#include <task/sched_rights.h>
#include <uapi/task.h>

#define SCHED_RESET_ON_FORK 0x40000000
#define SCHED_ATTR_FLAGS (SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_RECLAIM | \
			  SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS)

/* 0 is the caller; referenced. */
static int find_any(int pid, struct task **t)
{
	*t = pid ? task_find_get(pid) : task_get(current);
	return *t ? 0 : -ESRCH;
}

/* The affinity calls do not tell a negative number from an unused one. */
static int find(int pid, struct task **t)
{
	return pid < 0 ? -EINVAL : find_any(pid, t);
}

long sys_sched_yield(void)
{
	sched_yield();
	return 0;
}

static int apply(int pid, struct sched_params *p)
{
	struct task *t;
	int err = find(pid, &t);

	if (err)
		return err;
	err = sched_apply(t, p);
	task_put(t);
	return err;
}

static int set_policy(int pid, int policy, const struct sched_param __user *up)
{
	struct sched_params p = { .policy = (u32)policy };
	struct sched_param param;

	if (!up || pid < 0)
		return -EINVAL;
	if (copy_from_user(&param, up, sizeof(param)))
		return -EFAULT;
	if (policy < 0)
		p.flags = SCHED_FLAG_KEEP_POLICY;
	else if (policy & SCHED_RESET_ON_FORK)
		p.flags = SCHED_FLAG_RESET_ON_FORK;
	p.policy &= ~SCHED_RESET_ON_FORK;
	if (param.priority < 0)
		return -EINVAL;
	p.priority = (u32)param.priority;
	return sched_apply_legacy(pid, &p);
}

long sys_sched_setscheduler(int pid, int policy,
			    const struct sched_param __user *up)
{
	return policy < 0 ? -EINVAL : set_policy(pid, policy, up);
}

long sys_sched_setparam(int pid, const struct sched_param __user *up)
{
	return set_policy(pid, -1, up);
}

long sys_sched_getscheduler(int pid)
{
	struct task *t;
	long ret = find(pid, &t);

	if (ret)
		return ret;
	ret = (long)t->policy;
	if (t->reset_on_fork)
		ret |= SCHED_RESET_ON_FORK;
	task_put(t);
	return ret;
}

long sys_sched_getparam(int pid, struct sched_param __user *up)
{
	struct sched_param param;
	struct sched_params p;
	struct task *t;
	int err;

	if (!up)
		return -EINVAL;
	err = find(pid, &t);
	if (err)
		return err;
	sched_get(t, &p);
	task_put(t);
	param.priority = p.policy == SCHED_FIFO || p.policy == SCHED_RR ?
			 (s32)p.priority : 0;
	return copy_to_user(up, &param, sizeof(param));
}

/* Sizes grow over time: unknown fields must be 0. */
static int get_attr(struct sched_attr *a, struct sched_attr __user *ua)
{
	u32 size;
	u8 rest;

	memset(a, 0, sizeof(*a));
	if (get_user(size, &ua->size))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		goto bad_size;
	if (copy_from_user(a, ua, min((size_t)size, sizeof(*a))))
		return -EFAULT;
	for (u32 i = sizeof(*a); i < size; i++) {
		if (get_user(rest, (u8 __user *)ua + i))
			return -EFAULT;
		if (rest)
			goto bad_size;
	}
	return 0;
bad_size:
	ignore_error(put_user((u32)sizeof(*a), &ua->size)); /* a hint */
	return -E2BIG;
}

long sys_sched_setattr(int pid, struct sched_attr __user *ua, unsigned flags)
{
	struct sched_attr a;
	int err;

	if (!ua || pid < 0 || flags)
		return -EINVAL;
	err = get_attr(&a, ua);
	if (err)
		return err;
	if ((s32)a.policy < 0 || (a.flags & ~(u64)SCHED_ATTR_FLAGS))
		return -EINVAL;
	return apply(pid, &(struct sched_params){
		.policy = a.policy, .flags = a.flags,
		.nice = clamp(a.nice, -20, 19), .priority = a.priority,
		.runtime = a.runtime, .deadline = a.deadline,
		.period = a.period,
	});
}

long sys_sched_getattr(int pid, struct sched_attr __user *ua, unsigned size,
		       unsigned flags)
{
	struct sched_params p;
	struct sched_attr a;
	struct task *t;
	int err;

	if (!ua || flags || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return -EINVAL;
	err = find(pid, &t);
	if (err)
		return err;
	sched_get(t, &p);
	task_put(t);
	a = (struct sched_attr){
		.size = (u32)min((size_t)size, sizeof(a)),
		.policy = p.policy, .flags = p.flags, .nice = p.nice,
		.priority = p.priority, .runtime = p.runtime,
		.deadline = p.deadline, .period = p.period,
		.util_max = 1024,
	};
	return copy_to_user(ua, &a, a.size);
}

long sys_sched_setaffinity(int pid, unsigned len, const void __user *umask)
{
	struct cpumask mask = { 0 };
	struct task *t;
	int err;

	if (copy_from_user(&mask, umask, min((size_t)len, sizeof(mask))))
		return -EFAULT;
	err = find_any(pid, &t);
	if (err)
		return err;
	if (t->flags & TF_NO_SETAFF)
		err = -EINVAL;
	else if (!sched_same_owner(t) && !task_capable(t, CAP_SYS_NICE))
		err = -EPERM;
	else
		err = sched_set_affinity(t, mask);
	task_put(t);
	return err;
}

long sys_sched_getaffinity(int pid, unsigned len, void __user *umask)
{
	struct cpumask mask;
	struct task *t;
	int err;

	if (len * 8 < nr_harts || len & (sizeof(long) - 1))
		return -EINVAL;
	err = find_any(pid, &t);
	if (err)
		return err;
	mask.bits = t->allowed.bits & online_harts.bits;
	task_put(t);
	len = (unsigned)min((size_t)len, sizeof(mask));
	return copy_to_user(umask, &mask, len) ? -EFAULT : (long)len;
}

long sys_sched_get_priority_max(int policy)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return MAX_RT_PRIO - 1;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	}
	return -EINVAL;
}

long sys_sched_get_priority_min(int policy)
{
	long max = sys_sched_get_priority_max(policy);

	return max > 0 ? 1 : max;
}

long sys_sched_rr_get_interval(int pid, struct timespec64 __user *uts)
{
	struct timespec64 ts;
	struct task *t;
	int err = find(pid, &t);

	if (err)
		return err;
	ts = ns_to_timespec(sched_rr_interval_ns(t));
	task_put(t);
	return copy_to_user(uts, &ts, sizeof(ts));
}

long sys_getcpu(u32 __user *cpu, u32 __user *node, void __user *unused)
{
	u32 id = hart_id();

	if (cpu && put_user(id, cpu))
		return -EFAULT;
	return node ? put_user((u32)0, node) : 0;
}

long sys_setpriority(int which, int who, int nice)
{
	if (which < WHO_PROCESS || which > WHO_USER)
		return -EINVAL;
	return nice_set((enum task_who)which, who, clamp(nice, -20, 19));
}

long sys_getpriority(int which, int who)
{
	if (which < WHO_PROCESS || which > WHO_USER)
		return -EINVAL;
	return nice_get((enum task_who)which, who);
}

long sys_ioprio_set(int which, int who, int prio)
{
	return ioprio_set(which - 1, who, (unsigned)prio);
}

long sys_ioprio_get(int which, int who)
{
	return ioprio_get(which - 1, who);
}
