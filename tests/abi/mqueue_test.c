/* POSIX message queues. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "test.h"

#define NAME "/hw-test"

static mqd_t make(int flags, long maxmsg, long size)
{
	struct mq_attr a = { .mq_maxmsg = maxmsg, .mq_msgsize = size };
	mqd_t q;

	mq_unlink(NAME);
	q = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &a);
	CHECK(q >= 0);
	return q;
}

static struct timespec soon(long ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static void nap(void)
{
	struct timespec ts = { 0, 5000000 };

	nanosleep(&ts, NULL);
}

TEST(order_is_by_priority)
{
	mqd_t q = make(0, 4, 8);
	char buf[8];
	unsigned prio;

	CHECK(mq_send(q, "a", 1, 1) == 0);
	CHECK(mq_send(q, "b", 1, 9) == 0);
	CHECK(mq_send(q, "c", 1, 1) == 0);
	CHECK(mq_send(q, "", 0, 5) == 0);
	CHECK_EQ(mq_receive(q, buf, 8, &prio), 1);
	CHECK(buf[0] == 'b' && prio == 9);
	CHECK_EQ(mq_receive(q, buf, 8, &prio), 0);
	CHECK_EQ(prio, 5);
	CHECK_EQ(mq_receive(q, buf, 8, NULL), 1);
	CHECK_EQ(buf[0], 'a');
	CHECK_EQ(mq_receive(q, buf, 8, NULL), 1);
	CHECK_EQ(buf[0], 'c');
	CHECK(mq_unlink(NAME) == 0);
	CHECK_ERR(mq_unlink(NAME), ENOENT);
	CHECK(mq_send(q, "still", 5, 0) == 0);
	CHECK_EQ(mq_receive(q, buf, 8, NULL), 5);
}

TEST(arguments)
{
	struct mq_attr bad = { .mq_maxmsg = 0, .mq_msgsize = 8 };
	mqd_t q = make(O_NONBLOCK, 1, 8), r;
	struct timespec ts = { 0, 1000000000 };
	char buf[16];

	CHECK_ERR(mq_send(q, "123456789", 9, 0), EMSGSIZE);
	CHECK_ERR(mq_send(q, "1", 1, 32768), EINVAL);
	CHECK_ERR(mq_receive(q, buf, 7, NULL), EMSGSIZE);
	CHECK_ERR(mq_receive(q, buf, 16, NULL), EAGAIN);
	CHECK(mq_send(q, "1", 1, 32767) == 0);
	CHECK_ERR(mq_send(q, "1", 1, 0), EAGAIN);
	CHECK_ERR(mq_timedsend(q, "1", 1, 0, &ts), EINVAL);
	CHECK_ERR(mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, NULL),
		  EEXIST);
	CHECK_ERR(mq_open("/hw-none", O_RDWR), ENOENT);
	CHECK_ERR(mq_open("/hw-none", O_RDWR | O_CREAT, 0600, &bad), EINVAL);
	CHECK_ERR(syscall(SYS_mq_open, "a/b", O_RDWR, 0, NULL), EACCES);
	CHECK_ERR(syscall(SYS_mq_open, "", O_RDWR, 0, NULL), ENOENT);
	CHECK_ERR(mq_send(0, "1", 1, 0), EBADF);
	CHECK_ERR(mq_send(99, "1", 1, 0), EBADF);
	r = mq_open(NAME, O_RDONLY);
	CHECK(r >= 0);
	CHECK_EQ(fcntl(r, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(mq_send(r, "1", 1, 0), EBADF);
	r = mq_open(NAME, O_WRONLY);
	CHECK_ERR(mq_receive(r, buf, 16, NULL), EBADF);
	CHECK(mq_unlink(NAME) == 0);
}

TEST(attributes)
{
	mqd_t q = make(0, 3, 20);
	struct mq_attr a, b;

	CHECK(mq_send(q, "x", 1, 0) == 0);
	CHECK(mq_getattr(q, &a) == 0);
	CHECK(a.mq_flags == 0 && a.mq_maxmsg == 3 && a.mq_msgsize == 20);
	CHECK_EQ(a.mq_curmsgs, 1);
	a.mq_flags = O_NONBLOCK;
	a.mq_maxmsg = 99;
	CHECK(mq_setattr(q, &a, &b) == 0);
	CHECK_EQ(b.mq_flags, 0);
	CHECK(mq_getattr(q, &b) == 0);
	CHECK(b.mq_flags == O_NONBLOCK && b.mq_maxmsg == 3);
	a.mq_flags = O_APPEND;
	CHECK_ERR(mq_setattr(q, &a, NULL), EINVAL);
	CHECK(fcntl(q, F_GETFL) & O_NONBLOCK);
	mq_unlink(NAME);
	q = mq_open(NAME, O_CREAT | O_RDWR, 0600, NULL);
	CHECK(mq_getattr(q, &a) == 0);
	CHECK(a.mq_maxmsg == 10 && a.mq_msgsize == 8192);
	mq_unlink(NAME);
}

TEST(sleepers_and_deadlines)
{
	mqd_t q = make(0, 1, 8);
	struct timespec ts = soon(20);
	char buf[8];
	pid_t pid;

	CHECK_ERR(mq_timedreceive(q, buf, 8, NULL, &ts), ETIMEDOUT);
	pid = fork();
	if (!pid)
		_exit(!(mq_receive(q, buf, 8, NULL) == 3));
	nap();
	CHECK(mq_send(q, "abc", 3, 0) == 0);
	CHECK_CHILD(pid);
	CHECK(mq_send(q, "one", 3, 0) == 0);
	ts = soon(20);
	CHECK_ERR(mq_timedsend(q, "two", 3, 0, &ts), ETIMEDOUT);
	pid = fork();
	if (!pid)
		_exit(mq_send(q, "two", 3, 0) != 0);
	nap();
	CHECK_EQ(mq_receive(q, buf, 8, NULL), 3);
	CHECK(!memcmp(buf, "one", 3));
	CHECK_EQ(mq_receive(q, buf, 8, NULL), 3);
	CHECK(!memcmp(buf, "two", 3));
	CHECK_CHILD(pid);
	mq_unlink(NAME);
}

TEST(poll_sees_both_ends)
{
	mqd_t q = make(0, 1, 8);
	struct pollfd p = { .fd = q, .events = POLLIN | POLLOUT };
	pid_t pid;
	char buf[8];

	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	CHECK(mq_send(q, "a", 1, 0) == 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK(mq_receive(q, buf, 8, NULL) == 1);
	pid = fork();
	if (!pid) {
		nap();
		_exit(mq_send(q, "b", 1, 0));
	}
	p.events = POLLIN;
	CHECK_EQ(poll(&p, 1, 10000), 1);
	CHECK_CHILD(pid);
	mq_unlink(NAME);
}

static volatile int got_value, got_code, got_pid;

static void handler(int sig, siginfo_t *si, void *ctx)
{
	got_value = si->si_value.sival_int;
	got_code = si->si_code;
	got_pid = si->si_pid;
}

TEST(notification_by_signal_once)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGUSR1,
			       .sigev_value.sival_int = 77 };
	struct sigaction sa = { .sa_sigaction = handler,
				.sa_flags = SA_SIGINFO };
	mqd_t q = make(0, 4, 8);
	char buf[128], want[64];
	int fd, n;

	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	CHECK(mq_notify(q, &ev) == 0);
	CHECK_ERR(mq_notify(q, &ev), EBUSY);
	CHECK(mq_send(q, "a", 1, 0) == 0);
	CHECK(got_value == 77 && got_code == SI_MESGQ && got_pid == getpid());
	got_value = 0;
	CHECK(mq_send(q, "b", 1, 0) == 0);
	CHECK_EQ(got_value, 0);
	CHECK(mq_notify(q, &ev) == 0);
	CHECK(mq_send(q, "c", 1, 0) == 0);	/* it was not empty */
	CHECK_EQ(got_value, 0);
	if (!geteuid()) {
		mkdir("/tmp/mq", 0700);
		CHECK(mount("none", "/tmp/mq", "mqueue", 0, NULL) == 0);
		fd = open("/tmp/mq/hw-test", O_RDONLY);
		CHECK(fd >= 0);
		n = read(fd, buf, sizeof(buf));
		CHECK(n > 0);
		buf[n] = 0;
		snprintf(want, sizeof(want), "QSIZE:%-10d NOTIFY:%-5d "
			 "SIGNO:%-5d NOTIFY_PID:%-6d\n", 3, 0, SIGUSR1,
			 getpid());
		CHECK_STR(buf, want);
		close(fd);
		CHECK(umount("/tmp/mq") == 0);
	}
	CHECK(mq_notify(q, NULL) == 0);
	ev.sigev_signo = 65;
	CHECK_ERR(mq_notify(q, &ev), EINVAL);
	mq_unlink(NAME);
}

TEST(limits)
{
	struct mq_attr a = { .mq_maxmsg = 11, .mq_msgsize = 8 };
	struct rlimit r = { 1000, 1000 };
	pid_t pid = fork();

	if (!pid) {
		if (!geteuid())
			CHECK(setgid(1234) == 0 && setuid(1234) == 0);
		CHECK_ERR(mq_open("/hw-lim", O_CREAT | O_RDWR, 0600, &a),
			  EINVAL);
		a.mq_maxmsg = 10;
		CHECK(setrlimit(RLIMIT_MSGQUEUE, &r) == 0);
		CHECK_ERR(mq_open("/hw-lim", O_CREAT | O_RDWR, 0600, &a),
			  EMFILE);
		fflush(stdout);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

TEST(the_directory)
{
	struct stat st;
	mqd_t q;

	if (geteuid())
		SKIP("needs root");
	mkdir("/tmp/mq", 0700);
	CHECK(mount("none", "/tmp/mq", "mqueue", 0, NULL) == 0);
	q = make(0, 4, 8);
	CHECK(stat("/tmp/mq/hw-test", &st) == 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0600);
	CHECK_EQ(st.st_size, 80);
	CHECK(stat("/tmp/mq", &st) == 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 01777);
	CHECK(unlink("/tmp/mq/hw-test") == 0);
	CHECK_ERR(mq_open(NAME, O_RDWR), ENOENT);
	CHECK(close(open("/tmp/mq/made", O_CREAT | O_WRONLY, 0600)) == 0);
	q = mq_open("/made", O_RDWR);
	CHECK(q >= 0 && mq_send(q, "x", 1, 0) == 0);
	CHECK_ERR(mkdir("/tmp/mq/dir", 0700), EPERM);
	CHECK(mq_unlink("/made") == 0);
	/* Another namespace has queues of its own. */
	q = make(0, 4, 8);
	CHECK(unshare(CLONE_NEWIPC) == 0);
	CHECK_ERR(mq_open(NAME, O_RDWR), ENOENT);
	CHECK(stat("/tmp/mq/hw-test", &st) == 0);
	CHECK(mq_send(q, "x", 1, 0) == 0);
	CHECK(unlink("/tmp/mq/hw-test") == 0);
	CHECK(umount("/tmp/mq") == 0);
}

TEST(notification_by_thread_needs_netlink)
{
	char cookie[32] = "";
	struct {
		void *value;
		int signo, notify;
		char rest[48];
	} ev = { cookie, 99, SIGEV_THREAD, "" };
	mqd_t q = make(0, 4, 8);
	int s;

	CHECK_ERR(syscall(SYS_mq_notify, q, &ev), EBADF);
	ev.signo = open("/dev/null", O_RDONLY);
	CHECK_ERR(syscall(SYS_mq_notify, q, &ev), ENOTSOCK);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	ev.signo = s;
	CHECK_ERR(syscall(SYS_mq_notify, q, &ev), EINVAL);
	ev.value = (void *)8;
	CHECK_ERR(syscall(SYS_mq_notify, q, &ev), EFAULT);
	ev.notify = 77;
	CHECK_ERR(syscall(SYS_mq_notify, q, &ev), EINVAL);
	CHECK_ERR(syscall(SYS_mq_notify, q, (void *)8), EFAULT);
	CHECK_ERR(syscall(SYS_mq_notify, s, NULL), EBADF);
	mq_unlink(NAME);
}
