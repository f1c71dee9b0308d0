/*
 * inode - inodes between disk and memory, and their end.
 *
 * Theory:  an inode is copied into its table block by ext4_write_inode_now():
 *          at once when a name was made for it, else when the VFS writes dirty
 *          inodes back.  What is read is checked: size, map root, flags.
 * Locks:   state_lock while copying, so that two writers of one inode leave a
 *          right checksum.
 * Life:    ext4_evict_inode() frees blocks and number of one without links.
 */
#include "ext4_impl.h"
#include <kernel/print.h>
#include <lib/string.h>

static struct ext4_dinode *raw_inode(struct buf *b, u32 off)
{
	return (struct ext4_dinode *)((u8 *)b->data + off);
}

/* The whole neighbourhood comes with the first inode of it. */
static void readahead_table(struct super_block *sb, u64 block)
{
	u64 index = block >> (PAGE_SHIFT - sb->blkbits);
	struct page *p = page_cache_find(&sb->bdev->inode->data, index);

	if (p)
		page_put(p);
	else
		buf_readahead(sb, ALIGN_DOWN(block, 32), 32);
}

static int read_raw(struct super_block *sb, u64 ino, struct buf *b, u32 *off)
{
	return buf_read(sb, ext4_inode_block(ext4_sb(sb), ino, off), b);
}

/* --- reading ---------------------------------------------------------------*/

static bool has_field(const struct ext4_inode *ei, size_t end)
{
	return ei->extra_isize + EXT4_GOOD_OLD_INODE_SIZE >= end;
}
#define HAS_FIELD(ei, f)                                                       \
	has_field(ei, offsetof(struct ext4_dinode, f) +                        \
			      sizeof_field(struct ext4_dinode, f))

static struct timespec64 get_time(le32_t sec, le32_t extra, bool has_extra)
{
	struct timespec64 t = { .sec = (s32)le32_get(sec) };

	if (has_extra) {
		t.sec += (s64)(le32_get(extra) & 3) << 32;
		t.nsec = le32_get(extra) >> 2;
		if (t.nsec >= (s64)NSEC_PER_SEC)
			t.nsec = 0;
	}
	return t;
}

static void get_times(struct ext4_inode *ei, const struct ext4_dinode *d)
{
	struct inode *i = &ei->vfs;

	i->atime = get_time(d->atime, d->atime_extra,
			    HAS_FIELD(ei, atime_extra));
	i->mtime = get_time(d->mtime, d->mtime_extra,
			    HAS_FIELD(ei, mtime_extra));
	i->ctime = get_time(d->ctime, d->ctime_extra,
			    HAS_FIELD(ei, ctime_extra));
	if (HAS_FIELD(ei, crtime_extra))
		i->btime = get_time(d->crtime, d->crtime_extra, true);
}

static int get_extra(struct ext4_inode *ei, const struct ext4_dinode *d)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	u32 room = fs->inode_size - EXT4_GOOD_OLD_INODE_SIZE;

	ei->extra_isize = 0;
	if (!room)
		return 0;
	ei->extra_isize = le16_get(d->extra_isize);
	if (ei->extra_isize > room || ei->extra_isize & 3)
		return -EUCLEAN;
	ei->has_xattrs = ei->extra_isize + 4 <= room;
	return 0;
}

static u64 get_blocks(struct ext4_inode *ei, const struct ext4_dinode *d)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	u64 n = le32_get(d->blocks_lo);

	if (fs->ro_compat & RO_COMPAT_HUGE_FILE) {
		n |= (u64)le16_get(d->blocks_hi) << 32;
		if (ei->flags & FL_HUGE_FILE)
			n <<= fs->sb->blkbits - 9;
	}
	return n;
}

static int get_size(struct ext4_inode *ei, const struct ext4_dinode *d)
{
	u64 size = le32_get(d->size_lo);

	if (S_ISREG(ei->vfs.mode))
		size |= (u64)le32_get(d->size_hi) << 32;
	if (size > S64_MAX ||
	    (S_ISDIR(ei->vfs.mode) && (size & (ei->vfs.sb->blocksize - 1))))
		return -EUCLEAN;
	inode_set_size(&ei->vfs, size);
	return 0;
}

static void get_owner(struct inode *i, const struct ext4_dinode *d)
{
	i->uid = le16_get(d->uid_lo) | (u32)le16_get(d->uid_hi) << 16;
	i->gid = le16_get(d->gid_lo) | (u32)le16_get(d->gid_hi) << 16;
}

static bool is_fast_link(const struct ext4_inode *ei)
{
	return S_ISLNK(ei->vfs.mode) && !ext4_is_extents(ei) &&
	       inode_size(&ei->vfs) < sizeof(ei->block) &&
	       (ei->file_acl ? ei->vfs.blocks <= ei->vfs.sb->blocksize >> 9 :
			       !ei->vfs.blocks);
}

static u32 get_rdev(const struct ext4_inode *ei)
{
	u32 old = le32_get(ei->block[0]);

	if (old)
		return MKDEV(old >> 8 & 0xff, old & 0xff);
	return dev_decode(le32_get(ei->block[1]));
}

void ext4_set_vfs_flags(struct ext4_inode *ei)
{
	u32 f = 0;

	f |= ei->flags & FL_SYNC ? S_SYNC : 0;
	f |= ei->flags & FL_IMMUTABLE ? S_IMMUTABLE : 0;
	f |= ei->flags & FL_APPEND ? S_APPEND : 0;
	f |= ei->flags & FL_NOATIME ? S_NOATIME : 0;
	ei->vfs.flags = (ei->vfs.flags & ~(S_SYNC | S_IMMUTABLE | S_APPEND |
					   S_NOATIME)) | f;
}

void ext4_set_inode_ops(struct inode *i)
{
	struct ext4_inode *ei = ext4_i(i);

	i->data.gfp = GFP_NOFS;
	switch (i->mode & S_IFMT) {
	case S_IFREG:
		i->ops = &ext4_file_inode_ops;
		i->fops = &ext4_file_ops;
		i->data.ops = &ext4_mapping_ops;
		i->data.gfp = GFP_USER & ~GFP_FS;
		break;
	case S_IFDIR:
		i->ops = &ext4_dir_inode_ops;
		i->fops = &ext4_dir_ops;
		break;
	case S_IFLNK:
		i->ops = &ext4_symlink_ops;
		if (is_fast_link(ei)) {
			((char *)ei->block)[inode_size(i)] = 0;
			i->link = (const char *)ei->block;
		}
		break;
	default:
		i->ops = &ext4_special_ops;
		inode_init_special(i, i->mode, i->rdev);
		break;
	}
}

static int check_kind(struct ext4_inode *ei)
{
	struct inode *i = &ei->vfs;
	bool has_map = S_ISREG(i->mode) || S_ISDIR(i->mode) ||
		       (S_ISLNK(i->mode) && !is_fast_link(ei));

	switch (i->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFBLK:
	case S_IFCHR:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return -EUCLEAN;
	}
	if (ei->flags & (FL_INLINE_DATA | FL_ENCRYPT | FL_VERITY | FL_EA_INODE))
		return -EOPNOTSUPP;
	if (ei->file_acl &&
	    !ext4_blocks_valid(ext4_fs_of(i), ei->file_acl, 1))
		return -EUCLEAN;
	if (has_map && ext4_is_extents(ei))
		return ext4_ext_check_root(ei);
	return 0;
}

static int fill_inode(struct ext4_inode *ei, const struct ext4_dinode *d)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	struct inode *i = &ei->vfs;
	int err;

	i->mode = le16_get(d->mode);
	i->nlink = le16_get(d->links_count);
	i->generation = le32_get(d->generation);
	ext4_inode_seed(ei);
	if (get_extra(ei, d) || !ext4_inode_csum_ok(ei, d))
		return -EUCLEAN;
	ei->flags = le32_get(d->flags);
	ei->dtime = le32_get(d->dtime);
	ei->file_acl = le32_get(d->file_acl_lo);
	if (ext4_has(fs, INCOMPAT_64BIT))
		ei->file_acl |= (u64)le16_get(d->file_acl_hi) << 32;
	get_owner(i, d);
	i->blocks = get_blocks(ei, d);
	get_times(ei, d);
	memcpy(ei->block, d->block, sizeof(ei->block));
	err = get_size(ei, d);
	if (err)
		return err;
	i->rdev = 0;
	if (S_ISCHR(i->mode) || S_ISBLK(i->mode))
		i->rdev = get_rdev(ei);
	ext4_set_vfs_flags(ei);
	return check_kind(ei);
}

static int load_inode(struct ext4_inode *ei, bool is_special)
{
	struct super_block *sb = ei->vfs.sb;
	const struct ext4_dinode *d;
	struct buf b;
	u32 off;
	int err;

	readahead_table(sb, ext4_inode_block(ext4_sb(sb), ei->vfs.ino, &off));
	err = read_raw(sb, ei->vfs.ino, &b, &off);
	if (err)
		return err;
	d = raw_inode(&b, off);
	if (!is_special && !le16_get(d->links_count))
		err = -ESTALE;
	else
		err = fill_inode(ei, d);
	buf_put(&b);
	if (err == -EUCLEAN)
		ext4_corrupt(sb, "inode %llu is damaged", ei->vfs.ino);
	return err;
}

int ext4_iget(struct super_block *sb, u64 ino, bool is_special,
	      struct inode **out)
{
	struct ext4_fs *fs = ext4_sb(sb);
	struct inode *i;
	int err;

	if (ino > fs->inodes || ino == 0 ||
	    (!is_special && ino != EXT4_ROOT_INO && ino < fs->first_ino))
		return ext4_corrupt(sb, "no such inode: %llu", ino);
	err = inode_get_locked(sb, ino, &i);
	if (err)
		return err;
	if (!(READ_ONCE(i->state) & I_NEW)) {
		*out = i;
		return 0;
	}
	err = load_inode(ext4_i(i), is_special);
	if (err) {
		/* Nothing of it is to be written or freed. */
		ext4_i(i)->is_stillborn = true;
		inode_fail_new(i);
		return err;
	}
	ext4_set_inode_ops(i);
	inode_unlock_new(i);
	*out = i;
	return 0;
}

/* --- writing ---------------------------------------------------------------*/

static le32_t extra_time(const struct timespec64 *t)
{
	u32 epoch = (u32)((t->sec - (s32)t->sec) >> 32) & 3;

	return le32_make(epoch | (u32)t->nsec << 2);
}

static void put_times(const struct ext4_inode *ei, struct ext4_dinode *d)
{
	const struct inode *i = &ei->vfs;

	d->atime = le32_make((u32)i->atime.sec);
	d->mtime = le32_make((u32)i->mtime.sec);
	d->ctime = le32_make((u32)i->ctime.sec);
	if (HAS_FIELD(ei, ctime_extra))
		d->ctime_extra = extra_time(&i->ctime);
	if (HAS_FIELD(ei, mtime_extra))
		d->mtime_extra = extra_time(&i->mtime);
	if (HAS_FIELD(ei, atime_extra))
		d->atime_extra = extra_time(&i->atime);
	if (HAS_FIELD(ei, crtime_extra)) {
		d->crtime = le32_make((u32)i->btime.sec);
		d->crtime_extra = extra_time(&i->btime);
	}
}

static void put_blocks(struct ext4_inode *ei, struct ext4_dinode *d)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	u64 n = ei->vfs.blocks;

	ei->flags &= ~FL_HUGE_FILE;
	if (n >> 48 && fs->ro_compat & RO_COMPAT_HUGE_FILE) {
		ei->flags |= FL_HUGE_FILE;
		n >>= fs->sb->blkbits - 9;
	}
	d->blocks_lo = le32_make((u32)n);
	d->blocks_hi = le16_make((u16)(n >> 32));
}

static void put_special(struct ext4_inode *ei, struct ext4_dinode *d)
{
	u32 dev = ei->vfs.rdev;

	memset(d->block, 0, sizeof(d->block));
	if (MAJOR(dev) < 256 && MINOR(dev) < 256)
		d->block[0] = le32_make(MAJOR(dev) << 8 | MINOR(dev));
	else
		d->block[1] = le32_make((u32)dev_encode(dev));
}

static void put_fields(struct ext4_inode *ei, struct ext4_dinode *d)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	const struct inode *i = &ei->vfs;
	u64 size = inode_size(i);

	d->mode = le16_make((u16)i->mode);
	d->uid_lo = le16_make((u16)i->uid);
	d->uid_hi = le16_make((u16)(i->uid >> 16));
	d->gid_lo = le16_make((u16)i->gid);
	d->gid_hi = le16_make((u16)(i->gid >> 16));
	d->links_count = le16_make((u16)i->nlink);
	d->generation = le32_make(i->generation);
	d->dtime = le32_make(ei->dtime);
	d->size_lo = le32_make((u32)size);
	if (S_ISREG(i->mode))
		d->size_hi = le32_make((u32)(size >> 32));
	d->file_acl_lo = le32_make((u32)ei->file_acl);
	d->file_acl_hi = le16_make((u16)(ei->file_acl >> 32));
	if (fs->inode_size > EXT4_GOOD_OLD_INODE_SIZE)
		d->extra_isize = le16_make((u16)ei->extra_isize);
	put_blocks(ei, d);
	d->flags = le32_make(ei->flags);
	put_times(ei, d);
	if (S_ISCHR(i->mode) || S_ISBLK(i->mode))
		put_special(ei, d);
	else
		memcpy(d->block, ei->block, sizeof(d->block));
}

/* The first file past 2 GiB switches the feature on. */
static void note_large_file(struct ext4_fs *fs)
{
	mutex_lock(&fs->super_lock);
	fs->ro_compat |= RO_COMPAT_LARGE_FILE;
	fs->es->feature_ro_compat = le32_make(
		le32_get(fs->es->feature_ro_compat) | RO_COMPAT_LARGE_FILE);
	ext4_super_dirty_locked(fs);
	mutex_unlock(&fs->super_lock);
}

int ext4_write_inode_now(struct inode *i)
{
	struct ext4_inode *ei = ext4_i(i);
	struct ext4_fs *fs = ext4_fs_of(i);
	struct ext4_dinode *d;
	struct buf b;
	u32 off;
	int err = read_raw(i->sb, i->ino, &b, &off);

	if (err)
		return err;
	d = raw_inode(&b, off);
	if (inode_size(i) > S32_MAX && S_ISREG(i->mode) &&
	    !(fs->ro_compat & RO_COMPAT_LARGE_FILE))
		note_large_file(fs);
	spin_lock(&i->state_lock);
	if (ei->is_fresh)
		memset(d, 0, fs->inode_size);
	ei->is_fresh = false;
	put_fields(ei, d);
	ext4_inode_csum_set(ei, d);
	spin_unlock(&i->state_lock);
	buf_dirty(i->sb, &b);
	buf_put(&b);
	return 0;
}

int ext4_write_inode(struct inode *i, bool is_sync)
{
	struct ext4_fs *fs = ext4_fs_of(i);

	/* On the way to read-only the VFS says so before all is written. */
	if (!fs->is_writable || ext4_i(i)->is_stillborn)
		return 0;
	return ext4_write_inode_now(i);
}

/* --- the end ---------------------------------------------------------------*/

static void delete_inode(struct inode *i)
{
	struct ext4_inode *ei = ext4_i(i);
	bool has_map = !i->link && (S_ISREG(i->mode) || S_ISDIR(i->mode) ||
				    S_ISLNK(i->mode));

	inode_set_size(i, 0);
	mapping_truncate(&i->data, 0);
	/* Whatever fails was reported: what stays allocated is lost until
	 * e2fsck, which is better than given away twice. */
	if (has_map)
		ignore_error(ext4_map_remove(ei, 0, ~0u));
	ext4_xattr_free(i);
	ext4_orphan_del(i);
	ei->dtime = (u32)time_now().sec;
	if (ext4_write_inode_now(i) == 0)
		ignore_error(ext4_free_inode(i, S_ISDIR(i->mode)));
}

void ext4_evict_inode(struct inode *i)
{
	struct ext4_inode *ei = ext4_i(i);
	struct ext4_fs *fs = ext4_fs_of(i);

	if (!i->nlink && !ei->is_stillborn && fs->is_writable &&
	    i->ino >= fs->first_ino)
		delete_inode(i);
	else if (i->data.ops == &ext4_mapping_ops)
		mapping_truncate(&i->data, 0);
	if (!list_empty(&ei->orphan))
		ext4_orphan_del(i);
	ext4_unreserve(ei, ei->delayed);
}
