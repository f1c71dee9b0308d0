/*
 * mprotect - changing what areas allow, and sealing them.
 *
 * Theory: areas are split, changed, joined; their entries follow.  A page
 *         gets write permission back at once only if it is ours alone (or
 *         nobody needs to notice stores); else the next store faults.
 *         Without any permission an entry is parked.  One flush at the end,
 *         and only if some entry lost a permission.
 */
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include "pt_impl.h"

#define PROT_MASK 7ul
#define PROT_SEM 8ul
#define PROT_GROWSDOWN 0x01000000ul
#define PROT_GROWSUP 0x02000000ul

/* May this page's entry be writable right away? */
static bool may_write_now(const struct vma *v, struct pte old, struct page *p)
{
	bool was = pte_present(old) ? pte_writable(old) :
		pte_park_writable(old);

	if (!(v->flags & VM_WRITE) || !p)
		return false;
	if (page_test(p, PG_ANON))
		return page_is_exclusive(p);
	if (!(v->flags & VM_SHARED))
		return false;
	return was || !vma_tracks_dirty(v);
}

static struct pte entry_for(const struct vma *v, struct pte old)
{
	struct page *p = pte_page(old);
	bool writable = may_write_now(v, old, p);
	unsigned prot = v->prot;
	struct pte e;

	if (!writable)
		prot &= ~PROT_W;
	if (prot_is_none(v->prot))
		return pte_present(old) ? pte_park(old) : old;
	e = pte_make(pte_frame(old), prot);
	return p ? e : pte_mkspecial(e);
}

static bool loses(struct pte old, struct pte e)
{
	if (!pte_present(old))
		return false;
	return !pte_present(e) ||
	       (pte_writable(old) && !pte_writable(e)) ||
	       (pte_readable(old) && !pte_readable(e)) ||
	       (pte_executable(old) && !pte_executable(e));
}

/* Write-out relies on read-only entries of such areas: no store may come in
 * by a TLB once the table's lock is free. */
static bool is_watched(const struct vma *v)
{
	return (v->flags & VM_SHARED) && v->mapping &&
	       !mapping_is_shmem(v->mapping);
}

/* Entries of one table; true if one lost a permission and is still to be
 * flushed. */
static bool change_table(struct vma *v, struct pte *pte, unsigned n)
{
	struct page *table = pt_page(pte);
	unsigned left;
	bool lost = false;

	if (!READ_ONCE(table->pt_used))
		return false;
	spin_lock(&table->ptl);
	left = table->pt_used;
	for (unsigned i = 0; i < n && left; i++) {
		struct pte old = pte_read(&pte[i]), e;

		if (pte_none(old))
			continue;
		left--;
		e = entry_for(v, old);
		lost |= loses(old, e);
		pte_store(&pte[i], e);
	}
	if (unlikely(lost && is_watched(v))) {
		mm_flush(v->mm);
		lost = false;
	}
	spin_unlock(&table->ptl);
	return lost;
}

static bool change_range(struct vma *v, unsigned long start, unsigned long end)
{
	struct pte *pte;
	bool lost = false;

	while ((start = pt_next(v->mm, start, end, &pte)) < end) {
		unsigned long next = pt_table_end(start, end);

		lost |= change_table(v, pte, (unsigned)
				     ((next - start) >> PAGE_SHIFT));
		start = next;
	}
	return lost;
}

/* Gives [start,end) of one area other flags; *v is the area afterwards. */
int vma_change_flags(struct vma **vp, unsigned long start, unsigned long end,
		     unsigned long flags)
{
	struct vma *v = *vp;
	struct mm *mm = v->mm;
	int err;

	if (v->start < start) {
		err = vma_split(v, start, &v);
		if (err)
			return err;
	}
	if (v->end > end) {
		err = vma_split(v, end, NULL);
		if (err)
			return err;
	}
	vm_stat_account(mm, v->flags, -(s64)vma_pages(v));
	vma_set_flags(v, flags);
	vm_stat_account(mm, v->flags, (s64)vma_pages(v));
	*vp = vma_merge(v);
	return 0;
}

/* Memory becomes data, and is promised; or the promise of what was never
 * touched is taken back.  The promise in *back falls due on success. */
static int account_change(const struct vma *v, u64 pages,
			  unsigned long *flags, u64 *charged, u64 *back)
{
	int err;

	if (!(*flags & VM_WRITE)) {
		if ((v->flags & VM_ACCOUNT) && vma_is_anon(v) && !v->has_anon) {
			*flags &= ~VM_ACCOUNT;
			*back = pages;
		}
		return 0;
	}
	if (!may_expand_vm(v->mm, *flags, pages) &&
	    may_expand_vm(v->mm, v->flags, pages))
		return -ENOMEM;
	if (!is_private_writable(*flags) || (*flags & VM_ACCOUNT))
		return 0;
	err = vm_commit(pages);
	if (err)
		return err;
	*charged = pages;
	*flags |= VM_ACCOUNT;
	return 0;
}

static int protect_one(struct vma **vp, unsigned long start, unsigned long end,
		       unsigned long flags, bool *lost)
{
	u64 pages = (end - start) >> PAGE_SHIFT, charged = 0, back = 0;
	struct vma *v = *vp;
	int err;

	if (v->flags & VM_SEALED)
		return -EPERM;
	if (flags == v->flags)
		return 0;
	err = account_change(v, pages, &flags, &charged, &back);
	if (err)
		return err;
	err = vma_change_flags(vp, start, end, flags);
	if (err) {
		vm_uncommit(charged);
		return err;
	}
	vm_uncommit(back);
	*lost |= change_range(*vp, start, end);
	return 0;
}

/* Checks one area, and what it would become. */
static int check_one(const struct vma *v, unsigned prot,
		     unsigned long *flags)
{
	unsigned long f = (v->flags & ~(VM_READ | VM_WRITE | VM_EXEC)) | prot;

	if ((f & ~(f >> 4)) & (VM_READ | VM_WRITE | VM_EXEC))
		return -EACCES;
	*flags = f;
	if (v->ops && v->ops->mprotect)
		return v->ops->mprotect((struct vma *)v, f);
	return 0;
}

static int protect_range(struct mm *mm, unsigned long start,
			 unsigned long end, unsigned prot, bool *lost)
{
	struct vma *v = vma_find(mm, start);
	int err;

	while (start < end) {
		unsigned long flags, stop;

		if (!v || v->start > start)
			return -ENOMEM;
		stop = min(v->end, end);
		err = check_one(v, prot, &flags);
		if (!err)
			err = protect_one(&v, start, stop, flags, lost);
		if (err)
			return err;
		start = stop;
		if (v->end <= start)
			v = vma_next(v);
	}
	return 0;
}

int mm_protect(struct mm *mm, unsigned long addr, size_t len, unsigned prot)
{
	unsigned long grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	unsigned long end;
	struct vma *v;
	bool lost = false;
	int err;

	irqs_unmask();
	prot &= ~(unsigned)(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (!len)
		return 0;
	len = ALIGN_UP(len, PAGE_SIZE);
	end = addr + len;
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~(PROT_MASK | PROT_SEM))
		return -EINVAL;
	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	if (grows) {
		v = vma_find(mm, addr);
		err = !v || v->start >= end ? -ENOMEM :
			!(v->flags & VM_GROWSDOWN) ||
			!(grows & PROT_GROWSDOWN) ? -EINVAL : 0;
		if (!err)
			addr = v->start;
	}
	if (!err)
		err = protect_range(mm, addr, end, prot & PROT_MASK, &lost);
	if (lost)
		mm_flush(mm);
	mm_check(mm);
	rwsem_write_unlock(&mm->map_lock);
	return err;
}

/* --- mseal(2) --- */

static bool is_all_mapped(struct mm *mm, unsigned long start,
			  unsigned long end)
{
	struct vma *v = vma_find(mm, start);

	while (v && v->start <= start && v->end < end) {
		start = v->end;
		v = vma_next(v);
	}
	return v && v->start <= start;
}

static int seal_range(struct mm *mm, unsigned long start, unsigned long end)
{
	struct vma *v = vma_find(mm, start);
	int err = 0;

	while (start < end && !err) {
		unsigned long stop = min(v->end, end);

		if (!(v->flags & VM_SEALED))
			err = vma_change_flags(&v, start, stop,
					       v->flags | VM_SEALED);
		start = stop;
		if (v->end <= start)
			v = vma_next(v);
	}
	return err;
}

int mm_seal(unsigned long addr, size_t len)
{
	unsigned long end = addr + ALIGN_UP(len, PAGE_SIZE);
	struct mm *mm = current->mm;
	int err;

	irqs_unmask();
	if ((addr & ~PAGE_MASK) || end < addr || (len && end == addr))
		return -EINVAL;
	if (end == addr)
		return 0;
	err = rwsem_write_lock_killable(&mm->map_lock);
	if (err)
		return err;
	err = is_all_mapped(mm, addr, end) ? seal_range(mm, addr, end) :
					     -ENOMEM;
	mm_check(mm);
	rwsem_write_unlock(&mm->map_lock);
	return err;
}
