/*
 * block - disks and partitions in /sys, as lsblk and blkid read them.
 *
 * Theory:  the key of a node is the device number; the device is looked up at
 *          each use.  All disks live below devices/virtual/block: what drives
 *          one is not recorded.
 */
#include "sysfs_impl.h"
#include <fs/device.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <lib/uuid.h>
#include <mm/slab.h>

typedef void attr_fn(struct seq *s, const struct block_device *b);

static int with_device(struct seq *s, u64 key, attr_fn *fn)
{
	struct block_device *b = blkdev_find_dev((u32)key);

	if (!b)
		return -ENODEV;
	fn(s, b);
	blkdev_put(b);
	return 0;
}

#define ATTR(nm, stmt)                                                         \
	static void nm##_put(struct seq *s, const struct block_device *b)      \
	{                                                                      \
		stmt;                                                          \
		seq_putc(s, '\n');                                             \
	}                                                                      \
	static int nm##_show(struct seq *s, u64 key)                           \
	{                                                                      \
		return with_device(s, key, nm##_put);                          \
	}                                                                      \
	SYS_FILE(nm##_file, nm##_show)

static u64 to_ms(u64 ns)
{
	return ns / NSEC_PER_MSEC;
}

static void put_stat(struct seq *s, const struct block_device *b)
{
	/* read, write, discard; then flush */
	for (unsigned i = 0; i < 3; i++) {
		if (i == 2)
			seq_printf(s, "%8llu %8llu %8llu ", b->stat.in_flight,
				   to_ms(b->stat.io_ns),
				   to_ms(b->stat.weighted_ns));
		seq_printf(s, "%8llu %8llu %8llu %8llu ", b->stat.ios[i],
			   b->stat.merges[i], b->stat.sectors[i],
			   to_ms(b->stat.ns[i]));
	}
	seq_printf(s, "%8llu %8llu", b->stat.ios[3], to_ms(b->stat.ns[3]));
}

static bool is_disk(const struct block_device *b)
{
	return b->whole == b;
}

static void put_uevent(struct seq *s, const struct block_device *b)
{
	struct uuid u;
	char text[UUID_TEXT + 1];

	seq_printf(s, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s",
		   MAJOR(b->dev), MINOR(b->dev), b->name,
		   is_disk(b) ? "disk" : "partition");
	if (is_disk(b))
		return;
	seq_printf(s, "\nPARTN=%u", b->part_no);
	memcpy(&u, b->part_uuid, sizeof(u));
	if (!uuid_is_null(&u)) {
		uuid_format(&u, text);
		seq_printf(s, "\nPARTUUID=%s", text);
	}
	if (b->part_label[0])
		seq_printf(s, "\nPARTNAME=%s", b->part_label);
}

ATTR(dev, seq_printf(s, "%u:%u", MAJOR(b->dev), MINOR(b->dev)));
ATTR(size, seq_u64(s, "", b->sectors));
ATTR(start, seq_u64(s, "", b->start));
ATTR(ro, seq_u64(s, "", b->is_readonly));
ATTR(removable, seq_puts(s, "0"));
ATTR(partition, seq_u64(s, "", b->part_no));
ATTR(stat, put_stat(s, b));
ATTR(uevent, put_uevent(s, b));
ATTR(zero, seq_puts(s, "0"));

ATTR(logical, seq_u64(s, "", b->logical_block));
ATTR(physical, seq_u64(s, "",
		       b->physical_block ? b->physical_block :
					   b->logical_block));
/* What direct I/O asks of memory, as a mask. */
ATTR(dma_alignment, seq_u64(s, "", b->logical_block - 1));
ATTR(ra_kb, seq_u64(s, "", b->whole->ra_pages * (PAGE_SIZE >> 10)));
ATTR(max_kb, seq_u64(s, "", b->max_bytes >> 10));
ATTR(segments, seq_u64(s, "", b->max_segments));
ATTR(granularity, seq_u64(s, "", b->has_discard ? b->logical_block : 0));
ATTR(write_cache, seq_puts(s, b->has_flush ? "write back" :
					     "write through"));
ATTR(scheduler, seq_puts(s, "[none]"));

SYS_DIR(sys_queue_dir, { "discard_granularity", &granularity_file },
	{ "dma_alignment", &dma_alignment_file },
	{ "hw_sector_size", &logical_file },
	{ "logical_block_size", &logical_file },
	{ "max_hw_sectors_kb", &max_kb_file },
	{ "max_sectors_kb", &max_kb_file },
	{ "max_segments", &segments_file },
	{ "minimum_io_size", &physical_file },
	{ "optimal_io_size", &zero_file },
	{ "physical_block_size", &physical_file },
	{ "read_ahead_kb", &ra_kb_file },
	{ "scheduler", &scheduler_file }, { "write_cache", &write_cache_file });

static void subsystem_target(struct seq *s, u64 key)
{
	struct block_device *b = blkdev_find_dev((u32)key);

	if (b && !is_disk(b))
		seq_puts(s, "../");
	seq_puts(s, "../../../../class/block");
	if (b)
		blkdev_put(b);
}

static const struct sys_type subsystem_link = {
	.mode = S_IFLNK | 0777, .target = subsystem_target,
};

/* --- directories --------------------------------------------------------*/
/* The i-th disk, or partition of `disk`, or (both NULL/false) device at all:
 * copies what is needed. */
static bool nth(unsigned i, u64 disk, bool disks_only, char name[64], u32 *dev)
{
	struct block_device *b = NULL;
	bool fits;

	while ((b = blkdev_next(b))) {
		if (disks_only)
			fits = is_disk(b);
		else
			fits = !disk || (!is_disk(b) && b->whole->dev == disk);
		if (!fits || i--)
			continue;
		strscpy(name, b->name, 64);
		*dev = b->dev;
		blkdev_put(b);
		return true;
	}
	return false;
}

static const struct sys_entry part_files[] = {
	{ "alignment_offset", &zero_file },
	{ "dev", &dev_file },
	{ "discard_alignment", &zero_file },
	{ "holders", &sys_empty_dir },
	{ "partition", &partition_file },
	{ "ro", &ro_file },
	{ "size", &size_file },
	{ "start", &start_file },
	{ "stat", &stat_file },
	{ "subsystem", &subsystem_link },
	{ "uevent", &uevent_file },
};

static bool part_child(u64 key, unsigned i, struct sys_child *out)
{
	return sys_array_child(part_files, ARRAY_SIZE(part_files), key, i, out);
}

static const struct sys_type part_dir = {
	.mode = S_IFDIR | 0755, .child = part_child,
};

static const struct sys_entry disk_files[] = {
	{ "alignment_offset", &zero_file },
	{ "dev", &dev_file },
	{ "discard_alignment", &zero_file },
	{ "holders", &sys_empty_dir },
	{ "queue", &sys_queue_dir },
	{ "removable", &removable_file },
	{ "ro", &ro_file },
	{ "size", &size_file },
	{ "slaves", &sys_empty_dir },
	{ "stat", &stat_file },
	{ "subsystem", &subsystem_link },
	{ "uevent", &uevent_file },
};

/* What the driver adds: a folder whose files' keys are the device and, above
 * it, their number. */
static int driver_show(struct seq *s, u64 key)
{
	struct block_device *b = blkdev_find_dev((u32)key);
	char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);

	if (b && buf && b->ops->attr(b, (unsigned)(key >> 32), buf, PAGE_SIZE))
		seq_puts(s, buf);
	kfree(buf);
	if (b)
		blkdev_put(b);
	return b && buf ? 0 : -ENODEV;
}
SYS_FILE(driver_file, driver_show);

static bool driver_child(u64 key, unsigned i, struct sys_child *out)
{
	struct block_device *b = blkdev_find_dev((u32)key);
	const char *name = b ? b->ops->attr(b, i, NULL, 0) : NULL;

	if (name)
		sys_child_set(out, name, &driver_file, key | (u64)i << 32);
	if (b)
		blkdev_put(b);
	return name;
}

static const struct sys_type driver_dir = {
	.mode = S_IFDIR | 0755, .child = driver_child,
};

/* True if the disk has such a folder; as the first child. */
static bool driver_first(u64 key, struct sys_child *out)
{
	struct block_device *b = blkdev_find_dev((u32)key);
	bool has = b && b->ops->attr && b->ops->attr(b, 0, NULL, 0);

	if (has)
		sys_child_set(out, b->ops->attr_dir, &driver_dir, key);
	if (b)
		blkdev_put(b);
	return has;
}

static bool disk_child(u64 key, unsigned i, struct sys_child *out)
{
	u32 dev;

	if (driver_first(key, out) && i-- == 0)
		return true;

	if (i < ARRAY_SIZE(disk_files))
		return sys_array_child(disk_files, ARRAY_SIZE(disk_files), key,
				       i, out);
	if (!nth(i - ARRAY_SIZE(disk_files), key, false, out->name, &dev))
		return false;
	out->node = (struct sys_node){ &part_dir, dev };
	return true;
}

static const struct sys_type disk_dir = {
	.mode = S_IFDIR | 0755, .child = disk_child,
};

static bool virtual_child(u64 key, unsigned i, struct sys_child *out)
{
	u32 dev;

	if (!nth(i, 0, true, out->name, &dev))
		return false;
	out->node = (struct sys_node){ &disk_dir, dev };
	return true;
}

const struct sys_type sys_virtual_block_dir = {
	.mode = S_IFDIR | 0755, .child = virtual_child,
};

/* --- links --------------------------------------------------------------*/
static void put_place(struct seq *s, const char *up, u64 key)
{
	struct block_device *b = blkdev_find_dev((u32)key);

	if (!b)
		return;
	seq_puts(s, up);
	seq_puts(s, "devices/virtual/block/");
	if (!is_disk(b)) {
		seq_puts(s, b->whole->name);
		seq_putc(s, '/');
	}
	seq_puts(s, b->name);
	blkdev_put(b);
}

static void one_up(struct seq *s, u64 key)
{
	put_place(s, "../", key);
}

static void two_up(struct seq *s, u64 key)
{
	put_place(s, "../../", key);
}

static const struct sys_type one_up_link = {
	.mode = S_IFLNK | 0777, .target = one_up,
};
static const struct sys_type two_up_link = {
	.mode = S_IFLNK | 0777, .target = two_up,
};

static bool block_child(u64 key, unsigned i, struct sys_child *out)
{
	u32 dev;

	if (!nth(i, 0, true, out->name, &dev))
		return false;
	out->node = (struct sys_node){ &one_up_link, dev };
	return true;
}

static bool class_child(u64 key, unsigned i, struct sys_child *out)
{
	u32 dev;

	if (!nth(i, 0, false, out->name, &dev))
		return false;
	out->node = (struct sys_node){ &two_up_link, dev };
	return true;
}

static bool dev_child(u64 key, unsigned i, struct sys_child *out)
{
	u32 dev;

	if (!nth(i, 0, false, out->name, &dev))
		return false;
	ksnprintf(out->name, sizeof(out->name), "%u:%u", MAJOR(dev),
		  MINOR(dev));
	out->node = (struct sys_node){ &two_up_link, dev };
	return true;
}

const struct sys_type sys_block_dir = {
	.mode = S_IFDIR | 0755, .child = block_child,
};
const struct sys_type sys_class_block_dir = {
	.mode = S_IFDIR | 0755, .child = class_child,
};
const struct sys_type sys_dev_block_dir = {
	.mode = S_IFDIR | 0755, .child = dev_child,
};
