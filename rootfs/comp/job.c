/*
 * job - one program under a watchdog.
 *
 * Theory:  a job has a session and a pseudo terminal of its own, so that it
 *          finds a terminal, as a person's programs do, while we see all that
 *          it prints: the lines that begin and end a group.  pid 1 itself
 *          waits, and when the job is over it kills everybody else: nothing
 *          that a test leaves behind (a server on a port, a fork bomb) lives
 *          on in the next one, whatever session it fled to.
 *          A process that cannot be killed is left to itself after a while.
 */
#include "comp_impl.h"

#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include <asm/termios.h>
#include <linux/sched.h>
#include <linux/wait.h>

#define EX_NOEXEC 126
#define EX_KILLED 137
#define REAP_MS 5000
#define POLITE_MS 2000
#define EINTR 4
#define ECHILD 10
#define EAGAIN 11
#define MARK "OS COMP TEST GROUP "

static struct {
	char line[256];
	size_t used;
	int is_line_start;
	char group[64];		/* the open one, or "" */
} out = { .is_line_start = 1 };

long comp_now_ms(void)
{
	long t[2];

	sys(clock_gettime, 1 /* CLOCK_MONOTONIC */, t);
	return t[0] * 1000 + t[1] / 1000000;
}

static const char *find(const char *s, const char *what)
{
	for (; *s; s++)
		if (str_after(s, what))
			return str_after(s, what);
	return NULL;
}

/* `#### OS COMP TEST GROUP START name ####` opens, END closes. */
static void see_line(void)
{
	const char *mark = find(out.line, MARK), *name;
	size_t n = 0;

	if (!mark)
		return;
	if (str_after(mark, "END")) {
		out.group[0] = 0;
		return;
	}
	name = str_after(mark, "START ");
	if (!name)
		return;
	while (name[n] && name[n] != ' ' && n + 1 < sizeof(out.group)) {
		out.group[n] = name[n];
		n++;
	}
	out.group[n] = 0;
}

static void see(const char *p, long n)
{
	for (; n--; p++) {
		out.is_line_start = *p == '\n';
		if (*p == '\n') {
			out.line[out.used] = 0;
			see_line();
			out.used = 0;
		} else if (out.used + 1 < sizeof(out.line)) {
			out.line[out.used++] = *p;
		}
	}
}

static void pass_on(const char *p, long n)
{
	long done;

	see(p, n);
	for (; n > 0; p += done, n -= done) {
		done = sys(write, 1, p, n);
		if (done == -EINTR || done == -EAGAIN)
			done = 0;
		if (done < 0)
			return;
	}
}

void comp_print(const char *text)
{
	pass_on(text, (long)str_len(text));
}

void comp_console_take(void)
{
	struct termios t;

	if (sys(ioctl, 1, TCGETS, &t))
		return;
	/* Newlines are the job's terminal's business; nothing is echoed. */
	t.c_oflag &= ~(tcflag_t)OPOST;
	t.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	sys(ioctl, 1, TCSETS, &t);
}

static void end_line(void)
{
	if (!out.is_line_start)
		comp_print("\r\n");
}

void comp_group_end(void)
{
	char text[128] = "";

	end_line();
	if (!out.group[0])
		return;
	str_add(text, sizeof(text), "#### " MARK "END ");
	str_add(text, sizeof(text), out.group);
	str_add(text, sizeof(text), " ####\r\n");
	comp_print(text);
}

/* The master's descriptor; the name of the other end. */
static long terminal_open(char *path, size_t size)
{
	int number = 0, unlock = 0;
	char digits[12], *p = digits + sizeof(digits) - 1;
	long fd = sys(openat, AT_FDCWD, "/dev/ptmx",
		      O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);

	if (fd < 0 || sys(ioctl, fd, TIOCSPTLCK, &unlock) ||
	    sys(ioctl, fd, TIOCGPTN, &number))
		return fd;
	*p = 0;
	do
		*--p = (char)('0' + number % 10);
	while (number /= 10);
	path[0] = 0;
	str_add(path, size, "/dev/pts/");
	str_add(path, size, p);
	return fd;
}

static void child(const struct comp_job *job, const char *terminal)
{
	__u64 none = 0;
	long fd, null = sys(openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);

	sys(setsid);
	fd = sys(openat, AT_FDCWD, terminal, O_RDWR, 0);
	if (fd >= 0) {
		sys(ioctl, fd, TIOCSCTTY, 0);
		sys(dup3, fd, 1, 0);
		sys(dup3, fd, 2, 0);
		sys(close, fd);
	}
	if (null >= 0) {
		sys(dup3, null, 0, 0);
		sys(close, null);
	}
	sys(rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
	sys(chdir, job->dir);
	sys(execve, job->argv[0], job->argv, comp_env);
	sys(exit_group, EX_NOEXEC);
}

/* Passes on what there is, but not for ever: a job may print without end. */
static void drain(long master)
{
	static char buf[4096];
	int rounds = 64;
	long n;

	while (rounds-- && (n = sys(read, master, buf, sizeof(buf))) > 0)
		pass_on(buf, n);
}

/* Waits for output, for a child's end, or for so long. */
static void wait_event(long master, long signals, long ms)
{
	struct pollfd p[2] = { { .fd = (int)signals, .events = POLLIN },
			       { .fd = (int)master, .events = POLLIN } };
	long t[2] = { ms / 1000, ms % 1000 * 1000000 };
	char info[128];

	sys(ppoll, p, 2, t, NULL, 0);
	while (sys(read, signals, info, sizeof(info)) > 0)
		;
}

static int exit_status(int status)
{
	return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
}

/* True once `pid` is among the dead; its status then. */
static int reap(long pid, int *status)
{
	long got;
	int st = 0, found = 0;

	while ((got = sys(wait4, -1, &st, WNOHANG, NULL)) > 0)
		if (got == pid) {
			*status = exit_status(st);
			found = 1;
		}
	return found;
}

static int watch(const struct comp_job *job, long pid, long master)
{
	__u64 all = ~0UL;
	long signals = sys(signalfd4, -1, &all, sizeof(all),
			   O_NONBLOCK | O_CLOEXEC);
	long end = comp_now_ms() + job->limit_ms, left;
	int status = EX_KILLED, is_warned = !job->is_polite;

	for (;;) {
		left = end - comp_now_ms();
		drain(master);
		if (reap(pid, &status))
			break;
		if (left <= 0 && is_warned)
			break;
		if (left <= 0) {
			sys(kill, pid, SIGINT);
			is_warned = 1;
			end += POLITE_MS;
			continue;
		}
		wait_event(master, signals, left);
	}
	sys(close, signals);
	return status;
}

static void kill_all(void)
{
	long end = comp_now_ms() + REAP_MS;
	long got;

	for (;;) {
		sys(kill, -1, SIGKILL);
		while ((got = sys(wait4, -1, NULL, WNOHANG, NULL)) > 0)
			;
		if (got == -ECHILD)
			return;
		if (comp_now_ms() > end)
			return;
		sleep_ms(5);
	}
}

/* On Linux a small number is a kernel thread's, and `kill 10` of the busybox
 * group succeeds and does no harm. */
void comp_bystander(int number)
{
	__s32 want = number;
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = (__u64)&want,
				   .set_tid_size = 1 };

	/* All signals are blocked here and so in the child. */
	if (sys(kill, number, 0) == 0 ||
	    sys(clone3, &args, sizeof(args)) != 0)
		return;
	for (;;)
		sleep_ms(1000000);
}

int comp_job_run(const struct comp_job *job)
{
	char path[32] = "/dev/null";
	long master = terminal_open(path, sizeof(path)), held, pid;
	int status = EX_NOEXEC;

	/* Held, so that it is not hung up before we have read the rest. */
	held = sys(openat, AT_FDCWD, path, O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
	pid = sys(clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		child(job, path);
	if (pid > 0)
		status = watch(job, pid, master);
	kill_all();
	drain(master);
	sys(close, held);
	sys(close, master);
	end_line();
	return status;
}
