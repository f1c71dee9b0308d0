/*
 * dir - directories as a whole: finding, adding and listing names.
 *
 * Theory:  a directory is linear until its first block is full, then it gets
 *          an index (htree.c).  Listing goes through the blocks in order; a
 *          position is a byte offset.  Names that an index split moves go to
 *          a new block at the end, and those that stay change places; a
 *          listing that is in the middle of such a block begins it again.  So
 *          it may show a name twice, but misses none.
 * Locks:   the directory's inode.lock.
 */
#include "ext4_impl.h"
#include <lib/string.h>

static u32 blocks_of(struct inode *dir)
{
	return (u32)(inode_size(dir) >> dir->sb->blkbits);
}

static int find_linear(struct ext4_inode *dir, const struct ext4_name *n,
		       struct buf *b, struct ext4_dirent **e)
{
	u32 count = blocks_of(&dir->vfs), i;
	int err;

	for (i = 0; i < count; i++) {
		err = ext4_dir_read(dir, i, b);
		if (err)
			return err;
		err = ext4_block_find(dir, b, n, e);
		if (!err && *e)
			return 0;
		buf_put(b);
		if (err)
			return err;
	}
	return 0;
}

int ext4_dir_find(struct ext4_inode *dir, const struct ext4_name *n,
		  struct buf *b, struct ext4_dirent **e)
{
	int err;

	*e = NULL;
	b->page = NULL;
	/* The dots are in block 0, outside the index. */
	if (dir->flags & FL_INDEX &&
	    !(n->name[0] == '.' &&
	      (n->len == 1 || (n->len == 2 && n->name[1] == '.')))) {
		err = ext4_htree_find(dir, n, b, e);
		if (err <= 0)
			return err;
	}
	return find_linear(dir, n, b, e);
}

static int add_in_new_block(struct ext4_inode *dir, const struct ext4_name *n,
			    u64 ino, u8 type)
{
	struct buf b;
	u32 lblk;
	int err = ext4_append(dir, &lblk, &b);

	if (err)
		return err;
	ext4_block_init(dir, b.data);
	err = ext4_block_insert(dir, &b, n, ino, type);
	buf_put(&b);
	dir->dir_hint = lblk;
	return err;
}

/* -ENOSPC: all blocks are full, the last one is in *b. */
static int add_linear(struct ext4_inode *dir, const struct ext4_name *n,
		      u64 ino, u8 type, struct buf *b)
{
	u32 count = blocks_of(&dir->vfs), i;
	int err;

	b->page = NULL;
	i = dir->dir_hint < count ? dir->dir_hint : 0;
	for (; i < count; i++) {
		buf_put(b);
		err = ext4_dir_read(dir, i, b);
		if (err)
			return err;
		err = ext4_block_insert(dir, b, n, ino, type);
		if (err != -ENOSPC) {
			dir->dir_hint = i;
			return err;
		}
	}
	return -ENOSPC;
}

static int add_entry(struct ext4_inode *dir, const struct ext4_name *n,
		     u64 ino, u8 type)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	struct buf b;
	int err;

	if (!(dir->flags & FL_INDEX)) {
		err = add_linear(dir, n, ino, type, &b);
		if (err == -ENOSPC && blocks_of(&dir->vfs) == 1 &&
		    fs->compat & COMPAT_DIR_INDEX) {
			err = ext4_htree_make(dir, &b);
			buf_put(&b);
			if (err)
				return err;
		} else {
			buf_put(&b);
			if (err != -ENOSPC)
				return err;
			return add_in_new_block(dir, n, ino, type);
		}
	}
	err = ext4_htree_add(dir, n, ino, type);
	if (err == 1)
		err = ext4_corrupt(fs->sb, "directory %llu: bad index",
				   dir->vfs.ino);
	return err;
}

int ext4_dir_add(struct inode *dir, const struct ext4_name *n,
		 struct inode *target)
{
	struct ext4_inode *di = ext4_i(dir);
	u64 size = inode_size(dir);
	int err = add_entry(di, n, target->ino,
			    ext4_type_of_mode(ext4_fs_of(dir), target->mode));

	/* Whoever syncs the new file finds its name after a crash. */
	if (inode_size(dir) != size) {
		int err2 = ext4_write_inode_now(dir);

		err = err ? err : err2;
	}
	if (!err)
		inode_touch(dir, TIME_M | TIME_C);
	return err;
}

int ext4_dir_make_empty(struct inode *dir, u64 parent)
{
	struct ext4_inode *di = ext4_i(dir);
	struct ext4_fs *fs = ext4_fs_of(dir);
	u32 usable = ext4_dir_usable(fs), lblk;
	struct ext4_dirent *e;
	struct buf b;
	int err = ext4_append(di, &lblk, &b);

	if (err)
		return err;
	ext4_block_init(di, b.data);
	e = b.data;
	*e = (struct ext4_dirent){ .inode = le32_make((u32)dir->ino),
				   .rec_len = le16_make(12), .name_len = 1,
				   .type = fs->has_filetype ? 2 : 0 };
	memcpy(e->name, ".", 1);
	e = (struct ext4_dirent *)((u8 *)b.data + 12);
	*e = (struct ext4_dirent){ .inode = le32_make((u32)parent),
				   .rec_len = le16_make((u16)(usable - 12)),
				   .name_len = 2,
				   .type = fs->has_filetype ? 2 : 0 };
	memcpy(e->name, "..", 2);
	ext4_dir_changed(di, &b, 0);
	buf_put(&b);
	return 0;
}

static bool is_dots(const struct ext4_dirent *e)
{
	return e->name[0] == '.' &&
	       (e->name_len == 1 || (e->name_len == 2 && e->name[1] == '.'));
}

static int block_is_empty(struct ext4_inode *dir, struct buf *b)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	u32 usable = ext4_dir_usable(fs), off;
	const struct ext4_dirent *e;

	for (off = 0; off < usable; off += ext4_rec_len(fs, e)) {
		e = (const struct ext4_dirent *)((u8 *)b->data + off);
		if (!ext4_dirent_ok(dir, b->data, off))
			return -EUCLEAN;
		if (le32_get(e->inode) && !is_dots(e))
			return -ENOTEMPTY;
	}
	return 0;
}

int ext4_dir_is_empty(struct inode *dir)
{
	u32 count = blocks_of(dir), i;
	struct buf b;
	int err = 0;

	for (i = 0; i < count && !err; i++) {
		err = ext4_dir_read(ext4_i(dir), i, &b);
		if (err)
			break;
		err = block_is_empty(ext4_i(dir), &b);
		buf_put(&b);
	}
	return err;
}

int ext4_parent_number(struct inode *dir, u64 *ino)
{
	static const struct ext4_name up = { .name = "..", .len = 2 };
	struct ext4_dirent *e;
	struct buf b;
	int err;

	mutex_lock(&dir->lock);
	err = ext4_dir_find(ext4_i(dir), &up, &b, &e);
	if (!err && !e)
		err = -ESTALE;
	if (!err) {
		*ino = le32_get(e->inode);
		buf_put(&b);
	}
	mutex_unlock(&dir->lock);
	return err;
}

/* --- listing ---------------------------------------------------------------*/

static unsigned dt_of(const struct ext4_fs *fs, const struct ext4_dirent *e)
{
	static const u8 types[] = { DT_UNKNOWN, DT_REG, DT_DIR, DT_CHR,
				    DT_BLK, DT_FIFO, DT_SOCK, DT_LNK };

	if (!fs->has_filetype || e->type >= ARRAY_SIZE(types))
		return DT_UNKNOWN;
	return types[e->type];
}

/* True: go on with the next block. */
static int list_block(struct ext4_inode *dir, struct buf *b, u64 base,
		      struct dir_ctx *c, bool *more)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	u32 usable = ext4_dir_usable(fs), off;
	const struct ext4_dirent *e;

	for (off = 0; off < usable; off += ext4_rec_len(fs, e)) {
		e = (const struct ext4_dirent *)((u8 *)b->data + off);
		if (!ext4_dirent_ok(dir, b->data, off))
			return ext4_corrupt(fs->sb, "directory %llu: bad entry",
					    dir->vfs.ino);
		/* The position may lie inside an entry by now. */
		if (base + off < c->pos)
			continue;
		c->pos = base + off;
		if (le32_get(e->inode) &&
		    !c->emit(c, e->name, e->name_len, base + off,
			     le32_get(e->inode), dt_of(fs, e))) {
			*more = false;
			return 0;
		}
		c->pos = base + off + ext4_rec_len(fs, e);
	}
	c->pos = base + fs->sb->blocksize;
	return 0;
}

/* Since this file was last here the block it is in may have been split. */
static void resume(struct file *f, struct dir_ctx *c)
{
	struct ext4_inode *dir = ext4_i(f->inode);
	u32 seen = (u32)(uintptr_t)f->priv, bits = f->inode->sb->blkbits;

	f->priv = (void *)(uintptr_t)dir->dir_splits;
	if (dir->dir_splits == seen ||
	    (dir->dir_splits == seen + 1 &&
	     dir->dir_split_at != c->pos >> bits))
		return;
	c->pos = ALIGN_DOWN(c->pos, 1ull << bits);
}

static int ext4_iterate(struct file *f, struct dir_ctx *c)
{
	struct inode *dir = f->inode;
	u32 bits = dir->sb->blkbits, count = blocks_of(dir);
	bool more = true;
	struct buf b;
	int err = 0;

	resume(f, c);
	while (more && !err && c->pos >> bits < count) {
		u32 lblk = (u32)(c->pos >> bits);

		err = ext4_dir_read(ext4_i(dir), lblk, &b);
		if (err)
			break;
		err = list_block(ext4_i(dir), &b, (u64)lblk << bits, c, &more);
		buf_put(&b);
	}
	return err;
}

const struct file_ops ext4_dir_ops = {
	.iterate = ext4_iterate,
	.llseek = generic_llseek,
	.fsync = ext4_fsync,
	.ioctl = ext4_ioctl,
};
