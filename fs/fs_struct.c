/*
 * fs_struct - the root, working directory and umask that tasks may share.
 *
 * Locks:   fs.lock writes; fs.seq lets walks read without it.  A structure
 *          with one user is changed by that user alone, and read by it
 *          without either.
 */
#include "vfs_impl.h"
#include <mm/slab.h>

struct fs_struct init_fs = {
	.refs = REF_INIT(1),
	.lock = SPINLOCK_INIT(RANK_FS_STRUCT, "fs"),
	.umask = 022,
};

int fs_struct_copy(struct fs_struct *from, struct fs_struct **out)
{
	struct fs_struct *fs = kmalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	ref_init(&fs->refs, 1);
	spin_init(&fs->lock, RANK_FS_STRUCT, "fs");
	fs->seq.seq = 0;
	spin_lock(&from->lock);
	fs->umask = from->umask;
	fs->root = from->root;
	fs->pwd = from->pwd;
	path_get(&fs->root);
	path_get(&fs->pwd);
	spin_unlock(&from->lock);
	*out = fs;
	return 0;
}

struct fs_struct *fs_struct_of(struct task *t)
{
	struct fs_struct *fs;

	irq_lock(&t->alloc_lock);
	fs = t->fs;
	if (fs)
		ref_get(&fs->refs);
	irq_unlock(&t->alloc_lock);
	return fs;
}

void fs_struct_put(struct fs_struct *fs)
{
	if (!fs || !ref_put(&fs->refs))
		return;
	path_put(&fs->root);
	path_put(&fs->pwd);
	kfree(fs);
}

static void replace(struct fs_struct *fs, struct path *where,
		    const struct path *p)
{
	struct path old;

	path_get(p);
	spin_lock(&fs->lock);
	seq_write_begin(&fs->seq);
	old = *where;
	*where = *p;
	seq_write_end(&fs->seq);
	spin_unlock(&fs->lock);
	if (old.dentry)
		path_put(&old);
}

void fs_set_pwd(struct fs_struct *fs, const struct path *p)
{
	replace(fs, &fs->pwd, p);
}

void fs_set_root(struct fs_struct *fs, const struct path *p)
{
	replace(fs, &fs->root, p);
}

void fs_get_root(struct fs_struct *fs, struct path *p)
{
	spin_lock(&fs->lock);
	*p = fs->root;
	path_get(p);
	spin_unlock(&fs->lock);
}

void fs_get_pwd(struct fs_struct *fs, struct path *p)
{
	spin_lock(&fs->lock);
	*p = fs->pwd;
	path_get(p);
	spin_unlock(&fs->lock);
}
