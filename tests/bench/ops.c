/*
 * ops [-c] [-t MS] [NAME...] - times operations, or lets them be counted.
 *
 * Theory:  to time, each operation is done in windows of about 0.3 ms for MS
 *          milliseconds; a line tells the shortest, the median and the
 *          slowest decile of a window's nanoseconds for one operation:
 *
 *              op NAME MIN MEDIAN DECILE WINDOWS
 *
 *          To count (-c), each operation is done in a few windows of a fixed
 *          number of times.  Before and after each window the program stops
 *          at the console until a line comes, so that whoever holds QEMU's
 *          monitor can read its counters of just that window:
 *
 *              @@ops start NAME TIMES
 *              @@ops stop NAME NANOSECONDS
 *
 *          Under QEMU's -icount the nanoseconds are instructions.
 *
 *          Each operation is done by a process of its own, so that one that
 *          a kernel does not know ends itself only: `op NAME absent`.  To
 *          count there are several, since where a process lies is random.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "ops.h"

enum { MAX_WINDOWS = 20000, WINDOW_NS = 300000, COUNTED_WINDOWS = 2,
       COUNTED_TIMES = 4 };

static const struct op *const tables[] = { call_ops, ipc_ops, task_ops,
					   memory_ops };
const char *self;
static double windows[MAX_WINDOWS];

void die(const char *what)
{
	fprintf(stderr, "ops: %s: %s\n", what, strerror(errno));
	exit(1);
}

void pin(int hart)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(hart, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set));
}

static long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static long timed(const struct op *op, long n)
{
	long start = now_ns();

	op->run(n);
	return now_ns() - start;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* As often as fits into one window, at least once. */
static long window_size(const struct op *op)
{
	long n = 1;

	while (n < 1 << 24 && timed(op, n) < WINDOW_NS)
		n *= 2;
	return n;
}

static void time_op(const struct op *op, long ms)
{
	long n = window_size(op), end = now_ns() + ms * 1000000L;
	int count = 0;

	do
		windows[count++] = (double)timed(op, n) / n;
	while (count < MAX_WINDOWS && (now_ns() < end || count < 3));
	qsort(windows, count, sizeof(*windows), ascending);
	printf("op %s %.1f %.1f %.1f %d\n", op->name, windows[0],
	       windows[count / 2], windows[count * 9 / 10], count);
	fflush(stdout);
}

static void stop_at(int console, const char *word, const char *name, long value)
{
	char text[128];
	int size = snprintf(text, sizeof(text), "\n@@ops %s %s %ld\n", word,
			    name, value);

	if (write(console, text, size) != size ||
	    read(console, text, sizeof(text)) <= 0)
		die("console");
}

static void count_op(const struct op *op, int console)
{
	/* The first time is for caches, and QEMU's translation. */
	op->run(op->count);
	for (int i = 0; i < COUNTED_WINDOWS; i++) {
		stop_at(console, "start", op->name, op->count);
		stop_at(console, "stop", op->name, timed(op, op->count));
	}
}

static int is_wanted(const struct op *op, char **names)
{
	if (!*names)
		return op->harts <= sysconf(_SC_NPROCESSORS_ONLN);
	for (; *names; names++)
		if (!strcmp(*names, op->name))
			return 1;
	return 0;
}

static void do_op(const struct op *op, int console, long ms)
{
	if (op->harts)
		pin(0);
	if (op->setup)
		op->setup();
	if (console >= 0)
		count_op(op, console);
	else
		time_op(op, ms);
	if (op->teardown)
		op->teardown();
}

static int do_apart(const struct op *op, int console, long ms)
{
	pid_t pid = MUST(fork());
	int status;

	if (!pid) {
		do_op(op, console, ms);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	return status;
}

static void do_all(const struct op *op, int console, long ms)
{
	int times = console < 0 ? 1 : COUNTED_TIMES;

	for (int i = 0; i < times; i++) {
		if (do_apart(op, console, ms)) {
			printf("op %s absent\n", op->name);
			break;
		}
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int c, console = -1;
	long ms = 200;

	while ((c = getopt(argc, argv, "ct:x")) != -1) {
		if (c == 'x')		/* what exec is measured with */
			_exit(0);
		else if (c == 'c')
			console = MUST(open("/dev/console", O_RDWR));
		else if (c == 't')
			ms = atol(optarg);
		else
			return 2;
	}
	self = argv[0];
	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (const struct op *op = tables[t]; op->name; op++)
			if (is_wanted(op, argv + optind))
				do_all(op, console, ms);
	return 0;
}
