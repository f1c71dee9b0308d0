/* kcmp: what do two tasks share? */
#include "test.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/syscall.h>

enum { FILE_, VM, FILES, FS, SIGHAND, IO, SYSVSEM, TFD };

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

TEST(io_context_and_undo_list)
{
	struct sembuf op = { .sem_op = 1, .sem_flg = SEM_UNDO };
	int me = getpid(), set = semget(IPC_PRIVATE, 1, 0600), p[2];
	pid_t pid;
	char c;

	CHECK(set >= 0 && pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		close(p[1]);
		_exit(read(p[0], &c, 1) != 0);
	}
	CHECK_EQ(kcmp(me, pid, IO, 0, 0), 0);
	CHECK_EQ(kcmp(me, pid, SYSVSEM, 0, 0), 0);
	CHECK(syscall(SYS_ioprio_set, 1, 0, 2 << 13) == 0);
	CHECK(semop(set, &op, 1) == 0);
	CHECK(kcmp(me, pid, IO, 0, 0) > 0);
	CHECK(kcmp(me, pid, SYSVSEM, 0, 0) > 0);
	CHECK_EQ(kcmp(me, me, IO, 0, 0), 0);
	CHECK_EQ(kcmp(me, me, SYSVSEM, 0, 0), 0);
	CHECK(semctl(set, 0, IPC_RMID) == 0);
	close(p[1]);
	CHECK_CHILD(pid);
}

TEST(what_an_epoll_descriptor_watches)
{
	struct { unsigned efd, tfd, toff; } slot;
	struct epoll_event ev = { .events = EPOLLIN };
	int me = getpid(), ep = epoll_create1(0), p[2];

	CHECK(pipe(p) == 0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev) == 0);
	slot.efd = (unsigned)ep;
	slot.tfd = (unsigned)p[0];
	slot.toff = 0;
	CHECK_EQ(kcmp(me, me, TFD, (unsigned)p[0], (unsigned long)&slot), 0);
	CHECK(kcmp(me, me, TFD, (unsigned)p[1], (unsigned long)&slot) > 0);
	CHECK_ERR(kcmp(me, me, TFD, 999, (unsigned long)&slot), EBADF);
	CHECK_ERR(kcmp(me, me, TFD, (unsigned)p[0], 8), EFAULT);
	slot.toff = 1;
	CHECK_ERR(kcmp(me, me, TFD, (unsigned)p[0], (unsigned long)&slot),
		  ENOENT);
	slot.efd = (unsigned)p[0];
	CHECK_ERR(kcmp(me, me, TFD, (unsigned)p[0], (unsigned long)&slot),
		  EINVAL);
}

TEST(only_with_the_right_to_look)
{
	if (getuid() == 0)
		CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERR(kcmp(getpid(), 1, VM, 0, 0), EPERM);
}
