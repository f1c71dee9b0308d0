/* seccomp: strict mode, filters and all that they can answer. */
#include "test.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif
#ifndef PTRACE_EVENT_SECCOMP
#define PTRACE_EVENT_SECCOMP 7
#endif
#ifndef PTRACE_O_TRACESECCOMP
#define PTRACE_O_TRACESECCOMP 0x80
#endif
#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH 16
#endif

#define NR BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ARG0 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
		      offsetof(struct seccomp_data, args[0]))
#define RET(v) BPF_STMT(BPF_RET | BPF_K, v)
#define IF(v, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v, 0, skip)

static long load(struct sock_filter *f, int n, unsigned flags)
{
	struct sock_fprog p = { (unsigned short)n, f };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

#define LOAD(f, flags) load(f, sizeof(f) / sizeof((f)[0]), flags)

/* getppid answers with that action. */
static long answer(unsigned action, unsigned flags)
{
	struct sock_filter f[] = { NR, IF(SYS_getppid, 1), RET(action),
				   RET(SECCOMP_RET_ALLOW) };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	return LOAD(f, flags);
}

static int status_line(const char *name)
{
	char line[256];
	int v = -1;
	FILE *f = fopen("/proc/thread-self/status", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			v = atoi(line + strlen(name));
	fclose(f);
	return v;
}

static int child_status(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		_exit(99);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void strict_exit(void)
{
	int fd[2];

	CHECK(pipe(fd) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	if (write(fd[1], "x", 1) == 1)
		syscall(SYS_exit, 7);
}

static void strict_other(void)
{
	CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == 0);
	syscall(SYS_getpid);
}

TEST(strict_mode)
{
	CHECK_EQ(status_line("Seccomp:"), 0);
	CHECK_EQ(status_line("Seccomp_filters:"), 0);
	CHECK_EQ(child_status(strict_exit), 7 << 8);
	CHECK_EQ(child_status(strict_other), SIGKILL);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL),
		  EINVAL);
	CHECK_ERR(syscall(SYS_seccomp, 99, 0, NULL), EINVAL);
	CHECK_ERR(prctl(PR_SET_SECCOMP, 9, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
}

TEST(errno_and_status)
{
	CHECK_EQ(answer(SECCOMP_RET_ERRNO | 42, 0), 0);
	CHECK_ERR(syscall(SYS_getppid), 42);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 2);
	CHECK_EQ(status_line("Seccomp:"), 2);
	CHECK_EQ(status_line("Seccomp_filters:"), 1);
	CHECK_EQ(status_line("NoNewPrivs:"), 1);
	CHECK_ERR(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT), EINVAL);
	CHECK(answer(SECCOMP_RET_ERRNO | 0xffff, 0) == 0);
	CHECK_EQ(status_line("Seccomp_filters:"), 2);
	/* of two equal actions the later filter's */
	CHECK_ERR(syscall(SYS_getppid), 4095);
	CHECK(answer(SECCOMP_RET_LOG, 0) == 0);
	CHECK_ERR(syscall(SYS_getppid), 4095);
}

TEST(errno_zero_is_success)
{
	CHECK_EQ(answer(SECCOMP_RET_ERRNO, 0), 0);
	CHECK_EQ(syscall(SYS_getppid), 0);
}

TEST(log_and_nobody_to_ask)
{
	CHECK_EQ(answer(SECCOMP_RET_LOG, SECCOMP_FILTER_FLAG_LOG), 0);
	CHECK(syscall(SYS_getppid) > 0);
	CHECK_EQ(answer(SECCOMP_RET_TRACE, 0), 0);
	CHECK_ERR(syscall(SYS_getppid), ENOSYS);
}

static volatile siginfo_t seen;
static volatile int trapped;

static void on_sys(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	trapped++;
	memcpy((void *)&seen, si, sizeof(seen));
}

TEST(trap)
{
	struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };
	struct { int signo, err, code, pad; void *addr; int nr; unsigned arch; }
		*si = (void *)&seen;

	sigaction(SIGSYS, &sa, NULL);
	CHECK_EQ(answer(SECCOMP_RET_TRAP | 77, 0), 0);
	CHECK_EQ(syscall(SYS_getppid, 1234), 1234);	/* a0 as it was */
	CHECK_EQ(trapped, 1);
	CHECK_EQ(si->err, 77);
	CHECK_EQ(si->code, SYS_SECCOMP);
	CHECK_EQ(si->nr, SYS_getppid);
	CHECK_EQ(si->arch, AUDIT_ARCH_RISCV64);
	CHECK(si->addr != NULL);
}

static void killed(void)
{
	signal(SIGSYS, SIG_IGN);
	answer(SECCOMP_RET_KILL_PROCESS, 0);
	syscall(SYS_getppid);
}

static void killed_thread(void)
{
	answer(SECCOMP_RET_KILL_THREAD, 0);
	syscall(SYS_getppid);
}

static void unknown_action(void)
{
	answer(0x00020000, 0);
	syscall(SYS_getppid);
}

TEST(kills)
{
	CHECK_EQ(child_status(killed) & 0x7f, SIGSYS);
	CHECK_EQ(child_status(killed_thread) & 0x7f, SIGSYS);
	CHECK_EQ(child_status(unknown_action) & 0x7f, SIGSYS);
}

static void *gets_ppid(void *arg)
{
	syscall(SYS_getppid);
	return arg;
}

static void *gets_killed(void *arg)
{
	answer(SECCOMP_RET_KILL_THREAD, 0);
	syscall(SYS_getppid);
	*(int *)arg = 1;
	return NULL;
}

static void thread_dies_alone(void)
{
	volatile int survived = 0;
	pthread_t t;
	struct timespec ts = { 0, 200000000 };

	pthread_create(&t, NULL, gets_killed, (void *)&survived);
	nanosleep(&ts, NULL);
	_exit(survived ? 1 : 5);
}

static void thread_kills_all(void)
{
	pthread_t t;

	answer(SECCOMP_RET_KILL_PROCESS, 0);
	pthread_create(&t, NULL, gets_ppid, NULL);
	pthread_join(t, NULL);
}

TEST(thread_and_process)
{
	CHECK_EQ(child_status(thread_dies_alone), 5 << 8);
	CHECK_EQ(child_status(thread_kills_all) & 0x7f, SIGSYS);
}

TEST(inherited_by_fork_and_exec)
{
	char *argv[] = { "sh", "-c",
			 "grep -q 'Seccomp:.2' /proc/self/status && "
			 "test \"$PPID\" != none && exit 3", NULL };
	int status;
	pid_t pid;

	CHECK_EQ(answer(SECCOMP_RET_ERRNO | 42, 0), 0);
	pid = fork();
	if (pid == 0) {
		CHECK_ERR(syscall(SYS_getppid), 42);
		execv("/bin/sh", argv);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 3 << 8);
}

TEST(rights)
{
	struct sock_filter f[] = { RET(SECCOMP_RET_ALLOW) };

	if (getuid() == 0) {
		CHECK(LOAD(f, 0) == 0);
		CHECK_EQ(status_line("NoNewPrivs:"), 0);
		CHECK(setresuid(1000, 1000, 1000) == 0);
	}
	CHECK_ERR(LOAD(f, 0), EACCES);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(LOAD(f, 0) == 0);
}

TEST(bad_programs)
{
	struct sock_filter no_ret[] = { NR };
	struct sock_filter odd[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RET(0) };
	struct sock_filter beyond[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET(0) };
	struct sock_filter bytes[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RET(0) };
	struct sock_filter jump[] = { BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
				      RET(0) };
	struct sock_filter jumps[] = { NR, IF(1, 1), RET(0) };
	struct sock_filter div[] = {
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(0) };
	struct sock_filter shift[] = {
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RET(0) };
	struct sock_filter mod[] = {
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RET(0) };
	struct sock_filter mem[] = { BPF_STMT(BPF_LD | BPF_MEM, 3), RET(0) };
	struct sock_filter mem16[] = { BPF_STMT(BPF_ST, 16), RET(0) };
	struct sock_filter half[] = { NR, IF(1, 1), BPF_STMT(BPF_ST, 0),
				      BPF_STMT(BPF_LD | BPF_MEM, 0), RET(0) };
	struct sock_filter code[] = { { 0x99, 0, 0, 0 }, RET(0) };
	struct sock_fprog p = { 1, (void *)16 };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_ERR(LOAD(no_ret, 0), EINVAL);
	CHECK_ERR(LOAD(odd, 0), EINVAL);
	CHECK_ERR(LOAD(beyond, 0), EINVAL);
	CHECK_ERR(LOAD(bytes, 0), EINVAL);
	CHECK_ERR(LOAD(jump, 0), EINVAL);
	CHECK_ERR(LOAD(jumps, 0), EINVAL);
	CHECK_ERR(LOAD(div, 0), EINVAL);
	CHECK_ERR(LOAD(shift, 0), EINVAL);
	CHECK_ERR(LOAD(mod, 0), EINVAL);
	CHECK_ERR(LOAD(mem, 0), EINVAL);
	CHECK_ERR(LOAD(mem16, 0), EINVAL);
	CHECK_ERR(LOAD(half, 0), EINVAL);
	CHECK_ERR(LOAD(code, 0), EINVAL);
	CHECK_ERR(load(no_ret, 0, 0), EINVAL);
	CHECK_ERR(load(no_ret, 4097, 0), EINVAL);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p), EFAULT);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 16), EFAULT);
	CHECK_ERR(LOAD(no_ret, 1 << 20), EINVAL);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
}

/* getppid(x): (((x * 3 + 4) / 2 ^ 5) | 64) & 127, as an error. */
TEST(arithmetic)
{
	struct sock_filter f[] = {
		NR, IF(SYS_getppid, 14), ARG0,
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3),
		BPF_STMT(BPF_LDX | BPF_IMM, 4),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ST, 7),
		BPF_STMT(BPF_LDX | BPF_IMM, 2),
		BPF_STMT(BPF_LD | BPF_MEM, 7),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 5),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 64),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 127),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_IMM, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_RET | BPF_A, 0), RET(SECCOMP_RET_ALLOW),
	};

	f[1].jf = 15;
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(LOAD(f, 0) == 0);
	for (int x = 0; x < 50; x += 7)
		CHECK_ERR(syscall(SYS_getppid, x),
			  ((((x * 3 + 4) / 2) ^ 5) | 64) & 127);
}

static pthread_barrier_t bar;
static volatile long got[3];
static volatile int diverge;

static void *waits_then_asks(void *arg)
{
	long i = (long)arg;

	if (i == diverge)
		answer(SECCOMP_RET_ERRNO | 9, 0);
	pthread_barrier_wait(&bar);
	pthread_barrier_wait(&bar);
	got[i] = syscall(SYS_getppid) < 0 ? errno : 0;
	return NULL;
}

static long sync_with(int odd_one, unsigned flags)
{
	pthread_t t[2];
	long ret;

	diverge = odd_one;
	pthread_barrier_init(&bar, NULL, 3);
	for (long i = 1; i < 3; i++)
		pthread_create(&t[i - 1], NULL, waits_then_asks, (void *)i);
	pthread_barrier_wait(&bar);
	ret = answer(SECCOMP_RET_ERRNO | 55, flags);
	pthread_barrier_wait(&bar);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	return ret;
}

TEST(all_threads_at_once)
{
	CHECK_EQ(sync_with(0, SECCOMP_FILTER_FLAG_TSYNC), 0);
	CHECK_EQ(got[1], 55);
	CHECK_EQ(got[2], 55);
}

TEST(only_this_thread)
{
	CHECK_EQ(sync_with(0, 0), 0);
	CHECK_EQ(got[1], 0);
	CHECK_EQ(got[2], 0);
}

TEST(threads_that_differ)
{
	CHECK(sync_with(2, SECCOMP_FILTER_FLAG_TSYNC) > 0);
	CHECK_EQ(got[1], 0);
	CHECK_EQ(got[2], 9);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
	CHECK_EQ(sync_with(1, SECCOMP_FILTER_FLAG_TSYNC |
			   SECCOMP_FILTER_FLAG_TSYNC_ESRCH), -1);
}

TEST(actions_known)
{
	unsigned known[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
			     SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
			     SECCOMP_RET_TRACE, SECCOMP_RET_LOG,
			     SECCOMP_RET_ALLOW }, bad = 0x12340000;

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		CHECK_EQ(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0,
				 &known[i]), 0);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &bad),
		  EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &bad),
		  EINVAL);
	CHECK_ERR(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, 16),
		  EFAULT);
}

TEST(a_tracer_decides)
{
	unsigned long msg;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		answer(SECCOMP_RET_TRACE | 321, 0);
		_exit(syscall(SYS_getppid) > 0 ? 4 : 5);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	CHECK(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP) == 0);
	CHECK(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
	CHECK(ptrace(PTRACE_GETEVENTMSG, pid, 0, &msg) == 0);
	CHECK_EQ(msg, 321);
	CHECK(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 4 << 8);
}
