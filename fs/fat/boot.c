/*
 * boot - the boot sector: geometry, the mark "in use", the FSINFO sector.
 *
 * Everything is checked before it is used; what Linux refuses is refused.
 */
#include "fat_impl.h"
#include <kernel/print.h>
#include <lib/string.h>

/* Where the fields are (the specification's BPB and BS names). */
#define BPB_BYTES_PER_SECTOR 11
#define BPB_SECTORS_PER_CLUSTER 13
#define BPB_RESERVED 14
#define BPB_TABLES 16
#define BPB_ROOT_ENTRIES 17
#define BPB_SECTORS16 19
#define BPB_MEDIA 21
#define BPB_TABLE_SECTORS16 22
#define BPB_SECTORS32 32
#define BPB_TABLE_SECTORS32 36
#define BPB_ROOT_CLUSTER 44
#define BPB_FSINFO 48
#define BS_STATE16 37
#define BS_STATE32 65
#define BS_VOLUME_ID16 39
#define BS_VOLUME_ID32 67
#define STATE_DIRTY 1u

#define FSINFO_FREE 488
#define FSINFO_NEXT 492

#define MAX_CLUSTERS12 0xff4u
#define MAX_CLUSTERS16 0xfff4u
#define MAX_CLUSTERS32 0x0ffffff6u

static int refuse(const struct fat_fs *fs, const char *why)
{
	pr_warn("FAT-fs (%s): %s\n", fs->sb->id, why);
	return -EINVAL;
}

static bool is_power(u32 v)
{
	return v && !(v & (v - 1));
}

static int check_numbers(const struct fat_fs *fs, const u8 *p)
{
	u32 bytes = get_unaligned_le16(p + BPB_BYTES_PER_SECTOR);

	if (!get_unaligned_le16(p + BPB_RESERVED))
		return refuse(fs, "bogus number of reserved sectors");
	if (!p[BPB_TABLES])
		return refuse(fs, "bogus number of FAT structure");
	if (p[BPB_MEDIA] != 0xf0 && p[BPB_MEDIA] < 0xf8)
		return refuse(fs, "invalid media value");
	if (!is_power(bytes) || bytes < 512 || bytes > 4096)
		return refuse(fs, "bogus logical sector size");
	if (!is_power(p[BPB_SECTORS_PER_CLUSTER]))
		return refuse(fs, "bogus sectors per cluster");
	if (bytes < fs->sb->bdev->logical_block)
		return refuse(fs, "logical sector size too small for device");
	if (!get_unaligned_le16(p + BPB_TABLE_SECTORS16) &&
	    !get_unaligned_le32(p + BPB_TABLE_SECTORS32))
		return refuse(fs, "bogus number of FAT sectors");
	return 0;
}

static u32 log2_of(u32 v)
{
	return (u32)__builtin_ctz(v);
}

/* Sizes in sectors, and whether it is FAT32. */
static void read_layout(struct fat_fs *fs, const u8 *p)
{
	u32 bytes = get_unaligned_le16(p + BPB_BYTES_PER_SECTOR);

	fs->sb->blocksize = bytes;
	fs->sb->blkbits = log2_of(bytes);
	fs->cluster_bits = log2_of(bytes) + log2_of(p[BPB_SECTORS_PER_CLUSTER]);
	fs->table_start = get_unaligned_le16(p + BPB_RESERVED);
	fs->nr_tables = p[BPB_TABLES];
	fs->table_blocks = get_unaligned_le16(p + BPB_TABLE_SECTORS16);
	fs->root_entries = get_unaligned_le16(p + BPB_ROOT_ENTRIES);
	fs->volume_id = get_unaligned_le32(p + BS_VOLUME_ID16);
	if (!fs->table_blocks) {
		fs->bits = 32;
		fs->table_blocks = get_unaligned_le32(p + BPB_TABLE_SECTORS32);
		fs->root_cluster = get_unaligned_le32(p + BPB_ROOT_CLUSTER);
		fs->fsinfo_block = get_unaligned_le16(p + BPB_FSINFO);
		fs->volume_id = get_unaligned_le32(p + BS_VOLUME_ID32);
		if (!fs->fsinfo_block)
			fs->fsinfo_block = 1;
	}
}

static int count_clusters(struct fat_fs *fs, const u8 *p)
{
	u64 total = get_unaligned_le16(p + BPB_SECTORS16), root, n, fit;
	u32 most;

	if (!total)
		total = get_unaligned_le32(p + BPB_SECTORS32);
	root = fs->table_start + (u64)fs->nr_tables * fs->table_blocks;
	n = root + ((u64)fs->root_entries * 32 + fs->sb->blocksize - 1) /
			   fs->sb->blocksize;
	if (n > U32_MAX || n >= total)
		return refuse(fs, "no room for data");
	fs->root_start = (u32)root;
	fs->data_start = (u32)n;
	n = (total - n) >> (fs->cluster_bits - fs->sb->blkbits);
	if (!fs->bits)
		fs->bits = n > MAX_CLUSTERS12 ? 16 : 12;
	fit = ((u64)fs->table_blocks << fs->sb->blkbits) * 8 / fs->bits;
	if (fit < FAT_FIRST + 1)
		return refuse(fs, "bogus number of FAT sectors");
	n = min(n, fit - FAT_FIRST);
	most = fs->bits == 32 ? MAX_CLUSTERS32 :
	       fs->bits == 16 ? MAX_CLUSTERS16 : MAX_CLUSTERS12;
	if (!n || n > most)
		return refuse(fs, "bad count of clusters");
	fs->end_cluster = (u32)n + FAT_FIRST;
	return 0;
}

static int check_root(struct fat_fs *fs)
{
	if (fs->bits == 32 && !fat_is_cluster(fs, fs->root_cluster))
		return refuse(fs, "bogus root cluster");
	if (fs->bits != 32 &&
	    (!fs->root_entries ||
	     fs->root_entries & ((fs->sb->blocksize >> 5) - 1)))
		return refuse(fs, "bogus number of directory entries");
	return 0;
}

int fat_read_boot(struct fat_fs *fs)
{
	struct buf b;
	const u8 *p;
	int err = buf_read(fs->sb, 0, &b);

	if (err)
		return err;
	p = b.data;
	err = check_numbers(fs, p);
	if (!err) {
		read_layout(fs, p);
		err = count_clusters(fs, p);
	}
	if (!err)
		err = check_root(fs);
	buf_put(&b);
	fs->last_alloc = FAT_FIRST;
	fs->free_clusters = FAT_UNKNOWN;
	return err;
}

/* --- the mark "in use" ----------------------------------------------------*/

static u32 state_at(const struct fat_fs *fs)
{
	return fs->bits == 32 ? BS_STATE32 : BS_STATE16;
}

bool fat_boot_is_dirty(struct fat_fs *fs)
{
	struct buf b;
	bool dirty;

	if (buf_read(fs->sb, 0, &b))
		return false;
	dirty = ((const u8 *)b.data)[state_at(fs)] & STATE_DIRTY;
	buf_put(&b);
	return dirty;
}

int fat_boot_set_dirty(struct fat_fs *fs, bool dirty)
{
	struct buf b;
	u8 *state;
	int err = buf_read(fs->sb, 0, &b);

	if (err)
		return err;
	state = (u8 *)b.data + state_at(fs);
	*state = (u8)((*state & ~STATE_DIRTY) | (dirty ? STATE_DIRTY : 0));
	buf_dirty(fs->sb, &b);
	buf_put(&b);
	return 0;
}

/* --- FSINFO ---------------------------------------------------------------*/

static bool is_fsinfo(const u8 *p)
{
	return get_unaligned_le32(p) == 0x41615252 &&
	       get_unaligned_le32(p + 484) == 0x61417272;
}

void fat_read_fsinfo(struct fat_fs *fs)
{
	u32 most = fs->end_cluster - FAT_FIRST;
	struct buf b;
	const u8 *p;

	if (fs->bits != 32 || buf_read(fs->sb, fs->fsinfo_block, &b)) {
		fs->fsinfo_block = 0;
		return;
	}
	p = b.data;
	if (!is_fsinfo(p)) {
		pr_warn("FAT-fs (%s): Invalid FSINFO signature\n", fs->sb->id);
		fs->fsinfo_block = 0;
	} else {
		fs->free_clusters = get_unaligned_le32(p + FSINFO_FREE);
		fs->last_alloc = get_unaligned_le32(p + FSINFO_NEXT);
		if (!fat_is_cluster(fs, fs->last_alloc))
			fs->last_alloc = FAT_FIRST;
		if (fs->free_clusters > most)
			fs->free_clusters = FAT_UNKNOWN;
		else
			fs->is_free_counted = fs->opt.has_usefree;
	}
	buf_put(&b);
}

int fat_write_fsinfo(struct fat_fs *fs)
{
	struct buf b;
	u8 *p;
	int err;

	if (!fs->fsinfo_block)
		return 0;
	err = buf_read(fs->sb, fs->fsinfo_block, &b);
	if (err)
		return err;
	p = b.data;
	mutex_lock(&fs->table_lock);
	put_unaligned_le32(fs->free_clusters, p + FSINFO_FREE);
	put_unaligned_le32(fs->last_alloc, p + FSINFO_NEXT);
	mutex_unlock(&fs->table_lock);
	buf_dirty(fs->sb, &b);
	buf_put(&b);
	return 0;
}
