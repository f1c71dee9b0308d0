/*
 * mount_api - mounts as descriptors: open_tree(2), move_mount(2),
 * mount_setattr(2).
 *
 * Theory:  a detached mount, a copy or a new one, has no parent and belongs to
 *          no namespace; an open file owns it (FMODE_UNMOUNT).  Attaching it
 *          somewhere takes that ownership away; a file that is closed still
 *          having it takes the tree down.
 * Locks:   mount_mutex for mount.is_floating and all changes.
 */
#include "mount_impl.h"
#include <lib/string.h>
#include <task/cred.h>

/* --- detached mounts --------------------------------------------------------*/
int mount_open_floating(struct mount *m, unsigned flags, struct file **out)
{
	struct path p = { m, m->root };
	int err = file_open_path(&p, O_PATH, out);

	if (err)
		return err;
	(*out)->mode |= FMODE_UNMOUNT;
	m->is_floating = true;
	return 0;
}

void mount_dissolve(struct mount *m)
{
	mutex_lock(&mount_mutex);
	if (m->is_floating) {
		m->is_floating = false;
		tree_discard(m);
	}
	mutex_unlock(&mount_mutex);
}

static int clone_locked(const struct path *from, bool is_rec,
			struct mount **out)
{
	int err;

	if (from->mnt->propagation == PROP_UNBINDABLE ||
	    (!mount_is_ours(from->mnt) && !from->mnt->is_floating &&
	     !mount_may_keep_ns(from->dentry->inode)) ||
	    (!is_rec && mount_has_locked_children(from->mnt, from->dentry)))
		return -EINVAL;
	if (is_rec) {
		err = tree_clone(from->mnt, from->dentry, false, out);
	} else {
		err = mount_clone(from->mnt, from->dentry, out);
		if (!err)
			group_copy(from->mnt, *out);
	}
	if (!err)
		(*out)->locks &= ~MNT_LOCKED;
	return err;
}

int mount_open_tree(const struct path *p, bool is_clone, bool is_rec,
		    struct file **out)
{
	struct mount *m;
	int err;

	if (!is_clone)
		return file_open_path(p, O_PATH, out);
	mutex_lock(&mount_mutex);
	err = clone_locked(p, is_rec, &m);
	if (!err) {
		err = mount_open_floating(m, 0, out);
		if (err)
			tree_discard(m);
	}
	mutex_unlock(&mount_mutex);
	return err;
}

/* --- moving ---------------------------------------------------------------------*/
static int attach_floating(struct mount *m, struct path *at)
{
	int err;

	path_follow_mounts(at);
	for (struct mount *up = at->mnt; up; up = up->parent)
		if (up == m)
			return -ELOOP;
	err = mount_graft_locked(m, at);
	if (!err)
		m->is_floating = false;
	return err;
}

static bool is_root_of_current(const struct mount *m)
{
	struct path root;
	bool yes;

	fs_get_root(current->fs, &root);
	yes = root.mnt == m;
	path_put(&root);
	return yes;
}

/* Between a mount and what it covers.  Not where what happens is told to other
 * mounts, which would have to get one in the same place. */
static int check_beneath(const struct path *from, const struct path *to)
{
	const struct mount *top = to->mnt, *m = from->mnt;

	if (from->dentry != m->root || !m->is_floating ||
	    to->dentry != top->root || !mount_is_ours(top) || !top->parent ||
	    (top->locks & MNT_LOCKED) || is_root_of_current(top) ||
	    top->parent == top->ns->root ||
	    top->parent->propagation == PROP_SHARED)
		return -EINVAL;
	return S_ISDIR(m->root->inode->mode) ==
			       S_ISDIR(top->root->inode->mode) ? 0 : -ENOTDIR;
}

static int attach_beneath(const struct path *from, struct path *to)
{
	struct mount *m = from->mnt, *top;
	struct path at;
	int err;

	path_follow_mounts(to);
	err = check_beneath(from, to);
	if (err)
		return err;
	top = to->mnt;
	at = (struct path){ top->parent, top->mountpoint };
	path_get(&at);
	mount_detach(top);
	mount_attach(m, at.mnt, at.dentry, at.mnt->ns);
	mount_attach(top, m, m->root, m->ns);
	m->is_floating = false;
	path_put(&at);
	return 0;
}

int mount_move_paths(const struct path *from, struct path *to,
		     bool is_beneath)
{
	int err;

	mutex_lock(&mount_mutex);
	if (is_beneath)
		err = attach_beneath(from, to);
	else if (from->mnt->is_floating && from->dentry == from->mnt->root)
		err = attach_floating(from->mnt, to);
	else
		err = mount_move_locked(from, to);
	mutex_unlock(&mount_mutex);
	return err;
}

/* --- attributes -------------------------------------------------------------------*/
static const struct {
	u32 attr, mnt;
} attrs[] = {
	{ MOUNT_ATTR_RDONLY, MNT_READONLY },	   { MOUNT_ATTR_NOSUID, MNT_NOSUID },
	{ MOUNT_ATTR_NODEV, MNT_NODEV },	   { MOUNT_ATTR_NOEXEC, MNT_NOEXEC },
	{ MOUNT_ATTR_NODIRATIME, MNT_NODIRATIME },
	{ MOUNT_ATTR_NOSYMFOLLOW, MNT_NOSYMFOLLOW },
};

int mount_flags_of_attr(u64 attr, u32 *out)
{
	u32 f = 0;

	switch (attr & MOUNT_ATTR_ATIME) {
	case 0:
		f = MNT_RELATIME;
		break;
	case MOUNT_ATTR_NOATIME:
		f = MNT_NOATIME;
		break;
	case MOUNT_ATTR_STRICTATIME:
		break;
	default:
		return -EINVAL;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(attrs); i++)
		if (attr & attrs[i].attr)
			f |= attrs[i].mnt;
	*out = f;
	return 0;
}

u64 mount_attr_of_flags(u32 flags)
{
	u64 a = flags & MNT_NOATIME  ? MOUNT_ATTR_NOATIME :
		flags & MNT_RELATIME ? 0 : MOUNT_ATTR_STRICTATIME;

	for (unsigned i = 0; i < ARRAY_SIZE(attrs); i++)
		if (flags & attrs[i].mnt)
			a |= attrs[i].attr;
	return a;
}

static int new_flags(const struct mount *m, u64 set, u64 clear, u32 *new)
{
	int err = mount_flags_of_attr((mount_attr_of_flags(m->flags) &
				       ~clear) | set, new);

	return err ? err : mount_locks_allow(m, *new) ? 0 : -EPERM;
}

static int change_one(struct mount *m, u64 set, u64 clear)
{
	u32 old = m->flags, new;
	int err = new_flags(m, set, clear, &new);

	if (err)
		return err;
	m->old_flags = old;
	__atomic_store_n(&m->flags, new, __ATOMIC_SEQ_CST);
	smp_mb();
	if ((new & MNT_READONLY) && !(old & MNT_READONLY) &&
	    READ_ONCE(m->writers)) {
		WRITE_ONCE(m->flags, old);
		return -EBUSY;
	}
	return 0;
}

/* The mounts before `end` are again as they were. */
static void change_back(struct mount *top, const struct mount *end)
{
	for (struct mount *m = top; m != end; m = tree_next(m, top))
		WRITE_ONCE(m->flags, m->old_flags);
}

/* All or none: what was changed before one refused is changed back. */
static int change_tree(struct mount *top, u64 set, u64 clear, bool is_rec)
{
	struct mount *m;
	int err = 0;

	for (m = top; m; m = is_rec ? tree_next(m, top) : NULL) {
		err = change_one(m, set, clear);
		if (err) {
			change_back(top, m);
			break;
		}
	}
	return err;
}

int mount_change_attr(const struct path *p, u64 set, u64 clear,
		      unsigned long propagation, bool is_rec)
{
	struct mount *m = p->mnt;
	int err = 0;

	if (p->dentry != m->root)
		return -EINVAL;
	mutex_lock(&mount_mutex);
	if (!mount_is_ours(m) && !m->is_floating)
		err = -EINVAL;
	if (!err)
		err = change_tree(m, set, clear, is_rec);
	if (!err && propagation)
		err = propagation_change(m, propagation, is_rec);
	ns_changed(m->ns);
	mutex_unlock(&mount_mutex);
	return err;
}
