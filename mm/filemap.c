/*
 * filemap - read() and write() of files through the page cache.
 *
 * Theory: a read looks up to 16 pages up at once, takes a reference on each,
 *         and copies from them unlocked: the copy may fault and sleep.  A
 *         write locks the page and copies with page faults disabled, since
 *         the source may be that very page, mapped; only when the copy comes
 *         out short the source is faulted in, unlocked, and tried again.
 *         Flags first, one read barrier for the batch, then sizes and bytes.
 */
#include <kernel/task.h>
#include <kernel/waitq.h>
#include <lib/string.h>
#include <mm/mapping.h>
#include "mm_impl.h"

#define READ_BATCH 16u
#define LONG_COPY 16384u
#define BALANCE_EVERY 64u

/* --- getting pages up to date --- */

/* A hole of a file in memory: it takes a page, which has to be allowed, and
 * what is not allowed does not stay. */
static int fill_hole_unlock(struct mapping *m, struct page *p)
{
	int err = m->ops->page_mkwrite ? m->ops->page_mkwrite(m, p) : 0;

	if (unlikely(err)) {
		page_cache_remove(p);
	} else {
		page_zero(page_to_va(p));
		page_flag_set(p, PG_UPTODATE);
	}
	page_unlock(p);
	return err;
}

int page_read_locked(struct page *p)
{
	struct mapping *m = p->mapping;
	int err;

	if (!m->ops->read_pages)
		return fill_hole_unlock(m, p);
	page_flag_clear(p, PG_ERROR);
	vmstat_add(VM_PGPGIN, PAGE_SIZE / 1024);
	err = m->ops->read_pages(m, &p, 1);
	if (err)
		return err;
	page_wait_clear(p, PG_LOCKED);
	return page_test(p, PG_UPTODATE) ? 0 : -EIO;
}

/* A referenced page that was not up to date a moment ago.  -EAGAIN: it left
 * the cache meanwhile. */
static int page_bring_up(struct mapping *m, struct page *p)
{
	int err = page_lock_killable(p);

	if (err)
		return err;
	if (p->mapping != m) {
		page_unlock(p);
		return -EAGAIN;
	}
	if (page_test(p, PG_UPTODATE)) {
		page_unlock(p);
		return 0;
	}
	return page_read_locked(p);
}

/* An absent page, made and read. */
static int page_make_and_read(struct mapping *m, u64 index, struct page **page)
{
	struct page *p;
	int err = page_cache_grab(m, index, &p);

	if (err)
		return err;
	*page = p;
	if (page_test(p, PG_UPTODATE)) {
		page_unlock(p);
		return 0;
	}
	err = page_read_locked(p);
	if (err)
		page_put(p);
	return err;
}

int page_cache_read(struct mapping *m, u64 index, struct page **page)
{
	struct page *p;
	int err;

	for (;;) {
		p = page_cache_find(m, index);
		if (!p && m->ops->read_pages) {
			struct page *before = index ?
				page_cache_find(m, index - 1) : NULL;

			readahead_force(m, index, before ? READ_BATCH : 1);
			if (before)
				page_put(before);
			p = page_cache_find(m, index);
		}
		if (!p)
			return page_make_and_read(m, index, page);
		if (likely(page_test(p, PG_UPTODATE)))
			break;
		err = page_bring_up(m, p);
		if (!err)
			break;
		page_put(p);
		if (err != -EAGAIN)
			return err;
	}
	smp_rmb();
	*page = p;
	return 0;
}

/* --- read --- */

/* Looks at the pages of a batch: the first must be made up to date, the run
 * ends before the next that is not.  *n is the length left. */
static int batch_check(struct mapping *m, struct readahead *ra,
		       struct page **pages, unsigned *n, u64 index)
{
	unsigned i;
	int err;

	if (unlikely(!page_test(pages[0], PG_UPTODATE))) {
		err = page_bring_up(m, pages[0]);
		if (err)
			return err;
	}
	for (i = 0; i < *n; i++) {
		if (i && !page_test(pages[i], PG_UPTODATE))
			break;
		if (unlikely(page_test(pages[i], PG_READAHEAD)) && ra) {
			page_flag_clear(pages[i], PG_READAHEAD);
			readahead_async(m, ra, index + i, *n - i);
		}
	}
	pages_put(pages + i, *n - i);
	*n = i;
	smp_rmb();
	return 0;
}

/* Up to want pages from index on.  *n == 0 without an error: a hole of an
 * object without backing. */
static int batch_get(struct mapping *m, struct readahead *ra, u64 index,
		     unsigned want, struct page **pages, unsigned *n)
{
	int err;

	*n = page_cache_find_run(m, index, pages, want);
	if (likely(*n))
		return 0;
	if (!m->ops->read_pages)
		return 0;
	readahead_sync(m, ra, index, want);
	*n = page_cache_find_run(m, index, pages, want);
	if (*n)
		return 0;
	err = page_make_and_read(m, index, pages);
	if (!err)
		*n = 1;
	return err;
}

/* Whole pages to one user buffer; returns how many.  A page that faults is
 * left to copy_part(), which counts its bytes. */
static unsigned copy_whole(struct page **pages, u64 n, struct iter *it)
{
	char __user *to = (char __user *)it->ubase + it->off;
	unsigned i;

	for (i = 0; i < n; i++, to += PAGE_SIZE) {
		if (!page_test(pages[i], PG_WORKINGSET))
			page_mark_accessed(pages[i]);
		if (copy_to_user(to, page_to_va(pages[i]), PAGE_SIZE))
			break;
	}
	iter_advance(it, (size_t)i << PAGE_SHIFT);
	return i;
}

/* What is wanted of one page; false after a bad address. */
static bool copy_part(struct page *p, u64 end, struct readahead *ra,
		      struct iter *it, u64 *pos)
{
	unsigned off = *pos & ~PAGE_MASK;
	size_t len = min3((u64)(PAGE_SIZE - off), (u64)it->count, end - *pos);
	size_t got;

	if (!ra || ra->prev != *pos >> PAGE_SHIFT)
		page_mark_accessed(p);
	got = copy_to_iter((char *)page_to_va(p) + off, len, it);
	if (ra)
		ra->prev = *pos >> PAGE_SHIFT;
	*pos += got;
	return got == len;
}

/* Copies from a checked batch; false after a bad address. */
static bool batch_copy(struct page **pages, unsigned n, u64 end,
		       struct readahead *ra, struct iter *it, u64 *pos)
{
	unsigned i = 0;

	while (i < n && it->count && *pos < end) {
		u64 whole = min((u64)it->count, end - *pos) >> PAGE_SHIFT;

		if (whole && it->kind == ITER_USER && !(*pos & ~PAGE_MASK)) {
			whole = copy_whole(pages + i, min(whole, (u64)n - i),
					   it);
			i += whole;
			*pos += whole << PAGE_SHIFT;
			if (ra && whole)
				ra->prev = (*pos >> PAGE_SHIFT) - 1;
			if (whole)
				continue;
		}
		if (!copy_part(pages[i++], end, ra, it, pos))
			return false;
	}
	return true;
}

static bool copy_hole(u64 end, struct iter *it, u64 *pos)
{
	size_t len = min3((u64)(PAGE_SIZE - (*pos & ~PAGE_MASK)),
			  (u64)it->count, end - *pos);
	size_t got = zero_iter(len, it);

	*pos += got;
	return got == len;
}

static unsigned pages_wanted(u64 pos, size_t count, u64 end)
{
	u64 n = min((u64)count, end - pos) + (pos & ~PAGE_MASK);

	return (unsigned)min_t(u64, (n + PAGE_SIZE - 1) >> PAGE_SHIFT,
			       READ_BATCH);
}

/* One batch.  0: go on; 1: bad address; or an error. */
static int read_batch(struct mapping *m, struct readahead *ra, struct iter *it,
		      u64 *pos, u64 end)
{
	struct page *pages[READ_BATCH];
	u64 index = *pos >> PAGE_SHIFT;
	bool ok = true;
	unsigned n;
	int err;

	err = batch_get(m, ra, index, pages_wanted(*pos, it->count, end),
			pages, &n);
	if (err)
		return err;
	if (!n)
		return copy_hole(end, it, pos) ? 0 : 1;
	err = batch_check(m, ra, pages, &n, index);
	if (!err) {
		end = mapping_size(m);
		if (*pos < end)
			ok = batch_copy(pages, n, end, ra, it, pos);
	}
	pages_put(pages, n);
	if (err == -EAGAIN)
		return 0;
	return err ? err : !ok;
}

ssize_t filemap_read(struct mapping *m, struct readahead *ra, struct iter *it,
		     u64 *pos)
{
	u64 start = *pos, end;
	int err = 0;

	if (it->count > LONG_COPY)
		irqs_unmask();
	while (it->count && *pos < (end = mapping_size(m))) {
		err = read_batch(m, ra, it, pos, end);
		if (err)
			break;
		if (unlikely(it->count && fatal_signal_pending(current))) {
			err = -EINTR;
			break;
		}
		if (it->count)
			cond_resched();
	}
	if (*pos != start)
		return (ssize_t)(*pos - start);
	return err > 0 ? -EFAULT : err;
}

/* How many pages from index on are there and up to date.  They are referenced,
 * so that none leaves the cache. */
static unsigned hold_ready(struct mapping *m, u64 index, unsigned want,
			   struct page **pages)
{
	unsigned n = page_cache_find_run(m, index, pages, want), ready = 0;

	while (ready < n && page_test(pages[ready], PG_UPTODATE))
		ready++;
	pages_put(pages + ready, n - ready);
	return ready;
}

ssize_t filemap_read_nowait(struct mapping *m, struct readahead *ra,
			    struct iter *it, u64 *pos)
{
	struct page *pages[READ_BATCH];
	u64 start = *pos, end;
	ssize_t n = 0;

	while (it->count && *pos < (end = mapping_size(m))) {
		u64 index = *pos >> PAGE_SHIFT;
		unsigned want = pages_wanted(*pos, it->count, end);
		unsigned got = hold_ready(m, index, want, pages);
		size_t most = ((size_t)got << PAGE_SHIFT) - (*pos & ~PAGE_MASK);
		size_t rest;

		if (!got) {	/* started, so that it is there next time */
			readahead_sync(m, ra, index, want);
			n = -EAGAIN;
			break;
		}
		rest = it->count > most ? it->count - most : 0;
		it->count -= rest;
		n = filemap_read(m, ra, it, pos);
		it->count += rest;
		pages_put(pages, got);
		if (n <= 0)
			break;
	}
	return *pos != start ? (ssize_t)(*pos - start) : n;
}

/* --- write --- */

static int generic_write_begin(struct mapping *m, u64 pos, unsigned len,
			       struct page **page)
{
	struct page *p;
	int err;

	for (;;) {
		err = page_cache_grab(m, pos >> PAGE_SHIFT, &p);
		if (err)
			return err;
		if (page_test(p, PG_UPTODATE) || len == PAGE_SIZE)
			break;
		if (!m->ops->read_pages ||
		    (pos & PAGE_MASK) >= mapping_size(m)) {
			page_zero(page_to_va(p));
			page_flag_set(p, PG_UPTODATE);
			break;
		}
		err = page_read_locked(p);
		page_put(p);
		if (err)
			return err;
	}
	*page = p;
	return 0;
}

static int generic_write_end(struct mapping *m, u64 pos, unsigned len,
			     unsigned copied, struct page *p)
{
	if (copied) {
		if (!page_test(p, PG_UPTODATE))
			page_flag_set(p, PG_UPTODATE);
		if (!page_test(p, PG_DIRTY))
			page_mark_dirty(p);
		if (pos + copied > mapping_size(m))
			__atomic_store_n(&m->size, pos + copied,
					 __ATOMIC_RELEASE);
	}
	page_unlock(p);
	page_put(p);
	return 0;
}

/* Copies within one page.  Bytes done, 0 for "fault the source in", or an
 * error. */
/* How much of up to len bytes at pos was written.  0: not all could be read
 * without a fault and the page cannot do with less; *len is then what could. */
static ssize_t write_piece(struct mapping *m, struct iter *it, u64 pos,
			   unsigned *lenp)
{
	const struct mapping_ops *ops = m->ops;
	unsigned off = pos & ~PAGE_MASK, len = *lenp;
	struct page *p;
	size_t copied;
	int err;

	err = ops->write_begin ? ops->write_begin(m, pos, len, &p) :
		generic_write_begin(m, pos, len, &p);
	if (err)
		return err;
	pagefault_disable();
	copied = copy_from_iter((char *)page_to_va(p) + off, len, it);
	pagefault_enable();
	if (unlikely(copied < len) && !page_test(p, PG_UPTODATE)) {
		iter_revert(it, copied);
		*lenp = (unsigned)copied;
		copied = 0;
	}
	if (copied)
		page_mark_accessed(p);
	if (unlikely(page_test(p, PG_EXEC)))
		page_flag_clear(p, PG_EXEC);	/* new code: fault_file.c */
	err = ops->write_end ?
		ops->write_end(m, pos, len, (unsigned)copied, p) :
		generic_write_end(m, pos, len, (unsigned)copied, p);
	if (err < 0) {
		iter_revert(it, copied);
		return err;
	}
	return (ssize_t)copied;
}

static void throttle(struct mapping *m, u32 *pages)
{
	if (!(++*pages % READ_BATCH))
		cond_resched();
	if (++current->unbalanced_pages < BALANCE_EVERY || mapping_is_shmem(m))
		return;
	current->unbalanced_pages = 0;
	balance_dirty_pages();
}

ssize_t filemap_write(struct mapping *m, struct iter *it, u64 *pos)
{
	unsigned most = PAGE_SIZE;
	u64 start = *pos;
	ssize_t n = 0;
	u32 pages = 0;

	if (it->count > LONG_COPY)
		irqs_unmask();
	while (it->count) {
		unsigned len = (unsigned)min_t(u64, it->count, PAGE_SIZE -
					       (*pos & ~PAGE_MASK));
		unsigned could = min(len, most);

		len = could;
		n = write_piece(m, it, *pos, &could);
		if (n < 0)
			break;
		if (unlikely(!n)) {
			/* What follows may never be readable: next time no
			 * more than was. */
			most = could ? could : PAGE_SIZE;
			n = iter_fault_in(it, len);
			if (!n && fatal_signal_pending(current))
				n = -EINTR;
			if (n)
				break;
			continue;
		}
		most = PAGE_SIZE;
		*pos += (u64)n;
		throttle(m, &pages);
		if (unlikely(it->count && fatal_signal_pending(current))) {
			n = -EINTR;
			break;
		}
	}
	return *pos != start ? (ssize_t)(*pos - start) : n;
}
