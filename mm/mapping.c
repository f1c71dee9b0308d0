/*
 * mapping - the page cache: one tree of pages for each object.
 *
 * Theory: a page in the tree has one reference from it.  Look-up walks the
 *         tree under RCU, takes a reference unless the count is zero, and
 *         looks whether the page still says (mapping, index): a page that
 *         was freed in between fails the first test or the second.
 *         page.mapping changes only under the page lock and mapping.lock, so
 *         with the page lock held and page.mapping set the object behind it
 *         stays alive: whoever destroys it must lock its pages first.
 *         A page enters user tables only with mapping.lock held and the page
 *         not locked, or with the page lock held; so once somebody has the
 *         page lock and then had mapping.lock, no new entries appear.
 * Locks:  mapping.lock: tree, tags, counts.  Nodes are freed after a grace
 *         period.
 */
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <kernel/waitq.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/slab.h>
#include "mm_impl.h"
#include "pt_impl.h"

struct tree_node {
	struct radix_node node;
	struct rcu_head rcu;
};

static struct slab_cache *node_cache;

void (*mapping_dirtied_hook)(struct mapping *m);

static void *node_alloc(void)
{
	struct tree_node *n = slab_alloc(node_cache, GFP_HIGH);

	return n ? &n->node : NULL;
}

static void node_free_rcu(struct rcu_head *h)
{
	slab_free(node_cache, container_of(h, struct tree_node, rcu));
}

static void node_free(struct radix_node *node)
{
	struct tree_node *n = container_of(node, struct tree_node, node);

	call_rcu(&n->rcu, node_free_rcu);
}

static void node_free_now(struct radix_node *node)
{
	slab_free(node_cache, container_of(node, struct tree_node, node));
}

/* Puts nodes in reach of an atomic allocation, reclaiming if needed. */
static int nodes_preload(unsigned gfp)
{
	void *n = slab_alloc(node_cache, gfp & ~(GFP_ZERO | GFP_USERPAGE));

	if (!n)
		return -ENOMEM;
	slab_free(node_cache, n);
	return 0;
}

void mapping_cache_init(void)
{
	node_cache = slab_cache_create("radix_tree_node",
				       sizeof(struct tree_node), 64,
				       SLAB_RECLAIM | SLAB_PANIC, NULL);
}

/* Of objects without data: directories, sockets. */
static const struct mapping_ops no_data_ops;

void mapping_init(struct mapping *m, const struct mapping_ops *ops, void *host)
{
	memset(m, 0, sizeof(*m));
	spin_init(&m->lock, RANK_MAPPING, "mapping");
	radix_init(&m->pages, node_alloc, node_free);
	rwsem_init(&m->mmap_lock, RANK_I_MMAP, "mmap_lock");
	list_init(&m->vmas);
	m->ops = ops ? ops : &no_data_ops;
	m->host = host;
	m->gfp = GFP_USER;
}

/* --- look-up --- */

static bool page_hold(struct page *p, struct mapping *m, u64 index)
{
	if (!ref_tryget(&p->refs))
		return false;
	if (likely(READ_ONCE(p->mapping) == m && READ_ONCE(p->index) == index))
		return true;
	page_put(p);
	return false;
}

struct page *page_cache_find(struct mapping *m, u64 index)
{
	struct page *p;

	rcu_read_lock();
	do {
		p = radix_lookup(&m->pages, index);
	} while (p && !page_hold(p, m, index));
	rcu_read_unlock();
	return p;
}

unsigned page_cache_find_run(struct mapping *m, u64 index, struct page **pages,
			     unsigned n)
{
	unsigned i, got;

	rcu_read_lock();
	got = (unsigned)radix_gang_lookup(&m->pages, index, (void **)pages, n);
	for (i = 0; i < got; i++)
		if (READ_ONCE(pages[i]->index) != index + i ||
		    !page_hold(pages[i], m, index + i))
			break;
	rcu_read_unlock();
	return i;
}

struct page *page_cache_find_lock(struct mapping *m, u64 index)
{
	struct page *p;

	for (;;) {
		p = page_cache_find(m, index);
		if (!p)
			return NULL;
		page_lock(p);
		if (likely(p->mapping == m))
			return p;
		page_unlock(p);
		page_put(p);
	}
}

/* --- adding --- */

static bool is_on_lru(const struct mapping *m)
{
	return !(m->flags & MAP_NO_RECLAIM);
}

static void count_added(struct mapping *m, long n)
{
	vmstat_add(VM_FILE, n);
	if (mapping_is_shmem(m))
		vmstat_add(VM_SHMEM, n);
}

static int insert_locked(struct mapping *m, struct page *p, u64 index)
	__must_hold(&m->lock)
{
	int err;

	p->mapping = m;
	p->index = index;
	err = radix_insert(&m->pages, index, p);
	if (err)
		p->mapping = NULL;
	else
		m->nr_pages++;
	return err;
}

#define PRELOAD_TRIES 3

unsigned page_cache_add_run(struct mapping *m, struct page **pages, unsigned n,
			    u64 index, unsigned gfp)
{
	unsigned i = 0, tries = 0;
	int err = 0;

	for (unsigned k = 0; k < n; k++)
		page_get(pages[k]);	/* the cache's own */
	do {
		spin_lock(&m->lock);
		for (; i < n; i++) {
			err = insert_locked(m, pages[i], index + i);
			if (err)
				break;
		}
		spin_unlock(&m->lock);
	} while (err == -ENOMEM && tries++ < PRELOAD_TRIES &&
		 !nodes_preload(gfp));
	for (unsigned k = i; k < n; k++)
		page_put(pages[k]);
	if (!i)
		return 0;
	count_added(m, i);
	if (is_on_lru(m))
		lru_add_many(pages, i);
	return i;
}

int page_cache_add(struct mapping *m, struct page *p, u64 index, unsigned gfp)
{
	unsigned tries = 0;
	int err;

	assert(page_test(p, PG_LOCKED));
	page_get(p);
	do {
		spin_lock(&m->lock);
		err = insert_locked(m, p, index);
		spin_unlock(&m->lock);
	} while (err == -ENOMEM && tries++ < PRELOAD_TRIES &&
		 !nodes_preload(gfp));
	if (err) {
		page_put(p);
		return err;
	}
	count_added(m, 1);
	if (is_on_lru(m))
		lru_add(p);
	return 0;
}

int page_cache_grab(struct mapping *m, u64 index, struct page **page)
{
	struct page *p;
	int err;

	for (;;) {
		p = page_cache_find_lock(m, index);
		if (p)
			break;
		p = page_alloc(m->gfp, 0);
		if (!p)
			return -ENOMEM;
		p->flags = PG_LOCKED;	/* nobody else knows it */
		err = page_cache_add(m, p, index, m->gfp);
		if (!err)
			break;
		page_unlock(p);
		page_put(p);
		if (err != -EEXIST)
			return err;
	}
	*page = p;
	return 0;
}

/* --- removing --- */

static void remove_locked(struct mapping *m, struct page *p)
	__must_hold(&m->lock)
{
	void *old = radix_delete(&m->pages, p->index);

	BUG_ON(old != p);
	m->nr_pages--;
	WRITE_ONCE(p->mapping, NULL);
}

static void release_private(struct mapping *m, struct page *p)
{
	if (page_test(p, PG_PRIVATE) && m->ops->page_release)
		m->ops->page_release(m, p);
}

void page_cache_remove(struct page *p)
{
	struct mapping *m = p->mapping;

	assert(page_test(p, PG_LOCKED) && m);
	release_private(m, p);
	spin_lock(&m->lock);
	if (unlikely(page_mapcount(p))) {
		/* From now on nobody new maps it; once is enough, but for a
		 * dying address space that will let go of it anyway. */
		spin_unlock(&m->lock);
		page_unmap_all(p);
		spin_lock(&m->lock);
	}
	remove_locked(m, p);
	spin_unlock(&m->lock);
	if (__atomic_fetch_and(&p->flags, ~PG_DIRTY, __ATOMIC_SEQ_CST) &
	    PG_DIRTY)
		if (!mapping_is_shmem(m)) {
			vmstat_add(VM_DIRTY, -1);
			current->io_cancelled_bytes += PAGE_SIZE;
		}
	count_added(m, -1);
	page_put(p);
}

bool page_cache_evict(struct page *p)
{
	struct mapping *m = p->mapping;
	bool is_shmem = mapping_is_shmem(m);
	int two = 2;

	if (page_test(p, PG_DIRTY | PG_WRITEBACK) || page_mapcount(p))
		return false;
	release_private(m, p);
	if (page_test(p, PG_PRIVATE))
		return false;
	spin_lock(&m->lock);
	/* The tree's reference and the caller's, frozen so that look-ups
	 * fail from now on. */
	if (!__atomic_compare_exchange_n(&p->refs.n, &two, 0, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		spin_unlock(&m->lock);
		return false;
	}
	if (page_test(p, PG_DIRTY)) {
		ref_init(&p->refs, 2);
		spin_unlock(&m->lock);
		return false;
	}
	remove_locked(m, p);
	spin_unlock(&m->lock);
	/* m may be gone. */
	vmstat_add(VM_FILE, -1);
	if (is_shmem)
		vmstat_add(VM_SHMEM, -1);
	ref_init(&p->refs, 1);	/* the caller's */
	return true;
}

u64 mapping_invalidate(struct mapping *m, u64 first, u64 last)
{
	struct page *pages[16];
	u64 dropped = 0;
	unsigned n;

	while (first <= last) {
		unsigned long at = first;
		struct page *p;

		rcu_read_lock();
		p = radix_next(&m->pages, &at);
		rcu_read_unlock();
		if (!p || at > last)
			break;
		first = at;
		n = page_cache_find_run(m, first, pages,
					(unsigned)min_t(u64, 15,
							last - first) + 1);
		for (unsigned i = 0; i < n; i++) {
			if (page_trylock(pages[i])) {
				if (pages[i]->mapping == m &&
				    page_cache_evict(pages[i]))
					dropped++;
				page_unlock(pages[i]);
			}
			page_put(pages[i]);
		}
		first += max(n, 1u);
		cond_resched();
	}
	return dropped;
}

/* Everything goes, and no reader can be in the tree any more. */
void mapping_destroy(struct mapping *m)
{
	unsigned long index = 0;
	struct page *p;

	assert(list_empty(&m->vmas));
	m->pages.free = node_free_now;
	for (;;) {
		rcu_read_lock();
		p = radix_next(&m->pages, &index);
		if (p && !ref_tryget(&p->refs))
			p = NULL;
		rcu_read_unlock();
		if (!p) {
			if (radix_empty(&m->pages))
				break;
			cond_resched();	/* reclaim has it: let it finish */
			continue;
		}
		page_lock(p);
		page_wait_clear(p, PG_WRITEBACK);
		if (p->mapping == m)
			page_cache_remove(p);
		page_unlock(p);
		page_put(p);
	}
	/* Reclaim may have taken the last page and still hold the lock. */
	spin_lock(&m->lock);
	spin_unlock(&m->lock);
	radix_destroy(&m->pages);
}
