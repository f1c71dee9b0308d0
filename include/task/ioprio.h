#pragma once
/* I/O priorities (ioprio_set(2)): whose requests a disk takes first. */
#include <kernel/task.h>

/* The classes, the most urgent first. */
enum io_class { IO_CLASS_NONE, IO_CLASS_RT, IO_CLASS_BE, IO_CLASS_IDLE };
#define IOPRIO_CLASS_SHIFT 13

/* Of the requests that t makes; never NONE. */
enum io_class task_io_class(const struct task *t);
/* which: enum task_who, or nonsense (-EINVAL). */
int ioprio_set(int which, int who, unsigned prio);
long ioprio_get(int which, int who);
