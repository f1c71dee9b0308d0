/*
 * indirect - the block maps of ext2 and ext3: twelve direct blocks, then one,
 * two and three levels of blocks of 32-bit numbers.
 *
 * Locks:   map_lock.
 */
#include "ext4_impl.h"
#include <lib/string.h>

struct ind_path {
	u32 depth;		/* levels of indirect blocks */
	u32 slot[4];		/* index in each, slot[0] in the inode */
	u32 left;		/* entries after this one in the last level */
};

static int ind_locate(struct ext4_inode *ei, u32 lblk, struct ind_path *p)
{
	u64 per = ext4_fs_of(&ei->vfs)->addr_per_block, n = lblk, span = per;
	u32 i;

	if (n < EXT4_NDIR) {
		*p = (struct ind_path){ .slot = { (u32)n },
					.left = EXT4_NDIR - 1 - (u32)n };
		return 0;
	}
	n -= EXT4_NDIR;
	for (p->depth = 1; p->depth <= 3 && n >= span; p->depth++) {
		n -= span;
		span *= per;
	}
	if (p->depth > 3)
		return -EFBIG;
	p->slot[0] = EXT4_NDIR + p->depth - 1;
	for (i = p->depth; i > 0; i--) {
		p->slot[i] = (u32)(n % per);
		n /= per;
	}
	p->left = (u32)per - 1 - p->slot[p->depth];
	return 0;
}

/* Reads the indirect block `nr`. */
static int ind_read(struct ext4_inode *ei, u32 nr, struct buf *b)
{
	if (!ext4_blocks_valid(ext4_fs_of(&ei->vfs), nr, 1))
		return ext4_corrupt(ei->vfs.sb,
				    "inode %llu: indirect block %u",
				    ei->vfs.ino, nr);
	return buf_read(ei->vfs.sb, nr, b);
}

/* Counts entries that continue the first, up to max. */
static u32 run_length(const le32_t *e, u32 max)
{
	u32 first = le32_get(*e), n = 1;

	while (n < max && le32_get(e[n]) == (first ? first + n : 0))
		n++;
	return n;
}

int ext4_ind_find(struct ext4_inode *ei, struct ext4_map *m)
{
	struct buf b = { .page = NULL }, next;
	struct ind_path p;
	const le32_t *e;
	u32 level;
	int err = ind_locate(ei, m->lblk, &p);

	if (err)
		return err;
	e = &ei->block[p.slot[0]];
	for (level = 1; level <= p.depth; level++) {
		if (!le32_get(*e)) {
			m->len = 1;
			goto out;
		}
		err = ind_read(ei, le32_get(*e), &next);
		buf_put(&b);
		if (err)
			return err;
		b = next;
		e = (const le32_t *)b.data + p.slot[level];
	}
	m->len = run_length(e, min(m->len, p.left + 1));
	m->pblk = le32_get(*e);
out:
	buf_put(&b);
	return 0;
}

static int ind_new_block(struct ext4_inode *ei, bool is_meta, u64 goal,
			 u32 *n, u64 *block)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	int err = ext4_alloc_blocks(fs, goal, n, is_meta, block);

	if (err)
		return err;
	if ((*block + *n) >> 32) {
		/* Such maps hold 32 bits. */
		ignore_error(ext4_free_blocks(fs, *block, *n, is_meta));
		return -EFBIG;
	}
	ext4_add_blocks(&ei->vfs, *n);
	return 0;
}

/* Gives the empty entry e (in b, or the inode) a block of zeros. */
static int ind_extend(struct ext4_inode *ei, struct buf *b, le32_t *e)
{
	struct super_block *sb = ei->vfs.sb;
	u32 one = 1;
	struct buf n;
	u64 block;
	int err = ind_new_block(ei, true, ext4_inode_goal(ei, 1), &one,
				&block);

	if (err)
		return err;
	err = buf_get(sb, block, &n);
	if (err)
		return err;
	memset(n.data, 0, sb->blocksize);
	buf_dirty(sb, &n);
	buf_put(&n);
	*e = le32_make((u32)block);
	if (b->page)
		buf_dirty(sb, b);
	return 0;
}

static int fill_entries(struct ext4_inode *ei, struct ext4_map *m, le32_t *e,
			u32 max)
{
	u64 goal = ei->goal ? ei->goal : ext4_inode_goal(ei, m->len), block;
	u32 n = run_length(e, min(m->len, max)), i;
	int err = ind_new_block(ei, false, goal, &n, &block);

	if (err)
		return err;
	for (i = 0; i < n; i++)
		e[i] = le32_make((u32)block + i);
	m->pblk = block;
	m->len = n;
	m->flags = MAP_NEW_BIT;
	ei->goal = block + n;
	ext4_unreserve(ei, n);
	return 0;
}

/* m is a hole. */
int ext4_ind_alloc(struct ext4_inode *ei, struct ext4_map *m)
{
	struct buf b = { .page = NULL }, next;
	struct ind_path p;
	u32 level;
	le32_t *e;
	int err = ind_locate(ei, m->lblk, &p);

	if (err)
		return err;
	e = &ei->block[p.slot[0]];
	for (level = 1; level <= p.depth; level++) {
		if (!le32_get(*e)) {
			err = ind_extend(ei, &b, e);
			if (err)
				goto out;
		}
		err = ind_read(ei, le32_get(*e), &next);
		if (err)
			goto out;
		buf_put(&b);
		b = next;
		e = (le32_t *)b.data + p.slot[level];
	}
	err = fill_entries(ei, m, e, p.left + 1);
	if (!err && b.page)
		buf_dirty(ei->vfs.sb, &b);
	if (!err)
		inode_mark_dirty(&ei->vfs, I_DIRTY_SYNC);
out:
	buf_put(&b);
	return err;
}

/* Frees the run of numbers at e; how many entries it was. */
static u32 free_run(struct ext4_inode *ei, le32_t *e, u32 max)
{
	u32 n = run_length(e, max), i;

	if (!le32_get(*e))
		return n;
	/* Damage was reported; leaking is safe. */
	ignore_error(ext4_free_blocks(ext4_fs_of(&ei->vfs), le32_get(*e), n,
				      !S_ISREG(ei->vfs.mode)));
	ext4_add_blocks(&ei->vfs, -(s64)n);
	for (i = 0; i < n; i++)
		e[i] = le32_make(0);
	return n;
}

/* Frees [from, to) of the subtree under *e, which has `depth` levels and
 * covers span * entries blocks.  Recursion is three deep at most. */
static int free_subtree(struct ext4_inode *ei, le32_t *e, u32 depth, u64 from,
			u64 to)
{
	u64 per = ext4_fs_of(&ei->vfs)->addr_per_block, span = 1, base;
	struct buf b;
	le32_t *sub;
	u32 i;
	int err;

	if (!le32_get(*e))
		return 0;
	err = ind_read(ei, le32_get(*e), &b);
	if (err)
		return err;
	for (i = 1; i < depth; i++)
		span *= per;
	sub = b.data;
	for (i = (u32)(from / span); i < per && i * span < to && !err;) {
		base = i * span;
		if (depth == 1) {
			i += free_run(ei, sub + i,
				      (u32)(min(to, per) - i));
			continue;
		}
		err = free_subtree(ei, sub + i, depth - 1,
				   from > base ? from - base : 0,
				   min(to - base, span));
		i++;
	}
	buf_dirty(ei->vfs.sb, &b);
	if (!err && mem_is_zero(b.data, ei->vfs.sb->blocksize)) {
		/* Before it can become somebody's data. */
		buf_forget(ei->vfs.sb, b.block, 1);
		free_run(ei, e, 1);
	}
	buf_put(&b);
	return err;
}

int ext4_ind_remove(struct ext4_inode *ei, u32 from, u32 to)
{
	u64 per = ext4_fs_of(&ei->vfs)->addr_per_block;
	u64 base = EXT4_NDIR, span = per;
	u32 i, depth, end = min(to, EXT4_NDIR);
	int err = 0;

	for (i = from; i < end;)
		i += free_run(ei, &ei->block[i], end - i);
	for (depth = 1; depth <= 3 && !err; depth++) {
		if (to > base && from < base + span)
			err = free_subtree(ei,
					   &ei->block[EXT4_NDIR + depth - 1],
					   depth, from > base ? from - base : 0,
					   min(to - base, span));
		base += span;
		span *= per;
	}
	inode_mark_dirty(&ei->vfs, I_DIRTY_SYNC);
	return err;
}
