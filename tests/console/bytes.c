/*
 * bytes - numbered lines through the console and through a pseudo terminal,
 * under signals.  It is pid 1 of a machine without a disk; the host compares
 * what comes out with what text() makes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LINES 1500
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static char text[LINES * 64 + 1];
static size_t size;
static volatile unsigned long signals;
static unsigned long short_writes, retries;

static void die(const char *what)
{
	printf("\r\n@@bytes failed: %s: %s\r\n", what, strerror(errno));
	reboot(RB_POWER_OFF);
}

static void make_text(void)
{
	for (int i = 0; i < LINES; i++)
		size += (size_t)sprintf(text + size, "%05d %.*s\n", i,
					i * 7 % 53, LETTERS);
}

static void on_signal(int sig)
{
	signals++;
}

static void alarms_on(int usec)
{
	struct sigaction a = { .sa_handler = on_signal };
	struct itimerval t = { { 0, usec }, { 0, usec } };

	sigaction(SIGALRM, &a, NULL);
	sigaction(SIGCHLD, &a, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static void put(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t done = write(fd, s, n);

		if (done < 0 && errno != EINTR && errno != EAGAIN)
			die("write");
		if (done < 0) {
			retries++;
			continue;
		}
		short_writes += (size_t)done < n;
		s += done;
		n -= (size_t)done;
	}
}

static void put_text(int fd)
{
	static const size_t sizes[] = { 1, 7, 4096, 255, 257, 16, 8191, 33 };
	unsigned k = 0;

	for (size_t at = 0; at < size; k++) {
		size_t n = sizes[k % 8];

		if (n > size - at)
			n = size - at;
		put(fd, text + at, n);
		at += n;
	}
}

static void mark(const char *what, const char *name)
{
	char line[64];
	int n = sprintf(line, "\r\n@@bytes %s %s\r\n", what, name);

	tcdrain(1);
	put(1, line, (size_t)n);
}

static void output_processing(int on)
{
	struct termios t;

	tcgetattr(1, &t);
	t.c_oflag = on ? OPOST | ONLCR : 0;
	t.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	tcsetattr(1, TCSANOW, &t);
}

/* Children that end all the time, and lines of the kernel's. */
static pid_t disturber(int kernel_lines, int with_signals)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	fd = open("/dev/kmsg", O_WRONLY);
	for (int i = 0;; i++) {
		char line[32];
		int n = sprintf(line, "<1>kmsg %d\n", i);

		if (kernel_lines && i % 4 == 0 && write(fd, line, (size_t)n) < 0)
			die("kmsg");
		if (fork() == 0)
			_exit(0);
		if (with_signals)
			kill(getppid(), SIGCHLD);
		usleep(500);
		waitpid(-1, NULL, 0);
	}
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void direct(const char *name, int opost, int kernel_lines,
		   int with_signals)
{
	pid_t pid;

	output_processing(opost);
	mark("begin", name);
	pid = disturber(kernel_lines, with_signals);
	if (with_signals)
		alarms_on(300);
	put_text(1);
	alarms_on(0);
	stop(pid);
	mark("end", name);
}

static int master_open(char *path)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK), no, zero = 0;

	if (fd < 0 || ioctl(fd, TIOCSPTLCK, &zero) || ioctl(fd, TIOCGPTN, &no))
		die("ptmx");
	sprintf(path, "/dev/pts/%d", no);
	return fd;
}

static pid_t slave_writer(const char *path)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	setsid();
	fd = open(path, O_RDWR);
	if (fd < 0)
		die(path);
	pid = disturber(0, 1);
	alarms_on(250);
	put_text(fd);
	alarms_on(0);
	stop(pid);
	_exit(0);
}

/* Are these the next bytes of the text, with a return at each line's end? */
static int check(const char *s, size_t n, size_t *at)
{
	static int is_after_return;

	for (; n--; s++) {
		if (*at == size)
			return 0;
		if (text[*at] == '\n' && !is_after_return) {
			is_after_return = 1;
			if (*s != '\r')
				return 0;
			continue;
		}
		is_after_return = 0;
		if (*s != text[(*at)++])
			return 0;
	}
	return 1;
}

/* Reads the master in odd sizes, as a watching init does. */
static void through_pty(const char *name, int to_console)
{
	static const size_t sizes[] = { 4096, 1, 3, 255, 257, 61, 1000 };
	char path[32], buf[4096];
	int master = master_open(path), held = open(path, O_RDWR | O_NOCTTY);
	sigset_t all;
	size_t at = 0;
	int is_good = 1;
	unsigned k = 0;
	pid_t pid, noise;
	int sig;

	sigfillset(&all);
	output_processing(0);
	mark("begin", name);
	pid = slave_writer(path);
	noise = disturber(0, 1);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sig = signalfd(-1, &all, SFD_NONBLOCK);
	for (;;) {
		struct pollfd p[2] = { { sig, POLLIN, 0 },
				       { master, POLLIN, 0 } };
		char info[1024];
		int ended = waitpid(pid, NULL, WNOHANG) == pid;
		ssize_t n;

		while ((n = read(master, buf, sizes[k++ % 7])) > 0) {
			if (to_console)
				put(1, buf, (size_t)n);
			else if (is_good)
				is_good = check(buf, (size_t)n, &at);
		}
		if (ended)
			break;
		poll(p, 2, 1000);
		while (read(sig, info, sizeof(info)) > 0)
			;
	}
	stop(noise);
	close(sig);
	close(held);
	close(master);
	if (!to_console)
		printf("%s", is_good && at == size ? "whole" : "broken");
	fflush(stdout);
	mark("end", name);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

int main(void)
{
	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mkdir("/dev/pts", 0755);
	if (mount("pts", "/dev/pts", "devpts", 0, NULL))
		die("devpts");
	setvbuf(stdout, NULL, _IOFBF, 4096);
	make_text();
	direct("raw", 0, 0, 1);
	direct("opost", 1, 0, 1);
	direct("kmsg", 1, 1, 1);
	direct("calm", 1, 1, 0);
	through_pty("pty", 0);
	through_pty("init", 1);
	printf("@@bytes done: %lu signals, %lu short, %lu retried\r\n",
	       signals, short_writes, retries);
	fflush(stdout);
	tcdrain(1);
	usleep(100000);
	reboot(RB_POWER_OFF);
}
