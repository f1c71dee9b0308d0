/*
 * exit - the end of tasks.
 *
 * Theory:  a task gives back, in its own context, all that it holds: address
 *          space, files, names.  What is left is the zombie: number, exit
 *          code and usage, which the parent collects.  A thread that is not
 *          the leader reaps itself; a leader stays until its last thread is
 *          gone, and only then its parent hears of it.
 * Locks:   tasklist_lock for the family tree and exit_state; sighand->lock
 *          inside it.
 * Life:    task_release() drops the table's reference.
 */
#include "task_impl.h"

#include <fs/fdtable.h>
#include <fs/vfs.h>
#include <ipc/ipc.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <kernel/trace.h>
#include <mm/mm.h>
#include <task/acct.h>
#include <task/fork.h>
#include <task/futex.h>
#include <task/pidfd.h>
#include <task/ptrace.h>

void (*tty_session_exit_hook)(bool on_exit);
u32 (*tty_dev_hook)(const struct tty *tty);

/* --- reaping ------------------------------------------------------------------*/

static void unlink_leader(struct task *t)
{
	struct process *p = t->process;

	process_detach_pid(p, PIDTYPE_TGID);
	process_detach_pid(p, PIDTYPE_PGID);
	process_detach_pid(p, PIDTYPE_SID);
	list_del_init(&t->sibling);
	p->tty = NULL;
}

/* Out of the group and all tables. tasklist_lock held for writing. */
static void unlink_task(struct task *t)
{
	struct process *p = t->process;
	struct sighand *s = t->sighand;
	bool is_leader = task_is_leader(t);

	irq_lock(&s->lock);
	if (!is_leader && p->notify_count > 0 && !--p->notify_count)
		task_wake_state(p->group_exec, TASK_WAKEKILL);
	if (p->curr_target == t)
		p->curr_target = p->leader;
	seq_write_begin(&p->sums_seq);
	process_account_thread(p, t);
	list_del_rcu(&t->thread_node);
	seq_write_end(&p->sums_seq);
	p->nr_threads--;
	task_detach_tid(t);
	if (is_leader)
		unlink_leader(t);
	list_del_rcu(&t->all_node);
	sigpending_flush(&t->pending);
	if (is_leader)
		sigpending_flush(&p->shared_pending);
	rcu_assign(t->sighand, NULL);
	irq_unlock(&s->lock);
	sighand_put(s);
}

void task_release(struct task *t)
{
	struct task *leader;
	bool again;

	do {
		again = false;
		fetch_add_relaxed(&t->real_cred->user->processes, -1);
		task_count_drop();
		write_lock(&tasklist_lock);
		ptrace_unlink(t);
		leader = t->group_leader;
		unlink_task(t);
		if (leader != t && leader->exit_state == EXIT_ZOMBIE &&
		    thread_group_empty(leader->process)) {
			/* The leader waited for us to go. */
			again = signal_notify_parent(leader,
						     leader->exit_signal);
			if (again)
				leader->exit_state = EXIT_DEAD;
		}
		write_unlock(&tasklist_lock);
		task_put(t);
		t = leader;
	} while (again);
}

/* --- the family -------------------------------------------------------------------*/

static struct task *living_thread(struct process *p)
{
	struct task *t;

	for_each_thread(t, p)
		if (!(READ_ONCE(t->flags) & TF_EXITING))
			return t;
	return NULL;
}

/* A namespace without its init ends before we go on. */
static struct task *find_reaper(struct task *father)
{
	struct pid_ns *ns = task_pid_ns(father);
	struct task *t;

	if (ns->reaper != father)
		return ns->reaper;
	t = living_thread(father->process);
	if (t) {
		ns->reaper = t;
		return t;
	}
	write_unlock(&tasklist_lock);
	pid_ns_zap(ns);
	write_lock(&tasklist_lock);
	return father;
}

static struct task *find_new_parent(struct task *father, struct task *reaper)
{
	struct task *t = living_thread(father->process);
	u32 level = father->thread_pid->level;

	if (t)
		return t;
	if (!father->process->has_child_subreaper)
		return reaper;
	for (t = father->real_parent; t->thread_pid->level == level;
	     t = t->real_parent) {
		if (t == reaper || t->process == boot_task.process)
			break;
		if (!t->process->is_child_subreaper)
			continue;
		t = living_thread(t->process);
		return t ? t : reaper;
	}
	return reaper;
}

/* A child moves on to a new parent; a zombie's new parent is told. */
static void reparent_leader(struct task *father, struct task *c,
			    struct list *dead)
{
	if (c->exit_state == EXIT_DEAD)
		return;
	c->exit_signal = SIGCHLD;
	if (!c->ptrace && c->exit_state == EXIT_ZOMBIE &&
	    thread_group_empty(c->process) &&
	    signal_notify_parent(c, c->exit_signal)) {
		c->exit_state = EXIT_DEAD;
		list_add(&c->ptrace_node, dead);
	}
	signal_orphaned_pgrp(c, father);
}

/* The child asked for it, and may be someone else's by now. */
static void tell_child(struct task *t)
{
	int sig = t->pdeath_signal;

	if (sig && !signal_may_send(sig, NULL, t))
		signal_send(sig, NULL, t, SIG_TO_PROCESS);
}

static void forget_children(struct task *father, struct list *dead)
{
	struct task *reaper, *parent, *c, *t;

	reaper = find_reaper(father);
	if (list_empty(&father->children))
		return;
	parent = find_new_parent(father, reaper);
	list_for_each_entry(c, &father->children, sibling) {
		for_each_thread(t, c->process) {
			rcu_assign(t->real_parent, parent);
			if (!t->ptrace)
				rcu_assign(t->parent, parent);
			tell_child(t);
		}
		/* Another thread of ours is no new parent to tell. */
		if (parent->process != father->process)
			reparent_leader(father, c, dead);
	}
	list_splice_tail(&father->children, &parent->children);
}

/* A tracer collects threads too.  Only a tracer that is also the parent gets
 * the signal that the maker of t asked for. */
static bool tell_tracer(struct task *t)
{
	int sig = SIGCHLD;

	if (task_is_leader(t) && thread_group_empty(t->process) &&
	    !ptrace_is_reparented(t))
		sig = t->exit_signal;
	return signal_notify_parent(t, sig);
}

/* True if nobody will collect t. */
static bool tell_parent(struct task *t)
{
	if (unlikely(t->ptrace))
		return tell_tracer(t);
	if (!task_is_leader(t)) {
		pidfd_notify(t);
		return true;
	}
	return thread_group_empty(t->process) &&
	       signal_notify_parent(t, t->exit_signal);
}

static void exit_notify(struct task *t, bool is_group_dead)
{
	struct process *p = t->process;
	struct task *c, *next;
	bool autoreap;
	LIST_HEAD(dead);

	write_lock(&tasklist_lock);
	forget_children(t, &dead);
	if (is_group_dead)
		signal_orphaned_pgrp(p->leader, NULL);
	t->exit_state = EXIT_ZOMBIE;
	autoreap = tell_parent(t);
	if (autoreap)
		t->exit_state = EXIT_DEAD;
	/* An exec of another thread waits for the old leader to be a zombie. */
	if (p->notify_count < 0)
		task_wake_state(p->group_exec, TASK_WAKEKILL);
	write_unlock(&tasklist_lock);
	list_for_each_entry_safe(c, next, &dead, ptrace_node) {
		list_del_init(&c->ptrace_node);
		task_release(c);
	}
	if (autoreap)
		task_release(t);
}

/* --- giving back ----------------------------------------------------------------*/

/* Tells those who wait for this task to leave the address space. */
void task_mm_release(struct task *t, struct mm *mm)
{
	struct completion *done;

	futex_exit(t);
	if (t->clear_child_tid) {
		/* Another user of the memory waits for the zero. */
		if (ref_count(&mm->users) > 1) {
			int __user *p = t->clear_child_tid;

			if (!put_user(0, p))
				futex_wake((u32 __user *)p, false, 1,
					   FUTEX_BITSET_ALL);
		}
		t->clear_child_tid = NULL;
	}
	irq_lock(&t->alloc_lock);
	done = t->vfork;
	t->vfork = NULL;
	if (done)
		complete(done);
	irq_unlock(&t->alloc_lock);
	t->flags &= ~TF_VFORK;
}

/* The tables stay loaded and borrowed until the next switch. */
void task_leave_mm(struct task *t)
{
	struct mm *mm = t->mm;

	if (!mm)
		return;
	task_mm_release(t, mm);
	irq_lock(&t->alloc_lock);
	t->mm = NULL;
	irq_unlock(&t->alloc_lock);
	mm_put(mm);
}

static void leave_files(struct task *t)
{
	struct files *files = t->files;
	struct fs_struct *fs;

	if (files) {
		irq_lock(&t->alloc_lock);
		t->files = NULL;
		irq_unlock(&t->alloc_lock);
		files_put(files);
	}
	/* Closing may want names; so the fs goes after the files' work. */
	task_work_run();
	fs = t->fs;
	irq_lock(&t->alloc_lock);
	t->fs = NULL;
	irq_unlock(&t->alloc_lock);
	if (fs)
		fs_struct_put(fs);
}

static void leave_namespaces(struct task *t)
{
	struct nsproxy *n = t->nsproxy;

	irq_lock(&t->alloc_lock);
	t->nsproxy = NULL;
	irq_unlock(&t->alloc_lock);
	nsproxy_put(n);
}

static bool leave_group(struct task *t)
{
	struct process *p = t->process;

	if (fetch_add(&p->live, -1) != 1)
		return false;
	if (p->flags & PF_UNKILLABLE && task_pid_ns(t) == &init_pid_ns)
		panic("Attempted to kill init! exitcode=0x%08x\n",
		      p->group_exit_code ?: t->exit_code);
	process_timers_exit(p);
	if (t->mm)
		process_note_maxrss(p, t->mm);
	return true;
}

void __noreturn do_exit(int code)
{
	struct task *t = current;
	bool is_group_dead;

	if (unlikely(in_irq()))
		panic("Aiee, killing interrupt handler!\n");
	if (unlikely(t->flags & TF_IDLE))
		panic("Attempted to kill the idle task!\n");
	irqs_unmask();
	ptrace_event(PTRACE_EVENT_EXIT, (unsigned long)code);
	t->exit_code = code;
	signal_exit(t);
	is_group_dead = leave_group(t);
	if (is_group_dead)
		acct_process();
	task_leave_mm(t);
	sem_exit(t);
	shm_exit(t);
	leave_files(t);
	if (is_group_dead && t->process->is_session_leader &&
	    tty_session_exit_hook)
		tty_session_exit_hook(true);
	leave_namespaces(t);
	task_work_run();
	sched_dead_accounting(t);
	trace_sched_exit(t);
	ptrace_exit(t);
	exit_notify(t, is_group_dead);
	sched_exit();
}

void __noreturn do_group_exit(int code)
{
	struct process *p = current->process;
	struct sighand *s = current->sighand;

	irq_lock(&s->lock);
	if (p->flags & PF_EXITING)
		code = p->group_exit_code;
	else if (p->group_exec)
		code = 0;	/* another thread's exec ends us */
	else
		signal_start_group_exit(p, code);
	irq_unlock(&s->lock);
	do_exit(code);
}

