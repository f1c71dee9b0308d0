/*
 * writeback - dirty pages become large writes.
 *
 * Theory:  runs of up to 256 dirty pages with consecutive numbers are gathered,
 *          locked; then blocks are found or allocated for as many of them at
 *          once as are alike, and the pages go out in bios that follow the
 *          disk.  A page is unlocked as soon as it is under write-back.  What
 *          lies past the end of the file is zeroed, not written.
 * Locks:   page locks in ascending order, then map_lock.
 */
#include "ext4_impl.h"
#include <lib/string.h>
#include <mm/slab.h>

#define BATCH 256u
#define SMALL_BATCH 16u

struct batch {
	struct ext4_inode *ei;
	struct bio_run run;
	struct page **pages;
	u32 n, max;
	u32 end;		/* logical block after the batch, or the file */
	struct ext4_map map;	/* last found; len 0: none */
	struct page *few[SMALL_BATCH];
};

static u32 page_block(const struct batch *b, const struct page *p)
{
	return (u32)(p->index << (PAGE_SHIFT - b->ei->vfs.sb->blkbits));
}

static bool is_delayed(const struct batch *b, u32 lblk)
{
	u32 shift = PAGE_SHIFT - b->ei->vfs.sb->blkbits;
	u32 first = page_block(b, b->pages[0]);
	const struct page *p = b->pages[(lblk - first) >> shift];

	return page_fs_bits(p) >> (lblk & ((1u << shift) - 1)) & 1;
}

/* How many blocks from lblk on wait for allocation, up to max. */
static u32 delayed_run(const struct batch *b, u32 lblk, u32 max)
{
	u32 n = 0;

	while (n < max && lblk + n < b->end && is_delayed(b, lblk + n))
		n++;
	return n;
}

/* Makes b->map cover lblk, allocating; pblk stays 0 for a hole. */
static int batch_map(struct batch *b, u32 lblk)
{
	struct ext4_map *m = &b->map;
	u32 n;
	int err;

	if (m->len && lblk >= m->lblk && lblk - m->lblk < m->len)
		return 0;
	/* The file may have grown since: then a block at a time. */
	*m = (struct ext4_map){ .lblk = lblk,
				.len = max(b->end, lblk + 1) - lblk };
	err = ext4_map_find(b->ei, m);
	if (!err && !m->pblk) {
		n = delayed_run(b, lblk, m->len);
		m->len = n ? n : 1;
		if (n)
			err = ext4_map_alloc(b->ei, m, false);
	} else if (!err && m->flags & MAP_UNWRITTEN_BIT) {
		err = ext4_map_alloc(b->ei, m, false);
	}
	if (err)
		m->len = 0;
	return err;
}

/* Block k of page p: where it goes (0: nowhere). Its promise is settled. */
static int settle_block(struct batch *b, struct page *p, unsigned k, u64 *pblk)
{
	u32 lblk = page_block(b, p) + k;
	bool delayed = page_fs_bits(p) >> k & 1;
	int err = batch_map(b, lblk);

	*pblk = 0;
	if (!err && b->map.pblk) {
		*pblk = b->map.pblk + (lblk - b->map.lblk);
		page_fs_bits_set(p, 0x10u << k);
	}
	if (delayed) {
		page_fs_bits_clear(p, 1u << k);
		/* A new block has used the promise up. */
		if (err || !(b->map.flags & MAP_NEW_BIT))
			ext4_unreserve(b->ei, 1);
	}
	return err;
}

static int settle_page(struct batch *b, struct page *p, unsigned n, u64 *pblk)
{
	int err = 0, e;

	for (unsigned k = 0; k < n; k++) {
		e = settle_block(b, p, k, &pblk[k]);
		err = err ? err : e;
	}
	if (!(page_fs_bits(p) & PAGE_DELAYED_MASK))
		page_flag_clear(p, PG_PRIVATE);
	return err;
}

static void send_page(struct batch *b, struct page *p, unsigned n,
		      const u64 *pblk, int err)
{
	struct super_block *sb = b->ei->vfs.sb;

	page_start_writeback(p);
	page_io_start(p);
	page_unlock(p);
	for (unsigned k = 0; k < n && !err; k++)
		if (pblk[k])
			err = bio_run_add(&b->run,
					  pblk[k] << (sb->blkbits - 9), p,
					  k * sb->blocksize, sb->blocksize);
	page_io_done(p, true, err);
}

static void write_page(struct batch *b, struct page *p)
{
	u64 size = inode_size(&b->ei->vfs), pos = p->index << PAGE_SHIFT;
	u32 bits = b->ei->vfs.sb->blkbits;
	u64 pblk[4] = { 0 };
	unsigned len, n;
	int err;

	if (pos >= size || !page_clear_dirty_for_io(p)) {
		page_unlock(p);
		return;
	}
	len = (unsigned)min(size - pos, (u64)PAGE_SIZE);
	if (len < PAGE_SIZE)
		memset((u8 *)page_to_va(p) + len, 0, PAGE_SIZE - len);
	n = (len + (1u << bits) - 1) >> bits;
	err = settle_page(b, p, n, pblk);
	send_page(b, p, n, pblk, err);
}

static void batch_write(struct batch *b)
{
	u32 per = 1u << (PAGE_SHIFT - b->ei->vfs.sb->blkbits), i, eof;

	if (!b->n)
		return;
	eof = ext4_blocks_of(ext4_fs_of(&b->ei->vfs),
			     inode_size(&b->ei->vfs));
	b->end = min(page_block(b, b->pages[b->n - 1]) + per, eof);
	b->map.len = 0;
	b->run.hint = b->n;
	for (i = 0; i < b->n; i++) {
		write_page(b, b->pages[i]);
		page_put(b->pages[i]);
	}
	b->n = 0;
}

static void batch_add(struct batch *b, struct page *p)
{
	if (b->n == b->max ||
	    (b->n && b->pages[b->n - 1]->index + 1 != p->index))
		batch_write(b);
	b->pages[b->n++] = p;
}

/* A page still on its way: waits if asked to; false: leave it for later. */
static bool ready_to_write(struct batch *b, struct page *p, bool is_sync)
{
	if (!page_test(p, PG_WRITEBACK))
		return true;
	if (!is_sync)
		return false;
	batch_write(b);
	bio_run_submit(&b->run);
	plug_flush();
	page_wait_clear(p, PG_WRITEBACK);
	return true;
}

static void write_loop(struct batch *b, struct mapping *m, struct writeback *wb)
{
	u64 index = wb->start;
	struct page *p;

	while (wb->nr_to_write > 0 &&
	       (p = mapping_next_dirty(m, &index, wb->end))) {
		index = p->index + 1;
		if (ready_to_write(b, p, wb->is_sync)) {
			batch_add(b, p);
			wb->nr_to_write--;
		} else {
			page_unlock(p);
			page_put(p);
		}
	}
	batch_write(b);
	bio_run_submit(&b->run);
}

int ext4_write_pages(struct mapping *m, struct writeback *wb)
{
	struct inode *i = m->host;
	struct batch b = { .ei = ext4_i(i), .max = BATCH,
			   .run = { .bdev = i->sb->bdev, .op = BIO_WRITE,
				    .gfp = GFP_NOFS } };
	struct io_plug plug;

	if (!ext4_fs_of(i)->is_writable)
		return -EROFS;
	b.pages = kmalloc(BATCH * sizeof(*b.pages), GFP_NOFS | GFP_NOWARN);
	if (!b.pages) {
		b.pages = b.few;
		b.max = SMALL_BATCH;
	}
	plug_start(&plug);
	write_loop(&b, m, wb);
	plug_end(&plug);
	if (b.pages != b.few)
		kfree(b.pages);
	return 0;
}
