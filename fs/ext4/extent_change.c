/*
 * extent_change - inserting into and removing from the extent tree.
 *
 * Theory:  a change first tries to end in one leaf: by lengthening a
 *          neighbour, or with a free entry.  Without room the tree grows by
 *          one step (a node is split, or the root moves down a level), and the
 *          change starts again from the root: no state is carried over a
 *          restructuring.  A node that is split at its end keeps all but one
 *          entry, so a file written in order has full leaves.  Removal goes
 *          from right to left, frees empty nodes, and pulls a small last node
 *          back into the inode.
 * Locks:   map_lock, exclusive.
 */
#include "extent_impl.h"
#include <lib/string.h>

static void set_extent(struct ext4_extent *e, u32 lblk, u64 pblk, u32 len,
		       bool unwritten)
{
	e->block = le32_make(lblk);
	e->start_lo = le32_make((u32)pblk);
	e->start_hi = le16_make((u16)(pblk >> 32));
	e->len = le16_make((u16)(len + (unwritten ? EXTENT_MAX_LEN : 0)));
}

static void set_len(struct ext4_extent *e, u32 len)
{
	set_extent(e, le32_get(e->block), ext_pblk(e), len,
		   ext_is_unwritten(e));
}

static void set_idx(struct ext4_extent_idx *x, u32 key, u64 leaf)
{
	*x = (struct ext4_extent_idx){ .block = le32_make(key),
				       .leaf_lo = le32_make((u32)leaf),
				       .leaf_hi = le16_make(
					       (u16)(leaf >> 32)) };
}

static u32 entries(const struct ext4_extent_header *h)
{
	return le16_get(h->entries);
}

static void set_entries(struct ext4_extent_header *h, u32 n)
{
	h->entries = le16_make((u16)n);
}

static bool is_full(const struct ext_node *n)
{
	return entries(n->h) == le16_get(n->h->max);
}

static void node_changed(struct ext4_inode *ei, struct ext_node *n)
{
	if (!n->b.page) {
		inode_mark_dirty(&ei->vfs, I_DIRTY_SYNC);
		return;
	}
	ext4_extent_csum_set(ei, n->b.data);
	buf_dirty(ei->vfs.sb, &n->b);
}

/* The first key of the node at `level` changed: tells the levels above. */
static void fix_keys(struct ext4_inode *ei, struct ext_path *p, u32 level)
{
	le32_t key = ext_first(p->node[level].h)->block;

	/* The key is the first field of both kinds of entry. */
	while (level-- > 0) {
		idx_first(p->node[level].h)[p->node[level].at].block = key;
		node_changed(ei, &p->node[level]);
		if (p->node[level].at)
			break;
	}
}

/* --- room ------------------------------------------------------------------*/

static int new_node(struct ext4_inode *ei, u32 depth, struct buf *b)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	u32 g = (u32)((ei->vfs.ino - 1) / fs->inodes_per_group), one = 1;
	struct ext4_extent_header *h;
	u64 block;
	int err;

	err = ext4_alloc_blocks(fs, ext4_group_first(fs, g), &one, true,
				&block);
	if (err)
		return err;
	err = buf_get(fs->sb, block, b);
	if (err) {
		/* The first error is the one to tell. */
		ignore_error(ext4_free_blocks(fs, block, 1, true));
		return err;
	}
	memset(b->data, 0, fs->sb->blocksize);
	h = b->data;
	h->magic = le16_make(EXTENT_MAGIC);
	h->max = le16_make((u16)ext_block_max(fs->sb));
	h->depth = le16_make((u16)depth);
	ext4_add_blocks(&ei->vfs, 1);
	return 0;
}

static void node_ready(struct ext4_inode *ei, struct buf *b)
{
	ext4_extent_csum_set(ei, b->data);
	buf_set_verified(ei->vfs.sb, b);
	buf_dirty(ei->vfs.sb, b);
	buf_put(b);
}

/* The root's content moves into a block below it. */
static int grow(struct ext4_inode *ei)
{
	struct ext4_extent_header *root = ext_root(ei), *h;
	u32 n = entries(root), depth = le16_get(root->depth);
	struct buf b;
	int err;

	if (depth >= EXTENT_MAX_DEPTH)
		return -EFBIG;
	err = new_node(ei, depth, &b);
	if (err)
		return err;
	h = b.data;
	set_entries(h, n);
	memcpy(h + 1, root + 1, n * sizeof(struct ext4_extent));
	root->depth = le16_make((u16)(depth + 1));
	set_entries(root, 1);
	set_idx(idx_first(root), le32_get(ext_first(h)->block), b.block);
	node_ready(ei, &b);
	inode_mark_dirty(&ei->vfs, I_DIRTY_SYNC);
	return 0;
}

/* The node at `level` gives its upper part to a new one; its parent has
 * room. */
static int split(struct ext4_inode *ei, struct ext_path *p, u32 level)
{
	struct ext_node *n = &p->node[level], *up = &p->node[level - 1];
	u32 count = entries(n->h), keep;
	bool at_end = n->at + (level < p->depth ? 1 : 0) >= count;
	struct ext4_extent_idx *x;
	struct ext4_extent_header *h;
	struct buf b;
	int err;

	keep = at_end ? count - 1 : count / 2;
	err = new_node(ei, le16_get(n->h->depth), &b);
	if (err)
		return err;
	h = b.data;
	set_entries(h, count - keep);
	memcpy(h + 1, ext_first(n->h) + keep,
	       (count - keep) * sizeof(struct ext4_extent));
	set_entries(n->h, keep);
	x = idx_first(up->h) + up->at + 1;
	memmove(x + 1, x, (entries(up->h) - up->at - 1) * sizeof(*x));
	set_idx(x, le32_get(ext_first(h)->block), b.block);
	set_entries(up->h, entries(up->h) + 1);
	node_ready(ei, &b);
	node_changed(ei, n);
	node_changed(ei, up);
	return 0;
}

/* One step towards room in the leaf. */
static int make_room(struct ext4_inode *ei, struct ext_path *p)
{
	u32 level = p->depth;

	while (level > 0 && is_full(&p->node[level - 1]))
		level--;
	return level ? split(ei, p, level) : grow(ei);
}

/* --- inserting ---------------------------------------------------------------*/

static u32 max_len(bool unwritten)
{
	return unwritten ? EXTENT_MAX_UNWRITTEN : EXTENT_MAX_LEN;
}

/* Does b continue a on disk and in the file? */
static bool can_join(const struct ext4_extent *a, const struct ext4_extent *b)
{
	u32 la = ext_len(a), lb = ext_len(b);

	return ext_is_unwritten(a) == ext_is_unwritten(b) &&
	       le32_get(a->block) + la == le32_get(b->block) &&
	       ext_pblk(a) + la == ext_pblk(b) &&
	       la + lb <= max_len(ext_is_unwritten(a));
}

static void remove_entry(struct ext4_extent_header *h, u32 i)
{
	struct ext4_extent *e = ext_first(h) + i;

	memmove(e, e + 1, (entries(h) - i - 1) * sizeof(*e));
	set_entries(h, entries(h) - 1);
}

/* Joins entry i with its right neighbour if possible. */
static bool join_right(struct ext4_extent_header *h, u32 i)
{
	struct ext4_extent *e = ext_first(h) + i;

	if (i + 1 >= entries(h) || !can_join(e, e + 1))
		return false;
	set_len(e, ext_len(e) + ext_len(e + 1));
	remove_entry(h, i + 1);
	return true;
}

static void insert_entry(struct ext4_extent_header *h, u32 i,
			 const struct ext4_extent *e)
{
	struct ext4_extent *to = ext_first(h) + i;

	memmove(to + 1, to, (entries(h) - i) * sizeof(*to));
	*to = *e;
	set_entries(h, entries(h) + 1);
}

/* 0, or -ENOSPC: the leaf has no room. */
static int insert_in_leaf(struct ext4_inode *ei, struct ext_path *p,
			  const struct ext4_extent *e)
{
	struct ext_node *leaf = &p->node[p->depth];
	struct ext4_extent *at = ext_first(leaf->h) + leaf->at;

	if (leaf->at && can_join(at - 1, e)) {
		set_len(at - 1, ext_len(at - 1) + ext_len(e));
		join_right(leaf->h, leaf->at - 1);
	} else if (leaf->at < entries(leaf->h) && can_join(e, at)) {
		set_extent(at, le32_get(e->block), ext_pblk(e),
			   ext_len(e) + ext_len(at), ext_is_unwritten(e));
		if (!leaf->at)
			fix_keys(ei, p, p->depth);
	} else if (!is_full(leaf)) {
		insert_entry(leaf->h, leaf->at, e);
		if (!leaf->at)
			fix_keys(ei, p, p->depth);
	} else {
		return -ENOSPC;
	}
	node_changed(ei, leaf);
	return 0;
}

static bool overlaps(const struct ext_path *p, const struct ext4_extent *e)
{
	const struct ext_node *leaf = &p->node[p->depth];
	const struct ext4_extent *at = ext_first(leaf->h) + leaf->at;
	u32 lblk = le32_get(e->block);

	if (leaf->at && lblk - le32_get(at[-1].block) < ext_len(at - 1))
		return true;
	return leaf->at < entries(leaf->h) &&
	       le32_get(at->block) - lblk < ext_len(e);
}

int ext4_ext_insert(struct ext4_inode *ei, u32 lblk, u64 pblk, u32 len,
		    bool unwritten)
{
	struct ext4_extent e;
	struct ext_path p;
	int err;

	set_extent(&e, lblk, pblk, len, unwritten);
	for (;;) {
		err = ext_walk(ei, lblk, &p);
		if (err)
			return err;
		if (overlaps(&p, &e)) {
			ext_path_put(&p);
			return ext4_corrupt(ei->vfs.sb,
					    "inode %llu: overlapping extents",
					    ei->vfs.ino);
		}
		err = insert_in_leaf(ei, &p, &e);
		if (!err) {
			ext_path_put(&p);
			return 0;
		}
		err = make_room(ei, &p);
		ext_path_put(&p);
		if (err)
			return err;
	}
}

/* --- splitting and converting ---------------------------------------------*/

/* Makes an extent end before lblk and another begin there, if one spans it */
static int split_at(struct ext4_inode *ei, u32 lblk)
{
	struct ext4_extent *e, right;
	struct ext_path p;
	u32 off;
	int err;

	for (;;) {
		struct ext_node *leaf;

		err = ext_walk(ei, lblk, &p);
		if (err)
			return err;
		leaf = &p.node[p.depth];
		e = ext_first(leaf->h) + leaf->at - 1;
		off = leaf->at ? lblk - le32_get(e->block) : 0;
		if (!off || off >= ext_len(e))
			break;
		if (!is_full(leaf)) {
			set_extent(&right, lblk, ext_pblk(e) + off,
				   ext_len(e) - off, ext_is_unwritten(e));
			set_len(e, off);
			insert_entry(leaf->h, leaf->at, &right);
			node_changed(ei, leaf);
			break;
		}
		err = make_room(ei, &p);
		ext_path_put(&p);
		if (err)
			return err;
	}
	ext_path_put(&p);
	return 0;
}

int ext4_ext_set_written(struct ext4_inode *ei, u32 lblk, u32 n)
{
	struct ext_node *leaf;
	struct ext4_extent *e;
	struct ext_path p;
	int err = split_at(ei, lblk);

	if (!err && lblk + n > lblk)
		err = split_at(ei, lblk + n);
	if (!err)
		err = ext_walk(ei, lblk, &p);
	if (err)
		return err;
	leaf = &p.node[p.depth];
	e = ext_first(leaf->h) + leaf->at - 1;
	if (leaf->at && le32_get(e->block) == lblk && ext_len(e) == n) {
		set_extent(e, lblk, ext_pblk(e), n, false);
		join_right(leaf->h, leaf->at - 1);
		if (leaf->at > 1)
			join_right(leaf->h, leaf->at - 2);
		node_changed(ei, leaf);
	} else {
		err = -EUCLEAN;
	}
	ext_path_put(&p);
	return err;
}

/* --- removing ---------------------------------------------------------------*/

static void free_node(struct ext4_inode *ei, u64 block)
{
	/* Damage was reported; the block is leaked, which is safe. */
	ignore_error(ext4_free_blocks(ext4_fs_of(&ei->vfs), block, 1, true));
	ext4_add_blocks(&ei->vfs, -1);
}

/* An entry of the leaf went: empty nodes go too, and keys follow. */
static void after_removal(struct ext4_inode *ei, struct ext_path *p)
{
	u32 level = p->depth;
	bool first = p->node[level].at == 1;

	while (level > 0 && !entries(p->node[level].h)) {
		free_node(ei, p->node[level].b.block);
		level--;
		remove_entry(p->node[level].h, p->node[level].at);
		first = p->node[level].at == 0;
	}
	if (!entries(p->node[level].h))
		p->node[0].h->depth = le16_make(0);
	else if (first)
		fix_keys(ei, p, level);
	node_changed(ei, &p->node[level]);
}

/* Takes [from, to) out of the extent before the path's position, which it
 * overlaps.  Returns -ENOSPC if the leaf needs room for the right rest. */
static int cut_extent(struct ext4_inode *ei, struct ext_path *p, u32 from,
		      u32 to)
{
	struct ext_node *leaf = &p->node[p->depth];
	u32 i = leaf->at - 1, start, len, end;
	struct ext4_extent *e = ext_first(leaf->h) + i, right;
	u64 pblk = ext_pblk(e);
	bool unwritten = ext_is_unwritten(e);
	s64 n = (s64)to - from;

	start = le32_get(e->block);
	len = ext_len(e);
	end = start + len;
	if (from > start && to < end) {
		if (is_full(leaf))
			return -ENOSPC;
		set_extent(&right, to, pblk + (to - start), end - to,
			   unwritten);
		set_len(e, from - start);
		insert_entry(leaf->h, i + 1, &right);
	} else if (from > start) {
		set_len(e, from - start);
	} else if (to < end) {
		set_extent(e, to, pblk + (to - start), end - to, unwritten);
		if (!i)
			fix_keys(ei, p, p->depth);
	} else {
		remove_entry(leaf->h, i);
		after_removal(ei, p);
		goto free;
	}
	node_changed(ei, leaf);
free:
	ext4_add_blocks(&ei->vfs, -n);
	return ext4_free_blocks(ext4_fs_of(&ei->vfs), pblk + (from - start),
				(u32)n, !S_ISREG(ei->vfs.mode));
}

/* A root with one small child takes the child's entries in. */
static int pull_up(struct ext4_inode *ei)
{
	struct ext4_extent_header *root = ext_root(ei), *h;
	struct ext_path p;
	u64 block;
	int err;

	while (le16_get(root->depth) && entries(root) == 1) {
		err = ext_walk(ei, le32_get(idx_first(root)->block), &p);
		if (err)
			return err;
		h = p.node[1].h;
		if (entries(h) > EXT_ROOT_MAX) {
			ext_path_put(&p);
			break;
		}
		block = p.node[1].b.block;
		memcpy(root + 1, h + 1, entries(h) * sizeof(struct ext4_extent));
		set_entries(root, entries(h));
		root->depth = h->depth;
		ext_path_put(&p);
		free_node(ei, block);
	}
	return 0;
}

/* Removes what of [from, to) the extent at or before to-1 covers.  *to moves
 * down; from when done. */
static int remove_step(struct ext4_inode *ei, u32 from, u32 *to)
{
	const struct ext4_extent *e;
	struct ext_path p;
	u32 start, cut, end;
	int err = ext_walk(ei, *to - 1, &p);

	if (err)
		return err;
	e = ext_first(p.node[p.depth].h) + p.node[p.depth].at - 1;
	if (!p.node[p.depth].at ||
	    le32_get(e->block) + ext_len(e) - 1 < from) {
		*to = from;
		goto out;
	}
	start = le32_get(e->block);
	cut = max(start, from);
	end = min(start + ext_len(e) - 1, *to - 1) + 1;
	err = cut_extent(ei, &p, cut, end);
	if (err == -ENOSPC)
		err = make_room(ei, &p);
	else
		*to = cut;
out:
	ext_path_put(&p);
	return err;
}

int ext4_ext_remove(struct ext4_inode *ei, u32 from, u32 to)
{
	int err = 0;

	while (from < to && !err)
		err = remove_step(ei, from, &to);
	if (!err)
		err = pull_up(ei);
	inode_mark_dirty(&ei->vfs, I_DIRTY_SYNC);
	return err;
}
