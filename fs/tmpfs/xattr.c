/*
 * xattr - extended attributes of tmpfs: a sorted list on each inode.
 *
 * Theory:  user.*, trusted.* and security.*, as in Linux; those of ordinary
 *          users take of the room that is there for inodes, so that they
 *          cannot fill memory.  An inode that has no private part yet, a link
 *          or a device, gets one with its first attribute.
 * Locks:   the superblock's spinlock guards lists; changes also hold the
 *          inode's lock, so who changes may look without the spinlock.
 * Life:    an attribute dies with its inode, or under the spinlock.
 */
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>
#include "tmpfs_impl.h"

#define XATTR_CREATE 1
#define XATTR_REPLACE 2
#define INODE_SHARE 1024u	/* bytes that an inode stands for */

struct tmpfs_xattr {
	struct tmpfs_xattr *next;
	u32 name_len, size;
	char name[];			/* with its NUL; then the value */
};

static const void *value_of(const struct tmpfs_xattr *x)
{
	return x->name + x->name_len + 1;
}

static size_t charge_of(const struct tmpfs_xattr *x)
{
	return str_has_prefix(x->name, "user.") ?
		       sizeof(*x) + x->name_len + 1 + x->size : 0;
}

/* The link to the first attribute that is not before `name`. */
static struct tmpfs_xattr **place_of(struct tmpfs_node *n, const char *name)
{
	struct tmpfs_xattr **at = &n->xattrs;

	while (*at && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	return at;
}

static struct tmpfs_xattr *find(struct tmpfs_node *n, const char *name)
{
	struct tmpfs_xattr *x = n ? *place_of(n, name) : NULL;

	return x && !strcmp(x->name, name) ? x : NULL;
}

static bool is_known(const char *name)
{
	return str_has_prefix(name, "user.") ||
	       str_has_prefix(name, "trusted.") ||
	       str_has_prefix(name, "security.");
}

int tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t n,
		   size_t *len)
{
	struct tmpfs_sb *t = i->sb->priv;
	struct tmpfs_xattr *x;
	int err = -ENODATA;

	if (!is_known(name))
		return -EOPNOTSUPP;
	spin_lock(&t->lock);
	x = find(i->priv, name);
	if (x) {
		*len = x->size;
		err = n && x->size > n ? -ERANGE : 0;
		if (!err && n)
			memcpy(buf, value_of(x), x->size);
	}
	spin_unlock(&t->lock);
	return err;
}

int tmpfs_listxattr(struct inode *i, char *buf, size_t n, size_t *len)
{
	struct tmpfs_sb *t = i->sb->priv;
	bool sees_trusted = capable(CAP_SYS_ADMIN);
	struct tmpfs_node *node;
	size_t used = 0;
	int err = 0;

	spin_lock(&t->lock);
	node = i->priv;
	for (struct tmpfs_xattr *x = node ? node->xattrs : NULL; x;
	     x = x->next) {
		if (!sees_trusted && str_has_prefix(x->name, "trusted."))
			continue;
		if (n && used + x->name_len + 1 > n) {
			err = -ERANGE;
			break;
		}
		if (n)
			memcpy(buf + used, x->name, x->name_len + 1);
		used += x->name_len + 1;
	}
	spin_unlock(&t->lock);
	*len = used;
	return err;
}

static int check_change(const struct tmpfs_xattr *old, const void *v, int flags)
{
	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (!v || (flags & XATTR_REPLACE)))
		return -ENODATA;
	return 0;
}

static struct tmpfs_xattr *make(const char *name, const void *v, size_t n)
{
	size_t len = strlen(name);
	struct tmpfs_xattr *x = kvmalloc(sizeof(*x) + len + 1 + n, GFP_KERNEL);

	if (!x)
		return NULL;
	x->name_len = (u32)len;
	x->size = (u32)n;
	memcpy(x->name, name, len + 1);
	memcpy(x->name + len + 1, v, n);
	return x;
}

/* Puts new in the place of old; either may be missing. */
static int replace(struct inode *i, struct tmpfs_xattr *old,
		   struct tmpfs_xattr *new)
{
	struct tmpfs_sb *t = i->sb->priv;
	u64 plus = new ? charge_of(new) : 0, minus = old ? charge_of(old) : 0;
	struct tmpfs_xattr **at;
	int err = 0;

	spin_lock(&t->lock);
	if (plus > minus && t->max_inodes &&
	    t->xattr_bytes + plus - minus >
		    (t->max_inodes - min(t->max_inodes, t->inodes)) *
			    INODE_SHARE) {
		err = -ENOSPC;
	} else {
		at = place_of(i->priv, new ? new->name : old->name);
		if (old)
			*at = old->next;
		if (new) {
			new->next = *at;
			*at = new;
		}
		t->xattr_bytes += plus - minus;
	}
	spin_unlock(&t->lock);
	return err;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *v, size_t n,
		   int flags)
{
	struct tmpfs_xattr *old, *new = NULL;
	int err;

	if (!is_known(name))
		return -EOPNOTSUPP;
	old = find(i->priv, name);
	err = check_change(old, v, flags);
	if (err)
		return err;
	if (!i->priv)
		store_release(&i->priv, kzalloc(sizeof(struct tmpfs_node),
						GFP_KERNEL));
	if (v)
		new = make(name, v, n);
	if (!i->priv || (v && !new))
		err = -ENOMEM;
	if (!err)
		err = replace(i, old, new);
	kvfree(err ? new : old);
	if (!err)
		inode_touch(i, TIME_C);
	return err;
}

void tmpfs_xattrs_free(struct inode *i)
{
	struct tmpfs_sb *t = i->sb->priv;
	struct tmpfs_node *node = i->priv;
	struct tmpfs_xattr *x;
	u64 freed = 0;

	if (!node || !node->xattrs)
		return;
	while ((x = node->xattrs)) {
		node->xattrs = x->next;
		freed += charge_of(x);
		kvfree(x);
	}
	spin_lock(&t->lock);
	t->xattr_bytes -= freed;
	spin_unlock(&t->lock);
}
