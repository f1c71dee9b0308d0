/* ptrace: stops, requests, events, and who hears of what. */
#include "test.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif
#define O_EVENTS (1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6)
#define O_SYSGOOD 1
#define O_EXITKILL (1 << 20)

struct call_info {		/* struct ptrace_syscall_info */
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp;
	union {
		struct { uint64_t nr, args[6]; } entry;
		struct { int64_t rval; uint8_t is_error; } exit;
		uint64_t space[8];
	};
};

static volatile long word = 42;

static long request(long what, pid_t pid, unsigned long addr, void *data)
{
	return syscall(SYS_ptrace, what, (long)pid, addr, data);
}

static int wait_status(pid_t pid)
{
	int st;

	CHECK_EQ(waitpid(pid, &st, __WALL), pid);
	return st;
}

static void expect_stop(pid_t pid, int code)
{
	int st = wait_status(pid);

	CHECK(WIFSTOPPED(st));
	CHECK_EQ(st >> 8, code);
}

/* A child that has asked to be traced and stopped itself. */
static pid_t traced_child(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		if (request(PTRACE_TRACEME, 0, 0, NULL))
			_exit(100);
		raise(SIGSTOP);
		fn();
		_exit(7);
	}
	expect_stop(pid, SIGSTOP);
	return pid;
}

static pid_t plain_child(void)
{
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	usleep(20000);
	return pid;
}

static void do_nothing(void)
{
}

static void end(pid_t pid)
{
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(WTERMSIG(wait_status(pid)) == SIGKILL);
}

TEST(traceme_stops_and_continues)
{
	pid_t pid = traced_child(do_nothing);

	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	CHECK_EQ(WEXITSTATUS(wait_status(pid)), 7);
}

TEST(requests_need_a_stopped_tracee)
{
	long v;
	pid_t pid = plain_child();

	CHECK_ERR(request(PTRACE_PEEKDATA, pid, 0, &v), ESRCH);
	CHECK(request(PTRACE_SEIZE, pid, 0, NULL) == 0);
	CHECK_ERR(request(PTRACE_PEEKDATA, pid, 0, &v), ESRCH);
	CHECK_ERR(request(PTRACE_SEIZE, pid, 0, NULL), EPERM);
	CHECK_ERR(request(PTRACE_ATTACH, getpid(), 0, NULL), EPERM);
	CHECK_ERR(request(PTRACE_ATTACH, 999999, 0, NULL), ESRCH);
	end(pid);
}

TEST(memory_is_read_and_written)
{
	pid_t pid = traced_child(do_nothing);
	long v = 0;

	CHECK(request(PTRACE_PEEKDATA, pid, (unsigned long)&word, &v) == 0);
	CHECK_EQ(v, 42);
	CHECK(request(PTRACE_POKEDATA, pid, (unsigned long)&word,
		      (void *)43l) == 0);
	CHECK(request(PTRACE_PEEKTEXT, pid, (unsigned long)&word, &v) == 0);
	CHECK_EQ(v, 43);
	CHECK_EQ(word, 42);
	CHECK_ERR(request(PTRACE_PEEKDATA, pid, 8, &v), EIO);
	end(pid);
}

TEST(register_sets)
{
	pid_t pid = traced_child(do_nothing);
	unsigned long r[32], again[32];
	struct iovec v = { r, sizeof(r) + 64 };
	char fp[528];

	CHECK(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) == 0);
	CHECK_EQ(v.iov_len, sizeof(r));
	r[31] = 0x1234;
	CHECK(request(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) == 0);
	v.iov_base = again;
	CHECK(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) == 0);
	CHECK(memcmp(r, again, sizeof(r)) == 0);
	v = (struct iovec){ fp, sizeof(fp) };
	CHECK(request(PTRACE_GETREGSET, pid, NT_PRFPREG, &v) == 0);
	CHECK_EQ(v.iov_len, 264);
	v.iov_len = 7;
	CHECK_ERR(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v), EINVAL);
	CHECK_ERR(request(PTRACE_GETREGSET, pid, 12345, &v), EINVAL);
	end(pid);
}

static void call_getppid(void)
{
	syscall(SYS_getppid);
}

TEST(system_call_stops_tell_number_and_result)
{
	pid_t pid = traced_child(call_getppid);
	struct call_info i;

	CHECK(request(PTRACE_SETOPTIONS, pid, 0, (void *)O_SYSGOOD) == 0);
	CHECK_EQ(request(0x420e, pid, sizeof(i), &i), 24);
	CHECK_EQ(i.op, 0);
	do {
		CHECK(request(PTRACE_SYSCALL, pid, 0, NULL) == 0);
		expect_stop(pid, SIGTRAP | 0x80);
		CHECK(request(0x420e, pid, sizeof(i), &i) > 0);
	} while (i.op != 1 || i.entry.nr != SYS_getppid);
	CHECK_EQ(i.arch, 0xc00000f3u);
	CHECK(request(PTRACE_SYSCALL, pid, 0, NULL) == 0);
	expect_stop(pid, SIGTRAP | 0x80);
	CHECK_EQ(request(0x420e, pid, sizeof(i), &i), 33);
	CHECK_EQ(i.op, 2);
	CHECK_EQ(i.exit.rval, getpid());
	CHECK_EQ(i.exit.is_error, 0);
	end(pid);
}

static void exit_with_getppid(void)
{
	_exit(syscall(SYS_getppid) == 77 ? 0 : 1);
}

TEST(a_tracer_can_skip_a_call_and_set_its_result)
{
	pid_t pid = traced_child(exit_with_getppid);
	unsigned long r[32];
	struct iovec v = { r, sizeof(r) };

	do {
		CHECK(request(PTRACE_SYSCALL, pid, 0, NULL) == 0);
		expect_stop(pid, SIGTRAP);
		CHECK(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) == 0);
	} while (r[17] != SYS_getppid);
	r[17] = -1ul;
	r[10] = 77;
	CHECK(request(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) == 0);
	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	CHECK_EQ(WEXITSTATUS(wait_status(pid)), 0);
}

static void on_usr2(int sig)
{
	_exit(sig);
}

static void raise_usr1(void)
{
	signal(SIGUSR2, on_usr2);
	raise(SIGUSR1);
}

TEST(signals_are_shown_changed_and_dropped)
{
	pid_t pid = traced_child(raise_usr1);
	siginfo_t si;

	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	expect_stop(pid, SIGUSR1);
	CHECK(request(PTRACE_GETSIGINFO, pid, 0, &si) == 0);
	CHECK_EQ(si.si_signo, SIGUSR1);
	CHECK_EQ(si.si_pid, pid);
	CHECK(request(PTRACE_CONT, pid, 0, (void *)(long)SIGUSR2) == 0);
	CHECK_EQ(WEXITSTATUS(wait_status(pid)), SIGUSR2);
	pid = traced_child(raise_usr1);
	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	expect_stop(pid, SIGUSR1);
	CHECK_ERR(request(PTRACE_CONT, pid, 0, (void *)65l), EIO);
	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	CHECK_EQ(WEXITSTATUS(wait_status(pid)), 7);
}

TEST(the_signal_mask)
{
	pid_t pid = traced_child(raise_usr1);
	uint64_t mask = 1ull << (SIGUSR1 - 1), now = 0;

#ifndef __GLIBC__
	SKIP("musl's raise() puts back the mask it found");
#endif
	CHECK(request(0x420b, pid, 8, &mask) == 0);
	CHECK(request(0x420a, pid, 8, &now) == 0);
	CHECK_EQ(now, mask);
	CHECK_ERR(request(0x420a, pid, 4, &now), EINVAL);
	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	CHECK_EQ(WEXITSTATUS(wait_status(pid)), 7);
}

TEST(interrupt_and_listen)
{
	pid_t pid = plain_child();
	siginfo_t si;

	CHECK(request(PTRACE_SEIZE, pid, 0, NULL) == 0);
	CHECK(request(PTRACE_INTERRUPT, pid, 0, NULL) == 0);
	expect_stop(pid, SIGTRAP | PTRACE_EVENT_STOP << 8);
	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	CHECK(kill(pid, SIGSTOP) == 0);
	expect_stop(pid, SIGSTOP);
	CHECK(request(PTRACE_CONT, pid, 0, (void *)(long)SIGSTOP) == 0);
	expect_stop(pid, SIGSTOP | PTRACE_EVENT_STOP << 8);
	CHECK(request(PTRACE_GETSIGINFO, pid, 0, &si) == 0);
	CHECK_EQ(si.si_code, SIGSTOP | PTRACE_EVENT_STOP << 8);
	CHECK(request(PTRACE_LISTEN, pid, 0, NULL) == 0);
	CHECK(kill(pid, SIGCONT) == 0);
	expect_stop(pid, SIGTRAP | PTRACE_EVENT_STOP << 8);
	end(pid);
}

TEST(attach_and_detach)
{
	pid_t pid = plain_child();
	int st;

	CHECK(request(PTRACE_ATTACH, pid, 0, NULL) == 0);
	expect_stop(pid, SIGSTOP);
	CHECK(request(PTRACE_DETACH, pid, 0, NULL) == 0);
	CHECK_ERR(request(PTRACE_CONT, pid, 0, NULL), ESRCH);
	CHECK_EQ(waitpid(pid, &st, WNOHANG | WUNTRACED), 0);
	end(pid);
}

TEST(attach_to_a_stopped_one)
{
	pid_t pid = plain_child();
	int st;

	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK(request(PTRACE_ATTACH, pid, 0, NULL) == 0);
	expect_stop(pid, SIGSTOP);
	CHECK(request(PTRACE_DETACH, pid, 0, NULL) == 0);
	end(pid);
}

static void make_children(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(3);
	waitpid(pid, NULL, 0);
	pid = vfork();
	if (!pid)
		_exit(4);
	waitpid(pid, NULL, 0);
	execl("/bin/true", "true", NULL);
}

TEST(events_of_fork_vfork_exec_and_exit)
{
	pid_t pid = traced_child(make_children), got;
	unsigned seen = 0;
	unsigned long msg;
	int st, sig;

	CHECK(request(PTRACE_SETOPTIONS, pid, 0, (void *)O_EVENTS) == 0);
	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	while ((got = waitpid(-1, &st, __WALL)) > 0) {
		if (!WIFSTOPPED(st))
			continue;
		if (st >> 16) {
			seen |= 1u << (st >> 16);
			CHECK_EQ(WSTOPSIG(st), SIGTRAP);
			CHECK(request(PTRACE_GETEVENTMSG, got, 0, &msg) == 0);
			if (st >> 16 == PTRACE_EVENT_EXEC)
				CHECK_EQ(msg, pid);
		}
		sig = st >> 16 || WSTOPSIG(st) == SIGSTOP ? 0 : WSTOPSIG(st);
		CHECK(request(PTRACE_CONT, got, 0, (void *)(long)sig) == 0);
	}
	CHECK_EQ(errno, ECHILD);
	CHECK_EQ(seen, 1u << 1 | 1u << 2 | 1u << 4 | 1u << 5 | 1u << 6);
}

TEST(a_kill_ends_every_stop)
{
	pid_t pid = traced_child(do_nothing);

	end(pid);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
}

/* A grandchild is traced by a child that ends. */
static int state_after_tracer(long options)
{
	pid_t pid = plain_child(), tracer = fork();
	int st;

	if (!tracer)
		_exit(request(PTRACE_SEIZE, pid, 0, (void *)options) ? 1 : 0);
	CHECK_EQ(WEXITSTATUS(wait_status(tracer)), 0);
	usleep(50000);
	if (waitpid(pid, &st, WNOHANG) == pid)
		return WTERMSIG(st);
	end(pid);
	return 0;
}

TEST(tracees_outlive_their_tracer_unless_exitkill)
{
	CHECK_EQ(state_after_tracer(0), 0);
	CHECK_EQ(state_after_tracer(O_EXITKILL), SIGKILL);
}

TEST(death_is_told_to_the_tracer_then_to_the_parent)
{
	pid_t pid = plain_child(), tracer;
	int st, go[2];
	char c;

	CHECK(pipe(go) == 0);
	tracer = fork();
	if (!tracer) {
		CHECK(request(PTRACE_SEIZE, pid, 0, NULL) == 0);
		CHECK(write(go[1], "x", 1) == 1);
		CHECK_EQ(waitpid(pid, &st, __WALL | 0), pid);
		_exit(WTERMSIG(st));
	}
	CHECK(read(go[0], &c, 1) == 1);
	CHECK(kill(pid, SIGTERM) == 0);
	usleep(50000);
	CHECK_EQ(waitpid(pid, &st, WNOHANG), 0);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK_EQ(WTERMSIG(wait_status(pid)), SIGKILL);
	wait_status(tracer);
}

static __attribute__((noinline)) void broken(void)
{
	__asm__ volatile("nop");
}

TEST(a_breakpoint_is_hit_and_taken_out)
{
	pid_t pid = traced_child(broken);
	unsigned long at = (unsigned long)broken, r[32];
	struct iovec v = { r, sizeof(r) };
	siginfo_t si;
	long insn;

	CHECK(request(PTRACE_PEEKTEXT, pid, at, &insn) == 0);
	CHECK(request(PTRACE_POKETEXT, pid, at,
		      (void *)((insn & ~0xffffl) | 0x9002)) == 0);
	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	expect_stop(pid, SIGTRAP);
	CHECK(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) == 0);
	CHECK_EQ(r[0], at);
	CHECK(request(PTRACE_GETSIGINFO, pid, 0, &si) == 0);
	CHECK_EQ(si.si_code, TRAP_BRKPT);
	CHECK(request(PTRACE_POKETEXT, pid, at, (void *)insn) == 0);
	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	CHECK_EQ(WEXITSTATUS(wait_status(pid)), 7);
}

static void read_a_pipe(void)
{
	int p[2];
	char c;

	CHECK(pipe(p) == 0);
	_exit(read(p[0], &c, 1) == -1 ? errno : 0);
}

/* What a debugger does to call a function: it sees the call stepped back. */
TEST(an_interrupted_call_runs_again_unless_handled)
{
	pid_t pid = traced_child(read_a_pipe);
	unsigned long r[32];
	struct iovec v = { r, sizeof(r) };
	long insn;

	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	usleep(50000);
	CHECK(kill(pid, SIGUSR1) == 0);
	expect_stop(pid, SIGUSR1);
	CHECK(request(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) == 0);
	CHECK_EQ(r[17], SYS_read);
	CHECK(request(PTRACE_PEEKTEXT, pid, r[0], &insn) == 0);
	CHECK_EQ(insn & 0xffffffff, 0x73);
	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	usleep(50000);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	end(pid);
}

/* The stop at the call's end must not take back what interrupted it. */
TEST(an_interrupted_call_runs_again_after_its_exit_stop)
{
	int p[2];
	pid_t pid;
	char c;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (!pid)
		_exit(read(p[0], &c, 1) == 1 ? 8 : errno);
	usleep(50000);
	CHECK(request(PTRACE_SEIZE, pid, 0, (void *)O_SYSGOOD) == 0);
	CHECK(request(PTRACE_INTERRUPT, pid, 0, NULL) == 0);
	expect_stop(pid, SIGTRAP | PTRACE_EVENT_STOP << 8);
	CHECK(request(PTRACE_SYSCALL, pid, 0, NULL) == 0);
	expect_stop(pid, SIGTRAP | 0x80);
	CHECK(request(PTRACE_SYSCALL, pid, 0, NULL) == 0);
	usleep(50000);
	CHECK(request(PTRACE_INTERRUPT, pid, 0, NULL) == 0);
	expect_stop(pid, SIGTRAP | 0x80);
	CHECK(request(PTRACE_DETACH, pid, 0, NULL) == 0);
	usleep(50000);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK(write(p[1], "x", 1) == 1);
	CHECK_EQ(WEXITSTATUS(wait_status(pid)), 8);
}

static void *thread_main(void *arg)
{
	return arg;
}

static void start_thread(void)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, thread_main, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
}

TEST(threads_are_followed_and_collected)
{
	pid_t pid = traced_child(start_thread), got;
	unsigned long tid = 0;
	pid_t thread = 0;
	int st, sig;

	CHECK(request(PTRACE_SETOPTIONS, pid, 0, (void *)(1l << 3)) == 0);
	CHECK(request(PTRACE_CONT, pid, 0, NULL) == 0);
	while ((got = waitpid(-1, &st, __WALL)) > 0) {
		if (!WIFSTOPPED(st)) {
			/* the thread may be gone before its birth is told */
			if (got != pid)
				thread = got;
			continue;
		}
		if (st >> 16 == PTRACE_EVENT_CLONE)
			CHECK(request(PTRACE_GETEVENTMSG, got, 0, &tid) == 0);
		sig = st >> 16 || WSTOPSIG(st) == SIGSTOP ? 0 : WSTOPSIG(st);
		CHECK(request(PTRACE_CONT, got, 0, (void *)(long)sig) == 0);
	}
	CHECK(thread && thread == (pid_t)tid);
	CHECK_EQ(errno, ECHILD);
}

TEST(waitid_tells_a_trap)
{
	pid_t pid = plain_child();
	siginfo_t si = { 0 };

	CHECK(request(PTRACE_SEIZE, pid, 0, NULL) == 0);
	CHECK(request(PTRACE_INTERRUPT, pid, 0, NULL) == 0);
	CHECK(waitid(P_PID, pid, &si, WSTOPPED | WNOWAIT) == 0);
	CHECK_EQ(si.si_code, CLD_TRAPPED);
	CHECK_EQ(si.si_status, SIGTRAP | PTRACE_EVENT_STOP << 8);
	expect_stop(pid, SIGTRAP | PTRACE_EVENT_STOP << 8);
	end(pid);
}

TEST(unknown_requests)
{
	pid_t pid = traced_child(do_nothing);

	CHECK_ERR(request(9, pid, 0, NULL), EIO);	/* SINGLESTEP */
	CHECK_ERR(request(0x7777, pid, 0, NULL), EIO);
	CHECK_ERR(request(PTRACE_SETOPTIONS, pid, 0, (void *)0x10000l),
		  EINVAL);
	end(pid);
}

static void ignore(int sig)
{
	(void)sig;
}

/* Takes signals of the process away from the main thread. */
static void *take_signals(void *arg)
{
	for (;;)
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2);
	return arg;
}

static void wait_and_check(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	struct sigaction sa = { .sa_handler = ignore };
	int zero = 0;
	pthread_t t;

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	pthread_create(&t, NULL, take_signals, NULL);
	for (int i = 0; i < 200; i++)
		if (syscall(SYS_futex, &zero, 0, 0, &ms, NULL, 0) != -1 ||
		    (errno != EINTR && errno != ETIMEDOUT))
			_exit(1);
	_exit(0);
}

TEST(a_call_is_restarted_whoever_took_the_signal)
{
	pid_t pid = traced_child(wait_and_check);
	int st, sig = 0, stops = 0;

	for (;;) {
		CHECK(request(PTRACE_SYSCALL, pid, 0, (void *)(long)sig) == 0);
		st = wait_status(pid);
		if (!WIFSTOPPED(st))
			break;
		sig = WSTOPSIG(st) == SIGTRAP ? 0 : WSTOPSIG(st);
		if (!sig && ++stops % 5 == 0)
			kill(pid, SIGUSR1);
	}
	CHECK_EQ(st, 0);
}
