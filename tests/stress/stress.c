/*
 * stress - storms of processes, threads, kills and faults, and whether memory
 * comes back.
 *
 *	stress [-n rounds] [-s scale] [-t seconds] [-l kB] [-o objects] storm...
 *
 * Theory:  a storm runs once to warm up (tables, caches and counts that a
 *          kernel may rightly keep), then n rounds more; before and after
 *          each, all that can be dropped is dropped and the kernel's own
 *          account of memory is printed.  A leak grows with each round, a
 *          cache does not: if after the last round more than l kB are gone
 *          since the warm-up, the storm has failed, and also if of one kind of
 *          object more than -o are more (audit.c).  Descendants that
 *          outlive a storm fail it too; so does one that takes longer than t
 *          seconds, and then all tasks are shown.
 */
#include "stress.h"
#include "audit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <time.h>

int storm_scale = 1, storm_harts;
static int rounds = 3, seconds = 60;
static long limit_kb = 4096, limit_objects = 1000000;

/* --- what storms use ---------------------------------------------------------*/

pid_t must_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		FAIL("fork: %s", strerror(errno));
	return pid;
}

void must_end(pid_t pid, int how)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	if (how >= 0 ? status != how << 8 : (status & 0x7f) != -how)
		FAIL("a child's status is 0x%x, wanted %d", status, how);
}

void in_processes(int n, void (*fn)(long), long arg)
{
	pid_t pids[n];

	for (int i = 0; i < n; i++) {
		pids[i] = must_fork();
		if (!pids[i]) {
			fn(arg + i);
			_exit(0);
		}
	}
	for (int i = 0; i < n; i++)
		must_end(pids[i], 0);
}

pthread_t must_thread(void *(*fn)(void *), void *arg)
{
	double end = now() + 10;
	pthread_attr_t a;
	pthread_t t;
	int err;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 64 << 10);
	/* EAGAIN: Linux may not have buried the last threads yet */
	while ((err = pthread_create(&t, &a, fn, arg)) == EAGAIN &&
	       now() < end)
		sleep_us(1000);
	if (err)
		FAIL("pthread_create: %s", strerror(err));
	pthread_attr_destroy(&a);
	return t;
}

void sleep_us(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

unsigned rnd(unsigned below)
{
	static unsigned seed;
	static pid_t whose;

	if (whose != getpid()) {
		whose = getpid();
		seed = (unsigned)whose * 2654435761u | 1;
	}
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

/* --- the kernel's account ---------------------------------------------------------*/

#define NR_ITEMS 6
static const char *const items[NR_ITEMS] = {
	"MemFree:", "Slab:", "KernelStack:", "PageTables:", "AnonPages:",
	"VmallocUsed:",
};

struct account {
	long kb[NR_ITEMS];
	int tasks;
};

static size_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;
	size_t at = 0;

	while (fd >= 0 && (n = read(fd, buf + at, size - 1 - at)) > 0)
		at += (size_t)n;
	buf[at] = 0;
	if (fd >= 0)
		close(fd);
	return at;
}

static struct account take_account(void)
{
	static char buf[8192];
	struct account a = { 0 };
	char *p;

	read_file("/proc/meminfo", buf, sizeof(buf));
	for (int i = 0; i < NR_ITEMS; i++) {
		p = strstr(buf, items[i]);
		if (p)
			a.kb[i] = atol(p + strlen(items[i]));
	}
	read_file("/proc/loadavg", buf, sizeof(buf));
	p = strchr(buf, '/');
	if (p)
		a.tasks = atoi(p + 1);
	return a;
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "3", 1) != 1)
		perror("drop_caches");
	close(fd);
}

/* What dies late (grace periods, write-back) gets a moment.  The storm's own
 * pages of code come and go: they are called back before the count. */
static struct account settle(void)
{
	struct account a, best = { 0 };

	sync();
	for (int i = 0; i < 3; i++) {
		drop_caches();
		sleep_us(15000);
		a = take_account();
		if (a.kb[0] > best.kb[0])
			best = a;
	}
	return best;
}

static void print_account(const char *name, const char *when,
			  const struct account *a)
{
	printf("# %-14s %-7s", name, when);
	for (int i = 0; i < NR_ITEMS; i++)
		printf(" %s%ld", items[i], a->kb[i]);
	printf(" tasks:%d\n", a->tasks);
	fflush(stdout);
}

/* --- what is left when something hangs ------------------------------------------*/

static void show_file(const char *pid, const char *name)
{
	static char buf[4096];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.16s/%s", pid, name);
	if (read_file(path, buf, sizeof(buf)))
		printf("#   %s: %s\n", name, buf);
}

/* Tasks of the kernel that sleep as they should are not worth a line. */
static int is_interesting(const char *pid)
{
	char path[64], buf[512], *p;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	read_file(path, buf, sizeof(buf));
	p = strrchr(buf, ')');
	return p && (p[2] == 'D' || p[2] == 'R' || atoi(p + 4) > 2);
}

static void show_tasks(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
		    !is_interesting(e->d_name))
			continue;
		show_file(e->d_name, "stat");
		show_file(e->d_name, "stack");
	}
	if (d)
		closedir(d);
	fflush(stdout);
}

/* --- running -----------------------------------------------------------------------*/

/* All descendants come to us; returns how many were still alive. */
static int reap_all(void)
{
	char path[64], buf[256];
	int alive = 0;
	pid_t pid;

	for (int i = 0; i < 100; i++) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0)
			return 0;
		sleep_us(20000);
	}
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	read_file(path, buf, sizeof(buf));
	printf("# still alive: %s\n", buf);
	for (char *p = buf; *p; p++) {
		pid = (pid_t)strtol(p, &p, 10);
		if (pid > 0)
			kill(pid, SIGKILL);
		alive++;
	}
	return alive ? alive : 1;
}

/* Collects pid, and orphans that come by; false: pid is not done. */
static int is_done(pid_t pid, int *status)
{
	pid_t got;

	do
		got = waitpid(-1, status, WNOHANG);
	while (got > 0 && got != pid);
	return got == pid;
}

static int run_once(const struct storm *s)
{
	double end = now() + seconds;
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = must_fork();
	if (!pid) {
		setpgid(0, 0);
		s->fn();
		_exit(0);
	}
	setpgid(pid, pid);
	while (!is_done(pid, &status)) {
		if (now() > end) {
			printf("# %s: not done after %d s\n", s->name,
			       seconds);
			show_tasks();
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			reap_all();
			return 1;
		}
		sleep_us(2000);
	}
	if (status)
		printf("# %s: status 0x%x\n", s->name, status);
	if (reap_all()) {
		printf("# %s: processes outlived it\n", s->name);
		return 1;
	}
	return status;
}

/* Objects die late as well: some of them after a grace period, and what that
 * frees after another. */
static int objects_lost(const struct audit *first, struct audit *a)
{
	for (int i = 0; i < 40; i++) {
		audit_take(a);
		if (!audit_grown(first, a, limit_objects, 0))
			return 0;
		settle();
	}
	return audit_grown(first, a, limit_objects, 1);
}

static int run_storm(const struct storm *s)
{
	static struct audit objects, later;	/* both touched at once */
	struct account first = settle(), a;
	int failed = run_once(s);
	double start = now();
	long lost = 0;
	char when[24];

	print_account(s->name, "before", &first);
	audit_take(&later);
	audit_take(&objects);
	first = settle();
	audit_take(&objects);
	print_account(s->name, "warm", &first);
	for (int i = 1; i <= rounds && !failed; i++) {
		failed = run_once(s);
		a = settle();
		lost = first.kb[0] - a.kb[0];
		snprintf(when, sizeof(when), "round %d", i);
		print_account(s->name, when, &a);
	}
	if (!failed && lost > limit_kb) {
		printf("# %s: %ld kB did not come back\n", s->name, lost);
		failed = 1;
	}
	if (!failed && objects_lost(&objects, &later))
		failed = 1;
	printf("%s - %s # %.1f s, %ld kB\n", failed ? "not ok" : "ok",
	       s->name, now() - start, lost);
	fflush(stdout);
	return failed;
}

static const struct storm *const tables[] = {
	task_storms, kill_storms, memory_storms, file_storms,
};

static const struct storm *find_storm(const char *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct storm *s = tables[i]; s->name; s++)
			if (!strcmp(s->name, name))
				return s;
	return NULL;
}

static int run_all(void)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct storm *s = tables[i]; s->name; s++)
			failed |= run_storm(s);
	return failed;
}

/* Takes memory until it is killed for it. */
static void eat(void)
{
	size_t size = 1 << 20;
	char *p;

	for (;;) {
		p = malloc(size);
		if (!p)
			exit(3);
		memset(p, 1, size);
	}
}

static void die_before_others(const char *adj)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (write(fd, adj, strlen(adj)) < 0)
		exit(3);
	close(fd);
}

/* Takes memory under a lock for which the one waits that is to die first. */
static void eat_locked(void)
{
	int fd = memfd_create("eaten", 0), go[2];
	struct sysinfo info;
	char c;

	if (fd < 0 || pipe(go) || sysinfo(&info))
		exit(3);
	die_before_others("900");
	if (!must_fork()) {
		die_before_others("1000");
		write(go[1], "", 1);
		for (;;)
			fallocate(fd, 0, 0, 4096);
	}
	read(go[0], &c, 1);
	exit(fallocate(fd, 0, 0, (off_t)info.totalram * 2) ? 3 : 4);
}

static void options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:s:t:l:o:")) != -1) {
		if (c == 'n')
			rounds = atoi(optarg);
		else if (c == 's')
			storm_scale = atoi(optarg);
		else if (c == 't')
			seconds = atoi(optarg);
		else if (c == 'l')
			limit_kb = atol(optarg);
		else if (c == 'o')
			limit_objects = atol(optarg);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	struct rlimit many = { 4096, 4096 };
	const struct storm *s;
	int failed = 0;

	if (argc == 2 && !strcmp(argv[1], "nothing"))
		return 0;
	if (argc == 2 && !strcmp(argv[1], "exec-for-ever"))
		execl("/proc/self/exe", "stress", "exec-for-ever", NULL);
	if (argc == 2 && !strcmp(argv[1], "eat"))
		eat();
	if (argc == 2 && !strcmp(argv[1], "eat-locked"))
		eat_locked();
	options(argc, argv);
	storm_harts = (int)sysconf(_SC_NPROCESSORS_ONLN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setrlimit(RLIMIT_NOFILE, &many);
	setvbuf(stderr, NULL, _IOLBF, 512);
	if (optind == argc)
		return run_all();
	for (; optind < argc; optind++) {
		s = find_storm(argv[optind]);
		if (!s)
			FAIL("no storm is called %s", argv[optind]);
		failed |= run_storm(s);
	}
	return failed != 0;
}
