/*
 * send - from the sender's side: who gets a signal, and who is woken.
 *
 * Theory:  a signal is queued to the process or to one thread.  Whether it is
 *          dropped is decided here (ignored and not blocked), and what does
 *          not wait for the receiver happens here: SIGCONT resumes, a fatal
 *          signal gives SIGKILL to every thread, so that each comes out of
 *          any wait.  No memory of the receiver is touched.
 * Locks:   sighand->lock of the receiver; tasklist_lock above it for groups.
 */
#include "signal_impl.h"

#include <kernel/hart.h>
#include <kernel/trace.h>
#include <lib/string.h>
#include <mm/page.h>
#include <task/coredump.h>
#include <task/pidfd.h>
#include <task/ptrace.h>

/* --- ignoring -------------------------------------------------------------------*/

static bool is_default_ignored(int sig)
{
	return sig_in(SIG_IGNORE_SET, sig);
}

static bool handler_ignores(struct task *t, int sig)
{
	unsigned long h = t->sighand->action[sig - 1].handler;

	return h == SIG_IGN || (h == SIG_DFL && is_default_ignored(sig));
}

bool signal_is_ignored(struct task *t, int sig)
{
	return handler_ignores(t, sig);
}

static bool would_ignore(struct task *t, int sig, bool force)
{
	unsigned long h = t->sighand->action[sig - 1].handler;

	if (is_kernel_task(t))
		return true;
	if (is_blocked(t, sig))
		return false;
	if (t->ptrace && sig != SIGKILL)
		return false;
	/* An init takes only what it handles. */
	if ((t->process->flags & PF_UNKILLABLE) && h == SIG_DFL &&
	    !(force && sig_in(SIG_ONLY_SET, sig)))
		return true;
	return handler_ignores(t, sig);
}

/* --- waking ---------------------------------------------------------------------*/

void signal_wake_states(struct task *t, unsigned long work, u32 states)
{
	flag_set(&t->work, work);
	if (task_wake_state(t, states))
		return;
	/* It runs: in user mode it must come in to look. */
	if (t != current && READ_ONCE(t->hart->curr) == t)
		ipi_send(t->hart, IPI_RESCHED);
}

void signal_wake(struct task *t, bool kill)
{
	if (kill)
		signal_wake_states(t, WORK_SIGNAL | WORK_KILL,
				   TASK_INTERRUPTIBLE | TASK_WAKEKILL);
	else
		signal_wake_states(t, WORK_SIGNAL, TASK_INTERRUPTIBLE);
}

static bool wants_signal(struct task *t, int sig)
{
	if (sig_in(t->blocked, sig) || (READ_ONCE(t->flags) & TF_EXITING))
		return false;
	if (sig == SIGKILL)
		return true;
	if (READ_ONCE(t->state) & (TASK_STOPPED_BIT | TASK_TRACED_BIT))
		return false;
	return READ_ONCE(t->hart->curr) == t || !signal_pending(t);
}

static struct task *choose_thread(struct task *t, int sig,
				  enum signal_target to)
{
	struct process *p = t->process;
	struct task *c;

	if (wants_signal(t, sig))
		return t;
	if (to == SIG_TO_THREAD || thread_group_empty(p))
		return NULL;
	c = p->curr_target;
	if (c && c->process == p && wants_signal(c, sig))
		return c;
	for_each_thread(c, p) {
		if (wants_signal(c, sig)) {
			p->curr_target = c;
			return c;
		}
	}
	return NULL;	/* who unblocks it first will see it */
}

/* It dies already.  A dump of its memory can take long: SIGKILL ends that. */
static bool is_past_signals(const struct process *p, int sig)
{
	return (p->flags & PF_EXITING) &&
	       !(sig == SIGKILL && (p->flags & PF_GROUP_COREDUMP));
}

static bool is_fatal(struct task *t, int sig)
{
	struct process *p = t->process;

	if (sig_in(SIG_IGNORE_SET | SIG_STOP_SET, sig) ||
	    t->sighand->action[sig - 1].handler != SIG_DFL)
		return false;
	if (is_past_signals(p, sig) || sig_in(t->real_blocked, sig))
		return false;
	/* a dump first needs the thread that takes it */
	if (sig_in(SIG_CORE_SET, sig) && core_wanted(t))
		return false;
	return sig == SIGKILL || !t->ptrace;
}

static void kill_thread(struct task *t)
{
	jobctl_clear(t, JOBCTL_PENDING);
	t->pending.set |= SIGMASK(SIGKILL);
	signal_wake(t, true);
}

/* Everyone dies of sig, at once: nothing of it waits for one thread. */
static void start_fatal(struct process *p, int sig)
{
	struct task *t;

	p->flags = (p->flags & (PF_UNKILLABLE | PF_GROUP_COREDUMP)) |
		   PF_EXITING;
	p->group_exit_code = sig;
	p->stop_count = 0;
	for_each_thread(t, p)
		kill_thread(t);
}

static void complete_signal(int sig, struct task *t, enum signal_target to)
{
	struct task *c = choose_thread(t, sig, to);

	if (!c)
		return;
	if (is_fatal(c, sig)) {
		start_fatal(c->process, sig);
		return;
	}
	signal_wake(c, sig == SIGKILL);
}

int signal_zap_threads(struct process *p)
{
	struct task *t;
	int n = 0;

	p->stop_count = 0;
	for_each_thread(t, p) {
		if (t == current)
			continue;
		t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
		n++;
		if (!t->exit_state)
			kill_thread(t);
	}
	return n;
}

void signal_start_group_exit(struct process *p, int code)
{
	p->group_exit_code = code;
	p->flags = (p->flags & PF_UNKILLABLE) | PF_EXITING;
	signal_zap_threads(p);
}

/* --- stop and continue --------------------------------------------------------*/

static void resume(struct process *p)
{
	struct task *t;
	u32 why = 0;

	process_drop_signals(p, SIG_STOP_SET);
	for_each_thread(t, p) {
		jobctl_clear(t, JOBCTL_STOP_PENDING);
		if (t->ptrace & PT_SEIZED)
			ptrace_trap_notify(t);
		else
			task_wake_state(t, TASK_STOPPED_BIT);
	}
	if (p->flags & PF_STOPPED)
		why = PF_CLD_CONTINUED | PF_CONTINUED;
	else if (p->stop_count)
		why = PF_CLD_STOPPED | PF_CONTINUED;
	if (!why)
		return;
	/* The first thread that comes out tells the parent. */
	p->flags &= ~(PF_STOPPED | PF_CONTINUED | PF_CLD_STOPPED |
		      PF_CLD_CONTINUED);
	p->flags |= why;
	p->stop_count = 0;
	p->group_stop_code = 0;
}

/* What happens by the mere sending; false: the signal is dropped. */
static bool prepare(int sig, struct task *t, bool force)
{
	struct process *p = t->process;

	if (is_past_signals(p, sig))
		return false;
	if (sig_in(SIG_STOP_SET, sig))
		process_drop_signals(p, SIGMASK(SIGCONT));
	else if (sig == SIGCONT)
		resume(p);
	return !would_ignore(t, sig, force);
}

/* --- sending ----------------------------------------------------------------------*/

/* A kernel id as the receiver names it. */
static u32 uid_seen_by(struct task *t, u32 kuid)
{
	u32 uid;

	rcu_read_lock();
	uid = from_kuid_munged(rcu_dereference(t->real_cred)->user_ns, kuid);
	rcu_read_unlock();
	return uid;
}

static void fill_from_current(struct siginfo *i, int sig, struct task *t)
{
	memset(i, 0, sizeof(*i));
	i->signo = sig;
	i->code = SI_USER;
	i->rt.pid = pid_nr_ns(current->process->pids[PIDTYPE_TGID],
			      task_pid_ns(t));
	i->rt.uid = uid_seen_by(t, current->cred->uid);
}

/* It was sent by a task, and says by whose. */
static bool has_sender(const struct siginfo *i)
{
	return i->code <= SI_USER && i->code != SI_TIMER &&
	       i->code != SI_SIGIO;
}

/* From a namespace above, which t's has no number for. */
static bool is_from_above(struct task *t)
{
	return !pid_nr_ns(current->process->pids[PIDTYPE_TGID],
			  task_pid_ns(t));
}

/* Its uid was filled in by current, as current names it. */
static void translate_sender(struct siginfo *i, struct task *t)
{
	struct user_ns *mine = current_user_ns(), *its;

	if (is_from_above(t))
		i->rt.pid = 0;
	rcu_read_lock();
	its = rcu_dereference(t->real_cred)->user_ns;
	if (its != mine)
		i->rt.uid = from_kuid_munged(its, make_kuid(mine, i->rt.uid));
	rcu_read_unlock();
}

static void fill_info(struct siginfo *to, int sig, const struct siginfo *info,
		      struct task *t)
{
	if (!info) {
		fill_from_current(to, sig, t);
	} else if (info == SIG_INFO_KERNEL) {
		memset(to, 0, sizeof(*to));
		to->signo = sig;
		to->code = SI_KERNEL;
	} else {
		*to = *info;
		to->signo = sig;
		if (has_sender(info))
			translate_sender(to, t);
	}
}

static bool is_forced(const struct siginfo *info, struct task *t)
{
	if (info == SIG_INFO_KERNEL)
		return true;
	return (!info || has_sender(info)) && is_from_above(t);
}

/* Puts it into the queue and wakes. */
static int enqueue(int sig, const struct siginfo *info, struct task *t,
		   enum signal_target to, struct sigpending *p)
{
	bool is_real = info && info != SIG_INFO_KERNEL;
	bool override = sig < SIGRTMIN && (!is_real || info->code >= 0);
	struct sigqueue *q = NULL;

	if (sig != SIGKILL) {
		q = sigqueue_alloc(t, GFP_ATOMIC, override);
		if (!q && is_real && sig >= SIGRTMIN && info->code != SI_USER)
			return -EAGAIN;
	}
	if (q) {
		fill_info(&q->info, sig, info, t);
		list_add_tail(&q->node, &p->queue);
	}
	p->set |= SIGMASK(sig);
	wake_if_waiting(sighand_waitq(t->sighand), 0);
	complete_signal(sig, t, to);
	return 0;
}

static int code_of(const struct siginfo *info)
{
	if (!info)
		return SI_USER;
	return info == SIG_INFO_KERNEL ? SI_KERNEL : info->code;
}

int signal_send_locked(int sig, struct siginfo *info, struct task *t,
		       enum signal_target to)
{
	struct sigpending *p = to == SIG_TO_PROCESS ?
			       &t->process->shared_pending : &t->pending;

	bool is_taken;

	assert_irq_held(&t->sighand->lock);
	is_taken = prepare(sig, t, is_forced(info, t));
	trace_signal_generate(sig, code_of(info), t, to == SIG_TO_PROCESS,
			      !is_taken);
	if (!is_taken)
		return 0;
	if (sig < SIGRTMIN && sig_in(p->set, sig))
		return 0;
	return enqueue(sig, info, t, to, p);
}

/* Who stands for the process of *t, with its lock.  An exec may have put
 * another leader in the place of a task that was looked up before, which must
 * not lose what is sent to the process.  The leader is freed a grace period
 * after nr_threads is 0. */
static struct sighand *lock_process(struct task **t) __no_analysis
{
	struct process *p = (*t)->process;
	struct sighand *s = task_lock_sighand(*t);
	struct task *leader;

	if (likely(s))
		return s;
	rcu_read_lock();
	smp_rmb();		/* sighand is taken away last */
	while (!s && READ_ONCE(p->nr_threads)) {
		leader = READ_ONCE(p->leader);
		if (leader == *t)
			break;
		*t = leader;
		s = task_lock_sighand(leader);
		smp_rmb();
	}
	rcu_read_unlock();
	return s;
}

int signal_send(int sig, struct siginfo *info, struct task *t,
		enum signal_target to) __no_analysis
{
	struct sighand *s = to == SIG_TO_PROCESS ? lock_process(&t) :
						   task_lock_sighand(t);
	int err;

	if (!s)
		return -ESRCH;
	err = signal_send_locked(sig, info, t, to);
	irq_unlock(&s->lock);
	return err;
}

int sigqueue_send_locked(struct sigqueue *q, struct task *t,
			 enum signal_target to)
{
	struct sigpending *p = to == SIG_TO_PROCESS ?
			       &t->process->shared_pending : &t->pending;
	int sig = q->info.signo;

	if (!prepare(sig, t, false))
		return 1;
	if (!list_empty(&q->node)) {
		q->info.timer.overrun++;
		return 0;
	}
	q->info.timer.overrun = 0;
	list_add_tail(&q->node, &p->queue);
	p->set |= SIGMASK(sig);
	wake_if_waiting(sighand_waitq(t->sighand), 0);
	complete_signal(sig, t, to);
	return 0;
}

/* --- groups -----------------------------------------------------------------------*/

int pgrp_send_locked(int sig, struct siginfo *info, struct pid *pgrp)
{
	struct process *p;
	int err = -ESRCH;

	for_each_pid_process(p, pgrp, PIDTYPE_PGID) {
		int e = signal_send(sig, info, p->leader, SIG_TO_PROCESS);

		if (err)
			err = e;
	}
	return err;
}

int signal_send_pgrp(int sig, struct siginfo *info, struct pid *pgrp)
{
	int err;

	if (!pgrp)
		return -ESRCH;
	read_lock(&tasklist_lock);
	err = pgrp_send_locked(sig, info, pgrp);
	read_unlock(&tasklist_lock);
	return err;
}

/* Nobody in the session outside the group is a parent of a member. */
static bool becomes_orphaned(struct pid *pgrp, struct task *ignored)
{
	struct process *p;

	for_each_pid_process(p, pgrp, PIDTYPE_PGID) {
		struct task *t = p->leader, *parent = t->real_parent;

		if (t == ignored || parent == init_pid_ns.reaper ||
		    (t->exit_state && thread_group_empty(p)))
			continue;
		if (task_pgrp(parent) != pgrp &&
		    task_session(parent) == task_session(t))
			return false;
	}
	return true;
}

static bool has_stopped_member(struct pid *pgrp)
{
	struct process *p;

	for_each_pid_process(p, pgrp, PIDTYPE_PGID)
		if (p->flags & PF_STOPPED)
			return true;
	return false;
}

bool pgrp_is_orphaned(struct pid *pgrp)
{
	bool yes;

	read_lock(&tasklist_lock);
	yes = becomes_orphaned(pgrp, NULL);
	read_unlock(&tasklist_lock);
	return yes;
}

void signal_orphaned_pgrp(struct task *t, struct task *parent)
{
	struct pid *pgrp = task_pgrp(t);
	struct task *ignored = NULL;

	if (!parent) {
		parent = t->real_parent;
		ignored = t;
	}
	if (task_pgrp(parent) == pgrp ||
	    task_session(parent) != task_session(t) ||
	    !becomes_orphaned(pgrp, ignored) || !has_stopped_member(pgrp))
		return;
	pgrp_send_locked(SIGHUP, SIG_INFO_KERNEL, pgrp);
	pgrp_send_locked(SIGCONT, SIG_INFO_KERNEL, pgrp);
}

/* --- to parents ------------------------------------------------------------------*/

static void fill_child(struct siginfo *i, struct task *t, struct task *parent)
{
	u64 user, sys;

	memset(i, 0, sizeof(*i));
	i->signo = SIGCHLD;
	process_times(t->process, &user, &sys);
	i->chld.pid = pid_nr_ns(t->thread_pid, task_pid_ns(parent));
	i->chld.uid = uid_seen_by(parent, t->real_cred->uid);
	i->chld.utime = (s64)(user / (NSEC_PER_SEC / USER_HZ));
	i->chld.stime = (s64)(sys / (NSEC_PER_SEC / USER_HZ));
}

static void fill_death(struct siginfo *i, struct task *t)
{
	int code = t->process->flags & PF_EXITING ?
		   t->process->group_exit_code : t->exit_code;

	i->chld.status = code & 0x7f;
	if (code & 0x80) {
		i->code = CLD_DUMPED;
	} else if (code & 0x7f) {
		i->code = CLD_KILLED;
	} else {
		i->code = CLD_EXITED;
		i->chld.status = code >> 8;
	}
}

bool signal_notify_parent(struct task *t, int sig)
{
	struct task *parent = t->parent;
	struct sighand *s = parent->sighand;
	struct siginfo info;
	bool autoreap = false;
	unsigned long h;

	pidfd_notify(t);
	fill_child(&info, t, parent);
	fill_death(&info, t);
	/* An exec since, maybe of a set-id program: not for any signal. */
	if (t->process->parent_exec_id != parent->process->exec_id)
		sig = SIGCHLD;
	info.signo = sig;
	irq_lock(&s->lock);
	h = s->action[SIGCHLD - 1].handler;
	if (!t->ptrace && sig == SIGCHLD &&
	    (h == SIG_IGN || (s->action[SIGCHLD - 1].flags & SA_NOCLDWAIT))) {
		autoreap = true;
		if (h == SIG_IGN)
			sig = 0;
	}
	if (sig)
		ignore_error(signal_send_locked(sig, &info, parent,
						SIG_TO_PROCESS));
	irq_unlock(&s->lock);
	waitq_wake(&parent->process->wait_child, TASK_INTERRUPTIBLE, 0, 0);
	return autoreap;
}

static int stop_status(const struct task *t, int why)
{
	if (why == CLD_CONTINUED)
		return SIGCONT;
	if (why == CLD_TRAPPED)
		return t->ptrace_code & 0x7f;
	return t->process->group_stop_code & 0x7f;
}

static void notify_stop(struct task *t, struct task *parent, int why)
{
	struct sighand *s = parent->sighand;
	struct sigaction_k *a;
	struct siginfo info;

	fill_child(&info, t, parent);
	info.code = why;
	info.chld.status = stop_status(t, why);
	irq_lock(&s->lock);
	a = &s->action[SIGCHLD - 1];
	if (a->handler != SIG_IGN && !(a->flags & SA_NOCLDSTOP))
		ignore_error(signal_send_locked(SIGCHLD, &info, parent,
						SIG_TO_PROCESS));
	irq_unlock(&s->lock);
	waitq_wake(&parent->process->wait_child, TASK_INTERRUPTIBLE, 0, 0);
}

void notify_parent_stop(struct task *t, int why)
{
	t = t->process->leader;
	notify_stop(t, t->real_parent, why);
}

void notify_tracer_stop(struct task *t, int why)
{
	notify_stop(t, t->parent, why);
}

/* --- to oneself, by a fault -----------------------------------------------------*/

void signal_force_info(struct siginfo *info)
{
	struct task *t = current;
	struct sighand *s = t->sighand;
	int sig = info->signo;
	struct sigaction_k *a = &s->action[sig - 1];

	irq_lock(&s->lock);
	if (sig_in(t->blocked, sig) || a->handler == SIG_IGN) {
		a->handler = SIG_DFL;
		t->blocked &= ~SIGMASK(sig);
		signal_recalc(t);
	}
	/* Not even an init survives its own fault. */
	if (a->handler == SIG_DFL)
		t->process->flags &= ~PF_UNKILLABLE;
	ignore_error(signal_send_locked(sig, info, t, SIG_TO_THREAD));
	if (!signal_pending(t))
		signal_wake(t, false);
	irq_unlock(&s->lock);
}

void signal_force(int sig, int code, unsigned long addr)
{
	struct siginfo info;

	memset(&info, 0, sizeof(info));
	info.signo = sig;
	info.code = code;
	info.fault.addr = addr;
	signal_force_info(&info);
}

void signal_force_fatal_info(struct siginfo *info)
{
	struct sighand *s = current->sighand;

	irq_lock(&s->lock);
	s->action[info->signo - 1].handler = SIG_DFL;
	irq_unlock(&s->lock);
	signal_force_info(info);
}

void signal_force_fatal(int sig)
{
	struct siginfo info;

	memset(&info, 0, sizeof(info));
	info.signo = sig;
	info.code = SI_KERNEL;
	signal_force_fatal_info(&info);
}
