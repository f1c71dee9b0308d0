/* System calls about signals. */
#include <syscall_prototypes.h>

#include <arch/signal.h>
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <signal/signal.h>
#include <task/exec.h>
#include <task/pidfd.h>
#include <task/process.h>

#define SIGSET_SIZE sizeof(u64)

long sys_kill(int pid, int sig)
{
	return signal_kill(sig, pid);
}

static void fill_tkill(struct siginfo *i, int sig)
{
	*i = (struct siginfo){ .signo = sig, .code = SI_TKILL };
	i->rt.pid = task_vtgid(current);
	i->rt.uid = from_kuid_munged(current_user_ns(), current->cred->uid);
}

long sys_tgkill(int tgid, int tid, int sig)
{
	struct siginfo i;

	if (tid <= 0 || tgid <= 0)
		return -EINVAL;
	fill_tkill(&i, sig);
	return signal_tgkill(tgid, tid, sig, &i);
}

long sys_tkill(int tid, int sig)
{
	struct siginfo i;

	if (tid <= 0)
		return -EINVAL;
	fill_tkill(&i, sig);
	return signal_tgkill(0, tid, sig, &i);
}

/* Programs may not pretend to be the kernel, or kill(), towards others. */
static int get_info(struct siginfo *i, const struct siginfo_user __user *u, int sig,
		    int pid)
{
	int err = siginfo_from_user(i, u);

	if (err)
		return err;
	i->signo = sig;
	if ((i->code >= 0 || i->code == SI_TKILL) && task_vpid(current) != pid)
		return -EPERM;
	return 0;
}

long sys_rt_sigqueueinfo(int pid, int sig, const struct siginfo_user __user *u)
{
	struct siginfo i;
	int err = get_info(&i, u, sig, pid);

	return err ? err : signal_queue(pid, sig, &i);
}

long sys_rt_tgsigqueueinfo(int tgid, int tid, int sig,
			   const struct siginfo_user __user *u)
{
	struct siginfo i;
	int err;

	if (tid <= 0 || tgid <= 0)
		return -EINVAL;
	err = get_info(&i, u, sig, tid);
	return err ? err : signal_tgkill(tgid, tid, sig, &i);
}

/* PIDFD_SIGNAL_*; without one the descriptor tells. */
static int pidfd_scope(const struct file *f, unsigned flags,
		       enum pid_type *scope)
{
	switch (flags) {
	case 0:
		*scope = f->flags & PIDFD_THREAD ? PIDTYPE_PID : PIDTYPE_TGID;
		return 0;
	case PIDFD_SIGNAL_THREAD:
		*scope = PIDTYPE_PID;
		return 0;
	case PIDFD_SIGNAL_THREAD_GROUP:
		*scope = PIDTYPE_TGID;
		return 0;
	case PIDFD_SIGNAL_PROCESS_GROUP:
		*scope = PIDTYPE_PGID;
		return 0;
	}
	return -EINVAL;
}

static int get_pidfd_info(struct siginfo *i,
			  const struct siginfo_user __user *u, int sig,
			  bool is_own)
{
	int err = siginfo_from_user(i, u);

	if (err)
		return err;
	if (i->signo != sig)
		return -EINVAL;
	return !is_own && (i->code >= 0 || i->code == SI_TKILL) ? -EPERM : 0;
}

/* /proc/PID stands for a process too. */
static struct pid *pid_of_file(struct file *f)
{
	struct pid *p = pidfd_pid(f);

	return p || !pid_of_dir_hook ? p : pid_of_dir_hook(f);
}

static int pidfd_send(struct file *f, int sig,
		      const struct siginfo_user __user *u, unsigned flags)
{
	struct pid *p = pid_of_file(f);
	struct siginfo info;
	enum pid_type scope;
	int err = 0;

	if (!p)
		return -EBADF;
	if (!pid_vnr(p) || pidfd_scope(f, flags, &scope))
		return -EINVAL;
	if (u)
		err = get_pidfd_info(&info, u, sig, scope != PIDTYPE_PGID &&
				     p == current->thread_pid);
	return err ? err : signal_pid(p, sig, u ? &info : NULL, scope);
}

long sys_pidfd_send_signal(int fdno, int sig,
			   const struct siginfo_user __user *u, unsigned flags)
{
	struct fd fd;
	long err;

	if (flags > PIDFD_SIGNAL_PROCESS_GROUP || (flags & (flags - 1)))
		return -EINVAL;
	fd = fd_find(fdno);
	if (!fd.file)
		return -EBADF;
	err = pidfd_send(fd.file, sig, u, flags);
	fd_release(fd);
	return err;
}

long sys_rt_sigaction(int sig, const struct sigaction_k __user *act,
		      struct sigaction_k __user *oact, size_t size)
{
	struct sigaction_k new_one, old;
	int err;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (act && copy_from_user(&new_one, act, sizeof(new_one)))
		return -EFAULT;
	err = signal_action(sig, act ? &new_one : NULL, &old);
	if (!err && oact && copy_to_user(oact, &old, sizeof(old)))
		return -EFAULT;
	return err;
}

long sys_rt_sigprocmask(int how, const u64 __user *set, u64 __user *oset,
			size_t size)
{
	u64 old = current->blocked, mask;
	int err;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (set) {
		if (get_user(mask, set))
			return -EFAULT;
		err = signal_procmask(how, mask, &old);
		if (err)
			return err;
	}
	return oset ? put_user(old, oset) : 0;
}

long sys_rt_sigpending(u64 __user *set, size_t size)
{
	u64 pending;

	if (size > SIGSET_SIZE)
		return -EINVAL;
	pending = signal_pending_set(current) & current->blocked;
	return copy_to_user(set, &pending, size);
}

long sys_rt_sigsuspend(const u64 __user *set, size_t size)
{
	u64 mask;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(mask, set))
		return -EFAULT;
	return signal_suspend(mask);
}

long sys_rt_sigtimedwait(const u64 __user *set, struct siginfo_user __user *uinfo,
			 const struct timespec64 __user *uts, size_t size)
{
	struct timespec64 ts;
	struct siginfo info;
	u64 mask, deadline = 0;
	int sig;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(mask, set))
		return -EFAULT;
	if (uts) {
		if (copy_from_user(&ts, uts, sizeof(ts)))
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		deadline = timespec_to_ns(&ts);
		if (deadline && add_overflow(deadline, clock_ns(), &deadline))
			deadline = DEADLINE_NEVER;
	}
	sig = signal_wait(mask, &info, uts != NULL, deadline);
	if (sig > 0 && uinfo && siginfo_to_user(uinfo, &info))
		return -EFAULT;
	return sig;
}

long sys_sigaltstack(const struct sigaltstack_k __user *uss,
		     struct sigaltstack_k __user *uold)
{
	struct sigaltstack_k ss, old;
	int err;

	if (uss && copy_from_user(&ss, uss, sizeof(ss)))
		return -EFAULT;
	err = signal_altstack(uss ? &ss : NULL, &old,
			      task_regs(current)->sp, MINSIGSTKSZ);
	if (!err && uold)
		err = copy_to_user(uold, &old, sizeof(old));
	return err;
}

long sys_rt_sigreturn(void)
{
	struct regs *r = task_regs(current);
	struct sigaltstack_k ss, old;
	unsigned long alt[3];
	u64 mask;

	current->restart.fn = no_restart;
	if (arch_signal_return(r, &mask, alt)) {
		signal_force(SIGSEGV, SI_KERNEL, 0);
		return 0;
	}
	signal_set_blocked(mask);
	ss = (struct sigaltstack_k){ .sp = alt[0], .flags = (u32)alt[1],
				     .size = alt[2] };
	/* A program may have put nonsense there: then nothing changes. */
	ss.flags &= ~SS_ONSTACK;
	ignore_error(signal_altstack(&ss, &old, r->sp, MINSIGSTKSZ));
	return regs_return(r);
}

long sys_restart_syscall(void)
{
	long ret;

	ignore_error(current->restart.fn(current, &ret)); /* ret says all */
	return ret;
}
