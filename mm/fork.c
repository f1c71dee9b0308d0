/*
 * fork - copying an address space.
 *
 * Theory: areas are copied; of the tables only what cannot be had again by a
 *         fault: private pages.  Files are mapped again by fault-around.
 *         A copy-on-write break later costs a trap, a copy and a flush, an
 *         early copy only the copy.  So what the child surely writes is
 *         copied at once: small private areas (data, bss, thread storage,
 *         small heaps) and the stack around the stack pointer, as long as a
 *         budget lasts; the rest is shared read-only.  The parent's TLB is
 *         flushed once, if any of its entries lost write permission.
 *         A page with more references than entries is pinned for a device or
 *         another task: the parent keeps it, the child gets a copy.
 * Locks:  the parent's map_lock for writing, its tables' locks while they
 *         are read.  Nobody looks for private pages in the child's tables.
 */
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <lib/string.h>
#include "pt_impl.h"

#define EAGER_BUDGET 32u	/* pages copied at once, per fork */
#define EAGER_AREA 8u		/* most populated pages of a "small" area */
#define EAGER_SPAN 64u		/* pages of address range looked at for that */
#define STACK_BELOW 1u		/* pages around the stack pointer */
#define STACK_ABOVE 2u

struct copy {
	struct mm *to;
	struct vma *src, *dst;
	unsigned long eager_from, eager_to;	/* copied early */
	unsigned budget;
	bool lost_write;	/* of the parent: flush */
	unsigned shared;	/* pages given to the child, for its rss */
};

/* Populated private pages of a small area, or more than EAGER_AREA. */
static unsigned count_small(struct vma *v)
{
	unsigned long addr = v->start;
	unsigned n = 0;
	struct pte *pte;

	if (vma_pages(v) > EAGER_SPAN)
		return EAGER_AREA + 1;
	while ((addr = pt_next(v->mm, addr, v->end, &pte)) < v->end) {
		unsigned long end = pt_table_end(addr, v->end);

		for (; addr < end; addr += PAGE_SIZE, pte++) {
			struct page *p = pte_page(pte_read(pte));

			n += p && page_test(p, PG_ANON);
		}
	}
	return n;
}

/* Decides which part of the area is copied early. */
static void choose_eager(struct copy *c)
{
	struct vma *v = c->src;
	unsigned long sp;
	unsigned n = count_small(v);

	c->eager_from = 0;
	c->eager_to = 0;
	if (!(v->flags & VM_WRITE))
		return;
	if (n <= EAGER_AREA && n <= c->budget) {
		c->eager_from = v->start;
		c->eager_to = v->end;
		return;
	}
	sp = arch_user_sp(current) & PAGE_MASK;
	if (sp < v->start || sp >= v->end)
		return;
	c->eager_from = sp - STACK_BELOW * PAGE_SIZE;
	c->eager_to = sp + (STACK_ABOVE + 1) * PAGE_SIZE;
}

static bool wants_early_copy(const struct copy *c, unsigned long addr)
{
	return c->budget && addr >= c->eager_from && addr < c->eager_to;
}

static bool is_pinned(struct page *p)
{
	u64 w = __atomic_load_n(page_ref_word(p), __ATOMIC_ACQUIRE);

	return (u32)w > (u32)(w >> 32);
}

/* Gives the child a copy of its own. */
static bool copy_page_early(struct copy *c, unsigned long addr,
			    struct pte *dst, struct page *p)
{
	struct page *copy = page_alloc(GFP_USERPAGE | GFP_NOWARN, 0);

	if (!copy)
		return false;
	page_copy(page_to_va(copy), page_to_va(p));
	page_set_anon(copy, addr);
	pte_store(dst, vma_pte(c->dst, page_to_pa(copy),
			       c->dst->flags & VM_WRITE));
	if (c->budget)
		c->budget--;
	return true;
}

static void share_page(struct copy *c, struct pte *src, struct pte *dst,
		       struct page *p)
{
	struct pte e = *src;

	page_map_get(p);
	if (pte_present(e) && pte_writable(e)) {
		e = pte_wrprotect(e);
		pte_store(src, e);
		c->lost_write = true;
	}
	pte_store(dst, e);
}

/* One entry. 1: the child has one now; -ENOMEM: a pinned page could not be
 * copied. */
static int copy_entry(struct copy *c, unsigned long addr, struct pte *src,
		      struct pte *dst)
{
	struct pte e = pte_read(src);
	struct page *p = pte_page(e);

	if (!p) {
		if (!pte_present(e) || pte_pa(e) != page_to_pa(zero_page))
			return 0;
		pte_store(dst, e);
		return 1;
	}
	if (!page_test(p, PG_ANON))
		return 0;	/* fault-around has it again */
	if (unlikely(is_pinned(p))) {
		if (!copy_page_early(c, addr, dst, p))
			return -ENOMEM;
	} else if (!wants_early_copy(c, addr) ||
		   !copy_page_early(c, addr, dst, p)) {
		share_page(c, src, dst, p);
	}
	c->shared++;
	return 1;
}

/* The entries [addr, end) of one leaf table. */
static int copy_table(struct copy *c, unsigned long addr, unsigned long end,
		      struct pte *src)
{
	struct page *table = pt_page(src);
	struct pte *dst;
	unsigned left;
	int err = 0;

	if (!READ_ONCE(table->pt_used))
		return 0;
	dst = pt_get(c->to, addr);
	if (!dst)
		return -ENOMEM;
	spin_lock(&table->ptl);
	left = table->pt_used;
	for (; addr < end && left; addr += PAGE_SIZE, src++, dst++) {
		if (pte_none(*src))
			continue;
		left--;
		err = copy_entry(c, addr, src, dst);
		if (err < 0)
			break;
		pt_page(dst)->pt_used += (u32)err;
	}
	spin_unlock(&table->ptl);
	return err < 0 ? err : 0;
}

static int copy_tables(struct copy *c)
{
	struct vma *v = c->src;
	unsigned long addr = v->start;
	struct pte *pte;
	int err;

	if (!v->has_anon || !c->dst->has_anon)
		return 0;
	choose_eager(c);
	while ((addr = pt_next(v->mm, addr, v->end, &pte)) < v->end) {
		unsigned long next = pt_table_end(addr, v->end);

		err = copy_table(c, addr, next, pte);
		if (err)
			return err;
		addr = next;
		cond_resched();
	}
	return 0;
}

/* An area of the child comes to life: promise, references, lists.  What fails
 * here is taken out by drop_unborn(). */
static int area_born(struct copy *c)
{
	struct vma *v = c->dst;
	int err;

	if (v->flags & VM_ACCOUNT) {
		err = vm_commit(vma_pages(v));
		if (err)
			return err;
	}
	if (unlikely(v->flags & (VM_LOCKED | VM_LOCKONFAULT)))
		vma_set_flags(v, v->flags & ~(VM_LOCKED | VM_LOCKONFAULT));
	if (unlikely(v->flags & VM_WIPEONFORK))
		v->has_anon = false;
	v->is_forked = v->has_anon;
	if (v->ops && v->ops->open)
		v->ops->open(v);
	vma_link_file(v);
	vm_stat_account(c->to, v->flags, (s64)vma_pages(v));
	return 0;
}

/* Areas from v on were never born: they hold nothing. */
static void drop_unborn(struct mm *mm, struct vma *v)
{
	struct vma *next;

	for (; v; v = next) {
		next = vma_next(v);
		vma_erase(mm, v);
		v->ops = NULL;
		vma_release(v);
	}
}

/* The areas that the parent does not want copied. */
static void drop_dontcopy(struct mm *mm)
{
	struct vma *v = vma_first(mm), *next;

	for (; v; v = next) {
		next = vma_next(v);
		if (!(v->flags & VM_DONTCOPY))
			continue;
		vma_erase(mm, v);
		v->ops = NULL;
		vma_release(v);
	}
}

static int copy_areas(struct mm *from, struct copy *c)
{
	int err = vma_copy_tree(c->to, from);

	if (err)
		return err;
	if (from->has_dontcopy)
		drop_dontcopy(c->to);
	c->src = vma_first(from);
	c->dst = vma_first(c->to);
	for (; c->dst; c->dst = vma_next(c->dst)) {
		while (c->src->start != c->dst->start)
			c->src = vma_next(c->src);
		err = fatal_signal_pending(current) ? -EINTR : area_born(c);
		if (err) {
			drop_unborn(c->to, c->dst);
			return err;
		}
		err = copy_tables(c);
		if (err) {
			drop_unborn(c->to, vma_next(c->dst));
			return err;
		}
		c->src = vma_next(c->src);
	}
	return 0;
}

/* Layout and texts; not counts, locks, tables. */
static void copy_fields(struct mm *to, const struct mm *from)
{
	to->mmap_base = from->mmap_base;
	to->start_code = from->start_code;
	to->end_code = from->end_code;
	to->start_data = from->start_data;
	to->end_data = from->end_data;
	to->start_brk = from->start_brk;
	to->brk = from->brk;
	to->start_stack = from->start_stack;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	to->vdso = from->vdso;
	memcpy(to->auxv, from->auxv, sizeof(to->auxv));
	to->auxv_len = from->auxv_len;
	to->dumpable = from->dumpable;
	to->membarrier_state = from->membarrier_state;
	to->oom_score_adj_min = from->oom_score_adj_min;
	to->is_aslr = from->is_aslr;
	to->stagger = from->stagger;
}

int mm_fork(struct mm *from, struct mm **out)
{
	struct copy c = { .budget = EAGER_BUDGET };
	int err;

	irqs_unmask();
	err = mm_create(&c.to);
	if (err)
		return err;
	err = rwsem_write_lock_killable(&from->map_lock);
	if (err)
		goto err_put;
	copy_fields(c.to, from);
	err = copy_areas(from, &c);
	if (c.lost_write)
		mm_flush(from);
	rwsem_write_unlock(&from->map_lock);
	rss_add(c.to, c.shared, 0, 0);
	vmstat_add(VM_ANON, c.shared);
	if (err)
		goto err_put;
	mm_check(c.to);
	*out = c.to;
	return 0;
err_put:
	mm_put(c.to);
	return err;
}
