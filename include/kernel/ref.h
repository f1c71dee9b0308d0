#pragma once
/*
 * Saturating reference counts.  ref_put() is true for the caller that dropped
 * the last one and must free.  A count that would overflow or is taken at
 * zero sticks at the saturated value (the object leaks, never dangles) and
 * warns once.
 */
#include <kernel/atomic.h>

struct ref {
	int n;
};

#define REF_SATURATED (-0x40000000)
#define REF_INIT(k) { .n = (k) }

void ref_warn(struct ref *r, const char *what);

static inline void ref_init(struct ref *r, int n)
{
	__atomic_store_n(&r->n, n, __ATOMIC_RELAXED);
}

static inline int ref_count(const struct ref *r)
{
	return __atomic_load_n(&r->n, __ATOMIC_RELAXED);
}

static inline void ref_get(struct ref *r)
{
	if (unlikely(__atomic_fetch_add(&r->n, 1, __ATOMIC_RELAXED) <= 0))
		ref_warn(r, "taken at zero");
}

/* False if the object is already dying. */
static inline bool __must_check ref_tryget(struct ref *r)
{
	int n = ref_count(r);

	do {
		if (n == 0)
			return false;
	} while (!__atomic_compare_exchange_n(&r->n, &n, n + 1, true,
					      __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return true;
}

static inline bool __must_check ref_put(struct ref *r)
{
	int n = __atomic_sub_fetch(&r->n, 1, __ATOMIC_ACQ_REL);

	if (unlikely(n < 0))
		ref_warn(r, "dropped below zero");
	return n == 0;
}
