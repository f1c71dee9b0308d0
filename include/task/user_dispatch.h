#pragma once
/* PR_SET_SYSCALL_USER_DISPATCH: a program takes its own system calls. */
#include <lib/types.h>

struct regs;

int user_dispatch_set(unsigned long mode, unsigned long offset,
		      unsigned long len, unsigned long selector);
/* With WORK_DISPATCH, before everything else: false if the call is not made,
 * and a signal waits. */
bool user_dispatch_enter(struct regs *r);
