#pragma once
/*
 * struct task - one schedulable thread: the PCB.
 *
 * What clone() can share is an object of its own with its own references
 * (mm, files, fs, sighand, process, creds, namespaces).  The thread group is
 * struct process (<task/process.h>).
 *
 * Life: task_alloc() gives a reference that belongs to the pid tables and is
 * dropped at reaping; another belongs to the scheduler until the last switch
 * away.  Look-ups by pid run under RCU and take one with task_tryget().
 * Locks: the group comments name the guard of each field.
 */
#include <arch/task.h>
#include <kernel/config.h>
#include <kernel/lock_types.h>
#include <kernel/ref.h>
#include <lib/list.h>
#include <lib/rbtree.h>

struct cred;
struct files;
struct fs_struct;
struct futex_waiter;
struct hart;
struct io_plug;
struct mm;
struct nsproxy;
struct mutex;
struct pid;
struct process;
struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *h);
};
struct runq;
struct seccomp_filter;
struct sem_undo_list;
struct sighand;
struct waitq;
struct work_item;

/* task.work: what must be looked at before user mode. atomic bits */
#define WORK_RESCHED	(1ul << 0)
#define WORK_SIGNAL	(1ul << 1)	/* deliverable signal, stop, freeze */
#define WORK_KILL	(1ul << 2)	/* a fatal signal: unwinds all waits */
#define WORK_NOTIFY	(1ul << 3)	/* task_work list not empty */
#define WORK_SIGMASK	(1ul << 4)	/* saved_sigmask to be restored */
#define WORK_RSEQ	(1ul << 5)
#define WORK_TRACE	(1ul << 6)	/* syscall stops, seccomp, audit ... */
#define WORK_SECCOMP	(1ul << 7)
#define WORK_STEP	(1ul << 8)
#define WORK_SYSTRACE	(1ul << 9)	/* events, latencies, strace= */
#define WORK_DISPATCH	(1ul << 10)	/* PR_SET_SYSCALL_USER_DISPATCH */
#define WORK_SLOW	(WORK_TRACE | WORK_SECCOMP | WORK_SYSTRACE | \
			 WORK_DISPATCH)
#define WORK_LOOK	(~WORK_SLOW)	/* leave to user: stop */

/* task.state */
#define TASK_RUNNING		0u
#define TASK_INTERRUPTIBLE	(1u << 0)
#define TASK_UNINTERRUPTIBLE	(1u << 1)
#define TASK_WAKEKILL		(1u << 2)
#define TASK_STOPPED_BIT	(1u << 3)
#define TASK_TRACED_BIT		(1u << 4)
#define TASK_NEW		(1u << 5)
#define TASK_DEAD		(1u << 6)	/* last switch done */
#define TASK_IDLE_BIT		(1u << 7)	/* no load: kernel workers */
#define TASK_KILLABLE		(TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_STOPPED		(TASK_WAKEKILL | TASK_STOPPED_BIT)
#define TASK_TRACED		(TASK_WAKEKILL | TASK_TRACED_BIT)
#define TASK_IDLE		(TASK_UNINTERRUPTIBLE | TASK_IDLE_BIT)
#define TASK_NORMAL		(TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

/* task.exit_state. tasklist_lock */
#define EXIT_NONE	0
#define EXIT_ZOMBIE	1
#define EXIT_DEAD	2
#define EXIT_TRACE	3	/* the tracer collects it, then the parent */

/* task.flags. owner task unless said */
#define TF_KERNEL	(1u << 0)	/* kernel task. const */
#define TF_EXITING	(1u << 1)
#define TF_FORKNOEXEC	(1u << 2)
#define TF_SUPERPRIV	(1u << 3)
#define TF_SIGNALED	(1u << 4)	/* died by a signal */
#define TF_DUMPCORE	(1u << 5)
#define TF_IDLE		(1u << 6)	/* an idle task. const */
#define TF_VFORK	(1u << 7)	/* parent waits in vfork_done */
#define TF_RANDOMIZE	(1u << 8)
#define TF_MEMALLOC	(1u << 9)	/* may use the reserves */
#define TF_NO_SETAFF	(1u << 10)	/* bound to its hart. const */
#define TF_STRACE	(1u << 11)	/* strace= prints its calls */
#define TF_CLEANER	(1u << 12)	/* dirties pages to clean others. const */

/* Scheduling policies and limits: Linux's numbers. */
#define SCHED_NORMAL	0
#define SCHED_FIFO	1
#define SCHED_RR	2
#define SCHED_BATCH	3
#define SCHED_IDLE	5
#define SCHED_DEADLINE	6
#define MAX_RT_PRIO	100
#define MAX_PRIO	140
#define DEFAULT_PRIO	120
#define NICE_TO_PRIO(n) ((n) + DEFAULT_PRIO)
#define PRIO_TO_NICE(p) ((p) - DEFAULT_PRIO)

struct cpumask {
	u64 bits;
};
static_assert(MAX_HARTS <= 64, "a set of harts is one word");

struct sched_entity {
	/* runq lock */
	struct rb_node node;	/* fair tree, or dl tree */
	struct list rt_node;	/* a FIFO/RR queue */
	u64 vruntime;
	u64 vdeadline;
	u64 min_vruntime;	/* augmented: least vruntime in the subtree */
	s64 vlag;		/* virtual time it was owed when it left */
	u32 weight;
	bool on_rq;		/* queued, running or throttled */
	u64 slice_ns;
	u64 exec_start;		/* clock when last accounted */
	u64 sum_exec;		/* ns run; read by others without lock */
	u64 slice_start;	/* sum_exec at the start of its slice */
	/* deadline class */
	u64 dl_runtime, dl_deadline, dl_period;
	s64 dl_left;
	u64 dl_abs;
	u64 dl_bw;		/* admitted share of a hart. dl_lock */
	bool dl_throttled;
};

struct task {
	/* --- assembly and every kernel entry: one cache line. owner task
	 *     unless said --- */
	unsigned long work;		/* WORK_*. atomic */
	u32 preempt_count;
	u32 irq_depth;
	u32 irqs_masked;		/* fast call: see preempt.h */
	u32 irq_nesting;		/* interrupt handlers on this stack */
	struct hart *hart;		/* where it runs or ran. runq lock */
	void *kstack_top;		/* const */
	u32 pagefault_disabled;
	u32 flags;			/* TF_* */
	u64 ipi_due;			/* harts to interrupt: see ipi_defer */

	struct arch_task arch;

	/* --- scheduling --- */
	u32 state;			/* TASK_*. atomic, see waitq.h */
	u32 on_hart;			/* 1 until switched away. atomic */
	struct irqlock pi_lock;		/* serialises wake-ups, policy changes */
	int prio;			/* effective, 0..139. runq lock */
	int static_prio, normal_prio;	/* runq lock */
	u32 rt_priority;		/* runq lock */
	u32 policy;			/* runq lock */
	bool reset_on_fork;		/* runq lock */
	struct sched_entity se;
	struct cpumask allowed;		/* pi_lock */
	struct list pi_mutexes;		/* mutexes with waiters. pi_lock */
	struct mutex *blocked_on;	/* pi_lock */
	struct {			/* see kernel/task/futex_pi.c */
		struct hlist_head owned;
		struct futex_waiter *wait;
		u8 exiting;
	} futex_pi;
	u64 nvcsw, nivcsw;		/* this hart */
	u64 utime_ns, stime_ns;		/* owner; read without lock */
	u64 run_delay_ns, queued_at;	/* runq lock */
	u64 pcount;			/* times it got a hart. runq lock */
	u64 last_wake_ns;		/* pi_lock */
	int lent_prio;			/* by PI futexes; MAX_PRIO: none. pi_lock */
	bool wake_sync;			/* its wake-ups are sync. owner */
	bool contributes_to_load;	/* uninterruptible sleep. runq lock */
	bool in_iowait;			/* waits for I/O. owner */
	bool is_in_nr_iowait;		/* of its queue, asleep. rq lock */
	u8 sync_misses;			/* ran on after a sync wake. owner */
	u64 sampled_exec;		/* sum_exec at the last sample. owner */
	u64 shown_utime, shown_stime;	/* last task_times(). pi_lock */
	const char *wait_reason;	/* name of the wait, or NULL. owner */
	u32 rseq_hart;			/* last seen there. runq lock */
	struct waitq *wait_queue;	/* for dumps. owner */
	struct io_plug *plug;
	u64 start_ns, start_boot_ns;	/* const after fork */

	/* --- identity --- */
	struct ref refs;
	struct pid *thread_pid;		/* tasklist_lock / RCU */
	int tid, tgid;			/* in the initial namespace. const */
	char comm[16];			/* alloc_lock; racy reads allowed */
	void *kstack;			/* lowest address. const */
	struct list all_node;		/* every task. tasklist_lock / RCU */
	struct list thread_node;	/* process->threads. tasklist_lock/RCU */
	struct process *process;	/* const; owns a reference */
	struct task *real_parent, *parent; /* tasklist_lock, RCU reads */
	struct list children, sibling;	/* of leaders. tasklist_lock */
	struct list ptraced, ptrace_node; /* tasklist_lock */
	int exit_signal;		/* -1: thread. tasklist_lock */
	int exit_state;			/* tasklist_lock */
	int exit_code;			/* owner until exit_state */
	int pdeath_signal;
	u32 personality;

	/* --- what clone shares; each owns a reference. alloc_lock guards the
	 *     pointers against others; owner reads without --- */
	struct irqlock alloc_lock;
	struct mm *mm;			/* NULL: kernel task */
	struct mm *active_mm;		/* whose table is loaded. runq lock */
	struct files *files;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	const struct cred *cred;	/* owner writes, RCU reads */
	const struct cred *real_cred;
	struct task *group_leader;	/* process->leader shortcut. RCU */

	/* --- signals. sighand->lock unless said --- */
	struct sighand *sighand;	/* RCU; NULL after exit */
	u64 blocked;			/* owner writes under lock */
	u64 saved_sigmask;		/* owner */
	u64 real_blocked;
	struct sigpending {
		struct list queue;
		u64 set;
	} pending;
	struct {
		unsigned long sp;
		size_t size;
		u32 flags;
	} altstack;			/* owner */
	u32 jobctl;			/* sighand->lock */
	u32 ptrace;			/* PT_*, 0: not traced. also tasklist_lock */
	int ptrace_code;		/* status of a ptrace stop, then the
					 * signal that the tracer injects */
	unsigned long ptrace_message;	/* while in a ptrace stop */
	void *last_siginfo;		/* while in a ptrace stop */
	struct {
		int (*fn)(struct task *t, long *ret); /* restart_syscall */
		u64 arg[6];
	} restart;			/* owner */

	/* --- the rest, owner task unless said --- */
	struct work_item *task_works;	/* atomic stack */
	int __user *set_child_tid;
	int __user *clear_child_tid;
	void __user *robust_list;
	size_t robust_list_len;
	struct {
		void __user *ptr;
		u32 len, sig;
	} rseq;
	struct task **vfork_done;	/* internal to fork */
	void *vfork;
	struct {			/* others write under sighand->lock */
		struct seccomp_filter *filter;
		u32 mode, count;
	} seccomp;
	struct user_dispatch {		/* while WORK_DISPATCH */
		unsigned long offset, len;
		const u8 __user *selector;
	} user_dispatch;
	u64 syscall_ns;			/* when a timed call began, or 0 */
	struct sem_undo_list *undo_list;	/* System V semaphores */
	u64 timer_slack_ns, default_slack_ns; /* the parent's when forked */
	u16 ioprio;			/* ioprio_set(2); others write it too */
	u64 min_flt, maj_flt;
	u64 io_read, io_write, io_syscr, io_syscw;
	u64 io_read_bytes, io_write_bytes, io_cancelled_bytes;
	u32 unbalanced_pages;		/* written since dirt was looked at */
	u32 link_count;			/* symlinks followed */
	int fail_nth;			/* debug: allocations until one fails */
	bool no_new_privs;
	bool in_exec;
	bool in_core;			/* parked while another thread dumps */
	struct rcu_head rcu;

#if CONFIG_DEBUG
	/* Locks held, in the order taken; also those of interrupt handlers
	 * on this stack.  owner */
	u32 held_count;
	struct held_lock {
		const void *lock;
		const char *name;
		unsigned long site;
		u64 since;
		int rank;
		bool sleeps;
	} held[24];
#endif
};

static inline bool task_work_pending(const struct task *t, unsigned long bits)
{
	return READ_ONCE(t->work) & bits;
}

static inline bool signal_pending(const struct task *t)
{
	return unlikely(task_work_pending(t, WORK_SIGNAL | WORK_KILL));
}

static inline bool fatal_signal_pending(const struct task *t)
{
	return unlikely(task_work_pending(t, WORK_KILL));
}

static inline struct task *task_get(struct task *t)
{
	ref_get(&t->refs);
	return t;
}

/* Drops a reference.  Any context without runq or pi locks. */
void task_put(struct task *t);
/* Frees a task whose last reference went: set by floor 5.  May be called with
 * interrupts off and from the middle of a context switch: it must not sleep.
 * The PCB itself is freed only after a grace period. */
extern void (*task_free_hook)(struct task *t);

/* All tasks: writers hold tasklist_lock for writing; readers RCU. */
extern struct rwlock tasklist_lock;
extern struct list all_tasks;

static inline bool is_kernel_task(const struct task *t)
{
	return t->flags & TF_KERNEL;
}
