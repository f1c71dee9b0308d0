/*
 * dirblock - one block of a directory: a chain of entries that fill it, and a
 * checksum behind them.
 *
 * Theory:  an entry's length reaches to the next one; removing adds it to its
 *          predecessor's, inserting takes the slack of one.  Lengths are
 *          checked at every step of every walk, checksums when a block is read
 *          (once while it is cached).
 * Locks:   the directory's inode.lock.
 */
#include "ext4_impl.h"
#include "htree_impl.h"
#include <lib/string.h>

u32 ext4_dir_usable(const struct ext4_fs *fs)
{
	return fs->sb->blocksize -
	       (fs->has_csum ? (u32)sizeof(struct ext4_dir_tail) : 0);
}

static struct ext4_dirent *entry_at(const void *block, u32 off)
{
	return (struct ext4_dirent *)((u8 *)(uintptr_t)block + off);
}

bool ext4_dirent_ok(struct ext4_inode *dir, const void *block, u32 off)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	const struct ext4_dirent *e = entry_at(block, off);
	u32 len;

	if (off + 8 > fs->sb->blocksize)
		return false;
	len = ext4_rec_len(fs, e);
	return !(len & 3) && len >= 12 && off + len <= fs->sb->blocksize &&
	       dirent_rec_len(e->name_len) <= len &&
	       le32_get(e->inode) <= fs->inodes;
}

static int bad_block(struct ext4_inode *dir, u64 block, const char *what)
{
	return ext4_corrupt(dir->vfs.sb, "directory %llu: block %llu: %s",
			    dir->vfs.ino, block, what);
}

/* --- reading ---------------------------------------------------------------*/

/* Is the block part of the index, and where are its entries? */
static u32 index_offset(struct ext4_inode *dir, u32 lblk, const void *block)
{
	const struct ext4_dirent *e = block;

	if (!(dir->flags & FL_INDEX))
		return 0;
	if (lblk == 0)
		return DX_ROOT_OFF;
	if (!le32_get(e->inode) &&
	    ext4_rec_len(ext4_fs_of(&dir->vfs), e) == dir->vfs.sb->blocksize)
		return DX_NODE_OFF;
	return 0;
}

int ext4_dir_read(struct ext4_inode *dir, u32 lblk, struct buf *b)
{
	struct super_block *sb = dir->vfs.sb;
	u32 off;
	bool ok;
	int err = ext4_bread(dir, lblk, b);

	if (err || buf_is_verified(sb, b))
		return err;
	off = index_offset(dir, lblk, b->data);
	if (off)
		ok = dx_limits_ok(ext4_sb(sb), b->data, off) &&
		     ext4_dx_csum_ok(dir, b->data, off);
	else
		ok = ext4_dir_csum_ok(dir, b->data);
	if (!ok) {
		buf_put(b);
		return bad_block(dir, lblk, "bad checksum");
	}
	buf_set_verified(sb, b);
	return 0;
}

/* --- entries ---------------------------------------------------------------*/

int ext4_block_find(struct ext4_inode *dir, struct buf *b,
		    const struct ext4_name *n, struct ext4_dirent **out)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	u32 usable = ext4_dir_usable(fs), off;
	struct ext4_dirent *e;

	*out = NULL;
	for (off = 0; off < usable; off += ext4_rec_len(fs, e)) {
		e = entry_at(b->data, off);
		if (!ext4_dirent_ok(dir, b->data, off))
			return bad_block(dir, b->block, "bad entry");
		if (e->name_len == n->len && le32_get(e->inode) &&
		    !memcmp(e->name, n->name, n->len)) {
			*out = e;
			return 0;
		}
	}
	return 0;
}

static void fill_entry(const struct ext4_fs *fs, struct ext4_dirent *e,
		       const struct ext4_name *n, u64 ino, u8 type)
{
	e->inode = le32_make((u32)ino);
	e->name_len = (u8)n->len;
	e->type = fs->has_filetype ? type : 0;
	memcpy(e->name, n->name, n->len);
}

int ext4_block_insert(struct ext4_inode *dir, struct buf *b,
		      const struct ext4_name *n, u64 ino, u8 type)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	u32 usable = ext4_dir_usable(fs), need = dirent_rec_len(n->len);
	u32 off, used, len;
	struct ext4_dirent *e;

	for (off = 0; off < usable; off += len) {
		e = entry_at(b->data, off);
		if (!ext4_dirent_ok(dir, b->data, off) ||
		    off + ext4_rec_len(fs, e) > usable)
			return bad_block(dir, b->block, "bad entry");
		len = ext4_rec_len(fs, e);
		used = le32_get(e->inode) ? dirent_rec_len(e->name_len) : 0;
		if (len - used < need)
			continue;
		if (used) {
			e->rec_len = le16_make((u16)used);
			e = entry_at(b->data, off + used);
			e->rec_len = le16_make((u16)(len - used));
		}
		fill_entry(fs, e, n, ino, type);
		ext4_dir_changed(dir, b, 0);
		return 0;
	}
	return -ENOSPC;
}

void ext4_block_init(struct ext4_inode *dir, void *block)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	u32 usable = ext4_dir_usable(fs);
	struct ext4_dirent *e = block;
	struct ext4_dir_tail *t;

	memset(block, 0, fs->sb->blocksize);
	e->rec_len = le16_make((u16)usable);
	if (!fs->has_csum)
		return;
	t = (struct ext4_dir_tail *)((u8 *)block + usable);
	t->rec_len = le16_make(sizeof(*t));
	t->type = DIR_TAIL_TYPE;
}

int ext4_dir_remove(struct inode *dir, struct buf *b, struct ext4_dirent *gone)
{
	struct ext4_inode *di = ext4_i(dir);
	struct ext4_fs *fs = ext4_fs_of(dir);
	u32 target = (u32)((u8 *)gone - (u8 *)b->data), off;
	struct ext4_dirent *e, *prev = NULL;

	for (off = 0; off < target; off += ext4_rec_len(fs, e)) {
		e = entry_at(b->data, off);
		if (!ext4_dirent_ok(di, b->data, off))
			return bad_block(di, b->block, "bad entry");
		prev = e;
	}
	if (off != target)
		return bad_block(di, b->block, "bad chain");
	if (prev)
		prev->rec_len = le16_make((u16)(ext4_rec_len(fs, prev) +
						ext4_rec_len(fs, gone)));
	gone->inode = le32_make(0);
	di->dir_hint = 0;
	ext4_dir_changed(di, b, 0);
	return 0;
}

u8 ext4_type_of_mode(const struct ext4_fs *fs, u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 1;
	case S_IFDIR:
		return 2;
	case S_IFCHR:
		return 3;
	case S_IFBLK:
		return 4;
	case S_IFIFO:
		return 5;
	case S_IFSOCK:
		return 6;
	case S_IFLNK:
		return 7;
	default:
		return 0;
	}
}
