/* User namespaces: maps, ids at every border, whose capabilities count.
 * abi-test: user */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "files.h"

#define NS_GET_USERNS 0xb701
#define NS_GET_PARENT 0xb702
#define NS_GET_NSTYPE 0xb703
#define NS_GET_OWNER_UID 0xb704

/* --- helpers ---------------------------------------------------------------*/
static void map_self(uid_t uid, gid_t gid)
{
	char text[64];

	snprintf(text, sizeof(text), "0 %u 1", uid);
	CHECK_EQ(write_file("/proc/self/uid_map", text), 0);
	CHECK_EQ(write_file("/proc/self/setgroups", "deny"), 0);
	snprintf(text, sizeof(text), "0 %u 1\n", gid);
	CHECK_EQ(write_file("/proc/self/gid_map", text), 0);
}

/* Becomes root of a namespace of its own. */
static void enter(int flags)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	CHECK(unshare(CLONE_NEWUSER | flags) == 0);
	map_self(uid, gid);
}

static unsigned long long caps(const char *which)
{
	char buf[4096], *at;

	read_file("/proc/self/status", buf, sizeof(buf));
	at = strstr(buf, which);
	CHECK(at != NULL);
	return strtoull(at + strlen(which) + 1, NULL, 16);
}

static ino_t number(const char *name)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	CHECK(stat(path, &st) == 0);
	return st.st_ino;
}

/* --- a new one -------------------------------------------------------------*/
TEST(unmapped_ids_overflow)
{
	uid_t r, e, s;
	struct stat st;

	CHECK(unshare(CLONE_NEWUSER) == 0);
	CHECK_EQ(getuid(), 65534);
	CHECK_EQ(geteuid(), 65534);
	CHECK_EQ(getgid(), 65534);
	CHECK(getresuid(&r, &e, &s) == 0 && r == 65534 && s == 65534);
	CHECK(stat("/", &st) == 0);
	CHECK_EQ(st.st_uid, 65534);
	CHECK_EQ(st.st_gid, 65534);
	CHECK_ERR(setuid(0), EINVAL);
	CHECK_ERR(setgid(5), EINVAL);
	CHECK_ERR(setresuid(-1, 7, -1), EINVAL);
	CHECK(setresuid(-1, -1, -1) == 0);
	CHECK_ERR(chown("/tmp", 0, 0), EINVAL);
	CHECK_ERR(setgroups(0, NULL), EPERM);
}

TEST(all_capabilities_inside)
{
	CHECK(unshare(CLONE_NEWUSER) == 0);
	CHECK_EQ(caps("CapEff:"), 0x1ffffffffffull);
	CHECK_EQ(caps("CapPrm:"), 0x1ffffffffffull);
	CHECK_EQ(caps("CapBnd:"), 0x1ffffffffffull);
	CHECK_EQ(caps("CapInh:"), 0);
	CHECK_EQ(caps("CapAmb:"), 0);
	CHECK_EQ(prctl(PR_GET_SECUREBITS), 0);
	CHECK_ERR(mount("x", "/mnt", "tmpfs", 0, NULL), EPERM);
	CHECK_ERR(sethostname("x", 1), EPERM);
}

TEST(root_in_its_map)
{
	char buf[256];
	struct stat st;

	enter(0);
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(getgid(), 0);
	read_file("/proc/self/setgroups", buf, sizeof(buf));
	CHECK_STR(buf, "deny\n");
	CHECK_ERR(setgroups(0, NULL), EPERM);
	CHECK(stat("/proc/self", &st) == 0);
	CHECK_EQ(st.st_uid, 0);
	CHECK(setuid(0) == 0);
	CHECK_ERR(setuid(1), EINVAL);
	CHECK_EQ(caps("CapEff:"), 0x1ffffffffffull);
}

TEST(capabilities_stay_across_exec_for_root_only)
{
	pid_t pid = fork();

	if (!pid) {
		CHECK(unshare(CLONE_NEWUSER) == 0);
		execlp("sh", "sh", "-c",
		       "grep -q 'CapEff:.0000000000000000' /proc/self/status",
		       NULL);
		_exit(1);
	}
	CHECK_CHILD(pid);
	pid = fork();
	if (!pid) {
		enter(0);
		execlp("sh", "sh", "-c",
		       "grep -q 'CapEff:.000001ffffffffff' /proc/self/status",
		       NULL);
		_exit(1);
	}
	CHECK_CHILD(pid);
}

/* --- writing maps ----------------------------------------------------------*/
TEST(first_maps)
{
	char buf[128];

	read_file("/proc/self/uid_map", buf, sizeof(buf));
	CHECK_STR(buf, "         0          0 4294967295\n");
	read_file("/proc/self/setgroups", buf, sizeof(buf));
	CHECK_STR(buf, "allow\n");
	CHECK_EQ(write_file("/proc/self/uid_map", "0 0 1"),
		 geteuid() ? EPERM : EPERM);
	CHECK_EQ(write_file("/proc/self/setgroups", "deny"),
		 geteuid() ? EACCES : EPERM);
}

TEST(maps_are_parsed)
{
	static const char *const bad[] = {
		"", "\n", "0", "0 0", "0 0 0", "x 0 1", "0 0 1 1", "0 0 1x",
		"4294967295 0 1", "0 4294967295 1", "0 0 4294967295\n5 5 5",
		"4294967290 0 100", "0 0 5\n4 100 5", "0 0 5\n100 4 5",
		"0 0 1\n\n1 1 1",
	};

	CHECK(unshare(CLONE_NEWUSER) == 0);
	for (unsigned i = 1; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int err = write_file("/proc/self/uid_map", bad[i]);

		if (err != EINVAL)
			FAIL("\"%s\": %d", bad[i], err);
	}
}

TEST(only_once)
{
	uid_t uid = geteuid();
	char text[64], buf[128], want[128];

	CHECK(unshare(CLONE_NEWUSER) == 0);
	read_file("/proc/self/uid_map", buf, sizeof(buf));
	CHECK_STR(buf, "");
	snprintf(text, sizeof(text), "  7\t%u  1  \n", uid);
	CHECK_EQ(write_file("/proc/self/uid_map", text), 0);
	CHECK_EQ(getuid(), 7);
	CHECK_EQ(write_file("/proc/self/uid_map", text), EPERM);
	snprintf(want, sizeof(want), "%10u %10u %10u\n", 7, uid, 1);
	read_file("/proc/self/uid_map", buf, sizeof(buf));
	CHECK_STR(buf, want);
}

TEST(unprivileged_maps_need_setgroups_denied)
{
	gid_t gid = getegid();
	static char pages[6000];
	uid_t uid = geteuid();
	char text[64];

	if (!uid)
		SKIP("for users");
	CHECK(unshare(CLONE_NEWUSER) == 0);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	CHECK_EQ(write_file("/proc/self/gid_map", text), EPERM);
	snprintf(text, sizeof(text), "0 %u 2", uid);
	CHECK_EQ(write_file("/proc/self/uid_map", text), EPERM);
	CHECK_EQ(write_file("/proc/self/uid_map", "0 0 1"), EPERM);
	memset(pages, ' ', sizeof(pages) - 1);
	snprintf(pages, sizeof(pages), "0 %u 1", uid);
	pages[strlen(pages)] = '\n';
	CHECK_EQ(write_file("/proc/self/uid_map", pages), EINVAL);
	read_file("/proc/1/setgroups", text, sizeof(text));
	CHECK(strcmp(text, "allow\n") == 0);
	CHECK_EQ(write_file("/proc/self/setgroups", "den"), EINVAL);
	CHECK_EQ(write_file("/proc/self/setgroups", "denyx"), EINVAL);
	CHECK_EQ(write_file("/proc/self/setgroups", "deny\n"), 0);
	CHECK_EQ(write_file("/proc/self/setgroups", "allow"), EPERM);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	CHECK_EQ(write_file("/proc/self/gid_map", text), 0);
	CHECK_EQ(getgid(), 0);
}

TEST(root_maps_ranges)
{
	char path[64], buf[1024], want[1024];
	int go[2], ready[2];
	gid_t groups[2] = { 5, 1 }, got[8];
	uid_t r, e, s;
	pid_t pid;
	char c;

	if (geteuid())
		SKIP("needs root");
	CHECK(pipe(go) == 0 && pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		CHECK(unshare(CLONE_NEWUSER) == 0);
		CHECK(write(ready[1], "x", 1) == 1);
		CHECK(read(go[0], &c, 1) == 1);
		CHECK(setgroups(2, groups) == 0);
		CHECK(getgroups(8, got) == 2 && got[0] == 1 && got[1] == 5);
		CHECK(setresgid(3, 4, 5) == 0);
		CHECK(setresuid(10, 11, 12) == 0);
		CHECK(getresuid(&r, &e, &s) == 0);
		CHECK(r == 10 && e == 11 && s == 12);
		CHECK_ERR(setuid(70000), EINVAL);
		/* None of the old ids was this namespace's root. */
		CHECK_EQ(caps("CapEff:"), 0x1ffffffffffull);
		CHECK(write(ready[1], "y", 1) == 1);
		CHECK(read(go[0], &c, 1) == 1);
		_exit(0);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	CHECK_EQ(write_file(path, "0 100000 1000\n1000 0 1\n2000 300000 9\n"), 0);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	CHECK_EQ(write_file(path, "0 200000 65536\n"), 0);
	snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
	CHECK_EQ(write_file(path, "deny"), EPERM);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK(read(ready[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	read_file(path, buf, sizeof(buf));
	snprintf(want, sizeof(want), "Uid:\t%u\t%u\t%u\t%u\n"
		 "Gid:\t%u\t%u\t%u\t%u\n", 100010, 100011, 100012, 100011,
		 200003, 200004, 200005, 200004);
	CHECK(strstr(buf, want) != NULL);
	CHECK(strstr(buf, "Groups:\t200001 200005 \n") != NULL);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK_CHILD(pid);
}

TEST(many_extents_are_sorted)
{
	char path[64], buf[4096];
	int go[2], ready[2];
	pid_t pid;
	char c;

	if (geteuid())
		SKIP("needs root");
	CHECK(pipe(go) == 0 && pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		CHECK(unshare(CLONE_NEWUSER) == 0);
		CHECK(write(ready[1], "x", 1) == 1);
		_exit(read(go[0], &c, 1) != 1);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	CHECK_EQ(write_file(path, "60 6 1\n50 5 1\n40 4 1\n30 3 1\n20 2 1\n"
			    "10 1 1\n"), 0);
	read_file(path, buf, sizeof(buf));
	CHECK_STR(buf, "        10          1          1\n"
		  "        20          2          1\n"
		  "        30          3          1\n"
		  "        40          4          1\n"
		  "        50          5          1\n"
		  "        60          6          1\n");
	CHECK(write(go[1], "x", 1) == 1);
	CHECK_CHILD(pid);
}

/* --- nesting ---------------------------------------------------------------*/
TEST(nested_maps_are_seen_from_where_one_stands)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char path[64], buf[128], want[128], c;
	int go[2], ready[2];
	pid_t pid;

	CHECK(pipe(go) == 0 && pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		CHECK(unshare(CLONE_NEWUSER) == 0);
		map_self(uid, gid);
		CHECK(unshare(CLONE_NEWUSER) == 0);
		CHECK_EQ(write_file("/proc/self/uid_map", "5 0 1"), 0);
		CHECK_EQ(getuid(), 5);
		read_file("/proc/self/uid_map", buf, sizeof(buf));
		CHECK_STR(buf, "         5          0          1\n");
		CHECK(write(ready[1], "x", 1) == 1);
		_exit(read(go[0], &c, 1) != 1);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	snprintf(want, sizeof(want), "%10u %10u %10u\n", 5, uid, 1);
	read_file(path, buf, sizeof(buf));
	CHECK_STR(buf, want);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK_CHILD(pid);
}

TEST(no_more_than_33_levels)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int n;

	for (n = 0; n < 40; n++) {
		if (unshare(CLONE_NEWUSER))
			break;
		map_self(uid, gid);
		uid = gid = 0;
	}
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(n, 33);
}

TEST(a_maker_without_a_name_makes_none)
{
	CHECK(unshare(CLONE_NEWUSER) == 0);
	CHECK_ERR(unshare(CLONE_NEWUSER), EPERM);
}

TEST(chrooted_tasks_make_none)
{
	enter(0);
	CHECK(chroot("/tmp") == 0);
	CHECK_ERR(unshare(CLONE_NEWUSER), EPERM);
}

/* --- files -----------------------------------------------------------------*/
TEST(privilege_over_mapped_owners_only)
{
	char name[64];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "/tmp/userns.%d", getpid());
	fd = open(name, O_CREAT | O_RDWR, 0000);
	CHECK(fd >= 0);
	close(fd);
	CHECK(unshare(CLONE_NEWUSER) == 0);
	CHECK(stat(name, &st) == 0 && st.st_uid == 65534);
	CHECK_ERR(open(name, O_RDWR), EACCES);
	CHECK(chmod(name, 0600) == 0);		/* it is ours all the same */
	CHECK_ERR(chown("/etc/passwd", 65534, -1), EINVAL);
	CHECK(unlink(name) == 0);
}

TEST(others_files_are_nobodys)
{
	struct stat st;

	if (!geteuid())
		SKIP("for users");
	enter(0);
	CHECK(stat("/etc/passwd", &st) == 0);
	CHECK_EQ(st.st_uid, 65534);
	CHECK_ERR(open("/proc/1/environ", O_RDONLY), EACCES);
	CHECK_ERR(chmod("/etc/passwd", 0666), EPERM);
	CHECK_ERR(chown("/etc/passwd", 0, 0), EPERM);
	CHECK_ERR(mknod("/tmp/userns-null", S_IFCHR | 0666, 0x103), EPERM);
	CHECK_ERR(kill(1, 0), EPERM);
	CHECK_ERR(access("/etc/passwd", W_OK), EACCES);
}

/* --- signals, sockets, waits -----------------------------------------------*/
TEST(signals_name_the_sender_as_the_receiver_does)
{
	uid_t uid = geteuid();
	siginfo_t info;
	sigset_t set;
	int ready[2];
	pid_t pid;
	char c;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		enter(0);
		CHECK(kill(getppid(), SIGUSR1) == 0);
		CHECK(write(ready[1], "x", 1) == 1);
		sigdelset(&set, SIGCHLD);
		CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
		CHECK_EQ(info.si_uid, 0);	/* mapped: our parent is root */
		_exit(0);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
	CHECK_EQ(info.si_uid, uid);
	CHECK(kill(pid, SIGUSR1) == 0);
	CHECK(sigwaitinfo(&set, &info) == SIGCHLD);
	CHECK_EQ(info.si_uid, uid);
	CHECK_EQ(info.si_status, 0);
	info.si_uid = 77;
	CHECK(waitid(P_PID, pid, &info, WEXITED) == 0);
	CHECK_EQ(info.si_uid, uid);
}

struct cred_msg {
	struct cmsghdr h;
	struct ucred c;
};

static int send_ids(int fd, uid_t uid, gid_t gid)
{
	char data = 'x';
	struct iovec v = { &data, 1 };
	struct cred_msg m = {
		.h = { .cmsg_len = CMSG_LEN(sizeof(struct ucred)),
		       .cmsg_level = SOL_SOCKET,
		       .cmsg_type = SCM_CREDENTIALS },
		.c = { getpid(), uid, gid },
	};
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = &m, .msg_controllen = sizeof(m) };

	return sendmsg(fd, &h, 0);
}

static struct ucred receive_ids(int fd)
{
	char data;
	struct iovec v = { &data, 1 };
	struct cred_msg m = { 0 };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = &m, .msg_controllen = sizeof(m) };

	CHECK_EQ(recvmsg(fd, &h, 0), 1);
	CHECK_EQ(m.h.cmsg_type, SCM_CREDENTIALS);
	return m.c;
}

TEST(credentials_in_messages)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct ucred c;
	socklen_t n = sizeof(c);
	int s[2], on = 1;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	CHECK(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	CHECK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	pid = fork();
	if (!pid) {
		enter(0);
		CHECK_ERR(send_ids(s[1], 5, 0), EINVAL);
		CHECK_EQ(send_ids(s[1], 0, 0), 1);
		c = receive_ids(s[1]);
		CHECK_EQ(c.uid, 0);
		CHECK(getsockopt(s[1], SOL_SOCKET, SO_PEERCRED, &c, &n) == 0);
		CHECK_EQ(c.uid, 0);
		_exit(0);
	}
	c = receive_ids(s[0]);
	CHECK_EQ(c.uid, uid);
	CHECK_EQ(c.gid, gid);
	CHECK_EQ(send_ids(s[0], uid, gid), 1);
	CHECK_CHILD(pid);
}

TEST(ipc_owners)
{
	struct msqid_ds d;
	int id, fd;

	enter(CLONE_NEWIPC);
	id = msgget(IPC_PRIVATE, 0600);
	CHECK(id >= 0);
	CHECK(msgctl(id, IPC_STAT, &d) == 0);
	CHECK_EQ(d.msg_perm.uid, 0);
	d.msg_perm.uid = 9;
	CHECK_ERR(msgctl(id, IPC_SET, &d), EINVAL);
	d.msg_perm.uid = 0;
	CHECK(msgctl(id, IPC_SET, &d) == 0);
	fd = open("/proc/self/ns/ipc", O_RDONLY);
	CHECK(fd >= 0);
	fd = ioctl(fd, NS_GET_USERNS);
	CHECK(fd >= 0);
}

/* --- the other namespaces --------------------------------------------------*/
TEST(it_owns_what_is_made_with_it)
{
	struct stat st;
	uid_t owner;
	int fd, up;

	enter(CLONE_NEWUTS | CLONE_NEWNS);
	CHECK(sethostname("mine", 4) == 0);
	fd = open("/proc/self/ns/uts", O_RDONLY);
	CHECK(fd >= 0);
	up = ioctl(fd, NS_GET_USERNS);
	CHECK(up >= 0 && fstat(up, &st) == 0);
	CHECK(st.st_ino == number("user"));
	CHECK_EQ(ioctl(up, NS_GET_NSTYPE), CLONE_NEWUSER);
	CHECK(ioctl(up, NS_GET_OWNER_UID, &owner) == 0);
	CHECK_EQ(owner, 0);
	CHECK_ERR(ioctl(up, NS_GET_PARENT), EPERM);
	CHECK_ERR(ioctl(fd, NS_GET_OWNER_UID, &owner), EINVAL);
	/* Not of us: of who is above. */
	fd = open("/proc/self/ns/pid", O_RDONLY);
	CHECK_ERR(ioctl(fd, NS_GET_USERNS), EPERM);
}

TEST(parents_are_seen_from_above)
{
	ino_t mine = number("user");
	char path[64], c;
	int go[2], ready[2], fd, up;
	struct stat st;
	uid_t owner;
	pid_t pid;

	CHECK(pipe(go) == 0 && pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		enter(0);
		CHECK(write(ready[1], "x", 1) == 1);
		_exit(read(go[0], &c, 1) != 1);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	up = ioctl(fd, NS_GET_PARENT);
	CHECK(up >= 0 && fstat(up, &st) == 0 && st.st_ino == mine);
	CHECK(ioctl(fd, NS_GET_OWNER_UID, &owner) == 0);
	CHECK_EQ(owner, geteuid());
	/* We made it: all rights in it are ours. */
	CHECK(setns(fd, CLONE_NEWUSER) == 0);
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(caps("CapEff:"), 0x1ffffffffffull);
	CHECK_ERR(setns(fd, CLONE_NEWUSER), EINVAL);
	CHECK_ERR(setns(up, CLONE_NEWUSER), EPERM);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK_CHILD(pid);
}

TEST(pidfd_joins_user_and_others)
{
	int go[2], ready[2], fd;
	char c, name[65];
	pid_t pid;

	CHECK(pipe(go) == 0 && pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		enter(CLONE_NEWUTS | CLONE_NEWNS);
		CHECK(sethostname("inside", 6) == 0);
		CHECK(write(ready[1], "x", 1) == 1);
		_exit(read(go[0], &c, 1) != 1);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	fd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	if (geteuid())
		CHECK_ERR(setns(fd, CLONE_NEWUTS), EPERM);
	CHECK(setns(fd, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNS) == 0);
	CHECK(gethostname(name, sizeof(name)) == 0);
	CHECK_STR(name, "inside");
	CHECK_EQ(getuid(), 0);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK_CHILD(pid);
}

TEST(mounts_in_it)
{
	struct stat st;

	enter(CLONE_NEWNS);
	CHECK(mount("t", "/mnt", "tmpfs", 0, "mode=755") == 0);
	CHECK(stat("/mnt", &st) == 0 && st.st_uid == 0);
	CHECK(mkdir("/mnt/a", 0700) == 0);
	CHECK(mount("/etc", "/mnt/a", NULL, MS_BIND, NULL) == 0 ||
	      errno == EINVAL);
	CHECK_ERR(mount("/dev/vda", "/mnt", "ext4", 0, NULL), EPERM);
	CHECK_ERR(mount("s", "/mnt", "sysfs", 0, NULL), EPERM);
	CHECK_ERR(mount("p", "/mnt", "proc", 0, NULL), EPERM);
	CHECK_ERR(mount(NULL, "/", NULL, MS_REMOUNT, NULL), EPERM);
	CHECK_ERR(umount2("/proc", MNT_DETACH), EINVAL);
	CHECK_ERR(mount("/proc", "/mnt", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_ERR(mknod("/mnt/null", S_IFCHR | 0666, 0x103), EPERM);
	CHECK_ERR(mount("t", "/mnt", "tmpfs", 0, "uid=4"), EINVAL);
	CHECK(umount2("/mnt", MNT_DETACH) == 0);
}

TEST(proc_in_pid_namespace_of_its_own)
{
	pid_t pid;

	enter(CLONE_NEWNS | CLONE_NEWPID);
	pid = fork();
	if (!pid) {
		CHECK(mount("p", "/proc", "proc", 0, NULL) == 0);
		CHECK(access("/proc/1/status", R_OK) == 0);
		CHECK(access("/proc/2", F_OK) == -1);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

/* A flag that is set where we came from cannot be taken away. */
TEST(locked_flags)
{
	pid_t pid;

	if (geteuid())
		SKIP("needs root");
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("t", "/mnt", "tmpfs", MS_NOSUID | MS_NODEV, NULL) == 0);
	pid = fork();
	if (!pid) {
		enter(CLONE_NEWNS);
		CHECK_ERR(mount(NULL, "/mnt", NULL,
				MS_REMOUNT | MS_BIND | MS_NODEV, NULL), EPERM);
		CHECK_ERR(mount(NULL, "/mnt", NULL, MS_REMOUNT | MS_BIND |
				MS_NODEV | MS_NOSUID | MS_NOATIME, NULL),
			  EPERM);
		CHECK(mount(NULL, "/mnt", NULL, MS_REMOUNT | MS_BIND |
			    MS_NODEV | MS_NOSUID | MS_RDONLY, NULL) == 0);
		CHECK(mount(NULL, "/mnt", NULL, MS_REMOUNT | MS_BIND |
			    MS_NODEV | MS_NOSUID, NULL) == 0);
		CHECK_ERR(umount("/mnt"), EINVAL);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(umount("/mnt") == 0);
}

TEST(set_uid_of_strangers_is_ignored)
{
	pid_t pid;

	if (!geteuid())
		SKIP("for users");
	pid = fork();
	if (!pid) {
		enter(0);
		/* su is set-uid root, and root has no name here. */
		execl("/bin/su", "su", "-c", "exit 3", NULL);
		_exit(0);
	}
	(void)pid;
	CHECK(waitpid(pid, NULL, 0) == pid);
}

/* --- clone -----------------------------------------------------------------*/
struct clone3_args {
	unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal,
		stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static long clone3(unsigned long long flags, int signal)
{
	struct clone3_args a = { .flags = flags, .exit_signal = signal };
	long pid = syscall(SYS_clone3, &a, sizeof(a));

	if (!pid)
		_exit(getuid() == 65534 ? 0 : 9);
	return pid;
}

TEST(clone_flags)
{
	long pid = clone3(CLONE_NEWUSER, SIGCHLD);

	CHECK(pid > 0);
	CHECK_CHILD(pid);
	pid = clone3(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID |
		     CLONE_NEWNS, SIGCHLD);
	CHECK(pid > 0);
	CHECK_CHILD(pid);
	CHECK_ERR(clone3(CLONE_NEWUSER | CLONE_FS, SIGCHLD), EINVAL);
	CHECK_ERR(clone3(CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND |
			 CLONE_VM, 0), EINVAL);
	CHECK_ERR(clone3(CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND |
			 CLONE_VM, 0), EINVAL);
	CHECK_ERR(clone3(CLONE_NEWNS | CLONE_FS, SIGCHLD), EINVAL);
	CHECK_ERR(clone3(CLONE_NEWUSER | 0x40, SIGCHLD), EINVAL);
	if (geteuid()) {
		CHECK_ERR(clone3(CLONE_NEWUTS, SIGCHLD), EPERM);
		CHECK_ERR(clone3(0x80 /* CLONE_NEWTIME */, SIGCHLD), EPERM);
		CHECK_ERR(unshare(CLONE_NEWNS), EPERM);
	}
}

static void *thread(void *arg)
{
	pause();
	return arg;
}

TEST(threads_cannot_leave)
{
	pthread_t t;
	int fd;

	CHECK(pthread_create(&t, NULL, thread, NULL) == 0);
	CHECK_ERR(unshare(CLONE_NEWUSER), EINVAL);
	fd = open("/proc/self/ns/user", O_RDONLY);
	CHECK_ERR(setns(fd, CLONE_NEWUSER), EINVAL);
}

TEST(the_init_of_a_container_is_rebooted)
{
	int status;
	pid_t pid;

	enter(CLONE_NEWPID);
	pid = fork();
	if (!pid) {
		syscall(SYS_reboot, 0xfee1dead, 672274793, 0x01234567, NULL);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGHUP);
}

/* --- looking into each other -----------------------------------------------*/
TEST(who_leaves_can_be_looked_at_by_the_maker)
{
	int go[2], ready[2];
	char path[64], c;
	pid_t pid;

	CHECK(pipe(go) == 0 && pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		enter(0);
		CHECK(write(ready[1], "x", 1) == 1);
		snprintf(path, sizeof(path), "/proc/%d/environ", getppid());
		CHECK_ERR(open(path, O_RDONLY), EACCES);
		_exit(read(go[0], &c, 1) != 1);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	CHECK(open(path, O_RDONLY) >= 0);
	CHECK(kill(pid, 0) == 0);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK_CHILD(pid);
}

/* --- how many --------------------------------------------------------------*/
TEST(max_user_namespaces)
{
	char buf[32];

	read_file("/proc/sys/user/max_user_namespaces", buf, sizeof(buf));
	CHECK(atoi(buf) > 0);
	enter(0);
	read_file("/proc/sys/user/max_user_namespaces", buf, sizeof(buf));
	CHECK_STR(buf, "2147483647\n");
	CHECK_EQ(write_file("/proc/sys/user/max_user_namespaces", "1\n"), 0);
	CHECK(unshare(CLONE_NEWUSER) == 0);
	map_self(0, 0);
	CHECK_ERR(unshare(CLONE_NEWUSER), ENOSPC);
}
