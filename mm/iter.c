/*
 * iter - walking over the bytes of one data call.
 *
 * Theory: an iterator is a position: segments left, offset into the first,
 *         bytes left.  Each copy is a loop over pieces that lie in one
 *         segment; ITER_USER, by far the commonest, is one piece.  Going
 *         back needs no memory, since the array before the position is still
 *         there.
 */
#include <kernel/task.h>
#include <lib/string.h>
#include <mm/iter.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include "mm_impl.h"

#define IOV_MAX 1024u

void iter_kvec(struct iter *it, const struct kvec *v, unsigned nr, size_t n,
	       bool is_source)
{
	*it = (struct iter){ .kind = ITER_KVEC, .is_source = is_source,
			     .count = n, .kvec = v, .nr = nr };
}

void iter_pages(struct iter *it, const struct page_vec *v, unsigned nr,
		size_t n, bool is_source)
{
	*it = (struct iter){ .kind = ITER_PAGES, .is_source = is_source,
			     .count = n, .pages = v, .nr = nr };
}

static size_t segment_len(const struct iter *it)
{
	switch (it->kind) {
	case ITER_IOVEC:
		return it->iov->len;
	case ITER_KVEC:
		return it->kvec->len;
	case ITER_PAGES:
		return it->pages->len;
	default:
		return it->off + it->count;
	}
}

static void segment_step(struct iter *it, int by)
{
	switch (it->kind) {
	case ITER_IOVEC:
		it->iov += by;
		break;
	case ITER_KVEC:
		it->kvec += by;
		break;
	case ITER_PAGES:
		it->pages += by;
		break;
	}
	it->nr -= (unsigned)by;
}

/* Bytes left in the front segment, at most n and what is left in all; skips
 * used-up segments. */
static size_t front_len(struct iter *it, size_t n)
{
	n = min(n, it->count);
	if (it->kind == ITER_USER || !n)
		return n;
	while (it->nr && it->off >= segment_len(it)) {
		it->off -= segment_len(it);
		segment_step(it, 1);
	}
	return it->nr ? min(n, segment_len(it) - it->off) : 0;
}

void iter_advance(struct iter *it, size_t n)
{
	n = min(n, it->count);
	it->count -= n;
	it->off += n;
	if (it->kind == ITER_USER)
		return;
	while (it->nr > 1 && it->off >= segment_len(it)) {
		it->off -= segment_len(it);
		segment_step(it, 1);
	}
}

void iter_revert(struct iter *it, size_t n)
{
	it->count += n;
	if (it->kind == ITER_USER) {
		it->off -= n;
		return;
	}
	while (n > it->off) {
		n -= it->off;
		segment_step(it, -1);
		it->off = segment_len(it);
	}
	it->off -= n;
}

static void __user *front_user(const struct iter *it)
{
	if (it->kind == ITER_USER)
		return (char __user *)it->ubase + it->off;
	return (char __user *)it->iov->base + it->off;
}

static void *front_kernel(const struct iter *it)
{
	if (it->kind == ITER_KVEC)
		return (char *)it->kvec->base + it->off;
	return (char *)page_to_va(it->pages->page) + it->pages->off + it->off;
}

/* Pieces in page vectors do not cross what is contiguous: a vector entry is
 * within one block of pages. */
static size_t copy_out_piece(const void *src, size_t n, struct iter *it)
{
	switch (it->kind) {
	case ITER_USER:
	case ITER_IOVEC:
		if (!access_ok(front_user(it), n))
			return 0;
		return n - copy_to_user_partial(front_user(it), src, n);
	default:
		memcpy(front_kernel(it), src, n);
		return n;
	}
}

static size_t copy_in_piece(void *dst, size_t n, struct iter *it)
{
	switch (it->kind) {
	case ITER_USER:
	case ITER_IOVEC:
		if (!access_ok(front_user(it), n))
			return 0;
		return n - copy_from_user_partial(dst, front_user(it), n);
	default:
		memcpy(dst, front_kernel(it), n);
		return n;
	}
}

static size_t zero_piece(size_t n, struct iter *it)
{
	switch (it->kind) {
	case ITER_USER:
	case ITER_IOVEC:
		if (!access_ok(front_user(it), n))
			return 0;
		return n - clear_user_partial(front_user(it), n);
	default:
		memset(front_kernel(it), 0, n);
		return n;
	}
}

size_t copy_to_iter(const void *src, size_t n, struct iter *it)
{
	size_t done = 0;

	while (done < n) {
		size_t part = front_len(it, n - done);
		size_t got;

		if (!part)
			break;
		got = copy_out_piece((const char *)src + done, part, it);
		iter_advance(it, got);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

size_t copy_from_iter(void *dst, size_t n, struct iter *it)
{
	size_t done = 0;

	while (done < n) {
		size_t part = front_len(it, n - done);
		size_t got;

		if (!part)
			break;
		got = copy_in_piece((char *)dst + done, part, it);
		iter_advance(it, got);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

size_t zero_iter(size_t n, struct iter *it)
{
	size_t done = 0;

	while (done < n) {
		size_t part = front_len(it, n - done);
		size_t got;

		if (!part)
			break;
		got = zero_piece(part, it);
		iter_advance(it, got);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

int iter_fault_in(struct iter *it, size_t n)
{
	size_t len = front_len(it, n);

	if (it->kind != ITER_USER && it->kind != ITER_IOVEC)
		return 0;
	if (!len)
		return 0;
	if (!access_ok(front_user(it), len))
		return -EFAULT;
	/* One page is enough to go on; more is a bonus. */
	if (mm_fault_in((unsigned long)front_user(it), 1, !it->is_source))
		return -EFAULT;
	if (len > 1)
		ignore_error(mm_fault_in((unsigned long)front_user(it), len,
					 !it->is_source)); /* only a hint */
	return 0;
}

static int user_page(struct iter *it, struct page **page, size_t *off)
{
	unsigned long addr = (unsigned long)front_user(it);
	unsigned got;
	int err;

	if (!access_ok(front_user(it), 1))
		return -EFAULT;
	err = mm_get_pages(current->mm, addr & PAGE_MASK, 1, !it->is_source,
			   false, page, &got);
	if (err)
		return err;
	if (!got)
		return -EFAULT;
	*off = addr & ~PAGE_MASK;
	return 0;
}

static void kernel_page(struct iter *it, struct page **page, size_t *off)
{
	unsigned long va = (unsigned long)front_kernel(it);

	*page = pa_to_page(kernel_va_to_pa(va & PAGE_MASK));
	*off = va & ~PAGE_MASK;
	page_get(*page);
}

int iter_get_page(struct iter *it, struct page **page, size_t *off,
		  size_t *len)
{
	size_t part = front_len(it, PAGE_SIZE);
	int err = 0;

	if (!part)
		return -EFAULT;
	switch (it->kind) {
	case ITER_USER:
	case ITER_IOVEC:
		err = user_page(it, page, off);
		break;
	default:
		kernel_page(it, page, off);
	}
	if (err)
		return err;
	*len = min(part, PAGE_SIZE - *off);
	iter_advance(it, *len);
	return 0;
}

static int check_segments(struct uiovec *v, unsigned n, size_t *total)
{
	size_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		ssize_t len = (ssize_t)v[i].len;

		if (len < 0 || add_overflow(sum, v[i].len, &sum) ||
		    (ssize_t)sum < 0)
			return -EINVAL;
		if (!access_ok(v[i].base, v[i].len))
			return -EFAULT;
	}
	*total = sum;
	return 0;
}

int iter_import(struct iter *it, const void __user *uvec, unsigned n,
		struct uiovec *fast, unsigned fast_nr, struct uiovec **iov,
		bool is_source)
{
	struct uiovec *v = fast;
	size_t total;
	int err;

	*iov = fast;
	if (n > IOV_MAX)
		return -EINVAL;
	if (n > fast_nr) {
		v = kmalloc_array(n, sizeof(*v), GFP_KERNEL);
		if (!v)
			return -ENOMEM;
	}
	err = copy_from_user(v, uvec, n * sizeof(*v));
	if (!err)
		err = check_segments(v, n, &total);
	if (err) {
		if (v != fast)
			kfree(v);
		return err;
	}
	*iov = v;
	*it = (struct iter){ .kind = ITER_IOVEC, .is_source = is_source,
			     .count = total, .iov = v, .nr = n };
	return 0;
}
