/*
 * namespace - what mount, umount and pivot_root do to the tree, and copies of
 * it for CLONE_NEWNS.
 *
 * Locks:   names are looked up first; then mount_mutex for the change.
 */
#include "mount_impl.h"
#include <kernel/assert.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>
#include <task/ns.h>
#include <task/process.h>

#define MNT_FORCE 1u
#define MNT_DETACH 2u
#define MNT_EXPIRE 4u
#define UMOUNT_NOFOLLOW 8u
#define ATIME_FLAGS (MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME)
#define REMOUNT_FLAGS (SB_RDONLY | SB_SYNCHRONOUS)
#define MS_ATIME (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)
#define MS_TYPES (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

static struct mnt_namespace first_ns = { .owner = NS_OWNER_INIT };
struct mnt_namespace *init_mnt_ns = &first_ns;
static u64 last_ns_id;			/* atomic */

static struct mnt_namespace *current_ns(void)
{
	return current->nsproxy ? current->nsproxy->mnt : init_mnt_ns;
}

bool mount_is_ours(const struct mount *m)
{
	return m->ns && m->ns == current_ns();
}

/* mount(2) and its kin: in the namespace that the mounts are of. */
bool mount_allowed(void)
{
	return ns_capable(current_ns()->owner.user_ns, CAP_SYS_ADMIN);
}

bool mnt_may_suid(const struct mount *m)
{
	return !(m->flags & MNT_NOSUID) && !(m->sb->flags & SB_NOSUID) &&
	       mount_is_ours(m) &&
	       user_ns_is_below(current_user_ns(), m->sb->user_ns);
}

static bool is_mount_root(const struct path *p)
{
	return p->dentry == p->mnt->root;
}

static u32 mnt_flags_of(unsigned long ms)
{
	u32 f = 0;

	if (!(ms & (MS_NOATIME | MS_STRICTATIME)))
		f |= MNT_RELATIME;
	if (ms & MS_NOSUID)
		f |= MNT_NOSUID;
	if (ms & MS_NODEV)
		f |= MNT_NODEV;
	if (ms & MS_NOEXEC)
		f |= MNT_NOEXEC;
	if ((ms & MS_NOATIME) && !(ms & MS_STRICTATIME))
		f |= MNT_NOATIME;
	if (ms & MS_NODIRATIME)
		f |= MNT_NODIRATIME;
	if (ms & MS_RDONLY)
		f |= MNT_READONLY;
	if (ms & MS_NOSYMFOLLOW)
		f |= MNT_NOSYMFOLLOW;
	return f;
}

static unsigned sb_flags_of(unsigned long ms)
{
	return (unsigned)(ms & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC));
}

/* --- putting on --------------------------------------------------------------*/
static int check_graft(const struct mount *m, const struct path *at)
{
	struct inode *mp = at->dentry->inode, *root = m->root->inode;

	if (!mount_is_ours(at->mnt))
		return -EINVAL;
	if (!mp || (mp->flags & S_DEAD) || (at->dentry->flags & D_CANT_MOUNT) ||
	    (at->dentry->flags & (D_UNHASHED | D_ROOT)) == D_UNHASHED)
		return -ENOENT;
	if (S_ISLNK(root->mode))
		return -EINVAL;
	if (S_ISDIR(mp->mode) != S_ISDIR(root->mode))
		return -ENOTDIR;
	return 0;
}

/* What a mount hides must stay hidden in the copy. */
bool mount_has_locked_children(const struct mount *m, struct dentry *root)
{
	const struct mount *c;

	list_for_each_entry(c, &m->children, child)
		if ((c->locks & MNT_LOCKED) &&
		    dentry_is_below(c->mountpoint, root))
			return true;
	return false;
}

/* Attaches m (its reference moves in on success) at `at` and wherever that is
 * propagated to. */
int mount_graft_locked(struct mount *m, const struct path *at)
{
	int err = check_graft(m, at);

	if (!err)
		err = tree_propagate(m, at->mnt, at->dentry);
	if (!err)
		mount_attach(m, at->mnt, at->dentry, at->mnt->ns);
	return err;
}

/* Shows m nothing but what `seen`, a mount of the same kind, shows? */
static bool is_visible_by(struct mount *m, struct mount *seen)
{
	u32 locks = seen->locks;
	const struct mount *c;

	if (seen->root != seen->sb->root)
		return false;
	if (((locks & MNT_READONLY) || sb_is_readonly(seen->sb)) &&
	    !(m->flags & MNT_READONLY))
		return false;
	if ((locks & MNT_LOCK_ATIME) &&
	    ((m->flags ^ seen->flags) & ATIME_FLAGS))
		return false;
	list_for_each_entry(c, &seen->children, child)
		if (c->locks & MNT_LOCKED)
			return false;
	m->locks |= locks & (MNT_LOCK_ATIME | MNT_READONLY);
	return true;
}

/* In a user namespace /proc may be mounted only where an uncovered one is seen
 * already: else what was hidden would be found. */
bool mount_reveals_too_much(struct mount *m)
{
	struct mnt_namespace *ns = current_ns();
	struct mount *seen;

	if (ns->owner.user_ns == &init_user_ns ||
	    !(m->sb->fs->flags & FS_SHOWS_SYSTEM))
		return false;
	list_for_each_entry(seen, &ns->mounts, ns_node)
		if (seen->sb->fs == m->sb->fs && is_visible_by(m, seen))
			return false;
	return true;
}

static int mount_new(struct path *at, const char *type, const char *dev,
		     unsigned long ms, char *opts)
{
	const struct filesystem *fs;
	struct super_block *sb;
	struct mount *m;
	int err;

	if (!type)
		return -EINVAL;
	fs = filesystem_find(type);
	if (!fs)
		return -ENODEV;
	err = filesystem_may_mount(fs);
	if (err)
		return err;
	err = fs->mount(fs, sb_flags_of(ms), dev, opts, &sb);
	if (err)
		return err;
	err = mount_alloc(sb, sb->root, dev, mnt_flags_of(ms), &m);
	super_put(sb);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	path_follow_mounts(at);
	if (at->mnt->sb == m->sb && is_mount_root(at))
		err = -EBUSY;
	else if (mount_reveals_too_much(m))
		err = -EPERM;
	else
		err = mount_graft_locked(m, at);
	if (err)
		tree_discard(m);
	mutex_unlock(&mount_mutex);
	return err;
}

/* A file of /proc/PID/ns lies nowhere, and a mount keeps its namespace: not
 * one of mounts that could, in turn, keep ours. */
bool mount_may_keep_ns(const struct inode *i)
{
	const struct ns_ref *r = ns_of_inode(i);

	return r && (r->type != CLONE_NEWNS ||
		     ns_ref_ino(r) > current_ns()->id);
}

static int bind_locked(const struct path *from, struct path *at, bool is_rec)
{
	struct mount *m;
	int err;

	if (from->mnt->propagation == PROP_UNBINDABLE)
		return -EINVAL;
	if (!mount_is_ours(from->mnt) && !mount_may_keep_ns(from->dentry->inode))
		return -EINVAL;
	if (!is_rec && mount_has_locked_children(from->mnt, from->dentry))
		return -EINVAL;
	path_follow_mounts(at);
	if (is_rec) {
		err = tree_clone(from->mnt, from->dentry, false, &m);
	} else {
		err = mount_clone(from->mnt, from->dentry, &m);
		if (!err)
			group_copy(from->mnt, m);
	}
	if (err)
		return err;
	m->locks &= ~MNT_LOCKED;
	err = mount_graft_locked(m, at);
	if (err)
		tree_discard(m);
	return err;
}

static int mount_bind(struct path *at, const char *dev, unsigned long ms)
{
	struct path from;
	int err;

	if (!dev || !*dev)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, dev, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = bind_locked(&from, at, ms & MS_REC);
	mutex_unlock(&mount_mutex);
	path_put(&from);
	return err;
}

static bool tree_has_unbindable(struct mount *top)
{
	for (struct mount *m = top; m; m = tree_next(m, top))
		if (m->propagation == PROP_UNBINDABLE)
			return true;
	return false;
}

int mount_move_locked(const struct path *from, struct path *at)
{
	struct mount *m = from->mnt, *up;
	struct path old;
	int err;

	path_follow_mounts(at);
	if (!mount_is_ours(m) || !mount_is_ours(at->mnt) || !is_mount_root(from) ||
	    !m->parent || m->parent->propagation == PROP_SHARED ||
	    (m->locks & MNT_LOCKED))
		return -EINVAL;
	if (at->mnt->propagation == PROP_SHARED && tree_has_unbindable(m))
		return -EINVAL;
	for (up = at->mnt; up; up = up->parent)
		if (up == m)
			return -ELOOP;
	err = check_graft(m, at);
	if (err)
		return err;
	old = (struct path){ m->parent, m->mountpoint };
	path_get(&old);
	mount_detach(m);
	err = tree_propagate(m, at->mnt, at->dentry);
	if (err)
		mount_attach(m, old.mnt, old.dentry, old.mnt->ns);
	else
		mount_attach(m, at->mnt, at->dentry, at->mnt->ns);
	path_put(&old);
	return err;
}

static int mount_move(struct path *at, const char *dev)
{
	struct path from;
	int err;

	if (!dev || !*dev)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, dev, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = mount_move_locked(&from, at);
	mutex_unlock(&mount_mutex);
	path_put(&from);
	return err;
}

/* --- changing -----------------------------------------------------------------*/
/* Read-only or not, for the whole superblock. */
static int remount_sb(struct super_block *sb, unsigned flags, char *opts,
		      bool is_forced)
{
	unsigned old = sb->flags;
	bool to_ro = (flags & SB_RDONLY) && !(old & SB_RDONLY);
	int err = 0;

	rwsem_write_lock(&sb->umount_lock);
	if (to_ro) {
		__atomic_fetch_or(&sb->flags, SB_RDONLY, __ATOMIC_SEQ_CST);
		if (sb_has_writers(sb) && !is_forced)
			err = -EBUSY;
		else
			err = sync_super(sb);
	}
	if (!err && sb->ops->remount)
		err = sb->ops->remount(sb, &flags, opts);
	if (err)
		WRITE_ONCE(sb->flags, old);
	else
		WRITE_ONCE(sb->flags, (old & ~REMOUNT_FLAGS) |
					      (flags & REMOUNT_FLAGS));
	rwsem_write_unlock(&sb->umount_lock);
	return err;
}

int super_remount(struct super_block *sb, unsigned flags, char *opts)
{
	return remount_sb(sb, flags, opts, false);
}

bool mount_locks_allow(const struct mount *m, u32 flags)
{
	return !(m->locks & ~flags & (MNT_READONLY | MNT_NODEV | MNT_NOSUID |
				      MNT_NOEXEC)) &&
	       !((m->locks & MNT_LOCK_ATIME) &&
		 ((flags ^ m->flags) & ATIME_FLAGS));
}

static int change_mnt_flags(struct mount *m, unsigned long ms)
{
	u32 old = m->flags, flags = mnt_flags_of(ms);

	if (!(ms & MS_ATIME))
		flags = (flags & ~ATIME_FLAGS) | (old & ATIME_FLAGS);
	if (!mount_locks_allow(m, flags))
		return -EPERM;
	__atomic_store_n(&m->flags, flags, __ATOMIC_SEQ_CST);
	smp_mb();
	if ((flags & MNT_READONLY) && !(old & MNT_READONLY) &&
	    READ_ONCE(m->writers)) {
		WRITE_ONCE(m->flags, old);
		return -EBUSY;
	}
	ns_changed(m->ns);
	return 0;
}

static int mount_remount(struct path *at, unsigned long ms, char *opts)
{
	struct mount *m = at->mnt;
	int err = 0;

	if (!is_mount_root(at) || !mount_is_ours(m))
		return -EINVAL;
	if (!(ms & MS_BIND) && !ns_capable(m->sb->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&mount_mutex);
	if (!(ms & MS_BIND))
		err = remount_sb(m->sb, sb_flags_of(ms), opts, false);
	if (!err)
		err = change_mnt_flags(m, ms);
	mutex_unlock(&mount_mutex);
	return err;
}

static int mount_change_type(struct path *at, unsigned long ms)
{
	unsigned long how = ms & MS_TYPES;
	int err;

	if ((ms & ~(MS_REC | MS_SILENT | MS_TYPES)) || !is_pow2(how) ||
	    !is_mount_root(at) || !mount_is_ours(at->mnt))
		return -EINVAL;
	mutex_lock(&mount_mutex);
	err = propagation_change(at->mnt, how, ms & MS_REC);
	ns_changed(at->mnt->ns);
	mutex_unlock(&mount_mutex);
	return err;
}

int do_mount(const char *dev, const char *dir, const char *type,
	     unsigned long flags, char *opts)
{
	struct path at;
	int err;

	if ((flags & 0xffff0000ul) == 0xc0ed0000ul)
		flags &= 0xfffful;
	err = path_lookup(AT_FDCWD, dir, LOOKUP_FOLLOW, &at);
	if (err)
		return err;
	if (!mount_allowed())
		err = -EPERM;
	else if (flags & MS_REMOUNT)
		err = mount_remount(&at, flags, opts);
	else if (flags & MS_BIND)
		err = mount_bind(&at, dev, flags);
	else if (flags & MS_TYPES)
		err = mount_change_type(&at, flags);
	else if (flags & MS_MOVE)
		err = mount_move(&at, dev);
	else
		err = mount_new(&at, type, dev, flags, opts);
	path_put(&at);
	return err;
}

/* --- taking off ------------------------------------------------------------------*/
static int umount_locked(struct mount *m, unsigned flags, struct list *gone)
{
	if (!m->parent)
		return -EINVAL;
	if (!(flags & MNT_DETACH)) {
		/* One by the namespace, one by the caller's path. */
		if (!list_empty(&m->children) || ref_count(&m->refs) > 2)
			return -EBUSY;
	}
	/* The first time marks it, the second finds it unused since. */
	if ((flags & MNT_EXPIRE) && !xchg(&m->is_expired, 1u))
		return -EAGAIN;
	propagate_umount(m, gone);
	tree_detach(m, gone);
	return 0;
}

static int check_umount(const struct path *p, unsigned flags)
{
	if (!mount_allowed())
		return -EPERM;
	if (!is_mount_root(p) || !mount_is_ours(p->mnt) ||
	    (p->mnt->locks & MNT_LOCKED))
		return -EINVAL;
	if ((flags & MNT_FORCE) &&
	    !ns_capable(p->mnt->sb->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	return 0;
}

/* The root of the calling task goes read-only instead (as in Linux). */
static bool is_own_root(const struct mount *m)
{
	struct path root;
	bool is_same;

	fs_get_root(current->fs, &root);
	is_same = root.mnt == m;
	path_put(&root);
	return is_same;
}

int do_umount(const char *dir, unsigned flags)
{
	LIST_HEAD(gone);
	struct path p;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = path_lookup(AT_FDCWD, dir,
			  LOOKUP_NO_USE | (flags & UMOUNT_NOFOLLOW ? 0 :
						   LOOKUP_FOLLOW), &p);
	if (err)
		return err;
	err = check_umount(&p, flags);
	if (err)
		goto out;
	mutex_lock(&mount_mutex);
	if (is_own_root(p.mnt) && !(flags & MNT_DETACH))
		err = !ns_capable(p.mnt->sb->user_ns, CAP_SYS_ADMIN) ? -EPERM : remount_sb(p.mnt->sb, SB_RDONLY, NULL, false);
	else
		err = umount_locked(p.mnt, flags, &gone);
	mutex_unlock(&mount_mutex);
out:
	path_put(&p);
	mounts_release(&gone);
	return err;
}

/* --- namespaces ---------------------------------------------------------------------*/
static void ns_init(struct mnt_namespace *ns, struct mount *root)
{
	ref_init(&ns->refs, 1);
	list_init(&ns->mounts);
	waitq_init(&ns->poll);
	ns->root = root;
	ns->id = fetch_add_relaxed(&last_ns_id, 1) + 0xf0000000ull;
	tree_set_ns(root, ns);
}

/* fs of the new task points into the copy where it pointed into the original */
static void redirect(struct fs_struct *fs, struct mount *top)
{
	struct path root, pwd;

	fs_get_root(fs, &root);
	fs_get_pwd(fs, &pwd);
	for (struct mount *m = top; m; m = tree_next(m, top)) {
		if (m->master_hint == root.mnt)
			fs_set_root(fs, &(struct path){ m, root.dentry });
		if (m->master_hint == pwd.mnt)
			fs_set_pwd(fs, &(struct path){ m, pwd.dentry });
		m->master_hint = NULL;
	}
	path_put(&root);
	path_put(&pwd);
}

/* A copy for another user namespace receives and does not send. */
static void restrict_tree(struct mount *top)
{
	ignore_error(propagation_change(top, MS_SLAVE, true)); /* known */
	tree_lock_flags(top);
}

int mnt_ns_copy(struct mnt_namespace *from, struct user_ns *user,
		struct fs_struct *fs, struct mnt_namespace **out)
{
	struct mnt_namespace *ns = kzalloc(sizeof(*ns), GFP_KERNEL);
	struct mount *top;
	int err;

	if (!ns)
		return -ENOMEM;
	err = ns_owner_init(&ns->owner, user, NS_COUNT_MNT);
	if (err)
		goto err_free;
	mutex_lock(&mount_mutex);
	err = tree_clone(from->root, from->root->root, true, &top);
	if (!err) {
		if (user != from->owner.user_ns)
			restrict_tree(top);
		ns_init(ns, top);
		if (fs)
			redirect(fs, top);
	}
	mutex_unlock(&mount_mutex);
	if (err)
		goto err_owner;
	*out = ns;
	return 0;
err_owner:
	ns_owner_release(&ns->owner, NS_COUNT_MNT);
err_free:
	kfree(ns);
	return err;
}

/* The topmost mount on the root of all. mount_mutex held. */
static struct path top_root(struct mnt_namespace *ns)
{
	struct path p = { ns->root, ns->root->root };
	struct mount *m;
	bool again;

	do {
		again = false;
		list_for_each_entry(m, &p.mnt->children, child)
			if (m->mountpoint == p.dentry) {
				p = (struct path){ m, m->root };
				again = true;
				break;
			}
	} while (again);
	return p;
}

void mnt_ns_enter(struct mnt_namespace *ns, struct fs_struct *fs)
{
	struct path p;

	mutex_lock(&mount_mutex);
	p = top_root(ns);
	path_get(&p);
	mutex_unlock(&mount_mutex);
	fs_set_root(fs, &p);
	fs_set_pwd(fs, &p);
	path_put(&p);
}

bool current_is_chrooted(void)
{
	struct path top, root;
	bool is_same;

	mutex_lock(&mount_mutex);
	top = top_root(current_ns());
	fs_get_root(current->fs, &root);
	is_same = root.mnt == top.mnt && root.dentry == top.dentry;
	mutex_unlock(&mount_mutex);
	path_put(&root);
	return !is_same;
}

void mnt_ns_put(struct mnt_namespace *ns)
{
	LIST_HEAD(gone);

	if (!ns || !ref_put(&ns->refs))
		return;
	mutex_lock(&mount_mutex);
	tree_detach(ns->root, &gone);
	mutex_unlock(&mount_mutex);
	mounts_release(&gone);
	ns_owner_release(&ns->owner, NS_COUNT_MNT);
	kfree(ns);
}

int kern_mount(const char *fstype, char *opts, struct mount **out)
{
	const struct filesystem *fs = filesystem_find(fstype);
	struct super_block *sb;
	int err;

	if (!fs)
		return -ENODEV;
	err = fs->mount(fs, SB_KERNMOUNT, fstype, opts, &sb);
	if (err)
		return err;
	err = mount_alloc(sb, sb->root, fstype, 0, out);
	super_put(sb);
	return err;
}

void mount_init_rootfs(void)
{
	struct mount *m;
	struct path root;

	BUG_ON(kern_mount("rootfs", NULL, &m));
	m->flags = MNT_RELATIME;
	ns_init(&first_ns, m);
	init_nsproxy.mnt = &first_ns;
	root = (struct path){ m, m->root };
	fs_set_root(&init_fs, &root);
	fs_set_pwd(&init_fs, &root);
	if (!current->fs)
		current->fs = &init_fs;
	if (current->fs != &init_fs) {
		fs_set_root(current->fs, &root);
		fs_set_pwd(current->fs, &root);
	}
}
