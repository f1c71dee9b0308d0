#pragma once
/* Reports for people who look for a hang: by sysrq, in a panic, from gdb. */

struct task;

/* One task. */
void task_dump(struct task *t);
/* All tasks: ids, name, state, what they wait for, kernel stack.  Any context,
 * but it takes long. */
void tasks_dump(void);
/* Only those in uninterruptible sleep. */
void tasks_dump_blocked(void);
/* Who holds what: all in debug builds, else the mutexes that tasks wait for. */
void locks_dump(void);
