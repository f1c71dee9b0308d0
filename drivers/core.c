/*
 * core - finds a driver for each node of the device tree and probes it.
 *
 * Theory:  the tree is walked once; each okay node whose `compatible` list
 *          names a driver becomes a struct device (the first string that hits
 *          decides: the list goes from special to general).  Early drivers
 *          (interrupt controllers) are probed in a first pass, the rest in a
 *          second; who asks for deferral is tried again as long as a round
 *          brings anybody up.  What stdout-path names goes first in its
 *          pass.  An empty virtio slot costs one register read and leaves
 *          nothing behind.
 * Locks:   none: all of it runs on the boot task; the list of devices is
 *          const afterwards.
 * Life:    devices are never freed once probed.
 */
#include <arch/smp.h>
#include <drivers/driver.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmap.h>

extern const struct driver *const __driver_table_start[];
extern const struct driver *const __driver_table_end[];

static LIST_HEAD(devices);	/* probed. const after init */
static LIST_HEAD(pending);	/* found, not probed yet */
static struct fdt tree;
static bool is_tree_open;
static int stdout_node;		/* /chosen's stdout-path, or an error */

const struct fdt *device_fdt(void)
{
	if (!is_tree_open) {
		if (fdt_open(&tree, boot_fdt, boot_fdt_size))
			pr_err("device tree: damaged\n");
		is_tree_open = true;
	}
	return &tree;
}

struct device *device_next(struct device *prev)
{
	struct list *n = prev ? prev->node.next : devices.next;

	return n == &devices ? NULL : list_entry(n, struct device, node);
}

static int map_region(struct device *dev, const struct fdt_region *r,
		      void __iomem **base, size_t *size)
{
	void __iomem *p;

	if (dev->nr_maps == DEVICE_MAX_MAPS || !r->size)
		return -EINVAL;
	p = ioremap(r->base, r->size);
	if (!p)
		return -ENOMEM;
	dev->maps[dev->nr_maps].base = p;
	dev->maps[dev->nr_maps++].size = r->size;
	*base = p;
	if (size)
		*size = r->size;
	return 0;
}

int device_ioremap(struct device *dev, unsigned index, void __iomem **base,
		   size_t *size)
{
	struct fdt_region r;
	int err = fdt_reg(device_fdt(), dev->fdt_node, index, &r);

	return err ? err : map_region(dev, &r, base, size);
}

int device_irq(struct device *dev, unsigned index, u32 *irq)
{
	struct fdt_args args;
	int err = fdt_irq(device_fdt(), dev->fdt_node, index, &args);

	if (err)
		return err;
	if (!args.count)
		return -EINVAL;
	*irq = args.cells[0];
	return 0;
}

int device_prop_u32(struct device *dev, const char *name, u32 *out)
{
	return fdt_prop_u32(device_fdt(), dev->fdt_node, name, out);
}

u32 device_prop_u32_or(struct device *dev, const char *name, u32 fallback)
{
	return fdt_prop_u32_or(device_fdt(), dev->fdt_node, name, fallback);
}

static const struct driver *driver_for(const char *compat)
{
	const struct driver *const *d;
	unsigned i;

	for (d = __driver_table_start; d < __driver_table_end; d++)
		for (i = 0; i < DRIVER_MAX_MATCH && (*d)->match[i]; i++)
			if (str_equal((*d)->match[i], compat))
				return *d;
	return NULL;
}

static void device_add(int node, const char *compat, const struct driver *drv)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev) {
		pr_err("%s: no memory\n", fdt_node_name(&tree, node));
		return;
	}
	dev->name = fdt_node_name(&tree, node);
	dev->fdt_node = node;
	dev->compatible = compat;
	dev->driver = drv;
	/* The first UART that comes up becomes the console. */
	if (node == stdout_node)
		list_add(&dev->node, &pending);
	else
		list_add_tail(&dev->node, &pending);
}

static void find_device(int node)
{
	const struct driver *drv;
	const char *compat;
	unsigned i;

	if (!fdt_has_prop(&tree, node, "compatible") ||
	    !fdt_is_okay(&tree, node))
		return;
	for (i = 0;; i++) {
		compat = fdt_prop_string(&tree, node, "compatible", i);
		if (!compat)
			return;
		drv = driver_for(compat);
		if (drv) {
			device_add(node, compat, drv);
			return;
		}
	}
}

static void device_drop(struct device *dev)
{
	u32 i;

	for (i = 0; i < dev->nr_maps; i++)
		iounmap(dev->maps[i].base);
	dev->nr_maps = 0;
}

/* True if the device came up. */
static bool device_probe(struct device *dev)
{
	int err = dev->driver->probe(dev);

	if (!err) {
		list_move_tail(&dev->node, &devices);
		return true;
	}
	device_drop(dev);
	if (err == -EPROBE_DEFER)
		return false;
	if (err != -ENODEV)
		pr_err("%s: %s failed: error %d\n", dev->name,
		       dev->driver->name ? dev->driver->name : "driver", -err);
	list_del(&dev->node);
	kfree(dev);
	return false;
}

/* One round over what is pending; true if any came up. */
static bool probe_round(u32 flags)
{
	struct device *dev, *n;
	bool any = false;

	list_for_each_entry_safe(dev, n, &pending, node)
		if ((dev->driver->flags & flags) == flags)
			any |= device_probe(dev);
	return any;
}

static void drivers_init(void)
{
	struct device *dev;
	const char *options;
	int node;

	if (!device_fdt()->blob)
		return;
	stdout_node = fdt_stdout(&tree, &options);
	fdt_for_each_node(&tree, node)
		find_device(node);
	while (probe_round(DRIVER_EARLY))
		;
	while (probe_round(0))
		;
	list_for_each_entry(dev, &pending, node)
		pr_warn("%s: waits for something that is not there\n",
			dev->name);
}
INIT(INIT_DRIVER, drivers_init);
