/*
 * fault - page faults: the way in, anonymous memory, copy-on-write.
 *
 * Theory: the area is found and stays while map_lock is held shared.  What
 *         the entry says decides: none - anonymous memory or a file
 *         (fault_file.c); read-only and a store - copy, reuse, or tell the
 *         file system; else another hart was faster, and only this hart's
 *         TLB is behind.
 *         Nothing is flushed when an entry becomes valid or gains
 *         permission on the same frame.  A copy changes the frame: while
 *         other harts run the address space the entry is cleared, flushed,
 *         and only then set, so no two threads see different frames.
 *         An anonymous page that nobody else refers to is written in place;
 *         a page that is pinned or shared has more references and is copied.
 *         A store right above a populated page takes the next pages along.
 * Locks:  map_lock (shared), page lock, then the table's lock; entries are
 *         read without it and compared again under it.
 */
#include <arch/trap.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <lib/errno.h>
#include <lib/string.h>
#include "pt_impl.h"

#define SIGKILL 9
#define SIGBUS 7
#define SIGSEGV 11
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRERR 2

#define GROW_MAX 8u
#define REUSE_WINDOW 16u

/* An entry for a frame as the area allows, less writing if not asked for. */
struct pte vma_pte(const struct vma *v, paddr_t pa, bool writable)
{
	unsigned prot = v->prot;

	if (!writable)
		prot &= ~PROT_W;
	if (unlikely(prot_is_none(prot)))
		return pte_park(pte_make(pa, PROT_R | PROT_USER));
	return pte_make(pa, prot);
}

void page_set_anon(struct page *p, unsigned long addr)
{
	p->flags = PG_ANON | PG_UPTODATE | PG_SWAPBACKED;
	p->index = addr >> PAGE_SHIFT;
	p->mapcount = 1;
}

static void free_unmapped(struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		pages[i]->mapcount = 0;
		pages[i]->flags = 0;
		page_free(pages[i], 0);
	}
}

/* --- anonymous memory --- */

static int anon_read(struct vma *v, struct pte *pte)
{
	struct pte e = vma_pte(v, page_to_pa(zero_page), false);

	if (pte_present(e))
		e = pte_mkspecial(e);
	else
		e = pte_park(pte_mkspecial(pte_make(page_to_pa(zero_page),
						    PROT_R | PROT_USER)));
	spin_lock(pte_lock_of(pte));
	if (pte_none(*pte))
		pte_install(pte, e);
	spin_unlock(pte_lock_of(pte));
	return 0;
}

/* How many pages to make from addr on: more, the longer the run of pages
 * below it.  Entries are only guesses here. */
static unsigned grow_count(struct vma *v, unsigned long addr, struct pte *pte)
{
	unsigned below = pt_index(addr, 0);
	unsigned long room = (v->end - addr) >> PAGE_SHIFT;
	unsigned n = 1;

	below = (unsigned)min_t(unsigned long, below,
				(addr - v->start) >> PAGE_SHIFT);
	if (below >= 1 && !pte_none(pte_read(&pte[-1])))
		n = 4;
	if (n == 4 && below >= 4 && !pte_none(pte_read(&pte[-4])) &&
	    !pte_none(pte_read(&pte[-3])))
		n = GROW_MAX;
	n = min(n, PTRS_PER_TABLE - pt_index(addr, 0));
	n = (unsigned)min_t(unsigned long, n, room);
	for (unsigned i = 1; i < n; i++)
		if (!pte_none(pte_read(&pte[i])))
			return i;
	return n;
}

static unsigned anon_alloc(struct page **pages, unsigned want,
			   unsigned long addr)
{
	unsigned n;

	for (n = 0; n < want; n++) {
		pages[n] = page_alloc(n ? GFP_USERPAGE | GFP_ZERO | GFP_NOWARN
					: GFP_USER | GFP_ZERO, 0);
		if (!pages[n])
			break;
		page_set_anon(pages[n], addr + n * PAGE_SIZE);
	}
	return n;
}

/* Installs as many as are still free, in order; ptl held. */
static unsigned anon_install_locked(struct vma *v, struct pte *pte,
				    struct page **pages, unsigned n)
{
	bool writable = v->flags & VM_WRITE;
	unsigned i;

	smp_wmb();	/* the pages' zeroes, before any entry */
	for (i = 0; i < n && pte_none(pte[i]); i++)
		pte_store(&pte[i], vma_pte(v, page_to_pa(pages[i]), writable));
	pt_page(pte)->pt_used += i;
	return i;
}

static int anon_write(struct vma *v, unsigned long addr, struct pte *pte)
{
	struct page *pages[GROW_MAX];
	unsigned n, used;

	n = anon_alloc(pages, grow_count(v, addr, pte), addr);
	if (!n)
		return -ENOMEM;
	if (!v->has_anon)
		WRITE_ONCE(v->has_anon, true);
	spin_lock(pte_lock_of(pte));
	used = anon_install_locked(v, pte, pages, n);
	spin_unlock(pte_lock_of(pte));
	if (unlikely(used < n))
		free_unmapped(pages + used, n - used);
	if (used) {
		rss_add(v->mm, used, 0, 0);
		vmstat_add(VM_ANON, used);
		tlb_note_fill(used);
	}
	return 0;
}

/* --- stores to read-only entries --- */

/* Pages around that became ours alone (the child is gone) get their write
 * permission back along with this one. ptl held. */
static void reuse_around_locked(struct vma *v, unsigned long addr,
				struct pte *pte)
{
	unsigned at = pt_index(addr, 0);
	unsigned first = at & ~(REUSE_WINDOW - 1);

	for (unsigned i = first; i < first + REUSE_WINDOW; i++) {
		unsigned long a = addr + ((long)i - (long)at) * (long)PAGE_SIZE;
		struct pte *q = pte + ((long)i - (long)at);
		struct pte e = *q;
		struct page *p;

		if (a < v->start || a >= v->end || !pte_present(e) ||
		    pte_writable(e))
			continue;
		p = pte_page(e);
		if (p && page_test(p, PG_ANON) && page_is_exclusive(p))
			pte_store(q, pte_mkwrite(pte_mkyoung(e)));
	}
}

/* True if it was settled without a copy; else a reference on the old page
 * (if it has one) was taken for copying. */
static bool reuse_or_hold(struct vma *v, unsigned long addr, struct pte *pte,
			  struct pte old, struct page *p)
{
	bool settled = true;

	spin_lock(pte_lock_of(pte));
	if (pte->v != old.v)
		goto out_unlock;
	if (p && page_test(p, PG_ANON) && page_is_exclusive(p)) {
		if (v->flags & VM_WRITE)
			reuse_around_locked(v, addr, pte);
		goto out_unlock;
	}
	settled = false;
	if (p)
		page_get(p);
out_unlock:
	spin_unlock(pte_lock_of(pte));
	return settled;
}

/* Puts the copy in the place of `old`; false if that has changed. */
static bool replace_entry(struct vma *v, struct pte *pte, struct pte old,
			  struct page *copy)
{
	struct pte e = vma_pte(v, page_to_pa(copy), v->flags & VM_WRITE);
	struct mm *mm = v->mm;
	bool same;

	spin_lock(pte_lock_of(pte));
	same = pte->v == old.v;
	if (same) {
		if (mm->active.bits & ~(1ull << hart_id())) {
			pte_store(pte, PTE_NONE);
			mm_flush(mm);
			pte_write(pte, e);
		} else {
			pte_write(pte, e);
			mm_flush(mm);
		}
	}
	spin_unlock(pte_lock_of(pte));
	return same;
}

static void drop_replaced(struct vma *v, struct page *p)
{
	u32 left;

	if (!p) {		/* the zero page counted nowhere */
		rss_add(v->mm, 1, 0, 0);
		vmstat_add(VM_ANON, 1);
		return;
	}
	left = page_mapcount_dec(p);
	if (!page_test(p, PG_ANON)) {
		bool is_shmem = mapping_is_shmem(v->mapping);

		rss_add(v->mm, 1, is_shmem ? 0 : -1, is_shmem ? -1 : 0);
		vmstat_add(VM_ANON, 1);
		if (!left)
			vmstat_add(VM_MAPPED, -1);
	}
	page_put(p);
}

static int cow(struct vma *v, unsigned long addr, struct pte *pte,
	       struct pte old)
{
	struct page *p = pte_page(old), *copy;

	if (reuse_or_hold(v, addr, pte, old, p))
		return 0;
	copy = page_alloc(p ? GFP_USER : GFP_USER | GFP_ZERO, 0);
	if (!copy) {
		if (p)
			page_put(p);
		return -ENOMEM;
	}
	if (p)
		page_copy(page_to_va(copy), page_to_va(p));
	page_set_anon(copy, addr);
	WRITE_ONCE(v->has_anon, true);
	if (replace_entry(v, pte, old, copy)) {
		drop_replaced(v, p);
		vmstat_add(VM_COW, 1);
		if (unlikely(v->flags & VM_EXEC))
			icache_flush_all();
	} else {
		free_unmapped(&copy, 1);
	}
	if (p)
		page_put(p);
	return 0;
}

/* A frame that is not the zero page has no page to copy from: device
 * memory.  A private store to it is refused. */
static bool is_device_entry(struct pte e)
{
	return pte_special(e) && pte_pa(e) != page_to_pa(zero_page);
}

static int fault_write_protected(struct vma *v, unsigned long addr,
				 struct pte *pte, struct pte old)
{
	if (v->flags & VM_SHARED)
		return fault_mkwrite(v, addr, pte, old);
	if (unlikely(is_device_entry(old)))
		return -EFAULT;
	return cow(v, addr, pte, old);
}

/* The entry allows the access: a hart's TLB is behind, or the accessed bit
 * must be set by software. */
static int fault_spurious(struct pte *pte, unsigned flags)
{
	struct pte want = pte_mkyoung(PTE_NONE);

	spin_lock(pte_lock_of(pte));
	if (pte_present(*pte)) {
		if ((flags & FAULT_WRITE) && pte_writable(*pte))
			want = pte_mkwrite(want);
		__atomic_fetch_or(&pte->v, want.v, __ATOMIC_RELAXED);
	}
	spin_unlock(pte_lock_of(pte));
	if (!(flags & FAULT_REMOTE))
		tlb_flush_local();
	return 0;
}

__hot int fault_page(struct vma *v, unsigned long addr, unsigned flags)
{
	struct pte *pte, e;

	addr &= PAGE_MASK;
	pte = pt_get(v->mm, addr);
	if (!pte)
		return -ENOMEM;
	e = pte_read(pte);
	if (pte_none(e)) {
		if (!vma_is_anon(v))
			return fault_file(v, addr, pte, flags);
		return flags & FAULT_WRITE ? anon_write(v, addr, pte)
					   : anon_read(v, pte);
	}
	if (!pte_present(e))
		return pte_is_parked(e) ? -EFAULT : -EIO;
	if ((flags & FAULT_WRITE) && !pte_writable(e))
		return fault_write_protected(v, addr, pte, e);
	return fault_spurious(pte, flags);
}

/* --- the way in --- */

struct vma *fault_find_vma_relock(struct mm *mm, unsigned long addr)
	__no_analysis
{
	struct vma *v;

	if (rwsem_read_lock_killable(&mm->map_lock))
		return NULL;
	v = vma_find(mm, addr);
	if (likely(v && v->start <= addr))
		return v;
	if (!v || !(v->flags & VM_GROWSDOWN))
		goto out_unlock;
	rwsem_read_unlock(&mm->map_lock);
	if (rwsem_write_lock_killable(&mm->map_lock))
		return NULL;
	v = vma_find(mm, addr);
	if (v && v->start > addr &&
	    (!(v->flags & VM_GROWSDOWN) || stack_expand_locked(v, addr)))
		v = NULL;
	rwsem_downgrade(&mm->map_lock);
	if (v)
		return v;
out_unlock:
	rwsem_read_unlock(&mm->map_lock);
	return NULL;
}

static bool vma_allows(const struct vma *v, unsigned flags)
{
	if (flags & FAULT_WRITE)
		return v->flags & VM_WRITE;
	if (flags & FAULT_EXEC)
		return v->flags & VM_EXEC;
	return v->flags & (VM_READ | VM_WRITE);
}

/* What user mode gets for an error; the kernel only needs "not 0". */
static int fault_signal(int err, unsigned flags, int *code)
{
	if ((flags & FAULT_USER) && fatal_signal_pending(current))
		return 0;	/* dies on the way out */
	switch (err) {
	case -EFAULT:
		*code = SEGV_ACCERR;
		return SIGSEGV;
	case -ENOMEM:
		*code = 0;
		return SIGKILL;
	case -EINTR:
		*code = SEGV_MAPERR;
		return SIGSEGV;
	default:
		*code = BUS_ADRERR;
		return SIGBUS;
	}
}

__hot int mm_fault(struct regs *r, unsigned long addr, unsigned flags,
		   int *code)
{
	struct mm *mm = current->mm;
	struct vma *v;
	int err;

	*code = SEGV_MAPERR;
	if (unlikely(!mm || current->pagefault_disabled || addr >= TASK_SIZE))
		return SIGSEGV;
	irqs_unmask();
	if (unlikely(in_atomic()))
		return SIGSEGV;
	current->min_flt++;
	if (!(flags & FAULT_USER))
		current->hart->faults++;	/* arch counts the others */
	v = fault_find_vma_relock(mm, addr);
	if (unlikely(!v))
		return fatal_signal_pending(current) && (flags & FAULT_USER) ?
			0 : SIGSEGV;
	err = vma_allows(v, flags) ? fault_page(v, addr, flags) : -EFAULT;
	rwsem_read_unlock(&mm->map_lock);
	return likely(!err) ? 0 : fault_signal(err, flags, code);
}

int mm_fault_in(unsigned long addr, size_t len, bool write)
{
	unsigned flags = (write ? FAULT_WRITE : FAULT_READ) | FAULT_REMOTE;
	unsigned long end = addr + len;
	struct mm *mm = current->mm;
	struct vma *v;
	int err = 0;

	if (!mm || end < addr || end > TASK_SIZE)
		return -EFAULT;
	for (addr &= PAGE_MASK; addr < end && !err; addr += PAGE_SIZE) {
		struct pte *pte;
		struct pte e;

		v = fault_find_vma_relock(mm, addr);
		if (!v)
			return -EFAULT;
		pte = pt_find(mm, addr);
		e = pte ? pte_read(pte) : PTE_NONE;
		if (!vma_allows(v, flags))
			err = -EFAULT;
		else if (!pte_present(e) || (write && !pte_writable(e)))
			err = fault_page(v, addr, flags);
		rwsem_read_unlock(&mm->map_lock);
	}
	return err ? -EFAULT : 0;
}
