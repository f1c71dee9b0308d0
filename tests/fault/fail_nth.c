/*
 * fail_nth - system calls in which the first, second, ... allocation fails.
 *
 * For each operation n counts up until it needs fewer than n allocations.
 * Before that it may fail with an errno of want, or work all the same where
 * the kernel can do without; a child of it may be killed.  The whole is done
 * twice: the second time must leave as much free memory as it found.
 *
 * Exit status 77: the kernel has no /proc/PID/fail-nth (its debug build has).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <dirent.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define MAX_NTH 400
#define SKIPPED 77
#define MAP_BYTES (64 << 12)

static char *self;
static int fail_fd, failures;
static char buf[65536];

static void arm(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	if (pwrite(fail_fd, text, strlen(text), 0) < 0) {
		perror("arm");
		exit(1);
	}
}

/* True if the failure was still to come. */
static int disarm(void)
{
	char text[16] = "";
	int left = pread(fail_fd, text, sizeof(text) - 1, 0) < 0 ||
		   atoi(text) > 0;

	while (pwrite(fail_fd, "0", 1, 0) < 0 && errno == ENOMEM)
		left = 1;
	return left;
}

/* --- operations: 0, or -1 with errno; what they made is undone ------------*/
static int close_both(int fd, int result)
{
	int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
	return result;
}

static int reap(pid_t pid)
{
	int status;

	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR && errno != ENOMEM)
			return -1;
	return 0;
}

static int op_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return reap(pid);
}

static int op_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return reap(pid);
}

static int op_open(void)
{
	int fd = open("a", O_RDONLY);

	return close_both(fd, fd < 0 ? -1 : 0);
}

static int op_create(void)
{
	int fd = open("fresh", O_RDWR | O_CREAT | O_EXCL, 0600);
	int err = fd < 0 ? -1 : write(fd, buf, 20000) < 0 ? -1 : 0;

	err = close_both(fd, err);
	if (fd >= 0)
		while (unlink("fresh") && errno == ENOMEM)
			;
	return err;
}

static int op_read_uncached(void)
{
	int fd = open("a", O_RDONLY), err;

	if (fd < 0)
		return -1;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	err = read(fd, buf, sizeof(buf)) < 0 ? -1 : 0;
	return close_both(fd, err);
}

static int op_mkdir(void)
{
	int err = mkdir("d", 0700);

	while (!err && rmdir("d") && errno == ENOMEM)
		;
	return err;
}

static int op_symlink(void)
{
	memset(buf + 1000, 'y', 200);
	buf[1200] = 0;
	if (symlink(buf + 1000, "s"))
		return -1;
	while (unlink("s") && errno == ENOMEM)
		;
	return 0;
}

static int op_rename(void)
{
	if (rename("a", "b"))
		return -1;
	while (rename("b", "a") && errno == ENOMEM)
		;
	return 0;
}

static int op_link(void)
{
	if (link("a", "l"))
		return -1;
	while (unlink("l") && errno == ENOMEM)
		;
	return 0;
}

static int op_stat(void)
{
	struct stat st;

	return stat("/usr/bin/../bin/./true", &st);
}

static int op_readdir(void)
{
	int fd = open("/usr/bin", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return -1;
	return close_both(fd, syscall(SYS_getdents64, fd, buf, sizeof(buf)) < 0
					  ? -1 : 0);
}

static int op_xattr(void)
{
	if (setxattr("a", "user.x", buf, 200, 0))
		return errno == EOPNOTSUPP ? 0 : -1;
	while (removexattr("a", "user.x") && errno == ENOMEM)
		;
	return 0;
}

static int op_proc(void)
{
	int fd = open("/proc/self/maps", O_RDONLY);

	if (fd < 0)
		return -1;
	return close_both(fd, read(fd, buf, sizeof(buf)) < 0 ? -1 : 0);
}

static int op_pipe(void)
{
	int p[2], err;

	if (pipe(p))
		return -1;
	fcntl(p[0], F_SETPIPE_SZ, 1 << 16);
	err = write(p[1], buf, 30000) < 0 ? -1 : 0;
	if (!err)
		err = read(p[0], buf, 30000) < 0 ? -1 : 0;
	close(p[0]);
	return close_both(p[1], err);
}

static int op_socketpair(void)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { buf, 100 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int s[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		return -1;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &s[0], sizeof(int));
	err = sendmsg(s[0], &m, 0) < 0 ? -1 : 0;
	close(s[0]);
	return close_both(s[1], err);
}

static int op_bind(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), err;

	if (s < 0)
		return -1;
	err = bind(s, (void *)&a, sizeof(a));
	if (!err)
		err = listen(s, 3);
	err = close_both(s, err);
	s = errno;
	while (unlink("sock") && errno == ENOMEM)
		;
	errno = s;
	return err;
}

static int op_mmap(void)
{
	char *p = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (p == MAP_FAILED)
		return -1;
	err = mprotect(p + 4096 * 10, 4096, PROT_READ);
	while (munmap(p, MAP_BYTES) && errno == ENOMEM)
		;
	return err;
}

static int op_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	int ep = epoll_create1(0), ev, err;

	if (ep < 0)
		return -1;
	ev = eventfd(1, 0);
	err = ev < 0 ? -1 : epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e);
	if (!err)
		err = epoll_wait(ep, &e, 1, 0) < 0 ? -1 : 0;
	err = close_both(ev, err);
	return close_both(ep, err);
}

static int op_timers(void)
{
	struct itimerspec t = { .it_value = { 100, 0 } };
	sigset_t set;
	timer_t id;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), err;

	if (fd < 0)
		return -1;
	err = close_both(fd, timerfd_settime(fd, 0, &t, NULL));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	fd = signalfd(-1, &set, 0);
	if (close_both(fd, fd) < 0 || err)
		return -1;
	if (syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id))
		return -1;
	syscall(SYS_timer_delete, id);
	return 0;
}

static int op_inotify(void)
{
	int fd = inotify_init1(0);

	if (fd < 0)
		return -1;
	return close_both(fd, inotify_add_watch(fd, ".", IN_ALL_EVENTS) < 0 ?
				  -1 : 0);
}

static int op_memfd(void)
{
	int fd = syscall(SYS_memfd_create, "m", 0);

	if (fd < 0)
		return -1;
	return close_both(fd, write(fd, buf, 30000) < 0 ? -1 : 0);
}

static int op_select(void)
{
	struct timeval none = { 0, 0 };
	struct pollfd p[100];
	fd_set set;
	int i;

	FD_ZERO(&set);
	FD_SET(0, &set);
	for (i = 0; i < 100; i++)
		p[i] = (struct pollfd){ .fd = 0, .events = POLLIN };
	if (poll(p, 100, 0) < 0)
		return -1;
	return select(1000, &set, NULL, NULL, &none) < 0 ? -1 : 0;
}

static int op_lock(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_start = 3, .l_len = 5 };
	int fd = open("a", O_RDWR), err;

	if (fd < 0)
		return -1;
	err = fcntl(fd, F_SETLK, &l);
	if (!err)
		err = flock(fd, LOCK_EX);
	return close_both(fd, err);
}

static int op_sendfile(void)
{
	int in = open("a", O_RDONLY), out, err;

	if (in < 0)
		return -1;
	out = open("/dev/null", O_WRONLY);
	err = out < 0 || sendfile(out, in, NULL, 40000) < 0 ? -1 : 0;
	err = close_both(out, err);
	return close_both(in, err);
}

static int op_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) ||
	    sigqueue(getpid(), SIGRTMIN, (union sigval){ 1 }))
		return -1;
	sigwaitinfo(&set, NULL);
	return 0;
}

static int op_mount(void)
{
	int err = mount("none", "mnt", "tmpfs", 0, "size=1M");

	while (!err && umount("mnt") && errno == ENOMEM)
		;
	return err;
}

static int op_unshare(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_FS |
			      CLONE_FILES) != 0);
	return reap(pid);
}

static int op_pty(void)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	return close_both(fd, fd < 0 ? -1 : 0);
}

static const struct {
	const char *name;
	int (*fn)(void);
} operations[] = {
#define OP(n) { #n, op_##n }
	OP(fork), OP(vfork), OP(open), OP(create), OP(read_uncached),
	OP(mkdir), OP(symlink), OP(rename), OP(link), OP(stat), OP(readdir),
	OP(xattr), OP(proc), OP(pipe), OP(socketpair), OP(bind), OP(mmap),
	OP(epoll), OP(timers), OP(inotify), OP(memfd), OP(select), OP(lock),
	OP(sendfile), OP(signal), OP(mount), OP(unshare), OP(pty),
};

/* ENFILE: what pipe() says when it has no memory. */
static int is_fair(int err)
{
	return err == ENOMEM || err == EAGAIN || err == ENOBUFS ||
	       err == ENOSPC || err == ENOLCK || err == ENFILE;
}

static void try_operation(const char *name, int (*fn)(void))
{
	int n, result, err, failed = 0;

	for (n = 1; n < MAX_NTH; n++) {
		arm(n);
		errno = 0;
		result = fn();
		err = errno;
		if (disarm())
			break;
		failed += result != 0;
		if (result && !is_fair(err)) {
			printf("%s: allocation %d: errno %d (%s)\n", name, n,
			       err, strerror(err));
			failures++;
		}
	}
	errno = 0;
	if (fn()) {
		printf("%s: fails afterwards: %s\n", name, strerror(errno));
		failures++;
	}
	printf("%s: %d allocations, %d seen\n", name, n - 1, failed);
}

#define LOADER_FAILED 127	/* says so, after a call of its own failed */

/*
 * What happens behind the back of a child: exec with all of it, page faults.
 * Any signal is right, and E2BIG for arguments that found no page.
 */
static void in_child(int n, int what)
{
	char *argv[] = { self, "child", NULL }, *envp[] = { NULL };
	char *p;
	int i;

	fail_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	if (fail_fd < 0)
		_exit(1);
	arm(n);
	if (what == 0) {
		execve(self, argv, envp);
		_exit(is_fair(errno) || errno == E2BIG ? 0 : 100 + errno);
	}
	p = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE,
		 what == 1 ? MAP_PRIVATE | MAP_ANONYMOUS :
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; p != MAP_FAILED && i < MAP_BYTES; i += 4096)
		p[i] = 1;
	_exit(0);
}

static void try_child(int what)
{
	int n, status, killed = 0, odd = 0;
	pid_t pid;

	for (n = 1; n < 120; n++) {
		pid = fork();
		if (pid == 0)
			in_child(n, what);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			exit(1);
		killed += WIFSIGNALED(status);
		if (WIFSIGNALED(status) || !WEXITSTATUS(status) ||
		    WEXITSTATUS(status) == LOADER_FAILED)
			continue;
		printf("child %d, allocation %d: status %d\n", what, n,
		       WEXITSTATUS(status));
		odd++;
	}
	printf("child %d: %d killed, %d odd ends\n", what, killed, odd);
	failures += odd;
}

static long free_kb(void)
{
	char name[64], line[128];
	long kb, sum = 0;
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	FILE *f;

	sync();
	(void)!write(fd, "3", 1);
	close(fd);
	usleep(300000);
	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63[^:]: %ld", name, &kb) == 2 &&
		    !strcmp(name, "MemFree"))
			sum += kb;
	fclose(f);
	return sum;
}

static void all(void)
{
	size_t i;

	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		try_operation(operations[i].name, operations[i].fn);
	for (i = 0; i < 3; i++)
		try_child((int)i);
}

static void prepare(const char *dir)
{
	int fd;

	mkdir(dir, 0700);
	if (chdir(dir))
		exit(2);
	mkdir("mnt", 0700);
	fd = open("a", O_RDWR | O_CREAT, 0600);
	memset(buf, 'x', sizeof(buf));
	if (fd < 0 || write(fd, buf, sizeof(buf)) != sizeof(buf) || fsync(fd))
		exit(2);
	close(fd);
}

int main(int argc, char **argv)
{
	long before, after;

	if (argc > 1 && !strcmp(argv[1], "child"))
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	self = realpath("/proc/self/exe", NULL);
	fail_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	if (fail_fd < 0)
		return SKIPPED;
	prepare(argc > 1 ? argv[1] : "/root/fault");
	all();
	before = free_kb();
	all();
	all();
	after = free_kb();
	printf("free: %ld kB, then %ld kB\n", before, after);
	if (before - after > 256) {
		printf("memory was lost\n");
		failures++;
	}
	printf("all done, %d failures\n", failures);
	return failures != 0;
}
