/*
 * zap - taking pages out of user tables, and freeing them after the flush.
 *
 * Theory: a page must not be reused while a TLB may still reach it.  So what
 *         is unmapped is gathered: pages that only this entry referred to go
 *         on a list through page.lru as they are (nobody else can find an
 *         anonymous page), others into batches of pointers.  gather_finish()
 *         flushes once, then frees.  If no memory for another batch can be
 *         had, a flush in between makes room.
 *         When an address space dies nobody runs it and its areas are on no
 *         mapping's list: then neither locks nor a flush are needed.
 */
#include <kernel/spinlock.h>
#include "pt_impl.h"

#define BATCH_PAGES ((PAGE_SIZE - sizeof(struct gather_batch)) / sizeof(void *))

void rss_add(struct mm *mm, s64 anon, s64 file, s64 shmem)
{
	if (anon)
		__atomic_fetch_add(&mm->rss.anon, anon, __ATOMIC_RELAXED);
	if (file)
		__atomic_fetch_add(&mm->rss.file, file, __ATOMIC_RELAXED);
	if (shmem)
		__atomic_fetch_add(&mm->rss.shmem, shmem, __ATOMIC_RELAXED);
	if (anon + file + shmem > 0) {
		u64 rss = mm_rss_pages(mm);

		if (rss > READ_ONCE(mm->hiwater_rss))
			WRITE_ONCE(mm->hiwater_rss, rss);
	}
}

void gather_init(struct gather *g, struct mm *mm)
{
	g->mm = mm;
	list_init(&g->anon);
	list_init(&g->tables);
	g->batch = NULL;
	g->nr_first = 0;
	g->needs_flush = false;
	g->is_exit = false;
	g->anon_n = 0;
	g->file_n = 0;
	g->shmem_n = 0;
}

static void free_batches(struct gather *g)
{
	pages_put(g->first, g->nr_first);
	g->nr_first = 0;
	while (g->batch) {
		struct gather_batch *b = g->batch;

		g->batch = b->next;
		pages_put(b->pages, b->n);
		pages_free_va(b, 0);
	}
}

static void gather_flush(struct gather *g)
{
	if (g->needs_flush && !g->is_exit)
		mm_flush(g->mm);
	g->needs_flush = false;
	pages_free_list(&g->anon);
	free_batches(g);
	pt_put_tables(&g->tables);
}

void gather_finish(struct gather *g)
{
	rss_add(g->mm, -g->anon_n, -g->file_n, -g->shmem_n);
	if (g->anon_n)
		vmstat_add(VM_ANON, -g->anon_n);
	gather_flush(g);
}

static bool batch_grow(struct gather *g)
{
	struct gather_batch *b = pages_alloc_va(GFP_NOWARN, 0);

	if (!b)
		return false;
	b->n = 0;
	b->max = BATCH_PAGES;
	b->next = g->batch;
	g->batch = b;
	return true;
}

/* Keeps a page (one reference) until the flush. */
static void gather_page(struct gather *g, struct page *p)
{
	if (g->nr_first < GATHER_FIRST) {
		g->first[g->nr_first++] = p;
		return;
	}
	if ((!g->batch || g->batch->n == g->batch->max) && !batch_grow(g)) {
		gather_flush(g);
		g->first[g->nr_first++] = p;
		return;
	}
	g->batch->pages[g->batch->n++] = p;
}

static void drop_anon(struct gather *g, struct page *p)
{
	g->anon_n++;
	if (likely(page_is_exclusive(p))) {
		list_add_tail(&p->lru, &g->anon);
		return;
	}
	page_mapcount_dec(p);
	gather_page(g, p);
}

static void drop_file(struct gather *g, struct vma *v, struct page *p)
{
	if (mapping_is_shmem(v->mapping))
		g->shmem_n++;
	else
		g->file_n++;
	if (!page_mapcount_dec(p))
		vmstat_add(VM_MAPPED, -1);
	if (!(v->flags & VM_SEQ_READ) && !page_test(p, PG_REFERENCED))
		page_flag_set(p, PG_REFERENCED);
	gather_page(g, p);
}

/* Clears entries from pte on, for n pages; returns how many were in use. */
static unsigned zap_entries(struct gather *g, struct vma *v, struct pte *pte,
			    unsigned n, unsigned used, bool keep_anon)
{
	unsigned cleared = 0;

	for (unsigned i = 0; i < n && cleared < used; i++) {
		struct pte e = pte_read(&pte[i]);
		struct page *p;

		if (pte_none(e))
			continue;
		p = pte_page(e);
		if (keep_anon && p && page_test(p, PG_ANON))
			continue;
		pte_store(&pte[i], PTE_NONE);
		cleared++;
		g->needs_flush |= pte_present(e);
		if (!p)
			continue;
		if (page_test(p, PG_ANON))
			drop_anon(g, p);
		else
			drop_file(g, v, p);
	}
	return cleared;
}

/* Another thread stores by what its TLB remembers until the flush, and those
 * stores must reach the disk as well.  Write-out protects a page only where it
 * finds an entry; so no entry goes before it is protected everywhere. */
static void stop_stores_locked(struct vma *v, struct pte *pte, unsigned n)
{
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		struct pte e = pte_read(&pte[i]);

		if (pte_present(e) && pte_writable(e)) {
			pte_store(&pte[i], pte_wrprotect(e));
			any = true;
		}
	}
	if (any)
		mm_flush(v->mm);
}

static bool may_run_elsewhere(struct mm *mm)
{
	return mm != current->mm || ref_count(&mm->users) > 1;
}

static void zap_table(struct gather *g, struct vma *v, struct pte *pte,
		      unsigned n, bool keep_anon) __no_analysis
{
	struct page *table = pt_page(pte);

	if (!READ_ONCE(table->pt_used))
		return;
	if (!g->is_exit)
		spin_lock(&table->ptl);
	if (unlikely(vma_tracks_dirty(v)) && !g->is_exit &&
	    may_run_elsewhere(v->mm))
		stop_stores_locked(v, pte, n);
	table->pt_used -= zap_entries(g, v, pte, n, table->pt_used, keep_anon);
	if (!g->is_exit)
		spin_unlock(&table->ptl);
}

bool zap_range(struct gather *g, struct vma *v, unsigned long start,
	       unsigned long end, bool keep_anon)
{
	struct pte *pte;
	bool any = false;

	while ((start = pt_next(v->mm, start, end, &pte)) < end) {
		unsigned long next = pt_table_end(start, end);

		zap_table(g, v, pte, (unsigned)((next - start) >> PAGE_SHIFT),
			  keep_anon);
		start = next;
		any = true;
		if (start < end)
			cond_resched();
	}
	return any;
}
