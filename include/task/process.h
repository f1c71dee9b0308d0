#pragma once
/*
 * struct process - a thread group: what all threads share besides the objects
 * of clone().  Life: counted by its tasks; parents and pids reach it through
 * the leader task.  Locks named at the groups.
 */
#include <kernel/mutex.h>
#include <kernel/spinlock.h>
#include <kernel/work.h>
#include <signal/signal.h>
#include <task/cred.h>
#include <task/pid.h>
#include <time/timer.h>

struct tty;

#define RLIMIT_CPU 0
#define RLIMIT_FSIZE 1
#define RLIMIT_DATA 2
#define RLIMIT_STACK 3
#define RLIMIT_CORE 4
#define RLIMIT_RSS 5
#define RLIMIT_NPROC 6
#define RLIMIT_NOFILE 7
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS 9
#define RLIMIT_LOCKS 10
#define RLIMIT_SIGPENDING 11
#define RLIMIT_MSGQUEUE 12
#define RLIMIT_NICE 13
#define RLIMIT_RTPRIO 14
#define RLIMIT_RTTIME 15
#define RLIM_NLIMITS 16
#define RLIM_INFINITY (~0ull)

struct rlimit {
	u64 cur, max;
};

struct task_sums {		/* of dead threads, or of reaped children */
	u64 utime, stime;	/* ns */
	u64 min_flt, maj_flt, nvcsw, nivcsw;
	u64 in_blocks, out_blocks;	/* 512-byte units */
	u64 maxrss;		/* pages */
	u64 sum_exec;
	u64 rchar, wchar, syscr, syscw, read_bytes, write_bytes;
	u64 cancelled_bytes;
};

struct process {
	struct ref refs;
	struct task *leader;		/* tasklist_lock / RCU */
	struct list threads;		/* tasklist_lock / RCU */
	u32 nr_threads;			/* sighand->lock */
	u32 live;			/* threads not yet exiting. atomic */
	struct sigpending shared_pending; /* sighand->lock */
	struct task *curr_target;	/* balances signals. sighand->lock */
	u32 flags;			/* PF_*. sighand->lock */
	int group_exit_code;		/* sighand->lock */
	struct task *group_exec;	/* exec waits for the others */
	int notify_count;
	int stop_count;			/* threads that must still stop */
	int stop_sig;
	int group_stop_code;
	int core_pending;		/* threads that a dump waits for */
	u32 core_filter;		/* what a dump contains. atomic */
	struct waitq core_wait;		/* for them, and for its end */
	struct waitq wait_child;	/* wait4 sleeps here */
	struct mutex exec_lock;		/* cred and mm change: RANK_EXEC */
	struct irqlock *siglock;	/* = &sighand->lock of the group */

	/* tasklist_lock */
	struct pid *pids[PIDTYPES];	/* own references */
	struct hlist_node pid_links[PIDTYPES];	/* leader's */
	bool is_session_leader;
	bool is_child_subreaper, has_child_subreaper;
	u32 exec_id, parent_exec_id;	/* programs so far; the parent's then */
	struct tty *tty;		/* controlling; siglock */
	struct pid *tty_old_pgrp;

	/* see ptrace_scope.c */
	struct pid *ptracer;		/* owns a reference; or NULL */
	bool any_ptracer;

	/* timers. siglock */
	struct timer real_timer;
	u64 real_interval;
	struct pid *leader_pid;
	struct {
		u64 expires, incr;	/* ns of CPU time; 0: off */
	} cpu_itimer[2];		/* ITIMER_VIRTUAL, ITIMER_PROF */
	bool cpu_timers;		/* some CPU clock must be watched */
	struct list posix_timers;	/* struct posix_timer. siglock */
	int next_timer_id;		/* siglock */

	struct rlimit rlim[RLIM_NLIMITS];	/* siglock */
	struct seqcount sums_seq;	/* dead, and who is in threads. siglock */
	struct task_sums dead, children; /* siglock */
	int oom_score_adj, oom_score_adj_min;
	bool oom_in_vain;		/* killed for memory, and kept it */
	u32 sum_sched;
	u64 group_start;
	struct rcu_head rcu;
};

#define PF_EXITING	1u	/* group exit: all threads die */
#define PF_STOPPED	2u	/* all stopped by a job-control signal */
#define PF_CONTINUED	4u
#define PF_CLD_STOPPED	8u	/* parent must be told */
#define PF_CLD_CONTINUED 16u
#define PF_UNKILLABLE	32u	/* init of a namespace */
#define PF_GROUP_COREDUMP 64u

/* task.jobctl. sighand->lock */
#define JOBCTL_SIGMASK		0xffffu	/* signal of the stop */
#define JOBCTL_STOP_DEQUEUED	(1u << 16)	/* a stop signal was taken */
#define JOBCTL_STOP_PENDING	(1u << 17)	/* must stop */
#define JOBCTL_STOP_CONSUME	(1u << 18)	/* counted in stop_count */
#define JOBCTL_LISTENING	(1u << 19)	/* PTRACE_LISTEN */
#define JOBCTL_TRAP_STOP	(1u << 20)	/* must stop for its tracer */
#define JOBCTL_TRAP_NOTIFY	(1u << 21)	/* stop state changed: tell it */
#define JOBCTL_TRAPPING		(1u << 22)	/* from stopped to traced */
#define JOBCTL_PENDING		(JOBCTL_STOP_PENDING | JOBCTL_TRAP_STOP | \
				 JOBCTL_TRAP_NOTIFY)

/* The processes of a group or session; tasklist_lock or RCU held. */
static inline struct process *pid_process_of(struct hlist_node *n,
					     enum pid_type type)
{
	if (!n)
		return NULL;
	return (struct process *)((char *)(n - type) -
				  offsetof(struct process, pid_links));
}
#define for_each_pid_process(p, pid, type)                                     \
	for (p = pid_process_of(READ_ONCE((pid)->tasks[type].first), type); p; \
	     p = pid_process_of(READ_ONCE((p)->pid_links[type].next), type))
#define for_each_thread(t, p)                                                  \
	list_for_each_entry_rcu(t, &(p)->threads, thread_node)
static inline bool thread_group_empty(const struct process *p)
{
	return p->threads.next == p->threads.prev;
}

static inline bool task_is_leader(const struct task *t)
{
	return t->exit_signal >= 0;
}
/* The lock of t's signal state; NULL when t is past exit. Takes it. */
struct sighand *task_lock_sighand(struct task *t);
void task_unlock_sighand(struct sighand *s);

u64 task_rlimit(struct task *t, unsigned r);
static inline u64 rlimit(unsigned r)
{
	return task_rlimit(current, r);
}
/* Reads and, with `new_limit`, changes a limit of t's process. */
int __must_check process_prlimit(struct task *t, unsigned r,
				 const struct rlimit *new_limit,
				 struct rlimit *old);
void task_sums_add(struct task_sums *to, const struct task_sums *from);
/* What a dying thread leaves to its process; siglock held. */
void process_account_thread(struct process *p, struct task *t);
/* One thread's; all of a group's, dead ones included. */
void task_usage(struct task *t, struct task_sums *s);
void process_usage(struct process *p, struct task_sums *out);
/* CPU time of a whole group, running threads included. */
void process_times(struct process *p, u64 *user_ns, u64 *sys_ns);
u64 process_run_ns(struct process *p);

/* --- life ------------------------------------------------------------------*/
struct clone_args_k {
	u64 flags;
	int __user *pidfd;
	int __user *child_tid;
	int __user *parent_tid;
	int exit_signal;
	unsigned long stack, stack_size, tls;
	const int *set_tid;
	unsigned set_tid_size;
	int cgroup;
	/* kernel tasks */
	void (*fn)(void *);
	void *arg;
	int hart;
	const char *name;
};
/* The new tid as current sees it, or -Exxx. */
long do_clone(const struct clone_args_k *a);
#define CLONE_VM		0x00000100ull
#define CLONE_FS		0x00000200ull
#define CLONE_FILES		0x00000400ull
#define CLONE_SIGHAND		0x00000800ull
#define CLONE_PIDFD		0x00001000ull
#define CLONE_PTRACE		0x00002000ull
#define CLONE_VFORK		0x00004000ull
#define CLONE_PARENT		0x00008000ull
#define CLONE_THREAD		0x00010000ull
#define CLONE_NEWNS		0x00020000ull
#define CLONE_SYSVSEM		0x00040000ull
#define CLONE_SETTLS		0x00080000ull
#define CLONE_PARENT_SETTID	0x00100000ull
#define CLONE_CHILD_CLEARTID	0x00200000ull
#define CLONE_DETACHED		0x00400000ull
#define CLONE_UNTRACED		0x00800000ull
#define CLONE_CHILD_SETTID	0x01000000ull
#define CLONE_NEWCGROUP		0x02000000ull
#define CLONE_NEWUTS		0x04000000ull
#define CLONE_NEWIPC		0x08000000ull
#define CLONE_NEWUSER		0x10000000ull
#define CLONE_NEWPID		0x20000000ull
#define CLONE_NEWNET		0x40000000ull
#define CLONE_IO		0x80000000ull
#define CLONE_CLEAR_SIGHAND	0x100000000ull
#define CLONE_INTO_CGROUP	0x200000000ull
#define CLONE_NEWTIME		0x00000080ull
void __noreturn do_exit(int code);
/* All threads of the group. */
void __noreturn do_group_exit(int code);
/* Start-up: makes the boot task complete, pid 0/1/2 infrastructure. */
void process_init(void);
/* Starts pid 1 as a kernel task running fn, later exec'd. */
int __must_check process_start_init(void (*fn)(void *arg), void *arg);

/* exec with kernel strings (init) or user ones. On success returns 0 and the
 * caller goes back to user mode. */
int __must_check do_execve_kernel(const char *path, const char *const *argv,
				  const char *const *envp);
int __must_check do_execve(int dfd, const char __user *path,
			   const char __user *const __user *argv,
			   const char __user *const __user *envp,
			   unsigned flags);

struct wait_request {
	enum pid_type type;	/* PIDTYPES: any child */
	struct pid *pid;
	int options;		/* WNOHANG ... */
	/* out */
	int tid, status, code, uid;
	struct task_sums usage;
	bool found;
};
#define WNOHANG 1
#define WUNTRACED 2
#define WSTOPPED 2
#define WEXITED 4
#define WCONTINUED 8
#define WNOWAIT 0x1000000
#define __WNOTHREAD 0x20000000
#define __WALL 0x40000000
#define __WCLONE (int)0x80000000
long do_wait(struct wait_request *rq);
/* Undoes what clone shared: flags as for unshare(2). */
int __must_check do_unshare(u64 flags);

/* Functions run by t before it next returns to user mode. */
struct work_item {
	struct work_item *next;
	void (*fn)(struct work_item *w);
};
int __must_check task_work_add(struct task *t, struct work_item *w);
void task_work_run(void);

/* ptrace-like access to another: PTRACE_MODE_READ/ATTACH checks. */
#define PTRACE_MODE_READ 1u
#define PTRACE_MODE_ATTACH 2u
#define PTRACE_MODE_NOAUDIT 4u
#define PTRACE_MODE_FSCREDS 8u
#define PTRACE_MODE_REALCREDS 16u
int __must_check ptrace_may_access(struct task *t, unsigned mode);
/* t's memory, with a reference of its users, if current may access it; NULL:
 * it has none.  May sleep. */
int __must_check ptrace_get_mm(struct task *t, unsigned mode, struct mm **out);
extern int sysctl_ptrace_scope;

/* Of the tty layer, called by a session leader that exits: hangs its terminal
 * up, if it has one, and signals the foreground; then no process of the session
 * has a terminal any more. */
extern void (*tty_session_exit_hook)(bool on_exit);
/* A terminal's device number. */
extern u32 (*tty_dev_hook)(const struct tty *tty);
void task_set_comm(struct task *t, const char *name);

/* prctl(2)'s state that other floors ask for. */
int __must_check do_prctl(int option, unsigned long a2, unsigned long a3,
			  unsigned long a4, unsigned long a5, long *ret);

/* Interval timers of setitimer(2), times in ns. */
enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
void itimer_get(int which, u64 *left, u64 *interval);
void itimer_set(int which, u64 value, u64 interval);
/* SIGALRM was taken from the queue: arms the next one. siglock held. */
void itimer_rearm_locked(struct process *p);

/* pidfds */
struct file;
struct pid *pidfd_pid(struct file *f);	/* NULL: not one */
int __must_check pidfd_create(struct pid *p, unsigned flags, int *fd);
/* poweroff, reboot: runs sync hooks, then the firmware. */
void __noreturn kernel_poweroff(void);
void __noreturn kernel_restart(void);
void __noreturn kernel_halt(void);
/* Every mounted disk, as if the administrator had remounted it.  May sleep. */
void remount_all_readonly(void);
