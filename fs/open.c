/*
 * open - from a name to an open file.
 *
 * Theory:  a file that exists is found by a plain walk, most often without a
 *          lock; also with O_CREAT, unless O_EXCL says that it must not be
 *          there.  Only when that walk finds nothing the parent is walked to
 *          and the last name looked up, and made, under its lock.
 */
#include "vfs_impl.h"
#include <fs/fdtable.h>
#include <kernel/rcu.h>
#include <lib/printf.h>
#include <task/cred.h>

struct open_args {
	int dfd;
	const char *name;
	unsigned flags;		/* O_* */
	unsigned lookup;	/* LOOKUP_* */
	u32 mode;		/* with S_IFREG, of a new file */
	u32 access;		/* MAY_* to be checked */
};

static int check_args(struct open_args *a, unsigned lookup)
{
	unsigned flags = a->flags;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (flags & __O_SYNC)
		flags |= O_DSYNC;
	if (flags & __O_TMPFILE) {
		if (!(flags & O_DIRECTORY) || (flags & O_CREAT) ||
		    !((flags + 1) & FMODE_WRITE))
			return -EINVAL;
	} else if ((flags & (O_CREAT | O_DIRECTORY)) ==
		   (O_CREAT | O_DIRECTORY)) {
		return -EINVAL;
	}
	a->access = flags & O_PATH ? 0 : (flags + 1) & O_ACCMODE;
	/* FMODE_READ 1, WRITE 2 to MAY_READ 4, WRITE 2; 3 asks for both. */
	a->access = (a->access & 1 ? MAY_READ : 0) |
		    (a->access & 2 ? MAY_WRITE : 0);
	if (!(flags & O_PATH) && (flags & O_ACCMODE) == O_ACCMODE)
		a->access = MAY_READ | MAY_WRITE;
	if (flags & O_TRUNC)
		a->access |= MAY_WRITE;
	if (!(flags & O_NOFOLLOW) &&
	    (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		lookup |= LOOKUP_FOLLOW;
	if (flags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	a->flags = flags;
	a->lookup = lookup;
	return 0;
}

static int check_type(const struct path *p, struct inode *i,
		      const struct open_args *a)
{
	u32 mode = i->mode;

	if (S_ISLNK(mode))
		return -ELOOP;
	if (S_ISDIR(mode)) {
		if ((a->access & MAY_WRITE) || (a->flags & O_CREAT))
			return -EISDIR;
		return 0;
	}
	if ((S_ISBLK(mode) || S_ISCHR(mode)) && path_has_no_devices(p))
		return -EACCES;
	return 0;
}

/* What open(2) demands of a file that exists. */
static int may_open(const struct path *p, const struct open_args *a)
{
	struct inode *i = p->dentry->inode;
	int err = check_type(p, i, a);

	if (err)
		return err;
	err = inode_permission(i, a->access | MAY_OPEN);
	if (err)
		return err;
	if (unlikely(i->flags & S_APPEND)) {
		if ((a->access & MAY_WRITE) && !(a->flags & O_APPEND))
			return -EPERM;
		if (a->flags & O_TRUNC)
			return -EPERM;
	}
	if (unlikely(a->flags & O_NOATIME) && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

static int truncate_opened(struct file *f)
{
	struct inode *i = f->inode;
	int err;

	if (!S_ISREG(i->mode))
		return 0;
	err = mnt_want_write(f->path.mnt);
	if (err)
		return err;
	err = inode_get_write(i);
	if (!err) {
		err = truncate_checked(f->path.dentry, 0,
				       ATTR_MTIME | ATTR_CTIME | ATTR_OPEN, f);
		inode_put_write(i);
	}
	mnt_drop_write(f->path.mnt);
	return err;
}

/* Opens what is at p (its references move in, also on error); f is freed on
 * error. */
static int open_found(struct file *f, struct path *p,
		      const struct open_args *a, bool is_new)
{
	int err = 0;

	if (!is_new && !(a->flags & O_PATH))
		err = may_open(p, a);
	if (!err)
		err = vfs_open(f, p);
	if (unlikely(err)) {
		path_put(p);
		file_free_unopened(f);
		return err;
	}
	if (is_new)
		f->mode |= FMODE_CREATED;
	if (unlikely((a->flags & O_TRUNC) && !is_new)) {
		err = truncate_opened(f);
		if (err) {
			file_put(f);
			return err;
		}
	}
	if (!(f->mode & FMODE_PATH))
		notify_file(f, FSN_OPEN);
	return 0;
}

/* --- making it ---------------------------------------------------------------------*/
static int create_in(struct path *dir, struct dentry *d,
		     const struct open_args *a)
{
	struct inode *i = dir->dentry->inode;
	int err = may_create(dir, d);

	if (err)
		return err;
	if (!i->ops->create)
		return -EACCES;
	err = i->ops->create(i, d, mode_for_create(i, a->mode));
	if (!err)
		notify_dentry(d, FSN_CREATE);
	return err;
}

/* The last name of the walk, made if it is not there.  out owns references. */
static int lookup_or_create(struct walk *w, const struct open_args *a,
			    struct path *out, bool *is_new)
{
	struct path *dir = &w->path;
	struct inode *i = dir->dentry->inode;
	struct dentry *d;
	int readonly, err;

	err = inode_permission(i, MAY_EXEC);
	if (err)
		return err;
	readonly = mnt_want_write(dir->mnt);
	mutex_lock_nested(&i->lock, RANK_INODE_DIR);
	err = dentry_lookup_q(dir->dentry, &w->last, &d);
	if (err)
		goto out_unlock;
	*is_new = dentry_is_negative(d);
	if (*is_new)
		err = readonly ? readonly : create_in(dir, d, a);
	if (err)
		dentry_put(d);
out_unlock:
	mutex_unlock(&i->lock);
	if (!readonly)
		mnt_drop_write(dir->mnt);
	if (err)
		return err;
	mount_get(dir->mnt);
	*out = (struct path){ dir->mnt, d };
	if (!*is_new)
		path_follow_mounts(out);
	return 0;
}

static int walk_to_parent(struct walk *w, const struct open_args *a)
{
	int err;

	walk_init(w, a->dfd, a->name, a->lookup | LOOKUP_PARENT);
	if (!(a->lookup & (LOOKUP_SCOPED | LOOKUP_NO_XDEV)))
		return path_parent(a->dfd, a->name, a->lookup, w);
	err = walk_ref(w);
	return err;
}

/* No name is left to be made: "..", "/", or what a magic link leads to. */
static int take_dots(struct walk *w, const struct open_args *a,
		     struct path *out)
{
	if (S_ISDIR(w->path.dentry->inode->mode))
		return a->flags & O_EXCL ? -EEXIST : -EISDIR;
	path_get(&w->path);
	*out = w->path;
	return 0;
}

/* Steps over links until the last name is something else. */
static int find_or_create(const struct open_args *a, struct path *out,
			  bool *is_new)
{
	struct path link;
	struct walk w;
	int err = walk_to_parent(&w, a);

	while (!err) {
		if (w.last_type != LAST_NORM) {
			err = take_dots(&w, a, out);
			path_put(&w.path);
			break;
		}
		err = -EISDIR;
		if (!w.wants_dir)
			err = lookup_or_create(&w, a, out, is_new);
		if (err) {
			path_put(&w.path);
			break;
		}
		if (*is_new || !S_ISLNK(out->dentry->inode->mode) ||
		    (a->flags & (O_EXCL | O_NOFOLLOW))) {
			path_put(&w.path);
			break;
		}
		link = *out;
		err = walk_follow_last(&w, &link);
		path_put(&link);
		if (err)
			return err;	/* the walk is over */
	}
	walk_done(&w);
	if (!err && !*is_new && (a->flags & O_EXCL)) {
		path_put(out);
		err = -EEXIST;
	}
	return err;
}

static int open_create(struct file *f, const struct open_args *a)
{
	bool is_new = false;
	struct path p;
	int err;

	irqs_unmask();
	err = find_or_create(a, &p, &is_new);
	if (err) {
		file_free_unopened(f);
		return err;
	}
	return open_found(f, &p, a, is_new);
}

/* --- files without a name -------------------------------------------------------------*/
static int make_tmpfile(const struct path *dir, const struct open_args *a,
			struct path *out)
{
	struct inode *i = dir->dentry->inode, *made;
	char name[24];
	struct dentry *d;
	int err = inode_permission(i, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if (!i->ops->tmpfile)
		return -EOPNOTSUPP;
	err = i->ops->tmpfile(i, &made, mode_for_create(i, a->mode));
	if (err)
		return err;
	err = dentry_alloc(dir->dentry, name,
			   (size_t)kscnprintf(name, sizeof(name), "#%llu",
					      made->ino), &d);
	if (err) {
		inode_put(made);
		return err;
	}
	if (!(a->flags & O_EXCL))
		made->flags |= S_LINKABLE;
	dentry_set_inode(d, made);
	mount_get(dir->mnt);
	*out = (struct path){ dir->mnt, d };
	return 0;
}

static int open_tmpfile(struct file *f, const struct open_args *a)
{
	struct path dir, p;
	int err;

	irqs_unmask();
	err = path_lookup_walk(a->dfd, a->name, a->lookup | LOOKUP_DIRECTORY,
			       &dir);
	if (err)
		goto err_free;
	err = mnt_want_write(dir.mnt);
	if (err)
		goto err_dir;
	err = make_tmpfile(&dir, a, &p);
	mnt_drop_write(dir.mnt);
err_dir:
	path_put(&dir);
	if (!err)
		return open_found(f, &p, a, true);
err_free:
	file_free_unopened(f);
	return err;
}

/* --- the entries -------------------------------------------------------------------------*/
/* f is freed on error. */
static int open_plain(struct file *f, const struct open_args *a)
{
	struct walk w;
	int err = -ECHILD;

	walk_init(&w, a->dfd, a->name, a->lookup);
	if (likely(!(a->lookup & (LOOKUP_SCOPED | LOOKUP_NO_XDEV)))) {
		rcu_read_lock();
		err = walk_rcu(&w);
		if (likely(!err))
			err = walk_legitimize(&w);
		rcu_read_unlock();
	}
	if (unlikely(err)) {
		if (a->flags & O_CREAT)
			return open_create(f, a);
		if (err == -ECHILD && (a->lookup & LOOKUP_CACHED))
			err = -EAGAIN;
		if (err == -ECHILD) {
			walk_init(&w, a->dfd, a->name, a->lookup);
			err = walk_ref(&w);
			if (!err)
				walk_done(&w);
		}
		if (err) {
			file_free_unopened(f);
			return err;
		}
	}
	return open_found(f, &w.path, a, false);
}

int do_open(int dfd, const char *name, unsigned flags, u32 mode,
	    unsigned lookup, struct file **out)
{
	struct open_args a = {
		.dfd = dfd, .name = name, .flags = flags,
		.mode = (mode & 07777) | S_IFREG,
	};
	int err = check_args(&a, lookup);

	if (unlikely(err))
		return err;
	err = file_alloc(a.flags, out);
	if (unlikely(err))
		return err;
	if (unlikely(a.flags & __O_TMPFILE))
		return open_tmpfile(*out, &a);
	if ((a.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return open_create(*out, &a);
	return open_plain(*out, &a);
}

int do_open_path(const struct path *p, unsigned flags, struct file **out)
{
	struct open_args a = { .flags = flags };
	struct path own = *p;
	int err = check_args(&a, 0);

	if (!err && (a.flags & __O_TMPFILE))
		err = -EOPNOTSUPP;
	if (!err && (a.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		err = -EEXIST;
	if (!err && (a.flags & O_DIRECTORY) &&
	    !S_ISDIR(p->dentry->inode->mode))
		err = -ENOTDIR;
	if (!err)
		err = file_alloc(a.flags, out);
	if (err)
		return err;
	path_get(&own);
	return open_found(*out, &own, &a, false);
}

int file_open(const char *name, unsigned flags, u32 mode, struct file **out)
{
	const struct cred *old = cred_override(&init_cred);
	int err = do_open(AT_FDCWD, name, flags, mode, 0, out);

	cred_revert(old);
	return err;
}
