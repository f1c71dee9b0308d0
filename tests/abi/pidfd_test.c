/* Signals through descriptors of processes. */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

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

static long advise(int fd, void *p, size_t n, int advice, unsigned flags)
{
	struct iovec v[2] = { { p, n }, { (char *)p + 1, n } };

	return syscall(SYS_process_madvise, fd, v, 2ul - (n != 4096), advice,
		       flags);
}

static int open_pid(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Who may look may not advise. */
static void advise_as_user(void *p, int roots)
{
	pid_t pid;

	CHECK(setuid(65534) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
	pid = sleeper();
	CHECK_ERR(advise(open_pid(pid), p, 8192, MADV_WILLNEED, 0), EPERM);
	CHECK_ERR(advise(roots, p, 8192, MADV_WILLNEED, 0), EACCES);
	CHECK_EQ(advise(open_pid(getpid()), p, 8192, MADV_WILLNEED, 0), 8192);
	kill(pid, SIGKILL);
}

TEST(others_are_advised)
{
	void *p = mmap(NULL, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	pid_t pid = sleeper(), child;
	int fd = open_pid(pid);

	CHECK_EQ(advise(fd, p, 8192, MADV_WILLNEED, 0), 8192);
	CHECK_EQ(advise(fd, p, 4096, MADV_WILLNEED, 0), 4096);
	CHECK_ERR(advise(fd, (char *)p + 1, 8192, MADV_WILLNEED, 0), EINVAL);
	CHECK_ERR(advise(fd, p, 8192, MADV_WILLNEED, 1), EINVAL);
	CHECK_ERR(advise(fd, p, 8192, MADV_DONTNEED, 0), EINVAL);
	CHECK_ERR(advise(open("/dev/null", O_RDONLY), p, 8192, MADV_WILLNEED,
			 0), EBADF);
	CHECK_ERR(advise(-1, p, 8192, MADV_DONTNEED, 0), EBADF);
	CHECK_ERR(syscall(SYS_process_madvise, -1, 8L, 1ul, MADV_WILLNEED, 0),
		  EFAULT);
	child = fork();
	if (!child) {
		advise_as_user(p, fd);
		_exit(0);
	}
	CHECK_CHILD(child);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK_ERR(advise(fd, p, 8192, MADV_WILLNEED, 0), ESRCH);
}

/* Asks for the number pid; that of whoever came. */
static pid_t sleeper_as(pid_t pid)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);

	CHECK(fd >= 0 && dprintf(fd, "%d", pid - 1) > 0 && close(fd) == 0);
	return sleeper();
}

TEST(the_next_of_a_number_is_another)
{
	struct stat old, now;
	pid_t pid, next = 0;
	char name[32];
	int fd;

	if (geteuid())
		SKIP("root chooses numbers");
	for (int i = 0; i < 20; i++) {
		pid = sleeper();
		snprintf(name, sizeof(name), "/proc/%d", pid);
		fd = open(name, O_DIRECTORY | O_RDONLY);
		CHECK(fd >= 0 && fstat(fd, &old) == 0);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, NULL, 0) == pid);
		next = sleeper_as(pid);
		if (next == pid)
			break;
		kill(next, SIGKILL);
		CHECK(waitpid(next, NULL, 0) == next && close(fd) == 0);
	}
	CHECK(next == pid);
	CHECK(stat(name, &now) == 0);
	CHECK(now.st_ino != old.st_ino);
	CHECK_ERR(send(fd, SIGUSR1, NULL, 0), ESRCH);
	kill(next, SIGKILL);
}

/* --- what poll() is told ----------------------------------------------------*/
static void *waits_for_the_leader(void *arg)
{
	struct pollfd p = { .events = POLLIN };

	p.fd = (int)syscall(SYS_pidfd_open, getpid(), PIDFD_THREAD);
	syscall(SYS_exit_group, poll(&p, 1, 1000));
	return arg;
}

TEST(a_leader_that_ends_first_is_not_told)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;

		pthread_create(&t, NULL, waits_for_the_leader, NULL);
		usleep(200000);
		syscall(SYS_exit, 5);
	}
	CHECK_CHILD(pid);
}

static void *waits_for_the_end(void *arg)
{
	struct pollfd p = { .fd = *(int *)arg };

	return (void *)(long)(poll(&p, 1, 5000) == 1 ? p.revents : -1);
}

TEST(reaping_hangs_up)
{
	pid_t pid = sleeper();
	int fd = open_pid(pid);
	pthread_t t;
	void *events;

	pthread_create(&t, NULL, waits_for_the_end, &fd);
	usleep(100000);
	CHECK(!kill(pid, SIGKILL));
	usleep(100000);
	CHECK(waitpid(pid, NULL, 0) == pid);
	pthread_join(t, &events);
	CHECK_EQ((long)events, POLLHUP);
}
