/*
 * extent - looking blocks up in the extent tree.
 *
 * Theory:  the root (60 bytes) is in the inode, in memory; nodes below are
 *          device blocks.  An index entry's key is the first logical block of
 *          the subtree under it, and equals the first key of the node below.
 *          A block's header is checked at each use, so that no walk leaves it;
 *          its checksum and order are verified once (map.c).
 * Locks:   map_lock.
 */
#include "extent_impl.h"
#include <lib/string.h>

void ext4_ext_init(struct ext4_inode *ei)
{
	struct ext4_extent_header *h = ext_root(ei);

	memset(ei->block, 0, sizeof(ei->block));
	h->magic = le16_make(EXTENT_MAGIC);
	h->max = le16_make(EXT_ROOT_MAX);
}

static bool header_ok(const struct ext4_extent_header *h, u32 depth, u32 max)
{
	return le16_get(h->magic) == EXTENT_MAGIC &&
	       le16_get(h->depth) == depth && le16_get(h->max) <= max &&
	       le16_get(h->max) > 0 && le16_get(h->entries) <= le16_get(h->max);
}

/* Extents in order, not overlapping, inside the file system. */
static bool leaf_ok(struct ext4_inode *ei, const struct ext4_extent_header *h)
{
	const struct ext4_extent *e = ext_first((void *)(uintptr_t)h);
	u32 n = le16_get(h->entries), i;
	u64 next = 0;

	for (i = 0; i < n; i++, e++) {
		u32 len = ext_len(e);

		if (!len || le32_get(e->block) < next ||
		    !ext4_blocks_valid(ext4_fs_of(&ei->vfs), ext_pblk(e), len))
			return false;
		next = (u64)le32_get(e->block) + len;
		if (next > 1ull << 32)
			return false;
	}
	return true;
}

static bool index_ok(struct ext4_inode *ei, const struct ext4_extent_header *h)
{
	const struct ext4_extent_idx *x = idx_first((void *)(uintptr_t)h);
	u32 n = le16_get(h->entries), i;

	for (i = 0; i < n; i++, x++) {
		if (i && le32_get(x->block) <= le32_get(x[-1].block))
			return false;
		if (!ext4_blocks_valid(ext4_fs_of(&ei->vfs), idx_leaf(x), 1))
			return false;
	}
	return n > 0;
}

static bool node_ok(struct ext4_inode *ei, const struct ext4_extent_header *h)
{
	return le16_get(h->depth) ? index_ok(ei, h) : leaf_ok(ei, h);
}

static int bad_tree(struct ext4_inode *ei, const char *what)
{
	return ext4_corrupt(ei->vfs.sb, "inode %llu: extent tree: %s",
			    ei->vfs.ino, what);
}

int ext4_ext_check_root(struct ext4_inode *ei)
{
	struct ext4_extent_header *h = ext_root(ei);
	u32 depth = le16_get(h->depth);

	if (depth > EXTENT_MAX_DEPTH || !header_ok(h, depth, EXT_ROOT_MAX) ||
	    !node_ok(ei, h))
		return bad_tree(ei, "bad root");
	return 0;
}

/* Reads the node at pblk, which must be of the given depth. */
static int read_node(struct ext4_inode *ei, u64 pblk, u32 depth, struct buf *b)
{
	struct super_block *sb = ei->vfs.sb;
	struct ext4_extent_header *h;
	int err;

	b->page = NULL;
	if (!ext4_blocks_valid(ext4_fs_of(&ei->vfs), pblk, 1))
		return bad_tree(ei, "node outside");
	err = buf_read(sb, pblk, b);
	if (err)
		return err;
	h = b->data;
	if (!header_ok(h, depth, ext_block_max(sb)))
		goto err_bad;
	if (buf_is_verified(sb, b))
		return 0;
	if (!ext4_extent_csum_ok(ei, h) || !node_ok(ei, h))
		goto err_bad;
	buf_set_verified(sb, b);
	return 0;
err_bad:
	buf_put(b);
	return bad_tree(ei, "bad node");
}

/* The last entry whose key is <= lblk; the first if none is. */
static u32 search_index(struct ext4_extent_header *h, u32 lblk)
{
	struct ext4_extent_idx *x = idx_first(h);
	u32 lo = 1, hi = le16_get(h->entries), mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (le32_get(x[mid].block) <= lblk)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

/* How many extents start at or before lblk. */
static u32 search_leaf(struct ext4_extent_header *h, u32 lblk)
{
	struct ext4_extent *e = ext_first(h);
	u32 lo = 0, hi = le16_get(h->entries), mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (le32_get(e[mid].block) <= lblk)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int ext_walk(struct ext4_inode *ei, u32 lblk, struct ext_path *p)
{
	struct ext4_extent_header *h = ext_root(ei);
	u32 depth = le16_get(h->depth), level;
	int err;

	memset(p, 0, sizeof(*p));
	if (depth > EXTENT_MAX_DEPTH)
		return bad_tree(ei, "too deep");
	p->depth = depth;
	for (level = 0; level < depth; level++) {
		p->node[level].h = h;
		if (!le16_get(h->entries)) {
			err = bad_tree(ei, "empty index");
			goto err_put;
		}
		p->node[level].at = search_index(h, lblk);
		err = read_node(ei, idx_leaf(idx_first(h) + p->node[level].at),
				depth - level - 1, &p->node[level + 1].b);
		if (err)
			goto err_put;
		h = p->node[level + 1].b.data;
	}
	p->node[depth].h = h;
	p->node[depth].at = search_leaf(h, lblk);
	return 0;
err_put:
	ext_path_put(p);
	return err;
}

/* Where the next extent after the path's position starts, or 2^32. */
static u64 next_start(const struct ext_path *p)
{
	const struct ext_node *n = &p->node[p->depth];
	u32 level;

	if (n->at < le16_get(n->h->entries))
		return le32_get(ext_first(n->h)[n->at].block);
	for (level = p->depth; level-- > 0;) {
		n = &p->node[level];
		if (n->at + 1 < le16_get(n->h->entries))
			return le32_get(idx_first(n->h)[n->at + 1].block);
	}
	return 1ull << 32;
}

int ext4_ext_find(struct ext4_inode *ei, struct ext4_map *m)
{
	const struct ext4_extent *e;
	struct ext_path p;
	u64 next;
	u32 off;
	int err = ext_walk(ei, m->lblk, &p);

	if (err)
		return err;
	e = ext_first(p.node[p.depth].h) + p.node[p.depth].at - 1;
	if (p.node[p.depth].at && m->lblk - le32_get(e->block) < ext_len(e)) {
		off = m->lblk - le32_get(e->block);
		m->pblk = ext_pblk(e) + off;
		m->len = min(m->len, ext_len(e) - off);
		m->flags = ext_is_unwritten(e) ? MAP_UNWRITTEN_BIT : 0;
	} else {
		next = next_start(&p);
		/* Only a damaged tree has its next extent behind us. */
		if (next <= m->lblk)
			err = bad_tree(ei, "out of order");
		else
			m->len = (u32)min((u64)m->len, next - m->lblk);
	}
	ext_path_put(&p);
	return err;
}
