/*
 * namei - the operations on names, for vfat (long names) and msdos (8.3).
 *
 * Theory:  several spellings mean one file.  Of those, the one that was used
 *          first has the dentry; a look-up by another one finds the inode,
 *          and by it that dentry.  So a directory has one dentry, as the VFS
 *          needs it.  "No such name" is believed while the directory's
 *          version, which grows with each new name, is the same: the new name
 *          may be another spelling of it.
 * Locks:   the VFS holds the directories' and the victims' inode.lock.
 */
#include "fat_impl.h"
#include <lib/string.h>
#include <mm/slab.h>

/* --- names ----------------------------------------------------------------*/

/* Of the msdos type: a dot in front says that the file is hidden, where the
 * mount allows that. */
static u8 hidden_by(const struct dentry *d)
{
	return d->name[0] == '.' ? FAT_HIDDEN : FAT_SHOWN;
}

/* For look-ups: what cannot be a name is not there. */
static void name_for_lookup(const struct fat_fs *fs, const struct dentry *d,
			    struct fat_name *n)
{
	size_t len = fat_strip_dots(d->name, d->len);
	int err;

	n->len = 0;
	if (fs->opt.is_vfat) {
		err = fat_from_utf8(d->name, len, n->text, FAT_LONG_MAX,
				    &n->len);
	} else {
		err = fat_msdos_format(d->name, d->len, fs->opt.check,
				       fs->opt.has_nocase, fs->opt.has_dots,
				       n->short_name);
		n->hidden = hidden_by(d);
		n->len = 1;
	}
	if (err)
		n->len = 0;
}

/* For new names. */
static int name_for_create(const struct fat_fs *fs, const struct dentry *d,
			   struct fat_name *n)
{
	size_t len = fat_strip_dots(d->name, d->len);
	int err;

	if (!fs->opt.is_vfat) {
		n->len = 1;
		n->hidden = FAT_EITHER;
		return fat_msdos_format(d->name, d->len, fs->opt.check,
					fs->opt.has_nocase, fs->opt.has_dots,
					n->short_name);
	}
	if (!len)
		return -ENOENT;
	err = fat_from_utf8(d->name, len, n->text, FAT_LONG_MAX, &n->len);
	return err ? err : fat_long_check(n->text, n->len);
}

static int find(struct inode *dir, const struct dentry *d, struct fat_found *f)
{
	struct fat_name *n = kmalloc(sizeof(*n), GFP_NOFS);
	int err;

	if (!n)
		return -ENOMEM;
	name_for_lookup(fat_fs_of(dir), d, n);
	err = fat_dir_find(dir, n, f);
	kfree(n);
	return err;
}

/* Of the msdos type "x" and ".x" are one entry: the place of the one that is
 * there, -ENOENT if there is none. */
static int find_either(struct inode *dir, const struct fat_name *n, u64 *pos)
{
	struct fat_found *f = kmalloc(sizeof(*f), GFP_NOFS);
	int err;

	if (!f)
		return -ENOMEM;
	err = fat_dir_find(dir, n, f);
	if (!err)
		*pos = f->pos;
	kfree(f);
	return err;
}

/* *pos is -EINVAL's as well: of the entry that is in the way. */
static int add(struct inode *dir, const struct dentry *d, struct fat_dirent *de,
	       u64 *pos)
{
	struct fat_fs *fs = fat_fs_of(dir);
	struct fat_name *n = kmalloc(sizeof(*n), GFP_NOFS);
	int err;

	*pos = 0;
	if (!n)
		return -ENOMEM;
	err = name_for_create(fs, d, n);
	if (!err && fs->opt.has_dots) {
		err = find_either(dir, n, pos);
		err = !err ? -EINVAL : err == -ENOENT ? 0 : err;
	}
	if (!err && fs->opt.has_dots && hidden_by(d) == FAT_HIDDEN)
		de->attr |= ATTR_HIDDEN;
	if (!err)
		err = fat_dir_add(dir, n, de, pos);
	kfree(n);
	return err;
}

/* --- look-up --------------------------------------------------------------*/

static u64 dentry_version(const struct dentry *d)
{
	return (u64)(uintptr_t)READ_ONCE(d->priv);
}

static void set_version(struct dentry *d, const struct inode *dir)
{
	d->priv = (void *)(uintptr_t)dir->version;
}

static int fat_revalidate(struct dentry *d, bool in_rcu)
{
	struct dentry *parent = READ_ONCE(d->parent);
	struct inode *dir;

	if (!dentry_is_negative(d))
		return 1;
	dir = parent ? READ_ONCE(parent->inode) : NULL;
	return dir && READ_ONCE(dir->version) == dentry_version(d);
}

static const struct dentry_ops fat_dentry_ops = {
	.revalidate = fat_revalidate,
};

/* The inode's dentry in this directory, referenced. */
static struct dentry *other_spelling(struct inode *i, const struct dentry *d)
{
	struct dentry *a, *found = NULL;

	spin_lock(&i->state_lock);
	list_for_each_entry(a, &i->dentries, alias) {
		if (a->parent == d->parent &&
		    !(READ_ONCE(a->flags) & D_UNHASHED) &&
		    ref_tryget(&a->refs)) {
			found = a;
			break;
		}
	}
	spin_unlock(&i->state_lock);
	return found;
}

static int lookup(struct inode *dir, struct dentry *d, struct fat_found *f)
{
	struct dentry *other;
	struct inode *i;
	int err = find(dir, d, f);

	d->ops = &fat_dentry_ops;
	if (err == -ENOENT) {
		set_version(d, dir);
		dentry_attach(d, NULL);
		return 0;
	}
	if (!err)
		err = fat_iget(dir->sb, f->pos, &f->de, &i);
	if (err)
		return err;
	other = other_spelling(i, d);
	if (!other) {
		dentry_attach(d, i);
		return 0;
	}
	inode_put(i);
	d->priv = other;
	return 1;
}

/* The name of an entry is too large for the stack. */
static int fat_lookup(struct inode *dir, struct dentry *d)
{
	struct fat_found *f = kmalloc(sizeof(*f), GFP_NOFS);
	int err;

	if (!f)
		return -ENOMEM;
	err = lookup(dir, d, f);
	kfree(f);
	return err;
}

/* Directories that share clusters can make a count wrong. */
static void drop_subdir(struct inode *dir)
{
	if (dir->nlink > 2)
		inode_dec_nlink(dir);
}

/* --- after a change -------------------------------------------------------*/

static int dir_changed(struct inode *dir)
{
	inode_touch(dir, TIME_A | TIME_M);
	if (!(dir->sb->flags & (SB_SYNCHRONOUS | SB_DIRSYNC)))
		return 0;
	ignore_error(fat_write_inode_now(dir));	/* damage was reported */
	return fat_sync_metadata(dir->sb);
}

/* --- create ---------------------------------------------------------------*/

/* The name was made, but there is no memory for its inode. */
static void take_back(struct inode *dir, struct dentry *d)
{
	struct fat_found *f = kmalloc(sizeof(*f), GFP_NOFS | GFP_HIGH);

	/* Else the file is there, and empty. */
	if (f && !find(dir, d, f))
		ignore_error(fat_dir_remove(dir, f));
	kfree(f);
}

static int make(struct inode *dir, struct dentry *d, struct fat_dirent *de)
{
	struct inode *i;
	u64 pos;
	int err = add(dir, d, de, &pos);

	if (err)
		return err;
	err = fat_iget(dir->sb, pos, de, &i);
	if (err) {
		take_back(dir, d);
		return err;
	}
	d->ops = &fat_dentry_ops;
	dentry_attach(d, i);
	return dir_changed(dir);
}

static int fat_create(struct inode *dir, struct dentry *d, u32 mode)
{
	struct fat_fs *fs = fat_fs_of(dir);
	struct fat_dirent de = { .attr = ATTR_ARCHIVE };

	fat_stamp(fs, &de);
	return make(dir, d, &de);
}

static u32 parent_start(const struct inode *dir)
{
	return fat_is_root(dir) ? 0 : fat_i((struct inode *)dir)->start;
}

/* The new directory's first cluster is made by way of an inode that has no
 * name yet, and moved to the one that gets it. */
static int fat_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	struct fat_fs *fs = fat_fs_of(dir);
	struct fat_dirent de = { .attr = ATTR_DIR };
	struct inode *tmp;
	u32 start;
	int err = inode_alloc(dir->sb, &tmp);

	if (err)
		return err;
	fat_stamp(fs, &de);
	tmp->mode = S_IFDIR;
	inode_set_nlink(tmp, 0);
	err = fat_dir_make_empty(tmp, parent_start(dir), &de);
	start = fat_i(tmp)->start;
	if (!err) {
		de.start = le16_make((u16)start);
		de.start_hi = le16_make(fs->bits == 32 ? (u16)(start >> 16) :
							 0);
		inode_inc_nlink(dir);
		err = make(dir, d, &de);
		if (err && dentry_is_negative(d))
			drop_subdir(dir);
	}
	/* What has a name now is not freed with it. */
	if (!dentry_is_negative(d))
		fat_i(tmp)->is_stillborn = true;
	inode_put(tmp);
	return err;
}

/* --- unlink, rmdir --------------------------------------------------------*/

/* The entry of a name that must be there and mean the inode. */
static int find_victim(struct inode *dir, struct dentry *d,
		       struct fat_found **out)
{
	struct fat_found *f = kmalloc(sizeof(*f), GFP_NOFS);
	int err;

	if (!f)
		return -ENOMEM;
	err = find(dir, d, f);
	if (!err && f->pos != fat_i(d->inode)->pos)
		err = fat_corrupt(dir->sb, "a directory changed its mind");
	if (err) {
		kfree(f);
		return err;
	}
	*out = f;
	return 0;
}

static int remove_name(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	struct fat_found *f;
	int err = find_victim(dir, d, &f);

	if (err)
		return err;
	err = fat_dir_remove(dir, f);
	kfree(f);
	if (err)
		return err;
	fat_detach(i);
	inode_set_nlink(i, 0);
	inode_touch(i, TIME_A | TIME_M);
	/* It becomes negative. */
	set_version(d, dir);
	return dir_changed(dir);
}

static int fat_unlink(struct inode *dir, struct dentry *d)
{
	return remove_name(dir, d);
}

static int fat_rmdir(struct inode *dir, struct dentry *d)
{
	int err = fat_dir_is_empty(d->inode);

	if (!err)
		err = remove_name(dir, d);
	if (!err)
		drop_subdir(dir);
	return err;
}

/* --- rename ---------------------------------------------------------------*/

static int moved_dir(struct inode *i, struct inode *from, struct inode *to)
{
	if (!S_ISDIR(i->mode) || from == to)
		return 0;
	drop_subdir(from);
	inode_inc_nlink(to);
	return fat_dir_set_parent(i, parent_start(to));
}

/* The entry at the new place, where i is to be: the victim's or a new one. */
static int take_place(struct inode *i, struct inode *ndir, struct dentry *nd,
		      u64 *pos)
{
	struct fat_dirent de = { .attr = fat_attr_of(i) };
	struct inode *victim = nd->inode;
	int err;

	if (!victim) {
		fat_stamp(fat_fs_of(i), &de);
		return add(ndir, nd, &de, pos);
	}
	if (S_ISDIR(victim->mode)) {
		err = fat_dir_is_empty(victim);
		if (err)
			return err;
		drop_subdir(ndir);
	}
	*pos = fat_i(victim)->pos;
	fat_detach(victim);
	inode_set_nlink(victim, 0);
	inode_touch(victim, TIME_C);
	return 0;
}

static void set_hidden(struct inode *i, const struct dentry *name)
{
	if (fat_fs_of(i)->opt.is_vfat)
		return;
	fat_i(i)->attrs &= (u8)~ATTR_HIDDEN;
	if (hidden_by(name) == FAT_HIDDEN)
		fat_i(i)->attrs |= ATTR_HIDDEN;
}

/* From "x" to ".x" or back. */
static int show_or_hide(struct inode *i, struct inode *dir,
			const struct dentry *name)
{
	int err, err2;

	set_hidden(i, name);
	err = fat_write_inode_now(i);
	dir->version++;
	err2 = dir_changed(dir);
	return err ? err : err2;
}

static int rename_plain(struct inode *odir, struct dentry *od,
			struct inode *ndir, struct dentry *nd)
{
	struct inode *i = od->inode;
	struct fat_found *f;
	u64 pos = 0;
	int err = find_victim(odir, od, &f), err2;

	if (err)
		return err;
	err = take_place(i, ndir, nd, &pos);
	if (err == -EINVAL && pos == fat_i(i)->pos) {
		err = show_or_hide(i, odir, nd);
		goto out_free;
	}
	if (err)
		goto out_free;
	set_hidden(i, nd);
	fat_attach(i, pos);
	err = fat_write_inode_now(i);
	err2 = fat_dir_remove(odir, f);
	err = err ? err : err2;
	err2 = moved_dir(i, odir, ndir);
	err = err ? err : err2;
	odir->version++;
	if (ndir != odir)
		err2 = dir_changed(ndir);
	err = err ? err : err2;
	err2 = dir_changed(odir);
	err = err ? err : err2;
out_free:
	kfree(f);
	return err;
}

static int exchange(struct inode *odir, struct dentry *od, struct inode *ndir,
		    struct dentry *nd)
{
	struct inode *a = od->inode, *b = nd->inode;
	u64 pos_a = fat_i(a)->pos, pos_b = fat_i(b)->pos;
	int err, err2;

	fat_detach(b);
	fat_attach(a, pos_b);
	fat_attach(b, pos_a);
	err = fat_write_inode_now(a);
	err2 = fat_write_inode_now(b);
	err = err ? err : err2;
	err2 = moved_dir(a, odir, ndir);
	err = err ? err : err2;
	err2 = moved_dir(b, ndir, odir);
	err = err ? err : err2;
	if (ndir != odir)
		err2 = dir_changed(ndir);
	err = err ? err : err2;
	err2 = dir_changed(odir);
	return err ? err : err2;
}

static int fat_rename(struct inode *odir, struct dentry *od, struct inode *ndir,
		      struct dentry *nd, unsigned flags)
{
	if (flags & RENAME_EXCHANGE && fat_fs_of(odir)->opt.is_vfat)
		return exchange(odir, od, ndir, nd);
	if (flags & ~RENAME_NOREPLACE)
		return -EINVAL;
	return rename_plain(odir, od, ndir, nd);
}

const struct inode_ops fat_dir_inode_ops = {
	.lookup = fat_lookup,
	.create = fat_create,
	.unlink = fat_unlink,
	.mkdir = fat_mkdir,
	.rmdir = fat_rmdir,
	.rename = fat_rename,
	.setattr = fat_setattr,
	.update_time = fat_update_time,
};
