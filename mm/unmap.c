/*
 * unmap - taking areas out of an address space.
 *
 * Theory: split at both ends, so that whole areas go.  Per area: its entries
 *         are cleared while it is still on its mapping's list, then it
 *         leaves list and tree; then the tables that nothing else uses are
 *         cut; then one flush, and everything gathered is freed.  The areas
 *         themselves are released by the caller after map_lock is dropped,
 *         since closing a file may take time.
 */
#include <kernel/task.h>
#include "pt_impl.h"

static void unaccount(struct vma *v)
{
	vm_stat_account(v->mm, v->flags, -(s64)vma_pages(v));
	if (v->flags & VM_ACCOUNT)
		vm_uncommit(vma_pages(v));
}

static int split_ends(struct mm *mm, unsigned long start, unsigned long end)
{
	struct vma *v = vma_find_exact(mm, start);
	int err;

	if (v && v->start < start) {
		err = vma_split(v, start, NULL);
		if (err)
			return err;
	}
	v = vma_find_exact(mm, end - 1);
	if (v && v->end > end)
		return vma_split(v, end, NULL);
	return 0;
}

static bool has_sealed(struct mm *mm, unsigned long start, unsigned long end)
{
	struct vma *v;

	for (v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		if (v->flags & VM_SEALED)
			return true;
	return false;
}

int unmap_range_locked(struct mm *mm, unsigned long start, unsigned long end,
		       struct list *dead)
{
	unsigned long floor = 0, ceiling = USER_END, first, last = 0;
	struct vma *v, *next, *prev;
	struct gather g;
	int err;

	if (!vma_overlaps(mm, start, end))
		return 0;
	if (has_sealed(mm, start, end))
		return -EPERM;
	err = split_ends(mm, start, end);
	if (err)
		return err;
	v = vma_find(mm, start);
	prev = vma_prev(v);
	floor = prev ? prev->end : 0;
	first = v->start;
	gather_init(&g, mm);
	for (; v && v->start < end; v = next) {
		next = vma_next(v);
		last = v->end;
		zap_range(&g, v, v->start, v->end, false);
		vma_unlink_file(v);
		vma_erase(mm, v);
		unaccount(v);
		list_add_tail(&v->mapping_node, dead);
	}
	ceiling = v ? v->start : USER_END;
	pt_free_range(mm, first, last, floor, ceiling, &g.tables);
	g.needs_flush |= !list_empty(&g.tables);
	gather_finish(&g);
	mm_check(mm);
	return 0;
}

void areas_release(struct list *dead)
{
	struct vma *v, *next;

	list_for_each_entry_safe(v, next, dead, mapping_node) {
		list_init(&v->mapping_node);
		vma_release(v);
	}
	list_init(dead);
}

int mm_unmap(struct mm *mm, unsigned long addr, size_t len)
{
	LIST_HEAD(dead);
	int err;

	irqs_unmask();
	if ((addr & ~PAGE_MASK) || !len || addr > TASK_SIZE ||
	    len > TASK_SIZE - addr)
		return -EINVAL;
	len = ALIGN_UP(len, PAGE_SIZE);
	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	err = unmap_range_locked(mm, addr, addr + len, &dead);
	rwsem_write_unlock(&mm->map_lock);
	areas_release(&dead);
	return err;
}

/* Any area there that has these operations, and would begin at addr if
 * nothing of its object had been cut off. */
static struct vma *object_area(struct mm *mm, unsigned long from,
			       unsigned long addr, const struct vma_ops *ops)
{
	struct vma *v = vma_find(mm, from);

	while (v && !(v->ops == ops && v->start >= addr &&
		      v->start - addr == v->pgoff << PAGE_SHIFT))
		v = vma_next(v);
	return v;
}

static int unmap_object_locked(struct mm *mm, unsigned long addr,
			       const struct vma_ops *ops, struct list *dead)
{
	struct vma *v = object_area(mm, addr, addr, ops);
	struct mapping *m;
	unsigned long stop;
	int err = -EINVAL;

	if (!v)
		return err;
	m = v->mapping;
	stop = addr + ALIGN_UP(mapping_size(m), PAGE_SIZE);
	while (v && v->start < stop) {
		unsigned long end = v->end;

		if (v->mapping == m)
			err = unmap_range_locked(mm, v->start, end, dead);
		if (err)
			return err;
		v = object_area(mm, end, addr, ops);
	}
	return err;
}

int mm_unmap_object(unsigned long addr, const struct vma_ops *ops)
{
	struct mm *mm = current->mm;
	LIST_HEAD(dead);
	int err;

	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	err = unmap_object_locked(mm, addr, ops, &dead);
	rwsem_write_unlock(&mm->map_lock);
	areas_release(&dead);
	return err;
}
