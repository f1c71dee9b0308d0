/*
 * page_alloc - page frames: chunks, the buddy lists, per-hart lists.
 *
 * Theory: RAM is cut into 2 MiB chunks.  A free chunk that was never used is
 *         "virgin": it has no struct pages yet and costs nothing.  When the
 *         free lists run dry the lowest virgin chunk is populated: its part
 *         of the vmemmap array is mapped (onto memory set aside at boot for
 *         exactly that), cleared, and the chunk enters the buddy lists as
 *         one block.  So boot writes next to nothing, and memory that was
 *         used before is used again first, which an emulator likes.
 *         Above the buddy lists each hart keeps a stack of single pages, last
 *         in first out.  Only its own hart touches it, with preemption off;
 *         an interrupt that finds it busy goes to the buddy lists.
 *         Frames that held executed code go to a cold list and are reused
 *         last (writing to them is dear under emulation).
 *         References: a look-up without locks may hold a page for a moment
 *         while it is already something else.  So freeing drops a reference,
 *         and whoever drops the last one frees.
 * Locks:  buddy_lock (RANK_BUDDY, irqlock) guards lists, counts and chunks.
 * Context: any, without GFP_WAIT.
 */
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/spinlock.h>
#include <kernel/trace.h>
#include <lib/bitmap.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/page.h>
#include "mm_impl.h"

#define CHUNK_SHIFT 21
#define CHUNK_SIZE (1ull << CHUNK_SHIFT)
#define CHUNK_ORDER (CHUNK_SHIFT - PAGE_SHIFT)
#define CHUNK_PAGES (1ul << CHUNK_ORDER)
#define CHUNK_META (CHUNK_PAGES * sizeof(struct page))

enum chunk_state { CHUNK_NONE, CHUNK_VIRGIN, CHUNK_POPULATED };

#define PCP_MAX 64u
#define PCP_BATCH 32u

struct pcp {
	u32 n;			/* this hart */
	u32 busy;		/* this hart: inside, interrupts keep out */
	u64 allocs, frees;	/* this hart; racy reads allowed */
	struct page *pages[PCP_MAX];
} __aligned(64);

struct free_area {
	struct list list;
	u64 nr;
};

struct bank {
	u64 first, end;		/* chunks */
	paddr_t meta;		/* backing of its struct pages */
};

static struct irqlock buddy_lock = IRQLOCK_INIT(RANK_BUDDY, "buddy");
static struct free_area areas[MAX_ORDER + 1] __guarded_by(&buddy_lock);
static struct list cold_pages __guarded_by(&buddy_lock);
static u64 nr_cold __guarded_by(&buddy_lock);
static u64 nr_free __guarded_by(&buddy_lock);	/* racy reads allowed */
static u64 nr_virgin __guarded_by(&buddy_lock);	/* chunks */
static u64 virgin_hint __guarded_by(&buddy_lock);
static u8 *chunks;		/* states; entries change under buddy_lock */
static u64 nr_chunks;		/* const after init */
static struct bank banks[MAX_MEM_RANGES];	/* const after init */
static unsigned nr_banks;
static paddr_t table_next, table_end;		/* vmemmap's page tables */
static u64 total_pages;
static DEFINE_PER_HART(struct pcp, pcps);

struct watermarks watermarks;
struct page *zero_page;

/* --- chunks --- */

static paddr_t vmemmap_table_alloc(void)
{
	paddr_t pa = table_next;

	if (pa >= table_end)
		return 0;
	table_next += PAGE_SIZE;
	page_zero(pa_to_va(pa));
	return pa;
}

static struct bank *bank_of(u64 chunk)
{
	for (unsigned i = 0; i < nr_banks; i++)
		if (chunk >= banks[i].first && chunk < banks[i].end)
			return &banks[i];
	return NULL;
}

/* Maps and clears the struct pages of a chunk. */
static bool chunk_map_locked(u64 chunk)
{
	struct page *first = pfn_to_page(chunk << CHUNK_ORDER);
	struct bank *b = bank_of(chunk);

	if (!b || kernel_map((unsigned long)first,
			     b->meta + (chunk - b->first) * CHUNK_META,
			     CHUNK_META, PROT_R | PROT_W | PROT_GLOBAL,
			     vmemmap_table_alloc))
		return false;
	memset(first, 0, CHUNK_META);
	chunks[chunk] = CHUNK_POPULATED;
	return true;
}

static bool chunk_is_populated(u64 chunk)
{
	return chunk < nr_chunks && READ_ONCE(chunks[chunk]) == CHUNK_POPULATED;
}

bool pfn_valid(pfn_t pfn)
{
	return chunk_is_populated(pfn >> CHUNK_ORDER) &&
	       !page_test(pfn_to_page(pfn), PG_RESERVED);
}

/* --- buddy lists; buddy_lock held --- */

static void area_add(struct page *p, unsigned order)
{
	p->order = order;
	p->flags = PG_BUDDY;
	list_add(&p->lru, &areas[order].list);
	areas[order].nr++;
}

static void area_del(struct page *p, unsigned order)
{
	assert((p->flags & PG_BUDDY) && p->order == order);
	list_del(&p->lru);
	p->flags = 0;
	areas[order].nr--;
}

static bool is_free_block(pfn_t pfn, unsigned order)
{
	struct page *p = pfn_to_page(pfn);

	return chunk_is_populated(pfn >> CHUNK_ORDER) &&
	       (p->flags & PG_BUDDY) && p->order == order;
}

static void buddy_free_locked(struct page *p, unsigned order)
{
	pfn_t pfn = page_to_pfn(p);

	nr_free += 1ull << order;
	while (order < MAX_ORDER) {
		pfn_t other = pfn ^ (1ul << order);

		if (!is_free_block(other, order))
			break;
		area_del(pfn_to_page(other), order);
		pfn &= other;
		order++;
	}
	area_add(pfn_to_page(pfn), order);
}

/* Takes the lowest untouched chunk into the buddy lists. */
static bool populate_one_locked(u64 chunk)
{
	if (chunk >= nr_chunks || chunks[chunk] != CHUNK_VIRGIN)
		return false;
	nr_virgin--;
	nr_free -= CHUNK_PAGES;
	if (!chunk_map_locked(chunk)) {
		chunks[chunk] = CHUNK_NONE;
		return false;
	}
	buddy_free_locked(pfn_to_page(chunk << CHUNK_ORDER), CHUNK_ORDER);
	return true;
}

static bool populate_locked(unsigned order)
{
	u64 c;

	for (c = virgin_hint; c < nr_chunks && nr_virgin; c++) {
		if (chunks[c] != CHUNK_VIRGIN)
			continue;
		if (order <= CHUNK_ORDER) {
			virgin_hint = c;
			return populate_one_locked(c);
		}
		if (!(c & 1) && c + 1 < nr_chunks &&
		    chunks[c + 1] == CHUNK_VIRGIN)
			return populate_one_locked(c) &&
			       populate_one_locked(c + 1);
	}
	return false;
}

static bool cold_drain_locked(void)
{
	bool any = false;

	while (!list_empty(&cold_pages)) {
		struct page *p = list_first_entry(&cold_pages, struct page,
						  lru);

		list_del(&p->lru);
		nr_cold--;
		nr_free--;
		buddy_free_locked(p, 0);
		any = true;
	}
	return any;
}

static struct page *take_block_locked(unsigned order)
{
	unsigned o = order;
	struct page *p;

	while (o <= MAX_ORDER && list_empty(&areas[o].list))
		o++;
	if (o > MAX_ORDER)
		return NULL;
	p = list_first_entry(&areas[o].list, struct page, lru);
	area_del(p, o);
	while (o > order) {
		o--;
		area_add(p + (1ul << o), o);
	}
	nr_free -= 1ull << order;
	return p;
}

static struct page *buddy_take_locked(unsigned order)
{
	struct page *p;

	do {
		p = take_block_locked(order);
		if (p)
			return p;
	} while (populate_locked(order) || cold_drain_locked());
	return NULL;
}

/* A block, if that leaves more than `reserve` pages free. */
static struct page *buddy_try(unsigned order, u64 reserve)
{
	struct page *p = NULL;

	irq_lock(&buddy_lock);
	if (nr_free >= reserve + (1ull << order))
		p = buddy_take_locked(order);
	irq_unlock(&buddy_lock);
	return p;
}

/* --- per-hart lists --- */

static __always_inline struct pcp *pcp_enter(void)
{
	struct pcp *c;

	preempt_disable();
	c = &per_hart(pcps, hart_id());
	if (unlikely(c->busy)) {
		preempt_enable();
		return NULL;
	}
	c->busy = 1;
	barrier();
	return c;
}

static __always_inline void pcp_leave(struct pcp *c)
{
	barrier();
	c->busy = 0;
	preempt_enable();
}

static void pcp_refill(struct pcp *c)
{
	irq_lock(&buddy_lock);
	while (c->n < PCP_BATCH && nr_free > watermarks.low) {
		struct page *p = buddy_take_locked(0);

		if (!p)
			break;
		c->pages[c->n++] = p;
	}
	irq_unlock(&buddy_lock);
}

/* Gives the oldest n pages back. */
static void pcp_trim(struct pcp *c, u32 n)
{
	irq_lock(&buddy_lock);
	for (u32 i = 0; i < n; i++)
		buddy_free_locked(c->pages[i], 0);
	irq_unlock(&buddy_lock);
	c->n -= n;
	memmove(c->pages, c->pages + n, c->n * sizeof(c->pages[0]));
}

static __always_inline struct page *pcp_alloc(void)
{
	struct pcp *c = pcp_enter();
	struct page *p = NULL;

	if (!c)
		return NULL;
	if (unlikely(!c->n))
		pcp_refill(c);
	if (likely(c->n)) {
		p = c->pages[--c->n];
		c->allocs++;
	}
	pcp_leave(c);
	return p;
}

static void list_drain(void *unused)
{
	struct pcp *c = pcp_enter();

	if (!c)
		return;
	pcp_trim(c, c->n);
	pcp_leave(c);
}

/* Gives the per-hart lists of all harts back to the buddy lists. */
static void page_lists_drain(void)
{
	hart_call_all(list_drain, NULL);
}

/* --- allocation --- */

static u64 reserve_of(unsigned gfp)
{
	if (current->flags & TF_MEMALLOC)
		return 0;
	if (gfp & GFP_HIGH)
		return watermarks.min / 4;
	if (gfp & GFP_USERPAGE)
		return watermarks.min;
	return watermarks.min / 2;
}

/* Kills someone to get memory; true if it is worth another try. */
static bool oom_kill(unsigned gfp)
{
	if (!(gfp & GFP_USERPAGE) || !oom_kill_hook)
		return false;
	if (fatal_signal_pending(current))
		return false;
	oom_kill_hook();
	return !fatal_signal_pending(current);
}

#define RECLAIM_TRIES 8

static struct page *alloc_reclaiming(unsigned gfp, unsigned order)
{
	u64 reserve = reserve_of(gfp);
	struct page *p;
	int idle_tries = 0;

	for (;;) {
		u64 got = reclaim_pages(gfp, 64ull << order / 2);

		p = buddy_try(order, reserve);
		if (p)
			return p;
		if (got && order <= 3) {
			if (fatal_signal_pending(current) &&
			    (gfp & GFP_USERPAGE))
				return NULL;
			continue;
		}
		if (++idle_tries < RECLAIM_TRIES && got)
			continue;
		page_lists_drain();
		p = buddy_try(order, reserve);
		if (p || !oom_kill(gfp))
			return p;
		idle_tries = 0;
	}
}

static noinline struct page *alloc_slow(unsigned gfp, unsigned order)
{
	struct page *p = buddy_try(order, watermarks.low);

	if (p)
		return p;
	reclaim_wake();
	p = buddy_try(order, reserve_of(gfp));
	if (p || !(gfp & GFP_WAIT) || (current->flags & TF_MEMALLOC))
		return p;
	return alloc_reclaiming(gfp, order);
}

static void warn_failed(unsigned gfp, unsigned order)
{
	static u32 warned;

	if ((gfp & (GFP_NOWARN | GFP_USERPAGE)) || !(gfp & GFP_WAIT))
		return;
	if (fetch_add_relaxed(&warned, 1) < 10)
		pr_warn("page allocation failure: order %u, gfp %x, %llu free\n",
			order, gfp, buddy_free_pages());
}

static __always_inline void page_prepare(struct page *p, unsigned gfp,
					 unsigned order)
{
	p->flags = 0;
	p->mapcount = 0;
	p->mapping = NULL;
	p->priv = 0;
	ref_init(&p->refs, 1);
	page_site_set(p, order, CONFIG_POISON ? alloc_site() : 0);
	if (gfp & GFP_ZERO)
		for (unsigned i = 0; i < 1u << order; i++)
			page_zero(page_to_va(p + i));
}

__hot struct page *page_alloc(unsigned gfp, unsigned order)
{
	struct page *p = NULL;

	assert(order <= MAX_ORDER);
	if (alloc_should_fail())
		return NULL;
	if (likely(!order))
		p = pcp_alloc();
	if (unlikely(!p)) {
		p = alloc_slow(gfp, order);
		if (!p) {
			warn_failed(gfp, order);
			return NULL;
		}
		vmstat_add(VM_ALLOC, 1l << order);
	}
	page_prepare(p, gfp, order);
	trace_page_alloc(page_to_pfn(p), order, gfp);
	return p;
}

/* --- freeing --- */

static void check_free(struct page *p)
{
	BUG_ON(p->flags & (PG_BUDDY | PG_RESERVED));
	assert(!p->mapcount);
	assert(!(p->flags & (PG_LRU | PG_LOCKED | PG_WRITEBACK)));
	if (CONFIG_POISON)
		memset(page_to_va(p), 0x6b, PAGE_SIZE);
}

static void cold_add(struct page *p)
{
	irq_lock(&buddy_lock);
	p->flags = 0;
	list_add_tail(&p->lru, &cold_pages);
	nr_cold++;
	nr_free++;
	irq_unlock(&buddy_lock);
}

/* Frees the frames; the references are gone. */
static __hot void free_block(struct page *p, unsigned order)
{
	struct pcp *c;

	check_free(p);
	page_site_set(p, order, 0);
	trace_page_free(page_to_pfn(p), order);
	p->mapping = NULL;
	if (!order && (p->flags & PG_EXEC)) {
		cold_add(p);
		return;
	}
	c = order ? NULL : pcp_enter();
	if (!c) {
		vmstat_add(VM_FREED, 1l << order);
		irq_lock(&buddy_lock);
		buddy_free_locked(p, order);
		irq_unlock(&buddy_lock);
		return;
	}
	if (unlikely(c->n == PCP_MAX))
		pcp_trim(c, PCP_BATCH);
	c->pages[c->n++] = p;
	c->frees++;
	pcp_leave(c);
}

void page_free(struct page *p, unsigned order)
{
	if (likely(ref_put(&p->refs))) {
		free_block(p, order);
		return;
	}
	/* A look-up holds the first page for a moment and will free it as a
	 * single one; the rest goes now. */
	p->flags &= PG_EXEC;
	while (order--)
		free_block(p + (1ul << order), order);
}

void page_free_last(struct page *p)
{
	unsigned order = p->flags & PG_HEAD ? p->priv : 0;

	if (p->flags & PG_LRU)
		lru_del(p);
	if (p->flags & PG_ANON)
		p->flags &= ~(PG_ANON | PG_DIRTY);
	free_block(p, order);
}

void page_put(struct page *p)
{
	if (ref_put(&p->refs))
		page_free_last(p);
}

void pages_put(struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		page_put(pages[i]);
}

/* The references are set to zero here: exclusive pages only. */
void pages_free_list(struct list *pages)
{
	struct list *l = pages->next, *next;

	for (; l != pages; l = next) {
		struct page *p = list_entry(l, struct page, lru);

		next = l->next;
		p->mapcount = 0;
		if (likely(ref_put(&p->refs)))
			free_block(p, 0);
	}
	list_init(pages);
}

void *pages_alloc_va(unsigned gfp, unsigned order)
{
	struct page *p = page_alloc(gfp, order);

	return p ? page_to_va(p) : NULL;
}

void pages_free_va(void *va, unsigned order)
{
	if (va)
		page_free(va_to_page(va), order);
}

/* --- counts --- */

u64 buddy_free_pages(void)
{
	return READ_ONCE(nr_free);
}

static u64 pcp_free_pages(void)
{
	u64 n = 0;

	for_each_hart(h)
		n += READ_ONCE(per_hart(pcps, h->id).n);
	return n;
}

void pcp_counts(u64 *allocs, u64 *frees)
{
	*allocs = 0;
	*frees = 0;
	for_each_hart(h) {
		*allocs += READ_ONCE(per_hart(pcps, h->id).allocs);
		*frees += READ_ONCE(per_hart(pcps, h->id).frees);
	}
}

u64 mem_total_pages(void)
{
	return READ_ONCE(total_pages);
}

u64 mem_free_pages(void)
{
	return buddy_free_pages() + pcp_free_pages();
}

void buddy_stats(u64 free[MAX_ORDER + 1])
{
	irq_lock(&buddy_lock);
	for (unsigned o = 0; o <= MAX_ORDER; o++)
		free[o] = areas[o].nr;
	free[0] += nr_cold;
	free[CHUNK_ORDER] += nr_virgin;
	irq_unlock(&buddy_lock);
}

/* --- start-up, and memory given back later --- */

/* Frees [pfn, end) of populated chunks in the largest aligned blocks. */
static void free_run_locked(pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		unsigned order = CHUNK_ORDER;

		while (!IS_ALIGNED(pfn, 1ul << order) ||
		       pfn + (1ul << order) > end)
			order--;
		for (pfn_t i = pfn; i < pfn + (1ul << order); i++)
			pfn_to_page(i)->flags = 0;
		buddy_free_locked(pfn_to_page(pfn), order);
		pfn += 1ul << order;
	}
}

static bool chunk_reserve_locked(u64 chunk)
{
	struct page *p = pfn_to_page(chunk << CHUNK_ORDER);

	if (chunk_is_populated(chunk))
		return true;
	if (chunks[chunk] != CHUNK_NONE || !chunk_map_locked(chunk))
		return false;
	for (unsigned long i = 0; i < CHUNK_PAGES; i++) {
		p[i].flags = PG_RESERVED;
		ref_init(&p[i].refs, 1);
	}
	return true;
}

static u64 add_range_locked(pfn_t pfn, pfn_t end, bool is_virgin)
{
	u64 added = 0;

	while (pfn < end) {
		u64 chunk = pfn >> CHUNK_ORDER;
		pfn_t stop = min((pfn_t)((chunk + 1) << CHUNK_ORDER), end);

		if (is_virgin && stop - pfn == CHUNK_PAGES) {
			chunks[chunk] = CHUNK_VIRGIN;
			nr_virgin++;
			nr_free += CHUNK_PAGES;
			added += CHUNK_PAGES;
		} else if (chunk_reserve_locked(chunk)) {
			for (pfn_t i = pfn; i < stop; i++)
				ref_init(&pfn_to_page(i)->refs, 0);
			free_run_locked(pfn, stop);
			added += stop - pfn;
		}
		pfn = stop;
	}
	return added;
}

void mem_add_range(paddr_t start, paddr_t end)
{
	pfn_t first = ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT;
	pfn_t last = end >> PAGE_SHIFT;

	if (first >= last)
		return;
	irq_lock(&buddy_lock);
	total_pages += add_range_locked(first, last, false);
	irq_unlock(&buddy_lock);
}

/* Cuts `size` bytes off the end of the largest free range. */
static paddr_t carve(u64 size)
{
	struct mem_range *best = NULL;

	size = ALIGN_UP(size, PAGE_SIZE);
	for (unsigned i = 0; i < boot_free_ram_count; i++) {
		struct mem_range *r = &boot_free_ram[i];

		if (!best || r->end - r->start > best->end - best->start)
			best = r;
	}
	if (!best || best->end - best->start < size)
		panic("no room for the page array: %llu KiB\n", size >> 10);
	best->end -= size;
	return best->end;
}

static void align_free_ram(void)
{
	for (unsigned i = 0; i < boot_free_ram_count; i++) {
		struct mem_range *r = &boot_free_ram[i];

		r->start = ALIGN_UP(r->start, PAGE_SIZE);
		r->end = ALIGN_DOWN(r->end, PAGE_SIZE);
		if (r->end < r->start)
			r->end = r->start;
	}
}

/* Banks that share a chunk are joined, so that each chunk has one backing. */
static void find_banks(void)
{
	for (unsigned i = 0; i < boot_ram_count; i++) {
		u64 first = boot_ram[i].start >> CHUNK_SHIFT;
		u64 end = ALIGN_UP(boot_ram[i].end, CHUNK_SIZE) >> CHUNK_SHIFT;
		struct bank *b = nr_banks ? &banks[nr_banks - 1] : NULL;

		nr_chunks = max(nr_chunks, end);
		if (b && first >= b->first && first <= b->end) {
			b->end = max(b->end, end);
			continue;
		}
		banks[nr_banks++] = (struct bank){ .first = first, .end = end };
	}
}

static void reserve_backing(void)
{
	u64 tables = 0;

	for (unsigned i = 0; i < nr_banks; i++) {
		u64 bytes = (banks[i].end - banks[i].first) * CHUNK_META;

		banks[i].meta = carve(bytes);
		/* leaf tables, and the two levels above at both ends */
		tables += bytes / PMD_SIZE + 2 + bytes / PUD_SIZE + 2 + 1;
	}
	table_next = carve(tables * PAGE_SIZE);
	table_end = table_next + tables * PAGE_SIZE;
	chunks = pa_to_va(carve(nr_chunks));
	memset(chunks, CHUNK_NONE, nr_chunks);
}

/* The image's pages may be mapped into user space (vDSO). */
static void reserve_image(void)
{
	paddr_t pa = ALIGN_DOWN(image_to_pa(_text), CHUNK_SIZE);

	for (; pa < image_to_pa(_end); pa += CHUNK_SIZE)
		if (!chunk_reserve_locked(pa >> CHUNK_SHIFT))
			panic("no struct pages for the kernel image\n");
}

static void set_watermarks(u64 min)
{
	WRITE_ONCE(watermarks.min, min);
	WRITE_ONCE(watermarks.low, min + min / 4);
	WRITE_ONCE(watermarks.high, min + min / 2);
}

int mem_set_min_free(u64 pages)
{
	if (pages > total_pages / 2)
		return -EINVAL;
	set_watermarks(pages);
	return 0;
}

void page_alloc_init(void)
{
	for (unsigned o = 0; o <= MAX_ORDER; o++)
		list_init(&areas[o].list);
	list_init(&cold_pages);
	align_free_ram();
	find_banks();
	reserve_backing();
	irq_lock(&buddy_lock);
	reserve_image();
	for (unsigned i = 0; i < boot_free_ram_count; i++)
		total_pages += add_range_locked(
			boot_free_ram[i].start >> PAGE_SHIFT,
			boot_free_ram[i].end >> PAGE_SHIFT, true);
	irq_unlock(&buddy_lock);
	set_watermarks(clamp_t(u64, total_pages / 256, 128, 2048));
	zero_page = page_alloc(GFP_ZERO, 0);
	if (!zero_page)
		panic("no memory at all\n");
	page_flag_set(zero_page, PG_RESERVED | PG_UPTODATE);
}
