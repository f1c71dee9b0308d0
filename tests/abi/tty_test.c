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
