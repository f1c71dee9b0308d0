/*
 * proc - the file system of /proc: superblocks, inodes, the root directory.
 *
 * Theory:  one superblock for each mount, as its options (hidepid=, gid=,
 *          subset=) are its own.  It shows the PID namespace of its maker.  The
 *          root holds what tree.c has registered, the links self and
 *          thread-self, and a directory for each process.  Inodes are not
 *          hashed: they live as long as their dentries, and those of tasks
 *          are asked at each walk whether the task is still there.
 *          Inode memory is of its type for a grace period, as walks look
 *          without a reference.
 *          While hidepid= is off, directories of tasks have operations that
 *          check nothing and so can be walked lock-free; a remount that turns
 *          it on changes the operations of those that are cached.
 * Locks:   super_block.inode_lock orders that change and new directories.
 * Life:    an inode of a task owns a reference of its struct pid, never of
 *          the task.
 */
#include "proc_impl.h"
#include <task/pidfd.h>
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

static struct slab_cache *cache;

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

bool proc_may_see(const struct super_block *sb, struct task *t,
		  enum hidepid least)
{
	const struct proc_super *ps = proc_super(sb);
	u32 hide = READ_ONCE(ps->hide);

	if (likely(hide < least))
		return true;
	if (hide != HIDEPID_NOT_PTRACEABLE && in_group_fs(READ_ONCE(ps->gid)))
		return true;
	return !ptrace_may_access(t, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS);
}

/* hidepid=ptraceable hides a task from look-ups too. */
static bool is_absent(const struct super_block *sb, struct pid *pid)
{
	struct task *t;
	bool may_see = true;

	if (READ_ONCE(proc_super(sb)->hide) != HIDEPID_NOT_PTRACEABLE)
		return false;
	rcu_read_lock();
	t = pid_task(pid, PIDTYPE_PID);
	if (t)
		may_see = proc_may_see(sb, t, HIDEPID_NO_ACCESS);
	rcu_read_unlock();
	return !may_see;
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
		return proc_super(dir->sb)->pids_only ?
		       -ENOENT : proc_node_lookup(dir, d);
	pid = find_pid(nr, proc_ns(dir->sb));
	if (!pid)
		return -ENOENT;
	err = is_absent(dir->sb, pid) ? -ENOENT :
	      proc_task_dir_attach(dir->sb, pid, false, d);
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
		ok = !proc_may_see(f->inode->sb, t, HIDEPID_INVISIBLE) ||
		     c->emit(c, name, len, c->pos,
			     proc_task_ino(t->thread_pid, false, 0),
			     DT_DIR);
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
		if (!proc_super(f->inode->sb)->pids_only &&
		    !proc_node_iterate(proc_root_node(), c, POS_TREE))
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
	.setattr = proc_node_setattr,
	.getattr = root_getattr,
};

static const struct file_ops root_fops = {
	.iterate = root_iterate,
	.llseek = seq_llseek,
};

/* --- options ------------------------------------------------------------*/
static const struct {
	const char *number, *name;
	u32 hide;
} hide_names[] = {
	{ "0", "off", HIDEPID_OFF },
	{ "1", "noaccess", HIDEPID_NO_ACCESS },
	{ "2", "invisible", HIDEPID_INVISIBLE },
	{ "4", "ptraceable", HIDEPID_NOT_PTRACEABLE },
};

static int parse_hide(const char *val, u32 *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(hide_names); i++) {
		if (str_equal(val, hide_names[i].number) ||
		    str_equal(val, hide_names[i].name)) {
			*out = hide_names[i].hide;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_option(const char *key, const char *val,
			struct proc_super *ps)
{
	u64 gid;

	if (!val)
		return -EINVAL;
	if (str_equal(key, "hidepid"))
		return parse_hide(val, &ps->hide);
	if (str_equal(key, "subset")) {
		ps->pids_only = str_equal(val, "pid");
		return ps->pids_only ? 0 : -EINVAL;
	}
	if (!str_equal(key, "gid") || str_to_u64(val, 0, NULL, &gid) ||
	    gid >= U32_MAX)
		return -EINVAL;
	ps->gid = make_kgid(current_user_ns(), (u32)gid);
	if (ps->gid == INVALID_ID)
		return -EINVAL;
	return 0;
}

static int parse_options(char *opts, struct proc_super *ps)
{
	char *key, *val;
	int err;

	while (opts && opt_next(&opts, &key, &val) > 0) {
		err = parse_option(key, val, ps);
		if (err)
			return err;
	}
	return 0;
}

const struct inode_ops *proc_task_dir_ops_of(const struct super_block *sb)
{
	return proc_super(sb)->hide ? &proc_hidden_dir_ops : &proc_task_dir_ops;
}

/* Directories that are known already change their operations too. */
static int remount(struct super_block *sb, unsigned *flags, char *opts)
{
	struct proc_super *ps = proc_super(sb), want = *ps;
	const struct inode_ops *ops;
	struct inode *i;
	int err = parse_options(opts, &want);

	if (err)
		return err;
	if (want.pids_only != ps->pids_only)
		return -EINVAL;
	spin_lock(&sb->inode_lock);
	WRITE_ONCE(ps->gid, want.gid);
	WRITE_ONCE(ps->hide, want.hide);
	ops = proc_task_dir_ops_of(sb);
	list_for_each_entry(i, &sb->inodes, sb_node)
		if (i->ops == &proc_hidden_dir_ops ||
		    i->ops == &proc_task_dir_ops)
			WRITE_ONCE(i->ops, ops);
	spin_unlock(&sb->inode_lock);
	return 0;
}

static size_t show_options(struct super_block *sb, char *buf, size_t n)
{
	const struct proc_super *ps = proc_super(sb);
	size_t len = 0;

	*buf = 0;
	if (ps->gid)
		len += (size_t)ksnprintf(buf, n, ",gid=%u", ps->gid);
	for (unsigned i = 1; i < ARRAY_SIZE(hide_names); i++)
		if (hide_names[i].hide == ps->hide)
			len += (size_t)ksnprintf(buf + len, n - len,
						 ",hidepid=%s",
						 hide_names[i].name);
	if (ps->pids_only)
		len += (size_t)ksnprintf(buf + len, n - len, ",subset=pid");
	return len;
}

const struct super_ops proc_super_ops = {
	.alloc_inode = alloc_inode,
	.free_inode = free_inode,
	.is_type_stable = true,
	.evict_inode = evict_inode,
	.statfs = statfs,
	.remount = remount,
	.show_options = show_options,
};

/* --- mounting -----------------------------------------------------------*/
static int make_root(struct super_block *sb)
{
	struct proc_inode *pi;
	int err = proc_inode_new(sb, S_IFDIR | 0555, PROC_ROOT_INO, &pi);

	if (err)
		return err;
	pi->node = proc_root_node();
	proc_node_owner(&pi->inode, pi->node);
	pi->inode.ops = &root_ops;
	pi->inode.fops = &root_fops;
	err = dentry_alloc_root(sb, &pi->inode, &sb->root);
	if (err)
		inode_put(&pi->inode);
	return err;
}

static int make_super(const struct filesystem *fs, unsigned flags,
		      struct proc_super *ps, struct super_block **out)
{
	struct super_block *sb;
	int err = super_alloc_nodev(fs, flags, &sb);

	if (err) {
		kfree(ps);
		return err;
	}
	ps->ns = pid_ns_get(task_pid_ns(current));
	sb->ops = &proc_super_ops;
	sb->magic = PROC_MAGIC;
	sb->flags |= SB_NOWRITEBACK;
	sb->blocksize = 1024;
	sb->blkbits = 10;
	sb->priv = ps;
	err = make_root(sb);
	if (err)
		super_put(sb);	/* frees ps */
	else
		*out = sb;
	return err;
}

static int proc_mount(const struct filesystem *fs, unsigned flags,
		      const char *dev, char *opts, struct super_block **out)
{
	struct proc_super *ps = kzalloc(sizeof(*ps), GFP_KERNEL);
	int err;

	if (!ps)
		return -ENOMEM;
	err = parse_options(opts, ps);
	if (err) {
		kfree(ps);
		return err;
	}
	return make_super(fs, flags, ps, out);
}

static void proc_kill(struct super_block *sb)
{
	struct proc_super *ps = sb->priv;

	kill_super_anon(sb);
	if (ps) {
		pid_ns_put(ps->ns);
		kfree(ps);
	}
}

static struct user_ns *proc_owner(void)
{
	return task_pid_ns(current)->owner.user_ns;
}

static const struct filesystem proc = {
	.name = "proc",
	.flags = FS_NODEV | FS_USERNS_MOUNT | FS_SHOWS_SYSTEM,
	.user_ns = proc_owner,
	.mount = proc_mount,
	.kill = proc_kill,
};
FILESYSTEM(proc);

static void proc_init(void)
{
	pid_of_dir_hook = proc_pid_of_dir;
	cache = slab_cache_create("proc_inode_cache", sizeof(struct proc_inode),
				  64, SLAB_RECLAIM | SLAB_RCU | SLAB_PANIC,
				  NULL);
}
INIT(INIT_CORE, proc_init);
