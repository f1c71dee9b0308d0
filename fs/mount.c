/*
 * mount - the tree of mounts: what covers which dentry.
 *
 * Theory:  a hash by (parent mount, mountpoint) answers walks under RCU; a
 *          version, mount_seq, grows with each change, and walks that saw
 *          another one start over.
 * Locks:   mount_mutex serialises changes; mount_lock guards hash, parents
 *          and mount_seq for the short time of one change.
 * Life:    an attached mount has one reference by its namespace, owns one of
 *          its parent and one of its mountpoint.  The last mount_put() lets
 *          go of the superblock.
 */
#include "mount_impl.h"
#include <kernel/assert.h>
#include <kernel/rcu.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/ns.h>
#include <task/process.h>

struct seqcount mount_seq;		/* mount_lock */
struct hlist_head *mount_table;		/* mount_lock, RCU */
struct mutex mount_mutex;
static struct spinlock mount_lock = SPINLOCK_INIT(RANK_SPIN, "mount");
static int last_id;			/* atomic */

/* --- references ---------------------------------------------------------------*/
void mount_get(struct mount *m)
{
	ref_get(&m->refs);
}

static void free_rcu(struct rcu_head *head)
{
	kfree(container_of(head, struct mount, rcu));
}

void mount_put_last(struct mount *m)
{
	assert(!m->parent);
	spin_lock(&mount_lock);
	list_del(&m->sb_node);
	spin_unlock(&mount_lock);
	dentry_put(m->root);
	super_put(m->sb);
	kfree(m->devname);
	call_rcu(&m->rcu, free_rcu);
}

void mount_put(struct mount *m)
{
	if (m && ref_put(&m->refs))
		mount_put_last(m);
}

void path_get(const struct path *p)
{
	ref_get(&p->mnt->refs);
	dentry_get(p->dentry);
}

int mount_alloc(struct super_block *sb, struct dentry *root,
		const char *devname, u32 flags, struct mount **out)
{
	struct mount *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	m->devname = kstrdup(devname ? devname : "none", GFP_KERNEL);
	if (!m->devname) {
		kfree(m);
		return -ENOMEM;
	}
	ref_init(&m->refs, 1);
	ref_get(&sb->refs);
	m->sb = sb;
	m->root = dentry_get(root);
	m->flags = flags;
	m->id = fetch_add_relaxed(&last_id, 1) + 1;
	hlist_node_init(&m->hash_node);
	list_init(&m->children);
	list_init(&m->child);
	list_init(&m->ns_node);
	list_init(&m->all_node);
	spin_lock(&mount_lock);
	list_add_tail(&m->sb_node, &sb->mounts);
	spin_unlock(&mount_lock);
	*out = m;
	return 0;
}

int mount_clone(struct mount *m, struct dentry *root, struct mount **out)
{
	int err = mount_alloc(m->sb, root, m->devname, m->flags, out);

	if (!err)
		(*out)->locks = m->locks;
	return err;
}

/* --- going up and down -----------------------------------------------------------*/
static struct mount *covering(const struct path *p)
{
	struct mount *m;
	u32 seq;

	for (;;) {
		rcu_read_lock();
		seq = seq_read_begin(&mount_seq);
		m = mount_find_rcu(p->mnt, p->dentry);
		if (m && !ref_tryget(&m->refs))
			m = NULL;
		rcu_read_unlock();
		if (!seq_read_retry(&mount_seq, seq))
			return m;
		mount_put(m);
	}
}

void path_follow_mounts(struct path *p)
{
	struct mount *m;

	while (READ_ONCE(p->dentry->flags) & D_MOUNTPOINT) {
		m = covering(p);
		if (!m)
			return;
		path_put(p);
		p->mnt = m;
		p->dentry = dentry_get(m->root);
	}
}

bool path_follow_up(struct path *p)
{
	struct path up;

	spin_lock(&mount_lock);
	up = (struct path){ p->mnt->parent, p->mnt->mountpoint };
	if (up.mnt)
		path_get(&up);
	spin_unlock(&mount_lock);
	if (!up.mnt)
		return false;
	path_put(p);
	*p = up;
	return true;
}

bool dentry_is_mounted(const struct dentry *d)
{
	return READ_ONCE(d->flags) & D_MOUNTPOINT;
}

bool mount_is_in_ns(const struct mount *at, const struct dentry *d)
{
	const struct mount *m;
	bool found = false;

	rcu_read_lock();
	for (unsigned i = 0; i < 1u << MHASH_BITS && !found; i++)
		hlist_for_each_entry_rcu(m, &mount_table[i], hash_node)
			if (READ_ONCE(m->mountpoint) == d && m->ns == at->ns)
				found = true;
	rcu_read_unlock();
	return found;
}

/* --- changes ---------------------------------------------------------------------*/
void ns_changed(struct mnt_namespace *ns)
{
	if (!ns)
		return;
	ns->seq++;
	wake_if_waiting(&ns->poll, 0);
}

static void mark_mountpoint(struct dentry *d, bool on)
{
	spin_lock(&d->lock);
	if (on)
		d->flags |= D_MOUNTPOINT;
	else
		d->flags &= ~D_MOUNTPOINT;
	spin_unlock(&d->lock);
}

static bool is_mounted_somewhere(const struct dentry *d)
{
	struct mount *m;

	for (unsigned i = 0; i < 1u << MHASH_BITS; i++)
		hlist_for_each_entry(m, &mount_table[i], hash_node)
			if (m->mountpoint == d)
				return true;
	return false;
}

void mount_attach(struct mount *m, struct mount *parent, struct dentry *mp,
		  struct mnt_namespace *ns)
{
	mount_get(parent);
	dentry_get(mp);
	mark_mountpoint(mp, true);
	spin_lock(&mount_lock);
	seq_write_begin(&mount_seq);
	m->parent = parent;
	m->mountpoint = mp;
	hlist_add_head_rcu(&m->hash_node, mount_bucket(parent, mp));
	list_add_tail(&m->child, &parent->children);
	seq_write_end(&mount_seq);
	spin_unlock(&mount_lock);
	tree_set_ns(m, ns);
	ns_changed(ns);
}

void mount_detach(struct mount *m)
{
	struct mount *parent = m->parent;
	struct dentry *mp = m->mountpoint;

	if (!parent)
		return;
	spin_lock(&mount_lock);
	seq_write_begin(&mount_seq);
	hlist_del_rcu(&m->hash_node);
	list_del_init(&m->child);
	WRITE_ONCE(m->parent, NULL);
	WRITE_ONCE(m->mountpoint, NULL);
	seq_write_end(&mount_seq);
	spin_unlock(&mount_lock);
	if (!is_mounted_somewhere(mp))
		mark_mountpoint(mp, false);
	dentry_put(mp);
	mount_put(parent);
}

/* The mount after m in the tree under top, parents first; NULL: the end. */
struct mount *tree_next(struct mount *m, struct mount *top)
{
	if (!list_empty(&m->children))
		return list_first_entry(&m->children, struct mount, child);
	while (m != top) {
		if (!list_is_last(&m->child, &m->parent->children))
			return list_next_entry(m, child);
		m = m->parent;
	}
	return NULL;
}

void tree_set_ns(struct mount *top, struct mnt_namespace *ns)
{
	for (struct mount *m = top; m; m = tree_next(m, top)) {
		if (m->ns == ns)
			continue;
		list_del_init(&m->ns_node);
		WRITE_ONCE(m->ns, ns);
		if (ns)
			list_add_tail(&m->ns_node, &ns->mounts);
	}
}

void tree_lock_flags(struct mount *top)
{
	for (struct mount *m = top; m; m = tree_next(m, top)) {
		m->locks = MNT_LOCK_ATIME |
			   (m->flags & (MNT_READONLY | MNT_NODEV | MNT_NOSUID |
					MNT_NOEXEC));
		if (m != top)
			m->locks |= MNT_LOCKED;
	}
}

void tree_detach(struct mount *top, struct list *gone)
{
	struct mnt_namespace *ns = top->ns;
	struct mount *m, *n;
	LIST_HEAD(tree);

	for (m = top; m; m = tree_next(m, top)) {
		list_del_init(&m->ns_node);
		list_add_tail(&m->ns_node, &tree);
		WRITE_ONCE(m->ns, NULL);
	}
	list_for_each_entry_safe(m, n, &tree, ns_node) {
		group_leave(m);
		mount_detach(m);
	}
	list_splice_tail(&tree, gone);
	ns_changed(ns);
}

void mounts_release(struct list *gone)
{
	struct mount *m;

	while (!list_empty(gone)) {
		m = list_first_entry(gone, struct mount, ns_node);
		list_del_init(&m->ns_node);
		mount_put(m);
	}
}

void tree_discard(struct mount *m)
{
	LIST_HEAD(gone);

	tree_detach(m, &gone);
	mounts_release(&gone);
}

static int clone_child(struct mount *child, struct mount *parent,
		       struct mount **out)
{
	int err = mount_clone(child, child->root, out);

	if (err)
		return err;
	group_copy(child, *out);
	mount_attach(*out, parent, child->mountpoint, NULL);
	return 0;
}

/* Mounts kept by a mount that is copied with a namespace: a circle. */
static bool keeps_mounts(const struct mount *m)
{
	const struct ns_ref *r = ns_of_inode(m->root->inode);

	return r && r->type == CLONE_NEWNS;
}

/* copy of src's children that lie below `root`, under dst; one level. */
static int clone_children(struct mount *src, struct mount *dst,
			  struct dentry *root, bool with_unbindable)
{
	struct mount *c, *copy;
	int err;

	list_for_each_entry(c, &src->children, child) {
		if (!dentry_is_below(c->mountpoint, root))
			continue;
		if (c->propagation == PROP_UNBINDABLE && !with_unbindable)
			continue;
		if (with_unbindable && keeps_mounts(c))
			continue;
		err = clone_child(c, dst, &copy);
		if (err)
			return err;
		/* Found again by the walk over the copy. */
		copy->master_hint = c;
	}
	return 0;
}

int tree_clone(struct mount *src, struct dentry *root, bool with_unbindable,
	       struct mount **out)
{
	struct mount *top, *m;
	int err = mount_clone(src, root, &top);

	if (err)
		return err;
	group_copy(src, top);
	top->master_hint = src;
	for (m = top; m; m = tree_next(m, top)) {
		err = clone_children(m->master_hint, m,
				     m == top ? root : m->root,
				     with_unbindable);
		if (err) {
			tree_discard(top);
			return err;
		}
	}
	*out = top;
	return 0;
}

/* Mounts on a name that was removed go with it, in every namespace. */
void mounts_detach_dentry(struct dentry *d)
{
	LIST_HEAD(gone);
	struct mount *m;

	/* Who changes mounts takes no lock of the directory held here. */
	mutex_lock_nested(&mount_mutex, RANK_NONE);
again:
	for (unsigned i = 0; i < 1u << MHASH_BITS; i++) {
		hlist_for_each_entry(m, &mount_table[i], hash_node) {
			if (m->mountpoint == d) {
				tree_detach(m, &gone);
				goto again;
			}
		}
	}
	mutex_unlock(&mount_mutex);
	mounts_release(&gone);
}

/* --- access ----------------------------------------------------------------------*/
bool sb_has_writers(struct super_block *sb)
{
	struct mount *m;
	bool found = false;

	spin_lock(&mount_lock);
	list_for_each_entry(m, &sb->mounts, sb_node)
		if (READ_ONCE(m->writers))
			found = true;
	spin_unlock(&mount_lock);
	return found;
}

int mnt_want_write(struct mount *m)
{
	fetch_add(&m->writers, 1);
	if (likely(!mnt_is_readonly(m)))
		return 0;
	mnt_drop_write(m);
	return -EROFS;
}

void mnt_drop_write(struct mount *m)
{
	__atomic_sub_fetch(&m->writers, 1, __ATOMIC_RELEASE);
}

static bool is_before(const struct timespec64 *a, const struct timespec64 *b)
{
	return a->sec != b->sec ? a->sec < b->sec : a->nsec < b->nsec;
}

bool atime_needs_update(const struct mount *m, struct inode *i)
{
	u32 mf = READ_ONCE(m->flags), sf = READ_ONCE(i->sb->flags);

	if ((mf & MNT_NOATIME) || (sf & (SB_NOATIME | SB_RDONLY)) ||
	    (i->flags & S_NOATIME) || (mf & MNT_READONLY))
		return false;
	if (S_ISDIR(i->mode) &&
	    ((mf & MNT_NODIRATIME) || (sf & SB_NODIRATIME)))
		return false;
	if (!(mf & MNT_RELATIME))
		return true;
	return !is_before(&i->mtime, &i->atime) ||
	       !is_before(&i->ctime, &i->atime) ||
	       (s64)READ_ONCE(file_coarse_sec) - i->atime.sec >= 24 * 3600;
}

void path_accessed(const struct path *p)
{
	struct inode *i = p->dentry->inode;

	if (!i || !atime_needs_update(p->mnt, i) || mnt_want_write(p->mnt))
		return;
	inode_touch(i, TIME_A);
	mnt_drop_write(p->mnt);
}

void mount_init(void)
{
	mutex_init(&mount_mutex, RANK_MOUNT, "mount");
	mount_table = kzalloc(sizeof(*mount_table) << MHASH_BITS, GFP_KERNEL);
	BUG_ON(!mount_table);
}
