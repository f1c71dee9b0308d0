/* epoll, eventfd, timerfd, signalfd, select, local sockets, ptys. */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>

static int fds[2];

static void watch(int ep, int fd, unsigned events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0);
}

TEST(epoll_level_and_edge)
{
	struct epoll_event e[4];
	int lt = epoll_create1(0), et = epoll_create1(0);

	CHECK(pipe(fds) == 0);
	watch(lt, fds[0], EPOLLIN);
	watch(et, fds[0], EPOLLIN | EPOLLET);
	CHECK_EQ(epoll_wait(lt, e, 4, 0), 0);
	CHECK(write(fds[1], "ab", 2) == 2);
	CHECK_EQ(epoll_wait(lt, e, 4, 100), 1);
	CHECK_EQ(e[0].data.fd, fds[0]);
	CHECK_EQ(epoll_wait(lt, e, 4, 0), 1);
	CHECK_EQ(epoll_wait(et, e, 4, 0), 1);
	CHECK_EQ(epoll_wait(et, e, 4, 0), 0);
	CHECK(write(fds[1], "c", 1) == 1);
	CHECK_EQ(epoll_wait(et, e, 4, 0), 1);
}

TEST(epoll_oneshot_mod_del)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT }, o;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	CHECK(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &e) == 0);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &e), EEXIST);
	CHECK_EQ(epoll_wait(ep, &o, 1, 0), 1);
	CHECK_EQ(epoll_wait(ep, &o, 1, 0), 0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &e) == 0);
	CHECK_EQ(epoll_wait(ep, &o, 1, 0), 1);
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL) == 0);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL), ENOENT);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL);
	CHECK_ERR(epoll_wait(ep, &o, 0, 0), EINVAL);
}

TEST(closing_a_file_leaves_epoll)
{
	struct epoll_event e;
	int ep = epoll_create1(0);

	CHECK(pipe(fds) == 0);
	watch(ep, fds[0], EPOLLIN);
	CHECK(write(fds[1], "x", 1) == 1);
	CHECK(close(fds[0]) == 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

static void *later(void *p)
{
	usleep(50000);
	CHECK(write(fds[1], "x", 1) == 1);
	return p;
}

TEST(epoll_wait_is_woken)
{
	struct epoll_event e;
	pthread_t t;
	int ep = epoll_create1(0);

	CHECK(pipe(fds) == 0);
	watch(ep, fds[0], EPOLLIN);
	CHECK(pthread_create(&t, NULL, later, NULL) == 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 5000), 1);
	CHECK(pthread_join(t, NULL) == 0);
}

TEST(epolls_are_nested_a_few_deep)
{
	struct epoll_event e = { .events = EPOLLIN };
	int ep[64], failed = 0;

	CHECK(pipe(fds) == 0);
	for (int i = 0; i < 64; i++)
		CHECK((ep[i] = epoll_create1(0)) >= 0);
	for (int i = 1; i < 64; i++)
		failed += epoll_ctl(ep[i - 1], EPOLL_CTL_ADD, ep[i], &e) != 0;
	failed += epoll_ctl(ep[63], EPOLL_CTL_ADD, fds[0], &e) != 0;
	CHECK(failed);
	CHECK(write(fds[1], "x", 1) == 1);
	epoll_wait(ep[0], &e, 1, 0);
	for (int i = 0; i < 64; i++)
		CHECK(close(ep[i]) == 0);

	for (int i = 0; i < 6; i++)
		CHECK((ep[i] = epoll_create1(0)) >= 0);
	for (int i = 0; i < 4; i++)
		watch(ep[i], ep[i + 1], EPOLLIN);
	CHECK_ERR(epoll_ctl(ep[4], EPOLL_CTL_ADD, ep[0], &e), ELOOP);
	watch(ep[4], fds[0], EPOLLIN);
	CHECK_EQ(epoll_wait(ep[0], &e, 1, 0), 1);
	CHECK(epoll_ctl(ep[0], EPOLL_CTL_DEL, ep[1], NULL) == 0);
	CHECK_EQ(epoll_wait(ep[0], &e, 1, 0), 0);
}

static void *wait_for_one(void *ep)
{
	struct epoll_event e;

	CHECK_EQ(epoll_wait(*(int *)ep, &e, 1, 5000), 1);
	return NULL;
}

TEST(what_is_left_wakes_the_next_waiter)
{
	int ep = epoll_create1(0);
	pthread_t t[2];

	CHECK(pipe(fds) == 0);
	watch(ep, fds[0], EPOLLIN);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&t[i], NULL, wait_for_one, &ep) == 0);
	usleep(50000);
	CHECK(write(fds[1], "x", 1) == 1);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

TEST(eventfd_counts)
{
	uint64_t v = 3;
	int e = eventfd(2, EFD_NONBLOCK), s;

	CHECK_EQ(write(e, &v, 8), 8);
	CHECK_EQ(read(e, &v, 8), 8);
	CHECK_EQ(v, 5);
	CHECK_ERR(read(e, &v, 8), EAGAIN);
	CHECK_ERR(read(e, &v, 4), EINVAL);
	s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	CHECK_EQ(read(s, &v, 8), 8);
	CHECK_EQ(v, 1);
	v = UINT64_MAX;
	CHECK_ERR(write(e, &v, 8), EINVAL);
}

TEST(timerfd_expires_and_repeats)
{
	struct itimerspec it = { .it_value = { 0, 20000000 },
				 .it_interval = { 0, 20000000 } };
	uint64_t n = 0;
	int t = timerfd_create(CLOCK_MONOTONIC, 0);

	CHECK(timerfd_settime(t, 0, &it, NULL) == 0);
	CHECK_EQ(read(t, &n, 8), 8);
	CHECK(n >= 1);
	usleep(70000);
	CHECK_EQ(read(t, &n, 8), 8);
	CHECK(n >= 2);
	CHECK(timerfd_gettime(t, &it) == 0);
	CHECK(it.it_interval.tv_nsec == 20000000);
}

TEST(signalfd_reads_signals)
{
	struct signalfd_siginfo si;
	sigset_t set;
	int s;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	s = signalfd(-1, &set, SFD_NONBLOCK);
	CHECK_ERR(read(s, &si, sizeof(si)), EAGAIN);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(read(s, &si, sizeof(si)), sizeof(si));
	CHECK_EQ(si.ssi_signo, SIGUSR1);
	CHECK_EQ(si.ssi_pid, getpid());
}

TEST(select_and_poll_time_out)
{
	struct timespec a, b;
	struct timeval tv = { 0, 100000 };
	fd_set r;

	CHECK(pipe(fds) == 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	FD_ZERO(&r);
	FD_SET(fds[0], &r);
	CHECK_EQ(select(fds[0] + 1, &r, NULL, NULL, &tv), 0);
	CHECK(!FD_ISSET(fds[0], &r));
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >=
	      100000000);
	/* Numbers beyond the table of descriptors are not looked at. */
	CHECK(dup2(fds[0], 50) == 50 && dup2(fds[0], 40) == 40);
	CHECK(close(40) == 0);
	FD_SET(40, &r);
	CHECK_ERR(select(51, &r, NULL, NULL, NULL), EBADF);
}

TEST(socketpair_moves_bytes_and_descriptors)
{
	char ctl[CMSG_SPACE(sizeof(int))] = { 0 }, c = 'x';
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = ctl,
			    .msg_controllen = sizeof(ctl) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
	int s[2], got;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	CHECK(pipe(fds) == 0);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fds[1], sizeof(int));
	CHECK_EQ(sendmsg(s[0], &m, 0), 1);
	memset(ctl, 0, sizeof(ctl));
	CHECK_EQ(recvmsg(s[1], &m, 0), 1);
	cm = CMSG_FIRSTHDR(&m);
	CHECK(cm && cm->cmsg_type == SCM_RIGHTS);
	memcpy(&got, CMSG_DATA(cm), sizeof(int));
	CHECK(write(got, "q", 1) == 1 && read(fds[0], &c, 1) == 1 && c == 'q');
	CHECK(close(s[0]) == 0);
	CHECK_EQ(read(s[1], &c, 1), 0);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(s[1], "x", 1), EPIPE);
}

TEST(named_socket_connects)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c, s;
	char buf[8];

	snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "hw-test-%d", getpid());
	CHECK(bind(l, (void *)&a, offsetof(struct sockaddr_un, sun_path) + 20) ==
	      0);
	CHECK(listen(l, 5) == 0);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(connect(c, (void *)&a,
		      offsetof(struct sockaddr_un, sun_path) + 20) == 0);
	s = accept(l, NULL, NULL);
	CHECK(s >= 0);
	CHECK_EQ(write(c, "hello", 5), 5);
	CHECK_EQ(read(s, buf, 8), 5);
	CHECK(shutdown(c, SHUT_WR) == 0);
	CHECK_EQ(read(s, buf, 8), 0);
}

TEST(seqpackets_keep_boundaries)
{
	char buf[8];
	int s[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0);
	CHECK(write(s[0], "ab", 2) == 2 && write(s[0], "cde", 3) == 3);
	CHECK_EQ(read(s[1], buf, 8), 2);
	CHECK_EQ(read(s[1], buf, 8), 3);
}

static int open_pty(int *slave)
{
	char name[64];
	int m = posix_openpt(O_RDWR | O_NOCTTY);

	CHECK(m >= 0 && grantpt(m) == 0 && unlockpt(m) == 0);
	CHECK(ptsname_r(m, name, sizeof(name)) == 0);
	*slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(*slave >= 0);
	return m;
}

/* A writer's newline may come a moment after its text. */
static int read_all(int fd, char *buf, int n)
{
	int got = 0, r;

	while (got < n && (r = read(fd, buf + got, n - got)) > 0)
		got += r;
	return got;
}

TEST(a_terminal_edits_lines_and_echoes)
{
	char buf[64];
	int s, m = open_pty(&s);

	CHECK_EQ(write(m, "abx\177c\n", 6), 6);
	CHECK_EQ(read(s, buf, sizeof(buf)), 4);
	CHECK(memcmp(buf, "abc\n", 4) == 0);
	CHECK_EQ(read_all(m, buf, 9), 9);
	CHECK(memcmp(buf, "abx\b \bc\r\n", 9) == 0);
	CHECK_EQ(write(s, "out\n", 4), 4);
	CHECK_EQ(read_all(m, buf, 5), 5);
	CHECK_EQ(write(m, "\004", 1), 1);
	CHECK_EQ(read(s, buf, sizeof(buf)), 0);
}

TEST(raw_mode_and_attributes)
{
	struct termios t;
	struct winsize w = { 24, 80, 0, 0 };
	char buf[8];
	int s, m = open_pty(&s);

	CHECK(tcgetattr(s, &t) == 0);
	CHECK(t.c_lflag & ICANON);
	cfmakeraw(&t);
	CHECK(tcsetattr(s, TCSANOW, &t) == 0);
	CHECK_EQ(write(m, "a\r", 2), 2);
	CHECK_EQ(read(s, buf, 8), 2);
	CHECK(buf[1] == '\r');
	CHECK(ioctl(m, TIOCSWINSZ, &w) == 0);
	memset(&w, 0, sizeof(w));
	CHECK(ioctl(s, TIOCGWINSZ, &w) == 0);
	CHECK_EQ(w.ws_col, 80);
	CHECK(isatty(s) && isatty(m) && !isatty(fds[0] = open("/dev/null", 0)));
}

TEST(the_interrupt_key_signals_the_foreground)
{
	int status, s, m = open_pty(&s);
	pid_t pid = fork();
	char c;

	if (pid == 0) {
		setsid();
		CHECK(ioctl(s, TIOCSCTTY, 0) == 0);
		CHECK_EQ(tcgetpgrp(s), getpid());
		CHECK(write(s, "+", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(read(m, &c, 1) == 1);
	CHECK(write(m, "\003", 1) == 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

TEST(closing_the_master_hangs_up)
{
	int status, s, m = open_pty(&s);
	pid_t pid = fork();
	char c;

	if (pid == 0) {
		setsid();
		CHECK(ioctl(s, TIOCSCTTY, 0) == 0);
		close(m);
		CHECK(write(s, "+", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(read(m, &c, 1) == 1);
	close(s);
	close(m);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
}

/* The terminal of this process, or -1 with ENXIO. */
static int own_tty(void)
{
	return open("/dev/tty", O_RDWR);
}

TEST(a_leader_gets_the_terminal_it_opens_unless_told_not_to)
{
	int status, s, m = open_pty(&s), fd;
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		CHECK((fd = open(ptsname(m), O_RDWR | O_NOCTTY)) >= 0);
		CHECK(!(fcntl(fd, F_GETFL) & O_NOCTTY));
		CHECK_ERR(own_tty(), ENXIO);
		CHECK(open(ptsname(m), O_WRONLY) >= 0);
		CHECK_ERR(own_tty(), ENXIO);
		CHECK(ioctl(m, 0x5441, O_RDWR | O_NOCTTY) >= 0); /* its peer */
		CHECK_ERR(own_tty(), ENXIO);
		CHECK(open(ptsname(m), O_RDWR) >= 0);
		CHECK(own_tty() >= 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}
