#pragma once
/*
 * The driver model: a driver names the `compatible` strings it knows, and its
 * probe function is called for each matching node of the device tree whose
 * status is okay.  docs/drivers.md.
 *
 *	static int uart_probe(struct device *dev) { ... return 0; }
 *	DRIVER(uart) = {
 *		.match = { "ns16550a", "snps,dw-apb-uart" },
 *		.probe = uart_probe,
 *	};
 *
 * probe() runs in process context at INIT_DRIVER (DRIVER_EARLY ones first:
 * interrupt controllers, clocks), sets up all or nothing, publishes last, and
 * returns
 *	0		the device is driven; dev stays valid for ever
 *	-EPROBE_DEFER	something it needs is not there yet: tried again after
 *			the others, as long as any probe succeeds
 *	-ENODEV		the node is empty (a virtio slot): no message
 *	other -Exxx	failed: one line is printed
 * Probes never run at the same time.  What probe got by the device_ functions
 * is not undone for it, except that a failed device's mappings are unmapped.
 */
#include <drivers/mmio.h>
#include <irq/irq.h>
#include <lib/errno.h>
#include <lib/fdt.h>
#include <lib/list.h>

#define DRIVER_MAX_MATCH 8
#define DEVICE_MAX_MAPS 4

/* Internal to the kernel, as in Linux: never seen by a program. */
#ifndef EPROBE_DEFER
#define EPROBE_DEFER 517
#endif

struct driver;

struct device {
	const char *name;	/* node name with @unit. const */
	int fdt_node;		/* for lib/fdt.h with device_fdt(). const */
	const char *compatible;	/* the match string that hit. const */
	const struct driver *driver;	/* const */
	void *priv;		/* the driver's own */
	struct {
		void __iomem *base;
		size_t size;
	} maps[DEVICE_MAX_MAPS];	/* by device_ioremap */
	u32 nr_maps;
	struct list node;	/* all devices, in probe order */
};

struct driver {
	const char *name;
	const char *match[DRIVER_MAX_MATCH];	/* NULL ends it early */
	u32 flags;
#define DRIVER_EARLY 1u		/* before all others: interrupt controllers */
	int (*probe)(struct device *dev);
};

#define DRIVER(n)                                                              \
	static const struct driver driver_##n;                                 \
	static const struct driver *const __used __section(".driver_table")    \
		driver_entry_##n = &driver_##n;                                \
	static const struct driver driver_##n

/* The device tree the kernel booted with, for all functions of lib/fdt.h. */
const struct fdt *device_fdt(void);

/* Maps the index-th reg entry.  -ENOENT: there is none; -ENOMEM. size may be
 * NULL. */
int __must_check device_ioremap(struct device *dev, unsigned index,
				void __iomem **base, size_t *size);
/* The index-th interrupt as irq_request() takes it.  -ENOENT: none. */
int __must_check device_irq(struct device *dev, unsigned index, u32 *irq);
/* 0, -ENOENT or -EINVAL (another shape). */
int __must_check device_prop_u32(struct device *dev, const char *name,
				 u32 *out);
u32 device_prop_u32_or(struct device *dev, const char *name, u32 fallback);
/* Next device after prev (NULL: the first), for /sys and /proc; NULL: end. */
struct device *device_next(struct device *prev);
