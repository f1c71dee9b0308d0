/*
 * super - mounting, and the state of a file system as a whole.
 *
 * Theory:  metadata changes in the device's page cache and is written back
 *          from there.  While the file system is writable the boot sector says
 *          "in use"; unmounting or going read-only writes everything and takes
 *          that back, unless it was found so: then fsck has to look.
 * Locks:   none of its own; mounting and unmounting are alone.
 * Life:    fat_fs lives from fill to put_super.
 */
#include "fat_impl.h"
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#define BYTES_PER_UNIT 6	/* of a name in UTF-8: what Linux tells */

static struct slab_cache *inode_cache;	/* const after init */
static const struct super_ops no_ops;	/* of what never got mounted */

int fat_corrupt(struct super_block *sb, const char *fmt, ...)
{
	struct fat_fs *fs = fat_sb(sb);
	char text[120];
	va_list ap;

	va_start(ap, fmt);
	kvscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_err("FAT-fs (%s): error, %s\n", sb->id, text);
	WRITE_ONCE(fs->has_failed, true);
	if (fs->opt.errors == 'p')
		panic("FAT-fs (%s): fs panic from previous error", sb->id);
	if (fs->opt.errors == 'r' && !sb_is_readonly(sb)) {
		pr_err("FAT-fs (%s): Filesystem has been set read-only\n",
		       sb->id);
		__atomic_fetch_or(&sb->flags, SB_RDONLY, __ATOMIC_SEQ_CST);
	}
	return -EIO;
}

static int write_device(struct super_block *sb)
{
	int err = mapping_write(&sb->bdev->inode->data, 0, ~0ull >> 1, true);

	return err ? err : blkdev_flush(sb->bdev);
}

/* The caller writes the device's cache and flushes. */
static int fat_sync_fs(struct super_block *sb, bool wait)
{
	struct fat_fs *fs = fat_sb(sb);

	return fs && fs->is_writable ? fat_write_fsinfo(fs) : 0;
}

int fat_sync_metadata(struct super_block *sb)
{
	int err = fat_sync_fs(sb, true);

	return err ? err : write_device(sb);
}

/* The disk says from here on that changes are under way. */
static int begin_writing(struct fat_fs *fs)
{
	struct super_block *sb = fs->sb;
	int err;

	if (sb->bdev->is_readonly || sb->bdev->whole->is_readonly)
		return -EROFS;
	fs->was_dirty = fat_boot_is_dirty(fs);
	if (fs->was_dirty)
		pr_warn("FAT-fs (%s): Volume was not properly unmounted. Some "
			"data may be corrupt. Please run fsck.\n", sb->id);
	fs->is_writable = true;
	if (fs->was_dirty)
		return 0;
	err = fat_boot_set_dirty(fs, true);
	return err ? err : write_device(sb);
}

/* All is written; then the disk says so. */
static int end_writing(struct fat_fs *fs)
{
	int err;

	if (!fs->is_writable)
		return 0;
	err = fat_sync_metadata(fs->sb);
	fs->is_writable = false;
	if (err || fs->was_dirty || fs->has_failed)
		return err;
	err = fat_boot_set_dirty(fs, false);
	return err ? err : write_device(fs->sb);
}

/* --- mounting -------------------------------------------------------------*/

static void free_fs(struct super_block *sb)
{
	struct fat_fs *fs = fat_sb(sb);

	buf_put(&fs->table_buf);
	sb->priv = NULL;
	kfree(fs);
}

static int open_root(struct super_block *sb)
{
	struct inode *root;
	int err = fat_get_root(sb, &root);

	if (err)
		return err;
	err = dentry_alloc_root(sb, root, &sb->root);
	if (err)
		inode_put(root);
	return err;
}

static struct fat_fs *new_fs(struct super_block *sb)
{
	struct fat_fs *fs = kzalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return NULL;
	fs->sb = sb;
	mutex_init(&fs->entry_lock, RANK_FS_MAP, "fat entries");
	mutex_init(&fs->table_lock, RANK_FS_ALLOC, "fat table");
	spin_init(&fs->hash_lock, RANK_SPIN_LEAF, "fat inodes");
	fat_default_options(fs);
	return fs;
}

static int fat_fill(struct super_block *sb, char *opts)
{
	struct fat_fs *fs = new_fs(sb);
	bool ro = sb_is_readonly(sb);
	int err;

	if (!fs)
		return -ENOMEM;
	sb->priv = fs;
	err = fat_parse_options(fs, opts, &ro);
	if (!err)
		err = fat_read_boot(fs);
	if (err) {
		sb->ops = &no_ops;
		free_fs(sb);
		return err;
	}
	fat_read_fsinfo(fs);
	sb->ops = &fat_super_ops;
	sb->magic = FAT_MAGIC;
	sb->max_bytes = U32_MAX;
	sb->flags |= SB_NODIRATIME | (ro ? SB_RDONLY : 0);
	/* From here on kill_super_bdev() calls put_super. */
	err = open_root(sb);
	if (!err && !ro)
		err = begin_writing(fs);
	return err;
}

static int fat_mount(const struct filesystem *type, unsigned flags,
		     const char *dev, char *opts, struct super_block **out)
{
	return mount_bdev(type, flags, dev, opts, fat_fill, out);
}

static void fat_put_super(struct super_block *sb)
{
	struct fat_fs *fs = fat_sb(sb);

	if (!fs)
		return;
	if (end_writing(fs))
		pr_err("FAT-fs (%s): unmounted, not all was written\n",
		       sb->id);
	free_fs(sb);
}

/* A remount changes only ro and rw: names and modes are in use.  As in Linux
 * nobody looks at what else is asked for. */
static int fat_remount(struct super_block *sb, unsigned *flags, char *opts)
{
	struct fat_fs *fs = fat_sb(sb);

	if (*flags & SB_RDONLY)
		return end_writing(fs);
	return fs->is_writable ? 0 : begin_writing(fs);
}

static int fat_statfs(struct dentry *d, struct kstatfs *st)
{
	struct super_block *sb = d->sb;
	struct fat_fs *fs = fat_sb(sb);
	u32 units = fs->opt.is_vfat ? FAT_LONG_MAX : 12;
	int err;

	mutex_lock(&fs->table_lock);
	err = fat_count_free(fs);
	*st = (struct kstatfs){
		.type = FAT_MAGIC,
		.bsize = 1ull << fs->cluster_bits,
		.frsize = 1ull << fs->cluster_bits,
		.blocks = fs->end_cluster - FAT_FIRST,
		.bfree = fs->free_clusters,
		.bavail = fs->free_clusters,
		.namelen = units * BYTES_PER_UNIT,
	};
	mutex_unlock(&fs->table_lock);
	return err;
}

/* --- inodes' memory -------------------------------------------------------*/

static int fat_alloc_inode(struct super_block *sb, struct inode **out)
{
	struct fat_inode *fi = slab_alloc(inode_cache, GFP_NOFS);

	if (!fi)
		return -ENOMEM;
	fat_chain_init(fi, 0);
	fi->pos = 0;
	hlist_node_init(&fi->pos_node);
	fi->attrs = 0;
	fi->is_stillborn = false;
	*out = &fi->vfs;
	return 0;
}

static void fat_free_inode(struct inode *i)
{
	slab_free(inode_cache, fat_i(i));
}

const struct super_ops fat_super_ops = {
	.alloc_inode = fat_alloc_inode,
	.free_inode = fat_free_inode,
	.write_inode = fat_write_inode,
	.evict_inode = fat_evict_inode,
	.sync_fs = fat_sync_fs,
	.statfs = fat_statfs,
	.remount = fat_remount,
	.put_super = fat_put_super,
	.show_options = fat_show_options,
};

static const struct filesystem vfat_type = {
	.name = "vfat", .mount = fat_mount, .kill = kill_super_bdev,
};
FILESYSTEM(vfat_type);

static const struct filesystem msdos_type = {
	.name = "msdos", .mount = fat_mount, .kill = kill_super_bdev,
};
FILESYSTEM(msdos_type);

static void fat_init(void)
{
	inode_cache = slab_cache_create("fat_inode_cache",
					sizeof(struct fat_inode), 0,
					SLAB_RECLAIM | SLAB_PANIC, NULL);
}
INIT(INIT_CORE, fat_init);
