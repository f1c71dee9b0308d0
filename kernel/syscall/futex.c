/* System calls of futexes. */
#include <syscall_prototypes.h>

#include <arch/uaccess.h>
#include <task/futex.h>
#include <task/pid.h>
#include <task/posix_timer.h>
#include <task/process.h>

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
