/*
 * compiler - attributes, and the small macros every file uses.
 *
 * Two checks are switched on by the build, under clang only: __CHECK_AS__
 * turns __user and __iomem into address spaces, __CHECK_LOCKS__ (to be given
 * together with -Wthread-safety) turns the lock annotations on.  gcc sees
 * nothing of either.
 */
#pragma once

#include <lib/types.h>

#undef __always_inline
#undef __noreturn
#undef __packed
#undef __section
#undef __weak
#undef static_assert

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __must_check __attribute__((__warn_unused_result__))
#define __packed __attribute__((__packed__))
#define __aligned(n) __attribute__((__aligned__(n)))
#define __always_inline inline __attribute__((__always_inline__))
#define noinline __attribute__((__noinline__))
#define __noreturn __attribute__((__noreturn__))
#define __printf(a, b) __attribute__((__format__(__printf__, a, b)))
#define __hot __attribute__((__hot__))
#define __cold __attribute__((__cold__))
#define __section(s) __attribute__((__section__(s)))
#define __used __attribute__((__used__))
#define __maybe_unused __attribute__((__unused__))
#define __weak __attribute__((__weak__))
#define __const_fn __attribute__((__const__))
#define __pure_fn __attribute__((__pure__))
#define __may_alias __attribute__((__may_alias__))
#define fallthrough __attribute__((__fallthrough__))
#define static_assert _Static_assert
#define EXPORT

#if defined(__clang__)
#define __flatten __attribute__((__flatten__))
#define __no_loop_idiom __attribute__((no_builtin("memcpy", "memset", \
						  "memmove", "strlen")))
#define __no_asan __attribute__((no_sanitize("address")))
#else
#define __flatten __attribute__((__flatten__))
#define __no_loop_idiom \
	__attribute__((__optimize__("no-tree-loop-distribute-patterns")))
#define __no_asan __attribute__((no_sanitize_address))
#endif

/* Pointers that only typed access functions may follow. */
#if defined(__clang__) && defined(__CHECK_AS__)
#define __user __attribute__((address_space(1)))
#define __iomem __attribute__((address_space(2)))
#else
#define __user
#define __iomem
#endif

/*
 * Lock annotations.  Older clang cannot name a sibling field from within a
 * struct, so fields are checked only by a clang that parses them late.
 */
#if defined(__clang__) && defined(__CHECK_LOCKS__)
#define __capability(name) __attribute__((capability(name)))
#define __scoped_lock __attribute__((scoped_lockable))
#define __must_hold(...) __attribute__((requires_capability(__VA_ARGS__)))
#define __must_hold_shared(...) \
	__attribute__((requires_shared_capability(__VA_ARGS__)))
#define __must_not_hold(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define __acquires(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define __acquires_shared(...) \
	__attribute__((acquire_shared_capability(__VA_ARGS__)))
#define __releases(...) __attribute__((release_capability(__VA_ARGS__)))
#define __releases_shared(...) \
	__attribute__((release_shared_capability(__VA_ARGS__)))
/* Acquired if it returns `value`: 0 for those with -Exxx, 1 for bool. */
#define __try_acquires(value, ...) \
	__attribute__((try_acquire_capability(value, __VA_ARGS__)))
#define __asserts_held(...) __attribute__((assert_capability(__VA_ARGS__)))
#define __no_analysis __attribute__((no_thread_safety_analysis))
#else
#define __capability(name)
#define __scoped_lock
#define __must_hold(...)
#define __must_hold_shared(...)
#define __must_not_hold(...)
#define __acquires(...)
#define __acquires_shared(...)
#define __releases(...)
#define __releases_shared(...)
#define __try_acquires(value, ...)
#define __asserts_held(...)
#define __no_analysis
#endif

#if defined(__clang__) && defined(__CHECK_LOCKS__) && __clang_major__ >= 20 && \
	defined(__CHECK_LOCK_FIELDS__)
#define __guarded_by(...) __attribute__((guarded_by(__VA_ARGS__)))
#define __pt_guarded_by(...) __attribute__((pt_guarded_by(__VA_ARGS__)))
#else
#define __guarded_by(...)
#define __pt_guarded_by(...)
#endif

/*
 * One access, of the full width, neither torn nor repeated by the compiler.
 * A dependent load through a READ_ONCE pointer is ordered after it (RVWMO
 * rule 9), so a reader of published data needs no fence.
 */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
/* What was written before is visible to who sees the new value. */
#define STORE_RELEASE(x, v)                                                    \
	do {                                                                   \
		__atomic_thread_fence(__ATOMIC_RELEASE);                       \
		WRITE_ONCE(x, v);                                              \
	} while (0)
#define LOAD_ACQUIRE(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define barrier() __asm__ volatile("" : : : "memory")
#define OPTIMIZER_HIDE(v) __asm__ volatile("" : "+r"(v))

#ifndef offsetof
#define offsetof(t, m) __builtin_offsetof(t, m)
#endif
#define sizeof_field(t, m) sizeof(((t *)0)->m)
#define container_of(ptr, type, member)                                     \
	((type *)((char *)(1 ? (ptr) : &((type *)0)->member) -              \
		  offsetof(type, member)))
#define ARRAY_SIZE(a) \
	(sizeof(a) / sizeof((a)[0]) + \
	 0 * sizeof(struct { int not_a_pointer : 1 - 2 * \
		__builtin_types_compatible_p(__typeof__(a), \
					     __typeof__(&(a)[0])); }))

#define __CONCAT2(a, b) a##b
#define __CONCAT1(a, b) __CONCAT2(a, b)
#define __UNIQUE(name) __CONCAT1(name, __COUNTER__)
#define __STRINGIFY1(x) #x
#define __STRINGIFY(x) __STRINGIFY1(x)

/* Mixed signedness is caught by -Wsign-compare; MIN_C is for constants. */
#define __pick(op, a, b, x, y) ({                                           \
	__typeof__(a) x = (a);                                              \
	__typeof__(b) y = (b);                                              \
	x op y ? x : y;                                                     \
})
#define min(a, b) __pick(<, a, b, __UNIQUE(__x), __UNIQUE(__y))
#define max(a, b) __pick(>, a, b, __UNIQUE(__x), __UNIQUE(__y))
#define min_t(t, a, b) min((t)(a), (t)(b))
#define max_t(t, a, b) max((t)(a), (t)(b))
#define min3(a, b, c) min(min(a, b), c)
#define max3(a, b, c) max(max(a, b), c)
#define clamp(v, lo, hi) min(max(v, lo), hi)
#define clamp_t(t, v, lo, hi) clamp((t)(v), (t)(lo), (t)(hi))
#define MIN_C(a, b) ((a) < (b) ? (a) : (b))
#define MAX_C(a, b) ((a) > (b) ? (a) : (b))

#define __swap(a, b, t)                                                     \
	do {                                                                \
		__typeof__(a) t = (a);                                      \
		(a) = (b);                                                  \
		(b) = t;                                                    \
	} while (0)
#define swap(a, b) __swap(a, b, __UNIQUE(__t))

/* The alignment is a power of two. */
#define ALIGN_UP(x, a) \
	(((x) + ((__typeof__(x))(a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define PTR_ALIGN_UP(p, a) ((__typeof__(p))ALIGN_UP((uintptr_t)(p), a))
#define PTR_ALIGN_DOWN(p, a) ((__typeof__(p))ALIGN_DOWN((uintptr_t)(p), a))
#define PTR_IS_ALIGNED(p, a) IS_ALIGNED((uintptr_t)(p), a)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define ROUND_UP(n, d) (DIV_ROUND_UP(n, d) * (d))
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define GENMASK(hi, lo) (((~0UL) << (lo)) & (~0UL >> (63 - (hi))))

/* True if the result does not fit; *res holds the wrapped value. */
#define add_overflow(a, b, res) __builtin_add_overflow(a, b, res)
#define sub_overflow(a, b, res) __builtin_sub_overflow(a, b, res)
#define mul_overflow(a, b, res) __builtin_mul_overflow(a, b, res)

/* An error that may be ignored: the reason stands beside the call. */
#define ignore_error(x) ((void)({ __typeof__(x) __ignored = (x); __ignored; }))

static __always_inline bool is_pow2(u64 x)
{
	return x && !(x & (x - 1));
}

/* Index of the highest set bit; x is not 0.  Folds for constants. */
static __always_inline unsigned int ilog2(u64 x)
{
	unsigned int n = 0, s;

	for (s = 32; s; s >>= 1) {
		if (x >> s) {
			x >>= s;
			n += s;
		}
	}
	return n;
}

/* The smallest power of two that is >= x; 1 for 0 and 1. */
static __always_inline u64 roundup_pow2(u64 x)
{
	return x <= 1 ? 1 : 2ULL << ilog2(x - 1);
}

/* The largest power of two that is <= x; x is not 0. */
static __always_inline u64 rounddown_pow2(u64 x)
{
	return 1ULL << ilog2(x);
}

/* The smallest n with 2^n pages or bytes >= x. */
static __always_inline unsigned int order_base2(u64 x)
{
	return x <= 1 ? 0 : ilog2(x - 1) + 1;
}
