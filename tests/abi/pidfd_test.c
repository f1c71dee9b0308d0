/* Signals through descriptors of processes. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

enum { THREAD = 1, GROUP = 2, PGRP = 4 };
#define PIDFD_THREAD O_EXCL

static long send(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	CHECK(pid > 0);
	return pid;
}

static void check_killed(pid_t pid, int sig)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sig);
}

TEST(a_directory_of_proc_is_one_too)
{
	pid_t pid = sleeper();
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "/proc/%d", pid);
	fd = open(name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(send(fd, 0, NULL, 0) == 0);
	CHECK(send(fd, SIGUSR1, NULL, 0) == 0);
	check_killed(pid, SIGUSR1);
	CHECK_ERR(send(fd, 0, NULL, 0), ESRCH);
	fd = open("/proc", O_DIRECTORY | O_RDONLY);
	CHECK_ERR(send(fd, 0, NULL, 0), EBADF);
	snprintf(name, sizeof(name), "/proc/%d/task/%d", getpid(), getpid());
	fd = open(name, O_DIRECTORY | O_RDONLY);
	CHECK_ERR(send(fd, 0, NULL, 0), EBADF);
	CHECK_ERR(send(999, 0, NULL, 0), EBADF);
}

TEST(flags_and_siginfo_are_checked)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0), other;
	siginfo_t si = { .si_signo = SIGUSR1, .si_code = SI_USER };
	pid_t pid = sleeper();

	CHECK_ERR(send(fd, 0, NULL, THREAD | GROUP), EINVAL);
	CHECK_ERR(send(fd, 0, NULL, 8), EINVAL);
	CHECK_ERR(send(fd, 65, NULL, 0), EINVAL);
	CHECK_ERR(send(fd, SIGUSR2, &si, 0), EINVAL);
	other = (int)syscall(SYS_pidfd_open, pid, 0);
	CHECK_ERR(send(other, SIGUSR1, &si, 0), EPERM);
	CHECK_ERR(send(fd, SIGUSR1, &si, PGRP), EPERM);
	si.si_code = SI_QUEUE;
	CHECK(send(other, SIGUSR1, &si, 0) == 0);
	check_killed(pid, SIGUSR1);
}

static atomic_int tid, hits, hit_tid;

static void hit(int sig)
{
	(void)sig;
	hit_tid = (int)syscall(SYS_gettid);
	hits++;
}

static void *wait_for_hit(void *arg)
{
	tid = (int)syscall(SYS_gettid);
	while (!hits)
		usleep(1000);
	return arg;
}

static int thread_fd(pthread_t *t)
{
	int fd;

	signal(SIGUSR1, hit);
	tid = hits = 0;
	CHECK(pthread_create(t, NULL, wait_for_hit, NULL) == 0);
	while (!tid)
		usleep(1000);
	fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
	CHECK(fd >= 0);
	return fd;
}

TEST(a_thread_is_meant_alone)
{
	pthread_t t;
	int fd = thread_fd(&t);

	CHECK(send(fd, SIGUSR1, NULL, 0) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK_EQ(hit_tid, tid);
	fd = thread_fd(&t);
	CHECK(send(fd, SIGUSR1, NULL, THREAD) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK_EQ(hit_tid, tid);
}

TEST(a_group_is_told_as_one)
{
	pid_t pid, other;
	int fd;

	pid = sleeper();
	CHECK(setpgid(pid, pid) == 0);
	other = sleeper();
	CHECK(setpgid(other, pid) == 0);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	CHECK(send(fd, SIGUSR2, NULL, PGRP) == 0);
	check_killed(pid, SIGUSR2);
	check_killed(other, SIGUSR2);
}
