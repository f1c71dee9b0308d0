/* Processes: exec, wait, groups, sessions, threads, futexes, limits. */
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

extern char **environ;

TEST(exit_status_is_eight_bits)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0x1234);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 0x34);
	CHECK_ERR(waitpid(pid, &status, 0), ECHILD);
}

TEST(wnohang_and_waitid)
{
	int fds[2];
	siginfo_t si;
	char c;
	pid_t pid;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(read(fds[0], &c, 1) == 1);
		_exit(3);
	}
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK(write(fds[1], "x", 1) == 1);
	CHECK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT) == 0);
	CHECK_EQ(si.si_status, 3);
	CHECK(waitid(P_PID, pid, &si, WEXITED) == 0);
	CHECK_ERR(waitid(P_PID, pid, &si, WEXITED), ECHILD);
}

TEST(exec_passes_arguments_and_environment)
{
	char *argv[] = { "sh", "-c", "test \"$X\" = 5 && test $# = 2 && exit 7",
			 "a", "b", "c", NULL };
	char *envp[] = { "X=5", NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execve("/bin/sh", argv, envp);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(WEXITSTATUS(status), 7);
}

TEST(exec_errors)
{
	char *argv[] = { "x", NULL };
	char name[] = "/tmp/execXXXXXX";
	int fd = mkstemp(name);

	CHECK_ERR(execve("/no/such", argv, environ), ENOENT);
	CHECK_ERR(execve("/tmp", argv, environ), EACCES);
	CHECK(write(fd, "garbage here", 12) == 12);
	CHECK_ERR(execve(name, argv, environ), EACCES);
	CHECK(fchmod(fd, 0755) == 0);
	CHECK_ERR(execve(name, argv, environ), ETXTBSY);
	close(fd);
	CHECK_ERR(execve(name, argv, environ), ENOEXEC);
	unlink(name);
}

TEST(scripts_run_their_interpreter)
{
	char name[] = "/tmp/scriptXXXXXX";
	char *argv[] = { name, "one", NULL };
	int status, fd = mkstemp(name);
	pid_t pid;

	CHECK(write(fd, "#!/bin/sh -e\ntest $1 = one || exit 1\nexit 9\n", 45) >
	      0);
	CHECK(fchmod(fd, 0755) == 0);
	close(fd);
	pid = fork();
	if (pid == 0) {
		execve(name, argv, environ);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(WEXITSTATUS(status), 9);
	unlink(name);
}

TEST(close_on_exec)
{
	char cmd[64];
	int a = open("/dev/null", O_RDONLY), status;
	int b = open("/dev/null", O_RDONLY | O_CLOEXEC);

	snprintf(cmd, sizeof(cmd), "test -e /proc/self/fd/%d && ! test -e "
				   "/proc/self/fd/%d", a, b);
	status = system(cmd);
	CHECK_EQ(status, 0);
}

TEST(orphans_go_to_another_parent)
{
	int fds[2], ppid = 0;
	pid_t pid;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		pid_t me = getpid();

		if (fork() == 0) {
			while (getppid() == me)
				usleep(1000);
			ppid = getppid();
			CHECK(write(fds[1], &ppid, sizeof(ppid)) > 0);
		}
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(read(fds[0], &ppid, sizeof(ppid)) == sizeof(ppid));
	CHECK(ppid != pid && ppid > 0);
}

TEST(sessions_and_groups)
{
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(setsid() == getpid());
		CHECK_EQ(getsid(0), getpid());
		CHECK_EQ(getpgrp(), getpid());
		CHECK_ERR(setsid(), EPERM);
		CHECK_ERR(setpgid(0, 1), EPERM);
		CHECK_ERR(setpgid(1, 0), ESRCH);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

static void *add(void *p)
{
	for (int i = 0; i < 10000; i++)
		__atomic_fetch_add((int *)p, 1, __ATOMIC_SEQ_CST);
	return (void *)(long)gettid();
}

TEST(threads_run_and_join)
{
	pthread_t t[16];
	int n = 0;

	for (int i = 0; i < 16; i++)
		CHECK(pthread_create(&t[i], NULL, add, &n) == 0);
	for (int i = 0; i < 16; i++) {
		void *tid;

		CHECK(pthread_join(t[i], &tid) == 0);
		CHECK((long)tid != getpid());
	}
	CHECK_EQ(n, 160000);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn;

static void *player(void *p)
{
	long me = (long)p;

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < 500; i++) {
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = !me;
		pthread_cond_signal(&cond);
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

TEST(condition_variables_ping_pong)
{
	pthread_t a, b;

	CHECK(pthread_create(&a, NULL, player, (void *)0L) == 0);
	CHECK(pthread_create(&b, NULL, player, (void *)1L) == 0);
	CHECK(pthread_join(a, NULL) == 0 && pthread_join(b, NULL) == 0);
}

TEST(timed_wait_times_out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 50000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	pthread_mutex_lock(&mutex);
	CHECK_EQ(pthread_cond_timedwait(&cond, &mutex, &t), ETIMEDOUT);
}

static void *exec_thread(void *p)
{
	char *argv[] = { "true", NULL };

	(void)p;
	execve("/bin/true", argv, environ);
	return NULL;
}

TEST(exec_from_a_thread_ends_the_others)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;

		pthread_create(&t, NULL, exec_thread, NULL);
		for (;;)
			pause();
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
}

static volatile int usr1_count;

static void count_usr1(int sig)
{
	usr1_count++;
}

TEST(exec_changes_the_signal_of_the_end)
{
	int fds[2], status;
	char c;
	pid_t pid;

	signal(SIGUSR1, count_usr1);
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	pid = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (pid == 0) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	close(fds[1]);
	CHECK_EQ(read(fds[0], &c, 1), 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(usr1_count, 0);
}

TEST(a_new_program_gets_no_odd_signal_of_old_children)
{
	int fds[2], status;
	char c;
	pid_t pid = fork();

	if (pid == 0) {
		if (pipe(fds))
			_exit(1);
		pid = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
		if (pid == 0) {
			close(fds[1]);
			_exit((int)read(fds[0], &c, 1));
		}
		dup2(fds[1], 9);
		close(fds[1]);
		execl("/bin/sh", "sh", "-c", "exec 9>&-; sleep 1; exit 3",
		      NULL);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void *sleeper(void *p)
{
	for (;;)
		pause();
	return p;
}

TEST(exit_group_ends_blocked_threads)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;

		for (int i = 0; i < 8; i++)
			pthread_create(&t, NULL, sleeper, NULL);
		usleep(10000);
		exit(5);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(WEXITSTATUS(status), 5);
}

TEST(posix_spawn_runs)
{
	char *argv[] = { "sh", "-c", "exit 6", NULL };
	int status;
	pid_t pid;

	CHECK(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(WEXITSTATUS(status), 6);
}

TEST(vfork_waits_for_exec)
{
	char *argv[] = { "true", NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execve("/bin/true", argv, environ);
		_exit(127);
	}
	CHECK_CHILD(pid);
}

TEST(limits)
{
	struct rlimit r;
	int fd, last = -1;

	CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0);
	r.rlim_cur = 16;
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(last, 15);
	r.rlim_cur = r.rlim_max + 1;
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &r), EINVAL);
}

TEST(usage_of_children)
{
	struct rusage a, b;
	pid_t pid;

	CHECK(getrusage(RUSAGE_CHILDREN, &a) == 0);
	pid = fork();
	if (pid == 0) {
		for (volatile int i = 0; i < 20000000; i++)
			;
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(getrusage(RUSAGE_CHILDREN, &b) == 0);
	CHECK(b.ru_utime.tv_sec * 1000000 + b.ru_utime.tv_usec >
	      a.ru_utime.tv_sec * 1000000 + a.ru_utime.tv_usec);
}

/* musl's wrappers are ENOSYS. */
static int policy(void)
{
	return (int)syscall(SYS_sched_getscheduler, 0);
}

static int set_policy(int policy_wanted, struct sched_param *p)
{
	return (int)syscall(SYS_sched_setscheduler, 0, policy_wanted, p);
}

TEST(affinity_and_policy)
{
	struct sched_param p = { 0 };
	cpu_set_t set;

	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	CHECK_ERR(sched_getaffinity(-1, sizeof(set), &set), ESRCH);
	CHECK_ERR(sched_setaffinity(-1, sizeof(set), &set), ESRCH);
	CHECK_ERR((int)syscall(SYS_sched_getscheduler, -1), EINVAL);
	CHECK(CPU_COUNT(&set) >= 1);
	CHECK_EQ(policy(), SCHED_OTHER);
	p.sched_priority = 10;
	CHECK(set_policy(SCHED_FIFO, &p) == 0);
	CHECK_EQ(policy(), SCHED_FIFO);
	p.sched_priority = 0;
	CHECK_ERR(set_policy(SCHED_FIFO, &p), EINVAL);
	CPU_ZERO(&set);
	CHECK_ERR(sched_setaffinity(0, sizeof(set), &set), EINVAL);
	CHECK_EQ(sched_get_priority_max(SCHED_RR), 99);
}

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static long keep(unsigned policy, unsigned flags, unsigned priority)
{
	struct attr a = { .size = sizeof(a), .policy = policy, .flags = flags,
			  .priority = priority };

	return syscall(SYS_sched_setattr, 0, &a, 0);
}

TEST(what_scheduling_keeps_is_checked_too)
{
	enum { KEEP_POLICY = 8, KEEP_PARAMS = 16 };
	struct sched_param p = { .sched_priority = 1 };
	struct rlimit rt = { 8, 8 };

	CHECK(!set_policy(SCHED_FIFO, &p));
	CHECK_ERR(keep(SCHED_OTHER, KEEP_POLICY, 500), EINVAL);
	CHECK_ERR(keep(SCHED_OTHER, KEEP_POLICY, 0), EINVAL);
	CHECK(!keep(SCHED_OTHER, KEEP_POLICY, 7));
	CHECK_ERR(keep(SCHED_OTHER, KEEP_PARAMS, 0), EINVAL);
	CHECK(!keep(SCHED_OTHER, KEEP_POLICY | KEEP_PARAMS, 0));
	CHECK(!syscall(SYS_sched_getparam, 0, &p) && p.sched_priority == 7);
	CHECK_EQ(policy(), SCHED_FIFO);
	CHECK(!setrlimit(RLIMIT_RTPRIO, &rt) && !setuid(1000));
	CHECK_ERR(keep(SCHED_OTHER, KEEP_POLICY, 50), EPERM);
	CHECK(!keep(SCHED_OTHER, KEEP_POLICY, 8));
}

TEST(many_short_processes)
{
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(i & 7);
		CHECK(pid > 0);
		CHECK(waitpid(pid, NULL, 0) == pid);
	}
}

TEST(unknown_calls_are_enosys)
{
	CHECK_ERR(syscall(1000), ENOSYS);
	CHECK_ERR(syscall(511), ENOSYS);
}

/* acct(5), version 3 */
struct record {
	unsigned char flag, version;
	unsigned short tty;
	unsigned exitcode, uid, gid, pid, ppid, btime;
	float etime;
	unsigned short utime, stime, mem, io, rw, minflt, majflt, swaps;
	char comm[16];
};

static int find_record(int fd, pid_t pid, struct record *r)
{
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	while (read(fd, r, sizeof(*r)) == sizeof(*r))
		if (r->pid == (unsigned)pid)
			return 1;
	return 0;
}

TEST(accounting_tells_of_each_end)
{
	char path[] = "/tmp/acctXXXXXX";
	int fd = mkstemp(path);
	pid_t quiet, killed;
	struct record r;

	CHECK(sizeof(r) == 64 && acct(path) == 0);
	quiet = fork();
	if (quiet == 0) {
		usleep(200000);
		_exit(7);
	}
	waitpid(quiet, NULL, 0);
	killed = fork();
	if (killed == 0) {
		execl("/bin/sleep", "sleep", "60", NULL);
		_exit(1);
	}
	usleep(500000);
	kill(killed, SIGKILL);
	waitpid(killed, NULL, 0);
	CHECK(acct(NULL) == 0);
	CHECK(find_record(fd, quiet, &r));
	CHECK_EQ(r.version, 3);
	CHECK_EQ(r.exitcode, 7 << 8);
	CHECK_EQ(r.ppid, getpid());
	CHECK((r.flag & 0x19) == 1 && r.uid == 0);	/* only forked */
	CHECK(r.etime >= 20 && r.etime < 200);
	CHECK_STR(r.comm, "process_test");
	CHECK(labs((long)r.btime - time(NULL)) < 20 && r.mem > 0);
	CHECK(find_record(fd, killed, &r));
	CHECK_EQ(r.exitcode, SIGKILL);
	CHECK_EQ(r.flag & 0x19, 0x10);	/* killed */
	CHECK_STR(r.comm, "sleep");
	CHECK(unlink(path) == 0);
}

TEST(accounting_wants_a_file_and_a_right)
{
	CHECK_ERR(acct("/"), EISDIR);
	CHECK_ERR(acct("/dev/null"), EACCES);
	CHECK_ERR(acct("/none"), ENOENT);
	CHECK_ERR(acct("/proc/self/comm"), EINVAL);
	CHECK_ERR(acct("/etc/passwd/"), ENOTDIR);
	CHECK(setuid(1000) == 0);
	CHECK_ERR(acct("/etc/passwd"), EPERM);
	CHECK_ERR(acct(NULL), EPERM);
}

/* PR_SET_TIMERSLACK 0 gives what the parent had when it forked. */
TEST(the_default_of_timer_slack_is_inherited)
{
	int fd = open("/proc/self/timerslack_ns", O_WRONLY);
	struct sched_param rt = { 1 }, fair = { 0 };
	pid_t pid;

	CHECK(prctl(PR_SET_TIMERSLACK, 70000) == 0);
	pid = fork();
	if (!pid) {
		CHECK_EQ(prctl(PR_GET_TIMERSLACK), 70000);
		CHECK(prctl(PR_SET_TIMERSLACK, 1) == 0);
		CHECK_EQ(prctl(PR_GET_TIMERSLACK), 1);
		CHECK(prctl(PR_SET_TIMERSLACK, 0) == 0);
		CHECK_EQ(prctl(PR_GET_TIMERSLACK), 70000);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(write(fd, "0", 1) == 1);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000);
	CHECK(set_policy(SCHED_FIFO, &rt) == 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 0);
	CHECK(prctl(PR_SET_TIMERSLACK, 70000) == 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 0);
	CHECK(set_policy(SCHED_OTHER, &fair) == 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000);
	CHECK(setuid(65534) == 0);
	CHECK_ERR(set_policy(99, &fair), EINVAL);
}

TEST(huge_pages_can_be_refused)
{
	pid_t pid;

	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
	CHECK_ERR(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0), EINVAL);
	CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
	pid = fork();
	if (!pid) {
		CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) == 0);
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
}
