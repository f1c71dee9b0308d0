/* Signals: delivery, masks, siginfo, stacks, restart, stop and continue. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

static volatile int caught, code;
static void *volatile addr;
static volatile int order[8];

static void count(int sig)
{
	order[caught & 7] = sig;
	caught++;
}

static void info(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	caught = sig;
	code = si->si_code;
	addr = si->si_addr;
}

static void install(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	CHECK(sigaction(sig, &sa, NULL) == 0);
}

static void install_info(int sig, void (*fn)(int, siginfo_t *, void *), int fl)
{
	struct sigaction sa = { .sa_sigaction = fn,
				.sa_flags = fl | SA_SIGINFO };

	CHECK(sigaction(sig, &sa, NULL) == 0);
}

TEST(raise_runs_the_handler_before_it_returns)
{
	install(SIGUSR1, count, 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK_EQ(caught, 1);
}

TEST(blocked_signals_wait_and_standard_ones_merge)
{
	sigset_t set, old, pend;

	install(SIGUSR1, count, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(caught, 0);
	CHECK(sigpending(&pend) == 0);
	CHECK(sigismember(&pend, SIGUSR1) == 1);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK_EQ(caught, 1);
}

TEST(real_time_signals_queue_in_order)
{
	sigset_t set;

	install(SIGRTMIN, count, 0);
	install(SIGRTMIN + 1, count, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	raise(SIGRTMIN + 1);
	raise(SIGRTMIN);
	raise(SIGRTMIN);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK_EQ(caught, 3);
}

TEST(sigqueue_carries_a_value)
{
	union sigval v = { .sival_int = 4711 };
	struct timespec zero = { 0, 0 };
	siginfo_t si;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK_ERR(sigtimedwait(&set, &si, &zero), EAGAIN);
	CHECK(sigqueue(getpid(), SIGUSR2, v) == 0);
	CHECK_EQ(sigtimedwait(&set, &si, &zero), SIGUSR2);
	CHECK_EQ(si.si_value.sival_int, 4711);
	CHECK_EQ(si.si_code, SI_QUEUE);
	CHECK_EQ(si.si_pid, getpid());
}

static sigjmp_buf env;

static void jump(int sig, siginfo_t *si, void *ctx)
{
	info(sig, si, ctx);
	siglongjmp(env, 1);
}

TEST(segv_tells_address_and_reason)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	install_info(SIGSEGV, jump, 0);
	if (!sigsetjmp(env, 1))
		p[5] = 1;
	CHECK_EQ(caught, SIGSEGV);
	CHECK_EQ(code, SEGV_ACCERR);
	CHECK(addr == p + 5);
	munmap(p, 4096);
	if (!sigsetjmp(env, 1))
		p[7] = 1;
	CHECK_EQ(code, SEGV_MAPERR);
	CHECK(addr == p + 7);
}

TEST(sigbus_beyond_the_end_of_a_file)
{
	char name[] = "/tmp/busXXXXXX";
	int fd = mkstemp(name);
	char *p;

	CHECK(fd >= 0 && unlink(name) == 0);
	CHECK(ftruncate(fd, 4096) == 0);
	p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	install_info(SIGBUS, jump, 0);
	if (!sigsetjmp(env, 1))
		(void)*(volatile char *)(p + 4096);
	CHECK_EQ(caught, SIGBUS);
	CHECK_EQ(code, BUS_ADRERR);
	CHECK(addr == p + 4096);
}

TEST(illegal_instruction_and_breakpoint)
{
	install_info(SIGILL, jump, 0);
	install_info(SIGTRAP, jump, 0);
	if (!sigsetjmp(env, 1))
		__asm__ volatile(".4byte 0");
	CHECK_EQ(caught, SIGILL);
	CHECK_EQ(code, ILL_ILLOPC);
	if (!sigsetjmp(env, 1))
		__asm__ volatile("ebreak");
	CHECK_EQ(caught, SIGTRAP);
	CHECK_EQ(code, TRAP_BRKPT);
}

static char stack[65536];
static volatile int on_stack;

static void where(int sig)
{
	char here;

	(void)sig;
	on_stack = &here >= stack && &here < stack + sizeof(stack);
}

TEST(alternate_stack)
{
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;

	CHECK(sigaltstack(&ss, NULL) == 0);
	install(SIGUSR1, where, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(on_stack);
	CHECK(sigaltstack(NULL, &old) == 0);
	CHECK(old.ss_sp == stack && old.ss_flags == 0);
	ss.ss_size = 100;
	CHECK_ERR(sigaltstack(&ss, NULL), ENOMEM);
}

TEST(resethand_nodefer_and_ignored)
{
	struct sigaction sa;

	install(SIGUSR1, count, SA_RESETHAND);
	raise(SIGUSR1);
	CHECK(sigaction(SIGUSR1, NULL, &sa) == 0);
	CHECK(sa.sa_handler == SIG_DFL);
	install(SIGUSR1, SIG_IGN, 0);
	raise(SIGUSR1);
	CHECK_EQ(caught, 1);
	CHECK_ERR(sigaction(SIGKILL, &sa, NULL), EINVAL);
	CHECK_ERR(sigaction(65, &sa, NULL), EINVAL);
}

static void *poke(void *t)
{
	usleep(50000);
	pthread_kill(*(pthread_t *)t, SIGUSR1);
	usleep(50000);
	return NULL;
}

static long interrupted_read(int flags, int fd)
{
	pthread_t self = pthread_self(), t;
	char c;
	long n;

	install(SIGUSR1, count, flags);
	CHECK(pthread_create(&t, NULL, poke, &self) == 0);
	n = read(fd, &c, 1);
	CHECK(pthread_join(t, NULL) == 0);
	return n;
}

TEST(read_is_interrupted_without_sa_restart)
{
	int fds[2];

	CHECK(pipe(fds) == 0);
	CHECK_ERR(interrupted_read(0, fds[0]), EINTR);
	CHECK_EQ(caught, 1);
}

TEST(read_restarts_with_sa_restart)
{
	int fds[2];
	pid_t pid;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		usleep(300000);
		CHECK(write(fds[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK_EQ(interrupted_read(SA_RESTART, fds[0]), 1);
	CHECK_EQ(caught, 1);
	CHECK_CHILD(pid);
}

TEST(nanosleep_tells_the_rest)
{
	struct timespec t = { 1, 0 }, rest = { 0, 0 };
	struct itimerval it = { .it_value = { 0, 100000 } };

	install(SIGALRM, count, SA_RESTART);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK_ERR(nanosleep(&t, &rest), EINTR);
	CHECK(rest.tv_sec == 0 && rest.tv_nsec > 500000000);
}

TEST(stop_and_continue_are_reported)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(sigchld_siginfo)
{
	siginfo_t si;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	pid = fork();
	if (pid == 0)
		_exit(42);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGCHLD);
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_code, CLD_EXITED);
	CHECK_EQ(si.si_status, 42);
}

TEST(sigsuspend_swaps_the_mask)
{
	sigset_t set, none;
	pid_t pid;

	install(SIGUSR1, count, 0);
	sigemptyset(&set);
	sigemptyset(&none);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	pid = fork();
	if (pid == 0) {
		usleep(50000);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	CHECK_ERR(sigsuspend(&none), EINTR);
	CHECK_EQ(caught, 1);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &none) == 0);
	CHECK(sigismember(&none, SIGUSR1));
	CHECK_CHILD(pid);
}

static void fp_handler(int sig)
{
	volatile double x = 3.0;

	(void)sig;
	for (int i = 0; i < 100; i++)
		x = x * 1.5 + i;
	caught++;
}

TEST(floating_point_state_survives_a_handler)
{
	double a = 1.25, b = 2.5, c = 0;

	install(SIGUSR1, fp_handler, 0);
	for (int i = 0; i < 200; i++) {
		c += a * b;
		kill(getpid(), SIGUSR1);
		a += 0.5;
	}
	CHECK_EQ(caught, 200);
	CHECK((long long)(c * 8) == (long long)((2.5 * (200 * 1.25 + 0.5 * 19900)) * 8));
}

static volatile int spinning;

static void *spin(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	spinning = 1;
	for (;;)
		;
	return arg;
}

/* The C library ends it by unwinding from a handler, through its frame. */
TEST(a_spinning_thread_can_be_cancelled)
{
	pthread_t t;
	void *ret;

	for (int i = 0; i < 3; i++) {
		spinning = 0;
		CHECK(pthread_create(&t, NULL, spin, NULL) == 0);
		while (!spinning)
			sched_yield();
		CHECK(pthread_cancel(t) == 0);
		CHECK(pthread_join(t, &ret) == 0);
		CHECK(ret == PTHREAD_CANCELED);
	}
}

static void pc_skip(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	info(sig, si, ctx);
	uc->uc_mcontext.__gregs[0] += 4;
}

TEST(the_context_can_be_changed)
{
	install_info(SIGILL, pc_skip, 0);
	__asm__ volatile(".balign 4\n.4byte 0");
	CHECK_EQ(caught, SIGILL);
}

TEST(kill_rights_and_numbers)
{
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(4194303, 0), ESRCH);
	CHECK(kill(getpid(), 0) == 0);
}

/* --- signals of timers that wait -------------------------------------------*/
static timer_t timer;

static void arm(long ns)
{
	struct itimerspec t = { .it_value.tv_nsec = ns };

	CHECK(timer_settime(timer, 0, &t, NULL) == 0);
}

/* What comes within 0.3 s; its overrun, or -1. */
static int next_of_timer(void)
{
	struct timespec ts = { 0, 300000000 };
	siginfo_t si;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigtimedwait(&set, &si, &ts) != SIGUSR1)
		return -1;
	CHECK_EQ(si.si_code, SI_TIMER);
	CHECK_EQ(si.si_value.sival_int, 42);
	return si.si_overrun;
}

static void make_timer(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1,
			       .sigev_value.sival_int = 42 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &ev, &timer) == 0);
	arm(5000000);
	usleep(50000);
}

TEST(a_timers_signal_outlives_the_timer)
{
	make_timer();
	CHECK(timer_delete(timer) == 0);
	CHECK_EQ(next_of_timer(), 0);
	CHECK_EQ(next_of_timer(), -1);
}

TEST(a_timers_signal_outlives_its_setting)
{
	make_timer();
	arm(0);
	CHECK_EQ(next_of_timer(), 0);
	arm(5000000);
	usleep(50000);
	arm(150000000);
	CHECK_EQ(next_of_timer(), 0);
	CHECK_EQ(next_of_timer(), 0);
	CHECK_EQ(next_of_timer(), -1);
	arm(5000000);
	usleep(50000);
	arm(5000000);
	usleep(50000);
	CHECK_EQ(next_of_timer(), 1);
	CHECK_EQ(next_of_timer(), -1);
}
