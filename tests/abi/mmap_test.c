/* Memory: mmap in all kinds, protection, fork, remap, brk. */
#include "test.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/resource.h>
#include <sys/stat.h>

static sigjmp_buf env;

static void jump(int sig)
{
	siglongjmp(env, sig);
}

static int faults(volatile char *p, int write)
{
	int sig;

	signal(SIGSEGV, jump);
	signal(SIGBUS, jump);
	sig = sigsetjmp(env, 1);
	if (!sig) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	return sig;
}

static char *anon(size_t n)
{
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static int temp_file(size_t n)
{
	char name[] = "/tmp/mmapXXXXXX";
	int fd = mkstemp(name);

	CHECK(fd >= 0 && unlink(name) == 0 && ftruncate(fd, n) == 0);
	return fd;
}

TEST(anonymous_memory_is_zero_and_its_own)
{
	char *p = anon(1 << 20);

	for (size_t i = 0; i < 1 << 20; i += 4096)
		CHECK(p[i] == 0);
	p[4096] = 7;
	CHECK(munmap(p, 1 << 20) == 0);
	CHECK_EQ(faults(p, 0), SIGSEGV);
}

TEST(fork_copies_on_write)
{
	char *p = anon(65536);
	pid_t pid;

	memset(p, 1, 65536);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 65536; i++)
			CHECK(p[i] == 1);
		memset(p, 2, 65536);
		_exit(0);
	}
	CHECK_CHILD(pid);
	for (int i = 0; i < 65536; i++)
		CHECK(p[i] == 1);
}

TEST(shared_anonymous_memory_is_shared)
{
	int *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(p != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		*p = 99;
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK_EQ(*p, 99);
}

TEST(file_private_and_shared)
{
	int fd = temp_file(8192);
	char *s, *q, c;

	s = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(s != MAP_FAILED && q != MAP_FAILED);
	s[10] = 'a';
	CHECK(pread(fd, &c, 1, 10) == 1 && c == 'a');
	CHECK(q[10] == 'a');
	q[10] = 'b';
	CHECK(s[10] == 'a');
	CHECK(pwrite(fd, "z", 1, 5000) == 1);
	CHECK(s[5000] == 'z' && q[5000] == 'z');
	CHECK(msync(s, 8192, MS_SYNC) == 0);
}

TEST(truncation_takes_pages_away)
{
	int fd = temp_file(8192);
	char *s = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	s[4096] = 1;
	CHECK(ftruncate(fd, 100) == 0);
	CHECK_EQ(faults(s + 4096, 0), SIGBUS);
	CHECK(ftruncate(fd, 8192) == 0);
	CHECK_EQ(faults(s + 4096, 0), 0);
	CHECK(s[4096] == 0);
}

TEST(mprotect_changes_what_is_allowed)
{
	char *p = anon(3 * 4096);

	p[4096] = 5;
	CHECK(mprotect(p + 4096, 4096, PROT_READ) == 0);
	CHECK_EQ(faults(p + 4096, 1), SIGSEGV);
	CHECK(p[4096] == 5);
	CHECK(mprotect(p + 4096, 4096, PROT_NONE) == 0);
	CHECK_EQ(faults(p + 4096, 0), SIGSEGV);
	CHECK(mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE) == 0);
	CHECK_EQ(faults(p + 4096, 1), 0);
	CHECK_ERR(mprotect((void *)4096L, 4096, PROT_READ), ENOMEM);
	/* musl's wrapper rounds the address. */
	CHECK_ERR(syscall(SYS_mprotect, p + 1, 4096, PROT_READ), EINVAL);
}

TEST(execute_permission)
{
	static const uint32_t ret[] = { 0x02a00513, 0x00008067 };
	char *p = anon(4096);
	int (*f)(void) = (int (*)(void))(void *)p;

	memcpy(p, ret, sizeof(ret));
	CHECK(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
	__builtin___clear_cache(p, p + 64);
	CHECK_EQ(f(), 42);
}

TEST(fixed_and_noreplace)
{
	char *p = anon(4 * 4096), *q;

	memset(p, 3, 4 * 4096);
	q = mmap(p + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		 MAP_FIXED, -1, 0);
	CHECK(q == p + 4096 && q[0] == 0 && p[0] == 3 && p[8192] == 3);
	CHECK_ERR(mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
}

TEST(mremap_grows_moves_and_shrinks)
{
	char *p = anon(4096), *q;

	strcpy(p, "hello");
	q = mremap(p, 4096, 1 << 20, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	CHECK_STR(q, "hello");
	q[(1 << 20) - 1] = 1;
	CHECK(mremap(q, 1 << 20, 4096, 0) == q);
	CHECK_EQ(faults(q + 4096, 0), SIGSEGV);
}

TEST(madvise_dontneed_zeroes)
{
	char *p = anon(8192);

	memset(p, 9, 8192);
	CHECK(madvise(p, 4096, MADV_DONTNEED) == 0);
	CHECK(p[0] == 0 && p[4096] == 9);
	CHECK_ERR(madvise(p, 4096, 12345), EINVAL);
}

TEST(brk_moves)
{
	/* musl's sbrk() moves nothing. */
	unsigned long old = syscall(SYS_brk, 0), up = old + (1 << 16);

	CHECK_EQ(syscall(SYS_brk, up), up);
	memset((void *)old, 1, 1 << 16);
	CHECK_EQ(syscall(SYS_brk, old), old);
	CHECK_EQ(syscall(SYS_brk, 0), old);
	CHECK_EQ(syscall(SYS_brk, 1), old);
	CHECK_EQ(syscall(SYS_brk, -1UL), old);
}

static int deep(int n)
{
	volatile char pad[4096];

	pad[0] = (char)n;
	return n ? deep(n - 1) + pad[0] : 0;
}

TEST(the_stack_grows)
{
	deep(1000);
}

TEST(stack_overflow_is_a_segv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit r = { 1 << 20, 1 << 20 };

		setrlimit(RLIMIT_STACK, &r);
		_exit(deep(10000));
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

TEST(bad_arguments)
{
	CHECK_ERR(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		  EINVAL);
	CHECK_ERR(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
	CHECK_ERR(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERR(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERR(mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, -1, 0),
		  EBADF);
	CHECK_ERR(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, -1, 1), EINVAL);
	CHECK_ERR(mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(munmap((void *)1L, 4096), EINVAL);
	CHECK_ERR(mmap(NULL, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0), ENOMEM);
}

TEST(shared_memory_is_promised)
{
	size_t much = 1ul << 36;	/* more than there is */

	CHECK_ERR(mmap(NULL, much, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0), ENOMEM);
	CHECK(mmap(NULL, much, PROT_READ, MAP_SHARED | MAP_ANONYMOUS |
		   MAP_NORESERVE, -1, 0) != MAP_FAILED);
}

TEST(read_only_file_cannot_be_shared_for_writing)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	CHECK(fd >= 0);
	CHECK_ERR(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
		  EACCES);
}

TEST(kernel_addresses_are_refused)
{
	volatile char *k = (volatile char *)0xffffffff80000000ul;
	char c;

	CHECK_EQ(faults(k, 0), SIGSEGV);
	CHECK_EQ(faults(k, 1), SIGSEGV);
	CHECK_ERR(write(1, (void *)k, 1), EFAULT);
	CHECK_ERR(read(open("/dev/zero", O_RDONLY), (void *)k, 1), EFAULT);
	(void)c;
}

static long remap(char *p, size_t n, unsigned long prot, unsigned long page,
		  unsigned long flags)
{
	return syscall(SYS_remap_file_pages, p, n, prot, page, flags);
}

TEST(pages_of_a_shared_file_change_places)
{
	char name[] = "/tmp/remapXXXXXX", *p, *q, c;
	int fd = mkstemp(name);

	CHECK(fd >= 0 && unlink(name) == 0 && ftruncate(fd, 4 * 4096) == 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pwrite(fd, &"abcd"[i], 1, i * 4096), 1);
	p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && q != MAP_FAILED && p[0] == 'a');
	for (int i = 0; i < 4; i++)
		CHECK(remap(p + i * 4096, 4096, 0, 3 - i, 0) == 0);
	CHECK(p[0] == 'd' && p[4096] == 'c' && p[3 * 4096] == 'a');
	p[0] = 'z';
	CHECK(pread(fd, &c, 1, 3 * 4096) == 1 && c == 'z');
	CHECK_ERR(remap(p, 4096, PROT_READ, 0, 0), EINVAL);
	CHECK_ERR(remap(p, 100, 0, 0, 0), EINVAL);
	CHECK_ERR(remap(p, 4096, 0, -1, 0), EINVAL);
	CHECK_ERR(remap(q, 4096, 0, 0, 0), EINVAL);
	/* All four areas are one again. */
	CHECK(remap(p + 5, 4 * 4096, 0, 0, MAP_NONBLOCK) == 0);
	CHECK(p[0] == 'a' && p[3 * 4096] == 'z');
	CHECK(munmap(p + 4096, 4096) == 0);
	CHECK_ERR(remap(p, 2 * 4096, 0, 0, 0), EINVAL);
	q = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	q[4096] = 'x';
	CHECK(remap(q, 4096, 0, 1, 0) == 0);
	CHECK_EQ(q[0], 'x');
}

/* Where the area that begins at p ends, by /proc/self/maps. */
static char *end_of(const char *p)
{
	unsigned long start, end;
	char line[512], *found = NULL;
	FILE *f = fopen("/proc/self/maps", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    start == (unsigned long)p)
			found = (char *)end;
	fclose(f);
	return found;
}

TEST(areas_of_a_child_are_not_joined_with_new_ones)
{
	char *hole = mmap(NULL, 9 * 4096, PROT_READ, MAP_PRIVATE |
			  MAP_ANONYMOUS, -1, 0), *p = hole + 3 * 4096;
	int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	pid_t pid;

	CHECK(munmap(hole, 9 * 4096) == 0);
	CHECK(mmap(p, 4096, PROT_WRITE, how, -1, 0) == p);
	*p = 1;
	CHECK(mmap(p + 4096, 4096, PROT_WRITE, how, -1, 0) == p + 4096);
	CHECK(end_of(p) == p + 8192);
	pid = fork();
	if (pid == 0) {
		CHECK(mmap(p + 8192, 4096, PROT_WRITE, how, -1, 0) ==
		      p + 8192);
		CHECK(end_of(p) == p + 8192);
		CHECK(end_of(p + 8192) == p + 3 * 4096);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(mmap(p + 8192, 4096, PROT_WRITE, how, -1, 0) == p + 8192);
	CHECK(end_of(p) == p + 3 * 4096);
}

/* --- advice and seals ------------------------------------------------------*/
TEST(remove_makes_a_hole_in_the_file)
{
	int fd = temp_file(4 * 4096);
	char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       0), c;

	CHECK(p != MAP_FAILED);
	memset(p, 'x', 4 * 4096);
	CHECK(madvise(p + 4096, 2 * 4096, MADV_REMOVE) == 0);
	CHECK(p[0] == 'x' && p[4096] == 0 && p[3 * 4096 - 1] == 0);
	CHECK(p[3 * 4096] == 'x');
	CHECK(pread(fd, &c, 1, 4096) == 1 && c == 0);
	CHECK(mlock(p, 4096) == 0);
	CHECK_ERR(madvise(p, 4096, MADV_REMOVE), EINVAL);
	CHECK(munlock(p, 4096) == 0);
	CHECK(munmap(p + 4096, 4096) == 0);
	CHECK_ERR(madvise(p, 4 * 4096, MADV_REMOVE), ENOMEM);
	CHECK(p[0] == 0 && p[3 * 4096] == 0);
	CHECK_ERR(madvise(anon(4096), 4096, MADV_REMOVE), EINVAL);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK_ERR(madvise(p, 4096, MADV_REMOVE), EACCES);
}

TEST(cold_pages_keep_their_content)
{
	int fd = temp_file(8192);
	char *p = anon(8192), *q;

	q = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(q != MAP_FAILED);
	memset(p, 'p', 8192);
	memset(q, 'q', 8192);
	CHECK(madvise(p, 8192, MADV_COLD) == 0);
	CHECK(madvise(q, 8192, MADV_COLD) == 0);
	CHECK(madvise(p, 8192, MADV_PAGEOUT) == 0);
	CHECK(madvise(q, 8192, MADV_PAGEOUT) == 0);
	CHECK(p[0] == 'p' && p[8191] == 'p' && q[0] == 'q' && q[8191] == 'q');
	CHECK(mlock(p, 4096) == 0);
	CHECK_ERR(madvise(p, 8192, MADV_COLD), EINVAL);
}

#define SYS_mseal_ 462

static long mseal_(void *p, size_t n, unsigned long flags)
{
	return syscall(SYS_mseal_, p, n, flags);
}

TEST(sealed_memory_stays_as_it_is)
{
	char *p = anon(8 * 4096), *q = anon(4096);

	p[2 * 4096] = 'x';
	CHECK_ERR(mseal_(p + 1, 4096, 0), EINVAL);
	CHECK_ERR(mseal_(p, 4096, 1), EINVAL);
	CHECK(mseal_(p, 0, 0) == 0);
	CHECK(mseal_(p + 2 * 4096, 4096, 0) == 0);
	CHECK(mseal_(p + 2 * 4096, 4096, 0) == 0);
	CHECK_ERR(munmap(p, 8 * 4096), EPERM);
	CHECK_ERR(munmap(p + 2 * 4096, 1), EPERM);
	CHECK_ERR(mprotect(p + 2 * 4096, 4096, PROT_NONE), EPERM);
	CHECK_ERR(mprotect(p + 2 * 4096, 4096, PROT_READ | PROT_WRITE), EPERM);
	CHECK_ERR(mremap(p, 8 * 4096, 2 * 4096, MREMAP_MAYMOVE), EPERM);
	CHECK_ERR(mremap(p + 2 * 4096, 4096, 8192, MREMAP_MAYMOVE), EPERM);
	CHECK_ERR(mremap(q, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
			 p + 2 * 4096), EPERM);
	CHECK_ERR(mmap(p, 8 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_FIXED, -1, 0), EPERM);
	CHECK(p[2 * 4096] == 'x');
	p[2 * 4096] = 'y';
	CHECK(madvise(p + 2 * 4096, 4096, MADV_DONTNEED) == 0);
	CHECK(p[2 * 4096] == 0);
	CHECK(munmap(p, 2 * 4096) == 0 && munmap(p + 3 * 4096, 4096) == 0);
	CHECK_ERR(mseal_(p, 4 * 4096, 0), ENOMEM);
}

TEST(sealed_memory_that_is_read_only_is_not_discarded)
{
	char *p = anon(2 * 4096);
	pid_t pid;

	p[0] = 'x';
	CHECK(mprotect(p, 4096, PROT_READ) == 0);
	CHECK(mseal_(p, 2 * 4096, 0) == 0);
	CHECK_ERR(madvise(p, 4096, MADV_DONTNEED), EPERM);
	CHECK_ERR(madvise(p, 4096, MADV_FREE), EPERM);
	CHECK_ERR(madvise(p, 4096, MADV_WIPEONFORK), EPERM);
	CHECK(madvise(p, 4096, MADV_WILLNEED) == 0);
	CHECK(madvise(p + 4096, 4096, MADV_DONTNEED) == 0);
	CHECK(p[0] == 'x');
	pid = fork();
	if (pid == 0) {
		CHECK_ERR(munmap(p, 4096), EPERM);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

static long status_of(const char *file, const char *name)
{
	char line[128];
	FILE *f = fopen(file, "r");
	long kb = -1;

	CHECK(f != NULL);
	while (kb < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kb = atol(line + strlen(name));
	fclose(f);
	CHECK(kb >= 0);
	return kb;
}

#define MIB (1024 * 1024ul)

static void limit(int what, unsigned long to)
{
	struct rlimit r = { to, to };

	CHECK(setrlimit(what, &r) == 0);
}

TEST(what_becomes_writable_counts_as_data)
{
	char *p = mmap(NULL, 64 * MIB, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	limit(RLIMIT_DATA, 32 * MIB);
	CHECK_ERR(mprotect(p, 64 * MIB, PROT_READ | PROT_WRITE), ENOMEM);
	CHECK(mprotect(p, MIB, PROT_READ | PROT_WRITE) == 0);
	CHECK(mprotect(p, MIB, PROT_READ) == 0);
	limit(RLIMIT_DATA, 0);
	CHECK_ERR(mprotect(p, MIB, PROT_READ | PROT_WRITE), ENOMEM);
	CHECK(mprotect(p, 64 * MIB, PROT_READ) == 0);
}

TEST(no_data_at_all_means_the_hard_limit)
{
	struct rlimit r = { 0, RLIM_INFINITY };

	CHECK(setrlimit(RLIMIT_DATA, &r) == 0);
	CHECK(mmap(NULL, MIB, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	limit(RLIMIT_DATA, 0);
	CHECK(mmap(NULL, MIB, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

TEST(a_mapping_in_place_of_another_needs_no_more_room)
{
	char *p = anon(64 * MIB);

	limit(RLIMIT_AS, status_of("/proc/self/status", "VmSize:") * 1024ul +
			 4 * MIB);
	CHECK(mmap(p, 64 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		   MAP_FIXED, -1, 0) == p);
	CHECK_ERR(mmap(NULL, 64 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0), ENOMEM);
	CHECK_ERR(mmap(p, 96 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_FIXED, -1, 0), ENOMEM);
}

TEST(a_promise_is_taken_back_where_nothing_was_stored)
{
	char *p = mmap(NULL, 258 * MIB, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long before;

	/* no neighbour that it could become one with */
	CHECK(p != MAP_FAILED);
	p = mmap(p + MIB, 256 * MIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	before = status_of("/proc/meminfo", "Committed_AS:");
	CHECK(mprotect(p, 256 * MIB, PROT_NONE) == 0);
	CHECK(status_of("/proc/meminfo", "Committed_AS:") < before - 200000);
	CHECK(mprotect(p, 256 * MIB, PROT_READ | PROT_WRITE) == 0);
	CHECK(status_of("/proc/meminfo", "Committed_AS:") > before - 50000);
}

TEST(shared_memory_of_dev_zero_is_given_back)
{
	int fd = open("/dev/zero", O_RDWR);
	long before = status_of("/proc/meminfo", "Shmem:");

	CHECK(fd >= 0);
	for (int i = 0; i < 16; i++) {
		char *p = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE,
			       MAP_SHARED, fd, 0);

		CHECK(p != MAP_FAILED);
		memset(p, 1, 4 * MIB);
		CHECK(munmap(p, 4 * MIB) == 0);
	}
	CHECK(status_of("/proc/meminfo", "Shmem:") < before + 20000);
}

TEST(what_is_locked_on_fault_grows_without_pages)
{
	char *p = anon(4096);
	unsigned char in[32];

	CHECK(syscall(SYS_mlock2, p, 4096, 1 /* MLOCK_ONFAULT */) == 0);
	p = mremap(p, 4096, sizeof(in) * 4096, MREMAP_MAYMOVE);
	CHECK(p != MAP_FAILED);
	CHECK(mincore(p, sizeof(in) * 4096, in) == 0);
	for (unsigned i = 1; i < sizeof(in); i++)
		CHECK_EQ(in[i] & 1, 0);
}

TEST(mincore_of_another_user_s_file_tells_nothing)
{
	char name[] = "/tmp/mincoreXXXXXX";
	int fd = mkstemp(name);
	unsigned char in[64];
	char *p;

	CHECK(fd >= 0 && ftruncate(fd, sizeof(in) * 4096l) == 0);
	CHECK(fchmod(fd, 0644) == 0);
	p = mmap(NULL, sizeof(in) * 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK(mincore(p, sizeof(in) * 4096, in) == 0);
	CHECK_EQ(in[7] & 1, 0);
	CHECK(setresuid(65534, 65534, 65534) == 0);
	CHECK(mincore(p, sizeof(in) * 4096, in) == 0);
	CHECK_EQ(in[7] & 1, 1);
	CHECK_EQ(in[63] & 1, 1);
}

/* The pages of a tmpfs of 64 KiB that a file of 1 MiB gets. */
static int pages_until_full(int (*touch)(int fd, char *p, int i))
{
	long before = status_of("/proc/meminfo", "Shmem:");
	int fd, n = 0;
	char *p;

	mkdir("/tmp/small", 0700);
	CHECK(mount("small", "/tmp/small", "tmpfs", 0, "size=64k") == 0);
	fd = open("/tmp/small/f", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && ftruncate(fd, MIB) == 0);
	p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < 256; i++)
		n += !touch(fd, p, i);
	CHECK(status_of("/proc/meminfo", "Shmem:") < before + 512);
	CHECK(munmap(p, MIB) == 0 && close(fd) == 0);
	CHECK(umount("/tmp/small") == 0 && rmdir("/tmp/small") == 0);
	return n;
}

static int load(int fd, char *p, int i)
{
	return faults(p + i * 4096, 0);
}

static int refused(int fd, char *p, int i)
{
	return pwrite(fd, "x", 1, i * 4096) != 1;
}

TEST(reading_holes_through_memory_keeps_to_the_size_of_a_tmpfs)
{
	CHECK(pages_until_full(load) <= 16);
}

TEST(what_a_full_tmpfs_refuses_takes_no_memory)
{
	CHECK(pages_until_full(refused) <= 16);
}
