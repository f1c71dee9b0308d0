/*
 * mapping - the page cache of a block device.
 *
 * Theory:  page n holds the sectors 8n to 8n+7.  File systems dirty single
 *          blocks of a page through buf_*, and only those may be written: the
 *          neighbour may have become file data that lives in another cache.
 *          So the low 8 bits of page->priv say which sectors are dirty; a
 *          write through the device file or a mapping marks all eight.
 * Locks:   the page lock, for the bits.
 */
#include "block_impl.h"
#include <lib/bitmap.h>
#include <lib/string.h>

static struct block_device *mapping_bdev(struct mapping *m)
{
	struct inode *i = m->host;

	return i->bdev;
}

/* Bytes of the page that the device has. */
static unsigned page_bytes(struct block_device *b, u64 index)
{
	u64 size = blkdev_bytes(b), pos = index << PAGE_SHIFT;

	return pos >= size ? 0 : (unsigned)min_t(u64, PAGE_SIZE, size - pos);
}

static void read_one(struct bio_run *r, struct page *p)
{
	unsigned n = page_bytes(r->bdev, p->index);
	int err = 0;

	page_io_start(p);
	if (n < PAGE_SIZE)
		memset((u8 *)page_to_va(p) + n, 0, PAGE_SIZE - n);
	if (n)
		err = bio_run_add(r, p->index << (PAGE_SHIFT - 9), p, 0, n);
	page_io_done(p, false, err);
}

static int blkdev_read_pages(struct mapping *m, struct page **pages, unsigned n)
{
	struct bio_run r = { .bdev = mapping_bdev(m), .op = BIO_READ,
			     .gfp = GFP_NOFS, .hint = n };

	for (unsigned i = 0; i < n; i++)
		read_one(&r, pages[i]);
	bio_run_submit(&r);
	return 0;
}

/* Writes the runs of dirty sectors among the n first ones. */
static int write_sectors(struct bio_run *r, struct page *p, unsigned bits,
			 unsigned n)
{
	u64 first = p->index << (PAGE_SHIFT - 9);
	unsigned s, e;
	int err;

	for (s = 0; s < n; s = e) {
		for (; s < n && !(bits >> s & 1); s++)
			;
		for (e = s; e < n && bits >> e & 1; e++)
			;
		if (s == e)
			break;
		err = bio_run_add(r, first + s, p, s * 512, (e - s) * 512);
		if (err)
			return err;
	}
	return 0;
}

static void write_one(struct bio_run *r, struct page *p)
{
	unsigned n = page_bytes(r->bdev, p->index) / 512;
	unsigned bits = page_fs_bits(p);
	int err;

	page_fs_bits_clear(p, 0xff);
	page_start_writeback(p);
	page_io_start(p);
	page_unlock(p);
	err = write_sectors(r, p, bits ? bits : 0xff, n);
	page_io_done(p, true, err);
}

static int blkdev_write_pages(struct mapping *m, struct writeback *wb)
{
	struct bio_run r = { .bdev = mapping_bdev(m), .op = BIO_WRITE,
			     .gfp = GFP_NOIO };
	u64 index = wb->start;
	struct io_plug plug;
	struct page *p;

	plug_start(&plug);
	while (wb->nr_to_write > 0 &&
	       (p = mapping_next_dirty(m, &index, wb->end))) {
		index = p->index + 1;
		if (page_test(p, PG_WRITEBACK) && wb->is_sync) {
			bio_run_submit(&r);
			plug_flush();
			page_wait_clear(p, PG_WRITEBACK);
		}
		if (!page_test(p, PG_WRITEBACK) && page_clear_dirty_for_io(p)) {
			write_one(&r, p);
			wb->nr_to_write--;
		} else {
			page_unlock(p);
		}
		page_put(p);
		if (!index)
			break;
	}
	bio_run_submit(&r);
	plug_end(&plug);
	return 0;
}

/* Through the device file: the whole page is the user's. */
static int blkdev_write_end(struct mapping *m, u64 pos, unsigned len,
			    unsigned copied, struct page *p)
{
	/* The generic write_begin read what is not overwritten. */
	if (copied == len || page_test(p, PG_UPTODATE)) {
		page_flag_set(p, PG_UPTODATE);
		page_fs_bits_set(p, 0xff);
		page_mark_dirty(p);
	} else {
		copied = 0;
	}
	page_unlock(p);
	page_put(p);
	return (int)copied;
}

static int blkdev_page_mkwrite(struct mapping *m, struct page *p)
{
	page_fs_bits_set(p, 0xff);
	return 0;
}

static ssize_t blkdev_direct_io(struct mapping *m, struct iter *it, u64 pos)
{
	struct block_device *b = mapping_bdev(m);
	u64 size = blkdev_bytes(b);
	size_t len, done;
	int err;

	if (pos >= size)
		return it->is_source ? -ENOSPC : 0;
	if ((pos | it->count) & (b->logical_block - 1))
		return -EINVAL;
	len = (size_t)min_t(u64, it->count, size - pos);
	err = mapping_write(m, pos >> PAGE_SHIFT, (pos + len - 1) >> PAGE_SHIFT,
			    true);
	if (!err)
		err = blkdev_direct(b, it, pos >> 9, len, &done);
	if (it->is_source)
		mapping_invalidate(m, pos >> PAGE_SHIFT,
				   (pos + len - 1) >> PAGE_SHIFT);
	return err ? err : (ssize_t)done;
}

u32 blkdev_readahead_limit(const struct mapping *m)
{
	const struct inode *i = m->host;
	const struct block_device *b = S_ISBLK(i->mode) ? i->bdev :
							   i->sb->bdev;

	return READ_ONCE(b->whole->ra_pages);
}

const struct mapping_ops blkdev_mapping_ops = {
	.readahead_limit = blkdev_readahead_limit,
	.read_pages = blkdev_read_pages,
	.write_pages = blkdev_write_pages,
	.write_end = blkdev_write_end,
	.page_mkwrite = blkdev_page_mkwrite,
	.direct_io = blkdev_direct_io,
};

int blkdev_page(struct block_device *b, u64 index, struct page **out)
{
	struct mapping *m = blkdev_mapping(b);
	struct page *p = page_cache_find(m, index);
	int err;

	if (p && page_test(p, PG_UPTODATE)) {
		*out = p;
		return 0;
	}
	if (p)
		page_put(p);
	if (index >= DIV_ROUND_UP(blkdev_bytes(b), PAGE_SIZE))
		return -EIO;
	err = page_cache_grab(m, index, &p);
	if (err)
		return err;
	if (page_test(p, PG_UPTODATE)) {
		page_unlock(p);
		*out = p;
		return 0;
	}
	err = blkdev_read_pages(m, &p, 1);
	plug_flush();
	page_wait_clear(p, PG_LOCKED);
	if (!err && page_test(p, PG_UPTODATE)) {
		*out = p;
		return 0;
	}
	page_put(p);
	return -EIO;
}

int blkdev_read_bytes(struct block_device *b, u64 pos, void *buf, size_t n)
{
	struct page *p;
	size_t off, len;
	u8 *to = buf;
	int err;

	while (n) {
		err = blkdev_page(b, pos >> PAGE_SHIFT, &p);
		if (err)
			return err;
		off = pos & (PAGE_SIZE - 1);
		len = min(n, PAGE_SIZE - off);
		memcpy(to, (u8 *)page_to_va(p) + off, len);
		page_put(p);
		pos += len;
		to += len;
		n -= len;
	}
	return 0;
}
