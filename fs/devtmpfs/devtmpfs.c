/*
 * devtmpfs - /dev as the drivers have registered it.
 *
 * Theory:  one tmpfs superblock, made before the drivers are probed and never
 *          freed; each mount of "devtmpfs" shows it.  What user space makes
 *          or changes in it stays.
 */
#include <fs/device.h>
#include <fs/nodes.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/printf.h>
#include <mm/page.h>

static struct mount *dev_mnt;		/* const after init */

static int devtmpfs_mount(const struct filesystem *fs, unsigned flags,
			  const char *dev, char *opts, struct super_block **out)
{
	if (!dev_mnt)
		return -ENODEV;
	ref_get(&dev_mnt->sb->refs);
	*out = dev_mnt->sb;
	return 0;
}

static void devtmpfs_node(const char *name, u32 mode, u32 dev, bool add)
{
	int err = add ? node_create(dev_mnt->sb, name, mode, dev, 0, 0) :
			node_remove(dev_mnt->sb, name);

	if (err && !(add && err == -EEXIST))
		pr_warn("devtmpfs: /dev/%s: error %d\n", name, err);
}

static const struct filesystem devtmpfs = {
	.name = "devtmpfs",
	.flags = FS_NODEV | FS_SINGLE,
	.mount = devtmpfs_mount,
};
FILESYSTEM(devtmpfs);

static void devtmpfs_init(void)
{
	char opts[64];
	int err;

	/* df shows what has a size. */
	ksnprintf(opts, sizeof(opts), "mode=0755,size=50%%,nr_inodes=%llu",
		  (unsigned long long)mem_total_pages() / 2);
	err = kern_mount("tmpfs", opts, &dev_mnt);

	if (err) {
		pr_err("devtmpfs: error %d\n", err);
		return;
	}
	dev_mnt->sb->fs = &devtmpfs;
	devnode_set_hook(devtmpfs_node);
}
INIT(INIT_DRIVER, devtmpfs_init);
