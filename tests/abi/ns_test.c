/* Namespaces: their files, setns, and who sees what. */
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "test.h"

#define NS_GET_USERNS 0xb701
#define NS_GET_PARENT 0xb702
#define NS_GET_NSTYPE 0xb703

static int ns(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	return fd;
}

static ino_t number(int fd)
{
	struct stat st;

	CHECK(fstat(fd, &st) == 0);
	return st.st_ino;
}

static void need_root(void)
{
	if (geteuid())
		SKIP("needs root");
}

TEST(links_and_types)
{
	static const struct {
		const char *name;
		int type;
	} all[] = { { "ipc", CLONE_NEWIPC }, { "mnt", CLONE_NEWNS },
		    { "pid", CLONE_NEWPID }, { "user", CLONE_NEWUSER },
		    { "uts", CLONE_NEWUTS } };
	char path[64], text[64], want[64];
	unsigned i;
	int fd, n;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		fd = ns(all[i].name);
		CHECK_EQ(ioctl(fd, NS_GET_NSTYPE), all[i].type);
		snprintf(path, sizeof(path), "/proc/self/ns/%s", all[i].name);
		n = readlink(path, text, sizeof(text) - 1);
		CHECK(n > 0);
		text[n] = 0;
		snprintf(want, sizeof(want), "%s:[%lu]", all[i].name,
			 (unsigned long)number(fd));
		CHECK_STR(text, want);
	}
	CHECK_ERR(ioctl(ns("uts"), NS_GET_PARENT), EINVAL);
	CHECK_ERR(ioctl(ns("pid"), NS_GET_PARENT), EPERM);
	CHECK_ERR(ioctl(ns("uts"), 0xb7ff), ENOTTY);
	fd = ioctl(ns("uts"), NS_GET_USERNS);
	CHECK(fd >= 0 && number(fd) == number(ns("user")));
}

TEST(setns_arguments)
{
	CHECK_ERR(setns(99, 0), EBADF);
	CHECK_ERR(setns(0, 0), EINVAL);
	CHECK_ERR(setns(ns("uts"), CLONE_NEWIPC), EINVAL);
	CHECK_ERR(setns(ns("user"), 0), EINVAL);
	if (geteuid())
		CHECK_ERR(setns(ns("uts"), 0), EPERM);
}

TEST(host_name)
{
	char name[65], other[65];
	int old;

	need_root();
	old = ns("uts");
	CHECK(gethostname(name, sizeof(name)) == 0);
	CHECK(unshare(CLONE_NEWUTS) == 0);
	CHECK(number(old) != number(ns("uts")));
	CHECK(sethostname("elsewhere", 9) == 0);
	CHECK(setns(old, CLONE_NEWUTS) == 0);
	CHECK(gethostname(other, sizeof(other)) == 0);
	CHECK_STR(other, name);
	CHECK(number(old) == number(ns("uts")));
}

TEST(ipc_comes_and_goes)
{
	int id, mine, old;

	need_root();
	old = ns("ipc");
	id = semget(IPC_PRIVATE, 1, 0600);
	CHECK(unshare(CLONE_NEWIPC) == 0);
	mine = ns("ipc");
	CHECK_EQ(semget(0x4e53, 2, IPC_CREAT | 0600), 0);
	CHECK(setns(old, 0) == 0);
	CHECK(semctl(id, 0, GETVAL) == 0);
	CHECK_ERR(semget(0x4e53, 2, 0), ENOENT);
	CHECK(semctl(id, 0, IPC_RMID) == 0);
	/* The open file kept it. */
	CHECK(setns(mine, CLONE_NEWIPC) == 0);
	CHECK_EQ(semget(0x4e53, 2, 0), 0);
}

TEST(children_in_another_pid_namespace)
{
	int old, status;
	pid_t pid;

	need_root();
	old = ns("pid");
	CHECK(unshare(CLONE_NEWPID) == 0);
	pid = fork();
	if (!pid)
		_exit(getpid() != 1);
	CHECK_CHILD(pid);
	CHECK_ERR(fork(), ENOMEM);	/* its init is gone */
	CHECK(setns(old, CLONE_NEWPID) == 0);
	pid = fork();
	if (!pid)
		_exit(getpid() == 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

TEST(no_children_without_a_first_one)
{
	struct {
		unsigned long long flags, pidfd, rest[9];
	} a = { CLONE_PIDFD, 8 };

	need_root();
	CHECK(unshare(CLONE_NEWPID) == 0);
	CHECK_ERR(open("/proc/self/ns/pid_for_children", O_RDONLY), ENOENT);
	CHECK_ERR(syscall(SYS_clone3, &a, sizeof(a)), EFAULT);
	CHECK_ERR(fork(), ENOMEM);
}

static volatile int from_whom = -1;

static void note_sender(int sig, siginfo_t *info, void *context)
{
	from_whom = info->si_pid;
}

TEST(signals_from_a_namespace_above)
{
	struct sigaction a = { .sa_sigaction = note_sender,
			       .sa_flags = SA_SIGINFO };
	int told[2], status;
	char c;
	pid_t pid;

	need_root();
	CHECK(pipe(told) == 0 && sigaction(SIGUSR1, &a, NULL) == 0);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_NEWPID, 0, 0, 0, 0);
	if (!pid) {
		while (from_whom < 0)
			usleep(1000);
		c = (char)from_whom;
		if (write(told[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	CHECK(syscall(SYS_tgkill, pid, pid, SIGUSR1) == 0);
	CHECK(read(told[0], &c, 1) == 1 && c == 0);
	/* It has no handler, but is no init to us. */
	CHECK(syscall(SYS_tgkill, pid, pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(mounts)
{
	int old;

	need_root();
	old = ns("mnt");
	mkdir("/tmp/nsmnt", 0700);
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("none", "/tmp/nsmnt", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("/tmp/nsmnt/in", 0700) == 0);
	CHECK(setns(old, 0) == 0);
	CHECK_ERR(access("/tmp/nsmnt/in", F_OK), ENOENT);
	CHECK(access("/tmp/nsmnt", F_OK) == 0);
}

TEST(pidfd_names_them_all)
{
	int go[2], ready[2], fd;
	ino_t uts, ipc;
	char c, path[64];
	struct stat st;
	pid_t pid;

	need_root();
	CHECK(pipe(go) == 0 && pipe(ready) == 0);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUTS | CLONE_NEWIPC))
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(go[0], &c, 1) != 1);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
	CHECK(stat(path, &st) == 0);
	uts = st.st_ino;
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", pid);
	CHECK(stat(path, &st) == 0);
	ipc = st.st_ino;
	fd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	CHECK_ERR(setns(fd, 0), EINVAL);
	CHECK(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC) == 0);
	CHECK(number(ns("uts")) == uts && number(ns("ipc")) == ipc);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK_CHILD(pid);
}
