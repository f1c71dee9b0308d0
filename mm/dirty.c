/*
 * dirty - dirty pages of the page cache and their way to the device.
 *
 * Theory: a page is dirty from the first write (under the page lock, also
 *         for a store through a shared mapping, which faults) until write-out
 *         begins; then it is write-protected in all user tables, so that the
 *         next store makes it dirty again.  Tags in the tree let write-out
 *         find dirty pages without looking at others.
 *         PG_WRITEBACK marks a page on its way; it may be locked, read, even
 *         dirtied again meanwhile.
 * Context: page_end_writeback() any; the tag in the tree is cleared later by
 *         whoever looks (a completion must not take mapping.lock).
 */
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <kernel/waitq.h>
#include <mm/mapping.h>
#include <mm/mm.h>
#include "mm_impl.h"

int sysctl_dirty_background_ratio = 10;	/* percent */
int sysctl_dirty_ratio = 20;

void page_mark_dirty(struct page *p)
{
	struct mapping *m = p->mapping;

	if (page_test(p, PG_DIRTY) || !m)
		return;
	if (__atomic_fetch_or(&p->flags, PG_DIRTY, __ATOMIC_SEQ_CST) & PG_DIRTY)
		return;
	if (mapping_is_shmem(m))
		return;
	spin_lock(&m->lock);
	if (p->mapping == m)
		radix_tag_set(&m->pages, p->index, TAG_DIRTY);
	spin_unlock(&m->lock);
	vmstat_add(VM_DIRTY, 1);
	current->io_write_bytes += PAGE_SIZE;
	if (mapping_dirtied_hook && m->host)
		mapping_dirtied_hook(m);
}

bool page_clear_dirty_for_io(struct page *p)
{
	struct mapping *m = p->mapping;

	assert(page_test(p, PG_LOCKED));
	if (!page_test(p, PG_DIRTY))
		return false;
	page_write_protect_all(p);
	if (!(__atomic_fetch_and(&p->flags, ~PG_DIRTY, __ATOMIC_SEQ_CST) &
	      PG_DIRTY))
		return false;
	spin_lock(&m->lock);
	radix_tag_clear(&m->pages, p->index, TAG_DIRTY);
	spin_unlock(&m->lock);
	vmstat_add(VM_DIRTY, -1);
	return true;
}

void page_start_writeback(struct page *p)
{
	struct mapping *m = p->mapping;

	assert(page_test(p, PG_LOCKED));
	page_get(p);	/* until it ends */
	page_flag_set(p, PG_WRITEBACK);
	spin_lock(&m->lock);
	radix_tag_set(&m->pages, p->index, TAG_WRITEBACK);
	spin_unlock(&m->lock);
	vmstat_add(VM_WRITEBACK, 1);
	vmstat_add(VM_PGPGOUT, PAGE_SIZE / 1024);
}

void page_end_writeback(struct page *p, int err)
{
	struct mapping *m = p->mapping;

	if (err && m) {
		page_flag_set(p, PG_ERROR);
		WRITE_ONCE(m->wb_err, err);
		fetch_add(&m->wb_err_seq, 1);
	}
	vmstat_add(VM_WRITEBACK, -1);
	page_clear_wake(p, PG_WRITEBACK);
	page_put(p);
}

/* The next tagged page, referenced; a stale write-back tag is cleared, unless
 * an error waits to be reported. */
static struct page *next_tagged(struct mapping *m, unsigned long *at, u64 end,
				unsigned tag)
{
	struct page *p;

	spin_lock(&m->lock);
	for (;;) {
		p = radix_next_tag(&m->pages, at, tag);
		if (!p || *at > end) {
			p = NULL;
			break;
		}
		if (tag != TAG_WRITEBACK ||
		    page_test(p, PG_WRITEBACK | PG_ERROR)) {
			page_get(p);
			break;
		}
		radix_tag_clear(&m->pages, *at, TAG_WRITEBACK);
	}
	spin_unlock(&m->lock);
	return p;
}

struct page *mapping_next_dirty(struct mapping *m, u64 *index, u64 end)
{
	unsigned long at = *index;
	struct page *p;

	if (!radix_tagged(&m->pages, TAG_DIRTY))
		return NULL;
	while (at <= end && (p = next_tagged(m, &at, end, TAG_DIRTY))) {
		page_lock(p);
		if (p->mapping == m && page_test(p, PG_DIRTY)) {
			*index = at + 1;
			return p;
		}
		page_unlock(p);
		page_put(p);
		at++;
	}
	return NULL;
}

int mapping_wait(struct mapping *m, u64 first, u64 last)
{
	unsigned long at = first;
	struct page *p;
	int err = 0;

	if (!radix_tagged(&m->pages, TAG_WRITEBACK))
		return 0;
	while (at <= last && (p = next_tagged(m, &at, last, TAG_WRITEBACK))) {
		page_wait_clear(p, PG_WRITEBACK);
		if (page_test(p, PG_ERROR)) {
			page_flag_clear(p, PG_ERROR);
			err = READ_ONCE(m->wb_err);
			err = err ? err : -EIO;
		}
		page_put(p);
		at++;
	}
	return err;
}

int mapping_write(struct mapping *m, u64 first, u64 last, bool is_sync)
{
	struct writeback wb = {
		.start = first, .end = last, .is_sync = is_sync,
		.nr_to_write = LONG_MAX,
	};
	int err = 0, err2 = 0;

	if ((m->flags & MAP_NO_WRITEBACK) || !m->ops->write_pages)
		return 0;
	if (radix_tagged(&m->pages, TAG_DIRTY))
		err = m->ops->write_pages(m, &wb);
	if (is_sync)
		err2 = mapping_wait(m, first, last);
	return err ? err : err2;
}

bool mapping_is_dirty(struct mapping *m)
{
	return !(m->flags & MAP_NO_WRITEBACK) &&
	       radix_tagged(&m->pages, TAG_DIRTY);
}

/* Throttles whoever makes pages dirty faster than they can be written. */
void balance_dirty_pages(void)
{
	u64 avail = mem_available_pages() + (u64)vmstat_read(VM_DIRTY);
	u64 dirty = (u64)vmstat_read(VM_DIRTY), limit, background;

	/* Writing begins before anyone is made to wait. */
	limit = (u64)READ_ONCE(sysctl_dirty_ratio);
	background = min((u64)READ_ONCE(sysctl_dirty_background_ratio), limit);
	if (dirty * 100 <= avail * background)
		return;
	if (!writeback_kick_hook)
		return;
	writeback_kick_hook(dirty / 2);
	if (current->flags & TF_CLEANER)
		return;
	while (dirty * 100 > avail * limit) {
		if (fatal_signal_pending(current))
			return;
		sleep_ns(5 * NSEC_PER_MSEC);
		writeback_kick_hook(dirty / 2);
		dirty = (u64)(vmstat_read(VM_DIRTY) +
			      vmstat_read(VM_WRITEBACK));
	}
}
