#pragma once
/*
 * The virtual file system: inodes, dentries, superblocks, mounts, open files
 * and the tables that file systems fill in.  docs/vfs.md.
 *
 * Errors are 0/-Exxx, results leave through the last parameter.
 */
#include <fs/types.h>
#include <kernel/mutex.h>
#include <kernel/rcu.h>
#include <kernel/ref.h>
#include <kernel/waitq.h>
#include <lib/list.h>
#include <mm/iter.h>
#include <mm/mapping.h>
#include <task/user_ns.h>

struct block_device;
struct char_device;
struct cred;
struct dentry;
struct file;
struct file_lock_ctx;
struct filesystem;
struct inode;
struct fs_struct;
struct kstatfs;
struct mnt_namespace;
struct mount;
struct path;
struct pid;
struct notify_marks;
struct pipe;
struct poll_table;
struct super_block;
struct user_ns;
struct vma;

/* --- inodes ---------------------------------------------------------------
 * Life: inode_alloc() or the hash give a reference; inode_put() of the last
 * one keeps it cached (LRU) while it has links, else evicts.
 * Locks: inode.lock (a mutex): a directory's entries, a file's size and
 * data writes.  state_lock: state bits, times and lists. */
struct inode {
	struct ref refs;
	u32 mode;		/* lock */
	u32 uid, gid;		/* lock */
	u32 nlink;		/* lock */
	u64 ino;		/* const */
	u32 rdev;		/* const */
	u32 blkbits;
	const struct inode_ops *ops;	/* const */
	const struct file_ops *fops;	/* const */
	struct super_block *sb;		/* const */
	struct mapping data;		/* page cache; data.size is i_size */
	struct mapping *mapping;	/* &data, or a block device's */
	struct mutex lock;
	struct spinlock state_lock;
	u32 state;		/* I_*. state_lock */
	struct timespec64 atime, mtime, ctime, btime; /* state_lock */
	u64 blocks;		/* of 512 bytes. state_lock */
	u32 generation;
	u32 flags;		/* S_* below */
	u64 version;
	struct hlist_node hash_node;	/* sb inode hash lock */
	struct list sb_node;		/* sb->inode_lock */
	struct list dirty_node, lru_node;
	u64 dirtied_ns;
	struct list dentries;	/* aliases. state_lock */
	union {
		struct pipe *pipe;	/* FIFO */
		struct block_device *bdev;
		struct char_device *cdev;
		const char *link;	/* fast symlink target: lives for a
					 * grace period after the inode */
		void *socket;
	};
	int write_count;	/* writers; <0: denied (ETXTBSY). atomic */
	u32 write_hint;		/* F_SET_RW_HINT: told back. atomic */
	struct file_lock_ctx *locks;	/* published once. atomic */
	struct notify_marks *marks;	/* notify_lock */
	void *priv;		/* file system's */
	struct rcu_head rcu;
};

#define I_NEW		1u
#define I_DIRTY_SYNC	2u
#define I_DIRTY_TIME	4u
#define I_DIRTY_PAGES	8u
#define I_DIRTY		(I_DIRTY_SYNC | I_DIRTY_TIME | I_DIRTY_PAGES)
#define I_FREEING	16u
#define I_CLEAR		32u
#define I_SYNC		64u

#define S_IMMUTABLE	1u
#define S_APPEND	2u
#define S_NOATIME	4u
#define S_SYNC		8u
#define S_PRIVATE	16u	/* anonymous inode: no path */
#define S_NOSEC		32u

static inline u64 inode_size(const struct inode *i)
{
	return mapping_size(&i->data);
}
static inline void inode_set_size(struct inode *i, u64 n)
{
	__atomic_store_n(&i->data.size, n, __ATOMIC_RELEASE);
}

/* Any may be NULL: -EPERM or -EOPNOTSUPP as Linux gives, or the default.
 * Directory operations: the directory's lock is held by the caller;
 * permission was checked; names are not "." or "..". */
struct inode_ops {
	/* Fills the (negative) dentry by dentry_attach(dentry, inode or
	 * NULL).  -ENOENT is not an error here: attach NULL, return 0.
	 * 1: the name is another spelling of a child that has a dentry:
	 * d->priv is that dentry, referenced, and serves in place of d. */
	int (*lookup)(struct inode *dir, struct dentry *d);
	int (*create)(struct inode *dir, struct dentry *d, u32 mode);
	int (*link)(struct dentry *old, struct inode *dir, struct dentry *d);
	int (*unlink)(struct inode *dir, struct dentry *d);
	int (*symlink)(struct inode *dir, struct dentry *d, const char *to);
	int (*mkdir)(struct inode *dir, struct dentry *d, u32 mode);
	int (*rmdir)(struct inode *dir, struct dentry *d);
	int (*mknod)(struct inode *dir, struct dentry *d, u32 mode, u32 dev);
	int (*rename)(struct inode *odir, struct dentry *od, struct inode *ndir,
		      struct dentry *nd, unsigned flags);
	int (*tmpfile)(struct inode *dir, struct inode **out, u32 mode);
	/* Target text; *done (may be NULL) with its argument is called after
	 * use.  d may be NULL in lock-free walk: return -ECHILD if sleeping
	 * is needed. */
	int (*get_link)(struct dentry *d, struct inode *i, const char **text,
			void (**done)(void *), void **arg);
	/* Magic links (/proc/PID/fd/N, exe): jumps straight to a path
	 * (referenced). */
	int (*follow)(struct dentry *d, struct inode *i, struct path *out);
	int (*permission)(struct inode *i, unsigned mask); /* else generic */
	/* The inode's lock is held. NULL: generic. */
	int (*setattr)(struct dentry *d, struct iattr *a);
	int (*getattr)(const struct path *p, struct kstat *st, u32 mask,
		       unsigned flags);
	int (*getxattr)(struct inode *i, const char *name, void *buf, size_t n,
			size_t *len);	/* n == 0: only the length */
	int (*setxattr)(struct inode *i, const char *name, const void *v,
			size_t n, int flags);	/* v NULL: remove */
	int (*listxattr)(struct inode *i, char *buf, size_t n, size_t *len);
	int (*update_time)(struct inode *i, unsigned which);
	int (*fiemap)(struct inode *i, u64 start, u64 len, void *ctx);
};

int __must_check inode_alloc(struct super_block *sb, struct inode **out);
static inline struct inode *inode_get(struct inode *i)
{
	ref_get(&i->refs);
	return i;
}
void inode_put(struct inode *i);
/* Looks the number up in sb's hash, or makes a new one: state I_NEW, lock
 * not held; the caller fills it and calls inode_unlock_new() (or
 * inode_fail_new()). Others wait meanwhile. */
int __must_check inode_get_locked(struct super_block *sb, u64 ino,
				  struct inode **out);
void inode_hash_insert(struct inode *i);	/* if it is not hashed yet */
/* Of a number just allocated; -EEXIST: another has it. */
int __must_check inode_hash_fresh(struct inode *i);
/* A hashed one that is in memory, referenced: -ESTALE. */
int __must_check inode_find(struct super_block *sb, u64 ino,
			    struct inode **out);
void inode_unlock_new(struct inode *i);
void inode_fail_new(struct inode *i);
void inode_mark_dirty(struct inode *i, u32 what);
/* New inode in a directory: owner, group (set-gid dir), mode by umask. */
void inode_init_owner(struct inode *i, const struct inode *dir, u32 mode);
/* Device, FIFO, socket nodes: sets fops. */
void inode_init_special(struct inode *i, u32 mode, u32 rdev);
void inode_set_nlink(struct inode *i, u32 n);
void inode_inc_nlink(struct inode *i);
void inode_dec_nlink(struct inode *i);
#define TIME_A 1u
#define TIME_M 2u
#define TIME_C 4u
/* Sets the given times to now (filesystem granularity), marks dirty. */
void inode_touch(struct inode *i, unsigned which);
/* relatime rule and friends. */
void file_accessed(struct file *f);
/* Before a write: drops set-id bits, touches m/ctime. */
int __must_check file_update_for_write(struct file *f);
struct timespec64 time_now(void);	/* CLOCK_REALTIME */
/* Generic helpers for file systems. */
void generic_fillattr(struct inode *i, struct kstat *st);
/* STATX_DIOALIGN of a file on b, or of b itself. */
void kstat_set_dio(struct kstat *st, const struct block_device *b);
/* The owner, or privileged. */
bool inode_owner_or_capable(const struct inode *i);
int __must_check setattr_prepare(struct dentry *d, struct iattr *a);
void setattr_copy(struct inode *i, const struct iattr *a);
int simple_setattr(struct dentry *d, struct iattr *a);
int __must_check inode_permission(struct inode *i, unsigned mask);
/* By mode bits and owner alone: for an operation that asks for more. */
int __must_check inode_permission_generic(struct inode *i, unsigned mask);
/* It is open for writing, is current's, or current could write to it. */
bool file_may_change(const struct file *f);
/* /proc/sys/fs and vm: 0 or 1; how often and after what age dirty inodes are
 * written, how often 0: only when asked. */
extern u32 sysctl_protected_symlinks, sysctl_protected_hardlinks;
extern u64 sysctl_dirty_writeback_ns, sysctl_dirty_expire_ns;
int __must_check inode_newsize_ok(struct inode *i, u64 size);

/* --- dentries -------------------------------------------------------------
 * Walks read them under RCU with their seq; names are immutable between two
 * seq values. */
#define DNAME_INLINE 40
struct dentry {
	/* hot: touched by every walk */
	struct seqcount seq;
	u32 flags;		/* D_*. lock */
	struct hlist_node hash_node;
	struct dentry *parent;	/* rename lock + lock; owns a reference */
	u32 hash, len;
	const char *name;	/* inline_name or external */
	struct inode *inode;	/* NULL: negative. lock; owns a reference */
	char inline_name[DNAME_INLINE];
	struct ref refs;
	struct spinlock lock;
	const struct dentry_ops *ops;
	struct super_block *sb;
	struct list children, sibling;	/* parent->lock */
	struct list alias;	/* inode->dentries */
	struct list lru;
	void *priv;
	struct rcu_head rcu;
};

#define D_MOUNTPOINT	1u	/* something is mounted on it */
#define D_UNHASHED	2u
#define D_LRU		4u
#define D_REVALIDATE	8u	/* ops->revalidate must be asked */
#define D_REFERENCED	16u
#define D_ROOT		32u
#define D_DISCONNECTED	64u
#define D_NOCACHE	128u	/* drop at the last reference */
#define D_SYMLINK	256u
#define D_DIR		512u
#define D_CANT_MOUNT	1024u	/* -ENOENT to who would mount on it */

struct dentry_ops {
	/* 1: still good; 0: drop it and look up again; <0 error.  in_rcu:
	 * may not sleep: -ECHILD. */
	int (*revalidate)(struct dentry *d, bool in_rcu);
	/* Text for /proc/PID/fd of pathless files: "pipe:[123]". */
	size_t (*describe)(struct dentry *d, char *buf, size_t n);
	void (*release)(struct dentry *d);
};

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

void path_get(const struct path *p);
static inline void path_put(const struct path *p);
static inline struct dentry *dentry_get(struct dentry *d)
{
	ref_get(&d->refs);
	return d;
}
void dentry_put_nocache(struct dentry *d);
void dentry_put_last(struct dentry *d);	/* the count is 0 */
static inline void dentry_put(struct dentry *d)
{
	if (unlikely(!d))
		return;
	if (unlikely(READ_ONCE(d->flags) & D_NOCACHE))
		dentry_put_nocache(d);
	else if (unlikely(ref_put(&d->refs)))
		dentry_put_last(d);
}
int __must_check dentry_alloc(struct dentry *parent, const char *name,
			      size_t len, struct dentry **out);
/* A root or pathless one.  The inode's reference moves in, but not on error. */
int __must_check dentry_alloc_root(struct super_block *sb, struct inode *i,
				   struct dentry **out);
/* Gives a negative dentry its inode (the reference moves in), or marks it
 * negative; hashes it if it is not. */
void dentry_attach(struct dentry *d, struct inode *i);
/* Unhashes (the name goes away); users keep it. */
void dentry_drop(struct dentry *d);
/* Turns negative after unlink/rmdir, or unhashes if in use. */
void dentry_delete(struct dentry *d);
/* After a successful rename in the fs. */
void dentry_move(struct dentry *od, struct dentry *nd, bool exchange);
/* Child by name, asking the fs if need be; parent's inode lock held. */
int __must_check dentry_lookup(struct dentry *parent, const char *name,
			       size_t len, struct dentry **out);
static inline bool dentry_is_negative(const struct dentry *d)
{
	return !READ_ONCE(d->inode);
}
u32 name_hash(const char *name, size_t len);

/* Path text of p as seen from the current root into the end of buf; *text
 * points into buf.  Unreachable and deleted are marked as Linux does. */
int __must_check path_format(const struct path *p, char *buf, size_t n,
			     char **text);

/* getcwd: -ENOENT if it was removed. */
int __must_check path_getcwd(char *buf, size_t n, char **text);

/* --- superblocks and file systems ----------------------------------------*/
struct super_ops {
	int (*write_inode)(struct inode *i, bool is_sync);
	/* The last reference of an unlinked inode went, or it leaves the
	 * cache: free what it has. Truncation of data was done if nlink is 0
	 * and the fs calls mapping_truncate itself. */
	void (*evict_inode)(struct inode *i);
	void (*free_inode)(struct inode *i);	/* memory, after RCU */
	/* alloc_inode's cache is SLAB_RCU: free_inode is called at once. */
	bool is_type_stable;
	int (*alloc_inode)(struct super_block *sb, struct inode **out);
	int (*sync_fs)(struct super_block *sb, bool wait);
	int (*statfs)(struct dentry *d, struct kstatfs *st);
	int (*remount)(struct super_block *sb, unsigned *flags, char *opts);
	void (*put_super)(struct super_block *sb);
	/* For file handles (handle.c): the inode of a number that may be from
	 * long ago (-ESTALE), and the number of the directory that one is in.
	 * NULL: there are none. */
	int (*inode_of_number)(struct super_block *sb, u64 ino,
			       struct inode **out);
	int (*parent_number)(struct inode *dir, u64 *ino);
	/* By which the kernel makes and removes nodes (fs/nodes.h) where
	 * users cannot; NULL: the directory's own. */
	const struct inode_ops *node_ops;
	/* Options as /proc/mounts shows them, beginning with a comma. */
	size_t (*show_options)(struct super_block *sb, char *buf, size_t n);
	const char *(*show_devname)(struct super_block *sb);
};

#define SB_RDONLY	1u
#define SB_NOSUID	2u
#define SB_NODEV	4u
#define SB_NOEXEC	8u
#define SB_SYNCHRONOUS	16u
#define SB_DIRSYNC	128u
#define SB_NOATIME	1024u
#define SB_NODIRATIME	2048u
#define SB_ACTIVE	(1u << 30)
#define SB_KERNMOUNT	(1u << 22)
#define SB_NOWRITEBACK	(1u << 23)	/* lives in memory alone */

struct super_block {
	struct ref refs;		/* mounts and users */
	const struct filesystem *fs;	/* const */
	struct user_ns *user_ns;	/* owns a reference. const */
	const struct super_ops *ops;	/* const */
	u32 flags;			/* SB_* */
	u32 dev;			/* const: st_dev */
	u64 magic;
	u32 blocksize, blkbits;
	u64 max_bytes;
	u32 time_gran_ns;
	s64 time_min, time_max;		/* seconds that an inode can hold */
	struct dentry *root;
	struct block_device *bdev;
	char id[32];			/* for messages: "vda" */
	struct rwsem umount_lock;
	struct mutex rename_lock;
	struct spinlock inode_lock;
	struct list inodes;		/* inode_lock */
	struct list dirty;		/* inode_lock */
	struct list node;		/* all superblocks */
	struct list mounts;		/* in any namespace. mount lock */
	void *priv;
	u32 wb_err_seq;
};

struct filesystem {
	const char *name;
	unsigned flags;
#define FS_NODEV	1u		/* needs no device */
#define FS_USERNS_MOUNT	2u
#define FS_SINGLE	4u		/* one instance for all mounts */
#define FS_HIDDEN	8u		/* internal: not listed */
#define FS_SHOWS_SYSTEM	16u		/* proc, sysfs: see namespace.c */
	/* Makes or finds a superblock (one reference) for device text `dev`
	 * and options. */
	int (*mount)(const struct filesystem *fs, unsigned flags,
		     const char *dev, char *opts, struct super_block **out);
	void (*kill)(struct super_block *sb);	/* after the last mount */
	/* Whose a mount by current is, and where it needs CAP_SYS_ADMIN.
	 * NULL: its own namespace with FS_USERNS_MOUNT, else the first. */
	struct user_ns *(*user_ns)(void);
};
/* Registers at INIT_FS. */
#define FILESYSTEM(sym)                                                        \
	static const struct filesystem *const __used                           \
		__section(".fs_table") filesystem_##sym = &(sym)
const struct filesystem *filesystem_find(const char *name);
const struct filesystem *filesystem_nth(unsigned i);

/* New superblock with an anonymous device number. */
int __must_check super_alloc_nodev(const struct filesystem *fs, unsigned flags,
				   struct super_block **out);
void super_put(struct super_block *sb);
/* A new superblock and fill(); for simple file systems.  What has no device is
 * not written back; a device is opened exclusively, and one that is mounted
 * already is shared. */
int __must_check mount_nodev(const struct filesystem *fs, unsigned flags,
			     char *opts,
			     int (*fill)(struct super_block *, char *opts),
			     struct super_block **out);
int __must_check mount_bdev(const struct filesystem *fs, unsigned flags,
			    const char *dev, char *opts,
			    int (*fill)(struct super_block *, char *opts),
			    struct super_block **out);
void kill_super_anon(struct super_block *sb);
void kill_super_bdev(struct super_block *sb);
static inline bool sb_is_readonly(const struct super_block *sb)
{
	return READ_ONCE(sb->flags) & SB_RDONLY;
}
void sync_all(bool wait);
int __must_check sync_super(struct super_block *sb);
/* Writes an inode's pages and metadata; waits. */
int __must_check inode_sync(struct inode *i, bool data_only);

/* --- open files -----------------------------------------------------------*/
struct dir_ctx {
	/* False: buffer full, stop. */
	bool (*emit)(struct dir_ctx *c, const char *name, size_t len, u64 pos,
		     u64 ino, unsigned type);
	u64 pos;
};
/* Emits "." and ".." at positions 0 and 1. */
bool dir_emit_dots(struct file *f, struct dir_ctx *c);

struct file_ops {
	/* Bytes or -Exxx; advance *pos. The one pair for all data calls.
	 * -EAGAIN if flags has IOCB_NOWAIT and it would block. */
	ssize_t (*read_iter)(struct file *f, struct iter *it, u64 *pos,
			     unsigned flags);
	ssize_t (*write_iter)(struct file *f, struct iter *it, u64 *pos,
			      unsigned flags);
	int (*llseek)(struct file *f, s64 off, int whence, s64 *out);
	int (*iterate)(struct file *f, struct dir_ctx *c); /* dir lock held */
	/* Ready events now; if pt, also queues on the wait queues by
	 * poll_wait().  NULL: always readable and writable. */
	u32 (*poll)(struct file *f, struct poll_table *pt);
	long (*ioctl)(struct file *f, unsigned cmd, unsigned long arg);
	int (*mmap)(struct file *f, struct vma *v);
	int (*open)(struct inode *i, struct file *f);
	int (*flush)(struct file *f);		/* each close */
	void (*release)(struct file *f);	/* last close */
	int (*fsync)(struct file *f, u64 start, u64 end, bool data_only);
	/* O_ASYNC comes or goes; fd < 0: not known. */
	int (*fasync)(struct file *f, int fd, bool on);
	int (*fallocate)(struct file *f, int mode, u64 off, u64 len);
	int (*lock)(struct file *f, int cmd, void *flock);
	size_t (*show_fdinfo)(struct file *f, char *buf, size_t n);
	/* What splice() reads with, where that is not read_iter. */
	ssize_t (*splice_read)(struct file *f, struct iter *it, u64 *pos,
			       unsigned flags);
	u32 nowait;	/* FMODE_READ, _WRITE: that one knows IOCB_NOWAIT */
	bool no_splice;		/* events, not bytes: read and write only */
};
#define IOCB_NOWAIT 1u
#define IOCB_APPEND 2u
#define IOCB_DIRECT 4u
#define IOCB_DSYNC 8u
#define IOCB_SYNC 16u

#define FMODE_READ	1u
#define FMODE_WRITE	2u
#define FMODE_LSEEK	4u
#define FMODE_PREAD	8u
#define FMODE_EXEC	32u
#define FMODE_PATH	64u
#define FMODE_STREAM	128u	/* no position */
#define FMODE_ATOMIC_POS 256u	/* regular, directory: pos_lock */
#define FMODE_WRITER	512u	/* holds inode write access */
#define FMODE_NOACCOUNT 1024u
#define FMODE_CREATED	4096u	/* the open call made the file */
#define FMODE_UNMOUNT	8192u	/* owns the mount that it is (mount_api) */
#define FMODE_EXCL	16384u	/* O_EXCL: of a block device, nobody else */

struct file {
	struct ref refs;
	u32 mode;			/* FMODE_*. const after open */
	u32 flags;			/* O_*. lock */
	const struct file_ops *ops;	/* const after open */
	struct inode *inode;		/* const; by path */
	struct mapping *mapping;	/* const */
	u64 pos;			/* pos_lock if ATOMIC_POS */
	void *priv;
	struct path path;		/* const; owns references */
	struct spinlock lock;
	struct mutex pos_lock;
	const struct cred *cred;	/* opener; owns a reference */
	struct readahead ra;
	struct list epitems;		/* epoll; fs/eventpoll */
	struct {
		struct pid *pid;
		int type, sig;
		u32 uid, euid;
	} owner;			/* F_SETOWN */
	u32 wb_err_seq;
	u32 priv_seq;			/* the driver's, beside priv */
	struct rcu_head rcu;
};

static inline struct file *file_get(struct file *f)
{
	ref_get(&f->refs);
	return f;
}
void file_put(struct file *f);
/* Sends the owner SIGIO, or what F_SETSIG said; fd, code and band are the
 * siginfo's.  Any context. */
void file_signal_owner(struct file *f, int fd, int code, int band);
/* The current process becomes the owner if the file has none. */
int __must_check file_own(struct file *f);
/* The O_ASYNC files of an object, which has a pointer to the first.  set: the
 * fasync operation.  notify: something happened, POLL_IN to those that read,
 * POLL_OUT to those that write, POLL_HUP to all. */
struct fasync;
int __must_check fasync_set(struct fasync **list, struct file *f, int fd,
			    bool on);
void fasync_send(struct fasync **list, int code);
static inline void fasync_notify(struct fasync **list, int code)
{
	if (unlikely(READ_ONCE(*list)))
		fasync_send(list, code);
}
/* F_SETOWN and its kin. */
long file_fcntl(struct file *f, unsigned fd, unsigned cmd, unsigned long arg);
/* Makes an open file of a path (references are taken). */
int __must_check file_open_path(const struct path *p, unsigned flags,
				struct file **out);
/* Opens by name from the kernel, as root (init, firmware, swap). */
int __must_check file_open(const char *name, unsigned flags, u32 mode,
			   struct file **out);
/* A file without a path, e.g. "[eventfd]". */
int __must_check file_anon(const char *name, const struct file_ops *ops,
			   void *priv, unsigned flags, struct file **out);
/* A fresh inode of the anonymous fs too (pipes, sockets): describe gives
 * "pipe:[ino]". */
int __must_check file_pseudo(const char *kind, const struct file_ops *ops,
			     u32 mode, void *priv, unsigned flags,
			     struct file **out);
ssize_t file_read_kernel(struct file *f, void *buf, size_t n, u64 *pos);
ssize_t file_write_kernel(struct file *f, const void *buf, size_t n, u64 *pos);

/* The IOCB_* that the file's own flags ask for. */
static inline unsigned file_iocb_flags(const struct file *f)
{
	unsigned o = f->flags, io = 0;

	if (likely(!(o & (O_APPEND | O_DIRECT | O_DSYNC | __O_SYNC))))
		return 0;
	if (o & O_APPEND)
		io |= IOCB_APPEND;
	if (o & O_DIRECT)
		io |= IOCB_DIRECT;
	if (o & O_DSYNC)
		io |= IOCB_DSYNC;
	if (o & __O_SYNC)
		io |= IOCB_SYNC;
	return io;
}
/* The same with what preadv2(2) asks for, RWF_*. */
int __must_check file_rwf_to_iocb(const struct file *f, unsigned rwf,
				  bool is_write, unsigned *iocb);
/* F_SETFL, O_ASYNC. */
int __must_check file_set_flags(struct file *f, int fd, unsigned flags);
/* Bytes moved, or -Exxx; positions move with them. NULL: the file's own. */
ssize_t vfs_sendfile(struct file *out, struct file *in, u64 *pos, size_t n);
ssize_t vfs_copy_file_range(struct file *in, u64 *ipos, struct file *out,
			    u64 *opos, size_t n);
ssize_t vfs_splice(struct file *in, u64 *ipos, struct file *out, u64 *opos,
		   size_t n, unsigned flags);
ssize_t vfs_tee(struct file *in, struct file *out, size_t n, unsigned flags);
/* f is a pipe's end; which one tells the direction. */
ssize_t vfs_vmsplice(struct file *f, struct iter *it, unsigned flags);
int __must_check vfs_statfs(const struct path *p, struct kstatfs *st);
int __must_check vfs_statfs_sb(struct dentry *d, struct kstatfs *st);
int __must_check vfs_setxattr(const struct path *p, const char *name,
			      const void *v, size_t n, int flags);
int __must_check vfs_getxattr(const struct path *p, const char *name,
			      void *buf, size_t n, size_t *len);
int __must_check vfs_listxattr(const struct path *p, char *buf, size_t n,
			       size_t *len);

/* Generic operations. */
ssize_t generic_read_iter(struct file *, struct iter *, u64 *, unsigned);
ssize_t generic_write_iter(struct file *, struct iter *, u64 *, unsigned);
int generic_llseek(struct file *, s64, int, s64 *);
int no_llseek(struct file *, s64, int, s64 *);		/* -ESPIPE */
int noop_llseek(struct file *, s64, int, s64 *);
int generic_file_mmap(struct file *, struct vma *);
void file_vma_open(struct vma *v);
void file_vma_close(struct vma *v);
extern const struct vma_ops generic_file_vm_ops;

/* fsync of bytes [start, end]; also reports earlier write-back errors. */
int __must_check vfs_fsync_range(struct file *f, u64 start, u64 end,
				 bool data_only);
int __must_check file_check_write_error(struct file *f);
int __must_check vfs_iterate(struct file *f, struct dir_ctx *c);
/* Records for getdents64 into a kernel buffer; bytes or -Exxx. */
ssize_t vfs_getdents64(struct file *f, void *buf, size_t size);

/* exec's claim against writers, and the other way round. */
int __must_check inode_deny_write(struct inode *i);	/* -ETXTBSY */
void inode_allow_write(struct inode *i);
int __must_check inode_get_write(struct inode *i);
void inode_put_write(struct inode *i);

/* --- poll ------------------------------------------------------------------*/
struct poll_table {
	/* Called by poll_wait for each queue the file has. */
	void (*queue)(struct poll_table *pt, struct file *f, struct waitq *q);
	u32 key;
};
static inline void poll_wait(struct file *f, struct waitq *q,
			     struct poll_table *pt)
{
	if (pt && pt->queue)
		pt->queue(pt, f, q);
}
static inline u32 file_poll(struct file *f, struct poll_table *pt)
{
	if (!f->ops->poll)
		return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
	return f->ops->poll(f, pt);
}

/* --- mounts ----------------------------------------------------------------*/
#define MNT_NOSUID	1u
#define MNT_NODEV	2u
#define MNT_NOEXEC	4u
#define MNT_NOATIME	8u
#define MNT_NODIRATIME	16u
#define MNT_RELATIME	32u
#define MNT_READONLY	64u
#define MNT_NOSYMFOLLOW	128u
/* What a less privileged namespace may not undo, in `locks`. */
#define MNT_LOCKED	256u	/* cannot be taken away alone */
#define MNT_LOCK_ATIME	512u

struct mount {
	struct ref refs;
	u32 flags;			/* MNT_* */
	u32 locks;			/* MNT_* that must stay. mount lock */
	u32 old_flags;			/* while a tree's change. mount_mutex */
	struct super_block *sb;		/* owns a reference */
	struct dentry *root;		/* owns a reference */
	struct mount *parent;		/* mount lock */
	struct dentry *mountpoint;	/* mount lock; owns a reference */
	struct hlist_node hash_node;	/* (parent, mountpoint). RCU */
	struct list children, child;	/* mount lock */
	struct list ns_node;		/* all of a namespace. mount lock */
	struct mnt_namespace *ns;
	struct list all_node;		/* every mount. mount lock */
	struct list sb_node;		/* sb.mounts. mount lock */
	int id;
	int peer_group;			/* shared with; 0: with none */
	int master_group;		/* receives from; 0: from none */
	u32 propagation;
	struct mount *master_hint;	/* what a tree copy was made of */
	char *devname;
	int writers;			/* atomic */
	bool is_floating;		/* a file owns it. mount_mutex */
	u32 is_expired;			/* by MNT_EXPIRE, unused since. atomic */
	struct rcu_head rcu;
};

struct mnt_namespace {
	struct ref refs;
	struct mount *root;
	struct list mounts;		/* mount lock */
	u64 seq;			/* grows at each change */
	struct waitq poll;		/* /proc/mounts pollers */
	u64 id;
	struct ns_owner owner;
};
extern struct mnt_namespace *init_mnt_ns;
static inline bool mnt_is_readonly(const struct mount *m)
{
	return (READ_ONCE(m->flags) & MNT_READONLY) || sb_is_readonly(m->sb);
}
void mount_put_last(struct mount *m);	/* the count is 0 */
static inline void path_put(const struct path *p)
{
	dentry_put(p->dentry);
	if (unlikely(ref_put(&p->mnt->refs)))
		mount_put_last(p->mnt);
}
/* A write access to the mount: -EROFS. Pair. */
int __must_check mnt_want_write(struct mount *m);
void mnt_drop_write(struct mount *m);
int __must_check do_mount(const char *dev, const char *dir, const char *type,
			  unsigned long flags, char *opts);
int __must_check do_umount(const char *dir, unsigned flags);
int __must_check do_pivot_root(const char *new_root, const char *put_old);
/* A private kernel mount of a file system. */
int __must_check kern_mount(const char *fstype, char *opts, struct mount **out);
int __must_check mnt_ns_copy(struct mnt_namespace *from, struct user_ns *user,
			     struct fs_struct *fs, struct mnt_namespace **out);
/* Is current's root not the root of its mount namespace? */
bool current_is_chrooted(void);
/* The mount is current's, and so is who vouches for its set-id bits. */
bool mnt_may_suid(const struct mount *m);
void mnt_ns_put(struct mnt_namespace *ns);
/* Root and working directory become the namespace's root. */
void mnt_ns_enter(struct mnt_namespace *ns, struct fs_struct *fs);
/* rootfs and the first namespace; then the real root is mounted on it. */
void mount_init_rootfs(void);
/* Begins to unpack the initramfs into rootfs, in a task of its own. */
void initramfs_begin(void);
/* Waits for the initramfs; then mounts root= as told.  True: the initramfs has
 * an init (rdinit) and stays the root. */
bool mount_root(void);
/* Texts of /proc/PID/{mounts,mountinfo,mountstats}. */
size_t mount_show(struct mount *m, int form, char *buf, size_t n);
/* Calls fn for each mount, in order, with the mount lock held; stops at an
 * error and returns it. */
int __must_check mnt_ns_for_each(struct mnt_namespace *ns,
				 int (*fn)(struct mount *m, void *arg),
				 void *arg);

/* --- name look-up ------------------------------------------------------------*/
#define LOOKUP_FOLLOW	 1u	/* follow a last symlink */
#define LOOKUP_DIRECTORY 2u
#define LOOKUP_EMPTY	 4u	/* "" is the start itself */
#define LOOKUP_PARENT	 8u
#define LOOKUP_NO_XDEV	 16u
#define LOOKUP_BENEATH	 32u
#define LOOKUP_IN_ROOT	 64u
#define LOOKUP_NO_SYMLINKS 128u
#define LOOKUP_NO_MAGIC	 256u
#define LOOKUP_RCU	 512u	/* internal */
#define LOOKUP_AUTOMOUNT 1024u
#define LOOKUP_NO_USE	 0x10000u	/* crossing a mount is no use of it */

/* A path name copied from user space: here if short, else in a pooled buffer.
 * Not to be moved. */
struct filename {
	char *name;
	size_t len;
	char small[120] __aligned(8);
};
int __must_check filename_get(const char __user *u, unsigned flags,
			      struct filename *fn);
void filename_put(struct filename *fn);
/* A buffer of PATH_MAX bytes from the same pool, or NULL. */
char *filename_buffer(void);
void filename_buffer_put(char *buf);
/* stat and access by name. */
int __must_check path_getattr(int dfd, const char *name, unsigned lookup,
			      struct kstat *st, u32 mask);
int __must_check do_access(int dfd, const char __user *name, int mode,
			   int at_flags);
/* The path (referenced) of a name relative to a descriptor. */
int __must_check path_lookup_user(int dfd, const char __user *name,
				  unsigned flags, struct path *out);
int __must_check path_lookup(int dfd, const char *name, unsigned flags,
			     struct path *out);
/* The parent (referenced, its inode locked with RANK_INODE_DIR) and the last
 * component's dentry (referenced), for create calls.  -EEXIST if it exists. */
int __must_check path_create(int dfd, const char *name, unsigned flags,
			     struct path *parent, struct dentry **d);
void path_create_done(struct path *parent, struct dentry *d);
/* What open(2) looks at; it does not mind other bits. */
#define VALID_OPEN_FLAGS                                                       \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |        \
	 O_NONBLOCK | O_SYNC | O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE |     \
	 O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |           \
	 __O_TMPFILE)
int __must_check do_open(int dfd, const char *name, unsigned flags, u32 mode,
			 unsigned lookup, struct file **out);
/* What a path leads to, as open(2) does it by name. */
int __must_check do_open_path(const struct path *p, unsigned flags,
			      struct file **out);

/* The operations behind the system calls (permission checks included).
 * vfs_unlink and vfs_rmdir: the directory's lock is held, as path_create()
 * leaves it. */
int __must_check do_unlink(int dfd, const char *name);
int __must_check do_rmdir(int dfd, const char *name);
int __must_check do_rename(int odfd, const char *from, int ndfd,
			   const char *to, unsigned flags);
int __must_check vfs_link(const struct path *old, const struct path *dir,
			  struct dentry *d);
int __must_check vfs_unlink(const struct path *dir, struct dentry *d);
int __must_check vfs_rmdir(const struct path *dir, struct dentry *d);
int __must_check vfs_mkdir(const struct path *dir, struct dentry *d, u32 mode);
int __must_check vfs_mknod(const struct path *dir, struct dentry *d, u32 mode,
			   u32 dev);
int __must_check vfs_symlink(const struct path *dir, struct dentry *d,
			     const char *to);
int __must_check vfs_getattr(const struct path *p, struct kstat *st, u32 mask,
			     unsigned flags);
int __must_check vfs_setattr(const struct path *p, struct iattr *a);
int __must_check vfs_truncate(const struct path *p, u64 size);
int __must_check vfs_ftruncate(struct file *f, u64 size);
int __must_check vfs_fallocate(struct file *f, int mode, u64 off, u64 len);
int __must_check vfs_readlink(const struct path *p, char *buf, size_t n,
			      size_t *len);
ssize_t vfs_read(struct file *f, struct iter *it, u64 *pos, unsigned flags);
ssize_t vfs_write(struct file *f, struct iter *it, u64 *pos, unsigned flags);
#define FS_IOC_FIEMAP 0xc020660bu	/* where the data is on the device */
long vfs_ioctl(struct file *f, unsigned cmd, unsigned long arg);

/* --- per-process objects ------------------------------------------------------*/
struct fs_struct;
extern struct fs_struct init_fs;	/* of the boot task and kernel tasks */
struct fs_struct {
	struct ref refs;
	struct spinlock lock;
	struct seqcount seq;
	u32 umask;
	struct path root, pwd;
};
int __must_check fs_struct_copy(struct fs_struct *from, struct fs_struct **out);
/* Of a task, referenced, or NULL. */
struct fs_struct *fs_struct_of(struct task *t);
void fs_struct_put(struct fs_struct *fs);
void fs_set_pwd(struct fs_struct *fs, const struct path *p);
void fs_set_root(struct fs_struct *fs, const struct path *p);
/* Referenced copies. */
void fs_get_root(struct fs_struct *fs, struct path *p);
void fs_get_pwd(struct fs_struct *fs, struct path *p);

/* Notifications (inotify); cheap when nobody watches. */
void fsnotify_dentry(struct dentry *d, u32 mask);
void fsnotify_file(struct file *f, u32 mask);
extern int notify_watchers;
/* After a rename: d has its new name; the old one was in from. */
extern void (*fsnotify_move_hook)(struct dentry *from, struct dentry *to,
				  const char *old_name, size_t old_len,
				  struct dentry *d);
