/*
 * root - the first root file system: what root= and its kin on the command
 * line say.
 *
 * Theory:  the rootfs is always there, below everything.  If root= names
 *          something, and no initramfs of the boot loader has an init, that
 *          is mounted over it and becomes the root of all tasks.  (An image
 *          that is linked into the kernel is for starting without root=.)
 *          Linux: Documentation/admin-guide/kernel-parameters.txt.
 */
#include "mount_impl.h"
#include <arch/mmu.h>
#include <fs/device.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/waitq.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/process.h>

#define POLL_NS (10 * NSEC_PER_MSEC)
#define PATIENCE_NS (2 * NSEC_PER_SEC)	/* without rootwait */

static bool has_word(const char *name)
{
	char buf[8];

	return cmdline_find(saved_command_line, name, buf, sizeof(buf)) >= 0;
}

static bool path_exists(const char *name)
{
	struct path p;

	if (path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p))
		return false;
	path_put(&p);
	return true;
}

static bool has_rdinit(void)
{
	char name[128];

	if (cmdline_find(saved_command_line, "rdinit", name, sizeof(name)) <= 0)
		strscpy(name, "/init", sizeof(name));
	return path_exists(name);
}

/* The last of "ro" and "rw" counts; the default is to write. */
static bool is_readonly(void)
{
	char *line = kstrdup(saved_command_line, GFP_KERNEL), *at = line;
	char *key, *val;
	bool ro = false;

	while (line && cmdline_next(&at, &key, &val) > 0) {
		if (val)
			continue;
		if (str_equal(key, "ro"))
			ro = true;
		else if (str_equal(key, "rw"))
			ro = false;
	}
	kfree(line);
	return ro;
}

static void delay(void)
{
	char text[24];
	u64 sec;

	if (cmdline_find(saved_command_line, "rootdelay", text,
			 sizeof(text)) > 0 &&
	    !str_to_u64(text, 10, NULL, &sec))
		sleep_ns(sec * NSEC_PER_SEC);
}

/* Until the device is there: for ever with rootwait. */
static void wait_for(const char *spec)
{
	struct block_device *b;
	u64 end = clock_ns() + PATIENCE_NS;
	bool has_patience = has_word("rootwait");

	while (blkdev_resolve(spec, &b)) {
		if (!has_patience && clock_ns() > end)
			return;
		sleep_ns(POLL_NS);
	}
	blkdev_put(b);
}

static int try_type(const struct filesystem *fs, const char *spec,
		    unsigned flags, const char *opts, struct super_block **sb)
{
	char copy[256];

	strscpy(copy, opts, sizeof(copy));
	return fs->mount(fs, flags, spec, copy, sb);
}

/* Each type that rootfstype= lists, or all that live on devices. */
static noinline int mount_some(const char *spec, unsigned flags, const char *types,
		      const char *opts, struct super_block **sb)
{
	const struct filesystem *fs;
	char list[128], *at = list, *name;
	int err = -ENODEV;

	strscpy(list, types, sizeof(list));
	while (*types && (name = strsep(&at, ","))) {
		fs = filesystem_find(name);
		err = fs ? try_type(fs, spec, flags, opts, sb) : -ENODEV;
		if (!err)
			return 0;
	}
	for (unsigned i = 0; !*types && (fs = filesystem_nth(i)); i++) {
		if (fs->flags & FS_NODEV)
			continue;
		err = try_type(fs, spec, flags, opts, sb);
		if (!err)
			return 0;
		if (err == -EACCES || err == -EROFS)
			return try_type(fs, spec, flags | SB_RDONLY, opts, sb);
	}
	return err;
}

/* Over the rootfs, as the root of this task and of those to come. */
static int cover_rootfs(struct super_block *sb, bool ro)
{
	struct mount *m, *top = init_mnt_ns->root;
	struct path root;
	int err = mount_alloc(sb, sb->root, "/dev/root",
			      MNT_RELATIME | (ro ? MNT_READONLY : 0), &m);

	super_put(sb);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	mount_attach(m, top, top->root, init_mnt_ns);
	mutex_unlock(&mount_mutex);
	root = (struct path){ m, m->root };
	fs_set_root(current->fs, &root);
	fs_set_pwd(current->fs, &root);
	if (current->fs != &init_fs) {
		fs_set_root(&init_fs, &root);
		fs_set_pwd(&init_fs, &root);
	}
	return 0;
}

static void mount_dev(void)
{
	if (path_exists("/dev"))
		ignore_error(do_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL));
}

static noinline void mount_spec(const char *spec)
{
	char types[128] = "", opts[256] = "";
	struct super_block *sb;
	bool ro = is_readonly();
	int err;

	cmdline_find(saved_command_line, "rootfstype", types, sizeof(types));
	cmdline_find(saved_command_line, "rootflags", opts, sizeof(opts));
	delay();
	wait_for(spec);
	err = mount_some(spec, ro ? SB_RDONLY : 0, types, opts, &sb);
	if (!err) {
		ro |= sb_is_readonly(sb);
		pr_info("VFS: Mounted root (%s filesystem)%s on device %u:%u.\n",
			sb->fs->name, ro ? " readonly" : "", MAJOR(sb->dev),
			MINOR(sb->dev));
		err = cover_rootfs(sb, ro);
	}
	if (err)
		panic("VFS: Unable to mount root fs on \"%s\": error %d\n",
		      spec, err);
	mount_dev();
}

bool mount_root(void)
{
	bool has_initrd = boot_initrd.end > boot_initrd.start;
	char spec[128];

	initramfs_wait();
	if (cmdline_find(saved_command_line, "root", spec, sizeof(spec)) <= 0)
		return true;
	if (has_rdinit() && (has_initrd || has_word("rdinit")))
		return true;
	mount_spec(spec);
	return false;
}
