/*
 * data - the pages of files, to and from clusters.
 *
 * Theory:  FAT has no holes: every byte below the size has its cluster, so
 *          only writes that move the size up allocate, and they do it before
 *          the copy: ENOSPC is told by write().  A gap between the old size
 *          and a write is filled with zeros through the page cache.  What a
 *          page holds behind the size means nothing: it is zeroed when the
 *          size moves over it, and on its way to the disk.
 * Locks:   inode.lock for what moves the size; the page lock, then table_lock.
 */
#include "fat_impl.h"
#include <kernel/task.h>
#include <lib/string.h>

#define BALANCE_PAGES 64

/* --- between pages and the disk -------------------------------------------*/

struct mover {
	struct fat_inode *fi;
	struct bio_run run;
	u32 end;		/* first cluster not wanted */
	u32 file, disk, len;	/* clusters last looked up; len 0: none */
};

/* The sector of byte pos, and how many bytes follow it on the disk. */
static int mover_map(struct mover *m, u64 pos, u64 *sector, u64 *bytes)
{
	struct fat_fs *fs = fat_fs_of(&m->fi->vfs);
	u32 c = (u32)(pos >> fs->cluster_bits);
	u64 off;
	int err;

	if (!m->len || c < m->file || c - m->file >= m->len) {
		m->len = max(m->end, c + 1) - c;
		m->file = c;
		err = fat_map(m->fi, c, &m->disk, &m->len);
		if (err) {
			m->len = 0;
			return err;
		}
	}
	off = pos - ((u64)m->file << fs->cluster_bits);
	*sector = fat_cluster_sector(fs, m->disk) + (off >> 9);
	*bytes = ((u64)m->len << fs->cluster_bits) - off;
	return 0;
}

/* The first n bytes of the page, a multiple of the sector size. */
static int move_page(struct mover *m, struct page *p, unsigned n)
{
	u64 pos = p->index << PAGE_SHIFT, sector, bytes;
	unsigned off, len;
	int err;

	for (off = 0; off < n; off += len) {
		err = mover_map(m, pos + off, &sector, &bytes);
		if (err)
			return err;
		len = (unsigned)min_t(u64, bytes, n - off);
		err = bio_run_add(&m->run, sector, p, off, len);
		if (err)
			return err;
	}
	return 0;
}

/* Bytes of the page that the file has, in whole sectors. */
static unsigned page_sectors(const struct inode *i, const struct page *p)
{
	u64 size = inode_size(i), pos = p->index << PAGE_SHIFT;

	if (pos >= size)
		return 0;
	return (unsigned)min_t(u64, PAGE_SIZE,
			       ALIGN_UP(size - pos, (u64)i->sb->blocksize));
}

static void mover_init(struct mover *m, struct inode *i, enum bio_op op)
{
	*m = (struct mover){ .fi = fat_i(i),
			     .run = { .bdev = i->sb->bdev, .op = op,
				      .gfp = GFP_NOFS } };
}

static int fat_read_pages(struct mapping *map, struct page **pages, unsigned n)
{
	struct inode *i = map->host;
	struct mover m;
	unsigned len;
	int err;

	mover_init(&m, i, BIO_READ);
	m.run.hint = n;
	m.end = fat_clusters_of(fat_fs_of(i),
				min((pages[n - 1]->index + 1) << PAGE_SHIFT,
				    inode_size(i)));
	for (unsigned k = 0; k < n; k++) {
		len = page_sectors(i, pages[k]);
		page_io_start(pages[k]);
		memset((u8 *)page_to_va(pages[k]) + len, 0, PAGE_SIZE - len);
		err = move_page(&m, pages[k], len);
		page_io_done(pages[k], false, err);
	}
	bio_run_submit(&m.run);
	return 0;
}

static void write_page(struct mover *m, struct page *p)
{
	struct inode *i = &m->fi->vfs;
	u64 size = inode_size(i), pos = p->index << PAGE_SHIFT;
	unsigned n = page_sectors(i, p), len;

	if (!n || !page_clear_dirty_for_io(p)) {
		page_unlock(p);
		return;
	}
	len = (unsigned)min_t(u64, size - pos, PAGE_SIZE);
	memset((u8 *)page_to_va(p) + len, 0, PAGE_SIZE - len);
	page_start_writeback(p);
	page_io_start(p);
	page_unlock(p);
	page_io_done(p, true, move_page(m, p, n));
}

/* A page still on its way: waits if asked to; false: leave it for later. */
static bool ready_to_write(struct mover *m, struct page *p, bool is_sync)
{
	if (!page_test(p, PG_WRITEBACK))
		return true;
	if (!is_sync)
		return false;
	bio_run_submit(&m->run);
	plug_flush();
	page_wait_clear(p, PG_WRITEBACK);
	return true;
}

static int fat_write_pages(struct mapping *map, struct writeback *wb)
{
	struct inode *i = map->host;
	u64 index = wb->start;
	struct io_plug plug;
	struct mover m;
	struct page *p;

	if (!fat_fs_of(i)->is_writable)
		return -EROFS;
	mover_init(&m, i, BIO_WRITE);
	m.end = fat_clusters_of(fat_fs_of(i), inode_size(i));
	plug_start(&plug);
	while (wb->nr_to_write > 0 &&
	       (p = mapping_next_dirty(map, &index, wb->end))) {
		index = p->index + 1;
		if (ready_to_write(&m, p, wb->is_sync)) {
			write_page(&m, p);
			wb->nr_to_write--;
		} else {
			page_unlock(p);
		}
		page_put(p);
	}
	bio_run_submit(&m.run);
	plug_end(&plug);
	return 0;
}

/* --- readying pages -------------------------------------------------------*/

static int page_content(struct mapping *m, struct page *p, unsigned len)
{
	if (page_test(p, PG_UPTODATE) || len == PAGE_SIZE)
		return 0;
	if (p->index << PAGE_SHIFT >= mapping_size(m)) {
		page_zero(page_to_va(p));
		page_flag_set(p, PG_UPTODATE);
		return 0;
	}
	return page_read_relock(m, p);
}

/* The page for a write of len bytes at pos, locked, its clusters there. */
static int ready_page(struct mapping *m, u64 pos, unsigned len,
		      struct page **page)
{
	struct inode *i = m->host;
	struct page *p;
	int err;

	err = fat_grow(fat_i(i), fat_clusters_of(fat_fs_of(i), pos + len));
	if (err)
		return err;
	do {
		err = page_cache_grab(m, pos >> PAGE_SHIFT, &p);
		if (err)
			return err;
		err = page_content(m, p, len);
		if (err) {
			page_put(p);
			if (err != -EAGAIN)
				return err;
		}
	} while (err);
	*page = p;
	return 0;
}

static void written(struct inode *i, struct page *p, u64 end)
{
	if (!page_test(p, PG_UPTODATE))
		page_flag_set(p, PG_UPTODATE);
	if (!page_test(p, PG_DIRTY))
		page_mark_dirty(p);
	if (end > inode_size(i)) {
		inode_set_size(i, end);
		inode_mark_dirty(i, I_DIRTY_SYNC);
	}
}

/* Zeros from the end of the file on, up to `end` or the end of the page. */
static int zero_piece(struct inode *i, u64 end)
{
	u64 pos = inode_size(i);
	unsigned off = pos & ~PAGE_MASK;
	unsigned len = (unsigned)min_t(u64, PAGE_SIZE - off, end - pos);
	struct page *p;
	int err = ready_page(&i->data, pos, len, &p);

	if (err)
		return err;
	memset((u8 *)page_to_va(p) + off, 0, len);
	written(i, p, pos + len);
	page_unlock(p);
	page_put(p);
	return 0;
}

int fat_expand(struct inode *i, u64 size)
{
	u32 pages = 0;
	int err = 0;

	while (!err && inode_size(i) < size) {
		err = zero_piece(i, size);
		if (++pages % BALANCE_PAGES == 0)
			balance_dirty_pages();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return err;
}

static int fat_write_begin(struct mapping *m, u64 pos, unsigned len,
			   struct page **page)
{
	struct inode *i = m->host;
	int err = 0;

	if (unlikely(pos > inode_size(i)))
		err = fat_expand(i, pos);
	if (!err)
		err = ready_page(m, pos, len, page);
	if (unlikely(err))
		fat_trim(fat_i(i));
	return err;
}

static int fat_write_end(struct mapping *m, u64 pos, unsigned len,
			 unsigned copied, struct page *p)
{
	struct inode *i = m->host;

	if (copied) {
		written(i, p, pos + copied);
		fat_i(i)->attrs |= ATTR_ARCHIVE;
	}
	if (unlikely(copied < len))
		fat_trim(fat_i(i));
	page_unlock(p);
	page_put(p);
	return 0;
}

static int fat_page_mkwrite(struct mapping *m, struct page *p)
{
	struct inode *i = m->host;

	if (p->index << PAGE_SHIFT >= mapping_size(m))
		return -EFAULT;
	return sb_is_readonly(i->sb) ? -EROFS : 0;
}

/* --- O_DIRECT -------------------------------------------------------------*/

/* Writes stay below the size: the VFS sends others through the cache. */
static ssize_t direct_locked(struct mapping *map, struct iter *it, u64 pos)
{
	struct inode *i = map->host;
	u64 size = inode_size(i), start = pos, sector, bytes, left = it->count;
	u32 unit = i->sb->bdev->logical_block;
	struct mover m;
	size_t done;
	int err = 0;

	if ((pos | left) & (unit - 1))
		return -EINVAL;
	if (pos >= size)
		return 0;
	left = min(left, ALIGN_UP(size - pos, (u64)unit));
	mover_init(&m, i, it->is_source ? BIO_WRITE : BIO_READ);
	m.end = fat_clusters_of(fat_fs_of(i), size);
	while (left && !err) {
		err = mover_map(&m, pos, &sector, &bytes);
		if (err)
			break;
		err = blkdev_direct(i->sb->bdev, it, sector,
				    (size_t)min(bytes, left), &done);
		if (err)
			break;
		pos += done;
		left -= done;
	}
	if (pos > size && !it->is_source) {
		iter_revert(it, pos - size);
		pos = size;
	}
	return pos > start ? (ssize_t)(pos - start) : err;
}

/* A writer has the lock.  A reader takes it, so that no cluster is freed, and
 * given to another file, under it. */
static ssize_t fat_direct_io(struct mapping *map, struct iter *it, u64 pos)
{
	struct inode *i = map->host;
	ssize_t n;

	if (it->is_source)
		return direct_locked(map, it, pos);
	mutex_lock(&i->lock);
	n = direct_locked(map, it, pos);
	mutex_unlock(&i->lock);
	return n;
}

const struct mapping_ops fat_mapping_ops = {
	.readahead_limit = blkdev_readahead_limit,
	.read_pages = fat_read_pages,
	.write_pages = fat_write_pages,
	.write_begin = fat_write_begin,
	.write_end = fat_write_end,
	.page_mkwrite = fat_page_mkwrite,
	.direct_io = fat_direct_io,
};
