/* futex_waitv, futex_wake, futex_wait, futex_requeue. */
#include "test.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#define U32 2u
#define PRIVATE 128u

struct waitv {
	unsigned long long val, uaddr;
	unsigned flags, reserved;
};

static long waitv(struct waitv *v, unsigned n, unsigned flags,
		  const struct timespec *ts, int clock)
{
	return syscall(449, v, n, flags, ts, clock);
}

static long wake(unsigned *p, unsigned long mask, int n, unsigned flags)
{
	return syscall(454, p, mask, n, flags);
}

static long futwait(unsigned *p, unsigned long val, unsigned long mask,
		 unsigned flags, const struct timespec *ts, int clock)
{
	return syscall(455, p, val, mask, flags, ts, clock);
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

static unsigned words[130];
static volatile long result[2];

static void fill(struct waitv *v, int n, unsigned flags)
{
	for (int i = 0; i < n; i++)
		v[i] = (struct waitv){ words[i], (unsigned long)&words[i],
				       flags, 0 };
}

static void *waits_for_many(void *arg)
{
	struct waitv v[128];

	fill(v, 128, U32 | PRIVATE);
	result[(long)arg] = waitv(v, 128, 0, NULL, 0);
	return NULL;
}

TEST(waitv_tells_which)
{
	pthread_t t;

	result[0] = -2;
	pthread_create(&t, NULL, waits_for_many, (void *)0);
	while (wake(&words[77], ~0u, 1, U32 | PRIVATE) == 0)
		nap(1);
	pthread_join(t, NULL);
	CHECK_EQ(result[0], 77);
	CHECK_EQ(wake(&words[0], ~0u, 1, U32 | PRIVATE), 0);
}

TEST(waitv_errors)
{
	struct waitv v[129];
	struct timespec ts, bad = { 0, -1 };

	fill(v, 2, U32 | PRIVATE);
	CHECK_ERR(waitv(v, 2, 1, NULL, 0), EINVAL);
	CHECK_ERR(waitv(v, 0, 0, NULL, 0), EINVAL);
	CHECK_ERR(waitv(v, 129, 0, NULL, 0), EINVAL);
	CHECK_ERR(waitv(NULL, 1, 0, NULL, 0), EINVAL);
	CHECK_ERR(waitv((void *)16, 1, 0, NULL, 0), EFAULT);
	CHECK_ERR(waitv(v, 2, 0, &bad, CLOCK_MONOTONIC), EINVAL);
	after(CLOCK_MONOTONIC, &ts, 20);
	CHECK_ERR(waitv(v, 2, 0, &ts, CLOCK_BOOTTIME), EINVAL);
	CHECK_ERR(waitv(v, 2, 0, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
	after(CLOCK_REALTIME, &ts, 20);
	CHECK_ERR(waitv(v, 2, 0, &ts, CLOCK_REALTIME), ETIMEDOUT);
	v[1].val = 9;
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EAGAIN);
	v[1].reserved = 1;
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EINVAL);
	v[1].reserved = 0;
	v[1].flags = 1;		/* 16 bits */
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EINVAL);
	v[1].flags = U32 | 0x100;
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EINVAL);
	v[1].flags = U32;
	v[1].val = 1ull << 32;
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EINVAL);
	v[1].val = 0;
	v[1].uaddr = 16;
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EFAULT);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(waitv_and_signals)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct waitv v[2];
	struct timespec t0, t1, ts;

	fill(v, 2, U32 | PRIVATE);
	sigaction(SIGALRM, &sa, NULL);
	alarm(1);
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EINTR);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	after(CLOCK_MONOTONIC, &ts, 1500);
	alarm(1);
	CHECK_ERR(waitv(v, 2, 0, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	CHECK(t1.tv_sec - t0.tv_sec >= 1);
}

static void *waits_for_one(void *arg)
{
	long i = (long)arg;

	result[i] = futwait(&words[0], words[0], 1ul << i, U32 | PRIVATE, NULL, 0);
	return NULL;
}

TEST(wait_and_wake)
{
	struct timespec ts;
	pthread_t t;

	result[0] = -2;
	pthread_create(&t, NULL, waits_for_one, (void *)0);
	nap(20);
	CHECK_EQ(wake(&words[0], 2, 1, U32 | PRIVATE), 0);
	CHECK_EQ(wake(&words[0], 1, 0, U32 | PRIVATE), 0);
	while (wake(&words[0], 1, 5, U32 | PRIVATE) == 0)
		nap(1);
	pthread_join(t, NULL);
	CHECK_EQ(result[0], 0);
	CHECK_ERR(wake(&words[0], 0, 1, U32), EINVAL);
	CHECK_ERR(wake(&words[0], 1ul << 32, 1, U32), EINVAL);
	CHECK_ERR(wake(&words[0], 1, 1, 0), EINVAL);
	CHECK_ERR(wake(&words[0], 1, 1, U32 | 4), EINVAL);
	CHECK_ERR(wake((unsigned *)((char *)words + 1), 1, 0, U32), EINVAL);
	CHECK_ERR(futwait(&words[0], 5, 1, U32, NULL, 0), EAGAIN);
	CHECK_ERR(futwait(&words[0], 0, 0, U32, NULL, 0), EINVAL);
	CHECK_ERR(futwait(&words[0], 1ul << 32, 1, U32, NULL, 0), EINVAL);
	after(CLOCK_MONOTONIC, &ts, 20);
	CHECK_ERR(futwait(&words[0], 0, 1, U32, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
	CHECK_ERR(futwait(&words[0], 0, 1, U32, &ts, 7), EINVAL);
}

TEST(requeue)
{
	struct waitv v[2];
	pthread_t t[2];

	fill(v, 2, U32 | PRIVATE);
	result[0] = result[1] = -2;
	for (long i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, waits_for_one, (void *)i);
	nap(100);
	v[0].val = 1;
	CHECK_ERR(syscall(456, v, 0, 1, 1), EAGAIN);
	v[0].val = 0;
	CHECK_ERR(syscall(456, v, 1, 1, 1), EINVAL);
	CHECK_ERR(syscall(456, NULL, 0, 1, 1), EINVAL);
	CHECK_ERR(syscall(456, v, 0, -1, 1), EINVAL);
	CHECK_EQ(syscall(456, v, 0, 1, 5), 2);
	nap(20);
	CHECK(result[0] == 0 || result[1] == 0);
	CHECK_EQ(wake(&words[0], ~0u, 5, U32 | PRIVATE), 0);
	CHECK_EQ(wake(&words[1], ~0u, 5, U32 | PRIVATE), 1);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	CHECK(result[0] == 0 && result[1] == 0);
}

/* --- many sleepers for the older calls ------------------------------------*/
#define MANY 70

static int crowd_result[MANY];

static void *joins_the_crowd(void *arg)
{
	struct timespec ts = { 5, 0 };
	int *r = arg;

	*r = syscall(SYS_futex, &words[0], 128 /* WAIT, private */, 0, &ts);
	return NULL;
}

static void wake_crowd(int op, long n2, unsigned val3)
{
	pthread_attr_t attr;
	pthread_t t[MANY];

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < MANY; i++) {
		crowd_result[i] = -2;
		CHECK(!pthread_create(&t[i], &attr, joins_the_crowd,
				      &crowd_result[i]));
	}
	nap(300);
	CHECK_EQ(syscall(SYS_futex, &words[0], op | 128, MANY, n2, &words[1],
			 val3), MANY);
	for (int i = 0; i < MANY; i++) {
		pthread_join(t[i], NULL);
		CHECK_EQ(crowd_result[i], 0);
	}
}

TEST(a_crowd_is_woken_as_one)
{
	wake_crowd(4 /* CMP_REQUEUE */, MANY, 0);
	wake_crowd(5 /* WAKE_OP */, MANY, 0);
}

TEST(wake_op_wakes_one_at_least)
{
	pthread_t t;

	pthread_create(&t, NULL, joins_the_crowd, &crowd_result[0]);
	nap(100);
	CHECK_EQ(syscall(SYS_futex, &words[0], 5 | 128, 0, 0L, &words[1], 0),
		 1);
	pthread_join(t, NULL);
	CHECK_EQ(crowd_result[0], 0);
}
