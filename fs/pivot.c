/*
 * pivot - pivot_root(2): another mount becomes the root of the namespace.
 *
 * Locks:   mount_mutex for the exchange; then each task's fs on its own.
 */
#include "mount_impl.h"
#include <kernel/spinlock.h>
#include <task/cred.h>
#include <task/ns.h>
#include <task/pid.h>

static bool is_at(const struct path *a, const struct path *b)
{
	return a->mnt == b->mnt && a->dentry == b->dentry;
}

static void replace_in(struct fs_struct *fs, const struct path *old,
		       const struct path *new)
{
	struct path p;

	fs_get_root(fs, &p);
	if (is_at(&p, old))
		fs_set_root(fs, new);
	path_put(&p);
	fs_get_pwd(fs, &p);
	if (is_at(&p, old))
		fs_set_pwd(fs, new);
	path_put(&p);
}

/* All tasks that stood at the old root stand at the new one. */
static void move_tasks(const struct path *old, const struct path *new)
{
	struct fs_struct *fs;
	struct task *t;
	int nr = 1;

	replace_in(&init_fs, old, new);
	for (; (t = task_next_tgid(&nr)); nr++) {
		fs = fs_struct_of(t);
		task_put(t);
		if (!fs)
			continue;
		replace_in(fs, old, new);
		fs_struct_put(fs);
	}
}

static bool is_reachable(const struct path *p, const struct path *root)
{
	struct mount *m = p->mnt;
	struct dentry *d = p->dentry;

	while (m != root->mnt && m->parent) {
		d = m->mountpoint;
		m = m->parent;
	}
	return m == root->mnt && dentry_is_below(d, root->dentry);
}

static bool is_shared(const struct mount *m)
{
	return m && m->propagation == PROP_SHARED;
}

static int check_pivot(const struct path *new, const struct path *old,
		       const struct path *root)
{
	struct mount *n = new->mnt, *r = root->mnt;

	if (is_shared(old->mnt) || is_shared(n->parent) || is_shared(r->parent))
		return -EINVAL;
	if (!r->ns || n->ns != r->ns || n->ns != current->nsproxy->mnt)
		return -EINVAL;
	if ((new->dentry->flags & (D_UNHASHED | D_ROOT)) == D_UNHASHED)
		return -ENOENT;
	if (n == r || old->mnt == r)
		return -EBUSY;
	if (root->dentry != r->root || !r->parent || new->dentry != n->root ||
	    !n->parent)
		return -EINVAL;
	if (n->locks & MNT_LOCKED)
		return -EINVAL;
	if (!is_reachable(old, new) || !is_reachable(new, root))
		return -EINVAL;
	return 0;
}

static int pivot_locked(struct path *new, struct path *old,
			const struct path *root)
{
	struct mount *n = new->mnt, *r = root->mnt;
	struct path top;
	int err;

	path_follow_mounts(old);
	err = check_pivot(new, old, root);
	if (err)
		return err;
	top = (struct path){ r->parent, r->mountpoint };
	path_get(&top);
	if (r->locks & MNT_LOCKED) {
		n->locks |= MNT_LOCKED;
		r->locks &= ~MNT_LOCKED;
	}
	mount_detach(n);
	mount_detach(r);
	mount_attach(r, old->mnt, old->dentry, r->ns);
	mount_attach(n, top.mnt, top.dentry, n->ns);
	path_put(&top);
	return 0;
}

int do_pivot_root(const char *new_root, const char *put_old)
{
	unsigned flags = LOOKUP_FOLLOW | LOOKUP_DIRECTORY;
	struct path new, old, root;
	int err;

	if (!ns_capable(current->nsproxy->mnt->owner.user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup(AT_FDCWD, new_root, flags, &new);
	if (err)
		return err;
	err = path_lookup(AT_FDCWD, put_old, flags, &old);
	if (err)
		goto out_new;
	fs_get_root(current->fs, &root);
	mutex_lock(&mount_mutex);
	err = pivot_locked(&new, &old, &root);
	mutex_unlock(&mount_mutex);
	if (!err)
		move_tasks(&root, &new);
	path_put(&root);
	path_put(&old);
out_new:
	path_put(&new);
	return err;
}
