/* /proc/PID: fdinfo, map_files, numa_maps, clear_refs, wchan, io. */
#include "test.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char text[1 << 16];

/* The file's text; its size or -1. */
static long slurp(const char *fmt, long a)
{
	char name[100];
	long n = 0, got;
	int fd;

	snprintf(name, sizeof(name), fmt, a);
	fd = open(name, O_RDONLY);
	if (fd < 0)
		return -1;
	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += got;
	close(fd);
	text[n] = 0;
	return got < 0 ? -1 : n;
}

static int scratch(void)
{
	char name[] = "/var/tmp/procfilesXXXXXX";	/* a file on the disk */
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	unlink(name);
	return fd;
}

static long fdinfo_flags(int fd)
{
	const char *at;

	CHECK(slurp("/proc/self/fdinfo/%ld", fd) > 0);
	at = strstr(text, "flags:\t");
	CHECK(at);
	return strtol(at + 7, NULL, 8);
}

TEST(fdinfo_tells_flags_and_close_on_exec)
{
	int fd = open("/dev/null", O_RDWR | O_APPEND | O_CLOEXEC), other;

	CHECK(fdinfo_flags(fd) & O_CLOEXEC);
	CHECK(fdinfo_flags(fd) & O_APPEND);
	CHECK_EQ(fdinfo_flags(fd) & O_ACCMODE, O_RDWR);
	other = dup(fd);
	CHECK(!(fdinfo_flags(other) & O_CLOEXEC));
	CHECK(fcntl(other, F_SETFD, FD_CLOEXEC) == 0);
	CHECK(fdinfo_flags(other) & O_CLOEXEC);
	fd = syscall(SYS_memfd_create, "x", 0u);
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | 0100000);
}

TEST(fdinfo_lists_the_locks_that_are_held)
{
	struct flock l = { .l_type = F_RDLCK, .l_start = 5, .l_len = 10 };
	int fd = scratch();
	char want[80];

	CHECK(slurp("/proc/self/fdinfo/%ld", fd) > 0);
	CHECK(!strstr(text, "lock:"));
	CHECK(flock(fd, LOCK_EX) == 0);
	CHECK(fcntl(fd, F_SETLK, &l) == 0);
	CHECK(slurp("/proc/self/fdinfo/%ld", fd) > 0);
	snprintf(want, sizeof(want), "lock:\t1: FLOCK  ADVISORY  WRITE %d ",
		 getpid());
	CHECK(strstr(text, want));
	snprintf(want, sizeof(want), "lock:\t2: POSIX  ADVISORY  READ %d ",
		 getpid());
	CHECK(strstr(text, want));
	CHECK(strstr(text, " 5 14\n"));
}

TEST(fdinfo_of_a_terminals_master)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), n;
	char want[40];

	CHECK(m >= 0 && ioctl(m, 0x80045430ul, &n) == 0);	/* TIOCGPTN */
	snprintf(want, sizeof(want), "tty-index:\t%d\n", n);
	CHECK(slurp("/proc/self/fdinfo/%ld", m) > 0);
	CHECK(strstr(text, want));
}

TEST(map_files_lead_to_what_is_mapped)
{
	int fd = scratch(), via;
	char name[100], c = 'x', *p;
	struct stat a, b;

	if (geteuid())
		SKIP("needs root");
	CHECK(write(fd, &c, 1) == 1);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	snprintf(name, sizeof(name), "/proc/self/map_files/%lx-%lx",
		 (long)p, (long)p + 4096);
	CHECK(lstat(name, &a) == 0 && S_ISLNK(a.st_mode));
	CHECK_EQ(a.st_mode & 0777, 0600);
	CHECK(readlink(name, text, sizeof(text)) > 10);
	CHECK(strstr(text, " (deleted)"));
	CHECK(fstat(fd, &a) == 0 && stat(name, &b) == 0);
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	via = open(name, O_RDONLY);
	CHECK(via >= 0 && read(via, text, 2) == 1 && text[0] == 'x');
	CHECK(munmap(p, 4096) == 0);
	CHECK_ERR(open(name, O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/self/map_files/0-1000", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/self/map_files/x", O_RDONLY), ENOENT);
}

TEST(map_files_need_a_capability_to_be_followed)
{
	int fd = scratch();
	char name[100], *p;

	if (geteuid())
		SKIP("needs root");
	CHECK(ftruncate(fd, 4096) == 0);
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	snprintf(name, sizeof(name), "/proc/self/map_files/%lx-%lx",
		 (long)p, (long)p + 4096);
	CHECK(seteuid(1000) == 0);
	CHECK_ERR(open(name, O_RDONLY), EPERM);
	CHECK(readlink(name, text, sizeof(text)) > 10);
}

TEST(numa_maps_name_areas)
{
	char want[60], *p, *line;

	p = mmap(NULL, 12288, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mprotect(p + 8192, 4096, PROT_NONE) == 0);
	p[0] = 1;
	CHECK(slurp("/proc/self/numa_maps", 0) > 0);
	CHECK(strstr(text, " default stack anon="));
	snprintf(want, sizeof(want), "%lx default", (long)p + 8192);
	line = strstr(text, want);
	CHECK(line && line[strlen(want)] == '\n');
	CHECK(strstr(text, " N0="));
	CHECK(strstr(text, " kernelpagesize_kB=4\n"));
}

#define MANY 400

/* Areas that cannot be joined; the address of the first. */
static char *many_areas(void)
{
	char *p = mmap(NULL, MANY * 4096, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	for (int i = 1; i < MANY; i += 2)
		CHECK(mprotect(p + i * 4096, 4096, PROT_NONE) == 0);
	return p;
}

/* How many of them the text names; they must come in order. */
static int count_areas(const char *p)
{
	char start[40];
	char *at = text;
	int n = 0;

	for (; n < MANY && at; n++) {
		snprintf(start, sizeof(start), "%lx-", (long)p + n * 4096);
		at = strstr(at, start);
		if (!at)
			break;
	}
	return n;
}

TEST(maps_come_in_whole_lines)
{
	const char *p = many_areas();
	int fd = open("/proc/self/maps", O_RDONLY), parts = 0;
	long n = 0, got;

	while ((got = read(fd, text + n, 4096)) > 0) {
		n += got;
		CHECK(text[n - 1] == '\n');
		parts++;
	}
	CHECK_EQ(got, 0);
	CHECK(parts > MANY * 20 / 4096);
	text[n] = 0;
	CHECK_EQ(count_areas(p), MANY);
}

TEST(smaps_read_of_a_page_ends_before_the_next_area)
{
	long n = 0, got;
	int fd;

	many_areas();
	fd = open("/proc/self/smaps", O_RDONLY);
	for (int i = 0; i < 10; i++) {
		got = read(fd, text + n, 4096);
		CHECK(got > 1000 && got < 4096);
		n += got;
		CHECK(text[n - 1] == '\n');
		text[n] = 0;
		CHECK(strstr(text + n - 60, "VmFlags: "));
	}
}

TEST(maps_are_the_same_in_small_reads_and_from_the_middle)
{
	const char *p = many_areas();
	int fd = open("/proc/self/maps", O_RDONLY);
	long n = 0, got;
	char some[100];

	while ((got = read(fd, text + n, 77)) > 0)
		n += got;
	text[n] = 0;
	CHECK_EQ(count_areas(p), MANY);
	for (long at = n - 100; at > 0; at -= 1717) {
		CHECK_EQ(lseek(fd, at, SEEK_SET), at);
		got = read(fd, some, sizeof(some));
		CHECK(got > 0 && got <= 100);
		CHECK(!memcmp(some, text + at, got));
	}
	CHECK_EQ(pread(fd, some, sizeof(some), n), 0);
}

/* kB of Referenced: in p's area. */
static long referenced(void *p)
{
	char start[40], *at;

	CHECK(slurp("/proc/self/smaps", 0) > 0);
	snprintf(start, sizeof(start), "%lx-", (long)p);
	at = strstr(text, start);
	CHECK(at);
	at = strstr(at, "Referenced:");
	CHECK(at);
	return strtol(at + 11, NULL, 10);
}

TEST(clear_refs_forgets_accesses)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);
	volatile char *p;

	CHECK(fd >= 0);
	p = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(madvise((void *)p, 8 * 4096, MADV_NOHUGEPAGE) == 0);
	for (int i = 0; i < 8; i++)
		p[i * 4096] = 1;
	CHECK_EQ(referenced((void *)p), 32);
	CHECK_ERR(write(fd, "9", 1), EINVAL);
	CHECK_ERR(write(fd, "x", 1), EINVAL);
	CHECK(write(fd, "3", 1) == 1);
	CHECK_EQ(referenced((void *)p), 32);
	CHECK(write(fd, "1", 1) == 1);
	CHECK_EQ(referenced((void *)p), 0);
	(void)p[4096];
	CHECK(referenced((void *)p) <= 4);
	CHECK(write(fd, "5", 1) == 1);
	CHECK_ERR(slurp("/proc/self/clear_refs", 0), geteuid() ? EACCES :
		  EINVAL);
}

/* What the child that fn() sends to sleep waits in. */
static void expect_wchan(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	usleep(200000);
	CHECK(slurp("/proc/%ld/wchan", pid) > 1);
	CHECK(strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789") ==
	      strlen(text));
	CHECK(!strstr(text, "syscall_done"));
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

static void sleep_long(void)
{
	sleep(100);
}

static void read_a_pipe(void)
{
	int p[2];
	char c;

	if (!pipe(p) && read(p[0], &c, 1))
		_exit(1);
}

static void wait_for_child(void)
{
	if (!fork())
		sleep(100);
	wait(NULL);
}

TEST(wchan_names_a_function)
{
	if (geteuid())
		SKIP("kallsyms are root's");
	expect_wchan(sleep_long);
	expect_wchan(read_a_pipe);
	expect_wchan(wait_for_child);
	CHECK(slurp("/proc/self/wchan", 0) == 1 && text[0] == '0');
}

static long io_count(const char *name)
{
	const char *at;

	CHECK(slurp("/proc/self/io", 0) > 0);
	at = strstr(text, name);
	CHECK(at && (at == text || at[-1] == '\n'));
	return strtol(at + strlen(name), NULL, 10);
}

/* What goes to and comes from storage, not what the cache serves. */
TEST(io_counts_what_storage_moves)
{
	enum { LEN = 64 << 10 };
	static char buf[LEN];
	struct rusage before, after;
	long wrote = io_count("write_bytes: "), got;
	int fd = scratch();

	CHECK(getrusage(RUSAGE_SELF, &before) == 0);
	CHECK_EQ(write(fd, buf, LEN), LEN);
	CHECK(io_count("write_bytes: ") >= wrote + LEN);
	CHECK(fsync(fd) == 0);
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	got = io_count("read_bytes: ");
	CHECK_EQ(pread(fd, buf, LEN, 0), LEN);
	CHECK(io_count("read_bytes: ") >= got + LEN);
	got = io_count("read_bytes: ");
	CHECK_EQ(pread(fd, buf, LEN, 0), LEN);
	CHECK_EQ(io_count("read_bytes: "), got);
	CHECK(getrusage(RUSAGE_SELF, &after) == 0);
	CHECK(after.ru_inblock - before.ru_inblock >= LEN / 512);
	CHECK(after.ru_oublock - before.ru_oublock >= LEN / 512);
	wrote = io_count("cancelled_write_bytes: ");
	CHECK_EQ(pwrite(fd, buf, LEN, LEN), LEN);
	CHECK(ftruncate(fd, LEN) == 0);
	CHECK_EQ(io_count("cancelled_write_bytes: "), wrote + LEN);
}

static unsigned long long word_at(const char *name, unsigned long long index)
{
	unsigned long long w = 0;
	int fd = open(name, O_RDONLY);

	CHECK(fd >= 0);
	CHECK(pread(fd, &w, 8, (off_t)(index * 8)) == 8);
	close(fd);
	return w;
}

#define KPF_DIRTY (1u << 4)
#define KPF_MMAP (1u << 11)
#define KPF_ANON (1u << 12)
#define FRAME ((1ull << 55) - 1)

static unsigned long long frame_of(const void *p)
{
	unsigned long long e = word_at("/proc/self/pagemap",
				       (unsigned long)p / 4096);

	CHECK(e >> 63);
	return e & FRAME;
}

/* What msync has written is clean. */
TEST(frames_and_what_is_in_them)
{
	char name[] = "/framesXXXXXX", *p, *q;
	unsigned long long f;
	int fd, tries = 50;

	if (geteuid())
		SKIP("needs root");
	fd = mkstemp(name);
	CHECK(fd >= 0 && unlink(name) == 0 && ftruncate(fd, 4096) == 0);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	do {		/* write-back may come between */
		*p = *q = 'x';
		f = word_at("/proc/kpageflags", frame_of(p));
	} while (!(f & KPF_DIRTY) && --tries);
	CHECK(f & KPF_DIRTY);
	CHECK(f & KPF_MMAP);
	CHECK(!(f & KPF_ANON));
	CHECK_EQ(word_at("/proc/kpagecount", frame_of(p)), 1);
	CHECK(msync(p, 4096, MS_SYNC) == 0);
	CHECK(!(word_at("/proc/kpageflags", frame_of(p)) & KPF_DIRTY));
	CHECK(word_at("/proc/kpageflags", frame_of(q)) & KPF_ANON);
	fd = open("/proc/kpageflags", O_RDONLY);
	CHECK_ERR(read(fd, text, 4), EINVAL);
	CHECK_ERR(pread(fd, text, 8, 4), EINVAL);
	CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERR(open("/proc/kpageflags", O_RDONLY), EACCES);
}

struct procmap_query_ {
	unsigned long long size, flags, addr, start, end, vma_flags, page_size,
		offset, inode;
	unsigned major, minor, name_size, build_id_size;
	unsigned long long name_addr, build_id_addr;
};
#define PROCMAP_QUERY_ _IOWR('f', 17, struct procmap_query_)

/* An area by address says what its line in maps does. */
TEST(areas_are_asked_for_by_address)
{
	char name[] = "/tmp/mapqueryXXXXXX", buf[100], *p;
	int maps = open("/proc/self/maps", O_RDONLY), fd = mkstemp(name);
	struct procmap_query_ q = { .size = sizeof(q) };
	struct stat st;

	CHECK(maps >= 0 && fd >= 0 && ftruncate(fd, 3 * 4096) == 0);
	p = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED && munmap(p + 2 * 4096, 4096) == 0);
	CHECK(mmap(p + 4096, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
		   8192) == p + 4096);
	q.addr = (unsigned long)p + 4096 + 5;
	q.name_addr = (unsigned long)buf;
	q.name_size = sizeof(buf);
	CHECK(ioctl(maps, PROCMAP_QUERY_, &q) == 0);
	CHECK_EQ(q.start, (unsigned long)p + 4096);
	CHECK_EQ(q.end, (unsigned long)p + 8192);
	CHECK_EQ(q.vma_flags, 1 | 8);
	CHECK_EQ(q.page_size, 4096);
	CHECK_EQ(q.offset, 8192);
	CHECK(fstat(fd, &st) == 0);
	CHECK_EQ(q.inode, st.st_ino);
	CHECK_STR(buf, name);
	CHECK_EQ(q.name_size, strlen(name) + 1);
	q.name_size = 3;
	CHECK_ERR(ioctl(maps, PROCMAP_QUERY_, &q), ENAMETOOLONG);
	q.name_addr = 0;
	CHECK_ERR(ioctl(maps, PROCMAP_QUERY_, &q), EINVAL);
	q.name_size = 0;
	q.flags = 2;
	CHECK_ERR(ioctl(maps, PROCMAP_QUERY_, &q), ENOENT);
	q.addr = (unsigned long)p + 1;
	q.flags = 16 | 1;
	CHECK(ioctl(maps, PROCMAP_QUERY_, &q) == 0);
	CHECK_EQ(q.start, (unsigned long)p + 4096);
	q.flags = 16 | 32;
	CHECK(ioctl(maps, PROCMAP_QUERY_, &q) == 0);
	CHECK_EQ(q.start, (unsigned long)p + 4096);
	q.addr = ~0ull;
	CHECK_ERR(ioctl(maps, PROCMAP_QUERY_, &q), ENOENT);
	q.addr = (unsigned long)&q;
	q.flags = 0;
	q.name_addr = (unsigned long)buf;
	q.name_size = sizeof(buf);
	CHECK(ioctl(maps, PROCMAP_QUERY_, &q) == 0);
	CHECK_STR(buf, "[stack]");
	CHECK_EQ(q.inode, 0);
	q.flags = 64;
	CHECK_ERR(ioctl(maps, PROCMAP_QUERY_, &q), EINVAL);
	q.flags = 0;
	q.size = 16;
	CHECK_ERR(ioctl(maps, PROCMAP_QUERY_, &q), EINVAL);
	q.size = 5000;
	CHECK_ERR(ioctl(maps, PROCMAP_QUERY_, &q), E2BIG);
	CHECK_ERR(ioctl(maps, PROCMAP_QUERY_, 8L), EFAULT);
	CHECK_ERR(ioctl(maps, PROCMAP_QUERY_ + 1, &q), ENOTTY);
	CHECK(unlink(name) == 0);
}

static unsigned mode_of(const char *name)
{
	struct stat s;

	CHECK(stat(name, &s) == 0);
	return s.st_mode & 07777;
}

static void changes_and_stays(const char *name)
{
	unsigned old = mode_of(name), changed;
	struct stat s;
	int err;

	CHECK(chmod(name, 0501) == 0);
	changed = mode_of(name);
	err = chown(name, 7, 8) < 0 ? errno : 0;
	CHECK(stat(name, &s) == 0);
	CHECK(chown(name, 0, 0) == 0);
	CHECK(chmod(name, old) == 0);
	CHECK_EQ(changed, 0501);
	CHECK_EQ(err, 0);
	CHECK_EQ(s.st_uid, 7);
	CHECK_EQ(s.st_gid, 8);
}

TEST(modes_and_owners)
{
	struct stat s;

	changes_and_stays("/proc/version");
	changes_and_stays("/proc/tty");
	changes_and_stays("/sys/devices/system/cpu/online");
	changes_and_stays("/sys/devices");
	CHECK_ERR(chmod("/proc/sys/kernel/hostname", 0600), EPERM);
	CHECK_ERR(chown("/proc/sys/kernel", 1, 1), EPERM);
	CHECK_ERR(chmod("/proc/self/status", 0400), EPERM);
	CHECK(chown("/proc/self/status", 1, 1) == 0);
	CHECK(stat("/proc/self/status", &s) == 0);
	CHECK_EQ(s.st_uid, 0);
	CHECK_ERR(chmod("/proc/self", 0500), EPERM);
	CHECK_ERR(chown("/proc/self", 1, 1), EPERM);
	CHECK(setuid(1000) == 0);
	CHECK_ERR(chmod("/proc/version", 0444), EPERM);
}
