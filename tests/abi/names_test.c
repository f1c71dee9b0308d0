/* Names: rename, unlink and rmdir, links, directories under change, openat2,
 * descriptors, modes and owners. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

struct how {
	unsigned long long flags, mode, resolve;
};

static char dir[] = "/tmp/namesXXXXXX";

static void enter(void)
{
	CHECK(mkdtemp(dir) != NULL);
	CHECK(chdir(dir) == 0);
	umask(022);
}

static void make(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(close(fd) == 0);
}

static int holds(const char *name, const char *text)
{
	char buf[64] = "";
	int fd = open(name, O_RDONLY), n;

	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return n == (int)strlen(text) && !strcmp(buf, text);
}

static int rename2(const char *a, const char *b, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static int entries(const char *name)
{
	DIR *d = opendir(name);
	int n = 0;

	CHECK(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

TEST(rename_of_files)
{
	struct stat a, b;

	enter();
	make("a", "1");
	CHECK(stat("a", &a) == 0);
	CHECK(rename("a", "b") == 0);
	CHECK_ERR(stat("a", &b), ENOENT);
	CHECK(stat("b", &b) == 0 && a.st_ino == b.st_ino);
	make("c", "2");
	CHECK(rename("c", "b") == 0);
	CHECK(holds("b", "2"));
	CHECK_ERR(rename("nothing", "x"), ENOENT);
	CHECK_ERR(rename("b", "no/x"), ENOENT);
	CHECK(link("b", "l") == 0);
	CHECK(rename("b", "l") == 0);
	CHECK(holds("b", "2") && holds("l", "2"));
	CHECK_ERR(rename("b", "b2/"), ENOTDIR);
	CHECK_ERR(rename("b", "."), EBUSY);
	CHECK_ERR(rename("..", "x"), EBUSY);
}

TEST(rename_of_directories)
{
	struct stat st;

	enter();
	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
	CHECK(mkdir("x", 0755) == 0);
	make("f", "f");
	CHECK_ERR(rename("d", "d/e/g"), EINVAL);
	CHECK_ERR(rename("d/e", "d"), ENOTEMPTY);
	CHECK_ERR(rename("d", "f"), ENOTDIR);
	CHECK_ERR(rename("f", "d"), EISDIR);
	CHECK(stat(".", &st) == 0);
	CHECK_EQ(st.st_nlink, 4);
	CHECK(rename("d/e", "x/e") == 0);
	CHECK(stat("d", &st) == 0);
	CHECK_EQ(st.st_nlink, 2);
	CHECK(stat("x", &st) == 0);
	CHECK_EQ(st.st_nlink, 3);
	CHECK(rename("x", "d") == 0);
	CHECK(stat("d/e", &st) == 0);
	CHECK(chdir("d/e") == 0);
	CHECK(rename("../../d", "../../y") == 0);
	{
		char cwd[PATH_MAX], want[PATH_MAX];

		snprintf(want, sizeof(want), "%s/y/e", dir);
		CHECK(getcwd(cwd, sizeof(cwd)));
		CHECK_STR(cwd, want);
	}
	make("../../z", "z");
	CHECK(holds("../../z", "z"));
}

TEST(rename_flags)
{
	enter();
	make("a", "a");
	make("b", "b");
	CHECK(mkdir("d", 0755) == 0);
	make("d/in", "in");
	CHECK_ERR(rename2("a", "b", RENAME_NOREPLACE), EEXIST);
	CHECK(rename2("a", "c", RENAME_NOREPLACE) == 0);
	CHECK(holds("c", "a"));
	CHECK(rename2("c", "b", RENAME_EXCHANGE) == 0);
	CHECK(holds("b", "a") && holds("c", "b"));
	CHECK(rename2("b", "d", RENAME_EXCHANGE) == 0);
	CHECK(holds("d", "a") && holds("b/in", "in"));
	CHECK(rename2("d", "b/in", RENAME_EXCHANGE) == 0);
	CHECK(holds("d", "in") && holds("b/in", "a"));
	CHECK_ERR(rename2("b", "b/in", RENAME_EXCHANGE), EINVAL);
	CHECK_ERR(rename2("b", "gone", RENAME_EXCHANGE), ENOENT);
	CHECK_ERR(rename2("b", "gone", RENAME_EXCHANGE | RENAME_NOREPLACE),
		  EINVAL);
	CHECK_ERR(rename2("b", "gone", 64), EINVAL);
}

TEST(unlink_and_rmdir)
{
	struct stat st;
	char buf[8];
	int fd;

	enter();
	make("f", "data");
	fd = open("f", O_RDWR);
	CHECK(unlink("f") == 0);
	CHECK_ERR(open("f", O_RDONLY), ENOENT);
	CHECK(fstat(fd, &st) == 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(pread(fd, buf, 8, 0), 4);
	CHECK(mkdir("d", 0755) == 0);
	make("d/f", "");
	CHECK_ERR(rmdir("d"), ENOTEMPTY);
	CHECK_ERR(unlink("d"), EISDIR);
	CHECK_ERR(rmdir("d/f"), ENOTDIR);
	CHECK_ERR(unlink("d/f/"), ENOTDIR);
	CHECK_ERR(rmdir("d/."), EINVAL);
	CHECK_ERR(rmdir("d/.."), ENOTEMPTY);
	CHECK_ERR(rmdir("/"), EBUSY);
	CHECK_ERR(unlink("/"), EISDIR);
	CHECK(unlink("d/f") == 0 && rmdir("d/") == 0);
	CHECK_ERR(unlink("nothing"), ENOENT);
}

TEST(removed_directory_is_dead)
{
	char buf[PATH_MAX];
	int fd;

	enter();
	CHECK(mkdir("d", 0755) == 0);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(chdir("d") == 0);
	CHECK(rmdir("../d") == 0);
	CHECK_ERR(open("x", O_CREAT | O_WRONLY, 0600), ENOENT);
	CHECK_ERR(mkdir("x", 0700), ENOENT);
	CHECK_ERR(openat(fd, "x", O_CREAT | O_WRONLY, 0600), ENOENT);
	CHECK_ERR(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
	CHECK_ERR(syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOENT);
	CHECK(chdir("..") == 0);
}

TEST(hard_links)
{
	struct stat st;

	enter();
	make("a", "a");
	CHECK(link("a", "b") == 0);
	CHECK(stat("b", &st) == 0);
	CHECK_EQ(st.st_nlink, 2);
	CHECK_ERR(link("a", "b"), EEXIST);
	CHECK(mkdir("d", 0755) == 0);
	CHECK_ERR(link("d", "e"), EPERM);
	CHECK_ERR(link("none", "e"), ENOENT);
	CHECK_ERR(link("a", "e/"), ENOENT);
	CHECK(symlink("a", "s") == 0);
	CHECK(link("s", "t") == 0);
	CHECK(lstat("t", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(linkat(AT_FDCWD, "s", AT_FDCWD, "u", AT_SYMLINK_FOLLOW) == 0);
	CHECK(lstat("u", &st) == 0 && S_ISREG(st.st_mode));
	CHECK_EQ(st.st_nlink, 3);
}

TEST(symlinks)
{
	char buf[256];

	enter();
	CHECK(mkdir("d", 0755) == 0);
	make("d/f", "f");
	CHECK(symlink("d", "s") == 0 && symlink("s/f", "g") == 0);
	CHECK(symlink("../d/./f", "d/up") == 0);
	CHECK(holds("s/f", "f") && holds("g", "f") && holds("s/up", "f"));
	CHECK_EQ(readlink("g", buf, sizeof(buf)), 3);
	CHECK_EQ(readlink("g", buf, 2), 2);
	CHECK_ERR(readlink("d", buf, 10), EINVAL);
	/* musl's wrapper asks for a byte instead of none. */
	CHECK_ERR(syscall(SYS_readlinkat, AT_FDCWD, "g", buf, 0), EINVAL);
	CHECK_ERR(symlink("", "e"), ENOENT);
	CHECK_ERR(symlink("x", "s"), EEXIST);
	CHECK_ERR(symlink("x", "new/"), ENOENT);
	CHECK(symlink("gone", "dangling") == 0);
	CHECK_ERR(open("dangling", O_RDONLY), ENOENT);
	CHECK_ERR(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	CHECK(open("dangling", O_CREAT | O_WRONLY, 0600) >= 0);
	CHECK(access("gone", F_OK) == 0);
	CHECK(symlink("f", "d/to-f") == 0 && symlink("d/to-f", "two") == 0);
	CHECK(holds("two", "f"));
	CHECK_ERR(mkdir("dangling2", 0755) ?: rmdir("s"), ENOTDIR);
	CHECK(unlink("s") == 0 && access("d", F_OK) == 0);
}

TEST(forty_links_and_no_more)
{
	char a[16], b[16];

	enter();
	make("l0", "end");
	for (int i = 1; i <= 41; i++) {
		snprintf(a, sizeof(a), "l%d", i - 1);
		snprintf(b, sizeof(b), "l%d", i);
		CHECK(symlink(a, b) == 0);
	}
	CHECK(holds("l5", "end"));
	CHECK(holds("l40", "end"));
	CHECK_ERR(open("l41", O_RDONLY), ELOOP);
	CHECK_ERR(open("l41", O_RDWR | O_CREAT, 0600), ELOOP);
}

TEST(dots_and_slashes)
{
	struct stat a, b;

	enter();
	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
	make("d/f", "f");
	CHECK(holds(".//d/../d/./e/..///f", "f"));
	CHECK(stat("/..", &a) == 0 && stat("/", &b) == 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_ERR(stat("d/f/", &a), ENOTDIR);
	CHECK_ERR(stat("d/f/.", &a), ENOTDIR);
	CHECK_ERR(stat("d/f/..", &a), ENOTDIR);
	CHECK_ERR(open("d/new/", O_CREAT | O_WRONLY, 0600), EISDIR);
	CHECK_ERR(open("d", O_CREAT | O_RDWR, 0600), EISDIR);
	CHECK_ERR(open(".", O_CREAT, 0600), EISDIR);
	CHECK_ERR(mkdir("d/", 0755), EEXIST);
	CHECK(mkdir("n/", 0755) == 0);
	CHECK_ERR(mkdir(".", 0755), EEXIST);
	CHECK_ERR(mkdir("n/x/y", 0755), ENOENT);
	CHECK_ERR(mknod("m/", S_IFREG | 0600, 0), ENOENT);
}

TEST(long_names)
{
	char name[256], path[600];

	enter();
	for (int len = 1; len <= 255; len += len < 80 ? 1 : 25) {
		memset(name, 'n', sizeof(name));
		name[len] = 0;
		make(name, "x");
		snprintf(path, sizeof(path), ".///%s", name);
		CHECK(holds(path, "x"));
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		CHECK(holds(path, "x"));
		name[len - 1] = 'm';
		CHECK_ERR(open(name, O_RDONLY), ENOENT);
		CHECK(rename(path, name) == 0);
		CHECK(holds(name, "x"));
		CHECK(unlink(name) == 0);
	}
}

TEST(readdir_while_removing)
{
	char name[32];
	struct dirent *e;
	DIR *d;
	int seen = 0;

	enter();
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		make(name, "");
	}
	CHECK_EQ(entries("."), 502);
	d = opendir(".");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		CHECK(unlink(e->d_name) == 0);
		seen++;
	}
	closedir(d);
	CHECK_EQ(seen, 500);
	CHECK_EQ(entries("."), 2);
}

TEST(seekdir_comes_back)
{
	char name[32], third[256];
	struct dirent *e;
	long pos = 0;
	DIR *d;

	enter();
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		make(name, "");
	}
	d = opendir(".");
	for (int i = 0; i < 20; i++) {
		pos = telldir(d);
		e = readdir(d);
		CHECK(e);
	}
	strcpy(third, e->d_name);
	while (readdir(d))
		;
	seekdir(d, pos);
	e = readdir(d);
	CHECK(e);
	CHECK_STR(e->d_name, third);
	rewinddir(d);
	closedir(d);
}

TEST(tmpfile_gets_a_name)
{
	char proc[64];
	struct stat st;
	int fd;

	enter();
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 && errno == EOPNOTSUPP)
		SKIP("no O_TMPFILE here");
	CHECK(fd >= 0);
	CHECK(write(fd, "tmp", 3) == 3);
	CHECK(fstat(fd, &st) == 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(entries("."), 2);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	CHECK(linkat(AT_FDCWD, proc, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) ==
	      0);
	CHECK(holds("named", "tmp"));
	CHECK(linkat(fd, "", AT_FDCWD, "flink", AT_EMPTY_PATH) == 0);
	CHECK(holds("flink", "tmp"));
	CHECK_ERR(linkat(-1, "", AT_FDCWD, "none", AT_EMPTY_PATH), EBADF);
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	CHECK_ERR(linkat(AT_FDCWD, proc, AT_FDCWD, "two", AT_SYMLINK_FOLLOW),
		  ENOENT);
	CHECK_ERR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
}

TEST(o_path)
{
	struct stat st;
	char c;
	int fd;

	enter();
	make("f", "f");
	CHECK(symlink("f", "s") == 0);
	fd = open("f", O_PATH);
	CHECK(fd >= 0);
	CHECK_ERR(read(fd, &c, 1), EBADF);
	/* musl's wrapper goes by /proc/self/fd then. */
	CHECK_ERR(syscall(SYS_fchmod, fd, 0600), EBADF);
	CHECK_ERR(ioctl(fd, FIONREAD, &c), EBADF);
	CHECK(fstat(fd, &st) == 0);
	CHECK_EQ(fcntl(fd, F_GETFL), O_PATH);
	close(fd);
	fd = open("s", O_PATH | O_NOFOLLOW);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode));
	CHECK_EQ(readlinkat(fd, "", &c, 1), 1);
	close(fd);
	fd = open(".", O_PATH | O_DIRECTORY);
	CHECK(openat(fd, "f", O_RDONLY) >= 0);
	CHECK_ERR(openat(fd, "f/x", O_RDONLY), ENOTDIR);
}

TEST(openat2_resolve)
{
	struct how how = { .flags = O_RDONLY };
	int d;

	enter();
	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
	make("out", "out");
	make("d/in", "in");
	CHECK(symlink("../out", "d/esc") == 0 && symlink("in", "d/ok") == 0);
	CHECK(symlink("/in", "d/abs") == 0);
	d = open("d", O_PATH);
	how.resolve = 8;		/* BENEATH */
	CHECK(syscall(SYS_openat2, d, "in", &how, sizeof(how)) >= 0);
	CHECK(syscall(SYS_openat2, d, "e/../ok", &how, sizeof(how)) >= 0);
	CHECK_ERR(syscall(SYS_openat2, d, "esc", &how, sizeof(how)), EXDEV);
	CHECK_ERR(syscall(SYS_openat2, d, "../out", &how, sizeof(how)), EXDEV);
	CHECK_ERR(syscall(SYS_openat2, d, "/etc", &how, sizeof(how)), EXDEV);
	how.resolve = 16;		/* IN_ROOT */
	CHECK(syscall(SYS_openat2, d, "abs", &how, sizeof(how)) >= 0);
	CHECK(syscall(SYS_openat2, d, "../../in", &how, sizeof(how)) >= 0);
	CHECK_ERR(syscall(SYS_openat2, d, "esc", &how, sizeof(how)), ENOENT);
	how.resolve = 4;		/* NO_SYMLINKS */
	CHECK_ERR(syscall(SYS_openat2, d, "ok", &how, sizeof(how)), ELOOP);
	how.resolve = 2;		/* NO_MAGICLINKS */
	CHECK_ERR(syscall(SYS_openat2, AT_FDCWD, "/proc/self/cwd/d", &how,
			  sizeof(how)), ELOOP);
	how.resolve = 1;		/* NO_XDEV */
	CHECK_ERR(syscall(SYS_openat2, AT_FDCWD, "/proc/self", &how,
			  sizeof(how)), EXDEV);
	how.resolve = 64;
	CHECK_ERR(syscall(SYS_openat2, d, "in", &how, sizeof(how)), EINVAL);
	how.resolve = 0;
	how.mode = 0600;
	CHECK_ERR(syscall(SYS_openat2, d, "in", &how, sizeof(how)), EINVAL);
	CHECK_ERR(syscall(SYS_openat2, d, "in", &how, 8), EINVAL);
}

TEST(descriptor_tables)
{
	int fd[200], hi;

	for (int i = 0; i < 200; i++) {
		fd[i] = open("/dev/null", O_RDONLY | (i & 1 ? O_CLOEXEC : 0));
		CHECK(fd[i] >= 0);
	}
	CHECK_EQ(fcntl(fd[1], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd[0], F_GETFD), 0);
	CHECK(close(fd[7]) == 0 && close(fd[100]) == 0);
	CHECK_EQ(dup(fd[0]), fd[7]);
	CHECK_EQ(fcntl(fd[0], F_DUPFD, 50), fd[100]);
	CHECK_EQ(dup2(fd[0], 500), 500);
	CHECK_EQ(dup2(500, 500), 500);
	CHECK_ERR(dup2(499, 500), EBADF);
	CHECK_ERR(dup2(0, 100000000), EBADF);
	CHECK_ERR(dup3(0, 0, 0), EINVAL);
	hi = fcntl(fd[0], F_DUPFD_CLOEXEC, 600);
	CHECK_EQ(hi, 600);
	CHECK_EQ(fcntl(hi, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(fcntl(fd[0], F_DUPFD, 1 << 30), EINVAL);
	CHECK(syscall(SYS_close_range, 400, ~0u, 0) == 0);
	CHECK_ERR(fcntl(500, F_GETFD), EBADF);
	CHECK(syscall(SYS_close_range, 3, 60, 4) == 0);
	CHECK_EQ(fcntl(fd[0], F_GETFD), FD_CLOEXEC);
	CHECK_ERR(syscall(SYS_close_range, 5, 4, 0), EINVAL);
	CHECK_ERR(close(-1), EBADF);
	CHECK_ERR(close(500), EBADF);
}

TEST(modes_and_umask)
{
	struct stat st;
	int fd;

	enter();
	umask(027);
	fd = open("f", O_CREAT | O_RDWR, 0666);
	CHECK(fstat(fd, &st) == 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK(mkdir("d", 0777) == 0 && stat("d", &st) == 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 0750);
	CHECK_EQ(umask(022), 027);
	CHECK(fchmod(fd, 04755) == 0 && fstat(fd, &st) == 0);
	CHECK_EQ(st.st_mode, S_IFREG | 04755);
	CHECK(chmod("f", 0) == 0);
	CHECK(mkfifo("p", 0600) == 0 && stat("p", &st) == 0);
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_ERR(chmod("none", 0600), ENOENT);
}

TEST(times)
{
	struct timespec t[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat st, st2;

	enter();
	make("f", "f");
	CHECK(utimensat(AT_FDCWD, "f", t, 0) == 0 && stat("f", &st) == 0);
	CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK_EQ(st.st_mtim.tv_sec, 2000);
	CHECK_EQ(st.st_mtim.tv_nsec, 7);
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_nsec = UTIME_NOW;
	CHECK(utimensat(AT_FDCWD, "f", t, 0) == 0 && stat("f", &st) == 0);
	CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK(st.st_mtim.tv_sec > 100000);
	t[0].tv_nsec = 1000000000;
	CHECK_ERR(utimensat(AT_FDCWD, "f", t, 0), EINVAL);
	CHECK(stat(".", &st) == 0);
	usleep(20000);
	make("g", "");
	CHECK(stat(".", &st2) == 0);
	CHECK(st2.st_mtim.tv_sec > st.st_mtim.tv_sec ||
	      st2.st_mtim.tv_nsec > st.st_mtim.tv_nsec);
	CHECK(symlink("f", "s") == 0);
	t[0] = t[1] = (struct timespec){ 77, 0 };
	CHECK(utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(lstat("s", &st) == 0);
	CHECK_EQ(st.st_mtim.tv_sec, 77);
}

TEST(access_checks)
{
	enter();
	make("f", "f");
	CHECK(access("f", R_OK | W_OK) == 0);
	CHECK_ERR(access("f", X_OK), EACCES);
	CHECK_ERR(access("none", F_OK), ENOENT);
	CHECK_ERR(access("f/x", F_OK), ENOTDIR);
	CHECK_ERR(access("f", 8), EINVAL);
	CHECK(chmod("f", 0111) == 0);
	CHECK(access("f", X_OK) == 0);
	CHECK(faccessat(AT_FDCWD, "f", X_OK, AT_EACCESS) == 0);
}

TEST(unprivileged_permissions)
{
	pid_t pid;

	enter();
	if (getuid())
		SKIP("needs root");
	make("secret", "s");
	CHECK(chmod("secret", 0600) == 0 && chmod(dir, 0755) == 0);
	CHECK(mkdir("sticky", 01777) == 0 && chmod("sticky", 01777) == 0);
	make("sticky/mine", "m");
	CHECK(mkdir("closed", 0700) == 0);
	make("closed/f", "f");
	pid = fork();
	if (!pid) {
		CHECK(setgid(1234) == 0 && setuid(1234) == 0);
		CHECK_ERR(open("secret", O_RDONLY), EACCES);
		CHECK_ERR(open("closed/f", O_RDONLY), EACCES);
		CHECK_ERR(open("new", O_CREAT | O_WRONLY, 0600), EACCES);
		CHECK_ERR(unlink("secret"), EACCES);
		CHECK_ERR(unlink("sticky/mine"), EPERM);
		CHECK_ERR(rename("sticky/mine", "sticky/x"), EPERM);
		CHECK_ERR(chmod("secret", 0666), EPERM);
		CHECK_ERR(chown("secret", 1234, -1), EPERM);
		CHECK_ERR(mknod("sticky/dev", S_IFCHR | 0600, 0x103), EPERM);
		CHECK(open("sticky/own", O_CREAT | O_WRONLY, 0600) >= 0);
		CHECK(rename("sticky/own", "sticky/own2") == 0);
		CHECK(unlink("sticky/own2") == 0);
		CHECK_ERR(chroot("."), EPERM);
		CHECK_ERR(access("secret", R_OK), EACCES);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

TEST(setgid_directories_pass_their_group_on)
{
	struct stat st;

	enter();
	if (getuid())
		SKIP("needs root");
	CHECK(mkdir("d", 0755) == 0 && chown("d", 0, 555) == 0);
	CHECK(chmod("d", 02775) == 0);
	make("d/f", "");
	CHECK(mkdir("d/e", 0755) == 0);
	CHECK(stat("d/f", &st) == 0);
	CHECK_EQ(st.st_gid, 555);
	CHECK(stat("d/e", &st) == 0);
	CHECK_EQ(st.st_gid, 555);
	CHECK_EQ(st.st_mode & 07777, 02755);
}

TEST(write_takes_setuid_away)
{
	struct stat st;
	pid_t pid;

	enter();
	if (getuid())
		SKIP("needs root");
	make("f", "f");
	CHECK(chown("f", 1234, 1234) == 0 && chmod("f", 06777) == 0);
	CHECK(chmod(dir, 0755) == 0);
	pid = fork();
	if (!pid) {
		int fd;

		CHECK(setgid(1234) == 0 && setuid(1234) == 0);
		fd = open("f", O_WRONLY);
		CHECK(fd >= 0 && write(fd, "x", 1) == 1);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(stat("f", &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0777);
	CHECK(chmod("f", 06777) == 0 && chown("f", 0, 0) == 0);
	CHECK(stat("f", &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0777);
}

/* --- under change ----------------------------------------------------------*/
static volatile int stop;

static void *renamer(void *arg)
{
	for (int i = 0; !stop; i++) {
		if (rename(i & 1 ? "r/b" : "r/a", i & 1 ? "r/a" : "r/b"))
			return (void *)1;
	}
	return NULL;
}

static void *creator(void *arg)
{
	char name[32];

	for (int i = 0; !stop; i++) {
		snprintf(name, sizeof(name), "r/c%ld-%d", (long)arg, i & 7);
		close(open(name, O_CREAT | O_WRONLY, 0600));
		unlink(name);
	}
	return NULL;
}

TEST(one_of_two_names_is_always_there)
{
	pthread_t t[3];
	void *ret;

	enter();
	CHECK(mkdir("r", 0755) == 0);
	make("r/a", "a");
	CHECK(pthread_create(&t[0], NULL, renamer, NULL) == 0);
	CHECK(pthread_create(&t[1], NULL, creator, (void *)1) == 0);
	CHECK(pthread_create(&t[2], NULL, creator, (void *)2) == 0);
	for (int i = 0; i < 20000; i++) {
		struct stat st;

		if (stat("r/a", &st) == 0 || stat("r/b", &st) == 0)
			continue;
		CHECK_EQ(errno, ENOENT);
	}
	stop = 1;
	CHECK(pthread_join(t[0], &ret) == 0);
	CHECK(!ret);
	CHECK(pthread_join(t[1], NULL) == 0 && pthread_join(t[2], NULL) == 0);
	CHECK_EQ(entries("r"), 3);
}

static void *mover(void *arg)
{
	long me = (long)arg;
	char a[32], b[32];

	for (int i = 0; i < 3000; i++) {
		snprintf(a, sizeof(a), "d%ld/x", (i + me) % 3);
		snprintf(b, sizeof(b), "d%ld/x", (i + me + 1) % 3);
		rename(a, b);
		rename2(a, b, RENAME_EXCHANGE);
		rmdir(a);
		mkdir(b, 0700);
	}
	return NULL;
}

TEST(directories_moved_by_many)
{
	pthread_t t[4];

	enter();
	CHECK(mkdir("d0", 0755) == 0 && mkdir("d1", 0755) == 0 &&
	      mkdir("d2", 0755) == 0);
	for (long i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, mover, (void *)i) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	for (int i = 0; i < 3; i++) {
		char name[8] = { 'd', (char)('0' + i), 0 };
		struct stat st;
		char x[8];

		CHECK(stat(name, &st) == 0);
		snprintf(x, sizeof(x), "d%d/x", i);
		CHECK_EQ(st.st_nlink, access(x, F_OK) ? 2 : 3);
	}
}

