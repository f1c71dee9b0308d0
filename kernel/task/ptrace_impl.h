#pragma once
/* What the two halves of ptrace's tracer side share. */
#include "task_impl.h"

#include <task/ptrace.h>

/* A request that looks at, or changes, a frozen tracee.  -EIO: unknown. */
long ptrace_stopped_request(struct task *t, long request, unsigned long addr,
			    unsigned long data);
