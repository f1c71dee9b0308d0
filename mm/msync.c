/*
 * msync - writing mapped files back.
 *
 * Stores through a mapping made their pages dirty when they faulted, so this
 * is fsync of the ranges the areas show.  The lock is dropped around it.
 */
#include <kernel/task.h>
#include <lib/errno.h>
#include "pt_impl.h"

#define MS_ASYNC 1
#define MS_INVALIDATE 2
#define MS_SYNC 4

struct sync_piece {
	struct file *file;
	struct mapping *mapping;
	u64 start, end;		/* bytes of the file */
};

static int sync_piece(struct sync_piece *s)
{
	int err;

	if (!s->file)
		return 0;
	if (file_sync_hook)
		err = file_sync_hook(s->file, s->start, s->end);
	else
		err = mapping_write(s->mapping, s->start >> PAGE_SHIFT,
				    s->end >> PAGE_SHIFT, true);
	if (file_put_hook)
		file_put_hook(s->file);
	return err;
}

/* What is to be written of one area. map_lock held. */
static void choose_piece(struct vma *v, unsigned long start,
			 unsigned long end, int flags, struct sync_piece *s)
{
	s->file = NULL;
	if (!(flags & MS_SYNC) || !v->file || !v->mapping ||
	    !(v->flags & VM_SHARED) || !file_get_hook)
		return;
	s->file = v->file;
	s->mapping = v->mapping;
	s->start = vma_index(v, start) << PAGE_SHIFT;
	s->end = s->start + (end - start) - 1;
	file_get_hook(v->file);
}

/* Handles the area at or above *at; advances. */
static int sync_next(struct mm *mm, unsigned long *at, unsigned long end,
		     int flags, bool *hole)
{
	struct sync_piece s;
	unsigned long stop;
	struct vma *v;
	int err;

	rwsem_read_lock(&mm->map_lock);
	v = vma_find(mm, *at);
	if (!v || v->start >= end) {
		rwsem_read_unlock(&mm->map_lock);
		*hole = true;
		*at = end;
		return 0;
	}
	if (v->start > *at) {
		*hole = true;
		*at = v->start;
	}
	stop = min(v->end, end);
	if ((flags & MS_INVALIDATE) && (v->flags & VM_LOCKED)) {
		rwsem_read_unlock(&mm->map_lock);
		return -EBUSY;
	}
	choose_piece(v, *at, stop, flags, &s);
	rwsem_read_unlock(&mm->map_lock);
	err = sync_piece(&s);
	*at = stop;
	return err;
}

int mm_sync(unsigned long addr, size_t len, int flags)
{
	struct mm *mm = current->mm;
	unsigned long end;
	bool hole = false;
	int err = 0;

	irqs_unmask();
	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) ||
	    (addr & ~PAGE_MASK) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	end = addr + ALIGN_UP(len, PAGE_SIZE);
	if (end < addr)
		return -ENOMEM;
	while (addr < end && !err)
		err = sync_next(mm, &addr, end, flags, &hole);
	if (err)
		return err;
	return hole ? -ENOMEM : 0;
}
