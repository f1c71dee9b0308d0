/* Terminals: old attribute calls, attributes that are fixed. */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

struct termio_k {
	unsigned short iflag, oflag, cflag, lflag;
	unsigned char line, cc[8];
};
struct termios_k {
	unsigned iflag, oflag, cflag, lflag;
	unsigned char line, cc[19];
};

#define K_TCGETS 0x5401
#define K_TCSETS 0x5402
#define K_TCGETA 0x5405
#define K_TCSETA 0x5406
#define K_GSOFTCAR 0x5419
#define K_SSOFTCAR 0x541A
#define K_GLCK 0x5456
#define K_SLCK 0x5457

static int terminal(void)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), zero = 0, s;

	CHECK(m >= 0 && ioctl(m, TIOCSPTLCK, &zero) == 0);
	s = open(ptsname(m), O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
	return s;
}

TEST(termio_is_the_low_half_of_termios)
{
	struct termios_k k, after;
	struct termio_k o;
	int s = terminal();

	CHECK(ioctl(s, K_TCGETS, &k) == 0);
	CHECK(ioctl(s, K_TCGETA, &o) == 0);
	CHECK_EQ(o.iflag, k.iflag & 0xffff);
	CHECK_EQ(o.lflag, k.lflag & 0xffff);
	CHECK(memcmp(o.cc, k.cc, sizeof(o.cc)) == 0);
	o.lflag &= (unsigned short)~ECHO;
	o.cc[0] = 7;
	for (unsigned cmd = K_TCSETA; cmd < K_TCSETA + 3; cmd++)
		CHECK(ioctl(s, cmd, &o) == 0);
	CHECK(ioctl(s, K_TCGETS, &after) == 0);
	CHECK_EQ(after.lflag, k.lflag & ~(unsigned)ECHO);
	CHECK_EQ(after.cc[0], 7);
	CHECK(memcmp(after.cc + 8, k.cc + 8, sizeof(k.cc) - 8) == 0);
	CHECK_ERR(ioctl(s, K_TCSETA, (void *)8), EFAULT);
}

TEST(fixed_attributes_stay)
{
	struct termios_k k, fixed;
	int s = terminal();

	CHECK(ioctl(s, K_GLCK, &fixed) == 0);
	CHECK_EQ(fixed.lflag | fixed.iflag | fixed.cc[0], 0);
	fixed.lflag = ECHO;
	fixed.cc[0] = 1;
	CHECK(ioctl(s, K_SLCK, &fixed) == 0);
	memset(&fixed, 0, sizeof(fixed));
	CHECK(ioctl(s, K_GLCK, &fixed) == 0);
	CHECK_EQ(fixed.lflag, ECHO);
	CHECK(ioctl(s, K_TCGETS, &k) == 0);
	CHECK(k.lflag & ECHO);
	k.lflag &= ~(unsigned)(ECHO | ICANON);
	k.cc[0] = 9;
	CHECK(ioctl(s, K_TCSETS, &k) == 0);
	CHECK(ioctl(s, K_TCGETS, &k) == 0);
	CHECK_EQ(k.lflag & (ECHO | ICANON), ECHO);
	CHECK_EQ(k.cc[0], 3);
	CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERR(ioctl(s, K_SLCK, &fixed), EPERM);
}

TEST(soft_carrier)
{
	struct termios_k k;
	int s = terminal(), on = 1;

	CHECK(ioctl(s, K_SSOFTCAR, &on) == 0);
	CHECK(ioctl(s, K_TCGETS, &k) == 0 && (k.cflag & CLOCAL));
	on = 0;
	CHECK(ioctl(s, K_SSOFTCAR, &on) == 0);
	CHECK(ioctl(s, K_TCGETS, &k) == 0 && !(k.cflag & CLOCAL));
	on = 7;
	CHECK(ioctl(s, K_GSOFTCAR, &on) == 0);
	CHECK_EQ(on, 0);
}

/* What a terminal answers whose master has been closed. */
TEST(hung_up)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), zero = 0, s;
	struct pollfd p = { .events = POLLIN | POLLOUT };
	char c;

	CHECK(m >= 0 && ioctl(m, TIOCSPTLCK, &zero) == 0);
	p.fd = s = open(ptsname(m), O_RDWR | O_NOCTTY);
	CHECK(s >= 0 && close(m) == 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN | POLLOUT | POLLERR | POLLHUP);
	CHECK_EQ(read(s, &c, 1), 0);
	CHECK_ERR(write(s, "x", 1), EIO);
	CHECK_ERR(ioctl(s, TIOCGWINSZ, &zero), EIO);
	CHECK_ERR(ioctl(s, TIOCSPGRP, &zero), ENOTTY);
}

/* Only ptys come and go there; what a node may be asked is its owner's. */
TEST(names_of_terminals_are_the_kernels)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), uid = getuid();
	char *name = ptsname(m);
	struct stat st;

	CHECK(m >= 0 && name && grantpt(m) == 0);
	CHECK_ERR(open("/dev/pts/x", O_CREAT | O_RDWR, 0600), EACCES);
	CHECK_ERR(mknod("/dev/pts/x", S_IFREG | 0600, 0), EACCES);
	CHECK_ERR(mknod("/dev/pts/x", S_IFIFO | 0600, 0), EPERM);
	CHECK_ERR(mkdir("/dev/pts/x", 0700), EPERM);
	CHECK_ERR(symlink("a", "/dev/pts/x"), EPERM);
	CHECK_ERR(link(name, "/dev/pts/x"), EPERM);
	CHECK_ERR(rename(name, "/dev/pts/x"), EPERM);
	CHECK_ERR(unlink(name), EPERM);
	CHECK(chmod(name, 0640) == 0 && chown(name, uid, 5) == 0);
	CHECK(stat(name, &st) == 0 && st.st_mode == (S_IFCHR | 0640));
	CHECK(st.st_gid == 5 && close(m) == 0);
	CHECK_ERR(stat(name, &st), ENOENT);
}

TEST(masters_come_of_ptmx_only)
{
	const char *node = "/var/tmp/ptm-node";

	unlink(node);
	CHECK(mknod(node, S_IFCHR | 0600, makedev(128, 0)) == 0);
	CHECK_ERR(open(node, O_RDWR | O_NOCTTY), EIO);
	CHECK(unlink(node) == 0);
}

TEST(serial_lines_have_no_carrier)
{
	struct termios_k k;
	int s = open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_NONBLOCK);

	CHECK(s >= 0 && ioctl(s, K_TCGETS, &k) == 0);
	CHECK(k.cflag & CLOCAL);
}

/* The two ends; the slave does not block and does not echo. */
static int pair(int *slave)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), zero = 0;
	struct termios t;

	CHECK(m >= 0 && ioctl(m, TIOCSPTLCK, &zero) == 0);
	*slave = open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK);
	CHECK(*slave >= 0 && tcgetattr(*slave, &t) == 0);
	t.c_lflag &= ~(tcflag_t)ECHO;
	CHECK(tcsetattr(*slave, TCSANOW, &t) == 0);
	return m;
}

/* Input goes by way of a worker on Linux. */
static void settle(void)
{
	usleep(50000);
}

TEST(the_master_stops_and_starts_the_slave)
{
	int s, m = pair(&s);
	char c;

	CHECK(tcflow(m, TCIOFF) == 0);
	settle();
	CHECK_ERR(write(s, "x", 1), EAGAIN);
	CHECK(tcflow(m, TCION) == 0);
	settle();
	CHECK_EQ(write(s, "x", 1), 1);
	CHECK(read(m, &c, 1) == 1 && c == 'x');
	CHECK_ERR(tcflow(m, 4), EINVAL);
	CHECK(tcflow(m, TCOOFF) == 0 && fcntl(m, F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERR(write(m, "y\n", 2), EAGAIN);
	CHECK(tcflow(m, TCOON) == 0);
	CHECK_EQ(write(m, "y\n", 2), 2);
}

TEST(output_starts_when_nothing_can_stop_it_any_more)
{
	int s, m = pair(&s);
	struct termios t;

	CHECK_EQ(write(m, "\023", 1), 1);
	settle();
	CHECK_ERR(write(s, "x", 1), EAGAIN);
	CHECK(tcgetattr(s, &t) == 0);
	t.c_iflag &= ~(tcflag_t)IXON;
	CHECK(tcsetattr(s, TCSANOW, &t) == 0);
	CHECK_EQ(write(s, "x", 1), 1);
}

TEST(the_master_sends_the_keyboards_signals_only)
{
	int s, m = pair(&s);

	CHECK_ERR(ioctl(m, TIOCSIG, SIGKILL), EINVAL);
	CHECK_ERR(ioctl(m, TIOCSIG, SIGHUP), EINVAL);
	CHECK(ioctl(m, TIOCSIG, SIGINT) == 0);
}

TEST(packet_mode_tells_what_happens)
{
	int s, m = pair(&s), on = 1;
	char b[16];

	CHECK(ioctl(m, TIOCPKT, &on) == 0);
	CHECK_EQ(write(m, "\023", 1), 1);
	CHECK(read(m, b, sizeof(b)) == 1 && b[0] == TIOCPKT_STOP);
	CHECK_EQ(write(m, "\021", 1), 1);
	CHECK(read(m, b, sizeof(b)) == 1 && b[0] == TIOCPKT_START);
	CHECK(tcflush(s, TCIFLUSH) == 0);
	CHECK(read(m, b, sizeof(b)) == 1 && b[0] == TIOCPKT_FLUSHREAD);
	CHECK_EQ(write(s, "ab", 2), 2);
	CHECK(read(m, b, sizeof(b)) == 3 && !memcmp(b, "\0ab", 3));
	CHECK(close(s) == 0);
	CHECK_ERR(read(m, b, sizeof(b)), EIO);
}

/* A child with the slave open; it closes it when `go` ends. */
static pid_t holder(int m, int ready, const int *go)
{
	pid_t pid = fork();

	if (pid == 0) {
		int s = open(ptsname(m), O_RDWR | O_NOCTTY);
		char c;

		close(go[1]);
		CHECK(s >= 0 && write(ready, "x", 1) == 1);
		CHECK(read(go[0], &c, 1) == 0 && close(s) == 0);
		_exit(0);
	}
	return pid;
}

TEST(the_last_close_is_heard_whoever_is_last)
{
	for (int i = 0; i < 60; i++) {
		int m = posix_openpt(O_RDWR | O_NOCTTY), zero = 0;
		struct pollfd p = { .fd = m, .events = POLLIN };
		int ready[2], go[2];
		pid_t a, b;
		char c[2];

		CHECK(m >= 0 && ioctl(m, TIOCSPTLCK, &zero) == 0);
		CHECK(pipe(ready) == 0 && pipe(go) == 0);
		a = holder(m, ready[1], go);
		b = holder(m, ready[1], go);
		for (int n = 0; n < 2;) {
			ssize_t got = read(ready[0], c, 2);

			CHECK(got > 0);
			n += (int)got;
		}
		CHECK(close(go[1]) == 0 && close(go[0]) == 0);
		CHECK_EQ(poll(&p, 1, 5000), 1);
		CHECK(p.revents & POLLHUP);
		CHECK_ERR(read(m, c, 1), EIO);
		CHECK_CHILD(a);
		CHECK_CHILD(b);
		close(ready[0]);
		close(ready[1]);
		close(m);
	}
}

/* What the writer, a child, sends comes line by line. */
static pid_t sender(int m, const char *text, size_t n)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (size_t done = 0; done < n;) {
			ssize_t got = write(m, text + done, n - done);

			CHECK(got > 0);
			done += (size_t)got;
		}
		_exit(0);
	}
	return pid;
}

static ssize_t read_line(int s, char *to, size_t n)
{
	struct pollfd p = { .fd = s, .events = POLLIN };

	CHECK_EQ(poll(&p, 1, 5000), 1);
	return read(s, to, n);
}

TEST(short_lines_before_a_long_one_are_all_read)
{
	static char text[4608], line[8192];
	int s, m = pair(&s);
	pid_t pid;

	memset(text, 'y', sizeof(text));
	for (int i = 0; i < 500; i++)
		memcpy(text + 2 * i, "x\n", 2);
	text[sizeof(text) - 1] = '\n';
	pid = sender(m, text, sizeof(text));
	settle();
	for (int i = 0; i < 500; i++)
		CHECK(read_line(s, line, sizeof(line)) == 2 && *line == 'x');
	CHECK_EQ(read_line(s, line, sizeof(line)), sizeof(text) - 1000);
	CHECK_CHILD(pid);
}

TEST(the_longest_line_is_not_overwritten)
{
	static char text[4095 + 4], line[8192];
	int s, m = pair(&s);
	pid_t pid;

	memset(text, 'a', sizeof(text));
	memcpy(text + 4095, "\n\nb\n", 4);
	pid = sender(m, text, sizeof(text));
	settle();
	CHECK_EQ(read_line(s, line, sizeof(line)), 4096);
	CHECK(line[0] == 'a' && line[4094] == 'a' && line[4095] == '\n');
	CHECK(read_line(s, line, sizeof(line)) == 1 && *line == '\n');
	CHECK(read_line(s, line, sizeof(line)) == 2 && *line == 'b');
	CHECK_CHILD(pid);
}

TEST(a_hung_up_terminal_is_opened_anew)
{
	int s, m = pair(&s), fd;
	char name[32], b[16];
	pid_t pid;

	snprintf(name, sizeof(name), "%s", ptsname(m));
	pid = fork();
	if (pid == 0) {
		signal(SIGHUP, SIG_IGN);
		CHECK(setsid() > 0);
		fd = open(name, O_RDWR);
		CHECK(fd >= 0 && tcgetsid(fd) == getpid());
		CHECK(vhangup() == 0);
		CHECK_EQ(read(fd, b, sizeof(b)), 0);
		_exit(0);
	}
	CHECK_CHILD(pid);
	fd = open(name, O_RDWR | O_NOCTTY);	/* s is open still */
	CHECK(fd >= 0);
	CHECK_EQ(read(s, b, sizeof(b)), 0);
	CHECK_ERR(write(s, "x", 1), EIO);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK(read(m, b, sizeof(b)) == 1 && *b == 'x');
	CHECK_EQ(write(m, "hi\n", 3), 3);
	CHECK_EQ(read_line(fd, b, sizeof(b)), 3);
}
