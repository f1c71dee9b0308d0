/*
 * handle - files by number: name_to_handle_at(2), open_by_handle_at(2).
 *
 * Theory:  a handle is an inode's number and generation; the file system finds
 *          the inode, and the generation tells whether it is still the same
 *          file.  One that has a dentry is opened by that.  A directory
 *          without one gets it: there must never be two, and it must have its
 *          parents, since renames look for loops that way.  So the nearest
 *          directory above that has a dentry is asked for the name of the one
 *          below it, step by step.  Any other file without a dentry gets one
 *          without a name, as a removed one would have.
 *          A file of tmpfs is in the hash of numbers only once a handle was made
 *          for it.
 * Locks:   the directory's inode lock while its names are read.
 */
#include "vfs_impl.h"
#include <fs/handle.h>
#include <lib/string.h>

#define TYPE_INO64_GEN 0x81	/* number, low word first, and generation */
#define MAX_STEPS 4096		/* renames may undo some */

int handle_make(const struct path *p, bool id_only, struct handle *h)
{
	struct inode *i = p->dentry->inode;
	bool has_handles = i->sb->ops->inode_of_number;

	if (!has_handles && !id_only)
		return -EOPNOTSUPP;
	if (has_handles)
		inode_hash_insert(i);
	*h = (struct handle){
		.type = TYPE_INO64_GEN, .nr_words = HANDLE_WORDS,
		.word = { (u32)i->ino, (u32)(i->ino >> 32), i->generation },
	};
	return 0;
}

/* A dentry (referenced) that the inode has, or NULL. */
static struct dentry *find_alias(struct inode *i)
{
	struct dentry *d;

	spin_lock(&i->state_lock);
	list_for_each_entry(d, &i->dentries, alias)
		if (ref_tryget(&d->refs)) {
			spin_unlock(&i->state_lock);
			return d;
		}
	spin_unlock(&i->state_lock);
	return NULL;
}

/* --- directories -------------------------------------------------------------*/
struct name_search {
	struct dir_ctx ctx;
	u64 ino;
	u32 len;
	char name[NAME_MAX + 1];
};

static bool is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

static bool match(struct dir_ctx *c, const char *name, size_t len, u64 pos,
		  u64 ino, unsigned type)
{
	struct name_search *s = container_of(c, struct name_search, ctx);

	if (ino != s->ino || is_dots(name, len) || len > NAME_MAX)
		return true;
	memcpy(s->name, name, len);
	s->len = (u32)len;
	return false;
}

/* The child gets its dentry, below the parent's. */
static int name_child(struct mount *m, struct dentry *parent,
		      const struct inode *child)
{
	struct name_search s = { .ctx.emit = match, .ino = child->ino };
	struct path p = { m, parent };
	struct inode *dir = parent->inode;
	struct dentry *d;
	struct file *f;
	int err = file_open_path(&p, O_RDONLY | O_DIRECTORY, &f);

	if (err)
		return err;
	mutex_lock_nested(&dir->lock, RANK_INODE_DIR);
	err = -ESTALE;
	if (!(dir->flags & S_DEAD) && f->ops->iterate)
		err = f->ops->iterate(f, &s.ctx);
	if (!err)
		err = s.len ? dentry_lookup(parent, s.name, s.len, &d) :
			      -ESTALE;
	mutex_unlock(&dir->lock);
	if (!err)
		dentry_put(d);
	file_put(f);
	return err;
}

static int find_parent(struct inode *dir, struct inode **out)
{
	u64 ino;
	int err = dir->sb->ops->parent_number(dir, &ino);

	if (!err && ino == dir->ino)
		err = -ESTALE;	/* the root has a dentry: something else */
	return err ? err : dir->sb->ops->inode_of_number(dir->sb, ino, out);
}

/* Of the directories above that have no dentry, and this one, the highest
 * gets its own. */
static int connect_step(struct mount *m, struct inode *dir)
{
	struct inode *low = inode_get(dir), *up;
	struct dentry *d;
	int err;

	for (;;) {
		err = find_parent(low, &up);
		if (err)
			break;
		d = find_alias(up);
		if (d) {
			err = name_child(m, d, low);
			dentry_put(d);
			inode_put(up);
			break;
		}
		inode_put(low);
		low = up;
	}
	inode_put(low);
	return err;
}

static int connect(struct mount *m, struct inode *dir, struct dentry **out)
{
	int err;

	for (unsigned i = 0; i < MAX_STEPS; i++) {
		*out = find_alias(dir);
		if (*out)
			return 0;
		err = connect_step(m, dir);
		if (err)
			return err;
	}
	return -ESTALE;
}

/* --- from a handle to a path ---------------------------------------------------*/
static int find_inode(struct super_block *sb, const struct handle *h,
		      struct inode **out)
{
	int err;

	if (h->type != TYPE_INO64_GEN || h->nr_words < HANDLE_WORDS ||
	    !sb->ops->inode_of_number)
		return -ESTALE;
	err = sb->ops->inode_of_number(sb, h->word[0] | (u64)h->word[1] << 32,
				       out);
	if (err)
		return err == -ENOMEM ? err : -ESTALE;
	if ((*out)->generation == h->word[2])
		return 0;
	inode_put(*out);
	return -ESTALE;
}

int handle_find(struct mount *m, const struct handle *h, struct path *out)
{
	struct dentry *d = NULL;
	struct inode *i;
	int err = find_inode(m->sb, h, &i);

	if (err)
		return err;
	if (S_ISDIR(i->mode)) {
		err = connect(m, i, &d);
	} else {
		d = find_alias(i);
		if (!d)
			err = dentry_alloc_root(m->sb, inode_get(i), &d);
		if (err)
			inode_put(i);
	}
	inode_put(i);
	if (err)
		return err == -ENOMEM ? err : -ESTALE;
	mount_get(m);
	*out = (struct path){ m, d };
	return 0;
}
