/* Users, groups, capabilities, job control, /proc/self. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

/* --- users and groups --------------------------------------------------------*/

static void check_ids(uid_t r, uid_t e, uid_t s)
{
	uid_t a, b, c;

	CHECK(getresuid(&a, &b, &c) == 0);
	CHECK_EQ(a, r);
	CHECK_EQ(b, e);
	CHECK_EQ(c, s);
}

TEST(root_gives_itself_up)
{
	CHECK(setgroups(0, NULL) == 0 && setgid(1000) == 0);
	CHECK(setuid(1000) == 0);
	check_ids(1000, 1000, 1000);
	CHECK_ERR(setuid(0), EPERM);
	CHECK_ERR(setgid(0), EPERM);
	CHECK_ERR(seteuid(0), EPERM);
	CHECK_ERR(setgroups(0, NULL), EPERM);
	CHECK_ERR(chown("/tmp", 1000, 1000), EPERM);
	CHECK_ERR(kill(1, SIGTERM), EPERM);
	CHECK_ERR(open("/etc/shadow", O_RDONLY), EACCES);
}

TEST(the_saved_id_comes_back)
{
	CHECK(seteuid(1000) == 0);
	check_ids(0, 1000, 0);
	CHECK_ERR(setresuid(5, -1, -1), EPERM);
	CHECK(setresuid(-1, 0, -1) == 0);
	check_ids(0, 0, 0);
	CHECK(setresuid(1, 2, 3) == 0);
	check_ids(1, 2, 3);
	CHECK(setreuid(2, 1) == 0);
	check_ids(2, 1, 1);
	CHECK_ERR(setuid(3), EPERM);
	CHECK(setuid(2) == 0);
	check_ids(2, 2, 1);
}

TEST(groups_are_a_list)
{
	gid_t set[3] = { 30, 10, 20 }, got[3];

	CHECK(setgroups(3, set) == 0);
	CHECK_EQ(getgroups(0, NULL), 3);
	CHECK_ERR(getgroups(2, got), EINVAL);
	CHECK_EQ(getgroups(3, got), 3);
	CHECK(got[0] == 10 && got[1] == 20 && got[2] == 30);
	CHECK_ERR(setgroups(65537, set), EINVAL);
}

static int capable(unsigned cap)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	CHECK(syscall(SYS_capget, &h, d) == 0);
	return d[cap / 32].effective >> cap % 32 & 1;
}

TEST(capabilities_follow_the_ids)
{
	struct __user_cap_header_struct h = { 0, 0 };
	struct __user_cap_data_struct d[2];

	CHECK(capable(CAP_CHOWN) && capable(CAP_SYS_ADMIN));
	CHECK_ERR(syscall(SYS_capget, &h, d), EINVAL);
	CHECK_EQ(h.version, _LINUX_CAPABILITY_VERSION_3);
	CHECK(seteuid(1000) == 0);
	CHECK(!capable(CAP_CHOWN));
	CHECK(seteuid(0) == 0);
	CHECK(capable(CAP_CHOWN));
	CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0 && setuid(1000) == 0);
	CHECK(!capable(CAP_CHOWN));
	CHECK(syscall(SYS_capget, &h, d) == 0 && d[0].permitted & 1);
	d[0].effective = 1 << CAP_CHOWN;
	CHECK(syscall(SYS_capset, &h, d) == 0);
	CHECK(capable(CAP_CHOWN));
	d[0].permitted = d[0].effective = 0;
	CHECK(syscall(SYS_capset, &h, d) == 0);
	d[0].permitted = 1;
	CHECK_ERR(syscall(SYS_capset, &h, d), EPERM);
}

TEST(no_new_privs_stays)
{
	pid_t pid;

	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	CHECK_ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	pid = fork();
	if (pid == 0)
		_exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
	CHECK_CHILD(pid);
}

/* A copy of `id` that belongs to root and has the bit set. */
TEST(setuid_programs_change_the_user)
{
	char out[16] = "";
	int fds[2];
	pid_t pid;

	CHECK(system("cp /usr/bin/id /var/tmp/id.$PPID && "
		     "chmod 4755 /var/tmp/id.$PPID") == 0);
	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		char name[32];

		snprintf(name, sizeof(name), "/var/tmp/id.%d", getppid());
		CHECK(setgid(1000) == 0 && setuid(1000) == 0);
		dup2(fds[1], 1);
		execl(name, "id", "-u", NULL);
		_exit(1);
	}
	CHECK_CHILD(pid);
	CHECK(read(fds[0], out, sizeof(out) - 1) > 0);
	CHECK_STR(out, "0\n");
	CHECK(system("rm /var/tmp/id.$PPID") == 0);
}

/* --- job control -------------------------------------------------------------*/

static int pty(char *name)
{
	int n, zero = 0, m = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	CHECK(m >= 0 && ioctl(m, TIOCSPTLCK, &zero) == 0);
	CHECK(ioctl(m, TIOCGPTN, &n) == 0);
	snprintf(name, 32, "/dev/pts/%d", n);
	return m;
}

static int stopped_by(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	CHECK(WIFSTOPPED(status));
	return WSTOPSIG(status);
}

TEST(background_groups_stop_at_the_terminal)
{
	struct termios t;
	char name[32], c;
	int m = pty(name), s;
	pid_t pid;

	CHECK(setsid() == getpid());
	s = open(name, O_RDWR);
	CHECK(s >= 0);
	CHECK_EQ(tcgetsid(s), getpid());
	CHECK_EQ(tcgetpgrp(s), getpid());
	pid = fork();
	if (pid == 0) {
		CHECK(setpgid(0, 0) == 0);
		CHECK(read(s, &c, 1) == 1);
		CHECK(tcgetattr(s, &t) == 0);
		t.c_lflag |= TOSTOP;
		CHECK(tcsetattr(s, TCSANOW, &t) == 0);
		CHECK(write(s, "x", 1) == 1);
		_exit(0);
	}
	CHECK_EQ(stopped_by(pid), SIGTTIN);
	CHECK(write(m, "a\n", 2) == 2);
	CHECK(tcsetpgrp(s, pid) == 0);
	CHECK_EQ(tcgetpgrp(s), pid);
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK_CHILD(pid);
	signal(SIGTTOU, SIG_IGN);
	CHECK(tcsetpgrp(s, getpid()) == 0);
	CHECK_ERR(tcsetpgrp(s, 99999), ESRCH);
	CHECK_ERR(tcsetpgrp(m, 1), EPERM);
}

TEST(tcsetattr_in_the_background_stops)
{
	struct termios t;
	char name[32];
	int s;
	pid_t pid;

	pty(name);
	CHECK(setsid() == getpid());
	s = open(name, O_RDWR);
	CHECK(s >= 0);
	pid = fork();
	if (pid == 0) {
		CHECK(setpgid(0, 0) == 0 && tcgetattr(s, &t) == 0);
		CHECK(tcsetattr(s, TCSANOW, &t) == 0);
		_exit(0);
	}
	CHECK_EQ(stopped_by(pid), SIGTTOU);
	CHECK(tcsetpgrp(s, pid) == 0 && kill(pid, SIGCONT) == 0);
	CHECK_CHILD(pid);
}

TEST(the_suspend_key_stops_the_foreground)
{
	char name[32];
	int m = pty(name), s, status;
	pid_t pid;

	CHECK(setsid() == getpid());
	s = open(name, O_RDWR);
	CHECK(s >= 0);
	pid = fork();
	if (pid == 0) {
		CHECK(setpgid(0, 0) == 0);
		signal(SIGTTOU, SIG_IGN);
		CHECK(tcsetpgrp(s, getpid()) == 0);
		CHECK(write(s, "r", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(read(m, &status, 1) == 1);
	CHECK(write(m, "\x1a", 1) == 1);
	CHECK_EQ(stopped_by(pid), SIGTSTP);
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	CHECK(write(m, "\x1c", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT);
}

TEST(an_orphaned_group_does_not_stop)
{
	char name[32], c;
	int s;
	pid_t pid;

	pty(name);
	CHECK(setsid() == getpid());
	s = open(name, O_RDWR);
	CHECK(s >= 0);
	pid = fork();
	if (pid == 0) {
		int up[2];

		CHECK(pipe(up) == 0);
		if (fork() == 0) {
			CHECK(setpgid(0, 0) == 0);
			close(up[1]);
			CHECK(read(up[0], &c, 1) == 0);
			usleep(100000);
			CHECK_ERR(read(s, &c, 1), EIO);
			kill(getsid(0), SIGUSR1);
			_exit(0);
		}
		usleep(100000);
		_exit(0);
	}
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK_CHILD(pid);
	CHECK_EQ(sigwaitinfo(&set, NULL), SIGUSR1);
}

/* --- /proc/self -----------------------------------------------------------------*/

static char text[1 << 16];

static const char *whole(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n, len = 0;

	CHECK(fd >= 0);
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	CHECK(n == 0 && len > 0);
	text[len] = 0;
	close(fd);
	return text;
}

static long status_number(const char *key)
{
	const char *at = strstr(whole("/proc/self/status"), key);

	CHECK(at != NULL);
	return strtol(at + strlen(key), NULL, 0);
}

TEST(status_tells_who_we_are)
{
	CHECK_EQ(status_number("\nPid:\t"), getpid());
	CHECK_EQ(status_number("\nPPid:\t"), getppid());
	CHECK_EQ(status_number("\nThreads:\t"), 1);
	CHECK(status_number("\nVmRSS:\t") > 0);
	CHECK(seteuid(1000) == 0);
	CHECK(strstr(whole("/proc/self/status"), "\nUid:\t0\t1000\t0\t1000\n"));
}

TEST(stat_has_52_fields)
{
	const char *at;
	int fields = 2;

	CHECK(prctl(PR_SET_NAME, "a) b (c") == 0);
	at = whole("/proc/self/stat");
	CHECK_EQ(strtol(at, NULL, 10), getpid());
	at = strstr(at, "(a) b (c) R ");
	CHECK(at != NULL);
	for (at += 9; *at; at++)
		fields += *at == ' ';
	CHECK_EQ(fields, 52);
}

TEST(links_lead_to_files)
{
	char buf[256], cwd[256], name[64];
	int fd, n;

	CHECK(chdir("/usr") == 0);
	n = (int)readlink("/proc/self/cwd", buf, sizeof(buf));
	CHECK(n == 4 && !memcmp(buf, "/usr", 4));
	CHECK(readlink("/proc/self/exe", buf, sizeof(buf)) > 0);
	CHECK(buf[0] == '/');
	fd = open("/etc/passwd", O_RDONLY);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = (int)readlink(name, buf, sizeof(buf));
	CHECK(n == 11 && !memcmp(buf, "/etc/passwd", 11));
	n = open(name, O_RDONLY);
	CHECK(n >= 0 && read(n, cwd, 4) == 4 && !memcmp(cwd, "root", 4));
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", n);
	CHECK(strstr(whole(name), "pos:\t4\n"));
	close(fd);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK_ERR(readlink(name, buf, sizeof(buf)), ENOENT);
}

TEST(maps_name_the_areas)
{
	unsigned long a, b;
	char *line;

	CHECK(strstr(whole("/proc/self/maps"), "[stack]"));
	CHECK(strstr(text, "[vdso]") && strstr(text, "r-xp"));
	for (line = text; *line; line = strchr(line, '\n') + 1) {
		CHECK_EQ(sscanf(line, "%lx-%lx ", &a, &b), 2);
		CHECK(a < b && !(a & 4095) && !(b & 4095));
	}
}

TEST(memory_by_proc_self_mem)
{
	static volatile int word = 5;
	static void *volatile bad = (void *)8;
	int value = 0, fd = open("/proc/self/mem", O_RDWR);

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &value, 4, (off_t)(unsigned long)&word), 4);
	CHECK_EQ(value, 5);
	value = 6;
	CHECK_EQ(pwrite(fd, &value, 4, (off_t)(unsigned long)&word), 4);
	CHECK_EQ(word, 6);
	CHECK_ERR(pread(fd, &value, 4, 0), EIO);
	CHECK_ERR(pread(fd, bad, 4, (off_t)(unsigned long)&word), EFAULT);
}

TEST(arguments_environment_and_name)
{
	CHECK(whole("/proc/self/cmdline")[0] == '/');
	CHECK(prctl(PR_SET_NAME, "a name longer than fifteen") == 0);
	CHECK_STR(whole("/proc/self/comm"), "a name longer t\n");
	CHECK(strstr(whole("/proc/self/limits"), "Max open files"));
	CHECK(strstr(whole("/proc/self/mountinfo"), " / "));
	CHECK(strstr(whole("/proc/self/io"), "rchar: "));
	whole("/proc/self/statm");
	whole("/proc/self/smaps");
	whole("/proc/self/auxv");
}

TEST(other_processes_are_listed_and_go)
{
	char name[64];
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	snprintf(name, sizeof(name), "/proc/%d", pid);
	CHECK(access(name, F_OK) == 0);
	kill(pid, SIGKILL);
	CHECK(waitid(P_PID, pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) == 0);
	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	CHECK(strstr(whole(name), "State:\tZ (zombie)"));
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK_ERR(open(name, O_RDONLY), ENOENT);
}
