#pragma once
/* seccomp(2): a program's limits on its own system calls.  docs/seccomp.md. */
#include <arch/task.h>
#include <kernel/task.h>

#define SECCOMP_MODE_DISABLED	0
#define SECCOMP_MODE_STRICT	1
#define SECCOMP_MODE_FILTER	2

/* The calls of user space; arg as they have it. */
long do_seccomp(unsigned op, unsigned flags, void __user *arg);
/* prctl(PR_SET_SECCOMP). */
long seccomp_set_mode(unsigned long mode, void __user *filter);
/* False if the call is to be skipped; the result is set.  May not return. */
bool seccomp_syscall_enter(struct regs *r);
/* A new task gets what its maker has.  siglock held. */
void seccomp_inherit_locked(struct task *t);
/* Drops t's reference: it is never seen again. */
void seccomp_release(struct task *t);
