/*
 * ialloc - numbers for new inodes.
 *
 * Theory:  a file goes to its directory's group, or to the next with room.
 *          Directories directly under the root are spread over groups that
 *          have more room than the average (Orlov), others stay near their
 *          parent while that has room.  The lowest free number of a group is
 *          taken, so that its inode table fills from the start and the rest
 *          stays marked as never used.
 * Locks:   group.lock; totals are atomic.
 */
#include "ext4_impl.h"
#include <kernel/random.h>
#include <lib/bitmap.h>
#include <lib/string.h>

static u32 group_of(const struct ext4_fs *fs, u64 ino)
{
	return (u32)((ino - 1) / fs->inodes_per_group);
}

u64 ext4_inode_block(struct ext4_fs *fs, u64 ino, u32 *off)
{
	u32 index = (u32)((ino - 1) % fs->inodes_per_group);
	struct ext4_group_desc *d = ext4_desc(fs, group_of(fs, ino));

	*off = index % fs->inodes_per_block * fs->inode_size;
	return ext4_desc_inode_table(fs, d) + index / fs->inodes_per_block;
}

/* --- choice of the group */

static bool is_roomy(const struct ext4_fs *fs, u32 g, u64 inodes, u64 blocks)
{
	return fs->group[g].free_inodes && !fs->group[g].is_bad &&
	       fs->group[g].free_inodes >= inodes &&
	       fs->group[g].free_blocks >= blocks;
}

/* The emptiest of directories among the better half; groups if none. */
static u32 spread_group(const struct ext4_fs *fs)
{
	u64 inodes = (u64)fs->free_inodes / fs->groups;
	u64 blocks = (u64)fs->free_blocks / fs->groups;
	u32 g = random_u32_below(fs->groups), best = fs->groups, i;

	for (i = 0; i < fs->groups; i++, g++) {
		if (g >= fs->groups)
			g = 0;
		if (!is_roomy(fs, g, inodes, blocks))
			continue;
		if (best == fs->groups ||
		    fs->group[g].used_dirs < fs->group[best].used_dirs)
			best = g;
	}
	return best;
}

static u32 near_group(const struct ext4_fs *fs, u32 g)
{
	u64 inodes = fs->inodes_per_group / 16 + 1;
	u64 blocks = fs->blocks_per_group / 16;
	u32 i;

	for (i = 0; i < fs->groups; i++, g++) {
		if (g >= fs->groups)
			g = 0;
		if (is_roomy(fs, g, inodes, blocks))
			return g;
	}
	return fs->groups;
}

static u32 first_group(struct ext4_fs *fs, struct inode *dir, u32 mode)
{
	u32 parent = group_of(fs, dir->ino), g = fs->groups;

	if (S_ISDIR(mode)) {
		if (dir->ino == EXT4_ROOT_INO || ext4_i(dir)->flags & FL_TOPDIR)
			g = spread_group(fs);
		if (g == fs->groups)
			g = near_group(fs, parent);
	}
	return g < fs->groups ? g : parent;
}

/* --- taking a bit */

/* What was behind the used part of the table is used from now on. */
static void grow_table(struct ext4_fs *fs, u32 g, u32 bit)
{
	struct ext4_group_desc *d = ext4_desc(fs, g);
	u32 left = fs->inodes_per_group - bit - 1;

	if ((fs->has_csum || fs->has_gdt_csum) &&
	    ext4_desc_itable_unused(fs, d) > left)
		ext4_desc_set_itable_unused(fs, d, left);
}

static int take_inode_locked(struct ext4_fs *fs, u32 g, bool is_dir, u64 *ino)
{
	struct ext4_group *grp = &fs->group[g];
	u32 n = fs->inodes_per_group, bit = grp->first_ino;
	struct buf b;
	int err;

	if (!grp->free_inodes)
		return -ENOSPC;
	if (g == group_of(fs, fs->first_ino))
		bit = max(bit, (fs->first_ino - 1) % n);
	err = ext4_inode_bitmap_locked(fs, g, &b);
	if (err)
		return err;
	bit = (u32)find_next_zero(b.data, n, bit);
	if (bit >= n) {
		buf_put(&b);
		grp->first_ino = n;
		return -ENOSPC;
	}
	bit_set(b.data, bit);
	buf_dirty(fs->sb, &b);
	buf_put(&b);
	grp->first_ino = bit + 1;
	grp->free_inodes--;
	grp->used_dirs += is_dir;
	grp->inode_stale = grp->desc_stale = true;
	grow_table(fs, g, bit);
	*ino = (u64)g * n + bit + 1;
	return 0;
}

static int take_inode(struct ext4_fs *fs, struct inode *dir, u32 mode, u64 *ino)
{
	u32 g = first_group(fs, dir, mode), i;
	int err;

	for (i = 0; i < fs->groups; i++, g++) {
		if (g >= fs->groups)
			g = 0;
		if (!READ_ONCE(fs->group[g].free_inodes))
			continue;
		mutex_lock(&fs->group[g].lock);
		err = take_inode_locked(fs, g, S_ISDIR(mode), ino);
		mutex_unlock(&fs->group[g].lock);
		if (!err) {
			fetch_add_relaxed(&fs->free_inodes, -1);
			if (S_ISDIR(mode))
				fetch_add_relaxed(&fs->dirs, 1);
			return 0;
		}
		if (err != -ENOSPC && err != -EUCLEAN)
			return err;
	}
	return -ENOSPC;
}

static int give_inode_locked(struct ext4_fs *fs, u32 g, u32 bit, bool is_dir)
{
	struct ext4_group *grp = &fs->group[g];
	struct buf b;
	int err = ext4_inode_bitmap_locked(fs, g, &b);

	if (err)
		return err;
	if (!bit_test_and_clear(b.data, bit)) {
		buf_put(&b);
		return ext4_corrupt(fs->sb, "group %u: inode freed twice", g);
	}
	buf_dirty(fs->sb, &b);
	buf_put(&b);
	grp->first_ino = min(grp->first_ino, bit);
	grp->free_inodes++;
	if (is_dir && grp->used_dirs)
		grp->used_dirs--;
	grp->inode_stale = grp->desc_stale = true;
	return 0;
}

static int give_inode(struct ext4_fs *fs, u64 ino, bool is_dir)
{
	u32 g = group_of(fs, ino);
	int err;

	mutex_lock(&fs->group[g].lock);
	err = give_inode_locked(fs, g, (u32)((ino - 1) % fs->inodes_per_group),
				is_dir);
	mutex_unlock(&fs->group[g].lock);
	if (err)
		return err;
	fetch_add_relaxed(&fs->free_inodes, 1);
	if (is_dir)
		fetch_add_relaxed(&fs->dirs, -1);
	return 0;
}

int ext4_free_inode(struct inode *i, bool is_dir)
{
	struct ext4_fs *fs = ext4_fs_of(i);

	if (i->ino < fs->first_ino || i->ino > fs->inodes)
		return ext4_corrupt(i->sb, "freeing inode %llu", i->ino);
	return give_inode(fs, i->ino, is_dir);
}

/* --- a new inode */

static u32 inherited_flags(struct ext4_inode *dir, u32 mode)
{
	u32 fl = dir->flags & FL_INHERITED;

	if (!S_ISDIR(mode))
		fl &= FL_SYNC | FL_NODUMP | FL_NOATIME;
	if (!S_ISDIR(mode) && !S_ISREG(mode))
		fl &= FL_NODUMP | FL_NOATIME;
	return fl;
}

static void init_new(struct ext4_fs *fs, struct inode *dir, struct inode *i,
		     u32 mode)
{
	struct ext4_inode *ei = ext4_i(i);

	inode_init_owner(i, dir, mode);
	i->nlink = 1;
	i->generation = fetch_add_relaxed(&fs->next_generation, 1);
	i->atime = i->mtime = i->ctime = i->btime = time_now();
	ei->is_fresh = true;
	ei->extra_isize = fs->want_extra;
	ei->flags = inherited_flags(ext4_i(dir), mode);
	if (ext4_has(fs, INCOMPAT_EXTENTS) &&
	    (S_ISREG(mode) || S_ISDIR(mode))) {
		ei->flags |= FL_EXTENTS;
		ext4_ext_init(ei);
	}
	ext4_inode_seed(ei);
	ext4_set_vfs_flags(ei);
}

int ext4_new_inode(struct inode *dir, u32 mode, struct inode **out)
{
	struct ext4_fs *fs = ext4_fs_of(dir);
	struct inode *i;
	u64 ino;
	int err;

	if (sb_is_readonly(dir->sb))
		return -EROFS;
	err = inode_alloc(dir->sb, &i);
	if (err)
		return err;
	err = take_inode(fs, dir, mode, &ino);
	if (err)
		goto err_put;
	i->ino = ino;
	init_new(fs, dir, i, mode);
	if (inode_hash_fresh(i)) {
		err = ext4_corrupt(dir->sb, "inode %llu is in use", ino);
		goto err_put;
	}
	*out = i;
	return 0;
err_put:
	i->nlink = 0;
	ext4_i(i)->is_stillborn = true;
	inode_put(i);
	return err;
}

/* --- numbers from file handles */

static bool is_used(struct ext4_fs *fs, u64 ino)
{
	u32 g = group_of(fs, ino);
	bool yes = false;
	struct buf b;

	mutex_lock(&fs->group[g].lock);
	if (!ext4_inode_bitmap_locked(fs, g, &b)) {
		yes = bit_test(b.data, (u32)((ino - 1) % fs->inodes_per_group));
		buf_put(&b);
	}
	mutex_unlock(&fs->group[g].lock);
	return yes;
}

int ext4_inode_of_number(struct super_block *sb, u64 ino, struct inode **out)
{
	struct ext4_fs *fs = ext4_sb(sb);

	if (!ino || ino > fs->inodes ||
	    (ino < fs->first_ino && ino != EXT4_ROOT_INO) || !is_used(fs, ino))
		return -ESTALE;
	return ext4_iget(sb, ino, false, out);
}
