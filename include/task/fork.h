#pragma once
/* Making tasks: what exec, exit, kthreads and /proc need of kernel/task. */
#include <kernel/task.h>

struct clone_args_k;
struct process;

/* Tasks now, and how many there may be. */
int task_count(void);
extern int sysctl_threads_max;
/* Tasks ever made by anyone ("processes" in /proc/stat). */
u64 task_nr_forks(void);
void task_count_drop(void);
/* A kernel task running a->fn (never returns there); *out is referenced. */
int __must_check task_create_kernel(const struct clone_args_k *a,
				    struct task **out);
/* Stores the tid as CLONE_CHILD_SETTID asked, from the child. */
void task_first_return(struct task *t);
/* The task's own number is free again. tasklist_lock held for writing. */
void task_detach_tid(struct task *t);
void itimer_process_init(struct process *p);
