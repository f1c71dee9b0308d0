/*
 * files - storms on terminals, sockets, epoll and names.
 */
#include "stress.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

/* --- terminals -----------------------------------------------------------------------*/

/* The session's leader answers each line; a hangup must end it. */
static void answer(const char *name)
{
	char buf[256];
	ssize_t n;
	int fd;

	CHECK(setsid() > 0);
	fd = open(name, O_RDWR);
	CHECK(fd >= 0);
	/* Hung up already is no failure: the signal is on its way. */
	CHECK(tcgetsid(fd) == getpid() || errno == EIO || errno == ENOTTY);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(fd, buf, (size_t)n) != n)
			break;
	pause();
	_exit(1);
}

static void expect(int fd, const char *word)
{
	char buf[1024] = "";
	size_t at = 0;
	ssize_t n;

	while (!strstr(buf, word)) {
		CHECK(at < sizeof(buf) - 1);
		n = read(fd, buf + at, sizeof(buf) - 1 - at);
		CHECK(n > 0);
		at += (size_t)n;
		buf[at] = 0;
	}
}

static void talk(int m, int lines)
{
	char line[32], want[32];

	for (int i = 0; i < lines; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		snprintf(want, sizeof(want), "line %d\r\n", i);
		CHECK(write(m, line, strlen(line)) == (ssize_t)strlen(line));
		expect(m, want);	/* the echo, and perhaps the answer */
	}
}

static void tty_share(long which)
{
	for (int i = 0; i < 15 * storm_scale; i++) {
		int m = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		pid_t pid;

		CHECK(m >= 0 && !grantpt(m) && !unlockpt(m));
		pid = must_fork();
		if (!pid) {
			char name[64];

			snprintf(name, sizeof(name), "%s", ptsname(m));
			close(m);
			answer(name);
		}
		if (i % 2) {
			talk(m, (int)which + i % 3);
			sleep_us(rnd(1000));
		}
		/* Not before it is its terminal: then none would hang up.  But
		 * at once then: the leader may not know it yet. */
		while (tcgetsid(m) != pid)
			sched_yield();
		close(m);
		must_end(pid, -SIGHUP);
	}
}

static void ptys(void)
{
	in_processes(storm_harts + 1, tty_share, 0);
}

/* --- sockets -------------------------------------------------------------------------*/

static void send_fd(int s, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 }, c = 'f';
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(int));
	CHECK(sendmsg(s, &m, 0) == 1);
}

static int take_fd(int s)
{
	char space[CMSG_SPACE(sizeof(int))], c;
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	int fd;

	CHECK(recvmsg(s, &m, 0) == 1);
	CHECK(CMSG_FIRSTHDR(&m));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return fd;
}

static void descriptors_in_flight(void)
{
	int s[2], other[2], fd;
	char c;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	CHECK(pipe(other) == 0);
	send_fd(s[0], other[1]);
	fd = take_fd(s[1]);
	CHECK(write(fd, "y", 1) == 1 && read(other[0], &c, 1) == 1);
	close(fd);
	/* These are dropped with the queue they wait in. */
	for (int i = 0; i < 5; i++)
		send_fd(s[0], other[i % 2]);
	/* A pair in its own queues: nobody but the kernel can find it. */
	send_fd(s[0], s[0]);
	send_fd(s[1], s[1]);
	send_fd(s[0], s[1]);
	close(other[0]);
	close(other[1]);
	close(s[0]);
	close(s[1]);
}

static int unix_listener(struct sockaddr_un *a)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a->sun_path, sizeof(a->sun_path), "/tmp/sock-%d", getpid());
	unlink(a->sun_path);
	CHECK(bind(s, (struct sockaddr *)a, sizeof(*a)) == 0);
	CHECK(listen(s, 16) == 0);
	return s;
}

/* Clients come, talk and go; some are killed between. */
static void connections(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = unix_listener(&a), c;
	char buf[512];

	for (int i = 0; i < 10; i++) {
		pid_t pid = must_fork();

		if (!pid) {
			c = socket(AF_UNIX, SOCK_STREAM, 0);
			memset(buf, i, sizeof(buf));
			CHECK(!connect(c, (struct sockaddr *)&a, sizeof(a)));
			while (write(c, buf, sizeof(buf)) > 0)
				if (i % 2)
					_exit(0);
			_exit(1);
		}
		c = accept(s, NULL, NULL);
		CHECK(c >= 0);
		CHECK(read(c, buf, 1) == 1 && buf[0] == i);
		if (i % 2 == 0)
			kill(pid, SIGKILL);
		must_end(pid, i % 2 ? 0 : -SIGKILL);
		close(c);
	}
	close(s);
	unlink(a.sun_path);
}

static void socket_share(long which)
{
	(void)which;
	for (int i = 0; i < 10 * storm_scale; i++) {
		descriptors_in_flight();
		connections();
	}
}

static void sockets(void)
{
	in_processes(storm_harts + 1, socket_share, 0);
}

/* --- epoll ---------------------------------------------------------------------------*/

#define WATCHED 64

static int ep, events[WATCHED];
static atomic_int done;
static atomic_long taken;

static void *take_events(void *arg)
{
	struct epoll_event e[8];
	uint64_t v;

	(void)arg;
	while (!done) {
		int n = epoll_wait(ep, e, 8, 20);

		for (int i = 0; i < n; i++)
			if (read(events[e[i].data.u32], &v, sizeof(v)) > 0)
				taken += (long)v;
	}
	return NULL;
}

static void watch(int op, unsigned i)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET,
				 .data.u32 = i };

	CHECK(epoll_ctl(ep, op, events[i], &e) == 0);
}

/* Watches come and go while others wait and raise events. */
static void *move_watches(void *arg)
{
	unsigned first = (unsigned)(long)arg;

	while (!done)
		for (unsigned i = first; i < first + 8; i++) {
			watch(EPOLL_CTL_DEL, i);
			watch(EPOLL_CTL_ADD, i);
		}
	return NULL;
}

static void epoll(void)
{
	int outer = epoll_create1(0), n = 0;
	struct epoll_event e = { .events = EPOLLIN };
	long raised = 20000L * storm_scale;
	double end = now() + 20;
	uint64_t one = 1;
	pthread_t t[16];

	ep = epoll_create1(0);
	CHECK(ep >= 0 && outer >= 0);
	CHECK(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &e) == 0);
	for (unsigned i = 0; i < WATCHED; i++) {
		events[i] = eventfd(0, EFD_NONBLOCK);
		watch(EPOLL_CTL_ADD, i);
	}
	for (; n < 4; n++)
		t[n] = must_thread(take_events, NULL);
	for (; n < 6; n++)
		t[n] = must_thread(move_watches, (void *)(long)(8 * (n - 4)));
	for (long i = 0; i < raised; i++)
		CHECK(write(events[i % WATCHED], &one, sizeof(one)) == 8);
	while (taken < raised && now() < end)
		sleep_us(1000);
	done = 1;
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	CHECK(taken == raised);
}

/* --- names -------------------------------------------------------------------------*/

static void names_in(const char *dir, long which)
{
	char a[128], b[128], sub[128];
	struct stat st;
	int fd;

	snprintf(sub, sizeof(sub), "%s/d%ld", dir, which);
	snprintf(a, sizeof(a), "%s/d%ld/file", dir, which);
	snprintf(b, sizeof(b), "%s/common", dir);
	mkdir(sub, 0700);
	for (int i = 0; i < 40 * storm_scale; i++) {
		fd = open(a, O_CREAT | O_RDWR, 0600);
		CHECK(fd >= 0);
		CHECK(write(fd, a, sizeof(a)) == sizeof(a));
		CHECK(rename(a, b) == 0);
		CHECK(fstat(fd, &st) == 0 && st.st_size == sizeof(a));
		unlink(b);	/* whoever's it is by now */
		close(fd);
		CHECK(stat(a, &st) < 0 && errno == ENOENT);
	}
	CHECK(rmdir(sub) == 0);
}

static void name_share(long which)
{
	names_in("/tmp", which);
	names_in("/var/tmp", which);
	names_in("/dev/shm", which);
}

static void names(void)
{
	mkdir("/dev/shm", 01777);
	in_processes(storm_harts + 1, name_share, 0);
}

const struct storm file_storms[] = {
	{ "ptys", ptys },
	{ "sockets", sockets },
	{ "epoll", epoll },
	{ "names", names },
	{ NULL, NULL },
};
