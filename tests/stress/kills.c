/*
 * kills - tasks that are killed while they wait, fault, exec or clone; and
 * storms of signals.
 *
 * Theory:  each way to be busy (ways.c) is a function that does not return.  A
 *          victim does it, alone or with three more threads, and is killed
 *          after a moment that is a little different each time; it must be gone
 *          at once, with all of its process group.  The time from the kill to
 *          the end of the wait is the latency; the longest is printed.
 */
#include "stress.h"
#include "ways.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

/* --- victims -------------------------------------------------------------------------*/

/* Of all processes that kill. */
static struct tally {
	atomic_long kills, us, worst_us, worst_way;
} *tally;

static void tally_start(void)
{
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(tally != MAP_FAILED);
}

static void tally_add(int way, double seconds)
{
	long us = (long)(seconds * 1e6);

	tally->kills++;
	tally->us += us;
	if (us > tally->worst_us) {
		tally->worst_us = us;
		tally->worst_way = way;
	}
}

static void tally_print(const char *name)
{
	long n = tally->kills;

	printf("# %s: %ld kills, gone after %ld us, at worst %ld us (%s)\n",
	       name, n, n ? tally->us / n : 0, tally->worst_us,
	       ways[tally->worst_way].name);
	fflush(stdout);
}

static void *busy_thread(void *arg)
{
	ways[(long)arg].fn();
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
			FAIL("%s: group %d does not die", ways[way].name,
			     pgrp);
		sleep_us(500);
	}
}

static void kill_one(int way, int nr_threads, long us)
{
	pid_t pid = must_fork();
	double start;

	if (!pid)
		be_busy(way, nr_threads);
	setpgid(pid, pid);
	sleep_us(us);
	start = now();
	CHECK(kill(-pid, SIGKILL) == 0);
	must_end(pid, -SIGKILL);
	tally_add(way, now() - start);
	group_gone(pid, way);
}

/* What ways leave in the file system and in the tables of IPC. */
static void forget_names(void)
{
	char name[64];

	snprintf(name, sizeof(name), "/tmp/lock-%d", getpid());
	unlink(name);
	snprintf(name, sizeof(name), "/tmp/fifo-%d", getpid());
	unlink(name);
	forget_ipc();
}

/* Moments shortly after the start, and late enough to be asleep for sure. */
static void kill_share(long which)
{
	for (int i = 0; i < 2 * storm_scale; i++)
		for (int way = 0; way < nr_ways; way++)
			kill_one((way + (int)which * 7) % nr_ways,
				 (i + way) % 3 == 2 ? 4 : 1,
				 rnd(i % 2 ? 4000 : 12000));
	forget_names();
}

static void kill_storm(void)
{
	tally_start();
	in_processes(storm_harts + 2, kill_share, 0);
	tally_print("kill-storm");
}

/* --- many victims at once ------------------------------------------------------------*/

#define CROWD 120

static void kill_crowd(void)
{
	pid_t pids[CROWD];
	double start;

	tally_start();
	for (int round = 0; round < storm_scale; round++) {
		for (int i = 0; i < CROWD; i++) {
			pids[i] = must_fork();
			if (!pids[i])
				be_busy((i + round) % nr_ways, 1 + i % 2);
			setpgid(pids[i], pids[i]);
		}
		sleep_us(rnd(20000));
		start = now();
		for (int i = 0; i < CROWD; i++)
			kill(-pids[i], SIGKILL);
		for (int i = 0; i < CROWD; i++) {
			must_end(pids[i], -SIGKILL);
			tally_add((i + round) % nr_ways, now() - start);
			group_gone(pids[i], (i + round) % nr_ways);
		}
	}
	tally_print("kill-crowd");
	forget_names();
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
