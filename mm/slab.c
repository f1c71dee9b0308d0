/*
 * slab - caches of equal objects, with a magazine for each hart.
 *
 * Theory: a slab is a naturally aligned block of pages cut into objects; its
 *         free objects form a chain that starts in struct page.  Slabs with
 *         free objects are on the cache's partial list, full ones on none.
 *         Each hart has a magazine, a small stack of objects; nearly all
 *         calls end there, without a lock and without touching the slab.
 *         Only the owning hart uses it, with preemption off; an interrupt
 *         that finds it busy goes to the slabs.  Magazines exchange half
 *         their content with the slabs at once.
 *         The chain word lies in the free object, but behind it where the
 *         content must survive (constructed objects, SLAB_RCU, poisoning).
 *         SLAB_RCU delays the return of whole slabs, not of objects.
 * Locks:  cache.lock (RANK_SLAB, irqlock): slabs, counts.  caches_lock: list.
 * Context: any without GFP_WAIT.
 */
#include <kernel/assert.h>
#include <kernel/print.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <lib/string.h>
#include <mm/slab.h>
#include "mm_impl.h"

#define MAG_MAX 32u
#define MAX_EMPTY 2u
#define MAX_CACHES 256u

#define REDZONE_USED 0xccccccccccccccccull
#define REDZONE_FREE 0xbbbbbbbbbbbbbbbbull
#define POISON_BYTE 0x6b

struct magazine {
	u32 n, max;		/* this hart; max: const */
	u32 busy;		/* this hart */
	void *objs[MAG_MAX];
};

struct slab_cache {
	/* const after creation */
	const char *name;
	u32 size, stride, free_off, redzone_off;
	u32 order, per_slab, mag_max, flags;
	void (*ctor)(void *obj);

	struct irqlock lock;
	struct list partial __guarded_by(&lock);
	u32 nr_empty __guarded_by(&lock);	/* of those on partial */
	u64 nr_slabs __guarded_by(&lock);
	u64 nr_taken __guarded_by(&lock);	/* objects out of slabs */

	struct magazine *mags[MAX_HARTS];	/* each: its hart sets it */
};

static struct slab_cache cache_cache, mag_cache;
static struct irqlock caches_lock = IRQLOCK_INIT(RANK_SLAB, "caches");
static struct slab_cache *caches[MAX_CACHES];	/* set once, never cleared */
static u32 nr_caches;

u64 alloc_fail_count;

void alloc_fail_at(u64 nth)
{
	__atomic_store_n(&alloc_fail_count, nth, __ATOMIC_SEQ_CST);
}

bool alloc_fail_hit(void)
{
	u64 n = READ_ONCE(alloc_fail_count);

	while (n) {
		if (__atomic_compare_exchange_n(&alloc_fail_count, &n, n - 1,
						false, __ATOMIC_SEQ_CST,
						__ATOMIC_RELAXED))
			return n == 1;
	}
	return false;
}

/* The nth allocation of a task from the time it was told so, by name of
 * Linux: /proc/PID/fail-nth.  Its interrupts do not count. */
bool alloc_fail_task(void)
{
	struct task *t = current;

	if (likely(!t->fail_nth) || in_irq())
		return false;
	return --t->fail_nth == 0;
}

/* --- objects --- */

static void **chain_of(const struct slab_cache *c, void *obj)
{
	return (void **)((char *)obj + c->free_off);
}

static u64 *redzone_of(const struct slab_cache *c, void *obj)
{
	return (u64 *)((char *)obj + c->redzone_off);
}

/* Behind the red zone: who took the object. */
static u32 *site_of(const struct slab_cache *c, void *obj)
{
	return (u32 *)(redzone_of(c, obj) + 1);
}

static void object_bad(const struct slab_cache *c, void *obj, const char *what)
{
	panic("slab %s: object %p: %s\n", c->name, obj, what);
}

static noinline void check_alloc(const struct slab_cache *c, void *obj)
{
	u64 *z = redzone_of(c, obj);
	const u8 *b = obj;

	if (*z != REDZONE_FREE)
		object_bad(c, obj, "red zone of a free object was written");
	*z = REDZONE_USED;
	*site_of(c, obj) = alloc_site();
	if (c->ctor || (c->flags & SLAB_RCU))
		return;
	for (u32 i = 0; i < c->size; i++)
		if (b[i] != POISON_BYTE)
			object_bad(c, obj, "written after it was freed");
	memset(obj, 0x5a, c->size);
}

static noinline void check_free(const struct slab_cache *c, void *obj)
{
	u64 *z = redzone_of(c, obj);

	if (*z == REDZONE_FREE)
		object_bad(c, obj, "freed twice");
	if (*z != REDZONE_USED)
		object_bad(c, obj, "written past its end");
	*z = REDZONE_FREE;
	if (!c->ctor && !(c->flags & SLAB_RCU))
		memset(obj, POISON_BYTE, c->size);
}

/* --- slabs --- */

static void slab_page_init(struct slab_cache *c, struct page *p)
{
	char *base = page_to_va(p);

	for (u32 i = 0; i < 1u << c->order; i++) {
		p[i].slab_cache = c;
		p[i].flags = PG_SLAB;
	}
	p->priv = 0;
	p->freelist = NULL;
	for (u32 i = c->per_slab; i-- > 0;) {
		void *obj = base + (size_t)i * c->stride;

		if (CONFIG_POISON) {
			memset(obj, POISON_BYTE, c->size);
			*redzone_of(c, obj) = REDZONE_FREE;
		}
		if (c->ctor)
			c->ctor(obj);
		*chain_of(c, obj) = p->freelist;
		p->freelist = obj;
	}
}

static struct page *slab_page_alloc(struct slab_cache *c, unsigned gfp)
{
	struct page *p = page_alloc(gfp & ~(GFP_ZERO | GFP_USERPAGE),
				    c->order);

	if (!p)
		return NULL;
	slab_page_init(c, p);
	vmstat_add(VM_SLAB, 1l << c->order);
	return p;
}

static void slab_page_release(struct slab_cache *c, struct page *p)
{
	for (u32 i = 0; i < 1u << c->order; i++)
		p[i].flags = 0;
	vmstat_add(VM_SLAB, -(1l << c->order));
	page_free(p, c->order);
}

static_assert(sizeof(struct rcu_head) <= sizeof(struct list), "page.lru");

static void slab_page_rcu(struct rcu_head *h)
{
	struct page *p = container_of((struct list *)(void *)h, struct page,
				      lru);

	slab_page_release(p->slab_cache, p);
}

/* Empty slabs that nobody can find any more. */
static void slab_pages_release(struct slab_cache *c, struct list *pages)
{
	struct page *p, *n;

	list_for_each_entry_safe(p, n, pages, lru) {
		if (c->flags & SLAB_RCU)
			call_rcu((struct rcu_head *)(void *)&p->lru,
				 slab_page_rcu);
		else
			slab_page_release(c, p);
	}
}

static struct page *page_of(const struct slab_cache *c, void *obj)
{
	return va_to_page((void *)((uintptr_t)obj &
				   ~((PAGE_SIZE << c->order) - 1)));
}

static void *take_locked(struct slab_cache *c) __must_hold(&c->lock)
{
	struct page *p;
	void *obj;

	if (list_empty(&c->partial))
		return NULL;
	p = list_first_entry(&c->partial, struct page, lru);
	obj = p->freelist;
	if (!p->priv++)
		c->nr_empty--;
	p->freelist = *chain_of(c, obj);
	if (!p->freelist)
		list_del(&p->lru);
	c->nr_taken++;
	return obj;
}

/* Slabs that are not wanted any more go onto `out`. */
static void give_locked(struct slab_cache *c, void *obj, struct list *out)
	__must_hold(&c->lock)
{
	struct page *p = page_of(c, obj);

	assert(p->slab_cache == c && p->priv);
	if (!p->freelist)
		list_add(&p->lru, &c->partial);
	*chain_of(c, obj) = p->freelist;
	p->freelist = obj;
	c->nr_taken--;
	if (--p->priv)
		return;
	if (c->nr_empty < MAX_EMPTY) {
		c->nr_empty++;
		list_move_tail(&p->lru, &c->partial);
		return;
	}
	list_move(&p->lru, out);
	c->nr_slabs--;
}

/* --- magazines --- */

static __always_inline struct magazine *mag_enter(struct slab_cache *c)
{
	struct magazine *m;

	preempt_disable();
	m = c->mags[hart_id()];
	if (unlikely(!m || m->busy)) {
		preempt_enable();
		return NULL;
	}
	m->busy = 1;
	barrier();
	return m;
}

static __always_inline void mag_leave(struct magazine *m)
{
	barrier();
	m->busy = 0;
	preempt_enable();
}

static noinline void mag_fill(struct slab_cache *c, struct magazine *m)
{
	void *obj;

	irq_lock(&c->lock);
	while (m->n < m->max / 2 && (obj = take_locked(c)) != NULL)
		m->objs[m->n++] = obj;
	irq_unlock(&c->lock);
}

static noinline void mag_trim(struct slab_cache *c, struct magazine *m,
			      u32 keep)
{
	LIST_HEAD(out);
	u32 n = m->n - keep;

	irq_lock(&c->lock);
	for (u32 i = 0; i < n; i++)
		give_locked(c, m->objs[i], &out);
	irq_unlock(&c->lock);
	memmove(m->objs, m->objs + n, keep * sizeof(m->objs[0]));
	m->n = keep;
	slab_pages_release(c, &out);
}

static void mag_create(struct slab_cache *c)
{
	struct magazine *m;

	if (!c->mag_max || READ_ONCE(c->mags[hart_id()]))
		return;
	m = slab_alloc(&mag_cache, GFP_HIGH);
	if (!m)
		return;
	m->n = 0;
	m->busy = 0;
	m->max = c->mag_max;
	irqs_off();
	if (!c->mags[hart_id()]) {
		c->mags[hart_id()] = m;
		m = NULL;
	}
	irqs_on();
	if (m)
		slab_free(&mag_cache, m);
}

static noinline void *alloc_from_slabs(struct slab_cache *c, unsigned gfp)
{
	struct page *p;
	void *obj;

	irq_lock(&c->lock);
	obj = take_locked(c);
	irq_unlock(&c->lock);
	if (obj)
		return obj;
	p = slab_page_alloc(c, gfp);
	if (!p)
		return NULL;
	irq_lock(&c->lock);
	list_add(&p->lru, &c->partial);
	c->nr_slabs++;
	c->nr_empty++;
	obj = take_locked(c);
	irq_unlock(&c->lock);
	mag_create(c);
	return obj;
}

__hot void *slab_alloc(struct slab_cache *c, unsigned gfp)
{
	struct magazine *m;
	void *obj = NULL;

	if (alloc_should_fail())
		return NULL;
	m = mag_enter(c);
	if (likely(m)) {
		if (unlikely(!m->n))
			mag_fill(c, m);
		if (likely(m->n))
			obj = m->objs[--m->n];
		mag_leave(m);
	}
	if (unlikely(!obj)) {
		obj = alloc_from_slabs(c, gfp);
		if (!obj)
			return NULL;
	}
	if (CONFIG_POISON)
		check_alloc(c, obj);
	if (gfp & GFP_ZERO)
		memset(obj, 0, c->size);
	return obj;
}

__hot void slab_free(struct slab_cache *c, void *obj)
{
	struct magazine *m;
	LIST_HEAD(out);

	if (CONFIG_POISON)
		check_free(c, obj);
	m = mag_enter(c);
	if (likely(m)) {
		if (unlikely(m->n == m->max))
			mag_trim(c, m, m->max / 2);
		m->objs[m->n++] = obj;
		mag_leave(m);
		return;
	}
	irq_lock(&c->lock);
	give_locked(c, obj, &out);
	irq_unlock(&c->lock);
	slab_pages_release(c, &out);
}

/* --- caches --- */

static void choose_order(struct slab_cache *c)
{
	for (c->order = 0; c->order < MAX_ORDER; c->order++) {
		u32 bytes = (u32)PAGE_SIZE << c->order;
		u32 waste = bytes % c->stride;

		c->per_slab = bytes / c->stride;
		if (c->per_slab >= 4 && waste <= bytes / 8)
			return;
		if (c->per_slab && c->order >= 3)
			return;
	}
	panic("slab %s: objects of %u bytes\n", c->name, c->size);
}

static u32 magazine_size(u32 size)
{
	if (size <= 256)
		return MAG_MAX;
	return size <= 1024 ? MAG_MAX / 2 : MAG_MAX / 4;
}

static void cache_init(struct slab_cache *c, const char *name, size_t size,
		       size_t align, unsigned flags, void (*ctor)(void *))
{
	size_t end;

	align = max_t(size_t, align, 16);
	assert(is_pow2(align));
	*c = (struct slab_cache){
		.name = name,
		.size = (u32)ALIGN_UP(size ? size : 1, 8),
		.flags = flags,
		.ctor = ctor,
	};
	end = c->size;
	c->redzone_off = (u32)end;
	if (CONFIG_POISON)
		end += 2 * sizeof(u64);
	if (CONFIG_POISON || ctor || (flags & SLAB_RCU)) {
		c->free_off = (u32)end;
		end += sizeof(void *);
	}
	c->stride = (u32)ALIGN_UP(end, align);
	choose_order(c);
	c->mag_max = magazine_size(c->size);
	irq_lock_init(&c->lock, RANK_SLAB, name);
	list_init(&c->partial);
}

static void cache_publish(struct slab_cache *c)
{
	irq_lock(&caches_lock);
	BUG_ON(nr_caches == MAX_CACHES);
	caches[nr_caches] = c;
	store_release(&nr_caches, nr_caches + 1);
	irq_unlock(&caches_lock);
}

struct slab_cache *slab_cache_create(const char *name, size_t size,
				     size_t align, unsigned flags,
				     void (*ctor)(void *obj))
{
	struct slab_cache *c = slab_alloc(&cache_cache, GFP_KERNEL);

	if (!c) {
		if (flags & SLAB_PANIC)
			panic("slab %s: no memory\n", name);
		return NULL;
	}
	cache_init(c, name, size, align, flags, ctor);
	cache_publish(c);
	return c;
}

void slab_init(void)
{
	cache_init(&cache_cache, "slab_cache", sizeof(struct slab_cache), 64,
		   0, NULL);
	cache_init(&mag_cache, "magazine", sizeof(struct magazine), 64, 0,
		   NULL);
	cache_cache.mag_max = 0;
	mag_cache.mag_max = 0;
	cache_publish(&cache_cache);
	cache_publish(&mag_cache);
	kmalloc_init();
}

/* --- information, shrinking --- */

static u64 objects_in_magazines(const struct slab_cache *c)
{
	u64 n = 0;

	for (u32 i = 0; i < MAX_HARTS; i++) {
		const struct magazine *m = READ_ONCE(c->mags[i]);

		if (m)
			n += READ_ONCE(m->n);
	}
	return n;
}

bool slab_info(unsigned i, struct slab_info *info)
{
	struct slab_cache *c;
	u64 idle;

	if (i >= load_acquire(&nr_caches))
		return false;
	c = caches[i];
	idle = objects_in_magazines(c);
	irq_lock(&c->lock);
	*info = (struct slab_info){
		.name = c->name,
		.active = c->nr_taken - min(idle, c->nr_taken),
		.total = c->nr_slabs * c->per_slab,
		.size = c->size,
		.per_slab = c->per_slab,
		.pages_per_slab = 1u << c->order,
		.slabs = c->nr_slabs,
		.is_reclaimable = c->flags & SLAB_RECLAIM,
	};
	irq_unlock(&c->lock);
	return true;
}

static bool is_cache(const struct slab_cache *c)
{
	for (u32 i = 0; i < load_acquire(&nr_caches); i++)
		if (caches[i] == c)
			return true;
	return false;
}

void slab_for_each_used(const struct page *p,
			void (*fn)(void *arg, u32 site, size_t bytes),
			void *arg)
{
	const struct slab_cache *c = READ_ONCE(p->slab_cache);
	char *obj = page_to_va(p);

	if (!is_cache(c) || c == &mag_cache ||
	    !IS_ALIGNED(page_to_pfn(p), 1ul << c->order))
		return;
	for (u32 i = 0; i < c->per_slab; i++, obj += c->stride)
		if (READ_ONCE(*redzone_of(c, obj)) == REDZONE_USED)
			fn(arg, READ_ONCE(*site_of(c, obj)), c->size);
}

static void drain_this_hart(void *unused)
{
	u32 n = load_acquire(&nr_caches);

	for (u32 i = 0; i < n; i++) {
		struct magazine *m = mag_enter(caches[i]);

		if (!m)
			continue;
		mag_trim(caches[i], m, 0);
		mag_leave(m);
	}
}

static void drop_empty(struct slab_cache *c)
{
	struct page *p, *next;
	LIST_HEAD(out);

	irq_lock(&c->lock);
	list_for_each_entry_safe(p, next, &c->partial, lru) {
		if (p->priv)
			continue;
		list_move(&p->lru, &out);
		c->nr_empty--;
		c->nr_slabs--;
	}
	irq_unlock(&c->lock);
	slab_pages_release(c, &out);
}

void slab_shrink_all(void)
{
	hart_call_all(drain_this_hart, NULL);
	for (u32 i = 0; i < load_acquire(&nr_caches); i++)
		drop_empty(caches[i]);
}

size_t slab_object_size(const struct page *p)
{
	return ((const struct slab_cache *)p->slab_cache)->size;
}
