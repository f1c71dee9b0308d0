/*
 * wait - wait4 and waitid: collecting children.
 *
 * Theory:  a parent looks through the children of all its threads.  What it
 *          may report (death, stop, continuation) is taken under
 *          tasklist_lock held for reading; of two threads that see the same
 *          zombie the one that turns exit_state to EXIT_DEAD has it.
 * Locks:   tasklist_lock, siglock of the child for stop and continuation.
 */
#include "task_impl.h"

#include <kernel/spinlock.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <task/ptrace.h>

/* What one look at a child says. */
enum look {
	LOOK_NOTHING,		/* not ours, or not of interest */
	LOOK_LATER,		/* ours, nothing to report yet */
	LOOK_TAKEN,		/* reported; tasklist_lock is dropped */
};

void wake_parent(struct task *parent)
{
	waitq_wake(&parent->process->wait_child, TASK_INTERRUPTIBLE, 0, 0);
}

static bool is_eligible(const struct wait_request *rq, struct task *c,
			bool is_tracer)
{
	bool is_clone = c->exit_signal != SIGCHLD;

	if (rq->type != PIDTYPES) {
		struct pid *pid = rq->type == PIDTYPE_PID ? c->thread_pid :
				  READ_ONCE(c->process->pids[rq->type]);

		if (pid != rq->pid)
			return false;
	}
	if (is_tracer || (rq->options & __WALL))
		return true;
	return is_clone == !!(rq->options & __WCLONE);
}

static void fill_identity(struct wait_request *rq, struct task *c)
{
	rcu_read_lock();
	rq->uid = (int)from_kuid_munged(current_user_ns(),
					rcu_dereference(c->real_cred)->uid);
	rcu_read_unlock();
	rq->tid = task_vpid(c);
	rq->found = true;
}

/* The reaped child's usage, and that of its own children, becomes ours. */
static void inherit_usage(struct task *c)
{
	struct process *p = c->process, *me = current->process;
	struct task_sums own;

	process_usage(p, &own);
	irq_lock(me->siglock);
	task_sums_add(&me->children, &own);
	task_sums_add(&me->children, &p->children);
	irq_unlock(me->siglock);
}

static void fill_death(struct wait_request *rq, struct task *c)
{
	int code = c->process->flags & PF_EXITING ?
		   c->process->group_exit_code : c->exit_code;

	process_usage(c->process, &rq->usage);
	task_sums_add(&rq->usage, &c->process->children);
	rq->status = code;
	if (!(code & 0x7f))
		rq->code = CLD_EXITED;
	else
		rq->code = code & 0x80 ? CLD_DUMPED : CLD_KILLED;
}

/* The tracer has seen the death; now the parent may.  True: it does not want
 * to. */
static bool give_to_parent(struct task *c)
{
	bool autoreap;

	write_lock(&tasklist_lock);
	ptrace_unlink(c);
	autoreap = signal_notify_parent(c, c->exit_signal);
	c->exit_state = autoreap ? EXIT_DEAD : EXIT_ZOMBIE;
	write_unlock(&tasklist_lock);
	return autoreap;
}

static enum look look_zombie(struct wait_request *rq, struct task *c)
{
	bool is_for_parent = c->ptrace && task_is_leader(c) &&
			     ptrace_is_reparented(c);

	if (!(rq->options & WEXITED))
		return LOOK_NOTHING;
	if (rq->options & WNOWAIT) {
		task_get(c);
		read_unlock(&tasklist_lock);
		fill_identity(rq, c);
		fill_death(rq, c);
		task_put(c);
		return LOOK_TAKEN;
	}
	if (!cmpxchg(&c->exit_state, EXIT_ZOMBIE,
		     is_for_parent ? EXIT_TRACE : EXIT_DEAD))
		return LOOK_NOTHING;
	read_unlock(&tasklist_lock);
	fill_identity(rq, c);
	fill_death(rq, c);
	if (is_for_parent && !give_to_parent(c))
		return LOOK_TAKEN;
	if (task_is_leader(c) && !is_for_parent)
		inherit_usage(c);
	task_release(c);
	return LOOK_TAKEN;
}

/* Lets the child's identity be read after the lock is dropped. */
static enum look report_state(struct wait_request *rq, struct task *c,
			      int status, int code)
{
	task_get(c);
	read_unlock(&tasklist_lock);
	fill_identity(rq, c);
	process_usage(c->process, &rq->usage);
	rq->status = status;
	rq->code = code;
	task_put(c);
	return LOOK_TAKEN;
}

/* A ptrace stop: needs no WUNTRACED. */
static enum look look_trapped(struct wait_request *rq, struct task *c)
{
	struct sighand *s = c->sighand;
	int code = 0;

	irq_lock(&s->lock);
	if ((READ_ONCE(c->state) & TASK_TRACED_BIT) &&
	    !(c->jobctl & JOBCTL_LISTENING)) {
		code = c->ptrace_code;
		if (!(rq->options & WNOWAIT))
			c->ptrace_code = 0;
	}
	irq_unlock(&s->lock);
	if (!code)
		return LOOK_LATER;
	return report_state(rq, c, code << 8 | 0x7f, CLD_TRAPPED);
}

static enum look look_stopped(struct wait_request *rq, struct task *c)
{
	struct process *p = c->process;
	int sig = 0;

	if (!(rq->options & WUNTRACED))
		return LOOK_LATER;
	irq_lock(p->siglock);
	if (p->flags & PF_STOPPED) {
		sig = p->group_stop_code;
		if (!(rq->options & WNOWAIT))
			p->group_stop_code = 0;
	}
	irq_unlock(p->siglock);
	if (!sig)
		return LOOK_LATER;
	return report_state(rq, c, sig << 8 | 0x7f, CLD_STOPPED);
}

static enum look look_continued(struct wait_request *rq, struct task *c)
{
	struct process *p = c->process;
	bool yes;

	if (!(rq->options & WCONTINUED) || !(p->flags & PF_CONTINUED))
		return LOOK_LATER;
	irq_lock(p->siglock);
	yes = p->flags & PF_CONTINUED;
	if (!(rq->options & WNOWAIT))
		p->flags &= ~PF_CONTINUED;
	irq_unlock(p->siglock);
	if (!yes)
		return LOOK_LATER;
	return report_state(rq, c, 0xffff, CLD_CONTINUED);
}

static enum look look_at(struct wait_request *rq, struct task *c,
			 bool is_tracer)
{
	int state = READ_ONCE(c->exit_state);
	enum look l;

	if (state == EXIT_DEAD || !is_eligible(rq, c, is_tracer))
		return LOOK_NOTHING;
	/* On its way from the tracer to the parent. */
	if (state == EXIT_TRACE)
		return is_tracer ? LOOK_NOTHING : LOOK_LATER;
	if (c->ptrace && !ptrace_is_reparented(c))
		is_tracer = true;
	if (state == EXIT_ZOMBIE) {
		/* Threads of a dead leader live on: its death is to come. */
		bool is_delayed = task_is_leader(c) &&
				  !thread_group_empty(c->process);

		if (!is_delayed && (is_tracer || !c->ptrace))
			return look_zombie(rq, c);
		if (is_tracer && !(rq->options & (WCONTINUED | WEXITED)))
			return LOOK_NOTHING;
	}
	l = is_tracer ? look_trapped(rq, c) : look_stopped(rq, c);
	if (l == LOOK_LATER)
		l = look_continued(rq, c);
	return l;
}

/* What a look says of the search: 1: taken; 0: wait; -ECHILD: nothing.  A
 * zombie will never stop or go on: without WEXITED it is nothing. */
static int judge_look(enum look l)
{
	return l == LOOK_TAKEN ? 1 : l == LOOK_LATER ? 0 : -ECHILD;
}

/* 0: nothing yet; 1: taken; -ECHILD: none to wait for. Drops the lock only
 * when something was taken. */
static int look_at_children(struct wait_request *rq, struct task *parent)
{
	int ret = -ECHILD, r;
	struct task *c;

	list_for_each_entry(c, &parent->children, sibling) {
		r = judge_look(look_at(rq, c, false));
		if (r == 1)
			return 1;
		if (!r)
			ret = 0;
	}
	list_for_each_entry(c, &parent->ptraced, ptrace_node) {
		r = judge_look(look_at(rq, c, true));
		if (r == 1)
			return 1;
		if (!r)
			ret = 0;
	}
	return ret;
}

static int look_at_all(struct wait_request *rq)
{
	struct task *t;
	int ret = -ECHILD, r;

	if (rq->type != PIDTYPES && rq->type != PIDTYPE_PID &&
	    hlist_empty(&rq->pid->tasks[rq->type]))
		return -ECHILD;
	read_lock(&tasklist_lock);
	for_each_thread(t, current->process) {
		if ((rq->options & __WNOTHREAD) && t != current)
			continue;
		r = look_at_children(rq, t);
		if (r == 1)
			return 1;
		if (!r)
			ret = 0;
	}
	read_unlock(&tasklist_lock);
	return ret;
}

long do_wait(struct wait_request *rq)
{
	struct waitq *q = &current->process->wait_child;
	struct wait_entry we;
	long ret;

	rq->found = false;
	irqs_unmask();
	ret = look_at_all(rq);
	if (ret || (rq->options & WNOHANG))
		return ret == 1 ? rq->tid : ret;
	wait_entry_init(&we);
	for (;;) {
		wait_prepare(q, &we, TASK_INTERRUPTIBLE);
		/* Taking a child may sleep for locks: as a running task. */
		ret = look_at_all(rq);
		if (ret)
			break;
		ret = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		schedule();
	}
	wait_finish(q, &we);
	return ret == 1 ? rq->tid : ret;
}
