/*
 * bitmap - sets of bits, a word at a time.
 */
#include <lib/bitmap.h>

/* The bits of word number i that belong to a map of n bits. */
static __always_inline unsigned long word_mask(size_t i, size_t n)
{
	size_t left = n - i * BITS_PER_LONG;

	return left >= BITS_PER_LONG ? ~0UL : BIT(left) - 1;
}

void bitmap_zero(unsigned long *map, size_t n)
{
	size_t i;

	for (i = 0; i < BITS_TO_LONGS(n); i++)
		map[i] = 0;
}

/* The part of [start, start + count) that lies in the word of start. */
static __always_inline unsigned long run_mask(size_t start, size_t count)
{
	size_t off = start % BITS_PER_LONG, end = off + count;
	unsigned long high = end >= BITS_PER_LONG ? ~0UL : BIT(end) - 1;

	return high & ~0UL << off;
}

void bitmap_set(unsigned long *map, size_t start, size_t count)
{
	while (count) {
		size_t here = min(count, BITS_PER_LONG - start % BITS_PER_LONG);

		map[start / BITS_PER_LONG] |= run_mask(start, here);
		start += here;
		count -= here;
	}
}

void bitmap_clear(unsigned long *map, size_t start, size_t count)
{
	while (count) {
		size_t here = min(count, BITS_PER_LONG - start % BITS_PER_LONG);

		map[start / BITS_PER_LONG] &= ~run_mask(start, here);
		start += here;
		count -= here;
	}
}

size_t bitmap_weight(const unsigned long *map, size_t n)
{
	size_t i, sum = 0;

	for (i = 0; i < BITS_TO_LONGS(n); i++)
		sum += hweight64(map[i] & word_mask(i, n));
	return sum;
}

/* The first bit that differs from those of flip (all or none). */
static __always_inline size_t scan(const unsigned long *map, size_t n,
				   size_t start, unsigned long flip)
{
	size_t i = start / BITS_PER_LONG;
	unsigned long w;

	if (start >= n)
		return n;
	w = (map[i] ^ flip) & ~0UL << (start % BITS_PER_LONG);
	while (!w) {
		if (++i * BITS_PER_LONG >= n)
			return n;
		w = map[i] ^ flip;
	}
	return min(n, i * BITS_PER_LONG + __ffs64(w));
}

size_t find_next_bit(const unsigned long *map, size_t n, size_t start)
{
	return scan(map, n, start, 0);
}

size_t find_next_zero(const unsigned long *map, size_t n, size_t start)
{
	return scan(map, n, start, ~0UL);
}

size_t find_last_bit(const unsigned long *map, size_t n)
{
	size_t i = BITS_TO_LONGS(n);

	while (i-- > 0) {
		unsigned long w = map[i] & word_mask(i, n);

		if (w)
			return i * BITS_PER_LONG + __fls64(w);
	}
	return n;
}

size_t find_zero_run(const unsigned long *map, size_t n, size_t start,
		     size_t count)
{
	for (;;) {
		size_t end;

		start = find_next_zero(map, n, start);
		if (start >= n || n - start < count)
			return n;
		end = find_next_bit(map, start + count, start);
		if (end == start + count)
			return start;
		start = end;
	}
}
