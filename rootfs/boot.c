/*
 * boot - mounts, modules, name and loopback of a machine that has just come up.
 */
#include "init_impl.h"

#include <linux/if.h>
#include <linux/in.h>
#include <linux/mount.h>
#include <linux/sockios.h>

#define EEXIST 17

static const struct {
	const char *type, *dir, *options;
	unsigned long flags;
} mounts[] = {
	{ "proc", "/proc", "", MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", "", MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "devtmpfs", "/dev", "mode=755", MS_NOSUID },
	{ "devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=666",
	  MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/run", "mode=755", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
};

static const struct {
	const char *name, *to;
} dev_links[] = {
	{ "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" },
};

void boot_mounts(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		const char *type = mounts[i].type, *dir = mounts[i].dir;

		if (is_mounted(dir))
			continue;
		sys(mkdirat, AT_FDCWD, dir, 0755);
		sys(mount, type, dir, type, mounts[i].flags, mounts[i].options);
	}
	for (i = 0; i < ARRAY_SIZE(dev_links); i++)
		sys(symlinkat, dev_links[i].to, AT_FDCWD, dev_links[i].name);
	sys(mkdirat, AT_FDCWD, "/run/lock", 01777);
}

void boot_hostname(void)
{
	char name[65];
	long n = file_read("/etc/hostname", name, sizeof(name));

	if (n > 0 && name[n - 1] == '\n')
		n--;
	if (n > 0)
		sys(sethostname, name, n);
	else
		sys(sethostname, "hartwood", 8);
}

void boot_loopback(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	long fd = sys(socket, AF_INET, 2 /* SOCK_DGRAM */, 0);

	if (fd < 0)
		return;
	sys(ioctl, fd, SIOCSIFFLAGS, &req);
	sys(close, fd);
}

static void module_load(const char *path)
{
	long fd = sys(openat, AT_FDCWD, path, 0, 0);
	long err = fd < 0 ? fd : sys(finit_module, fd, "", 0);

	if (err && err != -EEXIST) {
		say("init: ");
		say(path);
		say(": error ");
		say_number(-err);
		say("\n");
	}
	if (fd >= 0)
		sys(close, fd);
}

/* /modules has a path per line, in the order in which they must be loaded. */
void boot_modules(void)
{
	static char names[8192];
	char *p = names, *end;

	file_read("/modules", names, sizeof(names));
	for (; *p; p = end) {
		for (end = p; *end && *end != '\n'; end++)
			;
		if (*end)
			*end++ = 0;
		module_load(p);
	}
}
