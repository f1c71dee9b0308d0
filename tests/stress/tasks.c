/*
 * tasks - storms of processes and threads that come and go.
 */
#include "stress.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

/* --- fork storm -------------------------------------------------------------------*/

#define FAN_OUT 3

static char *pages;

/* A tree of processes, each with pages of its own among its parent's. */
static void grow(int depth, int mark)
{
	pid_t pids[FAN_OUT];

	memset(pages, mark, 4096);
	for (int i = 0; depth && i < FAN_OUT; i++) {
		pids[i] = must_fork();
		if (!pids[i]) {
			grow(depth - 1, mark * FAN_OUT + i);
			_exit(depth);
		}
	}
	if (pages[0] != (char)mark || pages[4095] != (char)mark)
		FAIL("a child wrote to its parent's memory");
	for (int i = 0; depth && i < FAN_OUT; i++)
		must_end(pids[i], depth);
}

/* Processes whose parents do not wait for them. */
static void leave_orphans(void)
{
	for (int i = 0; i < 30 * storm_scale; i++) {
		pid_t pid = must_fork();

		if (!pid) {
			for (int k = 0; k < 4; k++)
				if (!fork()) {
					sleep_us(rnd(3000));
					_exit(0);
				}
			_exit(0);
		}
		must_end(pid, 0);
	}
}

static void fork_storm(void)
{
	pages = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	for (int i = 0; i < 2 * storm_scale; i++)
		grow(5, i + 1);
	leave_orphans();
}

/* --- short processes ------------------------------------------------------------*/

#define SHORT_PROCESSES 2000

static void make_one(void)
{
	pid_t pid = must_fork();

	if (!pid)
		_exit(3);
	must_end(pid, 3);
}

static void make_one_exec(void)
{
	pid_t pid = vfork();

	CHECK(pid >= 0);
	if (!pid) {
		execl("/proc/self/exe", "stress", "nothing", NULL);
		_exit(127);
	}
	must_end(pid, 0);
}

static void make_short(long n)
{
	for (long i = 0; i < n; i++)
		if (i % 8)
			make_one();
		else
			make_one_exec();
}

static void make_share(long i)
{
	(void)i;
	make_short(SHORT_PROCESSES * storm_scale / (storm_harts + 1));
}

static void short_processes(void)
{
	in_processes(storm_harts + 1, make_share, 0);
}

/* --- threads -----------------------------------------------------------------------*/

#define THREADS 1000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_here = PTHREAD_COND_INITIALIZER;
static int here, sum;

static void *meet(void *arg)
{
	pthread_mutex_lock(&lock);
	sum += (int)(long)arg;
	if (++here == THREADS)
		pthread_cond_broadcast(&all_here);
	while (here < THREADS)
		pthread_cond_wait(&all_here, &lock);
	pthread_mutex_unlock(&lock);
	return arg;
}

static void *wait_for_ever(void *arg)
{
	pthread_mutex_lock(&lock);
	here++;
	pthread_cond_signal(&all_here);
	for (;;)
		pthread_cond_wait((pthread_cond_t *)arg, &lock);
	return NULL;
}

/* A process that ends under its threads. */
static void end_with_threads(long n)
{
	static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

	here = 0;
	for (long i = 0; i < n; i++)
		must_thread(wait_for_ever, &never);
	pthread_mutex_lock(&lock);
	while (here < n)
		pthread_cond_wait(&all_here, &lock);
	pthread_mutex_unlock(&lock);
	_exit(0);
}

static void threads(void)
{
	static pthread_t t[THREADS];
	void *got;
	pid_t pid;

	for (long i = 0; i < THREADS; i++)
		t[i] = must_thread(meet, (void *)i);
	for (long i = 0; i < THREADS; i++) {
		CHECK(pthread_join(t[i], &got) == 0);
		CHECK(got == (void *)i);
	}
	CHECK(sum == THREADS * (THREADS - 1) / 2);
	for (int i = 0; i < 4 * storm_scale; i++) {
		pid = must_fork();
		if (!pid)
			end_with_threads(100);
		must_end(pid, 0);
	}
}

/* --- a pipeline of 100 stages ----------------------------------------------------*/

#define STAGES 100

static void stage(int in, int out)
{
	unsigned char buf[4096];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			buf[i]++;
		for (ssize_t at = 0, w; at < n; at += w) {
			w = write(out, buf + at, (size_t)(n - at));
			if (w <= 0)
				_exit(1);
		}
	}
	_exit(n < 0);
}

/* Returns the last stage's end; the first stage reads from `in`. */
static int make_stages(int in, pid_t *pids)
{
	int p[2];

	for (int i = 0; i < STAGES; i++) {
		CHECK(pipe(p) == 0);
		pids[i] = must_fork();
		if (!pids[i]) {
			close(p[0]);
			stage(in, p[1]);
		}
		close(p[1]);
		close(in);
		in = p[0];
	}
	return in;
}

static void feed(int fd, size_t total)
{
	unsigned char buf[1024];

	for (size_t at = 0; at < total; at += sizeof(buf)) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (unsigned char)((at + i) * 7 >> 3);
		if (write(fd, buf, sizeof(buf)) != sizeof(buf))
			_exit(1);
	}
	_exit(0);
}

static pid_t start_feeder(int *in, size_t total)
{
	int p[2];
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = must_fork();
	if (!pid) {
		close(p[0]);
		feed(p[1], total);
	}
	close(p[1]);
	*in = p[0];
	return pid;
}

static void flow(size_t total)
{
	pid_t pids[STAGES], feeder;
	unsigned char buf[4096];
	size_t at = 0;
	ssize_t n;
	int in, out;

	feeder = start_feeder(&in, total);
	out = make_stages(in, pids);
	while ((n = read(out, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (buf[i] != (unsigned char)((at * 7 >> 3) + STAGES))
				FAIL("byte %zu is %d", at, buf[i]);
	CHECK(at == total);
	must_end(feeder, 0);
	for (int i = 0; i < STAGES; i++)
		must_end(pids[i], 0);
	close(out);
}

/* The reader goes away: SIGPIPE runs back through all stages. */
static void collapse(void)
{
	pid_t pids[STAGES], feeder;
	char c;
	int in, out;

	feeder = start_feeder(&in, 1ul << 30);
	out = make_stages(in, pids);
	CHECK(read(out, &c, 1) == 1);
	close(out);
	for (int i = STAGES; i-- > 0;)
		must_end(pids[i], -SIGPIPE);
	must_end(feeder, -SIGPIPE);
}

static void pipeline(void)
{
	for (int i = 0; i < storm_scale; i++) {
		flow(128 << 10);
		collapse();
	}
}

const struct storm task_storms[] = {
	{ "fork-storm", fork_storm },
	{ "short-processes", short_processes },
	{ "threads", threads },
	{ "pipeline", pipeline },
	{ NULL, NULL },
};
