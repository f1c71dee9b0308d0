/* Files: open flags, links, names, directories, times, locks, holes. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char dir[] = "/tmp/fileXXXXXX";

static void enter(void)
{
	CHECK(mkdtemp(dir) != NULL);
	CHECK(chdir(dir) == 0);
}

static int make(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

TEST(open_flags)
{
	enter();
	CHECK_ERR(open("a", O_RDONLY), ENOENT);
	CHECK(open("a", O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0);
	CHECK_ERR(open("a", O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_ERR(open("a", O_DIRECTORY), ENOTDIR);
	CHECK_ERR(open("a/", O_RDONLY), ENOTDIR);
	CHECK_ERR(open(".", O_WRONLY), EISDIR);
	CHECK_ERR(open("b/c", O_CREAT, 0600), ENOENT);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
	CHECK(symlink("a", "s") == 0);
	CHECK_ERR(open("s", O_NOFOLLOW), ELOOP);
	CHECK(open("s", O_RDONLY) >= 0);
	CHECK(symlink("l2", "l1") == 0 && symlink("l1", "l2") == 0);
	CHECK_ERR(open("l1", O_RDONLY), ELOOP);
}

TEST(names_are_checked)
{
	char name[300];

	enter();
	memset(name, 'x', sizeof(name));
	name[256] = 0;
	CHECK_ERR(open(name, O_CREAT, 0600), ENAMETOOLONG);
	name[255] = 0;
	CHECK(open(name, O_CREAT, 0600) >= 0);
	CHECK_ERR(open((char *)8L, O_RDONLY), EFAULT);
}

TEST(append_and_positions)
{
	char buf[16];
	int fd, ap;

	enter();
	fd = make("f", "hello");
	ap = open("f", O_WRONLY | O_APPEND);
	CHECK_EQ(lseek(ap, 0, SEEK_SET), 0);
	CHECK_EQ(write(ap, "!!", 2), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 7);
	CHECK_EQ(pread(fd, buf, 16, 3), 4);
	CHECK(memcmp(buf, "lo!!", 4) == 0);
	CHECK_EQ(lseek(fd, -2, SEEK_CUR), 5);
	CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERR(pread(fd, buf, 1, -1), EINVAL);
	CHECK_ERR(read(ap, buf, 1), EBADF);
}

TEST(holes_read_as_zero)
{
	char buf[10];
	struct stat st;
	int fd;

	enter();
	fd = make("f", "x");
	CHECK_EQ(pwrite(fd, "y", 1, 1000000), 1);
	CHECK(fstat(fd, &st) == 0);
	CHECK_EQ(st.st_size, 1000001);
	CHECK(st.st_blocks < 100);
	CHECK_EQ(pread(fd, buf, 10, 500000), 10);
	for (int i = 0; i < 10; i++)
		CHECK(buf[i] == 0);
	CHECK(ftruncate(fd, 0) == 0);
	CHECK_EQ(pread(fd, buf, 10, 0), 0);
}

TEST(vectors)
{
	char a[3], b[5];
	struct iovec v[2] = { { a, 3 }, { b, 5 } };
	int fd;

	enter();
	fd = make("f", "12345678");
	lseek(fd, 0, SEEK_SET);
	CHECK_EQ(readv(fd, v, 2), 8);
	CHECK(memcmp(a, "123", 3) == 0 && memcmp(b, "45678", 5) == 0);
	CHECK_EQ(pwritev(fd, v, 2, 4), 8);
	CHECK_ERR(readv(fd, v, -1), EINVAL);
}

TEST(links_and_counts)
{
	struct stat st;

	enter();
	make("a", "text");
	CHECK(link("a", "b") == 0);
	CHECK(stat("b", &st) == 0);
	CHECK_EQ(st.st_nlink, 2);
	CHECK_ERR(link("a", "b"), EEXIST);
	CHECK(unlink("a") == 0);
	CHECK(stat("b", &st) == 0);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_ERR(unlink("a"), ENOENT);
	CHECK_ERR(unlink("."), EISDIR);
}

TEST(an_unlinked_file_lives_until_closed)
{
	char c;
	int fd;

	enter();
	fd = make("f", "keep");
	CHECK(unlink("f") == 0);
	CHECK(pread(fd, &c, 1, 2) == 1 && c == 'e');
}

TEST(symlinks)
{
	char buf[64];

	enter();
	CHECK(symlink("target/of/it", "s") == 0);
	CHECK_EQ(readlink("s", buf, sizeof(buf)), 12);
	CHECK_EQ(readlink("s", buf, 3), 3);
	CHECK_ERR(readlink(".", buf, 3), EINVAL);
	CHECK_ERR(symlink("x", "s"), EEXIST);
}

TEST(directories)
{
	struct dirent *d;
	int n = 0, dots = 0;
	DIR *h;

	enter();
	CHECK(mkdir("d", 0755) == 0);
	CHECK_ERR(mkdir("d", 0755), EEXIST);
	for (int i = 0; i < 300; i++) {
		char name[32];

		snprintf(name, sizeof(name), "d/file-%d", i);
		close(make(name, "x"));
	}
	CHECK_ERR(rmdir("d"), ENOTEMPTY);
	h = opendir("d");
	while ((d = readdir(h))) {
		if (d->d_name[0] == '.')
			dots++;
		else
			n++;
	}
	CHECK_EQ(n, 300);
	CHECK_EQ(dots, 2);
	rewinddir(h);
	while ((d = readdir(h)))
		if (d->d_name[0] != '.')
			CHECK(unlinkat(dirfd(h), d->d_name, 0) == 0);
	CHECK(rmdir("d") == 0);
}

TEST(rename_replaces)
{
	char c;
	int fd;

	enter();
	make("a", "A");
	make("b", "B");
	CHECK(rename("a", "b") == 0);
	fd = open("b", O_RDONLY);
	CHECK(read(fd, &c, 1) == 1 && c == 'A');
	CHECK_ERR(rename("a", "c"), ENOENT);
	CHECK(mkdir("d", 0755) == 0);
	CHECK_ERR(rename("b", "d"), EISDIR);
	CHECK_ERR(rename("d", "b"), ENOTDIR);
	CHECK(mkdir("d/e", 0755) == 0);
	CHECK_ERR(rename("d", "d/e/f"), EINVAL);
	make("x", "X");
	CHECK_ERR(renameat2(AT_FDCWD, "x", AT_FDCWD, "b", RENAME_NOREPLACE),
		  EEXIST);
	CHECK(renameat2(AT_FDCWD, "x", AT_FDCWD, "b", RENAME_EXCHANGE) == 0);
	fd = open("b", O_RDONLY);
	CHECK(read(fd, &c, 1) == 1 && c == 'X');
}

TEST(times_have_nanoseconds)
{
	struct timespec t[2] = { { 1000, 123456789 }, { 2000, 987654321 } };
	struct stat st;

	enter();
	make("f", "x");
	CHECK(utimensat(AT_FDCWD, "f", t, 0) == 0);
	CHECK(stat("f", &st) == 0);
	CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK_EQ(st.st_atim.tv_nsec, 123456789);
	CHECK_EQ(st.st_mtim.tv_nsec, 987654321);
	t[0].tv_nsec = 1000000000;
	CHECK_ERR(utimensat(AT_FDCWD, "f", t, 0), EINVAL);
}

TEST(modes_and_umask)
{
	struct stat st;

	enter();
	umask(027);
	CHECK(open("f", O_CREAT, 0666) >= 0);
	CHECK(stat("f", &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0640);
	CHECK(chmod("f", 04755) == 0);
	CHECK(stat("f", &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 04755);
	CHECK(chown("f", 1000, 1000) == 0);
	CHECK(stat("f", &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0755);
	CHECK_EQ(st.st_uid, 1000);
}

TEST(permissions_bind_an_ordinary_user)
{
	pid_t pid;

	enter();
	CHECK(chmod(".", 0755) == 0);
	make("f", "x");
	CHECK(chmod("f", 0600) == 0);
	CHECK(mkdir("d", 0700) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(setgid(1000) == 0 && setuid(1000) == 0);
		CHECK_ERR(open("f", O_RDONLY), EACCES);
		CHECK_ERR(open("d/x", O_RDONLY), EACCES);
		CHECK_ERR(open("new", O_CREAT, 0600), EACCES);
		CHECK_ERR(unlink("f"), EACCES);
		CHECK_ERR(chmod("f", 0777), EPERM);
		CHECK_ERR(setuid(0), EPERM);
		CHECK_ERR(access("f", R_OK), EACCES);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

TEST(sticky_directories_protect)
{
	pid_t pid;

	enter();
	CHECK(chmod(".", 01777) == 0);
	make("f", "x");
	CHECK(chmod("f", 0666) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(setuid(1000) == 0);
		CHECK_ERR(unlink("f"), EPERM);
		CHECK_ERR(rename("f", "g"), EPERM);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

TEST(record_locks_exclude_other_processes)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
			   .l_start = 10, .l_len = 10 };
	pid_t pid;
	int fd;

	enter();
	fd = make("f", "0123456789012345678901234567890");
	CHECK(fcntl(fd, F_SETLK, &l) == 0);
	pid = fork();
	if (pid == 0) {
		l.l_start = 15;
		CHECK_ERR(fcntl(fd, F_SETLK, &l), EAGAIN);
		CHECK(fcntl(fd, F_GETLK, &l) == 0);
		CHECK_EQ(l.l_pid, getppid());
		CHECK_EQ(l.l_start, 10);
		l.l_start = 20;
		l.l_type = F_WRLCK;
		CHECK(fcntl(fd, F_SETLK, &l) == 0);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

TEST(flock_belongs_to_the_open_file)
{
	int a, b;

	enter();
	a = make("f", "x");
	b = open("f", O_RDWR);
	CHECK(flock(a, LOCK_EX) == 0);
	CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK(flock(a, LOCK_UN) == 0);
	CHECK(flock(b, LOCK_SH | LOCK_NB) == 0);
}

TEST(dup_shares_the_position)
{
	int a, b;

	enter();
	a = make("f", "abc");
	b = dup(a);
	CHECK_EQ(lseek(a, 1, SEEK_SET), 1);
	CHECK_EQ(lseek(b, 0, SEEK_CUR), 1);
	CHECK_EQ(dup2(a, 50), 50);
	CHECK_EQ(fcntl(a, F_DUPFD, 60), 60);
	CHECK_ERR(dup3(a, a, 0), EINVAL);
	CHECK_ERR(dup2(a, -1), EBADF);
	CHECK_ERR(close(999), EBADF);
}

TEST(sendfile_and_copy_file_range)
{
	char buf[16];
	off_t at = 2;
	int a, b;

	enter();
	a = make("a", "0123456789");
	b = make("b", "");
	CHECK_EQ(sendfile(b, a, &at, 5), 5);
	CHECK_EQ(at, 7);
	CHECK_EQ(pread(b, buf, 16, 0), 5);
	CHECK(memcmp(buf, "23456", 5) == 0);
	at = 0;
	CHECK_EQ(copy_file_range(a, &at, b, NULL, 3, 0), 3);
	CHECK_EQ(pread(b, buf, 16, 0), 8);
	CHECK(memcmp(buf, "23456012", 8) == 0);
}

TEST(cwd_paths)
{
	char buf[PATH_MAX];

	enter();
	CHECK(mkdir("x", 0755) == 0 && chdir("x") == 0);
	CHECK(getcwd(buf, sizeof(buf)) != NULL);
	CHECK(strcmp(buf + strlen(dir), "/x") == 0);
	CHECK_ERR(getcwd(buf, 3) ? 0 : -1, ERANGE);
	CHECK(chdir("..") == 0 && rmdir("x") == 0);
	CHECK(chdir("/../..") == 0);
	CHECK_STR(getcwd(buf, sizeof(buf)), "/");
}

TEST(fifos)
{
	char buf[4];
	pid_t pid;
	int fd;

	enter();
	CHECK(mkfifo("p", 0600) == 0);
	CHECK_ERR(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
	pid = fork();
	if (pid == 0) {
		fd = open("p", O_WRONLY);
		CHECK(write(fd, "abc", 3) == 3);
		_exit(0);
	}
	fd = open("p", O_RDONLY);
	CHECK_EQ(read(fd, buf, 4), 3);
	CHECK_CHILD(pid);
	CHECK_EQ(read(fd, buf, 4), 0);
}

TEST(statfs_and_fallocate)
{
	struct statvfs v;
	struct stat st;
	int fd;

	enter();
	CHECK(statvfs(".", &v) == 0);
	CHECK(v.f_bsize > 0 && v.f_blocks > v.f_bfree);
	fd = make("f", "x");
	CHECK(posix_fallocate(fd, 0, 100000) == 0);
	CHECK(fstat(fd, &st) == 0);
	CHECK_EQ(st.st_size, 100000);
}

struct cached {
	unsigned long long pages, dirty, writeback, evicted, recently;
};

static long count_cached(int fd, unsigned long long off,
			 unsigned long long len, struct cached *c)
{
	unsigned long long range[2] = { off, len };

	return syscall(451, fd, range, c, 0);
}

static struct {
	struct fiemap head;
	struct fiemap_extent e[4];
} places;

static int ask_places(int fd, __u64 start, __u64 len, int count, int flags)
{
	memset(&places, 0, sizeof(places));
	places.head.fm_start = start;
	places.head.fm_length = len;
	places.head.fm_extent_count = count;
	places.head.fm_flags = flags;
	return ioctl(fd, FS_IOC_FIEMAP, &places);
}

/* A written extent, a hole, and one that is only reserved; on the disk. */
static int file_with_extents(void)
{
	char name[] = "/var/tmp/extentsXXXXXX", data[8192];
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	unlink(name);
	memset(data, 7, sizeof(data));
	CHECK(write(fd, data, sizeof(data)) == sizeof(data));
	CHECK(fallocate(fd, 0, 65536, 16384) == 0);
	return fd;
}

TEST(fiemap_tells_extents)
{
	int fd = file_with_extents();

	CHECK(ask_places(fd, 0, ~0ull, 4, FIEMAP_FLAG_SYNC) == 0);
	CHECK_EQ(places.head.fm_mapped_extents, 2);
	CHECK_EQ(places.e[0].fe_logical, 0);
	CHECK_EQ(places.e[0].fe_length, 8192);
	CHECK_EQ(places.e[0].fe_flags, 0);
	CHECK(places.e[0].fe_physical != 0);
	CHECK_EQ(places.e[1].fe_logical, 65536);
	CHECK_EQ(places.e[1].fe_length, 16384);
	CHECK_EQ(places.e[1].fe_flags,
		 FIEMAP_EXTENT_UNWRITTEN | FIEMAP_EXTENT_LAST);
	CHECK(ask_places(fd, 0, ~0ull, 0, 0) == 0);
	CHECK_EQ(places.head.fm_mapped_extents, 2);
	CHECK(ask_places(fd, 0, ~0ull, 1, 0) == 0);
	CHECK_EQ(places.head.fm_mapped_extents, 1);
	CHECK_EQ(places.e[0].fe_flags, 0);
	CHECK(ask_places(fd, 4096, 4096, 4, 0) == 0);
	CHECK_EQ(places.head.fm_mapped_extents, 1);
	CHECK_EQ(places.e[0].fe_logical, 4096);
	CHECK_EQ(places.e[0].fe_length, 4096);
	CHECK(ask_places(fd, 8192, 16384, 4, 0) == 0);
	CHECK_EQ(places.head.fm_mapped_extents, 0);
}

TEST(fiemap_refuses_what_it_does_not_know)
{
	int fd = file_with_extents(), null = open("/dev/null", O_RDWR);

	CHECK_ERR(ask_places(fd, 0, 0, 4, 0), EINVAL);
	CHECK_ERR(ask_places(fd, 0, 1, 1 << 30, 0), EINVAL);
	CHECK_ERR(ask_places(fd, 1ull << 62, 1, 4, 0), EFBIG);
	CHECK_ERR(ask_places(fd, 0, 1, 4, 0x80 | FIEMAP_FLAG_SYNC), EBADR);
	CHECK_EQ(places.head.fm_flags, 0x80);
	CHECK_ERR(ioctl(fd, FS_IOC_FIEMAP, NULL), EFAULT);
	CHECK_ERR(ask_places(null, 0, 1, 4, 0), EOPNOTSUPP);
	CHECK_ERR(ask_places(open("/dev/shm", O_RDONLY), 0, 1, 4, 0),
		  EOPNOTSUPP);
}

TEST(cached_pages_are_counted)
{
	static char data[10 * 4096];
	char name[] = "/tmp/cachedXXXXXX";
	unsigned long long range[2] = { 0, 0 };
	struct cached c;
	struct statfs fs;
	int fd = mkstemp(name);

	CHECK(write(fd, data, sizeof(data)) == sizeof(data));
	CHECK(count_cached(fd, 0, 0, &c) == 0);
	CHECK_EQ(c.pages, 10);
	/* What a tmpfs has is never on its way to anywhere. */
	CHECK(statfs(name, &fs) == 0);
	CHECK_EQ(c.dirty + c.writeback, fs.f_type == 0x01021994 ? 0 : 10);
	CHECK(fsync(fd) == 0 && count_cached(fd, 4096, 5 * 4096, &c) == 0);
	CHECK_EQ(c.pages, 5);
	CHECK_EQ(c.dirty + c.writeback + c.evicted, 0);
	CHECK_ERR(count_cached(-1, 0, 0, &c), EBADF);
	CHECK_ERR(syscall(451, fd, (void *)8, &c, 0), EFAULT);
	CHECK_ERR(syscall(451, fd, range, (void *)8, 0), EFAULT);
	CHECK_ERR(syscall(451, fd, range, &c, 1), EINVAL);
	CHECK(unlink(name) == 0);
	if (getuid() == 0)
		CHECK(setuid(1000) == 0);
	CHECK_ERR(count_cached(open("/etc/passwd", O_RDONLY), 0, 0, &c), EPERM);
}

static ssize_t read_nowait(int fd, void *buf, size_t n, off_t pos)
{
	struct iovec v = { buf, n };

	return syscall(SYS_preadv2, fd, &v, 1, pos, 0, 8 /* RWF_NOWAIT */);
}

static ssize_t write_nowait(int fd, void *buf, size_t n, off_t pos)
{
	struct iovec v = { buf, n };

	return syscall(SYS_pwritev2, fd, &v, 1, pos, 0, 8);
}

TEST(reads_that_do_not_wait)
{
	enum { LEN = 64 << 10 };
	static char buf[LEN];
	char on_disk[] = "/var/tmp/fileXXXXXX";
	int fd, refused = 0;
	ssize_t n = -1;

	CHECK(chdir(mkdtemp(on_disk)) == 0);	/* tmpfs does not know it */
	fd = make("f", "");
	memset(buf, 'x', LEN);
	CHECK_EQ(write(fd, buf, LEN), LEN);
	CHECK_EQ(read_nowait(fd, buf, LEN, 0), LEN);
	CHECK_EQ(read_nowait(fd, buf, LEN, LEN - 5), 5);
	CHECK_EQ(read_nowait(fd, buf, 1, LEN), 0);
	CHECK(fsync(fd) == 0);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		buf[0] = 0;
		n = read_nowait(fd, buf, LEN, 0);
		CHECK(n > 0 ? buf[0] == 'x' : n < 0 && errno == EAGAIN);
		refused += n < 0;
	}
	CHECK(refused > 0);
	/* Reading has begun: it comes without anybody waiting. */
	n = -1;
	for (int i = 0; i < 5000 && n < 0; i++) {
		usleep(1000);
		n = read_nowait(fd, buf, 100, 0);
	}
	CHECK_EQ(n, 100);
	CHECK_ERR(write_nowait(fd, buf, 1, 0), EOPNOTSUPP);
	CHECK_ERR(read_nowait(open("/proc/self/status", O_RDONLY), buf, 1, 0),
		  EOPNOTSUPP);
}

TEST(pipes_and_devices_do_not_wait_either)
{
	char c;
	int p[2];

	CHECK(pipe(p) == 0);
	CHECK_ERR(read_nowait(p[0], &c, 1, -1), EAGAIN);
	CHECK_EQ(write_nowait(p[1], "x", 1, -1), 1);
	CHECK_EQ(read_nowait(p[0], &c, 1, -1), 1);
	CHECK_EQ(read_nowait(open("/dev/zero", O_RDONLY), &c, 1, 0), 1);
}

TEST(order_of_errors_of_vectors)
{
	struct iovec v = { dir, 1 };
	int fd, to;

	enter();
	fd = make("f", "text");
	to = open("f", O_WRONLY);
	CHECK_ERR(readv(to, (void *)8L, 1), EBADF);
	CHECK_ERR(readv(to, &v, -1), EBADF);
	CHECK_ERR(readv(fd, &v, -1), EINVAL);
	CHECK_ERR(syscall(SYS_preadv2, fd, 8L, 1, 0, 0, -1), EFAULT);
	CHECK_ERR(syscall(SYS_preadv2, fd, &v, 1, 0, 0, -1), EOPNOTSUPP);
	v.iov_len = 0;
	CHECK_EQ(syscall(SYS_preadv2, fd, &v, 1, 0, 0, -1), 0);
	CHECK_EQ(readv(open(".", O_RDONLY), NULL, 0), 0);
}

/* Blocks that a direct write takes hold what some other file left in them. */
TEST(a_direct_write_that_fails_shows_nothing)
{
	char name[] = "/var/tmp/directXXXXXX", *buf, block[4096];
	size_t half = 512 * 1024;
	int fd, old;

	CHECK(mkdtemp(name) && chdir(name) == 0);
	buf = mmap(NULL, 2 * half, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(buf != MAP_FAILED);
	memset(buf, 's', 2 * half);
	old = open("old", O_RDWR | O_CREAT, 0600);
	CHECK(old >= 0 && write(old, buf, 2 * half) == (ssize_t)(2 * half));
	CHECK(fsync(old) == 0 && close(old) == 0 && unlink("old") == 0);
	CHECK(munmap(buf + half, half) == 0);
	fd = open("new", O_RDWR | O_CREAT | O_DIRECT, 0600);
	CHECK(fd >= 0 && ftruncate(fd, (off_t)(2 * half)) == 0);
	memset(buf, 'n', half);
	if (pwrite(fd, buf, 2 * half, 0) < 0)
		CHECK(errno == EFAULT);
	CHECK(close(fd) == 0);
	fd = open("new", O_RDONLY);
	for (size_t at = 0; at < 2 * half; at += sizeof(block)) {
		CHECK_EQ(read(fd, block, sizeof(block)), sizeof(block));
		CHECK(!memchr(block, 's', sizeof(block)));
	}
	CHECK(unlink("new") == 0 && rmdir(name) == 0);
}

#define OLD_NAMES 600

/* A name that was there all the time is shown, whatever comes meanwhile. */
TEST(a_listing_misses_nothing_while_a_directory_grows)
{
	char name[] = "/var/tmp/listXXXXXX", buf[1024], file[64];
	static char seen[OLD_NAMES];
	long n, made = 0;
	unsigned nr;
	int fd;

	CHECK(mkdtemp(name) && chdir(name) == 0);
	for (int i = 0; i < OLD_NAMES; i++) {
		snprintf(file, sizeof(file), "some-file-%d", i);
		CHECK(close(open(file, O_CREAT | O_WRONLY, 0600)) == 0);
	}
	fd = open(".", O_RDONLY | O_DIRECTORY);
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;
		     at += *(unsigned short *)(buf + at + 16))
			if (sscanf(buf + at + 19, "some-file-%u", &nr) == 1)
				seen[nr] = 1;
		for (int i = 0; made < 1200 && i < 40; i++, made++) {
			snprintf(file, sizeof(file), "another-%ld", made);
			CHECK(close(open(file, O_CREAT | O_WRONLY, 0600)) == 0);
		}
	}
	CHECK_EQ(n, 0);
	for (int i = 0; i < OLD_NAMES; i++)
		CHECK(seen[i]);
	for (int i = 0; i < OLD_NAMES; i++) {
		snprintf(file, sizeof(file), "some-file-%d", i);
		CHECK(unlink(file) == 0);
	}
	for (int i = 0; i < made; i++) {
		snprintf(file, sizeof(file), "another-%d", i);
		CHECK(unlink(file) == 0);
	}
	CHECK(chdir("/") == 0 && rmdir(name) == 0);
}

TEST(what_is_written_directly_is_seen_everywhere)
{
	char name[] = "/var/tmp/seenXXXXXX", c;
	static char block[4096] __attribute__((aligned(4096)));
	volatile char *map;
	int fd = mkstemp(name), direct = open(name, O_WRONLY | O_DIRECT);

	CHECK(fd >= 0 && direct >= 0 && unlink(name) == 0);
	memset(block, 'a', sizeof(block));
	CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	map = mmap(NULL, sizeof(block), PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED && map[0] == 'a');
	memset(block, 'b', sizeof(block));
	CHECK_EQ(pwrite(direct, block, sizeof(block), 0), sizeof(block));
	CHECK_EQ(pread(fd, &c, 1, 1), 1);
	CHECK(c == 'b' && map[2] == 'b');
}
