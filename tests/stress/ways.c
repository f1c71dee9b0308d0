/*
 * ways - where a task can be when it is killed: everywhere where the kernel
 * lets one wait, and some places where it works.
 */
#include "stress.h"
#include "ways.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

static int new_pipe(int end)
{
	int p[2];

	CHECK(pipe(p) == 0);
	return p[end];
}

static void in_pipe_read(void)
{
	char c;

	read(new_pipe(0), &c, 1);
}

static void in_pipe_write(void)
{
	static char big[1 << 17];

	write(new_pipe(1), big, sizeof(big));
}

static void in_futex(void)
{
	static int word;

	syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void in_pi_futex(void)
{
	static int word;

	if (!syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0))
		pause();
}

static void in_wait(void)
{
	if (!fork())
		for (;;)
			pause();
	wait(NULL);
}

static void in_vfork(void)
{
	if (!vfork())
		for (;;)
			pause();
}

static void in_poll(void)
{
	struct pollfd p[2] = { { new_pipe(0), POLLIN, 0 },
			       { new_pipe(0), POLLIN, 0 } };

	poll(p, 2, -1);
}

static void in_select(void)
{
	int fd = new_pipe(0);
	fd_set s;

	FD_ZERO(&s);
	FD_SET(fd, &s);
	select(fd + 1, &s, NULL, NULL, NULL);
}

static void in_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, new_pipe(0), &e) == 0);
	epoll_wait(ep, &e, 1, -1);
}

static void in_sleep(void)
{
	sleep_us(100000000);
}

static void in_sigwait(void)
{
	sigset_t s;
	int sig;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigwait(&s, &sig);
}

static void in_accept(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path + 1, 60, "stress-%d-%ld", getpid(),
		 syscall(SYS_gettid));
	CHECK(bind(s, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK(listen(s, 5) == 0);
	accept(s, NULL, NULL);
}

static void in_send(void)
{
	static char big[4 << 20];
	int s[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	write(s[0], big, sizeof(big));
}

static void in_flock(void)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/tmp/lock-%d", getppid());
	fd = open(name, O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	flock(fd, LOCK_EX);
	pause();
}

static void in_fifo_open(void)
{
	char name[64];

	snprintf(name, sizeof(name), "/tmp/fifo-%d", getppid());
	mkfifo(name, 0600);
	open(name, O_RDONLY);
}

static int new_tty(void)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY);

	CHECK(m >= 0 && !grantpt(m) && !unlockpt(m));
	return m;
}

static void in_tty_read(void)
{
	int s = open(ptsname(new_tty()), O_RDWR | O_NOCTTY);
	char c;

	CHECK(s >= 0);
	read(s, &c, 1);
}

static void in_tty_write(void)
{
	static char big[1 << 17];
	int s = open(ptsname(new_tty()), O_RDWR | O_NOCTTY);

	CHECK(s >= 0);
	write(s, big, sizeof(big));
}

static void in_faults(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	size_t n = 1 << 18;

	for (;;) {
		char *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char *q = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			       fd, 0);

		for (size_t i = 0; i < n; i += 4096)
			p[i] = q[i]++;
		munmap(p, n);
		munmap(q, n);
	}
}

static void in_exec(void)
{
	execl("/proc/self/exe", "stress", "exec-for-ever", NULL);
}

static void in_clone(void)
{
	for (;;) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static void *no_thread(void *arg)
{
	return arg;
}

static void in_thread_clone(void)
{
	for (;;)
		pthread_join(must_thread(no_thread, NULL), NULL);
}

static void in_stop(void)
{
	raise(SIGSTOP);
	pause();
}

static void in_trace(void)
{
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		for (;;)
			raise(SIGUSR1);
	}
	for (;;) {
		waitpid(pid, NULL, __WALL);
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
	}
}

static void in_user_mode(void)
{
	for (volatile int i = 0;; i++)
		;
}

static void in_file_writes(void)
{
	char name[64], buf[5000];
	int fd;

	memset(buf, 'x', sizeof(buf));
	snprintf(name, sizeof(name), "/var/tmp/write-%d", getpid());
	for (;;) {
		fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
		unlink(name);
		for (int i = 0; i < 20; i++)
			write(fd, buf, sizeof(buf));
		close(fd);
	}
}

/* --- System V and POSIX IPC --------------------------------------------------------*/

/* Their names are the parent's process id; it removes them (forget_ipc()). */
#define SEND_KEYS 0x10000000

static void in_sem(void)
{
	struct sembuf up = { 0, 1, SEM_UNDO }, down = { 0, -2, SEM_UNDO };
	int id = semget(getppid(), 1, IPC_CREAT | 0600);

	if (id >= 0 && !semop(id, &up, 1))
		semop(id, &down, 1);
}

struct text {
	long type;
	char text[1000];
};

static void in_msg_receive(void)
{
	struct text t;
	int id = msgget(getppid(), IPC_CREAT | 0600);

	msgrcv(id, &t, sizeof(t.text), getpid(), 0);
}

static void in_msg_send(void)
{
	struct text t = { .type = 0x7fffffff };
	int id = msgget(getppid() + SEND_KEYS, IPC_CREAT | 0600);

	while (!msgsnd(id, &t, sizeof(t.text), 0))
		;
}

/* Two queues of the parent's: one always empty, the other always full. */
static void queue_name(char name[64], pid_t whose, const char *what)
{
	snprintf(name, 64, "/stress-%d-%s", whose, what);
}

static mqd_t parents_queue(const char *what)
{
	struct mq_attr a = { .mq_maxmsg = 2, .mq_msgsize = 100 };
	char name[64];
	mqd_t q;

	queue_name(name, getppid(), what);
	q = mq_open(name, O_CREAT | O_RDWR, 0600, &a);
	CHECK(q >= 0);
	return q;
}

static void in_mq_receive(void)
{
	char text[100];

	mq_receive(parents_queue("empty"), text, sizeof(text), NULL);
}

static void in_mq_send(void)
{
	char text[100] = "";
	mqd_t q = parents_queue("full");

	while (!mq_send(q, text, sizeof(text), 1))
		;
}

void forget_ipc(void)
{
	char name[64];

	queue_name(name, getpid(), "empty");
	mq_unlink(name);
	queue_name(name, getpid(), "full");
	mq_unlink(name);
	semctl(semget(getpid(), 1, 0), 0, IPC_RMID);
	msgctl(msgget(getpid(), 0), IPC_RMID, NULL);
	msgctl(msgget(getpid() + SEND_KEYS, 0), IPC_RMID, NULL);
}

/* --- sockets ----------------------------------------------------------------------*/

/* The queue of a listener that never accepts is soon full. */
static void in_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), s;

	snprintf(a.sun_path + 1, 60, "full-%d-%ld", getpid(),
		 syscall(SYS_gettid));
	CHECK(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK(listen(l, 0) == 0);
	do
		s = socket(AF_UNIX, SOCK_STREAM, 0);
	while (s >= 0 && !connect(s, (struct sockaddr *)&a, sizeof(a)));
}

static void in_receive(void)
{
	char c[100];
	struct iovec v = { c, sizeof(c) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int s[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0);
	recvmsg(s[0], &m, 0);
}

/* Descriptors on their way, some of them to themselves. */
static void in_flight(void)
{
	char buf[CMSG_SPACE(2 * sizeof(int))] = "", c = 0;
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buf,
			    .msg_controllen = sizeof(buf) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int s[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	*h = (struct cmsghdr){ CMSG_LEN(sizeof(s)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(h), s, sizeof(s));
	while (sendmsg(s[0], &m, 0) >= 0)
		;
}

/* --- descriptors that tell of events ---------------------------------------------*/

static void read_from(int fd)
{
	char buf[4096];

	CHECK(fd >= 0);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

static void in_eventfd(void)
{
	read_from(eventfd(0, 0));
}

static void in_timerfd(void)
{
	struct itimerspec t = { { 0, 300000 }, { 0, 300000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	CHECK(timerfd_settime(fd, 0, &t, NULL) == 0);
	read_from(fd);
}

static void in_signalfd(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	sigprocmask(SIG_BLOCK, &s, NULL);
	read_from(signalfd(-1, &s, 0));
}

static void in_inotify(void)
{
	int fd = inotify_init1(0);

	CHECK(inotify_add_watch(fd, "/tmp", IN_CREATE) >= 0);
	read_from(fd);
}

/* --- signals, timers, traces -------------------------------------------------------*/

static void in_sigsuspend(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigsuspend(&s);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Timers that fire all the time, with signals queued. */
static void in_timers(void)
{
	struct itimerspec t = { { 0, 200000 }, { 0, 200000 } };
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL,
			      .sigev_signo = SIGRTMIN };
	timer_t id;

	signal(SIGRTMIN, on_alarm);
	for (int i = 0; i < 4; i++) {
		CHECK(timer_create(CLOCK_MONOTONIC, &e, &id) == 0);
		CHECK(timer_settime(id, 0, &t, NULL) == 0);
	}
	for (;;)
		pause();
}

/* Stopped for a tracer that does not look. */
static void in_trace_stop(void)
{
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, NULL, __WALL | WSTOPPED);
}

/* --- locks and memory ----------------------------------------------------------------*/

/* The whole crowd wants the same byte; who has it sleeps. */
static void in_record_lock(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/tmp/lock-%d", getppid());
	fd = open(name, O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0);
	fcntl(fd, rnd(2) ? F_SETLKW : F_OFD_SETLKW, &l);
}

static void in_fsync(void)
{
	char name[64], buf[5000] = "";
	int fd;

	snprintf(name, sizeof(name), "/var/tmp/sync-%d", getpid());
	fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
	unlink(name);
	for (;;) {
		if (pwrite(fd, buf, sizeof(buf), rnd(1 << 16)) < 0 || fsync(fd))
			return;
	}
}

/* The buffer ends within a page of the file: 100 bytes, says POSIX.  Debian's
 * 6.12 for riscv64 tries for ever, but can be killed. */
static void in_short_write(void)
{
	char name[64];
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	snprintf(name, sizeof(name), "/var/tmp/short-%d", getpid());
	fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
	unlink(name);
	CHECK(p != MAP_FAILED && munmap(p + 4096, 4096) == 0);
	do
		if (ftruncate(fd, 0))
			return;
	while (pwrite(fd, p + 3996, 8192, 0) == 100);
}

static void *change_maps(void *arg)
{
	for (;;)
		munmap(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1 << 20);
	return arg;
}

/* Readers and writers of the address space's lock, some of them by fork. */
static void in_map_lock(void)
{
	static char page[1 << 16];

	must_thread(change_maps, NULL);
	must_thread(change_maps, NULL);
	for (unsigned n = 0;; n++) {
		madvise(page, sizeof(page), MADV_DONTNEED);
		memset(page, 1, sizeof(page));
		if (n % 8 == 0 && !fork())
			_exit(0);
	}
}

/* Pages that a slow disk has yet to bring. */
static void in_slow_fault(void)
{
	size_t n = 4 << 20;
	int fd = open(SLOW_FILE, O_RDONLY);
	volatile char *p;

	if (fd < 0)
		return;
	p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (;;) {
		unsigned at = rnd((unsigned)n);

		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		(void)p[at];
		madvise((void *)p, n, MADV_DONTNEED);
	}
}

static void in_slow_read(void)
{
	int fd = open(SLOW_FILE, O_RDONLY);
	char buf[4096];

	while (pread(fd, buf, sizeof(buf), rnd(4 << 20)) > 0)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* exec in progress: with much to copy, and its pages on a slow disk. */
static void in_slow_exec(void)
{
	char *argv[] = { "stress", "exec-for-ever", NULL }, *env[2001];

	for (int i = 0; i < 2000; i++)
		env[i] = "A_WORD=of many that exec has to copy";
	env[2000] = NULL;
	execve(SLOW_FILE, argv, env);
	for (;;)
		execve("/nowhere/at/all", argv, env);
}

/* --- all of them -------------------------------------------------------------------*/

const struct way ways[] = {
	{ "pipe-read", in_pipe_read },
	{ "pipe-write", in_pipe_write },
	{ "futex", in_futex },
	{ "pi-futex", in_pi_futex },
	{ "wait", in_wait },
	{ "vfork", in_vfork },
	{ "poll", in_poll },
	{ "select", in_select },
	{ "epoll", in_epoll },
	{ "sleep", in_sleep },
	{ "sigwait", in_sigwait },
	{ "accept", in_accept },
	{ "send", in_send },
	{ "flock", in_flock },
	{ "fifo-open", in_fifo_open },
	{ "tty-read", in_tty_read },
	{ "tty-write", in_tty_write },
	{ "faults", in_faults },
	{ "exec", in_exec },
	{ "clone", in_clone },
	{ "thread-clone", in_thread_clone },
	{ "stop", in_stop },
	{ "trace", in_trace },
	{ "user-mode", in_user_mode },
	{ "file-writes", in_file_writes },
	{ "sem", in_sem },
	{ "msg-receive", in_msg_receive },
	{ "msg-send", in_msg_send },
	{ "mq-receive", in_mq_receive },
	{ "mq-send", in_mq_send },
	{ "connect", in_connect },
	{ "receive", in_receive },
	{ "flight", in_flight },
	{ "eventfd", in_eventfd },
	{ "timerfd", in_timerfd },
	{ "signalfd", in_signalfd },
	{ "inotify", in_inotify },
	{ "sigsuspend", in_sigsuspend },
	{ "timers", in_timers },
	{ "trace-stop", in_trace_stop },
	{ "record-lock", in_record_lock },
	{ "fsync", in_fsync },
	{ "short-write", in_short_write },
	{ "map-lock", in_map_lock },
	{ "slow-fault", in_slow_fault },
	{ "slow-read", in_slow_read },
	{ "slow-exec", in_slow_exec },
};
const int nr_ways = sizeof(ways) / sizeof(ways[0]);
