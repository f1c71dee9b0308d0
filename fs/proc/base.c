/*
 * base - /proc/PID and /proc/PID/task/TID: names, owners, life.
 *
 * Theory:  an inode knows a struct pid; the task behind it is looked up at
 *          each use, so nothing in /proc keeps a task alive.  A walk asks
 *          pid_revalidate() whether the task is still there, without a lock
 *          in the usual case; it also keeps the owner up to date, which is
 *          the task's effective user, or root if the task may not be dumped.
 *          What the permission bits cannot say is asked of
 *          ptrace_may_access() at open and at each printing.
 * Locks:   task.alloc_lock to reach a task's objects.
 */
#include "proc_impl.h"
#include <fs/fdtable.h>
#include <lib/ctype.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <task/ns.h>

/* --- tasks behind inodes ------------------------------------------------*/
struct task *proc_task(const struct inode *i)
{
	return pid_task_get(proc_i(i)->pid);
}

/* Not of the number: who has it next is somebody else. */
u64 proc_task_ino(const struct pid *p, bool is_thread, unsigned index)
{
	return (p->ino << 1 | is_thread) << 24 | index | 1ull << 60;
}

static unsigned access_mode(unsigned need)
{
	return PTRACE_MODE_FSCREDS |
	       (need & NEED_READ ? PTRACE_MODE_READ : PTRACE_MODE_ATTACH);
}

int proc_check_access(struct task *t, unsigned need)
{
	need &= ~NEED_TO_WRITE;
	if (!need || !ptrace_may_access(t, access_mode(need)))
		return 0;
	return need & NEED_TRACE ? -EPERM : -EACCES;
}

int proc_get_mm(struct task *t, unsigned need, struct mm **out)
{
	int err = ptrace_get_mm(t, access_mode(need), out);

	return err == -EPERM && !(need & NEED_TRACE) ? -EACCES : err;
}

struct files *proc_get_files(struct task *t)
{
	struct files *fs;

	irq_lock(&t->alloc_lock);
	fs = t->files;
	if (fs)
		ref_get(&fs->refs);
	irq_unlock(&t->alloc_lock);
	return fs;
}

struct nsproxy *proc_get_nsproxy(struct task *t)
{
	struct nsproxy *n;

	irq_lock(&t->alloc_lock);
	n = t->nsproxy;
	if (n)
		nsproxy_get(n);
	irq_unlock(&t->alloc_lock);
	return n;
}

/* --- owners -------------------------------------------------------------*/
#define WORLD_DIR (S_IFDIR | 0555)

static void root_of(const struct user_ns *ns, u32 *uid, u32 *gid)
{
	*uid = ns ? make_kuid(ns, 0) : 0;
	*gid = ns ? make_kgid(ns, 0) : 0;
	if (*uid == INVALID_ID)
		*uid = 0;
	if (*gid == INVALID_ID)
		*gid = 0;
}

/* RCU held. */
static void owner_of(struct task *t, u32 mode, u32 *uid, u32 *gid)
{
	const struct cred *c = rcu_dereference(t->real_cred);
	struct mm *mm;

	*uid = c->euid;
	*gid = c->egid;
	if (mode == WORLD_DIR)
		return;
	irq_lock(&t->alloc_lock);
	mm = t->mm;
	if (!mm || mm->dumpable != 1)
		root_of(mm ? mm->user_ns : NULL, uid, gid);
	irq_unlock(&t->alloc_lock);
}

static void refresh_rcu(struct task *t, struct inode *i)
{
	u32 uid, gid;

	owner_of(t, i->mode, &uid, &gid);
	if (i->uid != uid)
		WRITE_ONCE(i->uid, uid);
	if (i->gid != gid)
		WRITE_ONCE(i->gid, gid);
}

void proc_refresh_owner(struct task *t, struct inode *i)
{
	rcu_read_lock();
	refresh_rcu(t, i);
	rcu_read_unlock();
}

/*
 * In a walk without references d may be reused at any moment: its inode is
 * ours, and the inode's pid valid for a grace period, if the version did not
 * change while both were read.
 */
static int revalidate_rcu(struct dentry *d)
{
	u32 seq = READ_ONCE(d->seq.seq);
	struct inode *i;
	struct pid *pid;
	struct task *t;

	smp_rmb();
	i = READ_ONCE(d->inode);
	if ((seq & 1) || READ_ONCE(d->ops) != &proc_task_dentry_ops || !i)
		return -ECHILD;
	pid = READ_ONCE(proc_i(i)->pid);
	smp_rmb();
	if (READ_ONCE(d->seq.seq) != seq || !pid)
		return -ECHILD;
	t = READ_ONCE(pid->thread);
	if (!t)
		return -ECHILD;
	refresh_rcu(t, i);
	return 1;
}

static int pid_revalidate(struct dentry *d, bool in_rcu)
{
	struct task *t;

	if (in_rcu)
		return revalidate_rcu(d);
	if (dentry_is_negative(d))
		return 0;
	t = proc_task(d->inode);
	if (!t)
		return 0;
	proc_refresh_owner(t, d->inode);
	task_put(t);
	return 1;
}

const struct dentry_ops proc_task_dentry_ops = {
	.revalidate = pid_revalidate,
};

/* --- text files ---------------------------------------------------------*/
static int view_of(const struct inode *i, struct task_view *v)
{
	v->t = proc_task(i);
	v->ns = proc_ns(i->sb);
	v->is_thread = proc_i(i)->is_thread;
	return v->t ? 0 : -ESRCH;
}

/* No exec comes between the question and what is shown. */
static int show_checked(struct seq *s, const struct task_view *v,
			const struct task_entry *te)
{
	struct mutex *lock = &v->t->process->exec_lock;
	int err = mutex_lock_killable(lock);

	if (err)
		return err;
	err = proc_check_access(v->t, te->access);
	if (!err)
		err = te->show(s, v);
	mutex_unlock(lock);
	return err;
}

static int fill(struct seq *s, struct file *f)
{
	const struct task_entry *te = proc_i(f->inode)->te;
	struct task_view v;
	int err = te->show ? view_of(f->inode, &v) : -EINVAL;

	if (err)
		return err;
	v.opener = f->cred;
	err = te->access & ~NEED_TO_WRITE ? show_checked(s, &v, te) :
					    te->show(s, &v);
	task_put(v.t);
	return err;
}

static ssize_t text_read(struct file *f, struct iter *it, u64 *pos,
			 unsigned flags)
{
	return seq_read(f, it, pos, fill);
}

static ssize_t text_write(struct file *f, struct iter *it, u64 *pos,
			  unsigned flags)
{
	const struct task_entry *te = proc_i(f->inode)->te;
	size_t all = it->count, len;
	struct task_view v;
	char *text;
	int err;

	if (!te->write)
		return -EINVAL;
	irqs_unmask();
	err = seq_write_text(it, &text, &len);
	if (err)
		return err;
	err = view_of(f->inode, &v);
	if (!err) {
		v.opener = f->cred;
		v.pos = *pos;
		v.is_cut = len < all;
		err = te->write(&v, text, len);
		task_put(v.t);
	}
	kfree(text);
	if (err)
		return err;
	*pos += len;
	return (ssize_t)len;
}

static int text_open(struct inode *i, struct file *f)
{
	const struct task_entry *te = proc_i(i)->te;
	struct task *t;
	int err;

	if (!(te->access & (NEED_READ | NEED_ATTACH | NEED_TO_WRITE)))
		return 0;
	t = proc_task(i);
	if (!t)
		return -ESRCH;
	if ((te->access & NEED_TO_WRITE) && (f->mode & FMODE_WRITE) &&
	    !task_capable(t, CAP_SYS_ADMIN))
		err = -EACCES;
	else
		err = proc_check_access(t, te->access);
	task_put(t);
	return err;
}

const struct file_ops proc_text_fops = {
	.open = text_open,
	.read_iter = text_read,
	.write_iter = text_write,
	.llseek = seq_llseek,
	.release = seq_release,
};

static const struct file_ops maps_fops = {
	.open = text_open,
	.read_iter = text_read,
	.ioctl = proc_maps_ioctl,
	.llseek = seq_llseek,
	.release = seq_release,
};

/* The owner is the task's again at the next look-up. */
int proc_task_setattr(struct dentry *d, struct iattr *a)
{
	int err;

	if (a->valid & ATTR_MODE)
		return -EPERM;
	err = setattr_prepare(d, a);
	if (!err)
		setattr_copy(d->inode, a);
	return err;
}

const struct inode_ops proc_file_ops = {
	.setattr = proc_task_setattr,
};

/* --- magic links --------------------------------------------------------*/
static int target_exe(struct task *t, struct path *out)
{
	struct mm *mm = task_get_mm(t);
	int err = -ENOENT;

	if (!mm)
		return err;
	irq_lock(&t->alloc_lock);
	if (mm->exe_file) {
		*out = mm->exe_file->path;
		path_get(out);
		err = 0;
	}
	irq_unlock(&t->alloc_lock);
	mm_put(mm);
	return err;
}

static int target_fs(struct task *t, struct path *out, bool wants_root)
{
	struct fs_struct *fs = fs_struct_of(t);

	if (!fs)
		return -ENOENT;
	if (wants_root)
		fs_get_root(fs, out);
	else
		fs_get_pwd(fs, out);
	fs_struct_put(fs);
	return 0;
}

static int target_cwd(struct task *t, struct path *out)
{
	return target_fs(t, out, false);
}

static int target_root(struct task *t, struct path *out)
{
	return target_fs(t, out, true);
}

int proc_magic_follow(struct dentry *d, struct inode *i, struct path *out)
{
	struct task *t = proc_task(i);
	int err;

	if (!t)
		return -ENOENT;
	err = proc_check_access(t, NEED_READ);
	if (!err)
		err = proc_i(i)->te->target(t, out);
	task_put(t);
	return err;
}

static void free_text(void *text)
{
	kfree(text);
}

int proc_path_text(const struct path *p, const char **text,
		   void (**done)(void *), void **arg)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *at;
	int err;

	if (!buf)
		return -ENOMEM;
	err = path_format(p, buf, PATH_MAX, &at);
	if (err) {
		kfree(buf);
		return err;
	}
	*text = at;
	*done = free_text;
	*arg = buf;
	return 0;
}

int proc_magic_text(struct dentry *d, struct inode *i, const char **text,
		    void (**done)(void *), void **arg)
{
	struct path p;
	int err;

	if (!d)
		return -ECHILD;
	err = i->ops->follow(d, i, &p);
	if (err)
		return err;
	err = proc_path_text(&p, text, done, arg);
	path_put(&p);
	return err;
}

const struct inode_ops proc_magic_ops = {
	.follow = proc_magic_follow,
	.get_link = proc_magic_text,
	.setattr = proc_task_setattr,
};

/* --- the table ----------------------------------------------------------*/
#define TEXT(nm, md, wh, ac, fn)                                               \
	{ .name = nm, .mode = S_IFREG | (md), .where = wh, .access = ac,       \
	  .show = fn, .fops = &proc_text_fops, .ops = &proc_file_ops }
#define TEXT_RW(nm, md, wh, fn, wr)                                            \
	{ .name = nm, .mode = S_IFREG | (md), .where = wh, .show = fn,         \
	  .write = wr, .fops = &proc_text_fops, .ops = &proc_file_ops }
#define FILE(nm, md, ac, fo)                                                   \
	{ .name = nm, .mode = S_IFREG | (md), .where = IN_BOTH, .access = ac,  \
	  .fops = &fo, .ops = &proc_file_ops }
#define DIR(nm, md, wh, op, fo)                                                \
	{ .name = nm, .mode = S_IFDIR | (md), .where = wh, .fops = &fo,        \
	  .ops = &op }
#define LINK(nm, fn)                                                           \
	{ .name = nm, .mode = S_IFLNK | 0777, .where = IN_BOTH, .target = fn,  \
	  .ops = &proc_magic_ops }

static const struct task_entry entries[] = {
	DIR("task", 0555, IN_PROCESS, proc_threads_dir_ops, proc_threads_fops),
	DIR("fd", 0500, IN_BOTH, proc_fd_dir_ops, proc_fd_fops),
	DIR("map_files", 0500, IN_PROCESS, proc_map_files_dir_ops,
	    proc_map_files_fops),
	DIR("fdinfo", 0555, IN_BOTH, proc_fdinfo_dir_ops, proc_fdinfo_fops),
	DIR("ns", 0511, IN_BOTH, proc_ns_dir_ops, proc_ns_fops),
	TEXT("environ", 0400, IN_BOTH, NEED_READ, proc_environ),
	TEXT("auxv", 0400, IN_BOTH, NEED_READ, proc_auxv),
	TEXT("status", 0444, IN_BOTH, 0, proc_status),
	TEXT("personality", 0400, IN_BOTH, NEED_TRACE, proc_personality),
	TEXT("limits", 0444, IN_BOTH, 0, proc_limits),
	TEXT("sched", 0444, IN_BOTH, 0, proc_sched),
	TEXT_RW("comm", 0644, IN_BOTH, proc_comm, proc_comm_write),
	TEXT("syscall", 0400, IN_BOTH, NEED_TRACE, proc_syscall),
	TEXT("cmdline", 0444, IN_BOTH, 0, proc_cmdline),
	TEXT("stat", 0444, IN_BOTH, 0, proc_stat),
	TEXT("statm", 0444, IN_BOTH, 0, proc_statm),
	{ .name = "maps", .mode = S_IFREG | 0444, .where = IN_BOTH,
	  .access = NEED_READ, .show = proc_maps, .fops = &maps_fops,
	  .ops = &proc_file_ops },
	TEXT("children", 0444, IN_THREAD, 0, proc_children),
	FILE("mem", 0600, NEED_ATTACH, proc_mem_fops),
	LINK("cwd", target_cwd),
	LINK("root", target_root),
	LINK("exe", target_exe),
	FILE("mounts", 0444, 0, proc_mounts_fops),
	FILE("mountinfo", 0444, 0, proc_mountinfo_fops),
	FILE("mountstats", 0400, 0, proc_mountstats_fops),
	TEXT("numa_maps", 0444, IN_BOTH, NEED_READ, proc_numa_maps),
	TEXT_RW("clear_refs", 0200, IN_BOTH, NULL, proc_clear_refs_write),
	TEXT("smaps", 0444, IN_BOTH, NEED_READ, proc_smaps),
	TEXT("smaps_rollup", 0444, IN_BOTH, NEED_READ, proc_smaps_rollup),
	FILE("pagemap", 0400, NEED_READ, proc_pagemap_fops),
	TEXT("wchan", 0444, IN_BOTH, 0, proc_wchan),
	TEXT("stack", 0400, IN_BOTH, NEED_TRACE, proc_stack),
	TEXT("schedstat", 0444, IN_BOTH, 0, proc_schedstat),
	TEXT("oom_score", 0444, IN_BOTH, 0, proc_oom_score),
	TEXT_RW("oom_adj", 0644, IN_BOTH, proc_oom_adj, proc_oom_adj_write),
	TEXT_RW("coredump_filter", 0644, IN_BOTH, proc_coredump_filter,
		proc_coredump_filter_write),
	TEXT_RW("oom_score_adj", 0644, IN_BOTH, proc_oom_score_adj,
		proc_oom_score_adj_write),
	TEXT("io", 0400, IN_BOTH, NEED_READ, proc_io),
	TEXT_RW("uid_map", 0644, IN_BOTH, proc_uid_map, proc_uid_map_write),
	TEXT_RW("gid_map", 0644, IN_BOTH, proc_gid_map, proc_gid_map_write),
	TEXT_RW("projid_map", 0644, IN_BOTH, proc_projid_map,
		proc_projid_map_write),
	{ .name = "setgroups", .mode = S_IFREG | 0644, .where = IN_BOTH,
	  .access = NEED_TO_WRITE, .show = proc_setgroups,
	  .write = proc_setgroups_write, .fops = &proc_text_fops,
	  .ops = &proc_file_ops },
	TEXT_RW("timens_offsets", 0644, IN_PROCESS, proc_timens_offsets,
		proc_timens_offsets_write),
	TEXT_RW("fail-nth", 0644, CONFIG_DEBUG ? IN_BOTH : 0, proc_fail_nth,
		proc_fail_nth_write),
	TEXT("timers", 0444, IN_PROCESS, 0, proc_timers),
	TEXT_RW("timerslack_ns", 0666, IN_PROCESS, proc_timerslack,
		proc_timerslack_write),
};

/* --- a task's directory -------------------------------------------------*/
int proc_task_inode(struct inode *dir, struct task *t, u32 mode, unsigned index,
		    struct proc_inode **out)
{
	struct proc_inode *of = proc_i(dir), *pi;
	int err = proc_inode_new(dir->sb, mode,
				 proc_task_ino(of->pid, of->is_thread, index),
				 &pi);

	if (err)
		return err;
	pi->pid = pid_get(of->pid);
	pi->te = of->te;
	pi->is_thread = of->is_thread;
	proc_refresh_owner(t, &pi->inode);
	*out = pi;
	return 0;
}

static const struct task_entry *find_entry(const struct dentry *d, bool thread)
{
	unsigned where = thread ? IN_THREAD : IN_PROCESS;

	for (const struct task_entry *e = entries;
	     e < entries + ARRAY_SIZE(entries); e++)
		if ((e->where & where) && e->name[0] == d->name[0] &&
		    strlen(e->name) == d->len &&
		    !memcmp(e->name, d->name, d->len))
			return e;
	return NULL;
}

static int dir_lookup(struct inode *dir, struct dentry *d)
{
	const struct task_entry *e = find_entry(d, proc_i(dir)->is_thread);
	struct proc_inode *pi;
	struct task *t;
	int err;

	if (!e)
		return -ENOENT;
	t = proc_task(dir);
	if (!t)
		return -ENOENT;
	err = proc_task_inode(dir, t, e->mode, 1 + (unsigned)(e - entries),
			      &pi);
	task_put(t);
	if (err)
		return err;
	pi->te = e;
	pi->inode.ops = e->ops;
	if (e->fops)
		pi->inode.fops = e->fops;
	if (S_ISDIR(e->mode))
		pi->inode.nlink = 2;
	d->ops = &proc_task_dentry_ops;
	dentry_attach(d, &pi->inode);
	return 0;
}

static int dir_iterate(struct file *f, struct dir_ctx *c)
{
	struct proc_inode *pi = proc_i(f->inode);
	unsigned where = pi->is_thread ? IN_THREAD : IN_PROCESS;

	if (!READ_ONCE(pi->pid->thread))
		return -ENOENT;
	if (!dir_emit_dots(f, c))
		return 0;
	for (; c->pos - 2 < ARRAY_SIZE(entries); c->pos++) {
		const struct task_entry *e = &entries[c->pos - 2];

		if ((e->where & where) &&
		    !c->emit(c, e->name, strlen(e->name), c->pos,
			     proc_task_ino(pi->pid, pi->is_thread,
					   (unsigned)c->pos - 1),
			     (e->mode & S_IFMT) >> 12))
			break;
	}
	return 0;
}

const struct inode_ops proc_task_dir_ops = {
	.lookup = dir_lookup,
};

/* The same where hidepid= holds: with a check, and never lock-free. */
static int hidden_permission(struct inode *i, unsigned mask)
{
	struct task *t = proc_task(i);
	bool may_see;

	if (!t)
		return -ESRCH;
	may_see = proc_may_see(i->sb, t, HIDEPID_NO_ACCESS);
	task_put(t);
	if (may_see)
		return inode_permission_generic(i, mask);
	return READ_ONCE(proc_super(i->sb)->hide) == HIDEPID_INVISIBLE ?
	       -ENOENT : -EPERM;
}

static int hidden_getattr(const struct path *p, struct kstat *st, u32 mask,
			  unsigned flags)
{
	struct inode *i = p->dentry->inode;
	struct task *t = proc_task(i);
	bool may_see;

	generic_fillattr(i, st);
	if (!t)
		return 0;
	may_see = proc_may_see(i->sb, t, HIDEPID_INVISIBLE);
	task_put(t);
	return may_see ? 0 : -ENOENT;
}

const struct inode_ops proc_hidden_dir_ops = {
	.lookup = dir_lookup,
	.permission = hidden_permission,
	.getattr = hidden_getattr,
};

const struct file_ops proc_task_dir_fops = {
	.iterate = dir_iterate,
	.llseek = seq_llseek,
};

struct pid *proc_pid_of_dir(struct file *f)
{
	struct proc_inode *pi;

	if (f->ops != &proc_task_dir_fops)
		return NULL;
	pi = proc_i(f->inode);
	return pi->is_thread ? NULL : pi->pid;
}

int proc_task_dir_attach(struct super_block *sb, struct pid *pid,
			 bool is_thread, struct dentry *d)
{
	struct proc_inode *pi;
	struct task *t;
	int err;

	err = proc_inode_new(sb, WORLD_DIR, proc_task_ino(pid, is_thread, 0),
			     &pi);
	if (err)
		return err;
	pi->pid = pid_get(pid);
	pi->is_thread = is_thread;
	spin_lock(&sb->inode_lock);
	pi->inode.ops = proc_task_dir_ops_of(sb);
	spin_unlock(&sb->inode_lock);
	pi->inode.fops = &proc_task_dir_fops;
	pi->inode.flags |= S_IMMUTABLE;
	pi->inode.nlink = is_thread ? 5 : 7;
	t = proc_task(&pi->inode);
	if (!t) {
		inode_put(&pi->inode);
		return -ENOENT;
	}
	proc_refresh_owner(t, &pi->inode);
	task_put(t);
	d->ops = &proc_task_dentry_ops;
	dentry_attach(d, &pi->inode);
	return 0;
}

bool proc_parse_id(const struct dentry *d, int *out)
{
	int n = 0;

	if (!d->len || d->len > 9 || d->name[0] == '0')
		return false;
	for (u32 i = 0; i < d->len; i++) {
		if (!isdigit(d->name[i]))
			return false;
		n = n * 10 + (d->name[i] - '0');
	}
	*out = n;
	return true;
}

/* --- task/ --------------------------------------------------------------*/
/* The first thread with a number above nr (referenced); numbers of threads
 * do not come in order. */
static struct task *thread_above(struct process *p, struct pid_ns *ns, int nr,
				 int *found)
{
	struct task *t, *best = NULL;
	int n;

	*found = INT_MAX;
	rcu_read_lock();
	for_each_thread(t, p) {
		n = pid_nr_ns(READ_ONCE(t->thread_pid), ns);
		if (n <= nr || n >= *found || !ref_tryget(&t->refs))
			continue;
		if (best)
			task_put(best);
		best = t;
		*found = n;
	}
	rcu_read_unlock();
	return best;
}

static int threads_lookup(struct inode *dir, struct dentry *d)
{
	struct task *leader = proc_task(dir), *t;
	int nr, n, err = -ENOENT;

	if (!leader)
		return -ENOENT;
	if (!proc_parse_id(d, &nr))
		goto out;
	t = thread_above(leader->process, proc_ns(dir->sb), nr - 1, &n);
	if (!t)
		goto out;
	if (n == nr)
		err = proc_task_dir_attach(dir->sb, t->thread_pid, true, d);
	task_put(t);
out:
	task_put(leader);
	return err;
}

static int threads_iterate(struct file *f, struct dir_ctx *c)
{
	struct task *leader = proc_task(f->inode), *t;
	int nr = c->pos > 2 ? (int)(c->pos - 2) - 1 : 0;
	bool ok = true;
	char name[20];

	if (!leader)
		return -ENOENT;
	if (!dir_emit_dots(f, c))
		goto out;
	while (ok && (t = thread_above(leader->process, proc_ns(f->inode->sb),
				       nr, &nr))) {
		c->pos = (u64)nr + 2;
		ok = c->emit(c, name, fmt_u64(name, (u64)nr), c->pos,
			     proc_task_ino(t->thread_pid, true, 0), DT_DIR);
		if (ok)
			c->pos++;
		task_put(t);
	}
out:
	task_put(leader);
	return 0;
}

static int threads_getattr(const struct path *p, struct kstat *st, u32 mask,
			   unsigned flags)
{
	struct task *t = proc_task(p->dentry->inode);

	generic_fillattr(p->dentry->inode, st);
	if (t) {
		st->nlink += READ_ONCE(t->process->nr_threads);
		task_put(t);
	}
	return 0;
}

const struct inode_ops proc_threads_dir_ops = {
	.lookup = threads_lookup,
	.setattr = proc_task_setattr,
	.getattr = threads_getattr,
};

const struct file_ops proc_threads_fops = {
	.iterate = threads_iterate,
	.llseek = seq_llseek,
};
