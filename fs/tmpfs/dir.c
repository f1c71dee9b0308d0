/*
 * tmpfs names: directories and their entries; inodes.
 *
 * Theory:  a directory keeps its entries in two trees, by name for look-ups
 *          that the dentry cache does not answer, and by a position that only
 *          grows, for readdir.  An entry keeps its inode alive.
 * Locks:   the directory's inode lock guards its trees.
 */
#include <fs/seq.h>
#include <kernel/assert.h>
#include <kernel/rcu.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>
#include "tmpfs_impl.h"

/* What an entry counts in a directory's size, as on Linux. */
#define ENTRY_SIZE 20

static const struct inode_ops dir_inode_ops, link_inode_ops,
	special_inode_ops;
static const struct file_ops dir_ops;

static int entry_cmp(const struct tmpfs_entry *e, u32 hash, const char *name,
		     u32 len)
{
	if (e->hash != hash)
		return e->hash < hash ? 1 : -1;
	if (e->len != len)
		return e->len < len ? 1 : -1;
	return memcmp(name, e->name, len);
}

static struct tmpfs_entry *entry_find(struct tmpfs_dir *dir,
				      const struct dentry *d)
{
	struct rb_node *n = dir->by_name.node;

	while (n) {
		struct tmpfs_entry *e = rb_entry(n, struct tmpfs_entry, by_name);
		int c = entry_cmp(e, d->hash, d->name, d->len);

		if (!c)
			return e;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static void insert_name(struct tmpfs_dir *dir, struct tmpfs_entry *new)
{
	struct rb_node **link = &dir->by_name.node, *parent = NULL;

	while (*link) {
		struct tmpfs_entry *e =
			rb_entry(*link, struct tmpfs_entry, by_name);

		parent = *link;
		link = entry_cmp(e, new->hash, new->name, new->len) < 0 ?
			       &parent->left : &parent->right;
	}
	rb_link_node(&new->by_name, parent, link);
	rb_insert_color(&new->by_name, &dir->by_name);
}

static void insert_pos(struct tmpfs_dir *dir, struct tmpfs_entry *new)
{
	struct rb_node **link = &dir->by_pos.node, *parent = NULL;

	new->pos = dir->next_pos++;
	while (*link) {	/* always the last */
		parent = *link;
		link = &parent->right;
	}
	rb_link_node(&new->by_pos, parent, link);
	rb_insert_color(&new->by_pos, &dir->by_pos);
}

/* The reference to the inode moves in. */
static int entry_add(struct inode *dir, const struct dentry *d,
		     struct inode *i)
{
	struct tmpfs_entry *e = kmalloc(sizeof(*e) + d->len, GFP_KERNEL);

	if (!e)
		return -ENOMEM;
	e->inode = i;
	e->hash = d->hash;
	e->len = d->len;
	memcpy(e->name, d->name, d->len);
	insert_name(dir->priv, e);
	insert_pos(dir->priv, e);
	inode_set_size(dir, inode_size(dir) + ENTRY_SIZE);
	inode_touch(dir, TIME_M | TIME_C);
	return 0;
}

static void entry_remove(struct inode *dir, struct tmpfs_entry *e)
{
	struct tmpfs_dir *t = dir->priv;

	rb_erase(&e->by_name, &t->by_name);
	rb_erase(&e->by_pos, &t->by_pos);
	inode_set_size(dir, inode_size(dir) - ENTRY_SIZE);
	inode_touch(dir, TIME_M | TIME_C);
	inode_put(e->inode);
	kfree(e);
}

static void set_parent(struct inode *i, const struct inode *dir)
{
	if (S_ISDIR(i->mode))
		((struct tmpfs_dir *)i->priv)->parent = dir->ino;
}

int tmpfs_parent_number(struct inode *dir, u64 *ino)
{
	*ino = READ_ONCE(((struct tmpfs_dir *)dir->priv)->parent);
	return 0;
}

/* --- inodes ------------------------------------------------------------------*/
static int inode_charge(struct tmpfs_sb *t)
{
	u64 max = READ_ONCE(t->max_inodes);

	if (__atomic_add_fetch(&t->inodes, 1, __ATOMIC_RELAXED) > max && max) {
		__atomic_sub_fetch(&t->inodes, 1, __ATOMIC_RELAXED);
		return -ENOSPC;
	}
	return 0;
}

static int set_kind(struct inode *i, u32 dev)
{
	if (S_ISREG(i->mode)) {
		struct tmpfs_file *f = kzalloc(sizeof(*f), GFP_KERNEL);

		if (!f)
			return -ENOMEM;
		f->seals = F_SEAL_SEAL;
		i->priv = f;
		i->ops = &tmpfs_file_inode_ops;
		i->fops = &tmpfs_file_ops;
		i->data.ops = &tmpfs_mapping_ops;
		i->data.flags = MAP_NO_WRITEBACK | MAP_NO_RECLAIM;
	} else if (S_ISDIR(i->mode)) {
		struct tmpfs_dir *t = kzalloc(sizeof(*t), GFP_KERNEL);

		if (!t)
			return -ENOMEM;
		t->next_pos = 2;
		i->priv = t;
		i->ops = &dir_inode_ops;
		i->fops = &dir_ops;
		inode_set_nlink(i, 2);
		inode_set_size(i, 2 * ENTRY_SIZE);
		inode_hash_insert(i);	/* found from below: handle.c */
	} else if (S_ISLNK(i->mode)) {
		i->ops = &link_inode_ops;
	} else {
		i->ops = &special_inode_ops;
		inode_init_special(i, i->mode, dev);
	}
	return 0;
}

int tmpfs_inode_new(struct super_block *sb, const struct inode *dir, u32 mode,
		    u32 dev, struct inode **out)
{
	static u64 next_ino;
	struct inode *i;
	int err = inode_charge(sb->priv);

	if (err)
		return err;
	err = inode_alloc(sb, &i);
	if (err) {
		__atomic_sub_fetch(&((struct tmpfs_sb *)sb->priv)->inodes, 1,
				   __ATOMIC_RELAXED);
		return err;
	}
	i->ino = fetch_add(&next_ino, 1) + 1;
	inode_init_owner(i, dir, mode);
	inode_set_nlink(i, 1);
	i->atime = i->mtime = i->ctime = i->btime = time_now();
	err = set_kind(i, dev);
	if (err) {
		inode_set_nlink(i, 0);
		inode_put(i);
		return err;
	}
	if (dir)
		tmpfs_flags_inherit(i, dir);
	*out = i;
	return 0;
}

/* --- texts of links ---------------------------------------------------------------*/
/* Walks without a lock may read it for a grace period after the inode. */
struct link_text {
	struct rcu_head rcu;
	char text[];
};

static int tmpfs_link_set(struct inode *i, const char *to)
{
	size_t n = strlen(to) + 1;
	struct link_text *t = kmalloc(sizeof(*t) + n + 8, GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	memcpy(t->text, to, n);
	i->link = t->text;
	return 0;
}

static void link_free_rcu(struct rcu_head *head)
{
	kfree(container_of(head, struct link_text, rcu));
}

void tmpfs_link_free(struct inode *i)
{
	struct link_text *t;

	if (!i->link)
		return;
	t = container_of(i->link, struct link_text, text[0]);
	i->link = NULL;
	call_rcu(&t->rcu, link_free_rcu);
}

/* --- operations --------------------------------------------------------------*/
static int tmpfs_lookup(struct inode *dir, struct dentry *d)
{
	struct tmpfs_entry *e;

	if (d->len > NAME_MAX)
		return -ENAMETOOLONG;
	e = entry_find(dir->priv, d);
	dentry_attach(d, e ? inode_get(e->inode) : NULL);
	return 0;
}

static int add_new(struct inode *dir, struct dentry *d, struct inode *i)
{
	int err;

	set_parent(i, dir);
	err = entry_add(dir, d, inode_get(i));

	if (err) {
		inode_put(i);
		inode_set_nlink(i, 0);
		inode_put(i);
		return err;
	}
	dentry_attach(d, i);
	return 0;
}

static int tmpfs_mknod(struct inode *dir, struct dentry *d, u32 mode, u32 dev)
{
	struct inode *i;
	int err = tmpfs_inode_new(dir->sb, dir, mode, dev, &i);

	return err ? err : add_new(dir, d, i);
}

static int tmpfs_create(struct inode *dir, struct dentry *d, u32 mode)
{
	return tmpfs_mknod(dir, d, mode | S_IFREG, 0);
}

static int tmpfs_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	int err = tmpfs_mknod(dir, d, mode | S_IFDIR, 0);

	if (!err)
		inode_inc_nlink(dir);
	return err;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *to)
{
	struct inode *i;
	int err = tmpfs_inode_new(dir->sb, dir, S_IFLNK | 0777, 0, &i);

	if (err)
		return err;
	if (tmpfs_link_set(i, to)) {
		inode_set_nlink(i, 0);
		inode_put(i);
		return -ENOMEM;
	}
	inode_set_size(i, strlen(to));
	return add_new(dir, d, i);
}

static int tmpfs_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *i = old->inode;
	int err = entry_add(dir, d, inode_get(i));

	if (err) {
		inode_put(i);
		return err;
	}
	inode_inc_nlink(i);
	inode_touch(i, TIME_C);
	dentry_attach(d, inode_get(i));
	return 0;
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	struct tmpfs_entry *e = entry_find(dir->priv, d);

	if (!e)
		return -ENOENT;
	inode_dec_nlink(e->inode);
	inode_touch(e->inode, TIME_C);
	entry_remove(dir, e);
	return 0;
}

static bool is_empty(const struct inode *i)
{
	const struct tmpfs_dir *t = i->priv;

	return !t->by_name.node;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
	struct tmpfs_entry *e = entry_find(dir->priv, d);

	if (!e)
		return -ENOENT;
	if (!is_empty(e->inode))
		return -ENOTEMPTY;
	inode_set_nlink(e->inode, 0);
	inode_dec_nlink(dir);
	entry_remove(dir, e);
	return 0;
}

static int exchange(struct inode *odir, struct tmpfs_entry *oe,
		    struct inode *ndir, struct tmpfs_entry *ne)
{
	bool od = S_ISDIR(oe->inode->mode), nd = S_ISDIR(ne->inode->mode);

	swap(oe->inode, ne->inode);
	set_parent(oe->inode, odir);
	set_parent(ne->inode, ndir);
	if (odir != ndir && od != nd) {
		inode_dec_nlink(od ? odir : ndir);
		inode_inc_nlink(od ? ndir : odir);
	}
	inode_touch(odir, TIME_M | TIME_C);
	inode_touch(ndir, TIME_M | TIME_C);
	inode_touch(oe->inode, TIME_C);
	inode_touch(ne->inode, TIME_C);
	return 0;
}

/* The target, if any, loses this name. */
static int replace(struct inode *ndir, struct tmpfs_entry *ne)
{
	struct inode *i = ne->inode;

	if (!S_ISDIR(i->mode)) {
		inode_dec_nlink(i);
		inode_touch(i, TIME_C);
	} else {
		if (!is_empty(i))
			return -ENOTEMPTY;
		inode_set_nlink(i, 0);
		inode_dec_nlink(ndir);
	}
	entry_remove(ndir, ne);
	return 0;
}

static int tmpfs_rename(struct inode *odir, struct dentry *od,
			struct inode *ndir, struct dentry *nd, unsigned flags)
{
	struct tmpfs_entry *oe = entry_find(odir->priv, od), *ne;
	bool is_dir = S_ISDIR(od->inode->mode);
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (!oe)
		return -ENOENT;
	ne = entry_find(ndir->priv, nd);
	if (flags & RENAME_EXCHANGE)
		return ne ? exchange(odir, oe, ndir, ne) : -ENOENT;
	if (ne && S_ISDIR(ne->inode->mode) && !is_empty(ne->inode))
		return -ENOTEMPTY;
	err = entry_add(ndir, nd, inode_get(oe->inode));
	if (err) {
		inode_put(oe->inode);
		return err;
	}
	if (ne) {
		err = replace(ndir, ne);
		WARN_ONCE(err);
	}
	set_parent(oe->inode, ndir);
	if (is_dir && odir != ndir) {
		inode_dec_nlink(odir);
		inode_inc_nlink(ndir);
	}
	inode_touch(oe->inode, TIME_C);
	entry_remove(odir, oe);
	return 0;
}

static int tmpfs_tmpfile(struct inode *dir, struct inode **out, u32 mode)
{
	int err = tmpfs_inode_new(dir->sb, dir, mode | S_IFREG, 0, out);

	if (!err)
		inode_set_nlink(*out, 0);
	return err;
}

static struct tmpfs_entry *entry_from(struct tmpfs_dir *t, u64 pos)
{
	struct rb_node *n = t->by_pos.node;
	struct tmpfs_entry *best = NULL;

	while (n) {
		struct tmpfs_entry *e = rb_entry(n, struct tmpfs_entry, by_pos);

		if (e->pos >= pos) {
			best = e;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

static int tmpfs_iterate(struct file *f, struct dir_ctx *c)
{
	struct tmpfs_entry *e;
	struct rb_node *n;

	if (!dir_emit_dots(f, c))
		return 0;
	e = entry_from(f->inode->priv, c->pos);
	while (e) {
		struct inode *i = e->inode;

		if (!c->emit(c, e->name, e->len, e->pos, i->ino,
			     (i->mode & S_IFMT) >> 12))
			return 0;
		c->pos = e->pos + 1;
		n = rb_next(&e->by_pos);
		e = n ? rb_entry(n, struct tmpfs_entry, by_pos) : NULL;
	}
	return 0;
}

static const struct file_ops dir_ops = {
	.iterate = tmpfs_iterate,
	.llseek = seq_llseek,		/* there is no end to seek to */
	.ioctl = tmpfs_ioctl,
	.fsync = tmpfs_fsync,
};

static const struct inode_ops dir_inode_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.symlink = tmpfs_symlink,
	.mkdir = tmpfs_mkdir,
	.rmdir = tmpfs_rmdir,
	.mknod = tmpfs_mknod,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	TMPFS_XATTR_OPS,
};

static const struct inode_ops link_inode_ops = {
	TMPFS_XATTR_OPS,
};

static const struct inode_ops special_inode_ops = {
	TMPFS_XATTR_OPS,
};

/* An entry of the directory `from` becomes one of `to`. */
static void entry_lift(struct tmpfs_dir *to, struct tmpfs_dir *from,
		       struct tmpfs_entry *e)
{
	rb_erase(&e->by_name, &from->by_name);
	rb_erase(&e->by_pos, &from->by_pos);
	insert_name(to, e);
	insert_pos(to, e);
}

/* Drops all entries below, so that the inodes can go.  What is in directories
 * comes up here first: they may be nested as deep as anybody likes. */
void tmpfs_empty(struct inode *i)
{
	struct tmpfs_dir *t = i->priv, *sub;
	struct tmpfs_entry *e;
	struct rb_node *n, *c;

	while ((n = rb_first(&t->by_pos))) {
		e = rb_entry(n, struct tmpfs_entry, by_pos);
		sub = S_ISDIR(e->inode->mode) ? e->inode->priv : NULL;
		c = sub ? rb_first(&sub->by_pos) : NULL;
		if (c)
			entry_lift(t, sub,
				   rb_entry(c, struct tmpfs_entry, by_pos));
		else
			entry_remove(i, e);
	}
}
