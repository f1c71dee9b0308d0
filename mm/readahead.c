/*
 * readahead - guessing what a reader of a file wants next.
 *
 * Theory: the state of an open file is a window [start, start + size) that
 *         was asked for last; the page async_size before its end is marked.
 *         Whoever reads the marked page starts the next, larger window while
 *         the rest of this one is being used, so a sequential reader never
 *         waits.  A miss right behind the window or behind the last page
 *         read counts as sequential; other misses read what is wanted and
 *         leave the state alone.
 */
#include <kernel/rcu.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include <mm/slab.h>
#include "mm_impl.h"

#define RA_FIRST 16u
#define RUN_FALLBACK 16u

/* Fresh pages for absent indexes from *index on, until one is there. */
static unsigned make_run(struct mapping *m, u64 *index, u64 end,
			 struct page **pages, unsigned max, u64 mark)
{
	unsigned gfp = (m->gfp & ~GFP_USERPAGE) | GFP_NOWARN;
	u64 hole_end;
	unsigned n = 0;

	rcu_read_lock();
	while (*index < end && radix_lookup(&m->pages, *index))
		++*index;
	hole_end = *index;
	while (hole_end < end && hole_end - *index < max &&
	       !radix_lookup(&m->pages, hole_end))
		hole_end++;
	rcu_read_unlock();
	for (; n < hole_end - *index; n++) {
		struct page *p = page_alloc(gfp, 0);

		if (!p)
			break;
		p->flags = PG_LOCKED |
			   (*index + n == mark ? PG_READAHEAD : 0);
		pages[n] = p;
	}
	return n;
}

/* Adds a run to the cache and starts reading it; false ends the effort. */
static bool submit_run(struct mapping *m, struct page **pages, unsigned n,
		       u64 index)
{
	unsigned added = page_cache_add_run(m, pages, n, index, m->gfp);
	bool ok = added == n;

	if (added) {
		vmstat_add(VM_PGPGIN, added * (PAGE_SIZE / 1024));
		ok &= !m->ops->read_pages(m, pages, added);
	}
	for (unsigned i = added; i < n; i++)
		page_unlock(pages[i]);
	pages_put(pages, n);
	return ok;
}

static void read_range(struct mapping *m, u64 index, u64 n, u64 mark)
{
	struct page *few[RUN_FALLBACK], **pages = few;
	unsigned max = RUN_FALLBACK, got;
	u64 end = min(index + n, mapping_end_index(m));

	if (!m->ops->read_pages || index >= end)
		return;
	if (end - index > RUN_FALLBACK) {
		pages = kmalloc_array(RA_MAX, sizeof(*pages), GFP_HIGH);
		max = pages ? RA_MAX : RUN_FALLBACK;
		pages = pages ? pages : few;
	}
	while (index < end) {
		got = make_run(m, &index, end, pages, max, mark);
		if (!got || !submit_run(m, pages, got, index))
			break;
		index += got;
	}
	if (pages != few)
		kfree(pages);
}

static u32 limit_of(const struct mapping *m)
{
	return m->ops->readahead_limit ? m->ops->readahead_limit(m) : RA_MAX;
}

static u32 first_size(u64 req, u32 max)
{
	u64 n = roundup_pow2(req);

	if (n <= max / 32)
		n *= 4;
	else if (n <= max / 4)
		n *= 2;
	return (u32)clamp_t(u64, n, min(RA_FIRST, max), max);
}

static u32 next_size(u32 size, u32 max)
{
	return min(size < max / 8 ? size * 4 : size * 2, max);
}

static void read_window(struct mapping *m, struct readahead *ra)
{
	read_range(m, ra->start, ra->size,
		   ra->start + ra->size - ra->async_size);
}

void readahead_sync(struct mapping *m, struct readahead *ra, u64 index,
		    u64 req)
{
	bool at_end = ra && ra->size && index == ra->start + ra->size;
	bool near = ra && (index == 0 || index - ra->prev <= 1);
	u32 max = limit_of(m);

	if (!ra || !max || (!at_end && !near && req < RA_FIRST)) {
		read_range(m, index, req, U64_MAX);
		return;
	}
	ra->start = index;
	ra->size = at_end ? next_size(ra->size, max) : first_size(req, max);
	ra->async_size = ra->size > req ? (u32)(ra->size - req) : ra->size / 2;
	read_window(m, ra);
}

void readahead_async(struct mapping *m, struct readahead *ra, u64 index,
		     u64 req)
{
	u32 max = limit_of(m);

	if (!max)
		return;
	if (index == ra->start + ra->size - ra->async_size) {
		ra->start += ra->size;
		ra->size = next_size(ra->size, max);
	} else {
		u64 next;

		rcu_read_lock();
		next = radix_next_hole(&m->pages, index + 1, RA_MAX);
		rcu_read_unlock();
		if (next - index > RA_MAX)
			return;
		ra->start = next;
		ra->size = next_size((u32)(next - index), max);
	}
	ra->async_size = ra->size;
	read_window(m, ra);
}

void readahead_force(struct mapping *m, u64 index, u64 n)
{
	read_range(m, index, n, U64_MAX);
}
