/*
 * sysfs - /sys: kernel objects as files (sysfs(5)).
 *
 * Theory:  a node is its type and a key; its children and text are made when
 *          they are asked for, out of the registries of devices, harts and
 *          the device tree.  So nothing is kept in step with anything, and
 *          nothing is remembered but what the dentry cache holds, and what
 *          chmod(2) and kin changed.  A node that went away shows as a file
 *          whose read fails.
 * Locks:   changes_lock guards the list of changes, and what is in them.
 * Life:    one superblock for all mounts.
 */
#include "sysfs_impl.h"
#include <arch/boot.h>
#include <kernel/init.h>
#include <lib/hash.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#define SYSFS_MAGIC 0x62656572

struct sys_inode {
	struct sys_node node;		/* const */
	struct inode inode;
};

static struct slab_cache *cache;

static struct sys_node *node_of(const struct inode *i)
{
	return &container_of((struct inode *)i, struct sys_inode, inode)->node;
}

/* --- children -----------------------------------------------------------*/
void sys_child_set(struct sys_child *c, const char *name,
		   const struct sys_type *type, u64 key)
{
	strscpy(c->name, name, sizeof(c->name));
	c->node = (struct sys_node){ type, key };
}

bool sys_array_child(const struct sys_entry *e, unsigned n, u64 key, unsigned i,
		     struct sys_child *out)
{
	if (i >= n)
		return false;
	sys_child_set(out, e[i].name, e[i].type, key);
	return true;
}

static bool no_child(u64 key, unsigned i, struct sys_child *out)
{
	return false;
}

const struct sys_type sys_empty_dir = {
	.mode = S_IFDIR | 0755, .child = no_child,
};

static bool find_child(const struct sys_node *dir, const char *name, size_t len,
		       struct sys_node *out)
{
	struct sys_child c;

	if (dir->type->find)
		return dir->type->find(dir->key, name, len, out);
	for (unsigned i = 0; dir->type->child(dir->key, i, &c); i++) {
		if (strlen(c.name) == len && !memcmp(c.name, name, len)) {
			*out = c.node;
			return true;
		}
	}
	return false;
}

/* Numbers need not be stored to be the same next time. */
static u64 child_ino(const struct inode *dir, const char *name, size_t len)
{
	return hash_bytes(name, len, dir->ino) >> 8 | 1ull << 56;
}

/* --- files and links ----------------------------------------------------*/
static int fill(struct seq *s, struct file *f)
{
	const struct sys_node *n = node_of(f->inode);

	return n->type->show(s, n->key);
}

static ssize_t sys_read(struct file *f, struct iter *it, u64 *pos,
			unsigned flags)
{
	return seq_read(f, it, pos, fill);
}

static const struct file_ops file_fops = {
	.read_iter = sys_read,
	.llseek = seq_llseek,
	.release = seq_release,
};

static void free_text(void *text)
{
	kfree(text);
}

static int link_text(struct dentry *d, struct inode *i, const char **text,
		     void (**done)(void *), void **arg)
{
	const struct sys_node *n = node_of(i);
	struct seq s = { .size = 256 };

	if (!d)
		return -ECHILD;
	s.buf = kmalloc(s.size, GFP_KERNEL);
	if (!s.buf)
		return -ENOMEM;
	n->type->target(&s, n->key);
	s.buf[min(s.len, s.size - 1)] = 0;
	*text = s.buf;
	*done = free_text;
	*arg = s.buf;
	return 0;
}

/* What was set of an inode; kept for good, since the name may be looked up
 * again at any time. */
struct sys_change {
	struct list node;
	u64 ino;
	u32 mode, uid, gid;
	struct timespec64 atime, mtime, ctime;
};

static struct spinlock changes_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "sysfs");
static LIST_HEAD(changes);

static struct sys_change *find_change_locked(u64 ino)
{
	struct sys_change *c;

	list_for_each_entry(c, &changes, node)
		if (c->ino == ino)
			return c;
	return NULL;
}

static void take_change(struct inode *i)
{
	struct sys_change *c;

	spin_lock(&changes_lock);
	c = find_change_locked(i->ino);
	if (c) {
		i->mode = c->mode;
		i->uid = c->uid;
		i->gid = c->gid;
		i->atime = c->atime;
		i->mtime = c->mtime;
		i->ctime = c->ctime;
	}
	spin_unlock(&changes_lock);
}

static int sys_setattr(struct dentry *d, struct iattr *a)
{
	struct sys_change *fresh, *c;
	struct inode *i = d->inode;
	int err = setattr_prepare(d, a);

	if (err)
		return err;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return -ENOMEM;
	setattr_copy(i, a);
	spin_lock(&changes_lock);
	c = find_change_locked(i->ino);
	if (!c) {
		c = fresh;
		fresh = NULL;
		list_add(&c->node, &changes);
	}
	*c = (struct sys_change){ c->node, i->ino, i->mode, i->uid, i->gid,
				  i->atime, i->mtime, i->ctime };
	spin_unlock(&changes_lock);
	kfree(fresh);
	return 0;
}

static int sys_getattr(const struct path *p, struct kstat *st, u32 mask,
		       unsigned flags)
{
	struct inode *i = p->dentry->inode;

	generic_fillattr(i, st);
	if (S_ISREG(i->mode))
		st->size = PAGE_SIZE;
	return 0;
}

static const struct inode_ops file_ops = {
	.setattr = sys_setattr,
	.getattr = sys_getattr,
};

static const struct inode_ops link_ops = {
	.get_link = link_text,
	.setattr = sys_setattr,
};

/* --- directories --------------------------------------------------------*/
static int sys_lookup(struct inode *dir, struct dentry *d);

static int sys_iterate(struct file *f, struct dir_ctx *c)
{
	const struct sys_node *n = node_of(f->inode);
	struct sys_child child;
	size_t len;

	if (!dir_emit_dots(f, c))
		return 0;
	while (n->type->child(n->key, (unsigned)c->pos - 2, &child)) {
		len = strlen(child.name);
		if (!c->emit(c, child.name, len, c->pos,
			     child_ino(f->inode, child.name, len),
			     (child.node.type->mode & S_IFMT) >> 12))
			break;
		c->pos++;
	}
	return 0;
}

static const struct inode_ops dir_ops = {
	.lookup = sys_lookup,
	.setattr = sys_setattr,
};

static const struct file_ops dir_fops = {
	.iterate = sys_iterate,
	.llseek = seq_llseek,
};

static int new_inode(struct super_block *sb, const struct sys_node *n, u64 ino,
		     struct inode **out)
{
	struct inode *i;
	int err = inode_alloc(sb, &i);

	if (err)
		return err;
	*node_of(i) = *n;
	i->ino = ino;
	i->mode = n->type->mode;
	i->flags = S_NOATIME;
	i->atime = i->mtime = i->ctime = time_now();
	take_change(i);
	if (S_ISDIR(i->mode)) {
		i->ops = &dir_ops;
		i->fops = &dir_fops;
		i->nlink = 2;
	} else if (S_ISLNK(i->mode)) {
		i->ops = &link_ops;
	} else {
		i->ops = &file_ops;
		i->fops = &file_fops;
	}
	*out = i;
	return 0;
}

static int sys_lookup(struct inode *dir, struct dentry *d)
{
	struct sys_node n;
	struct inode *i;
	int err;

	/* Negative for this look-up only: not attached, it is not cached, and
	 * what appears later is found. */
	if (!find_child(node_of(dir), d->name, d->len, &n))
		return 0;
	err = new_inode(dir->sb, &n, child_ino(dir, d->name, d->len), &i);
	if (!err)
		dentry_attach(d, i);
	return err;
}

/* --- the top ------------------------------------------------------------*/
static bool firmware_child(u64 key, unsigned i, struct sys_child *out)
{
	static const struct sys_entry e[] = {
		{ "devicetree", &sys_devicetree_dir },
	};

	return boot_fdt && sys_array_child(e, ARRAY_SIZE(e), 0, i, out);
}

static const struct sys_type firmware_dir = {
	.mode = S_IFDIR | 0755, .child = firmware_child,
};

SYS_DIR(kernel_dir, { "tracing", &sys_empty_dir });
SYS_DIR(sys_devices_dir, { "system", &sys_system_dir },
	{ "virtual", &sys_virtual_dir });
SYS_DIR(sys_dev_dir, { "block", &sys_dev_block_dir },
	{ "char", &sys_dev_char_dir });
SYS_DIR(sys_root, { "block", &sys_block_dir }, { "class", &sys_class_dir },
	{ "dev", &sys_dev_dir }, { "devices", &sys_devices_dir },
	{ "firmware", &firmware_dir }, { "fs", &sys_empty_dir },
	{ "kernel", &kernel_dir });

static int alloc_inode(struct super_block *sb, struct inode **out)
{
	struct sys_inode *si = slab_alloc(cache, GFP_KERNEL);

	if (!si)
		return -ENOMEM;
	*out = &si->inode;
	return 0;
}

static void free_inode(struct inode *i)
{
	slab_free(cache, container_of(i, struct sys_inode, inode));
}

static int statfs(struct dentry *d, struct kstatfs *st)
{
	st->type = SYSFS_MAGIC;
	st->bsize = st->frsize = PAGE_SIZE;
	st->namelen = NAME_MAX;
	return 0;
}

static const struct super_ops super_ops = {
	.alloc_inode = alloc_inode,
	.free_inode = free_inode,
	.is_type_stable = true,
	.statfs = statfs,
};

static int fill_super(struct super_block *sb, char *opts)
{
	const struct sys_node root = { &sys_root, 0 };
	struct inode *i;
	int err;

	if (opts && *opts)
		return -EINVAL;
	sb->ops = &super_ops;
	sb->magic = SYSFS_MAGIC;
	err = new_inode(sb, &root, 1, &i);
	if (err)
		return err;
	err = dentry_alloc_root(sb, i, &sb->root);
	if (err)
		inode_put(i);
	return err;
}

static int sysfs_mount(const struct filesystem *fs, unsigned flags,
		       const char *dev, char *opts, struct super_block **out)
{
	return mount_nodev(fs, flags, opts, fill_super, out);
}

static const struct filesystem sysfs = {
	.name = "sysfs",
	.flags = FS_NODEV | FS_SINGLE,
	.mount = sysfs_mount,
};
FILESYSTEM(sysfs);

static void sysfs_init(void)
{
	cache = slab_cache_create("sysfs_inode_cache", sizeof(struct sys_inode),
				  64, SLAB_RECLAIM | SLAB_RCU | SLAB_PANIC,
				  NULL);
}
INIT(INIT_CORE, sysfs_init);
