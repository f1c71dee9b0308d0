/*
 * I/O priorities: set, told, inherited, refused.
 *
 * abi-test: user
 */
#include "test.h"

#include <sched.h>
#include <sys/syscall.h>

enum { WHO_PROCESS = 1, WHO_PGRP, WHO_USER };
enum { NONE, RT, BE, IDLE };
#define PRIO(class, level) ((class) << 13 | (level))

static long set(int which, int who, int prio)
{
	return syscall(SYS_ioprio_set, which, who, prio);
}

static long get(int which, int who)
{
	return syscall(SYS_ioprio_get, which, who);
}

TEST(is_none_until_set)
{
	CHECK_EQ(get(WHO_PROCESS, 0), 0);
	CHECK_EQ(get(WHO_PROCESS, getpid()), 0);
	for (int level = 0; level < 8; level++) {
		CHECK_EQ(set(WHO_PROCESS, 0, PRIO(BE, level)), 0);
		CHECK_EQ(get(WHO_PROCESS, getpid()), PRIO(BE, level));
	}
	CHECK_EQ(set(WHO_PROCESS, 0, PRIO(IDLE, 0)), 0);
	CHECK_EQ(get(WHO_PROCESS, 0), PRIO(IDLE, 0));
	CHECK_EQ(set(WHO_PROCESS, 0, 0), 0);
	CHECK_EQ(get(WHO_PROCESS, 0), 0);
}

TEST(refuses_nonsense)
{
	CHECK_ERR(set(WHO_PROCESS, 0, PRIO(NONE, 3)), EINVAL);
	CHECK_ERR(set(WHO_PROCESS, 0, PRIO(4, 0)), EINVAL);
	CHECK_ERR(set(WHO_PROCESS, 0, PRIO(7, 0)), EINVAL);
	CHECK_ERR(set(0, 0, PRIO(BE, 0)), EINVAL);
	CHECK_ERR(set(4, 0, PRIO(BE, 0)), EINVAL);
	CHECK_ERR(get(0, 0), EINVAL);
	CHECK_ERR(get(4, 0), EINVAL);
	CHECK_ERR(set(WHO_PROCESS, 0x3ffffff, PRIO(BE, 0)), ESRCH);
	CHECK_ERR(get(WHO_PROCESS, 0x3ffffff), ESRCH);
	CHECK_ERR(get(WHO_PGRP, 0x3ffffff), ESRCH);
}

TEST(real_time_wants_a_privilege)
{
	if (getuid() == 0) {
		CHECK_EQ(set(WHO_PROCESS, 0, PRIO(RT, 1)), 0);
		CHECK_EQ(get(WHO_PROCESS, 0), PRIO(RT, 1));
		CHECK(setresuid(1000, 1000, 1000) == 0);
	}
	CHECK_ERR(set(WHO_PROCESS, 0, PRIO(RT, 1)), EPERM);
	CHECK_ERR(set(WHO_PROCESS, 1, PRIO(BE, 1)), EPERM);
	CHECK(get(WHO_PROCESS, 1) >= 0);
}

TEST(a_child_inherits_it)
{
	pid_t pid;

	CHECK_EQ(set(WHO_PROCESS, 0, PRIO(BE, 6)), 0);
	pid = fork();
	if (pid == 0)
		_exit(get(WHO_PROCESS, 0) != PRIO(BE, 6));
	CHECK_CHILD(pid);
}

TEST(of_a_group_the_best_is_told)
{
	int p[2];
	pid_t pid;
	char c;

	setpgid(0, 0);
	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		close(p[1]);
		_exit(read(p[0], &c, 1) != 0);
	}
	CHECK_EQ(set(WHO_PGRP, 0, PRIO(BE, 7)), 0);
	CHECK_EQ(get(WHO_PROCESS, pid), PRIO(BE, 7));
	CHECK_EQ(set(WHO_PROCESS, pid, PRIO(BE, 2)), 0);
	CHECK_EQ(get(WHO_PGRP, getpgrp()), PRIO(BE, 2));
	CHECK_EQ(get(WHO_PGRP, 0), PRIO(BE, 2));
	CHECK(get(WHO_USER, (int)getuid()) >= 0);
	close(p[1]);
	CHECK_CHILD(pid);
}
