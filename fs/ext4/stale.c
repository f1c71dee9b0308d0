/*
 * stale - directory blocks whose checksum is still to be computed.
 *
 * Theory:  a checksum goes over the whole block, and a directory that gets many
 *          names changes the same block again and again.  So a change only
 *          notes the block, once; the sums are made before metadata is synced,
 *          or when many wait.  Bits 40 to 47 of the device page's priv say for
 *          which sectors' blocks that was noted; the note holds the page.  The
 *          bit is cleared before the sum is made: who changes the block after
 *          that notes it again.
 * Locks:   fs.stale_lock guards the list.
 */
#include "ext4_impl.h"
#include <mm/slab.h>

#define STALE_SHIFT 40
#define STALE_MAX 512u

struct stale {
	struct list node;
	struct buf b;
	u32 seed, dx_off;	/* 0: a leaf */
};

static unsigned long stale_bit(const struct super_block *sb,
			       const struct buf *b)
{
	u64 sector = b->block << (sb->blkbits - 9);

	return 1ul << (STALE_SHIFT + (sector & 7));
}

static void settle(struct ext4_fs *fs, struct stale *s)
{
	__atomic_fetch_and(&s->b.page->priv, ~stale_bit(fs->sb, &s->b),
			   __ATOMIC_SEQ_CST);
	ext4_dir_csum_make(fs, s->seed, s->b.data, s->dx_off);
	buf_dirty(fs->sb, &s->b);
	buf_put(&s->b);
	kfree(s);
}

void ext4_stale_flush(struct ext4_fs *fs)
{
	struct list *l;

	mutex_lock(&fs->stale_lock);
	while ((l = list_pop(&fs->stale)))
		settle(fs, list_entry(l, struct stale, node));
	fs->nr_stale = 0;
	mutex_unlock(&fs->stale_lock);
}

static bool note(struct ext4_fs *fs, struct ext4_inode *dir, struct buf *b,
		 u32 dx_off)
{
	struct stale *s = kmalloc(sizeof(*s), GFP_NOFS);
	u32 n;

	if (!s)
		return false;
	page_get(b->page);
	s->b = *b;
	s->seed = dir->csum_seed;
	s->dx_off = dx_off;
	mutex_lock(&fs->stale_lock);
	list_add_tail(&s->node, &fs->stale);
	n = ++fs->nr_stale;
	mutex_unlock(&fs->stale_lock);
	if (n > STALE_MAX)
		ext4_stale_flush(fs);
	return true;
}

void ext4_dir_changed(struct ext4_inode *dir, struct buf *b, u32 dx_off)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	unsigned long bit = stale_bit(fs->sb, b), old;

	if (fs->has_csum) {
		old = __atomic_fetch_or(&b->page->priv, bit, __ATOMIC_SEQ_CST);
		if (!(old & bit) && !note(fs, dir, b, dx_off)) {
			__atomic_fetch_and(&b->page->priv, ~bit,
					   __ATOMIC_SEQ_CST);
			ext4_dir_csum_make(fs, dir->csum_seed, b->data,
					   dx_off);
		}
	}
	buf_dirty(fs->sb, b);
}

/* A block that was a leaf becomes the root of an index, or is freed. */
static void drop_one(struct ext4_fs *fs, u64 block)
{
	struct stale *s, *n;

	list_for_each_entry_safe(s, n, &fs->stale, node) {
		if (s->b.block != block)
			continue;
		list_del(&s->node);
		fs->nr_stale--;
		__atomic_fetch_and(&s->b.page->priv,
				   ~stale_bit(fs->sb, &s->b),
				   __ATOMIC_SEQ_CST);
		buf_put(&s->b);
		kfree(s);
	}
}

void ext4_stale_drop(struct ext4_fs *fs, u64 block, u32 n)
{
	if (list_empty(&fs->stale))
		return;
	mutex_lock(&fs->stale_lock);
	while (n--)
		drop_one(fs, block++);
	mutex_unlock(&fs->stale_lock);
}
