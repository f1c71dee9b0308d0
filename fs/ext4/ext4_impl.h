#pragma once
/*
 * Inside ext4.  docs/ext4.md has the design.
 *
 * Locks, outermost first: inode.lock (VFS), ext4_inode.xattr_lock, page lock
 * of a file's page, ext4_fs.orphan_lock, ext4_inode.map_lock, ext4_group.lock
 * and ext4_fs.stale_lock, ext4_fs.super_lock, page lock of the device's page
 * (buf_*).
 */
#include "format_impl.h"
#include <fs/device.h>
#include <fs/vfs.h>
#include <lib/errno.h>

struct ext4_group {
	struct mutex lock;	/* its bitmaps and descriptor */
	u32 free_blocks, free_inodes, used_dirs; /* lock; racy reads */
	u32 largest;		/* no free run is longer. lock */
	u32 next_block;		/* where a new file's search starts. lock */
	u32 first_ino;		/* no free inode is below. lock */
	bool block_ready;	/* bitmap was checked. lock */
	bool inode_ready;
	bool block_stale;	/* checksum is due. lock */
	bool inode_stale;
	bool desc_stale;
	bool is_bad;		/* bitmap is damaged: nothing from here. lock */
};

struct ext4_zone {		/* blocks that hold the fs's own tables */
	u64 start, end;
};

struct ext4_fs {
	struct super_block *sb;	/* const */
	struct buf super_buf;	/* const; pins the page */
	struct ext4_super *es;	/* super_lock for writing */
	struct mutex super_lock;

	/* geometry, const */
	u64 blocks;
	u32 groups, blocks_per_group, inodes_per_group, inodes;
	u32 first_block, first_ino, inode_size, inodes_per_block;
	u32 desc_size, descs_per_block, addr_per_block;
	u32 flex_shift;		/* log2 groups per flex group */
	u32 compat, incompat, ro_compat;
	u32 csum_seed;
	bool has_csum, has_gdt_csum, has_filetype;
	u32 hash_seed[4];
	u8 hash_version;
	bool hash_unsigned;
	u32 want_extra;
	u64 overhead, reserved_root, reserved_pool;
	u32 res_uid, res_gid;
	struct buf *descs;	/* pinned */
	struct ext4_group *group;
	struct ext4_zone *zones;	/* sorted */
	u32 nr_zones;

	/* counters, atomic */
	s64 free_blocks, free_inodes, dirs;
	s64 delayed;		/* promised to dirty pages */
	u32 next_generation;
	u32 stream_group;	/* where the last small file went */

	struct mutex stale_lock;
	struct list stale;	/* stale.c. stale_lock */
	u32 nr_stale;

	struct mutex orphan_lock;
	struct list orphans;	/* ext4_inode.orphan. orphan_lock */
	struct inode *orphan_file;	/* or NULL */

	/* options: mount and remount, under umount_lock */
	bool errors_panic, errors_ro, has_barrier, has_xattr, has_discard;
	bool is_noload, is_minix_df, has_grpid;
	const char *data_mode;
	bool has_failed;	/* an error was seen */
	bool is_writable;	/* the superblock on disk says so */
	bool is_lenient;	/* before the replay: checksums may be wrong */
	u16 old_state;		/* of the superblock, before we wrote */
};

struct ext4_inode {
	struct inode vfs;	/* first: freed through it */
	le32_t block[EXT4_NBLOCKS];	/* map_lock: map root, or link text */
	char link_end;		/* 0: ends a 60-byte link */
	struct rwsem map_lock;
	struct rwsem xattr_lock;
	u32 flags;		/* FL_*. inode.lock */
	u32 csum_seed;		/* const after it has its number */
	u32 extra_isize;
	u32 dtime;		/* or next on the orphan chain */
	u64 file_acl;		/* xattr_lock */
	u32 delayed;		/* blocks promised to its pages. atomic */
	u64 goal;		/* block after the last allocation. map_lock */
	u32 goal_lblk;		/* for this logical block */
	u32 dir_hint;		/* block that may have room. inode.lock */
	u32 dir_splits;		/* leaves split so far. inode.lock */
	u32 dir_split_at;	/* the last of them. inode.lock */
	bool has_xattrs;	/* in the inode: look */
	bool is_fresh;		/* its disk inode holds an old one's remains */
	bool is_stillborn;	/* never got a number: nothing to free */
	struct list orphan;	/* fs.orphan_lock */
	s32 orphan_slot;	/* in the orphan file, -1: on the chain */
};

static inline struct ext4_inode *ext4_i(struct inode *i)
{
	return container_of(i, struct ext4_inode, vfs);
}
static inline struct ext4_fs *ext4_sb(struct super_block *sb)
{
	return sb->priv;
}
static inline struct ext4_fs *ext4_fs_of(struct inode *i)
{
	return i->sb->priv;
}
static inline bool ext4_has(const struct ext4_fs *fs, u32 incompat)
{
	return fs->incompat & incompat;
}
static inline bool ext4_is_extents(const struct ext4_inode *ei)
{
	return ei->flags & FL_EXTENTS;
}
static inline u32 ext4_blocks_of(const struct ext4_fs *fs, u64 bytes)
{
	return (u32)((bytes + fs->sb->blocksize - 1) >> fs->sb->blkbits);
}

/* --- super.c */
/* Damage: reports it, notes it in the superblock, acts as errors= says, and
 * gives -EUCLEAN. */
int __printf(2, 3) ext4_corrupt(struct super_block *sb, const char *fmt, ...);
/* Writes counters, stale checksums and the superblock into their blocks. */
void ext4_super_commit(struct ext4_fs *fs);
void ext4_super_dirty_locked(struct ext4_fs *fs);
int __must_check ext4_sync_metadata(struct super_block *sb);
extern const struct super_ops ext4_super_ops;

/* --- options.c */
void ext4_default_options(struct ext4_fs *fs);
int __must_check ext4_parse_options(struct ext4_fs *fs, char *opts,
				    bool is_remount, bool *ro);
size_t ext4_show_options(struct super_block *sb, char *buf, size_t n);

/* --- check.c: geometry */
int __must_check ext4_read_super(struct super_block *sb, struct ext4_fs *fs);
int __must_check ext4_check_features(struct ext4_fs *fs, bool is_writable);
int __must_check ext4_load_groups(struct ext4_fs *fs);
void ext4_free_groups(struct ext4_fs *fs);
u64 ext4_overhead(struct ext4_fs *fs);
bool ext4_group_has_super(const struct ext4_fs *fs, u32 g);
/* Blocks of superblock and descriptors at the start of a group. */
u32 ext4_group_base_blocks(const struct ext4_fs *fs, u32 g);

/* --- csum.c */
u32 ext4_csum(const struct ext4_fs *fs, u32 seed, const void *p, size_t n);
u32 ext4_super_csum(const struct ext4_super *es);
u16 ext4_desc_csum(const struct ext4_fs *fs, u32 g,
		   const struct ext4_group_desc *d);
void ext4_inode_seed(struct ext4_inode *ei);
u32 ext4_inode_csum(struct ext4_inode *ei, const struct ext4_dinode *d);
void ext4_inode_csum_set(struct ext4_inode *ei, struct ext4_dinode *d);
bool ext4_inode_csum_ok(struct ext4_inode *ei, const struct ext4_dinode *d);
/* Into the tail of a leaf (dx_off 0) or index block of a directory. */
void ext4_dir_csum_make(struct ext4_fs *fs, u32 seed, void *block, u32 dx_off);
bool ext4_dir_csum_ok(struct ext4_inode *dir, const void *block);
bool ext4_dx_csum_ok(struct ext4_inode *dir, const void *block,
		     u32 entries_off);
void ext4_extent_csum_set(struct ext4_inode *ei, void *block);
bool ext4_extent_csum_ok(struct ext4_inode *ei, const void *block);
u32 ext4_xattr_csum(const struct ext4_fs *fs, u64 blk, const void *block);

/* --- stale.c */
/* The block of a directory (index: entries at dx_off) changed: it is dirty,
 * and its checksum is made before the next sync. */
void ext4_dir_changed(struct ext4_inode *dir, struct buf *b, u32 dx_off);
void ext4_stale_flush(struct ext4_fs *fs);
/* Blocks are freed, or become something else. */
void ext4_stale_drop(struct ext4_fs *fs, u64 block, u32 n);

/* --- group.c: descriptors and bitmaps; group.lock held where noted */
struct ext4_group_desc *ext4_desc(struct ext4_fs *fs, u32 g);
u64 ext4_desc_block_bitmap(const struct ext4_fs *fs,
			   const struct ext4_group_desc *d);
u64 ext4_desc_inode_bitmap(const struct ext4_fs *fs,
			   const struct ext4_group_desc *d);
u64 ext4_desc_inode_table(const struct ext4_fs *fs,
			  const struct ext4_group_desc *d);
u32 ext4_desc_free_blocks(const struct ext4_fs *fs,
			  const struct ext4_group_desc *d);
u32 ext4_desc_free_inodes(const struct ext4_fs *fs,
			  const struct ext4_group_desc *d);
u32 ext4_desc_used_dirs(const struct ext4_fs *fs,
			const struct ext4_group_desc *d);
u32 ext4_desc_itable_unused(const struct ext4_fs *fs,
			    const struct ext4_group_desc *d);
void ext4_desc_set_itable_unused(const struct ext4_fs *fs,
				 struct ext4_group_desc *d, u32 n);
/* The bitmap, checked, made if uninitialised. */
int __must_check ext4_block_bitmap_locked(struct ext4_fs *fs, u32 g,
					  struct buf *b);
int __must_check ext4_inode_bitmap_locked(struct ext4_fs *fs, u32 g,
					  struct buf *b);
/* Brings descriptors, their checksums and the bitmaps' up to date. */
void ext4_groups_flush(struct ext4_fs *fs);
u64 ext4_group_first(const struct ext4_fs *fs, u32 g);
u32 ext4_group_blocks(const struct ext4_fs *fs, u32 g);

/* --- balloc.c */
/* May blocks [start, start+n) hold data or maps? */
bool ext4_blocks_valid(const struct ext4_fs *fs, u64 start, u64 n);
/* 1..*n contiguous blocks near goal; from the reserve if is_meta. -ENOSPC */
int __must_check ext4_alloc_blocks(struct ext4_fs *fs, u64 goal, u32 *n,
				   bool is_meta, u64 *start);
int __must_check ext4_free_blocks(struct ext4_fs *fs, u64 start, u32 n,
				  bool is_meta);
/* Promises n blocks to dirty pages, or takes that back. */
int __must_check ext4_reserve(struct ext4_inode *ei, u32 n);
void ext4_unreserve(struct ext4_inode *ei, u32 n);
u64 ext4_inode_goal(struct ext4_inode *ei, u32 len);

/* --- ialloc.c */
/* A number for a new inode of `mode` in dir; fills ino and generation. */
int __must_check ext4_new_inode(struct inode *dir, u32 mode,
				struct inode **out);
int __must_check ext4_inode_of_number(struct super_block *sb, u64 ino,
				      struct inode **out);
int __must_check ext4_free_inode(struct inode *i, bool is_dir);
u64 ext4_inode_block(struct ext4_fs *fs, u64 ino, u32 *off);

/* --- inode.c */
int __must_check ext4_iget(struct super_block *sb, u64 ino, bool is_special,
			   struct inode **out);
/* Copies the inode into its block. */
int __must_check ext4_write_inode_now(struct inode *i);
void ext4_set_inode_ops(struct inode *i);
void ext4_set_vfs_flags(struct ext4_inode *ei);
void ext4_add_blocks(struct inode *i, s64 n);	/* fs blocks, to i->blocks */
int ext4_setattr(struct dentry *d, struct iattr *a);
int ext4_getattr(const struct path *p, struct kstat *st, u32 mask,
		 unsigned flags);
int ext4_write_inode(struct inode *i, bool is_sync);
void ext4_evict_inode(struct inode *i);

/* --- map.c: logical to physical */
#define MAP_UNWRITTEN_BIT 1u
#define MAP_NEW_BIT 2u
struct ext4_map {
	u32 lblk;		/* in */
	u32 len;		/* in: wanted; out: how far it goes */
	u64 pblk;		/* 0: a hole */
	u32 flags;
};
/* map_lock is taken inside. */
int __must_check ext4_map_find(struct ext4_inode *ei, struct ext4_map *m);
/* Finds or allocates; unwritten asks for that state for what is new, else
 * unwritten extents become written. */
int __must_check ext4_map_alloc(struct ext4_inode *ei, struct ext4_map *m,
				bool unwritten);
/* Frees [from, to) logical blocks. */
int __must_check ext4_map_remove(struct ext4_inode *ei, u32 from, u32 to);
/* Block of a directory or another metadata file. -EUCLEAN on a hole. */
int __must_check ext4_bread(struct ext4_inode *ei, u32 lblk, struct buf *b);
/* Appends a block (zeroed) at the end. */
int __must_check ext4_append(struct ext4_inode *ei, u32 *lblk, struct buf *b);
bool buf_is_verified(const struct super_block *sb, const struct buf *b);
void buf_set_verified(const struct super_block *sb, struct buf *b);
void buf_clear_verified(const struct super_block *sb, struct buf *b);

/* --- extent.c, extent_change.c; map_lock held */
void ext4_ext_init(struct ext4_inode *ei);
int __must_check ext4_ext_check_root(struct ext4_inode *ei);
int __must_check ext4_ext_find(struct ext4_inode *ei, struct ext4_map *m);
int __must_check ext4_ext_insert(struct ext4_inode *ei, u32 lblk, u64 pblk,
				 u32 len, bool unwritten);
int __must_check ext4_ext_remove(struct ext4_inode *ei, u32 from, u32 to);
int __must_check ext4_ext_set_written(struct ext4_inode *ei, u32 lblk, u32 n);

/* --- indirect.c; map_lock held */
int __must_check ext4_ind_find(struct ext4_inode *ei, struct ext4_map *m);
int __must_check ext4_ind_alloc(struct ext4_inode *ei, struct ext4_map *m);
int __must_check ext4_ind_remove(struct ext4_inode *ei, u32 from, u32 to);

/* --- data.c, writeback.c, direct.c */
extern const struct mapping_ops ext4_mapping_ops;
int ext4_read_pages(struct mapping *m, struct page **pages, unsigned n);
int ext4_write_pages(struct mapping *m, struct writeback *wb);
ssize_t ext4_direct_io(struct mapping *m, struct iter *it, u64 pos);
/* Blocks [from, to) lose their blocks: what the pages at both ends know of
 * them, promises too, is dropped (pages between left the cache). */
void ext4_forget_blocks(struct ext4_inode *ei, u32 from, u32 to);
/* Caches the pages that [pos, end) covers in part, for zeroing. */
int __must_check ext4_zero_partial(struct ext4_inode *ei, u64 pos, u64 end);
#define PAGE_DELAYED_MASK 0x0fu

/* --- file.c */
extern const struct file_ops ext4_file_ops;
extern const struct inode_ops ext4_file_inode_ops;
int ext4_truncate(struct inode *i);
long ext4_ioctl(struct file *f, unsigned cmd, unsigned long arg);
struct fiemap;
int ext4_fiemap(struct inode *i, struct fiemap __user *arg);	/* fiemap.c */
int ext4_fsync(struct file *f, u64 start, u64 end, bool data_only);

/* --- dirblock.c, dir.c, htree.c, hash.c */
struct ext4_name {
	const char *name;
	u32 len;
};
static inline u32 dirent_rec_len(u32 name_len)
{
	return (8 + name_len + 3) & ~3u;
}
/* Bytes of a block that entries may use. */
u32 ext4_dir_usable(const struct ext4_fs *fs);
static inline u32 ext4_rec_len(const struct ext4_fs *fs,
			       const struct ext4_dirent *e)
{
	u32 n = le16_get(e->rec_len);

	return n == 65535 || !n ? fs->sb->blocksize : n;
}
/* Is the entry at off sound? */
bool ext4_dirent_ok(struct ext4_inode *dir, const void *block, u32 off);
int __must_check ext4_dir_read(struct ext4_inode *dir, u32 lblk,
			       struct buf *b);
/* *e NULL: not in this block. */
int __must_check ext4_block_find(struct ext4_inode *dir, struct buf *b,
				 const struct ext4_name *n,
				 struct ext4_dirent **e);
/* -ENOSPC: no room in the block. */
int __must_check ext4_block_insert(struct ext4_inode *dir, struct buf *b,
				   const struct ext4_name *n, u64 ino,
				   u8 type);
void ext4_block_init(struct ext4_inode *dir, void *block);
int __must_check ext4_dir_find(struct ext4_inode *dir,
			       const struct ext4_name *n, struct buf *b,
			       struct ext4_dirent **e);
int __must_check ext4_dir_add(struct inode *dir, const struct ext4_name *n,
			      struct inode *target);
int __must_check ext4_dir_remove(struct inode *dir, struct buf *b,
				 struct ext4_dirent *e);
int __must_check ext4_dir_make_empty(struct inode *dir, u64 parent);
int ext4_parent_number(struct inode *dir, u64 *ino);
int __must_check ext4_dir_is_empty(struct inode *dir);	/* -ENOTEMPTY */
u8 ext4_type_of_mode(const struct ext4_fs *fs, u32 mode);
extern const struct file_ops ext4_dir_ops;

struct dx_hash {
	u32 hash, minor;
	u32 version;		/* with signedness resolved */
};
int __must_check ext4_hash_name(const struct ext4_fs *fs, u32 version,
				const char *name, u32 len, struct dx_hash *h);
/* 1: damaged index, look linearly. */
int __must_check ext4_htree_find(struct ext4_inode *dir,
				 const struct ext4_name *n, struct buf *b,
				 struct ext4_dirent **e);
int __must_check ext4_htree_add(struct ext4_inode *dir,
				const struct ext4_name *n, u64 ino, u8 type);
/* A one-block directory is full: builds an index. */
int __must_check ext4_htree_make(struct ext4_inode *dir, struct buf *b);

/* --- namei.c */
extern const struct inode_ops ext4_dir_inode_ops;
extern const struct inode_ops ext4_symlink_ops;
extern const struct inode_ops ext4_special_ops;

/* --- xattr.c */
int ext4_getxattr(struct inode *i, const char *name, void *buf, size_t n,
		  size_t *len);
int ext4_setxattr(struct inode *i, const char *name, const void *v, size_t n,
		  int flags);
int ext4_listxattr(struct inode *i, char *buf, size_t n, size_t *len);
void ext4_xattr_free(struct inode *i);

/* --- orphan.c */
int __must_check ext4_orphan_add(struct inode *i);
void ext4_orphan_del(struct inode *i);
int __must_check ext4_orphan_open(struct ext4_fs *fs);
void ext4_orphan_cleanup(struct ext4_fs *fs);
void ext4_orphan_close(struct ext4_fs *fs);

/* --- journal.c */
/* Replays the journal if it needs that. */
int __must_check ext4_journal_recover(struct ext4_fs *fs);
