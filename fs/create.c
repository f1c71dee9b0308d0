/*
 * create - making and removing names: mkdir, mknod, symlink, link, unlink,
 * rmdir.
 *
 * Locks:   the directory (RANK_INODE_DIR), then the victim (RANK_INODE2).
 */
#include "vfs_impl.h"
#include <kernel/assert.h>
#include <task/cred.h>

int vfs_mkdir(const struct path *dir, struct dentry *d, u32 mode)
{
	struct inode *i = dir->dentry->inode;
	int err = may_create(dir, d);

	if (err)
		return err;
	if (!i->ops->mkdir)
		return -EPERM;
	mode = mode_for_create(i, (mode & (S_IRWXUGO | S_ISVTX)) | S_IFDIR);
	err = i->ops->mkdir(i, d, mode);
	if (!err)
		notify_dentry(d, FSN_CREATE);
	return err;
}

int vfs_mknod(const struct path *dir, struct dentry *d, u32 mode, u32 dev)
{
	struct inode *i = dir->dentry->inode;
	bool is_whiteout = S_ISCHR(mode) && dev == 0;
	int err = may_create(dir, d);

	if (err)
		return err;
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && !is_whiteout &&
	    !capable(CAP_MKNOD))
		return -EPERM;
	mode = mode_for_create(i, mode);
	if (S_ISREG(mode)) {
		if (!i->ops->create)
			return -EACCES;
		err = i->ops->create(i, d, mode);
	} else {
		if (!i->ops->mknod)
			return -EPERM;
		err = i->ops->mknod(i, d, mode, dev);
	}
	if (!err)
		notify_dentry(d, FSN_CREATE);
	return err;
}

int vfs_symlink(const struct path *dir, struct dentry *d, const char *to)
{
	struct inode *i = dir->dentry->inode;
	int err = may_create(dir, d);

	if (err)
		return err;
	if (!i->ops->symlink)
		return -EPERM;
	err = i->ops->symlink(i, d, to);
	if (!err)
		notify_dentry(d, FSN_CREATE);
	return err;
}

/* --- link ----------------------------------------------------------------------------*/
/* fs.protected_hardlinks: only what one could write or owns. */
static int may_link(struct inode *i)
{
	if (!sysctl_protected_hardlinks || inode_owner_or_capable(i))
		return 0;
	if (!S_ISREG(i->mode) || (i->mode & S_ISUID) ||
	    (i->mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
		return -EPERM;
	return inode_permission(i, MAY_READ | MAY_WRITE) ? -EPERM : 0;
}

static int link_locked(struct dentry *old, const struct path *dir,
		       struct dentry *d)
{
	struct inode *i = old->inode, *p = dir->dentry->inode;

	if (i->nlink == 0 && !(i->flags & S_LINKABLE))
		return -ENOENT;
	return p->ops->link(old, p, d);
}

int vfs_link(const struct path *old, const struct path *dir, struct dentry *d)
{
	struct inode *i = old->dentry->inode, *p = dir->dentry->inode;
	int err;

	if (old->mnt != dir->mnt)
		return -EXDEV;
	err = may_link(i);
	if (!err)
		err = may_create(dir, d);
	if (err)
		return err;
	if (i->sb != p->sb)
		return -EXDEV;
	if ((i->flags & (S_APPEND | S_IMMUTABLE)) || S_ISDIR(i->mode) ||
	    !p->ops->link)
		return -EPERM;
	mutex_lock(&i->lock);
	err = link_locked(old->dentry, dir, d);
	if (!err)
		i->flags &= ~S_LINKABLE;
	mutex_unlock(&i->lock);
	if (!err) {
		notify_dentry(old->dentry, FSN_ATTRIB);
		notify_dentry(d, FSN_CREATE);
	}
	return err;
}

/* --- unlink, rmdir ------------------------------------------------------------------------*/
/* Busy if something is mounted on it; other namespaces lose their mounts. */
static bool is_mounted_here(const struct path *dir, struct dentry *d)
{
	return dentry_is_mounted(d) && mount_is_in_ns(dir->mnt, d);
}

static void after_removal(struct dentry *d, struct inode *i, bool was_mounted)
{
	if (was_mounted)
		mounts_detach_dentry(d);
	notify_dentry(d, FSN_DELETE);
	if (i->nlink == 0)
		notify_dentry(d, FSN_DELETE_SELF);
	else
		notify_dentry(d, FSN_ATTRIB);
	dentry_delete(d);
}

int vfs_unlink(const struct path *dir, struct dentry *d)
{
	struct inode *p = dir->dentry->inode, *i = d->inode;
	bool was_mounted = dentry_is_mounted(d);
	int err = may_delete(dir, d, false);

	assert_mutex_held(&p->lock);
	if (err)
		return err;
	if (!p->ops->unlink)
		return -EPERM;
	if (is_mounted_here(dir, d))
		return -EBUSY;
	inode_get(i);
	mutex_lock_nested(&i->lock, RANK_INODE2);
	err = p->ops->unlink(p, d);
	mutex_unlock(&i->lock);
	if (!err)
		after_removal(d, i, was_mounted);
	inode_put(i);
	return err;
}

int vfs_rmdir(const struct path *dir, struct dentry *d)
{
	struct inode *p = dir->dentry->inode, *i = d->inode;
	bool was_mounted = dentry_is_mounted(d);
	int err = may_delete(dir, d, true);

	assert_mutex_held(&p->lock);
	if (err)
		return err;
	if (!p->ops->rmdir)
		return -EPERM;
	if (is_mounted_here(dir, d))
		return -EBUSY;
	inode_get(i);
	mutex_lock_nested(&i->lock, RANK_INODE_DIR2);
	err = p->ops->rmdir(p, d);
	if (!err)
		i->flags |= S_DEAD;
	mutex_unlock(&i->lock);
	if (!err) {
		dentry_prune_children(d);
		after_removal(d, i, was_mounted);
	}
	inode_put(i);
	return err;
}

/* The last name of a path with its locked parent, for removal.  Without lock
 * and dentry, but 0, if it is not a proper name: not analysed. */
static int lock_victim(int dfd, const char *name, struct walk *w,
		       struct dentry **d) __no_analysis
{
	struct path *dir = &w->path;
	int err = path_parent(dfd, name, 0, w);

	if (err)
		return err;
	walk_done(w);
	if (w->last_type != LAST_NORM)
		return 0;
	err = mnt_want_write(dir->mnt);
	if (err) {
		path_put(dir);
		return err;
	}
	mutex_lock_nested(&dir->dentry->inode->lock, RANK_INODE_DIR);
	err = dentry_lookup_q(dir->dentry, &w->last, d);
	if (err) {
		mutex_unlock(&dir->dentry->inode->lock);
		mnt_drop_write(dir->mnt);
		path_put(dir);
	}
	return err;
}

static void unlock_victim(struct walk *w, struct dentry *d) __no_analysis
{
	mutex_unlock(&w->path.dentry->inode->lock);
	dentry_put(d);
	mnt_drop_write(w->path.mnt);
	path_put(&w->path);
}

int do_unlink(int dfd, const char *name)
{
	struct inode *i = NULL;
	struct dentry *d;
	struct walk w;
	int err = lock_victim(dfd, name, &w, &d);

	if (err)
		return err;
	if (w.last_type != LAST_NORM) {
		path_put(&w.path);
		return -EISDIR;
	}
	if (w.wants_dir) {
		err = -ENOENT;
		if (!dentry_is_negative(d))
			err = S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
	} else {
		if (d->inode)
			i = inode_get(d->inode);
		err = vfs_unlink(&w.path, d);
	}
	unlock_victim(&w, d);
	inode_put(i);			/* its blocks go outside the lock */
	return err;
}

int do_rmdir(int dfd, const char *name)
{
	struct dentry *d;
	struct walk w;
	int err = lock_victim(dfd, name, &w, &d);

	if (err)
		return err;
	if (w.last_type != LAST_NORM) {
		path_put(&w.path);
		return w.last_type == LAST_DOTDOT ? -ENOTEMPTY :
		       w.last_type == LAST_DOT ? -EINVAL : -EBUSY;
	}
	err = vfs_rmdir(&w.path, d);
	unlock_victim(&w, d);
	return err;
}
