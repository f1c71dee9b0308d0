/*
 * mremap - growing, shrinking and moving areas.
 *
 * Theory: a moved area is a second area first; the entries move over table
 *         by table, with both locks, and with the file's mmap_lock held so
 *         that reverse look-ups find each page in one place or the other;
 *         then the old range is unmapped as usual, which also gives back its
 *         promise (the new one was charged in full before).  All tables of
 *         the target exist before the first entry moves, so nothing fails
 *         half way.
 */
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <lib/errno.h>
#include "pt_impl.h"

#define MREMAP_MAYMOVE 1u
#define MREMAP_FIXED 2u
#define MREMAP_DONTUNMAP 4u

struct remap {
	struct mm *mm;
	unsigned long addr, old_len, new_len, new_addr;
	unsigned flags;
	struct list dead;
	bool populate;
	unsigned long populate_from, populate_to;
};

/* --- moving entries --- */

/* The tables of a range without areas. */
static void drop_tables(struct mm *mm, unsigned long start, unsigned long end)
{
	struct vma *next = vma_find(mm, start);
	struct rb_node *below = next ? rb_prev(&next->node) :
				       rb_last(&mm->vmas);
	struct vma *prev = rb_entry_safe(below, struct vma, node);
	LIST_HEAD(tables);

	pt_free_range(mm, start, end, prev ? prev->end : 0,
		      next ? next->start : USER_END, &tables);
	mm_flush(mm);
	pt_put_tables(&tables);
}

static int make_tables(struct mm *mm, unsigned long start, unsigned long end)
{
	for (unsigned long at = start; at < end; at = pt_table_end(at, end)) {
		if (!pt_get(mm, at)) {
			drop_tables(mm, start, end);
			return -ENOMEM;
		}
	}
	return 0;
}

static void move_entry(struct pte *from, struct pte *to)
{
	struct spinlock *a = pte_lock_of(from), *b = pte_lock_of(to);

	spin_lock_pair(a, b);
	if (!pte_none(*from)) {
		pte_install(to, *from);
		pte_store(from, PTE_NONE);
		pt_page(from)->pt_used--;
	}
	spin_unlock_pair(a, b);
}

static void move_entries(struct mm *mm, unsigned long from, unsigned long to,
			 unsigned long len)
{
	unsigned long end = from + len, delta = to - from;
	struct pte *pte;

	while ((from = pt_next(mm, from, end, &pte)) < end) {
		unsigned long stop = pt_table_end(from, end);

		for (; from < stop; from += PAGE_SIZE, pte++)
			if (!pte_none(pte_read(pte)))
				move_entry(pte, pt_find(mm, from + delta));
	}
}

static void move_pages(struct vma *old, struct remap *r) __no_analysis
{
	struct mapping *m = old->mapping;

	if (m)
		rwsem_write_lock(&m->mmap_lock);
	move_entries(r->mm, r->addr, r->new_addr, r->old_len);
	mm_flush(r->mm);
	if (m)
		rwsem_write_unlock(&m->mmap_lock);
}

/* --- moving an area --- */

static int new_area(struct remap *r, struct vma *old, struct vma **out)
{
	struct vma *v;
	int err;

	if (r->mm->nr_vmas >= sysctl_max_map_count - 3)
		return -ENOMEM;
	if (old->flags & VM_ACCOUNT) {
		err = vm_commit(r->new_len >> PAGE_SHIFT);
		if (err)
			return err;
	}
	v = vma_dup(old);
	if (!v)
		goto err_uncommit;
	v->pgoff = vma_is_anon(old) ? r->new_addr >> PAGE_SHIFT :
		vma_index(old, r->addr);
	v->start = r->new_addr;
	v->end = r->new_addr + r->new_len;
	if (make_tables(r->mm, v->start, v->start + r->old_len))
		goto err_free;
	if (v->ops && v->ops->open)
		v->ops->open(v);
	vma_insert(r->mm, v);
	vma_link_file(v);
	vm_stat_account(r->mm, v->flags, (s64)vma_pages(v));
	*out = v;
	return 0;
err_free:
	v->ops = NULL;
	vma_release(v);
err_uncommit:
	if (old->flags & VM_ACCOUNT)
		vm_uncommit(r->new_len >> PAGE_SHIFT);
	return -ENOMEM;
}

static int move_area(struct remap *r, struct vma *old)
{
	struct vma *v;
	int err;

	err = new_area(r, old, &v);
	if (err)
		return err;
	move_pages(old, r);
	r->populate = v->flags & VM_LOCKED;
	if (r->flags & MREMAP_DONTUNMAP) {
		unsigned long flags = old->flags & ~(VM_LOCKED |
						     VM_LOCKONFAULT);

		err = vma_change_flags(&old, r->addr, r->addr + r->old_len,
				       flags);
		ignore_error(err);	/* it only stays locked */
	} else if (r->old_len) {
		err = unmap_range_locked(r->mm, r->addr,
					 r->addr + r->old_len, &r->dead);
		if (err)	/* no memory to split: both stay, as in Linux */
			ignore_error(err);
	}
	v = vma_find_exact(r->mm, r->new_addr);
	if (v)
		vma_merge(v);
	r->populate_from = r->new_addr;
	r->populate_to = r->new_addr + r->new_len;
	return 0;
}

/* --- checks --- */

static int check_resize(struct remap *r, struct vma *v)
{
	u64 more;

	if (!r->old_len && !(v->flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) &&
	    (v->flags & (VM_DONTEXPAND | VM_PFNMAP)))
		return -EINVAL;
	if (r->old_len > v->end - r->addr)
		return -EFAULT;
	if (r->new_len == r->old_len)
		return 0;
	if (vma_index(v, r->addr) + (r->new_len >> PAGE_SHIFT) <
	    vma_index(v, r->addr))
		return -EINVAL;
	if (v->flags & (VM_DONTEXPAND | VM_PFNMAP))
		return -EFAULT;
	if (r->new_len < r->old_len)
		return 0;
	more = r->new_len - r->old_len;
	if (!may_lock_more(r->mm, v->flags, more))
		return -EAGAIN;
	return may_expand_vm(r->mm, v->flags, more >> PAGE_SHIFT) ? 0 :
		-ENOMEM;
}

static bool can_grow_here(struct remap *r, struct vma *v)
{
	struct vma *next = vma_next(v);
	unsigned long end = r->addr + r->new_len;

	if (r->addr + r->old_len != v->end || end < r->addr ||
	    end > TASK_SIZE)
		return false;
	return !next || end <= vma_start_gap(next);
}

static int grow_here(struct remap *r, struct vma *v) __no_analysis
{
	u64 pages = (r->new_len - r->old_len) >> PAGE_SHIFT;
	struct mapping *m = v->mapping;
	int err;

	if (v->flags & VM_ACCOUNT) {
		err = vm_commit(pages);
		if (err)
			return err;
	}
	if (m)
		rwsem_write_lock(&m->mmap_lock);
	vma_set_range(v, v->start, r->addr + r->new_len);
	if (m)
		rwsem_write_unlock(&m->mmap_lock);
	vm_stat_account(r->mm, v->flags, (s64)pages);
	r->populate = v->flags & VM_LOCKED;
	r->populate_from = r->addr + r->old_len;
	r->populate_to = r->addr + r->new_len;
	vma_merge(v);
	return 0;
}

/* --- the two ways --- */

static bool ranges_overlap(const struct remap *r)
{
	return r->addr < r->new_addr + r->new_len &&
	       r->new_addr < r->addr + r->old_len;
}

static int remap_to(struct remap *r)
{
	unsigned pick = r->flags & MREMAP_FIXED ? MAP_FIXED : 0;
	struct vma *v;
	int err;

	if (r->new_addr & ~PAGE_MASK)
		return -EINVAL;
	if (r->new_len > TASK_SIZE || r->new_addr > TASK_SIZE - r->new_len ||
	    ranges_overlap(r))
		return -EINVAL;
	if (r->mm->nr_vmas + 2 >= sysctl_max_map_count - 3)
		return -ENOMEM;
	err = mm_pick_address(r->mm, r->new_addr, r->new_len, pick,
			      &r->new_addr);
	if (!err && pick)
		err = unmap_range_locked(r->mm, r->new_addr,
					 r->new_addr + r->new_len, &r->dead);
	if (!err && r->old_len > r->new_len) {
		err = unmap_range_locked(r->mm, r->addr + r->new_len,
					 r->addr + r->old_len, &r->dead);
		r->old_len = r->new_len;
	}
	if (err)
		return err;
	v = vma_find_exact(r->mm, r->addr);
	if (!v)
		return -EFAULT;
	err = check_resize(r, v);
	if (err)
		return err;
	if ((r->flags & MREMAP_DONTUNMAP) &&
	    !may_expand_vm(r->mm, v->flags, r->old_len >> PAGE_SHIFT))
		return -ENOMEM;
	return move_area(r, v);
}

static int remap_locked(struct remap *r)
{
	struct vma *v = vma_find_exact(r->mm, r->addr);
	int err;

	if (!v)
		return -EFAULT;
	if (v->flags & VM_SEALED)
		return -EPERM;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(r);
	if (r->old_len >= r->new_len) {
		r->new_addr = r->addr;
		if (r->old_len == r->new_len)
			return 0;
		return unmap_range_locked(r->mm, r->addr + r->new_len,
					  r->addr + r->old_len, &r->dead);
	}
	err = check_resize(r, v);
	if (err)
		return err;
	if (r->old_len && can_grow_here(r, v)) {
		r->new_addr = r->addr;
		return grow_here(r, v);
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	err = mm_pick_address(r->mm, 0, r->new_len, 0, &r->new_addr);
	return err ? err : move_area(r, v);
}

int mm_remap(unsigned long addr, size_t old_len, size_t new_len,
	     unsigned flags, unsigned long new_addr, unsigned long *out)
{
	struct remap r = {
		.mm = current->mm, .addr = addr, .new_addr = new_addr,
		.old_len = ALIGN_UP(old_len, PAGE_SIZE),
		.new_len = ALIGN_UP(new_len, PAGE_SIZE), .flags = flags,
	};
	int err;

	irqs_unmask();
	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) &&
	    (!(flags & MREMAP_MAYMOVE) || r.old_len != r.new_len))
		return -EINVAL;
	if ((addr & ~PAGE_MASK) || !r.new_len)
		return -EINVAL;
	if (r.old_len > TASK_SIZE || addr > TASK_SIZE - r.old_len)
		return -EFAULT;
	list_init(&r.dead);
	err = rwsem_write_lock_killable(&r.mm->map_lock);
	if (err)
		return err;
	err = remap_locked(&r);
	mm_check(r.mm);
	rwsem_write_unlock(&r.mm->map_lock);
	areas_release(&r.dead);
	if (!err && r.populate)
		ignore_error(mm_populate(r.mm, r.populate_from, r.populate_to,
					 true));
	*out = r.new_addr;
	return err;
}

/* --- remap_file_pages --- */

/* The area at start, if [start, end) lies in shared areas of one file and
 * nothing else. */
static struct vma *shared_run(struct mm *mm, unsigned long start,
			      unsigned long end)
{
	struct vma *first = vma_find_exact(mm, start), *v, *next;

	if (!first || !(first->flags & VM_SHARED) || !first->mapping)
		return NULL;
	for (v = first; v->end < end; v = next) {
		next = vma_next(v);
		if (!next || next->start != v->end ||
		    next->file != first->file || next->flags != first->flags)
			return NULL;
	}
	return first;
}

static int remap_pages_locked(struct mm *mm, unsigned long start,
			      unsigned long end, u64 pgoff, struct list *dead)
{
	struct vma *old = shared_run(mm, start, end), *v;
	int err;

	if (!old)
		return -EINVAL;
	if (mm->nr_vmas >= sysctl_max_map_count)
		return -ENOMEM;
	v = vma_dup(old);
	if (!v)
		return -ENOMEM;
	v->start = start;
	v->end = end;
	v->pgoff = pgoff;
	if (v->ops && v->ops->open)
		v->ops->open(v);
	err = unmap_range_locked(mm, start, end, dead);
	if (err) {
		vma_release(v);
		return err;
	}
	vma_insert(mm, v);
	vma_link_file(v);
	vm_stat_account(mm, v->flags, (s64)vma_pages(v));
	vma_merge(v);
	mm_check(mm);
	return 0;
}

int mm_remap_pages(unsigned long start, size_t size, u64 pgoff, bool populate)
{
	struct mm *mm = current->mm;
	unsigned long end;
	LIST_HEAD(dead);
	int err;

	start &= PAGE_MASK;
	end = start + (size & PAGE_MASK);
	if (end <= start || pgoff + (size >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	irqs_unmask();
	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	err = remap_pages_locked(mm, start, end, pgoff, &dead);
	rwsem_write_unlock(&mm->map_lock);
	areas_release(&dead);
	if (!err && populate)
		ignore_error(mm_populate(mm, start, end, true)); /* best effort */
	return err;
}
