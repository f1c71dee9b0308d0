/*
 * mem - /proc/PID/mem and pagemap: a task's memory by its addresses.
 *
 * Theory:  the address space is chosen at open, where the right to it is
 *          checked: an exec of the task later does not change what is read.
 * Life:    an open file owns a lazy reference (mm.refs); each call takes one
 *          of users while it works, and finds nothing once they are gone.
 */
#include "proc_impl.h"
#include <mm/mm.h>
#include <mm/slab.h>

static int mem_open(struct inode *i, struct file *f)
{
	struct task *t = proc_task(i);
	struct mm *mm;
	int err;

	if (!t)
		return -ESRCH;
	err = proc_get_mm(t, proc_i(i)->te->access, &mm);
	task_put(t);
	if (mm) {
		ref_get(&mm->refs);
		mm_put(mm);
	}
	f->priv = mm;
	return err;
}

static void mem_release(struct file *f)
{
	if (f->priv)
		mm_drop(f->priv);
}

static struct mm *get_users(struct file *f)
{
	struct mm *mm = f->priv;

	return mm && ref_tryget(&mm->users) ? mm : NULL;
}

static ssize_t mem_copy(struct mm *mm, struct iter *it, u64 *pos, bool write)
{
	char *buf = pages_alloc_va(GFP_KERNEL, 0);
	size_t done = 0, n, want;

	if (!buf)
		return -ENOMEM;
	while (it->count) {
		want = min(it->count, PAGE_SIZE);
		if (write && copy_from_iter(buf, want, it) != want) {
			done = done ? done : (size_t)-EFAULT;
			break;
		}
		n = mm_access(mm, *pos, buf, want, write, true);
		if (!n) {
			done = done ? done : (size_t)-EIO;
			break;
		}
		if (!write && copy_to_iter(buf, n, it) != n) {
			done = (size_t)-EFAULT;
			break;
		}
		*pos += n;
		done += n;
		if (n < want)
			break;
	}
	pages_free_va(buf, 0);
	return (ssize_t)done;
}

static ssize_t mem_rw(struct file *f, struct iter *it, u64 *pos, bool write)
{
	struct mm *mm = get_users(f);
	ssize_t n;

	if (!mm || !it->count) {
		if (mm)
			mm_put(mm);
		return 0;
	}
	irqs_unmask();
	n = mem_copy(mm, it, pos, write);
	mm_put(mm);
	return n;
}

static ssize_t mem_read(struct file *f, struct iter *it, u64 *pos,
			unsigned flags)
{
	return mem_rw(f, it, pos, false);
}

static ssize_t mem_write(struct file *f, struct iter *it, u64 *pos,
			 unsigned flags)
{
	return mem_rw(f, it, pos, true);
}

const struct file_ops proc_mem_fops = {
	.open = mem_open,
	.release = mem_release,
	.read_iter = mem_read,
	.write_iter = mem_write,
	.llseek = seq_llseek,
};

/* --- pagemap ------------------------------------------------------------*/
#define PAGEMAP_FRAME ((1ull << 55) - 1)

/* Entries from page `first` on; the tables stay while map_lock is held. */
static int read_entries(struct mm *mm, u64 first, u64 *out, size_t n)
{
	u64 hidden = capable(CAP_SYS_ADMIN) ? 0 : PAGEMAP_FRAME;
	int err = rwsem_read_lock_killable(&mm->map_lock);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		out[i] = mm_pagemap(mm, (first + i) << PAGE_SHIFT) & ~hidden;
	rwsem_read_unlock(&mm->map_lock);
	return 0;
}

static ssize_t pagemap_copy(struct mm *mm, struct iter *it, u64 *pos, u64 *buf)
{
	const u64 last = USER_END >> PAGE_SHIFT;
	ssize_t done = 0;
	size_t n;
	int err;

	while (it->count >= 8 && *pos / 8 < last) {
		n = min3(it->count / 8, PAGE_SIZE / 8,
			 (size_t)(last - *pos / 8));
		err = read_entries(mm, *pos / 8, buf, n);
		if (!err && copy_to_iter(buf, n * 8, it) != n * 8)
			err = -EFAULT;
		if (err)
			return done ? done : err;
		*pos += n * 8;
		done += (ssize_t)(n * 8);
		cond_resched();
	}
	return done;
}

static ssize_t pagemap_read(struct file *f, struct iter *it, u64 *pos,
			    unsigned flags)
{
	struct mm *mm;
	ssize_t n = -ENOMEM;
	u64 *buf;

	if (*pos % 8 || it->count % 8)
		return -EINVAL;
	mm = get_users(f);
	if (!mm)
		return 0;
	irqs_unmask();
	buf = pages_alloc_va(GFP_KERNEL, 0);
	if (buf) {
		n = pagemap_copy(mm, it, pos, buf);
		pages_free_va(buf, 0);
	}
	mm_put(mm);
	return n;
}

const struct file_ops proc_pagemap_fops = {
	.open = mem_open,
	.release = mem_release,
	.read_iter = pagemap_read,
	.llseek = seq_llseek,
};
