/* Restartable sequences, and membarrier, which can end them. */
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>

#define SIG 0xf1401073u
#define SYS_RSEQ 293

struct area {
	unsigned cpu_id_start, cpu_id;
	unsigned long long cs;
	unsigned flags, node_id, mm_cid, pad;
} __attribute__((aligned(32)));

/* glibc's registration, where there is one. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));

static long rseq(void *a, unsigned len, int flags, unsigned sig)
{
	return syscall(SYS_RSEQ, a, len, flags, sig);
}

static void forget_the_librarys(void)
{
	char *tp;

	__asm__("mv %0, tp" : "=r"(tp));
	if (&__rseq_offset)
		rseq(tp + __rseq_offset, 32, 1, SIG);
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/* Spins in a critical section until it is ended; 1: by its handler. */
static __attribute__((noinline)) int spin(struct area *a, volatile int *on)
{
	*on = 1;
	__asm__ goto(".pushsection .data.rseq, \"aw\"\n"
		     ".balign 32\n"
		     "3:	.long 0, 0\n"
		     "	.quad 1f, 2f - 1f, 4f\n"
		     ".popsection\n"
		     "	la	t0, 3b\n"
		     "	sd	t0, 0(%0)\n"
		     "1:	nop\n"
		     "	j	1b\n"
		     "2:	j	5f\n"
		     ".balign 4\n"
		     "	.long	0xf1401073\n"
		     "4:	j	%l[ended]\n"
		     "5:\n"
		     :
		     : "r"(&a->cs)
		     : "t0", "memory"
		     : ended);
	return 0;
ended:
	return 1;
}

TEST(auxiliary_vector)
{
	CHECK_EQ(getauxval(27), 28);
	CHECK_EQ(getauxval(28), 32);
}

TEST(registration)
{
	static struct area a[2];

	forget_the_librarys();
	CHECK_ERR(rseq((char *)a + 8, 32, 0, SIG), EINVAL);
	CHECK_ERR(rseq(a, 31, 0, SIG), EINVAL);
	CHECK_ERR(rseq(a, 32, 2, SIG), EINVAL);
	CHECK_ERR(rseq(a, 32, 1, SIG), EINVAL);
	CHECK_ERR(rseq((void *)~31ul, 32, 0, SIG), EFAULT);
	a[0].cpu_id = 1234;
	CHECK_EQ(rseq(a, 32, 0, SIG), 0);
	CHECK_EQ(a[0].cpu_id, a[0].cpu_id_start);
	CHECK(a[0].cpu_id < 64);
	CHECK_EQ(a[0].node_id, 0);
	CHECK(a[0].mm_cid < 64);
	CHECK_ERR(rseq(a, 32, 0, SIG), EBUSY);
	CHECK_ERR(rseq(a, 32, 0, 1), EPERM);
	CHECK_ERR(rseq(a, 64, 0, SIG), EINVAL);
	CHECK_ERR(rseq(a + 1, 32, 0, SIG), EINVAL);
	CHECK_ERR(rseq(a, 32, 1, 1), EPERM);
	CHECK_EQ(rseq(a, 32, 1, SIG), 0);
	CHECK_EQ(a[0].cpu_id, ~0u);
	CHECK_EQ(a[0].cpu_id_start, 0);
	CHECK_ERR(rseq(a, 32, 1, SIG), EINVAL);
}

TEST(the_number_follows_moves)
{
	static struct area a;
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), status;
	pid_t pid;

	forget_the_librarys();
	CHECK_EQ(rseq(&a, 32, 0, SIG), 0);
	for (int i = 0; i < 20; i++) {
		run_on(i % cpus);
		CHECK_EQ(a.cpu_id, i % cpus);
		CHECK_EQ(a.cpu_id_start, i % cpus);
	}
	pid = fork();		/* inherits the registration */
	if (pid == 0) {
		run_on(0);
		_exit(a.cpu_id == 0 && rseq(&a, 32, 1, SIG) == 0 ? 3 : 4);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 3 << 8);
}

static volatile int handled, is_on;

static void on_alarm(int sig)
{
	(void)sig;
	handled++;
}

TEST(a_signal_ends_a_section)
{
	struct itimerval it = { { 0, 0 }, { 0, 50000 } };
	struct sigaction sa = { .sa_handler = on_alarm };
	static struct area a;

	forget_the_librarys();
	CHECK_EQ(rseq(&a, 32, 0, SIG), 0);
	sigaction(SIGALRM, &sa, NULL);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK_EQ(spin(&a, &is_on), 1);
	CHECK_EQ(a.cs, 0);
	while (!handled)	/* a preemption came first */
		sched_yield();
}

static void *busy(void *arg)
{
	while (!*(volatile int *)arg)
		;
	return NULL;
}

TEST(a_preemption_ends_a_section)
{
	static struct area a;
	volatile int stop = 0;
	pthread_t t;

	forget_the_librarys();
	run_on(0);
	CHECK_EQ(rseq(&a, 32, 0, SIG), 0);
	CHECK(pthread_create(&t, NULL, busy, (void *)&stop) == 0);
	CHECK_EQ(spin(&a, &is_on), 1);
	stop = 1;
	pthread_join(t, NULL);
}

static int dies_of(unsigned sig)
{
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };
	struct sigaction sa = { .sa_handler = on_alarm };
	static struct area a;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		forget_the_librarys();
		rseq(&a, 32, 0, sig);
		sigaction(SIGALRM, &sa, NULL);
		setitimer(ITIMER_REAL, &it, NULL);
		_exit(spin(&a, &is_on));
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

TEST(a_wrong_signature_kills)
{
	CHECK_EQ(dies_of(SIG), 1 << 8);
	CHECK_EQ(dies_of(SIG + 1) & 0x7f, SIGSEGV);
}

static struct area other;
static volatile int spun;

static void *spins(void *arg)
{
	(void)arg;
	forget_the_librarys();
	run_on(1);
	CHECK_EQ(rseq(&other, 32, 0, SIG), 0);
	spun = spin(&other, &is_on);
	rseq(&other, 32, 1, SIG);
	return NULL;
}

#define membarrier(cmd, flags, cpu) syscall(283, cmd, flags, cpu)
#define EXPEDITED_RSEQ (1 << 7)
#define REGISTER_RSEQ (1 << 8)
#define GET_REGISTRATIONS (1 << 9)

TEST(membarrier_ends_a_section)
{
	struct timespec ts = { 0, 1000000 };
	pthread_t t;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("one hart");
	CHECK_EQ(membarrier(0, 0, 0), 0x3ff);
	CHECK_ERR(membarrier(EXPEDITED_RSEQ, 0, 0), EPERM);
	CHECK_EQ(membarrier(GET_REGISTRATIONS, 0, 0), 0);
	CHECK_EQ(membarrier(REGISTER_RSEQ, 0, 0), 0);
	CHECK_EQ(membarrier(GET_REGISTRATIONS, 0, 0), REGISTER_RSEQ | 1 << 4);
	CHECK_ERR(membarrier(1 << 3, 0, 0), EPERM);
	CHECK_ERR(membarrier(EXPEDITED_RSEQ, 2, 0), EINVAL);
	CHECK_ERR(membarrier(1 << 3, 1, 0), EINVAL);
	CHECK_EQ(membarrier(EXPEDITED_RSEQ, 1, 0), 0);
	run_on(0);
	CHECK(pthread_create(&t, NULL, spins, NULL) == 0);
	while (!is_on)
		nanosleep(&ts, NULL);
	for (int i = 0; i < 2000 && !spun; i++) {
		CHECK_EQ(membarrier(EXPEDITED_RSEQ, i & 1, 1), 0);
		nanosleep(&ts, NULL);
	}
	CHECK_EQ(spun, 1);
	pthread_join(t, NULL);
}
