/*
 * root - finds the root file system and changes over to it.
 *
 * Theory:  root= names a device, or a file system by UUID= or LABEL=, or a
 *          partition by PARTUUID=.  Without root= the first disk is taken that
 *          has something to start.  Devices are those of /proc/partitions; a
 *          node that nobody made is made here.  Where drivers are modules the
 *          disk appears some time after they are loaded, so the search is
 *          repeated for a while, and for ever with rootwait.
 */
#include "init_impl.h"

#include <asm/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>

#define WAIT_MS 5000
#define STEP_MS 5
#define SECTOR 512
#define EXT4_MAGIC 0xef53
#define AT_REMOVEDIR 0x200

int cmdline_get(const char *key, char *value, size_t size)
{
	static char line[4096];
	const char *p = line, *v;
	size_t n;
	int found = 0;

	file_read("/proc/cmdline", line, sizeof(line));
	while (*p) {
		v = str_after(p, key);
		for (n = 0; p[n] && p[n] != ' ' && p[n] != '\n'; n++)
			;
		if (v && (p + n == v || v[-1] == '=')) {
			size_t i, len = (size_t)(p + n - v);

			for (i = 0; i < len && i + 1 < size; i++)
				value[i] = v[i];
			if (size)
				value[i] = 0;
			found = 1;
		}
		p += n + (p[n] != 0);
	}
	return found;
}

static int read_at(const char *dev, void *buf, size_t n, long at)
{
	long fd = sys(openat, AT_FDCWD, dev, O_RDONLY | O_CLOEXEC, 0);
	long got;

	if (fd < 0)
		return 0;
	got = sys(pread64, fd, buf, n, at);
	sys(close, fd);
	return got == (long)n;
}

static unsigned int le32(const __u8 *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (unsigned int)p[3] << 24;
}

/* Bytes in hexadecimal, with a dash before the bytes whose bit is set. */
static void hex_bytes(char *out, size_t size, const __u8 *b, const __u8 *order,
		      unsigned int dashes)
{
	for (int i = 0; i < 16; i++) {
		if (dashes >> i & 1)
			str_add(out, size, "-");
		str_add_hex(out, size, b[order[i]], 2);
	}
}

static const __u8 uuid_order[] = { 0, 1, 2,  3,  4,  5,  6,  7,
				   8, 9, 10, 11, 12, 13, 14, 15 };
static const __u8 guid_order[] = { 3, 2, 1,  0,  5,  4,  7,  6,
				   8, 9, 10, 11, 12, 13, 14, 15 };
#define UUID_DASHES (1 << 4 | 1 << 6 | 1 << 8 | 1 << 10)

/* GUID partition table (UEFI 2.10, 5.3) or the older one in sector 0. */
static void part_uuid(const char *disk, unsigned int part, char *out,
		      size_t size)
{
	__u8 s[SECTOR], e[128];

	if (!read_at(disk, s, SECTOR, 0))
		return;
	if (s[450] != 0xee) {
		str_add_hex(out, size, le32(s + 440), 8);
		str_add(out, size, "-");
		str_add_hex(out, size, part, 2);
	} else if (read_at(disk, s, SECTOR, SECTOR) &&
		   read_at(disk, e, sizeof(e),
			   (long)le32(s + 72) * SECTOR +
				   (long)(part - 1) * le32(s + 84))) {
		hex_bytes(out, size, e + 16, guid_order, UUID_DASHES);
	}
}

static int match_partuuid(const char *name, const char *want)
{
	char path[128] = "/sys/class/block/", text[64], disk[64] = "/dev/";
	size_t n;
	long got;

	str_add(path, sizeof(path), name);
	str_add(path, sizeof(path), "/partition");
	got = file_read(path, text, sizeof(text));
	if (got <= 0)
		return 0;
	str_add(disk, sizeof(disk), name);
	for (n = str_len(disk); disk[n - 1] >= '0' && disk[n - 1] <= '9';)
		disk[--n] = 0;
	if (disk[n - 1] == 'p' && n > 1 && disk[n - 2] <= '9')
		disk[n - 1] = 0;
	n = str_number(text);
	text[0] = 0;
	part_uuid(disk, (unsigned int)n, text, sizeof(text));
	return str_eq(text, want);
}

static int match_ext4(const char *dev, const char *uuid, const char *label)
{
	__u8 sb[256];
	char text[40] = "";

	if (!read_at(dev, sb, sizeof(sb), 1024) ||
	    (le32(sb + 0x38) & 0xffff) != EXT4_MAGIC)
		return 0;
	if (uuid)
		hex_bytes(text, sizeof(text), sb + 0x68, uuid_order,
			  UUID_DASHES);
	else
		str_add(text, 17, (const char *)sb + 0x78);
	return str_eq(text, uuid ? uuid : label);
}

static int is_wanted(const char *name, const char *dev, const char *root)
{
	const char *v;

	if (!*root)
		return 1;
	if ((v = str_after(root, "PARTUUID=")))
		return match_partuuid(name, v);
	if ((v = str_after(root, "UUID=")))
		return match_ext4(dev, v, NULL);
	if ((v = str_after(root, "LABEL=")))
		return match_ext4(dev, NULL, v);
	return str_eq(root, dev);
}

static int has_something_to_start(void)
{
	return file_exists(NEW_ROOT "/init") ||
	       file_exists(NEW_ROOT "/sbin/init") ||
	       file_exists(NEW_ROOT "/bin/sh");
}

static int try_mount_type(const char *dev, const char *root, const char *type)
{
	unsigned long flags = 0;

	if (cmdline_get("ro", NULL, 0) && !cmdline_get("rw", NULL, 0))
		flags = MS_RDONLY;
	sys(mkdirat, AT_FDCWD, NEW_ROOT, 0755);
	if (sys(mount, dev, NEW_ROOT, type, flags, NULL))
		return 0;
	if (*root || comp_is_test_disk() || has_something_to_start())
		return 1;
	sys(umount2, NEW_ROOT, 0);
	return 0;
}

static int try_mount(const char *dev, const char *root)
{
	char type[16];

	if (cmdline_get("rootfstype=", type, sizeof(type)))
		return try_mount_type(dev, root, type);
	return try_mount_type(dev, root, "ext4") ||
	       try_mount_type(dev, root, "vfat");
}

/* One line of /proc/partitions: major, minor, blocks, name. */
static char *next_field(char **p)
{
	char *s;

	while (**p == ' ')
		++*p;
	for (s = *p; **p && **p != ' ' && **p != '\n'; ++*p)
		;
	return s;
}

static int try_line(char *line, const char *root)
{
	char dev[64] = "/dev/", *p = line, *major, *minor, *name;

	major = next_field(&p);
	minor = next_field(&p);
	next_field(&p);
	name = next_field(&p);
	*p = 0;
	if (*major < '0' || *major > '9' || !*name)
		return 0;
	str_add(dev, sizeof(dev), name);
	if (!file_exists(dev)) {
		unsigned long ma = str_number(major), mi = str_number(minor);

		sys(mknodat, AT_FDCWD, dev, S_IFBLK | 0600,
		    (mi & 0xff) | ma << 8 | (mi & ~0xffUL) << 12);
	}
	return is_wanted(name, dev, root) && try_mount(dev, root);
}

static int try_all(const char *root)
{
	static char table[8192];
	char *p = table, *end;

	/* A kernel without /proc still has its first disk. */
	if (file_read("/proc/partitions", table, sizeof(table)) <= 0)
		return try_mount("/dev/vda", root);
	for (; *p; p = end) {
		for (end = p; *end && *end != '\n'; end++)
			;
		if (*end)
			*end++ = 0;
		if (try_line(p, root))
			return 1;
	}
	return 0;
}

int root_find(void)
{
	char root[128] = "";
	long left = 0;
	int forever = cmdline_get("rootwait", NULL, 0);

	if (cmdline_get("root=", root, sizeof(root)) || file_exists("/modules"))
		left = WAIT_MS;
	for (;;) {
		if (try_all(root))
			return 1;
		if (left <= 0 && !forever)
			break;
		sleep_ms(STEP_MS);
		left -= STEP_MS;
	}
	if (*root) {
		say("init: no root file system at ");
		say(root);
		say("\n");
	}
	return 0;
}

/* Removes what is below an open directory of the initramfs, and nothing that
 * is mounted there; depth is bounded by what mkinitramfs makes. */
static void remove_below(long dir, unsigned long dev)
{
	char buf[2048];
	long n, at, sub;
	struct stat st;

	while ((n = sys(getdents64, dir, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n;) {
			struct dirent64 *d = (void *)(buf + at);

			at += d->reclen;
			if (str_eq(d->name, ".") || str_eq(d->name, ".."))
				continue;
			if (sys(newfstatat, dir, d->name, &st,
				AT_SYMLINK_NOFOLLOW) || st.st_dev != dev)
				continue;
			if ((st.st_mode & S_IFMT) != S_IFDIR) {
				sys(unlinkat, dir, d->name, 0);
				continue;
			}
			sub = sys(openat, dir, d->name,
				  O_RDONLY | O_DIRECTORY, 0);
			if (sub < 0)
				continue;
			remove_below(sub, dev);
			sys(close, sub);
			sys(unlinkat, dir, d->name, AT_REMOVEDIR);
		}
	}
}

void root_switch(void)
{
	static const char *const dirs[] = { "/dev", "/proc", "/sys", "/run" };
	char to[32];
	struct stat st;
	long old = sys(openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0);
	size_t i;

	/* Whether these are on the disk or in memory, its own init decides. */
	sys(umount2, "/tmp", 2 /* MNT_DETACH */);
	sys(umount2, "/dev/shm", 2);
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (!is_mounted(dirs[i]))
			continue;
		to[0] = 0;
		str_add(to, sizeof(to), NEW_ROOT);
		str_add(to, sizeof(to), dirs[i]);
		sys(mkdirat, AT_FDCWD, to, 0755);
		if (sys(mount, dirs[i], to, NULL, MS_MOVE, NULL))
			sys(umount2, dirs[i], 2 /* MNT_DETACH */);
	}
	sys(chdir, NEW_ROOT);
	if (old >= 0 && sys(fstat, old, &st) == 0)
		remove_below(old, st.st_dev);
	sys(close, old);
	sys(mount, ".", "/", NULL, MS_MOVE, NULL);
	sys(chroot, ".");
	sys(chdir, "/");
}
