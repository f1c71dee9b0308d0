/*
 * virtio_blk - disks of a virtual machine: virtio 1.2, 5.2.
 *
 * Theory:  submit() only queues a bio; kick() turns the queue into requests
 *          and notifies once.  Bios that follow each other on disk become one
 *          request, up to 1 MiB and the device's segment limit; pages that
 *          are neighbours in memory become one segment.  Up to NR_REQS are in
 *          flight, each with a page of its own for descriptors, header and
 *          status.  FLUSH is accepted: without it the host would make every
 *          write durable at once.  What waits is in the order of I/O
 *          classes, and is not overtaken for longer than PASSED_NS.
 * Locks:   vblk.lock (RANK_DEVICE).  Bios are ended without it.
 * Life:    a disk stays.
 * Errors:  a device that broke the rules is reset and stays so: what is in
 *          flight, what waits and what comes later ends with EIO.
 * Context: done() runs in the interrupt: it ends bios and starts what waits.
 */
#include <drivers/virtio.h>
#include <fs/device.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#define F_SEG_MAX 2
#define F_RO 5
#define F_BLK_SIZE 6
#define F_FLUSH 9
#define F_TOPOLOGY 10
#define F_DISCARD 13
#define F_WRITE_ZEROES 14

#define CFG_CAPACITY 0
#define CFG_SEG_MAX 12
#define CFG_BLK_SIZE 20
#define CFG_PHYS_EXP 24

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_DISCARD = 11, T_ZEROES = 13 };

#define VBLK_MAJOR 254		/* Linux's usual dynamic choice */
#define VBLK_MINORS 16
#define NR_REQS 64
#define MAX_BYTES (1u << 20)
#define PASSED_NS (10 * NSEC_PER_SEC)

struct vblk_header {
	u32 type, ioprio;
	u64 sector;
};

struct vblk_range {		/* payload of DISCARD and ZEROES */
	u64 sector;
	u32 sectors, flags;
};

/* Two pages, shared with the device. */
#define MAX_DESC 506
struct vblk_shared {
	struct virtq_desc desc[MAX_DESC];
	struct vblk_header header;
	struct vblk_range range;
	u8 status;
};
static_assert(sizeof(struct vblk_shared) <= 8192, "fits order 1");

struct vblk_req {
	struct list node;	/* disk's free list */
	struct list bios;
	struct vblk_shared *shared;
};

struct vblk {
	struct irqlock lock;
	struct virtio_device *vd;	/* const */
	struct virtqueue *vq __guarded_by(&lock);
	struct list pending __guarded_by(&lock);	/* bios */
	struct list free_reqs __guarded_by(&lock);
	u32 max_segs;			/* const */
	struct vblk_req reqs[NR_REQS];
	struct block_device bdev;
};

static u32 request_type(enum bio_op op)
{
	switch (op) {
	case BIO_READ:
		return T_IN;
	case BIO_WRITE:
		return T_OUT;
	case BIO_FLUSH:
		return T_FLUSH;
	case BIO_DISCARD:
		return T_DISCARD;
	case BIO_ZEROES:
		return T_ZEROES;
	}
	return T_FLUSH;
}

static bool has_data(enum bio_op op)
{
	return op == BIO_READ || op == BIO_WRITE;
}

/* Adds the bio's memory to the n descriptors; the new count. */
static unsigned add_segments(struct virtq_desc *d, unsigned n,
			     const struct bio *bio)
{
	u16 flags = bio->op == BIO_READ ? VIRTQ_WRITE : 0;
	unsigned i;

	for (i = 0; i < bio->nr_vecs; i++) {
		const struct page_vec *v = &bio->vecs[i];
		u64 pa = page_to_pa(v->page) + v->off;

		if (n > 1 && d[n - 1].addr + d[n - 1].len == pa) {
			d[n - 1].len += v->len;
			continue;
		}
		d[n++] = (struct virtq_desc){ .addr = pa, .len = v->len,
					      .flags = flags };
	}
	return n;
}

static unsigned add_range(struct vblk_shared *s, const struct bio *bio)
{
	s->range = (struct vblk_range){ .sector = bio->sector,
					.sectors = bio->bytes >> 9 };
	s->header.sector = 0;
	s->desc[1] = (struct virtq_desc){ .addr = va_to_pa(&s->range),
					  .len = sizeof(s->range) };
	return 2;
}

/* Moves the first pending bio, and those that continue it, into req; builds
 * the descriptors and returns their number. */
static unsigned fill_request(struct vblk *d, struct vblk_req *req)
	__must_hold(&d->lock)
{
	struct vblk_shared *s = req->shared;
	struct bio *bio = list_first_entry(&d->pending, struct bio, node);
	enum bio_op op = bio->op;
	u64 next = bio->sector;
	u32 bytes = 0, segs = 0;
	unsigned n = 1;

	s->status = 0xff;
	s->header = (struct vblk_header){ .type = request_type(op),
					  .sector = bio->sector };
	s->desc[0] = (struct virtq_desc){ .addr = va_to_pa(&s->header),
					  .len = sizeof(s->header) };
	if (!has_data(op)) {
		list_move_tail(&bio->node, &req->bios);
		if (op != BIO_FLUSH)
			n = add_range(s, bio);
	}
	while (has_data(op)) {
		n = add_segments(s->desc, n, bio);
		bytes += bio->bytes;
		segs += bio->nr_segs;
		next += bio->bytes >> 9;
		list_move_tail(&bio->node, &req->bios);
		bio = list_first_entry_or_null(&d->pending, struct bio, node);
		if (!bio || bio->op != op || bio->sector != next ||
		    bytes + bio->bytes > MAX_BYTES ||
		    segs + bio->nr_segs > d->max_segs)
			break;
	}
	s->desc[n++] = (struct virtq_desc){ .addr = va_to_pa(&s->status),
					    .len = 1, .flags = VIRTQ_WRITE };
	return n;
}

static void set_status(struct list *bios, int status)
{
	struct bio *bio;

	list_for_each_entry(bio, bios, node)
		bio->status = status;
}

/* Issues what can be issued.  Bios that the device refuses go to `failed`. */
static void dispatch(struct vblk *d, struct list *failed)
	__must_hold(&d->lock)
{
	struct vblk_req *req;
	unsigned n;
	int err;

	while (!list_empty(&d->pending) && !list_empty(&d->free_reqs)) {
		req = list_first_entry(&d->free_reqs, struct vblk_req, node);
		n = fill_request(d, req);
		err = virtq_add(d->vq, req->shared->desc, n, req);
		if (err == -ENOSPC) {
			list_splice(&req->bios, &d->pending);
			break;
		}
		if (err) {
			set_status(&req->bios, err);
			list_splice_tail(&req->bios, failed);
			continue;
		}
		list_del(&req->node);
	}
	virtq_kick(d->vq);
}

static void end_all(struct list *bios)
{
	struct bio *bio, *n;

	list_for_each_entry_safe(bio, n, bios, node) {
		list_del(&bio->node);
		bio_end(bio, bio->status);
	}
}

/* Before what is of a lower class, unless that waited long already. */
static void queue_by_class(struct vblk *d, struct bio *bio)
	__must_hold(&d->lock)
{
	struct bio *b;

	list_for_each_entry_reverse(b, &d->pending, node)
		if (b->io_class <= bio->io_class ||
		    bio->start_ns - b->start_ns > PASSED_NS)
			break;
	list_add(&bio->node, &b->node);
}

static void vblk_submit(struct block_device *b, struct bio *bio)
{
	struct vblk *d = b->priv;

	irq_lock(&d->lock);
	queue_by_class(d, bio);
	irq_unlock(&d->lock);
}

static void vblk_kick(struct block_device *b)
{
	struct vblk *d = b->priv;
	LIST_HEAD(failed);

	irq_lock(&d->lock);
	dispatch(d, &failed);
	irq_unlock(&d->lock);
	end_all(&failed);
}

static int request_status(u8 status)
{
	if (status == 0)
		return 0;
	return status == 2 ? -EOPNOTSUPP : -EIO;
}

/* Nothing comes back: all that is in flight ends here, and what waits or comes
 * later is refused by virtq_add(). */
static void fail_all(struct vblk *d, struct list *failed)
	__must_hold(&d->lock)
{
	for (unsigned i = 0; i < NR_REQS; i++) {
		struct vblk_req *req = &d->reqs[i];

		if (list_empty(&req->bios))
			continue;	/* it is free */
		set_status(&req->bios, -EIO);
		list_splice_tail(&req->bios, failed);
		list_add(&req->node, &d->free_reqs);
	}
}

static void vblk_done(struct virtqueue *vq)
{
	struct vblk *d = virtq_device(vq)->priv;
	struct vblk_req *req;
	LIST_HEAD(done);
	u32 len;

	irq_lock(&d->lock);
	do {
		while ((req = virtq_take(vq, &len))) {
			set_status(&req->bios,
				   request_status(req->shared->status));
			list_splice_tail(&req->bios, &done);
			list_add(&req->node, &d->free_reqs);
		}
	} while (virtq_rearm(vq));
	if (unlikely(virtq_is_broken(vq)))
		fail_all(d, &done);
	dispatch(d, &done);
	irq_unlock(&d->lock);
	end_all(&done);
}

static const struct block_ops vblk_ops = {
	.submit = vblk_submit,
	.kick = vblk_kick,
};

static u32 vblk_segments(struct virtio_device *vd)
{
	u32 n = 126;

	if (virtio_has(vd, F_SEG_MAX))
		n = virtio_config32(vd, CFG_SEG_MAX);
	return clamp(n, 1u, (u32)MAX_DESC - 2);
}

static u32 block_size(struct virtio_device *vd)
{
	u32 n = 512;

	if (virtio_has(vd, F_BLK_SIZE))
		n = virtio_config32(vd, CFG_BLK_SIZE);
	return is_pow2(n) && n >= 512 && n <= PAGE_SIZE ? n : 512;
}

static void describe(struct vblk *d, u32 index)
{
	struct virtio_device *vd = d->vd;
	struct block_device *b = &d->bdev;
	u8 exp = 0;

	kscnprintf(b->name, sizeof(b->name), "vd%c", 'a' + (int)index);
	b->dev = MKDEV(VBLK_MAJOR, index * VBLK_MINORS);
	b->sectors = virtio_config64(vd, CFG_CAPACITY);
	b->whole = b;
	b->ops = &vblk_ops;
	b->priv = d;
	b->logical_block = block_size(vd);
	if (virtio_has(vd, F_TOPOLOGY))
		exp = virtio_config8(vd, CFG_PHYS_EXP);
	b->physical_block = b->logical_block << (exp < 8 ? exp : 0);
	b->max_bytes = MAX_BYTES;
	b->max_segments = d->max_segs;
	b->minors = VBLK_MINORS;
	b->is_readonly = virtio_has(vd, F_RO);
	b->has_flush = virtio_has(vd, F_FLUSH);
	b->has_discard = virtio_has(vd, F_DISCARD);
}

static int alloc_requests(struct vblk *d)
{
	unsigned i;

	for (i = 0; i < NR_REQS; i++) {
		struct vblk_req *req = &d->reqs[i];

		req->shared = pages_alloc_va(GFP_KERNEL, 1);
		if (!req->shared)
			return -ENOMEM;
		list_init(&req->bios);
		list_add_tail(&req->node, &d->free_reqs);
	}
	return 0;
}

static void free_disk(struct vblk *d)
{
	unsigned i;

	for (i = 0; i < NR_REQS; i++)
		if (d->reqs[i].shared)
			pages_free_va(d->reqs[i].shared, 1);
	kvfree(d);
}

static int vblk_probe(struct virtio_device *vd)
{
	static u32 next_index;
	struct vblk *d;
	int err;

	if (next_index >= 26)
		return -ENFILE;
	d = kvzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	irq_lock_init(&d->lock, RANK_DEVICE, "virtio_blk");
	list_init(&d->pending);
	list_init(&d->free_reqs);
	d->vd = vd;
	d->max_segs = vblk_segments(vd);
	err = alloc_requests(d);
	if (!err)
		err = virtq_create(vd, 0, 256, vblk_done, &d->vq);
	if (err)
		goto err_free;
	/* header and status need descriptors too */
	d->max_segs = min(d->max_segs, max(virtq_size(d->vq), 3u) - 2);
	vd->priv = d;
	describe(d, next_index);
	ignore_error(virtq_rearm(d->vq));	/* nothing can be there yet */
	virtio_ready(vd);
	err = blkdev_register(&d->bdev);
	if (err)
		goto err_free;
	next_index++;
	return 0;
err_free:
	free_disk(d);
	return err;
}

static struct virtio_driver virtio_blk = {
	.name = "virtio_blk",
	.id = VIRTIO_ID_BLOCK,
	.features = VIRTIO_BIT(F_SEG_MAX) | VIRTIO_BIT(F_RO) |
		    VIRTIO_BIT(F_BLK_SIZE) | VIRTIO_BIT(F_FLUSH) |
		    VIRTIO_BIT(F_TOPOLOGY) | VIRTIO_BIT(F_DISCARD) |
		    VIRTIO_BIT(F_WRITE_ZEROES),
	.probe = vblk_probe,
};

static void virtio_blk_init(void)
{
	virtio_driver_register(&virtio_blk);
}
INIT(INIT_FS, virtio_blk_init);
