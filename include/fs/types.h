#pragma once
/* Small types of the file interface, Linux's numbers. */
#include <lib/types.h>
#include <lib/compiler.h>
#include <time/clock.h>

#define S_IFMT	 0170000
#define S_IFSOCK 0140000
#define S_IFLNK	 0120000
#define S_IFREG	 0100000
#define S_IFBLK	 0060000
#define S_IFDIR	 0040000
#define S_IFCHR	 0020000
#define S_IFIFO	 0010000
#define S_ISUID	 0004000
#define S_ISGID	 0002000
#define S_ISVTX	 0001000
#define S_IRWXUGO 0777
#define S_ISLNK(m)  (((m) & S_IFMT) == S_IFLNK)
#define S_ISREG(m)  (((m) & S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m) & S_IFMT) == S_IFDIR)
#define S_ISCHR(m)  (((m) & S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m) & S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m) & S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m) & S_IFMT) == S_IFSOCK)

/* open flags (riscv64 uses the generic numbers) */
#define O_ACCMODE	00000003
#define O_RDONLY	00000000
#define O_WRONLY	00000001
#define O_RDWR		00000002
#define O_CREAT		00000100
#define O_EXCL		00000200
#define O_NOCTTY	00000400
#define O_TRUNC		00001000
#define O_APPEND	00002000
#define O_NONBLOCK	00004000
#define O_DSYNC		00010000
#define FASYNC		00020000
#define O_DIRECT	00040000
#define O_LARGEFILE	00100000
#define O_DIRECTORY	00200000
#define O_NOFOLLOW	00400000
#define O_NOATIME	01000000
#define O_CLOEXEC	02000000
#define __O_SYNC	04000000
#define O_SYNC		(__O_SYNC | O_DSYNC)
#define O_PATH		010000000
#define __O_TMPFILE	020000000
#define O_TMPFILE	(__O_TMPFILE | O_DIRECTORY)

#define AT_FDCWD		(-100)
#define AT_SYMLINK_NOFOLLOW	0x100
#define AT_EACCESS		0x200
#define AT_REMOVEDIR		0x200
#define AT_SYMLINK_FOLLOW	0x400
#define AT_NO_AUTOMOUNT		0x800
#define AT_EMPTY_PATH		0x1000
#define AT_RECURSIVE		0x8000
#define RENAME_NOREPLACE	1u
#define RENAME_EXCHANGE		2u
#define RENAME_WHITEOUT		4u

#define PATH_MAX 4096
#define NAME_MAX 255

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define SEEK_DATA 3
#define SEEK_HOLE 4

#define DT_UNKNOWN 0
#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_BLK 6
#define DT_REG 8
#define DT_LNK 10
#define DT_SOCK 12

/* poll events */
#define EPOLLIN		0x001u
#define EPOLLPRI	0x002u
#define EPOLLOUT	0x004u
#define EPOLLERR	0x008u
#define EPOLLHUP	0x010u
#define EPOLLNVAL	0x020u
#define EPOLLRDNORM	0x040u
#define EPOLLRDBAND	0x080u
#define EPOLLWRNORM	0x100u
#define EPOLLWRBAND	0x200u
#define EPOLLMSG	0x400u
#define EPOLLRDHUP	0x2000u

/* Device numbers: Linux's internal 12:20 form. */
#define MKDEV(ma, mi) ((u32)(ma) << 20 | (mi))
#define MAJOR(d) ((u32)(d) >> 20)
#define MINOR(d) ((u32)(d) & 0xfffff)
/* As user space sees it in 64 (stat) or 32 bits (mknod). */
static inline u64 dev_encode(u32 d)
{
	u64 ma = MAJOR(d), mi = MINOR(d);

	return (mi & 0xff) | ma << 8 | (mi & ~0xffull) << 12;
}
static inline u32 dev_decode(u64 d)
{
	return MKDEV((u32)(d >> 8) & 0xfff,
		     (u32)((d & 0xff) | (d >> 12 & 0xfff00)));
}

struct kstat {
	u64 dev, ino;			/* dev as in inode->rdev */
	u32 mode, nlink, uid, gid;
	u32 rdev, blksize;
	u64 size, blocks;		/* blocks of 512 */
	struct timespec64 atime, mtime, ctime, btime;
	u32 result_mask;		/* STATX_* that are valid */
	u64 attributes, attributes_mask;
	u64 mnt_id;
	u32 dio_mem_align, dio_offset_align;	/* with STATX_DIOALIGN */
};

/* What setattr changes. */
#define ATTR_MODE	1u
#define ATTR_UID	2u
#define ATTR_GID	4u
#define ATTR_SIZE	8u
#define ATTR_ATIME	16u
#define ATTR_MTIME	32u
#define ATTR_CTIME	64u
#define ATTR_ATIME_SET	128u	/* to a given time, not now */
#define ATTR_MTIME_SET	256u
#define ATTR_FORCE	512u	/* no permission check */
#define ATTR_KILL_SUID	1024u
#define ATTR_KILL_SGID	2048u
#define ATTR_OPEN	4096u	/* truncation by open */
#define ATTR_TIMES_SET	8192u	/* the owner's right, not the writer's */
#define ATTR_TOUCH	16384u	/* all times to now: writers may */
struct iattr {
	u32 valid;
	u32 mode, uid, gid;
	u64 size;
	struct timespec64 atime, mtime, ctime;
	struct file *file;
};

/* kstat.result_mask and statx */
#define STATX_BASIC_STATS 0x7ffu
#define STATX_BTIME	0x800u
#define STATX_MNT_ID	0x1000u
#define STATX_DIOALIGN	0x2000u
#define STATX_MNT_ID_UNIQUE 0x4000u
#define STATX_ATTR_IMMUTABLE	0x10u
#define STATX_ATTR_APPEND	0x20u
#define STATX_ATTR_MOUNT_ROOT	0x2000u

struct kstatfs {
	u64 type, bsize, blocks, bfree, bavail, files, ffree;
	u64 fsid, namelen, frsize, flags;
};

#define MAY_EXEC	1u
#define MAY_WRITE	2u
#define MAY_READ	4u
#define MAY_APPEND	8u
#define MAY_OPEN	32u
#define MAY_NOT_BLOCK	128u
