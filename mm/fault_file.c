/*
 * fault_file - page faults on files.
 *
 * Theory: a read first maps whatever is cached of the 64 pages around, in
 *         one go: one look-up, one lock each for table and tree, no I/O.
 *         Only if the wanted page is not among them it is fetched, locked
 *         (so that truncation waits), and mapped.
 *         Pages of shared areas are mapped read-only first where stores must
 *         be noticed; the first store asks the file system and marks the
 *         page dirty, under the page lock.  Memory files need none of that.
 *         A private store copies the page at once.
 */
#include <arch/trap.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <lib/errno.h>
#include <lib/string.h>
#include "pt_impl.h"

#define AROUND 64u
#define READ_AROUND 64u
#define READ_AHEAD_SEQ 256u

/* May a read fault map it writable? */
static bool maps_writable(const struct vma *v)
{
	return (v->flags & (VM_SHARED | VM_WRITE)) ==
	       (VM_SHARED | VM_WRITE) && !vma_tracks_dirty(v);
}

static void count_mapped(struct vma *v, unsigned n, unsigned first_time)
{
	if (mapping_is_shmem(v->mapping))
		rss_add(v->mm, 0, 0, n);
	else
		rss_add(v->mm, 0, n, 0);
	if (first_time)
		vmstat_add(VM_MAPPED, first_time);
}

/* Code that no hart has fetched yet: stale instruction caches must go. */
static bool mark_exec(struct page *p)
{
	if (likely(page_test(p, PG_EXEC)))
		return false;
	page_flag_set(p, PG_EXEC);
	return true;
}

/* --- fault-around --- */

struct around {
	struct vma *v;
	struct pte *base;	/* entry of the first page */
	u64 index;		/* of the first page */
	unsigned n;
	unsigned mapped, first_time;
	bool new_code;
};

static bool is_mappable(const struct page *p)
{
	return (READ_ONCE(p->flags) & (PG_LOCKED | PG_UPTODATE | PG_ERROR)) ==
	       PG_UPTODATE;
}

/* ptl and mapping.lock held. */
static void around_map_locked(struct around *a, struct page **pages,
			      unsigned got)
{
	struct pte model = pte_make(0, maps_writable(a->v) ?
				    a->v->prot : a->v->prot & ~PROT_W);
	bool is_exec = a->v->flags & VM_EXEC;

	smp_rmb();
	for (unsigned i = 0; i < got; i++) {
		struct page *p = pages[i];
		u64 k = p->index - a->index;

		if (k >= a->n)
			break;
		if (!is_mappable(p) || !pte_none(a->base[k]))
			continue;
		if (!(__atomic_fetch_add(page_ref_word(p), PAGE_MAP_ONE,
					 __ATOMIC_ACQUIRE) >> 32))
			a->first_time++;
		if (is_exec)
			a->new_code |= mark_exec(p);
		pte_store(&a->base[k], pte_at(model, page_to_pa(p)));
		a->mapped++;
	}
	pt_page(a->base)->pt_used += a->mapped;
}

static void around_map(struct around *a)
{
	struct mapping *m = a->v->mapping;
	struct page *pages[AROUND];
	unsigned got;

	spin_lock(pte_lock_of(a->base));
	spin_lock(&m->lock);
	got = (unsigned)radix_gang_lookup(&m->pages, a->index,
					  (void **)pages, a->n);
	around_map_locked(a, pages, got);
	spin_unlock(&m->lock);
	spin_unlock(pte_lock_of(a->base));
	if (a->new_code)
		icache_flush_all();
	if (a->mapped)
		count_mapped(a->v, a->mapped, a->first_time);
}

/* Maps what is cached around addr; true if addr is now mapped. */
static bool fault_around(struct vma *v, unsigned long addr, struct pte *pte)
{
	/* Aligned in the file, as read-around is, within one table. */
	unsigned long back = (vma_index(v, addr) % AROUND) << PAGE_SHIFT;
	unsigned long start = addr > back ? addr - back : 0;
	unsigned long end = min(addr - back + AROUND * PAGE_SIZE,
				pt_table_end(addr, v->end));
	u64 file_end = mapping_end_index(v->mapping);
	struct around a = { .v = v };

	start = max3(start, v->start, addr & ~(PMD_SIZE - 1));
	a.index = vma_index(v, start);
	a.base = pte - ((addr - start) >> PAGE_SHIFT);
	if (vma_index(v, addr) >= file_end || prot_is_none(v->prot))
		return false;
	a.n = (unsigned)min_t(u64, (end - start) >> PAGE_SHIFT,
			      file_end - a.index);
	around_map(&a);
	tlb_note_fill(1);
	return !pte_none(pte_read(pte));
}

/* --- one page --- */

static int ask_fault(struct vma *v, unsigned long addr, unsigned flags,
		     struct page **page)
{
	struct vma_fault f = {
		.vma = v, .addr = addr, .index = vma_index(v, addr),
		.flags = flags,
	};
	int err = v->ops->fault(&f);

	*page = f.page;
	return err;
}

/* Takes the page lock if the page belongs to the area's mapping. -EAGAIN if
 * it left that. */
static int lock_for_map(struct vma *v, struct page *p)
{
	int err;

	if (!v->mapping)
		return 0;
	err = page_lock_killable(p);
	if (err)
		return err;
	if (likely(p->mapping == v->mapping))
		return 0;
	page_unlock(p);
	return -EAGAIN;
}

static void unlock_after_map(struct vma *v, struct page *p)
{
	if (v->mapping)
		page_unlock(p);
}

/* The caller's reference becomes the entry's; false if it is taken. */
static bool install_page(struct vma *v, struct pte *pte, struct page *p,
			 bool writable)
{
	bool is_first, done = false;

	spin_lock(pte_lock_of(pte));
	if (pte_none(*pte)) {
		is_first = !__atomic_fetch_add(&p->mapcount, 1,
					       __ATOMIC_RELAXED);
		pte_install(pte, vma_pte(v, page_to_pa(p), writable));
		count_mapped(v, 1, is_first);
		done = true;
	}
	spin_unlock(pte_lock_of(pte));
	if (done && (v->flags & VM_EXEC) && mark_exec(p))
		icache_flush_all();
	return done;
}

static int map_fetched(struct vma *v, struct pte *pte, struct page *p)
{
	int err = lock_for_map(v, p);
	bool done;

	if (err) {
		page_put(p);
		return err == -EAGAIN ? 0 : err;	/* faults again */
	}
	done = install_page(v, pte, p, maps_writable(v));
	unlock_after_map(v, p);
	if (!done)
		page_put(p);
	return 0;
}

static int fault_read(struct vma *v, unsigned long addr, struct pte *pte,
		      unsigned flags)
{
	struct page *p;
	int err;

	if (v->mapping && fault_around(v, addr, pte))
		return 0;
	err = ask_fault(v, addr, flags, &p);
	if (err)
		return err;
	page_mark_accessed(p);
	/* Reading brought neighbours along. */
	if (v->mapping && fault_around(v, addr, pte)) {
		page_put(p);
		return 0;
	}
	return map_fetched(v, pte, p);
}

static bool install_copy(struct vma *v, struct pte *pte, struct page *copy)
{
	bool done = false;

	spin_lock(pte_lock_of(pte));
	if (pte_none(*pte)) {
		pte_install(pte, vma_pte(v, page_to_pa(copy),
					 v->flags & VM_WRITE));
		done = true;
	}
	spin_unlock(pte_lock_of(pte));
	if (done) {
		rss_add(v->mm, 1, 0, 0);
		vmstat_add(VM_ANON, 1);
	}
	return done;
}

/*
 * A private store to a page that is not there: copied at once.  The page is
 * locked until the copy is in the table: truncation, which takes copies away
 * once the pages are gone, waits for that; or the page has left the file.
 */
static int fault_private_write(struct vma *v, unsigned long addr,
			       struct pte *pte, unsigned flags)
{
	struct page *copy, *p;
	bool done;
	int err = ask_fault(v, addr, flags, &p);

	if (err)
		return err;
	copy = page_alloc(GFP_USER, 0);
	if (!copy) {
		page_put(p);
		return -ENOMEM;
	}
	page_set_anon(copy, addr);
	err = lock_for_map(v, p);
	if (err)
		goto out_free;
	page_copy(page_to_va(copy), page_to_va(p));
	WRITE_ONCE(v->has_anon, true);
	done = install_copy(v, pte, copy);
	unlock_after_map(v, p);
	page_put(p);
	if (done)
		return 0;
	p = NULL;
out_free:
	if (p)
		page_put(p);
	copy->mapcount = 0;
	copy->flags = 0;
	page_free(copy, 0);
	return err == -EAGAIN ? 0 : err;	/* faults again */
}

/* Locked page: the file system agrees, and it is dirty from now on. */
static int make_dirty(struct vma *v, struct page *p)
{
	struct mapping *m = v->mapping;
	int err = 0;

	if (!m)
		return v->ops->mkwrite ? v->ops->mkwrite(v, p) : 0;
	if (p->index >= mapping_end_index(m))
		return -ENXIO;
	if (v->ops->mkwrite)
		err = v->ops->mkwrite(v, p);
	else if (m->ops->page_mkwrite)
		err = m->ops->page_mkwrite(m, p);
	if (!err)
		page_mark_dirty(p);
	return err;
}

static int fault_shared_write(struct vma *v, unsigned long addr,
			      struct pte *pte, unsigned flags)
{
	bool done = false;
	struct page *p;
	int err = ask_fault(v, addr, flags, &p);

	if (err)
		return err;
	err = lock_for_map(v, p);
	if (err) {
		page_put(p);
		return err == -EAGAIN ? 0 : err;
	}
	err = make_dirty(v, p);
	if (!err)
		done = install_page(v, pte, p, true);
	unlock_after_map(v, p);
	if (!done)
		page_put(p);
	return err;
}

int fault_mkwrite(struct vma *v, unsigned long addr, struct pte *pte,
		  struct pte old)
{
	struct page *p = pte_page(old);
	int err;

	if (!p)
		return -EFAULT;
	spin_lock(pte_lock_of(pte));
	if (pte->v != old.v) {
		spin_unlock(pte_lock_of(pte));
		return 0;
	}
	page_get(p);
	spin_unlock(pte_lock_of(pte));
	err = lock_for_map(v, p);
	if (err) {
		page_put(p);
		return err == -EAGAIN ? 0 : err;
	}
	err = make_dirty(v, p);
	if (!err) {
		spin_lock(pte_lock_of(pte));
		if (pte->v == old.v)
			pte_store(pte, pte_mkwrite(pte_mkyoung(old)));
		spin_unlock(pte_lock_of(pte));
	}
	unlock_after_map(v, p);
	page_put(p);
	return err;
}

int fault_file(struct vma *v, unsigned long addr, struct pte *pte,
	       unsigned flags)
{
	if (vma_is_special(v))
		return flags & FAULT_WRITE ? -EFAULT : fault_special(v);
	if (!v->ops->fault)
		return -ENXIO;
	if (!(flags & FAULT_WRITE))
		return fault_read(v, addr, pte, flags);
	if (v->flags & VM_SHARED)
		return fault_shared_write(v, addr, pte, flags);
	return fault_private_write(v, addr, pte, flags);
}

/* --- files in the page cache --- */

static void note_major(void)
{
	current->maj_flt++;
	if (current->min_flt)
		current->min_flt--;
	current->hart->faults_major++;
}

static void read_around(struct vma *v, u64 index)
{
	struct mapping *m = v->mapping;

	if (!m->ops->read_pages || (v->flags & VM_RAND_READ))
		return;
	if (v->flags & VM_SEQ_READ)
		readahead_force(m, index, READ_AHEAD_SEQ);
	else
		readahead_force(m, index & ~(u64)(READ_AROUND - 1),
				READ_AROUND);
}

int filemap_fault(struct vma_fault *f)
{
	struct mapping *m = f->vma->mapping;
	struct page *p;
	int err;

	if (f->index >= mapping_end_index(m))
		return -ENXIO;
	p = page_cache_find(m, f->index);
	if (!p) {
		if (m->ops->read_pages)
			note_major();
		read_around(f->vma, f->index);
	} else {
		page_put(p);
	}
	err = page_cache_read(m, f->index, &f->page);
	if (err)
		return err;
	if (likely(f->index < mapping_end_index(m)))
		return 0;
	page_put(f->page);
	return -ENXIO;
}
