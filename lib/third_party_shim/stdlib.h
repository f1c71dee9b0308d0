/*
 * <stdlib.h> for third-party sources: there is no heap.  All memory is lent
 * by the caller, and whoever asks for more is told that there is none.
 */
#pragma once
#include <lib/types.h>

static inline void *malloc(size_t n)
{
	(void)n;
	return NULL;
}

static inline void *calloc(size_t n, size_t size)
{
	(void)n;
	(void)size;
	return NULL;
}

static inline void free(void *p)
{
	(void)p;
}
