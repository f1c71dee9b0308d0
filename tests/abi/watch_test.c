/* inotify, extended attributes, utimes. */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#ifndef ENOATTR
#define ENOATTR ENODATA
#endif

static char dir[] = "/var/tmp/watch.XXXXXX";

static void enter(void)
{
	CHECK(mkdtemp(dir) && chdir(dir) == 0);
}

static void make(const char *name)
{
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);

	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
}

/* --- inotify ---------------------------------------------------------------*/

static char events[4096] __attribute__((aligned(8)));
static size_t events_at, events_end;

/* The next event must have this mask and this name ("" for none). */
static unsigned expect(int fd, unsigned mask, const char *name)
{
	struct inotify_event *e;

	if (events_at == events_end) {
		ssize_t n = read(fd, events, sizeof(events));

		CHECK(n > 0);
		events_at = 0;
		events_end = (size_t)n;
	}
	e = (struct inotify_event *)(events + events_at);
	events_at += sizeof(*e) + e->len;
	CHECK_EQ(e->mask, mask);
	CHECK_STR(e->len ? e->name : "", name);
	return e->cookie;
}

static void expect_no_more(int fd)
{
	CHECK_EQ(events_at, events_end);
	CHECK_ERR(read(fd, events, sizeof(events)), EAGAIN);
}

TEST(a_directory_is_watched)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	unsigned cookie;

	enter();
	CHECK(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE | IN_MOVE |
				IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB) == 1);
	expect_no_more(fd);
	make("a");
	expect(fd, IN_CREATE, "a");
	expect(fd, IN_MODIFY, "a");
	expect(fd, IN_CLOSE_WRITE, "a");
	CHECK(chmod("a", 0600) == 0);
	expect(fd, IN_ATTRIB, "a");
	CHECK(rename("a", "b") == 0);
	cookie = expect(fd, IN_MOVED_FROM, "a");
	CHECK(cookie != 0);
	CHECK_EQ(expect(fd, IN_MOVED_TO, "b"), cookie);
	CHECK(mkdir("d", 0755) == 0);
	expect(fd, IN_CREATE | IN_ISDIR, "d");
	CHECK(rmdir("d") == 0);
	expect(fd, IN_DELETE | IN_ISDIR, "d");
	CHECK(unlink("b") == 0);
	expect(fd, IN_DELETE, "b");
	expect_no_more(fd);
}

TEST(a_file_is_watched_to_its_end)
{
	int fd = inotify_init1(IN_NONBLOCK), f;
	char c;

	enter();
	make("f");
	CHECK(inotify_add_watch(fd, "f", IN_ALL_EVENTS) == 1);
	f = open("f", O_RDONLY);
	CHECK(f >= 0 && read(f, &c, 1) == 1 && close(f) == 0);
	expect(fd, IN_OPEN, "");
	expect(fd, IN_ACCESS, "");
	expect(fd, IN_CLOSE_NOWRITE, "");
	CHECK(truncate("f", 0) == 0);
	expect(fd, IN_MODIFY, "");
	CHECK(unlink("f") == 0);
	expect(fd, IN_ATTRIB, "");
	expect(fd, IN_DELETE_SELF, "");
	expect(fd, IN_IGNORED, "");
	expect_no_more(fd);
}

TEST(watches_are_removed)
{
	int fd = inotify_init1(IN_NONBLOCK), w;

	enter();
	w = inotify_add_watch(fd, ".", IN_CREATE);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE), w);
	CHECK_ERR(inotify_add_watch(fd, "none", IN_CREATE), ENOENT);
	CHECK_ERR(inotify_add_watch(fd, ".", 0), EINVAL);
	CHECK_ERR(inotify_add_watch(0, ".", IN_CREATE), EINVAL);
	CHECK(inotify_rm_watch(fd, w) == 0);
	expect(fd, IN_IGNORED, "");
	CHECK_ERR(inotify_rm_watch(fd, w), EINVAL);
	make("f");
	CHECK_ERR(inotify_add_watch(fd, "f", IN_CREATE | IN_ONLYDIR), ENOTDIR);
	expect_no_more(fd);
}

TEST(inotify_wakes_poll_and_merges)
{
	int fd = inotify_init1(IN_NONBLOCK), i, f;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	enter();
	make("f");
	CHECK(inotify_add_watch(fd, "f", IN_MODIFY) == 1);
	CHECK_EQ(poll(&p, 1, 0), 0);
	if (fork() == 0) {
		usleep(50000);
		f = open("f", O_WRONLY);
		for (i = 0; i < 3; i++)
			CHECK(write(f, "x", 1) == 1);
		_exit(0);
	}
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK(wait(NULL) > 0);
	expect(fd, IN_MODIFY, "");
	expect_no_more(fd);		/* equal events in a row are one */
	CHECK_ERR(read(fd, events, 8), EAGAIN);
	f = open("f", O_WRONLY);
	CHECK(write(f, "x", 1) == 1);
	CHECK_ERR(read(fd, events, 8), EINVAL);
}

TEST(oneshot_and_mask_add)
{
	int fd = inotify_init1(IN_NONBLOCK);

	enter();
	CHECK(inotify_add_watch(fd, ".", IN_CREATE | IN_ONESHOT) == 1);
	make("a");
	expect(fd, IN_CREATE, "a");
	expect(fd, IN_IGNORED, "");
	make("b");
	expect_no_more(fd);
	CHECK(inotify_add_watch(fd, ".", IN_CREATE) == 2);
	CHECK(inotify_add_watch(fd, ".", IN_DELETE | IN_MASK_ADD) == 2);
	CHECK_ERR(inotify_add_watch(fd, ".", IN_DELETE | IN_MASK_CREATE),
		  EEXIST);
	CHECK(unlink("a") == 0);
	make("c");
	expect(fd, IN_DELETE, "a");
	expect(fd, IN_CREATE, "c");
	expect_no_more(fd);
}

/* --- extended attributes ---------------------------------------------------*/

TEST(attributes_are_kept)
{
	char buf[256], big[2000];
	ssize_t n;

	enter();
	make("f");
	CHECK_ERR(getxattr("f", "user.none", buf, sizeof(buf)), ENOATTR);
	CHECK_EQ(listxattr("f", buf, sizeof(buf)), 0);
	CHECK(setxattr("f", "user.a", "value", 5, 0) == 0);
	CHECK_EQ(getxattr("f", "user.a", buf, sizeof(buf)), 5);
	CHECK(!memcmp(buf, "value", 5));
	CHECK_EQ(getxattr("f", "user.a", NULL, 0), 5);
	CHECK_ERR(getxattr("f", "user.a", buf, 4), ERANGE);
	CHECK_ERR(setxattr("f", "user.a", "x", 1, XATTR_CREATE), EEXIST);
	CHECK_ERR(setxattr("f", "user.b", "x", 1, XATTR_REPLACE), ENOATTR);
	CHECK(setxattr("f", "user.a", "", 0, XATTR_REPLACE) == 0);
	CHECK_EQ(getxattr("f", "user.a", buf, sizeof(buf)), 0);
	memset(big, 'b', sizeof(big));
	CHECK(setxattr("f", "user.big", big, sizeof(big), 0) == 0);
	memset(big, 0, sizeof(big));
	CHECK_EQ(getxattr("f", "user.big", big, sizeof(big)), 2000);
	CHECK(big[0] == 'b' && big[1999] == 'b');
	n = listxattr("f", buf, sizeof(buf));
	CHECK_EQ(n, sizeof("user.a") + sizeof("user.big"));
	CHECK_ERR(listxattr("f", buf, 3), ERANGE);
	CHECK(removexattr("f", "user.big") == 0);
	CHECK_ERR(removexattr("f", "user.big"), ENOATTR);
	CHECK_EQ(listxattr("f", buf, sizeof(buf)), sizeof("user.a"));
	CHECK_STR(buf, "user.a");
}

TEST(attributes_have_rules)
{
	static char huge[65537];
	char name[300] = "user.";
	int fd;

	enter();
	make("f");
	CHECK(symlink("f", "s") == 0);
	CHECK_ERR(setxattr("f", "nonsense", "x", 1, 0), EOPNOTSUPP);
	CHECK_ERR(setxattr("f", "other.x", "x", 1, 0), EOPNOTSUPP);
	CHECK_ERR(setxattr("f", "", "x", 1, 0), ERANGE);
	memset(name + 5, 'n', 260);
	CHECK_ERR(setxattr("f", name, "x", 1, 0), ERANGE);
	CHECK_ERR(setxattr("f", "user.a", "x", 1, 4), EINVAL);
	CHECK_ERR(setxattr("f", "user.a", huge, 65537, 0), E2BIG);
	CHECK_ERR(lsetxattr("s", "user.a", "x", 1, 0), EPERM);
	CHECK(setxattr("s", "user.a", "x", 1, 0) == 0);
	CHECK(setxattr("f", "trusted.a", "x", 1, 0) == 0);
	CHECK(chmod("f", 0444) == 0 && chmod(".", 0755) == 0);
	CHECK(setegid(1000) == 0 && seteuid(1000) == 0);
	CHECK_ERR(setxattr("f", "user.a", "y", 1, 0), EACCES);
	CHECK_EQ(getxattr("f", "user.a", name, 8), 1);
	CHECK_ERR(getxattr("f", "trusted.a", name, 8), ENOATTR);
	CHECK_ERR(setxattr("f", "trusted.b", "x", 1, 0), EPERM);
	fd = open("f", O_RDONLY);
	CHECK_EQ(fgetxattr(fd, "user.a", name, 8), 1);
	CHECK_ERR(fgetxattr(99, "user.a", name, 8), EBADF);
}

/* --- utimes ----------------------------------------------------------------*/

TEST(times_are_set_and_omitted)
{
	struct timespec t[2] = { { 1000, 123456789 }, { 2000, 987654321 } };
	struct stat st, before;

	enter();
	make("f");
	CHECK(utimensat(AT_FDCWD, "f", t, 0) == 0 && stat("f", &st) == 0);
	CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK_EQ(st.st_atim.tv_nsec, 123456789);
	CHECK_EQ(st.st_mtim.tv_nsec, 987654321);
	before = st;
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_nsec = UTIME_NOW;
	CHECK(utimensat(AT_FDCWD, "f", t, 0) == 0 && stat("f", &st) == 0);
	CHECK_EQ(st.st_atim.tv_nsec, 123456789);
	CHECK(st.st_mtim.tv_sec > 1000000 && st.st_ctim.tv_sec > 1000000);
	t[1].tv_nsec = UTIME_OMIT;
	CHECK(utimensat(AT_FDCWD, "f", t, 0) == 0);
	t[0].tv_nsec = 1000000000;
	CHECK_ERR(utimensat(AT_FDCWD, "f", t, 0), EINVAL);
	CHECK_ERR(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT);
	CHECK(symlink("none", "s") == 0);
	t[0].tv_nsec = 5;
	CHECK(utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(lstat("s", &st) == 0);
	CHECK_EQ(st.st_atim.tv_nsec, 5);
	(void)before;
}

TEST(times_belong_to_the_owner)
{
	struct timespec t[2] = { { 1, 0 }, { 2, 0 } };

	enter();
	make("f");
	CHECK(chmod("f", 0666) == 0 && chmod(".", 0755) == 0);
	CHECK(setegid(1000) == 0 && seteuid(1000) == 0);
	CHECK_ERR(utimensat(AT_FDCWD, "f", t, 0), EPERM);
	CHECK(utimensat(AT_FDCWD, "f", NULL, 0) == 0);
	CHECK(seteuid(0) == 0 && chmod("f", 0644) == 0 && seteuid(1000) == 0);
	CHECK_ERR(utimensat(AT_FDCWD, "f", NULL, 0), EACCES);
}

/* --- dnotify ---------------------------------------------------------------*/

static volatile sig_atomic_t dn_signals, dn_fd;

static void dn_handler(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	dn_signals++;
	dn_fd = si->si_fd;
}

static int dn_dir(void)
{
	struct sigaction sa = { .sa_sigaction = dn_handler,
				.sa_flags = SA_SIGINFO };
	int fd;

	enter();
	CHECK(mkdir("d", 0700) == 0);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	CHECK(sigaction(SIGRTMIN + 1, &sa, NULL) == 0);
	CHECK(fcntl(fd, F_SETSIG, SIGRTMIN + 1) == 0);
	return fd;
}

static void dn_touch(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0600);

	CHECK(fd >= 0 && close(fd) == 0);
}

TEST(dnotify_signals_once)
{
	int fd = dn_dir();

	CHECK(fcntl(fd, F_NOTIFY, DN_CREATE) == 0);
	CHECK_EQ(fcntl(fd, F_GETOWN), getpid());
	dn_touch("d/a");
	CHECK_EQ(dn_signals, 1);
	CHECK_EQ(dn_fd, fd);
	dn_touch("d/b");
	CHECK_EQ(dn_signals, 1);
}

static volatile int plain_signals;

static void dn_plain(int sig)
{
	plain_signals++;
}

/* fcntl(2): SIGIO then says that something happened, not what. */
TEST(a_full_queue_leaves_sigio)
{
	struct rlimit none = { 0, 0 };
	int fd = dn_dir();

	CHECK(signal(SIGIO, dn_plain) != SIG_ERR);
	CHECK(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT) == 0);
	CHECK(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
	dn_touch("d/a");
	CHECK_EQ(dn_signals, 0);
	CHECK_EQ(plain_signals, 1);
}

TEST(dnotify_signals_until_told_to_stop)
{
	int fd = dn_dir();

	CHECK(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT) == 0);
	dn_touch("d/a");
	dn_touch("d/b");
	CHECK_EQ(dn_signals, 2);
	CHECK(fcntl(fd, F_NOTIFY, DN_DELETE | DN_RENAME) == 0);
	CHECK(unlink("d/a") == 0);
	CHECK_EQ(dn_signals, 3);
	CHECK(rename("d/b", "b") == 0);
	CHECK(dn_signals > 3);
	dn_signals = 0;
	CHECK(fcntl(fd, F_NOTIFY, 0) == 0);
	dn_touch("d/c");
	CHECK_EQ(dn_signals, 0);
}

TEST(dnotify_ends_with_the_descriptor)
{
	int fd = dn_dir(), other;

	CHECK(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT) == 0);
	other = dup(fd);
	dn_touch("d/a");
	CHECK_EQ(dn_signals, 1);
	CHECK(close(other) == 0);
	dn_touch("d/b");
	CHECK_EQ(dn_signals, 1);
	other = open("d/a", O_RDONLY);
	CHECK_ERR(fcntl(other, F_NOTIFY, DN_MODIFY), ENOTDIR);
	CHECK(fcntl(fd, F_NOTIFY, DN_MODIFY | DN_ATTRIB | DN_MULTISHOT) == 0);
	dn_signals = 0;
	CHECK(chmod("d/a", 0400) == 0);
	CHECK_EQ(dn_signals, 1);
}

TEST(fdinfo_tells_what_is_watched_and_how)
{
	static const unsigned masks[] = { IN_MODIFY, IN_MODIFY | IN_ONESHOT,
					  IN_MODIFY | IN_EXCL_UNLINK };
	char path[64], text[1024], *at;
	ssize_t n;
	int in, fd;

	for (int i = 0; i < 3; i++) {
		in = inotify_init1(IN_NONBLOCK);
		CHECK(in >= 0);
		CHECK(inotify_add_watch(in, "/tmp", masks[i]) == 1);
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", in);
		fd = open(path, O_RDONLY);
		CHECK(fd >= 0);
		n = read(fd, text, sizeof(text) - 1);
		CHECK(n > 0);
		text[n] = 0;
		at = strstr(text, " mask:");
		CHECK(at != NULL);
		CHECK_EQ(strtoul(at + 6, NULL, 16), masks[i]);
		close(fd);
		close(in);
	}
}
