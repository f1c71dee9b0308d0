/* Mounts as descriptors, mounts in the making, and what mounts there are. */
#include "test.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { OPEN_TREE = 428, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT, FSPICK,
       MOUNT_SETATTR = 442, STATMOUNT = 457, LISTMOUNT };
enum { SET_FLAG, SET_STRING, CREATE = 6, RECONFIGURE };
#define FROM_EMPTY 4u
#define CLONE_TREE 1u
#define RECURSIVE 0x8000u
#define MOUNT_RDONLY 1ull
#define MOUNT_NODEV 4ull
#define UNIQUE_ID 0x4000u

struct attr {
	unsigned long long set, clear, propagation, userns;
};
struct request {
	unsigned size, spare;
	unsigned long long id, param;
};

static char dir[] = "/tmp/mountfdXXXXXX";

static void enter(void)
{
	CHECK(geteuid() == 0 && unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
	CHECK(mkdir("m", 0755) == 0 && mkdir("n", 0755) == 0);
}

static int config(int fd, int cmd, const char *key, const void *value)
{
	return (int)syscall(FSCONFIG, fd, cmd, key, value, 0);
}


TEST(a_context_becomes_a_mount)
{
	struct stat st;
	int fd, m;

	enter();
	CHECK_ERR(syscall(FSOPEN, "no-such-fs", 0), ENODEV);
	CHECK_ERR(syscall(FSOPEN, "tmpfs", 2), EINVAL);
	fd = (int)syscall(FSOPEN, "tmpfs", 1);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK_ERR(config(fd, SET_STRING, NULL, "1"), EINVAL);
	CHECK_ERR(config(fd, SET_FLAG, "ro", "1"), EINVAL);
	CHECK_ERR(config(fd, 77, NULL, NULL), EOPNOTSUPP);
	CHECK_ERR(config(0, SET_FLAG, "ro", NULL), EINVAL);
	CHECK_ERR(config(99, SET_FLAG, "ro", NULL), EBADF);
	CHECK(config(fd, SET_FLAG, "ro", NULL) == 0);
	CHECK(config(fd, SET_FLAG, "rw", NULL) == 0);
	CHECK(config(fd, SET_STRING, "mode", "711") == 0);
	CHECK_ERR(syscall(FSMOUNT, fd, 0, 0), EINVAL);
	CHECK(config(fd, CREATE, NULL, NULL) == 0);
	CHECK_ERR(config(fd, CREATE, NULL, NULL), EBUSY);
	CHECK_ERR(syscall(FSMOUNT, fd, 2, 0), EINVAL);
	CHECK_ERR(syscall(FSMOUNT, fd, 0, 0x30), EINVAL);
	m = (int)syscall(FSMOUNT, fd, 0, MOUNT_NODEV);
	CHECK(m >= 0 && fstat(m, &st) == 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 0711);
	CHECK_ERR(syscall(FSMOUNT, fd, 0, 0), EBUSY);
	close(openat(m, "inside", O_CREAT | O_RDWR, 0600));
	CHECK_ERR(syscall(MOVE_MOUNT, m, "", AT_FDCWD, "m", 0), ENOENT);
	CHECK(syscall(MOVE_MOUNT, m, "", AT_FDCWD, "m", FROM_EMPTY) == 0);
	CHECK(access("m/inside", F_OK) == 0);
	CHECK(syscall(MOVE_MOUNT, AT_FDCWD, "m", AT_FDCWD, "n", 0) == 0);
	CHECK(access("n/inside", F_OK) == 0 && access("m/inside", F_OK));
	CHECK_ERR(syscall(MOVE_MOUNT, AT_FDCWD, "m", AT_FDCWD, "n", 0), EINVAL);
	close(m);
	CHECK(access("n/inside", F_OK) == 0);
	CHECK(umount("n") == 0);
	fd = (int)syscall(FSOPEN, "ext4", 0);
	CHECK(fd >= 0);
	CHECK(config(fd, SET_STRING, "source", "/dev/null") == 0);
	CHECK_ERR(config(fd, CREATE, NULL, NULL), ENOTBLK);
	CHECK_ERR(config(fd, CREATE, NULL, NULL), EBUSY);
	CHECK_ERR(syscall(FSMOUNT, fd, 0, 0), EINVAL);
	close(fd);
}

TEST(a_copy_that_nobody_takes_goes_with_its_descriptor)
{
	int t, again;

	enter();
	CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("m/sub", 0755) == 0);
	CHECK(mount("x", "m/sub", "tmpfs", 0, NULL) == 0);
	close(open("m/sub/deep", O_CREAT | O_RDWR, 0600));
	CHECK_ERR(syscall(OPEN_TREE, AT_FDCWD, "m", RECURSIVE), EINVAL);
	t = (int)syscall(OPEN_TREE, AT_FDCWD, "m", CLONE_TREE | RECURSIVE);
	CHECK(t >= 0 && faccessat(t, "sub/deep", F_OK, 0) == 0);
	again = (int)syscall(OPEN_TREE, AT_FDCWD, "m", CLONE_TREE);
	CHECK(again >= 0 && faccessat(again, "sub/deep", F_OK, 0) != 0);
	CHECK(umount("m/sub") == 0 && umount("m") == 0);
	CHECK(faccessat(t, "sub/deep", F_OK, 0) == 0);
	CHECK(syscall(MOVE_MOUNT, t, "", AT_FDCWD, "n", FROM_EMPTY) == 0);
	close(t);
	close(again);
	CHECK(access("n/sub/deep", F_OK) == 0);
	CHECK(umount2("n", MNT_DETACH) == 0);
}

TEST(superblocks_are_picked_and_changed)
{
	int fd;

	enter();
	CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
	CHECK_ERR(syscall(FSPICK, AT_FDCWD, "n", 0), EINVAL);
	CHECK_ERR(syscall(FSPICK, AT_FDCWD, "m", 16), EINVAL);
	fd = (int)syscall(FSPICK, AT_FDCWD, "m", 0);
	CHECK(fd >= 0 && config(fd, SET_FLAG, "ro", NULL) == 0);
	CHECK(access("m", W_OK) == 0);
	CHECK(config(fd, RECONFIGURE, NULL, NULL) == 0);
	CHECK_ERR(mkdir("m/d", 0755), EROFS);
	close(fd);
	CHECK(umount("m") == 0);
}

static int setattr(const char *name, unsigned flags, struct attr a)
{
	return (int)syscall(MOUNT_SETATTR, AT_FDCWD, name, flags, &a,
			    sizeof(a));
}

TEST(attributes_are_set_and_cleared)
{
	enter();
	CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("m/sub", 0755) == 0);
	CHECK(mount("x", "m/sub", "tmpfs", 0, NULL) == 0);
	CHECK_ERR(syscall(MOUNT_SETATTR, AT_FDCWD, "m", 0, NULL, 8), EINVAL);
	CHECK_ERR(syscall(MOUNT_SETATTR, AT_FDCWD, "m", 0, NULL, 9999), E2BIG);
	CHECK_ERR(setattr("m", 0, (struct attr){ .set = 1ull << 40 }), EINVAL);
	CHECK_ERR(setattr("m", 0, (struct attr){ .set = 0x10 }), EINVAL);
	CHECK_ERR(setattr("n", 0, (struct attr){ .set = 1 }), EINVAL);
	CHECK(setattr("m", 0, (struct attr){ .set = MOUNT_RDONLY }) == 0);
	CHECK_ERR(mkdir("m/d", 0755), EROFS);
	CHECK(mkdir("m/sub/d", 0755) == 0);
	CHECK(setattr("m", RECURSIVE, (struct attr){ .set = MOUNT_RDONLY }) == 0);
	CHECK_ERR(mkdir("m/sub/e", 0755), EROFS);
	CHECK(setattr("m", RECURSIVE,
		      (struct attr){ .clear = MOUNT_RDONLY }) == 0);
	CHECK(mkdir("m/sub/e", 0755) == 0 && mkdir("m/d", 0755) == 0);
	CHECK(umount("m/sub") == 0 && umount("m") == 0);
}

static unsigned long long id_of(const char *name)
{
	struct {
		unsigned mask, pad[35];
		unsigned long long id, rest[13];
	} x;

	CHECK(syscall(SYS_statx, AT_FDCWD, name, 0, UNIQUE_ID, &x) == 0);
	CHECK_EQ(x.mask & 0x5000, UNIQUE_ID);
	return x.id;
}

TEST(attributes_of_a_tree_change_all_or_none)
{
	int fd;

	enter();
	mkdir("t", 0755);
	CHECK(mount("x", "t", "tmpfs", 0, NULL) == 0);
	mkdir("t/sub", 0755);
	CHECK(mount("x", "t/sub", "tmpfs", 0, NULL) == 0);
	fd = open("t/sub/held", O_WRONLY | O_CREAT, 0600);
	CHECK(fd >= 0);
	CHECK_ERR(setattr("t", RECURSIVE, (struct attr){ .set = MOUNT_RDONLY }),
		  EBUSY);
	CHECK(mkdir("t/writable", 0755) == 0);
	close(fd);
	CHECK(setattr("t", RECURSIVE, (struct attr){ .set = MOUNT_RDONLY }) == 0);
	CHECK_ERR(mkdir("t/no", 0755), EROFS);
	CHECK(umount("t/sub") == 0 && umount("t") == 0);
}

TEST(mounts_are_told_by_number)
{
	unsigned words[1024] = { 0 };
	unsigned long long ids[8];
	struct request r = { .size = 24 };
	char path[64], *text = (char *)words + 512;

	enter();
	CHECK(mount("x", "m", "tmpfs", MS_RDONLY, NULL) == 0);
	CHECK(mount("x", "n", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("n/sub", 0755) == 0);
	CHECK(mount("x", "n/sub", "tmpfs", 0, NULL) == 0);
	r.id = id_of("m");
	r.param = 0x3f;
	CHECK(syscall(STATMOUNT, &r, words, sizeof(words), 0) == 0);
	CHECK_EQ(words[2], 0x3f);
	CHECK_EQ(words[6], 0x01021994);
	CHECK_STR(text + words[9], "tmpfs");
	CHECK_STR(text + words[26], "/");
	snprintf(path, sizeof(path), "%s/m", dir);
	CHECK_STR(text + words[27], path);
	CHECK_ERR(syscall(STATMOUNT, &r, words, 512, 0), EOVERFLOW);
	CHECK_ERR(syscall(STATMOUNT, &r, words, 512, 1), EINVAL);
	r.param = 0;
	CHECK_EQ(syscall(LISTMOUNT, &r, ids, 8, 0), 0);
	r.id = id_of("n");
	CHECK_EQ(syscall(LISTMOUNT, &r, ids, 8, 0), 1);
	CHECK(ids[0] == id_of("n/sub"));
	r.id = ~0ull;
	CHECK_EQ(syscall(LISTMOUNT, &r, ids, 2, 1), 2);
	CHECK(ids[0] > ids[1]);
	r.id = 0xfffffffff;
	CHECK_ERR(syscall(STATMOUNT, &r, words, sizeof(words), 0), ENOENT);
	r.size = 0;
	CHECK_ERR(syscall(LISTMOUNT, &r, ids, 8, 0), EINVAL);
	CHECK(umount("n/sub") == 0 && umount("n") == 0 && umount("m") == 0);
}

static void told(const char *name, unsigned long long what,
		 unsigned long long *about, size_t size)
{
	struct request r = { .size = 24, .id = id_of(name), .param = what };

	CHECK(syscall(STATMOUNT, &r, about, size, 0) == 0);
	CHECK_EQ(about[1], what);
}

TEST(mounts_tell_from_whom_they_receive)
{
	enum { BASIC = 2, FROM = 4, NS_ID = 64 };
	unsigned long long about[64], group, ns;
	int fd = open("/proc/self/ns/mnt", O_RDONLY);

	enter();
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
	told("m", FROM, about, sizeof(about));
	CHECK_EQ(about[12], 0);
	CHECK(mount(NULL, "m", NULL, MS_SHARED, NULL) == 0);
	told("m", BASIC, about, sizeof(about));
	CHECK_EQ((unsigned)about[0], 512);
	group = about[10];
	CHECK(group && about[9] == MS_SHARED);
	CHECK(mount("m", "n", NULL, MS_BIND, NULL) == 0);
	CHECK(mount(NULL, "n", NULL, MS_SLAVE, NULL) == 0);
	told("n", BASIC, about, 96);
	CHECK_EQ((unsigned)about[0], 96);
	CHECK(about[9] == MS_SLAVE && about[11] == group);
	told("n", FROM, about, sizeof(about));
	CHECK_EQ(about[12], group);
	told("n", NS_ID, about, sizeof(about));
	CHECK(ioctl(fd, 0x8008b705, &ns) == 0 && ns != about[14]);
	fd = open("/proc/self/ns/mnt", O_RDONLY);
	CHECK(ioctl(fd, 0x8008b705, &ns) == 0);
	CHECK_EQ(ns, about[14]);
	CHECK_ERR(ioctl(open("/proc/self/ns/uts", O_RDONLY), 0x8008b705, &ns),
		  EINVAL);
}

TEST(what_nobody_uses_expires)
{
	enter();
	CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
	CHECK_ERR(umount2("m", MNT_EXPIRE | MNT_FORCE), EINVAL);
	CHECK_ERR(umount2("m", MNT_EXPIRE), EAGAIN);
	CHECK(access("m/.", F_OK) == 0);
	CHECK_ERR(umount2("m", MNT_EXPIRE), EAGAIN);
	CHECK(umount2("m", MNT_EXPIRE) == 0);
	CHECK_ERR(umount2("m", MNT_EXPIRE), EINVAL);
}

TEST(others_may_not)
{
	enter();
	CHECK(mount("x", "m", "tmpfs", 0, NULL) == 0);
	CHECK(chmod(dir, 0755) == 0 && setuid(1000) == 0);
	CHECK_ERR(syscall(FSOPEN, "tmpfs", 0), EPERM);
	CHECK_ERR(syscall(FSPICK, AT_FDCWD, "m", 0), EPERM);
	CHECK_ERR(syscall(OPEN_TREE, AT_FDCWD, "m", CLONE_TREE), EPERM);
	CHECK(syscall(OPEN_TREE, AT_FDCWD, "m", 0) >= 0);
	CHECK_ERR(syscall(MOVE_MOUNT, AT_FDCWD, "m", AT_FDCWD, "n", 0), EPERM);
	CHECK_ERR(setattr("m", 0, (struct attr){ .set = 1 }), EPERM);
	CHECK_ERR(umount("m"), EPERM);
}

/* Seen when what lies over it has gone. */
TEST(beneath_the_topmost)
{
	int fd;

	enter();
	CHECK(mount("b", dir, "tmpfs", 0, NULL) == 0 && chdir(dir) == 0);
	CHECK(mkdir("m", 0755) == 0 && mkdir("n", 0755) == 0);
	CHECK(mount("a", "m", "tmpfs", 0, NULL) == 0);
	CHECK(mount("b", "n", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("m/A", 0755) == 0 && mkdir("n/B", 0755) == 0);
	fd = (int)syscall(OPEN_TREE, AT_FDCWD, "m", CLONE_TREE);
	CHECK(fd >= 0);
	CHECK_ERR(syscall(MOVE_MOUNT, fd, "", AT_FDCWD, "n/B",
			  FROM_EMPTY | 0x200), EINVAL);
	CHECK_ERR(syscall(MOVE_MOUNT, fd, "", AT_FDCWD, "/",
			  FROM_EMPTY | 0x200), EINVAL);
	CHECK_ERR(syscall(MOVE_MOUNT, fd, "", AT_FDCWD, "n",
			  FROM_EMPTY | 0x300), EINVAL);
	CHECK(syscall(MOVE_MOUNT, fd, "", AT_FDCWD, "n", FROM_EMPTY | 0x200) ==
	      0);
	close(fd);
	CHECK(access("n/B", F_OK) == 0 && access("n/A", F_OK) != 0);
	CHECK(umount("n") == 0);
	CHECK(access("n/A", F_OK) == 0 && access("m/A", F_OK) == 0);
	CHECK(umount("n") == 0);
	CHECK(access("n/A", F_OK) != 0);
	CHECK_ERR(umount("n"), EINVAL);
	CHECK(umount("m") == 0);
}
