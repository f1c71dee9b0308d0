/* attr - owners, modes, times and sizes: what stat shows and chmod changes. */
#include "vfs_impl.h"
#include <fs/device.h>
#include <fs/locks.h>
#include <fs/pipe.h>
#include <kernel/assert.h>
#include <signal/signal.h>
#include <task/cred.h>
#include <task/process.h>

u64 file_coarse_sec;

/* --- times ----------------------------------------------------------------------*/
struct timespec64 time_now(void)
{
	struct timespec64 ts = ns_to_timespec(clock_realtime_ns());

	WRITE_ONCE(file_coarse_sec, (u64)ts.sec);
	return ts;
}

/* What the file system can store that comes closest. */
static void fit_time(const struct super_block *sb, struct timespec64 *ts)
{
	if (ts->sec >= sb->time_max || ts->sec <= sb->time_min) {
		ts->sec = ts->sec > 0 ? sb->time_max : sb->time_min;
		ts->nsec = 0;
	}
	if (sb->time_gran_ns > 1)
		ts->nsec -= ts->nsec % sb->time_gran_ns;
}

void inode_touch(struct inode *i, unsigned which)
{
	struct timespec64 now = time_now();

	fit_time(i->sb, &now);
	spin_lock(&i->state_lock);
	if (which & TIME_A)
		i->atime = now;
	if (which & TIME_M)
		i->mtime = now;
	if (which & TIME_C)
		i->ctime = now;
	spin_unlock(&i->state_lock);
	if (i->ops->update_time)
		ignore_error(i->ops->update_time(i, which));
	inode_mark_dirty(i, which == TIME_A ? I_DIRTY_TIME : I_DIRTY_SYNC);
}

void file_accessed(struct file *f)
{
	if (!(f->flags & O_NOATIME))
		path_accessed(&f->path);
}

/* Not executable by the group, the bit is a mark that its members may keep. */
static bool drops_sgid(const struct inode *i, u32 mode)
{
	return (mode & S_ISGID) &&
	       ((mode & 0010) || (!in_group_fs(i->gid) &&
				  !inode_capable(i, CAP_FSETID)));
}

static bool keeps_privs(const struct inode *i)
{
	u32 m = i->mode;

	if (likely(!(m & (S_ISUID | S_ISGID))))
		return true;
	if (!(m & S_ISUID) && !drops_sgid(i, m))
		return true;
	return !S_ISREG(m) || capable(CAP_FSETID);
}

int file_update_for_write(struct file *f)
{
	struct inode *i = f->inode;
	struct iattr a = { .valid = ATTR_FORCE | ATTR_KILL_SUID |
				    ATTR_KILL_SGID };
	int err;

	if (unlikely(!keeps_privs(i))) {
		err = inode_change(f->path.dentry, &a);
		if (err)
			return err;
	}
	if (unlikely(!(i->flags & S_NOSEC))) {
		err = inode_drop_caps(i);
		if (err)
			return err;
	}
	inode_touch(i, TIME_M | TIME_C);
	return 0;
}

/* --- new inodes --------------------------------------------------------------------*/
void inode_init_owner(struct inode *i, const struct inode *dir, u32 mode)
{
	i->uid = current_fsuid();
	i->gid = current->cred->fsgid;
	if (dir && (dir->mode & S_ISGID)) {
		i->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
	}
	i->mode = mode;
}

static int no_open(struct inode *i, struct file *f)
{
	return -ENXIO;
}

static const struct file_ops socket_node_fops = { .open = no_open };

void inode_init_special(struct inode *i, u32 mode, u32 rdev)
{
	i->mode = mode;
	i->rdev = rdev;
	if (S_ISCHR(mode))
		i->fops = &chrdev_fops;
	else if (S_ISBLK(mode))
		i->fops = &blkdev_fops;
	else if (S_ISFIFO(mode))
		i->fops = &fifo_fops;
	else
		i->fops = &socket_node_fops;
}

void inode_set_nlink(struct inode *i, u32 n)
{
	i->nlink = n;
}

void inode_inc_nlink(struct inode *i)
{
	i->nlink++;
	inode_mark_dirty(i, I_DIRTY_SYNC);
}

void inode_dec_nlink(struct inode *i)
{
	if (!WARN_ONCE(i->nlink == 0))
		i->nlink--;
	inode_mark_dirty(i, I_DIRTY_SYNC);
}

/* --- stat ----------------------------------------------------------------------------*/
void generic_fillattr(struct inode *i, struct kstat *st)
{
	st->dev = i->sb->dev;
	st->ino = i->ino;
	st->mode = i->mode;
	st->nlink = i->nlink;
	st->uid = i->uid;
	st->gid = i->gid;
	st->rdev = i->rdev;
	st->blksize = 1u << i->blkbits;
	st->size = inode_size(i);
	st->blocks = i->blocks;
	st->atime = i->atime;
	st->mtime = i->mtime;
	st->ctime = i->ctime;
	st->btime = i->btime;
	st->result_mask = STATX_BASIC_STATS | STATX_MNT_ID |
			  (i->btime.sec ? STATX_BTIME : 0);
	st->attributes = (i->flags & S_IMMUTABLE ? STATX_ATTR_IMMUTABLE : 0) |
			 (i->flags & S_APPEND ? STATX_ATTR_APPEND : 0);
	st->attributes_mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND |
			      STATX_ATTR_MOUNT_ROOT;
}

void kstat_set_dio(struct kstat *st, const struct block_device *b)
{
	st->result_mask |= STATX_DIOALIGN;
	st->dio_mem_align = st->dio_offset_align = b->logical_block;
}

static void add_bdev_dio(const struct inode *i, struct kstat *st)
{
	struct block_device *b = blkdev_find_dev(i->rdev);

	if (!b)
		return;
	kstat_set_dio(st, b);
	blkdev_put(b);
}

int vfs_getattr(const struct path *p, struct kstat *st, u32 mask,
		unsigned flags)
{
	struct inode *i = p->dentry->inode;
	int err = 0;

	if (i->ops->getattr)
		err = i->ops->getattr(p, st, mask, flags);
	else
		generic_fillattr(i, st);
	if (p->mnt) {
		st->mnt_id = (u64)p->mnt->id;
		if (p->dentry == p->mnt->root)
			st->attributes |= STATX_ATTR_MOUNT_ROOT;
	}
	if (unlikely(mask & STATX_DIOALIGN) && S_ISBLK(i->mode) && !err)
		add_bdev_dio(i, st);
	return err;
}

/* --- changing ---------------------------------------------------------------------------*/
int inode_newsize_ok(struct inode *i, u64 size)
{
	if (size <= inode_size(i))
		return 0;
	if (size > rlimit(RLIMIT_FSIZE)) {
		signal_send(SIGXFSZ, NULL, current, SIG_TO_THREAD);
		return -EFBIG;
	}
	return size > i->sb->max_bytes ? -EFBIG : 0;
}

static bool may_chown(const struct inode *i, u32 uid)
{
	return (i->uid == current_fsuid() && uid == i->uid) ||
	       inode_capable(i, CAP_CHOWN);
}

static bool may_chgrp(const struct inode *i, u32 gid)
{
	if (i->uid == current_fsuid() && (gid == i->gid || in_group_fs(gid)))
		return true;
	return inode_capable(i, CAP_CHOWN);
}

int setattr_prepare(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	u32 v = a->valid, gid;
	int err;

	if (v & ATTR_SIZE) {
		err = inode_newsize_ok(i, a->size);
		if (err)
			return err;
	}
	if (v & ATTR_FORCE)
		return 0;
	if (((v & ATTR_UID) &&
	     from_kuid(i->sb->user_ns, a->uid) == INVALID_ID) ||
	    ((v & ATTR_GID) &&
	     from_kgid(i->sb->user_ns, a->gid) == INVALID_ID))
		return -EOVERFLOW;
	if ((v & ATTR_UID) && !may_chown(i, a->uid))
		return -EPERM;
	if ((v & ATTR_GID) && !may_chgrp(i, a->gid))
		return -EPERM;
	if (v & ATTR_MODE) {
		if (!inode_owner_or_capable(i))
			return -EPERM;
		gid = v & ATTR_GID ? a->gid : i->gid;
		if ((a->mode & S_ISGID) && !in_group_fs(gid) &&
		    !inode_capable(i, CAP_FSETID))
			a->mode &= ~S_ISGID;
	}
	if ((v & (ATTR_ATIME_SET | ATTR_MTIME_SET | ATTR_TIMES_SET)) &&
	    !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

void setattr_copy(struct inode *i, const struct iattr *a)
{
	u32 v = a->valid;

	spin_lock(&i->state_lock);
	if (v & ATTR_UID)
		i->uid = a->uid;
	if (v & ATTR_GID)
		i->gid = a->gid;
	if (v & ATTR_MODE)
		i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
	if (v & ATTR_ATIME)
		i->atime = a->atime;
	if (v & ATTR_MTIME)
		i->mtime = a->mtime;
	if (v & ATTR_CTIME)
		i->ctime = a->ctime;
	spin_unlock(&i->state_lock);
}

int simple_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	int err = setattr_prepare(d, a);

	if (err)
		return err;
	if ((a->valid & ATTR_SIZE) && a->size != inode_size(i)) {
		inode_set_size(i, a->size);
		mapping_truncate(&i->data, a->size);
	}
	setattr_copy(i, a);
	inode_mark_dirty(i, I_DIRTY_SYNC);
	return 0;
}

static int check_flags(const struct inode *i, u32 v)
{
	u32 hard = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_TIMES_SET;

	if ((v & hard) && (i->flags & (S_IMMUTABLE | S_APPEND)))
		return -EPERM;
	if ((v & ATTR_TOUCH) && (i->flags & S_IMMUTABLE))
		return -EPERM;
	return 0;
}

/* Set-id bits that a change of owner or contents takes away. */
static void kill_set_ids(const struct inode *i, struct iattr *a)
{
	u32 v = a->valid, mode = v & ATTR_MODE ? a->mode : i->mode;
	u32 kill = 0;

	if ((v & ATTR_KILL_SUID) && (mode & S_ISUID))
		kill |= S_ISUID;
	if ((v & ATTR_KILL_SGID) && drops_sgid(i, mode))
		kill |= S_ISGID;
	if (!kill)
		return;
	a->mode = mode & ~kill;
	a->valid |= ATTR_MODE;
}

static void fill_times(struct inode *i, struct iattr *a)
{
	struct timespec64 now = time_now();

	fit_time(i->sb, &now);
	a->valid |= ATTR_CTIME;
	a->ctime = now;
	if (!(a->valid & ATTR_ATIME_SET))
		a->atime = now;
	if (!(a->valid & ATTR_MTIME_SET))
		a->mtime = now;
	fit_time(i->sb, &a->atime);
	fit_time(i->sb, &a->mtime);
}

#define DROPS_CAPS                                                             \
	(ATTR_SIZE | ATTR_UID | ATTR_GID | ATTR_KILL_SUID | ATTR_KILL_SGID)

int inode_change(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	u32 v = a->valid;
	int err = check_flags(i, v);

	assert_mutex_held(&i->lock);
	if (err)
		return err;
	if ((v & ATTR_TOUCH) && !inode_owner_or_capable(i)) {
		err = inode_permission(i, MAY_WRITE);
		if (err)
			return err;
	}
	fill_times(i, a);
	if (v & (ATTR_KILL_SUID | ATTR_KILL_SGID)) {
		kill_set_ids(i, a);
		if (!(v & ~(ATTR_KILL_SUID | ATTR_KILL_SGID | ATTR_FORCE)) &&
		    !(a->valid & ATTR_MODE))
			return 0;
	}
	if (i->ops->setattr)
		err = i->ops->setattr(d, a);
	else
		err = simple_setattr(d, a);
	/* Another owner, other contents: not what was given the rights. */
	if (!err && S_ISREG(i->mode) && (v & DROPS_CAPS))
		err = inode_drop_caps(i);
	if (!err)
		notify_dentry(d, v & ATTR_SIZE ? FSN_MODIFY : FSN_ATTRIB);
	return err;
}

int vfs_setattr(const struct path *p, struct iattr *a)
{
	struct inode *i = p->dentry->inode;
	int err = mnt_want_write(p->mnt);

	if (err)
		return err;
	err = mutex_lock_killable(&i->lock);
	if (!err) {
		err = inode_change(p->dentry, a);
		mutex_unlock(&i->lock);
	}
	mnt_drop_write(p->mnt);
	return err;
}

/* Write access was checked; the mount is held for writing. */
int truncate_checked(struct dentry *d, u64 size, u32 extra, struct file *f)
{
	struct inode *i = d->inode;
	struct iattr a = {
		.valid = ATTR_SIZE | extra, .size = size, .file = f,
	};
	int err;

	if (!keeps_privs(i))
		a.valid |= ATTR_KILL_SUID | ATTR_KILL_SGID | ATTR_FORCE;
	mutex_lock(&i->lock);
	if (size != inode_size(i) || extra)
		a.valid |= ATTR_MTIME | ATTR_CTIME;
	err = inode_change(d, &a);
	mutex_unlock(&i->lock);
	return err;
}

int vfs_truncate(const struct path *p, u64 size)
{
	struct inode *i = p->dentry->inode;
	int err;

	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode))
		return -EINVAL;
	err = mnt_want_write(p->mnt);
	if (err)
		return err;
	err = inode_permission(i, MAY_WRITE);
	if (!err && (i->flags & S_APPEND))
		err = -EPERM;
	if (!err)
		err = inode_get_write(i);
	if (!err) {
		err = lease_break(i, O_WRONLY);
		if (!err)
			err = truncate_checked(p->dentry, size, 0, NULL);
		inode_put_write(i);
	}
	mnt_drop_write(p->mnt);
	return err;
}

int vfs_ftruncate(struct file *f, u64 size)
{
	struct inode *i = f->inode;
	int err;

	if (!S_ISREG(i->mode) || !(f->mode & FMODE_WRITE))
		return -EINVAL;
	if (i->flags & S_APPEND)
		return -EPERM;
	err = mnt_want_write(f->path.mnt);
	if (err)
		return err;
	err = truncate_checked(f->path.dentry, size, ATTR_MTIME | ATTR_CTIME,
			       f);
	mnt_drop_write(f->path.mnt);
	return err;
}

#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2
#define FALLOC_FL_ZERO_RANGE 16
#define FALLOC_FL_ALL 0x7f

static int check_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode;

	if (mode & ~FALLOC_FL_ALL)
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) &&
	    (!(mode & FALLOC_FL_KEEP_SIZE) || (mode & FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if ((mode & ~FALLOC_FL_KEEP_SIZE) && (i->flags & S_APPEND))
		return -EPERM;
	if (i->flags & S_IMMUTABLE)
		return -EPERM;
	if (S_ISFIFO(i->mode))
		return -ESPIPE;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode) && !S_ISBLK(i->mode))
		return -ENODEV;
	if (off + len < off || off + len > i->sb->max_bytes)
		return -EFBIG;
	return f->ops->fallocate ? 0 : -EOPNOTSUPP;
}

int vfs_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	int err = check_fallocate(f, mode, off, len);

	if (err)
		return err;
	err = mnt_want_write(f->path.mnt);
	if (err)
		return err;
	err = f->ops->fallocate(f, mode, off, len);
	mnt_drop_write(f->path.mnt);
	if (!err)
		notify_file(f, FSN_MODIFY);
	return err;
}
