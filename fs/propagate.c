/*
 * propagate - mounts that appear in other places too (shared subtrees).
 *
 * Theory:  a shared mount belongs to a peer group, a slave receives from one;
 *          both are numbers.  A mount n receives what happens on p if, going
 *          from n's group up through the groups that it is a slave of, one
 *          meets p's group.  When the last member leaves a group, its slaves
 *          become slaves of the group's own master.  There are few mounts, so
 *          each question is a walk over all of them: no lists to keep in step.
 *          (Linux: Documentation/filesystems/sharedsubtree.rst.)
 * Locks:   mount_mutex.
 */
#include "mount_impl.h"
#include <kernel/assert.h>

static LIST_HEAD(members);		/* mounts with a group. mount_mutex */
static int last_group;

static void enlist(struct mount *m)
{
	if (list_empty(&m->all_node))
		list_add_tail(&m->all_node, &members);
}

static bool group_has_members(int group)
{
	struct mount *m;

	list_for_each_entry(m, &members, all_node)
		if (m->peer_group == group)
			return true;
	return false;
}

/* The slaves of a group that died receive from its master. */
static void hand_slaves_over(int group, int master)
{
	struct mount *m;

	list_for_each_entry(m, &members, all_node)
		if (m->master_group == group)
			m->master_group = master;
}

static void leave_peers(struct mount *m)
{
	int group = m->peer_group;

	m->peer_group = 0;
	m->propagation = PROP_PRIVATE;
	if (group && !group_has_members(group))
		hand_slaves_over(group, m->master_group);
}

void group_leave(struct mount *m)
{
	leave_peers(m);
	m->master_group = 0;
	list_del_init(&m->all_node);
}

void group_copy(struct mount *from, struct mount *to)
{
	to->peer_group = from->peer_group;
	to->master_group = from->master_group;
	to->propagation = from->propagation;
	if (to->peer_group || to->master_group)
		enlist(to);
}

static void make_shared(struct mount *m)
{
	if (!m->peer_group)
		m->peer_group = ++last_group;
	m->propagation = PROP_SHARED;
	enlist(m);
}

static void make_slave(struct mount *m)
{
	int group = m->peer_group;

	if (!group)
		return;
	leave_peers(m);
	if (group_has_members(group))
		m->master_group = group;
	if (!m->master_group)
		list_del_init(&m->all_node);
}

void group_assign(struct mount *top)
{
	for (struct mount *m = top; m; m = tree_next(m, top))
		make_shared(m);
}

static int master_of_group(int group)
{
	struct mount *m;

	list_for_each_entry(m, &members, all_node)
		if (m->peer_group == group)
			return m->master_group;
	return 0;
}

static bool receives(const struct mount *n, const struct mount *from)
{
	int group = n->master_group;

	if (n->peer_group && n->peer_group == from->peer_group)
		return true;
	while (group && group != from->peer_group)
		group = master_of_group(group);
	return group;
}

static bool is_reachable(struct mount *m, const struct path *root)
{
	struct dentry *d = m->root;

	while (m != root->mnt && m->parent) {
		d = m->mountpoint;
		m = m->parent;
	}
	return m == root->mnt && dentry_is_below(d, root->dentry);
}

int group_seen_above(const struct mount *m, const struct path *root)
{
	struct mount *n;
	int group;

	for (group = m->master_group; group; group = master_of_group(group))
		list_for_each_entry(n, &members, all_node)
			if (n->peer_group == group && n->ns == m->ns &&
			    is_reachable(n, root))
				return group;
	return 0;
}

/* What a receiver gets: a peer of src where it is a peer itself, else a
 * slave, shared anew if the receiver is. */
static void set_copy_type(struct mount *copy, const struct mount *n,
			  const struct mount *parent)
{
	if (n->peer_group == parent->peer_group)
		return;
	for (struct mount *m = copy; m; m = tree_next(m, copy)) {
		make_slave(m);
		if (n->peer_group)
			make_shared(m);
	}
}

static int propagate_to(struct mount *n, struct mount *src,
			struct mount *parent, struct dentry *mp,
			struct list *made)
{
	struct mount *copy;
	int err;

	if (n == parent || !n->ns || !receives(n, parent) ||
	    n->sb != parent->sb || !dentry_is_below(mp, n->root))
		return 0;
	err = tree_clone(src, src->root, false, &copy);
	if (err)
		return err;
	set_copy_type(copy, n, parent);
	copy->master_hint = n;
	list_add_tail(&copy->ns_node, made);
	return 0;
}

int tree_propagate(struct mount *src, struct mount *parent, struct dentry *mp)
{
	struct mount *n, *copy;
	LIST_HEAD(made);
	int err = 0;

	if (parent->propagation != PROP_SHARED)
		return 0;
	group_assign(src);
	list_for_each_entry(n, &members, all_node) {
		err = propagate_to(n, src, parent, mp, &made);
		if (err)
			break;
	}
	while (!list_empty(&made)) {
		copy = list_first_entry(&made, struct mount, ns_node);
		list_del_init(&copy->ns_node);
		n = copy->master_hint;
		if (err) {
			tree_discard(copy);
			continue;
		}
		if (n->ns->owner.user_ns != parent->ns->owner.user_ns)
			tree_lock_flags(copy);
		copy->locks &= ~MNT_LOCKED;
		mount_attach(copy, n, mp, n->ns);
	}
	return err;
}

void propagate_umount(struct mount *m, struct list *gone)
{
	struct mount *parent = m->parent, *n, *c;
	struct dentry *mp = m->mountpoint;

	if (!parent || parent->propagation != PROP_SHARED)
		return;
again:
	list_for_each_entry(n, &members, all_node) {
		if (n == parent || !n->ns || !receives(n, parent))
			continue;
		c = mount_find_rcu(n, mp);
		if (c && list_empty(&c->children)) {
			tree_detach(c, gone);
			goto again;
		}
	}
}

static int change_one(struct mount *m, unsigned long how)
{
	switch (how) {
	case MS_SHARED:
		make_shared(m);
		return 0;
	case MS_SLAVE:
		make_slave(m);
		return 0;
	case MS_PRIVATE:
		group_leave(m);
		return 0;
	case MS_UNBINDABLE:
		group_leave(m);
		m->propagation = PROP_UNBINDABLE;
		return 0;
	}
	return -EINVAL;
}

int propagation_change(struct mount *top, unsigned long how, bool is_recursive)
{
	int err = change_one(top, how);

	if (!is_recursive)
		return err;
	for (struct mount *m = top; m && !err; m = tree_next(m, top))
		err = change_one(m, how);
	return err;
}
