/*
 * mlock - keeping memory resident, and making it so.
 *
 * Without swap anonymous pages stay anyway; locking faults everything in and
 * keeps reclaim from unmapping pages of files.
 */
#include <arch/trap.h>
#include <kernel/task.h>
#include <lib/errno.h>
#include "pt_impl.h"

#define MLOCK_ONFAULT 1u
#define MCL_CURRENT 1u
#define MCL_FUTURE 2u
#define MCL_ONFAULT 4u
#define LOCK_FLAGS (VM_LOCKED | VM_LOCKONFAULT)

static unsigned populate_flags(const struct vma *v)
{
	if ((v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		return FAULT_WRITE | FAULT_REMOTE;
	return FAULT_READ | FAULT_REMOTE;
}

static int populate_page(struct vma *v, unsigned long addr)
{
	unsigned flags = populate_flags(v);
	struct pte *pte = pt_find(v->mm, addr);
	struct pte e = pte ? pte_read(pte) : PTE_NONE;

	if (pte_present(e) && (!(flags & FAULT_WRITE) || pte_writable(e)))
		return 0;
	return fault_page(v, addr, flags);
}

/* From *start on to the end of the area, of the range or of a table. */
static int populate_area(struct vma *v, unsigned long *start,
			 unsigned long end)
{
	unsigned long stop = min(v->end, end);
	int err = 0;

	*start = max(*start, v->start);
	if (v->flags & VM_LOCKONFAULT) {	/* as it says */
		*start = stop;
		return 0;
	}
	if (prot_is_none(v->prot) || (v->flags & (VM_PFNMAP | VM_IO))) {
		*start = stop;
		return -EFAULT;
	}
	stop = pt_table_end(*start, stop);
	for (; *start < stop && !err; *start += PAGE_SIZE)
		err = populate_page(v, *start);
	return err;
}

int mm_populate(struct mm *mm, unsigned long start, unsigned long end,
		bool ignore_errors)
{
	int err = 0;

	for (start &= PAGE_MASK; start < end; cond_resched()) {
		struct vma *v;

		if (fatal_signal_pending(current))
			return -EINTR;
		err = rwsem_read_lock_killable(&mm->map_lock);
		if (err)
			return err;
		v = vma_find(mm, start);
		if (!v || v->start >= end) {
			rwsem_read_unlock(&mm->map_lock);
			return v || ignore_errors ? 0 : -ENOMEM;
		}
		err = populate_area(v, &start, end);
		rwsem_read_unlock(&mm->map_lock);
		if (err && !ignore_errors)
			return err;
		if (err == -EINTR || err == -ENOMEM)
			return 0;
	}
	return 0;
}

static int change_locked(struct mm *mm, unsigned long start, unsigned long end,
			 unsigned long set)
{
	struct vma *v = vma_find(mm, start);
	int err;

	while (start < end) {
		unsigned long stop, flags;

		if (!v || v->start > start)
			return -ENOMEM;
		stop = min(v->end, end);
		flags = (v->flags & ~LOCK_FLAGS) | set;
		if (flags != v->flags &&
		    !(v->flags & (VM_PFNMAP | VM_IO))) {
			err = vma_change_flags(&v, start, stop, flags);
			if (err)
				return err;
		}
		start = stop;
		if (v->end <= start)
			v = vma_next(v);
	}
	return 0;
}

static u64 locked_already(struct mm *mm, unsigned long start,
			  unsigned long end)
{
	u64 n = 0;

	for (struct vma *v = vma_find(mm, start); v && v->start < end;
	     v = vma_next(v))
		if (v->flags & VM_LOCKED)
			n += min(v->end, end) - max(v->start, start);
	return n;
}

static bool may_lock_at_all(void)
{
	return rlimit_of(RLIMIT_MEMLOCK) || mm_capable(CAP_IPC_LOCK);
}

int mm_lock_range(unsigned long addr, size_t len, unsigned flags)
{
	unsigned long start = addr & PAGE_MASK, end;
	unsigned long set = VM_LOCKED;
	struct mm *mm = current->mm;
	u64 more;
	int err;

	irqs_unmask();
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	if (flags & MLOCK_ONFAULT)
		set |= VM_LOCKONFAULT;
	if (!may_lock_at_all())
		return -EPERM;
	end = start + ALIGN_UP(len + (addr - start), PAGE_SIZE);
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	more = end - start - locked_already(mm, start, end);
	err = may_lock_more(mm, VM_LOCKED, more) ?
		change_locked(mm, start, end, set) : -ENOMEM;
	rwsem_write_unlock(&mm->map_lock);
	if (err || (flags & MLOCK_ONFAULT))
		return err;
	err = mm_populate(mm, start, end, false);
	if (err == -EFAULT)
		return -ENOMEM;
	return err == -ENOMEM ? -EAGAIN : err;
}

int mm_unlock_range(unsigned long addr, size_t len)
{
	unsigned long start = addr & PAGE_MASK;
	unsigned long end = start + ALIGN_UP(len + (addr - start), PAGE_SIZE);
	struct mm *mm = current->mm;
	int err;

	irqs_unmask();
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	err = change_locked(mm, start, end, 0);
	rwsem_write_unlock(&mm->map_lock);
	return err;
}

/* All areas; errors of single ones do not matter, as in Linux. */
static void change_all(struct mm *mm, unsigned long set)
{
	struct vma *v = vma_first(mm);

	while (v) {
		ignore_error(change_locked(mm, v->start, v->end, set));
		v = vma_find(mm, v->end);
	}
}

int mm_lock_all(unsigned flags)
{
	unsigned long set = VM_LOCKED;
	struct mm *mm = current->mm;
	int err;

	irqs_unmask();
	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) ||
	    flags == MCL_ONFAULT)
		return -EINVAL;
	if (!may_lock_at_all())
		return -EPERM;
	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	if (flags & MCL_ONFAULT)
		set |= VM_LOCKONFAULT;
	if ((flags & MCL_CURRENT) && !mm_capable(CAP_IPC_LOCK) &&
	    mm->total_vm > rlimit_of(RLIMIT_MEMLOCK) >> PAGE_SHIFT) {
		rwsem_write_unlock(&mm->map_lock);
		return -ENOMEM;
	}
	mm->def_flags &= ~LOCK_FLAGS;
	if (flags & MCL_FUTURE)
		mm->def_flags |= set;
	if (flags & MCL_CURRENT)
		change_all(mm, set);
	rwsem_write_unlock(&mm->map_lock);
	if ((flags & (MCL_CURRENT | MCL_ONFAULT)) == MCL_CURRENT)
		ignore_error(mm_populate(mm, 0, TASK_SIZE, true));
	return 0;
}

int mm_unlock_all(void)
{
	struct mm *mm = current->mm;
	int err;

	irqs_unmask();
	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	mm->def_flags &= ~LOCK_FLAGS;
	change_all(mm, 0);
	rwsem_write_unlock(&mm->map_lock);
	return 0;
}
