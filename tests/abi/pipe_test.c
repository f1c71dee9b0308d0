/* Pipes: order, atomicity, ends and signals. */
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

static int fds[2];

TEST(bytes_come_out_in_order)
{
	char buf[8];

	CHECK(pipe(fds) == 0);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	CHECK_EQ(write(fds[1], "def", 3), 3);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 6);
	CHECK(memcmp(buf, "abcdef", 6) == 0);
}

TEST(a_read_without_writers_is_the_end)
{
	char c;

	CHECK(pipe(fds) == 0);
	CHECK(close(fds[1]) == 0);
	CHECK_EQ(read(fds[0], &c, 1), 0);
}

TEST(a_write_without_readers_is_epipe)
{
	CHECK(pipe(fds) == 0);
	CHECK(close(fds[0]) == 0);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(fds[1], "x", 1), EPIPE);
}

TEST(sigpipe_kills)
{
	int status;
	pid_t pid;

	CHECK(pipe(fds) == 0);
	CHECK(close(fds[0]) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(write(fds[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

TEST(nonblocking_ends)
{
	static char block[65536];
	char c;

	CHECK(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
	CHECK_ERR(read(fds[0], &c, 1), EAGAIN);
	CHECK_EQ(write(fds[1], block, sizeof(block)), sizeof(block));
	CHECK_ERR(write(fds[1], &c, 1), EAGAIN);
	CHECK(fcntl(fds[0], F_GETFD) == FD_CLOEXEC);
}

TEST(fionread_and_size)
{
	int n;

	CHECK(pipe(fds) == 0);
	CHECK_EQ(write(fds[1], "12345", 5), 5);
	CHECK(ioctl(fds[0], FIONREAD, &n) == 0);
	CHECK_EQ(n, 5);
	CHECK_EQ(fcntl(fds[0], F_GETPIPE_SZ), 65536);
	CHECK_EQ(fcntl(fds[0], F_SETPIPE_SZ, 8192), 8192);
}

TEST(poll_tells_hang_up_and_error)
{
	struct pollfd p;

	CHECK(pipe(fds) == 0);
	p = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK(close(fds[1]) == 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLHUP);
	CHECK(pipe(fds) == 0);
	CHECK(close(fds[0]) == 0);
	p = (struct pollfd){ .fd = fds[1], .events = POLLOUT };
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT | POLLERR);
}

TEST(bad_arguments)
{
	CHECK_ERR(pipe2(fds, 0x40000000), EINVAL);
	CHECK_ERR(pipe((int *)-4096L), EFAULT);
	CHECK(pipe(fds) == 0);
	CHECK_ERR(lseek(fds[0], 0, SEEK_SET), ESPIPE);
	CHECK_ERR(write(fds[0], "x", 1), EBADF);
	CHECK_ERR(read(fds[1], fds, 1), EBADF);
}

/* Writes of PIPE_BUF bytes never mix, however many processes write. */
TEST(short_writes_are_atomic)
{
	enum { WRITERS = 4, ROUNDS = 50 };
	static char block[PIPE_BUF];
	int got = 0;
	ssize_t n;

	CHECK(pipe(fds) == 0);
	for (int w = 0; w < WRITERS; w++)
		if (fork() == 0) {
			memset(block, 'a' + w, sizeof(block));
			for (int i = 0; i < ROUNDS; i++)
				CHECK_EQ(write(fds[1], block, PIPE_BUF),
					 PIPE_BUF);
			_exit(0);
		}
	CHECK(close(fds[1]) == 0);
	for (;; got++) {
		size_t have = 0;

		while (have < PIPE_BUF &&
		       (n = read(fds[0], block + have, PIPE_BUF - have)) > 0)
			have += n;
		if (!have)
			break;
		CHECK_EQ(have, PIPE_BUF);
		for (int i = 1; i < PIPE_BUF; i++)
			CHECK_EQ(block[i], block[0]);
	}
	CHECK_EQ(got, WRITERS * ROUNDS);
}

static void write_knob(const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/fs/%s", name);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), (long)strlen(text));
	CHECK(close(fd) == 0);
}

/* Who has filled the soft limit gets pipes of two pages. */
static void small_pipes(void)
{
	int a[2], b[2], c[2];

	CHECK(setgid(4711) == 0 && setuid(4711) == 0);
	CHECK(pipe(a) == 0 && pipe(b) == 0 && pipe(c) == 0);
	CHECK_EQ(fcntl(a[0], F_GETPIPE_SZ), 65536);
	CHECK_EQ(fcntl(b[0], F_GETPIPE_SZ), 65536);
	CHECK_EQ(fcntl(c[0], F_GETPIPE_SZ), 8192);
	CHECK_ERR(fcntl(c[0], F_SETPIPE_SZ, 16384), EPERM);
	CHECK_EQ(fcntl(c[0], F_SETPIPE_SZ, 4096), 4096);
	CHECK(close(a[0]) == 0 && close(a[1]) == 0);
	CHECK_EQ(fcntl(c[0], F_SETPIPE_SZ, 16384), 16384);
}

static void no_pipes(void)
{
	int a[2], b[2];

	CHECK(setgid(4711) == 0 && setuid(4711) == 0);
	CHECK(pipe(a) == 0);
	CHECK_ERR(pipe(b), ENFILE);
	CHECK(close(a[0]) == 0 && close(a[1]) == 0);
	CHECK(pipe(b) == 0);
}

TEST(a_user_s_pipes_are_limited)
{
	pid_t pid;
	int p[2];

	if (geteuid())
		SKIP("root sets the limits");
	write_knob("pipe-user-pages-soft", "32");
	pid = fork();
	if (!pid) {
		small_pipes();
		_exit(0);
	}
	CHECK_CHILD(pid);
	write_knob("pipe-user-pages-soft", "16384");
	write_knob("pipe-user-pages-hard", "16");
	pid = fork();
	if (!pid) {
		no_pipes();
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(pipe(p) == 0 && pipe(p) == 0);
	write_knob("pipe-user-pages-hard", "0");
}

TEST(vmsplice_takes_what_there_is_room_for)
{
	static char block[131072] __attribute__((aligned(4096)));
	static char got[65536] __attribute__((aligned(4096)));
	struct iovec v = { block, sizeof(block) }, in = { got, sizeof(got) };
	struct pollfd p;
	int zero = 0;
	pid_t pid;

	memset(block, 'v', sizeof(block));
	CHECK(pipe(fds) == 0);
	CHECK_ERR(vmsplice(fds[0], &in, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(vmsplice(fds[1], &v, 1, 0), 65536);
	CHECK_ERR(vmsplice(fds[1], &v, 1, SPLICE_F_NONBLOCK), EAGAIN);
	/* Without the flag it waits, whatever the pipe says. */
	CHECK(fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0);
	pid = fork();
	if (pid == 0)
		_exit(vmsplice(fds[1], &v, 1, 0) != 65536);
	usleep(20000);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK_EQ(vmsplice(fds[0], &in, 1, 0), 65536);
	CHECK(got[0] == 'v' && got[65535] == 'v');
	CHECK_CHILD(pid);
	p = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(vmsplice(fds[1], &v, 0, 0), 0);
	CHECK_ERR(vmsplice(fds[1], &v, 1, 0x100), EINVAL);
	CHECK_ERR(vmsplice(fds[1], &v, 1025, 0), EINVAL);
	zero = open("/dev/zero", O_RDWR);
	CHECK_ERR(vmsplice(zero, &v, 1, 0), EBADF);
	CHECK_EQ(vmsplice(fds[0], &in, 1, 0), 65536);
	close(fds[1]);
	CHECK_EQ(vmsplice(fds[0], &in, 1, 0), 0);
}

/* What is no stream of bytes cannot be spliced, and nobody waits for it. */
TEST(events_are_not_spliced)
{
	sigset_t none;
	int fd[8], other[2], n = 0;

	sigemptyset(&none);
	CHECK(pipe(fds) == 0 && pipe(other) == 0);
	fd[n++] = eventfd(0, 0);
	fd[n++] = signalfd(-1, &none, 0);
	fd[n++] = timerfd_create(CLOCK_REALTIME, 0);
	fd[n++] = inotify_init();
	fd[n++] = epoll_create1(0);
	fd[n++] = open("/dev/kmsg", O_RDWR);
	fd[n++] = socket(AF_UNIX, SOCK_STREAM, 0);
	for (int i = 0; i < n; i++) {
		CHECK(fd[i] >= 0);
		CHECK_ERR(splice(fd[i], NULL, fds[1], NULL, 1, 0), EINVAL);
		if (i < 3)
			CHECK_ERR(splice(fds[0], NULL, fd[i], NULL, 1, 0),
				  EINVAL);
	}
	CHECK(fcntl(other[1], F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERR(tee(fds[0], other[1], 1, 0), EAGAIN);
}

/* Two pages, of which only the first is there. */
static char *edge_of_memory(void)
{
	char *p = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK(munmap(p + 4096, 4096) == 0);
	return p + 4096;
}

TEST(a_packet_that_faults_stays_whole)
{
	char packet[100], buf[200], *edge = edge_of_memory();

	memset(packet, 'p', sizeof(packet));
	CHECK(pipe2(fds, O_DIRECT | O_NONBLOCK) == 0);
	CHECK_EQ(write(fds[1], packet, sizeof(packet)), 100);
	CHECK_EQ(write(fds[1], "next", 4), 4);
	CHECK_ERR(read(fds[0], edge - 50, 100), EFAULT);
	CHECK_EQ(read(fds[0], buf, 10), 10);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 4);
	CHECK(memcmp(buf, "next", 4) == 0);
	CHECK_ERR(read(fds[0], buf, sizeof(buf)), EAGAIN);
}

TEST(a_full_ring_grows_wherever_it_starts)
{
	static char in[65536 + 100], out[sizeof(in)];
	size_t end = 65536;

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 31 >> 3);
	CHECK(pipe2(fds, O_NONBLOCK) == 0);
	CHECK_EQ(write(fds[1], in, end), end);
	CHECK_EQ(read(fds[0], out, 100), 100);
	/* Linux has a whole page for each write, and none is left. */
	if (write(fds[1], in + end, 100) == 100)
		end += 100;
	CHECK(fcntl(fds[1], F_SETPIPE_SZ, 65536) == 65536);
	CHECK(fcntl(fds[1], F_SETPIPE_SZ, 131072) == 131072);
	CHECK_EQ(read(fds[0], out + 100, sizeof(out) - 100), end - 100);
	CHECK(memcmp(in, out, end) == 0);
}

TEST(packets_are_spliced_once)
{
	int out = memfd_create("out", 0);
	char buf[16], c;

	CHECK(out >= 0 && pipe2(fds, O_DIRECT | O_NONBLOCK) == 0);
	CHECK_EQ(write(fds[1], "one", 3), 3);
	CHECK_EQ(write(fds[1], "two", 3), 3);
	CHECK_EQ(splice(fds[0], NULL, out, NULL, 5, 0), 5);
	CHECK_EQ(pread(out, buf, sizeof(buf), 0), 5);
	CHECK(memcmp(buf, "onetw", 5) == 0);
	CHECK_EQ(read(fds[0], buf, sizeof(buf)), 1);
	CHECK(buf[0] == 'o');
	CHECK_ERR(read(fds[0], &c, 1), EAGAIN);
}

TEST(a_fifo_hangs_up_after_its_first_writer)
{
	char name[] = "/tmp/fifo.XXXXXX";
	struct pollfd p = { .events = POLLIN };
	int w;

	CHECK(mkdtemp(name) && chdir(name) == 0);
	CHECK(mkfifo("f", 0600) == 0);
	p.fd = open("f", O_RDONLY | O_NONBLOCK);
	CHECK(p.fd >= 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	w = open("f", O_WRONLY);
	CHECK(w >= 0 && close(w) == 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLHUP);
	CHECK(unlink("f") == 0 && rmdir(name) == 0);
}
