/*
 * namei - the path walk with references, and the entries to both walks.
 *
 * Theory:  walk_ref() holds a reference of where it stands, so it may sleep:
 *          in a file system's look-up, in revalidation, on a link's text.
 *          Texts of links nest; what is left of each name waits in a frame.
 *          A walk that was told to stay below a directory (openat2) notes the
 *          versions of renames and mounts, and gives up with -EAGAIN if one
 *          moved while it went up by "..".
 * Locks:   an uncached name is looked up under its directory's inode lock.
 */
#include "vfs_impl.h"
#include <fs/fdtable.h>
#include <kernel/assert.h>
#include <kernel/rcu.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>

static struct slab_cache *name_cache;

/* --- names from user space ----------------------------------------------------*/
void namei_init(void)
{
	/* Some bytes more: words past the end may be read. */
	name_cache = slab_cache_create("names", PATH_MAX + 64, 64, SLAB_PANIC,
				       NULL);
}

static noinline int filename_get_long(const char __user *u,
				      struct filename *fn)
{
	int err;

	fn->name = slab_alloc(name_cache, GFP_KERNEL);
	if (!fn->name)
		return -ENOMEM;
	err = strncpy_from_user(fn->name, u, PATH_MAX, &fn->len);
	if (err)
		filename_put(fn);
	return err;
}

int filename_get(const char __user *u, unsigned flags, struct filename *fn)
{
	int err;

	fn->name = fn->small;
	err = strncpy_from_user(fn->small, u, sizeof(fn->small), &fn->len);
	if (unlikely(err == -ENAMETOOLONG))
		return filename_get_long(u, fn);
	if (!err && !fn->len && !(flags & LOOKUP_EMPTY))
		err = -ENOENT;
	return err;
}

void filename_put(struct filename *fn)
{
	if (fn->name && fn->name != fn->small)
		slab_free(name_cache, fn->name);
	fn->name = NULL;
}

char *filename_buffer(void)
{
	return slab_alloc(name_cache, GFP_KERNEL);
}

void filename_buffer_put(char *buf)
{
	slab_free(name_cache, buf);
}

/* --- frames ----------------------------------------------------------------------*/
void walk_init(struct walk *w, int dfd, const char *name, unsigned flags)
{
	w->path = w->root = (struct path){ NULL, NULL };
	w->inode = NULL;
	w->flags = flags;
	w->dfd = dfd;
	w->has_root = w->wants_dir = false;
	w->last_type = LAST_ROOT;
	w->links = w->depth = 0;
	w->name = name;
	w->frames = w->few_frames;
	w->last.len = 0;
}

static int frame_push(struct walk *w, const char *rest)
{
	struct link_frame *more;

	if (w->depth == WALK_FRAMES && w->frames == w->few_frames) {
		more = kmalloc(MAX_LINKS * sizeof(*more), GFP_KERNEL);
		if (!more)
			return -ENOMEM;
		memcpy(more, w->few_frames, sizeof(w->few_frames));
		w->frames = more;
	}
	w->frames[w->depth++] = (struct link_frame){ .rest = rest };
	return 0;
}

static void frame_pop(struct walk *w)
{
	struct link_frame *f = &w->frames[--w->depth];

	w->name = f->rest;
	if (f->done)
		f->done(f->arg);
}

void walk_done(struct walk *w)
{
	while (w->depth)
		frame_pop(w);
	if (w->frames != w->few_frames)
		kfree(w->frames);
	w->frames = w->few_frames;
	if (w->has_root)
		path_put(&w->root);
	w->has_root = false;
}

static void drop_path(struct walk *w)
{
	if (w->path.dentry)
		path_put(&w->path);
	w->path = (struct path){ NULL, NULL };
}

/* --- where it starts -----------------------------------------------------------*/
static void need_root(struct walk *w)
{
	if (w->has_root)
		return;
	fs_get_root(current->fs, &w->root);
	w->has_root = true;
}

static int start_dir(struct walk *w)
{
	struct fd f;

	if (w->dfd == AT_FDCWD) {
		fs_get_pwd(current->fs, &w->path);
		return 0;
	}
	f = fd_find_raw(w->dfd);
	if (!f.file)
		return -EBADF;
	w->path = f.file->path;
	if (w->path.dentry)
		path_get(&w->path);
	fd_release(f);
	if (!w->path.dentry)
		return -ENOTDIR;
	if (*w->name && !S_ISDIR(w->path.dentry->inode->mode)) {
		drop_path(w);
		return -ENOTDIR;
	}
	return 0;
}

static int jump_to_root(struct walk *w)
{
	if (w->flags & LOOKUP_BENEATH)
		return -EXDEV;
	need_root(w);
	if ((w->flags & LOOKUP_NO_XDEV) && w->path.mnt &&
	    w->path.mnt != w->root.mnt)
		return -EXDEV;
	drop_path(w);
	w->path = w->root;
	path_get(&w->path);
	return 0;
}

static int start(struct walk *w)
{
	int err;

	w->m_seq = seq_read_begin(&mount_seq);
	w->r_seq = seq_read_begin(&rename_seq);
	if (w->flags & LOOKUP_SCOPED) {
		err = start_dir(w);
		if (err)
			return err;
		w->root = w->path;
		path_get(&w->root);
		w->has_root = true;
		return *w->name == '/' ? jump_to_root(w) : 0;
	}
	return *w->name == '/' ? jump_to_root(w) : start_dir(w);
}

/* --- links -----------------------------------------------------------------------*/
/* Only slashes are left, here and in the frames. */
static bool is_last(const struct walk *w, const char *s)
{
	u32 n = w->depth;

	for (;;) {
		while (*s == '/')
			s++;
		if (*s)
			return false;
		if (!n)
			return true;
		s = w->frames[--n].rest;
	}
}

/* The sticky-directory rule of fs.protected_symlinks, for the last name. */
static int may_follow(struct walk *w, const struct inode *i)
{
	const struct inode *dir = w->path.dentry->inode;

	if (!sysctl_protected_symlinks || i->uid == current_fsuid())
		return 0;
	if ((dir->mode & (S_ISVTX | 0002)) != (S_ISVTX | 0002) ||
	    dir->uid == i->uid)
		return 0;
	return -EACCES;
}

/* A magic link: the walk stands where it points. */
static int follow_magic(struct walk *w, struct dentry *d, struct inode *i)
{
	struct path to;
	int err;

	if (w->flags & (LOOKUP_NO_MAGIC | LOOKUP_SCOPED))
		return w->flags & LOOKUP_NO_MAGIC ? -ELOOP : -EXDEV;
	err = i->ops->follow(d, i, &to);
	if (err)
		return err;
	if ((w->flags & LOOKUP_NO_XDEV) && to.mnt != w->path.mnt) {
		path_put(&to);
		return -EXDEV;
	}
	drop_path(w);
	w->path = to;
	return 0;
}

/* The walk goes on with the text of link; `rest` waits. */
static int enter_link(struct walk *w, const struct path *link, const char *rest)
{
	struct inode *i = link->dentry->inode;
	void (*done)(void *) = NULL;
	const char *text;
	void *arg = NULL;
	int err;

	if (++w->links > MAX_LINKS || (w->flags & LOOKUP_NO_SYMLINKS))
		return -ELOOP;
	err = is_last(w, rest) ? may_follow(w, i) : 0;
	if (err)
		return err;
	if (READ_ONCE(link->mnt->flags) & MNT_NOSYMFOLLOW)
		return -ELOOP;
	path_accessed(link);
	if (i->ops->follow) {
		w->name = rest;
		return follow_magic(w, link->dentry, i);
	}
	text = READ_ONCE(i->link);
	if (!text) {
		err = i->ops->get_link ?
			      i->ops->get_link(link->dentry, i, &text, &done,
					       &arg) : -EINVAL;
		if (err)
			return err;
	}
	err = *text ? frame_push(w, rest) : -ENOENT;
	if (err) {
		if (done)
			done(arg);
		return err;
	}
	w->frames[w->depth - 1].done = done;
	w->frames[w->depth - 1].arg = arg;
	w->name = text;
	return *text == '/' ? jump_to_root(w) : 0;
}

/* --- steps -------------------------------------------------------------------------*/
static int check_scope_unmoved(struct walk *w)
{
	if (!(w->flags & LOOKUP_SCOPED))
		return 0;
	if (seq_read_retry(&mount_seq, w->m_seq) ||
	    seq_read_retry(&rename_seq, w->r_seq))
		return -EAGAIN;
	return 0;
}

static struct dentry *get_parent(struct dentry *d)
{
	struct dentry *p;

	for (;;) {
		rcu_read_lock();
		p = READ_ONCE(d->parent);
		if (p && ref_tryget(&p->refs)) {
			rcu_read_unlock();
			if (READ_ONCE(d->parent) == p)
				return p;
			dentry_put(p);
			continue;
		}
		rcu_read_unlock();
	}
}

/* From the root of a mount to the place that it covers; false if that would
 * lead to or out of the walk's root. */
static bool climb(struct walk *w)
{
	struct path p = w->path;

	path_get(&p);
	while (p.dentry == p.mnt->root) {
		if (!path_follow_up(&p) ||
		    (p.dentry == w->root.dentry && p.mnt == w->root.mnt)) {
			path_put(&p);
			return false;
		}
	}
	drop_path(w);
	w->path = p;
	return true;
}

static int step_dotdot(struct walk *w)
{
	struct mount *mnt = w->path.mnt;
	struct dentry *p;

	need_root(w);
	if (w->path.dentry == w->root.dentry && mnt == w->root.mnt)
		return w->flags & LOOKUP_BENEATH ? -EXDEV : 0;
	if (w->path.dentry == mnt->root && !climb(w))
		return 0;
	if (mnt != w->path.mnt && (w->flags & LOOKUP_NO_XDEV))
		return -EXDEV;
	p = get_parent(w->path.dentry);
	dentry_put(w->path.dentry);
	w->path.dentry = p;
	path_follow_mounts(&w->path);
	return check_scope_unmoved(w);
}

/* The child of where the walk stands, referenced; may be negative. */
static int lookup_child(struct walk *w, struct dentry **out)
{
	struct dentry *dir = w->path.dentry, *d;
	int ok = 1;

	d = dentry_find_q(dir, &w->last);
	if (d && (READ_ONCE(d->flags) & D_REVALIDATE))
		ok = d->ops->revalidate(d, false);
	if (d && ok > 0) {
		*out = d;
		return 0;
	}
	/* A stale one goes below, under the lock: it may just be getting its
	 * inode, or another name. */
	dentry_put(d);
	if (ok < 0)
		return ok;
	mutex_lock_nested(&dir->inode->lock, RANK_INODE_DIR);
	ok = dentry_lookup_q(dir, &w->last, out);
	mutex_unlock(&dir->inode->lock);
	return ok;
}

/* The child as a path of its own, below mounts. */
static int child_path(struct walk *w, struct path *p)
{
	int err = lookup_child(w, &p->dentry);

	if (err)
		return err;
	p->mnt = w->path.mnt;
	mount_get(p->mnt);
	if (READ_ONCE(p->dentry->flags) & D_MOUNTPOINT) {
		path_follow_mounts(p);
		mount_used(p->mnt, w->flags);
		if ((w->flags & LOOKUP_NO_XDEV) && p->mnt != w->path.mnt) {
			path_put(p);
			return -EXDEV;
		}
	}
	return 0;
}

static int step_name(struct walk *w, const char *end, bool follow)
{
	struct inode *i;
	struct path p;
	int err = child_path(w, &p);

	if (err)
		return err;
	i = READ_ONCE(p.dentry->inode);
	if (!i) {
		path_put(&p);
		return -ENOENT;
	}
	if (S_ISLNK(i->mode) && follow) {
		err = enter_link(w, &p, end);
		path_put(&p);
		return err;
	}
	drop_path(w);
	w->path = p;
	w->name = end;
	return 0;
}

static bool next_name(struct walk *w)
{
	for (;;) {
		if (*w->name == '/')
			w->wants_dir = true;
		while (*w->name == '/')
			w->name++;
		if (*w->name)
			return true;
		if (!w->depth)
			return false;
		frame_pop(w);
	}
}

/* Slashes follow somewhere: a last name must then be a directory. */
static bool slash_follows(const struct walk *w, const char *s)
{
	u32 n = w->depth;

	for (; *s != '/'; s = w->frames[--n].rest)
		if (!n)
			return false;
	return true;
}

static void set_last_type(struct walk *w)
{
	w->last_type = LAST_NORM;
	if (qname_is_dot(&w->last))
		w->last_type = LAST_DOT;
	else if (qname_is_dotdot(&w->last))
		w->last_type = LAST_DOTDOT;
}

static int step_any(struct walk *w, const char *end, bool is_final)
{
	if (w->last_type == LAST_NORM)
		return step_name(w, end, !is_final || w->wants_dir ||
						 (w->flags & LOOKUP_FOLLOW));
	w->name = end;
	w->wants_dir = true;
	return w->last_type == LAST_DOT ? 0 : step_dotdot(w);
}

/* Walks what is left of the name; with LOOKUP_PARENT to the last directory. */
static int run(struct walk *w)
{
	struct inode *i;
	const char *end;
	bool is_final;
	int err;

	while (next_name(w)) {
		i = w->path.dentry->inode;
		if (!S_ISDIR(i->mode))
			return -ENOTDIR;
		err = inode_may_search(i);
		if (err)
			return err;
		end = qname_parse(w->name, &w->last);
		if (w->last.len > NAME_MAX)
			return -ENAMETOOLONG;
		set_last_type(w);
		is_final = is_last(w, end);
		w->wants_dir = is_final && slash_follows(w, end);
		if ((w->flags & LOOKUP_PARENT) && is_final) {
			w->name = end;
			return 0;
		}
		err = step_any(w, end, is_final);
		if (err)
			return err;
	}
	if ((w->wants_dir || (w->flags & LOOKUP_DIRECTORY)) &&
	    !S_ISDIR(w->path.dentry->inode->mode))
		return -ENOTDIR;
	return 0;
}

static int run_or_drop(struct walk *w)
{
	int err = run(w);

	if (err) {
		walk_done(w);
		drop_path(w);
	}
	return err;
}

int walk_ref(struct walk *w)
{
	int err;

	irqs_unmask();
	err = start(w);
	if (err) {
		walk_done(w);
		drop_path(w);
		return err;
	}
	return run_or_drop(w);
}

int walk_follow_last(struct walk *w, const struct path *link)
{
	int err = enter_link(w, link, w->name);

	if (err) {
		walk_done(w);
		drop_path(w);
		return err;
	}
	w->last_type = LAST_ROOT;
	return run_or_drop(w);
}

/* --- the entries --------------------------------------------------------------------*/
static int lookup_rcu(struct walk *w)
{
	int err;

	rcu_read_lock();
	err = walk_rcu(w);
	if (!err)
		err = walk_legitimize(w);
	rcu_read_unlock();
	return err;
}

int path_lookup_walk(int dfd, const char *name, unsigned flags,
		     struct path *out)
{
	struct walk w;
	int err = -ECHILD;

	walk_init(&w, dfd, name, flags);
	if (!(flags & (LOOKUP_SCOPED | LOOKUP_NO_XDEV)))
		err = lookup_rcu(&w);
	if (err == -ECHILD) {
		walk_init(&w, dfd, name, flags);
		err = walk_ref(&w);
		if (!err)
			walk_done(&w);
	}
	if (!err)
		*out = w.path;
	return err;
}

int path_lookup(int dfd, const char *name, unsigned flags, struct path *out)
{
	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	return path_lookup_walk(dfd, name, flags, out);
}

int path_lookup_user(int dfd, const char __user *name, unsigned flags,
		     struct path *out)
{
	struct filename fn;
	int err = filename_get(name, flags, &fn);

	if (err)
		return err;
	err = path_lookup_walk(dfd, fn.name, flags, out);
	filename_put(&fn);
	return err;
}

int path_parent(int dfd, const char *name, unsigned flags, struct walk *w)
{
	int err;

	walk_init(w, dfd, name, flags | LOOKUP_PARENT);
	if (!*name)
		return -ENOENT;
	err = lookup_rcu(w);
	if (!err) {
		if (w->last.len)
			set_last_type(w);
		return 0;
	}
	if (err != -ECHILD)
		return err;
	walk_init(w, dfd, name, flags | LOOKUP_PARENT);
	return walk_ref(w);
}

/* Returns with the lock of an inode found on the way: not analysed. */
int path_create(int dfd, const char *name, unsigned flags, struct path *parent,
		struct dentry **d) __no_analysis
{
	struct walk w;
	int err = path_parent(dfd, name, 0, &w);

	if (err)
		return err;
	walk_done(&w);
	*parent = w.path;
	err = -EEXIST;
	if (w.last_type != LAST_NORM)
		goto err_put;
	err = mnt_want_write(parent->mnt);
	/* As Linux: an existing name is -EEXIST also when read-only. */
	mutex_lock_nested(&parent->dentry->inode->lock, RANK_INODE_DIR);
	if (err) {
		int ro = err;

		err = dentry_lookup_q(parent->dentry, &w.last, d);
		if (!err) {
			err = dentry_is_negative(*d) ? ro : -EEXIST;
			dentry_put(*d);
		}
		goto err_unlock;
	}
	err = dentry_lookup_q(parent->dentry, &w.last, d);
	if (err)
		goto err_drop_write;
	err = -EEXIST;
	if (!dentry_is_negative(*d))
		goto err_dentry;
	err = -ENOENT;
	if (w.wants_dir && !(flags & LOOKUP_DIRECTORY))
		goto err_dentry;
	return 0;

err_dentry:
	dentry_put(*d);
err_drop_write:
	mnt_drop_write(parent->mnt);
err_unlock:
	mutex_unlock(&parent->dentry->inode->lock);
err_put:
	path_put(parent);
	return err;
}

void path_create_done(struct path *parent, struct dentry *d) __no_analysis
{
	dentry_put(d);
	mutex_unlock(&parent->dentry->inode->lock);
	mnt_drop_write(parent->mnt);
	path_put(parent);
}
