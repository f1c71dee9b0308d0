/*
 * xattr - extended attributes in memory.
 *
 * Theory:  few files of a tmpfs have any, so they stand in one list of the
 *          superblock, and an inode only has a flag that says whether to look.
 *          Their bytes count as inodes, as Linux does it.
 * Locks:   tmpfs_sb.lock guards the list; the flag is the inode's lock's.
 * Life:    an attribute goes with its inode.
 */
#include "tmpfs_impl.h"

#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>

#define BYTES_PER_INODE 1024u

struct tmpfs_xattr {
	struct list node;	/* tmpfs_sb.xattrs. lock */
	const struct inode *inode;
	const char *name;	/* behind the value */
	size_t n;
	u8 value[];
};

static struct tmpfs_sb *sb_of(const struct inode *i)
{
	return i->sb->priv;
}

static struct tmpfs_xattr *find(struct tmpfs_sb *t, const struct inode *i,
				const char *name) __must_hold(&t->lock)
{
	struct tmpfs_xattr *x;

	list_for_each_entry(x, &t->xattrs, node)
		if (x->inode == i && !strcmp(x->name, name))
			return x;
	return NULL;
}

static u64 charge_of(const struct tmpfs_xattr *x)
{
	return DIV_ROUND_UP(sizeof(*x) + x->n + strlen(x->name),
			    BYTES_PER_INODE);
}

static void destroy(struct tmpfs_sb *t, struct tmpfs_xattr *x)
{
	if (!x)
		return;
	__atomic_sub_fetch(&t->inodes, charge_of(x), __ATOMIC_RELAXED);
	kvfree(x);
}

static int make(const struct inode *i, const char *name, const void *v,
		size_t n, struct tmpfs_xattr **out)
{
	struct tmpfs_sb *t = sb_of(i);
	struct tmpfs_xattr *x =
		kvmalloc(sizeof(*x) + n + strlen(name) + 1, GFP_KERNEL);
	u64 max = READ_ONCE(t->max_inodes);

	if (!x)
		return -ENOMEM;
	x->inode = i;
	x->n = n;
	x->name = (char *)memcpy(x->value + n, name, strlen(name) + 1);
	memcpy(x->value, v, n);
	if (fetch_add_relaxed(&t->inodes, charge_of(x)) + charge_of(x) > max &&
	    max) {
		destroy(t, x);
		return -ENOSPC;
	}
	*out = x;
	return 0;
}

/* x in place of *old; NULL: nothing. */
static int replace_locked(struct tmpfs_sb *t, struct tmpfs_xattr *x, int flags,
			  struct tmpfs_xattr **old) __must_hold(&t->lock)
{
	if (*old && (flags & XATTR_CREATE)) {
		*old = NULL;
		return -EEXIST;
	}
	if (!*old && (!x || (flags & XATTR_REPLACE)))
		return -ENODATA;
	if (*old)
		list_del(&(*old)->node);
	if (x)
		list_add_tail(&x->node, &t->xattrs);
	return 0;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n,
		   int flags)
{
	struct tmpfs_sb *t = sb_of(i);
	struct tmpfs_xattr *x = NULL, *old;
	int err;

	if (str_has_prefix(name, "system."))
		return -EOPNOTSUPP;
	err = v ? make(i, name, v, n, &x) : 0;
	if (err)
		return err;
	spin_lock(&t->lock);
	old = find(t, i, name);
	err = replace_locked(t, x, flags, &old);
	spin_unlock(&t->lock);
	destroy(t, err ? x : old);
	if (err)
		return err;
	i->flags |= S_TMPFS_XATTRS;
	inode_touch(i, TIME_C);
	return 0;
}

int tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t n,
		   size_t *len)
{
	struct tmpfs_sb *t = sb_of(i);
	struct tmpfs_xattr *x;
	int err = 0;

	if (str_has_prefix(name, "system."))
		return -EOPNOTSUPP;
	if (!(i->flags & S_TMPFS_XATTRS))
		return -ENODATA;
	spin_lock(&t->lock);
	x = find(t, i, name);
	if (!x)
		err = -ENODATA;
	else if (n && x->n > n)
		err = -ERANGE;
	else if (n)
		memcpy(buf, x->value, x->n);
	if (!err)
		*len = x->n;
	spin_unlock(&t->lock);
	return err;
}

int tmpfs_listxattr(struct inode *i, char *buf, size_t n, size_t *len)
{
	bool sees_all = capable(CAP_SYS_ADMIN);
	struct tmpfs_sb *t = sb_of(i);
	struct tmpfs_xattr *x;
	int err = 0;

	*len = 0;
	if (!(i->flags & S_TMPFS_XATTRS))
		return 0;
	spin_lock(&t->lock);
	list_for_each_entry(x, &t->xattrs, node) {
		size_t need = strlen(x->name) + 1;

		if (x->inode != i ||
		    (!sees_all && str_has_prefix(x->name, "trusted.")))
			continue;
		if (n && *len + need > n) {
			err = -ERANGE;
			break;
		}
		if (n)
			memcpy(buf + *len, x->name, need);
		*len += need;
	}
	spin_unlock(&t->lock);
	return err;
}

void tmpfs_xattrs_free(struct inode *i)
{
	struct tmpfs_sb *t = sb_of(i);
	struct tmpfs_xattr *x, *next;
	LIST_HEAD(gone);

	if (!(i->flags & S_TMPFS_XATTRS))
		return;
	spin_lock(&t->lock);
	list_for_each_entry_safe(x, next, &t->xattrs, node)
		if (x->inode == i)
			list_move(&x->node, &gone);
	spin_unlock(&t->lock);
	list_for_each_entry_safe(x, next, &gone, node)
		destroy(t, x);
}
