/*
 * devpts - /dev/pts: a node for each pseudo terminal.
 *
 * Theory:  a tmpfs superblock whose nodes appear and go with the ptys, and by
 *          nothing else: its directory has no operation but to look up.  All
 *          mounts of the first user namespace share one (newinstance is not
 *          there), and the options uid=, gid=, mode= and ptmxmode= of the last
 *          mount hold.  A mount in another user namespace is an instance of its
 *          own; numbers are unique over all of them.  A pty belongs where the
 *          ptmx that made it lies, else to what is mounted on /dev/pts.
 * Locks:   list_lock guards the list of instances; a superblock on it may be
 *          dying.
 */
#include <drivers/tty.h>
#include <fs/nodes.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/spinlock.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>

#define DEVPTS_MAGIC 0x1cd1

struct pts_fs {
	struct list node;		/* list_lock */
	struct super_block *sb;		/* lives longer. const */
	const struct filesystem *tmpfs;	/* what it is made of. const */
	u32 mode, ptmx_mode;		/* mount lock */
	u32 uid, gid;
	bool has_uid, has_gid;
};

static struct spinlock list_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "devpts");
static LIST_HEAD(instances);		/* list_lock */
static struct pts_fs first = { .mode = 0600 };
static struct super_ops pts_ops;	/* tmpfs's, but for some. const after init */
static struct inode_ops root_ops;	/* const after init */

static int option(struct pts_fs *p, char *key, char *value)
{
	u64 v = 0;

	if (!strcmp(key, "newinstance") || !strcmp(key, "max"))
		return 0;
	if (!value || str_to_u64(value, strstr(key, "mode") ? 8 : 10, NULL, &v))
		return -EINVAL;
	if (!strcmp(key, "gid")) {
		p->gid = make_kgid(current_user_ns(), (u32)v);
		p->has_gid = true;
		return p->gid == INVALID_ID ? -EINVAL : 0;
	}
	if (!strcmp(key, "uid")) {
		p->uid = make_kuid(current_user_ns(), (u32)v);
		p->has_uid = true;
		return p->uid == INVALID_ID ? -EINVAL : 0;
	}
	if (!strcmp(key, "mode"))
		p->mode = (u32)v & 0777;
	else if (!strcmp(key, "ptmxmode"))
		p->ptmx_mode = (u32)v & 0777;
	else
		return -EINVAL;
	return 0;
}

static int parse(struct pts_fs *p, char *opts)
{
	char *word;
	int err;

	while (opts && (word = strsep(&opts, ","))) {
		char *value = strchr(word, '=');

		if (!*word)
			continue;
		if (value)
			*value++ = 0;
		err = option(p, word, value);
		if (err)
			return err;
	}
	return 0;
}

static void set_ptmx_mode(const struct pts_fs *p)
{
	struct super_block *sb = p->sb;
	struct dentry *d;

	mutex_lock(&sb->root->inode->lock);
	if (!dentry_lookup(sb->root, "ptmx", 4, &d)) {
		if (d->inode)
			d->inode->mode = S_IFCHR | p->ptmx_mode;
		dentry_put(d);
	}
	mutex_unlock(&sb->root->inode->lock);
}

/* --- instances ------------------------------------------------------------*/
static struct pts_fs *find(const struct super_block *sb)
{
	struct pts_fs *p, *found = NULL;

	spin_lock(&list_lock);
	list_for_each_entry(p, &instances, node)
		if (p->sb == sb)
			found = p;
	spin_unlock(&list_lock);
	return found;
}

/* The n-th that is not dying, referenced; NULL: there are less. */
static struct super_block *nth(unsigned n)
{
	struct super_block *sb = NULL;
	struct pts_fs *p;

	spin_lock(&list_lock);
	list_for_each_entry(p, &instances, node)
		if (!n-- && ref_tryget(&p->sb->refs)) {
			sb = p->sb;
			break;
		}
	spin_unlock(&list_lock);
	return sb;
}

static bool is_alone(void)
{
	bool yes;

	spin_lock(&list_lock);
	yes = list_is_last(&first.node, &instances) &&
	      list_first_entry(&instances, struct pts_fs, node) == &first;
	spin_unlock(&list_lock);
	return yes;
}

static const struct filesystem devpts;
static int devpts_statfs(struct dentry *d, struct kstatfs *st);
static size_t devpts_show(struct super_block *sb, char *buf, size_t n);

/* A tmpfs with a ptmx becomes p's. */
static int make_instance(struct pts_fs *p)
{
	char opts[] = "mode=0755";
	struct super_block *sb;
	int err;

	p->tmpfs = filesystem_find("tmpfs");
	err = p->tmpfs->mount(p->tmpfs, SB_KERNMOUNT, NULL, opts, &sb);
	if (err)
		return err;
	err = node_create(sb, "ptmx", S_IFCHR | p->ptmx_mode, MKDEV(5, 2),
			  current_fsuid(), current_cred()->fsgid);
	if (err) {
		super_put(sb);
		return err;
	}
	if (p == &first) {
		pts_ops = *sb->ops;
		pts_ops.statfs = devpts_statfs;
		pts_ops.show_options = devpts_show;
		pts_ops.node_ops = sb->root->inode->ops;
		root_ops.lookup = pts_ops.node_ops->lookup;
	}
	sb->root->inode->ops = &root_ops;
	sb->ops = &pts_ops;
	sb->magic = DEVPTS_MAGIC;
	sb->fs = &devpts;
	p->sb = sb;
	spin_lock(&list_lock);
	list_add_tail(&p->node, &instances);
	spin_unlock(&list_lock);
	return 0;
}

static int mount_own(char *opts, struct super_block **out)
{
	struct pts_fs *p = kzalloc(sizeof(*p), GFP_KERNEL);
	int err;

	if (!p)
		return -ENOMEM;
	p->mode = 0600;
	err = parse(p, opts);
	if (!err)
		err = make_instance(p);
	if (err)
		kfree(p);
	else
		*out = p->sb;
	return err;
}

static int devpts_mount(const struct filesystem *fs, unsigned flags,
			const char *dev, char *opts, struct super_block **out)
{
	int err;

	if (!first.sb)
		return -ENODEV;
	if (current_user_ns() != &init_user_ns)
		return mount_own(opts, out);
	err = parse(&first, opts);
	if (err)
		return err;
	set_ptmx_mode(&first);
	ref_get(&first.sb->refs);
	*out = first.sb;
	return 0;
}

static void devpts_kill(struct super_block *sb)
{
	struct pts_fs *p = find(sb);

	spin_lock(&list_lock);
	list_del(&p->node);
	spin_unlock(&list_lock);
	p->tmpfs->kill(sb);
	kfree(p);		/* never the first: its mount is kept */
}

/* --- nodes ----------------------------------------------------------------*/
/* Where a pty made by this ptmx belongs, referenced. */
static struct super_block *super_of(const struct file *ptmx)
{
	struct super_block *sb = ptmx->path.dentry->sb;
	struct path p;

	if (!find(sb)) {
		sb = first.sb;
		if (!is_alone() &&
		    !path_lookup(AT_FDCWD, "/dev/pts", LOOKUP_FOLLOW, &p)) {
			if (find(p.dentry->sb))
				sb = p.dentry->sb;
			ref_get(&sb->refs);
			path_put(&p);
			return sb;
		}
	}
	ref_get(&sb->refs);
	return sb;
}

static int add_node(const char *name, u32 index, const struct file *ptmx)
{
	struct super_block *sb = super_of(ptmx);
	const struct pts_fs *p = find(sb);
	int err = node_create(sb, name, S_IFCHR | p->mode, MKDEV(136, index),
			      p->has_uid ? p->uid : current_fsuid(),
			      p->has_gid ? p->gid : current_cred()->fsgid);

	super_put(sb);
	return err;
}

/* Numbers are unique: one instance has it, if it was not unmounted. */
static int remove_node(const char *name)
{
	struct super_block *sb;
	int err = -ENOENT;

	for (unsigned n = 0; err == -ENOENT && (sb = nth(n)); n++) {
		err = node_remove(sb, name);
		super_put(sb);
	}
	return err == -ENOENT ? 0 : err;
}

static int pts_node(u32 index, const struct file *ptmx)
{
	char name[12];
	int err;

	ksnprintf(name, sizeof(name), "%u", index);
	err = ptmx ? add_node(name, index, ptmx) : remove_node(name);
	if (err)
		pr_warn("devpts: node %u: error %d\n", index, err);
	return err;
}

static int devpts_statfs(struct dentry *d, struct kstatfs *st)
{
	st->type = DEVPTS_MAGIC;
	st->bsize = st->frsize = PAGE_SIZE;
	st->namelen = NAME_MAX;
	return 0;
}

static size_t devpts_show(struct super_block *sb, char *buf, size_t n)
{
	const struct pts_fs *p = find(sb);
	size_t len = 0;

	if (p->has_uid)
		len += (size_t)kscnprintf(buf + len, n - len, ",uid=%u",
					  p->uid);
	if (p->has_gid)
		len += (size_t)kscnprintf(buf + len, n - len, ",gid=%u",
					  p->gid);
	return len + (size_t)kscnprintf(buf + len, n - len,
					",mode=%03o,ptmxmode=%03o", p->mode,
					p->ptmx_mode);
}

static const struct filesystem devpts = {
	.name = "devpts",
	.flags = FS_NODEV | FS_SINGLE | FS_USERNS_MOUNT,
	.mount = devpts_mount,
	.kill = devpts_kill,
};
FILESYSTEM(devpts);

static void devpts_init(void)
{
	const struct filesystem *tmpfs = filesystem_find("tmpfs");
	int err;

	if (!tmpfs)
		return;
	err = make_instance(&first);
	if (err) {
		pr_err("devpts: error %d\n", err);
		return;
	}
	pty_node_hook = pts_node;
}
INIT(INIT_DRIVER, devpts_init);
