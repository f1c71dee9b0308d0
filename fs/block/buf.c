/*
 * buf - metadata blocks: windows in the page cache of the device.
 *
 * Theory:  a look-up is one step in the radix tree and a reference; nothing is
 *          allocated.  buf_dirty() marks the sectors of the block (see
 *          mapping.c); most calls find them marked and return.  A freed block
 *          is forgotten before it can become file data: write-out that runs
 *          is waited for, marks are taken away.
 * Locks:   the page lock, inside. Callers hold what guards the content.
 */
#include "block_impl.h"
#include <kernel/atomic.h>
#include <lib/string.h>

static unsigned sector_bits(struct super_block *sb, u64 block)
{
	unsigned n = sb->blocksize >> 9;
	u64 sector = block << (sb->blkbits - 9);

	return ((1u << n) - 1) << (sector & 7);
}

static u64 page_of(struct super_block *sb, u64 block)
{
	return block >> (PAGE_SHIFT - sb->blkbits);
}

static void buf_window(struct super_block *sb, u64 block, struct page *p,
		       struct buf *b)
{
	b->page = p;
	b->block = block;
	b->data = (u8 *)page_to_va(p) +
		  ((block << sb->blkbits) & (PAGE_SIZE - 1));
}

int buf_read(struct super_block *sb, u64 block, struct buf *b)
{
	struct page *p;
	int err;

	b->page = NULL;
	if (block >= sb->bdev->sectors >> (sb->blkbits - 9))
		return -EIO;
	err = blkdev_page(sb->bdev, page_of(sb, block), &p);
	if (err)
		return err;
	buf_window(sb, block, p, b);
	return 0;
}

int buf_get(struct super_block *sb, u64 block, struct buf *b)
{
	struct page *p;
	int err;

	b->page = NULL;
	if (sb->blocksize < PAGE_SIZE)
		return buf_read(sb, block, b);
	if (block >= sb->bdev->sectors >> (sb->blkbits - 9))
		return -EIO;
	err = page_cache_grab(blkdev_mapping(sb->bdev), block, &p);
	if (err)
		return err;
	if (!page_test(p, PG_UPTODATE)) {
		page_zero(page_to_va(p));
		page_flag_set(p, PG_UPTODATE);
	}
	page_unlock(p);
	buf_window(sb, block, p, b);
	return 0;
}

void buf_dirty(struct super_block *sb, struct buf *b)
{
	unsigned bits = sector_bits(sb, b->block);
	struct page *p = b->page;

	/* The change comes before the look: whoever cleans the page later
	 * writes it. */
	smp_mb();
	if (page_test(p, PG_DIRTY) && (page_fs_bits(p) & bits) == bits)
		return;
	page_lock(p);
	page_fs_bits_set(p, bits);
	page_mark_dirty(p);
	page_unlock(p);
}

static void readahead_run(struct mapping *m, struct page **pages, unsigned n)
{
	unsigned i;

	if (!n)
		return;
	/* What could not be read is read again, and reported, on demand. */
	ignore_error(blkdev_mapping_ops.read_pages(m, pages, n));
	for (i = 0; i < n; i++)
		page_put(pages[i]);
}

void buf_readahead(struct super_block *sb, u64 block, unsigned n)
{
	struct mapping *m = blkdev_mapping(sb->bdev);
	u64 index = page_of(sb, block), end = page_of(sb, block + n - 1);
	struct page *pages[32], *p;
	unsigned nr = 0;

	end = min(end, (blkdev_bytes(sb->bdev) >> PAGE_SHIFT) - 1);
	for (; n && index <= end; index++) {
		p = page_cache_find(m, index);
		if (p) {
			page_put(p);
			readahead_run(m, pages, nr);
			nr = 0;
			continue;
		}
		if (page_cache_grab(m, index, &p))
			break;
		if (page_test(p, PG_UPTODATE)) {
			page_unlock(p);
			page_put(p);
			readahead_run(m, pages, nr);
			nr = 0;
			continue;
		}
		pages[nr++] = p;
		if (nr == ARRAY_SIZE(pages)) {
			readahead_run(m, pages, nr);
			nr = 0;
		}
	}
	readahead_run(m, pages, nr);
}

static void forget_page(struct page *p, unsigned bits)
{
	page_lock(p);
	if (page_test(p, PG_WRITEBACK))
		page_wait_clear(p, PG_WRITEBACK);
	if (page_test(p, PG_DIRTY)) {
		page_fs_bits_clear(p, bits);
		/* Cleaned and, if other blocks want it, dirtied again. */
		if (!page_fs_bits(p))
			ignore_error(page_clear_dirty_for_io(p));
	}
	page_unlock(p);
}

void buf_forget(struct super_block *sb, u64 block, u64 n)
{
	struct mapping *m = blkdev_mapping(sb->bdev);
	struct page *p;

	for (; n; n--, block++) {
		p = page_cache_find(m, page_of(sb, block));
		if (!p)
			continue;
		if (page_test(p, PG_DIRTY | PG_WRITEBACK))
			forget_page(p, sector_bits(sb, block));
		page_put(p);
	}
}
