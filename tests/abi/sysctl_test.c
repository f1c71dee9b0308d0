/* Knobs of /proc/sys do what they say; texts of /proc/PID hold together. */
#include "test.h"

#include <fcntl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

static char text[1 << 16];

static const char *get(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n, all = 0;

	CHECK(fd >= 0);
	while ((n = read(fd, text + all, sizeof(text) - 1 - all)) > 0)
		all += n;
	CHECK(n == 0);
	close(fd);
	text[all] = 0;
	return text;
}

static long number(const char *path)
{
	return atol(get(path));
}

/* 0 or the errno of the write. */
static int set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY), err = 0;

	CHECK(fd >= 0);
	if (write(fd, value, strlen(value)) < 0)
		err = errno;
	close(fd);
	return err;
}

static void need_root(void)
{
	if (getuid() != 0)
		exit(TEST_SKIPPED);
}

static void in_child_as_user(void (*fn)(void))
{
	int status;

	if (!fork()) {
		CHECK(setresgid(1234, 1234, 1234) == 0);
		CHECK(setresuid(1234, 1234, 1234) == 0);
		fn();
		_exit(0);
	}
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
}

#define VM "/proc/sys/vm/"
#define KERNEL "/proc/sys/kernel/"

TEST(overcommit_ratio_and_kbytes_exclude_each_other)
{
	long ratio;

	need_root();
	ratio = number(VM "overcommit_ratio");
	CHECK_EQ(set(VM "overcommit_kbytes", "123456\n"), 0);
	CHECK_EQ(number(VM "overcommit_ratio"), 0);
	CHECK(strstr(get("/proc/meminfo"), "CommitLimit:      123456 kB"));
	snprintf(text, sizeof(text), "%ld", ratio);
	CHECK_EQ(set(VM "overcommit_ratio", text), 0);
	CHECK_EQ(number(VM "overcommit_kbytes"), 0);
}

TEST(ratios_have_limits)
{
	need_root();
	CHECK_EQ(set(VM "dirty_ratio", "101"), EINVAL);
	CHECK_EQ(set(VM "dirty_background_ratio", "-1"), EINVAL);
	CHECK_EQ(set(VM "dirty_ratio", "20"), 0);
	CHECK_EQ(set("/proc/sys/fs/suid_dumpable", "3"), EINVAL);
	CHECK_EQ(set("/proc/sys/fs/protected_symlinks", "2"), EINVAL);
	CHECK_EQ(set(KERNEL "kptr_restrict", "3"), EINVAL);
	CHECK_EQ(set(KERNEL "dmesg_restrict", "x"), EINVAL);
}

static long dirty_kb(void)
{
	return atol(strstr(get("/proc/meminfo"), "Dirty:") + 6);
}

/* However small the pieces are: they count together. */
TEST(small_writes_are_held_back_too)
{
	static const char piece[4096] = "x";
	char background[24], limit[24], name[] = "/var/tmp/dirty.XXXXXX";
	long most = 0;
	int fd;

	need_root();
	if (sysconf(_SC_PHYS_PAGES) > 300000)
		exit(TEST_SKIPPED);	/* 2 % of it is too much to write */
	snprintf(background, sizeof(background), "%ld",
		 number(VM "dirty_background_ratio"));
	snprintf(limit, sizeof(limit), "%ld", number(VM "dirty_ratio"));
	CHECK_EQ(set(VM "dirty_background_ratio", "1"), 0);
	CHECK_EQ(set(VM "dirty_ratio", "2"), 0);
	fd = mkstemp(name);
	for (int i = 0; i < (48 << 20) / 4096; i++) {
		CHECK(write(fd, piece, sizeof(piece)) == sizeof(piece));
		if (i % 256 == 0 && dirty_kb() > most)
			most = dirty_kb();
	}
	unlink(name);
	CHECK_EQ(set(VM "dirty_background_ratio", background), 0);
	CHECK_EQ(set(VM "dirty_ratio", limit), 0);
	CHECK(most < 36 << 10);
}

TEST(centiseconds_are_kept)
{
	long was;

	need_root();
	was = number(VM "dirty_writeback_centisecs");
	CHECK_EQ(set(VM "dirty_writeback_centisecs", "700"), 0);
	CHECK_EQ(number(VM "dirty_writeback_centisecs"), 700);
	snprintf(text, sizeof(text), "%ld", was);
	CHECK_EQ(set(VM "dirty_writeback_centisecs", text), 0);
}

static void read_log_as_user(void)
{
	CHECK_ERR(klogctl(10, NULL, 0), EPERM);
	CHECK_ERR(klogctl(3, text, sizeof(text)), EPERM);
	CHECK_ERR(open("/dev/kmsg", O_RDONLY), EPERM);
}

static void read_free_log_as_user(void)
{
	CHECK(klogctl(10, NULL, 0) > 0);
	CHECK(klogctl(3, text, sizeof(text)) >= 0);
}

TEST(dmesg_restrict_closes_the_log)
{
	char was[2];

	need_root();
	chmod("/dev/kmsg", 0644);
	was[0] = *get(KERNEL "dmesg_restrict");
	was[1] = 0;
	CHECK_EQ(set(KERNEL "dmesg_restrict", "1"), 0);
	in_child_as_user(read_log_as_user);
	CHECK_EQ(set(KERNEL "dmesg_restrict", "0"), 0);
	in_child_as_user(read_free_log_as_user);
	set(KERNEL "dmesg_restrict", was);
}

/* Each page of the buffer is missing until the log comes to it. */
TEST(the_log_comes_into_fresh_pages)
{
	size_t size = 16 << 12;
	char *p;

	need_root();
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	CHECK(klogctl(3, p, (int)size) > 0);
	CHECK_EQ(p[0], '<');
	CHECK(munmap(p, size) == 0);
	CHECK_ERR(klogctl(3, p, (int)size), EFAULT);
}

TEST(kptr_restrict_hides_addresses)
{
	char was[2];

	need_root();
	was[0] = *get(KERNEL "kptr_restrict");
	was[1] = 0;
	CHECK_EQ(set(KERNEL "kptr_restrict", "2"), 0);
	CHECK(!strncmp(get("/proc/kallsyms"), "0000000000000000 ", 17));
	CHECK_EQ(set(KERNEL "kptr_restrict", "1"), 0);
	CHECK(strncmp(get("/proc/kallsyms"), "0000000000000000 ", 17));
	set(KERNEL "kptr_restrict", was);
}

TEST(last_pid_chooses_the_next_one)
{
	long pid = -1;

	need_root();
	/* Others may fork at the same time. */
	for (int i = 0; i < 20 && pid != 20001; i++) {
		CHECK_EQ(set(KERNEL "ns_last_pid", "20000"), 0);
		pid = fork();
		if (!pid)
			_exit(0);
		CHECK(waitpid((pid_t)pid, NULL, 0) == pid);
	}
	CHECK_EQ(pid, 20001);
}

static void check_dumpable(void)
{
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 2);
}

TEST(suid_dumpable_is_what_a_change_of_ids_leaves)
{
	char was[2];

	need_root();
	was[0] = *get("/proc/sys/fs/suid_dumpable");
	was[1] = 0;
	CHECK_EQ(set("/proc/sys/fs/suid_dumpable", "2"), 0);
	in_child_as_user(check_dumpable);
	CHECK_EQ(set("/proc/sys/fs/suid_dumpable", was), 0);
}

static void check_nothing(void)
{
}

static void fork_one_too_many(void)
{
	CHECK_ERR(fork(), EAGAIN);
}

TEST(threads_max_ends_forks)
{
	char was[16];

	need_root();
	snprintf(was, sizeof(was), "%ld", number(KERNEL "threads-max"));
	CHECK_EQ(set(KERNEL "threads-max", "0"), EINVAL);
	CHECK_EQ(set(KERNEL "threads-max", "1073741824"), EINVAL);
	CHECK_EQ(set(KERNEL "threads-max", "1"), 0);
	fork_one_too_many();
	CHECK_EQ(set(KERNEL "threads-max", was), 0);
	in_child_as_user(check_nothing);
}

static void open_one_too_many(void)
{
	int err = 0;

	for (int i = 0; i < 1000 && !err; i++)
		if (open("/dev/null", O_RDONLY) < 0)
			err = errno;
	CHECK_EQ(err, ENFILE);
}

TEST(file_max_ends_opens_of_users)
{
	char was[32];

	need_root();
	snprintf(was, sizeof(was), "%ld", number("/proc/sys/fs/file-max"));
	CHECK_EQ(set("/proc/sys/fs/file-max", "-1"), EINVAL);
	CHECK_EQ(set("/proc/sys/fs/file-max", "1"), 0);
	in_child_as_user(open_one_too_many);
	CHECK(open("/dev/null", O_RDONLY) >= 0);
	CHECK_EQ(set("/proc/sys/fs/file-max", was), 0);
}

TEST(timers_are_listed)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = 40 };
	char want[200];
	timer_t t;

	ev.sigev_value.sival_ptr = (void *)0x1234;
	CHECK_STR(get("/proc/self/timers"), "");
	CHECK(timer_create(CLOCK_BOOTTIME, &ev, &t) == 0);
	ev.sigev_notify = SIGEV_NONE;
	CHECK(timer_create(CLOCK_MONOTONIC, &ev, &t) == 0);
	snprintf(want, sizeof(want),
		 "ID: 1\nsignal: 40/0000000000001234\nnotify: none/pid.%d\n"
		 "ClockID: 1\nID: 0\nsignal: 40/0000000000001234\n"
		 "notify: signal/pid.%d\nClockID: 7\n", getpid(), getpid());
	CHECK_STR(get("/proc/self/timers"), want);
}

static const char *const smaps_keys[] = {
	"Rss:", "Pss:", "Pss_Dirty:", "Pss_Anon:", "Pss_File:", "Pss_Shmem:",
	"Shared_Clean:", "Shared_Dirty:", "Private_Clean:", "Private_Dirty:",
	"Referenced:", "Anonymous:", "KSM:", "LazyFree:", "AnonHugePages:",
	"ShmemPmdMapped:", "FilePmdMapped:", "Shared_Hugetlb:",
	"Private_Hugetlb:", "Swap:", "SwapPss:", "Locked:",
};

TEST(smaps_rollup_has_its_lines_in_order)
{
	const char *s = strchr(get("/proc/self/smaps_rollup"), '\n') + 1;

	for (unsigned i = 0; i < sizeof(smaps_keys) / sizeof(*smaps_keys);
	     i++) {
		CHECK(!strncmp(s, smaps_keys[i], strlen(smaps_keys[i])));
		CHECK(strchr(s, '\n') - s == 27);
		s = strchr(s, '\n') + 1;
	}
	CHECK(!*s);
}

static unsigned long long sum_of_interrupts(unsigned long long *total)
{
	const char *s = strstr(get("/proc/stat"), "\nintr ");
	unsigned long long sum = 0;
	char *end;

	CHECK(s);
	*total = strtoull(s + 6, &end, 10);
	while (*end == ' ')
		sum += strtoull(end, &end, 10);
	CHECK(*end == '\n');
	return sum;
}

TEST(interrupts_add_up)
{
	unsigned long long total, later, sum = sum_of_interrupts(&total);

	/* The total is taken before its parts. */
	sum_of_interrupts(&later);
	CHECK(sum > 0 && sum <= later && total <= later);
}

TEST(terminals_and_consoles_are_named)
{
	CHECK(strstr(get("/proc/tty/drivers"),
		     "/dev/tty             /dev/tty        5       0 "
		     "system:/dev/tty\n"));
	CHECK(strstr(text, "pty_slave            /dev/pts      136 0-"));
	CHECK(strstr(text, "pty_master           /dev/ptm      128 0-"));
	CHECK(strstr(get("/proc/consoles"),
		     "ttyS0                -W- (E"));
}

TEST(drivers_of_devices_are_named)
{
	get("/proc/devices");
	CHECK(strstr(text, "\n  5 /dev/tty\n  5 /dev/console\n"
			   "  5 /dev/ptmx\n"));
	CHECK(strstr(text, "\n 10 misc\n"));
	CHECK(strstr(text, "\n128 ptm\n136 pts\n"));
	get("/proc/misc");
	if (access("/dev/loop-control", F_OK) == 0)
		CHECK(strstr(text, "237 loop-control\n"));
}

TEST(root_has_no_more_than_the_bits)
{
	need_root();
	CHECK_ERR(open("/proc/sys/vm/drop_caches", O_RDONLY), EACCES);
	CHECK_ERR(open("/proc/sys/kernel/cap_last_cap", O_WRONLY), EACCES);
	CHECK_ERR(access("/proc/sys/kernel/osrelease", W_OK), EACCES);
	CHECK(access("/proc/sys/kernel/cap_last_cap", R_OK) == 0);
}

static int lines_of(const char *path)
{
	int n = 0;

	for (const char *p = get(path); *p; p++)
		n += *p == '\n';
	return n;
}

TEST(max_map_count_ends_mappings)
{
	long before = number("/proc/sys/vm/max_map_count");
	int status = -1;

	need_root();
	CHECK_EQ(set("/proc/sys/vm/max_map_count", "256"), 0);
	if (fork() == 0) {
		while (mmap(NULL, 1, PROT_READ, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0) != MAP_FAILED)
			;
		CHECK_EQ(errno, ENOMEM);
		CHECK_EQ(lines_of("/proc/self/maps"), 257);
		_exit(0);
	}
	CHECK(wait(&status) > 0);
	snprintf(text, sizeof(text), "%ld", before);
	CHECK_EQ(set("/proc/sys/vm/max_map_count", text), 0);
	CHECK_EQ(status, 0);
}

/* Limits of numbers may go up, and down below what is open. */
TEST(nr_open_bounds_descriptors)
{
	struct rlimit r = { 1 << 21, 1 << 21 };
	int top = (1 << 20) + 64;
	pid_t pid;

	need_root();
	CHECK_EQ(number("/proc/sys/fs/nr_open"), 1 << 20);
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &r), EPERM);
	CHECK_EQ(set("/proc/sys/fs/nr_open", "63"), EINVAL);
	CHECK_EQ(set("/proc/sys/fs/nr_open", "2097152"), 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	CHECK_EQ(dup2(2, top), top);
	CHECK_EQ(set("/proc/sys/fs/nr_open", "1048576"), 0);
	CHECK_ERR(fork(), EMFILE);
	CHECK(close(top) == 0);
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK_CHILD(pid);
}
