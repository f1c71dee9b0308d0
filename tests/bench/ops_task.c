/*
 * Operations that make and end tasks.
 */
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ops.h"

static void reap(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0));
	if (status)
		die("a child failed");
}

static void fork_run(long n)
{
	while (n--) {
		pid_t pid = MUST(fork());

		if (!pid)
			_exit(0);
		reap(pid);
	}
}

static void vfork_run(long n)
{
	while (n--) {
		pid_t pid = MUST(vfork());

		if (!pid)
			_exit(0);
		reap(pid);
	}
}

static void fork_exec_run(long n)
{
	while (n--) {
		pid_t pid = MUST(fork());

		if (!pid) {
			execl(self, "ops", "-x", NULL);
			_exit(127);
		}
		reap(pid);
	}
}

static void spawn_run(long n)
{
	char *const argv[] = { "ops", "-x", NULL }, *const env[] = { NULL };
	pid_t pid;

	while (n--) {
		if (posix_spawn(&pid, self, NULL, NULL, argv, env))
			die("posix_spawn");
		reap(pid);
	}
}

static void shell_run(long n)
{
	while (n--) {
		pid_t pid = MUST(fork());

		if (!pid) {
			execl("/bin/sh", "sh", "-c", ":", NULL);
			_exit(127);
		}
		reap(pid);
	}
}

static void *nothing(void *arg)
{
	return arg;
}

static void thread_run(long n)
{
	pthread_t thread;

	while (n--) {
		if (pthread_create(&thread, NULL, nothing, NULL))
			die("pthread_create");
		pthread_join(thread, NULL);
	}
}

const struct op task_ops[] = {
	{ "fork-exit-wait", 1, 100, NULL, fork_run, NULL },
	{ "vfork-exit-wait", 1, 100, NULL, vfork_run, NULL },
	{ "fork-exec-wait", 1, 50, NULL, fork_exec_run, NULL },
	{ "spawn-wait", 1, 50, NULL, spawn_run, NULL },
	{ "sh", 1, 20, NULL, shell_run, NULL },
	{ "thread-join", 1, 100, NULL, thread_run, NULL },
	{ },
};
