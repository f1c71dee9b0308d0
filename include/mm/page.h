#pragma once
/*
 * Physical pages.  struct page exists for each frame that was ever handed
 * out; the array is populated a 2 MiB chunk at a time (docs/memory.md).
 */
#include <arch/mmu.h>
#include <kernel/ref.h>
#include <kernel/lock_types.h>
#include <lib/list.h>

struct mapping;

struct page {
	unsigned long flags;	/* PG_*. atomic */
	struct ref refs;	/* with mapcount one 64-bit word: see pt_impl.h */
	u32 mapcount;		/* user page-table entries. atomic */
	union {
		struct {	/* page cache, anonymous */
			struct mapping *mapping;	/* page lock */
			u64 index;	/* in pages */
		};
		struct {	/* slab */
			void *slab_cache;
			void *freelist;
		};
		struct {	/* a page table */
			struct spinlock ptl;
			u32 pt_used;
		};
		struct {	/* free */
			u32 order;
		};
	};
	struct list lru;	/* lru, free list, slab list, batches */
	unsigned long priv;	/* slab: inuse; cache: fs private; order of a
				 * compound head */
	u32 site[CONFIG_POISON];	/* who allocated it; 0: free */
} __aligned(64);

static_assert(sizeof(struct page) == 64 || CONFIG_DEBUG || CONFIG_POISON,
	      "struct page");

/* page.flags */
#define PG_LOCKED	(1ul << 0)	/* page_lock */
#define PG_UPTODATE	(1ul << 1)
#define PG_DIRTY	(1ul << 2)
#define PG_WRITEBACK	(1ul << 3)
#define PG_LRU		(1ul << 4)
#define PG_ACTIVE	(1ul << 5)
#define PG_REFERENCED	(1ul << 6)
#define PG_WAITERS	(1ul << 7)	/* someone waits on the lock bits */
#define PG_ERROR	(1ul << 8)
#define PG_ANON		(1ul << 9)
#define PG_SLAB		(1ul << 10)
#define PG_TABLE	(1ul << 11)
#define PG_BUDDY	(1ul << 12)
#define PG_RESERVED	(1ul << 13)
#define PG_HEAD		(1ul << 14)	/* of a compound; order in priv */
#define PG_READAHEAD	(1ul << 15)
#define PG_SWAPBACKED	(1ul << 16)
#define PG_RECLAIM	(1ul << 17)
#define PG_PRIVATE	(1ul << 18)	/* fs data in priv */
#define PG_PCP		(1ul << 19)	/* on a per-hart list */
#define PG_EXEC		(1ul << 20)	/* was mapped executable: reuse last */
#define PG_UNEVICTABLE	(1ul << 21)
#define PG_WORKINGSET	(1ul << 22)	/* used twice: reclaim activates it */

static inline bool page_test(const struct page *p, unsigned long f)
{
	return READ_ONCE(p->flags) & f;
}
void page_flag_set(struct page *p, unsigned long f);
void page_flag_clear(struct page *p, unsigned long f);

#define vmemmap ((struct page *)VMEMMAP_BASE)

static inline pfn_t page_to_pfn(const struct page *p)
{
	return (pfn_t)(p - vmemmap);
}
static inline struct page *pfn_to_page(pfn_t pfn)
{
	return vmemmap + pfn;
}
static inline paddr_t page_to_pa(const struct page *p)
{
	return (paddr_t)page_to_pfn(p) << PAGE_SHIFT;
}
static inline struct page *pa_to_page(paddr_t pa)
{
	return pfn_to_page(pa >> PAGE_SHIFT);
}
static inline void *page_to_va(const struct page *p)
{
	return pa_to_va(page_to_pa(p));
}
static inline struct page *va_to_page(const void *va)
{
	return pa_to_page(va_to_pa(va));
}
/* Gives RAM that was reserved at boot to the allocator: the initrd after use,
 * start-up code.  Whole pages inside the range. */
void mem_add_range(paddr_t start, paddr_t end);
/* False for what is not RAM or was never handed out. */
bool pfn_valid(pfn_t pfn);

/* How to allocate. */
#define GFP_WAIT	1u	/* may sleep, reclaim, write back */
#define GFP_IO		2u	/* may start I/O in reclaim */
#define GFP_FS		4u	/* may enter file systems in reclaim */
#define GFP_ZERO	8u
#define GFP_HIGH	16u	/* may use the reserves */
#define GFP_NOWARN	32u
#define GFP_USERPAGE	64u	/* for user space: no reserves at all */
#define GFP_TEXT	128u	/* prefers frames that held code */
#define GFP_KERNEL	(GFP_WAIT | GFP_IO | GFP_FS)
#define GFP_NOFS	(GFP_WAIT | GFP_IO)
#define GFP_NOIO	GFP_WAIT
#define GFP_ATOMIC	GFP_HIGH
#define GFP_USER	(GFP_KERNEL | GFP_USERPAGE)

#define MAX_ORDER 10		/* largest block: 4 MiB */

/* 2^order contiguous pages with one reference on the head, or NULL. */
struct page *page_alloc(unsigned gfp, unsigned order);
void page_free(struct page *p, unsigned order);	/* drops nothing: frees */
static inline void page_get(struct page *p)
{
	ref_get(&p->refs);
}
/* Frees at the last reference. */
void page_put(struct page *p);
/* Drops many, e.g. at unmap; cheaper than one by one. */
void pages_put(struct page **pages, unsigned n);

/* For a kernel user of whole pages: address or NULL. */
void *pages_alloc_va(unsigned gfp, unsigned order);
void pages_free_va(void *va, unsigned order);

extern struct page *zero_page;	/* const after init */

/* Page lock: a sleeping bit lock. */
void page_lock(struct page *p);
int __must_check page_lock_killable(struct page *p);
bool __must_check page_trylock(struct page *p);
void page_unlock(struct page *p);
/* Waits until the bit (PG_LOCKED, PG_WRITEBACK) is clear. */
void page_wait_clear(struct page *p, unsigned long bit);
/* Clears and wakes. Any context. */
void page_clear_wake(struct page *p, unsigned long bit);

/* Counters, for /proc/meminfo and vmstat; per hart, summed on read. */
enum vmstat {
	VM_FREE,		/* computed */
	VM_FILE, VM_ANON, VM_SHMEM, VM_MAPPED, VM_DIRTY, VM_WRITEBACK,
	VM_SLAB, VM_TABLES, VM_KSTACK, VM_VMALLOC, VM_BUFFERS,
	VM_ACTIVE_FILE, VM_INACTIVE_FILE, VM_ACTIVE_ANON, VM_INACTIVE_ANON,
	VM_FAULT, VM_MAJFAULT, VM_PGPGIN, VM_PGPGOUT, VM_ALLOC, VM_FREED,
	VM_COW, VM_RECLAIMED, VM_SCANNED, VM_OOM_KILL,
	NR_VMSTAT,
};
void vmstat_add(enum vmstat item, long n);
/* Names as in /proc/vmstat; NULL past the end. */
const char *vmstat_name(enum vmstat item);
long vmstat_read(enum vmstat item);
u64 mem_total_pages(void);
u64 mem_free_pages(void);
u64 mem_available_pages(void);
/* How many pages are kept free for those that must not fail (min), and when
 * reclaim begins and ends. */
struct watermarks {
	u64 min, low, high;
};
extern struct watermarks watermarks;
/* -EINVAL: more than half of the memory. */
int __must_check mem_set_min_free(u64 pages);
/* Free blocks of each order, for /proc/buddyinfo. */
void buddy_stats(u64 free[MAX_ORDER + 1]);

/* Called by page_alloc when short: frees caches, returns pages freed.
 * Registered at start-up (dentries, inodes). */
struct shrinker {
	const char *name;
	u64 (*count)(void);
	u64 (*scan)(u64 nr, unsigned gfp);
	struct shrinker *next;
};
void shrinker_register(struct shrinker *s);
/* Asks the write-back daemon for about n pages; set by floor 4. */
extern void (*writeback_kick_hook)(u64 nr_pages);
/* /proc/sys/vm/drop_caches: bit 0 clean page cache, bit 1 shrinkers. */
void drop_caches(unsigned what);
