#pragma once
/*
 * Signals.  A signal set is a u64, bit sig-1.  sighand->lock (an irqlock)
 * guards all signal state of a process.  docs/signals.md.
 */
#include <arch/signal.h>
#include <kernel/task.h>
#include <kernel/waitq.h>
#include <task/pid.h>

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPWR 30
#define SIGSYS 31
#define SIGRTMIN 32
#define NSIG 64
#define SIGMASK(sig) (1ull << ((sig) - 1))

#define SA_NOCLDSTOP	0x00000001ul
#define SA_NOCLDWAIT	0x00000002ul
#define SA_SIGINFO	0x00000004ul
#define SA_UNSUPPORTED	0x00000400ul
#define SA_EXPOSE_TAGBITS 0x00000800ul
#define SA_RESTORER	0x04000000ul
#define SA_ONSTACK	0x08000000ul
#define SA_RESTART	0x10000000ul
#define SA_NODEFER	0x40000000ul
#define SA_RESETHAND	0x80000000ul
#define SIG_DFL 0ul
#define SIG_IGN 1ul

#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_MESGQ (-3)
#define SI_ASYNCIO (-4)
#define SI_SIGIO (-5)
#define SI_TKILL (-6)
#define SI_DETHREAD (-7)
#define SI_ASYNCNL (-60)

#define ILL_ILLOPC 1
#define FPE_INTDIV 1
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define TRAP_BRKPT 1
#define TRAP_TRACE 2
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_DUMPED 3
#define CLD_TRAPPED 4
#define CLD_STOPPED 5
#define CLD_CONTINUED 6
#define POLL_IN 1
#define POLL_OUT 2
#define POLL_MSG 3
#define POLL_HUP 6
#define SYS_SECCOMP 1
#define SYS_USER_DISPATCH 2

/* In-kernel results of an interrupted call; never seen by user space. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

/* The part of Linux's siginfo_t that any signal fills: the rest of its 128
 * bytes is zeros, and only user memory has them. */
struct siginfo {
	s32 signo, err, code, _pad;
	union {
		struct { s32 pid; u32 uid; u64 value; } rt;
		struct { s32 tid; s32 overrun; u64 value; s32 sys_private; } timer;
		struct { s32 pid; u32 uid; s32 status; s64 utime, stime; } chld;
		struct { u64 addr; s16 addr_lsb; } fault;
		struct { s64 band; s32 fd; } poll;
		struct { u64 call_addr; s32 syscall; u32 arch; } sys;
		u8 _bytes[32];
	};
};
static_assert(sizeof(struct siginfo) == SIGINFO_SIZE, "siginfo_t");

struct siginfo_user {
	struct siginfo info;
	u8 unused[80];
};
static_assert(sizeof(struct siginfo_user) == 128, "siginfo_t");

/* 0 or -EFAULT. */
int siginfo_to_user(struct siginfo_user __user *to, const struct siginfo *info);
/* 0, -EFAULT, or -E2BIG when the rest says something that we do not keep. */
int siginfo_from_user(struct siginfo *info,
		      const struct siginfo_user __user *from);

#define SS_ONSTACK 1u
#define SS_DISABLE 2u
#define SS_AUTODISARM (1u << 31)
#define MINSIGSTKSZ 2048

struct sigaction_k {		/* riscv64 has no sa_restorer */
	unsigned long handler;
	unsigned long flags;
	u64 mask;
};

struct sighand {
	struct ref refs;
	struct irqlock lock;
	struct sigaction_k action[NSIG];
	struct rcu_head rcu;
};

/* Who gets it. */
enum signal_target { SIG_TO_THREAD, SIG_TO_PROCESS };

/* Any context.  info NULL: SI_USER from current; SIG_INFO_KERNEL: SI_KERNEL.
 * -EAGAIN when the queue limit is hit (real-time with info). */
#define SIG_INFO_KERNEL ((struct siginfo *)1)
int signal_send(int sig, struct siginfo *info, struct task *t,
		enum signal_target to);
/* To all processes of a group or session leader's group; 0 or -ESRCH. */
int signal_send_pgrp(int sig, struct siginfo *info, struct pid *pgrp);
/* A synchronous one to current that cannot be blocked or ignored. */
void signal_force(int sig, int code, unsigned long addr);
void signal_force_info(struct siginfo *info);
/* Kills the whole group of current; used on fatal errors. */
void signal_force_fatal(int sig);
void signal_force_fatal_info(struct siginfo *info);
/* Recomputes WORK_SIGNAL of t; sighand->lock held. */
void signal_recalc(struct task *t);
/* Only sets it. */
void signal_note_pending(struct task *t);
void signal_set_blocked(u64 mask);	/* current */
/* Takes the next deliverable of set for current (sigtimedwait, signalfd);
 * 0: none.  sighand->lock held. */
int signal_dequeue_locked(u64 set, struct siginfo *info);
u64 signal_pending_set(struct task *t);	/* both queues */
/* Pgrp has a member whose parent is outside, in the session. */
bool pgrp_is_orphaned(struct pid *pgrp);
bool signal_is_ignored(struct task *t, int sig);
/* Work before user mode: arch_hooks.exit_work is built on it. */
void signal_deliver(struct regs *r);
/* -ERESTARTNOHAND style sleeps with a temporary mask (ppoll, pselect,
 * epoll_pwait, sigsuspend). */
int __must_check sigmask_set_temp(const u64 __user *mask, size_t size);
void sigmask_restore_temp(bool interrupted);
void sighand_put(struct sighand *s);
/* Where signalfd waits for the signals of s, and perhaps of others. */
struct waitq *sighand_waitq(const struct sighand *s);
int __must_check sighand_create(struct sighand **out);
void signal_flush_handlers(struct task *t, bool force_default); /* exec */
/* exec: the signals of POSIX timers, which are deleted, to current. */
void signal_drop_timers(void);

/* --- for kernel/task, timers and system calls -----------------------------*/
struct process;
struct user_struct;

/* One queued signal with its information. */
struct sigqueue {
	struct list node;	/* sighand->lock; empty: not queued */
	u32 flags;		/* SIGQUEUE_* */
	struct user_struct *user;	/* counted there; owns a reference */
	struct siginfo info;
};
#define SIGQUEUE_PREALLOC 1u	/* a POSIX timer's: never freed by taking */

struct sigqueue *sigqueue_alloc(struct task *t, unsigned gfp, bool override);
void sigqueue_free(struct sigqueue *q);
/* Queues a POSIX timer's own entry; if it is queued already adds an overrun.
 * sighand->lock held. */
int sigqueue_send_locked(struct sigqueue *q, struct task *t,
			 enum signal_target to);
void sigpending_init(struct sigpending *p);
void sigpending_flush(struct sigpending *p);
static inline bool siginfo_is_from_user(const struct siginfo *i)
{
	return i->code <= 0;
}
static inline bool siginfo_is_from_kernel(const struct siginfo *i)
{
	return i->code > 0;
}
/* Signals that stop, are ignored, or cannot be caught, as sets. */
#define SIG_STOP_SET (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | \
		      SIGMASK(SIGTTOU))
#define SIG_IGNORE_SET (SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | \
			SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define SIG_ONLY_SET (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))

/* As signal_send, the caller holds sighand->lock. */
int signal_send_locked(int sig, struct siginfo *info, struct task *t,
		       enum signal_target to);
/* Makes t look at its signals; with kill also out of killable waits. */
void signal_wake(struct task *t, bool kill);
/* The same with the marks and sleeps given. */
void signal_wake_states(struct task *t, unsigned long work, u32 states);

/* --- ptrace stops (trap.c).  sighand->lock held ----------------------------*/
/* Asks for a stop or trap; false: t is dying. */
bool jobctl_ask(struct task *t, u32 bits);
void jobctl_clear(struct task *t, u32 bits);
/* The way from stopped to traced is done: tells who attaches. */
void jobctl_end_trapping(struct task *t);
/* Makes t look at its traps; resume: also out of a ptrace stop. */
void ptrace_signal_wake(struct task *t, bool resume);
/* What a seized t should tell its tracer has changed. */
void ptrace_trap_notify(struct task *t);
/* SIGKILL to all other threads; their number. sighand->lock held. */
int signal_zap_threads(struct process *p);
/* Group exit: everyone dies with `code`; first caller's code wins. */
void signal_start_group_exit(struct process *p, int code);
/* SIGCHLD (or what it asked for) to the parent; true: nobody will wait, reap
 * it now.  tasklist_lock held. */
bool signal_notify_parent(struct task *t, int sig);
/* do_exit: t takes no more signals, others get what waits for it. */
void signal_exit(struct task *t);
/* SIGHUP and SIGCONT to a stopped group that t's exit orphans.
 * tasklist_lock held. */
void signal_orphaned_pgrp(struct task *t, struct task *parent);
/* 0 or -EPERM: may current send this to t?  RCU held. */
int signal_may_send(int sig, const struct siginfo *info, struct task *t);
/* kill(2)'s meaning of pid. */
int signal_kill(int sig, int pid);
int signal_tgkill(int tgid, int tid, int sig, struct siginfo *info);
/* To p's thread, process or process group; checked as kill(2) is. */
int signal_pid(struct pid *p, int sig, struct siginfo *info,
	       enum pid_type type);
int signal_queue(int pid, int sig, struct siginfo *info);
int __must_check signal_action(int sig, const struct sigaction_k *act,
			       struct sigaction_k *old);
#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2
int __must_check signal_procmask(int how, u64 set, u64 *old);
struct sigaltstack_k {
	unsigned long sp;
	u32 flags, _pad;
	unsigned long size;
};
int __must_check signal_altstack(const struct sigaltstack_k *ss,
				 struct sigaltstack_k *old, unsigned long sp,
				 size_t min_size);
/* sigtimedwait: the signal, or -EAGAIN, -EINTR. deadline 0: none. */
int signal_wait(u64 set, struct siginfo *info, bool has_deadline,
		u64 deadline_ns);
long signal_suspend(u64 mask);
/* Sleeps on `restart_syscall` after a signal: forgets it. */
static inline int no_restart(struct task *t, long *ret)
{
	*ret = -EINTR;
	return 0;
}
