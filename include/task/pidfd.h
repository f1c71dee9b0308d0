#pragma once
/* Descriptors that stand for a process (pidfd_open(2)). */
#include <lib/compiler.h>

struct file;
struct pid;

#define PIDFD_NONBLOCK 00004000u	/* O_NONBLOCK */
#define PIDFD_THREAD   00000200u	/* O_EXCL */
#define PIDFD_SIGNAL_THREAD 1u
#define PIDFD_SIGNAL_THREAD_GROUP 2u
#define PIDFD_SIGNAL_PROCESS_GROUP 4u

/* A file and a reserved descriptor, to be installed or cancelled. */
int __must_check pidfd_prepare(struct pid *p, unsigned flags,
			       struct file **file, int *fd);
void pidfd_cancel(struct file *file, int fd);
/* Of a directory /proc/PID, NULL of any other file: set by that file system. */
extern struct pid *(*pid_of_dir_hook)(struct file *f);
/* Pollers of t's pidfds: it exited. tasklist_lock held. */
struct task;
void pidfd_notify(struct task *t);
