#pragma once
/* Between looking up and changing extent trees. */
#include "ext4_impl.h"

#define EXT_ROOT_MAX 4u

struct ext_node {
	struct buf b;			/* page NULL for the root */
	struct ext4_extent_header *h;
	u32 at;	/* index: entry followed; leaf: entries at or before lblk */
};
/* From the root (0) to the leaf (depth). */
struct ext_path {
	u32 depth;
	struct ext_node node[EXTENT_MAX_DEPTH + 1];
};

static inline struct ext4_extent_header *ext_root(struct ext4_inode *ei)
{
	return (struct ext4_extent_header *)ei->block;
}
static inline u32 ext_block_max(const struct super_block *sb)
{
	return (sb->blocksize - 12) / 12;
}
static inline struct ext4_extent *ext_first(struct ext4_extent_header *h)
{
	return (struct ext4_extent *)(h + 1);
}
static inline struct ext4_extent_idx *idx_first(struct ext4_extent_header *h)
{
	return (struct ext4_extent_idx *)(h + 1);
}
static inline u64 ext_pblk(const struct ext4_extent *e)
{
	return le32_get(e->start_lo) | (u64)le16_get(e->start_hi) << 32;
}
static inline u64 idx_leaf(const struct ext4_extent_idx *x)
{
	return le32_get(x->leaf_lo) | (u64)le16_get(x->leaf_hi) << 32;
}
static inline bool ext_is_unwritten(const struct ext4_extent *e)
{
	return le16_get(e->len) > EXTENT_MAX_LEN;
}
static inline u32 ext_len(const struct ext4_extent *e)
{
	u32 n = le16_get(e->len);

	return n > EXTENT_MAX_LEN ? n - EXTENT_MAX_LEN : n;
}
static inline void ext_path_put(struct ext_path *p)
{
	for (u32 i = 1; i <= p->depth; i++)
		buf_put(&p->node[i].b);
}
/* The path to where lblk is or would be. Put it. */
int __must_check ext_walk(struct ext4_inode *ei, u32 lblk, struct ext_path *p);
