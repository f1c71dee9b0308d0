/*
 * madvise - advice on areas, as Linux takes it.
 *
 * MADV_FREE frees at once: the pages' content may be lost at any time after
 * the call anyway.  Huge pages are accepted as advice; there are none yet.
 * MADV_COLD and MADV_PAGEOUT are one: the pages of files look unused, so
 * reclaim takes them first; others have no swap to go to.
 */
#include <kernel/task.h>
#include <lib/errno.h>
#include "pt_impl.h"

enum madvise {
	MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2,
	MADV_WILLNEED = 3, MADV_DONTNEED = 4, MADV_FREE = 8, MADV_REMOVE = 9,
	MADV_DONTFORK = 10, MADV_DOFORK = 11, MADV_HUGEPAGE = 14,
	MADV_NOHUGEPAGE = 15, MADV_DONTDUMP = 16, MADV_DODUMP = 17,
	MADV_WIPEONFORK = 18, MADV_KEEPONFORK = 19, MADV_COLD = 20,
	MADV_PAGEOUT = 21, MADV_POPULATE_READ = 22, MADV_POPULATE_WRITE = 23,
	MADV_DONTNEED_LOCKED = 24,
};

/* Flags of the area after the advice; -EINVAL if it does not fit. */
static int advised_flags(const struct vma *v, int advice, unsigned long *out)
{
	unsigned long f = v->flags;

	switch (advice) {
	case MADV_NORMAL:
		f &= ~(VM_RAND_READ | VM_SEQ_READ);
		break;
	case MADV_SEQUENTIAL:
		f = (f & ~VM_RAND_READ) | VM_SEQ_READ;
		break;
	case MADV_RANDOM:
		f = (f & ~VM_SEQ_READ) | VM_RAND_READ;
		break;
	case MADV_DONTFORK:
		f |= VM_DONTCOPY;
		break;
	case MADV_DOFORK:
		if (f & VM_IO)
			return -EINVAL;
		f &= ~VM_DONTCOPY;
		break;
	case MADV_WIPEONFORK:
		if (!vma_is_anon(v) || (f & VM_SHARED))
			return -EINVAL;
		f |= VM_WIPEONFORK;
		break;
	case MADV_KEEPONFORK:
		if (f & VM_DONTCOPY)
			return -EINVAL;
		f &= ~VM_WIPEONFORK;
		break;
	case MADV_DONTDUMP:
		f |= VM_DONTDUMP;
		break;
	case MADV_DODUMP:
		if (f & (VM_IO | VM_PFNMAP))
			return -EINVAL;
		f &= ~VM_DONTDUMP;
		break;
	case MADV_HUGEPAGE:
		f = (f & ~VM_NOHUGEPAGE) | VM_HUGEPAGE;
		break;
	case MADV_NOHUGEPAGE:
		f = (f & ~VM_HUGEPAGE) | VM_NOHUGEPAGE;
		break;
	default:
		return -EINVAL;
	}
	*out = f;
	return 0;
}

static int advise_flags(struct vma **v, unsigned long start, unsigned long end,
			int advice)
{
	unsigned long flags;
	int err = advised_flags(*v, advice, &flags);

	if (err || flags == (*v)->flags)
		return err;
	return vma_change_flags(v, start, end, flags);
}

static int advise_zap(struct vma *v, unsigned long start, unsigned long end,
		      int advice)
{
	unsigned long bad = VM_PFNMAP | VM_IO;
	struct gather g;

	if (advice != MADV_DONTNEED_LOCKED)
		bad |= VM_LOCKED;
	if (v->flags & bad)
		return -EINVAL;
	if (advice == MADV_FREE && !vma_is_anon(v))
		return -EINVAL;
	gather_init(&g, v->mm);
	zap_range(&g, v, start, end, false);
	gather_finish(&g);
	return 0;
}

static int advise_willneed(struct vma *v, unsigned long start,
			   unsigned long end)
{
	if (v->mapping && v->mapping->ops->read_pages)
		readahead_force(v->mapping, vma_index(v, start),
				(end - start) >> PAGE_SHIFT);
	return 0;
}

static int advise_cold(struct vma *v, unsigned long start, unsigned long end)
{
	if (v->flags & (VM_LOCKED | VM_PFNMAP))
		return -EINVAL;
	vma_forget_accesses(v, start, end);
	mm_flush(v->mm);
	return 0;
}

/* Would the advice lose what a sealed area holds and may not be written? */
static bool breaks_seal(const struct vma *v, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_DONTFORK:
	case MADV_WIPEONFORK:
		return (v->flags & (VM_SEALED | VM_WRITE)) == VM_SEALED &&
		       vma_is_anon(v) && !(v->flags & VM_SHARED);
	}
	return false;
}

static int advise_one(struct vma **v, unsigned long start, unsigned long end,
		      int advice)
{
	if (breaks_seal(*v, advice))
		return -EPERM;
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
		return advise_zap(*v, start, end, advice);
	case MADV_WILLNEED:
		return advise_willneed(*v, start, end);
	case MADV_COLD:
	case MADV_PAGEOUT:
		return advise_cold(*v, start, end);
	default:
		return advise_flags(v, start, end, advice);
	}
}

/* Holes are skipped, but remembered: -ENOMEM at the end. */
static int advise_range(struct mm *mm, unsigned long start, unsigned long end,
			int advice)
{
	struct vma *v = vma_find(mm, start);
	int unmapped = 0, err;

	while (start < end) {
		unsigned long stop;

		if (!v || v->start >= end)
			return -ENOMEM;
		if (v->start > start) {
			unmapped = -ENOMEM;
			start = v->start;
		}
		stop = min(v->end, end);
		err = advise_one(&v, start, stop, advice);
		if (err)
			return err;
		start = stop;
		if (v->end <= start)
			v = vma_next(v);
	}
	return unmapped;
}

static bool is_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL ... MADV_DONTNEED:
	case MADV_FREE ... MADV_DOFORK:
	case MADV_HUGEPAGE ... MADV_DONTNEED_LOCKED:
		return true;
	}
	return false;
}

static bool needs_write_lock(int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_WILLNEED:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return false;
	}
	return true;
}

/* --- MADV_REMOVE: a hole in the file, made without the lock --- */

struct hole {
	struct file *file;	/* own reference */
	u64 start, len;
};

static int hole_of(struct vma *v, unsigned long start, unsigned long end,
		   struct hole *h)
{
	if ((v->flags & VM_LOCKED) || !v->file || !v->mapping)
		return -EINVAL;
	if (!(v->flags & VM_SHARED) || !(v->flags & VM_MAYWRITE))
		return -EACCES;
	h->file = v->file;
	h->start = vma_index(v, start) << PAGE_SHIFT;
	h->len = end - start;
	file_get_hook(v->file);
	return 0;
}

/* Of the area at or above *at; advances. */
static int next_hole(struct mm *mm, unsigned long *at, unsigned long end,
		     struct hole *h, int *unmapped)
{
	struct vma *v;
	int err = rwsem_read_lock_killable(&mm->map_lock);

	if (err)
		return err;
	v = vma_find(mm, *at);
	err = -ENOMEM;
	if (v && v->start < end) {
		unsigned long stop = min(v->end, end);

		if (v->start > *at)
			*unmapped = -ENOMEM;
		err = hole_of(v, max(*at, v->start), stop, h);
		*at = stop;
	}
	rwsem_read_unlock(&mm->map_lock);
	return err;
}

static int remove_range(struct mm *mm, unsigned long start, unsigned long end)
{
	int err = 0, unmapped = 0;
	struct hole h;

	while (start < end && !err) {
		err = next_hole(mm, &start, end, &h, &unmapped);
		if (err)
			break;
		err = file_punch_hook(h.file, h.start, h.len);
		file_put_hook(h.file);
	}
	return err ? err : unmapped;
}

/* --- MADV_POPULATE --- */

static int populate_advice(unsigned long start, unsigned long end, bool write)
{
	struct mm *mm = current->mm;
	unsigned got;
	int err = 0;

	for (; start < end && !err; start += PAGE_SIZE) {
		struct page *p;

		err = mm_get_pages(mm, start, 1, write, false, &p, &got);
		if (!err && got)
			page_put(p);
	}
	return err;
}

/* What mm_get_pages() cannot tell: a hole, or an area that forbids it. */
static int populate_error(unsigned long start, unsigned long end, bool write)
{
	struct mm *mm = current->mm;
	int err = -EFAULT;
	struct vma *v;

	rwsem_read_lock(&mm->map_lock);
	for (v = vma_find(mm, start); start < end; v = vma_next(v)) {
		if (!v || v->start > start) {
			err = -ENOMEM;
			break;
		}
		if (!(v->flags & (write ? VM_WRITE : VM_READ)) ||
		    (v->flags & (VM_PFNMAP | VM_IO))) {
			err = -EINVAL;
			break;
		}
		start = v->end;
	}
	rwsem_read_unlock(&mm->map_lock);
	return err;
}

int mm_advise(struct mm *mm, unsigned long addr, size_t len, int advice)
{
	unsigned long end;
	int err;

	irqs_unmask();
	if (!is_known(advice) || (addr & ~PAGE_MASK))
		return -EINVAL;
	end = addr + ALIGN_UP(len, PAGE_SIZE);
	if (end < addr || (len && end == addr))
		return -EINVAL;
	if (!len)
		return 0;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE) {
		bool write = advice == MADV_POPULATE_WRITE;

		err = populate_advice(addr, end, write);
		return err == -EFAULT ? populate_error(addr, end, write) : err;
	}
	if (advice == MADV_REMOVE)
		return remove_range(mm, addr, end);
	if (!needs_write_lock(advice)) {
		rwsem_read_lock(&mm->map_lock);
		err = advise_range(mm, addr, end, advice);
		rwsem_read_unlock(&mm->map_lock);
		return err;
	}
	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	err = advise_range(mm, addr, end, advice);
	rwsem_write_unlock(&mm->map_lock);
	return err;
}
