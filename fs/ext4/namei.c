/*
 * namei - the operations on names: look-up, create, link, remove, rename.
 *
 * Theory:  a new inode is made and written first, then its name; if the name
 *          fails the inode loses its last link and is freed by its eviction.
 *          A name's block is changed before counts are, so that no step after
 *          the first change can fail for lack of room.
 * Locks:   the VFS holds the directories' and the victims' inode.lock.
 */
#include "htree_impl.h"
#include <lib/string.h>
#include <mm/slab.h>

static struct ext4_name name_of(const struct dentry *d)
{
	return (struct ext4_name){ .name = d->name, .len = d->len };
}

/* A directory has one name.  A second, on a damaged disk, could be inside
 * it. */
static bool has_name(struct inode *i)
{
	struct dentry *d;
	bool found = false;

	spin_lock(&i->state_lock);
	list_for_each_entry(d, &i->dentries, alias)
		if (ref_count(&d->refs) &&
		    (READ_ONCE(d->flags) & (D_UNHASHED | D_ROOT)) != D_UNHASHED)
			found = true;
	spin_unlock(&i->state_lock);
	return found;
}

static int ext4_lookup(struct inode *dir, struct dentry *d)
{
	struct ext4_name n = name_of(d);
	struct inode *i = NULL;
	struct ext4_dirent *e;
	struct buf b;
	u32 ino = 0;
	int err;

	if (n.len > EXT4_NAME_LEN)
		return -ENAMETOOLONG;
	err = ext4_dir_find(ext4_i(dir), &n, &b, &e);
	if (err)
		return err;
	if (e) {
		ino = le32_get(e->inode);
		buf_put(&b);
		err = ext4_iget(dir->sb, ino, false, &i);
		if (err == -ESTALE)
			return ext4_corrupt(dir->sb,
					    "directory %llu: deleted inode %u",
					    dir->ino, ino);
		if (err)
			return err;
		if (S_ISDIR(i->mode) && has_name(i)) {
			inode_put(i);
			return ext4_corrupt(dir->sb, "directory %llu: %u has "
					    "another name", dir->ino, ino);
		}
	}
	dentry_attach(d, i);
	return 0;
}

/* --- links ---------------------------------------------------------------*/

/* A directory with too many has one: it says "unknown". */
static void inc_dir_links(struct inode *dir)
{
	if (dir->nlink == 1)
		return;
	inode_inc_nlink(dir);
	if (dir->nlink >= EXT4_LINK_MAX)
		inode_set_nlink(dir, 1);
}

static void dec_dir_links(struct inode *dir)
{
	if (dir->nlink > 2)
		inode_dec_nlink(dir);
}

static int check_dir_links(struct inode *dir)
{
	if (dir->nlink < EXT4_LINK_MAX ||
	    ext4_fs_of(dir)->ro_compat & RO_COMPAT_DIR_NLINK)
		return 0;
	return -EMLINK;
}

/* After the last name went: will it live on? Then a crash must find it.
 * users: the dentry, and the callers that have the inode. */
static void note_orphan(struct inode *i, const struct dentry *d, int users)
{
	if (i->nlink)
		return;
	/* The dentry: hashed, and the caller's.  More of either means that
	 * somebody has it open. */
	if (ref_count(&d->refs) > 2 || ref_count(&i->refs) > users)
		ignore_error(ext4_orphan_add(i));	/* e2fsck finds it */
}

static void drop_new(struct inode *i)
{
	inode_set_nlink(i, 0);
	inode_put(i);
}

/* Gives the new inode its name, and the dentry the inode. */
static int publish(struct inode *dir, struct dentry *d, struct inode *i)
{
	struct ext4_name n = name_of(d);
	int err = ext4_write_inode_now(i);

	if (!err)
		err = ext4_dir_add(dir, &n, i);
	if (err) {
		drop_new(i);
		return err;
	}
	inode_mark_dirty(dir, I_DIRTY_SYNC);
	dentry_attach(d, i);
	return 0;
}

static int ext4_create(struct inode *dir, struct dentry *d, u32 mode)
{
	struct inode *i;
	int err = ext4_new_inode(dir, mode, &i);

	if (err)
		return err;
	ext4_set_inode_ops(i);
	return publish(dir, d, i);
}

static int ext4_mknod(struct inode *dir, struct dentry *d, u32 mode, u32 dev)
{
	struct inode *i;
	int err = ext4_new_inode(dir, mode, &i);

	if (err)
		return err;
	i->rdev = dev;
	ext4_set_inode_ops(i);
	return publish(dir, d, i);
}

static int ext4_tmpfile(struct inode *dir, struct inode **out, u32 mode)
{
	struct inode *i;
	int err = ext4_new_inode(dir, mode, &i);

	if (err)
		return err;
	ext4_set_inode_ops(i);
	inode_set_nlink(i, 0);
	err = ext4_orphan_add(i);
	if (!err)
		err = ext4_write_inode_now(i);
	if (err) {
		drop_new(i);
		return err;
	}
	*out = i;
	return 0;
}

static int ext4_mkdir(struct inode *dir, struct dentry *d, u32 mode)
{
	struct inode *i;
	int err = check_dir_links(dir);

	if (!err)
		err = ext4_new_inode(dir, mode, &i);
	if (err)
		return err;
	ext4_set_inode_ops(i);
	inode_set_nlink(i, 2);
	err = ext4_dir_make_empty(i, dir->ino);
	if (err) {
		drop_new(i);
		return err;
	}
	err = publish(dir, d, i);
	if (!err)
		inc_dir_links(dir);
	return err;
}

/* --- symlinks ---------------------------------------------------------------*/

static int store_long_link(struct ext4_inode *ei, const char *to, size_t len)
{
	struct buf b;
	u32 lblk;
	int err;

	if (ext4_has(ext4_fs_of(&ei->vfs), INCOMPAT_EXTENTS)) {
		ei->flags |= FL_EXTENTS;
		ext4_ext_init(ei);
	}
	err = ext4_append(ei, &lblk, &b);
	if (err)
		return err;
	memcpy(b.data, to, len);
	buf_dirty(ei->vfs.sb, &b);
	buf_put(&b);
	inode_set_size(&ei->vfs, len);
	return 0;
}

static int ext4_symlink(struct inode *dir, struct dentry *d, const char *to)
{
	size_t len = strlen(to);
	struct inode *i;
	int err;

	if (len >= dir->sb->blocksize)
		return -ENAMETOOLONG;
	err = ext4_new_inode(dir, S_IFLNK | 0777, &i);
	if (err)
		return err;
	if (len < sizeof(ext4_i(i)->block)) {
		memcpy(ext4_i(i)->block, to, len);
		inode_set_size(i, len);
	} else {
		err = store_long_link(ext4_i(i), to, len);
		if (err) {
			ext4_set_inode_ops(i);
			drop_new(i);
			return err;
		}
	}
	ext4_set_inode_ops(i);
	return publish(dir, d, i);
}

static int ext4_get_link(struct dentry *d, struct inode *i, const char **text,
			 void (**done)(void *), void **arg)
{
	size_t len = (size_t)inode_size(i);
	struct buf b;
	char *copy;
	int err;

	if (!d)
		return -ECHILD;
	if (!len || len >= i->sb->blocksize)
		return ext4_corrupt(i->sb, "inode %llu: link of %zu bytes",
				    i->ino, len);
	err = ext4_bread(ext4_i(i), 0, &b);
	if (err)
		return err;
	/* The name parser reads whole words. */
	copy = kmalloc(ALIGN_UP(len + 1, (size_t)8), GFP_KERNEL);
	if (copy) {
		memcpy(copy, b.data, len);
		copy[len] = 0;
		*text = copy;
		*done = kfree;
		*arg = copy;
	}
	buf_put(&b);
	return copy ? 0 : -ENOMEM;
}

/* --- link, unlink, rmdir ------------------------------------------------------*/

static int ext4_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct ext4_name n = name_of(d);
	struct inode *i = old->inode;
	int err;

	if (i->nlink >= EXT4_LINK_MAX)
		return -EMLINK;
	err = ext4_dir_add(dir, &n, i);
	if (err)
		return err;
	inode_inc_nlink(i);
	inode_touch(i, TIME_C);
	ext4_orphan_del(i);		/* made by O_TMPFILE */
	inode_mark_dirty(dir, I_DIRTY_SYNC);
	dentry_attach(d, inode_get(i));
	return ext4_write_inode_now(i);
}

/* The entry of a name that must be there and mean the inode. */
static int find_victim(struct inode *dir, struct dentry *d, struct buf *b,
		       struct ext4_dirent **e)
{
	struct ext4_name n = name_of(d);
	int err = ext4_dir_find(ext4_i(dir), &n, b, e);

	if (err)
		return err;
	if (!*e)
		return -ENOENT;
	if (le32_get((*e)->inode) != d->inode->ino) {
		buf_put(b);
		return ext4_corrupt(dir->sb, "directory %llu changed its mind",
				    dir->ino);
	}
	return 0;
}

static int remove_name(struct inode *dir, struct dentry *d)
{
	struct ext4_dirent *e;
	struct buf b;
	int err = find_victim(dir, d, &b, &e);

	if (err)
		return err;
	err = ext4_dir_remove(dir, &b, e);
	buf_put(&b);
	if (!err)
		inode_touch(dir, TIME_M | TIME_C);
	return err;
}

static int ext4_unlink(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	int err = remove_name(dir, d);

	if (err)
		return err;
	if (i->nlink)
		inode_dec_nlink(i);
	inode_touch(i, TIME_C);
	note_orphan(i, d, 3);
	return 0;
}

static int ext4_rmdir(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	int err = ext4_dir_is_empty(i);

	if (!err)
		err = remove_name(dir, d);
	if (err)
		return err;
	inode_set_nlink(i, 0);
	inode_touch(i, TIME_C);
	dec_dir_links(dir);
	note_orphan(i, d, 2);
	return 0;
}

/* --- rename ---------------------------------------------------------------*/

/* Makes the name d in dir mean the inode i. */
static int point_name_at(struct inode *dir, struct dentry *d, struct inode *i)
{
	struct ext4_fs *fs = ext4_fs_of(dir);
	struct ext4_dirent *e;
	struct buf b;
	int err = find_victim(dir, d, &b, &e);

	if (err)
		return err;
	e->inode = le32_make((u32)i->ino);
	if (fs->has_filetype)
		e->type = ext4_type_of_mode(fs, i->mode);
	ext4_dir_changed(ext4_i(dir), &b, 0);
	buf_put(&b);
	inode_touch(dir, TIME_M | TIME_C);
	return 0;
}

/* Makes ".." of the directory i mean its new parent. */
static int set_dotdot(struct inode *i, struct inode *parent)
{
	struct ext4_inode *ei = ext4_i(i);
	struct ext4_dirent *dd;
	struct buf b;
	int err = ext4_dir_read(ei, 0, &b);

	if (err)
		return err;
	dd = (struct ext4_dirent *)((u8 *)b.data + 12);
	if (!ext4_dirent_ok(ei, b.data, 12) || dd->name_len != 2 ||
	    memcmp(dd->name, "..", 2)) {
		buf_put(&b);
		return ext4_corrupt(i->sb, "directory %llu: bad dots", i->ino);
	}
	dd->inode = le32_make((u32)parent->ino);
	ext4_dir_changed(ei, &b, ei->flags & FL_INDEX ? DX_ROOT_OFF : 0);
	buf_put(&b);
	return 0;
}

static int moved(struct inode *i, struct inode *from, struct inode *to)
{
	int err = 0;

	if (S_ISDIR(i->mode) && from != to) {
		err = set_dotdot(i, to);
		dec_dir_links(from);
		inc_dir_links(to);
	}
	inode_touch(i, TIME_C);
	return err;
}

static int exchange(struct inode *odir, struct dentry *od, struct inode *ndir,
		    struct dentry *nd)
{
	struct inode *a = od->inode, *b = nd->inode;
	int err = point_name_at(odir, od, b), err2;

	if (err)
		return err;
	err = point_name_at(ndir, nd, a);
	if (err)
		return err;
	err = moved(a, odir, ndir);
	err2 = moved(b, ndir, odir);
	return err ? err : err2;
}

/* The new name replaces what it meant. */
static void drop_replaced(struct inode *ndir, struct dentry *nd)
{
	struct inode *victim = nd->inode;

	if (S_ISDIR(victim->mode)) {
		inode_set_nlink(victim, 0);
		dec_dir_links(ndir);
	} else if (victim->nlink) {
		inode_dec_nlink(victim);
	}
	inode_touch(victim, TIME_C);
	note_orphan(victim, nd, 2);
}

static int make_whiteout(struct inode *dir, struct inode **out)
{
	struct inode *i;
	int err = ext4_new_inode(dir, S_IFCHR, &i);

	if (err)
		return err;
	i->rdev = 0;
	ext4_set_inode_ops(i);
	err = ext4_write_inode_now(i);
	if (err) {
		drop_new(i);
		return err;
	}
	*out = i;
	return 0;
}

static int check_rename(struct inode *ndir, struct inode *i,
			struct inode *victim, bool is_same_dir)
{
	if (victim && S_ISDIR(victim->mode))
		return ext4_dir_is_empty(victim);
	if (S_ISDIR(i->mode) && !is_same_dir)
		return check_dir_links(ndir);
	return 0;
}

static int give_new_name(struct inode *ndir, struct dentry *nd, struct inode *i)
{
	struct ext4_name n = name_of(nd);

	if (nd->inode)
		return point_name_at(ndir, nd, i);
	return ext4_dir_add(ndir, &n, i);
}

static int ext4_rename(struct inode *odir, struct dentry *od,
		       struct inode *ndir, struct dentry *nd, unsigned flags)
{
	struct inode *i = od->inode, *whiteout = NULL;
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE)
		return exchange(odir, od, ndir, nd);
	err = check_rename(ndir, i, nd->inode, odir == ndir);
	if (!err && flags & RENAME_WHITEOUT)
		err = make_whiteout(odir, &whiteout);
	if (err)
		return err;
	err = give_new_name(ndir, nd, i);
	if (err) {
		if (whiteout)
			drop_new(whiteout);
		return err;
	}
	err = whiteout ? point_name_at(odir, od, whiteout) :
			 remove_name(odir, od);
	if (whiteout)
		inode_put(whiteout);
	if (nd->inode)
		drop_replaced(ndir, nd);
	inode_mark_dirty(ndir, I_DIRTY_SYNC);
	inode_mark_dirty(odir, I_DIRTY_SYNC);
	return err ? err : moved(i, odir, ndir);
}

const struct inode_ops ext4_dir_inode_ops = {
	.lookup = ext4_lookup,
	.create = ext4_create,
	.link = ext4_link,
	.unlink = ext4_unlink,
	.symlink = ext4_symlink,
	.mkdir = ext4_mkdir,
	.rmdir = ext4_rmdir,
	.mknod = ext4_mknod,
	.rename = ext4_rename,
	.tmpfile = ext4_tmpfile,
	.setattr = ext4_setattr,
	.getattr = ext4_getattr,
	.getxattr = ext4_getxattr,
	.setxattr = ext4_setxattr,
	.listxattr = ext4_listxattr,
};

const struct inode_ops ext4_symlink_ops = {
	.get_link = ext4_get_link,
	.setattr = ext4_setattr,
	.getattr = ext4_getattr,
	.getxattr = ext4_getxattr,
	.setxattr = ext4_setxattr,
	.listxattr = ext4_listxattr,
};

const struct inode_ops ext4_special_ops = {
	.setattr = ext4_setattr,
	.getattr = ext4_getattr,
	.getxattr = ext4_getxattr,
	.setxattr = ext4_setxattr,
	.listxattr = ext4_listxattr,
};
