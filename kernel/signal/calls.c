/*
 * calls - what the signal system calls do: rights, actions, masks, waits.
 *
 * Locks:   sighand->lock; RCU for looking receivers up.
 */
#include "signal_impl.h"

#include <arch/uaccess.h>
#include <kernel/hart.h>

#define SA_KNOWN                                                               \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS |        \
	 SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND | SA_RESTORER)

/* --- kill ------------------------------------------------------------------------*/

static bool creds_allow(struct task *t)
{
	const struct cred *me = current->cred;
	const struct cred *c = rcu_dereference(t->real_cred);

	return me->euid == c->suid || me->euid == c->uid ||
	       me->uid == c->suid || me->uid == c->uid ||
	       ns_capable(c->user_ns, CAP_KILL);
}

int signal_may_send(int sig, const struct siginfo *info, struct task *t)
{
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	if (info == SIG_INFO_KERNEL || (info && siginfo_is_from_kernel(info)))
		return 0;
	if (t->process == current->process || creds_allow(t))
		return 0;
	if (sig == SIGCONT && task_session(t) == task_session(current))
		return 0;
	return -EPERM;
}

static int checked_send(int sig, struct siginfo *info, struct task *t,
			enum signal_target to)
{
	int err = signal_may_send(sig, info, t);

	if (err || !sig)
		return err;
	err = signal_send(sig, info, t, to);
	/* A zombie takes signals without a trace. */
	return err == -ESRCH ? 0 : err;
}

static int kill_pgrp(int sig, struct siginfo *info, struct pid *pgrp)
{
	struct process *p;
	bool sent = false;
	int err = -ESRCH;

	for_each_pid_process(p, pgrp, PIDTYPE_PGID) {
		err = checked_send(sig, info, p->leader, SIG_TO_PROCESS);
		sent |= !err;
	}
	return sent ? 0 : err;
}

static int kill_all(int sig)
{
	struct task *t;
	int err = 0, e;
	bool any = false;

	list_for_each_entry_rcu(t, &all_tasks, all_node) {
		if (!task_is_leader(t) || task_vpid(t) <= 1 ||
		    t->process == current->process)
			continue;
		e = checked_send(sig, NULL, t, SIG_TO_PROCESS);
		any = true;
		if (e != -EPERM)
			err = e;
	}
	return any ? err : -ESRCH;
}

static int kill_one(int sig, int pid)
{
	struct task *t;
	int err = -ESRCH;

	rcu_read_lock();
	t = pid_task(pid_find(pid), PIDTYPE_PID);
	if (t)
		err = checked_send(sig, NULL, t, SIG_TO_PROCESS);
	rcu_read_unlock();
	return err;
}

int signal_kill(int sig, int pid)
{
	struct pid *pgrp;
	int err;

	if (pid > 0)
		return kill_one(sig, pid);
	if (pid == INT_MIN)
		return -ESRCH;
	read_lock(&tasklist_lock);
	if (pid == -1) {
		err = kill_all(sig);
	} else {
		pgrp = pid ? pid_find(-pid) : task_pgrp(current);
		err = pgrp ? kill_pgrp(sig, NULL, pgrp) : -ESRCH;
	}
	read_unlock(&tasklist_lock);
	return err;
}

int signal_tgkill(int tgid, int tid, int sig, struct siginfo *info)
{
	struct task *t;
	int err = -ESRCH;

	rcu_read_lock();
	t = pid_task(pid_find(tid), PIDTYPE_PID);
	if (t && (tgid <= 0 || task_vtgid(t) == tgid))
		err = checked_send(sig, info, t, SIG_TO_THREAD);
	rcu_read_unlock();
	return err;
}

int signal_pid(struct pid *p, int sig, struct siginfo *info,
	       enum pid_type type)
{
	struct task *t;
	int err = -ESRCH;

	if (type == PIDTYPE_PGID) {
		read_lock(&tasklist_lock);
		err = kill_pgrp(sig, info, p);
		read_unlock(&tasklist_lock);
		return err;
	}
	rcu_read_lock();
	t = pid_task(p, PIDTYPE_PID);
	if (t)
		err = checked_send(sig, info, t, type == PIDTYPE_PID ?
				   SIG_TO_THREAD : SIG_TO_PROCESS);
	rcu_read_unlock();
	return err;
}

int signal_queue(int pid, int sig, struct siginfo *info)
{
	int err = -ESRCH;
	struct pid *p;

	rcu_read_lock();
	p = pid_find(pid);
	if (p)
		err = signal_pid(p, sig, info, PIDTYPE_TGID);
	rcu_read_unlock();
	return err;
}

/* --- actions and stacks ------------------------------------------------------------*/

int signal_action(int sig, const struct sigaction_k *act,
		  struct sigaction_k *old)
{
	struct sighand *s = current->sighand;
	struct sigaction_k *a;

	if (sig < 1 || sig > NSIG || (act && sig_in(SIG_ONLY_SET, sig)))
		return -EINVAL;
	a = &s->action[sig - 1];
	irq_lock(&s->lock);
	*old = *a;
	if (act) {
		a->handler = act->handler;
		a->flags = act->flags & SA_KNOWN;
		a->mask = act->mask & ~SIG_ONLY_SET;
		/* What is ignored from now on is not pending any more. */
		if (signal_is_ignored(current, sig))
			process_drop_signals(current->process, SIGMASK(sig));
	}
	irq_unlock(&s->lock);
	return 0;
}

int signal_altstack(const struct sigaltstack_k *ss, struct sigaltstack_k *old,
		    unsigned long sp, size_t min_size)
{
	struct task *t = current;
	bool is_on = !(t->altstack.flags & SS_AUTODISARM) &&
		     sp > t->altstack.sp &&
		     sp - t->altstack.sp <= t->altstack.size;
	u32 mode;

	*old = (struct sigaltstack_k){
		.sp = t->altstack.sp, .size = t->altstack.size,
		.flags = !t->altstack.size ? SS_DISABLE :
			 (is_on ? SS_ONSTACK : 0) |
			 (t->altstack.flags & SS_AUTODISARM),
	};
	if (!ss)
		return 0;
	if (is_on)
		return -EPERM;
	mode = ss->flags & ~SS_AUTODISARM;
	if (mode && mode != SS_ONSTACK && mode != SS_DISABLE)
		return -EINVAL;
	if (mode != SS_DISABLE && ss->size < min_size)
		return -ENOMEM;
	t->altstack.flags = ss->flags;
	t->altstack.sp = mode == SS_DISABLE ? 0 : ss->sp;
	t->altstack.size = mode == SS_DISABLE ? 0 : ss->size;
	return 0;
}

/* --- masks --------------------------------------------------------------------------*/

void signal_set_blocked(u64 mask)
{
	struct task *t = current;
	struct sighand *s = t->sighand;

	mask &= ~SIG_ONLY_SET;
	if (mask == t->blocked)
		return;
	irq_lock(&s->lock);
	/* Someone else must take what we no longer want. */
	if (signal_pending(t) && !thread_group_empty(t->process))
		retarget_shared(t, mask & ~t->blocked);
	t->blocked = mask;
	signal_recalc(t);
	irq_unlock(&s->lock);
}

int signal_procmask(int how, u64 set, u64 *old)
{
	u64 now = current->blocked;

	*old = now;
	switch (how) {
	case SIG_BLOCK:
		signal_set_blocked(now | (set & ~SIG_ONLY_SET));
		return 0;
	case SIG_UNBLOCK:
		signal_set_blocked(now & ~set);
		return 0;
	case SIG_SETMASK:
		signal_set_blocked(set);
		return 0;
	}
	return -EINVAL;
}

int sigmask_set_temp(const u64 __user *mask, size_t size)
{
	u64 set;

	if (!mask)
		return 0;
	if (size != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	current->saved_sigmask = current->blocked;
	flag_set(&current->work, WORK_SIGMASK);
	signal_set_blocked(set);
	return 0;
}

void sigmask_restore_temp(bool interrupted)
{
	if (interrupted || !(current->work & WORK_SIGMASK))
		return;
	flag_clear(&current->work, WORK_SIGMASK);
	signal_set_blocked(current->saved_sigmask);
}

/* --- waiting ---------------------------------------------------------------------------*/

long signal_suspend(u64 mask)
{
	current->saved_sigmask = current->blocked;
	signal_set_blocked(mask);
	for (;;) {
		set_task_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			break;
		schedule();
	}
	set_task_state(TASK_RUNNING);
	flag_set(&current->work, WORK_SIGMASK);
	return -ERESTARTNOHAND;
}

/* The waited-for are unblocked while asleep, so that senders choose us; what
 * real_blocked says keeps them from being dropped or fatal. */
int signal_wait(u64 set, struct siginfo *info, bool has_deadline,
		u64 deadline_ns)
{
	struct task *t = current;
	struct sighand *s = t->sighand;
	bool in_time = true;
	int sig;

	set &= ~SIG_ONLY_SET;
	irq_lock(&s->lock);
	sig = signal_dequeue_locked(set, info);
	if (sig || (has_deadline && !deadline_ns)) {
		irq_unlock(&s->lock);
		return sig ? sig : -EAGAIN;
	}
	t->real_blocked = t->blocked;
	t->blocked &= ~set;
	signal_recalc(t);
	set_task_state(TASK_INTERRUPTIBLE);
	irq_unlock(&s->lock);
	if (signal_pending(t))
		set_task_state(TASK_RUNNING);
	else
		in_time = schedule_until(has_deadline ? deadline_ns : 0);
	set_task_state(TASK_RUNNING);
	irq_lock(&s->lock);
	t->blocked = t->real_blocked;
	t->real_blocked = 0;
	sig = signal_dequeue_locked(set, info);
	signal_recalc(t);
	irq_unlock(&s->lock);
	if (sig)
		return sig;
	return in_time ? -EINTR : -EAGAIN;
}
