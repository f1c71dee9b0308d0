/*
 * table - the file allocation table: one entry for each cluster.
 *
 * Theory:  an entry is 12, 16 or 28 bits wide and names the next cluster of
 *          its file; it is read as that number, 0 (free) or FAT_END.  Every
 *          copy of the table is changed with the first, in the device's page
 *          cache.  What an entry says is checked before it leads anywhere.
 *          The search for free clusters begins behind the last one given out,
 *          as Linux's does: files that are written one by one lie in a row.
 * Locks:   table_lock is held by the callers.
 */
#include "fat_impl.h"
#include <kernel/assert.h>
#include <lib/string.h>

/* The byte of the table, at `off` from its start, in copy k. */
static int table_byte(struct fat_fs *fs, u32 k, u32 off, u8 **byte)
{
	u32 bits = fs->sb->blkbits;
	u64 block = fs->table_start + k * fs->table_blocks + (off >> bits);
	struct buf *b = &fs->table_buf;
	int err;

	if (!b->page || b->block != block) {
		buf_put(b);
		err = buf_read(fs->sb, block, b);
		if (err)
			return err;
	}
	*byte = (u8 *)b->data + (off & (fs->sb->blocksize - 1));
	return 0;
}

static u32 entry_offset(const struct fat_fs *fs, u32 c)
{
	return fs->bits == 12 ? c + c / 2 : c * (fs->bits / 8);
}

/* The bytes of an entry, lowest first; those of FAT12 may lie in two blocks. */
static int get_bytes(struct fat_fs *fs, u32 c, u32 *v)
{
	u32 off = entry_offset(fs, c), n = fs->bits == 32 ? 4 : 2;
	u8 *byte;
	int err;

	*v = 0;
	for (u32 i = 0; i < n; i++) {
		err = table_byte(fs, 0, off + i, &byte);
		if (err)
			return err;
		*v |= (u32)*byte << (8 * i);
	}
	return 0;
}

static int put_bytes(struct fat_fs *fs, u32 c, u32 v)
{
	u32 off = entry_offset(fs, c), n = fs->bits == 32 ? 4 : 2;
	u8 *byte;
	int err;

	for (u32 k = 0; k < fs->nr_tables; k++) {
		for (u32 i = 0; i < n; i++) {
			err = table_byte(fs, k, off + i, &byte);
			if (err)
				return err;
			*byte = (u8)(v >> (8 * i));
			buf_dirty(fs->sb, &fs->table_buf);
		}
	}
	return 0;
}

static int get_entry(struct fat_fs *fs, u32 c, u32 *v)
{
	u32 raw, mask = fs->bits == 32 ? 0x0fffffff : (1u << fs->bits) - 1;
	int err = get_bytes(fs, c, &raw);

	if (err)
		return err;
	if (fs->bits == 12 && c & 1)
		raw >>= 4;
	raw &= mask;
	/* The highest values mean the same in all widths. */
	*v = raw >= (mask & ~15u) + 7 ? raw | FAT_BAD : raw;
	if (*v > FAT_BAD)
		*v = FAT_END;
	return 0;
}

static int set_entry(struct fat_fs *fs, u32 c, u32 v)
{
	u32 raw;
	int err = get_bytes(fs, c, &raw);

	if (err)
		return err;
	if (fs->bits == 32)
		raw = (raw & 0xf0000000) | v;
	else if (fs->bits == 16)
		raw = v & 0xffff;
	else if (c & 1)
		raw = (raw & 0x000f) | (v & 0xfff) << 4;
	else
		raw = (raw & 0xf000) | (v & 0xfff);
	return put_bytes(fs, c, raw);
}

int fat_next(struct fat_fs *fs, u32 c, u32 *next)
{
	int err = get_entry(fs, c, next);

	assert(fat_is_cluster(fs, c));
	if (err)
		return err;
	if (*next != FAT_END && !fat_is_cluster(fs, *next))
		return fat_corrupt(fs->sb, "cluster %u is followed by %u", c,
				   *next);
	return 0;
}

int fat_link(struct fat_fs *fs, u32 c, u32 next)
{
	return set_entry(fs, c, next);
}

static void add_free(struct fat_fs *fs, s32 n)
{
	u32 most = fs->end_cluster - FAT_FIRST;

	if (fs->free_clusters == FAT_UNKNOWN)
		return;
	/* The number on disk may have been wrong. */
	fs->free_clusters = (u32)clamp_t(s64, (s64)fs->free_clusters + n, 0,
					 most);
}

/* Finds a free cluster at or after c, around the end. */
static int find_free(struct fat_fs *fs, u32 c, u32 *found)
{
	u32 n = fs->end_cluster - FAT_FIRST, v;
	int err;

	for (; n; n--, c++) {
		if (!fat_is_cluster(fs, c))
			c = FAT_FIRST;
		err = get_entry(fs, c, &v);
		if (err)
			return err;
		if (!v) {
			*found = c;
			return 0;
		}
	}
	fs->free_clusters = 0;
	fs->is_free_counted = true;
	return -ENOSPC;
}

int fat_alloc(struct fat_fs *fs, u32 *n, u32 *first)
{
	u32 want = *n, c, v;
	int err;

	if (fs->is_free_counted && !fs->free_clusters)
		return -ENOSPC;
	err = find_free(fs, fs->last_alloc + 1, first);
	if (err)
		return err;
	c = *first;
	for (*n = 1; *n < want && c + 1 < fs->end_cluster; c++, ++*n) {
		err = get_entry(fs, c + 1, &v);
		if (err)
			return err;
		if (v)
			break;
		err = set_entry(fs, c, c + 1);
		if (err)
			return err;
	}
	err = set_entry(fs, c, FAT_END);
	if (err)
		return err;
	fs->last_alloc = c;
	add_free(fs, -(s32)*n);
	return 0;
}

int fat_free_chain(struct fat_fs *fs, u32 c)
{
	u32 next;
	int err;

	/* A loop comes upon a free entry. */
	while (c != FAT_END) {
		err = get_entry(fs, c, &next);
		if (!err && !next)
			return fat_corrupt(fs->sb, "cluster %u is free already",
					   c);
		if (!err)
			err = set_entry(fs, c, 0);
		if (err)
			return err;
		add_free(fs, 1);
		if (next != FAT_END && !fat_is_cluster(fs, next))
			return fat_corrupt(fs->sb, "cluster %u was followed by "
					   "%u", c, next);
		c = next;
	}
	return 0;
}

int fat_count_free(struct fat_fs *fs)
{
	u32 c, v, n = 0, blocks = 0, off;
	int err;

	if (fs->is_free_counted)
		return 0;
	for (c = FAT_FIRST; c < fs->end_cluster; c++) {
		off = entry_offset(fs, c) >> fs->sb->blkbits;
		if (off >= blocks) {
			buf_readahead(fs->sb, fs->table_start + off, 128);
			blocks = off + 128;
		}
		err = get_entry(fs, c, &v);
		if (err)
			return err;
		n += !v;
	}
	fs->free_clusters = n;
	fs->is_free_counted = true;
	return 0;
}
