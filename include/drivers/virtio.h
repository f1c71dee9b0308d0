#pragma once
/*
 * Virtio as its device drivers see it: a device with features, configuration
 * space and split virtqueues, whatever the transport.  docs/virtio.md.
 *
 * A driver registers at INIT_FS, before the transport finds devices.
 */
#include <drivers/driver.h>
#include <kernel/spinlock.h>
#include <lib/types.h>

#define VIRTIO_ID_NET 1
#define VIRTIO_ID_BLOCK 2
#define VIRTIO_ID_CONSOLE 3
#define VIRTIO_ID_RNG 4
#define VIRTIO_ID_9P 9
#define VIRTIO_ID_INPUT 18

#define VIRTIO_F_INDIRECT 28
#define VIRTIO_F_EVENT_IDX 29
#define VIRTIO_F_VERSION_1 32
#define VIRTIO_BIT(n) (1ull << (n))

#define VIRTIO_MAX_QUEUES 4

struct virtio_device;
struct virtqueue;

struct virtio_driver {
	const char *name;
	u32 id;
	u64 features;		/* it understands; the ring's are added */
	/* Features are negotiated (vd->features).  Makes the queues, sets
	 * vd->priv, calls virtio_ready(), publishes. */
	int (*probe)(struct virtio_device *vd);
	/* Interrupt context. */
	void (*config_changed)(struct virtio_device *vd);
	struct list node;
};
void virtio_driver_register(struct virtio_driver *drv);

struct virtio_device {
	struct device *dev;
	void __iomem *regs;
	bool is_legacy;		/* transport version 1 */
	u32 id, irq;
	u64 features;		/* agreed on */
	struct virtio_driver *driver;
	struct virtqueue *queues[VIRTIO_MAX_QUEUES];
	u32 nr_queues;
	void *priv;
};
static inline bool virtio_has(const struct virtio_device *vd, unsigned bit)
{
	return vd->features >> bit & 1;
}
/* Configuration space, consistent even if the device changes it meanwhile. */
u8 virtio_config8(struct virtio_device *vd, unsigned off);
u32 virtio_config32(struct virtio_device *vd, unsigned off);
u64 virtio_config64(struct virtio_device *vd, unsigned off);
/* DRIVER_OK: the device may work from here on. */
void virtio_ready(struct virtio_device *vd);

/* One descriptor: the caller fills addr, len and VIRTQ_WRITE (the device
 * writes); chaining is virtq_add()'s. */
struct virtq_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};
#define VIRTQ_NEXT 1u
#define VIRTQ_WRITE 2u
#define VIRTQ_INDIRECT 4u

/* Calls under one lock of the driver's, except from `done`. */
int __must_check virtq_create(struct virtio_device *vd, u32 index,
			      u32 max_size, void (*done)(struct virtqueue *vq),
			      struct virtqueue **out);
/* Offers a chain of n descriptors.  With indirect descriptors d itself, in
 * the direct map and 16-byte aligned, is handed to the device until the chain
 * comes back; else it is copied.  -ENOSPC: the ring is full.  Not seen by
 * the device before virtq_kick(). */
int __must_check virtq_add(struct virtqueue *vq, struct virtq_desc *d,
			   unsigned n, void *token);
/* One notification for all that was added, if the device wants it. */
void virtq_kick(struct virtqueue *vq);
/* Next finished chain's token, or NULL; *len: bytes the device wrote. */
void *virtq_take(struct virtqueue *vq, u32 *len);
/* The device broke the rules, or says that it cannot go on: it was reset and
 * touches memory no more, nothing that is in flight comes back, and nothing
 * is accepted.  Found out by virtq_take(), or before a last call of `done`. */
bool virtq_is_broken(const struct virtqueue *vq);
/* Descriptors; no chain may be longer. */
u32 virtq_size(const struct virtqueue *vq);
/* Asks for an interrupt at the next finish; true if something is finished
 * already (then take it: it may come without one). */
bool virtq_rearm(struct virtqueue *vq);
struct virtio_device *virtq_device(struct virtqueue *vq);
