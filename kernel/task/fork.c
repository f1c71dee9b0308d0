/*
 * fork - new tasks: clone, clone3, kernel tasks.
 *
 * Theory:  all that may fail comes first, on a task nobody can see; every
 *          pointer of it is either NULL or owned, so one function undoes any
 *          prefix.  Then, under tasklist_lock and the parent's siglock, the
 *          task is linked, which cannot fail but for a signal that came in
 *          between: a group that is killed grows no more.
 * Locks:   tasklist_lock over sighand->lock for the links.
 * Life:    a task starts with two references: one is dropped by
 *          task_release(), one by the scheduler after its last switch.  The
 *          memory goes after a grace period.
 */
#include "task_impl.h"

#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <fs/vfs.h>
#include <ipc/ipc.h>
#include <kernel/hart.h>
#include <kernel/print.h>
#include <kernel/trace.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/vmap.h>
#include <sched/sched.h>
#include <task/fork.h>
#include <task/futex.h>
#include <task/pidfd.h>
#include <task/ptrace.h>
#include <task/seccomp.h>

#define CLONE_KNOWN                                                            \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_PIDFD |     \
	 CLONE_PTRACE | CLONE_VFORK | CLONE_PARENT | CLONE_THREAD |            \
	 CLONE_NEWNS | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |    \
	 CLONE_CHILD_CLEARTID | CLONE_DETACHED | CLONE_UNTRACED |              \
	 CLONE_CHILD_SETTID | CLONE_NEWUTS | CLONE_NEWPID | CLONE_IO |         \
	 CLONE_CLEAR_SIGHAND | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWTIME)
/* Refused where they would be made, as who may not have them is told first. */
#define CLONE_ABSENT (CLONE_NEWNET | CLONE_NEWCGROUP)

static struct slab_cache *task_cache;
static struct slab_cache *process_cache;
static int nr_tasks;			/* atomic */
static u64 nr_forks __guarded_by(&tasklist_lock);
int sysctl_threads_max = 1024;

u64 task_nr_forks(void)
{
	return READ_ONCE(nr_forks);
}

int task_count(void)
{
	return READ_ONCE(nr_tasks);
}

/* --- the parts that clone shares or copies ---------------------------------*/

static int copy_cred(u64 flags, struct task *t, bool is_kernel)
{
	const struct cred *c = is_kernel ? &init_cred : current->real_cred;
	struct cred *own;
	int n, err;

	if (flags & CLONE_NEWUSER) {
		err = cred_prepare(&own);
		if (err)
			return err;
		err = user_ns_create(own);
		if (err) {
			cred_put(own);
			return err;
		}
		t->real_cred = own;
		c = own;
	} else {
		t->real_cred = cred_get(c);
	}
	t->cred = cred_get(c);
	n = fetch_add_relaxed(&c->user->processes, 1);
	if (is_kernel || (u64)n < rlimit(RLIMIT_NPROC) ||
	    c->user == &root_user || capable(CAP_SYS_RESOURCE) ||
	    capable(CAP_SYS_ADMIN))
		return 0;
	return -EAGAIN;
}

static int copy_files(u64 flags, struct task *t)
{
	if (!current->files)
		return 0;
	if (flags & CLONE_FILES) {
		ref_get(&current->files->refs);
		t->files = current->files;
		return 0;
	}
	return files_copy(current->files, &t->files);
}

static int copy_fs(u64 flags, struct task *t)
{
	if (flags & CLONE_FS) {
		ref_get(&current->fs->refs);
		t->fs = current->fs;
		return 0;
	}
	return fs_struct_copy(current->fs, &t->fs);
}

static int copy_sighand(u64 flags, struct task *t)
{
	struct sighand *from = current->sighand;
	int err;

	if (flags & CLONE_SIGHAND) {
		ref_get(&from->refs);
		t->sighand = from;
		return 0;
	}
	err = sighand_create(&t->sighand);
	if (err)
		return err;
	if (t->flags & TF_KERNEL)
		from = boot_task.sighand;	/* ignores everything */
	irq_lock(&from->lock);
	memcpy(t->sighand->action, from->action, sizeof(from->action));
	irq_unlock(&from->lock);
	if (flags & CLONE_CLEAR_SIGHAND)
		signal_flush_handlers(t, false);
	return 0;
}

int process_create(struct task *leader, struct process **out)
{
	struct process *p = slab_alloc(process_cache, GFP_KERNEL);
	struct process *from = current->process;

	if (!p)
		return -ENOMEM;
	memset(p, 0, sizeof(*p));
	ref_init(&p->refs, 1);
	p->leader = leader;
	list_init(&p->threads);
	p->nr_threads = 1;
	p->live = 1;
	sigpending_init(&p->shared_pending);
	p->curr_target = leader;
	waitq_init(&p->wait_child);
	waitq_init(&p->core_wait);
	p->core_filter = from->core_filter;
	mutex_init(&p->exec_lock, RANK_EXEC, "process.exec_lock");
	p->siglock = &leader->sighand->lock;
	list_init(&p->posix_timers);
	itimer_process_init(p);
	irq_lock(from->siglock);
	memcpy(p->rlim, from->rlim, sizeof(p->rlim));
	irq_unlock(from->siglock);
	p->cpu_timers = p->rlim[RLIMIT_CPU].cur != RLIM_INFINITY;
	p->oom_score_adj = from->oom_score_adj;
	p->oom_score_adj_min = from->oom_score_adj_min;
	p->group_start = clock_ns();
	*out = p;
	return 0;
}

void process_put(struct process *p)
{
	if (!p || !ref_put(&p->refs))
		return;
	for (int i = PIDTYPE_TGID; i < PIDTYPES; i++)
		pid_put(p->pids[i]);
	pid_put(p->tty_old_pgrp);
	pid_put(p->ptracer);
	slab_free(process_cache, p);
}

static int copy_group(u64 flags, struct task *t)
{
	if (flags & CLONE_THREAD) {
		ref_get(&current->process->refs);
		t->process = current->process;
		t->group_leader = current->group_leader;
		return 0;
	}
	t->group_leader = t;
	return process_create(t, &t->process);
}

/* The copy runs the same program, and denies writing to it on its own. */
static void share_exe(struct mm *from, struct mm *to)
{
	if (!from->exe_file)
		return;
	to->exe_file = file_get(from->exe_file);
	to->user_ns = user_ns_get(from->user_ns);
	to->exe_release = from->exe_release;
	/* Cannot fail: it is denied by `from`. */
	ignore_error(inode_deny_write(to->exe_file->inode));
}

static int copy_mm(u64 flags, struct task *t)
{
	struct mm *mm = current->mm;
	int err = 0;

	if (t->flags & TF_KERNEL || !mm)
		return 0;
	if (flags & CLONE_VM)
		mm_get(mm);
	else
		err = mm_fork(mm, &mm);
	if (err)
		return err;
	if (!(flags & CLONE_VM))
		share_exe(current->mm, mm);
	t->mm = mm;
	return 0;
}

static int copy_parts(const struct clone_args_k *a, struct task *t)
{
	int err;

	err = sched_fork(t);
	if (!err && !a->fn)
		err = copy_files(a->flags, t);
	if (!err)
		err = copy_fs(a->flags, t);
	if (!err)
		err = copy_sighand(a->flags, t);
	if (!err)
		err = copy_group(a->flags, t);
	if (!err)
		err = copy_mm(a->flags, t);
	if (!err)
		err = sem_fork(a->flags, t);
	if (!err)
		err = nsproxy_copy(a->flags, a->fn ? &init_nsproxy :
				   current->nsproxy, t->cred->user_ns, t->fs,
				   &t->nsproxy);
	if (!err && !(a->flags & CLONE_VM))
		err = nsproxy_enter_time(&t->nsproxy, t->mm);
	return err;
}

/* --- a bare task -------------------------------------------------------------*/

static void task_init_fields(struct task *t)
{
	struct task *parent = current;

	ref_init(&t->refs, 2);
	t->state = TASK_NEW;
	t->hart = parent->hart;
	t->allowed = parent->allowed;
	irq_lock_init(&t->pi_lock, RANK_TASK_PI, "task.pi_lock");
	irq_lock_init(&t->alloc_lock, RANK_IRQ, "task.alloc_lock");
	list_init(&t->pi_mutexes);
	list_init(&t->children);
	list_init(&t->sibling);
	list_init(&t->ptraced);
	list_init(&t->ptrace_node);
	list_init(&t->thread_node);
	sigpending_init(&t->pending);
	t->blocked = parent->blocked;
	t->personality = parent->personality;
	t->timer_slack_ns = parent->timer_slack_ns;
	t->default_slack_ns = parent->timer_slack_ns;
	t->ioprio = parent->ioprio;
	t->no_new_privs = parent->no_new_privs;
	t->start_ns = clock_ns();
	t->start_boot_ns = t->start_ns;
	memcpy(t->comm, parent->comm, sizeof(t->comm));
}

static int task_new(struct task **out)
{
	struct task *t = slab_alloc(task_cache, GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->kstack = kstack_alloc();
	if (!t->kstack) {
		slab_free(task_cache, t);
		return -ENOMEM;
	}
	t->kstack_top = (char *)t->kstack + KSTACK_SIZE;
	task_init_fields(t);
	*out = t;
	return 0;
}

/* After a grace period, or never seen by anyone.  May be the last user of
 * the process. */
static void task_free(struct task *t)
{
	process_put(t->process);
	seccomp_release(t);
	if (t->real_cred)
		cred_put(t->real_cred);
	if (t->cred)
		cred_put(t->cred);
	if (t->thread_pid)
		pid_put(t->thread_pid);
	arch_task_free(t);
	kstack_free(t->kstack);
	slab_free(task_cache, t);
}

static void task_free_rcu(struct rcu_head *head)
{
	task_free(container_of(head, struct task, rcu));
}

/* task_free_hook: any context, the scheduler's included. */
static void task_free_later(struct task *t)
{
	call_rcu(&t->rcu, task_free_rcu);
}

/* A task that was never linked: gives back all that it has. */
static void task_undo(struct task *t)
{
	if (t->real_cred)
		fetch_add_relaxed(&t->real_cred->user->processes, -1);
	sem_exit(t);
	if (t->nsproxy)
		nsproxy_put(t->nsproxy);
	if (t->mm)
		mm_put(t->mm);
	if (t->sighand)
		sighand_put(t->sighand);
	if (t->fs)
		fs_struct_put(t->fs);
	if (t->files)
		files_put(t->files);
	fetch_add_relaxed(&nr_tasks, -1);
	task_free(t);
}

/* --- flags -------------------------------------------------------------------*/

static int check_sharing(u64 f)
{
	if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS))
		return -EINVAL;
	if ((f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_NEWIPC) && (f & CLONE_SYSVSEM))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	return 0;
}

static int check_flags(const struct clone_args_k *a)
{
	u64 f = a->flags;
	int err = check_sharing(f);

	if (err || (f & ~(CLONE_KNOWN | CLONE_ABSENT)))
		return -EINVAL;
	/* Children of an init must not become its siblings. */
	if ((f & CLONE_PARENT) && (current->process->flags & PF_UNKILLABLE))
		return -EINVAL;
	if ((f & CLONE_THREAD) &&
	    ((f & (CLONE_NEWPID | CLONE_NEWUSER)) || current->nsproxy->pid_for_children !=
	     task_pid_ns(current)))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & CLONE_DETACHED))
		return -EINVAL;
	return 0;
}

/* --- linking -------------------------------------------------------------------*/

void process_attach_pid(struct process *p, enum pid_type type,
			struct pid *pid)
{
	rcu_assign(p->pids[type], pid_get(pid));
	hlist_add_head_rcu(&p->pid_links[type], &pid->tasks[type]);
}

static void pid_check_unused(struct pid *pid)
{
	if (pid == &init_struct_pid || pid->thread)
		return;
	for (int i = PIDTYPE_TGID; i < PIDTYPES; i++)
		if (!hlist_empty(&pid->tasks[i]))
			return;
	pid_unhash(pid);
}

/* The pointer stays for readers, and with it the reference: process_put(). */
void process_detach_pid(struct process *p, enum pid_type type)
{
	hlist_del_rcu(&p->pid_links[type]);
	pid_check_unused(p->pids[type]);
}

void process_change_pid(struct process *p, enum pid_type type,
			struct pid *pid)
{
	struct pid *old = p->pids[type];

	hlist_del_rcu(&p->pid_links[type]);
	process_attach_pid(p, type, pid);
	pid_check_unused(old);
	pid_put(old);
}

void task_detach_tid(struct task *t)
{
	WRITE_ONCE(t->thread_pid->thread, NULL);
	pidfd_notify(t);	/* EPOLLHUP: it is reaped */
	pid_check_unused(t->thread_pid);
}

/* A new thread takes part in a stop that is on. siglock held. */
static void join_group_stop(struct task *t)
{
	u32 bits = (current->jobctl & JOBCTL_SIGMASK) | JOBCTL_STOP_PENDING;

	if (t->process->stop_count) {
		t->process->stop_count++;
		bits |= JOBCTL_STOP_CONSUME;
	} else if (!(t->process->flags & PF_STOPPED)) {
		return;
	}
	t->jobctl |= bits;
	flag_set(&t->work, WORK_SIGNAL);
}

static void link_leader(struct task *t)
{
	struct process *p = t->process, *from = current->process;
	struct pid *pid = t->thread_pid;
	struct pid_ns *ns = pid_own_ns(pid);

	if (pid->numbers[pid->level].nr == 1) {
		ns->reaper = t;
		p->flags |= PF_UNKILLABLE;
	}
	if (t->flags & TF_KERNEL)
		from = boot_task.process;
	p->tty = from->tty;
	process_note_parent(p, t->real_parent->process);
	list_add_tail(&t->sibling, &t->real_parent->children);
	p->pids[PIDTYPE_PID] = pid;
	p->leader_pid = pid;
	process_attach_pid(p, PIDTYPE_TGID, pid);
	process_attach_pid(p, PIDTYPE_PGID, from->pids[PIDTYPE_PGID]);
	process_attach_pid(p, PIDTYPE_SID, from->pids[PIDTYPE_SID]);
}

/* init and kthreadd hang on the boot task, other kernel tasks on kthreadd. */
static bool is_first(const struct clone_args_k *a)
{
	return !kthreadd_task || (a->set_tid_size && *a->set_tid == 1);
}

static void set_parent(struct task *t, const struct clone_args_k *a)
{
	t->exit_signal = a->exit_signal;
	if (t->flags & TF_KERNEL) {
		t->real_parent = is_first(a) ? &boot_task : kthreadd_task;
	} else if (a->flags & (CLONE_PARENT | CLONE_THREAD)) {
		t->real_parent = current->real_parent;
		t->exit_signal = current->group_leader->exit_signal;
	} else {
		t->real_parent = current;
	}
	if (a->flags & CLONE_THREAD)
		t->exit_signal = -1;
	t->parent = t->real_parent;
}

/* What the tracer of current wants to hear of this; 0: nothing. */
static int clone_event(const struct clone_args_k *a)
{
	int event = PTRACE_EVENT_FORK;

	if (a->fn || (a->flags & CLONE_UNTRACED))
		return 0;
	if (a->flags & CLONE_VFORK)
		event = PTRACE_EVENT_VFORK;
	else if (a->exit_signal != SIGCHLD)
		event = PTRACE_EVENT_CLONE;
	return ptrace_event_enabled(current, event) ? event : 0;
}

/* A signal that kills the group, or the end of the namespace, came since. */
static int may_link(struct task *t)
{
	if (fatal_signal_pending(current) && !(t->flags & TF_KERNEL))
		return -EINTR;
	return READ_ONCE(pid_own_ns(t->thread_pid)->is_closed) ? -ENOMEM : 0;
}

static int task_link(struct task *t, const struct clone_args_k *a)
{
	int err;

	write_lock(&tasklist_lock);
	set_parent(t, a);
	irq_lock(&current->sighand->lock);
	err = may_link(t);
	if (err)
		goto out;
	seccomp_inherit_locked(t);
	if ((a->flags & CLONE_PTRACE) || clone_event(a))
		ptrace_inherit(t);
	if (a->flags & CLONE_THREAD) {
		t->process->nr_threads++;
		fetch_add(&t->process->live, 1);
		join_group_stop(t);
	} else {
		link_leader(t);
	}
	list_add_tail_rcu(&t->thread_node, &t->process->threads);
	STORE_RELEASE(t->thread_pid->thread, t);
	list_add_tail_rcu(&t->all_node, &all_tasks);
	WRITE_ONCE(nr_forks, nr_forks + 1);
	trace_task_init(t);
	trace_sched_fork(current, t);
out:
	irq_unlock(&current->sighand->lock);
	write_unlock(&tasklist_lock);
	return err;
}

/* --- copy_task ------------------------------------------------------------------*/

static void set_user_pointers(struct task *t, const struct clone_args_k *a)
{
	if (a->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = a->child_tid;
	if (a->flags & CLONE_CHILD_SETTID) {
		t->set_child_tid = a->child_tid;
		t->work |= WORK_NOTIFY;
	}
	/* A new thread of the address space starts without its stack. */
	if ((a->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM)
		t->altstack = current->altstack;
	else
		t->altstack.flags = SS_DISABLE;
	if (!(a->flags & CLONE_VM))
		t->rseq = current->rseq;
	t->rseq_hart = ~0u;	/* its first run counts as a move */
	t->restart.fn = no_restart;
}

static int init_registers(struct task *t, const struct clone_args_k *a)
{
	unsigned long sp = a->stack;

	if (a->fn) {
		arch_task_init_kernel(t, a->fn, a->arg);
		return 0;
	}
	return arch_task_init_user(t, task_regs(current), sp,
				   a->flags & CLONE_SETTLS, a->tls);
}

static int copy_pid(struct task *t, const struct clone_args_k *a)
{
	int err = pid_alloc(t->nsproxy->pid_for_children, a->set_tid,
			    a->set_tid_size, &t->thread_pid);

	if (err)
		return err;
	pid_get(t->thread_pid);		/* ours; the first is the hash's */
	t->tid = t->thread_pid->numbers[0].nr;
	t->tgid = a->flags & CLONE_THREAD ? current->tgid : t->tid;
	return 0;
}

static int copy_pidfd(struct task *t, const struct clone_args_k *a,
		      struct file **file, int *fd)
{
	int err;

	*file = NULL;
	if (!(a->flags & CLONE_PIDFD))
		return 0;
	err = pidfd_prepare(t->thread_pid,
			    a->flags & CLONE_THREAD ? PIDFD_THREAD : 0, file,
			    fd);
	if (err)
		return err;
	if (!put_user(*fd, a->pidfd))
		return 0;
	pidfd_cancel(*file, *fd);
	*file = NULL;
	return -EFAULT;
}

static int task_reserve(struct task **out)
{
	int err = -EAGAIN;

	if (fetch_add_relaxed(&nr_tasks, 1) < READ_ONCE(sysctl_threads_max))
		err = task_new(out);
	if (err)
		fetch_add_relaxed(&nr_tasks, -1);
	return err;
}

/* A kernel task owes nothing to who happens to create it. */
static int set_kernel_fields(struct task *t, const struct clone_args_k *a)
{
	struct sched_params plain = { .policy = SCHED_NORMAL };
	int err = 0;

	if (!a->fn)
		return 0;
	t->blocked = 0;
	t->no_new_privs = false;
	if (t->policy != SCHED_NORMAL || task_nice(t))
		err = sched_set(t, &plain);
	t->allowed.bits = ~0ull;
	if (a->name)
		strscpy(t->comm, a->name, sizeof(t->comm));
	if (a->hart >= 0) {
		t->flags |= TF_NO_SETAFF;
		t->allowed.bits = 1ull << a->hart;
		t->hart = &harts[a->hart];
	}
	return err;
}

static int copy_task(const struct clone_args_k *a, struct task **out)
{
	struct task *t;
	struct file *pidfd_file;
	int err, fd = -1;

	err = task_reserve(&t);
	if (err)
		return err;
	t->flags = a->fn ? TF_KERNEL : TF_FORKNOEXEC;
	err = copy_cred(a->flags, t, a->fn != NULL);
	if (!err)
		err = copy_parts(a, t);
	if (!err)
		err = set_kernel_fields(t, a);
	if (err)
		goto err_undo;
	set_user_pointers(t, a);
	err = init_registers(t, a);
	if (!err)
		err = copy_pid(t, a);
	if (err)
		goto err_undo;
	err = copy_pidfd(t, a, &pidfd_file, &fd);
	if (err)
		goto err_pid;
	err = task_link(t, a);
	if (err)
		goto err_pidfd;
	if (pidfd_file)
		fd_install(fd, pidfd_file);
	*out = t;
	return 0;
err_pidfd:
	if (pidfd_file)
		pidfd_cancel(pidfd_file, fd);
err_pid:
	pid_unhash(t->thread_pid);
err_undo:
	task_undo(t);
	return err;
}

/* --- clone ------------------------------------------------------------------------*/

/* The child lives on the parent's memory until it execs or exits.  A killed
 * parent goes away without that. */
static void wait_vfork(struct task *t, struct completion *done,
		       unsigned long tracer_nr)
{
	if (wait_for_completion_killable(done)) {
		irq_lock(&t->alloc_lock);
		t->vfork = NULL;
		irq_unlock(&t->alloc_lock);
		return;
	}
	/* The child signals under its lock: wait until it has let go. */
	irq_lock(&t->alloc_lock);
	irq_unlock(&t->alloc_lock);
	ptrace_event(PTRACE_EVENT_VFORK_DONE, tracer_nr);
}

long do_clone(const struct clone_args_k *a)
{
	struct completion done;
	int event = clone_event(a);
	unsigned long tracer_nr;
	struct task *t;
	int nr, err;

	err = check_flags(a);
	if (err)
		return err;
	/* A signal first: it may be the one that ends us. */
	if (signal_pending(current) && !a->fn)
		return -ERESTARTNOINTR;
	err = copy_task(a, &t);
	if (err)
		return err;
	nr = pid_vnr(t->thread_pid);
	tracer_nr = ptrace_tid(t);
	if (a->flags & CLONE_PARENT_SETTID)
		ignore_error(put_user(nr, a->parent_tid)); /* as Linux */
	if (!(a->flags & CLONE_VFORK)) {
		sched_wake_new(t);
		if (event)
			ptrace_event(event, tracer_nr);
		return nr;
	}
	completion_init(&done);
	t->vfork = &done;
	t->flags |= TF_VFORK;
	task_get(t);
	sched_wake_new_handoff(t);
	if (event)
		ptrace_event(event, tracer_nr);
	wait_vfork(t, &done, tracer_nr);
	task_put(t);
	return nr;
}

/* Starts a kernel task; referenced for the caller. */
int task_create_kernel(const struct clone_args_k *a, struct task **out)
{
	int err = copy_task(a, out);

	if (err)
		return err;
	task_get(*out);
	sched_wake_new(*out);
	return 0;
}

/* First user-visible act of a new task, before its first return. */
void task_first_return(struct task *t)
{
	int __user *p = t->set_child_tid;

	t->set_child_tid = NULL;
	if (p)
		ignore_error(put_user(task_vpid(t), p)); /* as Linux */
}

static void count_limits(void)
{
	u64 n = mem_total_pages() * PAGE_SIZE / (8 * KSTACK_SIZE);

	sysctl_threads_max = (int)clamp(n, (u64)64, (u64)1 << 21);
	for (int i = 0; i < 2; i++) {
		unsigned r = i ? RLIMIT_SIGPENDING : RLIMIT_NPROC;

		current->process->rlim[r].cur = (u64)sysctl_threads_max / 2;
		current->process->rlim[r].max = (u64)sysctl_threads_max / 2;
	}
}

void task_count_drop(void)
{
	fetch_add_relaxed(&nr_tasks, -1);
}

void fork_init(void)
{
	task_cache = slab_cache_create("task_struct", sizeof(struct task), 64,
				       SLAB_PANIC, NULL);
	process_cache = slab_cache_create("signal_cache",
					  sizeof(struct process), 64,
					  SLAB_PANIC, NULL);
	task_free_hook = task_free_later;
	count_limits();
}
