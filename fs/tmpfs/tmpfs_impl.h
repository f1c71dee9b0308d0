#pragma once
/* What the files of tmpfs share. */
#include <fs/vfs.h>
#include <lib/rbtree.h>

struct tmpfs_sb {
	struct spinlock lock;
	u64 max_pages, max_inodes;	/* 0: no limit. lock */
	u64 pages, inodes;		/* in use. atomic */
	u64 xattr_bytes;		/* of ordinary users. lock */
	u32 mode, uid, gid;
};

/* What inode->priv of every kind begins with, if there is one. */
struct tmpfs_node {
	struct tmpfs_xattr *xattrs;	/* by name. tmpfs_sb.lock */
	u32 flags;			/* chattr's. inode lock */
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
	struct tmpfs_node node;
	struct rb_root by_name, by_pos;
	u64 next_pos;
	u64 parent;		/* the number of the one it is in */
};

/* Of regular files. */
struct tmpfs_file {
	struct tmpfs_node node;
	u32 seals;		/* inode lock */
	u64 promised;		/* pages, of vm_commit(). const */
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
int tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t n,
		   size_t *len);
int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n,
		   int flags);
int tmpfs_listxattr(struct inode *i, char *buf, size_t n, size_t *len);
void tmpfs_xattrs_free(struct inode *i);
#define TMPFS_XATTR_OPS                                                        \
	.getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr,                \
	.listxattr = tmpfs_listxattr
/* Of a new inode in dir, whose kind is set. */
void tmpfs_flags_inherit(struct inode *i, const struct inode *dir);
long tmpfs_ioctl(struct file *f, unsigned cmd, unsigned long arg);
int tmpfs_fsync(struct file *f, u64 start, u64 end, bool data_only);
void tmpfs_link_free(struct inode *i);
void tmpfs_empty(struct inode *i);
int tmpfs_parent_number(struct inode *dir, u64 *ino);
int tmpfs_inode_new(struct super_block *sb, const struct inode *dir, u32 mode,
		    u32 dev, struct inode **out);
