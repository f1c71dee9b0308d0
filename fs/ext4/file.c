/*
 * file - what regular files can: attributes, truncation, space, sync, ioctls.
 *
 * Locks:   inode.lock for everything that changes size or blocks.
 */
#include "ext4_impl.h"
#include <arch/uaccess.h>
#include <fs/chattr.h>
#include <lib/string.h>
#include <task/cred.h>

#define FALLOC_KEEP_SIZE 0x01
#define FALLOC_PUNCH_HOLE 0x02
#define FALLOC_ZERO_RANGE 0x10

/* Flags of inodes that statx tells by the same bits. */
#define STATX_FLAGS (FL_COMPR | FL_NODUMP | FL_ENCRYPT | FL_VERITY)

/* --- attributes ---------------------------------------------------------------*/

/* Blocks past the end are freed; size is set and the cache cut already. */
int ext4_truncate(struct inode *i)
{
	struct ext4_inode *ei = ext4_i(i);
	u32 from = ext4_blocks_of(ext4_fs_of(i), inode_size(i));

	ext4_forget_blocks(ei, from,
			   (u32)min((u64)ALIGN_UP((u64)from, 4ull), ~0ull));
	return ext4_map_remove(ei, from, ~0u);
}

static int shrink(struct inode *i, u64 size)
{
	/* The page that is cut is made part of the cache, so that its rest
	 * is zeroed on disk too. */
	int err = ext4_zero_partial(ext4_i(i), size, inode_size(i));

	if (err)
		return err;
	inode_set_size(i, size);
	mapping_truncate(&i->data, size);
	return ext4_truncate(i);
}

static void extend(struct inode *i, u64 size)
{
	u64 old = inode_size(i);

	/* Stores through a mapping may lie behind the old end. */
	if (old & ~PAGE_MASK)
		mapping_punch(&i->data, old,
			      min(size, ALIGN_UP(old, (u64)PAGE_SIZE)));
	inode_set_size(i, size);
}

static int set_size(struct inode *i, u64 size)
{
	u64 old = inode_size(i);
	int err = 0;

	if (size < old)
		err = shrink(i, size);
	else if (size > old)
		extend(i, size);
	if (!err && size != old)
		inode_touch(i, TIME_M | TIME_C);
	return err;
}

int ext4_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	int err = setattr_prepare(d, a);

	if (err)
		return err;
	if (a->valid & ATTR_SIZE) {
		if (!S_ISREG(i->mode))
			return -EINVAL;
		if (a->size > i->sb->max_bytes)
			return -EFBIG;
		err = set_size(i, a->size);
		if (err)
			return err;
	}
	setattr_copy(i, a);
	inode_mark_dirty(i, I_DIRTY_SYNC);
	return 0;
}

int ext4_getattr(const struct path *p, struct kstat *st, u32 mask,
		 unsigned flags)
{
	struct inode *i = p->dentry->inode;
	struct ext4_inode *ei = ext4_i(i);

	generic_fillattr(i, st);
	st->blocks += (u64)READ_ONCE(ei->delayed) << (i->sb->blkbits - 9);
	st->attributes |= ei->flags & STATX_FLAGS;
	st->attributes_mask |= STATX_FLAGS;
	if ((mask & STATX_DIOALIGN) && S_ISREG(i->mode))
		kstat_set_dio(st, i->sb->bdev);
	return 0;
}

/* --- space ---------------------------------------------------------------*/

/* Brings the pages that [pos, end) covers in part into the cache. */
int ext4_zero_partial(struct ext4_inode *ei, u64 pos, u64 end)
{
	u64 size = inode_size(&ei->vfs), edge[2] = { pos, end };
	struct page *p;
	unsigned k;
	int err;

	for (k = 0; k < 2; k++) {
		if (!(edge[k] & ~PAGE_MASK) || edge[k] >= size)
			continue;
		err = page_cache_read(&ei->vfs.data, edge[k] >> PAGE_SHIFT, &p);
		if (err)
			return err;
		page_put(p);
	}
	return 0;
}

static int punch(struct inode *i, u64 pos, u64 end)
{
	struct ext4_inode *ei = ext4_i(i);
	u32 bits = i->sb->blkbits, from, to;
	int err;

	from = ext4_blocks_of(ext4_fs_of(i), pos);
	to = (u32)min(end >> bits, (u64)~0u);
	/* Up to the end of the file the last block goes too. */
	if (end >= inode_size(i))
		to = ext4_blocks_of(ext4_fs_of(i), end);
	err = ext4_zero_partial(ei, pos, end);
	if (err)
		return err;
	mapping_punch(&i->data, pos, end);
	ext4_forget_blocks(ei, from, to);
	err = ext4_map_remove(ei, from, to);
	/* Faults in between brought old blocks back, and marks of them. */
	mapping_punch(&i->data, pos, end);
	ext4_forget_blocks(ei, from, to);
	return err;
}

/* Allocates what is missing of one chunk of [*lblk, end). */
static int preallocate_step(struct ext4_inode *ei, u32 *lblk, u32 end)
{
	struct ext4_map m = { .lblk = *lblk, .len = min(end - *lblk, 8192u) };
	u32 want;
	int err = ext4_map_find(ei, &m);

	if (!err && !m.pblk) {
		want = m.len;
		err = ext4_reserve(ei, want);
		if (err)
			return err;
		err = ext4_map_alloc(ei, &m, true);
		if (err || !(m.flags & MAP_NEW_BIT))
			ext4_unreserve(ei, want);
		else
			ext4_unreserve(ei, want - m.len);
	}
	*lblk += m.len;
	return err;
}

static int preallocate(struct inode *i, u64 pos, u64 end, bool keep_size)
{
	struct ext4_fs *fs = ext4_fs_of(i);
	u32 lblk = (u32)(pos >> i->sb->blkbits), last;
	int err = 0;

	if (!ext4_is_extents(ext4_i(i)))
		return -EOPNOTSUPP;
	last = ext4_blocks_of(fs, end);
	while (lblk < last && !err)
		err = preallocate_step(ext4_i(i), &lblk, last);
	if (err)
		return err;
	if (!keep_size && end > inode_size(i))
		extend(i, end);
	return 0;
}

static int fallocate_locked(struct inode *i, int mode, u64 pos, u64 end)
{
	bool keep = mode & FALLOC_KEEP_SIZE;
	int err = 0;

	if (!keep) {
		err = inode_newsize_ok(i, end);
		if (err)
			return err;
	}
	if (mode & FALLOC_PUNCH_HOLE) {
		if (pos < inode_size(i))
			err = punch(i, pos, min(end, inode_size(i)));
	} else {
		if (mode & FALLOC_ZERO_RANGE && pos < inode_size(i))
			err = punch(i, pos, end);
		if (!err)
			err = preallocate(i, pos, end, keep);
	}
	if (!err)
		inode_touch(i, TIME_M | TIME_C);
	return err;
}

static int ext4_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode;
	u64 end;
	int err;

	if (mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_PUNCH_HOLE && !(mode & FALLOC_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!len || add_overflow(off, len, &end) || end > i->sb->max_bytes)
		return -EFBIG;
	if (!S_ISREG(i->mode))
		return -ENODEV;
	mutex_lock(&i->lock);
	err = fallocate_locked(i, mode, off, end);
	mutex_unlock(&i->lock);
	return err;
}

/* --- holes ---------------------------------------------------------------*/

/* The first position >= off that is data (or not), below size. */
static int seek_map(struct inode *i, u64 off, bool want_data, u64 *out)
{
	u64 size = inode_size(i);
	struct ext4_map m;
	bool is_data;
	int err;

	while (off < size) {
		m = (struct ext4_map){ .lblk = (u32)(off >> i->sb->blkbits),
				       .len = ext4_blocks_of(ext4_fs_of(i),
							     size) };
		m.len -= m.lblk;
		err = ext4_map_find(ext4_i(i), &m);
		if (err)
			return err;
		is_data = m.pblk && !(m.flags & MAP_UNWRITTEN_BIT);
		if (is_data == want_data) {
			*out = off;
			return 0;
		}
		off = ((u64)m.lblk + m.len) << i->sb->blkbits;
	}
	*out = size;
	return want_data ? -ENXIO : 0;
}

static int seek_hole_data(struct file *f, s64 off, int whence, s64 *out)
{
	struct inode *i = f->inode;
	u64 at;
	int err;

	if (off < 0 || (u64)off >= inode_size(i))
		return -ENXIO;
	/* Dirty pages get their blocks. */
	err = mapping_write(&i->data, 0, ~0ull >> 1, false);
	if (!err)
		err = seek_map(i, (u64)off, whence == SEEK_DATA, &at);
	if (err)
		return err;
	f->pos = at;
	*out = (s64)at;
	return 0;
}

static int ext4_llseek(struct file *f, s64 off, int whence, s64 *out)
{
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return seek_hole_data(f, off, whence, out);
	return generic_llseek(f, off, whence, out);
}

/* --- sync and ioctls --------------------------------------------------------*/

int ext4_fsync(struct file *f, u64 start, u64 end, bool data_only)
{
	struct inode *i = f->inode;
	int err = inode_sync(i, false);

	if (err || !ext4_fs_of(i)->is_writable)
		return err;
	return ext4_sync_metadata(i->sb);
}

static int set_flags(struct file *f, unsigned long arg)
{
	struct inode *i = f->inode;
	struct ext4_inode *ei = ext4_i(i);
	u32 v, changed;
	int err;

	if (get_user(v, (u32 __user *)arg))
		return -EFAULT;
	if (current_fsuid() != i->uid && !capable(CAP_FOWNER))
		return -EPERM;
	err = mnt_want_write(f->path.mnt);
	if (err)
		return err;
	mutex_lock(&i->lock);
	changed = (v ^ ei->flags) & FL_USER_VISIBLE;
	if ((v & ~FL_USER_VISIBLE) || (changed & ~FL_USER_CHANGES)) {
		err = -EOPNOTSUPP;
	} else if (changed & (FL_IMMUTABLE | FL_APPEND) &&
		   !capable(9 /* CAP_LINUX_IMMUTABLE */)) {
		err = -EPERM;
	} else {
		ei->flags ^= changed;
		ext4_set_vfs_flags(ei);
		inode_touch(i, TIME_C);
	}
	mutex_unlock(&i->lock);
	mnt_drop_write(f->path.mnt);
	return err;
}

long ext4_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct inode *i = f->inode;

	switch (cmd) {
	case FS_IOC_GETFLAGS:
		return put_user(ext4_i(i)->flags & FL_USER_VISIBLE,
				(u32 __user *)arg);
	case FS_IOC_SETFLAGS:
		return set_flags(f, arg);
	case FS_IOC_GETVERSION:
		return put_user(i->generation, (u32 __user *)arg);
	case FS_IOC_FIEMAP:
		return ext4_fiemap(i, (struct fiemap __user *)arg);
	default:
		return -ENOTTY;
	}
}

const struct file_ops ext4_file_ops = {
	.read_iter = generic_read_iter,
	.write_iter = generic_write_iter,
	.llseek = ext4_llseek,
	.mmap = generic_file_mmap,
	.fsync = ext4_fsync,
	.fallocate = ext4_fallocate,
	.ioctl = ext4_ioctl,
	.nowait = FMODE_READ,
};

const struct inode_ops ext4_file_inode_ops = {
	.setattr = ext4_setattr,
	.getattr = ext4_getattr,
	.getxattr = ext4_getxattr,
	.setxattr = ext4_setxattr,
	.listxattr = ext4_listxattr,
};
