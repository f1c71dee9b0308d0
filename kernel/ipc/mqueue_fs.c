/*
 * mqueue_fs - the names of POSIX message queues: file system `mqueue`.
 *
 * Theory:  one superblock for each IPC namespace, made when it is first
 *          wanted; a mount shows the namespace of who mounts.  Its root is
 *          the only directory, with a list of queues.
 * Locks:   the root's inode lock for the list; mqueue_lock for making it.
 * Life:    a name owns a reference to its inode, which owns the queue.
 */
#include "mqueue_impl.h"

#include <fs/proc.h>
#include <kernel/init.h>
#include <lib/errno.h>

#define MQUEUE_MAGIC 0x19800202
#define MQ_DIR_MODE (S_IFDIR | S_ISVTX | 0777)

static struct mutex mqueue_lock =
	MUTEX_INIT(mqueue_lock, RANK_MOUNT, "mqueue namespaces");
static const struct inode_ops dir_ops, queue_ops;
static const struct file_ops dir_fops;

static struct mqueue_ns *ns_of(const struct inode *i)
{
	return i->sb->priv;
}

/* --- inodes ---------------------------------------------------------------*/
static int new_inode(struct super_block *sb, const struct inode *dir, u32 mode,
		     struct inode **out)
{
	struct mqueue_ns *ns = sb->priv;
	int err = inode_alloc(sb, out);

	if (err)
		return err;
	(*out)->ino = ++ns->last_ino;
	inode_init_owner(*out, dir, mode);
	(*out)->mode = mode;
	inode_set_nlink(*out, S_ISDIR(mode) ? 2 : 1);
	(*out)->atime = (*out)->mtime = (*out)->ctime = time_now();
	return 0;
}

static void evict(struct inode *i)
{
	if (!i->priv)
		return;
	fetch_add_relaxed(&ns_of(i)->count, -1);
	mqueue_free(i->priv);
	i->priv = NULL;
}

static struct mqueue *find_name(struct inode *dir, const struct dentry *d)
{
	struct mqueue *q;

	list_for_each_entry(q, &ns_of(dir)->queues, node)
		if (strlen(q->name) == d->len && !memcmp(q->name, d->name,
							 d->len))
			return q;
	return NULL;
}

/* --- the directory: its lock is held --------------------------------------*/
static int lookup(struct inode *dir, struct dentry *d)
{
	struct mqueue *q;

	if (d->len > NAME_MAX)
		return -ENAMETOOLONG;
	q = find_name(dir, d);
	dentry_attach(d, q ? inode_get(q->inode) : NULL);
	return 0;
}

static int add_queue(struct inode *dir, struct dentry *d, u32 mode,
		     const struct mq_attr *attr)
{
	struct mqueue_ns *ns = ns_of(dir);
	struct mqueue *q;
	struct inode *i;
	int err;

	if (READ_ONCE(ns->count) >= READ_ONCE(ns->queues_max) &&
	    !capable(CAP_SYS_RESOURCE))
		return -ENOSPC;
	err = mqueue_create(ns, d->name, d->len, attr, &q);
	if (err)
		return err;
	err = new_inode(dir->sb, dir, S_IFREG | (mode & 07777), &i);
	if (err) {
		mqueue_free(q);
		return err;
	}
	fetch_add_relaxed(&ns->count, 1);
	i->ops = &queue_ops;
	i->fops = &mqueue_fops;
	inode_set_size(i, 80);	/* of the line that read() gives */
	i->priv = q;
	q->inode = i;
	list_add_tail(&q->node, &ns->queues);
	inode_touch(dir, TIME_M | TIME_C);
	dentry_attach(d, inode_get(i));
	return 0;
}

static int create(struct inode *dir, struct dentry *d, u32 mode)
{
	return add_queue(dir, d, mode, NULL);
}

static int unlink(struct inode *dir, struct dentry *d)
{
	struct mqueue *q = find_name(dir, d);
	struct inode *i;

	if (!q)
		return -ENOENT;
	i = q->inode;
	list_del_init(&q->node);
	inode_dec_nlink(i);
	inode_touch(dir, TIME_A | TIME_M | TIME_C);
	inode_put(i);
	return 0;
}

static int iterate(struct file *f, struct dir_ctx *c)
{
	struct mqueue *q;
	u64 pos = 2;

	if (!dir_emit_dots(f, c))
		return 0;
	list_for_each_entry(q, &ns_of(f->inode)->queues, node) {
		if (pos++ < c->pos)
			continue;
		if (!c->emit(c, q->name, strlen(q->name), c->pos,
			     q->inode->ino, DT_REG))
			break;
		c->pos++;
	}
	return 0;
}

static const struct inode_ops dir_ops = {
	.lookup = lookup,
	.create = create,
	.unlink = unlink,
};
static const struct inode_ops queue_ops = { .setattr = simple_setattr };
static const struct file_ops dir_fops = {
	.iterate = iterate,
	.llseek = generic_llseek,
};

/* --- superblocks ----------------------------------------------------------*/
static void put_super(struct super_block *sb)
{
	struct mqueue_ns *ns = sb->priv;

	sb->priv = NULL;
	if (ref_put(&ns->refs))
		kfree(ns);
}

static int statfs(struct dentry *d, struct kstatfs *st)
{
	st->type = MQUEUE_MAGIC;
	st->bsize = st->frsize = PAGE_SIZE;
	st->namelen = NAME_MAX;
	return 0;
}

static const struct super_ops mqueue_super_ops = {
	.evict_inode = evict,
	.statfs = statfs,
	.put_super = put_super,
};

static int fill(struct super_block *sb, char *opts)
{
	struct mqueue_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);
	struct inode *root;
	int err;

	if (!ns)
		return -ENOMEM;
	ref_init(&ns->refs, 1);
	list_init(&ns->queues);
	ns->queues_max = 256;
	ns->msg_max = ns->msg_default = 10;
	ns->msgsize_max = ns->msgsize_default = 8192;
	sb->priv = ns;
	sb->ops = &mqueue_super_ops;
	sb->magic = MQUEUE_MAGIC;
	sb->max_bytes = 1ull << 62;
	err = new_inode(sb, NULL, MQ_DIR_MODE, &root);
	if (err)
		return err;
	root->ops = &dir_ops;
	root->fops = &dir_fops;
	return dentry_alloc_root(sb, root, &sb->root);
}

static void kill(struct super_block *sb)
{
	struct mqueue_ns *ns = sb->priv;
	struct mqueue *q, *next;

	if (ns)
		list_for_each_entry_safe(q, next, &ns->queues, node) {
			list_del_init(&q->node);
			inode_set_nlink(q->inode, 0);
			inode_put(q->inode);
		}
	kill_super_anon(sb);
}

/* The queues of current's namespace; it keeps them. */
static int own_mqueues(struct mqueue_ns **out)
{
	struct ipc_ns *ipc = current_ipc();
	struct mount *m;
	int err = 0;

	*out = load_acquire(&ipc->mq);
	if (*out)
		return 0;
	mutex_lock(&mqueue_lock);
	if (!ipc->mq)
		err = kern_mount("mqueue", NULL, &m);
	if (!err && !ipc->mq) {
		*out = m->sb->priv;
		(*out)->mnt = m;
		ref_get(&(*out)->refs);
		store_release(&ipc->mq, *out);
	}
	mutex_unlock(&mqueue_lock);
	*out = ipc->mq;
	return err;
}

void mqueue_ns_release(struct mqueue_ns *mq)
{
	struct path own;

	if (!mq)
		return;
	own = (struct path){ mq->mnt, dentry_get(mq->mnt->root) };
	path_put(&own);
	if (ref_put(&mq->refs))
		kfree(mq);
}

static int mqueue_mount(const struct filesystem *fs, unsigned flags,
			const char *dev, char *opts, struct super_block **out)
{
	struct mqueue_ns *mq;
	int err;

	if (flags & SB_KERNMOUNT)
		return mount_nodev(fs, flags, opts, fill, out);
	err = own_mqueues(&mq);
	if (err)
		return err;
	*out = mq->mnt->sb;
	ref_get(&(*out)->refs);
	return 0;
}

static struct user_ns *owner(void)
{
	return current_ipc()->owner.user_ns;
}

static const struct filesystem mqueue = {
	.name = "mqueue",
	.flags = FS_NODEV | FS_USERNS_MOUNT,
	.mount = mqueue_mount,
	.kill = kill,
	.user_ns = owner,
};
FILESYSTEM(mqueue);

/* --- mq_open, mq_unlink ---------------------------------------------------*/
static int check_name(const char *name, size_t len)
{
	if (!len)
		return -ENOENT;
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EACCES;
	return 0;
}

static int may_open(struct inode *i, int flags)
{
	static const u32 access[4] = { MAY_READ, MAY_WRITE,
				       MAY_READ | MAY_WRITE, 0 };

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if ((flags & 3) == 3)
		return -EINVAL;
	return inode_permission(i, access[flags & 3]);
}

static int find_or_make(const struct path *root, struct dentry *d, int flags,
			u32 mode, const struct mq_attr *attr)
{
	struct inode *dir = root->dentry->inode;
	int err;

	if (!dentry_is_negative(d))
		return may_open(d->inode, flags);
	if (!(flags & O_CREAT))
		return -ENOENT;
	err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	return err ? err : add_queue(dir, d, mode, attr);
}

static int open_name(const struct path *root, const char *name, int flags,
		     u32 mode, const struct mq_attr *attr, struct file **out)
{
	struct inode *dir = root->dentry->inode;
	struct path p = *root;
	int err;

	mutex_lock_nested(&dir->lock, RANK_INODE_DIR);
	err = dentry_lookup(root->dentry, name, strlen(name), &p.dentry);
	if (!err) {
		err = find_or_make(root, p.dentry, flags, mode, attr);
		if (!err)
			err = file_open_path(&p, (unsigned)flags & ~O_CREAT &
					     ~O_EXCL & ~O_TRUNC, out);
		dentry_put(p.dentry);
	}
	mutex_unlock(&dir->lock);
	return err;
}

int mq_open(const char *name, int flags, u32 mode, const struct mq_attr *attr)
{
	struct mqueue_ns *mq;
	struct path root;
	struct file *f;
	int fd, err = check_name(name, strlen(name));

	if (!err)
		err = own_mqueues(&mq);
	if (err)
		return err;
	err = fd_alloc(0, O_CLOEXEC, &fd);
	if (err)
		return err;
	root = (struct path){ mq->mnt, mq->mnt->root };
	mode &= ~READ_ONCE(current->fs->umask);
	err = open_name(&root, name, flags, mode, attr, &f);
	if (err) {
		fd_free(fd);
		return err;
	}
	fd_install(fd, f);
	return fd;
}

int mq_unlink(const char *name)
{
	struct mqueue_ns *mq;
	struct dentry *d;
	struct inode *dir;
	struct path root;
	int err = check_name(name, strlen(name));

	if (!err)
		err = own_mqueues(&mq);
	if (err)
		return err;
	root = (struct path){ mq->mnt, mq->mnt->root };
	dir = root.dentry->inode;
	mutex_lock_nested(&dir->lock, RANK_INODE_DIR);
	err = dentry_lookup(root.dentry, name, strlen(name), &d);
	if (!err) {
		err = dentry_is_negative(d) ? -ENOENT : vfs_unlink(&root, d);
		dentry_put(d);
	}
	mutex_unlock(&dir->lock);
	return err;
}

/* --- /proc/sys/fs/mqueue --------------------------------------------------*/
struct limit {
	u16 offset;
	int min, max;
};
#define LIMIT(nm, lo, hi)                                                      \
	static const struct limit nm##_limit = {                               \
		offsetof(struct mqueue_ns, nm), lo, hi }
LIMIT(queues_max, INT_MIN, INT_MAX);
LIMIT(msg_max, 1, MQ_HARD_MSGMAX);
LIMIT(msg_default, 1, MQ_HARD_MSGMAX);
LIMIT(msgsize_max, 128, MQ_HARD_MSGSIZE);
LIMIT(msgsize_default, 128, MQ_HARD_MSGSIZE);

static int limit_at(const struct limit *l, int **out)
{
	struct mqueue_ns *mq;
	int err = own_mqueues(&mq);

	if (!err)
		*out = (int *)((char *)mq + l->offset);
	return err;
}

static int limit_show(struct seq *s, void *arg)
{
	int *v, err = limit_at(arg, &v);

	if (err)
		return err;
	seq_printf(s, "%d\n", READ_ONCE(*v));
	return 0;
}

static int limit_write(char *text, size_t len, void *arg)
{
	const struct limit *l = arg;
	int *v, n, err = limit_at(l, &v);

	if (err)
		return err;
	if (str_to_int(str_trim(text), 0, &n) || n < l->min || n > l->max)
		return -EINVAL;
	WRITE_ONCE(*v, n);
	return 0;
}

#define ENTRY(nm)                                                              \
	{ .name = "sys/fs/mqueue/" #nm, .mode = 0644, .show = limit_show,      \
	  .write = limit_write, .arg = (void *)&nm##_limit }

static const struct proc_entry entries[] = {
	ENTRY(queues_max), ENTRY(msg_max), ENTRY(msg_default),
	ENTRY(msgsize_max), ENTRY(msgsize_default),
};

static void mqueue_proc_init(void)
{
	proc_register(entries, ARRAY_SIZE(entries));
}
INIT(INIT_FS, mqueue_proc_init);
