/*
 * kmalloc - memory by size: a slab cache for each size class, whole pages
 * above.  Powers of two are aligned to their size.
 */
#include <kernel/assert.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include "mm_impl.h"

static const u16 class_sizes[] = {
	16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024,
	1536, 2048, 3072, 4096, 8192,
};
static const char *const class_names[] = {
	"kmalloc-16", "kmalloc-32", "kmalloc-48", "kmalloc-64", "kmalloc-96",
	"kmalloc-128", "kmalloc-192", "kmalloc-256", "kmalloc-384",
	"kmalloc-512", "kmalloc-768", "kmalloc-1k", "kmalloc-1536",
	"kmalloc-2k", "kmalloc-3k", "kmalloc-4k", "kmalloc-8k",
};
#define NR_CLASSES ARRAY_SIZE(class_sizes)
#define KMALLOC_MAX_CLASS 8192u
#define KMALLOC_MAX (PAGE_SIZE << MAX_ORDER)

static_assert(ARRAY_SIZE(class_names) == NR_CLASSES, "classes");

/* const after init */
static struct slab_cache *classes[NR_CLASSES];
static u8 small_class[1024 / 16 + 1];	/* by size in units of 16 */

void kmalloc_init(void)
{
	for (unsigned i = 0, c = 0; i < ARRAY_SIZE(small_class); i++) {
		if (i * 16 > class_sizes[c])
			c++;
		small_class[i] = (u8)c;
	}
	for (unsigned i = 0; i < NR_CLASSES; i++) {
		size_t n = class_sizes[i];

		classes[i] = slab_cache_create(class_names[i], n,
					       is_pow2(n) ? n : 16,
					       SLAB_PANIC, NULL);
	}
}

static __always_inline struct slab_cache *class_of(size_t n)
{
	unsigned c;

	if (n <= 1024)
		return classes[small_class[(n + 15) / 16]];
	for (c = small_class[64]; class_sizes[c] < n; c++)
		;
	return classes[c];
}

static void *alloc_large(size_t n, unsigned gfp)
{
	unsigned order = order_base2((n + PAGE_SIZE - 1) >> PAGE_SHIFT);
	struct page *p;

	if (n > KMALLOC_MAX)
		return NULL;
	p = page_alloc(gfp & ~GFP_USERPAGE, order);
	if (!p)
		return NULL;
	p->flags = PG_HEAD;
	p->priv = order;
	return page_to_va(p);
}

__hot void *kmalloc(size_t n, unsigned gfp)
{
	if (unlikely(n > KMALLOC_MAX_CLASS))
		return alloc_large(n, gfp);
	return slab_alloc(class_of(n), gfp);
}

void *kzalloc(size_t n, unsigned gfp)
{
	return kmalloc(n, gfp | GFP_ZERO);
}

void *kmalloc_array(size_t n, size_t size, unsigned gfp)
{
	size_t bytes;

	if (mul_overflow(n, size, &bytes))
		return NULL;
	return kmalloc(bytes, gfp);
}

__hot void kfree(void *p)
{
	struct page *page;

	if (!p)
		return;
	page = va_to_page(p);
	if (likely(page->flags & PG_SLAB)) {
		slab_free(page->slab_cache, p);
		return;
	}
	BUG_ON(!(page->flags & PG_HEAD));
	page_free(page, page->priv);
}

size_t ksize(const void *p)
{
	const struct page *page;

	if (!p)
		return 0;
	page = va_to_page(p);
	if (page->flags & PG_SLAB)
		return slab_object_size(page);
	BUG_ON(!(page->flags & PG_HEAD));
	return PAGE_SIZE << page->priv;
}

void *krealloc(void *p, size_t n, unsigned gfp)
{
	size_t old = ksize(p);
	void *q;

	if (!n) {
		kfree(p);
		return NULL;
	}
	if (p && old >= n)
		return p;
	q = kmalloc(n, gfp);
	if (!q)
		return NULL;
	if (p)
		memcpy(q, p, old);
	kfree(p);
	return q;
}

void *kmemdup(const void *p, size_t n, unsigned gfp)
{
	void *q = kmalloc(n, gfp);

	if (q)
		memcpy(q, p, n);
	return q;
}

char *kstrndup(const char *s, size_t n, unsigned gfp)
{
	size_t len = strnlen(s, n);
	char *q = kmalloc(len + 1, gfp);

	if (q) {
		memcpy(q, s, len);
		q[len] = 0;
	}
	return q;
}

char *kstrdup(const char *s, unsigned gfp)
{
	return kstrndup(s, SIZE_MAX - 1, gfp);
}

void *kvmalloc(size_t n, unsigned gfp)
{
	void *p = NULL;

	if (n <= KMALLOC_MAX)
		p = kmalloc(n, n > PAGE_SIZE * 8 ?
			    (gfp & ~GFP_WAIT) | GFP_NOWARN : gfp);
	if (p || n <= KMALLOC_MAX_CLASS || !(gfp & GFP_WAIT))
		return p;
	return gfp & GFP_ZERO ? vzalloc(n) : vmalloc(n);
}

void *kvzalloc(size_t n, unsigned gfp)
{
	return kvmalloc(n, gfp | GFP_ZERO);
}

void kvfree(void *p)
{
	if (is_vmalloc(p))
		vfree(p);
	else
		kfree(p);
}
