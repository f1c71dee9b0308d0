/*
 * file_caps - the attribute security.capability: who may write it, what a
 * user namespace reads of it, and when it goes away by itself.
 *
 * Theory:  it gives capabilities in the namespace whose root it names, so who
 *          writes it in a user namespace writes that namespace's root into it
 *          (revision 3).  A program that changes loses it.  Whether a file has
 *          one is asked at the first write: S_NOSEC remembers that it has not.
 * Locks:   the inode's lock.
 */
#include "vfs_impl.h"
#include <lib/string.h>
#include <task/cred.h>
#include <task/file_caps.h>

bool xattr_is_caps(const char *name)
{
	return !strcmp(name, XATTR_CAPS);
}

/* Of a revision that is written today. */
static bool is_valid(const struct vfs_caps *c, size_t n, u32 *root)
{
	u32 magic = le32_get(c->magic);

	*root = 0;
	if (magic & ~(VFS_CAP_REVISION_MASK | VFS_CAP_EFFECTIVE))
		return false;
	if ((magic & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_2)
		return n == VFS_CAPS_2_BYTES;
	if ((magic & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_3)
		return false;
	*root = le32_get(c->rootid);
	return n == VFS_CAPS_3_BYTES;
}

static void set_revision(struct vfs_caps *c, u32 revision)
{
	u32 flags = le32_get(c->magic) & VFS_CAP_EFFECTIVE;

	c->magic = le32_make(revision | flags);
}

int caps_to_disk(struct inode *i, const void *v, size_t n, struct vfs_caps *c,
		 size_t *len)
{
	u32 root;

	if (!n || n > sizeof(*c))
		return -EINVAL;
	memset(c, 0, sizeof(*c));
	memcpy(c, v, n);
	if (!is_valid(c, n, &root))
		return -EINVAL;
	if (!inode_capable(i, CAP_SETFCAP))
		return -EPERM;
	*len = n;
	if (n == VFS_CAPS_2_BYTES &&
	    ns_capable(i->sb->user_ns, CAP_SETFCAP))
		return 0;
	root = make_kuid(current_user_ns(), root);
	root = from_kuid(i->sb->user_ns, root);
	if (root == INVALID_ID)
		return -EINVAL;
	set_revision(c, VFS_CAP_REVISION_3);
	c->rootid = le32_make(root);
	*len = VFS_CAPS_3_BYTES;
	return 0;
}

int caps_from_disk(struct inode *i, struct vfs_caps *c, size_t *len)
{
	u32 root, seen;

	if (!is_valid(c, *len, &root))
		return -EINVAL;
	root = make_kuid(i->sb->user_ns, root);
	seen = from_kuid(current_user_ns(), root);
	if (seen != INVALID_ID && seen) {
		set_revision(c, VFS_CAP_REVISION_3);
		c->rootid = le32_make(seen);
		*len = VFS_CAPS_3_BYTES;
		return 0;
	}
	if (!kuid_is_root_here(root))
		return -EOVERFLOW;
	set_revision(c, VFS_CAP_REVISION_2);
	*len = VFS_CAPS_2_BYTES;
	return 0;
}

int inode_drop_caps(struct inode *i)
{
	size_t n;
	int err;

	if (likely(i->flags & S_NOSEC))
		return 0;
	err = i->ops->getxattr ?
	      i->ops->getxattr(i, XATTR_CAPS, NULL, 0, &n) : -ENODATA;
	if (!err)
		err = i->ops->setxattr(i, XATTR_CAPS, NULL, 0, 0);
	else if (err == -ENODATA || err == -EOPNOTSUPP)
		err = 0;
	if (!err)
		i->flags |= S_NOSEC;
	return err;
}
