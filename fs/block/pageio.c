/*
 * pageio - pages of a cache to and from a device, in large bios.
 *
 * Theory:  one page may be made of several runs on disk (small blocks), so its
 *          I/O is counted in pieces in page->priv; who drops the last piece
 *          ends it.  The submitter holds a piece of its own while it adds, so
 *          that an early completion cannot end the page too soon.  An error
 *          of any piece marks the page.
 * Locks:   reads own the page lock, writes the write-back bit.
 * Context: the end_io functions run in interrupts.
 */
#include "block_impl.h"
#include <mm/slab.h>

static unsigned long pieces_add(struct page *p, unsigned long n)
{
	return __atomic_add_fetch(&p->priv, n, __ATOMIC_ACQ_REL) &
	       0xffffff00ul;
}

void page_fs_bits_set(struct page *p, unsigned bits)
{
	__atomic_fetch_or(&p->priv, bits & 0xff, __ATOMIC_ACQ_REL);
}

void page_fs_bits_clear(struct page *p, unsigned bits)
{
	__atomic_fetch_and(&p->priv, ~(unsigned long)(bits & 0xff),
			   __ATOMIC_ACQ_REL);
}

void page_io_start(struct page *p)
{
	page_flag_clear(p, PG_ERROR);
	pieces_add(p, PAGE_PIECE);
}

void page_io_done(struct page *p, bool is_write, int err)
{
	bool failed;

	if (err)
		page_flag_set(p, PG_ERROR);
	if (pieces_add(p, -PAGE_PIECE))
		return;
	failed = page_test(p, PG_ERROR);
	if (is_write) {
		page_end_writeback(p, failed ? -EIO : 0);
		return;
	}
	if (!failed)
		page_flag_set(p, PG_UPTODATE);
	page_clear_wake(p, PG_LOCKED);
}

static void end_pages(struct bio *b)
{
	bool is_write = b->op == BIO_WRITE;
	u32 i;

	for (i = 0; i < b->nr_vecs; i++)
		page_io_done(b->vecs[i].page, is_write, b->status);
	bio_free(b);
}

void bio_run_submit(struct bio_run *r)
{
	struct bio *b = r->bio;

	if (!b)
		return;
	r->bio = NULL;
	r->hint = r->hint > b->nr_vecs ? r->hint - b->nr_vecs : 0;
	bio_submit(b);
}

static int run_new_bio(struct bio_run *r, u64 sector)
{
	int err = bio_alloc(r->bdev, r->op, sector, r->hint ? r->hint : 256,
			    r->gfp, &r->bio);

	/* Under pressure a small one will do. */
	if (err)
		err = bio_alloc(r->bdev, r->op, sector, 1, r->gfp | GFP_HIGH,
				&r->bio);
	if (!err)
		r->bio->end_io = end_pages;
	return err;
}

int bio_run_add(struct bio_run *r, u64 sector, struct page *p, unsigned off,
		unsigned len)
{
	int err;

	if (r->bio && sector != r->next_sector)
		bio_run_submit(r);
	if (r->bio && !bio_add_page(r->bio, p, off, len))
		bio_run_submit(r);
	else if (r->bio)
		goto added;
	err = run_new_bio(r, sector);
	if (err)
		return err;
	if (!bio_add_page(r->bio, p, off, len)) {
		bio_free(r->bio);
		r->bio = NULL;
		return -EIO;
	}
added:
	pieces_add(p, PAGE_PIECE);
	r->next_sector = sector + (len >> 9);
	return 0;
}

/* --- direct I/O -----------------------------------------------------------*/

struct direct {
	struct completion done;
	int pending;		/* bios, and the submitter. atomic */
	int err;		/* first error. atomic */
};

static void direct_drop(struct direct *d)
{
	if (__atomic_sub_fetch(&d->pending, 1, __ATOMIC_ACQ_REL) == 0)
		complete(&d->done);
}

static void direct_end(struct bio *b)
{
	struct direct *d = b->priv;
	u32 i;

	if (b->status)
		ignore_error(cmpxchg(&d->err, 0, b->status)); /* first wins */
	for (i = 0; i < b->nr_vecs; i++)
		page_put(b->vecs[i].page);
	bio_free(b);
	direct_drop(d);
}

/* Moves pages from the iterator into the bio; bytes added. */
static int direct_fill(struct bio *bio, struct iter *it, size_t left,
		       size_t *added)
{
	unsigned mask = bio->bdev->logical_block - 1;
	struct page *page;
	size_t off, len;
	int err = 0;

	*added = 0;
	while (left && bio->nr_vecs < bio->max_vecs) {
		err = iter_get_page(it, &page, &off, &len);
		if (err)
			break;
		if (len > left) {
			iter_revert(it, len - left);
			len = left;
		}
		if ((off | len) & mask)
			err = -EINVAL;
		if (err || !bio_add_page(bio, page, off, len)) {
			iter_revert(it, len);
			page_put(page);
			break;
		}
		*added += len;
		left -= len;
	}
	return *added ? 0 : err;
}

static int direct_one(struct direct *d, struct block_device *b,
		      struct iter *it, u64 sector, size_t left, size_t *added)
{
	unsigned vecs = (unsigned)min_t(size_t, left / PAGE_SIZE + 2, 256);
	struct bio *bio;
	int err;

	err = bio_alloc(b, it->is_source ? BIO_WRITE : BIO_READ, sector, vecs,
			GFP_NOFS, &bio);
	if (err)
		return err;
	err = direct_fill(bio, it, left, added);
	if (err || !*added) {
		bio_free(bio);
		return err ? err : -EINVAL;
	}
	bio->priv = d;
	bio->end_io = direct_end;
	fetch_add_relaxed(&d->pending, 1);
	bio_submit(bio);
	return 0;
}

int blkdev_direct(struct block_device *b, struct iter *it, u64 sector,
		  size_t len, size_t *done)
{
	struct direct d = { .pending = 1 };
	size_t n, total = 0;
	int err = 0;

	completion_init(&d.done);
	while (total < len) {
		err = direct_one(&d, b, it, sector + (total >> 9), len - total,
				 &n);
		if (err)
			break;
		total += n;
	}
	plug_flush();
	direct_drop(&d);
	wait_for_io(&d.done);
	if (it->is_source)
		current->io_write_bytes += total;
	*done = d.err ? 0 : total;
	if (d.err)
		return d.err;
	return total ? 0 : err;
}

int page_read_relock(struct mapping *m, struct page *p)
{
	int err = m->ops->read_pages(m, &p, 1);

	if (err)
		return err;
	plug_flush();
	page_wait_clear(p, PG_LOCKED);
	if (!page_test(p, PG_UPTODATE))
		return -EIO;
	page_lock(p);
	if (p->mapping == m)
		return 0;
	page_unlock(p);
	return -EAGAIN;
}
