/*
 * flags - chattr(1)'s flags on tmpfs: immutable, append only, no dump, no
 * atime.
 *
 * Locks:   the inode's lock for changes.
 */
#include <arch/uaccess.h>
#include <fs/chattr.h>
#include <task/cred.h>
#include "tmpfs_impl.h"

#define FL_IMMUTABLE 0x10u
#define FL_APPEND 0x20u
#define FL_NODUMP 0x40u
#define FL_NOATIME 0x80u
#define FL_KNOWN (FL_IMMUTABLE | FL_APPEND | FL_NODUMP | FL_NOATIME)
#define FL_INHERITED (FL_NODUMP | FL_NOATIME)

static void apply(struct inode *i, u32 flags)
{
	struct tmpfs_node *n = i->priv;
	u32 f = (flags & FL_IMMUTABLE ? S_IMMUTABLE : 0) |
		(flags & FL_APPEND ? S_APPEND : 0) |
		(flags & FL_NOATIME ? S_NOATIME : 0);

	n->flags = flags;
	i->flags = (i->flags & ~(S_IMMUTABLE | S_APPEND | S_NOATIME)) | f;
}

void tmpfs_flags_inherit(struct inode *i, const struct inode *dir)
{
	const struct tmpfs_node *from = dir->priv;
	u32 flags = from->flags & FL_INHERITED;

	if (unlikely(flags) && i->priv)
		apply(i, flags);
}

static int change(struct inode *i, u32 flags)
{
	struct tmpfs_node *n = i->priv;

	if (((flags ^ n->flags) & (FL_IMMUTABLE | FL_APPEND)) &&
	    !capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	if (flags & ~FL_KNOWN)
		return -EOPNOTSUPP;
	apply(i, flags);
	inode_touch(i, TIME_C);
	return 0;
}

static long set_flags(struct file *f, const u32 __user *arg)
{
	struct inode *i = f->inode;
	u32 flags;
	int err;

	if (get_user(flags, arg))
		return -EFAULT;
	err = mnt_want_write(f->path.mnt);
	if (err)
		return err;
	mutex_lock(&i->lock);
	err = inode_owner_or_capable(i) ? change(i, flags) : -EPERM;
	mutex_unlock(&i->lock);
	mnt_drop_write(f->path.mnt);
	return err;
}

long tmpfs_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	const struct tmpfs_node *n = f->inode->priv;

	switch (cmd) {
	case FS_IOC_GETFLAGS:
		return put_user(n->flags, (u32 __user *)arg);
	case FS_IOC_SETFLAGS:
		return set_flags(f, (const u32 __user *)arg);
	}
	return -ENOTTY;
}
