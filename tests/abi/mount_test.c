/* Mounts: bind, move, remount, propagation, detaching, pivot_root, chroot,
 * and what /proc shows of them.  Each test has a mount namespace. */
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

static char dir[] = "/tmp/mountXXXXXX";

static void enter(void)
{
	if (geteuid())
		SKIP("needs root");
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mkdtemp(dir) != NULL);
	CHECK(mount("t", dir, "tmpfs", 0, "size=8m,mode=755") == 0);
	CHECK(chdir(dir) == 0);
}

static void make(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0644);

	CHECK(fd >= 0 && close(fd) == 0);
}

static int is_there(const char *name)
{
	return access(name, F_OK) == 0;
}

/* Is there a mount on PATH below our directory, with the text? */
static int listed(const char *file, const char *path, const char *text)
{
	static char buf[65536];
	char want[PATH_MAX];
	int fd = open(file, O_RDONLY), n, len = 0;

	CHECK(fd >= 0);
	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = 0;
	snprintf(want, sizeof(want), " %s%s ", dir, path);
	for (char *l = strtok(buf, "\n"); l; l = strtok(NULL, "\n"))
		if (strstr(l, want) && strstr(l, text))
			return 1;
	return 0;
}

TEST(tmpfs_comes_and_goes)
{
	struct statfs s;

	enter();
	CHECK(mkdir("m", 0755) == 0);
	make("m/under");
	CHECK(mount("x", "m", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") == 0);
	CHECK(!is_there("m/under"));
	make("m/over");
	CHECK(statfs("m", &s) == 0);
	CHECK_EQ(s.f_type, 0x01021994);
	CHECK_EQ(s.f_blocks, 256);
	CHECK(listed("/proc/self/mounts", "/m", "nosuid,nodev"));
	CHECK(listed("/proc/self/mountinfo", "/m", "- tmpfs x"));
	CHECK_ERR(rmdir("m"), EBUSY);
	CHECK_ERR(rename("m", "n"), EBUSY);
	CHECK(umount("m") == 0);
	CHECK(is_there("m/under") && !is_there("m/over"));
	CHECK_ERR(umount("m"), EINVAL);
	CHECK_ERR(umount("none"), ENOENT);
	CHECK_ERR(mount("x", "m", "nonsense", 0, NULL), ENODEV);
	CHECK_ERR(mount("x", "m/under", "tmpfs", 0, NULL), ENOTDIR);
	CHECK_ERR(mount("x", "m", "tmpfs", 0, "nonsense=1"), EINVAL);
}

TEST(busy_mounts_stay)
{
	int fd;

	enter();
	CHECK(mkdir("m", 0755) == 0);
	CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
	fd = open("m/f", O_CREAT | O_RDWR, 0600);
	CHECK_ERR(umount("m"), EBUSY);
	CHECK(umount2("m", MNT_DETACH) == 0);
	CHECK(!is_there("m/f"));
	CHECK(write(fd, "x", 1) == 1);
	CHECK(mkdir("m/sub", 0755) == 0);
	CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("m/sub", 0755) == 0);
	CHECK(mount("y", "m/sub", "tmpfs", 0, NULL) == 0);
	CHECK_ERR(umount("m"), EBUSY);
	CHECK(umount("m/sub") == 0 && umount("m") == 0);
}

TEST(bind_shows_the_same_tree)
{
	struct stat a, b;

	enter();
	CHECK(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0);
	CHECK(mkdir("a/s", 0755) == 0);
	CHECK(mount("a", "b", NULL, MS_BIND, NULL) == 0);
	make("b/f");
	CHECK(stat("a/f", &a) == 0 && stat("b/f", &b) == 0);
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	CHECK_ERR(link("a/f", "b/g"), EXDEV);
	CHECK_ERR(rename("a/f", "b/g"), EXDEV);
	CHECK(listed("/proc/self/mountinfo", "/b", "/a "));
	CHECK(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) ==
	      0);
	CHECK_ERR(open("b/f", O_WRONLY), EROFS);
	CHECK_ERR(open("b/new", O_CREAT | O_WRONLY, 0600), EROFS);
	CHECK_ERR(mkdir("b/s", 0755), EEXIST);
	CHECK_ERR(mkdir("b/t", 0755), EROFS);
	CHECK_ERR(unlink("b/f"), EROFS);
	CHECK_ERR(access("b/f", W_OK), EROFS);
	CHECK(open("a/f", O_WRONLY) >= 0);
	CHECK(umount("b") == 0);
	make("x");
	make("y");
	CHECK(mount("x", "y", NULL, MS_BIND, NULL) == 0);
	CHECK_ERR(unlink("y"), EBUSY);
	CHECK(umount("y") == 0);
	CHECK_ERR(mount("a", "y", NULL, MS_BIND, NULL), ENOTDIR);
}

TEST(recursive_bind_takes_mounts_along)
{
	enter();
	CHECK(mkdir("a", 0755) == 0 && mkdir("a/m", 0755) == 0);
	CHECK(mkdir("b", 0755) == 0 && mkdir("c", 0755) == 0);
	CHECK(mount("x", "a/m", "tmpfs", 0, NULL) == 0);
	make("a/m/f");
	CHECK(mount("a", "b", NULL, MS_BIND, NULL) == 0);
	CHECK(!is_there("b/m/f"));
	CHECK(mount("a", "c", NULL, MS_BIND | MS_REC, NULL) == 0);
	CHECK(is_there("c/m/f"));
	CHECK_ERR(umount("c"), EBUSY);
	CHECK(umount2("c", MNT_DETACH) == 0);
	CHECK(!is_there("c/m"));
	CHECK(is_there("a/m/f"));
}

TEST(move_takes_it_elsewhere)
{
	enter();
	CHECK(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0);
	CHECK(mount("x", "a", "tmpfs", 0, NULL) == 0);
	make("a/f");
	CHECK(mkdir("a/in", 0755) == 0);
	CHECK(mount("y", "a/in", "tmpfs", 0, NULL) == 0);
	make("a/in/g");
	CHECK_ERR(mount("a", "a/in", NULL, MS_MOVE, NULL), ELOOP);
	CHECK(mount("a", "b", NULL, MS_MOVE, NULL) == 0);
	CHECK(!is_there("a/f") && is_there("b/f") && is_there("b/in/g"));
	CHECK(chdir("b/in") == 0);
	CHECK(is_there("../f"));
	CHECK(is_there("../../a"));
	CHECK_ERR(mount("../in/g", "../f", NULL, MS_MOVE, NULL), EINVAL);
}

TEST(shared_mounts_propagate)
{
	enter();
	CHECK(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0 &&
	      mkdir("c", 0755) == 0);
	CHECK(mount("x", "a", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("a/m", 0755) == 0);
	CHECK(mount(NULL, "a", NULL, MS_SHARED, NULL) == 0);
	CHECK(mount("a", "b", NULL, MS_BIND, NULL) == 0);
	CHECK(mount("a", "c", NULL, MS_BIND, NULL) == 0);
	CHECK(mount(NULL, "c", NULL, MS_SLAVE, NULL) == 0);
	CHECK(mount("y", "a/m", "tmpfs", 0, NULL) == 0);
	make("a/m/f");
	CHECK(is_there("b/m/f") && is_there("c/m/f"));
	CHECK(listed("/proc/self/mountinfo", "/b", "shared:"));
	CHECK(listed("/proc/self/mountinfo", "/c", "master:"));
	CHECK(umount("b/m") == 0);
	CHECK(!is_there("a/m/f") && !is_there("c/m/f"));
	CHECK(mount("z", "c/m", "tmpfs", 0, NULL) == 0);
	make("c/m/g");
	CHECK(!is_there("a/m/g") && !is_there("b/m/g"));
	CHECK(mount(NULL, "b", NULL, MS_PRIVATE, NULL) == 0);
	CHECK(mount("y", "a/m", "tmpfs", 0, NULL) == 0);
	make("a/m/h");
	CHECK(!is_there("b/m/h"));
	CHECK(mount(NULL, "b", NULL, MS_UNBINDABLE, NULL) == 0);
	CHECK(mkdir("d", 0755) == 0);
	CHECK_ERR(mount("b", "d", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERR(mount(NULL, "b", NULL, MS_SHARED | MS_SLAVE, NULL), EINVAL);
}

TEST(namespaces_are_apart)
{
	int go[2], done[2];
	pid_t pid;
	char c;

	enter();
	CHECK(mkdir("m", 0755) == 0);
	CHECK(pipe(go) == 0 && pipe(done) == 0);
	pid = fork();
	if (!pid) {
		CHECK(unshare(CLONE_NEWNS) == 0);
		CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
		make("m/inside");
		CHECK(write(done[1], "x", 1) == 1);
		CHECK(read(go[0], &c, 1) == 1);
		CHECK(is_there("m/inside"));
		CHECK(!is_there("m/outside"));
		_exit(0);
	}
	CHECK(read(done[0], &c, 1) == 1);
	CHECK(!is_there("m/inside"));
	make("m/outside");
	CHECK(write(go[1], "x", 1) == 1);
	CHECK_CHILD(pid);
	CHECK(unlink("m/outside") == 0 && rmdir("m") == 0);
}

TEST(removed_mountpoint_of_another_namespace)
{
	int go[2], done[2];
	pid_t pid;
	char c;

	enter();
	CHECK(mkdir("m", 0755) == 0);
	CHECK(pipe(go) == 0 && pipe(done) == 0);
	pid = fork();
	if (!pid) {
		CHECK(unshare(CLONE_NEWNS) == 0);
		CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
		CHECK(write(done[1], "x", 1) == 1);
		CHECK(read(go[0], &c, 1) == 1);
		CHECK(!is_there("m"));
		_exit(0);
	}
	CHECK(read(done[0], &c, 1) == 1);
	CHECK(rmdir("m") == 0);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK_CHILD(pid);
}

TEST(pivot_root_exchanges_the_roots)
{
	char cwd[PATH_MAX];

	enter();
	CHECK(mkdir("new", 0755) == 0);
	CHECK(mount("x", "new", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("new/old", 0755) == 0);
	make("new/here");
	CHECK_ERR(syscall(SYS_pivot_root, "new/old", "new"), EINVAL);
	CHECK_ERR(syscall(SYS_pivot_root, "none", "new/old"), ENOENT);
	CHECK(chdir("new") == 0);
	CHECK(syscall(SYS_pivot_root, ".", "old") == 0);
	CHECK(is_there("/here") && is_there("/old/proc"));
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_STR(cwd, "/");
	CHECK(chdir("/") == 0);
	CHECK(umount2("/old", MNT_DETACH) == 0);
	CHECK(!is_there("/old/proc"));
}

TEST(chroot_is_the_end_of_dotdot)
{
	char cwd[PATH_MAX];
	int fd;

	enter();
	CHECK(mkdir("r", 0755) == 0 && mkdir("r/s", 0755) == 0);
	make("out");
	make("r/in");
	fd = open(".", O_RDONLY | O_DIRECTORY);
	CHECK(chroot("r") == 0);
	CHECK(is_there("/in") && !is_there("/out"));
	CHECK(chdir("/s") == 0);
	CHECK(is_there("../../../in"));
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_STR(cwd, "/s");
	CHECK(fchdir(fd) == 0);
	CHECK(is_there("out"));
	CHECK(syscall(SYS_getcwd, cwd, sizeof(cwd)) > 0);
	CHECK(strncmp(cwd, "(unreachable)", 13) == 0);
}

TEST(dotdot_arrives_on_top_of_mounts)
{
	enter();
	CHECK(mkdir("d", 0755) == 0 && mkdir("d/sub", 0755) == 0);
	CHECK(chdir("d/sub") == 0);
	CHECK(mount("x", "..", "tmpfs", 0, NULL) == 0);
	make("../over");
	CHECK(is_there("../over"));
	CHECK(!is_there("../sub"));
}

TEST(a_deep_tree_goes_with_its_mount)
{
	enter();
	CHECK(mkdir("m", 0755) == 0);
	CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
	CHECK(chdir("m") == 0);
	for (int i = 0; i < 5000; i++)
		CHECK(mkdir("d", 0755) == 0 && chdir("d") == 0);
	CHECK(chdir(dir) == 0);
	CHECK(umount("m") == 0);
}

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

TEST(links_of_a_mount_are_not_followed)
{
	char to[8];

	enter();
	CHECK(mkdir("m", 0755) == 0);
	CHECK(mount("x", "m", "tmpfs", MS_NOSYMFOLLOW, NULL) == 0);
	make("m/file");
	CHECK(symlink("file", "m/link") == 0);
	CHECK_ERR(open("m/link", O_RDONLY), ELOOP);
	CHECK_ERR(access("m/link", F_OK), ELOOP);
	CHECK_EQ(readlink("m/link", to, sizeof(to)), 4);
	CHECK(unlink("m/link") == 0);
}

TEST(a_writer_elsewhere_keeps_a_file_system_writable)
{
	int ready[2], end[2], fd;
	char c;

	enter();
	CHECK(mkdir("m", 0755) == 0);
	CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
	CHECK(pipe(ready) == 0 && pipe(end) == 0);
	if (fork() == 0) {
		CHECK(unshare(CLONE_NEWNS) == 0);
		fd = open("m/file", O_WRONLY | O_CREAT, 0644);
		CHECK(fd >= 0 && write(ready[1], "r", 1) == 1);
		CHECK(close(end[1]) == 0 && read(end[0], &c, 1) == 0);
		_exit(0);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	CHECK(close(end[1]) == 0 && wait(NULL) > 0);
	CHECK(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
}

TEST(read_only_superblock)
{
	int fd;

	enter();
	make("f");
	fd = open("f", O_WRONLY);
	CHECK_ERR(mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	close(fd);
	CHECK(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	CHECK_ERR(open("f", O_WRONLY), EROFS);
	CHECK_ERR(chmod("f", 0600), EROFS);
	CHECK(mount(NULL, dir, NULL, MS_REMOUNT, "size=4m") == 0);
	CHECK(open("f", O_WRONLY) >= 0);
	CHECK_ERR(mount(NULL, "f", NULL, MS_REMOUNT, NULL), EINVAL);
}

TEST(full_tmpfs)
{
	static char buf[1 << 20];
	int fd, i;

	enter();
	CHECK(mkdir("m", 0755) == 0);
	CHECK(mount("x", "m", "tmpfs", 0, "size=1m,nr_inodes=4") == 0);
	fd = open("m/f", O_CREAT | O_RDWR, 0600);
	CHECK_EQ(write(fd, buf, 1 << 20), 1 << 20);
	CHECK_ERR(write(fd, buf, 1), ENOSPC);
	CHECK(ftruncate(fd, 4096) == 0);
	CHECK_EQ(pwrite(fd, buf, 8192, 4096), 8192);
	for (i = 0; i < 8; i++) {
		char name[16];

		snprintf(name, sizeof(name), "m/%d", i);
		if (mkdir(name, 0755))
			break;
	}
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(i, 2);
}

TEST(unprivileged_may_not)
{
	pid_t pid;

	enter();
	pid = fork();
	if (!pid) {
		CHECK(setuid(1234) == 0);
		CHECK_ERR(mount("x", "/tmp", "tmpfs", 0, NULL), EPERM);
		CHECK_ERR(umount("/proc"), EPERM);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

/* Whose names come and go by themselves: what is mounted would be lost. */
TEST(nothing_is_mounted_on_descriptors_of_proc)
{
	char path[64];
	int fd;

	enter();
	make("foo");
	make("bar");
	fd = open("foo", O_RDONLY);
	CHECK(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_PATH | O_NOFOLLOW);
	CHECK(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERR(mount("bar", path, "", MS_BIND, NULL), ENOENT);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	CHECK_ERR(mount("bar", path, "", MS_BIND, NULL), ENOENT);
	CHECK(mount("bar", "foo", "", MS_BIND, NULL) == 0);
}
