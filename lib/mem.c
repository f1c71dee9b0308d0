/*
 * mem - copy, fill and compare memory.
 *
 * Theory: a copy aligns the target, then moves blocks of eight words, loaded
 *         before they are stored: when an emulator's direct-mapped TLB lets
 *         source and target evict each other, that costs two misses a block
 *         and not sixteen.  A source that is aligned otherwise is read in
 *         aligned words, and shifted together, since some harts trap on
 *         misaligned loads.  Such a load may read bytes beside the range,
 *         but never outside an aligned word that the range touches.
 */
#include <lib/string.h>

#define WORD sizeof(u64)
#define BLOCK (8 * WORD)
#define ONES 0x0101010101010101ULL

typedef u64 __may_alias word_t;

static __always_inline bool both_aligned(const void *a, const void *b)
{
	return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1)) == 0;
}

/* Eight registers: more would have to be saved first. */
static __always_inline void copy_block(word_t *d, const word_t *s)
{
	u64 a0 = s[0], a1 = s[1], a2 = s[2], a3 = s[3];
	u64 a4 = s[4], a5 = s[5], a6 = s[6], a7 = s[7];

	barrier();
	d[0] = a0;
	d[1] = a1;
	d[2] = a2;
	d[3] = a3;
	d[4] = a4;
	d[5] = a5;
	d[6] = a6;
	d[7] = a7;
	barrier();
}

/* d aligned, s not: n bytes, a multiple of a word, forwards. */
static __no_asan void copy_shifted(word_t *d, const u8 *s, size_t n)
{
	unsigned int off = (uintptr_t)s & (WORD - 1);
	unsigned int lo = off * 8, hi = 64 - lo;
	const word_t *w = (const word_t *)(s - off);
	u64 cur = *w++;

	for (; n >= 4 * WORD; n -= 4 * WORD, d += 4, w += 4) {
		u64 a0 = w[0], a1 = w[1], a2 = w[2], a3 = w[3];

		barrier();
		d[0] = cur >> lo | a0 << hi;
		d[1] = a0 >> lo | a1 << hi;
		d[2] = a1 >> lo | a2 << hi;
		d[3] = a2 >> lo | a3 << hi;
		cur = a3;
	}
	for (; n; n -= WORD) {
		u64 next = *w++;

		*d++ = cur >> lo | next << hi;
		cur = next;
	}
}

static __always_inline void copy_bytes(u8 *d, const u8 *s, size_t n)
{
	while (n--)
		*d++ = *s++;
}

/* Both aligned, so the tail can go in halves. */
static __always_inline void copy_words(u8 *d, const u8 *s, size_t n)
{
	for (; n >= BLOCK; n -= BLOCK, d += BLOCK, s += BLOCK)
		copy_block((word_t *)d, (const word_t *)s);
	for (; n >= WORD; n -= WORD, d += WORD, s += WORD)
		*(word_t *)d = *(const word_t *)s;
	if (n & 4) {
		*(u32 __may_alias *)d = *(const u32 __may_alias *)s;
		d += 4;
		s += 4;
	}
	copy_bytes(d, s, n & 3);
}

/*
 * Forwards: right for overlap too if dst is below src.  In line, as a call
 * costs an emulator as much as 30 words.
 */
static __always_inline __no_loop_idiom
void copy_up(u8 *d, const u8 *s, size_t n)
{
	size_t part;

	if (!both_aligned(d, s) && n >= 2 * WORD) {
		part = -(uintptr_t)d & (WORD - 1);
		copy_bytes(d, s, part);
		d += part;
		s += part;
		n -= part;
		if (!both_aligned(d, s)) {
			part = n & ~(WORD - 1);
			copy_shifted((word_t *)d, s, part);
			d += part;
			s += part;
			n -= part;
		}
	}
	if (both_aligned(d, s))
		copy_words(d, s, n);
	else
		copy_bytes(d, s, n);
}

/* Backwards, for overlap with dst above src. */
static __no_loop_idiom void copy_down(u8 *d, const u8 *s, size_t n)
{
	d += n;
	s += n;
	if ((((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
		while (n && ((uintptr_t)d & (WORD - 1))) {
			*--d = *--s;
			n--;
		}
		while (n >= WORD) {
			d -= WORD;
			s -= WORD;
			n -= WORD;
			*(word_t *)d = *(const word_t *)s;
		}
	}
	while (n--)
		*--d = *--s;
}

__used __hot __no_loop_idiom
void *(memcpy)(void *restrict dst, const void *restrict src, size_t n)
{
	copy_up(dst, src, n);
	return dst;
}

__used __no_loop_idiom
void *memmove(void *dst, const void *src, size_t n)
{
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		copy_up(dst, src, n);
	else
		copy_down(dst, src, n);
	return dst;
}

static __always_inline void fill_blocks(word_t *d, u64 v, size_t n)
{
	for (; n >= BLOCK; n -= BLOCK, d += 8) {
		d[0] = v;
		d[1] = v;
		d[2] = v;
		d[3] = v;
		d[4] = v;
		d[5] = v;
		d[6] = v;
		d[7] = v;
	}
}

__used __hot __no_loop_idiom
void *(memset)(void *dst, int c, size_t n)
{
	u64 v = (u8)c * ONES;
	u8 *d = dst;

	if (n >= 2 * WORD) {
		for (; (uintptr_t)d & (WORD - 1); n--)
			*d++ = (u8)c;
		fill_blocks((word_t *)d, v, n & ~(BLOCK - 1));
		d += n & ~(BLOCK - 1);
		n &= BLOCK - 1;
		for (; n >= WORD; n -= WORD, d += WORD)
			*(word_t *)d = v;
	}
	while (n--)
		*d++ = (u8)c;
	return dst;
}

__used __no_loop_idiom
int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	if (both_aligned(x, y)) {
		while (n >= WORD &&
		       *(const word_t *)x == *(const word_t *)y) {
			x += WORD;
			y += WORD;
			n -= WORD;
		}
	}
	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void memzero_explicit(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory");
}

__hot __no_loop_idiom
void page_copy(void *restrict dst, const void *restrict src)
{
	word_t *d = dst;
	const word_t *s = src, *end = s + 4096 / WORD;

	for (; s != end; d += 32, s += 32) {
		copy_block(d, s);
		copy_block(d + 8, s + 8);
		copy_block(d + 16, s + 16);
		copy_block(d + 24, s + 24);
	}
}

__hot __no_loop_idiom
void page_zero(void *dst)
{
	word_t *d = dst, *end = d + 4096 / WORD;

	for (; d != end; d += 32) {
		fill_blocks(d, 0, BLOCK);
		fill_blocks(d + 8, 0, BLOCK);
		fill_blocks(d + 16, 0, BLOCK);
		fill_blocks(d + 24, 0, BLOCK);
	}
}

void *memchr(const void *p, int c, size_t n)
{
	const u8 *s = p;

	for (; n && *s != (u8)c; n--)
		s++;
	return n ? (void *)(uintptr_t)s : NULL;
}

void *memrchr(const void *p, int c, size_t n)
{
	const u8 *s = p;

	while (n--) {
		if (s[n] == (u8)c)
			return (void *)(uintptr_t)(s + n);
	}
	return NULL;
}

void *memchr_inv(const void *p, int c, size_t n)
{
	u64 v = (u8)c * ONES;
	const u8 *s = p;

	for (; n && ((uintptr_t)s & (WORD - 1)); s++, n--) {
		if (*s != (u8)c)
			return (void *)(uintptr_t)s;
	}
	for (; n >= WORD && *(const word_t *)s == v; n -= WORD)
		s += WORD;
	for (; n; s++, n--) {
		if (*s != (u8)c)
			return (void *)(uintptr_t)s;
	}
	return NULL;
}
