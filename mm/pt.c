/*
 * pt - the tables of an address space: finding, making and freeing them.
 *
 * Theory: tables are installed by compare-and-exchange, so faults need no
 *         common lock; the loser gives its page back.  A table is freed only
 *         with map_lock held for writing, after every area in its reach has
 *         left both the tree and its mapping's list, so nobody else can be
 *         in it.  A freed table is all zero and kept as such in a small
 *         stack per hart: neither clearing nor allocating costs anything in
 *         a fork-exit cycle.  Its owner uses it with preemption off and marks
 *         it busy; the interrupt that empties it leaves a busy one alone.
 */
#include <kernel/spinlock.h>
#include <lib/string.h>
#include "pt_impl.h"

#define CACHED_TABLES 24u
#define CACHED_ROOTS 4u

struct table_cache {
	u32 n, nr_roots;
	u32 busy;
	struct page *tables[CACHED_TABLES];	/* zero */
	struct pte *roots[CACHED_ROOTS];	/* user half zero */
};

static struct table_cache caches[MAX_HARTS];	/* each: its hart */

static __always_inline struct table_cache *cache_enter(void)
{
	struct table_cache *c;

	preempt_disable();
	c = &caches[hart_id()];
	c->busy = 1;
	barrier();
	return c;
}

static __always_inline void cache_leave(struct table_cache *c)
{
	barrier();
	c->busy = 0;
	preempt_enable();
}

static struct page *table_cached(void)
{
	struct table_cache *c = cache_enter();
	struct page *p = c->n ? c->tables[--c->n] : NULL;

	cache_leave(c);
	return p;
}

static struct page *table_alloc(void)
{
	struct page *p = table_cached();

	if (!p) {
		p = page_alloc(GFP_KERNEL | GFP_ZERO, 0);
		if (!p)
			return NULL;
		p->flags = PG_TABLE;
		vmstat_add(VM_TABLES, 1);
	}
	spin_init(&p->ptl, RANK_PTL, "ptl");
	p->pt_used = 0;
	return p;
}

static void table_release(struct page *p)
{
	vmstat_add(VM_TABLES, -1);
	p->flags = 0;
	page_free(p, 0);
}

/* The table is all zero. */
static void table_free(struct page *p)
{
	struct table_cache *c = cache_enter();

	if (c->n < CACHED_TABLES) {
		c->tables[c->n++] = p;
		p = NULL;
	}
	cache_leave(c);
	if (p)
		table_release(p);
}

void pt_put_tables(struct list *tables)
{
	while (!list_empty(tables)) {
		struct page *p = list_first_entry(tables, struct page, lru);

		list_del(&p->lru);
		table_free(p);
	}
}

struct pte *pt_root_get(void)
{
	struct table_cache *c = cache_enter();
	struct pte *root = c->nr_roots ? c->roots[--c->nr_roots] : NULL;

	cache_leave(c);
	if (!root) {
		root = pages_alloc_va(GFP_KERNEL | GFP_ZERO, 0);
		if (!root)
			return NULL;
		vmstat_add(VM_TABLES, 1);
	}
	pt_root_init(root);
	return root;
}

static void root_release(struct pte *root)
{
	vmstat_add(VM_TABLES, -1);
	pages_free_va(root, 0);
}

/* The user half is all zero. */
void pt_root_put(struct pte *root)
{
	struct table_cache *c = cache_enter();

	if (c->nr_roots < CACHED_ROOTS) {
		c->roots[c->nr_roots++] = root;
		root = NULL;
	}
	cache_leave(c);
	if (root)
		root_release(root);
}

/* In an interrupt, or with interrupts off. */
static void cache_empty(void *unused)
{
	struct table_cache *c = &caches[hart_id()];

	if (c->busy)
		return;
	while (c->n)
		table_release(c->tables[--c->n]);
	while (c->nr_roots)
		root_release(c->roots[--c->nr_roots]);
}

void pt_caches_drain(void)
{
	hart_call_all(cache_empty, NULL);
}

static struct pte *step_down(struct pte *table, unsigned long addr,
			     unsigned level)
{
	struct pte e = pte_read(&table[pt_index(addr, level)]);

	return pte_none(e) ? NULL : pt_table(e);
}

__hot struct pte *pt_find(struct mm *mm, unsigned long addr)
{
	struct pte *t = step_down(mm->root, addr, 2);

	if (!t)
		return NULL;
	t = step_down(t, addr, 1);
	return t ? &t[pt_index(addr, 0)] : NULL;
}

/* The table below an entry, made if absent. */
static struct pte *step_make(struct mm *mm, struct pte *entry)
{
	struct pte e = pte_read(entry);
	struct page *p;

	if (!pte_none(e))
		return pt_table(e);
	p = table_alloc();
	if (!p)
		return NULL;
	e = pte_make_table(page_to_pa(p));
	if (!cmpxchg(&entry->v, (u64)0, e.v)) {
		table_free(p);
		return pt_table(pte_read(entry));
	}
	__atomic_fetch_add(&mm->rss.tables, 1, __ATOMIC_RELAXED);
	return page_to_va(p);
}

__hot struct pte *pt_get(struct mm *mm, unsigned long addr)
{
	struct pte *t = step_make(mm, &mm->root[pt_index(addr, 2)]);

	if (!t)
		return NULL;
	t = step_make(mm, &t[pt_index(addr, 1)]);
	return t ? &t[pt_index(addr, 0)] : NULL;
}

unsigned long pt_next(struct mm *mm, unsigned long addr, unsigned long end,
		      struct pte **pte)
{
	while (addr < end) {
		struct pte *t = step_down(mm->root, addr, 2);

		if (!t) {
			addr = (addr + PUD_SIZE) & ~(PUD_SIZE - 1);
			continue;
		}
		t = step_down(t, addr, 1);
		if (t) {
			*pte = &t[pt_index(addr, 0)];
			return addr;
		}
		addr = (addr + PMD_SIZE) & ~(PMD_SIZE - 1);
	}
	return end;
}

/* Takes the tables below the entry's reach out: leaf tables in
 * [start, end). */
static void cut_leaves(struct mm *mm, struct pte *mid, unsigned long start,
		       unsigned long end, struct list *out)
{
	for (unsigned long a = start; a < end; a += PMD_SIZE) {
		struct pte *e = &mid[pt_index(a, 1)];
		struct page *p;

		if (pte_none(*e))
			continue;
		p = pa_to_page(pte_pa(*e));
		BUG_ON(p->pt_used);
		pte_store(e, PTE_NONE);
		list_add(&p->lru, out);
		__atomic_fetch_sub(&mm->rss.tables, 1, __ATOMIC_RELAXED);
	}
}

/* Rounds [start, end) outwards to `size`, but keeps out of what is below
 * floor or above ceiling. False if nothing is left. */
static bool round_out(unsigned long *start, unsigned long *end,
		      unsigned long floor, unsigned long ceiling,
		      unsigned long size)
{
	unsigned long lo = *start & ~(size - 1);
	unsigned long hi = (*end + size - 1) & ~(size - 1);

	if (lo < floor)
		lo += size;
	if (hi > ceiling)
		hi -= size;
	*start = lo;
	*end = hi;
	return lo < hi;
}

static void cut_mid(struct mm *mm, unsigned long start, unsigned long end,
		    struct list *out)
{
	for (unsigned long a = start; a < end; a += PUD_SIZE) {
		struct pte *e = &mm->root[pt_index(a, 2)];

		if (pte_none(*e))
			continue;
		list_add(&pa_to_page(pte_pa(*e))->lru, out);
		pte_store(e, PTE_NONE);
		__atomic_fetch_sub(&mm->rss.tables, 1, __ATOMIC_RELAXED);
	}
}

void pt_free_leaves(struct mm *mm, unsigned long start, unsigned long end,
		    unsigned long floor, unsigned long ceiling,
		    struct list *out)
{
	if (!round_out(&start, &end, floor, ceiling, PMD_SIZE))
		return;
	while (start < end) {
		unsigned long next = (start + PUD_SIZE) & ~(PUD_SIZE - 1);
		struct pte *mid = step_down(mm->root, start, 2);

		next = min(next, end);
		if (mid)
			cut_leaves(mm, mid, start, next, out);
		start = next;
	}
}

void pt_free_mids(struct mm *mm, struct list *out)
{
	cut_mid(mm, 0, USER_END, out);
}

void pt_free_range(struct mm *mm, unsigned long start, unsigned long end,
		   unsigned long floor, unsigned long ceiling,
		   struct list *out)
{
	pt_free_leaves(mm, start, end, floor, ceiling, out);
	if (round_out(&start, &end, floor, ceiling, PUD_SIZE))
		cut_mid(mm, start, end, out);
}
