/*
 * sort - in place, O(n log n) always, no recursion, not stable.
 */
#pragma once

#include <lib/compiler.h>

/* cmp gets two elements and ctx: below, equal or above zero. */
void sort(void *base, size_t n, size_t size,
	  int (*cmp)(const void *a, const void *b, void *ctx), void *ctx);
