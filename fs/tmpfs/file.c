/*
 * file - regular files of tmpfs: pages that nobody writes back, holes, seals.
 *
 * Locks:   a page is counted under its lock; seals change under the inode's.
 */
#include <kernel/spinlock.h>
#include <lib/string.h>
#include <mm/mm.h>
#include "tmpfs_impl.h"

#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2

static struct tmpfs_file *file_of(const struct inode *i)
{
	return i->priv;
}

/* --- pages ---------------------------------------------------------------------------*/
static int reserve(struct tmpfs_sb *t)
{
	u64 n = __atomic_add_fetch(&t->pages, 1, __ATOMIC_RELAXED);

	if (likely(!t->max_pages || n <= READ_ONCE(t->max_pages)))
		return 0;
	__atomic_sub_fetch(&t->pages, 1, __ATOMIC_RELAXED);
	return -ENOSPC;
}

/* Counts the locked page once. */
static int count_page(struct inode *i, struct page *p)
{
	int err;

	if (likely(page_test(p, PG_PRIVATE)))
		return 0;
	err = reserve(i->sb->priv);
	if (err)
		return err;
	page_flag_set(p, PG_PRIVATE);
	__atomic_add_fetch(&i->blocks, PAGE_SIZE / 512, __ATOMIC_RELAXED);
	return 0;
}

static int may_map_writable(struct mapping *m)
{
	return file_of(m->host)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ?
		-EPERM : 0;
}

/* Under the inode's lock, so seals are what they will be. */
static int check_write_seals(struct mapping *m, u64 end)
{
	u32 seals = file_of(m->host)->seals;

	if (likely(!seals))
		return 0;
	if ((seals & F_SEAL_GROW) && end > mapping_size(m))
		return -EPERM;
	return may_map_writable(m);
}

static int write_begin(struct mapping *m, u64 pos, unsigned len,
		       struct page **page)
{
	struct page *p;
	int err = check_write_seals(m, pos + len);

	if (!err)
		err = page_cache_grab(m, pos >> PAGE_SHIFT, &p);
	if (err)
		return err;
	err = count_page(m->host, p);
	if (unlikely(err)) {
		page_cache_remove(p);	/* new: what has data is counted */
		page_unlock(p);
		page_put(p);
		return err;
	}
	if (!page_test(p, PG_UPTODATE) && len != PAGE_SIZE) {
		page_zero(page_to_va(p));
		page_flag_set(p, PG_UPTODATE);
	}
	*page = p;
	return 0;
}

static int page_mkwrite(struct mapping *m, struct page *p)
{
	return count_page(m->host, p);
}

static void page_release(struct mapping *m, struct page *p)
{
	struct inode *i = m->host;

	if (!page_test(p, PG_PRIVATE))
		return;
	page_flag_clear(p, PG_PRIVATE);
	__atomic_sub_fetch(&i->blocks, PAGE_SIZE / 512, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&((struct tmpfs_sb *)i->sb->priv)->pages, 1,
			   __ATOMIC_RELAXED);
}

const struct mapping_ops tmpfs_mapping_ops = {
	.write_begin = write_begin,
	.page_mkwrite = page_mkwrite,
	.may_map_writable = may_map_writable,
	.page_release = page_release,
};

/* --- seals ---------------------------------------------------------------------------*/
static int check_size_seals(struct inode *i, u64 size)
{
	u32 seals = file_of(i)->seals;

	if ((seals & F_SEAL_SHRINK) && size < inode_size(i))
		return -EPERM;
	if ((seals & F_SEAL_GROW) && size > inode_size(i))
		return -EPERM;
	return 0;
}

/* --- operations ------------------------------------------------------------------------*/
static ssize_t tmpfs_write_iter(struct file *f, struct iter *it, u64 *pos,
				unsigned flags)
{
	struct inode *i = f->inode;
	u32 seals = READ_ONCE(file_of(i)->seals);

	if (unlikely(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	if (unlikely(seals & F_SEAL_GROW)) {
		u64 size = inode_size(i);

		if (*pos >= size && it->count)
			return -EPERM;
		if (it->count > size - *pos)
			it->count = size - *pos;
	}
	return generic_write_iter(f, it, pos, flags);
}

static int tmpfs_mmap(struct file *f, struct vma *v)
{
	u32 seals = READ_ONCE(file_of(f->inode)->seals);

	if (unlikely(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) &&
	    (v->flags & VM_SHARED)) {
		if (v->flags & VM_WRITE)
			return -EPERM;
		v->flags &= ~VM_MAYWRITE;
	}
	return generic_file_mmap(f, v);
}

static int seek_data(struct file *f, u64 off, s64 *out)
{
	struct mapping *m = f->mapping;
	unsigned long index = off >> PAGE_SHIFT;
	u64 at;
	void *p;

	spin_lock(&m->lock);
	p = radix_next(&m->pages, &index);
	spin_unlock(&m->lock);
	at = max(off, (u64)index << PAGE_SHIFT);
	if (!p || at >= mapping_size(m))
		return -ENXIO;
	*out = (s64)at;
	return 0;
}

static int seek_hole(struct file *f, u64 off, s64 *out)
{
	struct mapping *m = f->mapping;
	unsigned long index = off >> PAGE_SHIFT;
	u64 at;

	spin_lock(&m->lock);
	index = radix_next_hole(&m->pages, index, ULONG_MAX);
	spin_unlock(&m->lock);
	at = max(off, (u64)index << PAGE_SHIFT);
	*out = (s64)min(at, mapping_size(m));
	return 0;
}

static int tmpfs_llseek(struct file *f, s64 off, int whence, s64 *out)
{
	int err;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_llseek(f, off, whence, out);
	if (off < 0 || (u64)off >= inode_size(f->inode))
		return -ENXIO;
	err = whence == SEEK_DATA ? seek_data(f, (u64)off, out) :
				    seek_hole(f, (u64)off, out);
	if (!err)
		f->pos = (u64)*out;
	return err;
}

static int allocate_page(struct inode *i, u64 index)
{
	struct page *p;
	int err = page_cache_grab(&i->data, index, &p);

	if (err)
		return err;
	err = count_page(i, p);
	if (err) {
		page_cache_remove(p);	/* as in write_begin() */
	} else {
		if (!page_test(p, PG_UPTODATE)) {
			page_zero(page_to_va(p));
			page_flag_set(p, PG_UPTODATE);
		}
		page_mark_dirty(p);
	}
	page_unlock(p);
	page_put(p);
	return err;
}

static int allocate(struct inode *i, u64 start, u64 end, bool keep_size)
{
	int err = keep_size ? 0 : inode_newsize_ok(i, end);

	if (!err && !keep_size && end > inode_size(i))
		err = check_size_seals(i, end);
	for (u64 n = start >> PAGE_SHIFT; !err && n << PAGE_SHIFT < end; n++) {
		err = allocate_page(i, n);
		if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	if (!err && !keep_size && end > inode_size(i))
		inode_set_size(i, end);
	return err;
}

static int tmpfs_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode;
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	mutex_lock(&i->lock);
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		err = -EPERM;
		if (!(file_of(i)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) {
			mapping_punch(&i->data, off, off + len);
			err = 0;
		}
	} else {
		err = allocate(i, off, off + len, mode & FALLOC_FL_KEEP_SIZE);
	}
	if (!err)
		inode_touch(i, TIME_M | TIME_C);
	mutex_unlock(&i->lock);
	return err;
}

static int tmpfs_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	int err;

	if (a->valid & ATTR_SIZE) {
		err = check_size_seals(i, a->size);
		if (err)
			return err;
	}
	if ((a->valid & ATTR_MODE) && (file_of(i)->seals & F_SEAL_EXEC) &&
	    ((a->mode ^ i->mode) & 0111))
		return -EPERM;
	return simple_setattr(d, a);
}

int tmpfs_fsync(struct file *f, u64 start, u64 end, bool data_only)
{
	return 0;			/* there is no other place for it */
}

const struct inode_ops tmpfs_file_inode_ops = {
	.setattr = tmpfs_setattr,
	TMPFS_XATTR_OPS,
};

const struct file_ops tmpfs_file_ops = {
	.read_iter = generic_read_iter,
	.write_iter = tmpfs_write_iter,
	.llseek = tmpfs_llseek,
	.mmap = tmpfs_mmap,
	.fsync = tmpfs_fsync,
	.ioctl = tmpfs_ioctl,
	.fallocate = tmpfs_fallocate,
};
