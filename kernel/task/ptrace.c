/*
 * ptrace - who traces whom, and what a tracer may ask for.
 *
 * Theory:  a tracee hangs on its tracer's list `ptraced`, and its `parent` is
 *          the tracer instead of the real parent: so its death and stops are
 *          told there.  Requests need a stopped tracee.  It is frozen for
 *          that time: its state loses TASK_WAKEKILL, so that not even SIGKILL
 *          moves it while its registers are touched, and gets it back (or the
 *          wake-up that it missed) at the end.
 * Locks:   tasklist_lock for the links; siglock inside it for ptrace, jobctl
 *          and the change of state.  exec_lock around attaching, so that
 *          rights do not change between the check and the link.
 * Life:    the links own nothing: a task is unlinked before it is reaped, and
 *          a tracer lets go of all before it is a zombie.
 */
#include "ptrace_impl.h"

#include <lib/errno.h>
#include <mm/mm.h>
#include <signal/signal.h>

bool ptrace_is_reparented(const struct task *t)
{
	return t->parent->process != t->real_parent->process;
}

unsigned long ptrace_tid(struct task *t)
{
	unsigned long nr;

	rcu_read_lock();
	nr = (unsigned long)pid_nr_ns(t->thread_pid,
			task_pid_ns(rcu_dereference(current->parent)));
	rcu_read_unlock();
	return nr;
}

/* --- links ---*/

static void ptrace_link(struct task *t, struct task *tracer, u32 how)
{
	WRITE_ONCE(t->ptrace, how);
	list_add(&t->ptrace_node, &tracer->ptraced);
	rcu_assign(t->parent, tracer);
	flag_set(&t->work, WORK_TRACE);
}

void ptrace_unlink(struct task *t)
{
	struct sighand *s = t->sighand;
	struct process *p = t->process;

	if (!t->ptrace)
		return;
	flag_clear(&t->work, WORK_TRACE);
	list_del_init(&t->ptrace_node);
	irq_lock(&s->lock);
	jobctl_end_trapping(t);
	rcu_assign(t->parent, t->real_parent);
	WRITE_ONCE(t->ptrace, 0);
	jobctl_clear(t, JOBCTL_TRAP_STOP | JOBCTL_TRAP_NOTIFY);
	/* It goes on with the stop that the rest of its group is in. */
	if (!(READ_ONCE(t->flags) & TF_EXITING) &&
	    ((p->flags & PF_STOPPED) || p->stop_count))
		t->jobctl |= JOBCTL_STOP_PENDING;
	if ((t->jobctl & JOBCTL_STOP_PENDING) ||
	    (READ_ONCE(t->state) & TASK_TRACED_BIT))
		ptrace_signal_wake(t, true);
	irq_unlock(&s->lock);
}

void ptrace_inherit(struct task *t)
{
	struct task *me = current;

	if (!me->ptrace)
		return;
	ptrace_link(t, me->parent, me->ptrace & ~(PT_SYSCALL | PT_SYSEMU));
	if (t->ptrace & PT_SEIZED)
		t->jobctl |= JOBCTL_TRAP_STOP;
	else
		t->pending.set |= SIGMASK(SIGSTOP);
	flag_set(&t->work, WORK_SIGNAL);
}

/* True: a zombie that nobody will collect.  tasklist_lock for writing. */
static bool detach_locked(struct task *tracer, struct task *t)
{
	bool dead;

	ptrace_unlink(t);
	if (t->exit_state != EXIT_ZOMBIE)
		return false;
	dead = !task_is_leader(t);
	if (!dead && thread_group_empty(t->process) &&
	    t->real_parent->process != tracer->process)
		dead = signal_notify_parent(t, t->exit_signal);
	if (dead)
		t->exit_state = EXIT_DEAD;
	return dead;
}

void ptrace_exit(struct task *tracer)
{
	struct task *t, *next;
	LIST_HEAD(dead);

	if (likely(list_empty(&tracer->ptraced)))
		return;
	write_lock(&tasklist_lock);
	list_for_each_entry_safe(t, next, &tracer->ptraced, ptrace_node) {
		if (t->ptrace & (PTRACE_O_EXITKILL << PT_OPT_SHIFT))
			signal_send(SIGKILL, SIG_INFO_KERNEL, t,
				    SIG_TO_PROCESS);
		if (detach_locked(tracer, t))
			list_add(&t->ptrace_node, &dead);
	}
	write_unlock(&tasklist_lock);
	list_for_each_entry_safe(t, next, &dead, ptrace_node) {
		list_del_init(&t->ptrace_node);
		task_release(t);
	}
}

/* --- the start ---*/

/* A parent that could not attach gets no power over more than it may. */
static bool may_be_tracer(struct task *parent, const struct cred *c)
{
	const struct cred *me = current->cred;

	return !(READ_ONCE(parent->flags) & TF_EXITING) &&
	       !ptrace_scope_traceme(c) &&
	       ((c->user_ns == me->user_ns &&
		 !(me->permitted & ~c->permitted)) ||
		cred_has_cap_in(c, me->user_ns, CAP_SYS_PTRACE));
}

static long ptrace_traceme(void)
{
	struct task *t = current, *parent;
	const struct cred *c;
	long err = -EPERM;
	u32 cap;

	write_lock(&tasklist_lock);
	parent = t->real_parent;
	c = rcu_dereference(parent->real_cred);
	if (!t->ptrace && may_be_tracer(parent, c)) {
		cap = cred_has_cap_in(c, &init_user_ns, CAP_SYS_PTRACE) ?
			      PT_CAP : 0;
		ptrace_link(t, parent, PT_PTRACED | cap);
		err = 0;
	}
	write_unlock(&tasklist_lock);
	return err;
}

/* A stopped one turns its stop into a traced one. */
static void trap_if_stopped(struct task *t)
{
	struct sighand *s = t->sighand;

	irq_lock(&s->lock);
	if ((READ_ONCE(t->state) & TASK_STOPPED_BIT) &&
	    jobctl_ask(t, JOBCTL_TRAP_STOP | JOBCTL_TRAPPING))
		signal_wake_states(t, WORK_SIGNAL, TASK_STOPPED_BIT);
	irq_unlock(&s->lock);
}

static long attach_locked(struct task *t, u32 how)
{
	long err = ptrace_may_access(t, PTRACE_MODE_ATTACH |
				     PTRACE_MODE_REALCREDS);

	if (err)
		return err;
	write_lock(&tasklist_lock);
	if (t->exit_state || t->ptrace) {
		err = -EPERM;
	} else {
		ptrace_link(t, current, how);
		if (!(how & PT_SEIZED))
			signal_send(SIGSTOP, SIG_INFO_KERNEL, t,
				    SIG_TO_THREAD);
		trap_if_stopped(t);
	}
	write_unlock(&tasklist_lock);
	return err;
}

static long ptrace_attach(struct task *t, u32 how)
{
	struct process *p = t->process;
	long err;

	if (is_kernel_task(t) || p == current->process)
		return -EPERM;
	if (capable(CAP_SYS_PTRACE))
		how |= PT_CAP;
	if (mutex_lock_killable(&p->exec_lock))
		return -ERESTARTNOINTR;
	err = attach_locked(t, how);
	mutex_unlock(&p->exec_lock);
	if (err)
		return err;
	/* Nobody shall see it run between the two stops.  The error of a
	 * killed tracer is seen by no one. */
	ignore_error(wait_event_killable(&current->process->wait_child,
			!(READ_ONCE(t->jobctl) & JOBCTL_TRAPPING)));
	return 0;
}

static long ptrace_seize(struct task *t, unsigned long addr,
			 unsigned long options)
{
	if (addr || (options & ~(unsigned long)PTRACE_O_MASK))
		return -EIO;
	return ptrace_attach(t, PT_PTRACED | PT_SEIZED |
			     (u32)options << PT_OPT_SHIFT);
}

/* --- freezing ---*/

static bool freeze_locked(struct task *t)
{
	struct sighand *s = t->sighand;
	bool ok;

	irq_lock(&s->lock);
	ok = !(t->jobctl & JOBCTL_LISTENING) && !fatal_signal_pending(t) &&
	     cmpxchg(&t->state, TASK_TRACED, TASK_TRACED_BIT);
	irq_unlock(&s->lock);
	return ok;
}

static long freeze(struct task *t)
{
	bool ok;

	read_lock(&tasklist_lock);
	ok = t->ptrace && t->parent == current && freeze_locked(t);
	read_unlock(&tasklist_lock);
	if (!ok)
		return -ESRCH;
	task_wait_inactive(t);
	return 0;
}

/* A no-op if the request made it run; it may even be in another stop. */
static void unfreeze(struct task *t)
{
	struct sighand *s = task_lock_sighand(t);

	if (!s)
		return;
	if (cmpxchg(&t->state, TASK_TRACED_BIT, TASK_TRACED) &&
	    fatal_signal_pending(t))
		task_wake_state(t, TASK_TRACED_BIT);
	task_unlock_sighand(s);
}

static bool is_mine(struct task *t)
{
	bool yes;

	read_lock(&tasklist_lock);
	yes = t->ptrace && t->parent == current;
	read_unlock(&tasklist_lock);
	return yes;
}

/* --- going on ---*/

static long ptrace_resume(struct task *t, long request, unsigned long sig)
{
	struct sighand *s = t->sighand;
	u32 how = t->ptrace & ~(PT_SYSCALL | PT_SYSEMU);

	if (sig > NSIG)
		return -EIO;
	if (request == PTRACE_SYSCALL)
		how |= PT_SYSCALL;
	else if (request == PTRACE_SYSEMU)
		how |= PT_SYSEMU;
	irq_lock(&s->lock);
	WRITE_ONCE(t->ptrace, how);
	t->ptrace_code = (int)sig;
	task_wake_state(t, TASK_TRACED_BIT);
	irq_unlock(&s->lock);
	return 0;
}

static long ptrace_detach(struct task *t, unsigned long sig)
{
	bool dead;

	if (sig > NSIG)
		return -EIO;
	write_lock(&tasklist_lock);
	t->ptrace_code = (int)sig;
	dead = detach_locked(current, t);
	write_unlock(&tasklist_lock);
	if (dead)
		task_release(t);
	return 0;
}

/* The stop stays, but signals and SIGCONT are told. */
static long ptrace_listen(struct task *t)
{
	struct sighand *s = t->sighand;
	struct siginfo *info;
	long err = -EIO;

	if (!(t->ptrace & PT_SEIZED))
		return -EIO;
	irq_lock(&s->lock);
	info = t->last_siginfo;
	if (info && info->code >> 8 == PTRACE_EVENT_STOP) {
		t->jobctl |= JOBCTL_LISTENING;
		if (t->jobctl & JOBCTL_TRAP_NOTIFY)
			ptrace_signal_wake(t, true);
		err = 0;
	}
	irq_unlock(&s->lock);
	return err;
}

static long ptrace_interrupt(struct task *t)
{
	struct sighand *s;

	if (!(READ_ONCE(t->ptrace) & PT_SEIZED))
		return -EIO;
	s = task_lock_sighand(t);
	if (!s)
		return -ESRCH;
	if (jobctl_ask(t, JOBCTL_TRAP_STOP))
		ptrace_signal_wake(t, t->jobctl & JOBCTL_LISTENING);
	task_unlock_sighand(s);
	return 0;
}

/* --- ptrace ---*/

static long request_frozen(struct task *t, long request, unsigned long addr,
			   unsigned long data)
{
	switch (request) {
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SYSEMU:
		return ptrace_resume(t, request, data);
	case PTRACE_DETACH:
		return ptrace_detach(t, data);
	case PTRACE_LISTEN:
		return ptrace_listen(t);
	}
	return ptrace_stopped_request(t, request, addr, data);
}

static long request_on(struct task *t, long request, unsigned long addr,
		       unsigned long data)
{
	long ret;

	switch (request) {
	case PTRACE_ATTACH:
		return ptrace_attach(t, PT_PTRACED);
	case PTRACE_SEIZE:
		return ptrace_seize(t, addr, data);
	case PTRACE_INTERRUPT:
		return is_mine(t) ? ptrace_interrupt(t) : -ESRCH;
	case PTRACE_KILL:
		if (!is_mine(t))
			return -ESRCH;
		signal_send(SIGKILL, NULL, t, SIG_TO_PROCESS);
		return 0;
	}
	ret = freeze(t);
	if (ret)
		return ret;
	ret = request_frozen(t, request, addr, data);
	if (request != PTRACE_DETACH || ret)
		unfreeze(t);
	return ret;
}

long do_ptrace(long request, int pid, unsigned long addr, unsigned long data)
{
	struct task *t;
	long ret;

	if (request == PTRACE_TRACEME)
		return ptrace_traceme();
	t = task_find_get(pid);
	if (!t)
		return -ESRCH;
	ret = request_on(t, request, addr, data);
	task_put(t);
	return ret;
}
