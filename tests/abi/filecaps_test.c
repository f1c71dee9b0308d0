/* File capabilities: the attribute, who writes it, what exec makes of it. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "files.h"

#define NAME "security.capability"
#define V2 0x02000000u
#define V3 0x03000000u

static char program[64];

struct attr {
	uint32_t magic;
	uint32_t permitted, inheritable, permitted2, inheritable2, root;
};

static struct attr attr_of(uint32_t magic, uint64_t permitted,
			   uint64_t inheritable)
{
	return (struct attr){
		magic, (uint32_t)permitted, (uint32_t)inheritable,
		(uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32), 0,
	};
}

/* A copy of this program, on the disk or on a tmpfs. */
static void make_program(const char *dir)
{
	char cmd[200];

	snprintf(program, sizeof(program), "%s/fcaps.%d", dir, getpid());
	snprintf(cmd, sizeof(cmd), "cp /proc/%d/exe %s && chmod 755 %s",
		 getpid(), program, program);
	CHECK(system(cmd) == 0);
}

static void set_caps(uint32_t magic, uint64_t permitted, uint64_t inheritable)
{
	struct attr a = attr_of(magic, permitted, inheritable);

	CHECK(setxattr(program, NAME, &a, 20, 0) == 0);
}

/* What the program says of itself: permitted effective ambient secure. */
static void run(int as_user, void (*prepare)(void), char *out, size_t n)
{
	int fds[2];
	pid_t pid;
	ssize_t got;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (!pid) {
		if (prepare)
			prepare();
		if (as_user)
			CHECK(setgroups(0, NULL) == 0 && setgid(1000) == 0 &&
			      setuid(1000) == 0);
		dup2(fds[1], 1);
		execl(program, "fcaps", "--tell", NULL);
		dprintf(1, "errno %d", errno);
		_exit(0);
	}
	close(fds[1]);
	got = read(fds[0], out, n - 1);
	CHECK(got >= 0);
	out[got] = 0;
	close(fds[0]);
	CHECK_CHILD(pid);
}

static void tell(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	uint64_t ambient = 0;

	if (syscall(SYS_capget, &h, d))
		_exit(1);
	for (int c = 0; c < 41; c++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1)
			ambient |= 1ull << c;
	dprintf(1, "%llx %llx %llx %lu",
		d[0].permitted | (unsigned long long)d[1].permitted << 32,
		d[0].effective | (unsigned long long)d[1].effective << 32,
		(unsigned long long)ambient, getauxval(AT_SECURE));
}

__attribute__((constructor)) static void maybe_tell(int argc, char **argv)
{
	if (argc == 2 && argv && !strcmp(argv[1], "--tell")) {
		tell();
		_exit(0);
	}
}

static int want_tell(void)
{
	char buf[256] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	close(fd);
	return n > 7 && !memcmp(buf + n - 7, "--tell", 7);
}

/* musl gives constructors no arguments. */
__attribute__((constructor)) static void tell_anyway(void)
{
	if (want_tell()) {
		tell();
		_exit(0);
	}
}

static const char *const places[] = { "/var/tmp", "/mnt" };

static void on_tmpfs(void)
{
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("t", "/mnt", "tmpfs", 0, NULL) == 0);
}

TEST(effective_bit)
{
	char out[128];

	on_tmpfs();
	for (int i = 0; i < 2; i++) {
		make_program(places[i]);
		run(1, NULL, out, sizeof(out));
		CHECK_STR(out, "0 0 0 0");
		set_caps(V2 | 1, 1 << CAP_NET_RAW, 0);
		run(1, NULL, out, sizeof(out));
		CHECK_STR(out, "2000 2000 0 1");
		set_caps(V2, 1 << CAP_NET_RAW | 1ull << CAP_BPF, 0);
		run(1, NULL, out, sizeof(out));
		CHECK_STR(out, "8000002000 0 0 1");
		CHECK(removexattr(program, NAME) == 0);
		run(1, NULL, out, sizeof(out));
		CHECK_STR(out, "0 0 0 0");
		CHECK_ERR(removexattr(program, NAME), ENODATA);
		CHECK(unlink(program) == 0);
	}
}

static void no_new_privs(void)
{
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void small_bounds(void)
{
	CHECK(prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0) == 0);
}

TEST(bounds_and_no_new_privs)
{
	char out[128];

	make_program("/var/tmp");
	set_caps(V2 | 1, 1 << CAP_NET_RAW, 0);
	run(1, no_new_privs, out, sizeof(out));
	CHECK_STR(out, "0 0 0 1");
	run(1, small_bounds, out, sizeof(out));
	CHECK_STR(out, "errno 1");
	set_caps(V2, 1 << CAP_NET_RAW | 1 << CAP_CHOWN, 0);
	run(1, small_bounds, out, sizeof(out));
	CHECK_STR(out, "1 0 0 1");
	CHECK(unlink(program) == 0);
}

TEST(nosuid_mounts_ignore_them)
{
	char out[128];

	on_tmpfs();
	make_program("/mnt");
	set_caps(V2 | 1, 1 << CAP_NET_RAW, 0);
	CHECK(mount("t", "/mnt", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID,
		    NULL) == 0);
	run(1, NULL, out, sizeof(out));
	CHECK_STR(out, "0 0 0 0");
}

/* Inheritable and ambient sets of the caller. */
static void inherit(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	CHECK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	CHECK(setgid(1000) == 0 && setuid(1000) == 0);
	CHECK(syscall(SYS_capget, &h, d) == 0);
	d[0].effective = d[0].permitted = d[0].inheritable =
		1 << CAP_KILL | 1 << CAP_CHOWN;
	d[1].effective = d[1].permitted = d[1].inheritable = 0;
	CHECK(syscall(SYS_capset, &h, d) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) == 0);
}

TEST(inheritable_and_ambient)
{
	char out[128];

	make_program("/var/tmp");
	run(0, inherit, out, sizeof(out));
	CHECK_STR(out, "1 1 1 0");
	/* fI & pI; with capabilities of its own the ambient ones go. */
	set_caps(V2 | 1, 0, 1 << CAP_KILL | 1 << CAP_NET_RAW);
	run(0, inherit, out, sizeof(out));
	CHECK_STR(out, "20 20 0 1");
	CHECK(unlink(program) == 0);
}

TEST(root_has_them_all)
{
	char out[128];

	make_program("/var/tmp");
	set_caps(V2 | 1, 1 << CAP_NET_RAW, 0);
	run(0, NULL, out, sizeof(out));
	CHECK_STR(out, "1ffffffffff 1ffffffffff 0 0");
	CHECK(unlink(program) == 0);
}

TEST(the_attribute)
{
	struct attr a = attr_of(V2 | 1, 1 << CAP_NET_RAW, 0), got;
	pid_t pid;

	on_tmpfs();
	for (int i = 0; i < 2; i++) {
		make_program(places[i]);
		CHECK_ERR(getxattr(program, NAME, &got, 24), ENODATA);
		CHECK_ERR(setxattr(program, NAME, &a, 19, 0), EINVAL);
		CHECK_ERR(setxattr(program, NAME, &a, 24, 0), EINVAL);
		CHECK(setxattr(program, NAME, &a, 20, 0) == 0);
		CHECK_EQ(getxattr(program, NAME, NULL, 0), 20);
		CHECK_ERR(getxattr(program, NAME, &got, 12), ERANGE);
		CHECK_EQ(getxattr(program, NAME, &got, 24), 20);
		CHECK(!memcmp(&a, &got, 20));
		pid = fork();
		if (!pid) {
			CHECK(setgid(1000) == 0 && setuid(1000) == 0);
			CHECK_EQ(getxattr(program, NAME, &got, 24), 20);
			CHECK_ERR(setxattr(program, NAME, &a, 20, 0), EPERM);
			CHECK_ERR(removexattr(program, NAME), EPERM);
			_exit(0);
		}
		CHECK_CHILD(pid);
		CHECK(unlink(program) == 0);
	}
}

TEST(a_changed_file_loses_it)
{
	struct attr got;
	int fd;

	on_tmpfs();
	for (int i = 0; i < 2; i++) {
		make_program(places[i]);
		set_caps(V2 | 1, 1 << CAP_NET_RAW, 0);
		fd = open(program, O_RDWR);
		CHECK(fd >= 0);
		CHECK_EQ(getxattr(program, NAME, &got, 24), 20);
		CHECK(pwrite(fd, "\177", 1, 0) == 1);
		CHECK_ERR(getxattr(program, NAME, &got, 24), ENODATA);
		set_caps(V2 | 1, 1 << CAP_NET_RAW, 0);
		CHECK(ftruncate(fd, 100) == 0);
		CHECK_ERR(getxattr(program, NAME, &got, 24), ENODATA);
		set_caps(V2 | 1, 1 << CAP_NET_RAW, 0);
		CHECK(chmod(program, 0700) == 0);
		CHECK_EQ(getxattr(program, NAME, &got, 24), 20);
		CHECK(chown(program, 1, 1) == 0);
		CHECK_ERR(getxattr(program, NAME, &got, 24), ENODATA);
		close(fd);
		CHECK(unlink(program) == 0);
	}
}

/* A process in a user namespace of `owner` in which `owner` is root. */
static pid_t in_namespace_of(uid_t owner, void (*fn)(void))
{
	char text[64];
	pid_t pid = fork();

	if (pid)
		return pid;
	CHECK(setgroups(0, NULL) == 0);
	CHECK(setresgid(owner, owner, owner) == 0);
	CHECK(setresuid(owner, owner, owner) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK(unshare(CLONE_NEWUSER) == 0);
	snprintf(text, sizeof(text), "0 %u 1", owner);
	CHECK_EQ(write_file("/proc/self/uid_map", text), 0);
	CHECK_EQ(write_file("/proc/self/setgroups", "deny"), 0);
	CHECK_EQ(write_file("/proc/self/gid_map", text), 0);
	fn();
	_exit(0);
}

static void write_as_root_of_a_namespace(void)
{
	struct attr a = attr_of(V2 | 1, 1 << CAP_NET_RAW, 0), got;

	CHECK(setxattr(program, NAME, &a, 20, 0) == 0);
	CHECK_EQ(getxattr(program, NAME, &got, 24), 20);
	CHECK_EQ(got.magic, V2 | 1);
}

TEST(a_namespace_writes_revision_3)
{
	struct attr got;
	char out[128];
	pid_t pid;

	on_tmpfs();
	for (int i = 0; i < 2; i++) {
		make_program(places[i]);
		CHECK(chown(program, 1000, 1000) == 0);
		pid = in_namespace_of(1000, write_as_root_of_a_namespace);
		CHECK_CHILD(pid);
		CHECK_EQ(getxattr(program, NAME, &got, 24), 24);
		CHECK_EQ(got.magic, V3 | 1);
		CHECK_EQ(got.root, 1000);
		/* Not ours: no gain. */
		run(1, NULL, out, sizeof(out));
		CHECK_STR(out, "0 0 0 0");
		CHECK(unlink(program) == 0);
	}
}

TEST(revision_3_for_the_first_root_is_2)
{
	struct attr a = attr_of(V3 | 1, 1 << CAP_NET_RAW, 0), got;
	char out[128];

	make_program("/var/tmp");
	CHECK(setxattr(program, NAME, &a, 24, 0) == 0);
	CHECK_EQ(getxattr(program, NAME, &got, 24), 20);
	CHECK_EQ(got.magic, V2 | 1);
	run(1, NULL, out, sizeof(out));
	CHECK_STR(out, "2000 2000 0 1");
	CHECK(unlink(program) == 0);
}

TEST(attributes_of_tmpfs)
{
	char buf[256];

	on_tmpfs();
	make_program("/mnt");
	CHECK(setxattr(program, "user.a", "1", 1, 0) == 0);
	CHECK(setxattr(program, "trusted.b", "22", 2, 0) == 0);
	CHECK_ERR(setxattr(program, "user.a", "3", 1, XATTR_CREATE), EEXIST);
	CHECK_ERR(setxattr(program, "user.c", "3", 1, XATTR_REPLACE), ENODATA);
	CHECK(setxattr(program, "user.a", "345", 3, XATTR_REPLACE) == 0);
	CHECK_EQ(getxattr(program, "user.a", buf, sizeof(buf)), 3);
	CHECK(!memcmp(buf, "345", 3));
	CHECK_EQ(listxattr(program, buf, sizeof(buf)), 17);
	CHECK_ERR(listxattr(program, buf, 10), ERANGE);
	CHECK(removexattr(program, "user.a") == 0);
	CHECK_EQ(listxattr(program, NULL, 0), 10);
	CHECK_ERR(getxattr(program, "user.a", buf, 1), ENODATA);
	CHECK_ERR(getxattr(program, "nobody.a", buf, 1), EOPNOTSUPP);
}
