#pragma once
/*
 * Inside FAT.  docs/fat.md has the design; the format is Microsoft's "FAT
 * File System Specification" 1.03.
 *
 * Locks, outermost first: inode.lock (VFS; a directory's guards its entries),
 * page lock of a file's page, fat_fs.entry_lock, fat_fs.table_lock, page lock
 * of the device's page (buf_*).  fat_fs.hash_lock is a leaf.
 */
#include "name_impl.h"
#include <fs/device.h>
#include <fs/vfs.h>
#include <lib/byteorder.h>
#include <lib/errno.h>

#define FAT_MAGIC 0x4d44
#define FAT_ROOT_INO 1u
#define FAT_FIRST 2u		/* the first cluster */
#define FAT_END 0x0fffffffu	/* normalised: last of a chain */
#define FAT_BAD 0x0ffffff7u
#define FAT_UNKNOWN 0xffffffffu	/* number of free clusters */
#define FAT_HASH_BITS 7
#define FAT_RUNS 8
#define FAT_MAX_DIR_BYTES (65536u * 32)

#define ATTR_RDONLY 0x01u
#define ATTR_HIDDEN 0x02u
#define ATTR_SYSTEM 0x04u
#define ATTR_VOLUME 0x08u
#define ATTR_DIR 0x10u
#define ATTR_ARCHIVE 0x20u
#define ATTR_LONG_NAME 0x0fu
#define DIRENT_DELETED 0xe5u
#define SLOT_LAST 0x40u

struct fat_dirent {
	u8 name[FAT_SHORT_LEN];
	u8 attr, lcase, ctime_cs;
	le16_t ctime, cdate, adate, start_hi, time, date, start;
	le32_t size;
};
static_assert(sizeof(struct fat_dirent) == 32, "FAT directory entry");

/* A piece of a long name, in place of an entry. */
struct fat_slot {
	u8 id;
	u8 name0[10];
	u8 attr, zero, checksum;
	u8 name5[12];
	le16_t start;
	u8 name11[4];
};
static_assert(sizeof(struct fat_slot) == 32, "FAT name slot");

struct fat_options {
	u32 uid, gid;
	u16 fmask, dmask, allow_utime;
	s16 time_offset;	/* minutes that local time is ahead of UTC */
	enum fat_shortname shortname;
	const char *iocharset;
	char check;		/* 'r', 'n' or 's' */
	char errors;		/* 'c', 'r' or 'p' */
	bool is_vfat, is_caseless, has_tz, is_quiet, has_showexec;
	bool has_sys_immutable, has_rodir, has_flush, has_numtail;
	bool has_usefree, has_nocase, has_dots, has_discard;
};

struct fat_fs {
	struct super_block *sb;	/* const */

	/* geometry, const; blocks are logical sectors */
	u32 bits;		/* of a table entry: 12, 16 or 32 */
	u32 cluster_bits;	/* log2 bytes */
	u32 table_start, table_blocks, nr_tables;
	u32 root_start, root_entries;	/* FAT12 and FAT16 */
	u32 root_cluster;	/* FAT32; else 0 */
	u32 data_start;
	u32 end_cluster;	/* one past the last */
	u32 fsinfo_block;	/* 0: none */
	u32 volume_id;

	struct mutex table_lock;	/* table, chains of all inodes */
	struct buf table_buf;		/* block last used. table_lock */
	u32 free_clusters;		/* FAT_UNKNOWN. table_lock */
	bool is_free_counted;		/* by us. table_lock */
	u32 last_alloc;			/* table_lock */

	struct mutex entry_lock;	/* positions of inodes, entries */
	struct spinlock hash_lock;
	struct hlist_head by_pos[1 << FAT_HASH_BITS]; /* hash_lock */

	struct fat_options opt;	/* mount and remount, under umount_lock */
	bool was_dirty;		/* found so: it stays so */
	bool has_failed;	/* damage was seen: likewise. atomic */
	bool is_writable;	/* the boot sector says so */
};

/* Clusters that lie one after another, in the file and on the disk. */
struct fat_run {
	u32 file, disk, len;
};

struct fat_inode {
	struct inode vfs;	/* first: freed through it */
	u32 start;		/* first cluster, 0: none. table_lock */
	u32 nr_clusters;	/* FAT_UNKNOWN. table_lock */
	u32 last;		/* if nr_clusters is known. table_lock */
	u32 next_run;		/* to be replaced. table_lock */
	struct fat_run runs[FAT_RUNS];	/* len 0: none. table_lock */
	u64 pos;		/* of its entry, 0: none. entry_lock */
	struct hlist_node pos_node;	/* fs.hash_lock */
	u8 attrs;		/* those the mode does not show */
	bool is_stillborn;
};

static inline struct fat_inode *fat_i(struct inode *i)
{
	return container_of(i, struct fat_inode, vfs);
}
static inline struct fat_fs *fat_sb(struct super_block *sb)
{
	return sb->priv;
}
static inline struct fat_fs *fat_fs_of(const struct inode *i)
{
	return i->sb->priv;
}
static inline bool fat_is_root(const struct inode *i)
{
	return i->ino == FAT_ROOT_INO;
}
/* The root directory of FAT12 and FAT16 lies outside the clusters. */
static inline bool fat_has_fixed_root(const struct inode *i)
{
	return fat_is_root(i) && !fat_fs_of(i)->root_cluster;
}
static inline u32 fat_clusters_of(const struct fat_fs *fs, u64 bytes)
{
	return (u32)((bytes + (1ull << fs->cluster_bits) - 1) >>
		     fs->cluster_bits);
}
static inline bool fat_is_cluster(const struct fat_fs *fs, u32 c)
{
	return c >= FAT_FIRST && c < fs->end_cluster;
}
static inline u64 fat_cluster_sector(const struct fat_fs *fs, u32 c)
{
	return ((u64)fs->data_start << (fs->sb->blkbits - 9)) +
	       ((u64)(c - FAT_FIRST) << (fs->cluster_bits - 9));
}
static inline u32 fat_entry_start(const struct fat_fs *fs,
				  const struct fat_dirent *e)
{
	u32 c = le16_get(e->start);

	return fs->bits == 32 ? c | (u32)le16_get(e->start_hi) << 16 : c;
}

/* --- super.c */
/* Damage: reports it, acts as errors= says, and gives -EIO. */
int __printf(2, 3) fat_corrupt(struct super_block *sb, const char *fmt, ...);
int __must_check fat_sync_metadata(struct super_block *sb);
extern const struct super_ops fat_super_ops;

/* --- boot.c */
int __must_check fat_read_boot(struct fat_fs *fs);
bool fat_boot_is_dirty(struct fat_fs *fs);
int __must_check fat_boot_set_dirty(struct fat_fs *fs, bool dirty);
void fat_read_fsinfo(struct fat_fs *fs);
/* Copies the counters into their block. */
int __must_check fat_write_fsinfo(struct fat_fs *fs);

/* --- options.c */
void fat_default_options(struct fat_fs *fs);
int __must_check fat_parse_options(struct fat_fs *fs, char *opts, bool *ro);
size_t fat_show_options(struct super_block *sb, char *buf, size_t n);

/* --- table.c; table_lock held */
/* The cluster after c, or FAT_END. -EIO: the chain is damaged. */
int __must_check fat_next(struct fat_fs *fs, u32 c, u32 *next)
	__must_hold(&fs->table_lock);
/* Makes `next` follow c. */
int __must_check fat_link(struct fat_fs *fs, u32 c, u32 next)
	__must_hold(&fs->table_lock);
/* 1..*n clusters in a row, chained and ended. -ENOSPC */
int __must_check fat_alloc(struct fat_fs *fs, u32 *n, u32 *first)
	__must_hold(&fs->table_lock);
int __must_check fat_free_chain(struct fat_fs *fs, u32 first)
	__must_hold(&fs->table_lock);
int __must_check fat_count_free(struct fat_fs *fs)
	__must_hold(&fs->table_lock);

/* --- chain.c */
/* Where cluster `file` of the inode lies, and how many follow it in a row (at
 * most *n). -EIO: the chain ends before. */
int __must_check fat_map(struct fat_inode *fi, u32 file, u32 *disk, u32 *n);
/* The chain grows to n clusters, all or none; a directory's are zeroed. */
int __must_check fat_grow(struct fat_inode *fi, u32 n);
/* It is cut to n clusters. */
int __must_check fat_cut(struct fat_inode *fi, u32 n);
/* What lies behind the size is given back. */
void fat_trim(struct fat_inode *fi);
int __must_check fat_chain_length(struct fat_inode *fi, u32 *n);
void fat_chain_init(struct fat_inode *fi, u32 start);

/* --- data.c */
extern const struct mapping_ops fat_mapping_ops;
/* The file grows to size, with zeros. */
int __must_check fat_expand(struct inode *i, u64 size);

/* --- dir.c: the directory's lock is held */
/* One name of a directory, as it was read. */
struct fat_found {
	u32 first, nr;		/* its slots */
	u64 pos;		/* of the last one, the entry proper */
	struct fat_dirent de;
	u32 len, alias_len;	/* len 0: it has no long name */
	u16 name[FAT_LONG_MAX + 1];
	u16 alias[FAT_ALIAS_MAX];
};
/* A name to be looked for, or to be made. */
struct fat_name {
	u32 len;		/* 0: cannot be a name here */
	u16 text[FAT_LONG_MAX + 1];
	u8 short_name[FAT_SHORT_LEN];	/* msdos */
	enum { FAT_SHOWN, FAT_HIDDEN, FAT_EITHER } hidden;	/* msdos */
};
struct fat_scan {
	struct inode *dir;
	u32 index;		/* of the next slot */
	struct buf b;
	struct fat_found f;
};
/* 1: s->f is the next name; 0: no more. */
int __must_check fat_scan_next(struct fat_scan *s);
/* The slot at index, NULL past the end; b keeps the block. */
int __must_check fat_dir_slot(struct inode *dir, u32 index, struct buf *b,
			      struct fat_dirent **e);
int __must_check fat_dir_find(struct inode *dir, const struct fat_name *n,
			      struct fat_found *f);	/* -ENOENT */
int __must_check fat_dir_is_empty(struct inode *dir);	/* -ENOTEMPTY */
int __must_check fat_dir_count(struct inode *dir, u32 *subdirs);
/* Makes the name mean what *de says; its name fields are filled in. */
int __must_check fat_dir_add(struct inode *dir, const struct fat_name *n,
			     struct fat_dirent *de, u64 *pos);
int __must_check fat_dir_remove(struct inode *dir, const struct fat_found *f);
int __must_check fat_dir_make_empty(struct inode *dir, u32 parent,
				    const struct fat_dirent *times);
int __must_check fat_dir_set_parent(struct inode *dir, u32 parent);
extern const struct file_ops fat_dir_ops;

/* --- inode.c */
int __must_check fat_iget(struct super_block *sb, u64 pos,
			  const struct fat_dirent *de, struct inode **out);
int __must_check fat_get_root(struct super_block *sb, struct inode **out);
/* The inode whose entry is there, or 0. */
u64 fat_ino_at(struct fat_fs *fs, u64 pos);
void fat_attach(struct inode *i, u64 pos);
void fat_detach(struct inode *i);
int __must_check fat_write_inode_now(struct inode *i);
int fat_write_inode(struct inode *i, bool is_sync);
void fat_evict_inode(struct inode *i);
void fat_set_blocks(struct inode *i);
u8 fat_attr_of(const struct inode *i);
u32 fat_mode_of(const struct inode *i, u32 attr, const u8 *short_name);
bool fat_mode_can_be_readonly(const struct inode *i);
/* Now, as an entry keeps it. */
void fat_stamp(const struct fat_fs *fs, struct fat_dirent *de);
/* Brings times that were set into the shape that the disk keeps. */
void fat_round_times(struct inode *i);
int fat_update_time(struct inode *i, unsigned which);

/* --- namei.c */
extern const struct inode_ops fat_dir_inode_ops;

/* --- file.c */
extern const struct file_ops fat_file_ops;
extern const struct inode_ops fat_file_inode_ops;
int fat_setattr(struct dentry *d, struct iattr *a);
int fat_fsync(struct file *f, u64 start, u64 end, bool data_only);
long fat_ioctl(struct file *f, unsigned cmd, unsigned long arg);
