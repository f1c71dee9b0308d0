#pragma once
/*
 * Atomic operations, over the compiler's __atomic builtins.  Each is
 * sequentially consistent unless its name says otherwise.
 */
#include <lib/compiler.h>
#include <lib/types.h>

struct atomic {
	int v;
};

struct atomic64 {
	s64 v;
};

#define ATOMIC_INIT(n) { .v = (n) }

#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
/* Fence and plain store: gcc's own is a fence and an AMO. */
#define store_release(p, x)                                                    \
	do {                                                                   \
		__atomic_thread_fence(__ATOMIC_RELEASE);                       \
		*(volatile __typeof__(*(p)) *)(p) = (x);                       \
	} while (0)

/* All of these also work on plain integers and on pointers. */
#define xchg(p, x) __atomic_exchange_n(p, x, __ATOMIC_SEQ_CST)
#define fetch_add(p, x) __atomic_fetch_add(p, x, __ATOMIC_SEQ_CST)
#define fetch_add_relaxed(p, x) __atomic_fetch_add(p, x, __ATOMIC_RELAXED)
#define fetch_or(p, x) __atomic_fetch_or(p, x, __ATOMIC_SEQ_CST)
#define fetch_and(p, x) __atomic_fetch_and(p, x, __ATOMIC_SEQ_CST)

/* True if *p was old and is now new. */
#define cmpxchg(p, old, new)                                                   \
	({                                                                     \
		__typeof__(*(p)) _old = (old);                                 \
		__atomic_compare_exchange_n((p), &_old, (new), false,          \
					    __ATOMIC_SEQ_CST,                  \
					    __ATOMIC_RELAXED);                 \
	})

#define atomic_read(a) __atomic_load_n(&(a)->v, __ATOMIC_RELAXED)
#define atomic_set(a, n) __atomic_store_n(&(a)->v, (n), __ATOMIC_RELAXED)
#define atomic_add(a, n) ((void)__atomic_add_fetch(&(a)->v, (n), __ATOMIC_RELAXED))
#define atomic_sub(a, n) ((void)__atomic_sub_fetch(&(a)->v, (n), __ATOMIC_RELAXED))
#define atomic_inc(a) atomic_add(a, 1)
#define atomic_dec(a) atomic_sub(a, 1)
#define atomic_add_return(a, n) __atomic_add_fetch(&(a)->v, (n), __ATOMIC_SEQ_CST)
#define atomic_inc_return(a) atomic_add_return(a, 1)
#define atomic_dec_return(a) __atomic_sub_fetch(&(a)->v, 1, __ATOMIC_SEQ_CST)
#define atomic_dec_and_test(a) (atomic_dec_return(a) == 0)

static inline void flag_set(unsigned long *word, unsigned long mask)
{
	__atomic_fetch_or(word, mask, __ATOMIC_SEQ_CST);
}

static inline void flag_clear(unsigned long *word, unsigned long mask)
{
	__atomic_fetch_and(word, ~mask, __ATOMIC_SEQ_CST);
}

/* True if any bit of the mask was set before. */
static inline bool flag_test_set(unsigned long *word, unsigned long mask)
{
	return __atomic_fetch_or(word, mask, __ATOMIC_SEQ_CST) & mask;
}

static inline bool flag_test_clear(unsigned long *word, unsigned long mask)
{
	return __atomic_fetch_and(word, ~mask, __ATOMIC_SEQ_CST) & mask;
}
