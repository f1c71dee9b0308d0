/* System calls of futexes. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <mm/slab.h>
#include <task/futex.h>
#include <task/pid.h>
#include <task/posix_timer.h>
#include <task/process.h>
#include <task/time_ns.h>

#define ROBUST_HEAD_SIZE 24

static bool has_timeout(int cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET ||
	       cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2 ||
	       cmd == FUTEX_WAIT_REQUEUE_PI;
}

/* FUTEX_WAIT's is a length, the others' a point in time. */
static int get_deadline(const struct timespec64 __user *uts, int op,
			u64 *deadline)
{
	int cmd = op & FUTEX_CMD_MASK;
	bool is_wall = (op & FUTEX_CLOCK_REALTIME) || cmd == FUTEX_LOCK_PI;
	struct timespec64 ts;
	u64 ns;

	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	ns = timespec_to_ns(&ts);
	if (cmd == FUTEX_WAIT) {
		if (add_overflow(ns, clock_ns(), &ns))
			ns = DEADLINE_NEVER;
	} else if (is_wall) {
		ns = clock_to_monotonic(CLOCK_REALTIME, ns);
	} else {
		ns = time_ns_to_host(CLOCK_MONOTONIC, ns);
	}
	*deadline = ns ? ns : 1;
	return 0;
}

long sys_futex(u32 __user *uaddr, int op, u32 val,
	       const struct timespec64 __user *uts, u32 __user *uaddr2,
	       u32 val3)
{
	bool timed = uts && has_timeout(op & FUTEX_CMD_MASK);
	u64 deadline = 0;

	if (timed) {
		int err = get_deadline(uts, op, &deadline);

		if (err)
			return err;
	}
	return do_futex(uaddr, op, val, deadline, timed, uaddr2,
			(u32)(uintptr_t)uts, val3);
}

/* --- the calls that came later --------------------------------------------------- */

#define FUTEX2_SIZE_MASK 3u
#define FUTEX2_SIZE_U32 2u
#define FUTEX2_VALID (FUTEX2_SIZE_MASK | FUTEX_PRIVATE_FLAG)

static bool flags2_ok(unsigned flags)
{
	return !(flags & ~FUTEX2_VALID) &&
	       (flags & FUTEX2_SIZE_MASK) == FUTEX2_SIZE_U32;
}

/* A point in time of one of two clocks; no timespec: 0. */
static int get_deadline2(const struct timespec64 __user *uts, int clock,
			 u64 *deadline)
{
	struct timespec64 ts;
	u64 ns;

	*deadline = 0;
	if (!uts)
		return 0;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	ns = timespec_to_ns(&ts);
	ns = clock == CLOCK_REALTIME ? clock_to_monotonic(clock, ns) :
				       time_ns_to_host(clock, ns);
	*deadline = ns ? ns : 1;
	return 0;
}

static int get_waitv(struct futex_waitv *v,
		     const struct futex_waitv __user *uv, unsigned n)
{
	if (copy_from_user(v, uv, n * sizeof(*v)))
		return -EFAULT;
	for (unsigned i = 0; i < n; i++)
		if (!flags2_ok(v[i].flags) || v[i].reserved || v[i].val >> 32)
			return -EINVAL;
	return 0;
}

long sys_futex_waitv(const struct futex_waitv __user *uv, unsigned n,
		     unsigned flags, const struct timespec64 __user *uts,
		     int clock)
{
	struct futex_waitv *v;
	u64 deadline;
	long ret;

	if (flags || !n || n > FUTEX_WAITV_MAX || !uv)
		return -EINVAL;
	ret = get_deadline2(uts, clock, &deadline);
	if (ret)
		return ret;
	v = kmalloc_array(n, sizeof(*v), GFP_KERNEL);
	if (!v)
		return -ENOMEM;
	ret = get_waitv(v, uv, n);
	if (!ret)
		ret = do_futex_waitv(v, n, deadline);
	kfree(v);
	return ret;
}

long sys_futex_wake(u32 __user *uaddr, unsigned long mask, int n,
		    unsigned flags)
{
	bool is_private = flags & FUTEX_PRIVATE_FLAG;

	if (!flags2_ok(flags) || mask >> 32)
		return -EINVAL;
	if (n)
		return futex_wake(uaddr, is_private, n, (u32)mask);
	return mask ? futex_check(uaddr, is_private) : -EINVAL;
}

long sys_futex_wait(u32 __user *uaddr, unsigned long val, unsigned long mask,
		    unsigned flags, const struct timespec64 __user *uts,
		    int clock)
{
	u64 deadline;
	int err;

	if (!flags2_ok(flags) || val >> 32 || mask >> 32)
		return -EINVAL;
	err = get_deadline2(uts, clock, &deadline);
	if (err)
		return err;
	return futex_wait(uaddr, flags & FUTEX_PRIVATE_FLAG, (u32)val, deadline,
			  (u32)mask);
}

long sys_futex_requeue(const struct futex_waitv __user *uv, unsigned flags,
		       int n, int n2)
{
	struct futex_waitv v[2];
	struct futex_pair f;
	u32 cmp;
	int err;

	if (flags || !uv)
		return -EINVAL;
	err = get_waitv(v, uv, 2);
	if (err)
		return err;
	f.from = (u32 __user *)(uintptr_t)v[0].uaddr;
	f.to = (u32 __user *)(uintptr_t)v[1].uaddr;
	f.is_shared = !(v[0].flags & FUTEX_PRIVATE_FLAG);
	f.to_is_shared = !(v[1].flags & FUTEX_PRIVATE_FLAG);
	cmp = (u32)v[0].val;
	return futex_requeue(&f, n, n2, &cmp);
}

/* --- robust lists ------------------------------------------------------------------ */

long sys_set_robust_list(void __user *head, size_t len)
{
	if (len != ROBUST_HEAD_SIZE)
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

long sys_get_robust_list(int pid, u64 __user *head, size_t __user *len)
{
	struct task *t = pid ? task_find_get(pid) : task_get(current);
	u64 list;
	int err;

	if (!t)
		return -ESRCH;
	err = ptrace_may_access(t, PTRACE_MODE_READ | PTRACE_MODE_REALCREDS);
	list = (uintptr_t)t->robust_list;
	task_put(t);
	if (err)
		return err;
	if (put_user((size_t)ROBUST_HEAD_SIZE, len))
		return -EFAULT;
	return put_user(list, head);
}
