#pragma once
/* What the files of tmpfs share. */
#include <fs/vfs.h>
#include <lib/rbtree.h>

struct tmpfs_sb {
	struct spinlock lock;
	u64 max_pages, max_inodes;	/* 0: no limit. lock */
	u64 pages, inodes;		/* in use. atomic */
	u32 mode, uid, gid;
	struct list xattrs;		/* of all inodes. lock */
};

/* An entry of a directory: owns a reference to its inode. */
struct tmpfs_entry {
	struct rb_node by_name, by_pos;	/* the directory's inode lock */
	struct inode *inode;
	u64 pos;			/* for readdir; only grows */
	u32 hash, len;
	char name[];
};

struct tmpfs_dir {
	struct rb_root by_name, by_pos;
	u64 next_pos;
};

/* Of regular files. */
struct tmpfs_file {
	u32 seals;		/* inode lock */
};

#define F_SEAL_SEAL 1u
#define F_SEAL_SHRINK 2u
#define F_SEAL_GROW 4u
#define F_SEAL_WRITE 8u
#define F_SEAL_FUTURE_WRITE 16u
#define F_SEAL_EXEC 32u

extern const struct mapping_ops tmpfs_mapping_ops;
extern const struct file_ops tmpfs_file_ops;
extern const struct inode_ops tmpfs_file_inode_ops;
/* In inode.flags: it has, or had, some. */
#define S_TMPFS_XATTRS (1u << 31)
#define XATTR_CREATE 1
#define XATTR_REPLACE 2
int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n,
		   int flags);
int tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t n,
		   size_t *len);
int tmpfs_listxattr(struct inode *i, char *buf, size_t n, size_t *len);
void tmpfs_xattrs_free(struct inode *i);
#define TMPFS_XATTR_OPS                                                        \
	.setxattr = tmpfs_setxattr, .getxattr = tmpfs_getxattr,                \
	.listxattr = tmpfs_listxattr
void tmpfs_link_free(struct inode *i);
void tmpfs_empty(struct inode *i);
int tmpfs_inode_new(struct super_block *sb, const struct inode *dir, u32 mode,
		    u32 dev, struct inode **out);
