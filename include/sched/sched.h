#pragma once
/*
 * The scheduler as the other floors see it.  docs/sched.md.  Classes in
 * strict order: deadline, real time (FIFO, RR), fair (OTHER, BATCH, IDLE),
 * idle.  Each hart owns a run queue.
 */
#include <kernel/hart.h>
#include <kernel/waitq.h>

/* Runs from the first C instruction; arch sets hart, kstack and kstack_top. */
extern struct task boot_task;

/* Sets the boot task (the idle task of the boot hart) and run queues up. */
void sched_init(void);
/* On a secondary hart, as its idle task: registers and never returns. */
void __noreturn sched_hart_start(void);
/* The boot task becomes the boot hart's idle loop. */
void __noreturn sched_idle_loop(void);
/* The boot hart's idle task; it runs start-up until sched_idle_loop(). */
extern struct task boot_task;
/* Makes a zeroed task with a kernel stack for hart i, or NULL: set by floor
 * 5 before smp_start_all(). */
extern struct task *(*sched_idle_alloc_hook)(u32 hart);
/* Allocates nothing: the idle task of hart i, to be placed by smp start. */
struct task *sched_idle_task(u32 hart);

/* Gives a new task (state TASK_NEW) its policy from current; -EAGAIN if the
 * policy does not admit it. */
int __must_check sched_fork(struct task *t);
/* First wake-up of a new task. */
void sched_wake_new(struct task *t);
/* Runs a new task at once on this hart, ahead of others (vfork). */
void sched_wake_new_handoff(struct task *t);
/* First thing a new task runs, by arch: ends the switch that led to it. */
void sched_first_run(struct task *prev);
/* Last schedule of a dead task: never returns. */
void __noreturn sched_exit(void);
/* Before sched_exit: gives its time back. */
void sched_dead_accounting(struct task *t);

void sched_yield(void);
/* True if nobody else wants this hart (a hint). */
bool sched_is_alone(void);

struct sched_params {		/* as struct sched_attr */
	u32 policy;
	u64 flags;		/* SCHED_FLAG_* */
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
};
#define SCHED_FLAG_RESET_ON_FORK 1
#define SCHED_FLAG_RECLAIM 2
#define SCHED_FLAG_KEEP_POLICY 8
#define SCHED_FLAG_KEEP_PARAMS 16
/* The mechanism; rights were checked.  -EINVAL, -EBUSY (admission). */
/* Are they valid?  sched_set() asks too. */
int __must_check sched_check(const struct sched_params *p);
int __must_check sched_set(struct task *t, const struct sched_params *p);
/* 0: the task's default.  What is not of the fair class has no slack. */
void sched_set_slack(struct task *t, u64 ns);
void sched_get(struct task *t, struct sched_params *p);
void sched_set_nice(struct task *t, int nice);
static inline int task_nice(const struct task *t)
{
	return PRIO_TO_NICE(t->static_prio);
}
/* -EINVAL if no online hart is left. Moves the task if needed. */
int __must_check sched_set_affinity(struct task *t, struct cpumask mask);
u64 sched_rr_interval_ns(struct task *t);
/* What PI futexes lend to t, the best of them; MAX_PRIO: nothing (more).  Its
 * effective priority becomes the best of its own, this, and what waiters for
 * its mutexes lend.  Takes t->pi_lock. */
void sched_set_effective_prio(struct task *t, int prio);
/* A call changed the priority of t, which waits for a PI futex; no pi_lock. */
extern void (*sched_prio_hook)(struct task *t);
/* Recomputes it after a change of what is lent; true if it changed.  pi_lock
 * held. */
bool sched_update_prio(struct task *t);

/* Accounting: docs/time.md.  From timer_interrupt(), before all else. */
void sched_account_tick(void);
/* The scheduler's deadline of this hart passed: from timer_interrupt(). */
void sched_timer(u64 now_ns);
/* Brings the time statistics of all harts up to now, for /proc/stat. */
void sched_sync_stats(void);
u64 task_run_ns(struct task *t);	/* sum_exec up to now */
void task_times(struct task *t, u64 *user_ns, u64 *system_ns);
/* CPU-time timers: called at most each tick when process->cpu_timers. */
extern void (*sched_cpu_timer_hook)(struct task *t);

/* Real-time throttling in microseconds, as in /proc/sys/kernel; runtime -1:
 * off. */
extern int sysctl_sched_rt_period_us, sysctl_sched_rt_runtime_us;
extern int sysctl_sched_rr_timeslice_ms;
/* The machine's TLB grows only in flushes (emulators): measured at start. */
extern bool arch_wants_growth_flush;
/* Harts that isolcpus= takes out of the default affinity. const after init */
extern struct cpumask sched_isolated;

/* Load averages, fixed point 1<<11. */
void sched_loadavg(unsigned long avg[3]);
u32 sched_nr_running(void);
u64 sched_nr_switches(void);
u32 sched_nr_iowait(void);

/* Switch of address space at a context switch, provided by mm. */
extern void (*sched_switch_mm_hook)(struct task *prev, struct task *next);

/* State letter as /proc shows it. */
char task_state_char(const struct task *t);
/* Waits until t, which has set a state to sleep in, sleeps. */
void task_wait_inactive(struct task *t);
