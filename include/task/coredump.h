#pragma once
/* Core dumps.  docs/coredump.md. */
#include <kernel/task.h>
#include <signal/signal.h>

#define SIG_CORE_SET (SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | \
		      SIGMASK(SIGABRT) | SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | \
		      SIGMASK(SIGBUS) | SIGMASK(SIGSYS) | SIGMASK(SIGXCPU) | \
		      SIGMASK(SIGXFSZ))
#define CORE_FILTER_DEFAULT 0x33u
#define CORE_PATTERN_SIZE 128

extern char core_pattern[CORE_PATTERN_SIZE];
extern int sysctl_core_uses_pid;

/* Limits and rights allow a dump of t's process. */
bool core_wanted(struct task *t);
/* current dies of info->signo: stops the other threads for good, writes the
 * file.  No locks held; the caller exits the group afterwards. */
void core_dump(const struct siginfo *info);
/* A thread on its end waits here while another dumps.  Lock dropped inside. */
void core_park_relock(struct sighand *s) __must_hold(&s->lock);
