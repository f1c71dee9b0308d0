/*
 * vmap - kernel virtual memory outside the direct map.
 *
 * Theory: two regions.  Kernel stacks live in slots of twice their size, so
 *         that the lower half stays unmapped as a guard; a slot keeps its
 *         pages mapped while it waits in a cache (per hart, then common), and
 *         only when the common cache is full, or memory is short, some are
 *         unmapped (which flushes all harts).  All else is in areas sorted by
 *         address, first fit, with an unmapped page behind each.
 * Locks:  vmap_lock (sleeps) guards areas and the kernel's tables of both
 *         regions; stack_lock the common stack cache (RANK_SPIN_LEAF).  A
 *         hart's own cache is marked busy by its owner, with preemption off;
 *         the interrupt that empties it leaves a busy one alone.
 */
#include <kernel/assert.h>
#include <kernel/hart.h>
#include <kernel/mutex.h>
#include <kernel/print.h>
#include <lib/bitmap.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmap.h>
#include "mm_impl.h"

#define STACK_SLOT (2ul * KSTACK_SIZE)
#define STACK_PAGES (KSTACK_SIZE / PAGE_SIZE)
#define NR_STACK_SLOTS 65536u
#define STACKS_BASE VMAP_BASE
#define STACKS_END (STACKS_BASE + NR_STACK_SLOTS * STACK_SLOT)
#define AREAS_BASE STACKS_END

#define HART_STACKS 4u
#define POOL_STACKS 256u	/* a grace period's worth: RCU frees in batches */
#define PURGE_STACKS 64u

struct vmap_area {
	struct list node;	/* sorted by start */
	unsigned long start, size;	/* without the guard page */
	unsigned nr_pages;		/* 0: not ours (device memory) */
	struct page **pages;
};

struct stack_cache {
	u32 n;
	u32 busy;
	void *stacks[HART_STACKS];
};

/* What harts give up; linked through the stacks themselves. */
struct idle_stack {
	struct idle_stack *next;
};

static struct mutex vmap_lock = MUTEX_INIT(vmap_lock, RANK_VMAP, "vmap");
static LIST_HEAD(vmap_areas);
static DECLARE_BITMAP(stack_slots, NR_STACK_SLOTS) __guarded_by(&vmap_lock);

static struct spinlock stack_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "kstacks");
static void *stack_pool[POOL_STACKS] __guarded_by(&stack_lock);
static u32 stack_pool_n __guarded_by(&stack_lock);
static u32 stack_pool_max;	/* const after init */
static struct stack_cache hart_stacks[MAX_HARTS];	/* each: its hart */
static struct slab_cache *area_cache;

paddr_t kernel_table_page(void)
{
	struct page *p = page_alloc(GFP_KERNEL | GFP_ZERO, 0);

	return p ? page_to_pa(p) : 0;
}

/* --- kernel stacks --- */

static int stack_map_locked(unsigned long va)
{
	unsigned long at;

	for (at = va; at < va + KSTACK_SIZE; at += PAGE_SIZE) {
		struct page *p = page_alloc(GFP_KERNEL, 0);

		if (!p)
			goto err_unmap;
		if (kernel_map(at, page_to_pa(p), PAGE_SIZE,
			       PROT_R | PROT_W | PROT_GLOBAL, kernel_table_page)) {
			page_free(p, 0);
			goto err_unmap;
		}
	}
	return 0;
err_unmap:
	while (at > va) {
		paddr_t pa;

		at -= PAGE_SIZE;
		pa = kernel_va_to_pa(at);
		kernel_unmap(at, PAGE_SIZE);
		page_free(pa_to_page(pa), 0);
	}
	return -ENOMEM;
}

static void *stack_create(void)
{
	unsigned long va = 0;
	size_t slot;

	mutex_lock(&vmap_lock);
	slot = find_first_zero(stack_slots, NR_STACK_SLOTS);
	if (slot < NR_STACK_SLOTS) {
		va = STACKS_BASE + slot * STACK_SLOT + KSTACK_SIZE;
		if (stack_map_locked(va))
			va = 0;
		else
			bit_set(stack_slots, slot);
	}
	mutex_unlock(&vmap_lock);
	if (va)
		vmstat_add(VM_KSTACK, STACK_PAGES);
	return (void *)va;
}

/* Unmaps n stacks with one flush, then frees their pages and slots.  The
 * frames' addresses wait in the first frame, where nobody looks. */
static void stacks_destroy_locked(void **stacks, u32 n)
	__must_hold(&vmap_lock)
{
	paddr_t pas[STACK_PAGES];

	for (u32 i = 0; i < n; i++) {
		unsigned long va = (unsigned long)stacks[i];

		for (u32 k = 0; k < STACK_PAGES; k++)
			pas[k] = kernel_va_to_pa(va + k * PAGE_SIZE);
		kernel_unmap_unflushed(va, KSTACK_SIZE);
		stacks[i] = pa_to_va(pas[0]);
		memcpy(stacks[i], pas, sizeof(pas));
		bit_clear(stack_slots, (va - STACKS_BASE) / STACK_SLOT);
	}
	tlb_flush_harts(&online_harts);
	for (u32 i = 0; i < n; i++) {
		memcpy(pas, stacks[i], sizeof(pas));
		for (u32 k = 0; k < STACK_PAGES; k++)
			page_free(pa_to_page(pas[k]), 0);
	}
	vmstat_add(VM_KSTACK, -(long)(n * STACK_PAGES));
}

static struct stack_cache *cache_enter(void)
{
	struct stack_cache *c;

	preempt_disable();
	c = &hart_stacks[hart_id()];
	c->busy = 1;
	barrier();
	return c;
}

static void cache_leave(struct stack_cache *c)
{
	barrier();
	c->busy = 0;
	preempt_enable();
}

void *kstack_alloc(void)
{
	struct stack_cache *c = cache_enter();
	void *s = c->n ? c->stacks[--c->n] : NULL;

	cache_leave(c);
	if (s)
		return s;
	spin_lock(&stack_lock);
	if (stack_pool_n)
		s = stack_pool[--stack_pool_n];
	spin_unlock(&stack_lock);
	return s ? s : stack_create();
}

void kstack_free(void *stack)
{
	struct stack_cache *c = cache_enter();
	void *purge[PURGE_STACKS];
	u32 n = 0;

	if (c->n < HART_STACKS) {
		c->stacks[c->n++] = stack;
		stack = NULL;
	}
	cache_leave(c);
	if (!stack)
		return;
	spin_lock(&stack_lock);
	if (stack_pool_n == stack_pool_max)
		while (n < PURGE_STACKS)
			purge[n++] = stack_pool[--stack_pool_n];
	stack_pool[stack_pool_n++] = stack;
	spin_unlock(&stack_lock);
	if (!n)
		return;
	mutex_lock(&vmap_lock);
	stacks_destroy_locked(purge, n);
	mutex_unlock(&vmap_lock);
}

/* In an interrupt, or with interrupts off. */
static void give_up_stacks(void *list)
{
	struct stack_cache *c = &hart_stacks[hart_id()];
	struct idle_stack **head = list, *s;

	while (!c->busy && c->n) {
		s = c->stacks[--c->n];
		s->next = __atomic_load_n(head, __ATOMIC_RELAXED);
		while (!__atomic_compare_exchange_n(head, &s->next, s, true,
						    __ATOMIC_SEQ_CST,
						    __ATOMIC_RELAXED))
			;
	}
}

/* Up to PURGE_STACKS of the given ones and of the pool's. */
static u32 pick_stacks(struct idle_stack **idle, void **purge)
{
	u32 n = 0;

	for (; *idle && n < PURGE_STACKS; *idle = (*idle)->next)
		purge[n++] = *idle;
	spin_lock(&stack_lock);
	while (stack_pool_n && n < PURGE_STACKS)
		purge[n++] = stack_pool[--stack_pool_n];
	spin_unlock(&stack_lock);
	return n;
}

/* Part of reclaim: whoever holds vmap_lock may be waiting for it. */
void kstacks_drain(void)
{
	struct idle_stack *idle = NULL;
	void *purge[PURGE_STACKS];
	u32 n;

	if (!mutex_trylock(&vmap_lock))
		return;
	hart_call_all(give_up_stacks, &idle);
	while ((n = pick_stacks(&idle, purge)))
		stacks_destroy_locked(purge, n);
	mutex_unlock(&vmap_lock);
}

/* --- areas; vmap_lock held --- */

/* The area after whose end the new one goes, as a list position. */
static int area_insert(struct vmap_area *a)
{
	unsigned long start = AREAS_BASE;
	struct vmap_area *other;

	list_for_each_entry(other, &vmap_areas, node) {
		if (other->start - start >= a->size + PAGE_SIZE)
			break;
		start = other->start + other->size + PAGE_SIZE;
	}
	if (start + a->size + PAGE_SIZE > VMAP_END)
		return -ENOMEM;
	a->start = start;
	list_add_tail(&a->node, &other->node);
	return 0;
}

static struct vmap_area *area_at(unsigned long start)
{
	struct vmap_area *a;

	list_for_each_entry(a, &vmap_areas, node)
		if (a->start == start)
			return a;
	return NULL;
}

static struct vmap_area *area_create(unsigned long size)
{
	struct vmap_area *a = slab_alloc(area_cache, GFP_KERNEL | GFP_ZERO);

	if (!a)
		return NULL;
	a->size = size;
	mutex_lock(&vmap_lock);
	if (area_insert(a)) {
		slab_free(area_cache, a);
		a = NULL;
	}
	mutex_unlock(&vmap_lock);
	return a;
}

static void area_destroy(struct vmap_area *a)
{
	mutex_lock(&vmap_lock);
	kernel_unmap(a->start, a->size);
	list_del(&a->node);
	mutex_unlock(&vmap_lock);
	for (unsigned i = 0; i < a->nr_pages; i++)
		page_free(a->pages[i], 0);
	vmstat_add(VM_VMALLOC, -(long)a->nr_pages);
	kvfree(a->pages);
	slab_free(area_cache, a);
}

static int area_fill(struct vmap_area *a, unsigned gfp)
{
	unsigned n = (unsigned)(a->size >> PAGE_SHIFT);

	a->pages = kvmalloc(n * sizeof(a->pages[0]), GFP_KERNEL);
	if (!a->pages)
		return -ENOMEM;
	for (; a->nr_pages < n; a->nr_pages++) {
		struct page *p = page_alloc(gfp, 0);
		int err;

		if (!p)
			return -ENOMEM;
		a->pages[a->nr_pages] = p;
		mutex_lock(&vmap_lock);
		err = kernel_map(a->start + (unsigned long)a->nr_pages *
				 PAGE_SIZE, page_to_pa(p), PAGE_SIZE,
				 PROT_R | PROT_W | PROT_GLOBAL, kernel_table_page);
		mutex_unlock(&vmap_lock);
		if (err) {
			page_free(p, 0);
			return err;
		}
	}
	vmstat_add(VM_VMALLOC, n);
	return 0;
}

static void *vmalloc_gfp(size_t n, unsigned gfp)
{
	struct vmap_area *a;

	if (!n || n > VMAP_END - AREAS_BASE ||
	    n >> PAGE_SHIFT > mem_total_pages())
		return NULL;
	a = area_create(ALIGN_UP(n, PAGE_SIZE));
	if (!a)
		return NULL;
	if (area_fill(a, gfp)) {
		vmstat_add(VM_VMALLOC, a->nr_pages);
		area_destroy(a);
		return NULL;
	}
	return (void *)a->start;
}

void *vmalloc(size_t n)
{
	return vmalloc_gfp(n, GFP_KERNEL);
}

void *vzalloc(size_t n)
{
	return vmalloc_gfp(n, GFP_KERNEL | GFP_ZERO);
}

bool is_vmalloc(const void *p)
{
	unsigned long a = (unsigned long)p;

	return a >= AREAS_BASE && a < VMAP_END;
}

static void area_free_at(unsigned long start)
{
	struct vmap_area *a;

	mutex_lock(&vmap_lock);
	a = area_at(start);
	mutex_unlock(&vmap_lock);
	BUG_ON(!a);
	area_destroy(a);
}

void vfree(void *p)
{
	if (p)
		area_free_at((unsigned long)p);
}

void __iomem *ioremap(paddr_t pa, size_t n)
{
	paddr_t base = ALIGN_DOWN(pa, PAGE_SIZE);
	unsigned long size = ALIGN_UP(n + (pa - base), PAGE_SIZE);
	struct vmap_area *a = area_create(size);
	int err;

	if (!a)
		return NULL;
	mutex_lock(&vmap_lock);
	err = kernel_map(a->start, base, size,
			 PROT_R | PROT_W | PROT_GLOBAL | PROT_IO, kernel_table_page);
	mutex_unlock(&vmap_lock);
	if (err) {
		area_destroy(a);
		return NULL;
	}
	return (void __iomem *)(a->start + (unsigned long)(pa - base));
}

void iounmap(void __iomem *p)
{
	if (p)
		area_free_at((unsigned long)p & PAGE_MASK);
}

void vmap_init(void)
{
	/* at most a 64th of memory */
	stack_pool_max = (u32)clamp_t(u64, mem_total_pages() / STACK_PAGES / 64,
				      PURGE_STACKS, POOL_STACKS);
	area_cache = slab_cache_create("vmap_area", sizeof(struct vmap_area),
				       0, SLAB_PANIC, NULL);
}
