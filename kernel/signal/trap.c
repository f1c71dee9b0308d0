/*
 * trap - ptrace stops, from the tracee's side.
 *
 * Theory:  every stop goes through stop_traced_relock().  It takes TASK_TRACED
 *          under siglock, only while the task is traced and not killed; who
 *          ends the tracing or kills takes siglock too and then wakes, so no
 *          wake-up is lost.  The tracer is told after the state is set, and
 *          looks at the state: so no stop is missed either.  What the tracer
 *          wants injected is left in ptrace_code.
 *          Traps that others ask for (attach to a stopped task, INTERRUPT,
 *          group stops of seized tasks) are jobctl bits that get_signal()
 *          looks at.
 * Locks:   sighand->lock; tasklist_lock to tell the tracer.
 */
#include "signal_impl.h"

#include <kernel/hart.h>
#include <lib/string.h>
#include <task/ptrace.h>

#define SYSGOOD_BIT 0x80

/* --- jobctl ---*/

bool jobctl_ask(struct task *t, u32 bits)
{
	assert_irq_held(&t->sighand->lock);
	if (fatal_signal_pending(t) || (READ_ONCE(t->flags) & TF_EXITING))
		return false;
	if (bits & JOBCTL_SIGMASK)
		t->jobctl &= ~JOBCTL_SIGMASK;
	t->jobctl |= bits;
	return true;
}

void jobctl_end_trapping(struct task *t)
{
	if (likely(!(t->jobctl & JOBCTL_TRAPPING)))
		return;
	t->jobctl &= ~JOBCTL_TRAPPING;
	/* The tracer waits in PTRACE_ATTACH. */
	rcu_read_lock();
	waitq_wake(&rcu_dereference(t->parent)->process->wait_child,
		   TASK_UNINTERRUPTIBLE, 0, 0);
	rcu_read_unlock();
}

void jobctl_clear(struct task *t, u32 bits)
{
	if (bits & JOBCTL_STOP_PENDING)
		bits |= JOBCTL_STOP_CONSUME | JOBCTL_STOP_DEQUEUED;
	t->jobctl &= ~bits;
	if (!(t->jobctl & JOBCTL_PENDING))
		jobctl_end_trapping(t);
}

void ptrace_signal_wake(struct task *t, bool resume)
{
	signal_wake_states(t, WORK_SIGNAL, TASK_INTERRUPTIBLE |
			   (resume ? TASK_TRACED_BIT : 0));
}

void ptrace_trap_notify(struct task *t)
{
	if (jobctl_ask(t, JOBCTL_TRAP_NOTIFY))
		ptrace_signal_wake(t, t->jobctl & JOBCTL_LISTENING);
}

/* --- the stop ---*/

static void tell_tracer(struct task *t, int why, bool is_last_to_stop)
{
	read_lock(&tasklist_lock);
	if (t->ptrace)
		notify_tracer_stop(t, why);
	/* The real parent hears of group stops as if nobody traced. */
	if (is_last_to_stop && (!t->ptrace || ptrace_is_reparented(t)))
		notify_parent_stop(t, why);
	read_unlock(&tasklist_lock);
}

static bool can_stop(const struct task *t)
{
	return t->ptrace && !sig_in(t->pending.set, SIGKILL);
}

/* siglock is dropped for the stop.  Returns the signal that the tracer left;
 * 0 also if there was no stop. */
static int stop_traced_relock(struct sighand *s, int code, int why,
			      unsigned long message, struct siginfo *info)
	__must_hold(&s->lock)
{
	struct task *t = current;
	bool is_last = false;

	if (!can_stop(t))
		return 0;
	t->ptrace_message = message;
	t->last_siginfo = info;
	t->ptrace_code = code;
	task_set_special_state(TASK_TRACED);
	if (why == CLD_STOPPED && (t->jobctl & JOBCTL_STOP_PENDING))
		is_last = participate_in_stop(t);
	jobctl_clear(t, JOBCTL_TRAP_STOP);
	if (info && info->code >> 8 == PTRACE_EVENT_STOP)
		jobctl_clear(t, JOBCTL_TRAP_NOTIFY);
	jobctl_end_trapping(t);
	/* The tracer waits for us to be off the hart: no detour. */
	preempt_disable();
	irq_unlock(&s->lock);
	tell_tracer(t, why, is_last);
	preempt_enable_no_resched();
	schedule();
	irq_lock(&s->lock);
	code = t->ptrace_code;
	t->ptrace_code = 0;
	t->ptrace_message = 0;
	t->last_siginfo = NULL;
	t->jobctl &= ~JOBCTL_LISTENING;
	/* The mark stays if another thread took the signal meanwhile: the
	 * call that it interrupted has yet to be restarted. */
	signal_note_pending(t);
	return code;
}

static int notify_relock(struct sighand *s, int sig, int code, int why,
			 unsigned long message) __must_hold(&s->lock)
{
	struct siginfo info;

	memset(&info, 0, sizeof(info));
	info.signo = sig;
	info.code = code;
	info.rt.pid = task_vpid(current);
	info.rt.uid = from_kuid_munged(current_user_ns(), current->cred->uid);
	return stop_traced_relock(s, code, why, message, &info);
}

int ptrace_notify(int code, unsigned long message)
{
	struct sighand *s = current->sighand;

	irqs_unmask();
	irq_lock(&s->lock);
	code = notify_relock(s, SIGTRAP, code, CLD_TRAPPED, message);
	irq_unlock(&s->lock);
	return code;
}

void ptrace_event(int event, unsigned long message)
{
	if (unlikely(ptrace_event_enabled(current, event)))
		ptrace_notify(event << 8 | SIGTRAP, message);
}

void ptrace_event_exec(unsigned long old_tid)
{
	u32 how = READ_ONCE(current->ptrace);

	if (likely(!how))
		return;
	if (ptrace_event_enabled(current, PTRACE_EVENT_EXEC))
		ptrace_event(PTRACE_EVENT_EXEC, old_tid);
	else if (!(how & PT_SEIZED))
		signal_send(SIGTRAP, NULL, current, SIG_TO_THREAD);
}

/* --- in the signal path ---*/

void ptrace_trap_relock(struct sighand *s)
{
	struct task *t = current;
	struct process *p = t->process;
	int sig = t->jobctl & JOBCTL_SIGMASK;

	if (!(t->ptrace & PT_SEIZED)) {
		stop_traced_relock(s, sig, CLD_STOPPED, 0, NULL);
		return;
	}
	if (!p->stop_count && !(p->flags & PF_STOPPED))
		sig = SIGTRAP;
	notify_relock(s, sig, sig | PTRACE_EVENT_STOP << 8, CLD_STOPPED, 0);
}

/* The tracer chose another signal: it is as if it had sent it. */
static void replace_info(struct siginfo *info, int sig)
{
	memset(info, 0, sizeof(*info));
	info->signo = sig;
	info->code = SI_USER;
	rcu_read_lock();
	info->rt.pid = task_vpid(rcu_dereference(current->parent));
	info->rt.uid = from_kuid_munged(
		current_user_ns(),
		rcu_dereference(current->parent->real_cred)->uid);
	rcu_read_unlock();
}

int ptrace_signal_relock(struct sighand *s, int sig, struct siginfo *info)
{
	struct task *t = current;

	if (!can_stop(t))
		return sig;
	/* A SIGCONT from here on takes this back, and with it the stop. */
	t->jobctl |= JOBCTL_STOP_DEQUEUED;
	sig = stop_traced_relock(s, sig, CLD_TRAPPED, 0, info);
	if (!sig)
		return 0;
	if (sig != info->signo)
		replace_info(info, sig);
	if (!sig_in(t->blocked, sig) && !fatal_signal_pending(t))
		return sig;
	ignore_error(signal_send_locked(sig, info, t, SIG_TO_THREAD));
	return 0;
}

/* --- system calls ---*/

static void report_syscall(unsigned long message)
{
	u32 how = READ_ONCE(current->ptrace);
	bool good = how & (PTRACE_O_TRACESYSGOOD << PT_OPT_SHIFT);
	int sig = ptrace_notify(SIGTRAP | (good ? SYSGOOD_BIT : 0), message);

	if (sig)
		signal_send(sig, SIG_INFO_KERNEL, current, SIG_TO_THREAD);
}

bool ptrace_syscall_enter(struct regs *r)
{
	u32 how = READ_ONCE(current->ptrace);

	if (!(how & (PT_SYSCALL | PT_SYSEMU)))
		return true;
	report_syscall(PTRACE_EVENTMSG_SYSCALL_ENTRY);
	return !fatal_signal_pending(current) && !(how & PT_SYSEMU);
}

void ptrace_syscall_exit(struct regs *r)
{
	if (READ_ONCE(current->ptrace) & PT_SYSCALL)
		report_syscall(PTRACE_EVENTMSG_SYSCALL_EXIT);
}
