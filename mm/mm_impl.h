#pragma once
/*
 * What the files of mm share: frames in bulk, the page cache's insides, LRU
 * and reclaim.  Page tables are in pt_impl.h.
 */
#include <kernel/assert.h>
#include <kernel/atomic.h>
#include <kernel/hart.h>
#include <mm/mapping.h>
#include <mm/page.h>

#define RLIMIT_DATA 2
#define RLIMIT_STACK 3
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS 9
#define RLIM_INFINITY (~0ull)
#define CAP_IPC_LOCK 14
#define CAP_SYS_RAWIO 17
#define CAP_SYS_ADMIN 21

/* --- start-up, in this order (init.c) --- */
void page_alloc_init(void);
void slab_init(void);
void vmap_init(void);
void page_wait_init(void);
void mapping_cache_init(void);
void lru_init(void);
void vma_cache_init(void);
void mm_cache_init(void);

/* A zeroed page for kernel_map(), or 0. */
paddr_t kernel_table_page(void);

/* --- frames --- */
/* Frees pages that nobody refers to any more (references are not looked at):
 * a list through page.lru. */
void pages_free_list(struct list *pages);
/* The last reference is gone: frees by the kind of the page. */
void page_free_last(struct page *p);
/* Free pages in the buddy lists and untouched chunks. */
u64 buddy_free_pages(void);
void pcp_counts(u64 *allocs, u64 *frees);


/* True if an allocation is to fail now (alloc_fail_at, and in debug builds
 * /proc/PID/fail-nth). */
extern u64 alloc_fail_count;
bool alloc_fail_hit(void);
bool alloc_fail_task(void);
static inline bool alloc_should_fail(void)
{
	return (CONFIG_DEBUG && alloc_fail_task()) ||
	       (unlikely(READ_ONCE(alloc_fail_count)) && alloc_fail_hit());
}

/* The place in the kernel that allocates, for /proc/allocinfo (CONFIG_POISON).
 * Any context. */
u32 alloc_site(void);
static inline void page_site_set(struct page *p, unsigned order, u32 site)
{
	for (unsigned i = 0; CONFIG_POISON && i < 1u << order; i++)
		p[i].site[0] = site;
}
/* Calls fn for each object in use, if p is the first frame of a slab. */
void slab_for_each_used(const struct page *p,
			void (*fn)(void *arg, u32 site, size_t bytes),
			void *arg);

void kmalloc_init(void);
/* Of the cache a slab page belongs to. */
size_t slab_object_size(const struct page *p);

/* --- reclaim --- */
/* Free things that wait for their next use, of all harts: kernel stacks, page
 * tables, roots of dead address spaces.  May sleep; take locks by trying. */
void kstacks_drain(void);
void pt_caches_drain(void);
void mm_zombies_drain(void);
/* Frees at least a batch of pages if it can; returns how many. May sleep. */
u64 reclaim_pages(unsigned gfp, u64 target);
void reclaim_wake(void);
/* page.lru on the LRU lists. */
void lru_add(struct page *p);
void lru_add_many(struct page **pages, unsigned n);
void lru_del(struct page *p);
void lru_counts(u64 *n_active, u64 *n_inactive);
/* A read or a fault used the page. */
void page_mark_accessed(struct page *p);
/* True if it left the cache: clean, unmapped, nobody else refers to it.
 * Locked and referenced by the caller; both stay his. */
bool page_cache_evict(struct page *p);

/* --- page cache --- */
/* Adds n fresh, locked pages with consecutive indexes from index on; returns
 * how many went in (a taken index or lack of memory ends it). */
unsigned page_cache_add_run(struct mapping *m, struct page **pages, unsigned n,
			    u64 index, unsigned gfp);
/* Up to n cached pages, from index on, consecutive, each referenced. */
unsigned page_cache_find_run(struct mapping *m, u64 index, struct page **pages,
			     unsigned n);
/* Reads [index, ...) ahead as `ra` says; req: pages wanted now. */
void readahead_sync(struct mapping *m, struct readahead *ra, u64 index,
		    u64 req);
void readahead_async(struct mapping *m, struct readahead *ra, u64 index,
		     u64 req);
/* Starts reading of absent pages of the range, without state. */
void readahead_force(struct mapping *m, u64 index, u64 n);
/* Reads one locked page in and waits; -EIO, or -EINTR if killed.  The page is
 * unlocked afterwards. */
int __must_check page_read_locked(struct page *p);

/* Of memory only: tmpfs and shared anonymous memory. */
static inline bool mapping_is_shmem(const struct mapping *m)
{
	return m && (m->flags & MAP_NO_WRITEBACK);
}

static inline u64 mapping_end_index(const struct mapping *m)
{
	return (mapping_size(m) + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* --- reverse map of files (rmap.c); page locked --- */
/* Takes it out of all user tables (private copies stay). */
void page_unmap_all(struct page *p);
/* The same, or false at once if the areas' lock is taken. */
bool page_try_unmap_all(struct page *p);
/* True if an entry had the accessed bit; clears it. */
bool page_test_clear_young(struct page *p);
/* Takes write permission from all shared entries, and flushes. */
void page_write_protect_all(struct page *p);
