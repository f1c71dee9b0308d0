/*
 * show - what /proc, mincore() and cachestat() tell about what is in memory.
 */
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <lib/errno.h>
#include <lib/string.h>
#include <mm/slab.h>
#include "pt_impl.h"

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_FILE (1ull << 61)
#define PAGEMAP_EXCLUSIVE (1ull << 56)

static void count_page(struct vma_stats *s, struct pte e, struct page *p,
		       bool is_shmem)
{
	u32 n = max(page_mapcount(p), 1u);
	bool dirty = page_test(p, PG_DIRTY) || page_test(p, PG_ANON);

	s->rss += PAGE_SIZE;
	s->pss += PAGE_SIZE / n;
	if (dirty)
		s->pss_dirty += PAGE_SIZE / n;
	if (page_test(p, PG_ANON)) {
		s->anonymous += PAGE_SIZE;
		s->pss_anon += PAGE_SIZE / n;
	} else if (is_shmem) {
		s->pss_shmem += PAGE_SIZE / n;
	} else {
		s->pss_file += PAGE_SIZE / n;
	}
	if (pte_present(e) && pte_accessed(e))
		s->referenced += PAGE_SIZE;
	if (n > 1)
		*(dirty ? &s->shared_dirty : &s->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &s->private_dirty : &s->private_clean) += PAGE_SIZE;
}

void vma_get_stats(struct vma *v, struct vma_stats *s)
{
	bool is_shmem = v->mapping && mapping_is_shmem(v->mapping);
	unsigned long addr = v->start;
	struct pte *pte;

	memset(s, 0, sizeof(*s));
	while ((addr = pt_next(v->mm, addr, v->end, &pte)) < v->end) {
		unsigned long stop = pt_table_end(addr, v->end);
		struct page *table = pt_page(pte);

		spin_lock(&table->ptl);
		for (; addr < stop; addr += PAGE_SIZE, pte++) {
			struct pte e = pte_read(pte);
			struct page *p = pte_page(e);

			if (p)
				count_page(s, e, p, is_shmem);
		}
		spin_unlock(&table->ptl);
		cond_resched();
	}
	if (v->flags & VM_LOCKED)
		s->locked = s->pss;
}

void vma_get_places(struct vma *v, struct vma_places *s)
{
	unsigned long addr = v->start;
	struct pte *pte;

	memset(s, 0, sizeof(*s));
	while ((addr = pt_next(v->mm, addr, v->end, &pte)) < v->end) {
		unsigned long stop = pt_table_end(addr, v->end);
		struct page *table = pt_page(pte);

		spin_lock(&table->ptl);
		for (; addr < stop; addr += PAGE_SIZE, pte++) {
			struct page *p = pte_page(pte_read(pte));

			if (!p)
				continue;
			s->pages++;
			s->anon += !!page_test(p, PG_ANON);
			s->dirty += !!page_test(p, PG_ANON | PG_DIRTY);
			s->active += !!page_test(p, PG_ACTIVE);
			s->writeback += !!page_test(p, PG_WRITEBACK);
			s->mapmax = max(s->mapmax, (u64)page_mapcount(p));
		}
		spin_unlock(&table->ptl);
		cond_resched();
	}
}

void vma_forget_accesses(struct vma *v, unsigned long addr, unsigned long end)
{
	struct pte *pte;

	while ((addr = pt_next(v->mm, addr, end, &pte)) < end) {
		unsigned long stop = pt_table_end(addr, end);
		struct page *table = pt_page(pte);

		spin_lock(&table->ptl);
		for (; addr < stop; addr += PAGE_SIZE, pte++) {
			struct pte e = pte_read(pte);
			struct page *p = pte_page(e);

			if (!p || !pte_present(e))
				continue;
			__atomic_fetch_and(&pte->v, pte_mkold((struct pte){
					   ~0ul }).v, __ATOMIC_RELAXED);
			if (page_test(p, PG_REFERENCED | PG_WORKINGSET))
				page_flag_clear(p, PG_REFERENCED |
						   PG_WORKINGSET);
		}
		spin_unlock(&table->ptl);
		cond_resched();
	}
}

int mm_forget_accesses(struct mm *mm, bool anon, bool file)
{
	struct vma *v;
	int err = rwsem_read_lock_killable(&mm->map_lock);

	if (err)
		return err;
	for (v = vma_first(mm); v; v = vma_next(v))
		if (!(v->flags & VM_PFNMAP) && (v->file ? file : anon))
			vma_forget_accesses(v, v->start, v->end);
	rwsem_read_unlock(&mm->map_lock);
	mm_flush(mm);
	return 0;
}

u64 mm_pagemap(struct mm *mm, unsigned long addr)
{
	struct pte *pte = pt_find(mm, addr);
	struct pte e = pte ? pte_read(pte) : PTE_NONE;
	struct page *p = pte_page(e);
	u64 v;

	if (pte_none(e))
		return 0;
	v = PAGEMAP_PRESENT | pte_frame(e) >> PAGE_SHIFT;
	if (!p)
		return v;
	if (!page_test(p, PG_ANON))
		v |= PAGEMAP_FILE;
	if (page_mapcount(p) == 1)
		v |= PAGEMAP_EXCLUSIVE;
	return v;
}

#define KPF_MMAP (1u << 11)
#define KPF_NOPAGE (1u << 20)

u64 frame_flags(pfn_t pfn)
{
	/* Bits as Linux numbers them (admin-guide/mm/pagemap.rst). */
	static const struct {
		u32 ours, bit;
	} map[] = {
		{ PG_LOCKED, 0 }, { PG_ERROR, 1 }, { PG_REFERENCED, 2 },
		{ PG_UPTODATE, 3 }, { PG_DIRTY, 4 }, { PG_LRU, 5 },
		{ PG_ACTIVE, 6 }, { PG_SLAB, 7 }, { PG_WRITEBACK, 8 },
		{ PG_RECLAIM, 9 }, { PG_BUDDY, 10 }, { PG_ANON, 12 },
		{ PG_SWAPBACKED, 14 }, { PG_HEAD, 15 },
		{ PG_UNEVICTABLE, 18 }, { PG_TABLE, 26 },
	};
	u64 out = 0;

	if (!pfn_valid(pfn))
		return KPF_NOPAGE;
	if (page_mapcount(pfn_to_page(pfn)))
		out |= KPF_MMAP;
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (page_test(pfn_to_page(pfn), map[i].ours))
			out |= 1ull << map[i].bit;
	return out;
}

u64 frame_mapcount(pfn_t pfn)
{
	return pfn_valid(pfn) ? page_mapcount(pfn_to_page(pfn)) : 0;
}

/* Is the page of an area in memory? map_lock held. */
static bool is_resident(struct vma *v, unsigned long addr)
{
	struct pte *pte = pt_find(v->mm, addr);
	struct page *p;
	bool in;

	if (pte && !pte_none(pte_read(pte)))
		return true;
	if (!v->mapping)
		return false;
	p = page_cache_find(v->mapping, vma_index(v, addr));
	in = p && page_test(p, PG_UPTODATE);
	if (p)
		page_put(p);
	return in;
}

/* Up to n pages from addr on; how many, or -ENOMEM at a hole. */
static int incore_chunk(struct mm *mm, unsigned long addr, unsigned n, u8 *vec,
			bool (*may_tell)(const struct file *f))
{
	bool is_secret;
	struct vma *v;
	unsigned i = 0;

	rwsem_read_lock(&mm->map_lock);
	v = vma_find_exact(mm, addr);
	is_secret = v && v->file && !may_tell(v->file);
	for (; v && i < n && addr < v->end; i++, addr += PAGE_SIZE)
		vec[i] = is_secret || is_resident(v, addr);
	rwsem_read_unlock(&mm->map_lock);
	return i ? (int)i : -ENOMEM;
}

int mm_incore(unsigned long addr, size_t len, u8 __user *vec,
	      bool (*may_tell)(const struct file *f))
{
	size_t left = (len + PAGE_SIZE - 1) >> PAGE_SHIFT;
	u8 *buf;
	int err = 0;

	irqs_unmask();
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!access_ok((void __user *)addr, len))
		return -ENOMEM;
	if (!access_ok(vec, left))
		return -EFAULT;
	buf = pages_alloc_va(GFP_KERNEL, 0);
	if (!buf)
		return -EAGAIN;
	while (left && !err) {
		int n = incore_chunk(current->mm, addr, (unsigned)
				     min_t(size_t, left, PAGE_SIZE), buf,
				     may_tell);

		if (n < 0) {
			err = n;
			break;
		}
		err = copy_to_user(vec, buf, (size_t)n);
		vec += n;
		left -= (size_t)n;
		addr += (unsigned long)n << PAGE_SHIFT;
	}
	pages_free_va(buf, 0);
	return err;
}

/* --- the page cache of one object ---------------------------------------------*/
#define COUNT_BATCH 256

void mapping_count(struct mapping *m, u64 first, u64 last,
		   struct mapping_stat *st)
{
	unsigned long i = first;
	bool is_end = false;
	struct page *p;

	*st = (struct mapping_stat){ 0 };
	while (!is_end) {
		spin_lock(&m->lock);
		for (int n = 0; n < COUNT_BATCH; n++, i++) {
			p = radix_next(&m->pages, &i);
			is_end = !p || i > last;
			if (is_end)
				break;
			st->cached++;
			st->dirty += radix_tag_get(&m->pages, i, TAG_DIRTY);
			st->writeback += page_test(p, PG_WRITEBACK);
		}
		spin_unlock(&m->lock);
		cond_resched();
	}
}
