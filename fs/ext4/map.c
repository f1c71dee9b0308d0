/*
 * map - from logical to physical blocks, whatever the kind of map; blocks of
 * directories; and which device blocks were verified.
 *
 * Theory:  a checksum and the structure of a metadata block are verified once
 *          while its page is cached: bits 32 to 39 of the device page's priv
 *          say for which sectors that was done.  Cheap bounds checks are made
 *          at every use all the same.
 * Locks:   map_lock, shared to look, exclusive to change.
 */
#include "ext4_impl.h"
#include <lib/string.h>

#define VERIFIED_SHIFT 32

static unsigned long verified_bit(const struct super_block *sb,
				  const struct buf *b)
{
	u64 sector = b->block << (sb->blkbits - 9);

	return 1ul << (VERIFIED_SHIFT + (sector & 7));
}

bool buf_is_verified(const struct super_block *sb, const struct buf *b)
{
	return READ_ONCE(b->page->priv) & verified_bit(sb, b);
}

void buf_set_verified(const struct super_block *sb, struct buf *b)
{
	__atomic_fetch_or(&b->page->priv, verified_bit(sb, b),
			  __ATOMIC_RELAXED);
}

void buf_clear_verified(const struct super_block *sb, struct buf *b)
{
	__atomic_fetch_and(&b->page->priv, ~verified_bit(sb, b),
			   __ATOMIC_RELAXED);
}

static int find_locked(struct ext4_inode *ei, struct ext4_map *m)
{
	int err;

	m->pblk = 0;
	m->flags = 0;
	if (!m->len || add_overflow(m->lblk, m->len - 1, &(u32){ 0 }))
		return -EFBIG;
	err = ext4_is_extents(ei) ? ext4_ext_find(ei, m) :
				    ext4_ind_find(ei, m);
	if (err || !m->pblk)
		return err;
	if (!ext4_blocks_valid(ext4_fs_of(&ei->vfs), m->pblk, m->len))
		return ext4_corrupt(ei->vfs.sb,
				    "inode %llu: block %u maps to %llu",
				    ei->vfs.ino, m->lblk, m->pblk);
	return 0;
}

int ext4_map_find(struct ext4_inode *ei, struct ext4_map *m)
{
	int err;

	rwsem_read_lock(&ei->map_lock);
	err = find_locked(ei, m);
	rwsem_read_unlock(&ei->map_lock);
	return err;
}

static u64 goal_for(struct ext4_inode *ei, u32 lblk, u32 len)
{
	if (ei->goal && lblk >= ei->goal_lblk &&
	    lblk - ei->goal_lblk < 1u << 20)
		return ei->goal + (lblk - ei->goal_lblk);
	return ext4_inode_goal(ei, len);
}

void ext4_add_blocks(struct inode *i, s64 n)
{
	spin_lock(&i->state_lock);
	i->blocks += (u64)(n * (s64)(i->sb->blocksize >> 9));
	spin_unlock(&i->state_lock);
	inode_mark_dirty(i, I_DIRTY_SYNC);
}

/* Fills the hole m describes with new blocks: m->len may shrink. */
static int fill_extent_hole(struct ext4_inode *ei, struct ext4_map *m,
			    bool unwritten)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	u32 n = min(m->len, unwritten ? EXTENT_MAX_UNWRITTEN : EXTENT_MAX_LEN);
	u64 start;
	int err;

	err = ext4_alloc_blocks(fs, goal_for(ei, m->lblk, n), &n, false,
				&start);
	if (err)
		return err;
	err = ext4_ext_insert(ei, m->lblk, start, n, unwritten);
	if (err) {
		/* The first error is the one to tell. */
		ignore_error(ext4_free_blocks(fs, start, n, false));
		return err;
	}
	m->pblk = start;
	m->len = n;
	m->flags = MAP_NEW_BIT | (unwritten ? MAP_UNWRITTEN_BIT : 0);
	ei->goal = start + n;
	ei->goal_lblk = m->lblk + n;
	ext4_add_blocks(&ei->vfs, n);
	ext4_unreserve(ei, n);
	return 0;
}

static int alloc_locked(struct ext4_inode *ei, struct ext4_map *m,
			bool unwritten)
{
	int err = find_locked(ei, m);

	if (err)
		return err;
	if (!m->pblk)
		return ext4_is_extents(ei) ?
			       fill_extent_hole(ei, m, unwritten) :
			       ext4_ind_alloc(ei, m);
	if (m->flags & MAP_UNWRITTEN_BIT && !unwritten) {
		err = ext4_ext_set_written(ei, m->lblk, m->len);
		if (!err)
			m->flags = 0;
	}
	return err;
}

int ext4_map_alloc(struct ext4_inode *ei, struct ext4_map *m, bool unwritten)
{
	int err;

	rwsem_write_lock(&ei->map_lock);
	err = alloc_locked(ei, m, unwritten);
	rwsem_write_unlock(&ei->map_lock);
	return err;
}

int ext4_map_remove(struct ext4_inode *ei, u32 from, u32 to)
{
	int err;

	if (from >= to)
		return 0;
	rwsem_write_lock(&ei->map_lock);
	err = ext4_is_extents(ei) ? ext4_ext_remove(ei, from, to) :
				    ext4_ind_remove(ei, from, to);
	ei->goal = 0;
	rwsem_write_unlock(&ei->map_lock);
	return err;
}

int ext4_bread(struct ext4_inode *ei, u32 lblk, struct buf *b)
{
	struct ext4_map m = { .lblk = lblk, .len = 1 };
	int err = ext4_map_find(ei, &m);

	b->page = NULL;
	if (err)
		return err;
	if (!m.pblk || m.flags & MAP_UNWRITTEN_BIT)
		return ext4_corrupt(ei->vfs.sb, "inode %llu: hole at block %u",
				    ei->vfs.ino, lblk);
	return buf_read(ei->vfs.sb, m.pblk, b);
}

int ext4_append(struct ext4_inode *ei, u32 *lblk, struct buf *b)
{
	struct super_block *sb = ei->vfs.sb;
	u64 size = inode_size(&ei->vfs);
	struct ext4_map m = { .lblk = (u32)(size >> sb->blkbits), .len = 1 };
	int err;

	b->page = NULL;
	if (size >> sb->blkbits >= 1u << 21)
		return -ENOSPC;
	err = ext4_reserve(ei, 1);
	if (err)
		return err;
	err = ext4_map_alloc(ei, &m, false);
	if (err || !(m.flags & MAP_NEW_BIT)) {
		ext4_unreserve(ei, 1);
		if (err)
			return err;
	}
	err = buf_get(sb, m.pblk, b);
	if (err)
		return err;
	memset(b->data, 0, sb->blocksize);
	buf_set_verified(sb, b);
	inode_set_size(&ei->vfs, size + sb->blocksize);
	inode_mark_dirty(&ei->vfs, I_DIRTY_SYNC);
	*lblk = m.lblk;
	return 0;
}
