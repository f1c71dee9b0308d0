/*
 * read_write - the data calls of open files, and the generic operations of
 * files in the page cache.
 *
 * Locks:   a write holds the inode's lock, so that writes are atomic against
 *          each other and see one size.
 */
#include "vfs_impl.h"
#include <fs/device.h>
#include <fs/fdtable.h>
#include <kernel/assert.h>
#include <mm/mm.h>
#include <signal/signal.h>
#include <task/process.h>

#define MAX_RW_COUNT (INT_MAX & PAGE_MASK)

/* --- entries ---------------------------------------------------------------------*/
static noinline ssize_t no_read(const struct file *f)
{
	if (!(f->mode & FMODE_READ))
		return -EBADF;
	return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
}

__hot ssize_t vfs_read(struct file *f, struct iter *it, u64 *pos,
		       unsigned flags)
{
	ssize_t n;

	if (unlikely(!(f->mode & FMODE_READ) || !f->ops->read_iter))
		return no_read(f);
	if (unlikely((s64)(it->count | *pos | (*pos + it->count)) < 0))
		return -EINVAL;
	if (unlikely(it->count > MAX_RW_COUNT))
		it->count = MAX_RW_COUNT;
	n = f->ops->read_iter(f, it, pos, flags);
	current->io_syscr++;
	if (n > 0) {
		current->io_read += (u64)n;
		notify_file(f, FSN_ACCESS);
	}
	return n;
}

__hot ssize_t vfs_write(struct file *f, struct iter *it, u64 *pos,
			unsigned flags)
{
	ssize_t n;

	if (unlikely(!(f->mode & FMODE_WRITE) || !f->ops->write_iter))
		return f->mode & FMODE_WRITE ? -EINVAL : -EBADF;
	if (unlikely((s64)(it->count | *pos | (*pos + it->count)) < 0))
		return -EINVAL;
	if (unlikely(it->count > MAX_RW_COUNT))
		it->count = MAX_RW_COUNT;
	n = f->ops->write_iter(f, it, pos, flags);
	current->io_syscw++;
	if (n > 0) {
		current->io_write += (u64)n;
		notify_file(f, FSN_MODIFY);
	}
	return n;
}

ssize_t file_read_kernel(struct file *f, void *buf, size_t n, u64 *pos)
{
	struct kvec v = { buf, n };
	struct iter it;

	iter_kvec(&it, &v, 1, n, false);
	return vfs_read(f, &it, pos, 0);
}

ssize_t file_write_kernel(struct file *f, const void *buf, size_t n, u64 *pos)
{
	struct kvec v = { (void *)buf, n };
	struct iter it;

	iter_kvec(&it, &v, 1, n, true);
	return vfs_write(f, &it, pos, 0);
}

/* --- reading ------------------------------------------------------------------------*/
/* Whole pages of a byte range: first and last index. */
static void page_range(u64 pos, u64 n, u64 *first, u64 *last)
{
	*first = pos >> PAGE_SHIFT;
	*last = (pos + n - 1) >> PAGE_SHIFT;
}

static ssize_t direct_read(struct file *f, struct iter *it, u64 *pos)
{
	struct mapping *m = f->mapping;
	u64 first, last;
	ssize_t n;
	int err;

	if (*pos >= mapping_size(m))
		return 0;
	page_range(*pos, it->count, &first, &last);
	err = mapping_write(m, first, last, true);
	if (err)
		return err;
	n = m->ops->direct_io(m, it, *pos);
	if (n > 0)
		*pos += (u64)n;
	return n;
}

static noinline ssize_t read_specially(struct file *f, struct iter *it,
				       u64 *pos, unsigned flags)
{
	struct mapping *m = f->mapping;

	if (!(flags & IOCB_DIRECT) || !m->ops->direct_io)
		return flags & IOCB_NOWAIT ?
		       filemap_read_nowait(m, &f->ra, it, pos) :
		       filemap_read(m, &f->ra, it, pos);
	if ((flags & IOCB_NOWAIT) && mapping_is_dirty(m))
		return -EAGAIN;		/* it would have to be written first */
	return direct_read(f, it, pos);
}

ssize_t generic_read_iter(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	struct mapping *m = f->mapping;
	ssize_t n;

	if (unlikely(!it->count))
		return 0;
	if (unlikely(flags & (IOCB_DIRECT | IOCB_NOWAIT)))
		n = read_specially(f, it, pos, flags);
	else
		n = filemap_read(m, &f->ra, it, pos);
	file_accessed(f);
	return n;
}

/* --- writing ------------------------------------------------------------------------*/
int write_limit(const struct inode *i, u64 pos, u64 *room)
{
	u64 soft = rlimit(RLIMIT_FSIZE);

	if (pos >= soft) {
		signal_send(SIGXFSZ, NULL, current, SIG_TO_THREAD);
		return -EFBIG;
	}
	soft = min(soft, i->sb->max_bytes);
	if (pos >= soft)
		return -EFBIG;
	*room = soft - pos;
	return 0;
}

/* Position and count by O_APPEND and the limits; 0: nothing to write. */
static ssize_t write_checks(struct file *f, struct iter *it, u64 *pos,
			    unsigned flags)
{
	u64 room;
	int err;

	if (!it->count)
		return 0;
	if (flags & IOCB_APPEND)
		*pos = inode_size(f->inode);
	err = write_limit(f->inode, *pos, &room);
	if (err)
		return err;
	if (it->count > room)
		it->count = room;
	return (ssize_t)it->count;
}

/* No page of the range stays, mapped or not, but what was stored to since. */
static void forget_pages(struct mapping *m, u64 first, u64 last)
{
	mapping_unmap(m, first, last, false);
	mapping_invalidate(m, first, last);
}

static ssize_t direct_write(struct file *f, struct iter *it, u64 *pos)
{
	struct mapping *m = f->mapping;
	u64 first, last, start = *pos;
	ssize_t n = -EAGAIN;
	int err;

	if ((start | it->count) & (f->inode->sb->bdev->logical_block - 1))
		return -EINVAL;
	page_range(start, it->count, &first, &last);
	err = mapping_write(m, first, last, true);
	if (err)
		return err;
	/* What grows the file goes through the cache, then out. */
	if (start + it->count <= mapping_size(m)) {
		forget_pages(m, first, last);
		n = m->ops->direct_io(m, it, start);
		forget_pages(m, first, last);
		if (n > 0)
			*pos += (u64)n;
		return n;
	}
	n = filemap_write(m, it, pos);
	if (n <= 0)
		return n;
	err = mapping_write(m, first, last, true);
	mapping_invalidate(m, first, last);
	return err ? err : n;
}

static ssize_t sync_written(struct file *f, u64 end, ssize_t n, unsigned flags)
{
	int err;

	if (n <= 0 || !(flags & (IOCB_DSYNC | IOCB_SYNC)) || !f->ops->fsync)
		return n;
	err = f->ops->fsync(f, end - (u64)n, end - 1, !(flags & IOCB_SYNC));
	return err ? err : n;
}

ssize_t generic_write_iter(struct file *f, struct iter *it, u64 *pos,
			   unsigned flags)
{
	struct inode *i = f->inode;
	ssize_t n;
	int err;

	if (unlikely((i->sb->flags & SB_SYNCHRONOUS) || (i->flags & S_SYNC)))
		flags |= IOCB_DSYNC | IOCB_SYNC;
	mutex_lock(&i->lock);
	n = write_checks(f, it, pos, flags);
	if (likely(n > 0)) {
		err = file_update_for_write(f);
		if (err)
			n = err;
		else if (unlikely(flags & IOCB_DIRECT) &&
			 f->mapping->ops->direct_io)
			n = direct_write(f, it, pos);
		else
			n = filemap_write(f->mapping, it, pos);
	}
	mutex_unlock(&i->lock);
	if (unlikely(flags & (IOCB_DSYNC | IOCB_SYNC)))
		return sync_written(f, *pos, n, flags);
	return n;
}

/* --- positions --------------------------------------------------------------------------*/
int generic_llseek(struct file *f, s64 off, int whence, s64 *out)
{
	u64 size = inode_size(f->inode), max = f->inode->sb->max_bytes;

	if (S_ISBLK(f->inode->mode))
		size = mapping_size(f->mapping);
	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		if (add_overflow(off, (s64)f->pos, &off))
			return -EINVAL;
		break;
	case SEEK_END:
		if (add_overflow(off, (s64)size, &off))
			return -EINVAL;
		break;
	case SEEK_DATA:
		if (off < 0 || (u64)off >= size)
			return -ENXIO;
		break;
	case SEEK_HOLE:
		if (off < 0 || (u64)off >= size)
			return -ENXIO;
		off = (s64)size;
		break;
	default:
		return -EINVAL;
	}
	if (off < 0 || (u64)off > max)
		return -EINVAL;
	f->pos = (u64)off;
	*out = off;
	return 0;
}

int no_llseek(struct file *f, s64 off, int whence, s64 *out)
{
	return -ESPIPE;
}

int noop_llseek(struct file *f, s64 off, int whence, s64 *out)
{
	*out = (s64)f->pos;
	return 0;
}

/* --- memory ---------------------------------------------------------------------------*/
void file_vma_open(struct vma *v)
{
	file_get(v->file);
}

void file_vma_close(struct vma *v)
{
	file_put(v->file);
}

static int generic_mkwrite(struct vma *v, struct page *p)
{
	struct mapping *m = v->mapping;

	inode_touch(v->file->inode, TIME_M | TIME_C);
	return m->ops->page_mkwrite ? m->ops->page_mkwrite(m, p) : 0;
}

const struct vma_ops generic_file_vm_ops = {
	.open = file_vma_open,
	.close = file_vma_close,
	.fault = filemap_fault,
	.mkwrite = generic_mkwrite,
};

int generic_file_mmap(struct file *f, struct vma *v)
{
	file_accessed(f);
	v->ops = &generic_file_vm_ops;
	v->mapping = f->mapping;
	file_get(f);
	return 0;
}

/* --- durability --------------------------------------------------------------------------*/
/* A write error since this file was opened or last asked, once. */
int file_check_write_error(struct file *f)
{
	struct mapping *m = f->mapping;
	u32 seq = READ_ONCE(m->wb_err_seq);
	int err;

	if (seq == f->wb_err_seq)
		return 0;
	f->wb_err_seq = seq;
	err = READ_ONCE(m->wb_err);
	return err ? err : -EIO;
}

int vfs_fsync_range(struct file *f, u64 start, u64 end, bool data_only)
{
	int err, e;

	if (!f->ops->fsync)
		return -EINVAL;
	irqs_unmask();
	err = f->ops->fsync(f, start, end, data_only);
	e = file_check_write_error(f);
	return err ? err : e;
}
