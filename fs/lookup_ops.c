/*
 * lookup_ops - calls that only look at a name: stat, access, readlink.
 *
 * Theory:  where a file system leaves attributes and permission to us, the
 *          answer is read under RCU from the inode that the lock-free walk
 *          ended at, and believed if its dentry did not change meanwhile; no
 *          reference is taken.
 */
#include "vfs_impl.h"
#include <kernel/rcu.h>
#include <lib/string.h>
#include <task/cred.h>

#define AT_KNOWN (AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)

static int getattr_rcu(struct walk *w, struct kstat *st)
{
	struct inode *i = w->inode;

	if (unlikely(READ_ONCE(i->ops)->getattr))
		return -ECHILD;
	generic_fillattr(i, st);
	st->mnt_id = (u64)w->path.mnt->id;
	if (w->path.dentry == w->path.mnt->root)
		st->attributes |= STATX_ATTR_MOUNT_ROOT;
	return walk_still_valid(w) ? 0 : -ECHILD;
}

__hot int path_getattr(int dfd, const char *name, unsigned lookup,
		       struct kstat *st, u32 mask)
{
	struct path p;
	struct walk w;
	int err;

	walk_init(&w, dfd, name, lookup);
	rcu_read_lock();
	err = walk_rcu(&w);
	if (likely(!err))
		err = mask & STATX_DIOALIGN ? -ECHILD : getattr_rcu(&w, st);
	rcu_read_unlock();
	if (likely(err != -ECHILD))
		return err;
	err = path_lookup_walk(dfd, name, lookup, &p);
	if (err)
		return err;
	err = vfs_getattr(&p, st, mask, 0);
	path_put(&p);
	return err;
}

/* --- access ----------------------------------------------------------------------------*/
/* The real ids decide; true if they are what current acts as anyway. */
static bool acts_as_itself(const struct cred *c)
{
	if (c->fsuid != c->uid || c->fsgid != c->gid)
		return false;
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return true;
	return c->uid != cred_root(c) ? !c->effective :
					c->effective == c->permitted;
}

static int override_with_real(const struct cred **old, struct cred **made)
{
	struct cred *c;
	int err;

	*made = NULL;
	if (acts_as_itself(current->cred))
		return 0;
	err = cred_prepare(&c);
	if (err)
		return err;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	if (!(c->securebits & SECBIT_NO_SETUID_FIXUP))
		c->effective = c->uid != cred_root(c) ? 0 : c->permitted;
	*made = c;
	*old = cred_override(c);
	return 0;
}

static int check_access(const struct path *p, unsigned mode)
{
	struct inode *i = p->dentry->inode;
	int err;

	if ((mode & MAY_EXEC) && S_ISREG(i->mode) &&
	    (p->mnt->flags & MNT_NOEXEC))
		return -EACCES;
	err = inode_permission(i, mode);
	if (!err && (mode & MAY_WRITE) && mnt_is_readonly(p->mnt) &&
	    (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
		err = -EROFS;
	return err;
}

static int access_rcu(int dfd, const char *name, unsigned lookup, unsigned mode)
{
	struct path p;
	struct walk w;
	int err;

	walk_init(&w, dfd, name, lookup);
	rcu_read_lock();
	err = walk_rcu(&w);
	if (!err) {
		struct dentry d = { .inode = w.inode };

		err = -ECHILD;
		if (!READ_ONCE(w.inode->ops)->permission) {
			p = (struct path){ w.path.mnt, &d };
			err = check_access(&p, mode);
		}
		if (!walk_still_valid(&w))
			err = -ECHILD;
	}
	rcu_read_unlock();
	return err;
}

static int access_as_set(int dfd, const char *name, unsigned lookup,
			 unsigned mode)
{
	struct path p;
	int err = access_rcu(dfd, name, lookup, mode);

	if (err != -ECHILD)
		return err;
	err = path_lookup_walk(dfd, name, lookup, &p);
	if (err)
		return err;
	err = check_access(&p, mode);
	path_put(&p);
	return err;
}

int do_access(int dfd, const char __user *uname, int mode, int flags)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	const struct cred *old = NULL;
	struct cred *made = NULL;
	struct filename fn;
	int err;

	if ((mode & ~7) || (flags & ~AT_KNOWN))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	if (!(flags & AT_EACCESS)) {
		err = override_with_real(&old, &made);
		if (err)
			return err;
	}
	err = filename_get(uname, lookup, &fn);
	if (!err) {
		err = access_as_set(dfd, fn.name, lookup, (unsigned)mode);
		filename_put(&fn);
	}
	if (made) {
		cred_revert(old);
		cred_put(made);
	}
	return err;
}

/* --- readlink -----------------------------------------------------------------------------*/
/* The text of a magic link is the path where it leads. */
static int read_magic(struct dentry *d, struct inode *i, char *buf, size_t n,
		      size_t *len)
{
	struct path to;
	char *tmp, *text;
	int err = i->ops->follow(d, i, &to);

	if (err)
		return err;
	tmp = filename_buffer();
	err = tmp ? path_format(&to, tmp, PATH_MAX, &text) : -ENOMEM;
	path_put(&to);
	if (!err) {
		*len = min(strlen(text), n);
		memcpy(buf, text, *len);
	}
	if (tmp)
		filename_buffer_put(tmp);
	return err;
}

int vfs_readlink(const struct path *p, char *buf, size_t n, size_t *len)
{
	struct inode *i = p->dentry->inode;
	void (*done)(void *) = NULL;
	const char *text;
	void *arg = NULL;
	int err;

	if (!S_ISLNK(i->mode))
		return -EINVAL;
	path_accessed(p);
	text = READ_ONCE(i->link);
	if (!text) {
		if (i->ops->get_link)
			err = i->ops->get_link(p->dentry, i, &text, &done,
					       &arg);
		else if (i->ops->follow)
			return read_magic(p->dentry, i, buf, n, len);
		else
			err = -EINVAL;
		if (err)
			return err;
	}
	*len = min(strlen(text), n);
	memcpy(buf, text, *len);
	if (done)
		done(arg);
	return 0;
}
