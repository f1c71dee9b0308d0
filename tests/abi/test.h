/*
 * test - what the programs of tests/abi are made with.
 *
 *	#include "test.h"
 *
 *	TEST(read_of_a_closed_descriptor)
 *	{
 *		char c;
 *
 *		CHECK_ERR(read(99, &c, 1), EBADF);
 *	}
 *
 * Each TEST runs in a process of its own, in order, with an alarm; a failed
 * CHECK ends it, and the next one runs.  The program prints TAP and exits 0
 * if all passed.  A test leads no process group, so it may call setsid();
 * whatever it leaves running is killed.
 *
 * A comment `abi-test: words` in the file tells the runner: no-musl,
 * no-glibc, no-static, no-dynamic, user (run as uid 1000 too), timeout=S for
 * the whole program, smp=N.
 */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef TEST_SECONDS
#define TEST_SECONDS 20
#endif
#define TEST_MAX 200
#define TEST_SKIPPED 77

struct test_case {
	const char *name;
	void (*fn)(void);
};

static struct test_case test_table[TEST_MAX];
static int test_end;

#define TEST(name) TEST_NUMBERED(name, __COUNTER__)
#define TEST_NUMBERED(name, n)                                                 \
	static void test_##name(void);                                         \
	__attribute__((constructor)) static void test_add_##name(void)         \
	{                                                                      \
		test_table[n] = (struct test_case){ #name, test_##name };      \
		if (test_end <= (n))                                           \
			test_end = (n) + 1;                                    \
	}                                                                      \
	static void test_##name(void)

/* Ends the test (in a child of it: that child, with status 1). */
#define FAIL(...)                                                              \
	do {                                                                   \
		printf("# %s:%d: ", strrchr("/" __FILE__, '/') + 1, __LINE__); \
		printf(__VA_ARGS__);                                           \
		printf("\n");                                                  \
		fflush(stdout);                                                \
		_exit(1);                                                      \
	} while (0)

#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond))                                                   \
			FAIL("%s is false (errno %d, %s)", #cond, errno,       \
			     strerror(errno));                                 \
	} while (0)

/* The call must return -1 and set errno to err. */
#define CHECK_ERR(call, err)                                                   \
	do {                                                                   \
		long test_ret;                                                 \
                                                                               \
		errno = 0;                                                     \
		test_ret = (long)(call);                                       \
		if (test_ret != -1 || errno != (err))                          \
			FAIL("%s: %ld, errno %d (%s), not %s", #call,          \
			     test_ret, errno, strerror(errno), #err);          \
	} while (0)

#define CHECK_EQ(a, b)                                                         \
	do {                                                                   \
		long long test_a = (long long)(a), test_b = (long long)(b);    \
                                                                               \
		if (test_a != test_b)                                          \
			FAIL("%s is %lld, not %s = %lld (errno %d)", #a,       \
			     test_a, #b, test_b, errno);                       \
	} while (0)

#define CHECK_STR(a, b)                                                        \
	do {                                                                   \
		const char *test_a = (a), *test_b = (b);                       \
                                                                               \
		if (strcmp(test_a, test_b))                                    \
			FAIL("%s is \"%s\", not \"%s\"", #a, test_a, test_b);  \
	} while (0)

/* The child must end with exit status 0. */
#define CHECK_CHILD(pid)                                                       \
	do {                                                                   \
		int test_status = -1;                                          \
                                                                               \
		CHECK(waitpid((pid), &test_status, 0) == (pid));               \
		if (test_status)                                               \
			FAIL("the child's status is 0x%x", test_status);       \
	} while (0)

/* The test does not apply here; Linux must skip it too. */
#define SKIP(reason)                                                           \
	do {                                                                   \
		printf("# skipped: %s\n", reason);                             \
		fflush(stdout);                                                \
		_exit(TEST_SKIPPED);                                           \
	} while (0)

/* Leads the process group in which the test's own process runs. */
static void test_leader(const struct test_case *t)
{
	int status = 0;
	pid_t pid;

	setpgid(0, 0);
	pid = fork();
	if (pid == 0) {
		alarm(TEST_SECONDS);
		t->fn();
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		_exit(2);
	if (WIFSIGNALED(status)) {
		printf("# died of signal %d\n", WTERMSIG(status));
		fflush(stdout);
		_exit(1);
	}
	_exit(WEXITSTATUS(status));
}

static int test_run(const struct test_case *t, int number)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		test_leader(t);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		printf("not ok %d - %s # cannot be run\n", number, t->name);
		return 1;
	}
	kill(-pid, SIGKILL);
	if (status == 0)
		printf("ok %d - %s\n", number, t->name);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == TEST_SKIPPED)
		printf("ok %d - %s # SKIP\n", number, t->name);
	else
		printf("not ok %d - %s\n", number, t->name);
	return status && !(WIFEXITED(status) &&
			   WEXITSTATUS(status) == TEST_SKIPPED);
}

/* Without an argument all tests, else those whose names are given. */
static int test_wanted(const struct test_case *t, char **names)
{
	if (!t->fn)
		return 0;
	if (!*names)
		return 1;
	while (*names)
		if (!strcmp(t->name, *names++))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	int i, total = 0, number = 0, failed = 0;

	(void)argc;
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	for (i = 0; i < test_end; i++)
		total += test_wanted(&test_table[i], argv + 1);
	printf("1..%d\n", total);
	for (i = 0; i < test_end; i++)
		if (test_wanted(&test_table[i], argv + 1))
			failed += test_run(&test_table[i], ++number);
	return failed != 0;
}
