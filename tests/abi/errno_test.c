/* Which error comes first, and small options: what test suites ask for. */
#include "test.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <linux/fs.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>

static char dir[] = "/tmp/errnoXXXXXX";

static int enter(const char *where)
{
	if (where)
		CHECK(chdir(where) == 0);
	else
		CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
	return open("f", O_CREAT | O_RDWR | O_TRUNC, 0644);
}

TEST(positions)
{
	char c, buf[8];
	int fd = enter(NULL), ev = eventfd(1, 0), p[2];
	off_t none = 0;

	CHECK(write(fd, "x", 1) == 1);
	CHECK_ERR(lseek(fd, LONG_MAX, SEEK_END), EINVAL);
	CHECK_ERR(pread(fd, &c, 1, LONG_MAX), EINVAL);
	CHECK_ERR(pwrite(fd, "x", 1, LONG_MAX), EINVAL);
	CHECK_ERR(pread(ev, buf, 8, 0), ESPIPE);
	CHECK_EQ(lseek(ev, 5, SEEK_SET), 0);
	CHECK(pipe(p) == 0 && write(p[1], "ab", 2) == 2);
	CHECK_ERR(sendfile(fd, p[0], NULL, 2), EINVAL);
	CHECK_ERR(splice(open(".", O_RDONLY), NULL, p[1], NULL, 5, 0), EINVAL);
	CHECK_ERR(splice(p[0], &none, fd, NULL, 2, 0), ESPIPE);
	CHECK_ERR(syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, fd,
			  -4096l), EOVERFLOW);
}

TEST(names)
{
	char buf[8];
	int fd = enter(NULL), p[2], s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct statfs st;

	CHECK_ERR(fcntl(s, F_SETFL, O_DIRECT), EINVAL);
	CHECK(fcntl(fd, F_SETFL, O_DIRECT) == 0);
	CHECK_EQ(posix_fadvise(fd, -1, 0, 0), 0);
	CHECK_EQ(posix_fadvise(fd, 0, -1, 0), EINVAL);
	CHECK_ERR(fallocate(fd, 1 | 2 | 16, 0, 4096), EOPNOTSUPP);

	CHECK_ERR(readlink("", buf, 8), ENOENT);
	CHECK_ERR(readlinkat(fd, "", buf, 8), ENOENT);
	CHECK_ERR(readlink("f", buf, 8), EINVAL);
	CHECK_ERR(setpgid(-1, 0), EINVAL);
	CHECK_ERR(setpgid(0, -1), EINVAL);
	CHECK_ERR(fcntl(open("f", O_RDONLY), F_ADD_SEALS, F_SEAL_GROW), EPERM);
	CHECK(pipe(p) == 0);
	CHECK_ERR(fcntl(p[1], F_ADD_SEALS, F_SEAL_GROW), EINVAL);
	CHECK(fstatfs(p[0], &st) == 0 && st.f_type == 0x50495045);
	CHECK(fstatfs(s, &st) == 0 && st.f_type == 0x534f434b);
}

TEST(attributes_on_tmpfs)
{
	static char big[65536];
	char buf[64];

	unlink("/dev/shm/f");
	enter("/dev/shm");
	CHECK(fsync(open(".", O_RDONLY)) == 0);
	CHECK(setxattr("f", "user.b", "two", 3, XATTR_CREATE) == 0);
	CHECK(setxattr("f", "user.a", "one", 3, 0) == 0);
	CHECK_ERR(setxattr("f", "user.a", "", 0, XATTR_CREATE), EEXIST);
	CHECK_ERR(setxattr("f", "user.c", "", 0, XATTR_REPLACE), ENODATA);
	CHECK_ERR(setxattr("f", "user.", "", 0, 0), EINVAL);
	CHECK_ERR(setxattr("f", "none.a", "", 0, 0), EOPNOTSUPP);
	CHECK_EQ(listxattr("f", NULL, 0), 14);
	CHECK_EQ(listxattr("f", buf, sizeof(buf)), 14);
	CHECK(memcmp(buf, "user.a\0user.b", 14) == 0 ||
	      memcmp(buf, "user.b\0user.a", 14) == 0);
	CHECK_ERR(listxattr("f", buf, 5), ERANGE);
	CHECK_EQ(getxattr("f", "user.a", NULL, 0), 3);
	CHECK_ERR(getxattr("f", "user.a", buf, 2), ERANGE);
	CHECK(setxattr("f", "user.a", big, sizeof(big), 0) == 0);
	CHECK_EQ(getxattr("f", "user.a", big, sizeof(big)), 65536);
	CHECK(removexattr("f", "user.a") == 0);
	CHECK_ERR(removexattr("f", "user.a"), ENODATA);
	unlink("l");
	CHECK(symlink("f", "l") == 0);
	CHECK_ERR(lsetxattr("l", "user.a", "", 0, 0), EPERM);
	CHECK(lsetxattr("l", "trusted.a", "x", 1, 0) == 0);
	CHECK_EQ(lgetxattr("l", "trusted.a", buf, 8), 1);
	CHECK(unlink("l") == 0 && unlink("f") == 0);
}

TEST(sockets)
{
	struct sockaddr_un a = { AF_UNIX, "sock" };
	struct linger l = { 1, 7 };
	socklen_t n = sizeof(l);
	int s, v = 3;

	enter(NULL);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(s, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK_ERR(bind(s, (struct sockaddr *)&a, sizeof(a)), EADDRINUSE);
	strcpy(a.sun_path, "other");
	CHECK_ERR(bind(s, (struct sockaddr *)&a, sizeof(a)), EINVAL);
	CHECK(shutdown(socket(AF_UNIX, SOCK_STREAM, 0), SHUT_RD) == 0);
	CHECK(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == 0);
	l = (struct linger){ 0, 0 };
	CHECK(getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &n) == 0);
	CHECK(l.l_onoff == 1 && l.l_linger == 7);
	CHECK(setsockopt(s, SOL_SOCKET, SO_PRIORITY, &v, sizeof(v)) == 0);
	v = 1;
	CHECK(setsockopt(s, SOL_SOCKET, SO_OOBINLINE, &v, sizeof(v)) == 0);
	CHECK(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &v, sizeof(v)) == 0);
	n = sizeof(v);
	CHECK(getsockopt(s, SOL_SOCKET, SO_RCVBUF, &v, &n) == 0 && v == 2304);
	CHECK(getsockopt(s, SOL_SOCKET, SO_PRIORITY, &v, &n) == 0 && v == 3);
	CHECK(setuid(1000) == 0);
	v = 1;
	CHECK_ERR(setsockopt(s, SOL_SOCKET, SO_DEBUG, &v, sizeof(v)), EACCES);
	CHECK_ERR(setsockopt(s, SOL_SOCKET, SO_MARK, &v, sizeof(v)), EPERM);
	CHECK_ERR(setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &v, sizeof(v)),
		  EPERM);
}

TEST(epolls_that_watch_each_other)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd[7];

	for (int i = 0; i < 7; i++) {
		fd[i] = epoll_create1(0);
		if (i && i < 5)
			CHECK(epoll_ctl(fd[i], EPOLL_CTL_ADD, fd[i - 1],
					&ev) == 0);
	}
	CHECK_ERR(epoll_ctl(fd[5], EPOLL_CTL_ADD, fd[4], &ev), ELOOP);
	CHECK_ERR(epoll_ctl(fd[0], EPOLL_CTL_ADD, fd[4], &ev), ELOOP);
}

TEST(signals_by_descriptor_and_clocks)
{
	struct timespec t = { 1, 0 };
	int fd = (int)syscall(434, getpid(), 0);

	CHECK(fd >= 0);
	for (unsigned scope = 0; scope < 8; scope++)
		if (scope & (scope - 1))
			CHECK_ERR(syscall(424, fd, 0, NULL, scope), EINVAL);
		else
			CHECK(syscall(424, fd, 0, NULL, scope & 3) == 0);
	CHECK_ERR(syscall(424, fd, 0, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_PROCESS_CPUTIME_ID, &t),
		  EINVAL);
	CHECK_ERR(syscall(SYS_clock_settime, -2, &t), EPERM);
	CHECK_ERR(syscall(SYS_clock_settime, -1, &t), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t,
			  NULL), EOPNOTSUPP);
}

TEST(what_is_said_of_the_clock)
{
	struct timex t = { .modes = ADJ_TICK, .tick = 1 };

	CHECK_ERR(adjtimex((void *)8L), EFAULT);
	CHECK_ERR(syscall(SYS_clock_adjtime, 99, (void *)8L), EFAULT);
	CHECK_ERR(syscall(SYS_clock_adjtime, 99, &t), EINVAL);
	CHECK_ERR(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &t), EOPNOTSUPP);
	CHECK_ERR(adjtimex(&t), EINVAL);
	t = (struct timex){ .modes = 0 };
	CHECK(adjtimex(&t) >= 0 && t.tick == 10000);
	t.modes = ADJ_TICK | ADJ_FREQUENCY | ADJ_STATUS | ADJ_MAXERROR;
	t.freq = 0;
	t.maxerror = 12345;
	CHECK(adjtimex(&t) >= 0);
	CHECK_EQ(t.maxerror, 12345);
	t.modes = ADJ_OFFSET_SS_READ;
	CHECK(adjtimex(&t) >= 0);
	CHECK(setuid(1000) == 0);
	CHECK(adjtimex(&t) >= 0);
	t.modes = ADJ_MAXERROR;
	CHECK_ERR(adjtimex(&t), EPERM);
}

#define GET_FLAGS 0x80086601	/* FS_IOC_GETFLAGS */
#define SET_FLAGS 0x40086602
#define IMMUTABLE 0x10
#define NO_COW 0x800000

static long copy_to(int to, off_t at, size_t n, unsigned flags)
{
	return syscall(SYS_copy_file_range, open("f", O_RDONLY), NULL, to, &at,
		       n, flags);
}

static long copy_from(off_t at, int to, size_t n)
{
	return syscall(SYS_copy_file_range, open("f", O_RDONLY), &at, to, NULL,
		       n, 0);
}

TEST(copies_that_cannot_be)
{
	char text[100] = "";
	int fd = enter(NULL), to = open("to", O_CREAT | O_RDWR, 0644);
	int flags;

	CHECK(write(fd, text, 100) == 100);
	CHECK_EQ(copy_to(to, 7, 1000, 0), 100);
	CHECK_ERR(copy_to(open(".", O_RDONLY), 0, 100, 0), EISDIR);
	CHECK_ERR(copy_to(open("to", O_RDONLY), 0, 100, 0), EBADF);
	CHECK_ERR(copy_to(open("to", O_RDWR | O_APPEND), 0, 100, 0), EBADF);
	CHECK_ERR(copy_to(open("/dev/null", O_RDONLY), 0, 100, 0), EINVAL);
	CHECK_ERR(copy_to(to, 0, 100, 1), EINVAL);
	CHECK_ERR(copy_to(to, LONG_MAX, ULONG_MAX, 0), EOVERFLOW);
	CHECK_ERR(copy_to(to, LONG_MAX, 65537, 0), EFBIG);
	CHECK_ERR(copy_to(fd, 50, 100, 0), EINVAL);
	CHECK_ERR(copy_to(to, -10, 5, 0), EINVAL);
	CHECK_ERR(copy_to(to, -5, 5, 0), EOVERFLOW);
	CHECK_ERR(copy_to(open("/", O_RDONLY), -10, 5, 0), EISDIR);
	CHECK_ERR(copy_from(-10, to, 5), EINVAL);
	CHECK_ERR(copy_from(-5, to, 5), EOVERFLOW);
	if (ioctl(to, GET_FLAGS, &flags) < 0)
		return;		/* not every file system has them */
	flags |= NO_COW;
	CHECK_ERR(ioctl(to, SET_FLAGS, &flags), EOPNOTSUPP);
	flags ^= NO_COW | IMMUTABLE;
	CHECK(ioctl(to, SET_FLAGS, &flags) == 0);
	CHECK_ERR(copy_to(to, 0, 100, 0), EPERM);
	flags &= ~IMMUTABLE;
	CHECK(ioctl(to, SET_FLAGS, &flags) == 0);
}

static long clone_with(unsigned long flags)
{
	unsigned long args[8] = { [0] = flags, [4] = SIGCHLD };

	return syscall(435, args, sizeof(args));
}

TEST(namespaces_that_not_all_may_have)
{
	CHECK(setuid(1000) == 0);
	CHECK_ERR(clone_with(CLONE_NEWNET), EPERM);
	CHECK_ERR(clone_with(CLONE_NEWCGROUP), EPERM);
	CHECK_ERR(unshare(CLONE_NEWNET), EPERM);
	CHECK_ERR(unshare(CLONE_NEWUTS), EPERM);
}

static int new_pipe_size(void)
{
	int p[2];

	return pipe(p) == 0 ? fcntl(p[0], F_GETPIPE_SZ) : -1;
}

TEST(new_pipes_heed_the_limit)
{
	int limit = open("/proc/sys/fs/pipe-max-size", O_RDWR), root;
	char old[32] = "";
	pid_t pid;

	CHECK(limit >= 0 && read(limit, old, sizeof(old) - 1) > 0);
	CHECK(pwrite(limit, "4096", 4, 0) == 4);
	pid = fork();
	if (pid == 0) {
		CHECK(setuid(1000) == 0);
		CHECK_EQ(new_pipe_size(), 4096);
		_exit(0);
	}
	root = new_pipe_size();
	waitid(P_PID, pid, NULL, WEXITED | WNOWAIT);
	CHECK(pwrite(limit, old, strlen(old), 0) > 0);
	CHECK_CHILD(pid);
	CHECK_EQ(root, 65536);
}

TEST(set_gid_bits_of_strangers_groups_go)
{
	struct stat st;
	int fd = enter(NULL);

	CHECK(chmod(dir, 0777) == 0);
	CHECK(fchown(fd, 1000, 0) == 0 && fchmod(fd, 02666) == 0);
	CHECK(setgroups(0, NULL) == 0 && setgid(1000) == 0);
	CHECK(setuid(1000) == 0);
	fd = open("f", O_RDWR);
	CHECK(write(fd, "x", 1) == 1 && fstat(fd, &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0666);
	CHECK(fchown(fd, -1, 1000) == 0 && fchmod(fd, 02666) == 0);
	CHECK(write(fd, "x", 1) == 1 && fstat(fd, &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 02666);
	CHECK(fchown(fd, 1000, -1) == 0 && fstat(fd, &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 02666);
}

#define IO(class, level) ((class) << 13 | (level))

TEST(priorities_of_input_and_output)
{
	pid_t pid;

	CHECK(syscall(SYS_ioprio_set, 1, 0, IO(2, 3)) == 0);
	CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), IO(2, 3));
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), IO(2, 3));
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(syscall(SYS_ioprio_set, 2, 0, IO(1, 4)) == 0);
	CHECK_EQ(syscall(SYS_ioprio_get, 2, 0), IO(1, 4));
	CHECK_ERR(syscall(SYS_ioprio_set, 1, 0, IO(4, 1)), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_set, 1, 0, IO(0, 4)), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_set, 9, 0, 0), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_get, 9, 0), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_get, 1, 9999999), ESRCH);
	CHECK(setuid(1000) == 0);
	CHECK_ERR(syscall(SYS_ioprio_set, 1, 0, IO(1, 4)), EPERM);
	CHECK_ERR(syscall(SYS_ioprio_set, 1, 1, IO(2, 4)), EPERM);
	CHECK(syscall(SYS_ioprio_set, 1, 0, IO(3, 0)) == 0);
	CHECK_ERR(syscall(SYS_vhangup), EPERM);
}

TEST(sendfile_writes_the_position_back)
{
	off_t *pos = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	int fd = enter(NULL), to = open("to", O_CREAT | O_WRONLY, 0644);

	CHECK(write(fd, "x", 1) == 1);
	CHECK_ERR(sendfile(to, fd, pos, 1), EFAULT);
	CHECK_ERR(sendfile(fd, to, pos, 1), EFAULT);
	CHECK_ERR(sendfile(fd, to, NULL, 1), EBADF);
}

TEST(timers_and_sockets_of_no_kind)
{
	struct sigevent ev = { .sigev_signo = SIGUSR1 };
	sa_family_t unix_family = AF_UNIX;
	int id, fd[2];

	for (int how = 0; how < 9; how++) {
		ev.sigev_notify = how;
		if (how < 3)
			CHECK(syscall(SYS_timer_create, 0, &ev, &id) == 0);
		else if (how != SIGEV_THREAD_ID)
			CHECK_ERR(syscall(SYS_timer_create, 0, &ev, &id),
				  EINVAL);
	}
	CHECK_ERR(socketpair(AF_UNIX, 11, 0, fd), EINVAL);
	CHECK_ERR(socketpair(AF_UNIX, 9, 0, fd), ESOCKTNOSUPPORT);
	CHECK_ERR(socketpair(0, SOCK_STREAM, 0, fd), EAFNOSUPPORT);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK_EQ(send(fd[0], "", 0, MSG_NOSIGNAL), 0);
	CHECK(close(fd[1]) == 0);
	CHECK_ERR(send(fd[0], "", 0, MSG_NOSIGNAL), EPIPE);
	fd[0] = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_ERR(connect(fd[0], (void *)&unix_family, 2), EINVAL);
}

/* chattr's flags: append only, immutable, no dump. */
TEST(flags_on_tmpfs)
{
	struct timespec t[2] = { { .tv_nsec = UTIME_NOW },
				 { .tv_nsec = UTIME_OMIT } };
	int flags, fd, more;
	pid_t pid;

	unlink("/dev/shm/flags");
	CHECK(chdir("/dev/shm") == 0);
	fd = open("flags", O_CREAT | O_RDWR, 0644);
	CHECK(ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags == 0);
	flags = FS_APPEND_FL | FS_NODUMP_FL;
	CHECK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
	flags = 0;
	CHECK(ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0);
	CHECK_EQ(flags, FS_APPEND_FL | FS_NODUMP_FL);
	CHECK_ERR(open("flags", O_RDWR), EPERM);
	CHECK((more = open("flags", O_WRONLY | O_APPEND)) >= 0);
	CHECK_ERR(unlink("flags"), EPERM);
	CHECK_ERR(utimensat(AT_FDCWD, "flags", t, 0), EPERM);
	CHECK(utimensat(AT_FDCWD, "flags", NULL, 0) == 0);
	flags = FS_IMMUTABLE_FL;
	CHECK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
	CHECK_ERR(utimensat(AT_FDCWD, "flags", NULL, 0), EPERM);
	CHECK_ERR(setxattr("flags", "user.a", "", 0, 0), EPERM);
	CHECK_ERR(chmod("flags", 0600), EPERM);
	flags = 4;	/* compression */
	CHECK_ERR(ioctl(fd, FS_IOC_SETFLAGS, &flags), EOPNOTSUPP);
	flags = 0;
	CHECK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
	CHECK(unlink("flags") == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(setuid(1000) == 0);
		flags = FS_NODUMP_FL;
		CHECK_ERR(ioctl(fd, FS_IOC_SETFLAGS, &flags), EPERM);
		CHECK((fd = open(".", O_TMPFILE | O_RDWR, 0600)) >= 0);
		CHECK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
		flags = FS_APPEND_FL;
		CHECK_ERR(ioctl(fd, FS_IOC_SETFLAGS, &flags), EPERM);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

static long file_number(const char *format, int major, int minor)
{
	char path[128];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), format, major, minor);
	f = fopen(path, "r");
	CHECK(f && fscanf(f, "%ld", &n) == 1);
	fclose(f);
	return n;
}

#define DIOALIGN 0x2000u

/* What O_DIRECT asks of a disk, and of a file on it. */
TEST(statx_tells_of_direct_io)
{
	static char block[4096] __attribute__((aligned(4096)));
	struct { unsigned w[64]; } x;	/* mem 38, offset 39 */
	const char *queue = "/sys/dev/block/%d:%d/queue/";
	char path[128], on_disk[] = "/var/tmp/errnoXXXXXX";
	struct stat st;
	int fd = enter(mkdtemp(on_disk));

	CHECK(fstat(fd, &st) == 0 && major(st.st_dev));
	snprintf(path, sizeof(path), "%slogical_block_size", queue);
	CHECK(syscall(SYS_statx, AT_FDCWD, "f", 0, DIOALIGN, &x) == 0);
	CHECK(x.w[0] & DIOALIGN);
	CHECK(x.w[38] && x.w[39]);
	CHECK_EQ(x.w[39], file_number(path, major(st.st_dev),
				      minor(st.st_dev)));
	CHECK(mknod("disk", S_IFBLK | 0600, st.st_dev) == 0);
	CHECK(syscall(SYS_statx, AT_FDCWD, "disk", 0, DIOALIGN, &x) == 0);
	CHECK(x.w[0] & DIOALIGN);
	snprintf(path, sizeof(path), "%sdma_alignment", queue);
	CHECK_EQ(x.w[38] - 1, file_number(path, major(st.st_dev),
					  minor(st.st_dev)));
	CHECK(syscall(SYS_statx, AT_FDCWD, "disk", 0, 0x7ff, &x) == 0);
	CHECK(!(x.w[0] & DIOALIGN) && !x.w[38]);
	/* that also holds where the file grows */
	CHECK(fcntl(fd, F_SETFL, O_DIRECT) == 0);
	CHECK_ERR(pwrite(fd, block, 1000, 0), EINVAL);
	CHECK_EQ(pwrite(fd, block, 4096, 0), 4096);
	CHECK_ERR(pwrite(fd, block, 4096, 4000), EINVAL);
}

/* Sealed as a program it stays the same program. */
TEST(seals_of_programs)
{
	int fd = (int)syscall(SYS_memfd_create, "x", 2 | 16);

	CHECK(fd >= 0);
	CHECK(write(fd, "x", 1) == 1);
	CHECK(fcntl(fd, F_ADD_SEALS, 0x20) == 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0x3e);
	CHECK_ERR(write(fd, "x", 1), EPERM);
	CHECK_ERR(fchmod(fd, 0600), EPERM);
	fd = (int)syscall(SYS_memfd_create, "x", 2 | 8);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0x20);
	CHECK_ERR(fchmod(fd, 0700), EPERM);
	CHECK(fchmod(fd, 0600) == 0);
	CHECK(write(fd, "x", 1) == 1);
}

#define RNDADDTOENTCNT_ 0x40045201

TEST(which_error_comes_first)
{
	struct rlimit none = { 0, 0 };
	int fd, n = -1, id;
	pid_t pid;

	CHECK(geteuid() == 0);
	CHECK_ERR(open("/tmp", O_RDONLY | O_DIRECT), EINVAL);
	CHECK_ERR(open("/dev/null", O_RDONLY | O_DIRECT), EINVAL);
	CHECK_ERR(setxattr("/dev/null", "user.", "v", 1, 0), EPERM);
	fd = inotify_init1(0);
	CHECK(inotify_add_watch(fd, "/tmp", IN_Q_OVERFLOW) == 1);
	CHECK(inotify_add_watch(fd, "/tmp", IN_IGNORED) == 1);
	CHECK_ERR(inotify_add_watch(fd, "/tmp", 0x10000000), EEXIST);
	CHECK_ERR(inotify_add_watch(fd, "/tmp", 0x00010000), EINVAL);
	fd = open("/dev/urandom", O_RDONLY);
	CHECK_ERR(ioctl(fd, RNDADDTOENTCNT_, &n), EINVAL);
	n = 0;
	CHECK(ioctl(fd, RNDADDTOENTCNT_, &n) == 0);
	CHECK_ERR(ioctl(fd, RNDADDTOENTCNT_, 8L), EFAULT);
	id = semget(IPC_PRIVATE, 1, 0600);
	CHECK(id >= 0);
	pid = fork();
	if (pid == 0) {
		CHECK(setuid(1000) == 0);
		CHECK_ERR(semctl(id, 9, SETVAL, 1), EINVAL);
		CHECK_ERR(semctl(id, 0, SETVAL, 1), EACCES);
		CHECK_ERR(semctl(id, 9, GETVAL), EACCES);
		CHECK_ERR(ioctl(fd, RNDADDTOENTCNT_, &n), EPERM);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK_ERR(semctl(id, 9, GETVAL), EINVAL);
	CHECK(semctl(id, 0, IPC_RMID) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
		CHECK_ERR(syscall(SYS_mq_open, "first", O_CREAT | O_RDWR, 0600,
				  NULL), EMFILE);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK_ERR(syscall(SYS_mq_unlink, "first"), ENOENT);
}

TEST(sysfs_takes_no_names)
{
	CHECK_ERR(open("/sys/x", O_CREAT | O_RDWR, 0600), EACCES);
	CHECK_ERR(open("/sys/class/x", O_CREAT | O_RDWR, 0600), EACCES);
	CHECK_ERR(mknod("/sys/x", S_IFREG | 0600, 0), EACCES);
	CHECK_ERR(mknod("/sys/x", S_IFIFO | 0600, 0), EPERM);
	CHECK_ERR(mkdir("/sys/x", 0700), EPERM);
	CHECK_ERR(symlink("a", "/sys/x"), EPERM);
	CHECK_ERR(rename("/sys/class", "/sys/x"), EPERM);
	CHECK_ERR(mkdir("/sys/class", 0700), EEXIST);
	CHECK_ERR(open("/sys/x", O_RDONLY), ENOENT);
	CHECK_ERR(open("/sys/x/y", O_CREAT | O_RDWR, 0600), ENOENT);
	CHECK_ERR(unlink("/sys/x"), ENOENT);
	CHECK_ERR(rmdir("/sys/x"), ENOENT);
}

TEST(what_a_message_is_told)
{
	struct timeval never = { LONG_MAX, 0 }, got;
	struct iovec v = { (void *)"abc", 3 };
	socklen_t n = sizeof(got);
	struct mmsghdr *m;
	int s[2];
	char c;

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(m != MAP_FAILED);
	m->msg_hdr.msg_iov = &v;
	m->msg_hdr.msg_iovlen = 1;
	CHECK(mprotect(m, 4096, PROT_READ) == 0);
	/* musl's own writes into it */
	CHECK_ERR(syscall(SYS_sendmmsg, s[0], m, 1, 0), EFAULT);
	CHECK_EQ(recv(s[1], &c, 1, 0), 1);	/* it was sent */
	CHECK(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &never,
			 sizeof(never)) == 0);
	CHECK(getsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &got, &n) == 0);
	CHECK(got.tv_sec == 0 && got.tv_usec == 0);
}
