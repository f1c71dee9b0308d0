/*
 * tree - the entries of /proc that are not about one task: a tree that only
 * grows, made of the tables that other rooms register.
 *
 * Locks:   tree_lock guards children, and what chmod and chown changed; the
 *          rest of a published node never changes.
 */
#include "proc_impl.h"
#include <kernel/assert.h>
#include <lib/ctype.h>
#include <lib/string.h>
#include <mm/slab.h>

struct proc_node {
	const char *name;		/* not terminated. const */
	u32 len;
	u64 ino;
	const struct proc_entry *entry;	/* NULL: a directory. const */
	bool is_sysctl;			/* below sys. const */
	u32 mode, uid, gid;		/* tree_lock */
	struct list children, sibling;	/* tree_lock */
	u32 nr_children;		/* tree_lock */
	u32 nr_dirs;			/* tree_lock */
};

#define FIRST_INO 0xf0000000u	/* as PROC_DYNAMIC_FIRST */

static struct spinlock tree_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "proc tree");
static u64 last_ino = FIRST_INO;	/* tree_lock */
static struct proc_node root = {
	.children = LIST_INIT(root.children), .ino = PROC_ROOT_INO,
	.mode = S_IFDIR | 0555,
};

struct proc_node *proc_root_node(void)
{
	return &root;
}

static struct proc_node *find_locked(struct proc_node *dir, const char *name,
				     size_t len)
{
	struct proc_node *n;

	list_for_each_entry(n, &dir->children, sibling)
		if (n->len == len && !memcmp(n->name, name, len))
			return n;
	return NULL;
}

u64 proc_node_count(struct proc_node *n)
{
	return READ_ONCE(n->nr_dirs);
}

/* --- registering --------------------------------------------------------*/
static struct proc_node *add(struct proc_node *dir, const char *name,
			     size_t len, const struct proc_entry *e)
{
	struct proc_node *n = kzalloc(sizeof(*n), GFP_KERNEL), *old;

	BUG_ON(!n);			/* start-up */
	n->name = name;
	n->len = (u32)len;
	n->entry = e;
	n->mode = e ? e->mode : S_IFDIR | 0555;
	if (!(n->mode & S_IFMT))
		n->mode |= S_IFREG;
	n->is_sysctl = dir->is_sysctl ||
		       (dir == &root && len == 3 && !memcmp(name, "sys", 3));
	list_init(&n->children);
	spin_lock(&tree_lock);
	old = find_locked(dir, name, len);
	if (!old) {
		n->ino = ++last_ino;
		list_add_tail(&n->sibling, &dir->children);
		dir->nr_children++;
		dir->nr_dirs += !e;
	}
	spin_unlock(&tree_lock);
	if (old)
		kfree(n);
	return old ? old : n;
}

static void register_one(const struct proc_entry *e)
{
	struct proc_node *dir = &root;
	const char *s = e->name, *slash;

	while ((slash = strchr(s, '/'))) {
		dir = add(dir, s, (size_t)(slash - s), NULL);
		s = slash + 1;
	}
	add(dir, s, strlen(s), S_ISDIR(e->mode) ? NULL : e);
}

void proc_register(const struct proc_entry *table, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		register_one(&table[i]);
}

/* --- files --------------------------------------------------------------*/
const struct proc_entry *proc_entry_of(const struct file *f)
{
	return proc_i(f->inode)->node->entry;
}

static int fill(struct seq *s, struct file *f)
{
	const struct proc_entry *e = proc_entry_of(f);

	return e->show(s, e->arg);
}

static ssize_t entry_read(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	return proc_entry_of(f)->show ? seq_read(f, it, pos, fill) : -EIO;
}

static ssize_t entry_write(struct file *f, struct iter *it, u64 *pos,
			   unsigned flags)
{
	const struct proc_entry *e = proc_entry_of(f);
	char *text;
	size_t len;
	int err;

	if (!e->write)
		return -EIO;
	irqs_unmask();
	err = seq_write_text(it, &text, &len);
	if (err)
		return err;
	err = e->write(text, len, e->arg);
	kfree(text);
	if (err)
		return err;
	*pos += len;
	return (ssize_t)len;
}

static const struct file_ops entry_fops = {
	.read_iter = entry_read,
	.write_iter = entry_write,
	.llseek = seq_llseek,
	.release = seq_release,
};

/* --- directories --------------------------------------------------------*/
/* Owner and mode are the node's: they outlive the inode. */
int proc_node_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	struct proc_node *n = proc_i(i)->node;
	int err;

	if (n->is_sysctl && (a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID)))
		return -EPERM;
	err = setattr_prepare(d, a);
	if (err)
		return err;
	setattr_copy(i, a);
	spin_lock(&tree_lock);
	n->mode = i->mode;
	n->uid = i->uid;
	n->gid = i->gid;
	spin_unlock(&tree_lock);
	return 0;
}

static const struct inode_ops dir_ops = {
	.lookup = proc_node_lookup,
	.setattr = proc_node_setattr,
};

static const struct inode_ops file_ops = {
	.setattr = proc_node_setattr,
};

static int dir_iterate(struct file *f, struct dir_ctx *c)
{
	if (dir_emit_dots(f, c))
		proc_node_iterate(proc_i(f->inode)->node, c, 2);
	return 0;
}

static int user_ns_permission(struct inode *i, unsigned mask)
{
	unsigned granted = i->mode >> 6 & 7;

	mask &= MAY_READ | MAY_WRITE | MAY_EXEC;
	if (!(mask & ~granted) &&
	    ns_capable(current_user_ns(), CAP_SYS_RESOURCE))
		return 0;
	return inode_permission_generic(i, mask);
}

/* Below sys nobody has more than the owner's bits, whatever his capabilities. */
static int sys_permission(struct inode *i, unsigned mask)
{
	if (mask & (MAY_READ | MAY_WRITE | MAY_EXEC) & ~(i->mode >> 6))
		return -EACCES;
	return inode_permission_generic(i, mask);
}

/* One that may be written although its mode has no such bit, like msg_next_id,
 * goes by a capability. */
static bool is_bound_by_mode(const struct proc_node *n)
{
	const struct proc_entry *e = n->entry;

	return e && n->is_sysctl && !(e->write && !(e->mode & 0222));
}

static const struct inode_ops sys_file_ops = {
	.setattr = proc_node_setattr,
	.permission = sys_permission,
};

static const struct inode_ops user_ns_file_ops = {
	.setattr = proc_node_setattr,
	.permission = user_ns_permission,
};

static const struct file_ops dir_fops = {
	.iterate = dir_iterate,
	.llseek = seq_llseek,
};

/* The n-th child, or NULL: nodes never go away. */
static struct proc_node *nth_child(struct proc_node *dir, u64 nth)
{
	struct proc_node *n, *found = NULL;

	spin_lock(&tree_lock);
	list_for_each_entry(n, &dir->children, sibling) {
		if (!nth--) {
			found = n;
			break;
		}
	}
	spin_unlock(&tree_lock);
	return found;
}

bool proc_node_iterate(struct proc_node *dir, struct dir_ctx *c, u64 base)
{
	struct proc_node *n;

	while ((n = nth_child(dir, c->pos - base))) {
		if (!c->emit(c, n->name, n->len, c->pos, n->ino,
			     (n->mode & S_IFMT) >> 12))
			return false;
		c->pos++;
	}
	return true;
}

void proc_node_owner(struct inode *i, const struct proc_node *n)
{
	spin_lock(&tree_lock);
	i->mode = n->mode;
	i->uid = n->uid;
	i->gid = n->gid;
	spin_unlock(&tree_lock);
}

int proc_node_lookup(struct inode *dir, struct dentry *d)
{
	struct proc_inode *pi;
	struct proc_node *n;
	int err;

	spin_lock(&tree_lock);
	n = find_locked(proc_i(dir)->node, d->name, d->len);
	spin_unlock(&tree_lock);
	if (!n)
		return -ENOENT;
	err = proc_inode_new(dir->sb, n->mode, n->ino, &pi);
	if (err)
		return err;
	pi->node = n;
	proc_node_owner(&pi->inode, n);
	pi->inode.ops = n->entry ? &file_ops : &dir_ops;
	if (is_bound_by_mode(n))
		pi->inode.ops = &sys_file_ops;
	if (n->entry && n->entry->is_per_user_ns)
		pi->inode.ops = &user_ns_file_ops;
	if (!n->entry)
		pi->inode.fops = &dir_fops;
	else if (n->entry->fops)
		pi->inode.fops = n->entry->fops;
	else
		pi->inode.fops = &entry_fops;
	if (n->entry && n->entry->link)
		pi->inode.link = n->entry->link;
	if (!n->entry)
		pi->inode.nlink = 2 + n->nr_dirs;
	dentry_attach(d, &pi->inode);
	return 0;
}

/* --- numbers ------------------------------------------------------------*/
int proc_int_show(struct seq *s, void *arg)
{
	const struct proc_int *n = arg;

	seq_s64(s, "", READ_ONCE(*n->value));
	seq_putc(s, '\n');
	return 0;
}

int proc_int_write(char *text, size_t len, void *arg)
{
	const struct proc_int *n = arg;
	char *word = str_trim(text);
	s64 v;

	if (!*word)
		return -EINVAL;
	word[strcspn(word, " \t\n")] = 0;
	if (str_to_s64(word, 0, NULL, &v) || v < n->min || v > n->max)
		return -EINVAL;
	WRITE_ONCE(*n->value, (int)v);
	return 0;
}
