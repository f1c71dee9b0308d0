/*
 * virtio_rng - entropy from the host: virtio 1.2, 5.4.
 *
 * Theory:  one buffer is on offer; when it comes back filled it is mixed into
 *          the pool, and offered again only while the pool is not seeded, so
 *          that a host with a blocking source is not drained.
 * Locks:   vrng.lock (RANK_DEVICE).
 * Context: done() runs in the interrupt.
 */
#include <drivers/virtio.h>
#include <kernel/init.h>
#include <kernel/random.h>
#include <lib/string.h>
#include <mm/slab.h>

#define BUFFER_BYTES 64

struct vrng {
	struct irqlock lock;
	struct virtqueue *vq __guarded_by(&lock);
	struct virtq_desc desc;
	u8 buf[BUFFER_BYTES] __aligned(64);
};

static int offer_locked(struct vrng *r) __must_hold(&r->lock)
{
	int err;

	r->desc = (struct virtq_desc){ .addr = va_to_pa(r->buf),
				       .len = BUFFER_BYTES,
				       .flags = VIRTQ_WRITE };
	err = virtq_add(r->vq, &r->desc, 1, r);
	if (!err)
		virtq_kick(r->vq);
	return err;
}

static void vrng_done(struct virtqueue *vq)
{
	struct vrng *r = virtq_device(vq)->priv;
	u32 len = 0;

	irq_lock(&r->lock);
	do {
		while (virtq_take(vq, &len)) {
			len = min_t(u32, len, BUFFER_BYTES);
			random_mix(r->buf, len, len * 8);
			memzero_explicit(r->buf, sizeof(r->buf));
			/* A broken queue only means less entropy. */
			if (!random_is_seeded())
				ignore_error(offer_locked(r));
		}
	} while (virtq_rearm(vq));
	irq_unlock(&r->lock);
}

static int vrng_probe(struct virtio_device *vd)
{
	struct vrng *r = kzalloc(sizeof(*r), GFP_KERNEL);
	int err;

	if (!r)
		return -ENOMEM;
	irq_lock_init(&r->lock, RANK_DEVICE, "virtio_rng");
	err = virtq_create(vd, 0, 8, vrng_done, &r->vq);
	if (err) {
		kfree(r);
		return err;
	}
	vd->priv = r;
	virtio_ready(vd);
	irq_lock(&r->lock);
	ignore_error(virtq_rearm(r->vq));	/* nothing can be there yet */
	err = offer_locked(r);
	irq_unlock(&r->lock);
	return err;
}

static struct virtio_driver virtio_rng = {
	.name = "virtio_rng",
	.id = VIRTIO_ID_RNG,
	.probe = vrng_probe,
};

static void virtio_rng_init(void)
{
	virtio_driver_register(&virtio_rng);
}
INIT(INIT_FS, virtio_rng_init);
