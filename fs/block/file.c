/*
 * file - /dev/NAME of a block device: data through the device's page cache,
 * and the ioctls that tools like mke2fs, fdisk and blockdev use.
 *
 * Locks:   the device inode's lock around writes.
 * Life:    an open file holds a reference on the device and counts as an
 *          opener; the last one writes the cache out, as Linux does.
 */
#include "block_impl.h"
#include <arch/uaccess.h>
#include <task/cred.h>

#define BLKROSET 0x125d
#define BLKROGET 0x125e
#define BLKRRPART 0x125f
#define BLKGETSIZE 0x1260
#define BLKFLSBUF 0x1261
#define BLKRASET 0x1262
#define BLKRAGET 0x1263
#define BLKFRASET 0x1264
#define BLKFRAGET 0x1265
#define BLKSSZGET 0x1268
#define BLKBSZGET 0x80081270u
#define BLKBSZSET 0x40081271u
#define BLKGETSIZE64 0x80081272u
#define BLKDISCARD 0x1277
#define BLKIOMIN 0x1278
#define BLKIOOPT 0x1279
#define BLKALIGNOFF 0x127a
#define BLKPBSZGET 0x127b
#define BLKDISCARDZEROES 0x127c
#define BLKROTATIONAL 0x127e
#define BLKZEROOUT 0x127f

static int blkdev_open(struct inode *i, struct file *f)
{
	struct block_device *b = blkdev_find_dev(i->rdev);
	int err;

	if (!b)
		return -ENXIO;
	if (f->mode & FMODE_EXCL) {
		err = blkdev_claim(b, f);
		if (err) {
			blkdev_put(b);
			return err;
		}
	}
	fetch_add_relaxed(&b->openers, 1);
	f->priv = b;
	f->mapping = blkdev_mapping(b);
	return 0;
}

static void blkdev_file_release(struct file *f)
{
	struct block_device *b = f->priv;

	if (f->mode & FMODE_EXCL)
		blkdev_release(b, f);
	/* An error was recorded in the mapping for who syncs. */
	if (fetch_add(&b->openers, -1) == 1 && f->mode & FMODE_WRITE)
		ignore_error(mapping_write(f->mapping, 0, ~0ull >> 1, true));
	blkdev_idle(b);
	blkdev_put(b);
}

static ssize_t blkdev_read_iter(struct file *f, struct iter *it, u64 *pos,
				unsigned flags)
{
	ssize_t n;

	if (!(flags & IOCB_DIRECT))
		return flags & IOCB_NOWAIT ?
		       filemap_read_nowait(f->mapping, &f->ra, it, pos) :
		       filemap_read(f->mapping, &f->ra, it, pos);
	if ((flags & IOCB_NOWAIT) && mapping_is_dirty(f->mapping))
		return -EAGAIN;
	n = f->mapping->ops->direct_io(f->mapping, it, *pos);
	if (n > 0)
		*pos += n;
	return n;
}

static ssize_t write_locked(struct file *f, struct iter *it, u64 *pos,
			    unsigned flags)
{
	ssize_t n;

	if (!(flags & IOCB_DIRECT))
		return filemap_write(f->mapping, it, pos);
	n = f->mapping->ops->direct_io(f->mapping, it, *pos);
	if (n > 0)
		*pos += n;
	return n;
}

static ssize_t blkdev_write_iter(struct file *f, struct iter *it, u64 *pos,
				 unsigned flags)
{
	struct block_device *b = f->priv;
	u64 size = blkdev_bytes(b), start;
	size_t rest = 0;
	ssize_t n;

	if (b->whole->is_readonly || b->is_readonly)
		return -EPERM;
	if (flags & IOCB_APPEND)
		*pos = size;
	if (!it->count)
		return 0;
	if (*pos >= size)
		return -ENOSPC;
	if (it->count > size - *pos) {
		rest = it->count - (size - *pos);
		it->count -= rest;
	}
	start = *pos;
	mutex_lock(&b->inode->lock);
	n = write_locked(f, it, pos, flags);
	mutex_unlock(&b->inode->lock);
	it->count += rest;
	if (n > 0 && flags & (IOCB_DSYNC | IOCB_SYNC)) {
		int err = mapping_write(f->mapping, start >> PAGE_SHIFT,
					(*pos - 1) >> PAGE_SHIFT, true);

		if (!err)
			err = blkdev_flush(b);
		if (err)
			return err;
	}
	if (n > 0 && !(flags & IOCB_DIRECT))
		balance_dirty_pages();
	return n;
}

static int blkdev_llseek(struct file *f, s64 off, int whence, s64 *out)
{
	s64 size = (s64)mapping_size(f->mapping);

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		if (add_overflow(off, (s64)f->pos, &off))
			return -EINVAL;
		break;
	case SEEK_END:
		if (add_overflow(off, size, &off))
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	if (off < 0 || off > size)
		return -EINVAL;
	f->pos = (u64)off;
	*out = off;
	return 0;
}

static int blkdev_fsync(struct file *f, u64 start, u64 end, bool data_only)
{
	int err = mapping_write(f->mapping, start >> PAGE_SHIFT,
				end >> PAGE_SHIFT, true);

	return err ? err : blkdev_flush(f->priv);
}

/* --- ioctls */

static int put_int(unsigned long arg, u32 v)
{
	return put_user(v, (u32 __user *)arg);
}

static int put_u64(unsigned long arg, u64 v)
{
	return put_user(v, (u64 __user *)arg);
}

static int flush_cache(struct block_device *b)
{
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	err = mapping_write(blkdev_mapping(b), 0, ~0ull >> 1, true);
	if (!err)
		mapping_invalidate(blkdev_mapping(b), 0, ~0ull >> 1);
	return err;
}

static int discard_bios(struct block_device *b, enum bio_op op, u64 start,
			u64 len)
{
	struct bio *bio;
	int err = 0;

	while (len && !err) {
		u64 n = min_t(u64, len, 1u << 30);

		err = bio_alloc(b, op, start >> 9, 0, GFP_KERNEL, &bio);
		if (err)
			break;
		bio->bytes = (u32)n;
		err = bio_submit_wait(bio);
		bio_free(bio);
		start += n;
		len -= n;
	}
	return err;
}

static int discard_range(struct file *f, enum bio_op op, unsigned long arg)
{
	struct block_device *b = f->priv;
	u64 range[2], end;
	int err;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (op == BIO_DISCARD && !b->has_discard)
		return -EOPNOTSUPP;
	if (copy_from_user(range, (void __user *)arg, sizeof(range)))
		return -EFAULT;
	if ((range[0] | range[1]) & 511 ||
	    add_overflow(range[0], range[1], &end) || end > blkdev_bytes(b))
		return -EINVAL;
	mutex_lock(&b->inode->lock);
	err = mapping_write(f->mapping, range[0] >> PAGE_SHIFT,
			    end >> PAGE_SHIFT, true);
	if (!err)
		err = discard_bios(b, op, range[0], range[1]);
	mapping_invalidate(f->mapping, range[0] >> PAGE_SHIFT,
			   end >> PAGE_SHIFT);
	mutex_unlock(&b->inode->lock);
	return err;
}

static int set_readonly(struct block_device *b, unsigned long arg)
{
	u32 v;

	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (get_user(v, (u32 __user *)arg))
		return -EFAULT;
	b->is_readonly = v;
	return 0;
}

#define PAGE_SECTORS (PAGE_SIZE / 512)
#define RA_PAGES_MOST (1ul << 14)	/* 64 MiB */

static int set_readahead(struct block_device *b, unsigned long sectors)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	WRITE_ONCE(b->whole->ra_pages,
		   (u32)min(sectors / PAGE_SECTORS, RA_PAGES_MOST));
	return 0;
}

static long blkdev_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct block_device *b = f->priv;

	switch (cmd) {
	case BLKROGET:
		return put_int(arg, b->is_readonly || b->whole->is_readonly);
	case BLKROSET:
		return set_readonly(b, arg);
	case BLKRRPART:
		return capable(CAP_SYS_ADMIN) ? blkdev_rescan(b) : -EACCES;
	case BLKGETSIZE:
		return put_u64(arg, b->sectors);
	case BLKGETSIZE64:
		return put_u64(arg, blkdev_bytes(b));
	case BLKFLSBUF:
		return flush_cache(b);
	case BLKRASET:
	case BLKFRASET:
		return set_readahead(b, arg);
	case BLKRAGET:
	case BLKFRAGET:
		return put_u64(arg, b->whole->ra_pages * PAGE_SECTORS);
	case BLKSSZGET:
		return put_int(arg, b->logical_block);
	case BLKBSZGET:
		return put_int(arg, PAGE_SIZE);
	case BLKPBSZGET:
	case BLKIOMIN:
		return put_int(arg, b->physical_block);
	case BLKIOOPT:
	case BLKALIGNOFF:
	case BLKDISCARDZEROES:
		return put_int(arg, 0);
	case BLKROTATIONAL:
		return put_user((u16)1, (u16 __user *)arg);
	case BLKDISCARD:
		return discard_range(f, BIO_DISCARD, arg);
	case BLKZEROOUT:
		return discard_range(f, BIO_ZEROES, arg);
	default:
		return b->ops->ioctl ? b->ops->ioctl(b, f, cmd, arg) : -ENOTTY;
	}
}

const struct file_ops blkdev_fops = {
	.open = blkdev_open,
	.release = blkdev_file_release,
	.read_iter = blkdev_read_iter,
	.write_iter = blkdev_write_iter,
	.llseek = blkdev_llseek,
	.mmap = generic_file_mmap,
	.fsync = blkdev_fsync,
	.ioctl = blkdev_ioctl,
	.nowait = FMODE_READ,
};
