/*
 * init - start-up of tasks: what the boot task, the idle tasks and pid 1 and
 * 2 are made of, and the hooks that lower floors call.
 *
 * Theory:  the boot task becomes an idle task and number 0.  It and all other
 *          idle tasks share one process, one set of handlers that ignore
 *          everything, the first credentials and namespaces.  Numbers 1 and 2
 *          are kept for init and kthreadd, whoever is created first.
 */
#include "task_impl.h"

#include <arch/trap.h>
#include <fs/fdtable.h>
#include <fs/vfs.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include <task/fork.h>
#include <task/init.h>
#include <task/coredump.h>
#include <task/ptrace.h>
#include <task/seccomp.h>
#include <task/user_dispatch.h>

#define MIB (1024ull * 1024)

static struct process init_process = {
	.refs = REF_INIT(1),
	.leader = &boot_task,
	.nr_threads = 1,
	.live = 1,
	.threads = LIST_INIT(init_process.threads),
	.shared_pending.queue = LIST_INIT(init_process.shared_pending.queue),
	.wait_child = WAITQ_INIT(init_process.wait_child),
	.core_wait = WAITQ_INIT(init_process.core_wait),
	.core_filter = CORE_FILTER_DEFAULT,
	.posix_timers = LIST_INIT(init_process.posix_timers),
	.rlim = {
		[RLIMIT_CPU] = { RLIM_INFINITY, RLIM_INFINITY },
		[RLIMIT_FSIZE] = { RLIM_INFINITY, RLIM_INFINITY },
		[RLIMIT_DATA] = { RLIM_INFINITY, RLIM_INFINITY },
		[RLIMIT_STACK] = { 8 * MIB, RLIM_INFINITY },
		[RLIMIT_CORE] = { 0, RLIM_INFINITY },
		[RLIMIT_RSS] = { RLIM_INFINITY, RLIM_INFINITY },
		[RLIMIT_NOFILE] = { 1024, 4096 },
		[RLIMIT_MEMLOCK] = { 8 * MIB, 8 * MIB },
		[RLIMIT_AS] = { RLIM_INFINITY, RLIM_INFINITY },
		[RLIMIT_LOCKS] = { RLIM_INFINITY, RLIM_INFINITY },
		[RLIMIT_MSGQUEUE] = { 819200, 819200 },
		[RLIMIT_NICE] = { 0, 0 },
		[RLIMIT_RTPRIO] = { 0, 0 },
		[RLIMIT_RTTIME] = { RLIM_INFINITY, RLIM_INFINITY },
	},
};
static struct sighand init_sighand = { .refs = REF_INIT(1) };

struct task *kthreadd_task;

/* What every idle task shares. */
static void idle_fill(struct task *t)
{
	t->flags |= TF_KERNEL | TF_IDLE;
	t->process = &init_process;
	t->sighand = &init_sighand;
	t->nsproxy = &init_nsproxy;
	t->cred = &init_cred;
	t->real_cred = &init_cred;
	t->fs = &init_fs;
	t->thread_pid = &init_struct_pid;
	t->group_leader = &boot_task;
	t->real_parent = &boot_task;
	t->parent = &boot_task;
	t->exit_signal = SIGCHLD;
	t->timer_slack_ns = 50000;
	t->default_slack_ns = 50000;
	list_init(&t->children);
	list_init(&t->sibling);
	list_init(&t->ptraced);
	list_init(&t->ptrace_node);
	list_init(&t->thread_node);
	sigpending_init(&t->pending);
	ksnprintf(t->comm, sizeof(t->comm), "swapper/%u",
		  t->hart ? t->hart->id : 0);
}

static struct task *idle_alloc(u32 hart)
{
	struct task *t = kzalloc(sizeof(*t) + 64, GFP_KERNEL);

	if (!t)
		return NULL;
	t = PTR_ALIGN_UP(t, 64);
	t->kstack = kstack_alloc();
	if (!t->kstack)
		return NULL;	/* start-up fails or goes on without it */
	t->kstack_top = (char *)t->kstack + KSTACK_SIZE;
	ref_init(&t->refs, 2);
	t->hart = &harts[hart];
	irq_lock_init(&t->pi_lock, RANK_TASK_PI, "task.pi_lock");
	irq_lock_init(&t->alloc_lock, RANK_IRQ, "task.alloc_lock");
	list_init(&t->pi_mutexes);
	idle_fill(t);
	return t;
}

static void kthreadd_main(void *arg)
{
	struct waitq never;

	waitq_init(&never);
	for (;;)
		wait_event_state(&never, false, TASK_IDLE, false, 0);
}

static int start_numbered(int nr, void (*fn)(void *), void *arg,
			  const char *name, struct task **out)
{
	struct clone_args_k a = {
		.flags = CLONE_FS, .fn = fn, .arg = arg, .hart = -1,
		.name = name, .set_tid = &nr, .set_tid_size = 1,
		.exit_signal = SIGCHLD,
	};

	return task_create_kernel(&a, out);
}

static u64 rlimit_of_current(unsigned r, bool is_hard)
{
	const struct rlimit *l = &current->process->rlim[r];

	return is_hard ? READ_ONCE(l->max) : READ_ONCE(l->cur);
}

static void *vector_alloc(size_t size)
{
	return kmalloc(size, GFP_KERNEL);
}

/* The program itself comes first, then the tracer: the filters judge what it
 * made of the call. */
static bool syscall_enter(struct regs *r)
{
	if ((current->work & WORK_DISPATCH) && !user_dispatch_enter(r))
		return false;
	if (!ptrace_syscall_enter(r))
		return false;
	return likely(!current->seccomp.mode) || regs_syscall_nr(r) < 0 ||
	       seccomp_syscall_enter(r);
}

static void set_hooks(void)
{
	arch_vector_alloc = vector_alloc;
	arch_vector_free = kfree;
	rlimit_hook = rlimit_of_current;
	capable_hook = capable;
	oom_kill_hook = oom_kill;
	arch_hooks.user_fault = mm_fault;
	arch_hooks.force_signal = signal_force;
	arch_hooks.exit_work = task_exit_work;
	arch_hooks.syscall_enter = syscall_enter;
	arch_hooks.syscall_exit = ptrace_syscall_exit;
	sched_idle_alloc_hook = idle_alloc;
	sched_cpu_timer_hook = cpu_timers_tick;
}

void process_init(void)
{
	struct process *p = &init_process;

	mutex_init(&p->exec_lock, RANK_EXEC, "process.exec_lock");
	irq_lock_init(&init_sighand.lock, RANK_SIGHAND, "sighand.lock");
	for (int i = 0; i < NSIG; i++)
		init_sighand.action[i].handler = SIG_IGN;
	p->siglock = &init_sighand.lock;
	for (int i = 0; i < PIDTYPES; i++)
		p->pids[i] = &init_struct_pid;
	idle_fill(current);
	current->thread_node = (struct list)LIST_INIT(current->thread_node);
	list_add_tail(&current->thread_node, &p->threads);
	pid_init();
	cred_init();
	fork_init();
	user_ns_init();
	signal_init();
	exec_init();
	futex_init();
	set_hooks();
	if (start_numbered(2, kthreadd_main, NULL, "kthreadd", &kthreadd_task))
		panic("cannot create kthreadd\n");
}

struct init_start {
	void (*fn)(void *arg);
	void *arg;
};

static void init_main(void *arg)
{
	struct init_start *s = arg;

	if (files_create(&current->files))
		panic("no memory for the first descriptor table\n");
	kernel_task_run(s->fn, s->arg);
}

int process_start_init(void (*fn)(void *arg), void *arg)
{
	static struct init_start start;
	struct task *t;
	int err;

	start = (struct init_start){ fn, arg };
	err = start_numbered(1, init_main, &start, "swapper/0", &t);
	if (!err)
		task_put(t);
	return err;
}
