/*
 * hash - words in, one word out.
 *
 * Bytes are taken eight at a time.  The address may be odd: then two aligned
 * words are shifted together, as some harts trap on misaligned loads.  Each
 * aligned word read holds at least one byte of the range, so no page is
 * touched that the range does not touch.
 */
#include <lib/hash.h>
#include <lib/string.h>

typedef u64 __may_alias word_t;

/* Spreads the entropy of the top bits down, so that any bits can be used. */
static __always_inline u64 finish(u64 h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ h >> 32;
}

__hot __no_asan u64 hash_bytes(const void *p, size_t n, u64 seed)
{
	unsigned int off = (uintptr_t)p & 7, lo = off * 8;
	const word_t *w = (const word_t *)((uintptr_t)p - off);
	u64 h = seed ^ n * HASH_GOLDEN_64, cur;

	if (!off) {
		for (; n >= 8; n -= 8)
			h = hash_mix(h, *w++);
		if (n)
			h = hash_mix(h, *w << (64 - 8 * n) >> (64 - 8 * n));
		return finish(h);
	}
	if (!n)
		return finish(h);
	cur = *w++ >> lo;
	for (; n >= 8; n -= 8) {
		u64 next = *w++;

		h = hash_mix(h, cur | next << (64 - lo));
		cur = next >> lo;
		if (n == 8)
			return finish(h);
	}
	if (n > 8 - off)
		cur |= *w << (64 - lo);
	return finish(hash_mix(h, cur << (64 - 8 * n) >> (64 - 8 * n)));
}
