/*
 * init - the first program of the initramfs and of the disks made here.
 *
 * Theory:  in an initramfs (which is known by /etc/initramfs) it looks for a
 *          disk and hands over to the init found there.  Where there is none,
 *          it stays and keeps one program running: the login shell on the
 *          console, or, if the host has written commands into /hartwood/cmd,
 *          a shell that runs those and ends in a power-off.  All signals are
 *          blocked and taken by sigtimedwait, so there is no handler and no
 *          race.
 * Life:    pid 1 never ends; as any other process it is the command that its
 *          name says: poweroff, reboot or halt.
 */
#include "init_impl.h"

#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <asm/termios.h>
#include <linux/reboot.h>
#include <linux/wait.h>

#define COMMANDS "/hartwood/cmd"
#define COMMANDS_MARK "#!hw\n"
#define PATH                                                                   \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define EX_NOEXEC 127
#define ENOSYS 38
#define ENV_MAX 32

static char *env[ENV_MAX + 4];		/* with env_login()'s */
static struct winsize window;

/* LINES= and COLUMNS= become the window's size, and no program's variables:
 * those would contradict the window after its first change. */
static void env_window(void)
{
	const char *v;
	size_t n = 0;

	for (char **e = env; *e; e++) {
		if ((v = str_after(*e, "LINES=")))
			window.ws_row = (unsigned short)str_number(v);
		else if ((v = str_after(*e, "COLUMNS=")))
			window.ws_col = (unsigned short)str_number(v);
		else
			env[n++] = *e;
	}
	env[n] = NULL;
}

static int is_ours(const char *var)
{
	return str_after(var, "PATH=") || str_after(var, "HOME=") ||
	       str_after(var, "SHELL=") || str_after(var, "USER=") ||
	       str_after(var, "LOGNAME=") || str_eq(var, "TERM=linux");
}

/* What the kernel passes on from its command line, but for TERM=linux, which
 * a serial console is not. */
static void env_make(char **from)
{
	size_t n = 0;
	int term = 0;

	env[n++] = "HOME=/root";
	env[n++] = PATH;
	for (; *from && n < ENV_MAX - 1; from++) {
		if (is_ours(*from))
			continue;
		if (str_after(*from, "TERM="))
			term = 1;
		env[n++] = *from;
	}
	if (!term)
		env[n++] = "TERM=vt220";
}

/* What login(1) would add; not for the disk's own init. */
static void env_login(void)
{
	size_t n = 0;

	while (env[n])
		n++;
	env[n++] = file_exists("/bin/bash") ? "SHELL=/bin/bash" :
					      "SHELL=/bin/sh";
	env[n++] = "USER=root";
	env[n++] = "LOGNAME=root";
	env[n] = NULL;
}

static void std_open(const char *path)
{
	long fd = sys(openat, AT_FDCWD, path, O_RDWR | O_NOCTTY, 0);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		if (fd != i)
			sys(dup3, fd, i, 0);
	if (fd > 2)
		sys(close, fd);
}

/* The terminal behind /dev/console, so that `tty` and `ps` can name it. */
static void console_path(char *path, size_t size)
{
	char names[128], *last = names;

	path[0] = 0;
	if (file_read("/sys/class/tty/console/active", names,
		      sizeof(names)) > 0) {
		for (char *p = names; *p; p++) {
			if (*p == '\n')
				*p = 0;
			else if (*p == ' ')
				last = p + 1;
		}
		str_add(path, size, "/dev/");
		str_add(path, size, last);
	}
	if (!file_exists(path)) {
		path[0] = 0;
		str_add(path, size, "/dev/console");
	}
}

static void signals_default(void)
{
	__u64 none = 0;

	sys(rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

static int not_started[2];	/* a pipe: a byte if exec failed */

static void shell_child(void)
{
	static const struct {
		const char *path, *name;
	} shells[] = {
		{ "/bin/bash", "-bash" },
		{ "/bin/sh", "-sh" },
		{ "/bin/busybox", "-sh" },
	};
	char tty[64];
	long err = 0;

	sys(setsid);
	console_path(tty, sizeof(tty));
	std_open(tty);
	sys(ioctl, 0, TIOCSCTTY, 1);
	if (window.ws_row && window.ws_col)
		sys(ioctl, 0, TIOCSWINSZ, &window);
	sys(chdir, "/root");
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		const char *argv[] = { shells[i].name, NULL };

		err = sys(execve, shells[i].path, argv, env);
	}
	sys(write, not_started[1], "", 1);
	say("init: no shell can be started: error ");
	say_number(-err);
	say("\n");
}

static void commands_child(void)
{
	const char *argv[] = { "/bin/sh", COMMANDS, NULL };

	sys(setsid);
	sys(execve, argv[0], argv, env);
	say("init: /bin/sh cannot be started\n");
}

static long spawn(void (*child)(void))
{
	long pid = sys(clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		signals_default();
		child();
		sys(exit_group, EX_NOEXEC);
	}
	if (pid < 0) {
		say("init: fork: error ");
		say_number(-pid);
		say("\n");
	}
	return pid;
}

static void obey(long sig)
{
	switch (sig) {
	case SIGTERM:
	case SIGINT:
		down(LINUX_REBOOT_CMD_RESTART);
	case SIGUSR1:
		down(LINUX_REBOOT_CMD_HALT);
	case SIGUSR2:
		down(LINUX_REBOOT_CMD_POWER_OFF);
	}
}

/* Serves until the child is gone; its exit status as the shell counts it. */
static int serve(long child)
{
	__u64 all = ~0UL;
	long sig, pid;
	int status = 0, flags = WNOHANG;

	for (;;) {
		while ((pid = sys(wait4, -1, &status, flags, NULL)) > 0)
			if (pid == child)
				return status & 0x7f ? 128 + (status & 0x7f) :
						       status >> 8 & 0xff;
		sig = sys(rt_sigtimedwait, &all, NULL, NULL, sizeof(all));
		if (sig == -ENOSYS)
			flags = 0;
		obey(sig);
	}
}

static void run_commands(void)
{
	long pid;
	int status = EX_NOEXEC;

	say("\n@@hw up\n");
	pid = spawn(commands_child);
	if (pid > 0)
		status = serve(pid);
	say("\n@@hw down ");
	say_number(status);
	say("\n");
	down(LINUX_REBOOT_CMD_POWER_OFF);
}

/* The exit status does not tell: a shell whose last command was not found ends
 * with the same one as a child that found no shell. */
static void run_shells(void)
{
	char byte;

	if (sys(pipe2, not_started, O_CLOEXEC | O_NONBLOCK))
		not_started[0] = not_started[1] = -1;
	for (;;) {
		long pid = spawn(shell_child);

		if (pid > 0)
			serve(pid);
		if (sys(read, not_started[0], &byte, 1) == 1) {
			say("init: nothing to run, powering off\n");
			down(LINUX_REBOOT_CMD_POWER_OFF);
		}
		if (pid < 0)
			sleep_ms(1000);
	}
}

/* The disk's own init, if it has one; returns if not. */
static void exec_init(char **argv)
{
	char path[128] = "";

	if (cmdline_get("init=", path, sizeof(path))) {
		argv[0] = path;
		sys(execve, path, argv, env);
		say("init: init= cannot be started\n");
	}
	if (file_exists("/sbin/init")) {
		argv[0] = "/sbin/init";
		sys(execve, "/sbin/init", argv, env);
	}
	if (file_exists("/init")) {
		argv[0] = "/init";
		sys(execve, "/init", argv, env);
	}
}

static int has_commands(void)
{
	char head[sizeof(COMMANDS_MARK)];

	return file_read(COMMANDS, head, sizeof(head)) > 0 &&
	       str_eq(head, COMMANDS_MARK);
}

static void pid1(char **argv)
{
	__u64 all = ~0UL;

	boot_mounts();
	if (sys(fcntl, 0, F_GETFD) < 0)
		std_open("/dev/console");
	if (file_exists("/etc/initramfs")) {
		boot_modules();
		if (root_find()) {
			if (comp_is_test_disk()) {
				sys(rt_sigprocmask, SIG_BLOCK, &all, NULL,
				    sizeof(all));
				comp_main();
			}
			root_switch();
			exec_init(argv);
		}
	}
	sys(rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(all));
	sys(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
	    LINUX_REBOOT_CMD_CAD_OFF, NULL);
	env_window();
	env_login();
	boot_hostname();
	boot_loopback();
	if (has_commands())
		run_commands();
	run_shells();
}

int main(int argc, char **argv, char **envp)
{
	const char *name = argc ? argv[0] : "init";

	for (const char *p = name; *p; p++)
		if (*p == '/')
			name = p + 1;
	if (sys(getpid) == 1) {
		env_make(envp);
		pid1(argv);
	}
	return down_command(name, argc > 1 && str_eq(argv[1], "-f"));
}
