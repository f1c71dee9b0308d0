/* perms - who may do what to an inode: modes, owners, capabilities. */
#include "vfs_impl.h"
#include <lib/errno.h>
#include <task/cred.h>

u32 sysctl_protected_symlinks, sysctl_protected_hardlinks;

static int check_privilege(const struct inode *i, unsigned mask)
{
	if (S_ISDIR(i->mode)) {
		if (!(mask & MAY_WRITE) &&
		    inode_capable(i, CAP_DAC_READ_SEARCH))
			return 0;
		return inode_capable(i, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (mask == MAY_READ && inode_capable(i, CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(mask & MAY_EXEC) || (i->mode & 0111)) &&
	    inode_capable(i, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission_generic(struct inode *i, unsigned mask)
{
	u32 mode = READ_ONCE(i->mode);

	if (i->uid == current_fsuid())
		mode >>= 6;
	else if (((mode >> 3 ^ mode) & 7) && in_group_fs(i->gid))
		mode >>= 3;
	mask &= MAY_READ | MAY_WRITE | MAY_EXEC;
	if (likely(!(mask & ~mode)))
		return 0;
	return check_privilege(i, mask);
}

int inode_permission(struct inode *i, unsigned mask)
{
	if (mask & MAY_WRITE) {
		u32 mode = i->mode;

		if (sb_is_readonly(i->sb) &&
		    (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
			return -EROFS;
		if (i->flags & S_IMMUTABLE)
			return -EPERM;
	}
	if (i->ops->permission)
		return i->ops->permission(i, mask);
	return inode_permission_generic(i, mask);
}

bool inode_owner_or_capable(const struct inode *i)
{
	const struct user_ns *ns = current_user_ns();

	return i->uid == current_fsuid() ||
	       (from_kuid(ns, i->uid) != INVALID_ID &&
		ns_capable(ns, CAP_FOWNER));
}

bool file_may_change(const struct file *f)
{
	return (f->mode & FMODE_WRITE) || inode_owner_or_capable(f->inode) ||
	       !inode_permission(f->inode, MAY_WRITE);
}

int may_create(const struct path *dir, struct dentry *d)
{
	struct inode *i = dir->dentry->inode;

	if (!dentry_is_negative(d))
		return -EEXIST;
	if (i->flags & S_DEAD)
		return -ENOENT;
	/* The file system must be able to say who owns the new inode. */
	if (from_kuid(i->sb->user_ns, current_fsuid()) == INVALID_ID ||
	    from_kgid(i->sb->user_ns, current->cred->fsgid) == INVALID_ID)
		return -EOVERFLOW;
	return inode_permission(i, MAY_WRITE | MAY_EXEC);
}

/* In a sticky directory only owners (of it or of the entry) take away. */
static bool is_sticky_for(const struct inode *dir, const struct inode *i)
{
	u32 uid = current_fsuid();

	return (dir->mode & S_ISVTX) && i->uid != uid && dir->uid != uid &&
	       !inode_capable(i, CAP_FOWNER);
}

int may_delete(const struct path *dir, struct dentry *d, bool is_dir)
{
	struct inode *p = dir->dentry->inode, *i = d->inode;
	int err;

	if (!i)
		return -ENOENT;
	err = inode_permission(p, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	if (p->flags & S_APPEND)
		return -EPERM;
	if (is_sticky_for(p, i) || (i->flags & (S_APPEND | S_IMMUTABLE)))
		return -EPERM;
	if (is_dir) {
		if (!S_ISDIR(i->mode))
			return -ENOTDIR;
		if (d->flags & D_ROOT)
			return -EBUSY;
	} else if (S_ISDIR(i->mode)) {
		return -EISDIR;
	}
	return p->flags & S_DEAD ? -ENOENT : 0;
}

u32 mode_for_create(const struct inode *dir, u32 mode)
{
	u32 m = mode & ~(current->fs->umask & 0777);

	if ((m & (S_ISGID | 0010)) == (S_ISGID | 0010) &&
	    (dir->mode & S_ISGID) && !S_ISDIR(m) && !in_group_fs(dir->gid) &&
	    !inode_capable(dir, CAP_FSETID))
		m &= ~S_ISGID;
	return m;
}
