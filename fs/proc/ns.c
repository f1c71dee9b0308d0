/*
 * ns - /proc/PID/ns: links that name the namespaces of a task.
 *
 * Theory:  a link leads to a file of the hidden "nsfs", whose inode number
 *          identifies the namespace: two tasks share one if the numbers are
 *          equal.  An open file keeps its namespace alive.  Kinds that do not
 *          exist have no link.
 * Life:    the inode owns the struct ns_ref and what it refers to.
 */
#include "proc_impl.h"
#include <arch/uaccess.h>
#include <fs/fdtable.h>
#include <kernel/init.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/ns.h>

#define INDEX_NS 0x400000u
#define NSFS_MAGIC 0x6e736673
#define NS_GET_USERNS 0xb701u
#define NS_GET_PARENT 0xb702u
#define NS_GET_NSTYPE 0xb703u
#define NS_GET_OWNER_UID 0xb704u
#define NS_GET_MNTNS_ID 0x8008b705u

static struct mount *nsfs_mnt;		/* const after init */

static const struct {
	const char *name;
	u64 type;
	bool for_children;
} kinds[] = {
	{ "ipc", CLONE_NEWIPC },
	{ "mnt", CLONE_NEWNS },
	{ "pid", CLONE_NEWPID },
	{ "pid_for_children", CLONE_NEWPID, true },
	{ "time", CLONE_NEWTIME },
	{ "time_for_children", CLONE_NEWTIME, true },
	{ "user", CLONE_NEWUSER },
	{ "uts", CLONE_NEWUTS },
};
#define NR_NS_KINDS ((int)ARRAY_SIZE(kinds))

static const char *type_name(u64 type)
{
	switch (type) {
	case CLONE_NEWIPC:
		return "ipc";
	case CLONE_NEWNS:
		return "mnt";
	case CLONE_NEWPID:
		return "pid";
	case CLONE_NEWTIME:
		return "time";
	case CLONE_NEWUTS:
		return "uts";
	default:
		return "user";
	}
}

/* --- nsfs ---------------------------------------------------------------*/
static size_t nsfs_describe(struct dentry *d, char *buf, size_t n)
{
	const struct ns_ref *r = d->inode->priv;

	return (size_t)ksnprintf(buf, n, "%s:[%llu]", type_name(r->type),
				 d->inode->ino);
}

static const struct dentry_ops nsfs_dentry_ops = {
	.describe = nsfs_describe,
};

static const struct file_ops nsfs_fops;

/* The reference moves in, also on failure. */
static int nsfs_path(const struct ns_ref *r, struct path *out)
{
	struct super_block *sb = nsfs_mnt->sb;
	struct ns_ref *own = kmemdup(r, sizeof(*r), GFP_KERNEL);
	struct proc_inode *pi;
	int err = -ENOMEM;

	if (!own)
		goto err_put;
	err = proc_inode_new(sb, S_IFREG | 0444, ns_ref_ino(r), &pi);
	if (err)
		goto err_free;
	pi->inode.priv = own;
	pi->inode.ops = &proc_file_ops;
	pi->inode.flags |= S_IMMUTABLE;
	pi->inode.fops = &nsfs_fops;
	err = dentry_alloc_root(sb, &pi->inode, &out->dentry);
	if (err)
		return err;	/* the inode went with it */
	out->dentry->ops = &nsfs_dentry_ops;
	out->mnt = nsfs_mnt;
	/* The new dentry's reference is ours already. */
	path_get(out);
	dentry_put(out->dentry);
	return 0;
err_free:
	kfree(own);
err_put:
	ns_ref_put(r);
	return err;
}

static void nsfs_evict(struct inode *i)
{
	struct ns_ref *r = i->priv;

	proc_super_ops.evict_inode(i);
	i->priv = NULL;
	if (r)
		ns_ref_put(r);
	kfree(r);
}

/* A new descriptor of it; the reference moves in. */
static long open_ref(const struct ns_ref *r)
{
	struct path p;
	struct file *f;
	int err = nsfs_path(r, &p);

	if (err)
		return err;
	err = file_open_path(&p, O_RDONLY, &f);
	path_put(&p);
	if (err)
		return err;
	return fd_give(f, O_CLOEXEC);
}

static long nsfs_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	const struct ns_ref *r = f->inode->priv;
	struct ns_ref other;
	int err;

	switch (cmd) {
	case NS_GET_USERNS:
		err = ns_ref_owner(r, &other);
		return err ? err : open_ref(&other);
	case NS_GET_PARENT:
		err = ns_ref_parent(r, &other);
		return err ? err : open_ref(&other);
	case NS_GET_NSTYPE:
		return (long)r->type;
	case NS_GET_OWNER_UID:
		if (r->type != CLONE_NEWUSER)
			return -EINVAL;
		return put_user(from_kuid_munged(current_user_ns(),
				((struct user_ns *)r->ns)->owner),
				(u32 __user *)arg);
	case NS_GET_MNTNS_ID:	/* what statmount(2) calls it */
		if (r->type != CLONE_NEWNS)
			return -EINVAL;
		return put_user(ns_ref_ino(r), (u64 __user *)arg);
	}
	return -ENOTTY;
}

static const struct file_ops nsfs_fops = {
	.llseek = seq_llseek,
	.ioctl = nsfs_ioctl,
};

static const struct ns_ref *ref_of_inode(const struct inode *i)
{
	return i->fops == &nsfs_fops ? i->priv : NULL;
}

static int nsfs_statfs(struct dentry *d, struct kstatfs *st)
{
	st->type = NSFS_MAGIC;
	st->bsize = st->frsize = PAGE_SIZE;
	st->namelen = NAME_MAX;
	return 0;
}

static struct super_ops nsfs_super_ops;	/* const after init */

static int nsfs_fill(struct super_block *sb, char *opts)
{
	struct proc_inode *pi;
	int err;

	nsfs_super_ops = proc_super_ops;
	nsfs_super_ops.evict_inode = nsfs_evict;
	nsfs_super_ops.statfs = nsfs_statfs;
	nsfs_super_ops.remount = NULL;
	nsfs_super_ops.show_options = NULL;
	sb->ops = &nsfs_super_ops;
	sb->magic = NSFS_MAGIC;
	sb->flags |= SB_NOWRITEBACK;
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
	else
		ns_of_inode_hook = ref_of_inode;
}
INIT(INIT_LATE, nsfs_init);

/* --- links --------------------------------------------------------------*/
static int ns_follow(struct dentry *d, struct inode *i, struct path *out)
{
	int kind = proc_i(i)->fd, err;
	struct task *t = proc_task(i);
	struct ns_ref r;

	if (!t)
		return -ENOENT;
	err = proc_check_access(t, NEED_READ);
	if (!err && !nsfs_mnt)
		err = -ENOENT;
	if (!err)
		err = ns_ref_of_task(t, kinds[kind].type,
				     kinds[kind].for_children, &r);
	task_put(t);
	return err ? err : nsfs_path(&r, out);
}

static const struct inode_ops link_ops = {
	.follow = ns_follow,
	.get_link = proc_magic_text,
	.setattr = proc_task_setattr,
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
	const struct proc_inode *pi = proc_i(f->inode);

	if (!dir_emit_dots(f, c))
		return 0;
	for (; c->pos - 2 < NR_NS_KINDS; c->pos++) {
		const char *name = kinds[c->pos - 2].name;

		if (!c->emit(c, name, strlen(name), c->pos,
			     proc_task_ino(pi->pid, pi->is_thread,
					   INDEX_NS + (u32)c->pos - 2),
			     DT_LNK))
			break;
	}
	return 0;
}

const struct inode_ops proc_ns_dir_ops = {
	.lookup = ns_lookup,
	.setattr = proc_task_setattr,
};

const struct file_ops proc_ns_fops = {
	.iterate = ns_iterate,
	.llseek = seq_llseek,
};
