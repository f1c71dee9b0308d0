/*
 * Operations of one task alone: system calls, signals, clocks, files.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include "ops.h"

enum { POLLED = 10, SELECTED = 100, PAGE = 4096 };

static const char a_file[] = "/etc/passwd";
static int fd, fds[SELECTED], pipe_fd[2];
static struct pollfd polled[POLLED];
static char *page;
static volatile sig_atomic_t caught;

static void close_fd(void)
{
	close(fd);
}

static void null_run(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void zero_open(void)
{
	fd = MUST(open("/dev/zero", O_RDONLY));
}

static void read_run(long n)
{
	char c;

	while (n--)
		MUST(read(fd, &c, 1));
}

static void null_open(void)
{
	fd = MUST(open("/dev/null", O_WRONLY));
}

static void write_run(long n)
{
	while (n--)
		MUST(write(fd, "x", 1));
}

static void stat_run(long n)
{
	struct stat st;

	while (n--)
		MUST(stat(a_file, &st));
}

static void file_open(void)
{
	fd = MUST(open(a_file, O_RDONLY));
}

static void fstat_run(long n)
{
	struct stat st;

	while (n--)
		MUST(fstat(fd, &st));
}

static void pread_run(long n)
{
	char text[64];

	while (n--)
		MUST(pread(fd, text, sizeof(text), 0));
}

static void open_run(long n)
{
	while (n--)
		close(MUST(open(a_file, O_RDONLY)));
}

/* An empty pipe: nothing ever to read. */
static void pipe_open(void)
{
	MUST(pipe(pipe_fd));
	for (int i = 0; i < SELECTED; i++)
		fds[i] = MUST(dup(pipe_fd[0]));
	for (int i = 0; i < POLLED; i++)
		polled[i] = (struct pollfd){ fds[i], POLLIN, 0 };
}

static void pipe_close(void)
{
	for (int i = 0; i < SELECTED; i++)
		close(fds[i]);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void poll_run(long n)
{
	while (n--)
		MUST(poll(polled, POLLED, 0));
}

static void select_run(long n)
{
	struct timeval none = { 0, 0 };
	fd_set set;

	while (n--) {
		FD_ZERO(&set);
		for (int i = 0; i < SELECTED; i++)
			FD_SET(fds[i], &set);
		MUST(select(fds[SELECTED - 1] + 1, &set, NULL, NULL, &none));
	}
}

static void epoll_open(void)
{
	struct epoll_event e = { .events = EPOLLIN };

	pipe_open();
	MUST(write(pipe_fd[1], "x", 1));
	fd = MUST(epoll_create1(0));
	MUST(epoll_ctl(fd, EPOLL_CTL_ADD, pipe_fd[0], &e));
}

static void epoll_run(long n)
{
	struct epoll_event e;

	while (n--)
		MUST(epoll_wait(fd, &e, 1, 0));
}

static void epoll_close(void)
{
	close(fd);
	pipe_close();
}

static void catch(int sig)
{
	caught = sig;
}

static void catch_setup(void)
{
	struct sigaction sa = { .sa_handler = catch };

	MUST(sigaction(SIGUSR1, &sa, NULL));
}

static void install_run(long n)
{
	struct sigaction sa = { .sa_handler = catch };

	while (n--)
		MUST(sigaction(SIGUSR1, &sa, NULL));
}

static void catch_run(long n)
{
	pid_t pid = getpid();

	while (n--)
		MUST(kill(pid, SIGUSR1));
}

/* Goes on behind the store that faulted. */
static void skip(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	unsigned short *code = (void *)uc->uc_mcontext.__gregs[REG_PC];

	uc->uc_mcontext.__gregs[REG_PC] += (*code & 3) == 3 ? 4 : 2;
}

static void prot_setup(void)
{
	struct sigaction sa = { .sa_sigaction = skip, .sa_flags = SA_SIGINFO };

	MUST(sigaction(SIGSEGV, &sa, NULL));
	page = MUST(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0));
}

static void prot_run(long n)
{
	while (n--)
		*(volatile char *)page = 1;
}

static void prot_teardown(void)
{
	signal(SIGSEGV, SIG_DFL);
	munmap(page, PAGE);
}

static void clock_run(long n)
{
	struct timespec t;

	while (n--)
		clock_gettime(CLOCK_MONOTONIC, &t);
}

static void cputime_run(long n)
{
	struct timespec t;

	while (n--)
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
}

static void yield_run(long n)
{
	while (n--)
		sched_yield();
}

static void sleep_run(long n)
{
	struct timespec t = { 0, 100000 };

	while (n--)
		nanosleep(&t, NULL);
}

static void create_in(const char *name, long n)
{
	while (n--) {
		close(MUST(open(name, O_CREAT | O_EXCL | O_WRONLY, 0600)));
		MUST(unlink(name));
	}
}

static void create_run(long n)
{
	create_in("ops-file", n);
}

static void create_shm_run(long n)
{
	create_in("/dev/shm/ops-file", n);
}

static void append_setup(void)
{
	fd = MUST(open("/dev/shm/ops-bytes", O_CREAT | O_RDWR | O_TRUNC, 0600));
}

static void append_run(long n)
{
	static const char block[PAGE];

	while (n--)
		MUST(pwrite(fd, block, sizeof(block), 0));
}

static void append_teardown(void)
{
	close(fd);
	unlink("/dev/shm/ops-bytes");
}

const struct op call_ops[] = {
	{ "null", 0, 2000, NULL, null_run, NULL },
	{ "read", 0, 2000, zero_open, read_run, close_fd },
	{ "write", 0, 2000, null_open, write_run, close_fd },
	{ "stat", 0, 1000, NULL, stat_run, NULL },
	{ "fstat", 0, 1000, file_open, fstat_run, close_fd },
	{ "pread-file", 0, 1000, file_open, pread_run, close_fd },
	{ "open-close", 0, 1000, NULL, open_run, NULL },
	{ "poll-10", 0, 1000, pipe_open, poll_run, pipe_close },
	{ "select-100", 0, 300, pipe_open, select_run, pipe_close },
	{ "epoll", 0, 1000, epoll_open, epoll_run, epoll_close },
	{ "signal-install", 0, 1000, NULL, install_run, NULL },
	{ "signal-catch", 0, 1000, catch_setup, catch_run, NULL },
	{ "signal-fault", 0, 1000, prot_setup, prot_run, prot_teardown },
	{ "clock", 0, 2000, NULL, clock_run, NULL },
	{ "clock-cputime", 0, 1000, NULL, cputime_run, NULL },
	{ "yield-alone", 0, 1000, NULL, yield_run, NULL },
	{ "sleep-100us", 0, 50, NULL, sleep_run, NULL },
	{ "create-unlink", 0, 200, NULL, create_run, NULL },
	{ "create-unlink-tmpfs", 0, 500, NULL, create_shm_run, NULL },
	{ "write-4k-tmpfs", 0, 500, append_setup, append_run,
	  append_teardown },
	{ },
};
