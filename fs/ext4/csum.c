/*
 * csum - the checksums of metadata_csum (crc32c) and of the older uninit_bg
 * (crc16, descriptors only).
 *
 * Theory:  every checksum starts from a seed of the file system (its uuid, or
 *          the stored seed); what belongs to an inode continues from a seed
 *          of its own (number and generation), so a block that ends up in the
 *          wrong file is noticed.  A checksum's own field counts as zero.
 */
#include "ext4_impl.h"
#include <lib/crc.h>
#include <lib/string.h>

u32 ext4_csum(const struct ext4_fs *fs, u32 seed, const void *p, size_t n)
{
	return crc32c(seed, p, n);
}

u32 ext4_super_csum(const struct ext4_super *es)
{
	return crc32c(~0u, es, offsetof(struct ext4_super, checksum));
}

/* --- group descriptors */

static u16 desc_crc32c(const struct ext4_fs *fs, u32 g,
		       const struct ext4_group_desc *d)
{
	size_t at = offsetof(struct ext4_group_desc, checksum);
	le32_t group = le32_make(g);
	u16 zero = 0;
	u32 c;

	c = crc32c(fs->csum_seed, &group, sizeof(group));
	c = crc32c(c, d, at);
	c = crc32c(c, &zero, sizeof(zero));
	if (fs->desc_size > at + 2)
		c = crc32c(c, (const u8 *)d + at + 2, fs->desc_size - at - 2);
	return (u16)c;
}

u16 ext4_desc_csum(const struct ext4_fs *fs, u32 g,
		   const struct ext4_group_desc *d)
{
	size_t at = offsetof(struct ext4_group_desc, checksum);
	le32_t group = le32_make(g);
	u16 c;

	if (fs->has_csum)
		return desc_crc32c(fs, g, d);
	c = crc16(0xffff, fs->es->uuid, sizeof(fs->es->uuid));
	c = crc16(c, &group, sizeof(group));
	c = crc16(c, d, at);
	if (fs->desc_size > at + 2)
		c = crc16(c, (const u8 *)d + at + 2, fs->desc_size - at - 2);
	return c;
}

/* --- inodes */

void ext4_inode_seed(struct ext4_inode *ei)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	le32_t ino = le32_make((u32)ei->vfs.ino);
	le32_t gen = le32_make(ei->vfs.generation);

	if (!fs->has_csum)
		return;
	ei->csum_seed = crc32c(fs->csum_seed, &ino, sizeof(ino));
	ei->csum_seed = crc32c(ei->csum_seed, &gen, sizeof(gen));
}

static bool has_csum_hi(const struct ext4_fs *fs, const struct ext4_dinode *d)
{
	return fs->inode_size > EXT4_GOOD_OLD_INODE_SIZE &&
	       le16_get(d->extra_isize) >= 4;
}

u32 ext4_inode_csum(struct ext4_inode *ei, const struct ext4_dinode *d)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	size_t lo = offsetof(struct ext4_dinode, csum_lo);
	size_t hi = offsetof(struct ext4_dinode, csum_hi);
	const u8 *p = (const u8 *)d;
	u16 zero = 0;
	u32 c;

	c = crc32c(ei->csum_seed, p, lo);
	c = crc32c(c, &zero, 2);
	c = crc32c(c, p + lo + 2, EXT4_GOOD_OLD_INODE_SIZE - lo - 2);
	if (fs->inode_size > EXT4_GOOD_OLD_INODE_SIZE) {
		c = crc32c(c, p + EXT4_GOOD_OLD_INODE_SIZE,
			   hi - EXT4_GOOD_OLD_INODE_SIZE);
		if (has_csum_hi(fs, d))
			c = crc32c(c, &zero, 2);
		else
			c = crc32c(c, p + hi, 2);
		c = crc32c(c, p + hi + 2, fs->inode_size - hi - 2);
	}
	return has_csum_hi(fs, d) ? c : c & 0xffff;
}

void ext4_inode_csum_set(struct ext4_inode *ei, struct ext4_dinode *d)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	u32 c;

	if (!fs->has_csum)
		return;
	c = ext4_inode_csum(ei, d);
	d->csum_lo = le16_make((u16)c);
	if (has_csum_hi(fs, d))
		d->csum_hi = le16_make((u16)(c >> 16));
}

bool ext4_inode_csum_ok(struct ext4_inode *ei, const struct ext4_dinode *d)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->vfs);
	u32 stored = le16_get(d->csum_lo);

	if (!fs->has_csum)
		return true;
	if (has_csum_hi(fs, d))
		stored |= (u32)le16_get(d->csum_hi) << 16;
	return stored == ext4_inode_csum(ei, d);
}

/* --- directory blocks */

static struct ext4_dir_tail *dir_tail(struct ext4_fs *fs, const void *block)
{
	struct ext4_dir_tail *t = (struct ext4_dir_tail *)
		((u8 *)(uintptr_t)block + fs->sb->blocksize - sizeof(*t));

	return t;
}

static u32 dir_csum(struct ext4_fs *fs, u32 seed, const void *block)
{
	return crc32c(seed, block,
		      fs->sb->blocksize - sizeof(struct ext4_dir_tail));
}

bool ext4_dir_csum_ok(struct ext4_inode *dir, const void *block)
{
	struct ext4_fs *fs = ext4_fs_of(&dir->vfs);
	struct ext4_dir_tail *t = dir_tail(fs, block);

	if (!fs->has_csum)
		return true;
	if (le32_get(t->zero1) || le16_get(t->rec_len) != sizeof(*t) ||
	    t->zero2 || t->type != DIR_TAIL_TYPE)
		return false;
	return le32_get(t->checksum) == dir_csum(fs, dir->csum_seed, block);
}

/* The caller checked that limit and count fit the block with the tail. */
static u32 dx_csum(u32 seed, const void *block, u32 off,
		   struct dx_tail **tail)
{
	const struct dx_countlimit *cl =
		(const struct dx_countlimit *)((const u8 *)block + off);
	u32 count = le16_get(cl->count), limit = le16_get(cl->limit), zero = 0;
	u32 c;

	*tail = (struct dx_tail *)((u8 *)(uintptr_t)block + off +
				   limit * sizeof(struct dx_entry));
	c = crc32c(seed, block,
		   off + count * sizeof(struct dx_entry));
	c = crc32c(c, *tail, sizeof((*tail)->reserved));
	return crc32c(c, &zero, sizeof(zero));
}

void ext4_dir_csum_make(struct ext4_fs *fs, u32 seed, void *block, u32 dx_off)
{
	struct dx_tail *t;
	u32 c;

	if (!dx_off) {
		c = dir_csum(fs, seed, block);
		dir_tail(fs, block)->checksum = le32_make(c);
		return;
	}
	c = dx_csum(seed, block, dx_off, &t);
	t->checksum = le32_make(c);
}

bool ext4_dx_csum_ok(struct ext4_inode *dir, const void *block, u32 off)
{
	struct dx_tail *t;
	u32 c;

	if (!ext4_fs_of(&dir->vfs)->has_csum)
		return true;
	c = dx_csum(dir->csum_seed, block, off, &t);
	return le32_get(t->checksum) == c;
}

/* --- extent blocks: the sum stands behind the last possible entry */

static u32 extent_tail_off(const struct ext4_extent_header *h)
{
	return 12 + 12 * (u32)le16_get(h->max);
}

void ext4_extent_csum_set(struct ext4_inode *ei, void *block)
{
	u32 off = extent_tail_off(block);

	if (ext4_fs_of(&ei->vfs)->has_csum)
		put_unaligned_le32(crc32c(ei->csum_seed, block, off),
				   (u8 *)block + off);
}

bool ext4_extent_csum_ok(struct ext4_inode *ei, const void *block)
{
	u32 off = extent_tail_off(block);

	if (!ext4_fs_of(&ei->vfs)->has_csum)
		return true;
	return get_unaligned_le32((const u8 *)block + off) ==
	       crc32c(ei->csum_seed, block, off);
}

/* --- attribute blocks */

u32 ext4_xattr_csum(const struct ext4_fs *fs, u64 blk, const void *block)
{
	size_t at = offsetof(struct ext4_xattr_header, checksum);
	le64_t nr = le64_make(blk);
	u32 zero = 0, c;

	c = crc32c(fs->csum_seed, &nr, sizeof(nr));
	c = crc32c(c, block, at);
	c = crc32c(c, &zero, 4);
	return crc32c(c, (const u8 *)block + at + 4,
		      fs->sb->blocksize - at - 4);
}
