/*
 * lru - which pages of the page cache have not been used for long.
 *
 * Theory: two lists.  A page starts on the inactive one.  Its first use sets
 *         PG_REFERENCED, a second one PG_WORKINGSET; nothing moves then.
 *         Reclaim looks at the inactive list from the old end: a page of the
 *         working set, or one whose table entries were used since the last
 *         look, becomes active; what is clean and idle leaves the cache.
 *         The active list is aged while it is the longer one: a page used
 *         again goes round, others become inactive.  So one pass over a big
 *         file does not push out what is used again and again.
 *         Anonymous pages are on no list: without swap there is nowhere to
 *         put them (docs/memory.md).
 * Locks:  lru_lock guards lists, PG_LRU and PG_ACTIVE.  A page is isolated
 *         (off the lists, referenced) while reclaim works on it.
 */
#include <kernel/init.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <kernel/waitq.h>
#include <kernel/work.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include "mm_impl.h"
#include "pt_impl.h"

#define SCAN_BATCH 32u
#define MAX_PRIORITY 10

static struct spinlock lru_lock = SPINLOCK_INIT(RANK_LRU, "lru");
static struct list inactive __guarded_by(&lru_lock);
static struct list active __guarded_by(&lru_lock);
static u64 nr_inactive __guarded_by(&lru_lock);	/* racy reads allowed */
static u64 nr_active __guarded_by(&lru_lock);

static struct irqlock shrinkers_lock =
	IRQLOCK_INIT(RANK_LEAF, "shrinkers");
static struct shrinker *shrinkers;	/* only grows: read without lock */

static struct work reclaim_work;

void (*writeback_kick_hook)(u64 nr_pages);

/* --- lists --- */

static void add_locked(struct page *p) __must_hold(&lru_lock)
{
	unsigned long f = page_test(p, PG_ACTIVE) ? PG_ACTIVE : 0;

	list_add(&p->lru, f ? &active : &inactive);
	if (f)
		nr_active++;
	else
		nr_inactive++;
	page_flag_set(p, PG_LRU);
}

static void del_locked(struct page *p) __must_hold(&lru_lock)
{
	list_del(&p->lru);
	if (page_test(p, PG_ACTIVE))
		nr_active--;
	else
		nr_inactive--;
	page_flag_clear(p, PG_LRU);
}

void lru_add_many(struct page **pages, unsigned n)
{
	spin_lock(&lru_lock);
	for (unsigned i = 0; i < n; i++)
		add_locked(pages[i]);
	spin_unlock(&lru_lock);
}

void lru_add(struct page *p)
{
	lru_add_many(&p, 1);
}

void lru_del(struct page *p)
{
	spin_lock(&lru_lock);
	if (page_test(p, PG_LRU))
		del_locked(p);
	spin_unlock(&lru_lock);
}

void lru_counts(u64 *n_active, u64 *n_inactive)
{
	*n_active = READ_ONCE(nr_active);
	*n_inactive = READ_ONCE(nr_inactive);
}

void page_mark_accessed(struct page *p)
{
	unsigned long f = READ_ONCE(p->flags);

	if (likely(f & PG_WORKINGSET))
		return;
	page_flag_set(p, f & PG_REFERENCED ? PG_WORKINGSET : PG_REFERENCED);
}

/* Takes up to n pages off the old end of a list, referenced. */
static unsigned isolate(struct list *from, struct page **pages, unsigned n)
{
	unsigned got = 0;

	spin_lock(&lru_lock);
	while (n-- && !list_empty(from)) {
		struct page *p = list_last_entry(from, struct page, lru);

		if (!ref_tryget(&p->refs)) {
			/* Being freed: its owner takes it off. */
			list_move(&p->lru, from);
			continue;
		}
		del_locked(p);
		pages[got++] = p;
	}
	spin_unlock(&lru_lock);
	return got;
}

static void put_back(struct page *p)
{
	lru_add(p);
	page_put(p);
}

/* --- one page --- */

enum verdict { KEEP, ACTIVATE, FREED };

static bool was_used(struct page *p)
{
	if (page_test(p, PG_WORKINGSET))
		return true;
	return page_mapcount(p) && page_test_clear_young(p);
}

/* A locked page with a mapping. */
static enum verdict try_free(struct page *p, u64 *nr_dirty)
{
	if (was_used(p))
		return ACTIVATE;
	if (page_test(p, PG_WRITEBACK))
		return KEEP;
	if (page_mapcount(p) && !page_try_unmap_all(p))
		return KEEP;
	if (page_test(p, PG_DIRTY)) {
		++*nr_dirty;
		return KEEP;
	}
	return page_cache_evict(p) ? FREED : KEEP;
}

static bool scan_page(struct page *p, u64 *nr_dirty)
{
	enum verdict v = KEEP;

	if (!page_trylock(p)) {
		put_back(p);
		return false;
	}
	if (p->mapping)
		v = try_free(p, nr_dirty);
	page_unlock(p);
	if (v == FREED || !p->mapping) {
		page_put(p);
		return v == FREED;
	}
	if (v == ACTIVATE) {
		page_flag_clear(p, PG_WORKINGSET | PG_REFERENCED);
		page_flag_set(p, PG_ACTIVE);
	}
	put_back(p);
	return false;
}

/* --- lists of pages --- */

static u64 shrink_inactive(u64 nr, u64 *nr_dirty)
{
	struct page *pages[SCAN_BATCH];
	u64 freed = 0;

	while (nr) {
		unsigned n = isolate(&inactive, pages,
				     (unsigned)min_t(u64, nr, SCAN_BATCH));

		if (!n)
			break;
		for (unsigned i = 0; i < n; i++)
			freed += scan_page(pages[i], nr_dirty);
		vmstat_add(VM_SCANNED, n);
		nr -= n;
		cond_resched();
	}
	return freed;
}

static void age_active(u64 nr)
{
	struct page *pages[SCAN_BATCH];

	while (nr && READ_ONCE(nr_active) > READ_ONCE(nr_inactive)) {
		unsigned n = isolate(&active, pages,
				     (unsigned)min_t(u64, nr, SCAN_BATCH));

		if (!n)
			break;
		for (unsigned i = 0; i < n; i++) {
			struct page *p = pages[i];

			if (page_test(p, PG_WORKINGSET | PG_REFERENCED))
				page_flag_clear(p, PG_WORKINGSET |
						PG_REFERENCED);
			else
				page_flag_clear(p, PG_ACTIVE);
			put_back(p);
		}
		nr -= n;
		cond_resched();
	}
}

/* --- shrinkers --- */

void shrinker_register(struct shrinker *s)
{
	irq_lock(&shrinkers_lock);
	s->next = shrinkers;
	store_release(&shrinkers, s);
	irq_unlock(&shrinkers_lock);
}

static u64 run_shrinkers(unsigned gfp, int priority)
{
	struct shrinker *s;
	u64 freed = 0;

	if (!(gfp & GFP_FS))
		return 0;
	for (s = load_acquire(&shrinkers); s; s = s->next) {
		u64 n = s->count() >> priority;

		if (n)
			freed += s->scan(n, gfp);
	}
	return freed;
}

/* What waits per hart for its next use, and is neither cache nor page. */
static void drain_idle(void)
{
	mm_zombies_drain();
	pt_caches_drain();
	kstacks_drain();
	slab_shrink_all();
}

/* --- entry points --- */

u64 reclaim_pages(unsigned gfp, u64 target)
{
	bool was_memalloc = current->flags & TF_MEMALLOC;
	u64 freed = 0, nr_dirty = 0;

	might_sleep();
	current->flags |= TF_MEMALLOC;
	for (int prio = MAX_PRIORITY; prio >= 0 && freed < target; prio -= 2) {
		u64 n = READ_ONCE(nr_inactive) >> prio;

		age_active(max_t(u64, READ_ONCE(nr_active) >> prio,
				 SCAN_BATCH));
		freed += shrink_inactive(max_t(u64, n, SCAN_BATCH), &nr_dirty);
		freed += run_shrinkers(gfp, prio);
		if (prio <= 2)
			drain_idle();
	}
	if (!was_memalloc)
		current->flags &= ~TF_MEMALLOC;
	vmstat_add(VM_RECLAIMED, (long)freed);
	if (nr_dirty && writeback_kick_hook)
		writeback_kick_hook(max_t(u64, nr_dirty, 256));
	/* Dirty pages become clean: give the writer a moment. */
	if (!freed && nr_dirty && (gfp & GFP_IO)) {
		sleep_ns(5 * NSEC_PER_MSEC);
		return 1;
	}
	return freed;
}

static void reclaim_run(struct work *w)
{
	while (buddy_free_pages() < watermarks.high)
		if (!reclaim_pages(GFP_KERNEL, 128))
			break;
}

void reclaim_wake(void)
{
	if (reclaim_work.fn)
		work_queue(&reclaim_work);
}

/* Work queues run from here on. */
static void reclaim_start(void)
{
	work_init(&reclaim_work, reclaim_run);
}
INIT(INIT_CORE, reclaim_start);

/* An isolated page: leaves the cache, or goes back on its list. */
static void drop_one(struct page *p)
{
	bool gone = false;

	if (page_trylock(p)) {
		gone = p->mapping && page_cache_evict(p);
		page_unlock(p);
	}
	if (gone)
		page_put(p);
	else
		put_back(p);
}

static void drop_list(struct list *from, u64 left)
{
	struct page *pages[SCAN_BATCH];

	while (left) {
		unsigned n = isolate(from, pages, (unsigned)
				     min_t(u64, left, SCAN_BATCH));

		if (!n)
			break;
		left -= n;
		for (unsigned i = 0; i < n; i++)
			drop_one(pages[i]);
		cond_resched();
	}
}

void drop_caches(unsigned what)
{
	if (what & 1) {
		drop_list(&active, READ_ONCE(nr_active));
		drop_list(&inactive, READ_ONCE(nr_inactive));
	}
	if (what & 2)
		for (int i = 0; i < 4 && run_shrinkers(GFP_KERNEL, 0); i++)
			cond_resched();
	/* The dead give back their stacks first, then slabs go. */
	rcu_barrier();
	drain_idle();
	rcu_barrier();
}

void lru_init(void)
{
	list_init(&inactive);
	list_init(&active);
}
