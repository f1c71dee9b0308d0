#pragma once
/* The out-of-memory killer's measure, for /proc/PID/oom_score. */
#include <lib/types.h>

struct task;

extern int sysctl_panic_on_oom;	/* nobody is killed then */
/* Pages that killing t's process is worth, -1: never killed. */
long oom_badness(struct task *t, u64 total_pages);
