/*
 * Operations of two or more tasks that hand on to each other.
 *
 * Names end in the number of harts: on one, both sides are pinned to hart 0
 * and every message is a switch; on two, the far side has hart 1 for itself.
 * A latency is a round trip.  The far side is a process that ends when its
 * input does.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ops.h"

enum { RING = 8, BLOCK = 65536 };

static int to[2], from[2], sem;
static pid_t far_side, ring_tasks[RING];
static char block[BLOCK];

static void fork_far(int hart, void (*serve)(void))
{
	far_side = MUST(fork());
	if (far_side)
		return;
	pin(hart);
	serve();
	_exit(0);
}

static void reap_far(void)
{
	MUST(waitpid(far_side, NULL, 0));
}

/* to[] and from[] are ours to write and read; the far side has the others. */
static void echo(void)
{
	char c;

	close(to[1]);
	while (read(to[0], &c, 1) == 1)
		MUST(write(from[1], &c, 1));
}

static void echo_run(long n)
{
	char c = 0;

	while (n--) {
		MUST(write(to[1], &c, 1));
		if (read(from[0], &c, 1) != 1)
			die("read");
	}
}

static void hang_up(void)
{
	close(to[1]);
	close(to[0]);
	close(from[0]);
	close(from[1]);
	reap_far();
}

static void pipe_on(int hart)
{
	MUST(pipe(to));
	MUST(pipe(from));
	fork_far(hart, echo);
}

static void pipe_1(void)
{
	pipe_on(0);
}

static void pipe_2(void)
{
	pipe_on(1);
}

/* One pair serves both ways: its ends stand in both places. */
static void unix_on(int hart)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	to[1] = pair[0];
	to[0] = pair[1];
	from[0] = MUST(dup(pair[0]));
	from[1] = MUST(dup(pair[1]));
	far_side = MUST(fork());
	if (!far_side) {
		pin(hart);
		close(from[0]);
		echo();
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	to[0] = from[1] = -1;
}

static void unix_1(void)
{
	unix_on(0);
}

static void unix_2(void)
{
	unix_on(1);
}

static void open_fifo(int ends[2], const char *name)
{
	unlink(name);
	MUST(mkfifo(name, 0600));
	ends[0] = MUST(open(name, O_RDONLY | O_NONBLOCK));
	ends[1] = MUST(open(name, O_WRONLY));
	MUST(fcntl(ends[0], F_SETFL, 0));
	unlink(name);
}

static void fifo_1(void)
{
	open_fifo(to, "ops-to");
	open_fifo(from, "ops-from");
	fork_far(0, echo);
}

static void event_serve(void)
{
	uint64_t value;

	while (read(to[0], &value, 8) == 8 && value == 1)
		MUST(write(from[0], &value, 8));
}

static void event_1(void)
{
	to[0] = MUST(eventfd(0, 0));
	from[0] = MUST(eventfd(0, 0));
	fork_far(0, event_serve);
}

static void event_run(long n)
{
	uint64_t value = 1;

	while (n--) {
		MUST(write(to[0], &value, 8));
		MUST(read(from[0], &value, 8));
	}
}

static void event_end(void)
{
	uint64_t last = 2;

	MUST(write(to[0], &last, 8));
	reap_far();
	close(to[0]);
	close(from[0]);
}

static int sem_step(int which, int by)
{
	struct sembuf b = { which, by, 0 };

	return semop(sem, &b, 1);
}

static void sem_serve(void)
{
	while (sem_step(0, -1) == 0 && sem_step(1, 1) == 0)
		;
}

static void sem_1(void)
{
	sem = MUST(semget(IPC_PRIVATE, 2, 0600));
	fork_far(0, sem_serve);
}

static void sem_run(long n)
{
	while (n--) {
		MUST(sem_step(0, 1));
		MUST(sem_step(1, -1));
	}
}

static void sem_end(void)
{
	semctl(sem, 0, IPC_RMID);
	reap_far();
}

/* Threads share the address space: a switch without a flush. */
static pthread_t thread;
static int turn, thread_hart, is_over;

static void await_turn(int mine)
{
	int got;

	while ((got = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != mine)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, got, NULL);
}

static void pass_turn(int next)
{
	__atomic_store_n(&turn, next, __ATOMIC_RELEASE);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1);
}

static void *futex_serve(void *arg)
{
	pin(thread_hart);
	for (;;) {
		await_turn(1);
		if (is_over)
			return NULL;
		pass_turn(0);
	}
}

static void futex_on(int hart)
{
	thread_hart = hart;
	is_over = turn = 0;
	if (pthread_create(&thread, NULL, futex_serve, NULL))
		die("pthread_create");
}

static void futex_1(void)
{
	futex_on(0);
}

static void futex_2(void)
{
	futex_on(1);
}

static void futex_run(long n)
{
	while (n--) {
		pass_turn(1);
		await_turn(0);
	}
}

static void futex_end(void)
{
	is_over = 1;
	pass_turn(1);
	pthread_join(thread, NULL);
}

/* A ring of processes: one operation is one switch. */
static void ring_serve(int in, int out)
{
	char c;

	while (read(in, &c, 1) == 1 && c)
		MUST(write(out, &c, 1));
	c = 0;
	if (write(out, &c, 1) < 0)
		_exit(1);
	_exit(0);
}

static void ring_1(void)
{
	int in, ends[2];

	MUST(pipe(ends));
	to[1] = ends[1];
	in = ends[0];
	for (int i = 0; i < RING - 1; i++) {
		MUST(pipe(ends));
		ring_tasks[i] = MUST(fork());
		if (!ring_tasks[i])
			ring_serve(in, ends[1]);
		close(in);
		close(ends[1]);
		in = ends[0];
	}
	from[0] = in;
}

static void ring_run(long n)
{
	char c = 1;

	for (n = (n + RING - 1) / RING; n; n--) {
		MUST(write(to[1], &c, 1));
		MUST(read(from[0], &c, 1));
	}
}

static void ring_end(void)
{
	char c = 0;

	MUST(write(to[1], &c, 1));
	for (int i = 0; i < RING - 1; i++)
		waitpid(ring_tasks[i], NULL, 0);
	close(to[1]);
	close(from[0]);
}

/* Two that only give the hart to each other. */
static void yield_serve(void)
{
	for (;;)
		sched_yield();
}

static void yield_1(void)
{
	fork_far(0, yield_serve);
}

static void yield_run(long n)
{
	while (n--)
		sched_yield();
}

static void yield_end(void)
{
	kill(far_side, SIGKILL);
	reap_far();
}

/* Bandwidth: an operation moves 64 KiB, and the far side eats. */
static void eat(void)
{
	close(to[1]);
	while (read(to[0], block, sizeof(block)) > 0)
		;
}

static void eat_1(void)
{
	MUST(pipe(to));
	fork_far(0, eat);
}

static void eat_unix_1(void)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	to[0] = pair[0];
	to[1] = pair[1];
	fork_far(0, eat);
}

static void feed_run(long n)
{
	while (n--)
		for (size_t at = 0; at < BLOCK;)
			at += MUST(write(to[1], block + at, BLOCK - at));
}

static void eat_end(void)
{
	close(to[0]);
	close(to[1]);
	reap_far();
}

const struct op ipc_ops[] = {
	{ "pipe-1", 1, 500, pipe_1, echo_run, hang_up },
	{ "unix-1", 1, 500, unix_1, echo_run, hang_up },
	{ "fifo-1", 1, 500, fifo_1, echo_run, hang_up },
	{ "eventfd-1", 1, 500, event_1, event_run, event_end },
	{ "semop-1", 1, 500, sem_1, sem_run, sem_end },
	{ "futex-threads-1", 1, 500, futex_1, futex_run, futex_end },
	{ "ring-8", 1, 800, ring_1, ring_run, ring_end },
	{ "yield-2", 1, 500, yield_1, yield_run, yield_end },
	{ "pipe-bytes-64k", 1, 100, eat_1, feed_run, eat_end },
	{ "unix-bytes-64k", 1, 100, eat_unix_1, feed_run, eat_end },
	{ "pipe-2", 2, 500, pipe_2, echo_run, hang_up },
	{ "unix-2", 2, 500, unix_2, echo_run, hang_up },
	{ "futex-threads-2", 2, 500, futex_2, futex_run, futex_end },
	{ },
};
