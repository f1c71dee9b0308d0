/*
 * fuzz - what the programs of tests/fuzz share: a child with a time limit.
 */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STUCK (-1)
#define KILL_SECONDS 20		/* for a killed child to be gone */

static inline void fuzz_prepare(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static inline int fuzz_gone(pid_t pid, int *status, long ms)
{
	struct timespec now, end, step = { 0, 50000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000;
	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return 1;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec &&
						now.tv_nsec > end.tv_nsec))
			return 0;
		sigtimedwait(&set, NULL, &step);
	}
}

/* The child's wait status; it is killed after ms.  STUCK: it cannot be. */
static inline int fuzz_wait(pid_t pid, long ms)
{
	int status;

	if (fuzz_gone(pid, &status, ms))
		return status;
	kill(pid, SIGKILL);
	return fuzz_gone(pid, &status, KILL_SECONDS * 1000) ? status : STUCK;
}
