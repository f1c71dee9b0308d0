/*
 * vmap - kernel virtual memory outside the direct map.
 *
 * Theory: two regions.  Kernel stacks live in slots of twice their size, so
 *         that the lower half stays unmapped as a guard; a slot keeps its
 *         pages mapped while it waits in a cache (per hart, then common), and
 *         only when the common cache is full some are unmapped (which
 *         flushes all harts).  All else is in areas sorted by address, first
 *         fit, with an unmapped page behind each.
 * Locks:  vmap_lock (sleeps) guards areas and the kernel's tables of both
 *         regions; stack_lock the common stack cache (RANK_SPIN_LEAF).
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
#define POOL_STACKS 64u
#define PURGE_STACKS 32u

struct vmap_area {
	struct list node;	/* sorted by start */
	unsigned long start, size;	/* without the guard page */
	unsigned nr_pages;		/* 0: not ours (device memory) */
	struct page **pages;
};

struct stack_cache {
	u32 n;
	void *stacks[HART_STACKS];
};

static struct mutex vmap_lock = MUTEX_INIT(vmap_lock, RANK_VMAP, "vmap");
static LIST_HEAD(vmap_areas);
static DECLARE_BITMAP(stack_slots, NR_STACK_SLOTS) __guarded_by(&vmap_lock);

static struct spinlock stack_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "kstacks");
static void *stack_pool[POOL_STACKS] __guarded_by(&stack_lock);
static u32 stack_pool_n __guarded_by(&stack_lock);
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

/* Unmaps n stacks, then frees their pages and slots. */
static void stacks_destroy(void **stacks, u32 n)
{
	paddr_t pas[STACK_PAGES];

	mutex_lock(&vmap_lock);
	for (u32 i = 0; i < n; i++) {
		unsigned long va = (unsigned long)stacks[i];

		for (u32 k = 0; k < STACK_PAGES; k++)
			pas[k] = kernel_va_to_pa(va + k * PAGE_SIZE);
		kernel_unmap(va, KSTACK_SIZE);
		/* The addresses of the frames wait where nobody looks. */
		memcpy(pa_to_va(pas[0]), pas, sizeof(pas));
		stacks[i] = pa_to_va(pas[0]);
		bit_clear(stack_slots, (va - STACKS_BASE) / STACK_SLOT);
	}
	mutex_unlock(&vmap_lock);
	for (u32 i = 0; i < n; i++) {
		memcpy(pas, stacks[i], sizeof(pas));
		for (u32 k = 0; k < STACK_PAGES; k++)
			page_free(pa_to_page(pas[k]), 0);
	}
	vmstat_add(VM_KSTACK, -(long)(n * STACK_PAGES));
}

void *kstack_alloc(void)
{
	struct stack_cache *c;
	void *s = NULL;

	preempt_disable();
	c = &hart_stacks[hart_id()];
	if (c->n)
		s = c->stacks[--c->n];
	preempt_enable();
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
	void *purge[PURGE_STACKS];
	struct stack_cache *c;
	u32 n = 0;

	preempt_disable();
	c = &hart_stacks[hart_id()];
	if (c->n < HART_STACKS) {
		c->stacks[c->n++] = stack;
		stack = NULL;
	}
	preempt_enable();
	if (!stack)
		return;
	spin_lock(&stack_lock);
	if (stack_pool_n == POOL_STACKS)
		while (n < PURGE_STACKS)
			purge[n++] = stack_pool[--stack_pool_n];
	stack_pool[stack_pool_n++] = stack;
	spin_unlock(&stack_lock);
	if (n)
		stacks_destroy(purge, n);
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
	area_cache = slab_cache_create("vmap_area", sizeof(struct vmap_area),
				       0, SLAB_PANIC, NULL);
}
