#pragma once
/*
 * What ext4 keeps on disk (kernel.org's ext4 disk layout documentation).
 * Little endian; the journal alone is big endian.
 */
#include <lib/byteorder.h>
#include <lib/compiler.h>

#define EXT4_MAGIC 0xef53u
#define EXT4_ROOT_INO 2u
#define EXT4_JOURNAL_INO 8u
#define EXT4_GOOD_OLD_INODE_SIZE 128u
#define EXT4_NAME_LEN 255u
#define EXT4_LINK_MAX 65000u
#define EXT4_NDIR 12u
#define EXT4_IND 12u
#define EXT4_NBLOCKS 15u

struct ext4_super {
	le32_t inodes_count, blocks_count_lo, r_blocks_count_lo;
	le32_t free_blocks_count_lo, free_inodes_count, first_data_block;
	le32_t log_block_size, log_cluster_size, blocks_per_group;
	le32_t clusters_per_group, inodes_per_group, mtime, wtime;
	le16_t mnt_count, max_mnt_count, magic, state, errors, minor_rev;
	le32_t lastcheck, checkinterval, creator_os, rev_level;
	le16_t def_resuid, def_resgid;
	le32_t first_ino;
	le16_t inode_size, block_group_nr;
	le32_t feature_compat, feature_incompat, feature_ro_compat;
	u8 uuid[16];
	char volume_name[16], last_mounted[64];
	le32_t algorithm_usage_bitmap;
	u8 prealloc_blocks, prealloc_dir_blocks;
	le16_t reserved_gdt_blocks;
	u8 journal_uuid[16];
	le32_t journal_inum, journal_dev, last_orphan, hash_seed[4];
	u8 def_hash_version, jnl_backup_type;
	le16_t desc_size;
	le32_t default_mount_opts, first_meta_bg, mkfs_time, jnl_blocks[17];
	le32_t blocks_count_hi, r_blocks_count_hi, free_blocks_count_hi;
	le16_t min_extra_isize, want_extra_isize;
	le32_t flags;
	le16_t raid_stride, mmp_interval;
	le64_t mmp_block;
	le32_t raid_stripe_width;
	u8 log_groups_per_flex, checksum_type;
	le16_t reserved_pad;
	le64_t kbytes_written;
	le32_t snapshot_inum, snapshot_id;
	le64_t snapshot_r_blocks_count;
	le32_t snapshot_list, error_count, first_error_time, first_error_ino;
	le64_t first_error_block;
	u8 first_error_func[32];
	le32_t first_error_line, last_error_time, last_error_ino;
	le32_t last_error_line;
	le64_t last_error_block;
	u8 last_error_func[32], mount_opts[64];
	le32_t usr_quota_inum, grp_quota_inum, overhead_clusters;
	le32_t backup_bgs[2];
	u8 encrypt_algos[4], encrypt_pw_salt[16];
	le32_t lpf_ino, prj_quota_inum, checksum_seed;
	u8 wtime_hi, mtime_hi, mkfs_time_hi, lastcheck_hi, first_error_time_hi;
	u8 last_error_time_hi, first_error_errcode, last_error_errcode;
	le16_t encoding, encoding_flags;
	le32_t orphan_file_inum;
	le32_t reserved[94];
	le32_t checksum;
} __packed;
static_assert(sizeof(struct ext4_super) == 1024, "ext4 superblock");

#define STATE_VALID 1u
#define STATE_ERROR 2u
#define STATE_ORPHAN 4u

#define FLAGS_SIGNED_HASH 1u
#define FLAGS_UNSIGNED_HASH 2u

#define COMPAT_DIR_PREALLOC 0x1u
#define COMPAT_HAS_JOURNAL 0x4u
#define COMPAT_EXT_ATTR 0x8u
#define COMPAT_RESIZE_INODE 0x10u
#define COMPAT_DIR_INDEX 0x20u
#define COMPAT_SPARSE_SUPER2 0x200u
#define COMPAT_ORPHAN_FILE 0x1000u

#define INCOMPAT_FILETYPE 0x2u
#define INCOMPAT_RECOVER 0x4u
#define INCOMPAT_JOURNAL_DEV 0x8u
#define INCOMPAT_META_BG 0x10u
#define INCOMPAT_EXTENTS 0x40u
#define INCOMPAT_64BIT 0x80u
#define INCOMPAT_MMP 0x100u
#define INCOMPAT_FLEX_BG 0x200u
#define INCOMPAT_EA_INODE 0x400u
#define INCOMPAT_CSUM_SEED 0x2000u
#define INCOMPAT_LARGEDIR 0x4000u
#define INCOMPAT_INLINE_DATA 0x8000u
#define INCOMPAT_ENCRYPT 0x10000u
#define INCOMPAT_CASEFOLD 0x20000u
#define INCOMPAT_SUPPORTED                                                     \
	(INCOMPAT_FILETYPE | INCOMPAT_RECOVER | INCOMPAT_META_BG |             \
	 INCOMPAT_EXTENTS | INCOMPAT_64BIT | INCOMPAT_FLEX_BG |                \
	 INCOMPAT_CSUM_SEED)

#define RO_COMPAT_SPARSE_SUPER 0x1u
#define RO_COMPAT_LARGE_FILE 0x2u
#define RO_COMPAT_HUGE_FILE 0x8u
#define RO_COMPAT_GDT_CSUM 0x10u
#define RO_COMPAT_DIR_NLINK 0x20u
#define RO_COMPAT_EXTRA_ISIZE 0x40u
#define RO_COMPAT_QUOTA 0x100u
#define RO_COMPAT_BIGALLOC 0x200u
#define RO_COMPAT_METADATA_CSUM 0x400u
#define RO_COMPAT_READONLY 0x1000u
#define RO_COMPAT_PROJECT 0x2000u
#define RO_COMPAT_VERITY 0x8000u
#define RO_COMPAT_ORPHAN_PRESENT 0x10000u
#define RO_COMPAT_SUPPORTED                                                    \
	(RO_COMPAT_SPARSE_SUPER | RO_COMPAT_LARGE_FILE | RO_COMPAT_HUGE_FILE | \
	 RO_COMPAT_GDT_CSUM | RO_COMPAT_DIR_NLINK | RO_COMPAT_EXTRA_ISIZE |    \
	 RO_COMPAT_METADATA_CSUM | RO_COMPAT_ORPHAN_PRESENT)

struct ext4_group_desc {
	le32_t block_bitmap_lo, inode_bitmap_lo, inode_table_lo;
	le16_t free_blocks_lo, free_inodes_lo, used_dirs_lo, flags;
	le32_t exclude_bitmap_lo;
	le16_t block_bitmap_csum_lo, inode_bitmap_csum_lo, itable_unused_lo;
	le16_t checksum;
	/* only with 64-byte descriptors: */
	le32_t block_bitmap_hi, inode_bitmap_hi, inode_table_hi;
	le16_t free_blocks_hi, free_inodes_hi, used_dirs_hi, itable_unused_hi;
	le32_t exclude_bitmap_hi;
	le16_t block_bitmap_csum_hi, inode_bitmap_csum_hi;
	le32_t reserved;
};
static_assert(sizeof(struct ext4_group_desc) == 64, "group descriptor");
#define DESC_SIZE_OLD 32u

#define BG_INODE_UNINIT 1u
#define BG_BLOCK_UNINIT 2u
#define BG_INODE_ZEROED 4u

struct ext4_dinode {
	le16_t mode, uid_lo;
	le32_t size_lo, atime, ctime, mtime, dtime;
	le16_t gid_lo, links_count;
	le32_t blocks_lo, flags, version, block[EXT4_NBLOCKS], generation;
	le32_t file_acl_lo, size_hi, obso_faddr;
	le16_t blocks_hi, file_acl_hi, uid_hi, gid_hi, csum_lo, reserved;
	/* within extra_isize: */
	le16_t extra_isize, csum_hi;
	le32_t ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra;
	le32_t version_hi, projid;
};
static_assert(sizeof(struct ext4_dinode) == 160, "inode");

#define FL_COMPR 0x4u
#define FL_SYNC 0x8u
#define FL_IMMUTABLE 0x10u
#define FL_APPEND 0x20u
#define FL_NODUMP 0x40u
#define FL_NOATIME 0x80u
#define FL_INDEX 0x1000u
#define FL_TOPDIR 0x20000u
#define FL_HUGE_FILE 0x40000u
#define FL_EXTENTS 0x80000u
#define FL_VERITY 0x100000u
#define FL_EA_INODE 0x200000u
#define FL_INLINE_DATA 0x10000000u
#define FL_ENCRYPT 0x800u
#define FL_USER_VISIBLE 0x705bdfffu
#define FL_USER_CHANGES (FL_SYNC | FL_IMMUTABLE | FL_APPEND | FL_NODUMP |     \
			 FL_NOATIME | 0x1u | 0x2u | FL_COMPR | 0x10000u |      \
			 FL_TOPDIR)
#define FL_INHERITED (FL_SYNC | FL_NODUMP | FL_NOATIME | 0x10000u)

/* --- extents */
struct ext4_extent_header {
	le16_t magic, entries, max, depth;
	le32_t generation;
};
struct ext4_extent {
	le32_t block;
	le16_t len;		/* above 32768: unwritten, of len - 32768 */
	le16_t start_hi;
	le32_t start_lo;
};
struct ext4_extent_idx {
	le32_t block, leaf_lo;
	le16_t leaf_hi, unused;
};
#define EXTENT_MAGIC 0xf30au
#define EXTENT_MAX_LEN 32768u
#define EXTENT_MAX_UNWRITTEN 32767u
#define EXTENT_MAX_DEPTH 5u
static_assert(sizeof(struct ext4_extent) == 12, "extent");
static_assert(sizeof(struct ext4_extent_idx) == 12, "extent index");

/* --- directories */
struct ext4_dirent {
	le32_t inode;
	le16_t rec_len;
	u8 name_len, type;
	char name[];
};
struct ext4_dir_tail {
	le32_t zero1;
	le16_t rec_len;		/* 12 */
	u8 zero2, type;		/* 0xde */
	le32_t checksum;
};
#define DIR_TAIL_TYPE 0xdeu
struct dx_entry {
	le32_t hash, block;	/* entry 0 holds limit and count for hash */
};
struct dx_countlimit {
	le16_t limit, count;
};
struct dx_root_info {
	le32_t zero;
	u8 hash_version, info_length, levels, unused;
};
struct dx_tail {
	le32_t reserved, checksum;
};
enum { HASH_LEGACY, HASH_HALF_MD4, HASH_TEA, HASH_LEGACY_U, HASH_HALF_MD4_U,
       HASH_TEA_U };

/* --- extended attributes */
struct ext4_xattr_header {
	le32_t magic, refcount, blocks, hash, checksum, reserved[3];
};
struct ext4_xattr_entry {
	u8 name_len, name_index;
	le16_t value_offs;
	le32_t value_inum, value_size, hash;
	char name[];
};
#define XATTR_MAGIC 0xea020000u
static_assert(sizeof(struct ext4_xattr_header) == 32, "xattr header");
static_assert(sizeof(struct ext4_xattr_entry) == 16, "xattr entry");

/* --- orphan file */
struct ext4_orphan_tail {
	le32_t magic, checksum;
};
#define ORPHAN_MAGIC 0x0b10ca04u
