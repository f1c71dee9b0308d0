#pragma once
/* The watchdog's tunables, as in /proc/sys/kernel.  docs/debugging.md. */

extern int sysctl_watchdog;		/* 0: off */
extern int sysctl_watchdog_thresh;	/* seconds without a sign of life */
extern int sysctl_hung_task_timeout;	/* seconds; 0: off */
extern int sysctl_hung_task_warnings;	/* reports left; -1: no limit */
