/*
 * bitmap - arrays of bits in unsigned longs; nothing here is atomic.
 *
 * Bit scans use multiplication and shifts: without Zbb the compiler's own
 * builtins would call a run-time library that the kernel does not link.
 */
#pragma once

#include <lib/compiler.h>

#define BITS_PER_LONG 64
#define BITS_TO_LONGS(n) DIV_ROUND_UP((size_t)(n), (size_t)BITS_PER_LONG)
#define DECLARE_BITMAP(name, n) unsigned long name[BITS_TO_LONGS(n)]

/* Index of the lowest set bit; x is not 0. */
static __always_inline unsigned int __ffs64(u64 x)
{
	unsigned int n = 0, s;

	for (s = 32; s; s >>= 1) {
		if (!(x & ((1ULL << s) - 1))) {
			x >>= s;
			n += s;
		}
	}
	return n;
}

/* Index of the highest set bit; x is not 0. */
static __always_inline unsigned int __fls64(u64 x)
{
	return ilog2(x);
}

/* Counted from 1; 0 if no bit is set. */
static __always_inline unsigned int ffs64(u64 x)
{
	return x ? __ffs64(x) + 1 : 0;
}

static __always_inline unsigned int fls64(u64 x)
{
	return x ? __fls64(x) + 1 : 0;
}

#if !__STDC_HOSTED__
static __always_inline int ffs(int x)
{
	return (int)ffs64((u32)x);
}
#endif

static __always_inline int fls(u32 x)
{
	return (int)fls64(x);
}

static __always_inline unsigned int hweight64(u64 x)
{
	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (unsigned int)(x * 0x0101010101010101ULL >> 56);
}

static __always_inline unsigned int hweight32(u32 x)
{
	return hweight64(x);
}

static __always_inline void bit_set(unsigned long *map, size_t bit)
{
	map[bit / BITS_PER_LONG] |= BIT(bit % BITS_PER_LONG);
}

static __always_inline void bit_clear(unsigned long *map, size_t bit)
{
	map[bit / BITS_PER_LONG] &= ~BIT(bit % BITS_PER_LONG);
}

static __always_inline void bit_assign(unsigned long *map, size_t bit, bool on)
{
	if (on)
		bit_set(map, bit);
	else
		bit_clear(map, bit);
}

static __always_inline bool bit_test(const unsigned long *map, size_t bit)
{
	return map[bit / BITS_PER_LONG] >> (bit % BITS_PER_LONG) & 1;
}

/* Return what the bit was. */
static __always_inline bool bit_test_and_set(unsigned long *map, size_t bit)
{
	bool old = bit_test(map, bit);

	bit_set(map, bit);
	return old;
}

static __always_inline bool bit_test_and_clear(unsigned long *map, size_t bit)
{
	bool old = bit_test(map, bit);

	bit_clear(map, bit);
	return old;
}

/* Every map has n bits; those past n in the last word are ignored. */
void bitmap_zero(unsigned long *map, size_t n);
void bitmap_set(unsigned long *map, size_t start, size_t count);
void bitmap_clear(unsigned long *map, size_t start, size_t count);
size_t bitmap_weight(const unsigned long *map, size_t n);

/* The index found, at or after start; n if there is none. */
size_t find_next_bit(const unsigned long *map, size_t n, size_t start);
size_t find_next_zero(const unsigned long *map, size_t n, size_t start);
/* The last set bit below n; n if there is none. */
size_t find_last_bit(const unsigned long *map, size_t n);
/* The first run of count zero bits at or after start; n if there is none. */
size_t find_zero_run(const unsigned long *map, size_t n, size_t start,
		     size_t count);

static inline size_t find_first_bit(const unsigned long *map, size_t n)
{
	return find_next_bit(map, n, 0);
}

static inline size_t find_first_zero(const unsigned long *map, size_t n)
{
	return find_next_zero(map, n, 0);
}

#define for_each_bit(bit, map, n)                                           \
	for (bit = find_first_bit(map, n); bit < (n);                       \
	     bit = find_next_bit(map, n, (bit) + 1))
#define for_each_clear_bit(bit, map, n)                                     \
	for (bit = find_first_zero(map, n); bit < (n);                      \
	     bit = find_next_zero(map, n, (bit) + 1))
