/*
 * map_query - PROCMAP_QUERY, the ioctl of /proc/PID/maps: one area by address,
 * in binary.
 *
 * Locks:   map_lock while the area is looked at; user memory is written later.
 */
#include "proc_impl.h"
#include <arch/uaccess.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/mm.h>

#define PROCMAP_QUERY 0xc0686611u

enum {
	Q_READABLE = 1, Q_WRITABLE = 2, Q_EXECUTABLE = 4, Q_SHARED = 8,
	Q_OR_NEXT = 16,		/* the first above the address will do */
	Q_FILE = 32,		/* of a file */
	Q_KNOWN = 63,
};
#define Q_PERMS (Q_READABLE | Q_WRITABLE | Q_EXECUTABLE | Q_SHARED)

struct procmap_query {
	u64 size, flags, addr;			/* in */
	u64 start, end, vma_flags, page_size, offset, inode;
	u32 major, minor;
	u32 name_size, build_id_size;		/* in and out */
	u64 name_addr, build_id_addr;		/* in */
};
static_assert(sizeof(struct procmap_query) == 104, "procmap_query");
#define QUERY_MIN offsetof(struct procmap_query, start)

/* As long as the caller knows it; what we do not know must be 0. */
static int get_query(const void __user *u, struct procmap_query *q)
{
	u64 size;
	u8 c;

	if (get_user(size, (const u64 __user *)u))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < QUERY_MIN)
		return -EINVAL;
	memset(q, 0, sizeof(*q));
	if (copy_from_user(q, u, min_t(size_t, size, sizeof(*q))))
		return -EFAULT;
	for (u64 i = sizeof(*q); i < size; i++) {
		if (get_user(c, (const u8 __user *)u + i))
			return -EFAULT;
		if (c)
			return -E2BIG;
	}
	q->size = size;
	if ((q->flags & ~(u64)Q_KNOWN) || !q->name_size != !q->name_addr ||
	    !q->build_id_size != !q->build_id_addr)
		return -EINVAL;
	return q->build_id_size ? -EOPNOTSUPP : 0;	/* nobody reads notes */
}

static u64 flags_of(const struct vma *v)
{
	return (v->flags & VM_READ ? Q_READABLE : 0) |
	       (v->flags & VM_WRITE ? Q_WRITABLE : 0) |
	       (v->flags & VM_EXEC ? Q_EXECUTABLE : 0) |
	       (v->flags & VM_MAYSHARE ? Q_SHARED : 0);
}

static struct vma *find_area(struct mm *mm, u64 addr, u64 flags)
{
	struct vma *v;

	for (v = vma_find(mm, addr); v; v = vma_next(v)) {
		bool fits = !(flags & Q_PERMS & ~flags_of(v)) &&
			    (!(flags & Q_FILE) || v->file);

		if (fits && ((flags & Q_OR_NEXT) || v->start <= addr))
			return v;
		if (!(flags & Q_OR_NEXT))
			break;
	}
	return NULL;
}

static int name_of(struct mm *mm, struct vma *v, char *page, char **text)
{
	const char *name = proc_area_name(mm, v);

	if (!name && v->file)
		return path_format(&v->file->path, page, PATH_MAX, text);
	page[0] = 0;
	if (name)
		strscpy(page, name, PATH_MAX);
	else if (v->anon_name)
		ksnprintf(page, PATH_MAX, "[anon:%s]", v->anon_name);
	*text = page;
	return 0;
}

static int describe(struct mm *mm, struct procmap_query *q, char *page,
		    char **text)
{
	struct vma *v = find_area(mm, q->addr, q->flags);
	const struct inode *i;

	if (!v)
		return -ENOENT;
	i = v->file ? v->file->inode : NULL;
	q->start = v->start;
	q->end = v->end;
	q->vma_flags = flags_of(v);
	q->page_size = PAGE_SIZE;
	q->offset = i ? v->pgoff << PAGE_SHIFT : 0;
	q->inode = i ? i->ino : 0;
	q->major = i ? MAJOR(i->sb->dev) : 0;
	q->minor = i ? MINOR(i->sb->dev) : 0;
	return q->name_size ? name_of(mm, v, page, text) : 0;
}

static int put_answer(struct procmap_query *q, const char *text,
		      void __user *u)
{
	size_t n = text[0] ? strlen(text) + 1 : 0;

	if (q->name_size && n > q->name_size)
		return -ENAMETOOLONG;
	q->name_size = q->name_size ? (u32)n : 0;
	if (q->name_size &&
	    copy_to_user((void __user *)(uintptr_t)q->name_addr, text, n))
		return -EFAULT;
	return copy_to_user(u, q, min_t(size_t, q->size, sizeof(*q)));
}

static int query(struct mm *mm, void __user *u)
{
	char *page = filename_buffer(), *text = page;
	struct procmap_query q;
	int err = page ? get_query(u, &q) : -ENOMEM;

	if (err)
		goto out;
	page[0] = 0;
	err = rwsem_read_lock_killable(&mm->map_lock);
	if (err)
		goto out;
	err = describe(mm, &q, page, &text);
	rwsem_read_unlock(&mm->map_lock);
	if (!err)
		err = put_answer(&q, text, u);
out:
	if (page)
		filename_buffer_put(page);
	return err;
}

long proc_maps_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct task *t;
	struct mm *mm;
	int err;

	if (cmd != PROCMAP_QUERY)
		return -ENOTTY;
	t = proc_task(f->inode);
	if (!t)
		return -ESRCH;
	err = proc_get_mm(t, NEED_READ, &mm);
	task_put(t);
	if (!mm)
		return err ? err : -ESRCH;
	err = query(mm, (void __user *)arg);
	mm_put(mm);
	return err;
}
