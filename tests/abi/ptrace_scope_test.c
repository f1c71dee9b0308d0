/* Yama: /proc/sys/kernel/yama/ptrace_scope and PR_SET_PTRACER. */
#include "test.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#define SET_PTRACER 0x59616d61
#define SCOPE "/proc/sys/kernel/yama/ptrace_scope"

static int set_scope(const char *text)
{
	int fd = open(SCOPE, O_WRONLY), n;

	CHECK(fd >= 0);
	n = write(fd, text, 1);
	close(fd);
	return n;
}

static void become_user(void)
{
	CHECK(setgid(1000) == 0 && setuid(1000) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
}

/* What fn, called in a child that became a user, exits with. */
static int as_user(int (*fn)(void))
{
	pid_t pid = fork();
	int st;

	if (!pid) {
		become_user();
		_exit(fn());
	}
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFEXITED(st));
	return WEXITSTATUS(st);
}

static int try_attach(pid_t pid)
{
	int err = syscall(SYS_ptrace, (long)PTRACE_SEIZE, (long)pid, 0l, 0l) ?
		  errno : 0;

	if (!err)
		syscall(SYS_ptrace, 7l, (long)pid, 0l, 0l);	/* CONT */
	return err;
}

/* A sleeping child; `named` is what it gives to PR_SET_PTRACER, or -2. */
static pid_t sleeper(long named)
{
	int p[2];
	pid_t pid;
	char c;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (!pid) {
		if (named != -2)
			CHECK(prctl(SET_PTRACER, named, 0, 0, 0) == 0);
		CHECK(write(p[1], "x", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(read(p[0], &c, 1) == 1);
	close(p[0]);
	close(p[1]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int a_parent(void)
{
	pid_t pid = sleeper(-2);
	int err = try_attach(pid);

	end(pid);
	return err;
}

static int sibling(long named)
{
	pid_t pid = sleeper(named), tracer = fork();
	int st;

	if (!tracer)
		_exit(try_attach(pid));
	CHECK_EQ(waitpid(tracer, &st, 0), tracer);
	end(pid);
	return WEXITSTATUS(st);
}

static int a_sibling(void)
{
	return sibling(-2);
}

static int a_sibling_that_may(void)
{
	return sibling(-1);
}

static int a_child_of_the_named(void)
{
	return sibling(getpid());
}

static int a_stranger_to_the_named(void)
{
	pid_t other = sleeper(-2);
	int err = sibling(other);

	end(other);
	return err;
}

static int named_and_taken_back(void)
{
	CHECK(prctl(SET_PTRACER, -1l, 0, 0, 0) == 0);
	CHECK(prctl(SET_PTRACER, 0l, 0, 0, 0) == 0);
	CHECK_ERR(prctl(SET_PTRACER, 999999l, 0, 0, 0), EINVAL);
	return sibling(0);
}

static int by_traceme(void)
{
	pid_t pid = fork();
	int st;

	if (!pid)
		_exit(syscall(SYS_ptrace, 0l, 0l, 0l, 0l) ? errno : 0);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
	return WEXITSTATUS(st);
}

TEST(scope_1_asks_for_kinship)
{
	if (geteuid())
		SKIP("needs root");
	CHECK(set_scope("1") == 1);
	CHECK_EQ(as_user(a_parent), 0);
	CHECK_EQ(as_user(a_sibling), EPERM);
	CHECK_EQ(as_user(a_sibling_that_may), 0);
	CHECK_EQ(as_user(a_child_of_the_named), 0);
	CHECK_EQ(as_user(a_stranger_to_the_named), EPERM);
	CHECK_EQ(as_user(named_and_taken_back), EPERM);
	CHECK_EQ(as_user(by_traceme), 0);
	CHECK_EQ(a_sibling(), 0);	/* root */
	CHECK(set_scope("0") == 1);
	CHECK_EQ(as_user(a_sibling), 0);
}

TEST(scope_2_asks_for_a_capability)
{
	if (geteuid())
		SKIP("needs root");
	CHECK(set_scope("2") == 1);
	CHECK_EQ(as_user(a_parent), EPERM);
	CHECK_EQ(as_user(a_sibling_that_may), EPERM);
	CHECK_EQ(as_user(by_traceme), EPERM);
	CHECK_EQ(a_parent(), 0);
	CHECK_ERR(set_scope("4"), EINVAL);
	CHECK(set_scope("0") == 1);
}
