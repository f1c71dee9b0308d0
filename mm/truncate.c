/*
 * truncate - cutting page caches: to a size, or a hole.
 *
 * Theory: the size is set before.  First user tables are cleared, so that
 *         later stores fault and see the new size; then each page is locked
 *         (which waits for readers of the device), write-back is waited for,
 *         and it leaves the tree.  A page that somebody mapped in between is
 *         unmapped again by page_cache_remove().
 */
#include <kernel/rcu.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include "mm_impl.h"

#define BATCH 32u

/* Zeroes part of a page, if it is cached.  A part that is zero already stays
 * clean: it may lie over a hole of the file. */
static void zero_part(struct mapping *m, u64 index, unsigned from, unsigned to)
{
	struct page *p;
	char *at;

	if (from >= to)
		return;
	p = page_cache_find_lock(m, index);
	if (!p)
		return;
	page_wait_clear(p, PG_WRITEBACK);
	at = (char *)page_to_va(p) + from;
	if (page_test(p, PG_UPTODATE) && !mem_is_zero(at, to - from)) {
		memset(at, 0, to - from);
		page_mark_dirty(p);
	}
	page_unlock(p);
	page_put(p);
}

static void remove_page(struct mapping *m, struct page *p)
{
	page_lock(p);
	if (p->mapping == m) {
		page_wait_clear(p, PG_WRITEBACK);
		page_cache_remove(p);
	}
	page_unlock(p);
	page_put(p);
}

/* The next n pages of [first, last], referenced. */
static unsigned collect(struct mapping *m, u64 *first, u64 last,
			struct page **pages)
{
	unsigned long at = *first;
	unsigned n = 0;

	rcu_read_lock();
	while (n < BATCH && at <= last) {
		struct page *p = radix_next(&m->pages, &at);

		if (!p || at > last)
			break;
		if (ref_tryget(&p->refs))
			pages[n++] = p;
		at++;
	}
	rcu_read_unlock();
	*first = at;
	return n;
}

static void remove_range(struct mapping *m, u64 first, u64 last)
{
	struct page *pages[BATCH];
	unsigned n;

	while (first <= last && !radix_empty(&m->pages)) {
		n = collect(m, &first, last, pages);
		if (!n)
			break;
		for (unsigned i = 0; i < n; i++)
			remove_page(m, pages[i]);
		cond_resched();
	}
}

void mapping_punch(struct mapping *m, u64 start, u64 end)
{
	u64 first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT;
	u64 last = end >> PAGE_SHIFT;		/* exclusive */
	unsigned head = start & ~PAGE_MASK, tail = end & ~PAGE_MASK;

	if (start >= end)
		return;
	if (start >> PAGE_SHIFT == end >> PAGE_SHIFT) {
		zero_part(m, start >> PAGE_SHIFT, head, tail);
		return;
	}
	if (head)
		zero_part(m, start >> PAGE_SHIFT, head, PAGE_SIZE);
	if (tail)
		zero_part(m, last, 0, tail);
	if (first < last) {
		mapping_unmap(m, first, last - 1, false);
		remove_range(m, first, last - 1);
	}
}

void mapping_truncate(struct mapping *m, u64 size)
{
	u64 first = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	unsigned tail = size & ~PAGE_MASK;

	mapping_unmap(m, first, U64_MAX, true);
	if (tail)
		zero_part(m, size >> PAGE_SHIFT, tail, PAGE_SIZE);
	remove_range(m, first, ULONG_MAX);
	/* private copies made of these pages while they were still there */
	mapping_unmap(m, first, U64_MAX, true);
}
