/*
 * kills - tasks that are killed while they wait, fault, exec or clone; and
 * storms of signals.
 *
 * Theory:  each way to be busy is a function that does not return.  A victim
 *          does it, alone or with three more threads, and is killed after a
 *          moment that is a little different each time; it must be gone at
 *          once, with all of its process group.
 */
#include "stress.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

/* --- ways to be busy ---------------------------------------------------------------*/

static int new_pipe(int end)
{
	int p[2];

	CHECK(pipe(p) == 0);
	return p[end];
}

static void in_pipe_read(void)
{
	char c;

	read(new_pipe(0), &c, 1);
}

static void in_pipe_write(void)
{
	static char big[1 << 17];

	write(new_pipe(1), big, sizeof(big));
}

static void in_futex(void)
{
	static int word;

	syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void in_pi_futex(void)
{
	static int word;

	if (!syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0))
		pause();
}

static void in_wait(void)
{
	if (!fork())
		for (;;)
			pause();
	wait(NULL);
}

static void in_vfork(void)
{
	if (!vfork())
		for (;;)
			pause();
}

static void in_poll(void)
{
	struct pollfd p[2] = { { new_pipe(0), POLLIN, 0 },
			       { new_pipe(0), POLLIN, 0 } };

	poll(p, 2, -1);
}

static void in_select(void)
{
	int fd = new_pipe(0);
	fd_set s;

	FD_ZERO(&s);
	FD_SET(fd, &s);
	select(fd + 1, &s, NULL, NULL, NULL);
}

static void in_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, new_pipe(0), &e) == 0);
	epoll_wait(ep, &e, 1, -1);
}

static void in_sleep(void)
{
	sleep_us(100000000);
}

static void in_sigwait(void)
{
	sigset_t s;
	int sig;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigwait(&s, &sig);
}

static void in_accept(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path + 1, 60, "stress-%d-%ld", getpid(),
		 syscall(SYS_gettid));
	CHECK(bind(s, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK(listen(s, 5) == 0);
	accept(s, NULL, NULL);
}

static void in_send(void)
{
	static char big[4 << 20];
	int s[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	write(s[0], big, sizeof(big));
}

static void in_flock(void)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/tmp/lock-%d", getppid());
	fd = open(name, O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	flock(fd, LOCK_EX);
	pause();
}

static void in_fifo_open(void)
{
	char name[64];

	snprintf(name, sizeof(name), "/tmp/fifo-%d", getppid());
	mkfifo(name, 0600);
	open(name, O_RDONLY);
}

static int new_tty(void)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY);

	CHECK(m >= 0 && !grantpt(m) && !unlockpt(m));
	return m;
}

static void in_tty_read(void)
{
	int s = open(ptsname(new_tty()), O_RDWR | O_NOCTTY);
	char c;

	CHECK(s >= 0);
	read(s, &c, 1);
}

static void in_tty_write(void)
{
	static char big[1 << 17];
	int s = open(ptsname(new_tty()), O_RDWR | O_NOCTTY);

	CHECK(s >= 0);
	write(s, big, sizeof(big));
}

static void in_faults(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	size_t n = 1 << 18;

	for (;;) {
		char *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char *q = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			       fd, 0);

		for (size_t i = 0; i < n; i += 4096)
			p[i] = q[i]++;
		munmap(p, n);
		munmap(q, n);
	}
}

static void in_exec(void)
{
	execl("/proc/self/exe", "stress", "exec-for-ever", NULL);
}

static void in_clone(void)
{
	for (;;) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static void *no_thread(void *arg)
{
	return arg;
}

static void in_thread_clone(void)
{
	for (;;)
		pthread_join(must_thread(no_thread, NULL), NULL);
}

static void in_stop(void)
{
	raise(SIGSTOP);
	pause();
}

static void in_trace(void)
{
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		for (;;)
			raise(SIGUSR1);
	}
	for (;;) {
		waitpid(pid, NULL, __WALL);
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
	}
}

static void in_user_mode(void)
{
	for (volatile int i = 0;; i++)
		;
}

static void in_file_writes(void)
{
	char name[64], buf[5000];
	int fd;

	memset(buf, 'x', sizeof(buf));
	snprintf(name, sizeof(name), "/var/tmp/write-%d", getpid());
	for (;;) {
		fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
		unlink(name);
		for (int i = 0; i < 20; i++)
			write(fd, buf, sizeof(buf));
		close(fd);
	}
}

static void (*const ways[])(void) = {
	in_pipe_read, in_pipe_write, in_futex, in_pi_futex, in_wait, in_vfork,
	in_poll, in_select, in_epoll, in_sleep, in_sigwait, in_accept, in_send,
	in_flock, in_fifo_open, in_tty_read, in_tty_write, in_faults, in_exec,
	in_clone, in_thread_clone, in_stop, in_trace, in_user_mode,
	in_file_writes,
};
#define NR_WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

/* --- victims -------------------------------------------------------------------------*/

static void *busy_thread(void *arg)
{
	ways[(long)arg]();
	for (;;)
		pause();
	return NULL;
}

static void be_busy(int way, int nr_threads)
{
	setpgid(0, 0);
	while (--nr_threads > 0)
		must_thread(busy_thread, (void *)(long)way);
	busy_thread((void *)(long)way);
}

/* Until the group is empty: what a victim forked is not ours to wait for. */
static void group_gone(pid_t pgrp, int way)
{
	double end = now() + 20;

	while (!kill(-pgrp, SIGKILL)) {
		if (now() > end)
			FAIL("way %d: group %d does not die", way, pgrp);
		sleep_us(500);
	}
}

static void kill_one(int way, int nr_threads, long us)
{
	pid_t pid = must_fork();

	if (!pid)
		be_busy(way, nr_threads);
	setpgid(pid, pid);
	sleep_us(us);
	CHECK(kill(-pid, SIGKILL) == 0);
	must_end(pid, -SIGKILL);
	group_gone(pid, way);
}

static void kill_share(long which)
{
	char name[64];

	for (int i = 0; i < 2 * storm_scale; i++)
		for (int way = 0; way < NR_WAYS; way++)
			kill_one((way + (int)which * 7) % NR_WAYS,
				 (i + way) % 3 == 2 ? 4 : 1, rnd(4000));
	snprintf(name, sizeof(name), "/tmp/lock-%d", getpid());
	unlink(name);
	snprintf(name, sizeof(name), "/tmp/fifo-%d", getpid());
	unlink(name);
}

static void kill_storm(void)
{
	in_processes(storm_harts + 2, kill_share, 0);
}

/* --- many victims at once ------------------------------------------------------------*/

static void kill_crowd(void)
{
	pid_t pids[100];

	for (int round = 0; round < storm_scale; round++) {
		for (int i = 0; i < 100; i++) {
			pids[i] = must_fork();
			if (!pids[i])
				be_busy((i + round) % NR_WAYS, 1 + i % 2);
			setpgid(pids[i], pids[i]);
		}
		sleep_us(rnd(20000));
		for (int i = 0; i < 100; i++)
			kill(-pids[i], SIGKILL);
		for (int i = 0; i < 100; i++) {
			must_end(pids[i], -SIGKILL);
			group_gone(pids[i], (i + round) % NR_WAYS);
		}
	}
}

/* --- signals -----------------------------------------------------------------------*/

#define QUEUED 200

static atomic_int got_rt, got_usr, got_alarm;
static atomic_long rt_sum;

static void on_rt(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	rt_sum += si->si_value.sival_int;
	got_rt++;
}

static void on_usr(int sig)
{
	(void)sig;
	got_usr++;
}

static void on_alarm(int sig)
{
	(void)sig;
	got_alarm++;
}

static void handle(int sig, void (*fn)(int), int flags)
{
	struct sigaction a = { .sa_handler = fn, .sa_flags = flags };

	CHECK(sigaction(sig, &a, NULL) == 0);
}

/* Gets QUEUED real-time signals, none lost, among alarms and others. */
static void be_target(int ready)
{
	struct sigaction a = { .sa_sigaction = on_rt,
			       .sa_flags = SA_SIGINFO | SA_RESTART };
	struct itimerval t = { { 0, 700 }, { 0, 700 } };

	CHECK(sigaction(SIGRTMIN + 3, &a, NULL) == 0);
	handle(SIGUSR1, on_usr, SA_RESTART);
	handle(SIGALRM, on_alarm, 0);
	CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
	CHECK(write(ready, "x", 1) == 1);
	while (got_rt < QUEUED)
		sleep_us(rnd(1000));
	CHECK(rt_sum == QUEUED * (QUEUED - 1) / 2);
	_exit(0);
}

static pid_t start_target(void)
{
	int p[2];
	pid_t pid;
	char c;

	CHECK(pipe(p) == 0);
	pid = must_fork();
	if (!pid)
		be_target(p[1]);
	CHECK(read(p[0], &c, 1) == 1);
	close(p[0]);
	close(p[1]);
	return pid;
}

static void signal_share(long which)
{
	pid_t pid = start_target();

	(void)which;
	for (int i = 0; i < QUEUED; i++) {
		union sigval v = { .sival_int = i };

		while (sigqueue(pid, SIGRTMIN + 3, v)) {
			CHECK(errno == EAGAIN);
			sleep_us(100);
		}
		kill(pid, SIGUSR1);
		if (i % 32 == 5) {
			kill(pid, SIGSTOP);
			kill(pid, SIGCONT);
		}
	}
	must_end(pid, 0);
}

static void *blink(void *arg)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	while (!*(volatile int *)arg) {
		pthread_sigmask(SIG_BLOCK, &s, NULL);
		pthread_sigmask(SIG_UNBLOCK, &s, NULL);
	}
	return NULL;
}

static void thread_signals(void)
{
	static volatile int stop;
	pthread_t t[8];

	handle(SIGUSR1, on_usr, SA_RESTART);
	for (int i = 0; i < 8; i++)
		t[i] = must_thread(blink, (void *)&stop);
	for (int i = 0; i < 2000 * storm_scale; i++)
		if (i % 5)
			pthread_kill(t[i % 8], SIGUSR1);
		else
			kill(getpid(), SIGUSR1);
	stop = 1;
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	CHECK(got_usr > 0);
}

static void signal_storm(void)
{
	for (int i = 0; i < storm_scale; i++)
		in_processes(storm_harts + 1, signal_share, 0);
	thread_signals();
}

const struct storm kill_storms[] = {
	{ "kill-storm", kill_storm },
	{ "kill-crowd", kill_crowd },
	{ "signal-storm", signal_storm },
	{ NULL, NULL },
};
