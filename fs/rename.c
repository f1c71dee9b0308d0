/*
 * rename - moving names.
 *
 * Theory:  a rename within one directory locks it alone.  Between two, the
 *          superblock's rename_lock is taken first, so that ancestry stands
 *          still: the ancestor of the two is locked first, and a directory
 *          that would become its own descendant is found out.
 * Locks:   rename_lock, both parents (RANK_INODE_DIR, RANK_INODE_DIR2), then
 *          source and target by address (RANK_INODE, RANK_INODE2).
 */
#include "vfs_impl.h"
#include <kernel/assert.h>
#include <task/cred.h>

struct rename {
	struct path odir, ndir;
	struct qname olast, nlast;
	bool owants_dir, nwants_dir;
	unsigned flags;
	struct dentry *od, *nd;
};

/* Locks both directories; -1/0/1 by who is whose ancestor is told by *trap:
 * the child of one through which the other is reached, referenced or NULL. */
static struct dentry *trap_below(struct dentry *top, struct dentry *d)
{
	struct dentry *p;

	if (!dentry_is_below(d, top) || d == top)
		return NULL;
	/* rename_lock is held: parents stand still and are pinned by d. */
	for (p = d; p->parent != top; p = p->parent)
		;
	return p;
}

/* Which locks, and in what order, is told by who is below whom: not analysed,
 * and unlock_dirs() likewise. */
static struct dentry *lock_dirs(struct dentry *a, struct dentry *b)
	__no_analysis
{
	struct dentry *trap;

	if (a == b) {
		mutex_lock_nested(&a->inode->lock, RANK_INODE_DIR);
		return NULL;
	}
	mutex_lock(&a->sb->rename_lock);
	trap = trap_below(b, a);
	if (trap) {
		mutex_lock_nested(&b->inode->lock, RANK_INODE_DIR);
		mutex_lock_nested(&a->inode->lock, RANK_INODE_DIR2);
		return trap;
	}
	trap = trap_below(a, b);
	mutex_lock_nested(&a->inode->lock, RANK_INODE_DIR);
	mutex_lock_nested(&b->inode->lock, RANK_INODE_DIR2);
	return trap;
}

static void unlock_dirs(struct dentry *a, struct dentry *b) __no_analysis
{
	mutex_unlock(&a->inode->lock);
	if (a == b)
		return;
	mutex_unlock(&b->inode->lock);
	mutex_unlock(&a->sb->rename_lock);
}

/* By address, and b may be NULL or a: not analysed. */
static void lock_two(struct inode *a, struct inode *b) __no_analysis
{
	if (b && a != b && (uintptr_t)b < (uintptr_t)a)
		swap(a, b);
	mutex_lock_nested(&a->lock, RANK_INODE);
	if (b && a != b)
		mutex_lock_nested(&b->lock, RANK_INODE2);
}

static void unlock_two(struct inode *a, struct inode *b) __no_analysis
{
	mutex_unlock(&a->lock);
	if (b && a != b)
		mutex_unlock(&b->lock);
}

static int check_permissions(struct rename *r)
{
	struct inode *i = r->od->inode;
	bool is_dir = S_ISDIR(i->mode), is_xchg = r->flags & RENAME_EXCHANGE;
	int err = may_delete(&r->odir, r->od, is_dir);

	if (err)
		return err;
	if (dentry_is_negative(r->nd))
		err = may_create(&r->ndir, r->nd);
	else
		err = may_delete(&r->ndir, r->nd,
				 is_xchg ? S_ISDIR(r->nd->inode->mode) :
					   is_dir);
	if (err)
		return err;
	/* A directory that gets another parent has its ".." written. */
	if (r->odir.dentry != r->ndir.dentry) {
		if (is_dir)
			err = inode_permission(i, MAY_WRITE);
		if (!err && is_xchg && S_ISDIR(r->nd->inode->mode))
			err = inode_permission(r->nd->inode, MAY_WRITE);
	}
	return err;
}

static void notify(struct rename *r, struct dentry *victim_of, u32 victim_nlink)
{
	if (likely(!READ_ONCE(notify_watchers)))
		return;
	if (fsnotify_move_hook)
		fsnotify_move_hook(r->odir.dentry, r->ndir.dentry,
				   (const char *)r->olast.words, r->olast.len,
				   r->od);
	if (victim_of && !victim_nlink)
		fsnotify_dentry(victim_of, FSN_DELETE_SELF);
}

static int rename_locked(struct rename *r)
{
	struct inode *odir = r->odir.dentry->inode;
	struct inode *ndir = r->ndir.dentry->inode;
	struct inode *i = r->od->inode, *victim = r->nd->inode;
	bool is_xchg = r->flags & RENAME_EXCHANGE;
	int err;

	if (victim == i)
		return 0;	/* two names of one file: nothing to do */
	err = check_permissions(r);
	if (err)
		return err;
	if (!odir->ops->rename)
		return -EPERM;
	if ((dentry_is_mounted(r->od) && mount_is_in_ns(r->odir.mnt, r->od)) ||
	    (dentry_is_mounted(r->nd) && mount_is_in_ns(r->ndir.mnt, r->nd)))
		return -EBUSY;
	if (victim)
		inode_get(victim);
	lock_two(i, victim);
	err = odir->ops->rename(odir, r->od, ndir, r->nd, r->flags);
	if (!err && victim && !is_xchg && S_ISDIR(victim->mode))
		victim->flags |= S_DEAD;
	unlock_two(i, victim);
	if (!err) {
		if (victim && !is_xchg && dentry_is_mounted(r->nd))
			mounts_detach_dentry(r->nd);
		dentry_move(r->od, r->nd, is_xchg);
		notify(r, !is_xchg && victim ? r->nd : NULL,
		       victim ? victim->nlink : 1);
	}
	inode_put(victim);
	return err;
}

static int check_names(struct rename *r, struct dentry *trap)
{
	bool is_dir, n_dir;

	if (dentry_is_negative(r->od))
		return -ENOENT;
	if ((r->flags & RENAME_NOREPLACE) && !dentry_is_negative(r->nd))
		return -EEXIST;
	is_dir = S_ISDIR(r->od->inode->mode);
	if (r->flags & RENAME_EXCHANGE) {
		if (dentry_is_negative(r->nd))
			return -ENOENT;
		n_dir = S_ISDIR(r->nd->inode->mode);
		if (!n_dir && r->nwants_dir)
			return -ENOTDIR;
	}
	if (!is_dir && (r->owants_dir ||
			(!(r->flags & RENAME_EXCHANGE) && r->nwants_dir)))
		return -ENOTDIR;
	if (r->od == trap)
		return -EINVAL;		/* into itself */
	if (r->nd == trap)
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int lookup_and_rename(struct rename *r)
{
	struct dentry *trap = lock_dirs(r->odir.dentry, r->ndir.dentry);
	int err;

	err = dentry_lookup_q(r->odir.dentry, &r->olast, &r->od);
	if (err)
		goto out_unlock;
	err = dentry_lookup_q(r->ndir.dentry, &r->nlast, &r->nd);
	if (err)
		goto out_od;
	err = check_names(r, trap);
	if (!err)
		err = rename_locked(r);
	dentry_put(r->nd);
out_od:
	dentry_put(r->od);
out_unlock:
	unlock_dirs(r->odir.dentry, r->ndir.dentry);
	return err;
}

static noinline int parent_of(int dfd, const char *name, struct path *dir,
		     struct qname *last, bool *wants_dir, u8 *type)
{
	struct walk w;
	int err = path_parent(dfd, name, 0, &w);

	if (err)
		return err;
	walk_done(&w);
	*dir = w.path;
	*wants_dir = w.wants_dir;
	*type = w.last_type;
	last->hash = w.last.hash;
	last->len = w.last.len;
	for (u32 i = 0; i * 8 < w.last.len; i++)
		last->words[i] = w.last.words[i];
	return 0;
}

static int rename_between(struct rename *r, u8 otype, u8 ntype)
{
	int err;

	if (r->odir.mnt != r->ndir.mnt)
		return -EXDEV;
	if (otype != LAST_NORM)
		return -EBUSY;
	if (ntype != LAST_NORM)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	err = mnt_want_write(r->odir.mnt);
	if (err)
		return err;
	err = lookup_and_rename(r);
	mnt_drop_write(r->odir.mnt);
	return err;
}

int do_rename(int odfd, const char *from, int ndfd, const char *to,
	      unsigned flags)
{
	struct rename r = { .flags = flags };
	u8 otype, ntype;
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE) &&
	    (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	if (flags & RENAME_WHITEOUT)
		return -EINVAL;		/* no file system here has them */
	err = parent_of(odfd, from, &r.odir, &r.olast, &r.owants_dir, &otype);
	if (err)
		return err;
	err = parent_of(ndfd, to, &r.ndir, &r.nlast, &r.nwants_dir, &ntype);
	if (!err) {
		err = rename_between(&r, otype, ntype);
		path_put(&r.ndir);
	}
	path_put(&r.odir);
	return err;
}
