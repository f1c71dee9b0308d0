/*
 * char_dev - character devices by number, and their nodes.
 *
 * Theory:  a chain per major number, walked under RCU; a device covers a range
 *          of minors.  Opening a node finds the device and puts its operations
 *          into the file.
 * Locks:   devices_lock for changes.  Devices are unregistered only by
 *          drivers that then wait for a grace period.
 */
#include "vfs_impl.h"
#include <fs/device.h>
#include <kernel/init.h>
#include <kernel/rcu.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#define CHAINS 64
#define MAX_RANGES 64

struct range_name {
	u32 dev;
	const char *name;
};

static struct spinlock devices_lock = SPINLOCK_INIT(RANK_SPIN, "char devices");
static struct list chains[CHAINS];		/* devices_lock, RCU */
static struct range_name ranges[MAX_RANGES];	/* by dev. devices_lock */
static unsigned nr_ranges;

static struct list *chain_of(u32 dev)
{
	struct list *l = &chains[MAJOR(dev) % CHAINS];

	if (!l->next)
		list_init(l);
	return l;
}

static bool covers(const struct char_device *c, u32 dev)
{
	return dev >= c->dev && dev - c->dev < c->count;
}

int chrdev_register(struct char_device *c)
{
	struct char_device *o;
	int err = 0;

	if (!c->count)
		return -EINVAL;
	spin_lock(&devices_lock);
	list_for_each_entry(o, chain_of(c->dev), node)
		if (covers(o, c->dev) || covers(c, o->dev))
			err = -EBUSY;
	if (!err)
		list_add_tail_rcu(&c->node, chain_of(c->dev));
	spin_unlock(&devices_lock);
	if (!err && c->name)
		devnode_add(c->name, S_IFCHR | (c->mode ? c->mode : 0600),
			    c->dev);
	return err;
}

struct char_device *chrdev_find(u32 dev)
{
	struct list *chain = &chains[MAJOR(dev) % CHAINS];
	struct char_device *c, *found = NULL;

	if (!chain->next)
		return NULL;
	rcu_read_lock();
	list_for_each_entry_rcu(c, chain, node) {
		if (covers(c, dev)) {
			found = c;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

static int chrdev_open(struct inode *i, struct file *f)
{
	struct char_device *c = chrdev_find(i->rdev);

	if (!c)
		return -ENXIO;
	f->ops = c->fops;
	return f->ops->open ? f->ops->open(i, f) : 0;
}

const struct file_ops chrdev_fops = { .open = chrdev_open };

void chrdev_range_name(u32 dev, const char *name)
{
	unsigned i;

	spin_lock(&devices_lock);
	if (nr_ranges < MAX_RANGES) {
		for (i = nr_ranges++; i && ranges[i - 1].dev > dev; i--)
			ranges[i] = ranges[i - 1];
		ranges[i] = (struct range_name){ dev, name };
	}
	spin_unlock(&devices_lock);
}

const char *chrdev_range_nth(unsigned i, u32 *dev)
{
	const char *name = NULL;

	spin_lock(&devices_lock);
	if (i < nr_ranges) {
		*dev = ranges[i].dev;
		name = ranges[i].name;
	}
	spin_unlock(&devices_lock);
	return name;
}

static void fill_info(const struct char_device *c, struct chrdev_info *out)
{
	out->dev = c->dev;
	out->class = c->class;
	strscpy(out->name, c->name ? c->name : "", sizeof(out->name));
}

bool chrdev_nth(unsigned i, struct chrdev_info *out)
{
	struct char_device *c;
	bool found = false;

	spin_lock(&devices_lock);
	for (struct list *l = chains; l < chains + CHAINS && !found; l++) {
		if (!l->next)
			continue;
		list_for_each_entry(c, l, node) {
			if (i--)
				continue;
			fill_info(c, out);
			found = true;
			break;
		}
	}
	spin_unlock(&devices_lock);
	return found;
}

/* --- nodes -----------------------------------------------------------------------------*/
struct pending_node {
	struct list node;
	char name[48];
	u32 mode, dev;
	bool add;
};

void (*devnode_hook)(const char *name, u32 mode, u32 dev, bool add);
static struct mutex nodes_mutex =
	MUTEX_INIT(nodes_mutex, RANK_MOUNT, "device nodes");
static LIST_HEAD(pending);		/* nodes_mutex */

/* In the order they came; nodes_mutex held. */
static void replay(void)
{
	struct pending_node *p;

	while (devnode_hook && !list_empty(&pending)) {
		p = list_first_entry(&pending, struct pending_node, node);
		list_del(&p->node);
		devnode_hook(p->name, p->mode, p->dev, p->add);
		kfree(p);
	}
}

static void node_event(const char *name, u32 mode, u32 dev, bool add)
{
	struct pending_node *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return;
	strscpy(p->name, name, sizeof(p->name));
	p->mode = mode;
	p->dev = dev;
	p->add = add;
	mutex_lock(&nodes_mutex);
	list_add_tail(&p->node, &pending);
	replay();
	mutex_unlock(&nodes_mutex);
}

void devnode_add(const char *name, u32 mode, u32 dev)
{
	node_event(name, mode, dev, true);
}

void devnode_remove(const char *name)
{
	node_event(name, 0, 0, false);
}

void devnode_set_hook(void (*hook)(const char *name, u32 mode, u32 dev,
				   bool add))
{
	mutex_lock(&nodes_mutex);
	devnode_hook = hook;
	replay();
	mutex_unlock(&nodes_mutex);
}
