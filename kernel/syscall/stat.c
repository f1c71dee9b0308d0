/* The system calls of the stat family. */
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <fs/mount_api.h>
#include <kernel/rcu.h>
#include <lib/string.h>
#include <syscall_prototypes.h>
#include <task/cred.h>

struct stat_user {			/* struct stat of riscv64 */
	u64 dev, ino;
	u32 mode, nlink, uid, gid;
	u64 rdev, _pad1;
	s64 size;
	s32 blksize, _pad2;
	s64 blocks;
	s64 atime;
	u64 atime_nsec;
	s64 mtime;
	u64 mtime_nsec;
	s64 ctime;
	u64 ctime_nsec;
	u32 _unused[2];
};
static_assert(sizeof(struct stat_user) == 128, "struct stat");

struct statx_time {
	s64 sec;
	u32 nsec;
	s32 _pad;
};
struct statx_user {
	u32 mask, blksize;
	u64 attributes;
	u32 nlink, uid, gid;
	u16 mode, _pad0;
	u64 ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	u32 rdev_major, rdev_minor, dev_major, dev_minor;
	u64 mnt_id;
	u32 dio_mem_align, dio_offset_align;
	u64 _spare[12];
};
static_assert(sizeof(struct statx_user) == 256, "struct statx");

static __always_inline int stat_to_user(const struct kstat *st, struct stat_user __user *u)
{
	struct stat_user s = {
		.dev = dev_encode((u32)st->dev),
		.ino = st->ino,
		.mode = st->mode,
		.nlink = st->nlink,
		.uid = from_kuid_munged(current_user_ns(), st->uid),
		.gid = from_kgid_munged(current_user_ns(), st->gid),
		.rdev = dev_encode(st->rdev),
		.size = (s64)st->size,
		.blksize = (s32)st->blksize,
		.blocks = (s64)st->blocks,
		.atime = st->atime.sec,
		.atime_nsec = (u64)st->atime.nsec,
		.mtime = st->mtime.sec,
		.mtime_nsec = (u64)st->mtime.nsec,
		.ctime = st->ctime.sec,
		.ctime_nsec = (u64)st->ctime.nsec,
	};

	return copy_to_user(u, &s, sizeof(s));
}

static int stat_fd(int fd, struct kstat *st, u32 mask)
{
	struct fd f = fd_find_raw(fd);
	int err;

	if (unlikely(!f.file))
		return -EBADF;
	err = vfs_getattr(&f.file->path, st, mask, 0);
	fd_release(f);
	return err;
}

static __always_inline int stat_name(int dfd, const char __user *name, unsigned at,
		     struct kstat *st, u32 mask)
{
	unsigned lookup = at & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct filename fn;
	int err;

	if (at & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = filename_get(name, lookup, &fn);
	if (unlikely(err))
		return err;
	if (unlikely(!fn.len && dfd >= 0))
		err = stat_fd(dfd, st, mask);
	else
		err = path_getattr(dfd, fn.name, lookup, st, mask);
	filename_put(&fn);
	return err;
}

/* Where the file system has no say, straight from the inode. */
static __always_inline int stat_inode(const struct inode *i,
				      struct stat_user __user *u)
{
	struct stat_user s;

	s.dev = dev_encode(i->sb->dev);
	s.ino = i->ino;
	s.mode = i->mode;
	s.nlink = i->nlink;
	s.uid = from_kuid_munged(current_user_ns(), i->uid);
	s.gid = from_kgid_munged(current_user_ns(), i->gid);
	s.rdev = dev_encode(i->rdev);
	s._pad1 = 0;
	s.size = (s64)inode_size(i);
	s.blksize = 1 << i->blkbits;
	s._pad2 = 0;
	s.blocks = (s64)i->blocks;
	s.atime = i->atime.sec;
	s.atime_nsec = (u64)i->atime.nsec;
	s.mtime = i->mtime.sec;
	s.mtime_nsec = (u64)i->mtime.nsec;
	s.ctime = i->ctime.sec;
	s.ctime_nsec = (u64)i->ctime.nsec;
	s._unused[0] = s._unused[1] = 0;
	return copy_to_user(u, &s, sizeof(s));
}

static __always_inline long do_fstat(int fd, struct stat_user __user *u)
{
	struct fd f = fd_find_raw(fd);
	struct kstat st;
	int err;

	if (unlikely(!f.file))
		return -EBADF;
	if (likely(!f.file->inode->ops->getattr)) {
		err = stat_inode(f.file->inode, u);
	} else {
		err = vfs_getattr(&f.file->path, &st, STATX_BASIC_STATS, 0);
		if (!err)
			err = stat_to_user(&st, u);
	}
	fd_release(f);
	return err;
}

/* With AT_EMPTY_PATH: "" or, since Linux 6.11, NULL. */
static __always_inline bool is_empty_name(const char __user *name)
{
	char c;

	return !name || (!get_user(c, name) && !c);
}

__hot long sys_newfstatat(int dfd, const char __user *name,
			  struct stat_user __user *u, int flags)
{
	struct kstat st;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	/* What the C library makes of fstat(). */
	if ((flags & AT_EMPTY_PATH) && dfd >= 0 && is_empty_name(name))
		return do_fstat(dfd, u);
	err = stat_name(dfd, name, (unsigned)flags, &st, STATX_BASIC_STATS);
	return err ? err : stat_to_user(&st, u);
}

__hot long sys_fstat(int fd, struct stat_user __user *u)
{
	return do_fstat(fd, u);
}

/* --- statx --------------------------------------------------------------------*/
static struct statx_time time_of(const struct timespec64 *t)
{
	return (struct statx_time){ .sec = t->sec, .nsec = (u32)t->nsec };
}

static int statx_to_user(const struct kstat *st, struct statx_user __user *u)
{
	struct statx_user s = {
		.mask = st->result_mask,
		.blksize = st->blksize,
		.attributes = st->attributes,
		.nlink = st->nlink,
		.uid = from_kuid_munged(current_user_ns(), st->uid),
		.gid = from_kgid_munged(current_user_ns(), st->gid),
		.mode = (u16)st->mode,
		.ino = st->ino,
		.size = st->size,
		.blocks = st->blocks,
		.attributes_mask = st->attributes_mask,
		.atime = time_of(&st->atime),
		.btime = time_of(&st->btime),
		.ctime = time_of(&st->ctime),
		.mtime = time_of(&st->mtime),
		.rdev_major = MAJOR(st->rdev),
		.rdev_minor = MINOR(st->rdev),
		.dev_major = MAJOR(st->dev),
		.dev_minor = MINOR(st->dev),
		.mnt_id = st->mnt_id,
	};

	if (st->result_mask & STATX_DIOALIGN) {
		s.dio_mem_align = st->dio_mem_align;
		s.dio_offset_align = st->dio_offset_align;
	}
	return copy_to_user(u, &s, sizeof(s));
}

#define AT_STATX_SYNC_TYPE 0x6000

long sys_statx(int dfd, const char __user *name, unsigned flags, unsigned mask,
	       struct statx_user __user *u)
{
	struct kstat st;
	int err;

	if (mask & 0x80000000u)
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
		       AT_STATX_SYNC_TYPE)))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && dfd >= 0 && is_empty_name(name))
		err = stat_fd(dfd, &st, mask);
	else
		err = stat_name(dfd, name, flags, &st, mask);
	if (!err && (mask & STATX_MNT_ID_UNIQUE)) {
		st.mnt_id += MNT_UNIQUE_OFFSET;
		st.result_mask ^= STATX_MNT_ID | STATX_MNT_ID_UNIQUE;
	}
	return err ? err : statx_to_user(&st, u);
}

/* --- statfs -------------------------------------------------------------------*/
struct statfs_user {
	s64 type, bsize;
	u64 blocks, bfree, bavail, files, ffree;
	s32 fsid[2];
	s64 namelen, frsize, flags, _spare[4];
};
static_assert(sizeof(struct statfs_user) == 120, "struct statfs");

static int statfs_to_user(const struct path *p, struct statfs_user __user *u)
{
	struct statfs_user s;
	struct kstatfs k;
	int err = vfs_statfs(p, &k);

	if (err)
		return err;
	s = (struct statfs_user){
		.type = (s64)k.type, .bsize = (s64)k.bsize,
		.blocks = k.blocks, .bfree = k.bfree, .bavail = k.bavail,
		.files = k.files, .ffree = k.ffree,
		.fsid = { (s32)k.fsid, (s32)(k.fsid >> 32) },
		.namelen = (s64)k.namelen, .frsize = (s64)k.frsize,
		.flags = (s64)k.flags,
	};
	return copy_to_user(u, &s, sizeof(s));
}

long sys_statfs(const char __user *name, struct statfs_user __user *u)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = statfs_to_user(&p, u);
	path_put(&p);
	return err;
}

long sys_fstatfs(int fd, struct statfs_user __user *u)
{
	struct fd f = fd_find_raw(fd);
	int err;

	if (!f.file)
		return -EBADF;
	err = statfs_to_user(&f.file->path, u);
	fd_release(f);
	return err;
}

/* --- access ---------------------------------------------------------------------*/
long sys_faccessat(int dfd, const char __user *name, int mode)
{
	return do_access(dfd, name, mode, 0);
}

long sys_faccessat2(int dfd, const char __user *name, int mode, int flags)
{
	return do_access(dfd, name, mode, flags);
}

static long readlink_path(const struct path *p, char __user *buf, int size)
{
	char text[512], *t = text;
	size_t len;
	int err;

	if (size > (int)sizeof(text)) {
		t = filename_buffer();
		if (!t)
			return -ENOMEM;
	}
	err = vfs_readlink(p, t, min((size_t)size, (size_t)(
				t == text ? sizeof(text) : PATH_MAX)), &len);
	if (!err)
		err = copy_to_user(buf, t, len);
	if (t != text)
		filename_buffer_put(t);
	return err ? err : (long)len;
}

long sys_readlinkat(int dfd, const char __user *name, char __user *buf,
		    int size)
{
	struct path p;
	long n;

	if (size <= 0)
		return -EINVAL;
	n = path_lookup_user(dfd, name, LOOKUP_EMPTY, &p);
	if (n)
		return n;
	n = readlink_path(&p, buf, size);
	if (n == -EINVAL && !S_ISLNK(p.dentry->inode->mode) &&
	    is_empty_name(name))
		n = -ENOENT;
	path_put(&p);
	return n;
}
