/*
 * fiemap - tells where on the device a file's data is (filefrag, and tools
 * that copy what there is).
 *
 * Theory:  what is dirty gets its blocks first, so nothing is ever reported
 *          as without a place.  An extent is told when the next one is found:
 *          only the last of the range is marked as that.  A caller without
 *          room for extents is told their number.
 * Locks:   map_lock for each look-up; a file that changes meanwhile gives an
 *          answer of which each part was true once.
 */
#include "ext4_impl.h"
#include <arch/uaccess.h>

#define FIEMAP_SYNC 1u
#define FIEMAP_XATTR 2u
#define FIEMAP_CACHE 4u			/* no effect: maps are cached anyway */
#define FIEMAP_MAX_EXTENTS (~0u / (u32)sizeof(struct fiemap_extent))

#define EXTENT_LAST 1u
#define EXTENT_UNWRITTEN 0x800u
#define EXTENT_MERGED 0x1000u		/* of a map that knows no extents */

struct fiemap {
	u64 start, length;
	u32 flags, mapped, count, reserved;
};
static_assert(sizeof(struct fiemap) == 32, "Linux ABI");

struct fiemap_extent {
	u64 logical, physical, length, reserved[2];
	u32 flags, reserved2[3];
};
static_assert(sizeof(struct fiemap_extent) == 56, "Linux ABI");

struct report {
	struct fiemap head;
	struct fiemap_extent __user *to;
	struct fiemap_extent found;	/* length 0: none */
};

/* Tells what was found; 1 if there is no room for another. */
static int tell(struct report *r)
{
	if (!r->found.length)
		return 0;
	if (r->head.count) {
		if (copy_to_user(r->to + r->head.mapped, &r->found,
				 sizeof(r->found)))
			return -EFAULT;
		r->head.mapped++;
		return r->head.mapped == r->head.count;
	}
	r->head.mapped++;
	return 0;
}

static int found(struct report *r, struct ext4_inode *ei,
		 const struct ext4_map *m)
{
	unsigned bits = ei->vfs.sb->blkbits;
	int err = tell(r);

	r->found = (struct fiemap_extent){
		.logical = (u64)m->lblk << bits,
		.physical = m->pblk << bits,
		.length = (u64)m->len << bits,
	};
	if (m->flags & MAP_UNWRITTEN_BIT)
		r->found.flags |= EXTENT_UNWRITTEN;
	if (!ext4_is_extents(ei))
		r->found.flags |= EXTENT_MERGED;
	return err;
}

static int walk(struct report *r, struct ext4_inode *ei, u64 end)
{
	unsigned bits = ei->vfs.sb->blkbits;
	u64 at = r->head.start >> bits;
	u64 stop = ALIGN_UP(end, 1ull << bits) >> bits;

	while (at < stop) {
		struct ext4_map m = {
			.lblk = (u32)at,
			.len = (u32)min(stop - at, (u64)(~0u - (u32)at)),
		};
		int err = ext4_map_find(ei, &m);

		if (!err && m.pblk)
			err = found(r, ei, &m);
		if (err)
			return err < 0 ? err : 0;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		at += m.len;
	}
	r->found.flags |= EXTENT_LAST;
	return min(tell(r), 0);
}

static int check(struct report *r, const struct inode *i, u64 *end)
{
	const struct fiemap *h = &r->head;
	u64 max = i->sb->max_bytes;

	if (!h->length)
		return -EINVAL;
	if (h->start >= max)
		return -EFBIG;
	*end = h->start + min(h->length, max - h->start);
	r->head.flags &= ~FIEMAP_CACHE;
	if (!(h->flags & ~FIEMAP_SYNC))
		return 0;
	r->head.flags &= ~FIEMAP_SYNC;	/* what is left is not known */
	return -EBADR;
}

/* A map without extents has one step per block: none behind the end. */
static u64 end_of_data(struct ext4_inode *ei, u64 end)
{
	u64 size = inode_size(&ei->vfs);

	return ext4_is_extents(ei) ? end : min(end, size);
}

int ext4_fiemap(struct inode *i, struct fiemap __user *arg)
{
	struct ext4_inode *ei = ext4_i(i);
	struct report r = { .to = (void __user *)(arg + 1) };
	u64 end = 0;
	int err;

	if (copy_from_user(&r.head, arg, sizeof(r.head)))
		return -EFAULT;
	if (r.head.count > FIEMAP_MAX_EXTENTS)
		return -EINVAL;
	r.head.mapped = 0;
	err = check(&r, i, &end);
	if (!err)
		err = mapping_write(&i->data, 0, ~0ull >> 1,
				    r.head.flags & FIEMAP_SYNC);
	if (!err)
		err = walk(&r, ei, end_of_data(ei, end));
	if (copy_to_user(arg, &r.head, sizeof(r.head)))
		return -EFAULT;
	return err;
}
