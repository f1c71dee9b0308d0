/*
 * proc - the file system of /proc: superblocks, inodes, the root directory.
 *
 * Theory:  one superblock for each PID namespace, shared by its mounts.  The
 *          root holds what tree.c has registered, the links self and
 *          thread-self, and a directory for each process.  Inodes are not
 *          hashed: they live as long as their dentries, and those of tasks
 *          are asked at each walk whether the task is still there.
 *          Inode memory is of its type for a grace period, as walks look
 *          without a reference.
 * Locks:   supers_mutex guards the list of superblocks.
 * Life:    an inode of a task owns a reference of its struct pid, never of
 *          the task.
 */
#include "proc_impl.h"
#include <kernel/init.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/fork.h>

#define PROC_MAGIC 0x9fa0
#define POS_TREE 2u
#define POS_SELF 254u
#define POS_TASKS 256u

struct proc_super {
	struct list node;
	struct super_block *sb;
};

static struct slab_cache *cache;
static LIST_HEAD(supers);	/* supers_mutex */
static struct mutex supers_mutex =
	MUTEX_INIT(supers_mutex, RANK_NONE, "proc supers");

/* --- inodes -------------------------------------------------------------*/
static int alloc_inode(struct super_block *sb, struct inode **out)
{
	struct proc_inode *pi = slab_alloc(cache, GFP_KERNEL);

	if (!pi)
		return -ENOMEM;
	pi->pid = NULL;
	pi->te = NULL;
	pi->node = NULL;
	pi->fd = -1;
	pi->is_thread = false;
	*out = &pi->inode;
	return 0;
}

static void free_inode(struct inode *i)
{
	slab_free(cache, proc_i(i));
}

static void evict_inode(struct inode *i)
{
	pid_put(proc_i(i)->pid);
	proc_i(i)->pid = NULL;
}

static int statfs(struct dentry *d, struct kstatfs *st)
{
	st->type = PROC_MAGIC;
	st->bsize = st->frsize = PAGE_SIZE;
	st->namelen = NAME_MAX;
	return 0;
}

const struct super_ops proc_super_ops = {
	.alloc_inode = alloc_inode,
	.free_inode = free_inode,
	.is_type_stable = true,
	.evict_inode = evict_inode,
	.statfs = statfs,
};

int proc_inode_new(struct super_block *sb, u32 mode, u64 ino,
		   struct proc_inode **out)
{
	struct inode *i;
	int err = inode_alloc(sb, &i);

	if (err)
		return err;
	i->mode = mode;
	i->ino = ino;
	i->flags = S_NOATIME;
	i->atime = i->mtime = i->ctime = time_now();
	*out = proc_i(i);
	return 0;
}

/* --- self and thread-self -----------------------------------------------*/
static void free_text(void *text)
{
	kfree(text);
}

static int self_text(struct dentry *d, struct inode *i, const char **text,
		     void (**done)(void *), void **arg)
{
	struct pid_ns *ns = proc_ns(i->sb);
	int tgid = pid_nr_ns(READ_ONCE(current->process->pids[PIDTYPE_TGID]),
			     ns);
	char *buf;

	if (!d)
		return -ECHILD;
	if (!tgid)
		return -ENOENT;
	buf = kmalloc(40, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (proc_i(i)->is_thread)
		ksnprintf(buf, 40, "%d/task/%d", tgid,
			  pid_nr_ns(current->thread_pid, ns));
	else
		ksnprintf(buf, 40, "%d", tgid);
	*text = buf;
	*done = free_text;
	*arg = buf;
	return 0;
}

static const struct inode_ops self_ops = {
	.get_link = self_text,
	.setattr = proc_dir_setattr,
};

static int self_lookup(struct inode *dir, struct dentry *d, bool is_thread)
{
	struct proc_inode *pi;
	int err = proc_inode_new(dir->sb, S_IFLNK | 0777, 2 + is_thread, &pi);

	if (err)
		return err;
	pi->is_thread = is_thread;
	pi->inode.ops = &self_ops;
	dentry_attach(d, &pi->inode);
	return 0;
}

/* --- processes in the root ----------------------------------------------*/
/* By number in any namespace; slow if it is not current's. Referenced. */
static struct pid *find_pid(int nr, struct pid_ns *ns)
{
	struct pid *found = NULL;
	struct task *t;

	if (ns == task_pid_ns(current))
		return pid_find_get(nr);
	rcu_read_lock();
	list_for_each_entry_rcu(t, &all_tasks, all_node) {
		struct pid *p = READ_ONCE(t->thread_pid);

		if (p && pid_nr_ns(p, ns) == nr && ref_tryget(&p->refs)) {
			found = p;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* As task_next_tgid(), in any namespace. */
static struct task *next_process(int *nr, struct pid_ns *ns)
{
	struct task *t, *best = NULL;
	int n, least = INT_MAX;

	if (ns == task_pid_ns(current))
		return task_next_tgid(nr);
	rcu_read_lock();
	list_for_each_entry_rcu(t, &all_tasks, all_node) {
		if (!READ_ONCE(t->thread_pid) || !task_is_leader(t))
			continue;
		n = pid_nr_ns(t->thread_pid, ns);
		if (n < *nr || n >= least || !ref_tryget(&t->refs))
			continue;
		if (best)
			task_put(best);
		best = t;
		least = n;
	}
	rcu_read_unlock();
	*nr = least;
	return best;
}

static int root_lookup(struct inode *dir, struct dentry *d)
{
	struct pid *pid;
	int nr, err;

	if (d->len == 4 && !memcmp(d->name, "self", 4))
		return self_lookup(dir, d, false);
	if (d->len == 11 && !memcmp(d->name, "thread-self", 11))
		return self_lookup(dir, d, true);
	if (!proc_parse_id(d, &nr))
		return proc_node_lookup(dir, d);
	pid = find_pid(nr, proc_ns(dir->sb));
	if (!pid)
		return -ENOENT;
	err = proc_task_dir_attach(dir->sb, pid, false, d);
	pid_put(pid);
	return err;
}

static bool emit_processes(struct file *f, struct dir_ctx *c)
{
	struct pid_ns *ns = proc_ns(f->inode->sb);
	int nr = max_t(int, (int)(c->pos - POS_TASKS), 1);
	struct task *t;
	char name[20];
	bool ok = true;

	while (ok && (t = next_process(&nr, ns))) {
		size_t len = fmt_u64(name, (u64)nr);

		c->pos = POS_TASKS + (u64)nr;
		ok = c->emit(c, name, len, c->pos,
			     proc_task_ino(nr, false, 0), DT_DIR);
		if (ok)
			c->pos = POS_TASKS + (u64)++nr;
		task_put(t);
	}
	if (ok)
		c->pos = POS_TASKS + INT_MAX;
	return ok;
}

static int root_iterate(struct file *f, struct dir_ctx *c)
{
	irqs_unmask();
	if (!dir_emit_dots(f, c))
		return 0;
	if (c->pos < POS_SELF) {
		if (!proc_node_iterate(proc_root_node(), c, POS_TREE))
			return 0;
		c->pos = POS_SELF;
	}
	if (c->pos == POS_SELF) {
		if (!c->emit(c, "self", 4, c->pos, 2, DT_LNK))
			return 0;
		c->pos++;
	}
	if (c->pos == POS_SELF + 1) {
		if (!c->emit(c, "thread-self", 11, c->pos, 3, DT_LNK))
			return 0;
		c->pos = POS_TASKS;
	}
	if (c->pos < POS_TASKS + INT_MAX)
		emit_processes(f, c);
	return 0;
}

static int root_getattr(const struct path *p, struct kstat *st, u32 mask,
			unsigned flags)
{
	generic_fillattr(p->dentry->inode, st);
	st->nlink = (u32)(2 + proc_node_count(proc_root_node()) + task_count());
	return 0;
}

static const struct inode_ops root_ops = {
	.lookup = root_lookup,
	.setattr = proc_dir_setattr,
	.getattr = root_getattr,
};

static const struct file_ops root_fops = {
	.iterate = root_iterate,
	.llseek = seq_llseek,
};

/* --- mounting -----------------------------------------------------------*/
static int parse_options(char *opts)
{
	char *key, *val;

	while (opts && opt_next(&opts, &key, &val) > 0) {
		if (str_equal(key, "gid") && val)
			continue;	/* means something with hidepid only */
		if (!str_equal(key, "hidepid") || !val ||
		    (!str_equal(val, "0") && !str_equal(val, "off")))
			return -EINVAL;
	}
	return 0;
}

static int make_root(struct super_block *sb)
{
	struct proc_inode *pi;
	int err = proc_inode_new(sb, S_IFDIR | 0555, PROC_ROOT_INO, &pi);

	if (err)
		return err;
	pi->node = proc_root_node();
	pi->inode.ops = &root_ops;
	pi->inode.fops = &root_fops;
	err = dentry_alloc_root(sb, &pi->inode, &sb->root);
	if (err)
		inode_put(&pi->inode);
	return err;
}

/* If it fails, supers_mutex may have been dropped and retaken. */
static int new_super_relock(const struct filesystem *fs, unsigned flags,
			    struct pid_ns *ns, struct super_block **out)
	__must_hold(&supers_mutex)
{
	struct proc_super *ps = kmalloc(sizeof(*ps), GFP_KERNEL);
	struct super_block *sb;
	int err;

	if (!ps)
		return -ENOMEM;
	err = super_alloc_nodev(fs, flags, &sb);
	if (err)
		goto err_free;
	sb->ops = &proc_super_ops;
	sb->magic = PROC_MAGIC;
	sb->flags |= SB_NOWRITEBACK;
	sb->max_bytes = S64_MAX;
	sb->time_gran_ns = 1;
	sb->blocksize = 1024;
	sb->blkbits = 10;
	sb->priv = pid_ns_get(ns);
	ps->sb = sb;
	err = make_root(sb);
	if (err) {
		mutex_unlock(&supers_mutex);	/* kill takes it */
		super_put(sb);
		mutex_lock(&supers_mutex);
		goto err_free;
	}
	list_add(&ps->node, &supers);
	*out = sb;
	return 0;
err_free:
	kfree(ps);
	return err;
}

static int proc_mount(const struct filesystem *fs, unsigned flags,
		      const char *dev, char *opts, struct super_block **out)
{
	struct pid_ns *ns = task_pid_ns(current);
	struct proc_super *ps;
	int err = parse_options(opts);

	if (err)
		return err;
	mutex_lock(&supers_mutex);
	list_for_each_entry(ps, &supers, node) {
		if (proc_ns(ps->sb) == ns && ref_tryget(&ps->sb->refs)) {
			*out = ps->sb;
			goto out_unlock;
		}
	}
	err = new_super_relock(fs, flags, ns, out);
out_unlock:
	mutex_unlock(&supers_mutex);
	return err;
}

static void proc_kill(struct super_block *sb)
{
	struct pid_ns *ns = sb->priv;
	struct proc_super *ps, *next;

	mutex_lock(&supers_mutex);
	list_for_each_entry_safe(ps, next, &supers, node) {
		if (ps->sb == sb) {
			list_del(&ps->node);
			kfree(ps);
		}
	}
	mutex_unlock(&supers_mutex);
	kill_super_anon(sb);
	pid_ns_put(ns);
}

static const struct filesystem proc = {
	.name = "proc",
	.flags = FS_NODEV | FS_USERNS_MOUNT,
	.mount = proc_mount,
	.kill = proc_kill,
};
FILESYSTEM(proc);

static void proc_init(void)
{
	cache = slab_cache_create("proc_inode_cache", sizeof(struct proc_inode),
				  64, SLAB_RECLAIM | SLAB_RCU | SLAB_PANIC,
				  NULL);
}
INIT(INIT_CORE, proc_init);
