/* A program takes its own system calls (PR_SET_SYSCALL_USER_DISPATCH). */
#include "test.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define USER_DISPATCH 59
enum { OFF, ON };
enum { ALLOW, BLOCK };

static volatile char selector;
static volatile int calls, number, code;

static long set(long mode, long offset, long len, volatile char *sel)
{
	return prctl(USER_DISPATCH, mode, offset, len, sel);
}

/* Answers 1000 and the first argument; lets its own calls through. */
static void answer(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	selector = ALLOW;
	calls++;
	number = si->si_syscall;
	code = si->si_code;
	uc->uc_mcontext.__gregs[REG_A0] += 1000;
}

static void install(void)
{
	struct sigaction sa = { .sa_sigaction = answer,
				.sa_flags = SA_SIGINFO };

	CHECK(sigaction(SIGSYS, &sa, NULL) == 0);
}

TEST(a_blocked_call_becomes_a_signal)
{
	long ret;

	install();
	CHECK(set(ON, 0, 0, &selector) == 0);
	CHECK(syscall(SYS_dup, -1) == -1);
	CHECK_EQ(calls, 0);
	selector = BLOCK;
	ret = syscall(SYS_dup, 7);
	CHECK_EQ(calls, 1);
	CHECK_EQ(number, SYS_dup);
	CHECK_EQ(code, 2);
	CHECK_EQ(ret, 1007);
	CHECK(set(OFF, 0, 0, NULL) == 0);
	selector = BLOCK;
	CHECK_EQ(syscall(SYS_getppid), getppid());
}

TEST(a_child_starts_without_it)
{
	pid_t pid;

	install();
	CHECK(set(ON, 0, 0, &selector) == 0);
	pid = fork();
	if (pid == 0) {
		selector = BLOCK;
		_exit(syscall(SYS_dup, -1) != -1 || calls);
	}
	CHECK_CHILD(pid);
}

static int death_with(char value)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		set(ON, 0, 0, &selector);
		selector = value;
		syscall(SYS_getpid);
		for (;;)
			;
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(a_selector_that_says_neither_kills)
{
	CHECK_EQ(death_with(BLOCK), SIGSYS);
	CHECK_EQ(death_with(5), SIGSYS);
}

TEST(arguments_are_checked)
{
	CHECK_ERR(set(2, 0, 0, NULL), EINVAL);
	CHECK_ERR(set(OFF, 0, 1, NULL), EINVAL);
	CHECK_ERR(set(OFF, 1, 0, NULL), EINVAL);
	CHECK_ERR(set(OFF, 0, 0, &selector), EINVAL);
	CHECK_ERR(set(ON, -16, 32, NULL), EINVAL);
	CHECK_ERR(set(ON, 16, 0, NULL), EINVAL);
	CHECK_ERR(set(ON, 0, 0, (volatile char *)-8l), EFAULT);
}
