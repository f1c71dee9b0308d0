/* xattr - extended attributes: who may, and what a name space means. */
#include "vfs_impl.h"
#include <lib/string.h>
#include <task/cred.h>
#include <task/file_caps.h>

#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536

static int check_name(const char *name)
{
	size_t n = strlen(name);

	if (!n || n > XATTR_NAME_MAX)
		return -ERANGE;
	return 0;
}

/* A name space alone names nothing. */
static bool is_bare(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && !dot[1];
}

/* security.* and system.* are left to who implements them. */
static int check_access(struct inode *i, const char *name, unsigned mask)
{
	bool is_write = mask & MAY_WRITE;

	if (is_write && (i->flags & (S_IMMUTABLE | S_APPEND)))
		return -EPERM;
	if (str_has_prefix(name, "system."))
		return 0;
	if (xattr_is_caps(name))
		return is_write && !inode_capable(i, CAP_SETFCAP) ? -EPERM : 0;
	if (str_has_prefix(name, "security."))
		return is_write && !ns_capable(i->sb->user_ns, CAP_SYS_ADMIN) ?
		       -EPERM : 0;
	if (str_has_prefix(name, "trusted.")) {
		if (capable(CAP_SYS_ADMIN))
			return 0;
		return is_write ? -EPERM : -ENODATA;
	}
	if (!str_has_prefix(name, "user."))
		return -EOPNOTSUPP;
	if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
		return is_write ? -EPERM : -ENODATA;
	if (is_bare(name))
		return -EINVAL;
	if (S_ISDIR(i->mode) && (i->mode & S_ISVTX) && is_write &&
	    !inode_owner_or_capable(i))
		return -EPERM;
	return inode_permission(i, mask);
}

static int change(const struct path *p, const char *name, const void *v,
		  size_t n, int flags)
{
	struct inode *i = p->dentry->inode;
	struct vfs_caps caps;
	int err;

	if (v && xattr_is_caps(name)) {
		err = caps_to_disk(i, v, n, &caps, &n);
		v = &caps;
		if (err)
			return err;
	}
	err = check_access(i, name, MAY_WRITE);
	if (err)
		return err;
	if (!i->ops->setxattr)
		return -EOPNOTSUPP;
	err = i->ops->setxattr(i, name, v, n, flags);
	i->flags &= ~S_NOSEC;
	if (!err)
		notify_dentry(p->dentry, FSN_ATTRIB);
	return err;
}

int vfs_setxattr(const struct path *p, const char *name, const void *v,
		 size_t n, int flags)
{
	struct inode *i = p->dentry->inode;
	int err = check_name(name);

	if (err)
		return err;
	if (n > XATTR_SIZE_MAX)
		return -E2BIG;
	if (flags & ~3)
		return -EINVAL;
	err = mnt_want_write(p->mnt);
	if (err)
		return err;
	mutex_lock(&i->lock);
	err = change(p, name, v, n, flags);
	mutex_unlock(&i->lock);
	mnt_drop_write(p->mnt);
	return err;
}

static int get_caps(struct inode *i, void *buf, size_t n, size_t *len)
{
	struct vfs_caps c = { 0 };
	int err = i->ops->getxattr(i, XATTR_CAPS, &c, sizeof(c), len);

	if (!err)
		err = caps_from_disk(i, &c, len);
	if (err || !n)
		return err;
	if (*len > n)
		return -ERANGE;
	memcpy(buf, &c, *len);
	return 0;
}

int vfs_getxattr(const struct path *p, const char *name, void *buf, size_t n,
		 size_t *len)
{
	struct inode *i = p->dentry->inode;
	int err = check_name(name);

	if (!err)
		err = check_access(i, name, MAY_READ);
	if (err)
		return err;
	if (!i->ops->getxattr)
		return -EOPNOTSUPP;
	if (xattr_is_caps(name))
		return get_caps(i, buf, n, len);
	return i->ops->getxattr(i, name, buf, n, len);
}

int vfs_listxattr(const struct path *p, char *buf, size_t n, size_t *len)
{
	struct inode *i = p->dentry->inode;

	*len = 0;
	return i->ops->listxattr ? i->ops->listxattr(i, buf, n, len) : 0;
}
