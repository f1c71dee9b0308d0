/*
 * nodes - device nodes that the kernel itself makes and removes.
 */
#include <fs/nodes.h>
#include <lib/string.h>

static const struct inode_ops *ops_of(const struct inode *dir)
{
	const struct inode_ops *own = dir->sb->ops->node_ops;

	return own ? own : dir->ops;
}

/* The directory for the last component of name, referenced; *last is it. */
static int walk_parent(struct super_block *sb, const char *name, bool make,
		       struct dentry **out, const char **last)
{
	struct dentry *dir = dentry_get(sb->root), *d;
	const char *slash;
	int err = 0;

	while ((slash = strchr(name, '/'))) {
		struct inode *i = dir->inode;

		mutex_lock(&i->lock);
		err = dentry_lookup(dir, name, (size_t)(slash - name), &d);
		if (!err && dentry_is_negative(d)) {
			err = make ? ops_of(i)->mkdir(i, d, 0755) : -ENOENT;
			if (err)
				dentry_put(d);
		}
		mutex_unlock(&i->lock);
		dentry_put(dir);
		if (err)
			return err;
		dir = d;
		name = slash + 1;
	}
	*out = dir;
	*last = name;
	return 0;
}

static int make(struct super_block *sb, const char *name, u32 mode, u32 dev,
		struct dentry **out)
{
	struct dentry *dir, *d;
	const char *last;
	int err = walk_parent(sb, name, true, &dir, &last);

	if (err)
		return err;
	mutex_lock(&dir->inode->lock);
	err = dentry_lookup(dir, last, strlen(last), &d);
	if (!err) {
		if (!dentry_is_negative(d))
			err = -EEXIST;
		else
			err = ops_of(dir->inode)->mknod(dir->inode, d, mode,
							dev);
		if (err)
			dentry_put(d);
	}
	mutex_unlock(&dir->inode->lock);
	dentry_put(dir);
	if (!err)
		*out = d;
	return err;
}

int node_create(struct super_block *sb, const char *name, u32 mode, u32 dev,
		u32 uid, u32 gid)
{
	struct dentry *d;
	int err = make(sb, name, mode, dev, &d);

	if (err)
		return err;
	mutex_lock(&d->inode->lock);
	d->inode->mode = mode;	/* no umask for the kernel's nodes */
	d->inode->uid = uid;
	d->inode->gid = gid;
	mutex_unlock(&d->inode->lock);
	dentry_put(d);
	return 0;
}

int node_remove(struct super_block *sb, const char *name)
{
	struct dentry *dir, *d;
	const char *last;
	int err = walk_parent(sb, name, false, &dir, &last);

	if (err)
		return err;
	mutex_lock(&dir->inode->lock);
	err = dentry_lookup(dir, last, strlen(last), &d);
	if (!err) {
		err = dentry_is_negative(d) ? -ENOENT :
			      ops_of(dir->inode)->unlink(dir->inode, d);
		if (!err)
			dentry_delete(d);
		dentry_put(d);
	}
	mutex_unlock(&dir->inode->lock);
	dentry_put(dir);
	return err;
}
