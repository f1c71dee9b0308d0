/*
 * stress - what the storms share.
 *
 * A storm is a function that runs in a process of its own, does one kind of
 * violence to the kernel, checks what it sees, and leaves nothing behind.  It
 * ends by returning, or with FAIL.  Sizes are multiplied by storm_scale.
 */
#pragma once

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct storm {
	const char *name;
	void (*fn)(void);
};

extern const struct storm task_storms[], kill_storms[], memory_storms[],
	file_storms[];

extern int storm_scale;		/* 1 for `make test`, more for long runs */
extern int storm_harts;

#define FAIL(...)                                                              \
	do {                                                                   \
		fprintf(stderr, "# %s:%d: ", strrchr("/" __FILE__, '/') + 1,   \
			__LINE__);                                             \
		fprintf(stderr, __VA_ARGS__);                                  \
		fprintf(stderr, "\n");                                         \
		_exit(1);                                                      \
	} while (0)

#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond))                                                   \
			FAIL("%s is false (errno %d, %s)", #cond, errno,       \
			     strerror(errno));                                 \
	} while (0)

/* fork() that must work; 0 in the child. */
pid_t must_fork(void);
/* Runs fn(arg + i) in n processes at once; all must exit with 0. */
void in_processes(int n, void (*fn)(long), long arg);
/* The child must have ended like this: an exit status, or -signal. */
void must_end(pid_t pid, int how);
/* Starts a thread with a small stack; it must work. */
#include <pthread.h>
pthread_t must_thread(void *(*fn)(void *), void *arg);
void sleep_us(long us);
double now(void);
/* A number from the process's own sequence. */
unsigned rnd(unsigned below);
