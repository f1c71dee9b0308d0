/*
 * rmap - from a page of a file to the user tables that map it.
 *
 * Theory: a mapping lists all areas that show it.  The place of a page in an
 *         area follows from its index.  An area leaves the list only after
 *         its entries are gone (or its address space is dying and runs no
 *         more), and its tables are freed only after that; so whoever holds
 *         mmap_lock may walk the tables of every area on the list.
 * Locks:  mapping.mmap_lock, then the page table's lock.  map_lock is not
 *         held: faults run beside all this.
 */
#include <kernel/spinlock.h>
#include "pt_impl.h"

#define PROTECT_RUN 64ul

/* The address of a page in an area; false if it lies outside. */
static bool vma_address(const struct vma *v, u64 index, unsigned long *addr)
{
	if (index < v->pgoff || index - v->pgoff >= vma_pages(v))
		return false;
	*addr = v->start + ((index - v->pgoff) << PAGE_SHIFT);
	return true;
}

/* The entry of v that maps p, with its lock held; NULL if none does. */
static struct pte *entry_lock(struct vma *v, struct page *p,
			      unsigned long *addr) __no_analysis
{
	struct pte *pte;

	if (!vma_address(v, p->index, addr))
		return NULL;
	pte = pt_find(v->mm, *addr);
	if (!pte)
		return NULL;
	spin_lock(pte_lock_of(pte));
	if (pte_page(pte_read(pte)) == p)
		return pte;
	spin_unlock(pte_lock_of(pte));
	return NULL;
}

static void unmap_one(struct vma *v, struct page *p) __no_analysis
{
	unsigned long addr;
	struct pte *pte = entry_lock(v, p, &addr);

	if (!pte)
		return;
	pte_store(pte, PTE_NONE);
	pt_page(pte)->pt_used--;
	spin_unlock(pte_lock_of(pte));
	mm_flush(v->mm);
	if (!page_mapcount_dec(p))
		vmstat_add(VM_MAPPED, -1);
	if (mapping_is_shmem(v->mapping))
		rss_add(v->mm, 0, 0, -1);
	else
		rss_add(v->mm, 0, -1, 0);
	page_put(p);	/* never the last: the caller has one */
}

static void unmap_all_locked(struct mapping *m, struct page *p)
{
	struct vma *v;

	list_for_each_entry(v, &m->vmas, mapping_node) {
		if (!page_mapcount(p))
			break;
		unmap_one(v, p);
	}
}

void page_unmap_all(struct page *p)
{
	struct mapping *m = p->mapping;

	rwsem_read_lock(&m->mmap_lock);
	unmap_all_locked(m, p);
	rwsem_read_unlock(&m->mmap_lock);
}

bool page_try_unmap_all(struct page *p)
{
	struct mapping *m = p->mapping;

	if (!rwsem_read_trylock(&m->mmap_lock))
		return false;
	unmap_all_locked(m, p);
	rwsem_read_unlock(&m->mmap_lock);
	return !page_mapcount(p);
}

/* No flush: an entry that a TLB still holds looks unused a while longer. */
static bool clear_young_one(struct vma *v, struct page *p) __no_analysis
{
	unsigned long addr;
	struct pte *pte = entry_lock(v, p, &addr);
	bool young;

	if (!pte)
		return false;
	young = pte_present(*pte) && pte_accessed(*pte);
	if (young)
		__atomic_fetch_and(&pte->v, pte_mkold(*pte).v,
				   __ATOMIC_RELAXED);
	spin_unlock(pte_lock_of(pte));
	return young && !(v->flags & VM_SEQ_READ);
}

bool page_test_clear_young(struct page *p)
{
	struct mapping *m = p->mapping;
	bool young = false;
	struct vma *v;

	if (!rwsem_read_trylock(&m->mmap_lock))
		return true;
	list_for_each_entry(v, &m->vmas, mapping_node)
		young |= clear_young_one(v, p);
	rwsem_read_unlock(&m->mmap_lock);
	return young;
}

/* Takes write permission from an entry and those behind it in its table: the
 * pages behind are probably the next to be written out, and then need no
 * flush of their own.  A store to them only faults once more. */
static bool protect_run_locked(struct vma *v, struct pte *pte,
			       unsigned long addr)
{
	unsigned long room = (pt_table_end(addr, v->end) - addr) >> PAGE_SHIFT;
	bool any = false;

	for (unsigned i = 0; i < min(room, PROTECT_RUN); i++) {
		struct pte e = pte_read(&pte[i]);

		if (pte_is_parked(e)) {
			pte_store(&pte[i], pte_make_swap(pte_swap_value(e) &
							 ~PARK_WRITABLE));
		} else if (pte_present(e) && pte_writable(e)) {
			__atomic_fetch_and(&pte[i].v, pte_wrprotect(e).v,
					   __ATOMIC_RELAXED);
			any = true;
		}
	}
	return any;
}

static void protect_one(struct vma *v, struct page *p) __no_analysis
{
	unsigned long addr;
	struct pte *pte, e;
	bool any = false;

	if (!(v->flags & VM_SHARED))
		return;
	pte = entry_lock(v, p, &addr);
	if (!pte)
		return;
	e = pte_read(pte);
	if (pte_is_parked(e) || pte_writable(e))
		any = protect_run_locked(v, pte, addr);
	/* Before the lock goes: who writes a neighbour of the run out finds
	 * its entry protected, and must be able to rely on that. */
	if (any)
		mm_flush(v->mm);
	spin_unlock(pte_lock_of(pte));
}

void page_write_protect_all(struct page *p)
{
	struct mapping *m = p->mapping;
	struct vma *v;

	if (!page_mapcount(p) || !READ_ONCE(m->writable_vmas))
		return;
	rwsem_read_lock(&m->mmap_lock);
	list_for_each_entry(v, &m->vmas, mapping_node)
		protect_one(v, p);
	rwsem_read_unlock(&m->mmap_lock);
}

/* Clears the part of one area that shows pages [first, last]. */
static void unmap_area(struct vma *v, u64 first, u64 last, bool even_cow)
{
	u64 end = v->pgoff + vma_pages(v) - 1;
	unsigned long from, to;
	struct gather g;

	if (last < v->pgoff || first > end)
		return;
	from = v->start + ((max(first, v->pgoff) - v->pgoff) << PAGE_SHIFT);
	to = v->start + ((min(last, end) - v->pgoff + 1) << PAGE_SHIFT);
	gather_init(&g, v->mm);
	zap_range(&g, v, from, to, !even_cow);
	gather_finish(&g);
}

void mapping_unmap(struct mapping *m, u64 first, u64 last, bool even_cow)
{
	struct vma *v;

	if (list_empty(&m->vmas))
		return;
	rwsem_read_lock(&m->mmap_lock);
	list_for_each_entry(v, &m->vmas, mapping_node)
		unmap_area(v, first, last, even_cow);
	rwsem_read_unlock(&m->mmap_lock);
}
