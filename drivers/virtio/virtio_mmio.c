/*
 * virtio_mmio - devices behind a page of registers: virtio 1.2, 4.2, and the
 * legacy interface (version 1), which is what QEMU gives by default.
 *
 * Theory:  a slot without a device reads id 0 and is left alone.  Features
 *          are the offer and what the driver knows, plus the ring's own
 *          (indirect descriptors, event index).  The interrupt reads and
 *          acknowledges the status once and lets each queue drain its ring.
 * Locks:   none here; queues are under their driver's lock.
 * Life:    devices stay.
 * Context: interrupt() runs with interrupts off.
 */
#include "virtio_impl.h"
#include <kernel/init.h>
#include <kernel/print.h>
#include <mm/slab.h>

#define MAGIC 0x74726976u	/* "virt" */
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 64u
#define STATUS_FAILED 128u

static LIST_HEAD(drivers);	/* const after INIT_FS */

void virtio_driver_register(struct virtio_driver *drv)
{
	list_add_tail(&drv->node, &drivers);
}

static void status_add(struct virtio_device *vd, u32 bits)
{
	u32 s = mmio_read32(vd->regs + VMMIO_STATUS);

	mmio_write32(vd->regs + VMMIO_STATUS, s | bits);
}

static u32 config_generation(struct virtio_device *vd)
{
	if (vd->is_legacy)
		return 0;
	return mmio_read32(vd->regs + VMMIO_CONFIG_GENERATION);
}

u8 virtio_config8(struct virtio_device *vd, unsigned off)
{
	return mmio_read8(vd->regs + VMMIO_CONFIG + off);
}

u32 virtio_config32(struct virtio_device *vd, unsigned off)
{
	return mmio_read32(vd->regs + VMMIO_CONFIG + off);
}

u64 virtio_config64(struct virtio_device *vd, unsigned off)
{
	u32 gen, lo, hi;

	do {
		gen = config_generation(vd);
		lo = virtio_config32(vd, off);
		hi = virtio_config32(vd, off + 4);
	} while (config_generation(vd) != gen);
	return (u64)hi << 32 | lo;
}

void virtio_ready(struct virtio_device *vd)
{
	status_add(vd, STATUS_DRIVER_OK);
}

static u64 features_offered(struct virtio_device *vd)
{
	u64 f;

	mmio_write32(vd->regs + VMMIO_DEVICE_FEATURES_SEL, 1);
	f = (u64)mmio_read32(vd->regs + VMMIO_DEVICE_FEATURES) << 32;
	mmio_write32(vd->regs + VMMIO_DEVICE_FEATURES_SEL, 0);
	return f | mmio_read32(vd->regs + VMMIO_DEVICE_FEATURES);
}

static int negotiate(struct virtio_device *vd)
{
	u64 want = vd->driver->features | VIRTIO_BIT(VIRTIO_F_INDIRECT) |
		   VIRTIO_BIT(VIRTIO_F_EVENT_IDX);

	if (!vd->is_legacy)
		want |= VIRTIO_BIT(VIRTIO_F_VERSION_1);
	vd->features = features_offered(vd) & want;
	if (!vd->is_legacy && !virtio_has(vd, VIRTIO_F_VERSION_1))
		return -EINVAL;
	mmio_write32(vd->regs + VMMIO_DRIVER_FEATURES_SEL, 1);
	mmio_write32(vd->regs + VMMIO_DRIVER_FEATURES,
		     (u32)(vd->features >> 32));
	mmio_write32(vd->regs + VMMIO_DRIVER_FEATURES_SEL, 0);
	mmio_write32(vd->regs + VMMIO_DRIVER_FEATURES, (u32)vd->features);
	if (vd->is_legacy) {
		mmio_write32(vd->regs + VMMIO_GUEST_PAGE_SIZE, PAGE_SIZE);
		return 0;
	}
	status_add(vd, STATUS_FEATURES_OK);
	if (!(mmio_read32(vd->regs + VMMIO_STATUS) & STATUS_FEATURES_OK))
		return -EINVAL;
	return 0;
}

void virtio_break(struct virtio_device *vd)
{
	u32 i;

	mmio_write32(vd->regs + VMMIO_STATUS, 0);
	mmio_write32(vd->regs + VMMIO_STATUS, STATUS_FAILED);
	for (i = 0; i < vd->nr_queues; i++)
		if (vd->queues[i])
			virtq_break(vd->queues[i]);
}

/* A change of the configuration may say that the device gave up. */
static bool has_given_up(struct virtio_device *vd)
{
	if (!(mmio_read32(vd->regs + VMMIO_STATUS) & STATUS_NEEDS_RESET))
		return false;
	pr_err("%s: the device reports an error\n", vd->dev->name);
	virtio_break(vd);
	return true;
}

static bool interrupt(void *ctx)
{
	struct virtio_device *vd = ctx;
	u32 status = mmio_read32(vd->regs + VMMIO_INTERRUPT_STATUS), i;

	if (!status)
		return false;
	mmio_write32(vd->regs + VMMIO_INTERRUPT_ACK, status);
	if (status & 2 && has_given_up(vd))
		status |= 1;
	for (i = 0; status & 1 && i < vd->nr_queues; i++)
		if (vd->queues[i])
			virtq_done(vd->queues[i]);
	if (status & 2 && vd->driver->config_changed)
		vd->driver->config_changed(vd);
	return true;
}

static struct virtio_driver *driver_for(u32 id)
{
	struct virtio_driver *d;

	list_for_each_entry(d, &drivers, node)
		if (d->id == id)
			return d;
	return NULL;
}

static int start(struct virtio_device *vd)
{
	int err;

	mmio_write32(vd->regs + VMMIO_STATUS, 0);
	status_add(vd, STATUS_ACKNOWLEDGE);
	status_add(vd, STATUS_DRIVER);
	err = negotiate(vd);
	if (err)
		return err;
	err = irq_request(vd->irq, interrupt, vd, vd->driver->name);
	if (err)
		return err;
	err = vd->driver->probe(vd);
	if (err)
		irq_free(vd->irq, vd);
	return err;
}

static int identify(struct virtio_device *vd)
{
	u32 version;

	if (mmio_read32(vd->regs + VMMIO_MAGIC) != MAGIC)
		return -ENODEV;
	version = mmio_read32(vd->regs + VMMIO_VERSION);
	if (version != 1 && version != 2)
		return -ENODEV;
	vd->is_legacy = version == 1;
	vd->id = mmio_read32(vd->regs + VMMIO_DEVICE_ID);
	vd->driver = driver_for(vd->id);
	return vd->id && vd->driver ? 0 : -ENODEV;
}

static int virtio_mmio_probe(struct device *dev)
{
	struct virtio_device *vd = kzalloc(sizeof(*vd), GFP_KERNEL);
	int err;

	if (!vd)
		return -ENOMEM;
	vd->dev = dev;
	err = device_ioremap(dev, 0, &vd->regs, NULL);
	if (!err)
		err = identify(vd);
	if (!err)
		err = device_irq(dev, 0, &vd->irq);
	if (err)
		goto err_free;
	dev->priv = vd;
	err = start(vd);
	if (err)
		goto err_reset;
	return 0;
err_reset:
	/* A reset device no longer touches the queues' memory. */
	mmio_write32(vd->regs + VMMIO_STATUS, 0);
	virtq_destroy_all(vd);
	mmio_write32(vd->regs + VMMIO_STATUS, STATUS_FAILED);
err_free:
	kfree(vd);
	return err;
}

DRIVER(virtio_mmio) = {
	.name = "virtio-mmio",
	.match = { "virtio,mmio" },
	.probe = virtio_mmio_probe,
};
