/*
 * fd - /proc/PID/fd and fdinfo: the descriptors of a task.
 *
 * Theory:  a link leads straight to the open file's path, so it works for
 *          files without a name too.  Its permission bits tell how the file
 *          is open; they are brought up to date at each walk, as the number
 *          may have been closed and opened again.
 */
#include "proc_impl.h"
#include <fs/fdtable.h>
#include <fs/locks.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#define INDEX_FD 0x100000u
#define INDEX_FDINFO 0x200000u

/* The file (referenced) behind an inode, or NULL. */
static struct file *file_of(const struct inode *i)
{
	struct task *t = proc_task(i);
	struct files *fs;
	struct file *f = NULL;

	if (!t)
		return NULL;
	fs = proc_get_files(t);
	if (fs) {
		f = files_get_file(fs, proc_i(i)->fd);
		files_put(fs);
	}
	task_put(t);
	return f;
}

static u32 link_mode(const struct file *f)
{
	u32 mode = S_IFLNK;

	if (f->mode & FMODE_READ)
		mode |= 0500;
	if (f->mode & FMODE_WRITE)
		mode |= 0300;
	return mode;
}

static int fd_revalidate(struct dentry *d, bool in_rcu)
{
	struct inode *i;
	struct task *t;
	struct file *f;

	if (in_rcu)
		return -ECHILD;
	i = d->inode;
	f = i ? file_of(i) : NULL;
	if (!f)
		return 0;
	if (S_ISLNK(i->mode))
		i->mode = link_mode(f);
	file_put(f);
	t = proc_task(i);
	if (!t)
		return 0;
	proc_refresh_owner(t, i);
	task_put(t);
	return 1;
}

static const struct dentry_ops fd_dentry_ops = {
	.revalidate = fd_revalidate,
};

/* --- links --------------------------------------------------------------*/
static int fd_follow(struct dentry *d, struct inode *i, struct path *out)
{
	struct task *t = proc_task(i);
	struct file *f;
	int err;

	if (!t)
		return -ENOENT;
	err = proc_check_access(t, NEED_READ);
	task_put(t);
	if (err)
		return err;
	f = file_of(i);
	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

int proc_link_getattr(const struct path *p, struct kstat *st, u32 mask,
		      unsigned flags)
{
	generic_fillattr(p->dentry->inode, st);
	st->size = 64;			/* as Linux, since 6.2 for links */
	return 0;
}

static const struct inode_ops fd_link_ops = {
	.follow = fd_follow,
	.get_link = proc_magic_text,
	.setattr = proc_task_setattr,
	.getattr = proc_link_getattr,
};

/* --- fdinfo -------------------------------------------------------------*/
/* What fits is all there is; else once more with more room. */
static void put_lines(struct seq *s, struct file *f, struct files *fs)
{
	size_t room = 256, n;
	char *to;

	for (;;) {
		to = seq_reserve(s, room);
		if (!to)
			return;
		n = fs ? locks_show_file(f, fs, to, room) :
			 f->ops->show_fdinfo(f, to, room);
		if (n < room - 1 || room > 1u << 20)
			break;
		room *= 4;
	}
	s->len += min(n, room);
}

static void put_fdinfo(struct seq *s, struct file *f, struct files *fs, int fd)
{
	u32 flags = READ_ONCE(f->flags);

	if (files_cloexec(fs, fd))
		flags |= O_CLOEXEC;
	seq_printf(s, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n",
		   READ_ONCE(f->pos), flags,
		   f->path.mnt ? f->path.mnt->id : 0, f->inode->ino);
	if (READ_ONCE(f->inode->locks))
		put_lines(s, f, fs);
	if (f->ops->show_fdinfo)
		put_lines(s, f, NULL);
}

static int fdinfo_fill(struct seq *s, struct file *self)
{
	struct inode *i = self->inode;
	struct task *t = proc_task(i);
	struct files *fs = NULL;
	struct file *f;
	int err;

	if (!t)
		return -ENOENT;
	err = proc_check_access(t, NEED_READ);
	if (!err)
		fs = proc_get_files(t);
	task_put(t);
	if (!fs)
		return err ? err : -ENOENT;
	f = files_get_file(fs, proc_i(i)->fd);
	if (f) {
		put_fdinfo(s, f, fs, proc_i(i)->fd);
		file_put(f);
	}
	files_put(fs);
	return f ? 0 : -ENOENT;
}

static ssize_t fdinfo_read(struct file *f, struct iter *it, u64 *pos,
			   unsigned flags)
{
	return seq_read(f, it, pos, fdinfo_fill);
}

static const struct file_ops fdinfo_file_fops = {
	.read_iter = fdinfo_read,
	.llseek = seq_llseek,
	.release = seq_release,
};

/* --- the two directories ------------------------------------------------*/
static int attach_fd(struct inode *dir, struct dentry *d, int fd, bool is_info)
{
	struct task *t = proc_task(dir);
	struct proc_inode *pi;
	struct file *f;
	int err;

	if (!t)
		return -ENOENT;
	err = proc_task_inode(dir, t, is_info ? S_IFREG | 0444 : S_IFLNK,
			      (is_info ? INDEX_FDINFO : INDEX_FD) + (u32)fd,
			      &pi);
	task_put(t);
	if (err)
		return err;
	pi->fd = fd;
	f = file_of(&pi->inode);
	if (!f) {
		inode_put(&pi->inode);
		return -ENOENT;
	}
	if (is_info) {
		pi->inode.ops = &proc_file_ops;
		pi->inode.fops = &fdinfo_file_fops;
	} else {
		pi->inode.mode = link_mode(f);
		pi->inode.ops = &fd_link_ops;
	}
	file_put(f);
	d->ops = &fd_dentry_ops;
	d->flags |= D_CANT_MOUNT;	/* it may go at any time */
	dentry_attach(d, &pi->inode);
	return 0;
}

static int lookup(struct inode *dir, struct dentry *d, bool is_info)
{
	int fd = 0;

	if (!(d->len == 1 && d->name[0] == '0') && !proc_parse_id(d, &fd))
		return -ENOENT;
	return attach_fd(dir, d, fd, is_info);
}

static int fd_lookup(struct inode *dir, struct dentry *d)
{
	return lookup(dir, d, false);
}

static int fdinfo_lookup(struct inode *dir, struct dentry *d)
{
	return lookup(dir, d, true);
}

static bool emit_fds(struct file *dir, struct files *fs, struct dir_ctx *c,
		     bool is_info)
{
	const struct proc_inode *pi = proc_i(dir->inode);
	int fd = (int)c->pos - 2;
	bool ok = true;
	struct file *f;
	char name[20];
	size_t len;

	while (ok && (f = files_next(fs, &fd))) {
		file_put(f);
		c->pos = (u64)fd + 2;
		len = fmt_u64(name, (u64)fd);
		ok = c->emit(c, name, len, c->pos,
			     proc_task_ino(pi->pid, pi->is_thread, (u32)fd +
					   (is_info ? INDEX_FDINFO : INDEX_FD)),
			     is_info ? DT_REG : DT_LNK);
		if (ok) {
			c->pos++;
			fd++;
		}
	}
	return ok;
}

static int iterate(struct file *f, struct dir_ctx *c, bool is_info)
{
	struct task *t = proc_task(f->inode);
	struct files *fs;

	if (!t)
		return -ENOENT;
	if (dir_emit_dots(f, c)) {
		fs = proc_get_files(t);
		if (fs) {
			emit_fds(f, fs, c, is_info);
			files_put(fs);
		}
	}
	task_put(t);
	return 0;
}

static int fd_iterate(struct file *f, struct dir_ctx *c)
{
	return iterate(f, c, false);
}

static int fdinfo_iterate(struct file *f, struct dir_ctx *c)
{
	return iterate(f, c, true);
}

static bool is_own(struct inode *i)
{
	struct task *t = proc_task(i);
	bool is_same = t && t->process == current->process;

	if (t)
		task_put(t);
	return is_same;
}

/* A process reaches its own descriptors whatever its ids became. */
int proc_own_permission(struct inode *i, unsigned mask)
{
	if (is_own(i))
		return 0;
	mask &= MAY_READ | MAY_WRITE | MAY_EXEC;
	if (i->uid == current_fsuid() && !(mask & ~(i->mode >> 6)))
		return 0;
	if (!(mask & MAY_WRITE) && inode_capable(i, CAP_DAC_READ_SEARCH))
		return 0;
	return inode_capable(i, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
}

static int fdinfo_permission(struct inode *i, unsigned mask)
{
	struct task *t;
	int err;

	if (mask & MAY_WRITE)
		return -EACCES;
	t = proc_task(i);
	if (!t)
		return -ESRCH;
	err = proc_check_access(t, NEED_READ);
	task_put(t);
	return err;
}

/* The number of open descriptors, which saves programs a listing. */
static int dir_getattr(const struct path *p, struct kstat *st, u32 mask,
		       unsigned flags)
{
	struct task *t = proc_task(p->dentry->inode);
	struct files *fs;
	struct file *f;

	generic_fillattr(p->dentry->inode, st);
	if (!t)
		return 0;
	fs = proc_get_files(t);
	task_put(t);
	if (!fs)
		return 0;
	st->size = 0;
	for (int fd = 0; (f = files_next(fs, &fd)); fd++) {
		file_put(f);
		st->size++;
	}
	files_put(fs);
	return 0;
}

const struct inode_ops proc_fd_dir_ops = {
	.lookup = fd_lookup,
	.permission = proc_own_permission,
	.setattr = proc_task_setattr,
	.getattr = dir_getattr,
};

const struct inode_ops proc_fdinfo_dir_ops = {
	.lookup = fdinfo_lookup,
	.permission = fdinfo_permission,
	.setattr = proc_task_setattr,
};

const struct file_ops proc_fd_fops = {
	.iterate = fd_iterate,
	.llseek = seq_llseek,
};

const struct file_ops proc_fdinfo_fops = {
	.iterate = fdinfo_iterate,
	.llseek = seq_llseek,
};
