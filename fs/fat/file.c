/*
 * file - what files and directories can when they are open, and attributes.
 *
 * Locks:   inode.lock for everything that changes size or mode.
 */
#include "fat_impl.h"
#include <arch/uaccess.h>
#include <lib/string.h>
#include <task/cred.h>

#define MODE_RX 0555u
#define MODE_WRITE 0222u
#define MODE_VALID (S_IFREG | S_IFDIR | 0777u)

#define FALLOC_KEEP_SIZE 1
#define FAT_IOCTL_GET_ATTRIBUTES 0x80047210u
#define FAT_IOCTL_SET_ATTRIBUTES 0x40047211u
#define FAT_IOCTL_GET_VOLUME_ID 0x80047213u
#define CAP_LINUX_IMMUTABLE 9

/* --- attributes -----------------------------------------------------------*/

/* allow_utime: who may set times without being the owner. */
static bool may_set_times(const struct inode *i)
{
	u32 allow = fat_fs_of(i)->opt.allow_utime;

	if (current_fsuid() == i->uid)
		return false;
	if (in_group_fs(i->gid))
		allow >>= 3;
	return allow & MAY_WRITE;
}

static int prepare(struct dentry *d, struct iattr *a)
{
	u32 times = ATTR_MTIME_SET | ATTR_ATIME_SET | ATTR_TIMES_SET;
	u32 valid = a->valid;
	int err;

	if (valid & times && may_set_times(d->inode))
		a->valid &= ~times;
	err = setattr_prepare(d, a);
	a->valid = valid;
	return err;
}

static int check_owner(const struct inode *i, const struct iattr *a)
{
	const struct fat_options *o = &fat_fs_of(i)->opt;

	if ((a->valid & ATTR_UID && a->uid != o->uid) ||
	    (a->valid & ATTR_GID && a->gid != o->gid) ||
	    (a->valid & ATTR_MODE && a->mode & ~MODE_VALID))
		return -EPERM;
	return 0;
}

/* A mode that the disk can hold: all of the r and x bits that the mask lets
 * through, and all or none of the w bits.  Others are not an error, they
 * change nothing: so does Linux. */
static bool mode_fits(const struct inode *i, u32 *mode)
{
	const struct fat_options *o = &fat_fs_of(i)->opt;
	u32 mask = S_ISREG(i->mode) ? o->fmask : o->dmask;
	u32 perm = *mode & 0777 & ~mask, w = perm & MODE_WRITE;

	if ((perm & MODE_RX) != (i->mode & MODE_RX))
		return false;
	if (w != (MODE_WRITE & ~mask) &&
	    (w || !fat_mode_can_be_readonly(i)))
		return false;
	*mode = (*mode & S_IFMT) | perm;
	return true;
}

static int shrink(struct inode *i, u64 size)
{
	struct page *p;
	int err;

	/* The page that is cut is made part of the cache: its rest is zeroed
	 * on disk too. */
	if (size & ~PAGE_MASK) {
		err = page_cache_read(&i->data, size >> PAGE_SHIFT, &p);
		if (err)
			return err;
		page_put(p);
	}
	inode_set_size(i, size);
	mapping_truncate(&i->data, size);
	fat_i(i)->attrs |= ATTR_ARCHIVE;
	return fat_cut(fat_i(i), fat_clusters_of(fat_fs_of(i), size));
}

static int set_size(struct inode *i, u64 size)
{
	int err;

	if (!S_ISREG(i->mode))
		return -EINVAL;
	if (size > i->sb->max_bytes)
		return -EFBIG;
	if (size <= inode_size(i))
		return shrink(i, size);
	err = fat_expand(i, size);
	fat_trim(fat_i(i));
	return err;
}

/* To what the disk's local time can say. */
static void clamp_time(const struct inode *i, struct timespec64 *t)
{
	s64 off = fat_fs_of(i)->opt.time_offset * 60ll;

	t->sec = clamp_t(s64, t->sec, FAT_TIME_MIN - off, FAT_TIME_MAX - off);
}

static void copy_attrs(struct inode *i, struct iattr *a)
{
	clamp_time(i, &a->mtime);
	clamp_time(i, &a->atime);
	/* ctime is mtime; a change of mode moves neither. */
	a->valid &= ~ATTR_CTIME;
	setattr_copy(i, a);
	fat_round_times(i);
	inode_mark_dirty(i, I_DIRTY_SYNC);
}

int fat_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	int err = prepare(d, a);

	if (!err && a->valid & ATTR_SIZE && a->size > inode_size(i)) {
		err = set_size(i, a->size);
		if (err)
			return err;
		a->valid &= ~ATTR_SIZE;
	}
	if (!err)
		err = check_owner(i, a);
	if (err)
		return fat_fs_of(i)->opt.is_quiet ? 0 : err;
	if (a->valid & ATTR_MODE && !mode_fits(i, &a->mode))
		a->valid &= ~ATTR_MODE;
	if (a->valid & ATTR_SIZE) {
		err = set_size(i, a->size);
		if (err)
			return err;
	}
	copy_attrs(i, a);
	return 0;
}

/* --- ioctls ---------------------------------------------------------------*/

static int check_attributes(struct inode *i, u32 attr)
{
	u32 changed = attr ^ fat_attr_of(i);

	if (attr & ~0xffu || changed & (ATTR_VOLUME | ATTR_DIR))
		return -EINVAL;
	if (fat_is_root(i) && attr != ATTR_DIR)
		return -EINVAL;
	if (current_fsuid() != i->uid && !capable(CAP_FOWNER))
		return -EPERM;
	if (fat_fs_of(i)->opt.has_sys_immutable &&
	    (attr | fat_attr_of(i)) & ATTR_SYSTEM &&
	    !capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	return 0;
}

static void apply_attributes(struct inode *i, u32 attr)
{
	u32 kept = ATTR_HIDDEN | ATTR_SYSTEM | ATTR_ARCHIVE;

	i->mode = fat_mode_of(i, attr, (const u8 *)"        EXE");
	if (!fat_mode_can_be_readonly(i))
		kept |= ATTR_RDONLY;
	fat_i(i)->attrs = (u8)(attr & kept);
	if (fat_fs_of(i)->opt.has_sys_immutable)
		i->flags = (i->flags & ~S_IMMUTABLE) |
			   (attr & ATTR_SYSTEM ? S_IMMUTABLE : 0);
	inode_mark_dirty(i, I_DIRTY_SYNC);
}

static int set_attributes(struct file *f, u32 __user *arg)
{
	struct inode *i = f->inode;
	u32 attr, was_exec = i->mode & 0111;
	int err;

	if (get_user(attr, arg))
		return -EFAULT;
	err = mnt_want_write(f->path.mnt);
	if (err)
		return err;
	mutex_lock(&i->lock);
	if (S_ISDIR(i->mode))
		attr |= ATTR_DIR;
	err = check_attributes(i, attr);
	if (!err) {
		apply_attributes(i, attr);
		if (!was_exec)
			i->mode &= ~0111u;
	}
	mutex_unlock(&i->lock);
	mnt_drop_write(f->path.mnt);
	return err;
}

long fat_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	u32 __user *to = (u32 __user *)arg;

	switch (cmd) {
	case FAT_IOCTL_GET_ATTRIBUTES:
		return put_user((u32)fat_attr_of(f->inode), to);
	case FAT_IOCTL_SET_ATTRIBUTES:
		return set_attributes(f, to);
	case FAT_IOCTL_GET_VOLUME_ID:
		return put_user(fat_fs_of(f->inode)->volume_id, to);
	default:
		return -ENOTTY;
	}
}

/* --- space, sync ----------------------------------------------------------*/

static int fat_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode;
	u64 end = off + len;
	int err = 0;

	/* Clusters behind the end would be lost in a crash. */
	if (mode)
		return -EOPNOTSUPP;
	if (!S_ISREG(i->mode))
		return -EOPNOTSUPP;
	mutex_lock(&i->lock);
	if (end > inode_size(i)) {
		err = inode_newsize_ok(i, end);
		if (!err)
			err = fat_expand(i, end);
		if (!err)
			inode_touch(i, TIME_M);
		fat_trim(fat_i(i));
	}
	mutex_unlock(&i->lock);
	return err;
}

int fat_fsync(struct file *f, u64 start, u64 end, bool data_only)
{
	struct inode *i = f->inode;
	int err = inode_sync(i, false);

	if (err || !fat_fs_of(i)->is_writable)
		return err;
	return fat_sync_metadata(i->sb);
}

/* "flush": what a file got is on its way when it is closed. */
static void fat_release(struct file *f)
{
	struct inode *i = f->inode;

	if (!(f->mode & FMODE_WRITE) || !fat_fs_of(i)->opt.has_flush)
		return;
	ignore_error(inode_sync(i, false));	/* later syncs tell */
	ignore_error(mapping_write(&i->sb->bdev->inode->data, 0, ~0ull >> 1,
				   false));
}

const struct file_ops fat_file_ops = {
	.read_iter = generic_read_iter,
	.write_iter = generic_write_iter,
	.llseek = generic_llseek,
	.mmap = generic_file_mmap,
	.fsync = fat_fsync,
	.release = fat_release,
	.fallocate = fat_fallocate,
	.ioctl = fat_ioctl,
};

const struct inode_ops fat_file_inode_ops = {
	.setattr = fat_setattr,
	.update_time = fat_update_time,
};
