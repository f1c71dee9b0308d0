/*
 * class - character devices in /sys by class: class/CLASS/NAME, dev/char.
 *
 * The key of a class is its place among the distinct class names, that of a
 * device its number; above that, in the key of a driver's file, is its place
 * among those.
 */
#include "sysfs_impl.h"
#include <fs/device.h>
#include <lib/printf.h>
#include <lib/string.h>

static bool is_shown(const struct chrdev_info *c)
{
	return c->class && c->name[0];
}

/* The n-th distinct class; classes are few. */
static const char *nth_class(unsigned n)
{
	const char *seen[16];
	unsigned nr = 0, k;
	struct chrdev_info c;

	for (unsigned i = 0; chrdev_nth(i, &c); i++) {
		if (!is_shown(&c))
			continue;
		for (k = 0; k < nr && strcmp(seen[k], c.class); k++)
			;
		if (k < nr || nr == ARRAY_SIZE(seen))
			continue;
		if (nr == n)
			return c.class;
		seen[nr++] = c.class;
	}
	return NULL;
}

static bool find_dev(u64 dev, struct chrdev_info *c)
{
	for (unsigned i = 0; chrdev_nth(i, c); i++)
		if (c->dev == (u32)dev && is_shown(c))
			return true;
	return false;
}

static bool nth_of_class(u64 class, unsigned i, struct chrdev_info *c)
{
	const char *name = nth_class((unsigned)class);

	for (unsigned k = 0; name && chrdev_nth(k, c); k++)
		if (is_shown(c) && str_equal(c->class, name) && !i--)
			return true;
	return false;
}

/* A node's name may have a directory in it ("input/event0"). */
static const char *base_name(const struct chrdev_info *c)
{
	const char *slash = strrchr(c->name, '/');

	return slash ? slash + 1 : c->name;
}

/* --- a device -----------------------------------------------------------*/
static int dev_show(struct seq *s, u64 dev)
{
	seq_printf(s, "%u:%u\n", MAJOR(dev), MINOR(dev));
	return 0;
}

static int uevent_show(struct seq *s, u64 dev)
{
	struct chrdev_info c;

	if (!find_dev(dev, &c))
		return -ENODEV;
	seq_printf(s, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", MAJOR(dev),
		   MINOR(dev), c.name);
	return 0;
}

static void subsystem_target(struct seq *s, u64 dev)
{
	struct chrdev_info c;

	if (find_dev(dev, &c))
		seq_printf(s, "../../../../class/%s", c.class);
}

static const struct sys_type subsystem_link = {
	.mode = S_IFLNK | 0777, .target = subsystem_target,
};
SYS_FILE(dev_file, dev_show);
SYS_FILE(uevent_file, uevent_show);

static bool has_active(u64 dev)
{
	const struct char_device *c = chrdev_find((u32)dev);

	return c && c->active;
}

static int active_show(struct seq *s, u64 dev)
{
	const char *name = chrdev_find((u32)dev)->active();

	if (name)
		seq_printf(s, "%s\n", name);
	return 0;
}
SYS_FILE(active_file, active_show);

/* The last one only where has_active(). */
static const struct sys_entry device_files[] = {
	{ "dev", &dev_file },
	{ "subsystem", &subsystem_link },
	{ "uevent", &uevent_file },
	{ "active", &active_file },
};

static const struct char_attr *attr_of(u64 key)
{
	const struct char_device *c = chrdev_find((u32)key);
	const struct char_attr *a = c ? c->attrs : NULL;

	for (u64 n = key >> 32; a && a->name && n; n--)
		a++;
	return a && a->name ? a : NULL;
}

static int attr_show(struct seq *s, u64 key)
{
	return attr_of(key)->show(s);
}
SYS_FILE(attr_file, attr_show);

static bool device_child(u64 key, unsigned i, struct sys_child *out)
{
	unsigned n = ARRAY_SIZE(device_files) - (has_active(key) ? 0 : 1);
	u64 attr_key = key | (u64)(i - n) << 32;

	if (i < n)
		return sys_array_child(device_files, n, key, i, out);
	if (!attr_of(attr_key))
		return false;
	sys_child_set(out, attr_of(attr_key)->name, &attr_file, attr_key);
	return true;
}

static const struct sys_type device_dir = {
	.mode = S_IFDIR | 0755, .child = device_child,
};

static void place_target(struct seq *s, u64 dev)
{
	struct chrdev_info c;

	if (find_dev(dev, &c))
		seq_printf(s, "../../devices/virtual/%s/%s", c.class,
			   base_name(&c));
}

static const struct sys_type place_link = {
	.mode = S_IFLNK | 0777, .target = place_target,
};

/* --- directories --------------------------------------------------------*/
static bool of_class(u64 class, unsigned i, const struct sys_type *type,
		     struct sys_child *out)
{
	struct chrdev_info c;

	if (!nth_of_class(class, i, &c))
		return false;
	sys_child_set(out, base_name(&c), type, c.dev);
	return true;
}

static bool links_child(u64 class, unsigned i, struct sys_child *out)
{
	return of_class(class, i, &place_link, out);
}

static bool devices_child(u64 class, unsigned i, struct sys_child *out)
{
	return of_class(class, i, &device_dir, out);
}

static const struct sys_type links_dir = {
	.mode = S_IFDIR | 0755, .child = links_child,
};
static const struct sys_type devices_dir = {
	.mode = S_IFDIR | 0755, .child = devices_child,
};

static bool each_class(unsigned i, const struct sys_type *block,
		       const struct sys_type *type, struct sys_child *out)
{
	const char *name;

	if (!i) {
		sys_child_set(out, "block", block, 0);
		return true;
	}
	name = nth_class(i - 1);
	if (name)
		sys_child_set(out, name, type, i - 1);
	return name;
}

static bool class_child(u64 key, unsigned i, struct sys_child *out)
{
	return each_class(i, &sys_class_block_dir, &links_dir, out);
}

static bool virtual_child(u64 key, unsigned i, struct sys_child *out)
{
	return each_class(i, &sys_virtual_block_dir, &devices_dir, out);
}

static bool char_child(u64 key, unsigned i, struct sys_child *out)
{
	struct chrdev_info c;

	for (unsigned k = 0; chrdev_nth(k, &c); k++) {
		if (!is_shown(&c) || i--)
			continue;
		ksnprintf(out->name, sizeof(out->name), "%u:%u", MAJOR(c.dev),
			  MINOR(c.dev));
		out->node = (struct sys_node){ &place_link, c.dev };
		return true;
	}
	return false;
}

const struct sys_type sys_class_dir = {
	.mode = S_IFDIR | 0755, .child = class_child,
};
const struct sys_type sys_virtual_dir = {
	.mode = S_IFDIR | 0755, .child = virtual_child,
};
const struct sys_type sys_dev_char_dir = {
	.mode = S_IFDIR | 0755, .child = char_child,
};
