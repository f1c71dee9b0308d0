/*
 * sort - heap sort: no recursion, no memory, no bad input.
 */
#include <lib/sort.h>

struct sorter {
	u8 *base;
	size_t size;
	int (*cmp)(const void *a, const void *b, void *ctx);
	void *ctx;
};

static void swap_elements(const struct sorter *s, size_t i, size_t j)
{
	u8 *a = s->base + i * s->size, *b = s->base + j * s->size;
	size_t n = s->size;

	if ((((uintptr_t)a | (uintptr_t)b | n) & 7) == 0) {
		u64 *x = (u64 *)a, *y = (u64 *)b;

		for (; n; n -= 8, x++, y++)
			swap(*x, *y);
		return;
	}
	for (; n; n--, a++, b++)
		swap(*a, *b);
}

static bool is_less(const struct sorter *s, size_t i, size_t j)
{
	return s->cmp(s->base + i * s->size, s->base + j * s->size,
		      s->ctx) < 0;
}

/* The heap of n elements is sound but for its element i, which may sink. */
static void sift_down(const struct sorter *s, size_t i, size_t n)
{
	size_t child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && is_less(s, child, child + 1))
			child++;
		if (!is_less(s, i, child))
			return;
		swap_elements(s, i, child);
		i = child;
	}
}

void sort(void *base, size_t n, size_t size,
	  int (*cmp)(const void *a, const void *b, void *ctx), void *ctx)
{
	const struct sorter s = { base, size, cmp, ctx };
	size_t i;

	for (i = n / 2; i-- > 0;)
		sift_down(&s, i, n);
	for (i = n; i-- > 1;) {
		swap_elements(&s, 0, i);
		sift_down(&s, 0, i);
	}
}
