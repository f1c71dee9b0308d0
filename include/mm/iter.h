#pragma once
/*
 * struct iter - where the bytes of one data call come from or go to: user
 * segments, kernel memory, or pages.  Copying advances it.
 */
#include <arch/uaccess.h>

struct page;
struct uiovec {			/* struct iovec of user space */
	void __user *base;
	size_t len;
};
struct kvec {
	void *base;
	size_t len;
};
struct page_vec {
	struct page *page;
	u32 off, len;
};

enum iter_kind { ITER_USER, ITER_IOVEC, ITER_KVEC, ITER_PAGES };

struct iter {
	u8 kind;
	bool is_source;		/* bytes are read from it (a write call) */
	size_t count;		/* bytes left */
	size_t off;		/* into the first segment */
	union {
		void __user *ubase;		/* ITER_USER: one segment */
		const struct uiovec *iov;	/* kernel copy of the array */
		const struct kvec *kvec;
		const struct page_vec *pages;
	};
	unsigned nr;		/* segments left */
};

static inline void iter_user(struct iter *it, void __user *p, size_t n,
			     bool is_source)
{
	*it = (struct iter){ .kind = ITER_USER, .is_source = is_source,
			     .count = n, .ubase = p, .nr = 1 };
}
void iter_kvec(struct iter *it, const struct kvec *v, unsigned nr, size_t n,
	       bool is_source);
void iter_pages(struct iter *it, const struct page_vec *v, unsigned nr,
		size_t n, bool is_source);

/* Copies up to n bytes and advances; returns bytes copied, short only at a
 * bad address or the end. */
size_t copy_to_iter(const void *src, size_t n, struct iter *it);
size_t copy_from_iter(void *dst, size_t n, struct iter *it);
size_t zero_iter(size_t n, struct iter *it);
void iter_advance(struct iter *it, size_t n);
void iter_revert(struct iter *it, size_t n);
/* Touches the first n bytes of a user iterator so that a copy with page
 * faults disabled will likely succeed. -EFAULT if none can be had. */
int __must_check iter_fault_in(struct iter *it, size_t n);
/* The page (referenced) behind the front of the iterator, for direct I/O and
 * splice: *off, *len within it; advances. */
int __must_check iter_get_page(struct iter *it, struct page **page,
			       size_t *off, size_t *len);

/* Reads n segments from user space into `fast` (of fast_nr) or an allocated
 * array returned through *iov; free with kfree if != fast. -EINVAL when the
 * sum exceeds SSIZE_MAX or n > 1024. */
int __must_check iter_import(struct iter *it, const void __user *uvec,
			     unsigned n, struct uiovec *fast, unsigned fast_nr,
			     struct uiovec **iov, bool is_source);
