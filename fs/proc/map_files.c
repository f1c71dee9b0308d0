/*
 * map_files - /proc/PID/map_files: the files that a process has mapped, under
 * the addresses where (proc(5)).
 *
 * A name says which area is meant, "start-end" in hexadecimal, and the area is
 * looked for at each use: a link whose area changed is gone.  Who may look is
 * who may trace; to go through a link, which reaches files that no path leads
 * to, needs a capability too.
 */
#include "proc_impl.h"
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>

#define INDEX_AREA 0x800000u
#define NAME_BYTES (2 * 16 + 2)

/* --- areas --------------------------------------------------------------*/
static bool parse_name(const struct dentry *d, unsigned long *start,
		       unsigned long *end)
{
	char text[NAME_BYTES], back[NAME_BYTES], *dash;
	u64 from, to;
	size_t n;

	if (d->len >= sizeof(text))
		return false;
	memcpy(text, d->name, d->len);
	text[d->len] = 0;
	if (str_to_u64(text, 16, &dash, &from) || *dash != '-' ||
	    str_to_u64(dash + 1, 16, NULL, &to))
		return false;
	*start = (unsigned long)from;
	*end = (unsigned long)to;
	n = (size_t)kscnprintf(back, sizeof(back), "%lx-%lx", *start, *end);
	return n == d->len && !memcmp(back, text, n);
}

/* The mapped file's path (referenced), and how the file is open. */
static int find_area(struct task *t, const struct dentry *d, struct path *out,
		     u32 *mode)
{
	struct mm *mm = task_get_mm(t);
	unsigned long start, end;
	int err = -ENOENT;
	struct vma *v;

	if (!mm)
		return err;
	if (!parse_name(d, &start, &end))
		goto out;
	err = rwsem_read_lock_killable(&mm->map_lock);
	if (err)
		goto out;
	v = vma_find_exact(mm, start);
	if (v && v->start == start && v->end == end && v->file) {
		*mode = v->file->mode;
		if (out) {
			*out = v->file->path;
			path_get(out);
		}
	} else {
		err = -ENOENT;
	}
	rwsem_read_unlock(&mm->map_lock);
out:
	mm_put(mm);
	return err;
}

static int area_of(struct dentry *d, struct inode *i, struct path *out,
		   u32 *mode)
{
	struct task *t = proc_task(i);
	int err;

	if (!t)
		return -ENOENT;
	err = proc_check_access(t, NEED_READ);
	if (!err)
		err = find_area(t, d, out, mode);
	task_put(t);
	return err;
}

/* --- links --------------------------------------------------------------*/
static int area_revalidate(struct dentry *d, bool in_rcu)
{
	struct task *t;
	u32 mode;

	if (in_rcu)
		return -ECHILD;
	if (!d->inode || area_of(d, d->inode, NULL, &mode))
		return 0;
	t = proc_task(d->inode);
	if (!t)
		return 0;
	proc_refresh_owner(t, d->inode);
	task_put(t);
	return 1;
}

static const struct dentry_ops area_dentry_ops = {
	.revalidate = area_revalidate,
};

static int area_follow(struct dentry *d, struct inode *i, struct path *out)
{
	u32 mode;

	if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	return area_of(d, i, out, &mode);
}

static int area_text(struct dentry *d, struct inode *i, const char **text,
		     void (**done)(void *), void **arg)
{
	struct path p;
	u32 mode;
	int err;

	if (!d)
		return -ECHILD;
	err = area_of(d, i, &p, &mode);
	if (err)
		return err;
	err = proc_path_text(&p, text, done, arg);
	path_put(&p);
	return err;
}

static const struct inode_ops area_link_ops = {
	.follow = area_follow,
	.get_link = area_text,
	.setattr = proc_task_setattr,
	.getattr = proc_link_getattr,
};

/* --- the directory ------------------------------------------------------*/
static unsigned index_of(unsigned long start)
{
	return INDEX_AREA | (unsigned)(start >> PAGE_SHIFT & (INDEX_AREA - 1));
}

static int attach_area(struct inode *dir, struct task *t, struct dentry *d)
{
	unsigned long start, end;
	struct proc_inode *pi;
	u32 mode;
	int err;

	err = find_area(t, d, NULL, &mode);
	if (err)
		return err;
	if (!parse_name(d, &start, &end))
		return -ENOENT;
	err = proc_task_inode(dir, t, S_IFLNK |
			      (mode & FMODE_READ ? 0400 : 0) |
			      (mode & FMODE_WRITE ? 0200 : 0),
			      index_of(start), &pi);
	if (err)
		return err;
	pi->inode.ops = &area_link_ops;
	d->ops = &area_dentry_ops;
	d->flags |= D_CANT_MOUNT;
	dentry_attach(d, &pi->inode);
	return 0;
}

static int dir_lookup(struct inode *dir, struct dentry *d)
{
	struct task *t = proc_task(dir);
	int err;

	if (!t)
		return -ENOENT;
	err = proc_check_access(t, NEED_READ);
	if (!err)
		err = attach_area(dir, t, d);
	task_put(t);
	return err;
}

/* A position is the page behind the last area that was told, and 2. */
static void emit_areas(struct file *f, struct mm *mm, struct dir_ctx *c)
{
	unsigned long from = (unsigned long)(c->pos - 2) << PAGE_SHIFT;
	struct vma *v = vma_find(mm, from);
	char name[NAME_BYTES];
	size_t n;

	if (v && v->start < from)
		v = vma_next(v);
	for (; v; v = vma_next(v)) {
		if (!v->file)
			continue;
		n = (size_t)kscnprintf(name, sizeof(name), "%lx-%lx", v->start,
				       v->end);
		if (!c->emit(c, name, n, (v->start >> PAGE_SHIFT) + 2,
			     proc_task_ino(proc_i(f->inode)->pid, false,
					   index_of(v->start)),
			     DT_LNK))
			return;
		c->pos = (v->end >> PAGE_SHIFT) + 2;
	}
}

static int dir_iterate(struct file *f, struct dir_ctx *c)
{
	struct task *t = proc_task(f->inode);
	struct mm *mm;
	int err;

	if (!t)
		return -ENOENT;
	err = proc_check_access(t, NEED_READ);
	mm = err ? NULL : task_get_mm(t);
	task_put(t);
	if (err || !dir_emit_dots(f, c) || !mm)
		goto out;
	err = rwsem_read_lock_killable(&mm->map_lock);
	if (err)
		goto out;
	emit_areas(f, mm, c);
	rwsem_read_unlock(&mm->map_lock);
out:
	if (mm)
		mm_put(mm);
	return err;
}

const struct inode_ops proc_map_files_dir_ops = {
	.lookup = dir_lookup,
	.permission = proc_own_permission,
	.setattr = proc_task_setattr,
};

const struct file_ops proc_map_files_fops = {
	.iterate = dir_iterate,
	.llseek = seq_llseek,
};
