/*
 * super - mounting, and the state of a file system as a whole.
 *
 * Theory:  metadata changes in the device's page cache and is written back
 *          from there.  While the file system is writable its superblock on
 *          disk says "not clean" (STATE_VALID is off), since metadata is
 *          written without a journal: a crash makes e2fsck look.  Unmounting
 *          or going read-only writes everything and puts the state back that
 *          was found.  A journal that holds changes is replayed first.
 * Locks:   super_lock guards the superblock's fields.
 * Life:    ext4_fs lives from fill to put_super.
 */
#include "ext4_impl.h"
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/random.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

static struct slab_cache *inode_cache;	/* const after init */
static const struct super_ops no_ops;	/* of what never got mounted */

/* --- the superblock -----------------------------------------------------------*/

static void put_counts(struct ext4_fs *fs)
{
	struct ext4_super *es = fs->es;
	u64 n = (u64)max_t(s64, READ_ONCE(fs->free_blocks), 0);

	es->free_blocks_count_lo = le32_make((u32)n);
	if (ext4_has(fs, INCOMPAT_64BIT))
		es->free_blocks_count_hi = le32_make((u32)(n >> 32));
	es->free_inodes_count =
		le32_make((u32)max_t(s64, READ_ONCE(fs->free_inodes), 0));
}

void ext4_super_dirty_locked(struct ext4_fs *fs)
{
	if (fs->has_csum)
		fs->es->checksum = le32_make(ext4_super_csum(fs->es));
	buf_dirty(fs->sb, &fs->super_buf);
}

void ext4_super_commit(struct ext4_fs *fs)
{
	s64 now = time_now().sec;

	mutex_lock(&fs->super_lock);
	put_counts(fs);
	fs->es->wtime = le32_make((u32)now);
	fs->es->wtime_hi = (u8)(now >> 32);
	ext4_super_dirty_locked(fs);
	mutex_unlock(&fs->super_lock);
}

static int write_cache(struct super_block *sb)
{
	return mapping_write(&sb->bdev->inode->data, 0, ~0ull >> 1, true);
}

static int write_device(struct super_block *sb)
{
	int err = write_cache(sb);

	if (!err && ext4_sb(sb)->has_barrier)
		err = blkdev_flush(sb->bdev);
	return err;
}

int ext4_sync_metadata(struct super_block *sb)
{
	struct ext4_fs *fs = ext4_sb(sb);

	if (fs->is_writable) {
		ext4_stale_flush(fs);
		ext4_groups_flush(fs);
		ext4_super_commit(fs);
	}
	return write_device(sb);
}

/* The caller writes the device's cache and flushes. */
static int ext4_sync_fs(struct super_block *sb, bool wait)
{
	struct ext4_fs *fs = ext4_sb(sb);

	if (fs && fs->is_writable) {
		ext4_stale_flush(fs);
		ext4_groups_flush(fs);
		ext4_super_commit(fs);
	}
	return 0;
}

/* The disk says from here on that changes are under way. */
static int begin_writing(struct ext4_fs *fs)
{
	struct ext4_super *es = fs->es;
	s64 now = time_now().sec;
	u16 state = le16_get(es->state);
	int err;

	if (!(state & STATE_VALID))
		pr_warn("ext4 (%s): not cleanly unmounted, run e2fsck\n",
			fs->sb->id);
	else if (state & STATE_ERROR)
		pr_warn("ext4 (%s): has errors, run e2fsck\n", fs->sb->id);
	fs->old_state = state;
	mutex_lock(&fs->super_lock);
	es->state = le16_make(state & (u16)~STATE_VALID);
	es->mnt_count = le16_make((u16)(le16_get(es->mnt_count) + 1));
	es->mtime = le32_make((u32)now);
	es->mtime_hi = (u8)(now >> 32);
	fs->is_writable = true;
	ext4_super_dirty_locked(fs);
	mutex_unlock(&fs->super_lock);
	err = write_cache(fs->sb);
	/* Nothing else is written for seconds: nobody needs to wait. */
	if (!err && fs->has_barrier)
		blkdev_flush_start(fs->sb->bdev);
	return err;
}

/* All is written; then the disk says so. */
static int end_writing(struct ext4_fs *fs)
{
	int err;

	if (!fs->is_writable)
		return 0;
	err = ext4_sync_metadata(fs->sb);
	if (err)
		return err;
	mutex_lock(&fs->super_lock);
	fs->es->state = le16_make((u16)(fs->old_state |
					(fs->has_failed ? STATE_ERROR : 0)));
	ext4_super_dirty_locked(fs);
	fs->is_writable = false;
	mutex_unlock(&fs->super_lock);
	return write_device(fs->sb);
}

static void note_error(struct ext4_fs *fs)
{
	struct ext4_super *es = fs->es;

	mutex_lock(&fs->super_lock);
	fs->has_failed = true;
	es->state = le16_make(le16_get(es->state) | STATE_ERROR);
	es->error_count = le32_make(le32_get(es->error_count) + 1);
	es->last_error_time = le32_make((u32)time_now().sec);
	if (!le32_get(es->first_error_time))
		es->first_error_time = es->last_error_time;
	ext4_super_dirty_locked(fs);
	mutex_unlock(&fs->super_lock);
}

int ext4_corrupt(struct super_block *sb, const char *fmt, ...)
{
	struct ext4_fs *fs = ext4_sb(sb);
	char text[120];
	va_list ap;

	va_start(ap, fmt);
	kvscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_err("ext4 (%s): error: %s\n", sb->id, text);
	if (fs->is_writable)
		note_error(fs);
	if (fs->errors_panic && (sb->flags & SB_ACTIVE))
		panic("ext4 (%s): forced by errors=panic", sb->id);
	if (fs->errors_ro && !sb_is_readonly(sb)) {
		pr_err("ext4 (%s): remounted read-only\n", sb->id);
		__atomic_fetch_or(&sb->flags, SB_RDONLY, __ATOMIC_SEQ_CST);
	}
	return -EUCLEAN;
}

/* --- mounting ------------------------------------------------------------------*/

static int load(struct ext4_fs *fs)
{
	bool dirty = ext4_has(fs, INCOMPAT_RECOVER) && !fs->is_noload;
	int err;

	fs->is_lenient = dirty;
	err = ext4_load_groups(fs);
	if (err || !dirty)
		return err;
	err = ext4_journal_recover(fs);
	if (err)
		return err;
	/* The replay may have changed all that was read. */
	ext4_free_groups(fs);
	fs->free_blocks = fs->free_inodes = fs->dirs = 0;
	fs->is_lenient = false;
	buf_put(&fs->super_buf);
	err = ext4_read_super(fs->sb, fs);
	return err ? err : ext4_load_groups(fs);
}

static int open_root(struct super_block *sb)
{
	struct inode *root;
	int err = ext4_iget(sb, EXT4_ROOT_INO, false, &root);

	if (err)
		return err;
	if (!S_ISDIR(root->mode) || !inode_size(root)) {
		inode_put(root);
		return ext4_corrupt(sb, "the root is no directory");
	}
	err = dentry_alloc_root(sb, root, &sb->root);
	if (err)
		inode_put(root);
	return err;
}

static int start_writable(struct ext4_fs *fs)
{
	int err;

	if (ext4_has(fs, INCOMPAT_RECOVER)) {
		pr_err("ext4 (%s): noload is for reading only\n", fs->sb->id);
		return -EROFS;
	}
	if (fs->sb->bdev->is_readonly || fs->sb->bdev->whole->is_readonly)
		return -EROFS;
	err = begin_writing(fs);
	if (err)
		return err;
	err = ext4_orphan_open(fs);
	if (!err)
		ext4_orphan_cleanup(fs);
	return err;
}

static void free_fs(struct super_block *sb)
{
	struct ext4_fs *fs = ext4_sb(sb);

	ext4_free_groups(fs);
	buf_put(&fs->super_buf);
	sb->priv = NULL;
	kfree(fs);
}

static u64 max_file_bytes(const struct ext4_fs *fs)
{
	u64 per = fs->addr_per_block, n;

	if (ext4_has(fs, INCOMPAT_EXTENTS))
		return ((1ull << 32) - 1) << fs->sb->blkbits;
	n = EXT4_NDIR + per + per * per + per * per * per;
	return min(n, (1ull << 32) - 1) << fs->sb->blkbits;
}

static void set_super_fields(struct super_block *sb, struct ext4_fs *fs)
{
	sb->ops = &ext4_super_ops;
	sb->magic = EXT4_MAGIC;
	sb->time_gran_ns = fs->inode_size >= 160 ? 1 : NSEC_PER_SEC;
	sb->time_min = S32_MIN;
	sb->time_max = S32_MAX;
	if (fs->inode_size >= 160)	/* two bits more, and no sign */
		sb->time_max += 3ll << 32;
	sb->max_bytes = max_file_bytes(fs);
	fs->next_generation = (u32)random_u64();
}

/* The older names are for disks that the older code could use. */
static bool type_fits(const struct super_block *sb, const struct ext4_fs *fs)
{
	u32 incompat = INCOMPAT_FILETYPE | INCOMPAT_META_BG;
	u32 ro = RO_COMPAT_SPARSE_SUPER | RO_COMPAT_LARGE_FILE;
	bool has_journal = fs->compat & COMPAT_HAS_JOURNAL;

	if (str_equal(sb->fs->name, "ext4"))
		return true;
	if (has_journal != str_equal(sb->fs->name, "ext3"))
		return false;
	if (has_journal)
		incompat |= INCOMPAT_RECOVER;
	return !(fs->incompat & ~incompat) && !(fs->ro_compat & ~ro);
}

static int ext4_fill(struct super_block *sb, char *opts)
{
	struct ext4_fs *fs = kzalloc(sizeof(*fs), GFP_KERNEL);
	bool ro = sb_is_readonly(sb);
	int err;

	if (!fs)
		return -ENOMEM;
	sb->priv = fs;
	fs->sb = sb;
	mutex_init(&fs->super_lock, RANK_FS_SUPER, "ext4 super");
	mutex_init(&fs->stale_lock, RANK_FS_ALLOC, "ext4 stale");
	list_init(&fs->stale);
	mutex_init(&fs->orphan_lock, RANK_FS_ORPHAN, "ext4 orphans");
	list_init(&fs->orphans);
	err = ext4_read_super(sb, fs);
	if (!err && !type_fits(sb, fs))
		err = -EINVAL;
	if (err)
		goto err_free;
	ext4_default_options(fs);
	err = ext4_parse_options(fs, opts, false, &ro);
	if (!err)
		err = ext4_check_features(fs, !ro);
	if (err)
		goto err_free;
	set_super_fields(sb, fs);
	/* TODO(docs/ext4.md): new names are not on disk at once. */
	sb->flags &= ~SB_DIRSYNC;
	err = load(fs);
	if (err)
		goto err_inodes;	/* there is the journal's at least */
	fs->overhead = ext4_overhead(fs);
	if (ro)
		sb->flags |= SB_RDONLY;
	err = open_root(sb);
	if (!err && !ro)
		err = start_writable(fs);
	if (err)
		goto err_inodes;
	pr_info("ext4 (%s): mounted%s\n", sb->id, ro ? " read-only" : "");
	return 0;
err_inodes:
	/* kill_super_bdev() drops root and inodes, then calls put_super.  Freed
	 * inodes wait for RCU and need the operations until then. */
	return err;
err_free:
	sb->ops = &no_ops;
	free_fs(sb);
	return err;
}

static int ext4_mount(const struct filesystem *type, unsigned flags,
		      const char *dev, char *opts, struct super_block **out)
{
	return mount_bdev(type, flags, dev, opts, ext4_fill, out);
}

/* The last mount is gone; before inodes are dropped. */
static void ext4_kill(struct super_block *sb)
{
	struct ext4_fs *fs = ext4_sb(sb);

	if (fs && fs->orphan_file) {
		ext4_orphan_close(fs);
		inode_put(fs->orphan_file);
		fs->orphan_file = NULL;
	}
	kill_super_bdev(sb);
}

static void ext4_put_super(struct super_block *sb)
{
	struct ext4_fs *fs = ext4_sb(sb);

	if (!fs)
		return;
	ext4_stale_flush(fs);
	if (end_writing(fs))
		pr_err("ext4 (%s): unmounted, not all was written\n", sb->id);
	free_fs(sb);
}

static int ext4_remount(struct super_block *sb, unsigned *flags, char *opts)
{
	struct ext4_fs *fs = ext4_sb(sb);
	bool ro = *flags & SB_RDONLY;
	int err = ext4_parse_options(fs, opts, true, &ro);

	if (err)
		return err;
	if (ro && fs->is_writable) {
		ext4_orphan_close(fs);
		err = end_writing(fs);
	} else if (!ro && !fs->is_writable) {
		err = fs->has_failed ? -EROFS : ext4_check_features(fs, true);
		if (err)
			return err;
		sb->flags &= ~SB_RDONLY;
		err = start_writable(fs);
		if (err)
			sb->flags |= SB_RDONLY;
	}
	if (!err)
		*flags = (*flags & ~SB_RDONLY) | (ro ? SB_RDONLY : 0);
	return err;
}

static int ext4_statfs(struct dentry *d, struct kstatfs *st)
{
	struct super_block *sb = d->sb;
	struct ext4_fs *fs = ext4_sb(sb);
	u64 free = (u64)max_t(s64, READ_ONCE(fs->free_blocks) -
					   READ_ONCE(fs->delayed), 0);
	u64 kept = fs->reserved_root + fs->reserved_pool, id[2];

	memcpy(id, fs->es->uuid, sizeof(id));
	*st = (struct kstatfs){
		.type = EXT4_MAGIC,
		.bsize = sb->blocksize,
		.frsize = sb->blocksize,
		.blocks = fs->blocks - (fs->is_minix_df ? 0 : fs->overhead),
		.bfree = free,
		.bavail = free > kept ? free - kept : 0,
		.files = fs->inodes,
		.ffree = (u64)max_t(s64, READ_ONCE(fs->free_inodes), 0),
		.fsid = id[0] ^ id[1],
		.namelen = EXT4_NAME_LEN,
	};
	return 0;
}

/* --- inodes' memory --------------------------------------------------------*/

static int ext4_alloc_inode(struct super_block *sb, struct inode **out)
{
	struct ext4_inode *ei = slab_alloc(inode_cache, GFP_NOFS);

	if (!ei)
		return -ENOMEM;
	memset((u8 *)ei + offsetof(struct ext4_inode, block), 0,
	       sizeof(*ei) - offsetof(struct ext4_inode, block));
	rwsem_init(&ei->map_lock, RANK_FS_MAP, "ext4 map");
	rwsem_init(&ei->xattr_lock, RANK_SLEEP_B, "ext4 xattr");
	list_init(&ei->orphan);
	*out = &ei->vfs;
	return 0;
}

static void ext4_free_vfs_inode(struct inode *i)
{
	slab_free(inode_cache, ext4_i(i));
}

const struct super_ops ext4_super_ops = {
	.alloc_inode = ext4_alloc_inode,
	.free_inode = ext4_free_vfs_inode,
	.write_inode = ext4_write_inode,
	.evict_inode = ext4_evict_inode,
	.sync_fs = ext4_sync_fs,
	.statfs = ext4_statfs,
	.remount = ext4_remount,
	.put_super = ext4_put_super,
	.show_options = ext4_show_options,
	.inode_of_number = ext4_inode_of_number,
	.parent_number = ext4_parent_number,
};

#define EXT_TYPE(n)                                                            \
	static const struct filesystem n##_type = {                            \
		.name = #n, .mount = ext4_mount, .kill = ext4_kill             \
	};                                                                     \
	FILESYSTEM(n##_type)

/* In Linux's order: the first that takes a disk gives it its type. */
EXT_TYPE(ext3);
EXT_TYPE(ext2);
EXT_TYPE(ext4);

static void ext4_init(void)
{
	inode_cache = slab_cache_create("ext4_inode_cache",
					sizeof(struct ext4_inode), 0,
					SLAB_RECLAIM | SLAB_PANIC, NULL);
}
INIT(INIT_CORE, ext4_init);
