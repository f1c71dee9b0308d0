/* kcmp: what do two tasks share? */
#include "test.h"

#include <fcntl.h>
#include <sys/syscall.h>

enum { FILE_, VM, FILES, FS, SIGHAND };

static long kcmp(int a, int b, int type, unsigned long x, unsigned long y)
{
	return syscall(SYS_kcmp, a, b, type, x, y);
}

TEST(with_oneself)
{
	int me = getpid(), fd = open("/dev/null", O_RDONLY), two = dup(fd);
	int other = open("/dev/null", O_RDONLY);

	for (int type = VM; type <= SIGHAND; type++)
		CHECK_EQ(kcmp(me, me, type, 0, 0), 0);
	CHECK_EQ(kcmp(me, me, FILE_, (unsigned)fd, (unsigned)two), 0);
	CHECK(kcmp(me, me, FILE_, (unsigned)fd, (unsigned)other) > 0);
	CHECK_EQ(kcmp(me, me, FILE_, (unsigned)fd, (unsigned)other) +
		 kcmp(me, me, FILE_, (unsigned)other, (unsigned)fd), 3);
	CHECK_ERR(kcmp(me, me, FILE_, 999, (unsigned)fd), EBADF);
	CHECK_ERR(kcmp(me, me, 77, 0, 0), EINVAL);
	CHECK_ERR(kcmp(me, 0x3ffffff, VM, 0, 0), ESRCH);
}

TEST(with_a_child)
{
	int me = getpid(), fd = open("/dev/null", O_RDONLY), p[2];
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		char c;

		close(p[1]);
		_exit(read(p[0], &c, 1) != 0);
	}
	CHECK(kcmp(me, pid, VM, 0, 0) > 0);
	CHECK(kcmp(me, pid, FILES, 0, 0) > 0);
	CHECK(kcmp(me, pid, FS, 0, 0) > 0);
	CHECK(kcmp(me, pid, SIGHAND, 0, 0) > 0);
	CHECK_EQ(kcmp(me, pid, FILE_, (unsigned)fd, (unsigned)fd), 0);
	close(p[1]);
	CHECK_CHILD(pid);
}

TEST(only_with_the_right_to_look)
{
	if (getuid() == 0)
		CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERR(kcmp(getpid(), 1, VM, 0, 0), EPERM);
}
