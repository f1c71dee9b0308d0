/*
 * balloc - the block allocator.
 *
 * Theory:  a request has a goal and a length.  The block at the goal is taken
 *          if it is free, with what follows it: files grow in one piece.  Else
 *          a run of the whole length is looked for, in the goal's group from
 *          its rotor on and then in the others; without success half the
 *          length will do, and so on down to a block.  `largest` remembers per
 *          group that no longer run exists, so a full group costs a compare.
 *          Dirty pages are promised blocks (delayed) before they have any; the
 *          promise counts against the free space, so write-back cannot fail.
 *          Blocks for maps come from a small reserve that data never touches.
 * Locks:   group.lock; the totals are atomic.
 */
#include "ext4_impl.h"
#include <lib/bitmap.h>
#include <task/cred.h>

#define MAX_RUN 8192u

/* Index of the first zone that ends past `block`. */
static u32 zone_after(const struct ext4_fs *fs, u64 block)
{
	u32 lo = 0, hi = fs->nr_zones, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (fs->zones[mid].end <= block)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool ext4_blocks_valid(const struct ext4_fs *fs, u64 start, u64 n)
{
	u32 z;

	if (!n || start <= fs->first_block || start >= fs->blocks ||
	    n > fs->blocks - start)
		return false;
	z = zone_after(fs, start);
	return z == fs->nr_zones || fs->zones[z].start >= start + n;
}

/* --- promises */

static bool may_use_reserved(const struct ext4_fs *fs)
{
	if (current->flags & TF_KERNEL)
		return true;
	return current_fsuid() == fs->res_uid ||
	       (fs->res_gid && in_group_fs(fs->res_gid)) ||
	       capable(CAP_SYS_RESOURCE);
}

static s64 free_for_data(const struct ext4_fs *fs)
{
	return __atomic_load_n(&fs->free_blocks, __ATOMIC_RELAXED) -
	       __atomic_load_n(&fs->delayed, __ATOMIC_RELAXED) -
	       (s64)fs->reserved_pool;
}

int ext4_reserve(struct ext4_inode *ei, u32 n)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	s64 room = free_for_data(fs) - (s64)n;

	if (unlikely(room < (s64)fs->reserved_root) &&
	    (room < 0 || !may_use_reserved(fs)))
		return -ENOSPC;
	fetch_add_relaxed(&fs->delayed, n);
	fetch_add_relaxed(&ei->delayed, n);
	return 0;
}

void ext4_unreserve(struct ext4_inode *ei, u32 n)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);

	if (!n)
		return;
	fetch_add_relaxed(&fs->delayed, -(s64)n);
	fetch_add_relaxed(&ei->delayed, -n);
}

/* --- taking */

struct request {
	u32 group, bit;		/* the goal */
	u32 want;
	bool is_meta;
	u64 start;		/* result */
	u32 len;
};

/* Where a run of rq->want starts, or n. */
static size_t find_run(const unsigned long *map, u32 n, u32 from, u32 want)
{
	size_t at = find_zero_run(map, n, from, want);

	if (at >= n && from)
		at = find_zero_run(map, n, 0, want);
	return at;
}

static int take_locked(struct ext4_fs *fs, u32 g, struct buf *b, size_t at,
		       u32 len, struct request *rq)
{
	struct ext4_group *grp = &fs->group[g];
	u64 start = ext4_group_first(fs, g) + at;

	if (!ext4_blocks_valid(fs, start, len) || len > grp->free_blocks) {
		grp->is_bad = true;
		return ext4_corrupt(fs->sb, "group %u: tables marked free", g);
	}
	bitmap_set(b->data, at, len);
	grp->free_blocks -= len;
	if (!rq->is_meta)
		grp->next_block = (u32)at + len;
	grp->block_stale = grp->desc_stale = true;
	buf_dirty(fs->sb, b);
	fetch_add_relaxed(&fs->free_blocks, -(s64)len);
	rq->start = start;
	rq->len = len;
	return 0;
}

/* The goal itself, as far as it is free. */
static int try_goal_locked(struct ext4_fs *fs, struct request *rq)
{
	struct ext4_group *grp = &fs->group[rq->group];
	u32 n = ext4_group_blocks(fs, rq->group), end;
	struct buf b;
	int err;

	if (!grp->free_blocks || rq->bit >= n)
		return -ENOSPC;
	err = ext4_block_bitmap_locked(fs, rq->group, &b);
	if (err)
		return err;
	err = -ENOSPC;
	if (!bit_test(b.data, rq->bit)) {
		end = min(n, rq->bit + rq->want);
		end = (u32)find_next_bit(b.data, end, rq->bit);
		err = take_locked(fs, rq->group, &b, rq->bit, end - rq->bit,
				  rq);
	}
	buf_put(&b);
	return err;
}

static int try_group_locked(struct ext4_fs *fs, u32 g, struct request *rq)
{
	struct ext4_group *grp = &fs->group[g];
	u32 n = ext4_group_blocks(fs, g);
	u32 from = g == rq->group ? rq->bit : grp->next_block;
	struct buf b;
	size_t at;
	int err;

	if (grp->free_blocks < rq->want || grp->largest < rq->want)
		return -ENOSPC;
	err = ext4_block_bitmap_locked(fs, g, &b);
	if (err)
		return err;
	at = find_run(b.data, n, from < n ? from : 0, rq->want);
	if (at < n) {
		err = take_locked(fs, g, &b, at, rq->want, rq);
	} else {
		grp->largest = rq->want - 1;
		err = -ENOSPC;
	}
	buf_put(&b);
	return err;
}

/* One pass over all groups for a run of rq->want. */
static int try_all(struct ext4_fs *fs, struct request *rq)
{
	u32 i, g = rq->group;
	int err;

	for (i = 0; i < fs->groups; i++, g++) {
		if (g == fs->groups)
			g = 0;
		if (READ_ONCE(fs->group[g].largest) < rq->want ||
		    READ_ONCE(fs->group[g].free_blocks) < rq->want)
			continue;
		mutex_lock(&fs->group[g].lock);
		err = try_group_locked(fs, g, rq);
		mutex_unlock(&fs->group[g].lock);
		/* A damaged group was reported; others may do. */
		if (err != -ENOSPC && err != -EUCLEAN)
			return err;
	}
	return -ENOSPC;
}

static void set_goal(struct ext4_fs *fs, u64 goal, struct request *rq)
{
	if (goal <= fs->first_block || goal >= fs->blocks)
		goal = fs->first_block + 1;
	rq->group = (u32)((goal - fs->first_block) / fs->blocks_per_group);
	rq->bit = (u32)((goal - fs->first_block) % fs->blocks_per_group);
}

int ext4_alloc_blocks(struct ext4_fs *fs, u64 goal, u32 *n, bool is_meta,
		      u64 *start)
{
	struct request rq = { .want = clamp(*n, 1u, MAX_RUN),
			      .is_meta = is_meta };
	int err;

	if (!is_meta && __atomic_load_n(&fs->free_blocks, __ATOMIC_RELAXED) <
				(s64)rq.want)
		rq.want = 1;
	set_goal(fs, goal, &rq);
	mutex_lock(&fs->group[rq.group].lock);
	err = try_goal_locked(fs, &rq);
	mutex_unlock(&fs->group[rq.group].lock);
	while (err == -ENOSPC || err == -EUCLEAN) {
		err = try_all(fs, &rq);
		if (err != -ENOSPC || rq.want == 1)
			break;
		rq.want /= 2;
	}
	if (err)
		return err;
	*start = rq.start;
	*n = rq.len;
	return 0;
}

/* A new file goes where the last one of its group ended. */
u64 ext4_inode_goal(struct ext4_inode *ei, u32 len)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	u32 g = (u32)((ei->vfs.ino - 1) / fs->inodes_per_group);

	if (g >= fs->groups)
		g = 0;
	return ext4_group_first(fs, g) + READ_ONCE(fs->group[g].next_block);
}

/* --- giving back */

static int free_in_group_locked(struct ext4_fs *fs, u32 g, u32 bit, u32 n)
{
	struct ext4_group *grp = &fs->group[g];
	struct buf b;
	int err = ext4_block_bitmap_locked(fs, g, &b);

	if (err)
		return err;
	if (find_next_zero(b.data, bit + n, bit) < bit + n) {
		buf_put(&b);
		return ext4_corrupt(fs->sb, "group %u: blocks freed twice", g);
	}
	bitmap_clear(b.data, bit, n);
	grp->free_blocks += n;
	grp->largest = ext4_group_blocks(fs, g);
	grp->block_stale = grp->desc_stale = true;
	buf_dirty(fs->sb, &b);
	buf_put(&b);
	fetch_add_relaxed(&fs->free_blocks, (s64)n);
	return 0;
}

int ext4_free_blocks(struct ext4_fs *fs, u64 start, u32 n, bool is_meta)
{
	u32 g, bit, part;
	int err = 0, e;

	if (!ext4_blocks_valid(fs, start, n))
		return ext4_corrupt(fs->sb, "freeing blocks %llu+%u", start, n);
	if (is_meta) {
		ext4_stale_drop(fs, start, n);
		buf_forget(fs->sb, start, n);
	}
	while (n) {
		g = (u32)((start - fs->first_block) / fs->blocks_per_group);
		bit = (u32)((start - fs->first_block) % fs->blocks_per_group);
		part = min(n, fs->blocks_per_group - bit);
		mutex_lock(&fs->group[g].lock);
		e = free_in_group_locked(fs, g, bit, part);
		mutex_unlock(&fs->group[g].lock);
		err = err ? err : e;
		start += part;
		n -= part;
	}
	return err;
}
