/*
 * data - files' pages: reading them in, and readying them for writes.
 *
 * Theory:  a write to a hole takes no block: it reserves one and marks the
 *          block of the page "delayed" (low 4 bits of page->priv); write-back
 *          allocates, in long runs.  "Mapped" (the next 4 bits) says that a
 *          block is known to be allocated, so that rewriting looks nothing up.
 *          PG_PRIVATE is set while a page has delayed blocks, and
 *          page_release() gives their promises back when it is dropped.
 * Locks:   the page lock guards its bits; it is taken before map_lock.
 */
#include "ext4_impl.h"
#include <lib/bitmap.h>
#include <lib/string.h>

static u64 block_sector(const struct super_block *sb, u64 block)
{
	return block << (sb->blkbits - 9);
}

/* --- reading ---------------------------------------------------------------*/

struct reader {
	struct ext4_inode *ei;
	struct bio_run run;
	struct ext4_map map;	/* last looked up; len 0: none */
	u32 end;		/* first logical block not wanted */
};

static int reader_map(struct reader *r, u32 lblk)
{
	struct ext4_map *m = &r->map;
	int err;

	if (m->len && lblk >= m->lblk && lblk - m->lblk < m->len)
		return 0;
	*m = (struct ext4_map){ .lblk = lblk, .len = r->end - lblk };
	err = ext4_map_find(r->ei, m);
	if (err)
		m->len = 0;
	return err;
}

static int read_block(struct reader *r, struct page *p, u32 lblk, unsigned off)
{
	struct super_block *sb = r->ei->vfs.sb;
	int err = 0;

	if (lblk < r->end) {
		err = reader_map(r, lblk);
		if (err)
			return err;
		if (r->map.pblk && !(r->map.flags & MAP_UNWRITTEN_BIT))
			return bio_run_add(&r->run,
					   block_sector(sb, r->map.pblk + lblk -
								r->map.lblk),
					   p, off, sb->blocksize);
	}
	memset((u8 *)page_to_va(p) + off, 0, sb->blocksize);
	return 0;
}

static void read_page(struct reader *r, struct page *p)
{
	struct super_block *sb = r->ei->vfs.sb;
	u64 lblk = p->index << (PAGE_SHIFT - sb->blkbits);
	unsigned off;
	int err = 0;

	page_io_start(p);
	for (off = 0; off < PAGE_SIZE && !err; off += sb->blocksize, lblk++)
		err = read_block(r, p, (u32)min(lblk, (u64)U32_MAX), off);
	page_io_done(p, false, err);
}

int ext4_read_pages(struct mapping *m, struct page **pages, unsigned n)
{
	struct inode *i = m->host;
	struct ext4_fs *fs = ext4_fs_of(i);
	struct reader r = { .ei = ext4_i(i),
			    .run = { .bdev = i->sb->bdev, .op = BIO_READ,
				     .gfp = GFP_NOFS, .hint = n } };
	u64 end = min((pages[n - 1]->index + 1) << PAGE_SHIFT, inode_size(i));

	r.end = ext4_blocks_of(fs, end);
	for (unsigned k = 0; k < n; k++)
		read_page(&r, pages[k]);
	bio_run_submit(&r.run);
	return 0;
}

/* --- promises ---------------------------------------------------------------*/

static unsigned block_mask(unsigned first, unsigned last)
{
	return (2u << last) - (1u << first);
}

static int ready_block(struct ext4_inode *ei, struct page *p, unsigned b)
{
	u32 per_shift = PAGE_SHIFT - ei->vfs.sb->blkbits;
	struct ext4_map m = { .lblk = (u32)(p->index << per_shift) + b,
			      .len = 1 };
	int err = ext4_map_find(ei, &m);

	if (err)
		return err;
	if (m.pblk) {
		/* Unwritten ones are looked up again, and converted. */
		if (!(m.flags & MAP_UNWRITTEN_BIT))
			page_fs_bits_set(p, 0x10u << b);
		return 0;
	}
	err = ext4_reserve(ei, 1);
	if (err)
		return err;
	page_fs_bits_set(p, 1u << b);
	page_flag_set(p, PG_PRIVATE);
	return 0;
}

/* Each block of [first, last] of the locked page gets a block or a promise */
static int ready_blocks(struct ext4_inode *ei, struct page *p, unsigned first,
			unsigned last)
{
	unsigned bits = page_fs_bits(p), b;
	unsigned need = block_mask(first, last) & ~(bits | bits >> 4);
	int err;

	if (likely(!need))
		return 0;
	for (b = first; b <= last; b++) {
		if (!(need >> b & 1))
			continue;
		err = ready_block(ei, p, b);
		if (err)
			return err;
	}
	return 0;
}

static int page_content(struct mapping *m, struct page *p, u64 pos,
			unsigned len)
{
	if (page_test(p, PG_UPTODATE) || len == PAGE_SIZE)
		return 0;
	if ((pos & PAGE_MASK) >= mapping_size(m)) {
		page_zero(page_to_va(p));
		page_flag_set(p, PG_UPTODATE);
		return 0;
	}
	return page_read_relock(m, p);
}

static int ext4_write_begin(struct mapping *m, u64 pos, unsigned len,
			    struct page **page)
{
	struct ext4_inode *ei = ext4_i(m->host);
	unsigned shift = ei->vfs.sb->blkbits, off = pos & ~PAGE_MASK;
	struct page *p;
	int err;

	do {
		err = page_cache_grab(m, pos >> PAGE_SHIFT, &p);
		if (err)
			return err;
		err = page_content(m, p, pos, len);
		if (err) {
			page_put(p);
			if (err != -EAGAIN)
				return err;
		}
	} while (err);
	err = ready_blocks(ei, p, off >> shift, (off + len - 1) >> shift);
	if (err) {
		page_unlock(p);
		page_put(p);
		return err;
	}
	*page = p;
	return 0;
}

static int ext4_write_end(struct mapping *m, u64 pos, unsigned len,
			  unsigned copied, struct page *p)
{
	struct inode *i = m->host;

	if (copied) {
		if (!page_test(p, PG_UPTODATE))
			page_flag_set(p, PG_UPTODATE);
		if (!page_test(p, PG_DIRTY))
			page_mark_dirty(p);
		if (pos + copied > mapping_size(m)) {
			inode_set_size(i, pos + copied);
			inode_mark_dirty(i, I_DIRTY_SYNC);
		}
	}
	page_unlock(p);
	page_put(p);
	return 0;
}

static int ext4_page_mkwrite(struct mapping *m, struct page *p)
{
	struct ext4_inode *ei = ext4_i(m->host);
	u64 size = mapping_size(m), pos = p->index << PAGE_SHIFT;
	u64 end = min(size, pos + PAGE_SIZE);

	if (pos >= size)
		return -EFAULT;
	if (sb_is_readonly(ei->vfs.sb))
		return -EROFS;
	return ready_blocks(ei, p, 0,
			    (unsigned)((end - pos - 1) >>
				       ei->vfs.sb->blkbits));
}

static void forget_bits(struct ext4_inode *ei, struct page *p, unsigned blocks)
{
	unsigned delayed = page_fs_bits(p) & blocks & PAGE_DELAYED_MASK;

	page_fs_bits_clear(p, blocks | blocks << 4);
	if (!(page_fs_bits(p) & PAGE_DELAYED_MASK))
		page_flag_clear(p, PG_PRIVATE);
	ext4_unreserve(ei, hweight32(delayed));
}

static void ext4_page_release(struct mapping *m, struct page *p)
{
	forget_bits(ext4_i(m->host), p, PAGE_DELAYED_MASK);
}

static void forget_in_page(struct ext4_inode *ei, u64 index, u32 from, u32 to)
{
	u32 shift = PAGE_SHIFT - ei->vfs.sb->blkbits, n = 1u << shift;
	u64 base = index << shift;
	unsigned blocks = 0, b;
	struct page *p;

	for (b = 0; b < n; b++)
		if (base + b >= from && base + b < to)
			blocks |= 1u << b;
	p = page_cache_find_lock(&ei->vfs.data, index);
	if (!p)
		return;
	forget_bits(ei, p, blocks);
	page_unlock(p);
	page_put(p);
}

void ext4_forget_blocks(struct ext4_inode *ei, u32 from, u32 to)
{
	u32 shift = PAGE_SHIFT - ei->vfs.sb->blkbits;

	if (from >= to)
		return;
	forget_in_page(ei, from >> shift, from, to);
	if ((to - 1) >> shift != from >> shift)
		forget_in_page(ei, (to - 1) >> shift, from, to);
}

const struct mapping_ops ext4_mapping_ops = {
	.readahead_limit = blkdev_readahead_limit,
	.read_pages = ext4_read_pages,
	.write_pages = ext4_write_pages,
	.write_begin = ext4_write_begin,
	.write_end = ext4_write_end,
	.page_mkwrite = ext4_page_mkwrite,
	.page_release = ext4_page_release,
	.direct_io = ext4_direct_io,
};
