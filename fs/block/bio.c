/*
 * bio - requests to a block device, and the plug that gathers them.
 *
 * Theory:  a bio is a run of sectors and a list of pieces of pages.  Submitting
 *          checks it against the device, adds the partition's start and queues
 *          it with the driver; the driver starts work when it is kicked: at
 *          once, or when the task's plug is full, ends, or is flushed because
 *          the task is going to wait.  A bio never exceeds what the driver
 *          takes in one request, since bio_add_page() refuses.
 * Locks:   none; the driver has its own.  Statistics are relaxed atomics.
 * Life:    end_io() owns the bio; bio_submit_wait() leaves it to its caller.
 * Context: bio_end() runs anywhere, mostly in interrupts.
 */
#include "block_impl.h"
#include <kernel/init.h>
#include <kernel/trace.h>
#include <mm/slab.h>
#include <task/ioprio.h>

#define MAX_VECS 256u
#define PLUG_BIOS 16u

static struct slab_cache *bio_cache;	/* const after init */

int bio_alloc(struct block_device *b, enum bio_op op, u64 sector,
	      unsigned max_vecs, unsigned gfp, struct bio **out)
{
	struct bio *bio = slab_alloc(bio_cache, gfp);

	if (!bio)
		return -ENOMEM;
	*bio = (struct bio){ .bdev = b, .op = (u8)op, .sector = sector };
	bio->vecs = bio->inline_vecs;
	bio->max_vecs = ARRAY_SIZE(bio->inline_vecs);
	max_vecs = min(max_vecs, MAX_VECS);
	if (max_vecs > bio->max_vecs) {
		bio->vecs = kmalloc(max_vecs * sizeof(*bio->vecs), gfp);
		if (!bio->vecs) {
			slab_free(bio_cache, bio);
			return -ENOMEM;
		}
		bio->max_vecs = max_vecs;
	}
	*out = bio;
	return 0;
}

void bio_free(struct bio *b)
{
	if (b->vecs != b->inline_vecs)
		kfree(b->vecs);
	slab_free(bio_cache, b);
}

/* Does the piece follow the last one in memory? */
static bool continues_segment(const struct bio *b, struct page *p, unsigned off)
{
	const struct page_vec *v;

	if (!b->nr_vecs)
		return false;
	v = &b->vecs[b->nr_vecs - 1];
	return page_to_pa(v->page) + v->off + v->len == page_to_pa(p) + off;
}

bool bio_add_page(struct bio *b, struct page *p, unsigned off, unsigned len)
{
	const struct block_device *disk = b->bdev->whole;
	bool joins = continues_segment(b, p, off);

	if (b->nr_vecs == b->max_vecs || b->bytes + len > disk->max_bytes)
		return false;
	if (!joins) {
		if (b->nr_segs == disk->max_segments)
			return false;
		b->nr_segs++;
	}
	b->vecs[b->nr_vecs++] =
		(struct page_vec){ .page = p, .off = off, .len = len };
	b->bytes += len;
	return true;
}

/* --- statistics */

static unsigned stat_kind(const struct bio *b)
{
	switch (b->op) {
	case BIO_READ:
		return 0;
	case BIO_WRITE:
		return 1;
	case BIO_FLUSH:
		return 3;
	default:
		return 2;
	}
}

static void stat_begin(struct block_device *d, u64 now)
{
	if (fetch_add_relaxed(&d->stat.in_flight, 1) == 0)
		WRITE_ONCE(d->stat.last_ns, now);
}

static void stat_end(struct block_device *d, const struct bio *b, u64 now)
{
	unsigned k = stat_kind(b);

	fetch_add_relaxed(&d->stat.ios[k], 1);
	fetch_add_relaxed(&d->stat.sectors[k], b->bytes >> 9);
	fetch_add_relaxed(&d->stat.ns[k], now - b->start_ns);
	fetch_add_relaxed(&d->stat.weighted_ns, now - b->start_ns);
	if (fetch_add_relaxed(&d->stat.in_flight, -1ull) == 1)
		fetch_add_relaxed(&d->stat.io_ns,
				  now - READ_ONCE(d->stat.last_ns));
}

static void bio_account(struct bio *b)
{
	struct block_device *d = b->bdev;

	b->start_ns = clock_ns();
	stat_begin(d, b->start_ns);
	if (d->whole != d)
		stat_begin(d->whole, b->start_ns);
}

void bio_end(struct bio *b, int status)
{
	struct block_device *d = b->bdev;
	u64 now = clock_ns();

	stat_end(d, b, now);
	if (d->whole != d)
		stat_end(d->whole, b, now);
	b->status = status;
	trace_block_complete(d->whole->dev, b->sector, b->bytes,
			     stat_kind(b), status);
	b->end_io(b);
}

/* --- submission */

static int bio_check(const struct bio *b)
{
	const struct block_device *d = b->bdev;
	u64 n = b->bytes >> 9;

	if (b->bytes & (d->logical_block - 1) || b->sector > d->sectors ||
	    n > d->sectors - b->sector)
		return -EIO;
	if (b->op != BIO_READ && b->op != BIO_FLUSH && d->whole->is_readonly)
		return -EROFS;
	if (b->op == BIO_FLUSH && !d->whole->has_flush)
		return -EOPNOTSUPP;
	return 0;
}

static void disk_kick(struct block_device *disk)
{
	disk->ops->kick(disk);
}

void plug_flush(void)
{
	struct io_plug *p = current->plug;
	struct block_device *disk;

	if (!p || !p->bdev)
		return;
	disk = p->bdev;
	p->bdev = NULL;
	p->count = 0;
	disk_kick(disk);
}

static void kick_or_plug(struct block_device *disk)
{
	struct io_plug *p = current->plug;

	if (!p || in_irq()) {
		disk_kick(disk);
		return;
	}
	if (p->bdev && p->bdev != disk)
		plug_flush();
	p->bdev = disk;
	if (++p->count >= PLUG_BIOS)
		plug_flush();
}

void bio_submit(struct bio *b)
{
	struct block_device *disk = b->bdev->whole;
	int err = bio_check(b);

	b->io_class = (u8)task_io_class(current);
	if (b->op == BIO_READ && !in_irq())
		current->io_read_bytes += b->bytes;
	bio_account(b);
	if (err) {
		bio_end(b, err);
		return;
	}
	b->sector += b->bdev->start;
	trace_block_issue(disk->dev, b->sector, b->bytes, stat_kind(b));
	disk->ops->submit(disk, b);
	kick_or_plug(disk);
}

void plug_start(struct io_plug *p)
{
	*p = (struct io_plug){ NULL, 0 };
	if (!current->plug)
		current->plug = p;
}

void plug_end(struct io_plug *p)
{
	if (current->plug != p)
		return;
	plug_flush();
	current->plug = NULL;
}

static void end_wait(struct bio *b)
{
	complete(b->priv);
}

static int submit_and_wait(struct bio *b)
{
	struct completion done;

	completion_init(&done);
	b->priv = &done;
	b->end_io = end_wait;
	bio_submit(b);
	plug_flush();
	wait_for_io(&done);
	return b->status;
}

int blkdev_flush(struct block_device *b)
{
	struct bio *bio;
	int err;

	if (!b->whole->has_flush)
		return 0;
	err = bio_alloc(b, BIO_FLUSH, 0, 0, GFP_NOIO, &bio);
	if (err)
		return err;
	err = submit_and_wait(bio);
	bio_free(bio);
	return err;
}

void blkdev_flush_start(struct block_device *b)
{
	struct bio *bio;

	if (!b->whole->has_flush ||
	    bio_alloc(b, BIO_FLUSH, 0, 0, GFP_NOIO, &bio))
		return;
	bio->end_io = bio_free;
	bio_submit(bio);
}

int bio_submit_wait(struct bio *b)
{
	int err = 0;

	if (b->flags & BIO_PREFLUSH)
		err = blkdev_flush(b->bdev);
	if (!err)
		err = submit_and_wait(b);
	if (!err && b->flags & BIO_FUA)
		err = blkdev_flush(b->bdev);
	return err;
}

static void bio_init(void)
{
	bio_cache = slab_cache_create("bio", sizeof(struct bio), 0, SLAB_PANIC,
				      NULL);
}
INIT(INIT_CORE, bio_init);
