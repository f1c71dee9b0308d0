/* Files by number: name_to_handle_at, open_by_handle_at; on tmpfs, and on the
 * disk that the tests are run from. */
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define HANDLE_BYTES 128

static union {
	struct file_handle h;
	char room[sizeof(struct file_handle) + HANDLE_BYTES];
} handle, other;

static char dir[] = "/tmp/handleXXXXXX", on_disk[] = "/handleXXXXXX";
static const char *places[] = { dir, on_disk };

static int make_handle(int dfd, const char *name, void *h, int flags)
{
	struct file_handle *fh = h;
	int id = -1;

	fh->handle_bytes = HANDLE_BYTES;
	return name_to_handle_at(dfd, name, fh, &id, flags);
}

static void make(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* In a fresh folder of each place in turn; false: no more. */
static int next_place(unsigned *i)
{
	if (geteuid())
		SKIP("needs CAP_DAC_READ_SEARCH");
	if (*i)
		CHECK(chdir("/") == 0);
	if (*i == 2)
		return 0;
	if (*i == 0) {
		CHECK(unshare(CLONE_NEWNS) == 0);
		CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	}
	CHECK(mkdtemp((char *)places[*i]) != NULL);
	if (*i == 0)
		CHECK(mount("t", dir, "tmpfs", 0, NULL) == 0);
	CHECK(chdir(places[(*i)++]) == 0);
	return 1;
}

static ino_t ino_of(const char *name)
{
	struct stat st;

	CHECK(stat(name, &st) == 0);
	return st.st_ino;
}

static void same_file(int fd, ino_t ino)
{
	struct stat st;

	CHECK(fd >= 0);
	CHECK(fstat(fd, &st) == 0);
	CHECK_EQ(st.st_ino, ino);
	close(fd);
}

TEST(opens_what_was_named)
{
	unsigned i = 0;
	char c;
	int fd;

	while (next_place(&i)) {
		make("f", "x");
		CHECK(make_handle(AT_FDCWD, "f", &handle, 0) == 0);
		CHECK(handle.h.handle_bytes >= 8);
		fd = open_by_handle_at(AT_FDCWD, &handle.h, O_RDWR);
		CHECK(fd >= 0 && read(fd, &c, 1) == 1 && c == 'x');
		CHECK(write(fd, "y", 1) == 1);
		close(fd);
		CHECK(rename("f", "g") == 0);
		same_file(open_by_handle_at(AT_FDCWD, &handle.h, O_RDONLY),
			  ino_of("g"));
		CHECK(unlink("g") == 0);
		CHECK_ERR(open_by_handle_at(AT_FDCWD, &handle.h, O_RDONLY),
			  ESTALE);
		CHECK(rmdir(places[i - 1]) == 0 || errno == EBUSY);
	}
}

TEST(tells_how_much_room_it_needs)
{
	unsigned i = 0;
	int id, n;

	while (next_place(&i)) {
		make("f", "");
		handle.h.handle_bytes = 0;
		CHECK_ERR(name_to_handle_at(AT_FDCWD, "f", &handle.h, &id, 0),
			  EOVERFLOW);
		n = (int)handle.h.handle_bytes;
		CHECK(n > 0 && n <= HANDLE_BYTES);
		CHECK(name_to_handle_at(AT_FDCWD, "f", &handle.h, &id, 0) == 0);
		CHECK_EQ(handle.h.handle_bytes, n);
		handle.h.handle_bytes = (unsigned)n - 1;
		CHECK_ERR(name_to_handle_at(AT_FDCWD, "f", &handle.h, &id, 0),
			  EOVERFLOW);
		CHECK(unlink("f") == 0);
		CHECK(rmdir(places[i - 1]) == 0 || errno == EBUSY);
	}
}

TEST(a_handle_is_the_same_each_time)
{
	unsigned i = 0;
	int fd;

	while (next_place(&i)) {
		make("f", "");
		CHECK(make_handle(AT_FDCWD, "f", &handle, 0) == 0);
		fd = open("f", O_RDONLY);
		CHECK(make_handle(fd, "", &other, AT_EMPTY_PATH) == 0);
		CHECK(!memcmp(&handle, &other, sizeof(handle.h) +
			      handle.h.handle_bytes));
		CHECK(symlink("f", "l") == 0);
		CHECK(make_handle(AT_FDCWD, "l", &other, 0) == 0);
		CHECK(memcmp(&handle, &other, sizeof(handle.h) +
			     handle.h.handle_bytes));
		CHECK_ERR(open_by_handle_at(AT_FDCWD, &other.h, O_RDONLY),
			  ELOOP);
		CHECK(make_handle(AT_FDCWD, "l", &other, AT_SYMLINK_FOLLOW) ==
		      0);
		CHECK(!memcmp(&handle, &other, sizeof(handle.h) +
			      handle.h.handle_bytes));
		close(fd);
		CHECK(unlink("f") == 0 && unlink("l") == 0);
		CHECK(rmdir(places[i - 1]) == 0 || errno == EBUSY);
	}
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	sync();
	CHECK(fd >= 0 && write(fd, "2", 1) == 1);
	close(fd);
}

/* A directory opened by number has its place, also when nothing of the path
 * is in memory. */
TEST(directories_are_connected)
{
	char path[PATH_MAX], text[PATH_MAX], link[64];
	unsigned i = 0;
	ssize_t n;
	ino_t ino;
	int fd;

	while (next_place(&i)) {
		CHECK(mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0);
		CHECK(mkdir("a/.c", 0700) == 0 && mkdir("a/b/d", 0700) == 0);
		make("a/b/d/f", "");
		ino = ino_of("a/b/d");
		CHECK(make_handle(AT_FDCWD, "a/b/d", &handle, 0) == 0);
		CHECK(make_handle(AT_FDCWD, "a/b/d/f", &other, 0) == 0);
		snprintf(path, sizeof(path), "%s/a/.c/d", places[i - 1]);
		CHECK(rename("a/b/d", "a/.c/d") == 0);
		drop_caches();
		fd = open_by_handle_at(AT_FDCWD, &handle.h,
				       O_RDONLY | O_DIRECTORY);
		CHECK(fd >= 0);
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, text, sizeof(text) - 1);
		CHECK(n > 0);
		text[n] = 0;
		CHECK_STR(text, path);
		CHECK(faccessat(fd, "f", F_OK, 0) == 0);
		same_file(fd, ino);
		drop_caches();
		same_file(open_by_handle_at(AT_FDCWD, &other.h, O_RDWR),
			  ino_of("a/.c/d/f"));
		CHECK_ERR(open_by_handle_at(AT_FDCWD, &handle.h, O_RDWR),
			  EISDIR);
		CHECK_ERR(open_by_handle_at(AT_FDCWD, &other.h,
					    O_RDONLY | O_DIRECTORY), ENOTDIR);
		CHECK(unlink("a/.c/d/f") == 0 && rmdir("a/.c/d") == 0);
		CHECK_ERR(open_by_handle_at(AT_FDCWD, &handle.h, O_RDONLY),
			  ESTALE);
		CHECK(rmdir("a/.c") == 0 && rmdir("a/b") == 0 &&
		      rmdir("a") == 0);
		CHECK(rmdir(places[i - 1]) == 0 || errno == EBUSY);
	}
}

TEST(a_number_used_again_is_another_file)
{
	unsigned i = 0;

	while (next_place(&i)) {
		for (int n = 0; n < 20; n++) {
			make("f", "");
			CHECK(make_handle(AT_FDCWD, "f", &handle, 0) == 0);
			CHECK(unlink("f") == 0);
			make("g", "");
			CHECK_ERR(open_by_handle_at(AT_FDCWD, &handle.h,
						    O_RDONLY), ESTALE);
			CHECK(unlink("g") == 0);
		}
		CHECK(rmdir(places[i - 1]) == 0 || errno == EBUSY);
	}
}

TEST(wrong_arguments)
{
	int id, zero, p[2];

	if (geteuid())
		SKIP("needs CAP_DAC_READ_SEARCH");
	CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
	make("f", "");
	CHECK_ERR(make_handle(-1, "f", &handle, 0), EBADF);
	CHECK_ERR(make_handle(AT_FDCWD, "f", &handle, -1), EINVAL);
	CHECK_ERR(make_handle(AT_FDCWD, "", &handle, 0), ENOENT);
	handle.h.handle_bytes = HANDLE_BYTES + 1;
	CHECK_ERR(name_to_handle_at(AT_FDCWD, "f", &handle.h, &id, 0), EINVAL);
	CHECK_ERR(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", 8, &id, 0),
		  EFAULT);
	handle.h.handle_bytes = 0;
	CHECK_ERR(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &handle, 8, 0),
		  EFAULT);
	CHECK_ERR(make_handle(AT_FDCWD, "/proc/self/stat", &handle, 0),
		  EOPNOTSUPP);
	CHECK(make_handle(AT_FDCWD, "f", &handle, 0) == 0);
	CHECK_ERR(open_by_handle_at(-1, &handle.h, O_RDONLY), EBADF);
	zero = open("/proc/self/stat", O_RDONLY);
	CHECK_ERR(open_by_handle_at(zero, &handle.h, O_RDONLY), ESTALE);
	CHECK(pipe(p) == 0);
	CHECK_ERR(open_by_handle_at(p[0], &handle.h, O_RDONLY), ESTALE);
	CHECK_ERR(open_by_handle_at(AT_FDCWD, (struct file_handle *)8, 0),
		  EFAULT);
	memcpy(&other, &handle, sizeof(other));
	other.h.handle_bytes = 0;
	CHECK_ERR(open_by_handle_at(AT_FDCWD, &other.h, 0), EINVAL);
	other.h.handle_bytes = HANDLE_BYTES + 1;
	CHECK_ERR(open_by_handle_at(AT_FDCWD, &other.h, 0), EINVAL);
	memcpy(&other, &handle, sizeof(other));
	other.h.f_handle[0] ^= 0x55;
	other.h.f_handle[4] ^= 0x55;
	CHECK_ERR(open_by_handle_at(AT_FDCWD, &other.h, 0), ESTALE);
	CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERR(open_by_handle_at(AT_FDCWD, &handle.h, O_RDONLY), EPERM);
}
