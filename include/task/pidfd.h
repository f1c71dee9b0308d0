#pragma once
/* Descriptors that stand for a process (pidfd_open(2)). */
#include <lib/compiler.h>

struct file;
struct pid;

#define PIDFD_NONBLOCK 00004000u	/* O_NONBLOCK */
#define PIDFD_THREAD   00000200u	/* O_EXCL */

/* A file and a reserved descriptor, to be installed or cancelled. */
int __must_check pidfd_prepare(struct pid *p, unsigned flags,
			       struct file **file, int *fd);
void pidfd_cancel(struct file *file, int fd);
/* Pollers of t's pidfds: it exited. tasklist_lock held. */
struct task;
void pidfd_notify(struct task *t);
