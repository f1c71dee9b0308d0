/*
 * abi-test: user no-musl no-dynamic timeout=300
 *
 * Wild pointers and wild numbers for every system call.  A child makes a few
 * calls of one number and ends, or is ended; whatever the calls answer, the
 * kernel must live and go on telling files, pipes and memory right.
 */
#define TEST_SECONDS 120
#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define LAST_CALL 470
#define CALLS_IN_A_CHILD 6
#define UNPREPARED 99
#define PATIENCE_NS 60000000L

static unsigned long seed;
static char *page;		/* mapped, and nothing behind it */
static char *read_only;

static unsigned long next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* WILD_SEED in the environment makes another sequence (`make fuzz`). */
static void start_seed(unsigned long round, int nr)
{
	const char *more = getenv("WILD_SEED");

	if (more)
		round += 1000 * strtoul(more, NULL, 0);
	seed = 0x9e3779b97f4a7c15UL * (round * 1000 + (unsigned long)nr + 1);
}

/*
 * What a wild call of root's would do to the machine that runs the tests,
 * by right: signals to others, the clock, names, the console, the end.
 */
static int is_spared(int nr)
{
	static const int spared[] = {
		SYS_reboot, SYS_kill, SYS_tkill, SYS_tgkill,
		SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, 424, SYS_vhangup,
		SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime,
		SYS_adjtimex, SYS_sethostname, SYS_setdomainname,
		SYS_setpriority, SYS_prlimit64, SYS_kexec_load, 294,
		SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr,
		SYS_sched_setaffinity,
	};
	size_t i;

	for (i = 0; i < sizeof(spared) / sizeof(spared[0]); i++)
		if (spared[i] == nr)
			return 1;
	return 0;
}

static unsigned long wild_number(void)
{
	static const unsigned long numbers[] = {
		0, 2, 3, 7, 8, 16, 63, 64, 65, 127, 128, 255, 256, 4095, 4096,
		4097, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
		-1UL, -2UL, -100UL, -4096UL,
	};

	return numbers[next_random() % (sizeof(numbers) / sizeof(*numbers))];
}

static unsigned long wild_pointer(void)
{
	switch (next_random() % 8) {
	case 0:
		return 0;
	case 1:
		return (unsigned long)page + 4096 - next_random() % 64;
	case 2:
		return (unsigned long)page + next_random() % 4096;
	case 3:
		return (unsigned long)read_only + next_random() % 64;
	case 4:
		return 0xffffffff80000000UL + (next_random() & 0xffffff);
	case 5:
		return (1UL << 38) - next_random() % 32;
	case 6:
		return next_random();
	default:
		return (unsigned long)page;
	}
}

static unsigned long wild(void)
{
	switch (next_random() % 4) {
	case 0:
		return next_random() % 3;	/* a descriptor, a small flag */
	case 1:
		return wild_number();
	default:
		return wild_pointer();
	}
}

/* Descriptors 0 to 2: a file, a pipe, a socket. */
static void prepare_child(void)
{
	struct rlimit small = { 1 << 20, 1 << 20 }, memory = { 1 << 28, 1 << 28 };
	int fds[2], sp[2];

	setrlimit(RLIMIT_FSIZE, &small);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setrlimit(RLIMIT_AS, &memory);
	if (pipe(fds) || socketpair(AF_UNIX, SOCK_STREAM, 0, sp))
		_exit(UNPREPARED);
	dup2(open("f", O_RDWR | O_CREAT, 0600), 0);
	dup2(fds[1], 1);
	dup2(sp[0], 2);
}

static void call_wildly(int nr)
{
	unsigned long *words = (unsigned long *)page;
	unsigned long a[6];
	int i, n;

	prepare_child();
	for (n = 0; n < CALLS_IN_A_CHILD; n++) {
		for (i = 0; i < 64; i++)
			words[i] = n & 1 ? wild() : next_random();
		for (i = 0; i < 6; i++)
			a[i] = wild();
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	_exit(0);
}

/* Ends the child if it sleeps. */
static void wait_or_kill(pid_t pid)
{
	struct timespec patience = { 0, PATIENCE_NS };
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (sigtimedwait(&set, NULL, &patience) < 0) {
			kill(pid, SIGKILL);
			CHECK_EQ(waitpid(pid, NULL, 0), pid);
			return;
		}
	}
	CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != UNPREPARED);
}

static void check_the_kernel(void)
{
	char buf[8] = "";
	int fds[2], fd;
	pid_t pid;
	char *p;

	CHECK(pipe(fds) == 0);
	pid = fork();
	if (pid == 0)
		_exit(write(fds[1], "alive", 5) != 5);
	CHECK_CHILD(pid);
	CHECK_EQ(read(fds[0], buf, 5), 5);
	CHECK_STR(buf, "alive");
	fd = open("check", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && write(fd, "text", 4) == 4);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && !memcmp(p, "text", 4));
	CHECK(munmap(p, 4096) == 0 && close(fd) == 0);
	CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);
}

static void prepare(char *dir)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(mkdtemp(dir) && chdir(dir) == 0);
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	CHECK(page != MAP_FAILED && read_only != MAP_FAILED);
	CHECK(munmap(page + 4096, 4096) == 0);
}

static void all_calls(unsigned long round)
{
	char dir[] = "/tmp/wild.XXXXXX", command[64];
	int nr;
	pid_t pid;

	prepare(dir);
	for (nr = 0; nr <= LAST_CALL; nr++) {
		if (is_spared(nr))
			continue;
		pid = fork();
		CHECK(pid >= 0);
		start_seed(round, nr);
		if (pid == 0)
			call_wildly(nr);
		wait_or_kill(pid);
		if (nr % 32 == 0)
			check_the_kernel();
	}
	check_the_kernel();
	CHECK(chdir("/") == 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK(system(command) != -1);
}

TEST(wild_calls_1)
{
	all_calls(1);
}

TEST(wild_calls_2)
{
	all_calls(2);
}

TEST(wild_calls_3)
{
	all_calls(3);
}

/* Each argument in turn points into the kernel, the others make sense. */
static void kernel_pointers(int nr)
{
	unsigned long a[6];
	int i, bad;

	prepare_child();
	for (bad = 0; bad < 6; bad++) {
		for (i = 0; i < 6; i++)
			a[i] = i == 0 ? 0 : (unsigned long)page;
		a[bad] = bad & 1 ? 0xffffffff80200000UL : -4096UL;
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	_exit(0);
}

TEST(kernel_pointers_are_refused)
{
	char dir[] = "/tmp/wild.XXXXXX", command[64];
	int nr;
	pid_t pid;

	prepare(dir);
	for (nr = 0; nr <= LAST_CALL; nr++) {
		if (is_spared(nr))
			continue;
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			kernel_pointers(nr);
		wait_or_kill(pid);
	}
	check_the_kernel();
	CHECK(chdir("/") == 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK(system(command) != -1);
}

/*
 * Those that were spared, as somebody who may signal and change nobody but
 * himself.
 */
TEST(wild_calls_of_nobody)
{
	char dir[] = "/tmp/wild.XXXXXX";
	int nr, round;
	pid_t pid;

	if (getuid())
		return;
	prepare(dir);
	CHECK(chmod(dir, 0777) == 0);
	for (nr = 0; nr <= LAST_CALL; nr++) {
		if (!is_spared(nr))
			continue;
		for (round = 0; round < 12; round++) {
			pid = fork();
			CHECK(pid >= 0);
			start_seed((unsigned long)round, nr);
			if (pid == 0) {
				if (setgid(54321) || setuid(54321))
					_exit(UNPREPARED);
				call_wildly(nr);
			}
			wait_or_kill(pid);
		}
	}
	check_the_kernel();
	CHECK(unlink("f") == 0 && unlink("check") == 0);
	CHECK(chdir("/") == 0 && rmdir(dir) == 0);
}

/* Numbers that no table holds. */
TEST(numbers_out_of_range)
{
	static const long numbers[] = { 471, 512, 1000, 65536, 0x7fffffff,
					0x80000000L, 0x100000000L, -2,
					0x7fffffffffffffffL, -4096 };
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		CHECK_ERR(syscall(numbers[i], 0, 0, 0, 0, 0, 0), ENOSYS);
}
