/*
 * ext4_walk FIRST LAST - mounts partitions of the second disk, each a damaged
 * ext4, and uses all that is found there: names, attributes, data, changes.
 *
 * Any answer is right but none at all: a line for each mutant tells how far it
 * went, and a child that cannot be killed ends the run.
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define DIR_AT "/mnt"
#define MAX_DEPTH 12
#define MAX_ENTRIES 2000
#define MAX_BYTES (1 << 20)
#define WALK_MS 10000

static char buf[65536];
static int entries;
static sigjmp_buf bus_error;

static void on_bus_error(int sig)
{
	siglongjmp(bus_error, 1);
}

static void touch_mapping(int fd, size_t size)
{
	volatile char *p;
	size_t i;

	if (!size)
		return;
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return;
	if (!sigsetjmp(bus_error, 1))
		for (i = 0; i < size; i += 4096)
			(void)p[i];
	munmap((void *)p, size);
}

static void read_file(const char *name, const struct stat *st)
{
	int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
	off_t at;
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return;
	while (n < MAX_BYTES && (got = read(fd, buf, sizeof(buf))) > 0)
		n += got;
	for (at = 0; n-- % 64 && (at = lseek(fd, at, SEEK_DATA)) >= 0;)
		if ((at = lseek(fd, at, SEEK_HOLE)) < 0)
			break;
	(void)!pread(fd, buf, sizeof(buf), st->st_size - 100);
	touch_mapping(fd, st->st_size < MAX_BYTES ? st->st_size : MAX_BYTES);
	close(fd);
}

static void read_attributes(const char *name)
{
	char list[4096];
	ssize_t n = llistxattr(name, list, sizeof(list));
	char *p;

	for (p = list; n > 0 && p < list + n; p += strlen(p) + 1)
		(void)!lgetxattr(name, p, buf, sizeof(buf));
}

static void walk(int depth)
{
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(".");

	while (d && entries < MAX_ENTRIES && (e = readdir(d))) {
		entries++;
		if (lstat(e->d_name, &st))
			continue;
		read_attributes(e->d_name);
		if (S_ISLNK(st.st_mode)) {
			(void)!readlink(e->d_name, buf, sizeof(buf));
			(void)!stat(e->d_name, &st);
		} else if (S_ISREG(st.st_mode)) {
			read_file(e->d_name, &st);
		} else if (S_ISDIR(st.st_mode) && e->d_name[0] != '.' &&
			   depth < MAX_DEPTH && !chdir(e->d_name)) {
			walk(depth + 1);
			if (fchdir(dirfd(d)))
				break;
		}
	}
	if (d)
		closedir(d);
}

static void write_at(const char *name, off_t at, size_t n)
{
	int fd = open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0644);

	if (fd < 0)
		return;
	(void)!pwrite(fd, buf, n, at);
	(void)!ftruncate(fd, at / 2 + 100);
	(void)!fallocate(fd, 0, 8192, 20000);
	(void)!fallocate(fd, 3, 4096, 8192);
	fsync(fd);
	close(fd);
}

/* Names are those that mutate.py puts onto the base images. */
static void change(void)
{
	char name[64];
	int i;

	memset(buf, 'w', sizeof(buf));
	write_at("big", 300000, 60000);
	write_at("holes", 900000, 5000);
	write_at("new", 0, 40000);
	write_at("new2", 5000000, 10);
	(void)!mkdir("newdir", 0755);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "many/created-with-a-name-%d", i);
		write_at(name, 0, 10);
	}
	(void)!rename("many/created-with-a-name-3", "newdir/moved");
	(void)!rename("dir", "newdir/dir");
	(void)!link("big", "newdir/link");
	(void)!symlink("a target", "newdir/soft");
	(void)!setxattr("big", "user.new", buf, 500, 0);
	(void)!removexattr("attrs", "user.a0");
	(void)!mknod("newdir/fifo", S_IFIFO | 0644, 0);
	(void)!chmod("attrs", 0600);
	(void)!truncate("big", 5000);
	(void)!unlink("holes");
	(void)!unlink("frag");
	(void)!rmdir("newdir");
	for (i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "many/a-file-of-many-%d", i);
		(void)!unlink(name);
	}
	sync();
}

static void use(void)
{
	struct sigaction sa = { .sa_handler = on_bus_error };
	struct statvfs fs;

	sigaction(SIGBUS, &sa, NULL);
	if (chdir(DIR_AT))
		_exit(2);
	statvfs(".", &fs);
	walk(0);
	change();
	entries = 0;
	walk(0);
	_exit(0);
}

static void use_mutant(const char *dev, int n)
{
	const char *how = n & 1 ? "errors=continue" : "errors=remount-ro";

	if (mount(dev, DIR_AT, "ext4", MS_NODEV | MS_NOSUID, how) &&
	    mount(dev, DIR_AT, "ext4", MS_NODEV | MS_NOSUID | MS_RDONLY, how))
		_exit(100 + errno);
	use();
}

/* The node, which /dev may not have. */
static int part_node(int n, char *name, size_t size)
{
	char line[128], dev[32];
	unsigned major, minor;
	FILE *f = fopen("/proc/partitions", "r");
	int found = 0;

	snprintf(dev, sizeof(dev), "vda%d", n);
	while (f && fgets(line, sizeof(line), f)) {
		char what[32];

		if (sscanf(line, "%u %u %*u %31s", &major, &minor, what) == 3 &&
		    !strcmp(what, dev))
			found = 1;
		if (found)
			break;
	}
	if (f)
		fclose(f);
	snprintf(name, size, "/dev/%s", dev);
	if (found && access(name, F_OK))
		mknod(name, S_IFBLK | 0600, makedev(major, minor));
	return found;
}

static const char *how_it_ended(int status)
{
	static char text[64];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) >= 100)
		snprintf(text, sizeof(text), "not mounted: %s",
			 strerror(WEXITSTATUS(status) - 100));
	else
		snprintf(text, sizeof(text), "used, %d",
			 WEXITSTATUS(status));
	return text;
}

int main(int argc, char **argv)
{
	int n, last = argc > 2 ? atoi(argv[2]) : 0, status;
	char dev[64];
	pid_t pid;

	fuzz_prepare();
	(void)!mkdir(DIR_AT, 0755);
	for (n = argc > 1 ? atoi(argv[1]) : 1; n <= last; n++) {
		if (!part_node(n, dev, sizeof(dev))) {
			printf("part %d: is not there\n", n);
			continue;
		}
		printf("part %d\n", n);
		pid = fork();
		if (pid == 0)
			use_mutant(dev, n);
		status = fuzz_wait(pid, WALK_MS);
		if (status == STUCK) {
			printf("part %d: STUCK\n", n);
			return 1;
		}
		printf("part %d: %s%s\n", n, how_it_ended(status),
		       umount2(DIR_AT, 0) && errno != EINVAL ?
		       ", still busy" : "");
		(void)!umount2(DIR_AT, MNT_DETACH);
	}
	printf("all done\n");
	return 0;
}
