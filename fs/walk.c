/*
 * walk - the path walk without a lock or a reference.
 *
 * Theory:  under RCU a walk goes from dentry to dentry by the hash, and keeps
 *          of each only its version.  A child is believed if, after its
 *          parent, name and inode were read, its own version and that of the
 *          directory it was found in are unchanged; by induction the last one
 *          was where the name says at one moment of the walk.  Orders between
 *          the loads come from address dependencies (ptr_after), so that no
 *          fence is paid.  Whatever is not at hand (an uncached name, a file
 *          system with a permission check of its own, too many links) ends it
 *          with -ECHILD, and walk_ref() starts afresh.
 *          One flat function: under an emulator a call costs as much as 60
 *          instructions (docs/vfs.md).
 */
#include "vfs_impl.h"
#include <fs/fdtable.h>
#include <kernel/rcu.h>
#include <task/cred.h>

/* Names that wait while a link's text is walked. */
struct rcu_links {
	const char *rest[RCU_LINKS];
	unsigned depth;
};

static __always_inline int start_at(struct walk *w, const struct path *p)
{
	w->path = *p;
	w->seq = READ_ONCE(p->dentry->seq.seq);
	w->inode = READ_ONCE(
		((struct dentry *)ptr_after(p->dentry, w->seq))->inode);
	return w->seq & 1 || !w->inode ? -ECHILD : 0;
}

/* The starting point; fs_struct is read as it is if only current has it. */
static __always_inline int start(struct walk *w)
{
	struct fs_struct *fs = current->fs;
	struct fd f;

	w->m_seq = READ_ONCE(mount_seq.seq);
	if (w->m_seq & 1)
		return -ECHILD;
	if (unlikely(ref_count(&fs->refs) != 1)) {
		u32 seq = seq_read_begin(&fs->seq);

		w->root = fs->root;
		w->path = fs->pwd;
		if (seq_read_retry(&fs->seq, seq))
			return -ECHILD;
	} else {
		w->root = fs->root;
		w->path = fs->pwd;
	}
	if (*w->name == '/')
		return start_at(w, &w->root);
	if (likely(w->dfd == AT_FDCWD))
		return start_at(w, &w->path);
	f = fd_find_raw(w->dfd);
	if (unlikely(!f.file || f.needs_put)) {
		fd_release(f);
		return -ECHILD;
	}
	return f.file->path.dentry ? start_at(w, &f.file->path) : -ECHILD;
}

/* 0 if e is the name q of parent; any other bits tell what differs. */
static __always_inline u64 difference(const struct dentry *e,
				      const struct dentry *parent,
				      const struct qname *q)
{
	const u64 *name;
	u64 diff;
	u32 i = 0;

	diff = (u64)(READ_ONCE(e->hash) ^ q->hash) | (READ_ONCE(e->len) ^ q->len) |
	       ((uintptr_t)READ_ONCE(e->parent) ^ (uintptr_t)parent);
	if (diff)
		return diff;
	name = (const u64 *)READ_ONCE(e->name);
	do
		diff |= READ_ONCE(name[i]) ^ q->words[i];
	while (++i * 8 < q->len);
	return diff;
}

/* The child by name, its version, and a 0 that depends on all that was read
 * of it; NULL: not cached, or in motion. */
static __always_inline struct dentry *find_child(struct dentry *parent,
						 const struct qname *q,
						 u32 *seq, u64 *dep)
{
	struct dentry *d;
	u64 diff;

	hlist_for_each_entry_rcu(d, dentry_bucket(parent, q->hash), hash_node) {
		*seq = READ_ONCE(d->seq.seq);
		diff = difference(ptr_after(d, *seq), parent, q);
		*dep = diff;
		OPTIMIZER_HIDE(*dep);
		if (!diff)
			return *seq & 1 ? NULL : d;
	}
	return NULL;
}

static noinline int cross_mounts(struct walk *w)
{
	struct mount *m;

	while (READ_ONCE(w->path.dentry->flags) & D_MOUNTPOINT) {
		m = mount_find_rcu(w->path.mnt, w->path.dentry);
		if (!m)
			break;
		w->path.mnt = m;
		mount_used(m, w->flags);
		if (start_at(w, &(struct path){ m, READ_ONCE(m->root) }))
			return -ECHILD;
	}
	smp_rmb();
	return READ_ONCE(mount_seq.seq) == w->m_seq ? 0 : -ECHILD;
}

static __always_inline int step_dotdot(struct walk *w)
{
	struct dentry *d = w->path.dentry, *p;
	u32 seq;

	if (d == w->root.dentry && w->path.mnt == w->root.mnt)
		return 0;
	if (d == w->path.mnt->root)
		return -ECHILD;
	p = READ_ONCE(d->parent);
	if (!p || !dentry_seq_same(d, w->seq, (uintptr_t)p))
		return -ECHILD;
	seq = READ_ONCE(p->seq.seq);
	w->inode = READ_ONCE(((struct dentry *)ptr_after(p, seq))->inode);
	if ((seq & 1) || !w->inode ||
	    !dentry_seq_same(d, w->seq, (uintptr_t)w->inode))
		return -ECHILD;
	w->path.dentry = p;
	w->seq = seq;
	return READ_ONCE(p->flags) & D_MOUNTPOINT ? cross_mounts(w) : 0;
}

static noinline int revalidate_rcu(struct walk *w, struct dentry *d, u32 seq)
{
	const struct dentry_ops *ops = READ_ONCE(d->ops);

	if (!dentry_seq_same(d, seq, (uintptr_t)ops) || !ops->revalidate)
		return -ECHILD;
	return ops->revalidate(d, true) > 0 ? 0 : -ECHILD;
}

/*
 * i is a link, found at d; the walk stands in its directory.  Goes on with
 * its text if that is in memory.
 */
static noinline int enter_link(struct walk *w, struct rcu_links *l,
			       struct dentry *d, u32 seq, struct inode *i,
			       const char *rest)
{
	const char *text = READ_ONCE(i->link);
	const struct inode_ops *ops = READ_ONCE(i->ops);

	if ((w->flags & LOOKUP_NO_SYMLINKS) || !text ||
	    (READ_ONCE(w->path.mnt->flags) & MNT_NOSYMFOLLOW) || ops->follow ||
	    l->depth == RCU_LINKS || ++w->links > MAX_LINKS ||
	    sysctl_protected_symlinks || atime_needs_update(w->path.mnt, i))
		return -ECHILD;
	smp_rmb();
	if (READ_ONCE(d->seq.seq) != seq || !*text)
		return -ECHILD;
	l->rest[l->depth++] = rest;
	w->name = text;
	if (*text == '/')
		return start_at(w, &w->root);
	return 0;
}

/* True if only slashes are left, here and in the names that wait. */
static __always_inline bool is_last(const struct rcu_links *l, const char *s)
{
	unsigned n = l->depth;

	for (;;) {
		while (*s == '/')
			s++;
		if (*s)
			return false;
		if (likely(!n))
			return true;
		s = l->rest[--n];
	}
}

/* After a link's text: back to what waited. False: nothing is left. */
static __always_inline bool next_name(struct walk *w, struct rcu_links *l)
{
	for (;;) {
		if (*w->name == '/')
			w->wants_dir = true;
		while (*w->name == '/')
			w->name++;
		if (likely(*w->name))
			return true;
		if (likely(!l->depth))
			return false;
		w->name = l->rest[--l->depth];
	}
}

/*
 * One name that is not "." or "..": 0 and the walk stands on it, or in its
 * directory with w->name at a link's text.
 */
static __always_inline int step_name(struct walk *w, struct rcu_links *l,
				     const char *end)
{
	struct dentry *dir = w->path.dentry, *d;
	struct inode *i;
	u32 seq, flags;
	u64 dep;

	d = find_child(dir, &w->last, &seq, &dep);
	if (unlikely(!d))
		return -ECHILD;
	i = READ_ONCE(d->inode);
	flags = READ_ONCE(d->flags);
	dep ^= (uintptr_t)i ^ flags;
	if (unlikely(!dentry_seq_same(d, seq, dep)) ||
	    unlikely(!dentry_seq_same(dir, w->seq, dep)))
		return -ECHILD;
	if (unlikely(flags & D_REVALIDATE) && revalidate_rcu(w, d, seq))
		return -ECHILD;
	/* Unhashed: reused for the same name, and not looked up yet. */
	if (unlikely(!i))
		return flags & D_UNHASHED ? -ECHILD : -ENOENT;
	if (unlikely(flags & D_SYMLINK) &&
	    (*end == '/' || (w->flags & LOOKUP_FOLLOW) || !is_last(l, end)))
		return enter_link(w, l, d, seq, i, end);
	w->path.dentry = d;
	w->inode = i;
	w->seq = seq;
	w->name = end;
	if (unlikely(flags & D_MOUNTPOINT))
		return cross_mounts(w);
	return 0;
}

static __always_inline int check_search(struct walk *w)
{
	struct inode *i = w->inode;
	const struct inode_ops *ops = READ_ONCE(i->ops);
	u32 mode = READ_ONCE(i->mode);

	if (unlikely(!S_ISDIR(mode) || READ_ONCE(ops->permission)))
		return -ECHILD;
	if (likely((mode & 0111) == 0111))
		return 0;
	return inode_permission_generic(i, MAY_EXEC) ? -ECHILD : 0;
}

__hot int walk_rcu(struct walk *w)
{
	struct rcu_links links = { .depth = 0 };
	const char *end;
	int err = start(w);

	if (unlikely(err))
		return err;
	while (next_name(w, &links)) {
		if (unlikely(check_search(w)))
			return -ECHILD;
		end = qname_parse(w->name, &w->last);
		w->wants_dir = false;
		if (unlikely(w->last.len > NAME_MAX))
			return -ECHILD;
		if ((w->flags & LOOKUP_PARENT) && is_last(&links, end)) {
			w->wants_dir = *end == '/';
			w->name = end;
			return links.depth ? -ECHILD : 0;
		}
		if (unlikely(w->last.len <= 2)) {
			if (qname_is_dot(&w->last)) {
				w->name = end;
				w->wants_dir = true;
				continue;
			}
			if (qname_is_dotdot(&w->last)) {
				err = step_dotdot(w);
				if (err)
					return err;
				w->name = end;
				continue;
			}
		}
		err = step_name(w, &links, end);
		if (unlikely(err))
			return err;
	}
	if ((w->wants_dir || (w->flags & LOOKUP_DIRECTORY)) &&
	    !S_ISDIR(READ_ONCE(w->inode->mode)))
		return -ECHILD;
	return 0;
}

bool walk_still_valid(const struct walk *w)
{
	smp_rmb();
	return READ_ONCE(w->path.dentry->seq.seq) == w->seq &&
	       READ_ONCE(mount_seq.seq) == w->m_seq;
}

int walk_legitimize(struct walk *w)
{
	struct path *p = &w->path;

	if (!ref_tryget(&p->mnt->refs))
		return -ECHILD;
	if (!ref_tryget(&p->dentry->refs)) {
		rcu_read_unlock();
		mount_put(p->mnt);
		rcu_read_lock();
		return -ECHILD;
	}
	if (likely(walk_still_valid(w)))
		return 0;
	rcu_read_unlock();
	path_put(p);
	rcu_read_lock();
	return -ECHILD;
}
