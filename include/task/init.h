#pragma once
/* Entry points of floor 5 that start-up hands to the floors below. */
#include <lib/compiler.h>

struct regs;
struct task;

/* arch_hooks.exit_work: all that is due before user mode. */
void task_exit_work(struct regs *r);
/* Memory is gone: kills one process and says why. */
void oom_kill(void);
/* The same; false: there is nobody to kill. */
bool oom_kill_one(void);
/* sched_cpu_timer_hook: interrupts off. */
void cpu_timers_tick(struct task *t);
void signal_init(void);
void exec_init(void);
/* Body of a kernel task: runs fn, then exits, or goes to user mode if fn made
 * the task a program. */
void __noreturn kernel_task_run(void (*fn)(void *arg), void *arg);
