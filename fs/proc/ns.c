/*
 * ns - /proc/PID/ns: links that name the namespaces of a task.
 *
 * Theory:  a link leads to a file of the hidden "nsfs", whose inode number
 *          identifies the namespace: two tasks share one if the numbers are
 *          equal.  Kinds of which there can be only one have Linux's fixed
 *          numbers; kinds that do not exist have no link.
 */
#include "proc_impl.h"
#include <kernel/init.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <task/ns.h>

#define USER_NS_INO 0xeffffffdu
#define INDEX_NS 0x400000u
#define NSFS_MAGIC 0x6e736673

enum ns_kind { NS_MNT, NS_PID, NS_PID_CHILDREN, NS_USER, NS_UTS, NR_NS_KINDS };

static struct mount *nsfs_mnt;		/* const after init */

static const struct {
	const char *name, *type;
} kinds[NR_NS_KINDS] = {
	[NS_MNT] = { "mnt", "mnt" },
	[NS_PID] = { "pid", "pid" },
	[NS_PID_CHILDREN] = { "pid_for_children", "pid" },
	[NS_USER] = { "user", "user" },
	[NS_UTS] = { "uts", "uts" },
};

/* 0: the task is past exit and has none. */
static u64 ns_number(struct task *t, enum ns_kind kind)
{
	struct nsproxy *n;
	u64 ino = 0;

	if (kind == NS_PID)
		return task_pid_ns(t)->ino;
	n = proc_get_nsproxy(t);
	if (!n)
		return 0;
	if (kind == NS_MNT)
		ino = n->mnt ? n->mnt->id : 0;
	else if (kind == NS_UTS)
		ino = n->uts->ino;
	else if (kind == NS_PID_CHILDREN)
		ino = n->pid_for_children->ino;
	else
		ino = init_user_ns.ino ? init_user_ns.ino : USER_NS_INO;
	nsproxy_put(n);
	return ino;
}

/* --- nsfs ---------------------------------------------------------------*/
static size_t nsfs_describe(struct dentry *d, char *buf, size_t n)
{
	return (size_t)ksnprintf(buf, n, "%s:[%llu]", (const char *)d->priv,
				 d->inode->ino);
}

static const struct dentry_ops nsfs_dentry_ops = {
	.describe = nsfs_describe,
};

static const struct file_ops nsfs_fops = {
	.llseek = seq_llseek,
};

static int nsfs_path(enum ns_kind kind, u64 ino, struct path *out)
{
	struct super_block *sb = nsfs_mnt->sb;
	struct proc_inode *pi;
	int err;

	err = proc_inode_new(sb, S_IFREG | 0444, ino, &pi);
	if (err)
		return err;
	pi->inode.ops = &proc_file_ops;
	pi->inode.fops = &nsfs_fops;
	err = dentry_alloc_root(sb, &pi->inode, &out->dentry);
	if (err) {
		inode_put(&pi->inode);
		return err;
	}
	out->dentry->ops = &nsfs_dentry_ops;
	out->dentry->priv = (void *)(uintptr_t)kinds[kind].type;
	out->mnt = nsfs_mnt;
	/* The new dentry's reference is ours already. */
	path_get(out);
	dentry_put(out->dentry);
	return 0;
}

static int nsfs_fill(struct super_block *sb, char *opts)
{
	struct proc_inode *pi;
	int err;

	sb->ops = &proc_super_ops;
	sb->magic = NSFS_MAGIC;
	sb->flags |= SB_NOWRITEBACK;
	sb->blocksize = 4096;
	sb->blkbits = 12;
	err = proc_inode_new(sb, S_IFDIR | 0755, 1, &pi);
	if (err)
		return err;
	pi->inode.ops = &proc_file_ops;
	err = dentry_alloc_root(sb, &pi->inode, &sb->root);
	if (err)
		inode_put(&pi->inode);
	return err;
}

static int nsfs_mount(const struct filesystem *fs, unsigned flags,
		      const char *dev, char *opts, struct super_block **out)
{
	if (nsfs_mnt)
		return -EINVAL;		/* user space cannot mount it */
	return mount_nodev(fs, flags, opts, nsfs_fill, out);
}

static const struct filesystem nsfs = {
	.name = "nsfs",
	.flags = FS_NODEV | FS_HIDDEN,
	.mount = nsfs_mount,
};
FILESYSTEM(nsfs);

static void nsfs_init(void)
{
	if (kern_mount("nsfs", NULL, &nsfs_mnt))
		nsfs_mnt = NULL;
}
INIT(INIT_LATE, nsfs_init);

/* --- links --------------------------------------------------------------*/
static int ns_follow(struct dentry *d, struct inode *i, struct path *out)
{
	struct task *t = proc_task(i);
	u64 ino = 0;
	int err;

	if (!t)
		return -ENOENT;
	err = proc_check_access(t, NEED_READ);
	if (!err)
		ino = ns_number(t, (enum ns_kind)proc_i(i)->fd);
	task_put(t);
	if (err)
		return err;
	if (!ino || !nsfs_mnt)
		return -ENOENT;
	return nsfs_path((enum ns_kind)proc_i(i)->fd, ino, out);
}

static const struct inode_ops link_ops = {
	.follow = ns_follow,
	.get_link = proc_magic_text,
	.setattr = proc_dir_setattr,
};

static int find_kind(const struct dentry *d)
{
	for (int k = 0; k < NR_NS_KINDS; k++)
		if (strlen(kinds[k].name) == d->len &&
		    !memcmp(kinds[k].name, d->name, d->len))
			return k;
	return -1;
}

static int ns_lookup(struct inode *dir, struct dentry *d)
{
	int kind = find_kind(d), err;
	struct proc_inode *pi;
	struct task *t;

	if (kind < 0)
		return -ENOENT;
	t = proc_task(dir);
	if (!t)
		return -ENOENT;
	err = proc_task_inode(dir, t, S_IFLNK | 0777, INDEX_NS + (u32)kind,
			      &pi);
	task_put(t);
	if (err)
		return err;
	pi->fd = kind;
	pi->inode.ops = &link_ops;
	d->ops = &proc_task_dentry_ops;
	dentry_attach(d, &pi->inode);
	return 0;
}

static int ns_iterate(struct file *f, struct dir_ctx *c)
{
	int nr = proc_pid_nr(f->inode);

	if (!dir_emit_dots(f, c))
		return 0;
	for (; c->pos - 2 < NR_NS_KINDS; c->pos++) {
		const char *name = kinds[c->pos - 2].name;

		if (!c->emit(c, name, strlen(name), c->pos,
			     proc_task_ino(nr, proc_i(f->inode)->is_thread,
					   INDEX_NS + (u32)c->pos - 2),
			     DT_LNK))
			break;
	}
	return 0;
}

const struct inode_ops proc_ns_dir_ops = {
	.lookup = ns_lookup,
	.setattr = proc_dir_setattr,
};

const struct file_ops proc_ns_fops = {
	.iterate = ns_iterate,
	.llseek = seq_llseek,
};
