#pragma once
/*
 * Object caches with per-hart magazines, and kmalloc on top.  Any context
 * when gfp lacks GFP_WAIT.  Objects are 16-byte aligned at least.
 */
#include <mm/page.h>

struct slab_cache;

#define SLAB_RECLAIM	1u	/* counted as reclaimable */
#define SLAB_RCU	2u	/* memory stays of this type for a grace period */
#define SLAB_PANIC	4u	/* creation cannot fail */

/* ctor runs when an object's memory is new; NULL: contents undefined. */
struct slab_cache *slab_cache_create(const char *name, size_t size,
				     size_t align, unsigned flags,
				     void (*ctor)(void *obj));
void *slab_alloc(struct slab_cache *c, unsigned gfp);	/* or NULL */
void slab_free(struct slab_cache *c, void *obj);

void *kmalloc(size_t n, unsigned gfp);	/* or NULL; n <= 4 MiB */
void *kzalloc(size_t n, unsigned gfp);
void *kmalloc_array(size_t n, size_t size, unsigned gfp); /* checks overflow */
void *krealloc(void *p, size_t n, unsigned gfp);
void kfree(void *p);			/* NULL is fine */
size_t ksize(const void *p);
char *kstrdup(const char *s, unsigned gfp);
char *kstrndup(const char *s, size_t n, unsigned gfp);
void *kmemdup(const void *p, size_t n, unsigned gfp);
/* kmalloc, or vmalloc when large. */
void *kvmalloc(size_t n, unsigned gfp);
void *kvzalloc(size_t n, unsigned gfp);
void kvfree(void *p);

/* For /proc/slabinfo: false past the last. */
struct slab_info {
	const char *name;
	u64 active, total;
	u32 size, per_slab, pages_per_slab;
	u64 slabs;
	bool is_reclaimable;
};
bool slab_info(unsigned i, struct slab_info *info);
void slab_shrink_all(void);
/* Makes the nth allocation from now fail (tests); 0: off. */
void alloc_fail_at(u64 nth);

/*
 * Who holds memory, in builds that poison (docs/debug.md): a table with an
 * entry for each place in the kernel that took some which is not free, others
 * with site 0; NULL: no memory.  vfree() it.  Frames of slabs and magazines are
 * not counted: slab_info() has them.
 */
struct alloc_sum {
	u32 site;		/* offset from _text of a return address */
	u64 calls, bytes;
};
struct alloc_sum *alloc_sums(unsigned *n);
