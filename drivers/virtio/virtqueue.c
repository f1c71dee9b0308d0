/*
 * virtqueue - split rings: virtio 1.2, 2.7.
 *
 * Theory:  descriptor table, available ring and used ring lie in one block of
 *          contiguous memory, laid out as the legacy interface demands, which
 *          the modern one accepts too.  Free descriptors form a list through
 *          `next`.  Chains are offered by writing avail.idx once per kick
 *          (`added` counts what is not shown yet), so the device sees many
 *          requests at one notification.  With the event index each side says
 *          at which index it wants to be told; the driver always asks for the
 *          next finish only when it has drained the ring.
 *          The device is not trusted with memory: an id out of range or not
 *          in use breaks the queue, which then yields nothing more.  The
 *          device is reset, so that the driver may end what was in flight.
 * Locks:   the driver's.
 */
#include "virtio_impl.h"
#include <kernel/atomic.h>
#include <kernel/print.h>
#include <mm/slab.h>

struct avail_ring {
	u16 flags, idx;
	u16 ring[];
};

struct used_elem {
	u32 id, len;
};

struct used_ring {
	u16 flags, idx;
	struct used_elem ring[];
};

#define USED_NO_NOTIFY 1u

struct virtqueue {
	struct virtio_device *vd;	/* const */
	void (*done)(struct virtqueue *vq);	/* const */
	u32 index, size;		/* const; size is a power of two */
	unsigned order;			/* of the memory. const */
	bool has_indirect, has_event;	/* const */
	bool is_broken;
	/* the driver's lock */
	struct virtq_desc *desc;
	struct avail_ring *avail;
	struct used_ring *used;
	u16 free_head, nr_free;
	u16 avail_idx;			/* next slot to fill */
	u16 shown_idx;			/* what the device was shown */
	u16 used_idx;			/* next to take */
	void **tokens;			/* by head */
};

struct virtio_device *virtq_device(struct virtqueue *vq)
{
	return vq->vd;
}

static u16 *used_event(struct virtqueue *vq)
{
	return &vq->avail->ring[vq->size];
}

static u16 *avail_event(struct virtqueue *vq)
{
	return (u16 *)&vq->used->ring[vq->size];
}

static size_t used_offset(u32 size)
{
	size_t n = size * sizeof(struct virtq_desc) + 2 * (3 + (size_t)size);

	return ALIGN_UP(n, PAGE_SIZE);
}

static size_t ring_bytes(u32 size)
{
	return used_offset(size) + 6 + sizeof(struct used_elem) * size;
}

static void write_address(struct virtio_device *vd, unsigned reg, void *p)
{
	paddr_t pa = va_to_pa(p);

	mmio_write32(vd->regs + reg, (u32)pa);
	mmio_write32(vd->regs + reg + 4, (u32)(pa >> 32));
}

static int tell_device(struct virtqueue *vq)
{
	struct virtio_device *vd = vq->vd;
	paddr_t pfn = va_to_pa(vq->desc) >> PAGE_SHIFT;

	mmio_write32(vd->regs + VMMIO_QUEUE_NUM, vq->size);
	if (vd->is_legacy) {
		if (pfn >> 32)
			return -ENOMEM;
		mmio_write32(vd->regs + VMMIO_QUEUE_ALIGN, PAGE_SIZE);
		mmio_write32(vd->regs + VMMIO_QUEUE_PFN, (u32)pfn);
		return 0;
	}
	write_address(vd, VMMIO_QUEUE_DESC, vq->desc);
	write_address(vd, VMMIO_QUEUE_DRIVER, vq->avail);
	write_address(vd, VMMIO_QUEUE_DEVICE, vq->used);
	mmio_write32(vd->regs + VMMIO_QUEUE_READY, 1);
	return 0;
}

static void virtq_free(struct virtqueue *vq)
{
	if (vq->desc)
		pages_free_va(vq->desc, vq->order);
	kfree(vq->tokens);
	kfree(vq);
}

static int virtq_alloc(struct virtqueue *vq)
{
	u32 i;

	vq->order = order_base2(DIV_ROUND_UP(ring_bytes(vq->size), PAGE_SIZE));
	vq->desc = pages_alloc_va(GFP_KERNEL | GFP_ZERO, vq->order);
	vq->tokens = kzalloc(vq->size * sizeof(void *), GFP_KERNEL);
	if (!vq->desc || !vq->tokens)
		return -ENOMEM;
	vq->avail = (void *)(vq->desc + vq->size);
	vq->used = (void *)((u8 *)vq->desc + used_offset(vq->size));
	for (i = 0; i < vq->size; i++)
		vq->desc[i].next = (u16)(i + 1);
	vq->nr_free = (u16)vq->size;
	return 0;
}

/* The largest power of two both sides can. */
static u32 choose_size(struct virtio_device *vd, u32 index, u32 max_size)
{
	u32 offered;

	mmio_write32(vd->regs + VMMIO_QUEUE_SEL, index);
	offered = mmio_read32(vd->regs + VMMIO_QUEUE_NUM_MAX);
	offered = min(offered, max_size);
	return offered ? (u32)rounddown_pow2(offered) : 0;
}

int virtq_create(struct virtio_device *vd, u32 index, u32 max_size,
		 void (*done)(struct virtqueue *vq), struct virtqueue **out)
{
	struct virtqueue *vq;
	u32 size;
	int err;

	if (index >= VIRTIO_MAX_QUEUES)
		return -EINVAL;
	size = choose_size(vd, index, min_t(u32, max_size, 1024));
	if (!size)
		return -ENOENT;
	vq = kzalloc(sizeof(*vq), GFP_KERNEL);
	if (!vq)
		return -ENOMEM;
	vq->vd = vd;
	vq->done = done;
	vq->index = index;
	vq->size = size;
	vq->has_indirect = virtio_has(vd, VIRTIO_F_INDIRECT);
	vq->has_event = virtio_has(vd, VIRTIO_F_EVENT_IDX);
	err = virtq_alloc(vq);
	if (!err)
		err = tell_device(vq);
	if (err) {
		virtq_free(vq);
		return err;
	}
	vd->queues[index] = vq;
	vd->nr_queues = max(vd->nr_queues, index + 1);
	*out = vq;
	return 0;
}

void virtq_destroy_all(struct virtio_device *vd)
{
	u32 i;

	for (i = 0; i < vd->nr_queues; i++)
		if (vd->queues[i])
			virtq_free(vd->queues[i]);
	vd->nr_queues = 0;
}

static u16 take_free(struct virtqueue *vq)
{
	u16 i = vq->free_head;

	vq->free_head = vq->desc[i].next;
	vq->nr_free--;
	return i;
}

static u16 put_indirect(struct virtqueue *vq, struct virtq_desc *d, unsigned n)
{
	u16 head = take_free(vq);
	struct virtq_desc *slot = &vq->desc[head];

	for (unsigned i = 0; i < n; i++) {
		d[i].flags = (d[i].flags & VIRTQ_WRITE) |
			     (i + 1 < n ? VIRTQ_NEXT : 0);
		d[i].next = (u16)(i + 1);
	}
	slot->addr = va_to_pa(d);
	slot->len = (u32)(n * sizeof(*d));
	slot->flags = VIRTQ_INDIRECT;
	return head;
}

static u16 put_chain(struct virtqueue *vq, const struct virtq_desc *d,
		     unsigned n)
{
	u16 head = vq->free_head, at = head;

	for (unsigned i = 0; i < n; i++) {
		at = take_free(vq);
		vq->desc[at].addr = d[i].addr;
		vq->desc[at].len = d[i].len;
		vq->desc[at].flags = (d[i].flags & VIRTQ_WRITE) | VIRTQ_NEXT;
	}
	vq->desc[at].flags &= (u16)~VIRTQ_NEXT;
	return head;
}

int virtq_add(struct virtqueue *vq, struct virtq_desc *d, unsigned n,
	      void *token)
{
	bool indirect = vq->has_indirect && n > 1;
	u16 head;

	if (vq->is_broken)
		return -EIO;
	if (vq->nr_free < (indirect ? 1 : n))
		return -ENOSPC;
	head = indirect ? put_indirect(vq, d, n) : put_chain(vq, d, n);
	vq->tokens[head] = token;
	vq->avail->ring[vq->avail_idx++ & (vq->size - 1)] = head;
	return 0;
}

static bool device_wants_kick(struct virtqueue *vq, u16 old)
{
	u16 new_idx = vq->avail_idx, at;

	if (!vq->has_event)
		return !(READ_ONCE(vq->used->flags) & USED_NO_NOTIFY);
	at = READ_ONCE(*avail_event(vq));
	return (u16)(new_idx - at - 1) < (u16)(new_idx - old);
}

void virtq_kick(struct virtqueue *vq)
{
	u16 old = vq->shown_idx;

	if (old == vq->avail_idx || vq->is_broken)
		return;
	store_release(&vq->avail->idx, vq->avail_idx);
	vq->shown_idx = vq->avail_idx;
	/* The index before the question whether it was seen. */
	smp_mb();
	if (device_wants_kick(vq, old))
		mmio_write32(vq->vd->regs + VMMIO_QUEUE_NOTIFY, vq->index);
}

/* Gives a finished chain's descriptors back. */
static void release_chain(struct virtqueue *vq, u16 head)
{
	u16 at = head;

	vq->nr_free++;
	while (vq->desc[at].flags & VIRTQ_NEXT) {
		at = vq->desc[at].next;
		vq->nr_free++;
	}
	vq->desc[at].next = vq->free_head;
	vq->free_head = head;
}

void *virtq_take(struct virtqueue *vq, u32 *len)
{
	const struct used_elem *e;
	void *token;
	u32 id;

	if (vq->is_broken || load_acquire(&vq->used->idx) == vq->used_idx)
		return NULL;
	e = &vq->used->ring[vq->used_idx & (vq->size - 1)];
	id = READ_ONCE(e->id);
	if (id >= vq->size || !vq->tokens[id]) {
		pr_err("%s: queue %u: bad id %u\n", vq->vd->dev->name,
		       vq->index, id);
		virtio_break(vq->vd);
		return NULL;
	}
	*len = READ_ONCE(e->len);
	token = vq->tokens[id];
	vq->tokens[id] = NULL;
	release_chain(vq, (u16)id);
	vq->used_idx++;
	return token;
}

void virtq_break(struct virtqueue *vq)
{
	WRITE_ONCE(vq->is_broken, true);
}

bool virtq_is_broken(const struct virtqueue *vq)
{
	return READ_ONCE(vq->is_broken);
}

u32 virtq_size(const struct virtqueue *vq)
{
	return vq->size;
}

bool virtq_rearm(struct virtqueue *vq)
{
	if (vq->has_event) {
		WRITE_ONCE(*used_event(vq), vq->used_idx);
		smp_mb();
	}
	return !vq->is_broken && READ_ONCE(vq->used->idx) != vq->used_idx;
}

void virtq_done(struct virtqueue *vq)
{
	vq->done(vq);
}
