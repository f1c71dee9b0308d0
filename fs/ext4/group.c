/*
 * group - block groups: their descriptors and bitmaps.
 *
 * Theory:  the counts of a group live in memory and go into its descriptor
 *          only when metadata is written (ext4_groups_flush), and so do the
 *          checksums: an allocation costs no checksum.  A bitmap is checked
 *          once, when it is first used; an uninitialised one is made then.
 *          A damaged one takes its group out of use.
 * Locks:   group.lock.
 */
#include "ext4_impl.h"
#include <lib/bitmap.h>
#include <lib/string.h>

struct ext4_group_desc *ext4_desc(struct ext4_fs *fs, u32 g)
{
	struct buf *b = &fs->descs[g / fs->descs_per_block];

	return (struct ext4_group_desc *)
		((u8 *)b->data + g % fs->descs_per_block * fs->desc_size);
}

static bool is_wide(const struct ext4_fs *fs)
{
	return fs->desc_size >= 64;
}

static u64 wide64(const struct ext4_fs *fs, le32_t lo, const le32_t *hi)
{
	return le32_get(lo) | (is_wide(fs) ? (u64)le32_get(*hi) << 32 : 0);
}

static u32 wide32(const struct ext4_fs *fs, le16_t lo, const le16_t *hi)
{
	return le16_get(lo) | (is_wide(fs) ? (u32)le16_get(*hi) << 16 : 0);
}

u64 ext4_desc_block_bitmap(const struct ext4_fs *fs,
			   const struct ext4_group_desc *d)
{
	return wide64(fs, d->block_bitmap_lo, &d->block_bitmap_hi);
}

u64 ext4_desc_inode_bitmap(const struct ext4_fs *fs,
			   const struct ext4_group_desc *d)
{
	return wide64(fs, d->inode_bitmap_lo, &d->inode_bitmap_hi);
}

u64 ext4_desc_inode_table(const struct ext4_fs *fs,
			  const struct ext4_group_desc *d)
{
	return wide64(fs, d->inode_table_lo, &d->inode_table_hi);
}

u32 ext4_desc_free_blocks(const struct ext4_fs *fs,
			  const struct ext4_group_desc *d)
{
	return wide32(fs, d->free_blocks_lo, &d->free_blocks_hi);
}

u32 ext4_desc_free_inodes(const struct ext4_fs *fs,
			  const struct ext4_group_desc *d)
{
	return wide32(fs, d->free_inodes_lo, &d->free_inodes_hi);
}

u32 ext4_desc_used_dirs(const struct ext4_fs *fs,
			const struct ext4_group_desc *d)
{
	return wide32(fs, d->used_dirs_lo, &d->used_dirs_hi);
}

u32 ext4_desc_itable_unused(const struct ext4_fs *fs,
			    const struct ext4_group_desc *d)
{
	return wide32(fs, d->itable_unused_lo, &d->itable_unused_hi);
}

static void set_wide32(const struct ext4_fs *fs, le16_t *lo, le16_t *hi, u32 v)
{
	*lo = le16_make((u16)v);
	if (is_wide(fs))
		*hi = le16_make((u16)(v >> 16));
}

void ext4_desc_set_itable_unused(const struct ext4_fs *fs,
				 struct ext4_group_desc *d, u32 n)
{
	set_wide32(fs, &d->itable_unused_lo, &d->itable_unused_hi, n);
}

u64 ext4_group_first(const struct ext4_fs *fs, u32 g)
{
	return fs->first_block + (u64)g * fs->blocks_per_group;
}

u32 ext4_group_blocks(const struct ext4_fs *fs, u32 g)
{
	u64 left = fs->blocks - ext4_group_first(fs, g);

	return (u32)min(left, (u64)fs->blocks_per_group);
}

/* --- bitmaps */

static u32 bitmap_csum(struct ext4_fs *fs, const void *map, u32 bits)
{
	return ext4_csum(fs, fs->csum_seed, map, bits / 8);
}

static bool block_csum_ok(struct ext4_fs *fs, const struct ext4_group_desc *d,
			  const void *map)
{
	u32 c = bitmap_csum(fs, map, fs->blocks_per_group);
	u32 mask = is_wide(fs) ? ~0u : 0xffff;

	return !fs->has_csum ||
	       wide32(fs, d->block_bitmap_csum_lo, &d->block_bitmap_csum_hi) ==
		       (c & mask);
}

static bool inode_csum_ok(struct ext4_fs *fs, const struct ext4_group_desc *d,
			  const void *map)
{
	u32 c = bitmap_csum(fs, map, fs->inodes_per_group);
	u32 mask = is_wide(fs) ? ~0u : 0xffff;

	return !fs->has_csum ||
	       wide32(fs, d->inode_bitmap_csum_lo, &d->inode_bitmap_csum_hi) ==
		       (c & mask);
}

/* Marks [start, start+n) as far as it lies in the group. */
static void mark_range(struct ext4_fs *fs, u32 g, unsigned long *map,
		       u64 start, u64 n)
{
	u64 lo = ext4_group_first(fs, g), hi = lo + ext4_group_blocks(fs, g);
	u64 a = max(start, lo), b = min(start + n, hi);

	if (a < b)
		bitmap_set(map, a - lo, b - a);
}

static void make_block_bitmap(struct ext4_fs *fs, u32 g, unsigned long *map)
{
	struct ext4_group_desc *d = ext4_desc(fs, g);
	u32 bits = fs->sb->blocksize * 8, n = ext4_group_blocks(fs, g);

	memset(map, 0, fs->sb->blocksize);
	mark_range(fs, g, map, ext4_group_first(fs, g),
		   ext4_group_base_blocks(fs, g));
	mark_range(fs, g, map, ext4_desc_block_bitmap(fs, d), 1);
	mark_range(fs, g, map, ext4_desc_inode_bitmap(fs, d), 1);
	mark_range(fs, g, map, ext4_desc_inode_table(fs, d),
		   fs->inodes_per_group / fs->inodes_per_block);
	if (n < bits)
		bitmap_set(map, n, bits - n);
}

static void make_inode_bitmap(struct ext4_fs *fs, unsigned long *map)
{
	u32 bits = fs->sb->blocksize * 8, n = fs->inodes_per_group;

	memset(map, 0, fs->sb->blocksize);
	if (n < bits)
		bitmap_set(map, n, bits - n);
}

static int bad_bitmap(struct ext4_fs *fs, u32 g, const char *what)
{
	fs->group[g].is_bad = true;
	return ext4_corrupt(fs->sb, "group %u: damaged %s bitmap", g, what);
}

/* Own tables in use, free blocks as many as told. */
static bool block_bitmap_ok(struct ext4_fs *fs, u32 g, unsigned long *map)
{
	struct ext4_group_desc *d = ext4_desc(fs, g);
	u32 n = ext4_group_blocks(fs, g);
	u64 first = ext4_group_first(fs, g);
	u64 own[2] = { ext4_desc_block_bitmap(fs, d),
		       ext4_desc_inode_bitmap(fs, d) };
	unsigned i;

	for (i = 0; i < 2; i++)
		if (own[i] >= first && own[i] < first + n &&
		    !bit_test(map, own[i] - first))
			return false;
	return n - bitmap_weight(map, n) == fs->group[g].free_blocks;
}

int ext4_block_bitmap_locked(struct ext4_fs *fs, u32 g, struct buf *b)
{
	struct ext4_group_desc *d = ext4_desc(fs, g);
	struct ext4_group *grp = &fs->group[g];
	u16 flags = le16_get(d->flags);
	bool uninit = flags & BG_BLOCK_UNINIT &&
		      (fs->has_csum || fs->has_gdt_csum);
	u64 block = ext4_desc_block_bitmap(fs, d);
	int err;

	b->page = NULL;
	if (grp->is_bad)
		return -EUCLEAN;
	err = uninit ? buf_get(fs->sb, block, b) : buf_read(fs->sb, block, b);
	if (err)
		return err;
	if (grp->block_ready)
		return 0;
	if (uninit) {
		make_block_bitmap(fs, g, b->data);
		d->flags = le16_make(flags & (u16)~BG_BLOCK_UNINIT);
		grp->block_stale = grp->desc_stale = true;
		buf_dirty(fs->sb, b);
	} else if (!block_csum_ok(fs, d, b->data)) {
		goto err_bad;
	}
	if (!block_bitmap_ok(fs, g, b->data))
		goto err_bad;
	grp->block_ready = true;
	return 0;
err_bad:
	buf_put(b);
	return bad_bitmap(fs, g, "block");
}

int ext4_inode_bitmap_locked(struct ext4_fs *fs, u32 g, struct buf *b)
{
	struct ext4_group_desc *d = ext4_desc(fs, g);
	struct ext4_group *grp = &fs->group[g];
	u16 flags = le16_get(d->flags);
	bool uninit = flags & BG_INODE_UNINIT &&
		      (fs->has_csum || fs->has_gdt_csum);
	u64 block = ext4_desc_inode_bitmap(fs, d);
	u32 n = fs->inodes_per_group;
	int err;

	b->page = NULL;
	if (grp->is_bad)
		return -EUCLEAN;
	err = uninit ? buf_get(fs->sb, block, b) : buf_read(fs->sb, block, b);
	if (err)
		return err;
	if (grp->inode_ready)
		return 0;
	if (uninit) {
		make_inode_bitmap(fs, b->data);
		d->flags = le16_make(flags & (u16)~BG_INODE_UNINIT);
		grp->inode_stale = grp->desc_stale = true;
		buf_dirty(fs->sb, b);
	} else if (!inode_csum_ok(fs, d, b->data)) {
		goto err_bad;
	}
	if (n - bitmap_weight(b->data, n) != grp->free_inodes)
		goto err_bad;
	grp->inode_ready = true;
	return 0;
err_bad:
	buf_put(b);
	return bad_bitmap(fs, g, "inode");
}

/* --- write-out */

static void refresh_block_csum(struct ext4_fs *fs, u32 g)
{
	struct ext4_group_desc *d = ext4_desc(fs, g);
	struct buf b;

	/* Unreadable now: the stale checksum will tell. */
	if (buf_read(fs->sb, ext4_desc_block_bitmap(fs, d), &b))
		return;
	set_wide32(fs, &d->block_bitmap_csum_lo, &d->block_bitmap_csum_hi,
		   bitmap_csum(fs, b.data, fs->blocks_per_group));
	buf_put(&b);
}

static void refresh_inode_csum(struct ext4_fs *fs, u32 g)
{
	struct ext4_group_desc *d = ext4_desc(fs, g);
	struct buf b;

	if (buf_read(fs->sb, ext4_desc_inode_bitmap(fs, d), &b))
		return;
	set_wide32(fs, &d->inode_bitmap_csum_lo, &d->inode_bitmap_csum_hi,
		   bitmap_csum(fs, b.data, fs->inodes_per_group));
	buf_put(&b);
}

static void group_flush(struct ext4_fs *fs, u32 g)
{
	struct ext4_group_desc *d = ext4_desc(fs, g);
	struct ext4_group *grp = &fs->group[g];

	mutex_lock(&grp->lock);
	if (fs->has_csum && grp->block_stale)
		refresh_block_csum(fs, g);
	if (fs->has_csum && grp->inode_stale)
		refresh_inode_csum(fs, g);
	grp->block_stale = grp->inode_stale = grp->desc_stale = false;
	set_wide32(fs, &d->free_blocks_lo, &d->free_blocks_hi,
		   grp->free_blocks);
	set_wide32(fs, &d->free_inodes_lo, &d->free_inodes_hi,
		   grp->free_inodes);
	set_wide32(fs, &d->used_dirs_lo, &d->used_dirs_hi, grp->used_dirs);
	if (fs->has_csum || fs->has_gdt_csum)
		d->checksum = le16_make(ext4_desc_csum(fs, g, d));
	buf_dirty(fs->sb, &fs->descs[g / fs->descs_per_block]);
	mutex_unlock(&grp->lock);
}

void ext4_groups_flush(struct ext4_fs *fs)
{
	u32 g;

	for (g = 0; g < fs->groups; g++)
		if (READ_ONCE(fs->group[g].desc_stale))
			group_flush(fs, g);
}
