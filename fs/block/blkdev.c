/*
 * blkdev - the registry of block devices and the inodes that cache them.
 *
 * Theory:  disks and partitions are on one list.  Each has an inode of a
 *          private superblock, "bdev", whose page cache is what all users of
 *          the device share: file systems' metadata and /dev/NAME.
 * Locks:   registry_lock (spinlock) guards the list; scan_lock serialises
 *          changes to partitions; `openers` and `holder` are under
 *          registry_lock.
 * Life:    the list has a reference; a disk is never removed, a partition is
 *          when its table is read again, and freed at the last put.
 */
#include "block_impl.h"
#include <kernel/init.h>
#include <kernel/print.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#define EXT_MAJOR 259		/* partitions past a disk's minors */

static struct spinlock registry_lock =
	SPINLOCK_INIT(RANK_SPIN_LEAF, "blkdev registry");
static LIST_HEAD(registry) __guarded_by(&registry_lock);
static struct mutex scan_lock = MUTEX_INIT(scan_lock, RANK_NAMES, "blkscan");
static u32 next_ext_minor;		/* scan_lock */
static struct super_block *bdev_sb;	/* const after the first disk */

static const struct super_ops bdev_super_ops = {};
static const struct filesystem bdev_fs = { .name = "bdev",
					   .flags = FS_NODEV };

/* --- inodes */

static int bdev_super(void)
{
	int err;

	if (bdev_sb)
		return 0;
	err = super_alloc_nodev(&bdev_fs, SB_KERNMOUNT, &bdev_sb);
	if (err)
		return err;
	bdev_sb->ops = &bdev_super_ops;
	bdev_sb->blocksize = PAGE_SIZE;
	bdev_sb->blkbits = PAGE_SHIFT;
	bdev_sb->max_bytes = S64_MAX;
	return 0;
}

static int bdev_make_inode(struct block_device *b)
{
	struct inode *i;
	int err = bdev_super();

	if (!err)
		err = inode_alloc(bdev_sb, &i);
	if (err)
		return err;
	i->ino = b->dev;
	i->mode = S_IFBLK | 0600;
	i->rdev = b->dev;
	i->nlink = 1;
	i->bdev = b;
	i->blkbits = PAGE_SHIFT;
	i->data.ops = &blkdev_mapping_ops;
	i->data.host = i;
	i->data.gfp = GFP_NOFS;
	inode_set_size(i, blkdev_bytes(b));
	b->inode = i;
	return 0;
}

/* --- registry */

static void registry_add(struct block_device *b)
{
	ref_init(&b->refs, 1);
	spin_lock(&registry_lock);
	list_add_tail(&b->node, &registry);
	spin_unlock(&registry_lock);
	devnode_add(b->name, S_IFBLK | 0600, b->dev);
}

static int blkdev_check(const struct block_device *b)
{
	if (!is_pow2(b->logical_block) || b->logical_block < 512 ||
	    b->logical_block > PAGE_SIZE || !b->max_segments ||
	    b->max_bytes < PAGE_SIZE || b->sectors >> 54)
		return -EINVAL;
	return 0;
}

int blkdev_register(struct block_device *b)
{
	int err = blkdev_check(b);

	if (!err)
		err = bdev_make_inode(b);
	if (err)
		return err;
	b->ra_pages = RA_MAX;
	registry_add(b);
	if (b->sectors)
		pr_info("%s: %llu sectors of 512 bytes%s\n", b->name,
			b->sectors, b->is_readonly ? ", read-only" : "");
	mutex_lock(&scan_lock);
	blkdev_scan_partitions(b);
	mutex_unlock(&scan_lock);
	return 0;
}

void blkdev_put(struct block_device *b)
{
	if (!ref_put(&b->refs))
		return;
	/* Only partitions ever lose the list's reference. */
	inode_put(b->inode);
	kfree(b);
}

struct block_device *blkdev_find_name(const char *name)
{
	struct block_device *b, *found = NULL;

	spin_lock(&registry_lock);
	list_for_each_entry(b, &registry, node) {
		if (str_equal(b->name, name)) {
			ref_get(&b->refs);
			found = b;
			break;
		}
	}
	spin_unlock(&registry_lock);
	return found;
}

struct block_device *blkdev_find_dev(u32 dev)
{
	struct block_device *b, *found = NULL;

	spin_lock(&registry_lock);
	list_for_each_entry(b, &registry, node) {
		if (b->dev == dev) {
			ref_get(&b->refs);
			found = b;
			break;
		}
	}
	spin_unlock(&registry_lock);
	return found;
}

struct block_device *blkdev_next(struct block_device *prev)
{
	struct block_device *b = NULL;
	struct list *n;

	spin_lock(&registry_lock);
	n = prev ? prev->node.next : registry.next;
	if (n != &registry && !(prev && list_empty(&prev->node))) {
		b = list_entry(n, struct block_device, node);
		ref_get(&b->refs);
	}
	spin_unlock(&registry_lock);
	if (prev)
		blkdev_put(prev);
	return b;
}

/* --- ownership */

/* Another part of the same disk in exclusive use excludes the whole. */
static bool claim_conflicts(const struct block_device *b)
{
	const struct block_device *o;

	if (b->holder)
		return true;
	list_for_each_entry(o, &registry, node) {
		if (o == b || !o->holder || o->whole != b->whole)
			continue;
		if (o == o->whole || b == b->whole)
			return true;
	}
	return false;
}

int blkdev_claim(struct block_device *b, void *holder)
{
	int err = 0;

	spin_lock(&registry_lock);
	if (claim_conflicts(b))
		err = -EBUSY;
	else
		b->holder = holder;
	spin_unlock(&registry_lock);
	return err;
}

void blkdev_release(struct block_device *b, void *holder)
{
	spin_lock(&registry_lock);
	if (b->holder == holder)
		b->holder = NULL;
	spin_unlock(&registry_lock);
	blkdev_idle(b);
}

bool blkdev_is_used(struct block_device *b, int own)
{
	const struct block_device *o;
	bool used = false;

	spin_lock(&registry_lock);
	list_for_each_entry(o, &registry, node)
		if (o->whole == b &&
		    (o->holder || o->openers > (o == b ? own : 0)))
			used = true;
	spin_unlock(&registry_lock);
	return used;
}

void blkdev_idle(struct block_device *b)
{
	struct block_device *disk = b->whole;

	if (disk->ops->idle)
		disk->ops->idle(disk);
}

void blkdev_set_size(struct block_device *b, u64 sectors)
{
	WRITE_ONCE(b->sectors, sectors);
	inode_set_size(b->inode, sectors << 9);
}

/* --- partitions */

static void partition_name(struct block_device *p, const char *disk)
{
	size_t n = strlen(disk);
	bool digit = n && disk[n - 1] >= '0' && disk[n - 1] <= '9';

	kscnprintf(p->name, sizeof(p->name), "%s%s%u", disk, digit ? "p" : "",
		   p->part_no);
}

int blkdev_add_partition(struct block_device *disk, u32 no, u64 start,
			 u64 sectors, const u8 *uuid, const char *label)
{
	struct block_device *p;
	int err;

	if (!sectors || start >= disk->sectors ||
	    sectors > disk->sectors - start)
		return -EINVAL;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	p->part_no = no;
	p->dev = no < disk->minors ? disk->dev + no : MKDEV(EXT_MAJOR, next_ext_minor++);
	p->start = start;
	p->sectors = sectors;
	p->whole = disk;
	p->ops = disk->ops;
	p->priv = disk->priv;
	p->logical_block = disk->logical_block;
	p->physical_block = disk->physical_block;
	p->max_bytes = disk->max_bytes;
	p->max_segments = disk->max_segments;
	p->is_readonly = disk->is_readonly;
	p->has_flush = disk->has_flush;
	p->has_discard = disk->has_discard;
	memcpy(p->part_uuid, uuid, sizeof(p->part_uuid));
	strscpy(p->part_label, label, sizeof(p->part_label));
	partition_name(p, disk->name);
	err = bdev_make_inode(p);
	if (err) {
		kfree(p);
		return err;
	}
	registry_add(p);
	pr_info(" %s\n", p->name);
	return 0;
}

/* Takes the unused partitions off the list into `out`, unless one is used. */
static int detach_partitions(struct block_device *disk, struct list *out)
{
	struct block_device *b, *n;
	int err = 0;

	spin_lock(&registry_lock);
	list_for_each_entry(b, &registry, node)
		if (b->whole == disk && b != disk && (b->holder || b->openers))
			err = -EBUSY;
	list_for_each_entry_safe(b, n, &registry, node)
		if (!err && b->whole == disk && b != disk)
			list_move_tail(&b->node, out);
	spin_unlock(&registry_lock);
	return err;
}

int blkdev_rescan(struct block_device *disk)
{
	struct block_device *b, *n;
	LIST_HEAD(old);
	int err;

	if (disk != disk->whole)
		return -EINVAL;
	mutex_lock(&scan_lock);
	err = detach_partitions(disk, &old);
	list_for_each_entry_safe(b, n, &old, node) {
		list_del_init(&b->node);
		devnode_remove(b->name);
		blkdev_put(b);
	}
	if (!err)
		blkdev_scan_partitions(disk);
	mutex_unlock(&scan_lock);
	return err;
}

/* --- texts for /proc */

size_t diskstats_show(char *buf, size_t size)
{
	struct block_device *b = NULL;
	size_t n = 0;

	while ((b = blkdev_next(b)) != NULL) {
		n += (size_t)kscnprintf(
			buf + n, size - n,
			"%4u %7u %s %llu %llu %llu %llu %llu %llu %llu %llu "
			"%llu %llu %llu %llu %llu %llu %llu %llu %llu\n",
			MAJOR(b->dev), MINOR(b->dev), b->name, b->stat.ios[0],
			b->stat.merges[0], b->stat.sectors[0],
			b->stat.ns[0] / 1000000, b->stat.ios[1],
			b->stat.merges[1], b->stat.sectors[1],
			b->stat.ns[1] / 1000000, b->stat.in_flight,
			b->stat.io_ns / 1000000, b->stat.weighted_ns / 1000000,
			b->stat.ios[2], b->stat.merges[2], b->stat.sectors[2],
			b->stat.ns[2] / 1000000, b->stat.ios[3],
			b->stat.ns[3] / 1000000);
	}
	return n;
}

size_t partitions_show(char *buf, size_t size)
{
	struct block_device *b = NULL;
	size_t n;

	n = (size_t)kscnprintf(buf, size, "major minor  #blocks  name\n\n");
	while ((b = blkdev_next(b)) != NULL)
		n += (size_t)kscnprintf(buf + n, size - n,
					"%4u  %7u %10llu %s\n", MAJOR(b->dev),
					MINOR(b->dev), b->sectors >> 1,
					b->name);
	return n;
}

