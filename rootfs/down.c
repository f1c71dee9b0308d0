/*
 * down - the end of the machine's work, and the commands that ask for it.
 *
 * Theory:  the signals are busybox's: SIGUSR1 halts, SIGUSR2 powers off and
 *          SIGTERM restarts.  Shells ignore SIGTERM, so everyone is sent
 *          SIGHUP too, and whoever is still there after a second is killed.
 *          An orphan becomes a child of pid 1, so no child left means that
 *          no process is left.
 */
#include "init_impl.h"

#include <asm/signal.h>
#include <linux/mount.h>
#include <linux/reboot.h>
#include <linux/wait.h>

#define PATIENCE_MS 1000
#define ECHILD 10

static const struct {
	const char *name;
	int signal;
	unsigned long how;
} commands[] = {
	{ "halt", SIGUSR1, LINUX_REBOOT_CMD_HALT },
	{ "poweroff", SIGUSR2, LINUX_REBOOT_CMD_POWER_OFF },
	{ "reboot", SIGTERM, LINUX_REBOOT_CMD_RESTART },
};

static long reboot(unsigned long how)
{
	return sys(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, how, NULL);
}

/* True once every child is gone. */
static int reap_for(long ms)
{
	long pid;

	for (;;) {
		while ((pid = sys(wait4, -1, NULL, WNOHANG, NULL)) > 0)
			;
		if (pid == -ECHILD)
			return 1;
		if (ms <= 0)
			return 0;
		sleep_ms(10);
		ms -= 10;
	}
}

static void stop_processes(void)
{
	if (reap_for(0))
		return;
	sys(kill, -1, SIGTERM);
	sys(kill, -1, SIGHUP);
	sys(kill, -1, SIGCONT);
	if (reap_for(PATIENCE_MS))
		return;
	sys(kill, -1, SIGKILL);
	reap_for(PATIENCE_MS);
}

/* The second word of a line of /proc/mounts, cut off in place; the next line
 * begins at *next.  Names with blanks are escaped by the kernel and stay. */
static char *mount_point(char *line, char **next)
{
	char *p = line, *dir;

	while (*p && *p != ' ')
		p++;
	dir = *p ? ++p : p;
	while (*p && *p != ' ')
		p++;
	if (*p)
		*p++ = 0;
	while (*p && *p != '\n')
		p++;
	*next = *p ? p + 1 : p;
	return dir;
}

static void detach_disks(void)
{
	static char table[16384];
	char *dirs[128], *p = table;
	size_t n = 0;

	file_read("/proc/mounts", table, sizeof(table));
	while (*p && n < ARRAY_SIZE(dirs))
		dirs[n++] = mount_point(p, &p);
	while (n--)
		if (!str_eq(dirs[n], "/"))
			sys(umount2, dirs[n], 0);
	sys(mount, NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

void down(unsigned long how)
{
	long err;

	sys(chdir, "/");
	stop_processes();
	sys(sync);
	detach_disks();
	sys(sync);
	err = reboot(how);
	say("init: reboot: error ");
	say_number(-err);
	say("\n");
	for (;;)
		sleep_ms(1000000);
}

/* Another init would take the signals for something else. */
static int pid1_is_ours(void)
{
	char comm[32];

	return file_read("/proc/1/comm", comm, sizeof(comm)) <= 0 ||
	       str_eq(comm, "init\n");
}

int down_command(const char *name, int force)
{
	size_t i = 0;
	long err;

	while (!str_eq(name, commands[i].name))
		if (++i == ARRAY_SIZE(commands)) {
			say("init: what is not pid 1 must be called poweroff, "
			    "reboot or halt\n");
			return 1;
		}
	if (force || !pid1_is_ours()) {
		sys(sync);
		err = reboot(commands[i].how);
	} else {
		err = sys(kill, 1, commands[i].signal);
	}
	if (err)
		say("permission denied\n");
	return err != 0;
}
