/* What the test programs themselves stand on: start-up, stdio, threads,
 * thread-local storage, signals and the clock, in every kind of linking. */
#include "test.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <time.h>

static __thread int local = 5;
static int constructed;

__attribute__((constructor)) static void construct(void)
{
	constructed = 1;
}

static void *body(void *arg)
{
	local = *(int *)arg;
	return (void *)(long)local;
}

TEST(constructors_have_run)
{
	CHECK_EQ(constructed, 1);
}

TEST(auxiliary_vector)
{
	CHECK_EQ(getauxval(AT_PAGESZ), 4096);
	CHECK_EQ(getauxval(AT_CLKTCK), 100);
	CHECK(getauxval(AT_RANDOM) != 0);
	CHECK(getauxval(AT_SYSINFO_EHDR) != 0);
	CHECK(getauxval(AT_HWCAP) & 1 << ('C' - 'A'));
	CHECK_EQ(getauxval(AT_UID), getuid());
}

TEST(threads_have_their_own_storage)
{
	pthread_t t[8];
	int arg[8];
	void *ret;

	for (int i = 0; i < 8; i++) {
		arg[i] = 100 + i;
		CHECK(pthread_create(&t[i], NULL, body, &arg[i]) == 0);
	}
	for (int i = 0; i < 8; i++) {
		CHECK(pthread_join(t[i], &ret) == 0);
		CHECK_EQ((long)ret, 100 + i);
	}
	CHECK_EQ(local, 5);
}

static sigjmp_buf env;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	siglongjmp(env, (long)info->si_addr == 0x10 ? 1 : 2);
}

TEST(a_fault_is_a_signal_with_its_address)
{
	struct sigaction sa = { .sa_sigaction = on_segv,
				.sa_flags = SA_SIGINFO };
	int got;

	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
	got = sigsetjmp(env, 1);
	if (got == 0)
		*(volatile char *)0x10 = 1;
	CHECK_EQ(got, 1);
}

TEST(the_clock_goes_forward)
{
	struct timespec a, b, nap = { 0, 20 * 1000 * 1000 };
	long ns;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	CHECK(nanosleep(&nap, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &b) == 0);
	ns = (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec;
	CHECK(ns >= nap.tv_nsec);
}

TEST(floating_point_and_printf)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f %e %a", 3.14159, 1e100, 0.5);
	CHECK_STR(text, "3.142 1.000000e+100 0x1p-1");
}
