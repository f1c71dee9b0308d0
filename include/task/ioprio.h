#pragma once
/* I/O priorities (ioprio_set(2)): whose requests a disk takes first. */
#include <kernel/task.h>

/* The classes, the most urgent first. */
enum io_class { IO_CLASS_NONE, IO_CLASS_RT, IO_CLASS_BE, IO_CLASS_IDLE };
#define IOPRIO_CLASS(prio) ((enum io_class)((prio) >> 13 & 7))

/* Of the requests that t makes; never NONE. */
static inline enum io_class task_io_class(const struct task *t)
{
	enum io_class set = IOPRIO_CLASS(READ_ONCE(t->ioprio));

	if (set != IO_CLASS_NONE)
		return set;
	if (t->policy == SCHED_FIFO || t->policy == SCHED_RR)
		return IO_CLASS_RT;
	return t->policy == SCHED_IDLE ? IO_CLASS_IDLE : IO_CLASS_BE;
}
/* which: enum task_who, or nonsense (-EINVAL). */
int ioprio_set(int which, int who, unsigned prio);
long ioprio_get(int which, int who);
