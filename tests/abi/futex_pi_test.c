/* Priority-inheritance futexes: locks, chains, owners that die, requeueing. */
#include "test.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static long fut(unsigned *p, int op, unsigned val, const void *to, unsigned *p2,
		unsigned v3)
{
	return syscall(SYS_futex, p, op | FUTEX_PRIVATE_FLAG, val, to, p2, v3);
}

static unsigned tid(void)
{
	return (unsigned)syscall(SYS_gettid);
}

/* musl's does not ask the kernel. */
static int set_policy(int t, int policy, const struct sched_param *sp)
{
	return (int)syscall(SYS_sched_setscheduler, t, policy, sp);
}

static void nap(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

static void after(int clock, struct timespec *ts, int ms)
{
	clock_gettime(clock, ts);
	ts->tv_nsec += ms * 1000000L;
	ts->tv_sec += ts->tv_nsec / 1000000000;
	ts->tv_nsec %= 1000000000;
}

/* The field `priority` of a task's stat: the effective one; -1 - n for n of
 * the real-time policies. */
static int shown_prio(unsigned t)
{
	char path[64], line[512];
	int prio = 0, field = 2;
	char *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%u/stat", t);
	f = fopen(path, "r");
	CHECK(f && fgets(line, sizeof(line), f));
	fclose(f);
	for (p = strrchr(line, ')') + 1; field < 18; p++)
		if (*p == ' ')
			field++;
	sscanf(p, "%d", &prio);
	return prio;
}

static int wait_prio(unsigned t, int want)
{
	for (int i = 0; i < 200 && shown_prio(t) != want; i++)
		nap(10);
	return shown_prio(t);
}

static char state_of(unsigned t)
{
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%u/stat", t);
	f = fopen(path, "r");
	CHECK(f && fgets(line, sizeof(line), f));
	fclose(f);
	return strrchr(line, ')')[2];
}

static void wait_asleep(volatile unsigned *t)
{
	for (int i = 0; i < 500 && (!*t || state_of(*t) != 'S'); i++)
		nap(2);
	nap(10);
}

/* A thread that takes locks, and does what it is told next. */
struct worker {
	pthread_t th;
	volatile unsigned tid;
	int prio;		/* of SCHED_FIFO; 0: ordinary */
	unsigned *first, *second;
	int ms;			/* how long it waits for the second; 0: ever */
	volatile int go;	/* lets go of all */
	volatile long got, err;
	volatile int done;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct sched_param sp = { w->prio };
	struct timespec ts;

	if (w->prio)
		CHECK(set_policy(0, SCHED_FIFO, &sp) == 0);
	if (w->first)
		CHECK(fut(w->first, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
	w->tid = tid();
	if (w->second) {
		after(CLOCK_REALTIME, &ts, w->ms);
		w->got = fut(w->second, FUTEX_LOCK_PI, 0, w->ms ? &ts : NULL,
			     NULL, 0);
		w->err = w->got ? errno : 0;
	}
	w->done = 1;
	while (!w->go)
		nap(2);
	if (w->second && !w->got)
		CHECK(fut(w->second, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
	if (w->first)
		CHECK(fut(w->first, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
	return NULL;
}

static void start(struct worker *w)
{
	CHECK(pthread_create(&w->th, NULL, work, w) == 0);
	while (!w->tid)
		nap(1);
	if (w->second)
		wait_asleep(&w->tid);
}

static void finish(struct worker *w)
{
	w->go = 1;
	CHECK(pthread_join(w->th, NULL) == 0);
}

TEST(without_contention)
{
	unsigned f = 0;

	CHECK_EQ(fut(&f, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(f, tid());
	CHECK_ERR(fut(&f, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	CHECK_ERR(fut(&f, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	CHECK_EQ(fut(&f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(f, 0);
	CHECK_EQ(fut(&f, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(f, tid());
	CHECK_EQ(fut(&f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_ERR(fut(&f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	f = FUTEX_OWNER_DIED;
	CHECK_EQ(fut(&f, FUTEX_LOCK_PI2, 0, NULL, NULL, 0), 0);
	CHECK_EQ(f, tid() | FUTEX_OWNER_DIED);
	CHECK_EQ(fut(&f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(f, 0);
}

TEST(nonsense)
{
	unsigned f[2] = { 0, 0 };
	struct timespec bad = { 0, 1000000000 };

	CHECK_ERR(fut((unsigned *)((char *)f + 1), FUTEX_LOCK_PI, 0, NULL, NULL,
		      0), EINVAL);
	CHECK_ERR(fut((unsigned *)16, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERR(fut((unsigned *)16, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0),
		  EFAULT);
	CHECK_ERR(fut(f, FUTEX_LOCK_PI, 0, &bad, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_futex, f, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0,
			  NULL, NULL, 0), ENOSYS);
	f[0] = 0x3ffffff0;	/* nobody */
	CHECK_ERR(fut(f, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
	CHECK_ERR(fut(f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	CHECK_ERR(fut(f, FUTEX_WAIT_REQUEUE_PI, 0, NULL, f, 0), EINVAL);
	CHECK_ERR(fut(f, FUTEX_CMP_REQUEUE_PI, 1, NULL, f, f[0]), EINVAL);
	CHECK_ERR(fut(f, FUTEX_CMP_REQUEUE_PI, 2, NULL, f + 1, f[0]), EINVAL);
	CHECK_ERR(fut(f, FUTEX_CMP_REQUEUE_PI, 1, NULL, f + 1, 5), EAGAIN);
	CHECK_EQ(fut(f, FUTEX_CMP_REQUEUE_PI, 1, NULL, f + 1, f[0]), 0);
}

TEST(a_waiter_gets_the_lock)
{
	unsigned f = 0;
	struct worker w = { .second = &f };

	CHECK_EQ(fut(&f, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	start(&w);
	CHECK_EQ(f, tid() | FUTEX_WAITERS);
	CHECK_ERR(fut(&f, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERR(fut(&f, FUTEX_REQUEUE, 1, (void *)1, &f + 1, 0), EINVAL);
	CHECK_EQ(fut(&f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	while (!w.done)
		nap(1);
	CHECK_EQ(w.got, 0);
	CHECK_EQ(f & FUTEX_TID_MASK, w.tid);
	CHECK_ERR(fut(&f, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
	finish(&w);
	CHECK_EQ(f, 0);
}

TEST(unlock_of_anothers)
{
	unsigned f = 0;
	struct worker w = { .first = &f };

	start(&w);
	CHECK_ERR(fut(&f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	finish(&w);
}

TEST(deadlines)
{
	unsigned f = 0;
	struct worker w = { .first = &f };
	struct timespec ts, t0, t1;

	start(&w);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	after(CLOCK_REALTIME, &ts, 50);
	CHECK_ERR(fut(&f, FUTEX_LOCK_PI, 0, &ts, NULL, 0), ETIMEDOUT);
	after(CLOCK_MONOTONIC, &ts, 50);
	CHECK_ERR(fut(&f, FUTEX_LOCK_PI2, 0, &ts, NULL, 0), ETIMEDOUT);
	after(CLOCK_REALTIME, &ts, 50);
	CHECK_ERR(fut(&f, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &ts, NULL,
		      0), ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	CHECK((t1.tv_sec - t0.tv_sec) * 1000 +
	      (t1.tv_nsec - t0.tv_nsec) / 1000000 >= 149);
	finish(&w);
	CHECK_EQ(f, 0);
}

static void on_usr1(int sig)
{
	(void)sig;
}

TEST(a_signal_restarts_the_lock)
{
	unsigned f = 0;
	struct worker w = { .second = &f };
	struct sigaction sa = { .sa_handler = on_usr1 };

	sigaction(SIGUSR1, &sa, NULL);
	CHECK_EQ(fut(&f, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	start(&w);
	for (int i = 0; i < 5; i++) {
		CHECK(pthread_kill(w.th, SIGUSR1) == 0);
		nap(5);
	}
	CHECK(!w.done);
	CHECK_EQ(fut(&f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	finish(&w);
	CHECK_EQ(w.got, 0);
}

TEST(circles_are_refused)
{
	unsigned f[3] = { 0, 0, 0 };
	struct worker a = { .first = &f[1], .second = &f[0] };
	struct worker b = { .first = &f[2], .second = &f[1] };

	CHECK_EQ(fut(&f[0], FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	start(&a);
	CHECK_ERR(fut(&f[1], FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	start(&b);
	CHECK_ERR(fut(&f[2], FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	CHECK_EQ(fut(&f[0], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	finish(&a);
	finish(&b);
	CHECK_EQ(a.got | b.got, 0);
}

TEST(priority_goes_along_the_chain)
{
	unsigned f[2] = { 0, 0 };
	struct sched_param sp = { 40 };
	struct worker a = { .prio = 5, .first = &f[0] };
	struct worker b = { .prio = 20, .first = &f[1], .second = &f[0] };
	struct worker c = { .prio = 30, .second = &f[1], .ms = 1000 };

	start(&a);
	CHECK_EQ(shown_prio(a.tid), -6);
	start(&b);
	CHECK_EQ(wait_prio(a.tid, -21), -21);
	start(&c);
	CHECK_EQ(wait_prio(a.tid, -31), -31);
	CHECK_EQ(shown_prio(b.tid), -31);
	while (!c.done)		/* gives up */
		nap(10);
	CHECK_EQ(c.err, ETIMEDOUT);
	CHECK_EQ(wait_prio(a.tid, -21), -21);
	CHECK_EQ(shown_prio(b.tid), -21);
	CHECK(set_policy((int)b.tid, SCHED_FIFO, &sp) == 0);
	CHECK_EQ(wait_prio(a.tid, -41), -41);
	sp.sched_priority = 0;
	CHECK(set_policy((int)b.tid, SCHED_OTHER, &sp) == 0);
	CHECK_EQ(wait_prio(a.tid, -6), -6);
	finish(&c);
	finish(&a);
	finish(&b);
	CHECK_EQ(b.got, 0);
}

TEST(an_ordinary_owner_is_boosted)
{
	unsigned f = 0;
	struct worker w = { .prio = 10, .second = &f };

	CHECK_EQ(fut(&f, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	start(&w);
	CHECK_EQ(wait_prio(tid(), -11), -11);
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
	CHECK_EQ(fut(&f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(shown_prio(tid()), 20);
	finish(&w);
}

TEST(the_best_waiter_is_first)
{
	unsigned f = 0;
	struct worker w[3] = { { .prio = 10, .second = &f },
			       { .prio = 30, .second = &f },
			       { .prio = 20, .second = &f } };
	static const int order[] = { 1, 2, 0 };

	CHECK_EQ(fut(&f, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	for (int i = 0; i < 3; i++)
		start(&w[i]);
	CHECK_EQ(fut(&f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	for (int i = 0; i < 3; i++) {
		while (!w[order[i]].done)
			nap(1);
		CHECK_EQ(f & FUTEX_TID_MASK, w[order[i]].tid);
		finish(&w[order[i]]);
	}
}

static unsigned plain;
static volatile int woken[2];

static void *plain_waiter(void *arg)
{
	struct sched_param sp = { 10 * (1 + (int)(long)arg) };

	CHECK(set_policy(0, SCHED_FIFO, &sp) == 0);
	CHECK(fut(&plain, FUTEX_WAIT, 0, NULL, NULL, 0) == 0);
	woken[(long)arg] = 1;
	return NULL;
}

TEST(plain_wakes_go_by_priority_too)
{
	pthread_t t[2];

	for (long i = 0; i < 2; i++) {
		pthread_create(&t[i], NULL, plain_waiter, (void *)i);
		nap(50);
	}
	CHECK_EQ(fut(&plain, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	nap(50);
	CHECK(!woken[0] && woken[1]);
	CHECK_EQ(fut(&plain, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}

/* --- owners that die -------------------------------------------------------------- */

struct entry {
	struct robust_list list;
	unsigned word;
};

static struct entry held;
static struct robust_list_head head;
static volatile int die, has_it;
static int be_robust;

static void *dies(void *arg)
{
	(void)arg;
	CHECK(fut(&held.word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
	if (be_robust) {
		head.list.next = (void *)((unsigned long)&held.list | 1);
		head.futex_offset = offsetof(struct entry, word);
		held.list.next = &head.list;
		CHECK(syscall(SYS_set_robust_list, &head, sizeof(head)) == 0);
	}
	has_it = 1;
	while (!die)
		nap(2);
	syscall(SYS_exit, 0);
	return NULL;
}

static void owner_dies(int robust, int with_waiter)
{
	struct worker w = { .second = &held.word };
	pthread_t t;

	be_robust = robust;
	CHECK(pthread_create(&t, NULL, dies, NULL) == 0);
	while (!has_it)
		nap(1);
	if (with_waiter)
		start(&w);
	die = 1;
	if (with_waiter) {
		while (!w.done)
			nap(1);
		CHECK_EQ(w.got, 0);
		CHECK_EQ(held.word & ~FUTEX_WAITERS, w.tid | FUTEX_OWNER_DIED);
		finish(&w);
		CHECK_EQ(held.word, 0);
		return;
	}
	nap(50);
	if (!robust) {
		CHECK_ERR(fut(&held.word, FUTEX_LOCK_PI, 0, NULL, NULL, 0),
			  ESRCH);
		return;
	}
	CHECK_EQ(held.word, FUTEX_OWNER_DIED);
	CHECK_EQ(fut(&held.word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(held.word, tid() | FUTEX_OWNER_DIED);
}

TEST(robust_owner_dies)
{
	owner_dies(1, 1);
}

TEST(robust_owner_dies_alone)
{
	owner_dies(1, 0);
}

TEST(plain_owner_dies)
{
	owner_dies(0, 1);
}

TEST(plain_owner_dies_alone)
{
	owner_dies(0, 0);
}

TEST(a_killed_waiter_leaves_nothing)
{
	unsigned *f = (unsigned *)aligned_alloc(4096, 4096);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct worker a = { .first = f }, b = { .second = f };

		*f = 0;
		start(&a);
		start(&b);
		kill(getpid(), SIGKILL);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(WTERMSIG(status), SIGKILL);
}

/* --- requeueing ---------------------------------------------------------------------- */

static unsigned cond, lock, other;
static volatile int in_lock, waits_failed;
static volatile unsigned waiter_tid[3];

static void *cond_wait(void *arg)
{
	struct timespec ts;
	long i = (long)arg;

	after(CLOCK_MONOTONIC, &ts, 15000);
	waiter_tid[i] = tid();
	if (fut(&cond, FUTEX_WAIT_REQUEUE_PI, 0, &ts, &lock, 0)) {
		waits_failed = errno;
		return NULL;
	}
	CHECK((lock & FUTEX_TID_MASK) == tid());
	__sync_fetch_and_add(&in_lock, 1);
	CHECK(fut(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
	return NULL;
}

static void requeue(int held_now)
{
	pthread_t t[3];

	for (long i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, cond_wait, (void *)i);
	for (int i = 0; i < 3; i++)
		wait_asleep(&waiter_tid[i]);
	CHECK_ERR(fut(&cond, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	CHECK_ERR(fut(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &other, 0),
		  EINVAL);
	if (held_now)
		CHECK_EQ(fut(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQ(fut(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 0), 2);
	if (held_now) {
		nap(50);
		CHECK_EQ(in_lock, 0);
		CHECK_EQ(lock, tid() | FUTEX_WAITERS);
		CHECK_EQ(fut(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	}
	while (in_lock < 2)
		nap(1);
	CHECK_EQ(fut(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)100, &lock, 0), 1);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(in_lock, 3);
	CHECK_EQ(waits_failed, 0);
	CHECK_EQ(lock & ~FUTEX_WAITERS, 0);
}

TEST(requeue_to_a_free_lock)
{
	requeue(0);
}

TEST(requeue_to_a_held_lock)
{
	requeue(1);
}

TEST(requeue_ends_in_time)
{
	struct timespec ts;

	after(CLOCK_MONOTONIC, &ts, 30);
	CHECK_ERR(fut(&cond, FUTEX_WAIT_REQUEUE_PI, 0, &ts, &lock, 0),
		  ETIMEDOUT);
	CHECK_ERR(fut(&cond, FUTEX_WAIT_REQUEUE_PI, 7, &ts, &lock, 0), EAGAIN);
}

/* --- under load ------------------------------------------------------------------------ */

static unsigned many[4];
static long counts[4];

static void take(unsigned *f)
{
	unsigned zero = 0;

	if (!__atomic_compare_exchange_n(f, &zero, tid(), 0, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		CHECK(fut(f, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
}

static void drop(unsigned *f)
{
	unsigned mine = tid();

	if (!__atomic_compare_exchange_n(f, &mine, 0, 0, __ATOMIC_RELEASE,
					 __ATOMIC_RELAXED))
		CHECK(fut(f, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
}

static void *hammer(void *arg)
{
	struct sched_param sp = { (int)(long)arg };

	if (sp.sched_priority > 2)
		set_policy(0, SCHED_RR, &sp);
	for (int i = 0; i < 2000; i++) {
		int a = i % 3, b = a + 1;

		take(&many[a]);
		take(&many[b]);
		counts[a]++;
		counts[b]++;
		if (i % 8 == 0)
			sched_yield();
		drop(&many[b]);
		drop(&many[a]);
	}
	return NULL;
}

TEST(many_threads_many_locks)
{
	pthread_t t[6];
	long sum = 0;

	for (long i = 0; i < 6; i++)
		CHECK(pthread_create(&t[i], NULL, hammer, (void *)i) == 0);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 4; i++) {
		sum += counts[i];
		CHECK_EQ(many[i] & ~FUTEX_WAITERS, 0);
	}
	CHECK_EQ(sum, 6 * 2000 * 2);
}

static pthread_mutex_t mutex;
static long mutex_count;

static void *lib_hammer(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3000; i++) {
		CHECK(pthread_mutex_lock(&mutex) == 0);
		mutex_count++;
		CHECK(pthread_mutex_unlock(&mutex) == 0);
	}
	return NULL;
}

static void *lib_dies(void *arg)
{
	(void)arg;
	CHECK(pthread_mutex_lock(&mutex) == 0);
	return NULL;
}

TEST(the_librarys_mutexes)
{
	pthread_mutexattr_t at;
	pthread_t t[4];

	pthread_mutexattr_init(&at);
	CHECK_EQ(pthread_mutexattr_setprotocol(&at, PTHREAD_PRIO_INHERIT), 0);
	CHECK_EQ(pthread_mutexattr_setrobust(&at, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQ(pthread_mutex_init(&mutex, &at), 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, lib_hammer, NULL) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(mutex_count, 4 * 3000);
	CHECK(pthread_create(&t[0], NULL, lib_dies, NULL) == 0);
	pthread_join(t[0], NULL);
	CHECK_EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(&mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}
