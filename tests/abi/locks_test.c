/* Record locks, open-file-description locks, flock; memory files and seals;
 * splice and its kin; executables that are written to. */
#include "test.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

static char path[] = "/tmp/locksXXXXXX";

static int file(void)
{
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK(ftruncate(fd, 1000) == 0);
	return fd;
}

static int lock(int fd, int cmd, int type, long start, long len)
{
	struct flock l = { .l_type = type, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &l);
}

/* What stands in the way of a write lock, as another process sees it. */
static struct flock probe(long start, long len)
{
	struct flock l = { .l_type = F_WRLCK, .l_start = start, .l_len = len };
	struct flock got = { 0 };
	int p[2];
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (!pid) {
		int fd = open(path, O_RDWR);

		CHECK(fcntl(fd, F_GETLK, &l) == 0);
		CHECK(write(p[1], &l, sizeof(l)) == sizeof(l));
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(read(p[0], &got, sizeof(got)) == sizeof(got));
	close(p[0]);
	close(p[1]);
	return got;
}

TEST(ranges_split_and_merge)
{
	int fd = file();
	struct flock l;

	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 100) == 0);
	CHECK(lock(fd, F_SETLK, F_UNLCK, 40, 20) == 0);
	l = probe(45, 5);
	CHECK_EQ(l.l_type, F_UNLCK);
	l = probe(30, 20);
	CHECK(l.l_type == F_WRLCK && l.l_start == 0 && l.l_len == 40);
	CHECK_EQ(l.l_pid, getpid());
	l = probe(50, 100);
	CHECK(l.l_start == 60 && l.l_len == 40);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 40, 20) == 0);
	l = probe(90, 1);
	CHECK(l.l_start == 0 && l.l_len == 100);
	CHECK(lock(fd, F_SETLK, F_RDLCK, 10, 10) == 0);
	l = probe(12, 1);
	CHECK(l.l_type == F_RDLCK && l.l_start == 10 && l.l_len == 10);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 500, 0) == 0);
	l = probe(100000, 1);
	CHECK(l.l_start == 500 && l.l_len == 0);
	CHECK(lock(fd, F_SETLK, F_UNLCK, 0, 0) == 0);
	CHECK_EQ(probe(0, 0).l_type, F_UNLCK);
	unlink(path);
}

TEST(closing_any_descriptor_drops_them)
{
	int fd = file(), other = open(path, O_RDONLY);

	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
	CHECK_EQ(probe(0, 1).l_type, F_WRLCK);
	close(other);
	CHECK_EQ(probe(0, 1).l_type, F_UNLCK);
	unlink(path);
}

TEST(bad_requests)
{
	int fd = file(), ro = open(path, O_RDONLY);
	struct flock l = { .l_type = 9 };

	CHECK_ERR(lock(ro, F_SETLK, F_WRLCK, 0, 1), EBADF);
	CHECK_ERR(fcntl(fd, F_SETLK, &l), EINVAL);
	CHECK_ERR(lock(fd, F_SETLK, F_WRLCK, -5, 1), EINVAL);
	CHECK_ERR(lock(fd, F_SETLK, F_WRLCK, 5, -10), EINVAL);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 10, -10) == 0);
	CHECK_ERR(fcntl(fd, F_SETLK, (void *)8), EFAULT);
	CHECK_ERR(lock(99, F_SETLK, F_WRLCK, 0, 1), EBADF);
	unlink(path);
}

TEST(waiting_ends_when_it_is_free)
{
	int fd = file(), p[2];
	pid_t pid;
	char c;

	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
	CHECK(pipe(p) == 0);
	pid = fork();
	if (!pid) {
		CHECK_ERR(lock(fd, F_SETLK, F_WRLCK, 5, 1), EAGAIN);
		CHECK(write(p[1], "x", 1) == 1);
		CHECK(lock(fd, F_SETLKW, F_WRLCK, 5, 1) == 0);
		_exit(0);
	}
	CHECK(read(p[0], &c, 1) == 1);
	usleep(20000);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK(lock(fd, F_SETLK, F_UNLCK, 0, 10) == 0);
	CHECK_CHILD(pid);
	unlink(path);
}

TEST(circles_are_refused)
{
	int fd = file(), p[2], st;
	pid_t pid;
	char c;

	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
	CHECK(pipe(p) == 0);
	pid = fork();
	if (!pid) {
		CHECK(lock(fd, F_SETLK, F_WRLCK, 1, 1) == 0);
		CHECK(write(p[1], "x", 1) == 1);
		CHECK(lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0);
		_exit(0);
	}
	CHECK(read(p[0], &c, 1) == 1);
	usleep(50000);
	CHECK_ERR(lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	CHECK(lock(fd, F_SETLK, F_UNLCK, 0, 1) == 0);
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	unlink(path);
}

static void on_alarm(int sig)
{
}

TEST(a_signal_ends_the_wait)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int fd = file();
	pid_t pid;

	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
	pid = fork();
	if (!pid) {
		CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
		ualarm(20000, 0);
		CHECK_ERR(lock(fd, F_SETLKW, F_WRLCK, 0, 1), EINTR);
		_exit(0);
	}
	CHECK_CHILD(pid);
	unlink(path);
}

#ifndef F_OFD_SETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#endif

TEST(ofd_locks_belong_to_the_open_file)
{
	int fd = file(), b = open(path, O_RDWR), d = dup(fd);
	struct flock l = { .l_type = F_WRLCK, .l_len = 10 };

	CHECK(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10) == 0);
	CHECK_ERR(lock(b, F_OFD_SETLK, F_WRLCK, 5, 1), EAGAIN);
	CHECK_ERR(lock(b, F_SETLK, F_RDLCK, 5, 1), EAGAIN);
	CHECK(lock(d, F_OFD_SETLK, F_WRLCK, 5, 1) == 0);
	CHECK(fcntl(b, F_OFD_GETLK, &l) == 0);
	CHECK_EQ(l.l_pid, -1);
	close(fd);
	CHECK_ERR(lock(b, F_OFD_SETLK, F_WRLCK, 5, 1), EAGAIN);
	close(d);
	CHECK(lock(b, F_OFD_SETLK, F_WRLCK, 5, 1) == 0);
	l.l_pid = 1;
	CHECK_ERR(fcntl(b, F_OFD_SETLK, &l), EINVAL);
	unlink(path);
}

TEST(flock_of_two_openers)
{
	int a = file(), b = open(path, O_RDONLY), d = dup(a);

	CHECK(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0);
	CHECK_ERR(flock(a, LOCK_EX | LOCK_NB), EAGAIN);
	CHECK(flock(b, LOCK_UN) == 0);
	CHECK(flock(a, LOCK_EX | LOCK_NB) == 0);
	CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EAGAIN);
	CHECK(flock(d, LOCK_EX | LOCK_NB) == 0);
	CHECK(lock(b, F_SETLK, F_RDLCK, 0, 0) == 0);
	CHECK(flock(d, LOCK_UN) == 0);
	CHECK(flock(b, LOCK_EX | LOCK_NB) == 0);
	close(b);
	CHECK(flock(a, LOCK_EX | LOCK_NB) == 0);
	CHECK_ERR(flock(a, 77), EINVAL);
	CHECK_ERR(flock(99, LOCK_SH), EBADF);
	unlink(path);
}

/* --- memory files ------------------------------------------------------------*/
TEST(seals)
{
	char link[64], text[64] = "";
	int fd = memfd_create("mine", MFD_ALLOW_SEALING | MFD_CLOEXEC), plain;
	void *p;

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	CHECK(readlink(link, text, sizeof(text) - 1) > 0);
	CHECK_STR(text, "/memfd:mine (deleted)");
	CHECK(ftruncate(fd, 8192) == 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	CHECK_ERR(ftruncate(fd, 4096), EPERM);
	CHECK(ftruncate(fd, 16384) == 0);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
	CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0);
	CHECK_ERR(write(fd, "more", 4), EPERM);
	CHECK(fcntl(fd, F_SETFL, 0) == 0);
	CHECK_ERR(ftruncate(fd, 32768), EPERM);
	CHECK_ERR(pwrite(fd, "x", 1, 16384), EPERM);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK(munmap(p, 4096) == 0);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	CHECK_ERR(write(fd, "x", 1), EPERM);
	CHECK_ERR((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			     fd, 0), EPERM);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	plain = memfd_create("plain", 0);
	CHECK_EQ(fcntl(plain, F_GET_SEALS), F_SEAL_SEAL);
	CHECK_ERR(memfd_create("x", 0x8000), EINVAL);
	CHECK_ERR(fcntl(0, F_GET_SEALS), EINVAL);
}

/* --- moving bytes ------------------------------------------------------------*/
TEST(splice_and_tee)
{
	int fd = file(), a[2], b[2];
	char buf[64];
	loff_t pos = 2;

	CHECK(pwrite(fd, "0123456789", 10, 0) == 10);
	CHECK(pipe(a) == 0 && pipe(b) == 0);
	CHECK_EQ(splice(fd, &pos, a[1], NULL, 5, 0), 5);
	CHECK_EQ(pos, 7);
	CHECK_EQ(tee(a[0], b[1], 3, 0), 3);
	CHECK_EQ(read(b[0], buf, 64), 3);
	CHECK(!memcmp(buf, "234", 3));
	CHECK_EQ(splice(a[0], NULL, b[1], NULL, 64, 0), 5);
	pos = 100;
	CHECK_EQ(splice(b[0], NULL, fd, &pos, 64, 0), 5);
	CHECK_EQ(pread(fd, buf, 5, 100), 5);
	CHECK(!memcmp(buf, "23456", 5));
	CHECK_ERR(splice(b[0], NULL, fd, &pos, 64, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(splice(fd, NULL, fd, NULL, 64, 0), EINVAL);
	CHECK_ERR(splice(a[0], &pos, fd, NULL, 64, 0), ESPIPE);
	close(b[1]);
	CHECK_EQ(splice(b[0], NULL, fd, NULL, 64, 0), 0);
	unlink(path);
}

TEST(vmsplice_both_ways)
{
	char out[16] = "";
	struct iovec w[2] = { { "abc", 3 }, { "defg", 4 } };
	struct iovec r = { out, sizeof(out) };
	int p[2];

	CHECK(pipe(p) == 0);
	CHECK_EQ(vmsplice(p[1], w, 2, 0), 7);
	CHECK_EQ(vmsplice(p[0], &r, 1, 0), 7);
	CHECK_STR(out, "abcdefg");
	CHECK_ERR(vmsplice(0, w, 2, 64), EINVAL);
}

TEST(sendfile_and_copy_file_range)
{
	static char big[300000], back[300000];
	int fd = file(), out, p[2];
	char other[] = "/tmp/lockoXXXXXX";
	off_t pos = 0;
	loff_t i = 100, o = 7;

	for (unsigned n = 0; n < sizeof(big); n++)
		big[n] = (char)(n * 7 + n / 4096);
	CHECK_EQ(pwrite(fd, big, sizeof(big), 0), sizeof(big));
	out = mkstemp(other);
	CHECK_EQ(sendfile(out, fd, &pos, sizeof(big) + 10), sizeof(big));
	CHECK_EQ(pos, sizeof(big));
	CHECK_EQ(pread(out, back, sizeof(back), 0), sizeof(back));
	CHECK(!memcmp(big, back, sizeof(big)));
	CHECK_EQ(sendfile(out, fd, &pos, 10), 0);
	CHECK_EQ(copy_file_range(fd, &i, out, &o, 200000, 0), 200000);
	CHECK(i == 200100 && o == 200007);
	CHECK_EQ(pread(out, back, 200000, 7), 200000);
	CHECK(!memcmp(big + 100, back, 200000));
	CHECK_ERR(copy_file_range(fd, &i, fd, &i, 10, 0), EINVAL);
	i = 1000000;
	CHECK_EQ(copy_file_range(fd, &i, out, &o, 10, 0), 0);
	CHECK_ERR(copy_file_range(fd, NULL, out, NULL, 10, 1), EINVAL);
	CHECK(pipe(p) == 0);
	pos = 0;
	CHECK_EQ(sendfile(p[1], fd, &pos, 100), 100);
	CHECK_EQ(read(p[0], back, 200), 100);
	CHECK(!memcmp(big, back, 100));
	CHECK_ERR(sendfile(out, p[1], NULL, 10), EBADF);
	unlink(path);
	unlink(other);
}

TEST(running_program_cannot_be_written)
{
	char self[256], copy[] = "/tmp/lockpXXXXXX";
	char *argv[] = { copy, "nothing-to-run", NULL };
	int in = open("/proc/self/exe", O_RDONLY), out = mkstemp(copy);
	struct stat st;
	off_t pos = 0;
	pid_t pid;

	CHECK(fstat(in, &st) == 0);
	CHECK_EQ(sendfile(out, in, &pos, st.st_size), st.st_size);
	CHECK(fchmod(out, 0755) == 0);
	pid = fork();
	if (!pid) {
		execv(copy, argv);
		_exit(errno == ETXTBSY ? 0 : 1);
	}
	CHECK_CHILD(pid);
	close(out);
	CHECK(readlink("/proc/self/exe", self, sizeof(self)) > 0);
	CHECK_ERR(open("/proc/self/exe", O_WRONLY), ETXTBSY);
	CHECK_ERR(truncate("/proc/self/exe", 0), ETXTBSY);
	unlink(copy);
}

TEST(deleted_names_in_proc)
{
	char link[64], text[256] = "", want[256];
	int fd = file();

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	CHECK(readlink(link, text, sizeof(text) - 1) > 0);
	CHECK_STR(text, path);
	unlink(path);
	memset(text, 0, sizeof(text));
	CHECK(readlink(link, text, sizeof(text) - 1) > 0);
	snprintf(want, sizeof(want), "%s (deleted)", path);
	CHECK_STR(text, want);
	CHECK(open(link, O_RDONLY) >= 0);
}
