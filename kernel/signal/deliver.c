/*
 * deliver - from the receiver's side: what a task does about its signals on
 * its way to user mode.
 *
 * Theory:  signals are taken one after the other until one has a handler, or
 *          ends or stops the process, or none is left.  The handler's frame
 *          goes to user memory in one piece (arch); that costs no flush.  An
 *          interrupted call is set to run again, or to return EINTR, before
 *          the frame is built, so that the handler returns into it.
 * Locks:   sighand->lock, dropped to stop, to tell the parent, and to write
 *          the frame.
 */
#include "signal_impl.h"

#include <arch/trap.h>
#include <kernel/trace.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <task/coredump.h>
#include <task/ptrace.h>
#include <task/rseq.h>

struct taken {
	int sig;
	struct sigaction_k action;
	struct siginfo info;
};

/* --- group stops --------------------------------------------------------------*/

bool participate_in_stop(struct task *t)
{
	struct process *p = t->process;
	bool counted = t->jobctl & JOBCTL_STOP_CONSUME;

	t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
	if (!counted)
		return false;
	if (p->stop_count > 0)
		p->stop_count--;
	if (p->stop_count || (p->flags & PF_STOPPED))
		return false;
	p->flags &= ~(PF_CONTINUED | PF_CLD_STOPPED | PF_CLD_CONTINUED);
	p->flags |= PF_STOPPED;
	return true;
}

static bool ask_to_stop(struct task *t, int sig)
{
	return jobctl_ask(t, (u32)sig | JOBCTL_STOP_PENDING |
			  JOBCTL_STOP_CONSUME);
}

static void start_stop(struct process *p, int sig)
{
	struct task *t;

	if (!(p->flags & PF_STOPPED))
		p->group_stop_code = sig;
	p->stop_count = 0;
	for_each_thread(t, p) {
		if (t != current && (READ_ONCE(t->state) & TASK_STOPPED_BIT))
			continue;
		if (!ask_to_stop(t, sig))
			continue;
		p->stop_count++;
		if (t == current)
			continue;
		if (t->ptrace & PT_SEIZED)
			ptrace_trap_notify(t);
		else
			signal_wake(t, false);
	}
}

/* Stops, or joins a stop that is on (sig 0).  True: it slept and the lock is
 * dropped. */
static bool stop(struct sighand *s, int sig) __no_analysis
{
	struct task *t = current;
	struct process *p = t->process;
	bool is_last;

	if (!(t->jobctl & JOBCTL_STOP_PENDING)) {
		/* A SIGCONT that came since took the mark back. */
		if (!(t->jobctl & JOBCTL_STOP_DEQUEUED) ||
		    (p->flags & PF_EXITING) || p->group_exec)
			return false;
		start_stop(p, sig);
		if (!(t->jobctl & JOBCTL_STOP_PENDING))
			return false;
	}
	if (t->ptrace) {
		/* The tracer sees it as a stop for itself. */
		jobctl_ask(t, JOBCTL_TRAP_STOP);
		return false;
	}
	is_last = participate_in_stop(t);
	signal_recalc(t);
	task_set_special_state(TASK_STOPPED);
	irq_unlock(&s->lock);
	if (is_last) {
		read_lock(&tasklist_lock);
		notify_parent_stop(t, CLD_STOPPED);
		read_unlock(&tasklist_lock);
	}
	schedule();
	return true;
}

/* The first to run after a SIGCONT tells the parent what happened. */
static bool tell_state_change(struct sighand *s) __no_analysis
{
	struct process *p = current->process;
	u32 what = p->flags & (PF_CLD_STOPPED | PF_CLD_CONTINUED);
	int why = what & PF_CLD_CONTINUED ? CLD_CONTINUED : CLD_STOPPED;

	if (likely(!what))
		return false;
	p->flags &= ~(PF_CLD_STOPPED | PF_CLD_CONTINUED);
	irq_unlock(&s->lock);
	read_lock(&tasklist_lock);
	notify_parent_stop(current, why);
	if (p->leader->ptrace && ptrace_is_reparented(p->leader))
		notify_tracer_stop(p->leader, why);
	read_unlock(&tasklist_lock);
	return true;
}

/* --- taking ---------------------------------------------------------------------*/

static void __noreturn die(struct sighand *s, int sig,
			   const struct siginfo *info) __no_analysis
{
	irq_unlock(&s->lock);
	current->flags |= TF_SIGNALED;
	if (info && sig_in(SIG_CORE_SET, sig))
		core_dump(info);
	do_group_exit(sig);
}

/* SIGKILL leaves the queue so that waits on the way out can sleep. */
static void die_if_told(struct sighand *s)
{
	struct task *t = current;
	struct process *p = t->process;

	if (!(p->flags & PF_EXITING) && !p->group_exec)
		return;
	t->pending.set &= ~SIGMASK(SIGKILL);
	signal_recalc(t);
	flag_clear(&t->work, WORK_KILL);
	die(s, SIGKILL, NULL);
}

enum verdict { TRY_NEXT, LOOK_AGAIN, RUN_HANDLER };

static enum verdict default_action(struct sighand *s, const struct taken *k)
	__no_analysis
{
	int sig = k->sig;

	if (sig_in(SIG_IGNORE_SET, sig))
		return TRY_NEXT;
	if ((current->process->flags & PF_UNKILLABLE) &&
	    !sig_in(SIG_ONLY_SET, sig))
		return TRY_NEXT;
	if (!sig_in(SIG_STOP_SET, sig))
		die(s, sig, &k->info);
	if (sig != SIGSTOP) {
		bool orphaned;

		irq_unlock(&s->lock);
		orphaned = pgrp_is_orphaned(task_pgrp(current));
		irq_lock(&s->lock);
		if (orphaned)
			return TRY_NEXT;
	}
	return stop(s, sig) ? LOOK_AGAIN : TRY_NEXT;
}

/* One signal; the lock is held on return unless LOOK_AGAIN. */
static enum verdict judge(struct sighand *s, struct taken *k)
{
	struct sigaction_k *a = &s->action[k->sig - 1];

	if (a->handler == SIG_IGN)
		return TRY_NEXT;
	if (a->handler == SIG_DFL)
		return default_action(s, k);
	k->action = *a;
	trace_signal_deliver(k->sig, k->info.code, a->handler, a->flags);
	if (a->flags & SA_RESETHAND)
		a->handler = SIG_DFL;
	return RUN_HANDLER;
}

/* True: *k is to be handled.  Does not return for a deadly one. */
static bool get_signal(struct taken *k) __no_analysis
{
	struct sighand *s = current->sighand;
	enum verdict v;

again:
	irq_lock(&s->lock);
	if (tell_state_change(s))
		goto again;
	do {
		die_if_told(s);
		if ((current->jobctl & JOBCTL_STOP_PENDING) && stop(s, 0))
			goto again;
		if (unlikely(current->jobctl &
			     (JOBCTL_TRAP_STOP | JOBCTL_TRAP_NOTIFY))) {
			ptrace_trap_relock(s);
			irq_unlock(&s->lock);
			goto again;
		}
		k->sig = signal_dequeue_locked(~current->blocked, &k->info);
		if (!k->sig) {
			signal_recalc(current);
			break;
		}
		v = TRY_NEXT;
		if (unlikely(current->ptrace) && k->sig != SIGKILL)
			k->sig = ptrace_signal_relock(s, k->sig, &k->info);
		if (k->sig)
			v = judge(s, k);
		if (v == LOOK_AGAIN)
			goto again;
	} while (v != RUN_HANDLER);
	irq_unlock(&s->lock);
	return k->sig != 0;
}

/* --- the handler ------------------------------------------------------------------*/

static bool on_altstack(const struct task *t, unsigned long sp)
{
	if (t->altstack.flags & SS_AUTODISARM)
		return false;
	return sp > t->altstack.sp && sp - t->altstack.sp <= t->altstack.size;
}

static u32 altstack_state(const struct task *t, unsigned long sp)
{
	if (!t->altstack.size)
		return SS_DISABLE;
	return (on_altstack(t, sp) ? SS_ONSTACK : 0) |
	       (t->altstack.flags & SS_AUTODISARM);
}

static u64 mask_to_save(struct task *t)
{
	if (t->work & WORK_SIGMASK) {
		flag_clear(&t->work, WORK_SIGMASK);
		return t->saved_sigmask;
	}
	return t->blocked;
}

/* The frame could not be written, or read: SIGSEGV, which nobody can catch if
 * it is the handler of SIGSEGV that has no stack. */
static void force_segv(int sig)
{
	if (sig == SIGSEGV)
		signal_force_fatal(SIGSEGV);
	else
		signal_force(SIGSEGV, SI_KERNEL, 0);
}

static void run_handler(struct regs *r, struct taken *k)
{
	struct task *t = current;
	u64 mask = mask_to_save(t);
	struct signal_setup setup = {
		.sig = k->sig,
		.siginfo = &k->info,
		.handler = k->action.handler,
		.mask = mask,
		.vdso = t->mm->vdso,
		.altstack = { t->altstack.sp, altstack_state(t, r->sp),
			      t->altstack.size },
	};

	/* the handler returns to where the section ended, not into it */
	if (t->rseq.ptr)
		rseq_resume(r);
	if ((k->action.flags & SA_ONSTACK) && t->altstack.size &&
	    !on_altstack(t, r->sp))
		setup.stack_top = t->altstack.sp + t->altstack.size;
	if (arch_signal_setup(r, &setup)) {
		force_segv(k->sig);
		return;
	}
	if (t->altstack.flags & SS_AUTODISARM) {
		t->altstack.sp = 0;
		t->altstack.size = 0;
		t->altstack.flags = SS_DISABLE;
	}
	mask = t->blocked | k->action.mask;
	if (!(k->action.flags & SA_NODEFER))
		mask |= SIGMASK(k->sig);
	signal_set_blocked(mask);
}

/* What the interrupted call does once the handler has run. */
static bool must_not_restart(long ret, const struct taken *k)
{
	return ret == -ERESTART_RESTARTBLOCK || ret == -ERESTARTNOHAND ||
	       (ret == -ERESTARTSYS && !(k->action.flags & SA_RESTART));
}

static bool is_restart(long ret)
{
	return ret == -ERESTARTSYS || ret == -ERESTARTNOINTR ||
	       ret == -ERESTARTNOHAND || ret == -ERESTART_RESTARTBLOCK;
}

/* The call is stepped back before the signals are looked at: so a debugger
 * may save the registers, run something else, and put them back. */
static bool handle_signal(struct regs *r)
{
	bool stepped = regs_in_syscall(r) && is_restart(regs_return(r));
	long ret = regs_return(r);
	unsigned long after = r->pc, again;
	struct taken k;
	bool found;

	if (stepped) {
		regs_restart_syscall(r);
		r->syscall = -1;
	}
	again = r->pc;
	found = get_signal(&k);
	if (stepped && r->pc == again) {
		if (found && must_not_restart(ret, &k)) {
			r->pc = after;
			regs_set_return(r, -EINTR);
		} else if (!found && ret == -ERESTART_RESTARTBLOCK) {
			r->pc = after;
			regs_restart_block(r);
		}
	}
	if (found)
		run_handler(r, &k);
	return found;
}

static void restart_without_handler(struct regs *r)
{
	if (!regs_in_syscall(r))
		return;
	switch (regs_return(r)) {
	case -ERESTARTNOHAND:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
		regs_restart_syscall(r);
		r->syscall = -1;
		break;
	case -ERESTART_RESTARTBLOCK:
		regs_restart_block(r);
		r->syscall = -1;
		break;
	}
}

void signal_deliver(struct regs *r)
{
	struct task *t = current;

	if ((t->work & (WORK_SIGNAL | WORK_KILL)) && handle_signal(r))
		return;
	restart_without_handler(r);
	if (t->work & WORK_SIGMASK) {
		flag_clear(&t->work, WORK_SIGMASK);
		signal_set_blocked(t->saved_sigmask);
	}
}

void signal_exit(struct task *t)
{
	struct process *p = t->process;
	struct sighand *s = t->sighand;
	bool was_last_to_stop = false;

	irq_lock(&s->lock);
	if (unlikely(p->flags & PF_GROUP_COREDUMP))
		core_park_relock(s);
	t->flags |= TF_EXITING;
	if (!thread_group_empty(p) && !(p->flags & PF_EXITING)) {
		if (signal_pending(t))
			retarget_shared(t, ~t->blocked);
		if (t->jobctl & JOBCTL_STOP_PENDING)
			was_last_to_stop = participate_in_stop(t);
	}
	irq_unlock(&s->lock);
	if (was_last_to_stop) {
		read_lock(&tasklist_lock);
		notify_parent_stop(t, CLD_STOPPED);
		read_unlock(&tasklist_lock);
	}
}
